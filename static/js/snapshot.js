// Files and memory of a Pyodide in which the core was imported when the site was built.
// Written by webapp/build/snapshot.mjs, read by pyodide.js.

const HOME = "/home/pyodide";
const PAGE = 4096;

/** Put the core's files where Python finds them. */
export function writeSources(python, sources) {
  for (const [name, text] of Object.entries(sources)) {
    const path = `${HOME}/${name}`;
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, text);
  }
}

/** Memory as it was: the pages that are not empty, put back in their places. */
export function unpack(bytes) {
  const words = new Uint32Array(bytes);
  const [length, full] = words;
  const memory = new Uint8Array(Math.ceil(length / PAGE) * PAGE);
  const first = 4 * (2 + full);
  for (let at = 0; at < full; at += 1) {
    const page = new Uint8Array(bytes, first + at * PAGE, PAGE);
    memory.set(page, words[2 + at] * PAGE);
  }
  return memory.subarray(0, length);
}
