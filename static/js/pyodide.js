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

// Pyodide asks for its parts one after the other, once it is told to start. Here they are asked for
// at once, and handed over when it does; the program is compiled meanwhile (the engine knows it
// again by its bytes).
const parts = new Map();
for (const name of ["pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"]) {
  const url = near(`../vendor/pyodide/${name}`);
  const reply = fetch(url);
  reply.catch(() => null);
  parts.set(url, reply);
  if (name.endsWith(".wasm")) {
    reply.then((whole) => WebAssembly.compileStreaming(whole.clone())).catch(() => null);
  }
}
const ask = globalThis.fetch;
globalThis.fetch = (what, ...rest) => {
  const url = String(what.url ?? what);
  const reply = parts.get(url);
  parts.delete(url);
  return reply ?? ask(what, ...rest);
};

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
