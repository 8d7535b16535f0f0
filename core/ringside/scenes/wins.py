"""The figure "Where nested wins": a map of workloads, each cell saying who wins and by how much."""

from __future__ import annotations

from dataclasses import dataclass

from .scene import Scene

LETTER = 0.64  # of the font's size: the width of a bold letter
BOLD = 0.7  # the same, of a wide one
MONO = 0.61  # of its size, the width of a letter of a value


@dataclass(frozen=True, slots=True)
class Cell:
    """A workload: by how much nested paging is faster (per cent), None while not measured."""

    gain: float | None
    text: str
    detail: str
    mark: str  # the published figure this cell comes nearest to, or that it was published to lose
    current: bool
    tip: str


@dataclass(frozen=True, slots=True)
class WinsView:
    """Everything the figure needs; ``cells`` row by row from the top."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    x_title: str
    y_title: str
    legend: tuple[str, str]
    progress: str
    note: str = ""  # what a mark without a figure means


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    grid: tuple[float, float, float, float]


_LAYOUTS = {
    "wide": _Layout(880, 524, 18, (92, 80, 784, 356)),
    "tall": _Layout(400, 700, 13, (58, 118, 340, 470)),
}


def draw(view: WinsView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    x0, y0, width, height = layout.grid
    size = layout.size
    narrow = layout.width < 500
    room = _draw_legend(scene, layout, view, narrow) - 12
    fits = narrow or len(view.title) * size * LETTER < room
    scene.text("title", 12, size * 1.3, view.title, "title",
               size=size - (1 if narrow else 0 if fits else 2), weight=700)
    dx, dy = width / len(view.columns), height / len(view.rows)
    scene.text("y", 12, y0 - size * 0.7, view.y_title, "label muted", size=size - 3)
    scene.text("x", x0 + width, y0 + height + size * 2.9, view.x_title, "label muted",
               size=size - 3, anchor="end")
    for number, name in enumerate(view.columns):
        scene.text(f"column:{number}", x0 + dx * (number + 0.5), y0 + height + size * 1.4, name,
                   "label", size=size - 3, anchor="middle", weight=600)
    for number, name in enumerate(view.rows):
        lines = name.split(" ") if narrow else [name]
        top = y0 + dy * (number + 0.5) + size * (0.3 - 0.65 * (len(lines) - 1))
        for place, line in enumerate(lines):
            key = f"row:{number}:{place}" if place else f"row:{number}"
            scene.text(key, x0 - 10, top + place * size * 1.3, line, "label",
                       size=size - (3 if not narrow else 1), anchor="end", weight=600)
    for row, cells in enumerate(view.cells):
        for column, cell in enumerate(cells):
            _draw_cell(scene, f"{row}:{column}", cell,
                       (x0 + dx * column + 2, y0 + dy * row + 2, dx - 4, dy - 4), size, narrow)
    if view.note:
        y = y0 + height + size * (4.4 if narrow else 2.9)
        scene.text("note", 12, y, view.note, "label good", size=size - 3)
    scene.text("progress", 12, layout.height - 10, view.progress, "label muted", size=size - 4)
    return scene


def _draw_legend(scene: Scene, layout: _Layout, view: WinsView, narrow: bool) -> float:
    """The two colours and what they mean; gives where it begins."""
    size = layout.size
    y = size * (0.5 if not narrow else 3.0)
    steps = [size * 1.4 + len(name) * (size - 3) * LETTER + 24 for name in view.legend]
    start = x = 12.0 if narrow else layout.width - sum(steps) + 14
    for number, (name, tone) in enumerate(zip(view.legend, ("host", "vmm"), strict=True)):
        scene.rect(f"legend:{number}:box", x, y, size, size, f"box {tone}", r=3)
        scene.text(f"legend:{number}", x + size * 1.4, y + size * 0.8, name, f"label {tone}",
                   size=size - 3, weight=600)
        x += steps[number]
        if narrow:
            x, y = 12.0, y + size * 1.5
    return start


def _draw_cell(
    scene: Scene, key: str, cell: Cell, box: tuple[float, float, float, float], size: float,
    narrow: bool,
) -> None:
    x, y, w, h = box
    state = "current" if cell.current else ""
    if cell.gain is None:
        scene.rect(f"cell:{key}", x, y, w, h, "box muted ghost", r=5)
        return
    tone = "host" if cell.gain > 0.5 else "vmm" if cell.gain < -0.5 else "muted"
    scene.rect(f"cell:{key}", x, y, w, h, f"box {tone} {state}".strip(), r=5, tip=cell.tip)
    # How much: a bar that is full where one technique takes twice the other's time.
    share = min(abs(cell.gain) / 100, 1.0)
    base = y + h - 7
    scene.rect(f"cell:{key}:track", x + 6, base - 4, w - 12, 6, "track", r=3)
    if share > 0.01:
        scene.rect(f"cell:{key}:bar", x + 6, base - 4, (w - 12) * share, 6, f"bar {tone}", r=3)
    middle = x + w / 2
    lift = size * 0.35 if cell.mark else 0
    text = cell.text
    if len(text) * size * MONO > w - 4:
        text = text.replace(" ", "")
    scene.text(f"cell:{key}:gain", middle, y + h * 0.42 - lift, text, f"value {tone}",
               size=size + (0 if narrow else 2), anchor="middle", weight=700, tip=cell.tip)
    if not narrow:
        scene.text(f"cell:{key}:detail", middle, y + h * 0.42 + size * 1.0 - lift, cell.detail,
                   "value muted", size=size - 4, anchor="middle", tip=cell.tip)
    if cell.mark:
        lines = cell.mark.split(" ", 1) if narrow else [cell.mark]
        letters = max(len(line) for line in lines)
        fits = min(size - (2 if narrow else 4), (w - 8) / (letters * BOLD))
        for number, line in enumerate(reversed(lines)):
            scene.text(f"cell:{key}:mark:{number}", middle, base - 9 - number * size * 1.2, line,
                       "label good", size=fits, anchor="middle",
                       weight=700, tip=cell.tip)
