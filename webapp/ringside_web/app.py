"""The page's state, who answers its requests, and what is drawn of them.

The picture comes from a recording first and from the live machine as soon as it answers; both
give the same frames, so the change-over is not seen.
"""

import asyncio
import json

from pyscript import window
from pyscript.js_modules import ringside_page as page

from ringside_web import route
from ringside_web.actions import Actions
from ringside_web.board import Board
from ringside_web.choice import choose, find, load_request
from ringside_web.notices import Notices
from ringside_web.player import Player, next_slice
from ringside_web.questions import Questions
from ringside_web.sources import Recorded, live_source
from ringside_web.words import Words

OF_NO_RUN = ("ask", "judge", "assemble", "drop")  # requests that hold whichever run is open


class App(Actions):
    def __init__(self, backend):
        self.backend = backend
        self.board = Board()
        self.player = Player(self.move, page.now, self.draw_transport)
        self.turn = asyncio.Lock()
        self.ready = asyncio.Event()  # the live machine answers, or never will
        self.news = asyncio.Event()  # one of those, or another run: see ``stir``
        self.live = None
        self.lost = False  # the live machine did not start
        self.recorded = None
        self.catalogue = None
        self.words = None
        self.lab = None
        self.choice = None
        self.opened = 0  # counts runs opened, to know late answers
        self.far = None  # the step being worked out that no recording holds
        self.halted = 0  # the run whose long way was stopped
        self.finishing = None  # the task that goes on with what a step measures
        self.resting = None  # the place where that was stopped
        self.wanted = 0  # the step the hand on the timeline points at
        self.frame = None  # as the browser holds it
        self.drawn = ""  # the lab whose figure is on the screen
        self.shown = None  # its small facts: step, last, ended, outcome, sentence
        self.step = 0
        self.kind = "step"
        self.view = ""
        self.stops = {"kinds": [], "addresses": []}
        self.editing = False
        self.packed = ""  # the edited program as the address has it
        self.busy = 0
        self.questions = Questions(self)
        self.notes = Notices(lambda notes: self.board.notices(self.words, notes))
        self.theme = page.theme()

    # --- starting ---------------------------------------------------------------------------

    async def start(self):
        lang = page.firstLanguage()
        await self.use_language(lang)
        asyncio.create_task(self.go_live())
        if self.catalogue is None:  # no recordings here: only the live machine can tell
            await self.ready.wait()
            await self.use_language(lang)
        page.listen(self.report)
        await self.go(*route.parse(page.hash()))

    async def use_language(self, lang):
        found = await page.catalogue(lang)
        if found:
            self.catalogue = json.loads(found)
        elif self.live:
            self.catalogue, _ = await self.live.ask({"op": "catalogue", "lang": lang})
        self.words = Words(lang)

    async def go_live(self):
        """Start the machine behind the recording, and hand over at the step that is shown."""
        source = live_source(self.backend)
        try:
            await source.start()
            reply = frame = opened = step = None
            # Whoever waits for a far step opens the run there himself.
            while self.choice and self.far is None and (opened, step) != (self.opened, self.step):
                if opened == self.opened:  # only a few steps on since the last look
                    request = self.dressed({"op": "frame", "step": self.step})
                    step = self.step
                    reply, frame = await source.ask(request)
                else:
                    opened, step = self.opened, self.step
                    request = self.dressed(load_request(self.choice, step))
                    reply, frame = await source.open(request, self.still(opened))
            self.live = source
            if self.shown and frame and self.far is None:
                self.show(reply["frame"], frame, True)
        except Exception as error:
            self.lost = True
            self.fail(error)
        self.ready.set()
        self.stir()
        self.draw_status()

    def stir(self):
        """Wake those who wait for the machine: it is there, or another run was chosen."""
        self.news.set()
        self.news = asyncio.Event()

    def still(self, opened):
        """Whether a long way is still wanted: a function of the step it has come to, and of the
        frame there, which is shown where there is none of this lab yet and it takes long."""
        begun = page.now()

        def going(reply, frame):
            if self.busy:
                self.draw_status("running", reply["step"])
            wanted = opened == self.opened and opened != self.halted
            if wanted and self.live and self.drawn != self.lab["id"] and page.now() > begun + 500:
                self.show(reply, frame, True, False)
                page.mark("waiting", "")
            return wanted

        return going

    async def go(self, state, problems=()):
        """Open what an address says, and tell what in it was not understood."""
        if state.get("theme"):
            self.set_theme(state["theme"])
        lang = state.get("lang")
        if lang and lang != self.words.lang:
            await self.use_language(lang)
            page.keep("lang", lang)
        self.notes.clear()
        if problems:
            self.note("hash", self.words("notice.hash", parts=", ".join(problems)))
        self.lab, self.choice, problems = choose(self.catalogue, state, self.words)
        for problem in problems:
            self.note(problem, problem)
        self.view = state.get("view", "")
        self.close_editor()
        await self.take_program(state.get("program", ""))
        if not find(self.lab["kinds"], self.kind):
            self.kind = self.lab["kinds"][0]["id"] if self.lab["kinds"] else "step"
        await self.open(state.get("step") or 0)

    async def take_program(self, packed):
        """Run the program an address carries instead of the guest's own."""
        self.packed = ""
        if not packed:
            return
        text = await page.unpack(packed) if self.lab["editable"] else ""
        if text:
            self.choice["source"] = text
            self.packed = packed
        else:
            self.note("program", self.words("notice.program"))

    async def open(self, step):
        """Open the chosen run at ``step``; from the recording when it can."""
        self.player.stop()
        if self.shown and self.drawn != self.lab["id"]:
            page.mark("waiting", "yes")  # the figure of another lab would be taken for this one's
        self.opened += 1
        self.stir()
        opened = self.opened
        record = await page.recording(self.choice["lab"], self.words.lang)
        if opened != self.opened:
            return
        recorded = Recorded(record) if record else None
        self.recorded = recorded if recorded and recorded.fits(self.choice) else None
        self.far = None
        self.draw_around()
        self.draw_nearest(step)
        request = load_request(self.choice, step)
        await self.take_turn(request, lambda source: source.open(request, self.still(opened)), True)
        if opened != self.opened:
            return
        self.arrived()
        if self.frame and self.step < step and self.at_end():
            self.note("step", self.words("notice.step", step=step, last=self.step))
        if self.stops["kinds"] or self.stops["addresses"]:
            await self.send_stops()

    async def find_recording(self):
        """The recording of the run that is open, if it is of that very run."""
        record = await page.recording(self.choice["lab"], self.words.lang)
        recorded = Recorded(record) if record else None
        self.recorded = recorded if recorded and recorded.fits(self.choice) else None

    # --- asking -----------------------------------------------------------------------------

    def dressed(self, request):
        """Every request carries language and shape, so that answers come as they are shown."""
        request["lang"] = self.words.lang
        request["shape"] = page.shape()
        return request

    async def ask(self, request, quiet=False):
        """Have a request answered and its frame shown; the answer, or None when refused."""

        async def talk(source):
            reply, frame = await source.ask(request)
            if reply.get("lost"):  # the server forgot this page, say after a restart
                self.halted = 0
                again = self.dressed(load_request(self.choice, self.step))
                await source.open(again, self.still(self.opened))
                reply, frame = await source.ask(request)
            return reply, frame

        return await self.take_turn(request, talk, quiet)

    async def take_turn(self, request, talk, quiet):
        """One request at a time: find who answers, let them ``talk``, show what comes of it."""
        self.dressed(request)
        opened = self.opened
        waits = asyncio.create_task(self.say_busy())  # for what was asked before
        async with self.turn:
            waits.cancel()
            self.busy += 1
            try:
                source = await self.source(request, opened)
                if source is None:
                    return None
                late = asyncio.create_task(self.say_busy())
                try:
                    reply, frame = await talk(source)
                finally:
                    late.cancel()
            except Exception as error:
                self.fail(error)
                return None
            finally:
                self.busy -= 1
                self.draw_status()
        if not reply["ok"]:
            self.refuse(reply["error"])
            return None
        if frame and opened == self.opened:
            self.show(reply["frame"], frame, quiet)
        return reply

    async def source(self, request, opened):
        """Who answers this request; waits for the live machine when nobody else can.

        None if it does not come, or if what was asked of the run ``opened`` is not wanted any more
        because another was chosen while it waited.
        """
        if self.live:
            return self.live
        if self.recorded and self.recorded.can(request):
            return self.recorded
        if not self.lost:
            self.draw_status()
            while not self.ready.is_set():
                if opened != self.opened and request["op"] not in OF_NO_RUN:
                    return None
                await self.news.wait()
        if self.live is None:
            self.note("back", self.words("notice.back"), self.words("notice.back.hint"), "wrong")
        return self.live

    async def say_busy(self):
        await asyncio.sleep(0.4)
        if self.live:
            self.draw_status("working")

    async def move(self, steps):
        """Go on by ``steps``; False when there is nothing further or a stop was met."""
        if self.at_end():
            return False
        if not self.live and self.recorded and self.step < self.recorded.last:
            target = min(self.step + steps, self.recorded.last)
            return bool(await self.ask({"op": "frame", "step": target}))
        opened = self.opened
        reply = await self.ask({"op": "run", "steps": steps})
        if not reply or opened != self.opened:
            return False
        if reply["stopped"] and not self.at_end():
            self.note("stopped", self.words("notice.stopped", step=self.step))
        return not reply["stopped"]

    def here(self):
        """The place that is looked at."""
        return self.opened, self.step

    def unfinished(self):
        """Whether what the step shown measures is to go on: it takes long, and is not stopped."""
        return (self.live and self.shown and self.shown["unfinished"]
                and not self.player.playing and self.resting != self.here())

    def finish_step(self):
        """What the step shown measures goes on while one looks at it."""
        if self.finishing is None and self.unfinished():
            self.finishing = asyncio.create_task(self.finish(self.opened))

    async def finish(self, opened):
        steps = 20
        while opened == self.opened and self.unfinished():
            began = page.now()
            if not await self.ask({"op": "go on", "steps": steps}, quiet=True):
                break
            steps = next_slice(steps, max(page.now() - began, 1))
            await asyncio.sleep(0.001)  # let others have their turn
        self.finishing = None
        self.draw_status()
        if opened != self.opened:
            self.finish_step()

    def at_end(self):
        return bool(self.shown) and self.shown["ended"] and self.step >= self.shown["last"]

    # --- showing ----------------------------------------------------------------------------

    def show(self, shown, frame, quiet=False, arrived=True):
        """Put a frame on the screen; ``shown`` is what the page itself needs to know of it. The
        address names it if one has ``arrived`` there, and is not on the way."""
        self.shown, self.frame = shown, frame
        self.drawn = self.lab["id"]
        self.step = shown["step"]
        rate = self.player.rate()
        self.board.frame(frame, shown["sentence"], self.words, self.stops["addresses"],
                         self.lab["editable"], rate, quiet)
        last, ended, record = shown["last"], shown["ended"], None
        if self.recorded and self.recorded.total >= last:
            last, ended = self.recorded.total, self.recorded.ended
            record = self.recorded.record
        page.drawTimeline(frame, record, self.step, not ended)
        self.board.where(self.words, self.step, last, ended, shown["outcome"])
        if self.player.playing:
            self.draw_status()
        if self.resting != self.here():
            self.resting = None
        self.finish_step()
        if arrived and (self.far is None or self.live):
            self.save_route(False)

    def draw_nearest(self, step):
        """What can be seen until ``step`` has been worked out: the last recorded one, pale."""
        if self.live or (self.recorded and step <= self.recorded.last):
            return
        self.far = step
        if self.recorded:
            self.show(*self.recorded.frame(self.recorded.last), True)
        elif not self.shown:
            page.mark("waiting", "yes")  # what is around the figure is right already
        if not self.lost:
            page.mark("far", "yes")
            key = "far.shown" if self.recorded else "far" if step else "far.start"
            self.board.put("sentence", [self.words(key, step=step, shown=self.step)])

    def arrived(self):
        """Nothing is on the way any more: what is on the screen is where the run stands."""
        answered = self.far is None or self.live
        self.far = None
        page.mark("far", "")
        page.mark("waiting", "")
        if not answered and self.recorded:
            self.show(self.shown, self.frame, True)

    def draw_around(self):
        """Everything but the frame, after language, lab or choice changed."""
        self.board.forget()
        self.board.name(self.words, self.lab)
        self.draw_head()
        self.draw_status()
        self.draw_controls()
        self.draw_transport()
        self.notes.draw()

    def draw_controls(self):
        self.board.controls(self.lab, self.choice, self.words)

    def draw_transport(self):
        playing = self.player.playing
        page.mark("playing", "yes" if playing else "")
        stops = len(self.stops["kinds"]) + len(self.stops["addresses"])
        self.board.transport(self.words, {
            "playing": playing, "kinds": self.lab["kinds"], "kind": self.kind,
            "speed": self.player.speed, "stops": stops})
        self.draw_status()
        self.finish_step()

    def draw_head(self):
        self.board.head(self.catalogue["labs"], self.lab, self.words, self.theme)

    def draw_status(self, doing="", step=None):
        """Who answers; ``doing`` is "working" or "running" while something takes long."""
        if self.lab is None:
            return
        name = doing or ("live" if self.live else "offline" if self.lost else "recorded")
        measuring = self.finishing is not None
        if self.live and (measuring or self.player.playing and self.player.rushing):
            name = "running"
        self.board.status(self.words, {
            "name": name, "step": self.step if step is None else step,
            "doing": self.shown["unfinished"] if measuring and self.shown else ""})

    def note(self, key, text, hint="", tone="", brief=False):
        """Say something beside the page until it is dismissed; a ``brief`` word goes by itself."""
        self.notes.say(key, text, hint, tone, brief)

    def refuse(self, error):
        self.note("refused", error["message"], error.get("hint") or "", "wrong")

    def fail(self, error):
        window.console.warn("ringside: %s" % error)
        if self.words is None:
            return
        self.note("back", self.words("notice.back"), self.words("notice.back.hint"), "wrong")

    def save_route(self, anew):
        state = {"lab": self.choice["lab"], "guest": self.choice["guest"],
                 "tech": self.choice["technique"], "step": self.step, "lang": self.words.lang,
                 "view": self.view, "program": self.packed,
                 "theme": "" if self.theme == "auto" else self.theme,
                 "options": {name: value for name, value in self.choice["options"].items()
                             if value != find(self.lab["options"], name)["default"]}}
        page.route(route.build(state), anew)
