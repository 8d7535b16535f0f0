"""What the page says beside the figure: each until it is dismissed, a brief word for a moment."""

import asyncio

BRIEF = 4  # s a word that asks for nothing stays on the screen
MOST = 3  # on the screen at a time; the oldest goes


class Notices:
    """The notices on the screen. ``draw(notes)`` writes them into the page."""

    def __init__(self, draw):
        self._draw = draw
        self._notes = []

    def draw(self):
        """Write them again, as the language may have changed."""
        self._draw(self._notes)

    def clear(self):
        """Forget them all; the page is drawn anew by whoever asks."""
        self._notes = []

    def say(self, key, text, hint, tone, brief):
        """Add one, in place of the one of the same key."""
        note = {"key": key, "text": text, "hint": hint, "tone": tone}
        self._notes = [other for other in self._notes if other["key"] != key][1 - MOST:] + [note]
        self.draw()
        if brief:
            asyncio.create_task(self._forget(note))

    def dismiss(self, key):
        """Take one away."""
        self._notes = [note for note in self._notes if note["key"] != key]
        self.draw()

    async def _forget(self, note):
        await asyncio.sleep(BRIEF)
        if note in self._notes:
            self._notes.remove(note)
            self.draw()


def trace_refused(words, about, player, data):
    """Why a dropped trace file cannot be used, or an empty text. ``player`` is the guest of the
    open lab that plays one, ``about`` the file's name and the most the page reads of one."""
    if not player:
        return words("drop.nowhere")
    if not data:
        return words("drop.unread", name=about["name"], limit=about["limit"] // 1000)
    return ""


def trace_taken(words, about, reply):
    """``(text, hint)``: what was read of a trace file, and what in it was no access."""
    text = words("drop.done", name=reply["name"], count=reply["accesses"])
    if about["size"] > about["limit"]:
        text += " " + words("drop.cut", limit=about["limit"] // 1000)
    hint = ""
    if reply["garbage"]:
        lines = "; ".join("%d: %s" % (line, what) for line, what in reply["shown"])
        hint = words("drop.garbage", count=reply["garbage"], lines=lines)
    return text, hint
