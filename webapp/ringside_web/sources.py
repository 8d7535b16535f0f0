"""Who answers requests: a recording, the page's own worker, or the server behind the page.

Each has ``async ask(request)``, which answers ``(reply, frame)``: the reply as plain data, and the
whole frame, which stays with the browser. ``async open(request, going)`` is the same for the
request that opens a run at a step: a far step is reached in slices, as long as ``going`` says of
the frame it has come to.
A recording knows only its own run; :meth:`Recorded.can` says whether it can answer.
"""

import json

from pyscript import window, workers
from pyscript.js_modules import ringside_page as page

from ringside_web.player import FIRST_SLICE, next_slice


def answered(text):
    """An answer as ``(reply, frame)``."""
    reply = json.loads(text)
    return reply, page.frame() if "frame" in reply else None


class Recorded:
    """The lab's default run as recorded when the site was built."""

    def __init__(self, record):
        self.record = record
        self.last = record.last
        self.step = 0
        config = json.loads(page.write(record.config))
        self.config = config
        self.ended = config["ended"]
        self.total = record.timeline.total

    def fits(self, choice):
        """True when the recording is of this very run."""
        if choice["source"] or choice.get("typed"):
            return False
        return all(choice[name] == self.config[name]
                   for name in ("lab", "guest", "technique", "options"))

    def can(self, request):
        """True when this request needs no machine."""
        return self._target(request) is not None

    def _target(self, request):
        operation = request["op"]
        target = None
        if operation in ("frame", "load"):
            target = request.get("step") or 0
        elif operation == "step":
            by, way = request.get("by", "step"), request["direction"]
            if by != "step":
                return self.record.find(self.step, way, by)
            target = max(self.step + way, 0)
        if target is None or target > self.last:
            return None
        return target

    def frame(self, step):
        """What the page needs to know of a recorded step, and its whole frame."""
        self.step = step
        reply, frame = answered(page.takeRecorded(self.record, step))
        return reply["frame"], frame

    async def ask(self, request):
        self.step = self._target(request)
        return answered(page.takeRecorded(self.record, self.step))

    async def open(self, request, going):
        return await self.ask(request)


class Live:
    """A real machine."""

    async def open(self, request, going):
        goal = request["step"]
        start = dict(request)
        start["step"] = 0
        reply, frame = await self.ask(start)
        steps = FIRST_SLICE
        while reply["ok"]:
            shown = reply["frame"]
            at = shown["step"]
            ended = shown["ended"] and at >= shown["last"]
            if at >= goal or ended or not going(shown, frame):
                break
            began = page.now()
            more = {"op": "run", "steps": min(steps, goal - at),
                    "lang": request["lang"], "shape": request["shape"]}
            reply, frame = await self.ask(more)
            steps = next_slice(steps, max(page.now() - began, 1))
        return reply, frame


class Worker(Live):
    """A Pyodide worker of this page."""

    def __init__(self):
        self._core = None

    async def start(self):
        self._core = await workers["core"]

    async def ask(self, request):
        return answered(page.take(await self._core.call(json.dumps(request))))


class Server(Live):
    """The desktop app's server. Every page has a session of its own, named by a random word."""

    URL = "api/session"

    def __init__(self):
        self._id = window.crypto.randomUUID()

    async def start(self):
        pass

    async def ask(self, request):
        text = json.dumps({"session": self._id, "request": request})
        return answered(page.take(await page.post(self.URL, text)))


def live_source(backend):
    return {"worker": Worker, "http": Server}[backend]()
