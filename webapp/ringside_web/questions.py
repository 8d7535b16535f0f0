"""The dialog of questions: the lab's own with its short answer, and tasks the reader works on.

The session poses the tasks and judges the answers by running the labs; here is only what was asked,
picked and answered so far, and how it looks.
"""

import asyncio

from pyscript import window
from pyscript.js_modules import ringside_page as page

from ringside_web import quiz


class Questions:
    """What is asked of the reader in the lab that is open."""

    def __init__(self, app):
        self.app = app
        self.about = None  # the lab's answer, note and tasks, as the session gave them
        self.key = None  # lab and language they are of
        self.states = {}  # by task: the posed one, and what the reader did with it

    def open(self):
        """Show the dialog; what the machine has to say comes as soon as it answers."""
        key = self.app.lab["id"], self.app.words.lang
        if key != self.key:
            self.key, self.about, self.states = key, None, {}
        self.draw()
        page.openDialog()
        if self.about is None:
            asyncio.create_task(self.fetch(key))

    async def fetch(self, key):
        if not self.app.live:
            await self.app.ready.wait()
        if self.app.live and key == self.key and self.about is None:
            reply = await self.ask({"op": "ask", "lab": key[0]})
            if reply and key == self.key:
                self.about = reply
                self.states = {task["task"]: quiz.fresh(task) for task in reply["tasks"]}
        self.draw_if_open()

    async def ask(self, request):
        """An answer of the session; a refusal comes back as one, to be shown in the dialog."""

        async def talk(source):
            reply, _ = await source.ask(request)
            return (reply if reply["ok"] else {"ok": True, "refused": reply["error"]}), None

        return await self.app.take_turn(request, talk, True)

    def draw(self):
        app = self.app
        self.app.board.put("dialog-body", quiz.dialog(
            app.words, app.lab, self.about, self.states, app.lost))

    def draw_if_open(self):
        """Write it again, unless something else is shown there by now."""
        document = window.document
        if document.getElementById("dialog").open and document.getElementById("questions"):
            self.draw()

    def follow(self, state):
        """Keep in sight what came of this answer, and of no other."""
        for name in self.states:
            self.states[name]["latest"] = self.states[name] is state

    # --- what the reader does ---------------------------------------------------------------

    def pick(self, task, value):
        self.states[task]["pick"] = value

    async def check(self, task, value):
        """Have an answer judged: a number that was typed, or the choice that was picked."""
        state = self.states[task]
        answer = state["pick"] if state["task"]["kind"] == "choice" else value.strip()
        if answer:
            await self.judge(state, answer)
        else:
            state["refused"] = self.app.words("questions.empty")
            self.follow(state)
            self.draw()

    async def reveal(self, task, value):
        await self.judge(self.states[task], None)

    async def judge(self, state, answer):
        posed = state["task"]
        request = {"op": "judge", "lab": posed["lab"], "task": posed["task"], "seed": posed["seed"]}
        if answer is not None:
            request["answer"] = answer
        state["verdict"], state["refused"], state["busy"] = None, "", True
        self.follow(state)
        self.draw()
        reply = await self.ask(request)
        state["busy"] = False
        if state["task"] is posed:
            if reply and reply.get("refused"):
                state["refused"] = quiz.refusal(reply["refused"])
            else:
                state["verdict"] = reply
            self.draw_if_open()
        return state["verdict"]

    async def another(self, task, value):
        """The same question about another setup."""
        posed = self.states[task]["task"]
        reply = await self.ask({"op": "ask", "lab": posed["lab"], "task": task,
                                "seed": posed["seed"] + 1})
        if reply and not reply.get("refused"):
            self.states[task] = quiz.fresh(reply)
            self.draw_if_open()

    async def show(self, task, value):
        """Open the step that shows the answer."""
        state = self.states[task]
        found = state["verdict"] or await self.judge(state, None)
        if found:
            await self.visit(found["open"])

    async def begin(self, task, value):
        """Open the run a task is about, at its start."""
        await self.visit(self.states[task]["task"]["open"])

    async def visit(self, place):
        page.closeDialog()
        await self.app.go_anew({
            "lab": place["lab"], "guest": place["guest"], "tech": place["technique"],
            "options": place["options"], "step": place["step"]})
