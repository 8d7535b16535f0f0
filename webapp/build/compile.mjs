// Compiles Python archives with the very Pyodide that will run them, so that a browser loads
// byte code instead of compiling source at every start.
// node compile.mjs INPUT.zip OUTPUT.zip

import { readFileSync, writeFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

// Node would print the minified line an error came from, all of it; the message says enough.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});

const [input, output] = process.argv.slice(2);
const python = await loadPyodide();
python.FS.writeFile("/input.zip", readFileSync(input));
python.runPython(readFileSync(new URL("./archive.py", import.meta.url), "utf8"));
writeFileSync(output, python.FS.readFile("/output.zip"));
