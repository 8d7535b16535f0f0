// What PyScript's worker imports instead of Pyodide itself: the same Pyodide, but its memory comes
// from a snapshot made at build time, with the core already imported. Should a browser refuse the
// snapshot (an experimental feature of Pyodide), Pyodide starts the long way, to the same end.

import { loadPyodide as load, version } from "../vendor/pyodide/pyodide.mjs";
import { unpack, writeSources } from "./snapshot.js";

export { version };

const near = (name) => new URL(name, import.meta.url).href;

async function fetched(name) {
  const reply = await fetch(near(name));
  if (!reply.ok) throw new Error(`${reply.status} for ${name}`);
  return reply;
}

async function memory() {
  const packed = (await fetched("../core/memory.gz.bin")).body;
  return unpack(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// Compiled while the snapshot is unpacked; Pyodide's own request for it then finds it done.
const wasm = fetched("../vendor/pyodide/pyodide.asm.wasm").then(WebAssembly.compileStreaming);
wasm.catch(() => null);
const sources = fetched("../core/sources.json").then((reply) => reply.json());
const snapshot = memory().catch(() => null);

export async function loadPyodide(options) {
  const wanted = { ...options, indexURL: near("../vendor/pyodide/") };
  const python = await start(wanted, await snapshot);
  writeSources(python, await sources);
  return python;
}

async function start(options, bytes) {
  if (bytes) {
    try {
      return await load({ ...options, _loadSnapshot: bytes });
    } catch (error) {
      console.info(`ringside: starting without a snapshot (${error.message})`);
    }
  }
  return load(options);
}
