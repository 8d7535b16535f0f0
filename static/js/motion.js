// Movement of the stage: fade in, shift, flash once. All of it is skipped when it would only blur.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const EASE = "cubic-bezier(.3,.7,.2,1)";
const SHORTEST = 50; // ms; below this the eye sees noise, not movement

/** Milliseconds a movement may take at a speed (steps per second scale); 0 means none. */
export function duration(speed) {
  if (still.matches) return 0;
  const time = Math.min(500, 360 / Math.max(speed, 0.5));
  return time < SHORTEST ? 0 : time;
}

export function appear(element, time) {
  if (time) element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: time, easing: EASE });
}

export function vanish(element, time) {
  if (!time) {
    element.remove();
    return;
  }
  element.classList.add("leaving");
  element.animate([{ opacity: 1 }, { opacity: 0 }], { duration: time / 2, fill: "forwards" }).finished
    .then(() => element.remove(), () => element.remove());
}

const moves = new WeakMap();

/** Shift an element that now stands `dx, dy` away from where it was, starting where the eye last saw it. */
export function shift(element, dx, dy, time) {
  const running = moves.get(element);
  if (running?.playState === "running") {
    const seen = new DOMMatrixReadOnly(getComputedStyle(element).transform);
    dx += seen.e;
    dy += seen.f;
    running.cancel();
  }
  if (!time) return;
  const frames = [{ transform: `translate(${dx}px,${dy}px)` }, { transform: "none" }];
  moves.set(element, element.animate(frames, { duration: time, easing: EASE }));
}

/** Grow or shrink along the CSS geometry properties that browsers can animate. */
export function reshape(element, before, after, time) {
  if (!time) return;
  const from = {};
  const to = {};
  for (const [field, name] of [["r", "r"], ["w", "width"], ["h", "height"]]) {
    if (before[field] !== after[field] && before[field] != null && after[field] != null) {
      from[name] = `${before[field]}px`;
      to[name] = `${after[field]}px`;
    }
  }
  if (Object.keys(to).length) element.animate([from, to], { duration: time, easing: EASE });
}

const GHOST = 300; // ms; longer, and old words are still seen over the next picture's

/** Say "this changed" once: the old words drift away, the new ones light up. */
export function flash(element, oldText, time) {
  if (!time) return;
  if (element.classList.contains("flash")) {
    element.classList.remove("flash");
    void element.getBoundingClientRect(); // restarts the style animation
  }
  element.classList.add("flash");
  element.addEventListener("animationend", () => element.classList.remove("flash"), { once: true });
  if (oldText === null) return;
  const ghost = element.cloneNode(false);
  for (const name of ["data-key", "tabindex", "role", "aria-label"]) ghost.removeAttribute(name);
  ghost.setAttribute("aria-hidden", "true");
  ghost.classList.add("leaving");
  ghost.textContent = oldText;
  element.after(ghost);
  const drift = [
    { opacity: 0.8, transform: "none" },
    { opacity: 0, transform: "translateY(-14px)" },
  ];
  ghost.animate(drift, { duration: Math.min(time, GHOST) }).finished
    .then(() => ghost.remove(), () => ghost.remove());
}

/** Take away what the step before left fading: a new picture must not be written over by it. */
export function dropGhosts(svg) {
  for (const ghost of svg.querySelectorAll(".leaving")) ghost.remove();
}
