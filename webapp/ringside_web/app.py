"""The page's state, and what happens to it: one method per action.

The picture comes from a recording first and from the live machine as soon as it answers; both
give the same frames, so the change-over is not seen.
"""

import asyncio
import json

from pyscript import window
from pyscript.js_modules import ringside_page as page

from ringside_web import chrome, keys, route
from ringside_web.board import Board
from ringside_web.choice import accepts, choose, find, load_request, put
from ringside_web.notices import Notices, trace_refused, trace_taken
from ringside_web.player import Player
from ringside_web.questions import Questions
from ringside_web.sources import Recorded, live_source
from ringside_web.words import Words

THEMES = ("auto", "light", "dark")


class App:
    def __init__(self, backend):
        self.backend = backend
        self.board = Board()
        self.player = Player(self.move, page.now, self.draw_transport)
        self.turn = asyncio.Lock()
        self.ready = asyncio.Event()  # the live machine answers, or never will
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
        self.draw_status()

    def still(self, opened):
        """Whether a long way is still wanted: a function of the step it has come to."""

        def going(step):
            if self.busy:
                self.draw_status("running", step)
            return opened == self.opened and opened != self.halted

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
        async with self.turn:
            self.busy += 1
            try:
                source = await self.source(request)
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

    async def source(self, request):
        """Who answers this request; waits for the live machine when nobody else can."""
        if self.live:
            return self.live
        if self.recorded and self.recorded.can(request):
            return self.recorded
        if not self.lost:
            self.draw_status()
            await self.ready.wait()
        if self.live is None:
            self.note("back", self.words("notice.back"), self.words("notice.back.hint"), "wrong")
        return self.live

    async def say_busy(self):
        await asyncio.sleep(0.4)
        self.draw_status("working")

    async def move(self, steps):
        """Go on by ``steps``; False when there is nothing further or a stop was met."""
        if self.at_end():
            return False
        if not self.live and self.recorded and self.step < self.recorded.last:
            target = min(self.step + steps, self.recorded.last)
            return bool(await self.ask({"op": "frame", "step": target}))
        reply = await self.ask({"op": "run", "steps": steps})
        if not reply:
            return False
        if reply["stopped"] and not self.at_end():
            self.note("stopped", self.words("notice.stopped", step=self.step))
        return not reply["stopped"]

    def at_end(self):
        return bool(self.shown) and self.shown["ended"] and self.step >= self.shown["last"]

    # --- showing ----------------------------------------------------------------------------

    def show(self, shown, frame, quiet=False):
        """Put a frame on the screen; ``shown`` is what the page itself needs to know of it."""
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
        if self.far is None or self.live:
            self.save_route(False)

    def draw_nearest(self, step):
        """What can be seen until ``step`` has been worked out: the last recorded one, pale."""
        if self.live or (self.recorded and step <= self.recorded.last):
            return
        self.far = step
        if self.recorded:
            self.show(*self.recorded.frame(self.recorded.last), True)
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

    def draw_head(self):
        self.board.head(self.catalogue["labs"], self.lab, self.words, self.theme)

    def draw_status(self, doing="", step=None):
        """Who answers; ``doing`` is "working" or "running" while something takes long."""
        if self.lab is None:
            return
        name = doing or ("live" if self.live else "offline" if self.lost else "recorded")
        if self.player.playing and self.player.rushing and self.live:
            name = "running"
        self.board.status(
            self.words, {"name": name, "step": self.step if step is None else step})

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

    # --- what the user does -----------------------------------------------------------------

    def report(self, action, argument, value):
        """An action from the page. True when a key press was taken."""
        if action == "key":
            found = keys.action(argument, value == "shift")
            if not found:
                return False
            action, argument = found
        method = ACTIONS.get(action)
        if method is None:
            return False
        result = method(self, argument, value)
        if result is not None:
            asyncio.create_task(result)
        return True

    def do_step(self, argument, value):
        self.player.stop()
        return self.ask({"op": "step", "direction": int(argument), "by": "step"})

    async def do_leap(self, argument, value):
        self.player.stop()
        reply = await self.ask({"op": "step", "direction": int(argument), "by": self.kind})
        if reply and reply.get("found") is False:
            title = find(self.lab["kinds"], self.kind)["title"]
            self.note("none", self.words("notice.none", kind=title))

    def do_seek(self, argument, value):
        self.player.stop()
        self.wanted = int(argument)
        return self.seek_latest(self.wanted)

    async def seek_latest(self, step):
        """While the hand moves, only the place where it is now is worth a picture."""
        if self.turn.locked():
            async with self.turn:
                pass
        if step == self.wanted:
            await self.ask({"op": "frame", "step": step}, quiet=True)

    def do_start(self, argument, value):
        self.player.stop()
        return self.ask({"op": "frame", "step": 0}, quiet=True)

    def do_finish(self, argument, value):
        self.player.run()

    def do_play(self, argument, value):
        if self.player.playing:
            self.player.stop()
        else:
            self.player.play()

    def do_stop(self, argument, value):
        self.player.stop()
        if self.busy:
            self.halted = self.opened  # a long way to a step ends here

    def do_kind(self, argument, value):
        self.kind = value
        self.draw_transport()

    def do_speed(self, argument, value):
        self.player.speed = value
        self.draw_transport()

    def do_faster(self, argument, value):
        names = [name for name, _ in chrome.SPEEDS]
        at = names.index(self.player.speed) + int(argument)
        self.do_speed("", names[max(0, min(at, len(names) - 1))])

    async def change(self, step=0):
        """Another run was chosen: open it, under an address of its own."""
        self.choice["typed"] = False
        self.save_route(True)
        await self.open(step)

    def do_lab(self, argument, value):
        return self.go_anew({"lab": argument})

    def do_home(self, argument, value):
        return self.do_lab(self.catalogue["labs"][0]["id"], "")

    async def go_anew(self, state):
        await self.go(state)
        self.save_route(True)

    def do_technique(self, argument, value):
        if argument != self.choice["technique"] and find(self.lab["techniques"], argument):
            self.choice["technique"] = argument
            return self.change()
        return None

    def do_technique_number(self, argument, value):
        number = int(argument) - 1
        if number < len(self.lab["techniques"]):
            return self.do_technique(self.lab["techniques"][number]["id"], "")
        return None

    def do_guest(self, argument, value):
        self.choice["guest"] = value
        self.choice["source"] = None
        self.packed = ""
        self.close_editor()
        return self.change()

    async def do_drop(self, argument, value):
        """A file was dropped or chosen: a trace for the labs that play one."""
        about = json.loads(argument)
        problem = trace_refused(self.words, about, self.lab.get("drops"), value)
        if problem:
            self.note("drop", problem, "", "wrong")
            return
        reply = await self.ask({"op": "drop", "name": about["name"][:200], "data": value})
        if not reply:
            return
        option, equals, value = self.lab["drops"].partition("=")
        if equals:
            self.choice["options"][option] = value
        else:
            self.choice["guest"] = option
        await self.change()
        self.note("drop", *trace_taken(self.words, about, reply))

    def do_option(self, argument, value):
        option = find(self.lab["options"], argument)
        if not accepts(option, value):
            self.note("number", self.words(
                "notice.number", title=option["title"], most=option["most"]))
            return None
        self.notes.dismiss("number")
        put(self.choice, option, value)
        if option.get("keeps"):
            return self.change_in_place() if self.live else self.change(self.step)
        return self.change()

    async def change_in_place(self):
        """The same run at the same step under another setting, for which nothing runs again."""
        self.player.stop()
        self.save_route(True)
        await self.find_recording()
        self.draw_around()
        await self.ask(load_request(self.choice, self.step), quiet=True)

    async def do_language(self, argument, value):
        lang = "hu" if self.words.lang == "en" else "en"
        await self.use_language(lang)
        page.keep("lang", lang)
        self.lab = find(self.catalogue["labs"], self.lab["id"])
        await self.same_again()

    def do_shape(self, argument, value):
        return self.same_again()

    async def same_again(self):
        """The same run at the same step, in another language or shape."""
        await self.find_recording()
        self.draw_around()
        step = self.step if self.far is None else self.far
        await self.ask({"op": "frame", "step": step}, quiet=True)

    async def find_recording(self):
        """The recording of the run that is open, if it is of that very run."""
        record = await page.recording(self.choice["lab"], self.words.lang)
        recorded = Recorded(record) if record else None
        self.recorded = recorded if recorded and recorded.fits(self.choice) else None

    def do_theme(self, argument, value):
        self.set_theme(THEMES[(THEMES.index(self.theme) + 1) % len(THEMES)])
        self.draw_head()
        self.save_route(False)

    def set_theme(self, theme):
        self.theme = theme
        page.mark("theme", theme)
        page.keep("theme", theme)

    def do_help(self, argument, value):
        self.board.dialog(chrome.help_dialog(self.words))

    def do_glossary(self, argument, value):
        self.board.dialog(chrome.glossary_dialog(self.words, self.catalogue["glossary"], None))

    def do_term(self, argument, value):
        entries = self.catalogue["glossary"]
        chosen = argument if find(entries, argument) else None
        back = window.document.getElementById("dialog").open  # only the questions have terms there
        self.board.dialog(chrome.glossary_dialog(self.words, entries, chosen, back))

    def do_close(self, argument, value):
        page.closeDialog()

    def do_dismiss(self, argument, value):
        self.notes.dismiss(argument)

    async def do_copy(self, argument, value):
        try:
            await page.copy(page.address())
            left_out = self.choice["source"] and not self.packed
            self.note("copied", self.words("copied.part" if left_out else "copied"), brief=True)
        except Exception:
            self.note("copied", self.words("copy.failed"))

    async def do_figure(self, argument, value):
        reply = await self.ask({"op": "figure", "step": self.step})
        if reply:
            name = "ringside-%s-%d.svg" % (self.lab["id"], self.step)
            page.save(name, reply["svg"], "image/svg+xml")

    # --- stops, console, editor -------------------------------------------------------------

    def do_stops(self, argument, value):
        self.board.dialog(chrome.stops_dialog(
            self.words, self.lab["kinds"], self.stops["kinds"], self.stops["addresses"]))

    def do_stop_at(self, argument, value):
        return self.toggle_stop("addresses", argument)

    def do_stop_kind(self, argument, value):
        return self.toggle_stop("kinds", argument)

    async def toggle_stop(self, sort, name):
        chosen = self.stops[sort]
        if name in chosen:
            chosen.remove(name)
        else:
            chosen.append(name)
        self.draw_transport()
        self.board.forget()
        if self.frame:
            self.show(self.shown, self.frame, True)
        if window.document.getElementById("dialog").open:
            self.do_stops("", "")
        await self.send_stops()

    async def send_stops(self):
        points = [{"kind": kind} for kind in self.stops["kinds"]]
        points += [{"address": int(text, 16)} for text in self.stops["addresses"]]
        await self.ask({"op": "breakpoints", "list": points})

    async def do_input(self, argument, value):
        if await self.ask({"op": "input", "text": value + "\n"}):
            self.choice["typed"] = True  # from here on the run is the user's own
            self.recorded = None

    async def do_edit(self, argument, value):
        if self.editing or not self.lab["editable"]:
            self.close_editor()
            return
        self.editing = True
        page.mark("editing", "yes")
        self.say_editor("", self.words("edit.hint" if self.live else "edit.waiting"))
        reply = await self.ask({"op": "source"})
        if reply and self.editing:
            self.say_editor("", self.words("edit.hint"))
            await page.edit(reply["source"], self.words("editor"), self.edited)

    def close_editor(self):
        self.editing = False
        page.mark("editing", "")

    def edited(self, text):
        asyncio.create_task(self.try_program(text))

    async def try_program(self, text):
        """Assemble what was typed; run it at once if it has no mistakes."""
        reply = await self.ask({"op": "assemble", "source": text})
        if reply is None or text != page.source():
            return
        problems = reply["problems"]
        page.problems(json.dumps(problems))
        if problems:
            key = "edit.bad.one" if len(problems) == 1 else "edit.bad"
            what = problems[0]["message"].rstrip(".") + "."
            self.say_editor("wrong", self.words(
                key, count=len(problems), line=problems[0]["line"], what=what))
            return
        self.choice["source"] = text
        packed = await page.pack(text)
        self.packed = packed if len(packed) <= route.LONGEST else ""
        self.say_editor("good", self.words("edit.good", bytes=reply["bytes"]))
        await self.open(0)

    def say_editor(self, tone, text):
        self.board.put("editor-head", chrome.editor_head(self.words, {"tone": tone, "text": text}))

    def do_route(self, argument, value):
        """Somebody changed the address, or went back."""
        return self.go(*route.parse(argument))


ACTIONS = {
    "step": App.do_step, "leap": App.do_leap, "seek": App.do_seek, "start": App.do_start,
    "finish": App.do_finish, "play": App.do_play, "stop": App.do_stop, "kind": App.do_kind,
    "speed": App.do_speed, "faster": App.do_faster, "lab": App.do_lab, "home": App.do_home,
    "technique": App.do_technique, "technique-number": App.do_technique_number,
    "guest": App.do_guest, "option": App.do_option, "language": App.do_language,
    "shape": App.do_shape, "theme": App.do_theme, "help": App.do_help,
    "glossary": App.do_glossary, "term": App.do_term, "close": App.do_close,
    "dismiss": App.do_dismiss, "copy": App.do_copy, "figure": App.do_figure,
    "stops": App.do_stops, "stop-at": App.do_stop_at,
    "stop-kind": App.do_stop_kind, "input": App.do_input, "edit": App.do_edit,
    "route": App.do_route, "drop": App.do_drop,
    "questions": lambda app, argument, value: app.questions.open(),
    "pick": lambda app, argument, value: app.questions.pick(argument, value),
    "check": lambda app, argument, value: app.questions.check(argument, value),
    "reveal": lambda app, argument, value: app.questions.reveal(argument, value),
    "another": lambda app, argument, value: app.questions.another(argument, value),
    "show": lambda app, argument, value: app.questions.show(argument, value),
    "begin": lambda app, argument, value: app.questions.begin(argument, value),
}
