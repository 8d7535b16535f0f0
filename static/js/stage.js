// <ring-stage>: draws one picture, a flat list of keyed nodes. The same key keeps its element, so
// what moves is seen to move. One call per picture; colours come from stage.css alone.

import { SVG, anchor, attributes, sameForm } from "./shapes.js";
import { appear, duration, dropGhosts, flash, reshape, shift, vanish } from "./motion.js";

const MARKER =
  '<marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" ' +
  'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="context-stroke"/></marker>';

class RingStage extends HTMLElement {
  #svg = null;
  #elements = new Map(); // key -> element
  #nodes = new Map(); // key -> node data as drawn
  #tip = null;
  #focusKey = null;

  connectedCallback() {
    // The page comes with a wide and a tall picture; the style sheet shows the one that fits.
    const given = [...this.querySelectorAll("svg")];
    this.#svg = given.find((svg) => getComputedStyle(svg).display !== "none") ?? null;
    for (const svg of given) if (svg !== this.#svg) svg.remove();
    if (this.#svg) this.#adopt();
    else this.#create();
    this.#tip = document.createElement("div");
    this.#tip.className = "tip";
    this.#tip.hidden = true;
    this.#tip.setAttribute("aria-hidden", "true"); // the node's own label says the same
    this.append(this.#tip);
    this.addEventListener("pointerover", (event) => this.#point(event.target));
    this.addEventListener("pointerleave", () => this.#hide());
    this.addEventListener("focusin", (event) => this.#point(event.target));
    this.addEventListener("focusout", () => this.#hide());
    this.addEventListener("click", (event) => this.#point(event.target));
    this.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Draw `scene` = {width, height, nodes}. `speed` scales movement; `quiet` draws without any. */
  show(scene, speed = 1, quiet = false) {
    const time = quiet ? 0 : duration(speed);
    const first = this.#nodes.size === 0;
    dropGhosts(this.#svg);
    this.#svg.setAttribute("viewBox", `0 0 ${scene.width} ${scene.height}`);
    this.style.setProperty("--stage-ratio", `${scene.width / scene.height}`);
    const seen = new Set();
    let previous = null; // element the next one must follow: paint order is list order
    for (const node of scene.nodes) {
      if (seen.has(node.key)) throw new Error(`two nodes share the key ${node.key}`);
      seen.add(node.key);
      const element = this.#draw(node, first ? 0 : time);
      const wanted = previous ? previous.nextSibling : this.#firstPlace();
      if (wanted !== element) this.#svg.insertBefore(element, this.#skipLeaving(wanted, element));
      previous = element;
    }
    for (const [key, element] of this.#elements) {
      if (seen.has(key)) continue;
      this.#elements.delete(key);
      this.#nodes.delete(key);
      element.removeAttribute("data-key");
      element.removeAttribute("tabindex");
      vanish(element, time);
    }
    this.#keepOneTabStop();
  }

  set label(text) {
    this.#svg.setAttribute("aria-label", text);
  }

  #create() {
    this.#svg = document.createElementNS(SVG, "svg");
    this.#svg.innerHTML = `<defs>${MARKER}</defs>`;
    this.append(this.#svg);
    this.#dress();
  }

  /** Take over a picture that came with the page, so that it is not drawn twice. */
  #adopt() {
    this.#dress();
    for (const element of this.#svg.querySelectorAll("[data-key]")) {
      element.querySelector("title")?.remove(); // the stage shows tips itself
      this.#elements.set(element.dataset.key, element);
    }
  }

  #dress() {
    this.#svg.setAttribute("class", "stage");
    this.#svg.setAttribute("role", "group");
    this.#svg.setAttribute("focusable", "false");
  }

  #draw(node, time) {
    const before = this.#nodes.get(node.key);
    let element = this.#elements.get(node.key);
    if (before === node) return element; // recordings share unchanged nodes
    if (element && element.localName !== node.shape) {
      vanish(element, time);
      element = undefined;
    }
    const fresh = !element;
    if (fresh) {
      element = document.createElementNS(SVG, node.shape);
      element.dataset.key = node.key;
      this.#elements.set(node.key, element);
    }
    for (const [name, value] of attributes(node)) {
      if (value === null) element.removeAttribute(name);
      else if (element.getAttribute(name) !== `${value}`) element.setAttribute(name, value);
    }
    this.#write(element, node, before, time);
    if (fresh) appear(element, time);
    else if (before) this.#animate(element, before, node, time);
    this.#nodes.set(node.key, node);
    return element;
  }

  #write(element, node, before, time) {
    const text = node.text ?? "";
    if (node.shape !== "text" || element.textContent === text) return;
    const old = element.textContent;
    element.textContent = text;
    if (!before) return;
    const value = ` ${node.cls} `.includes(" value ");
    if (value) flash(element, old, time);
  }

  #animate(element, before, after, time) {
    const [oldX, oldY] = anchor(before);
    const [x, y] = anchor(after);
    if ((oldX !== x || oldY !== y) && sameForm(before, after)) {
      shift(element, oldX - x, oldY - y, time);
    } else if (!sameForm(before, after)) {
      appear(element, time);
    }
    reshape(element, before, after, time);
  }

  #firstPlace() {
    return this.#svg.querySelector("defs")?.nextSibling ?? this.#svg.firstChild;
  }

  /** Elements on their way out keep their place; look past them before moving anything. */
  #skipLeaving(wanted, element) {
    let at = wanted;
    while (at && at !== element && (at.nodeType !== 1 || at.classList.contains("leaving"))) {
      at = at.nextSibling;
    }
    return at === element ? element.nextSibling : at;
  }

  // --- pointing and focus -------------------------------------------------------------------

  #keepOneTabStop() {
    const speaking = [...this.#nodes.values()].filter((node) => node.tip);
    const stop = speaking.some((node) => node.key === this.#focusKey)
      ? this.#focusKey
      : speaking[0]?.key;
    for (const [key, element] of this.#elements) {
      if (!this.#nodes.get(key)?.tip) element.removeAttribute("tabindex");
      else element.setAttribute("tabindex", key === stop ? "0" : "-1");
    }
  }

  #walk(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const key = event.target.dataset?.key;
    if (event.key === "Enter" && key) {
      event.target.dispatchEvent(new MouseEvent("click", { bubbles: true })); // shows its tip, too
      event.preventDefault();
    }
    if (event.key === "Escape") this.#hide();
    if (!way || !key) return;
    event.preventDefault();
    const keys = [...this.#nodes.values()].filter((node) => node.tip).map((node) => node.key);
    const next = keys[(keys.indexOf(key) + way + keys.length) % keys.length];
    this.#focusKey = next;
    this.#keepOneTabStop();
    this.#elements.get(next)?.focus();
  }

  #point(target) {
    const element = target.closest?.("[data-key]");
    const tip = element && this.#nodes.get(element.dataset.key)?.tip;
    if (!tip) {
      this.#hide();
      return;
    }
    this.#tip.textContent = tip;
    this.#tip.hidden = false;
    const frame = this.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    // A big ring would put its tip far away; point near its top edge instead.
    const middle = box.left + box.width / 2 - frame.left;
    const width = this.#tip.offsetWidth;
    const left = Math.max(4, Math.min(middle - width / 2, frame.width - width - 4));
    const above = box.top - frame.top - this.#tip.offsetHeight - 8;
    const top = above > 0 ? above : Math.min(box.top - frame.top + 24, frame.height - 40);
    this.#tip.style.transform = `translate(${Math.round(left)}px,${Math.round(top)}px)`;
  }

  #hide() {
    if (this.#tip) this.#tip.hidden = true;
  }
}

customElements.define("ring-stage", RingStage);
