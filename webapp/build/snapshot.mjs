// The core, ready to run: its sources, and Pyodide's memory after everything was imported once.
// node snapshot.mjs PYODIDE_FOLDER SOURCES.json SNAPSHOT
//
// The snapshot holds only the pages of memory that are not empty, packed with gzip:
// page count, number of full pages, their numbers (32 bit each, little endian), then the pages.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { writeSources } from "../../static/js/snapshot.js";

// Node would print the minified line an error came from, all of it; the message says enough.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});

const PAGE = 4096;
const [folder, sources, target] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${folder}/`, _makeSnapshot: true });
writeSources(python, JSON.parse(readFileSync(sources, "utf8")));
python.runPython(readFileSync(new URL("./warm_up.py", import.meta.url), "utf8"));
const memory = python.makeMemorySnapshot();

const count = Math.ceil(memory.length / PAGE);
const whole = new Uint8Array(count * PAGE);
whole.set(memory);
const full = [];
for (let page = 0; page < count; page += 1) {
  const bytes = whole.subarray(page * PAGE, (page + 1) * PAGE);
  if (bytes.some((byte) => byte !== 0)) full.push(page);
}
const head = new Uint8Array(new Uint32Array([memory.length, full.length, ...full]).buffer);
const packed = new Uint8Array(head.length + full.length * PAGE);
packed.set(head);
full.forEach((page, at) => {
  packed.set(whole.subarray(page * PAGE, (page + 1) * PAGE), head.length + at * PAGE);
});
writeFileSync(target, gzipSync(packed, { level: 9 }));
