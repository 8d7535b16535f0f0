// A recorded run: every distinct piece (node, row, panel) is kept once, frames point at pieces.
// Opening a frame is a look-up, so seeking is as cheap as stepping, and equal pieces are one object.

export class Recording {
  #data;
  #frames = new Map();

  constructor(data) {
    this.#data = data;
  }

  get config() {
    return this.#data.config;
  }

  /** Number of the last recorded step. */
  get last() {
    return this.#data.frames.length - 1;
  }

  get timeline() {
    return this.#data.timeline;
  }

  /** The frame at `step`, in the form the session itself answers. */
  frame(step) {
    let frame = this.#frames.get(step);
    if (!frame) {
      frame = this.#open(this.#data.frames[step]);
      this.#frames.set(step, frame);
    }
    return frame;
  }

  /** The next (or previous) step after `step` with a mark of `kind`, or null. */
  find(step, way, kind) {
    const steps = this.#data.timeline.marks
      .filter((mark) => mark[1] === kind && (mark[0] - step) * way > 0 && mark[0] <= this.last)
      .map((mark) => mark[0]);
    if (!steps.length) return null;
    return way > 0 ? Math.min(...steps) : Math.max(...steps);
  }

  #open(packed) {
    const { pieces } = this.#data;
    const [rest, scene, nodes, panels] = packed;
    return {
      ...pieces[rest],
      scene: { ...pieces[scene], nodes: nodes.map((at) => pieces[at]) },
      panels: panels.map((at) => this.#panel(at)),
      timeline: this.#data.timeline,
    };
  }

  #panel(at) {
    const piece = this.#data.pieces[at];
    if (piece.$rows && !piece.rows) piece.rows = piece.$rows.map((row) => this.#data.pieces[row]);
    return piece;
  }
}

const open = new Map();

/** Fetch a recording once; a page that asked early shares the answer. */
export function recording(url) {
  if (!open.has(url)) {
    const early = globalThis.ringsideEarly?.[url];
    const text = early ?? fetch(url).then((reply) => (reply.ok ? reply.json() : null));
    open.set(url, text.then((data) => data && new Recording(data)).catch(() => null));
  }
  return open.get(url);
}
