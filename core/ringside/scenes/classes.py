"""The figure "Classification": the sets of Popek and Goldberg's theorem, every instruction in its
place, and below them the experiment that has just been made, its two runs side by side.

Two rows of regions in ``tall``, two columns in ``wide``: privileged and not; each has its
sensitive part, and the sensitive part is control-sensitive, behaviour-sensitive, or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .scene import Scene

KINDS = ("control", "both", "behaviour")


@dataclass(frozen=True, slots=True)
class Chip:
    """Encodings of one name that are in the same region; ``current`` is under examination."""

    key: str
    label: str
    tip: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a run's card: what, and its value."""

    key: str
    name: str
    value: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One run: its state's name, how it ended, and what it left behind."""

    title: str
    end: str
    trapped: bool
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassesView:
    """Everything the figure needs to know. ``privileged`` and ``open`` hold the chips by kind of
    sensitivity, ``plain`` those that are privileged and not sensitive; innocuous ones are dots."""

    title: str  # of the whole set
    names: dict[str, str]  # labels of the regions
    privileged: dict[str, Sequence[Chip]]
    open: dict[str, Sequence[Chip]]
    plain: Sequence[Chip]
    dots: Sequence[Chip]
    innocuous: str
    done: float  # the share examined
    instruction: str = ""
    code: str = ""
    state: str = ""
    tone: str = "app"  # what the experiment shows, as a colour
    shows: str = ""
    sides: tuple[Side, ...] = ()
    theorems: tuple[tuple[str, str, str, str], ...] = ()  # name, condition, verdict, colour
    sums: tuple[tuple[str, int, str], ...] = ()  # while there is no experiment: name, how many
    holds: bool = False  # the open region is known to be empty


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    whole: Box
    privileged: Box
    sensitive: Box
    boxes: dict[str, Box]  # regions of chips: p:control …, o:control …, p:plain, innocuous
    lab: Box  # the experiment
    side: tuple[float, float]  # width and gap of a run's card
    theorems: Box


def _column(prefix: str, x: float, y: float, w: float, heights: Sequence[float]) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    for kind, height in zip(KINDS, heights, strict=True):
        boxes[f"{prefix}:{kind}"] = (x, y, w, height)
        y += height
    return boxes


_LAYOUTS = {
    "wide": _Layout(
        880, 592, 17,
        (4, 24, 872, 382), (16, 48, 424, 348), (26, 74, 842, 266),
        {
            **_column("p", 34, 78, 400, (122, 70, 70)),
            **_column("o", 450, 78, 410, (122, 70, 70)),
            "p:plain": (34, 344, 400, 52), "innocuous": (450, 344, 410, 56),
        },
        (4, 414, 600, 176), (294, 12), (626, 414, 250, 176)),
    "tall": _Layout(
        400, 862, 14,
        (2, 20, 396, 610), (8, 40, 384, 298), (14, 110, 372, 446),
        {
            "p:plain": (16, 62, 368, 46),
            **_column("p", 20, 112, 360, (104, 60, 60)),
            **_column("o", 20, 364, 360, (58, 58, 72)),
            "innocuous": (16, 560, 368, 66),
        },
        (4, 640, 392, 160), (192, 8), (4, 814, 392, 46)),
}  # fmt: skip


def draw(view: ClassesView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height, crowded=True)
    _draw_sets(scene, layout, view)
    for kind in KINDS:
        _draw_chips(scene, layout, f"p:{kind}", view.privileged[kind], "vmm", view.names[kind])
        _draw_chips(scene, layout, f"o:{kind}", view.open[kind], "wrong", view.names[kind])
    _draw_chips(scene, layout, "p:plain", view.plain, "vmm", "")
    _draw_innocuous(scene, layout, view)
    if view.instruction:
        _draw_experiment(scene, layout, view)
    else:
        _draw_sums(scene, layout, view)
    _draw_theorems(scene, layout, view)
    return scene


def _draw_sets(scene: Scene, layout: _Layout, view: ClassesView) -> None:
    size, names = layout.size, view.names
    x, y, w, h = layout.whole
    fits = len(view.title) * size * 0.64 < w
    scene.text(
        "set:all:label", x + 2, y - 7, view.title, "label", size=size if fits else size - 2,
        weight=600 if fits else 400)
    scene.rect("set:all", x, y, w, h, "box muted", r=14)
    scene.rect("set:all:done", x, y, max(w * view.done, 0.1), 4, "bar app", r=2)
    scene.rect("set:privileged", *layout.privileged, "set vmm", r=14, tip=names["privileged.tip"])
    px, py, pw, ph = layout.privileged
    scene.text(
        "set:privileged:label", px + 12, py + size * 1.1, names["privileged"], "label vmm",
        size=size, weight=700, tip=names["privileged.tip"])
    tone = "good" if view.holds else "wrong"
    # The sensitive set reaches out of the privileged one: what stands there breaks theorem 1.
    sx, sy, sw, sh = layout.sensitive
    ox, oy, _, _ = layout.boxes["o:control"]
    tall = layout.width < 500
    scene.rect("set:sensitive", sx, sy, sw, sh, "set kernel", r=14, tip=names["sensitive.tip"])
    if tall:
        scene.rect("set:open", sx + 3, py + ph + 1, sw - 6, sy + sh - py - ph - 4, f"set {tone}")
    else:
        scene.rect("set:open", px + pw + 2, sy + 3, sx + sw - px - pw - 5, sh - 6, f"set {tone}")
    label_x, label_y = (ox + 2, oy - 9) if tall else (ox + 4, sy - 8)
    scene.text(
        "set:sensitive:label", label_x, label_y, names["sensitive"],
        f"label {tone}", size=size, weight=700,
        tip=names["sensitive.tip"])


def _draw_chips(
    scene: Scene, layout: _Layout, region: str, chips: Sequence[Chip], tone: str, label: str
) -> None:
    """The chips of a region, in lines; those there is no room for are counted."""
    x, y, w, h = layout.boxes[region]
    size = layout.size - 1
    if label:
        scene.text(f"{region}:label", x + 4, y + size * 0.92, label, "label muted", size=size - 1)
        y += size * 1.25
        h -= size * 1.25
    height = size * 1.42
    across, down = x + 2, y
    shown = 0
    for chip in chips:
        width = len(chip.label) * size * 0.6 + 12
        if across + width > x + w:
            across, down = x + 2, down + height + 3
        if down + height > y + h + 1:
            break
        mood = " current" if chip.current else ""
        scene.rect(chip.key, across, down, width, height, f"box {tone}{mood}", r=7, tip=chip.tip)
        scene.text(
            f"{chip.key}:label", across + width / 2, down + height * 0.71, chip.label,
            f"label mono {tone}", size=size, anchor="middle", weight=700 if chip.current else 500,
            tip=chip.tip)
        across += width + 4
        shown += 1
    if shown < len(chips):
        scene.text(
            f"{region}:more", x + w, y - size * 0.35, f"+ {len(chips) - shown}", f"label {tone}",
            size=size, anchor="end", weight=700)


def _draw_innocuous(scene: Scene, layout: _Layout, view: ClassesView) -> None:
    x, y, w, _ = layout.boxes["innocuous"]
    size = layout.size
    scene.text("innocuous", x + 4, y + size, view.innocuous, "label app", size=size, weight=700)
    top = y + size * 1.75
    gap = 9.0 if layout.width > 500 else 8.2
    across = int((w - 8) // gap)
    for number, dot in enumerate(view.dots):
        scene.circle(
            dot.key, x + 8 + gap * (number % across), top + gap * (number // across), 3.4,
            "dot app current" if dot.current else "dot app", tip=dot.tip)


def _draw_experiment(scene: Scene, layout: _Layout, view: ClassesView) -> None:
    x, y, w, h = layout.lab
    size = layout.size
    scene.text(
        "probe", x + 2, y + size, view.instruction, f"label mono {view.tone}", size=size + 4,
        weight=700)
    tall = layout.width < 500
    scene.text(
        "probe:state", x + w - 2, y + size, view.state if tall else f"{view.code}  ·  {view.state}",
        "label muted", size=size - 1, anchor="end")
    width, gap = layout.side
    top = y + size * 1.6
    height = h - size * 1.6
    for number, side in enumerate(view.sides):
        _draw_side(scene, layout, number, side, (x + number * (width + gap), top, width, height))


def _draw_side(scene: Scene, layout: _Layout, number: int, side: Side, box: Box) -> None:
    x, y, w, h = box
    size = layout.size
    key = f"side:{number}"
    tone = "vmm" if side.trapped else "app"
    scene.rect(f"{key}:box", x, y, w, h, f"box {tone}")
    scene.text(
        f"{key}:title", x + 10, y + size * 1.25, side.title, "title", size=size - 1, weight=700)
    if side.end:
        wide = layout.width > 500
        fits = int((w - 20) / (size * 0.58)) - (len(side.title) + 1) * wide
        end = side.end if len(side.end) <= fits else side.end[: fits - 1] + "…"
        scene.text(
            f"{key}:end", x + w - 10 if wide else x + 10, y + size * (1.25 if wide else 2.5),
            end, f"label {tone}", size=size - 1, anchor="end" if wide else "start",
            weight=700)
    first = y + size * (2.75 if layout.width > 500 else 3.9)
    for line, row in enumerate(side.rows):
        base = first + size * 1.42 * line
        mood = "changed wrong" if row.differs else ""
        scene.text(f"{key}:{row.key}:name", x + 10, base, row.name, "label muted", size=size - 1)
        scene.text(
            f"{key}:{row.key}", x + w - 10, base, row.value, f"value {mood}".strip(),
            size=size - 1, anchor="end", weight=700 if row.differs else 400)


def _draw_theorems(scene: Scene, layout: _Layout, view: ClassesView) -> None:
    x, y, w, h = layout.theorems
    size = layout.size
    tall = layout.width < 500
    if view.shows and not tall:
        scene.text(
            "shows", x, y + size, view.shows, f"label {view.tone}", size=size, weight=700)
    for number, (name, condition, verdict, tone) in enumerate(view.theorems):
        top = y + number * 23 if tall else y + size * 1.6 + number * (h - size * 1.6 + 10) / 2
        height = 21 if tall else (h - size * 1.6 - 10) / 2
        scene.rect(f"theorem:{number}:box", x, top, w, height, f"box {tone}".strip(), tip=condition)
        if tall:
            scene.text(
                f"theorem:{number}:name", x + 8, top + 15, name, "label muted", size=size - 1,
                tip=condition)
            scene.text(
                f"theorem:{number}", x + w - 8, top + 15, verdict, f"label {tone}", size=size - 1,
                anchor="end", weight=700)
            continue
        scene.text(f"theorem:{number}:name", x + 12, top + size * 1.25, name, "title", size=size)
        scene.text(
            f"theorem:{number}:condition", x + 12, top + size * 2.4, condition, "label muted",
            size=size - 2)
        scene.text(
            f"theorem:{number}", x + 12, top + size * 3.7, verdict, f"label {tone}", size=size,
            weight=700)


def _draw_sums(scene: Scene, layout: _Layout, view: ClassesView) -> None:
    """Before the first experiment and after the last: how many encodings each class has."""
    x, y, w, h = layout.lab
    size = layout.size
    most = max(1, *(count for _, count, _ in view.sums))
    line = h / max(1, len(view.sums))
    for number, (name, count, tone) in enumerate(view.sums):
        top = y + line * number + line * 0.2
        scene.text(f"sum:{number}:name", x + 4, top + size * 0.5, name, f"label {tone}", size=size,
                   weight=600)
        room = w - 70
        scene.rect(f"sum:{number}:track", x + 4, top + size * 0.9, room, 14, "track", r=4)
        scene.rect(
            f"sum:{number}:bar", x + 4, top + size * 0.9, max(room * count / most, 0.1), 14,
            f"bar {tone}", r=4)
        scene.text(
            f"sum:{number}", x + w - 4, top + size * 0.9 + 12, str(count), "value", size=size,
            anchor="end", weight=700)
