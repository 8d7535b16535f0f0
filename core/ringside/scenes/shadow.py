"""The figure "Shadow": the guest's page table, the machine's memory behind it, and the shadow.

A row is a page. From the guest's entry (virtual to guest-physical) the allotment leads on to the
host frame; the shadow goes the whole way at once. An entry that no longer agrees is visibly stale.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Half:
    """An entry of the guest's table or of the shadow: where it leads and which flags it has."""

    target: str  # "" where there is no entry
    flags: str
    state: str  # "", "current", "stale"
    tip: str


@dataclass(frozen=True, slots=True)
class Row:
    """One page: the guest's entry, the host frame behind its frame, and the shadow's entry."""

    key: str
    page: str
    guest: Half
    host: str
    shadow: Half
    touched: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A number the guest printed, and whether it came from the frame its table named."""

    text: str
    right: bool
    tip: str


@dataclass(frozen=True, slots=True)
class ShadowView:
    """Everything the figure needs."""

    titles: tuple[str, str, str]
    notes: tuple[str, str, str]
    rows: tuple[Row, ...]
    who: str
    context: str
    doing: str
    locked: bool  # the guest's table is kept read-only
    lock: str
    none: str  # stands where there is no entry
    stale: str
    said: tuple[Said, ...]
    said_title: str
    verdict: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    columns: tuple[tuple[float, float], ...]  # x and width of guest, host, shadow
    top: float
    step: float
    box: float
    said: float


_LAYOUTS = {
    "wide": _Layout(
        880, 580, 18, ((16, 280), (372, 130), (584, 280)), 132, 84, 62, 508),
    "tall": _Layout(
        400, 700, 14, ((6, 142), (176, 54), (252, 142)), 118, 104, 78, 584),
}  # fmt: skip


def draw(view: ShadowView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    _draw_head(scene, layout, view)
    for number, row in enumerate(view.rows):
        _draw_row(scene, layout, view, number, row)
    _draw_said(scene, layout, view)
    return scene


def _narrow(layout: _Layout) -> bool:
    return layout.width < 500


def _draw_head(scene: Scene, layout: _Layout, view: ShadowView) -> None:
    size = layout.size
    scene.rect("who:box", layout.columns[0][0], 6, layout.width - 2 * layout.columns[0][0],
               size * 2.1, f"box {view.context} current")
    scene.text("who", layout.columns[0][0] + 10, 6 + size * 1.4, view.who,
               f"title {view.context}", size=size - 1, weight=700)
    if view.doing:
        scene.text("doing", layout.width - layout.columns[0][0] - 10, 6 + size * 1.4, view.doing,
                   "value mono", size=size - 2, anchor="end")
    tones = ("kernel", "host", "vmm")
    y = 6 + size * 4.0
    for number, (title, note, tone) in enumerate(zip(view.titles, view.notes, tones, strict=True)):
        x, width = layout.columns[number]
        middle = x + width / 2
        scene.text(f"title:{number}", middle, y, title, f"title {tone}",
                   size=size - (1 if _narrow(layout) else 0), anchor="middle", weight=700)
        scene.text(f"note:{number}", middle, y + size * 1.25, note, "label muted",
                   size=size - (3 if _narrow(layout) else 4), anchor="middle")
    if view.locked:
        x, width = layout.columns[0]
        height = layout.step * len(view.rows)
        scene.rect("lock:box", x - 5, layout.top - 8, width + 10, height - 4, "box ghost vmm",
                   tip=view.lock)
        scene.text("lock", x, layout.top + height + size * 0.3, view.lock, "label vmm",
                   size=size - 3, weight=600)


def _draw_row(
    scene: Scene, layout: _Layout, view: ShadowView, number: int, row: Row
) -> None:
    y = layout.top + number * layout.step
    (gx, gw), (hx, hw), (sx, sw) = layout.columns
    middle = y + layout.box / 2
    _draw_half(scene, layout, f"guest:{row.key}", (gx, y, gw), row.page, row.guest, "kernel",
               view.none, row.touched)
    stale = row.shadow.state == "stale"
    _draw_half(scene, layout, f"shadow:{row.key}", (sx, y, sw), row.page, row.shadow, "vmm",
               view.stale if stale else view.none, False)
    if row.guest.target:
        tone = "muted" if not row.host else "host"
        scene.rect(f"host:{row.key}:box", hx, y, hw, layout.box, f"box {tone}")
        small = _narrow(layout)
        scene.text(f"host:{row.key}", hx + hw / 2, middle + layout.size * 0.35, row.host or "–",
                   f"value {tone}", size=layout.size - (1 if small else 0), anchor="middle",
                   weight=700)
        scene.line(f"lead:{row.key}", gx + gw + 2, middle, hx - 6, middle, "arrow kernel")
    if row.shadow.target:
        tone = "wrong dotted" if stale else "vmm"
        # The short cut: over the allotment, from the page to its host frame.
        right, left = sx - 4, gx + gw + 2
        top = y - (8 if not _narrow(layout) else 6)
        if not stale and row.host:
            scene.line(f"short:{row.key}", hx + hw + 2, middle, right, middle, f"arrow {tone}")
        else:
            d = (f"M{left:.1f} {y + 8:.1f}C{left + 30:.1f} {top - 10:.1f} {right - 30:.1f} "
                 f"{top - 10:.1f} {right:.1f} {y + 8:.1f}")
            scene.path(f"short:{row.key}", d, f"arrow {tone}")


def _draw_half(
    scene: Scene, layout: _Layout, key: str, place: tuple[float, float, float], page: str,
    half: Half, tone: str, none: str, touched: bool,
) -> None:
    x, y, width = place
    size = layout.size
    here = half.target
    state = {"current": "current", "stale": "wrong stale"}.get(half.state, "")
    if touched and not state:
        state = "current"
    cls = f"box {tone if here and half.state != 'stale' else ''} {state}"
    if not here:
        cls = f"box muted ghost {state}"
    scene.rect(f"{key}:box", x, y, width, layout.box, " ".join(cls.split()), tip=half.tip)
    small = _narrow(layout)
    pad = 6 if small else 12
    scene.text(f"{key}:page", x + pad, y + size * 1.5, page, "value mono", size=size - 1,
               weight=700, tip=half.tip)
    text = here or none
    ink = "wrong" if half.state == "stale" else tone if here else "muted"
    if small:
        arrow = f"→ {text}" if here else text
        scene.text(f"{key}:target", x + pad, y + size * 2.9, arrow, f"value mono {ink}",
                   size=size - 1, weight=700, tip=half.tip)
    else:
        scene.text(f"{key}:target", x + width - pad, y + size * 1.5,
                   f"→ {text}" if here else text, f"value mono {ink}", size=size - 1,
                   anchor="end", weight=700, tip=half.tip)
    if here:
        scene.text(f"{key}:flags", x + pad, y + size * (4.3 if small else 2.9), half.flags,
                   "value mono muted", size=size - 4 + (1 if small else 0), tip=half.tip)
        if half.state == "stale":
            scene.text(f"{key}:stale", x + width - pad, y + size * (4.3 if small else 2.9), none,
                       "label wrong", size=size - 3, anchor="end", weight=700)


def _draw_said(scene: Scene, layout: _Layout, view: ShadowView) -> None:
    size = layout.size
    x, y = layout.columns[0][0], layout.said
    scene.text("said:title", x, y, view.said_title, "label muted", size=size - 3)
    cell = size * 1.9
    for number, one in enumerate(view.said):
        left = x + number * (cell + 6)
        tone = "good" if one.right else "wrong"
        scene.rect(f"said:{number}:box", left, y + 10, cell, cell, f"box {tone}", tip=one.tip)
        scene.text(f"said:{number}", left + cell / 2, y + 10 + cell * 0.68, one.text,
                   f"value {tone}", size=size, anchor="middle", weight=700, tip=one.tip)
    if view.verdict:
        below = _narrow(layout)
        vx = x if below else layout.width - x
        vy = y + 10 + cell + size * 1.5 if below else y
        scene.text("verdict", vx, vy, view.verdict, f"label {'wrong' if view.wrong else 'good'}",
                   size=size - 2, anchor="start" if below else "end", weight=700)
