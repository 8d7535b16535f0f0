// <ring-timeline>: the run as a strip, coloured by context, that can be scrubbed.
// The deeper a context lies, the taller its band, so colour is never the only sign.

import { SVG } from "./shapes.js";

const HEIGHT = 34;
const BAND = { app: 14, kernel: 20, host: 24, vmm: 28, device: 10 };

class RingTimeline extends HTMLElement {
  #svg;
  #last = { total: 0, segments: [], marks: [] };
  #step = 0;
  #span = 1;
  #words = { context: {}, kind: {} };
  #bar;
  #knob;
  #hint;
  #drag = false;
  #drawn = "";
  #width = 0; // as last told; asking the browser would cost a layout

  connectedCallback() {
    if (this.#svg) return;
    this.setAttribute("role", "slider");
    this.tabIndex = 0;
    this.replaceChildren();
    this.#svg = document.createElementNS(SVG, "svg");
    this.#svg.setAttribute("aria-hidden", "true");
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#bar = document.createElementNS(SVG, "g");
    this.#svg.append(this.#bar);
    this.#knob = document.createElement("span");
    this.#knob.className = "knob";
    this.#hint = document.createElement("span");
    this.#hint.className = "hint";
    this.#hint.hidden = true;
    this.append(this.#svg, this.#knob, this.#hint);
    new ResizeObserver(([entry]) => {
      this.#width = Math.round(entry.contentRect.width);
      this.#draw();
    }).observe(this);
    this.addEventListener("pointerdown", (event) => this.#start(event));
    this.addEventListener("pointermove", (event) => this.#move(event));
    this.addEventListener("pointerup", () => this.#stop());
    this.addEventListener("pointercancel", () => this.#stop());
    this.addEventListener("pointerleave", () => (this.#hint.hidden = true));
    this.#place();
  }

  /** Names of contexts and kinds, for the hint: {context: {app: "…"}, kind: {trap: "…"}}. */
  set words(words) {
    this.#words = words;
  }

  /** `timeline` = {total, segments, marks}; `open` leaves room at the end for what is still to come. */
  show(timeline, step, open) {
    this.#last = timeline;
    this.#step = step;
    const known = Math.max(timeline.total ?? 0, step, 1);
    this.#span = open ? Math.ceil(known * 1.06) : known;
    this.setAttribute("aria-valuemin", "0");
    this.setAttribute("aria-valuemax", `${known}`);
    this.setAttribute("aria-valuenow", `${step}`);
    const context = this.#at(step);
    const name = this.#words.context?.[context] ?? context;
    this.setAttribute("aria-valuetext", name ? `${step} · ${name}` : `${step}`);
    this.#draw();
    this.#place();
  }

  #draw() {
    const width = this.#width;
    if (!width) return;
    const { segments = [], marks = [] } = this.#last;
    const end = segments.length ? segments[segments.length - 1][1] : 0;
    const state = `${width}/${this.#span}/${segments.length}/${end}/${marks.length}`;
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const scale = width / this.#span;
    const parts = [`<rect class="track" x="0" y="11" width="${width}" height="12" rx="4"/>`];
    for (const [from, to, context] of bands(segments, scale)) {
      const tall = BAND[context] ?? 16;
      const x = round(from * scale);
      const wide = Math.max(round(to * scale) - x, 1);
      const y = (HEIGHT - tall) / 2;
      parts.push(`<rect class="band ${context}" x="${x}" y="${y}" width="${wide}" height="${tall}"/>`);
    }
    let lastX = -9;
    for (const [step, kind] of marks) {
      const x = round((step + 0.5) * scale);
      if (x - lastX < 3) continue; // more marks than pixels: one speaks for its neighbours
      lastX = x;
      parts.push(`<rect class="mark ${kind}" x="${x - 0.75}" y="0" width="1.5" height="3"/>`);
    }
    this.#bar.innerHTML = parts.join("");
  }

  #place() {
    const share = Math.min((this.#step + 0.5) / (this.#span || 1), 1);
    const at = `${(share * 100).toFixed(3)}%`;
    this.#knob?.style.setProperty("left", `clamp(11px, ${at}, calc(100% - 11px))`);
  }

  #at(step) {
    const segments = this.#last.segments ?? [];
    let low = 0;
    let high = segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [from, to, context] = segments[middle];
      if (step < from) high = middle - 1;
      else if (step >= to) low = middle + 1;
      else return context;
    }
    return "";
  }

  #stepAt(event) {
    const box = this.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const known = Math.max(this.#last.total ?? 0, this.#step);
    return Math.max(0, Math.min(Math.floor(share * this.#span), known));
  }

  #start(event) {
    if (event.button !== 0) return;
    this.#drag = true;
    this.setPointerCapture(event.pointerId);
    this.focus();
    this.#say(event);
    this.#scrub(this.#stepAt(event));
  }

  #move(event) {
    this.#say(event);
    if (this.#drag) this.#scrub(this.#stepAt(event));
  }

  #stop() {
    this.#drag = false;
  }

  #scrub(step) {
    if (step === this.#step) return;
    this.#step = step;
    this.#place();
    this.dispatchEvent(new CustomEvent("scrub", { detail: step, bubbles: true }));
  }

  #say(event) {
    const step = this.#stepAt(event);
    const context = this.#at(step);
    const marks = (this.#last.marks ?? []).filter((mark) => mark[0] === step);
    const words = [`${step}`, this.#words.context?.[context] ?? context];
    for (const [, kind] of marks) words.push(this.#words.kind?.[kind] ?? kind);
    this.#hint.textContent = words.filter(Boolean).join(" · ");
    this.#hint.hidden = false;
    const share = Math.min((step + 0.5) / this.#span, 1);
    this.#hint.style.left = `${Math.max(4, Math.min(share * 100, 96)).toFixed(2)}%`;
  }
}

const round = (value) => Math.round(value * 4) / 4;

/** Segments thinner than a pixel are joined; the context that fills most of the pixel shows. */
function bands(segments, scale) {
  const result = [];
  let start = null;
  let weights = {};
  const close = (end) => {
    if (start === null) return;
    const context = Object.keys(weights).sort((a, b) => weights[b] - weights[a])[0];
    const last = result[result.length - 1];
    if (last && last[2] === context && last[1] === start) last[1] = end;
    else result.push([start, end, context]);
    start = null;
    weights = {};
  };
  for (const [from, to, context] of segments) {
    if ((to - from) * scale >= 1.25) {
      close(from);
      result.push([from, to, context]);
      continue;
    }
    if (start === null) start = from;
    weights[context] = (weights[context] ?? 0) + (to - from);
    if ((to - start) * scale >= 1.25) close(to);
  }
  if (segments.length) close(segments[segments.length - 1][1]);
  return result;
}

customElements.define("ring-timeline", RingTimeline);
