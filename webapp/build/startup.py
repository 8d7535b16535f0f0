"""Measures in real Chromium how long the page takes from navigation, over the loopback:

``python webapp/build/startup.py [--runs N]``. Printed are the medians; what else runs on the
machine is in them, so measure when it is idle.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import shutil
import statistics
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

SITE = Path(__file__).resolve().parents[2] / "build" / "site"
WHAT = {
    "paint": "first figure painted",
    "ready": "a step is answered, from the recording",
    "live": "the machine itself answers",
    "step": "a live step, from key to picture",
}

# Runs in the page before everything else: notes when things are first seen, and presses a key as
# soon as the page listens.
WATCH = """(() => {
  const seen = (window.seen = {});
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name === 'first-contentful-paint') seen.paint = entry.startTime;
    }
  }).observe({ type: 'paint', buffered: true });
  const press = () => document.body?.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  const step = () => document.getElementById('timeline')?.getAttribute('aria-valuenow');
  const timer = setInterval(() => {
    if (!('ready' in seen) && document.querySelector('.chip')) {
      if (Number(step()) > 0) seen.ready = performance.now();
      else press();
    }
    if (!('live' in seen) && document.querySelector('.chip.live')) {
      seen.live = performance.now();
      clearInterval(timer);
    }
  }, 10);
})()"""

STEP = """async () => {
  const timeline = document.getElementById('timeline');
  const before = timeline.getAttribute('aria-valuenow');
  const start = performance.now();
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  while (timeline.getAttribute('aria-valuenow') === before) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - start;
}"""


class Host(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass


def measure(page: Page, address: str) -> dict[str, float]:
    """Milliseconds of one visit."""
    page.add_init_script(WATCH)
    page.goto(address)
    page.locator(".chip.live").wait_for(state="attached", timeout=60_000)
    times: dict[str, float] = page.evaluate("window.seen")
    times["step"] = statistics.median(page.evaluate(STEP) for _ in range(10))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    handler = functools.partial(Host, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/#lab=rings&lang=en"
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        visits = []
        for _ in range(runs):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            visits.append(measure(context.new_page(), address))
            context.close()
        browser.close()
    server.shutdown()
    for name, text in WHAT.items():
        times = [visit[name] for visit in visits if name in visit]
        if times:
            print(f"{statistics.median(times):7.0f} ms  {text}  (best {min(times):.0f})")


if __name__ == "__main__":
    main()
