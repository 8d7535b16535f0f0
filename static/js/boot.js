// Runs before anything is painted: theme, language, and the first downloads the address asks for.
// A plain file, because a strict content security policy allows no script inside the page.
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.hash.slice(1));
  const kept = (name) => {
    try {
      return localStorage.getItem(`ringside.${name}`);
    } catch {
      return null; // storage may be forbidden, for instance in a sandboxed frame
    }
  };
  const one = (value, allowed) => (allowed.includes(value) ? value : null);

  const theme = one(asked.get("theme"), ["light", "dark"]) ?? one(kept("theme"), ["light", "dark"]);
  root.dataset.theme = theme ?? "auto";
  const own = navigator.language?.toLowerCase().startsWith("hu") ? "hu" : "en";
  const lang = one(asked.get("lang"), ["en", "hu"]) ?? one(kept("lang"), ["en", "hu"]) ?? own;
  const shape = matchMedia("(max-width: 640px)").matches ? "tall" : "wide";

  // The labs' names are written in when the site is built; the first is the usual one.
  // The picture inside the page is the first lab's first step in English; anything else waits
  // for its recording, a few hundredths of a second, instead of showing the wrong figure.
  const labs = root.dataset.labs.split(" ");
  const [first] = labs;
  const lab = one(asked.get("lab"), labs) ?? first;
  const other = ["guest", "tech", "step"].some((name) => asked.has(name));
  if (lang !== root.lang || lab !== first || other) root.dataset.waiting = "";
  root.lang = lang;
  if (asked.get("view") === "embed") root.dataset.view = "embed";

  const early = {};
  const ask = (url) => {
    early[url] = fetch(url).then((reply) => (reply.ok ? reply.json() : null)).catch(() => null);
    return url;
  };
  window.ringsideEarly = early;
  window.ringsideFirst = {
    lab,
    lang,
    shape,
    catalogue: ask(`recordings/catalogue.${lang}.json`),
    recording: ask(`recordings/${lab}.${lang}.${shape}.json`),
  };

  // Behind Flask the server answers; on a static host a worker of the page's own does.
  if (root.dataset.backend === "worker") {
    const worker = document.createElement("script");
    worker.type = "py";
    worker.setAttribute("worker", "");
    worker.setAttribute("name", "core");
    worker.setAttribute("src", "python/worker.py");
    worker.setAttribute("config", "python/worker.json");
    document.head.append(worker);
  }
})();
