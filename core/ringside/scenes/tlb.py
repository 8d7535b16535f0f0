"""The figure "TLB": the sets as shelves with a cell for each way, and the hit rate as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Cell:
    """A way of a set: the page it holds, the frame, and whose it is; empty texts for none."""

    tag: str
    page: str
    frame: str
    context: str
    state: str  # "", "hit", "filled", "stale", "gone"
    tip: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The TLB of one processor."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]
    chosen: int  # the set the address selects now, -1 for none


@dataclass(frozen=True, slots=True)
class Curve:
    """A hit rate over time, in percent, one value for each access."""

    key: str
    label: str
    values: Sequence[float]
    context: str


@dataclass(frozen=True, slots=True)
class TlbView:
    """Everything the figure needs."""

    actor: str
    actor_context: str
    address: str
    fields: tuple[tuple[str, str], ...]  # of the address: name and value, tag first
    verdict: str
    tone: str
    shelves: tuple[Shelf, ...]
    curves: tuple[Curve, ...]
    span: int  # accesses the plot's width stands for
    plot_title: str


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    shelf: tuple[float, float, float, float]
    plot: tuple[float, float, float, float]


_LAYOUTS = {
    "wide": _Layout(880, 524, 19, (8, 86, 864, 284), (52, 414, 676, 98)),
    "tall": _Layout(400, 640, 15, (4, 92, 392, 370), (38, 498, 354, 112)),
}


def draw(view: TlbView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    _draw_address(scene, layout, view)
    _draw_shelves(scene, layout, view)
    _draw_plot(scene, layout, view)
    return scene


def _draw_address(scene: Scene, layout: _Layout, view: TlbView) -> None:
    size = layout.size
    narrow = layout.width < 500
    x, y = layout.shelf[0], 8.0
    if not view.actor:
        return
    scene.text("actor", x, y + size, view.actor, f"title {view.actor_context}", size=size - 1,
               weight=700)
    right = layout.width - x
    scene.text("verdict", right, y + size, view.verdict, f"label {view.tone}", size=size,
               anchor="end", weight=700)
    if not view.address:
        return
    top = y + size + 10
    widths = [0.3, 0.44, 0.26] if len(view.fields) == 3 else [0.6, 0.4]
    room = right - x
    at = x
    for number, ((name, value), share) in enumerate(zip(view.fields, widths, strict=True)):
        width = room * share - 6
        last = number == len(view.fields) - 1
        scene.rect(f"field:{number}:box", at, top, width, size * 1.9,
                   "box app current" if last else "box app")
        scene.text(f"field:{number}:name", at + 8, top + size * 1.28, name, "label muted",
                   size=size - (2.5 if narrow else 3))
        scene.text(f"field:{number}", at + width - 8, top + size * 1.28, value, "value mono",
                   size=size - 1, anchor="end", weight=700)
        at += room * share


def _draw_shelves(scene: Scene, layout: _Layout, view: TlbView) -> None:
    x0, y0, width, height = layout.shelf
    size = layout.size
    each = width / len(view.shelves)
    for number, shelf in enumerate(view.shelves):
        left = x0 + number * each
        room = each - (12 if len(view.shelves) > 1 else 0)
        top = y0
        if shelf.title:
            scene.text(f"shelf:{number}", left, y0 + size * 0.8, shelf.title, "title muted",
                       size=size - 3)
            top += size * 1.3
        _draw_shelf(scene, number, shelf, (left, top, room, y0 + height - top), layout)


def _draw_shelf(
    scene: Scene, number: int, shelf: Shelf, area: tuple[float, float, float, float],
    layout: _Layout,
) -> None:
    x0, y0, width, height = area
    size = layout.size
    sets, ways = len(shelf.rows), len(shelf.rows[0])
    # One set with many ways is broken into several lines of its shelf.
    lines = max(1, -(-ways // (4 if layout.width < 500 else 8))) if sets == 1 else 1
    across = -(-ways // lines)
    label = size * 2.6 if sets > 1 else 0
    dy = min(height / (sets * lines), size * 5.5)
    dx = (width - label) / across
    small = dy < size * 2.1 or dx < size * 6.4
    for at, row in enumerate(shelf.rows):
        y = y0 + at * lines * dy
        here = at == shelf.chosen
        if sets > 1:
            tone = "app current" if here else "muted"
            scene.rect(f"set:{number}:{at}:ground", x0, y, width, dy - 4, f"box {tone}", r=6)
            scene.text(f"set:{number}:{at}", x0 + 8, y + dy / 2 + size * 0.22, str(at),
                       "value app" if here else "value muted", size=size - 3, weight=700)
        for way, cell in enumerate(row):
            _draw_cell(
                scene, f"tlb:{number}:{at}:{way}", cell,
                (x0 + label + way % across * dx + 2, y + way // across * dy + 3,
                 dx - 6, dy - 10), size, small)


def _draw_cell(
    scene: Scene, key: str, cell: Cell, box: tuple[float, float, float, float], size: float,
    small: bool,
) -> None:
    x, y, w, h = box
    tone = cell.context or "muted"
    state = {"hit": "hot", "filled": "current", "stale": "wrong hot"}.get(cell.state, "")
    if cell.state == "stale":
        tone = ""
    scene.rect(f"{key}:box", x, y, w, h, f"box {tone} {state}".replace("  ", " ").strip(), r=4,
               tip=cell.tip)
    if not cell.page:
        return
    base = y + h / 2 + size * 0.3
    text = size - 2.5
    tagged = f"{cell.tag}·{cell.page}" if cell.tag else cell.page
    if small and h > size * 2:
        scene.text(key, x + w / 2, base - size * 0.55, tagged, f"value mono {tone}",
                   size=text + 1, anchor="middle", weight=700, tip=cell.tip)
        scene.text(f"{key}:frame", x + w / 2, base + size * 0.55, f"→ {cell.frame}",
                   "value mono muted", size=text, anchor="middle", tip=cell.tip)
        return
    if small and w < size * 6.4:
        scene.text(key, x + w / 2, base, tagged, f"value mono {tone}", size=text,
                   anchor="middle", weight=700, tip=cell.tip)
        return
    scene.text(key, x + 7, base, tagged, f"value mono {tone}", size=text, weight=700, tip=cell.tip)
    scene.text(f"{key}:frame", x + w - 7, base, f"→ {cell.frame}", "value mono muted",
               size=text, anchor="end", tip=cell.tip)


def _draw_plot(scene: Scene, layout: _Layout, view: TlbView) -> None:
    x0, y0, width, height = layout.plot
    size = layout.size
    scene.text("plot:title", layout.shelf[0], y0 - size * 0.8, view.plot_title, "title muted",
               size=size - 2.5)
    for share in (0, 50, 100):
        y = y0 + height * (1 - share / 100)
        scene.line(f"plot:{share}", x0, y, x0 + width, y, "grid muted")
        scene.text(f"plot:{share}:label", x0 - 6, y + size * 0.3, f"{share}", "label muted",
                   size=size - 2.5, anchor="end")
    placed: list[float] = []
    for curve in view.curves:
        if not curve.values:
            continue
        points = [
            (x0 + width * (at + 1) / max(view.span, 1), y0 + height * (1 - value / 100))
            for at, value in enumerate(curve.values)]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dotted = " dotted" if curve.key != "own" else ""
        scene.path(f"curve:{curve.key}", path, f"{curve.context}{dotted}")
        x, y = points[-1]
        if curve.key == "own":
            scene.circle("curve:own:now", x, y, 5, f"token {curve.context}")
        text = f"{curve.label} {curve.values[-1]:.0f} %"
        if layout.width < 500:
            at = y0 + height + size * 1.3
            left = curve.key == "own"
            scene.text(f"curve:{curve.key}:label", x0 if left else x0 + width, at, text,
                       f"label {curve.context}", size=size - 1,
                       anchor="start" if left else "end", weight=700)
            continue
        y = min(max(y, y0 + size * 0.5), y0 + height)
        for other in placed:
            if abs(y - other) < size:
                y = other + (size if y >= other else -size)
        placed.append(y)
        scene.text(f"curve:{curve.key}:label", x0 + width + 14, y + size * 0.3, text,
                   f"label {curve.context}", size=size - 2, weight=700)
