"""The lower part of the figure "Binary translation": the whole cache, and what was executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .scene import Scene


class Place(NamedTuple):
    """Where a part is drawn, and how large its letters are; ``wide``: in the wide layout."""

    x: float
    y: float
    width: float
    size: float
    wide: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit in the strip of the whole cache, from and to as fractions of it."""

    key: str
    start: float
    end: float
    state: str  # "", "current", "new", "gone"
    tip: str


@dataclass(frozen=True, slots=True)
class Arc:
    """A chained jump, from and to as fractions of the strip. ``state``: "", "current", "new"."""

    key: str
    start: float
    end: float
    state: str
    tip: str


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the executed instructions."""

    key: str
    name: str
    count: int
    share: float
    text: str
    tone: str


def draw_strip(
    scene: Scene, place: Place, titles: tuple[str, str], pieces: tuple[Piece, ...],
    arcs: tuple[Arc, ...],
) -> None:  # fmt: skip
    """The whole cache: units as blocks, chained jumps as arcs above them."""
    x, y, width, size, _ = place
    scene.text("strip:title", x, y - 6, titles[0], "title muted", size=size - 0.5)
    if titles[1]:
        scene.text("strip:note", x + width, y - 6, titles[1], "label muted", size=size - 0.5,
                   anchor="end")
    top, tall = y + 18, 20
    scene.rect("strip", x, top, width, tall, "box track", r=3)
    for piece in pieces:
        w = max((piece.end - piece.start) * width - 1, 1.5)
        tone = {"current": "kernel current", "new": "good current", "gone": "wrong stale",
                "": "vmm"}[piece.state]
        scene.rect(piece.key, x + piece.start * width, top, w, tall, f"box {tone}", r=2,
                   tip=piece.tip)
    for arc in arcs:
        a, b = x + arc.start * width, x + arc.end * width
        # A quadratic curve rises half as high as its control point.
        lift = 2 * min(16.0, 7 + abs(b - a) / 16)
        b = max(b, a + 7) if b >= a else min(b, a - 7)  # the very next unit: still a loop to see
        tone = {"new": "good hot", "current": "good", "": "link"}[arc.state]
        scene.path(arc.key, f"M{a:.1f} {top:.1f}Q{(a + b) / 2:.1f} {top - lift:.1f} {b:.1f} "
                            f"{top:.1f}", tone, tip=arc.tip)


def draw_shares(
    scene: Scene, place: Place, title: str, shares: tuple[Share, ...],
    figures: tuple[tuple[str, str, str], ...],
) -> None:  # fmt: skip
    """One bar of all that was executed, its legend, and the three figures."""
    x, y, whole, size, wide = place
    width = whole * 0.63 if wide else whole
    scene.text("shares:title", x, y - 6, title, "title muted", size=size - 0.5)
    at = x
    for share in shares:
        w = share.share * width
        if share.count:
            scene.rect(f"share:{share.key}", at, y, max(w, 1.5), 16, f"bar {share.tone}", r=0,
                       tip=f"{share.name}: {share.text}")
        at += w
    column = width / 3
    for number, share in enumerate(shares):
        lx = x + (number % 3) * column
        ly = y + 33 + (number // 3) * (size + 4)
        scene.rect(f"share:{share.key}:mark", lx, ly - 9, 10, 10, f"bar {share.tone}", r=2)
        scene.text(f"share:{share.key}:name", lx + 15, ly, share.name, "label", size=size - 0.5)
        scene.text(f"share:{share.key}:value", lx + column - (10 if wide else 2), ly, share.text,
                   "value", size=size - 0.5, anchor="end", weight=700)
    fx = x + width + 22 if wide else x
    fy = y + 14 if wide else y + 88
    column = (whole - width - 22) / 3 if wide else whole / 3
    for number, (key, value, name) in enumerate(figures):
        scene.text(f"figure:{key}", fx + number * column, fy, value, "value big",
                   size=size * 1.55, weight=700)
        for line, words in enumerate(name.split("\n")):
            scene.text(f"figure:{key}:name" + (f":{line}" if line else ""), fx + number * column,
                       fy + size * (1.3 + 1.1 * line), words, "label muted",
                       size=size - 0.5)
