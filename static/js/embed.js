// embed.html: stage, sentence and timeline of a recorded run, for slides. No Python at all.
// A run that was not recorded is opened in the full page, which hides everything else.

import "./stage.js";
import "./timeline.js";
import { recording } from "./recording.js";

const PACE = 900; // ms from step to step, as in the page at speed 1
const LABELS = {
  en: { stage: "Figure", timeline: "Timeline of the run", play: "Play", pause: "Pause" },
  hu: { stage: "Ábra", timeline: "A futás idővonala", play: "Lejátszás", pause: "Szünet" },
};

const byId = (id) => document.getElementById(id);
const stage = byId("stage");
const timeline = byId("timeline");
const asked = new URLSearchParams(location.hash.slice(1));
const { lang, recording: url } = globalThis.ringsideFirst;
const words = LABELS[lang];
let record = null;
let step = 0;
let timer = 0;

function show(wanted, quiet = false) {
  step = Math.max(0, Math.min(wanted, record.last));
  const frame = record.frame(step);
  stage.show(frame.scene, 1, quiet);
  timeline.show(record.timeline, step, !record.config.ended);
  byId("sentence").replaceChildren(
    ...frame.sentence.map((part) => {
      const piece = document.createElement(part.context ? "b" : "span");
      piece.className = part.context ?? "";
      piece.textContent = part.text;
      return piece;
    }),
  );
  asked.set("step", step);
  byId("open").href = `index.html#${asked}`;
  delete document.documentElement.dataset.waiting;
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => (step < record.last ? show(step + 1) : play(false)), PACE) : 0;
  const name = on ? "pause" : "play";
  byId("play").setAttribute("aria-label", words[name]);
  byId("play").title = words[name];
  byId("play").firstElementChild.className = `icon ${name}`;
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const move = {
    " ": () => play(!timer),
    ArrowRight: () => show(step + 1),
    ArrowLeft: () => show(step - 1, true),
    Home: () => show(0, true),
    End: () => show(record.last, true),
  }[event.key];
  if (!move || event.target.closest("button, a")) return;
  event.preventDefault();
  if (event.key !== " ") play(false);
  move();
}

function recorded() {
  const { guest, technique, options } = record.config;
  const same = (asked.get("guest") ?? guest) === guest && (asked.get("tech") ?? technique) === technique;
  const usual = [...asked].every(([name, value]) => !name.startsWith("o.") || options[name.slice(2)] === value);
  return same && usual && Number(asked.get("step") ?? 0) <= record.last;
}

async function start() {
  record = await recording(url);
  if (!record || !recorded()) {
    asked.set("view", "embed");
    location.replace(`index.html#${asked}`);
    return;
  }
  stage.label = words.stage;
  timeline.setAttribute("aria-label", words.timeline);
  byId("play").addEventListener("click", () => play(!timer));
  timeline.addEventListener("scrub", (event) => (play(false), show(event.detail, true)));
  stage.addEventListener("click", (event) => {
    const way = event.target.closest("[data-do=seek]");
    if (way) (play(false), show(Number(way.dataset.with), true));
  });
  document.addEventListener("keydown", key);
  show(Number(asked.get("step")) || 0, true);
  play(asked.has("play"));
}

start();
