"""The figure "Three properties": a line for each technique, a mark for each thing measured, and
below it the evidence of the measurement made last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Mark:
    """One measurement: ``state`` is ``waits``, ``good``, ``wrong`` or ``seen``."""

    key: str
    state: str
    tip: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One technique: its equivalence, the attacks on it, and its efficiency.

    ``share`` is the part that ran directly, -1 while it is not measured; ``figure`` stands beside.
    """

    key: str
    title: str
    note: str
    equal: Mark
    attacks: Sequence[Mark]
    efficiency: Mark
    share: float = -1.0
    figure: str = ""
    tone: str = "app"  # of the figure


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the evidence; ``tone`` is a colour or empty."""

    key: str
    name: str
    value: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class PropertiesView:
    """Everything the figure needs to know."""

    heads: tuple[str, str, str]  # equivalence, resource control, efficiency
    crimes: Sequence[tuple[str, str]]  # short name and explanation of each attack
    lines: Sequence[Line]
    title: str = ""  # of the evidence
    tone: str = ""
    facts: Sequence[Fact] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    top: float  # of the first line
    row: float
    name_width: float
    equal_x: float
    attack_x: float
    attack_step: float
    share_x: float
    share_width: float
    cell: float  # of a mark
    evidence: tuple[float, float, float, float]


_LAYOUTS = {
    "wide": _Layout(880, 572, 18, 66, 50, 200, 268, 344, 56, 722, 150, 32, (4, 376, 872, 194)),
    "tall": _Layout(400, 720, 14, 58, 66, 392, 30, 76, 30, 290, 104, 24, (4, 476, 392, 240)),
}  # fmt: skip
SIGNS = {"waits": "·", "good": "✓", "wrong": "✗", "seen": "~"}
TONES = {"waits": "muted", "good": "good", "wrong": "wrong", "seen": "kernel"}


def draw(view: PropertiesView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    _draw_heads(scene, layout, view)
    for number, line in enumerate(view.lines):
        _draw_line(scene, layout, line, layout.top + layout.row * number)
    _draw_evidence(scene, layout, view)
    return scene


def _draw_heads(scene: Scene, layout: _Layout, view: PropertiesView) -> None:
    size = layout.size
    tall = layout.width < 500
    middle = layout.attack_x + layout.attack_step * (len(view.crimes) - 1) / 2
    places = (layout.equal_x, middle, layout.share_x + layout.share_width / 2)
    for number, (x, head) in enumerate(zip(places, view.heads, strict=True)):
        # The first name may be longer than its column.
        first = number == 0 and tall
        scene.text(
            f"head:{number}", 4 if first else x, size, head, "label", size=size - tall, weight=700,
            anchor="start" if first else "middle")
    for number, (name, tip) in enumerate(view.crimes):
        scene.text(
            f"crime:{number}", layout.attack_x + layout.attack_step * number, size * 2.3,
            str(number + 1) if tall else name, "label muted", size=size - 3 if not tall else size,
            anchor="middle", tip=f"{name}: {tip}")


def _draw_line(scene: Scene, layout: _Layout, line: Line, y: float) -> None:
    size = layout.size
    tall = layout.width < 500
    key = f"line:{line.key}"
    marks = (line.equal, *line.attacks, line.efficiency)
    current = any(mark.current for mark in marks)
    scene.rect(
        f"{key}:box", 2, y - 4, layout.width - 4, layout.row - 6,
        "box current" if current else "box muted")
    name_y = y + size if tall else y + layout.row * (0.36 if line.note else 0.5)
    scene.text(f"{key}:title", 12, name_y, line.title, "label", size=size, weight=700)
    if line.note:
        scene.text(
            f"{key}:note", layout.width - 12 if tall else 12, name_y if tall else name_y + size,
            line.note, "label muted", size=size - 2, anchor="end" if tall else "start")
    middle = y + (layout.row * 0.62 if tall else layout.row / 2 - 7)
    _draw_mark(scene, layout, line.equal, layout.equal_x, middle)
    for number, mark in enumerate(line.attacks):
        _draw_mark(scene, layout, mark, layout.attack_x + layout.attack_step * number, middle)
    left, wide = layout.share_x, layout.share_width
    if line.share < 0:
        _draw_mark(scene, layout, line.efficiency, left + wide / 2, middle)
        return
    tip = line.efficiency.tip
    scene.rect(f"{key}:track", left, middle + 4, wide, 9, "track", r=4, tip=tip)
    scene.rect(f"{key}:share", left, middle + 4, max(wide * line.share, 0.1), 9, "bar app", r=4)
    mood = f"value {'changed ' if line.efficiency.current else ''}{line.tone}"
    scene.text(
        f"{key}:figure", left + wide, middle - 3, line.figure, mood, size=size - 2, anchor="end",
        weight=700, tip=tip)


def _draw_mark(scene: Scene, layout: _Layout, mark: Mark, x: float, y: float) -> None:
    half = layout.cell / 2
    tone = TONES[mark.state]
    mood = " current" if mark.current else ""
    scene.rect(
        mark.key, x - half, y - half, layout.cell, layout.cell, f"box {tone}{mood}", r=7,
        tip=mark.tip)
    scene.text(
        f"{mark.key}:sign", x, y + layout.size * 0.36, SIGNS[mark.state], f"label {tone}",
        size=layout.size, anchor="middle", weight=700, tip=mark.tip)


def _draw_evidence(scene: Scene, layout: _Layout, view: PropertiesView) -> None:
    if not view.title:
        return
    x, y, w, h = layout.evidence
    size = layout.size
    tall = layout.width < 500
    step = size * (2.5 if tall else 1.5)
    h = min(h, size * 2.4 + step * len(view.facts))  # no larger than what it holds
    scene.rect("evidence:box", x, y, w, h, f"box {view.tone}".strip())
    scene.text(
        "evidence:title", x + 14, y + size * 1.5, view.title, f"title {view.tone}".strip(),
        size=size, weight=700)
    top = y + size * 3
    for number, fact in enumerate(view.facts):
        base = top + step * number
        scene.text(
            f"evidence:{fact.key}:name", x + 14, base, fact.name, "label muted", size=size - 1)
        scene.text(
            f"evidence:{fact.key}", x + 14 if tall else x + 240,
            base + size * 1.15 if tall else base, fact.value, f"label {fact.tone}".strip(),
            size=size - 1, weight=600)
