// Guest instructions per second in Pyodide, measured in Node: the same guests and the same baseline
// as `ringside bench`, with the core's sources as they are in the tree.

import { loadPyodide } from "pyodide";
import { fileURLToPath } from "node:url";

const core = fileURLToPath(new URL("../../core", import.meta.url));
const python = await loadPyodide();
python.FS.mkdir("/core");
python.FS.mount(python.FS.filesystems.NODEFS, { root: core }, "/core");
const report = python.runPython(`
import sys
from time import perf_counter
sys.dont_write_bytecode = True
sys.path.insert(0, "/core")
from ringside import bench
bench.pretty(bench.run(perf_counter, seconds=${Number(process.env.SECONDS ?? 1)}))
`);
console.log(`Pyodide ${python.version} in Node ${process.version}\n${report}`);
