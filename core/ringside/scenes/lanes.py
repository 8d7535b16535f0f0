"""The figure "Compare": one lane for each technique, all after the same guest instruction.

A lane shows in which ring its processor is now, the next guest instruction, the cycles it has
taken so far as a bar, and under the bar a tick for each time the VMM got control. All bars have one
scale, so lengths can be compared; the scale grows with the longest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .scene import Scene


@dataclass(frozen=True, slots=True)
class LaneView:
    """One technique as drawn. ``ticks`` are places from 0 (first step) to 1 (now)."""

    key: str
    title: str
    ring: int  # the real processor's; -1 in VMX root mode, which is beside the guest's rings
    context: str  # who has it
    where: str  # who is at work, the next instruction's address and text
    own: int  # cycles the guest took itself; the rest is the VMM's
    cycles: int
    cycles_text: str
    added: str  # what the last step cost
    facts: str  # exits and efficiency
    ticks: tuple[float, ...] = ()
    wrong: str = ""  # how it has parted from the first lane
    wrong_now: bool = False  # whether it has in this step
    ended: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class LanesView:
    """Everything the figure needs."""

    title: str
    step: str
    lanes: tuple[LaneView, ...]
    scale: int  # cycles that fill a bar
    scale_text: str
    legend: tuple[str, str]  # the guest's own cycles, the VMM's
    note: str = ""  # what else is to be known, where there is room for it


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    head: float
    row: float
    foot: float
    size: float
    icon: float  # radius of the rings
    left: float  # where texts begin
    right: float  # where the bar ends
    numbers: float  # right edge of the numbers
    under: bool  # facts under the bar instead of beside it


_LAYOUTS = {
    "wide": _Layout(880, 46, 84, 30, 17, 33, 96, 624, 868, False),
    "tall": _Layout(400, 44, 106, 26, 14.5, 25, 68, 392, 392, True),
}  # fmt: skip
MOST_TICKS = 120
ROOM = 504.0  # for all lanes of the wide picture


def draw(view: LanesView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    if not layout.under:  # many lanes are lower, so that the picture is not higher
        row = min(layout.row, ROOM / len(view.lanes))
        layout = replace(layout, row=row, icon=min(layout.icon, row / 2 - 6))
    height = round(layout.head + layout.row * len(view.lanes) + layout.foot)
    scene = Scene(layout.width, height)
    size = layout.size
    scene.text("title", 12, size + 10, view.title, "title", size=size + 1, weight=600)
    scene.text(
        "step", layout.width - 12, size + 10, view.step, "value mono", size=size, anchor="end",
        weight=700)
    for number, lane in enumerate(view.lanes):
        _draw_lane(scene, layout, view, lane, layout.head + number * layout.row)
    at = 12.0
    for name, tone in zip(view.legend, ("kernel", "vmm"), strict=True):
        scene.rect(f"legend:{tone}", at, height - 21, 11, 11, f"bar {tone}", r=2)
        scene.text(f"legend:{tone}:name", at + 16, height - 10, name, "label", size=size - 3)
        at += 16 + len(name) * (size - 3) * 0.6 + 14
    if view.note:
        scene.text("legend:note", at, height - 10, view.note, "label muted", size=size - 3)
    scene.text(
        "scale:end", layout.right, height - 10, view.scale_text, "label muted", size=size - 3,
        anchor="end" if layout.under else "middle")
    return scene


def _draw_lane(scene: Scene, layout: _Layout, view: LanesView, lane: LaneView, top: float) -> None:
    size, left = layout.size, layout.left
    key = f"lane:{lane.key}"
    tone = "wrong" if lane.wrong else "muted"
    scene.rect(
        f"{key}:box", 4, top + 2, layout.width - 8, layout.row - 6, f"box {tone}", r=8,
        tip=lane.wrong or lane.tip)
    _draw_rings(scene, layout, lane, 14 + layout.icon, top + layout.row / 2 - 1)
    name = top + size + 8
    scene.text(f"{key}:title", left, name, lane.title, "title", size=size, weight=700, tip=lane.tip)
    told = lane.wrong if lane.wrong_now or lane.ended else ""
    where = told or lane.ended or lane.where
    room = layout.right - left - (0 if layout.under else len(lane.title) * size * 0.68 + 18)
    where = _cut(where, room, size - (1 if layout.under else 2))
    style = "label wrong" if told else "label muted" if lane.ended else "value mono"
    if layout.under:
        scene.text(f"{key}:where", left, name + size + 5, where, style, size=size - 1)
    else:
        scene.text(
            f"{key}:where", layout.right, name, where, style, size=size - 2, anchor="end")
    bar = top + (layout.row - 60 if layout.under else max(layout.row - 52, 31))
    width = layout.right - left - 6
    thick = 15 if layout.under else 17
    scene.rect(f"{key}:track", left, bar, width, thick, "track", r=4)
    own, whole = (width * cycles / view.scale for cycles in (lane.own, lane.cycles))
    tip = f"{lane.title}: {lane.cycles_text}"
    if lane.cycles > lane.own:
        scene.rect(f"{key}:bar", left, bar, max(whole, 3), thick, "bar vmm", r=4, tip=tip)
    if lane.own:
        scene.rect(f"{key}:own", left, bar, max(own, 1.5), thick, "bar kernel", r=4, tip=tip)
    _draw_ticks(scene, layout, lane, bar + thick + 4, width)
    numbers = layout.numbers - 8
    if layout.under:
        scene.text(
            f"{key}:cycles", numbers, name, lane.cycles_text, "value", size=size + 1,
            anchor="end", weight=700)
        scene.text(f"{key}:facts", left, top + layout.row - 14, lane.facts, "label", size=size - 1)
        return
    pitch = (layout.row - 18) / 3
    scene.text(
        f"{key}:cycles", numbers, name + 3, lane.cycles_text, "value", size=size + 4,
        anchor="end", weight=700)
    scene.text(f"{key}:added", numbers, name + 3 + pitch, lane.added, "label muted", size=size - 2,
               anchor="end")
    scene.text(f"{key}:facts", numbers, name + 3 + 2 * pitch, lane.facts, "label", size=size - 2,
               anchor="end")


def _draw_rings(scene: Scene, layout: _Layout, lane: LaneView, x: float, y: float) -> None:
    """The four rings, small; the token is where the processor is."""
    key = f"lane:{lane.key}"
    step = layout.icon / 4
    for ring in (3, 2, 1, 0):
        here = f" {lane.context} current" if ring == lane.ring else " unused"
        scene.circle(f"{key}:ring:{ring}", x, y, step * (ring + 1), f"ring{here}")
    away = layout.icon * 0.86
    band = 0 if lane.ring == 0 else step * (lane.ring + 0.5)
    places = (x + away, y + away) if lane.ring < 0 else (x + band, y)
    scene.circle(f"{key}:token", *places, step * 0.8, f"token {lane.context}", tip=lane.where)


def _cut(text: str, room: float, size: float) -> str:
    """As much of a text of fixed width as fits into ``room``."""
    letters = int(room / (size * 0.602))
    return text if len(text) <= letters else text[: max(letters - 1, 1)].rstrip() + "…"


def _draw_ticks(scene: Scene, layout: _Layout, lane: LaneView, top: float, width: float) -> None:
    """When the VMM got control, from the first step to now."""
    key = f"lane:{lane.key}"
    left, low = layout.left, top + 9
    scene.line(f"{key}:time", left, low, left + width, low, "grid muted")
    if not lane.ticks:
        return
    places = sorted({round(place * width, 0) for place in lane.ticks})
    path = "".join(f"M{left + place:g} {top:g}V{low:g}" for place in places)
    scene.path(f"{key}:ticks", path, "mark vmm", tip=lane.facts)
