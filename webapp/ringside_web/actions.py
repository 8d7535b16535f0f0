"""What the user does: one method per action, as the keys and the page's elements name them."""

import asyncio
import json

from pyscript import window
from pyscript.js_modules import ringside_page as page

from ringside_web import chrome, keys, route
from ringside_web.choice import accepts, find, load_request, put
from ringside_web.notices import trace_refused, trace_taken

THEMES = ("auto", "light", "dark")


class Actions:
    """The half of the page's state that answers the user; ``App`` is the other."""

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

    def do_leap(self, argument, value):
        begun, way, kind = self.here(), int(argument), self.kind
        return self.player.search(lambda wanted: self.leap(way, kind, begun, wanted))

    async def leap(self, way, kind, begun, wanted):
        """Look for a step of a kind; whether asking again would look further. Where there is none,
        go back to where the search was ``begun``, if it is still ``wanted()``."""
        reply = await self.ask({"op": "step", "direction": way, "by": kind})
        if not reply or reply.get("found") is not False:
            return False
        if reply.get("more"):
            return True
        opened, step = begun
        if opened == self.opened and wanted():
            title = find(self.lab["kinds"], kind)["title"]
            key = "notice.none.yet"
            if way < 0 or self.shown["ended"]:
                key = "notice.none.before" if way < 0 else "notice.none"
            self.note("none", self.words(key, kind=title, last=self.shown["last"]), brief=True)
            if self.step != step:
                await self.ask({"op": "frame", "step": step}, quiet=True)
        return False

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
        if self.finishing is not None:
            self.resting = self.here()
        elif self.busy:
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

    def do_theme(self, argument, value):
        self.set_theme(THEMES[(THEMES.index(self.theme) + 1) % len(THEMES)])
        self.draw_head()
        self.save_route(False)

    def set_theme(self, theme):
        self.theme = theme
        page.mark("theme", theme)
        page.keep("theme", theme)

    def do_panel(self, argument, value):
        """Give a panel its column's height, or share it again."""
        self.board.grown = "" if self.board.grown == argument else argument
        self.draw_panels()

    def draw_panels(self):
        """The panels anew, though the frame is the same."""
        self.board.forget()
        if self.frame:
            self.show(self.shown, self.frame, True)

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
        self.draw_panels()
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

    def do_send(self, argument, value):
        return self.do_input("", argument)

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
    "step": Actions.do_step, "leap": Actions.do_leap, "seek": Actions.do_seek,
    "start": Actions.do_start, "finish": Actions.do_finish, "play": Actions.do_play,
    "stop": Actions.do_stop, "kind": Actions.do_kind, "speed": Actions.do_speed,
    "faster": Actions.do_faster, "lab": Actions.do_lab, "home": Actions.do_home,
    "technique": Actions.do_technique, "technique-number": Actions.do_technique_number,
    "guest": Actions.do_guest, "option": Actions.do_option, "language": Actions.do_language,
    "shape": Actions.do_shape, "theme": Actions.do_theme, "help": Actions.do_help,
    "glossary": Actions.do_glossary, "term": Actions.do_term, "close": Actions.do_close,
    "dismiss": Actions.do_dismiss, "copy": Actions.do_copy, "figure": Actions.do_figure,
    "stops": Actions.do_stops, "stop-at": Actions.do_stop_at, "stop-kind": Actions.do_stop_kind,
    "input": Actions.do_input, "send": Actions.do_send, "edit": Actions.do_edit,
    "route": Actions.do_route,
    "drop": Actions.do_drop, "panel": Actions.do_panel,
    "questions": lambda app, argument, value: app.questions.open(),
    "pick": lambda app, argument, value: app.questions.pick(argument, value),
    "check": lambda app, argument, value: app.questions.check(argument, value),
    "reveal": lambda app, argument, value: app.questions.reveal(argument, value),
    "another": lambda app, argument, value: app.questions.another(argument, value),
    "show": lambda app, argument, value: app.questions.show(argument, value),
    "begin": lambda app, argument, value: app.questions.begin(argument, value),
}
