"""What is on the screen: writes a frame, and the page around it, with as few calls as needed."""

import json

from pyscript.js_modules import ringside_page as page

from ringside_web import chrome, panels
from ringside_web.words import CONTEXTS


class Board:
    """Remembers what it wrote where, and writes only what differs."""

    def __init__(self):
        self._written = {}
        self.grown = ""  # the panel that has its column's height

    def put(self, place, trees):
        text = json.dumps(trees)
        if self._written.get(place) != text:
            self._written[place] = text
            page.patch(place, text)

    def forget(self):
        """Words or stops changed: panels must be made anew."""
        page.forgetPanels()

    def frame(self, frame, sentence, words, stops, editable, speed, quiet):
        """Picture, sentence and panels of one frame."""
        page.draw(frame, speed, quiet)
        self.put("sentence", panels.segments(sentence, words))
        sides = {"left": [], "right": []}
        for panel in json.loads(page.panels(frame)):
            tree = panels.panel_tree(
                panel, words, stops, editable, panel["id"] == self.grown)
            sides[panels.side(panel)].append(tree)
        for side in sides:
            self.put(side, sides[side])

    def name(self, words, lab):
        """Labels that depend on language and lab only."""
        contexts = {name: words("context." + name) for name in CONTEXTS}
        contexts.update(lab.get("contexts") or {})
        kinds = {kind["id"]: kind["title"] for kind in lab["kinds"]}
        page.name(words("stage", lab=lab["title"]), words("timeline"),
                  json.dumps({"context": contexts, "kind": kinds}))
        self.put("skip", [words("skip")])
        page.language(words.lang, "%s · Ringside" % lab["title"])

    def head(self, labs, lab, words, theme):
        self.put("top", chrome.head(labs, lab, words, theme))

    def status(self, words, status):
        self.put("status", [chrome.chip(words, status)])

    def controls(self, lab, choice, words):
        self.put("controls", chrome.controls(lab, choice, words))

    def transport(self, words, state):
        self.put("transport", chrome.transport(words, state))

    def where(self, words, step, last, ended, outcome):
        self.put("where", chrome.where(words, step, last, ended, outcome))

    def notices(self, words, notes):
        self.put("notices", [chrome.notice(words, note) for note in notes])

    def dialog(self, trees):
        self.put("dialog-body", trees)
        page.openDialog()
