// What the Python side of the page may ask of the browser: one call per picture, one per panel set.

import "./stage.js";
import "./timeline.js";
import { adopt, patchChildren } from "./tree.js";
import { recording as openRecording } from "./recording.js";

const byId = (id) => document.getElementById(id);
adopt();
const stage = byId("stage");
const timeline = byId("timeline");

// --- drawing ---------------------------------------------------------------------------------

/** Draw a frame's picture and timeline. */
export function draw(frame, speed, quiet) {
  stage.show(frame.scene, speed, quiet);
  mark("waiting", "");
  mark("early", "");
}

/** Draw the timeline of `frame`, or that of its recording if more is known there. */
export function drawTimeline(frame, record, step, open) {
  const known = frame.timeline;
  const longer = record && record.timeline.total > known.total;
  timeline.show(longer ? record.timeline : known, step, open);
}

export function name(stageLabel, timelineLabel, words) {
  stage.label = stageLabel;
  timeline.setAttribute("aria-label", timelineLabel);
  timeline.words = JSON.parse(words);
}

/** Replace what is inside the element `id` by `trees` (JSON; see tree.js). */
export function patch(id, trees) {
  const element = byId(id);
  if (!element) return;
  patchChildren(element, JSON.parse(trees));
  if (!settling) requestAnimationFrame(settle);
  settling = true;
}

let settling = false;

/** Scroll what is to be seen into sight, once all is written: each look costs a layout. */
function settle() {
  settling = false;
  for (const row of document.querySelectorAll("[data-follow]")) keepInSight(row);
  for (const box of document.querySelectorAll("[data-end]")) {
    if (!scrolledUp.has(box)) box.scrollTop = box.scrollHeight;
  }
}

const scrolledUp = new WeakSet(); // boxes whose reader went back to earlier lines

function noteScroll({ target: box }) {
  if (!box.matches?.("[data-end]")) return;
  if (box.scrollTop + box.clientHeight >= box.scrollHeight - 4) scrolledUp.delete(box);
  else scrolledUp.add(box);
}

function keepInSight(row) {
  const box = row.closest("[data-scroll]");
  if (!box) return;
  const top = row.offsetTop - box.offsetTop;
  if (top < box.scrollTop + 8) box.scrollTop = Math.max(top - 40, 0);
  const bottom = top + row.offsetHeight;
  if (bottom > box.scrollTop + box.clientHeight - 8) {
    box.scrollTop = bottom - box.clientHeight + 40;
  }
}

let shown = new Map();

/** The panels of `frame` as JSON for the Python side: of one that did not change only the id and
    side, of a row that did not change only the key. */
export function panels(frame) {
  const texts = [];
  const now = new Map();
  for (const panel of frame.panels ?? []) {
    const { rows = [], ...rest } = panel;
    const entry = { rest: JSON.stringify(rest), rows: new Map() };
    for (const row of rows) entry.rows.set(row.key, JSON.stringify(row));
    now.set(panel.id, entry);
    texts.push(changes(panel, entry, shown.get(panel.id)));
  }
  shown = now;
  return `[${texts.join(",")}]`;
}

function changes(panel, now, before) {
  if (!panel.rows) {
    return now.rest === before?.rest ? same(panel) : now.rest;
  }
  const rows = [...now.rows].map(([key, text]) =>
    before?.rows.get(key) === text ? JSON.stringify(key) : text);
  const kept = before?.rows.size === rows.length && rows.every((row) => row[0] === '"');
  const moved = kept && [...before.rows.keys()].some((key, at) => JSON.stringify(key) !== rows[at]);
  if (kept && !moved && now.rest === before.rest) return same(panel);
  return `${now.rest.slice(0, -1)},"rows":[${rows.join(",")}]}`;
}

const same = ({ id, kind, side }) => JSON.stringify({ id, kind, side, same: true });

/** Everything must be written again, because language or lab changed. */
export function forgetPanels() {
  shown = new Map();
}

// --- asking ----------------------------------------------------------------------------------

export const write = (value) => JSON.stringify(value);

let taken = null;

/** Read an answer: its frame stays here (see `frame`), the small rest goes to the Python side. */
export function take(text) {
  const { frame: whole, ...rest } = JSON.parse(text);
  return keepFrame(whole, rest);
}

/** The same for a step of a recording. */
export const takeRecorded = (record, step) => keepFrame(record.frame(step), { ok: true });

function keepFrame(whole, rest) {
  taken = whole ?? null;
  if (!whole) return JSON.stringify(rest);
  const { scene, panels: many, timeline: strip, ...small } = whole;
  return JSON.stringify({ ...rest, frame: { ...small, total: strip.total ?? 0 } });
}

/** The frame of the answer read last. */
export const frame = () => taken;

/** Send a request to the server behind the page; answers the reply's text. */
export async function post(url, text) {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: text,
    signal: AbortSignal.timeout(120_000),
  });
  return reply.text();
}

export const firstLanguage = () => globalThis.ringsideFirst.lang;

/** The catalogue as recorded, as JSON; empty when there is none. */
export async function catalogue(lang) {
  const url = `recordings/catalogue.${lang}.json`;
  const reply = globalThis.ringsideEarly?.[url] ?? fetch(url).then((r) => (r.ok ? r.json() : null));
  const found = await reply.catch(() => null);
  return found ? JSON.stringify(found) : "";
}

export function recording(lab, lang) {
  return openRecording(`recordings/${lab}.${lang}.${shape()}.json`);
}

const narrow = matchMedia("(max-width: 640px)");
export const shape = () => (narrow.matches ? "tall" : "wide");

// --- listening -------------------------------------------------------------------------------

/** Close the menus of the head, but the one whose own button was just pressed. */
function closeMenus(target) {
  const pressed = target?.closest("summary")?.parentElement;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== pressed) menu.open = false;
  }
}

export const LARGEST_FILE = 700_000; // bytes; of a longer text the beginning is taken

/** Hand a file the user gave to the Python side: its name and size, and its bytes in base 64. */
async function takeFile(file, report) {
  if (!file) return;
  let part = file.slice(0, LARGEST_FILE);
  if (file.size > LARGEST_FILE) {
    const bytes = new Uint8Array(await part.arrayBuffer());
    if (bytes.includes(0)) part = null; // compressed: half of it cannot be read
    else part = part.slice(0, bytes.lastIndexOf(10) + 1); // whole lines
  }
  const about = JSON.stringify({ name: file.name, size: file.size, limit: LARGEST_FILE });
  if (!part) return report("drop", about, "");
  const reader = new FileReader();
  reader.onload = () => report("drop", about, reader.result.split(",")[1] ?? "");
  reader.onerror = () => report("drop", about, "");
  reader.readAsDataURL(part);
}

/** Take files that are dropped anywhere on the page. */
function takeDrops(report) {
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    mark("dragging", "yes");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark("dragging", "");
  });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    mark("dragging", "");
    takeFile(event.dataTransfer.files[0], report);
  });
}

/** Report what the user does as `(action, argument, value)`; elements say it in `data-do`. */
export function listen(report) {
  const send = (element, value) => report(element.dataset.do, element.dataset.with ?? "", value);
  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const element = event.target.closest("[data-do]");
    if (!element || element.matches("select, input, form")) return;
    event.preventDefault();
    send(element, "");
  });
  takeDrops(report);
  document.addEventListener("scroll", noteScroll, { capture: true, passive: true });
  document.addEventListener("change", (event) => {
    const element = event.target;
    if (!element.matches("select[data-do], input[data-do]")) return;
    if (element.type === "file") return takeFile(element.files[0], report);
    send(element, element.type === "checkbox" ? (element.checked ? "1" : "") : element.value);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-do]")) return;
    event.preventDefault();
    const field = event.target.querySelector("input");
    send(event.target, field?.value ?? "");
    if (field) field.value = "";
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (byId("dialog").open && event.key !== "?") return;
    const menu = event.target.closest("details.menu[open]");
    if (menu && event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    // A field of a dialog just closed may still have the focus: it does not want the key.
    const field = event.target.closest("input, textarea, select, [contenteditable], ring-editor");
    if (field?.checkVisibility()) return;
    const pressing = event.target.closest("button, a, summary");
    if (pressing && (event.key === " " || event.key === "Enter")) return; // it presses the button
    if (report("key", event.key, event.shiftKey ? "shift" : "")) event.preventDefault();
  });
  timeline.addEventListener("scrub", (event) => report("seek", `${event.detail}`, ""));
  window.addEventListener("hashchange", () => report("route", location.hash, ""));
  narrow.addEventListener("change", () => report("shape", shape(), ""));
  byId("dialog").addEventListener("click", (event) => {
    if (event.target === event.currentTarget) event.currentTarget.close(); // the backdrop
  });
}

// --- page state ------------------------------------------------------------------------------

let saving = 0;
let wanted = "";

/** Put the state into the address: a new entry for a new place, else at rest in the same entry. */
export function route(hash, anew) {
  if (anew) {
    clearTimeout(saving);
    saving = 0;
    if (hash !== location.hash) history.pushState(null, "", hash);
    return;
  }
  wanted = hash;
  if (saving) return; // now and then, however fast the steps go
  const before = location.hash;
  saving = setTimeout(() => {
    saving = 0;
    // Somebody may have written another address meanwhile: theirs holds.
    if (location.hash === before && wanted !== before) history.replaceState(null, "", wanted);
  }, 250);
}

export const hash = () => location.hash;

export function keep(name, value) {
  try {
    localStorage.setItem(`ringside.${name}`, value);
  } catch {
    // storage may be forbidden; the address still carries the state
  }
}

export function mark(name, value) {
  const root = document.documentElement;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
}

export function language(lang, title) {
  document.documentElement.lang = lang;
  document.title = title;
}

export const theme = () => document.documentElement.dataset.theme;

export function openDialog() {
  const dialog = byId("dialog");
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector(".close")?.focus(); // a link at the end would pull the rest out of sight
}

export function closeDialog() {
  byId("dialog").close();
}

/** Hand a file to the user. */
export function save(filename, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const copy = (text) => navigator.clipboard.writeText(text);
export const address = () => location.href;
export const now = () => performance.now();

// --- the editor, fetched when first opened ---------------------------------------------------

let editor = null;

export async function edit(source, label, changed) {
  editor ??= await import("./editor.js");
  editor.open(byId("editor"), source, label, changed);
}

export function problems(list) {
  editor?.problems(JSON.parse(list));
}

export const source = () => editor?.text() ?? "";

/** A program as text for an address: deflated, and written with letters, digits, - and _. */
export async function pack(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  let bytes = "";
  for (const byte of new Uint8Array(await new Response(packed).arrayBuffer())) {
    bytes += String.fromCharCode(byte);
  }
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const LONGEST_PROGRAM = 200_000; // bytes; an address may say anything

/** The program `pack` made; empty when it is none. */
export async function unpack(packed) {
  try {
    const bytes = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
    const whole = Uint8Array.from(bytes, (character) => character.charCodeAt(0));
    const stream = new Blob([whole]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let text = "";
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      if (text.length > LONGEST_PROGRAM) return "";
    }
  } catch {
    return "";
  }
}

// A phone's figure is long; its sentence stays in sight above the foot (page.css).
new ResizeObserver(([entry]) => {
  document.documentElement.style.setProperty("--foot", `${entry.borderBoxSize[0].blockSize}px`);
}).observe(byId("foot"));

// --- the first picture, before any Python is up ----------------------------------------------

async function first() {
  if (!("waiting" in document.documentElement.dataset)) return;
  const asked = new URLSearchParams(location.hash.slice(1));
  const record = await openRecording(globalThis.ringsideFirst.recording);
  const step = Number(asked.get("step") ?? 0);
  if (!record || !(step >= 0)) return;
  if ([...asked.keys()].some((key) => key === "program" || key.startsWith("o."))) return;
  const { guest, technique } = record.config;
  if ((asked.get("guest") ?? guest) !== guest) return;
  if ((asked.get("tech") ?? technique) !== technique) return;
  if (!("waiting" in document.documentElement.dataset)) return; // Python was faster
  const frame = record.frame(Math.min(step, record.last));
  draw(frame, 1, true);
  mark("early", "yes"); // all around the figure is still that of the usual lab
  const near = step > record.last; // the nearest picture there is, pale; Python says which it is
  if (near) mark("far", "yes");
  byId("sentence").textContent = near ? "…" : frame.sentence.map((part) => part.text).join("");
}

first();
