"""Recordings: each lab's default run, as the session itself answers it, for the first seconds.

A recording holds every distinct piece (node, row, panel) once; a frame is a list of pieces. So
equal things are equal objects in the page, and opening any step is a look-up
(static/js/recording.js reads this form).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "hu")
SHAPES = ("wide", "tall")
STEPS = 240  # recorded at most; the live machine takes over long before they have been watched
BYTES = 500_000  # of one file; a recording must arrive within a blink


class Refused(SystemExit):
    """The session refused something the build asks for."""


def ask(session: Any, **request: Any) -> dict[str, Any]:
    """A request that must be answered."""
    answer: dict[str, Any] = session.handle(request)
    if not answer["ok"]:
        raise Refused(f"recording: {request} was refused: {answer['error']}")
    return answer


class Packer:
    """Collects pieces; equal pieces get one number."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self._numbers: dict[str, int] = {}
        self.frames: list[Any] = []
        self.size = 0

    def piece(self, value: Any) -> int:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.pieces)
            self.pieces.append(value)
            self.size += len(text)
        return number

    def frame(self, frame: dict[str, Any]) -> None:
        rest = {k: v for k, v in frame.items() if k not in ("scene", "panels", "timeline")}
        scene = {k: v for k, v in frame["scene"].items() if k != "nodes"}
        nodes = [self.piece(node) for node in frame["scene"]["nodes"]]
        panels = [self.panel(panel) for panel in frame["panels"]]
        packed = [self.piece(rest), self.piece(scene), nodes, panels]
        self.size += 5 * (len(nodes) + len(panels) + 2)
        self.frames.append(packed)

    def panel(self, panel: dict[str, Any]) -> int:
        if "rows" not in panel:
            return self.piece(panel)
        rest = {k: v for k, v in panel.items() if k != "rows"}
        return self.piece({**rest, "$rows": [self.piece(row) for row in panel["rows"]]})


def record(session: Any, lab: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The lab's default run in every language and shape: ``{(lang, shape): recording}``."""
    ask(session, op="load", lab=lab)
    last = -1
    while True:  # a lab may answer in small portions
        frame = ask(session, op="run", steps=STEPS)["frame"]
        if frame["ended"] or frame["last"] >= STEPS or frame["last"] <= last:
            break
        last = frame["last"]
    last = frame["last"]
    packers = {(lang, shape): Packer() for lang in LANGUAGES for shape in SHAPES}
    step = 0
    while step <= last and all(packer.size < BYTES for packer in packers.values()):
        ask(session, op="frame", step=step)
        for (lang, shape), packer in packers.items():
            packer.frame(ask(session, op="frame", lang=lang, shape=shape)["frame"])
        step += 1
    result = {}
    for key, packer in packers.items():
        lang, shape = key
        frame = ask(session, op="frame", step=step - 1, lang=lang, shape=shape)["frame"]
        names = ("lab", "guest", "technique", "options")
        config = {name: frame[name] for name in names}
        config["ended"] = frame["ended"] and frame["last"] == step - 1
        result[key] = {
            "config": config,
            "timeline": _until(frame["timeline"], step - 1),
            "pieces": packer.pieces,
            "frames": packer.frames,
        }
    return result


def _until(timeline: dict[str, Any], last: int) -> dict[str, Any]:
    """The timeline as far as it was recorded."""
    segments = [[a, min(b, last + 1), *rest] for a, b, *rest in timeline["segments"] if a <= last]
    marks = [mark for mark in timeline["marks"] if mark[0] <= last]
    return {"total": last, "segments": segments, "marks": marks}


def write(folder: Path) -> None:
    """All recordings and the catalogues, as compact JSON files."""
    from ringside.session import Session

    for lang in LANGUAGES:
        catalogue = ask(Session(), op="catalogue", lang=lang)
        _dump(folder / f"catalogue.{lang}.json", catalogue)
    for lab in catalogue["labs"]:
        for (lang, shape), recording in record(Session(), lab["id"]).items():
            _dump(folder / f"{lab['id']}.{lang}.{shape}.json", recording)


def _dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
