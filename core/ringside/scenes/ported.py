"""Beside the figure "Paravirtualization": what porting changed here, and what was asked so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .scene import Scene

LETTER = 0.61  # of the font's size: the width of a letter, bold or of fixed width
SANS = 0.56  # the same of ordinary text


class Place(NamedTuple):
    """Where a part is drawn, and how large its letters are."""

    x: float
    y: float
    width: float
    size: float


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: source lines and what they became. ``line`` and ``first`` are the
    positions of the line and the instruction it is about."""

    title: str
    lines: tuple[str, ...]
    code: tuple[tuple[str, str, bool], ...]  # bytes, text, whether it is the current one
    line: int = 0
    first: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the log of hypercalls."""

    key: str
    text: str
    answer: str
    tone: str


def cut(text: str, room: float, letter: float) -> str:
    """``text``, shortened to ``room`` if it is longer; ``letter`` is the width of one."""
    fits = max(int(room / letter), 2)
    return text if len(text) <= fits else text[: fits - 1] + "…"


def draw_change(
    scene: Scene, place: Place, title: str, sides: tuple[Side, ...], most: tuple[int, int]
) -> float:
    """What porting changed: the native source and bytes, and the ported ones. Gives its end."""
    x, y, width, size = place
    if not sides:
        return y
    scene.text("change:title", x, y, cut(title, width, size * LETTER), "title muted",
               size=size, weight=600)
    top = y + 8
    line = size * 1.42
    for number, side in enumerate(sides):
        tone = ("muted", "kernel")[number]
        key = f"change:{number}"
        lines, code = _window(side, *most)
        height = line * (1.2 + max(len(lines), 1) + len(code)) + 8
        scene.rect(key, x, top, width, height, f"box {tone}", r=8)
        scene.text(f"{key}:title", x + 10, top + line, side.title,
                   "label kernel" if number else "label muted", size=size, weight=700)
        base = top + line * 2.05
        for row, text in enumerate(lines or ("–",)):
            scene.text(f"{key}:line:{row}", x + 10, base, cut(text, width - 16, size * LETTER),
                       "value" if number else "value muted", size=size, weight=600, tip=text)
            base += line
        for row, (raw, text, here) in enumerate(code):
            shown = cut(raw, 11 * size * LETTER, size * LETTER)
            scene.text(f"{key}:bytes:{row}", x + 10, base, shown, "value muted", size=size,
                       tip=raw)
            at = x + 10 + 11.5 * size * LETTER
            scene.text(f"{key}:code:{row}", at, base,
                       cut(text, x + width - 6 - at, size * LETTER),
                       f"value {'hot kernel' if here else 'muted'}", size=size, tip=text)
            base += line
        top += height + 8
    return top + size * 1.2


def _window(
    side: Side, lines: int, codes: int
) -> tuple[tuple[str, ...], tuple[tuple[str, str, bool], ...]]:
    """The part of a change around what it is about."""
    first = max(0, min(side.first - 1, len(side.code) - codes))
    line = max(0, min(side.line - 1, len(side.lines) - lines))
    return side.lines[line : line + lines], side.code[first : first + codes]


def draw_log(
    scene: Scene, place: Place, title: str, log: tuple[Asked, ...], end: float
) -> None:
    """The hypercalls so far, the newest first, as far as there is room."""
    x, y, width, size = place
    scene.text("log:title", x, y, title, "title muted", size=size, weight=600)
    for row, asked in enumerate(log):
        base = y + 22 + row * size * 1.62
        if base > end:
            break
        scene.text(f"{asked.key}:text", x + 4, base, asked.text, "value", size=size)
        scene.text(asked.key, x + width - 4, base, asked.answer, f"label {asked.tone}",
                   size=size, anchor="end", weight=700)
