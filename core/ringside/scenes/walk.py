"""The figure "Walks": the address cut into indices, every memory reference as a numbered dot,
and the entry just read opened into its bits.

With nested paging the dots form the grid: one row for each guest level and one for the data
itself, one column for each nested level and one for the guest's own entry. What a cache makes
needless is drawn hollow. Below stand the accesses of a program, each with its references.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Slice:
    """A field of the virtual address: the index into one level, or the offset in the page."""

    key: str
    label: str
    bits: str
    value: str
    current: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """One memory reference of the walk; ``row`` and ``column`` are its place in the grid.

    ``number`` is 0 for a reference that a cache made needless. ``go`` is the step at which it is
    made.
    """

    number: int
    row: int
    column: int
    context: str  # kernel: the guest's own table; vmm: the nested or shadow table
    state: str  # "done", "current", "ahead", "wrong", "skipped"
    tip: str
    go: int | None = None


@dataclass(frozen=True, slots=True)
class BitField:
    """A field of the opened entry; ``wide`` counts the characters it deserves."""

    key: str
    name: str
    value: str
    on: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Past:
    """One access of the program: the references it made, as far as they are known.

    ``go`` is its first step.
    """

    number: int
    text: str
    context: str
    state: str  # "done", "current", "ahead", "wrong"
    tip: str
    go: int | None = None


@dataclass(frozen=True, slots=True)
class WalkView:
    """Everything the figure needs to know about one walk at one step."""

    address: str
    slices: tuple[Slice, ...]
    rows: tuple[str, ...]  # row labels
    columns: tuple[str, ...]  # column labels
    dots: tuple[Dot, ...]
    done: int
    total: int
    formula: str
    saved: str = ""  # what caches made needless
    entry_title: str = ""
    entry_value: str = ""
    entry_context: str = "kernel"
    fields: tuple[BitField, ...] = ()
    result: str = ""
    result_label: str = ""
    result_tone: str = "good"
    captions: tuple[str, str, str] = ("virtual address", "references", "entry")
    accesses: tuple[Past, ...] = ()
    accesses_title: str = ""
    notice: str = ""  # stands in the grid where no walk is made


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    address_y: float
    grid: tuple[float, float, float, float]  # x, y, width, height
    entry: tuple[float, float, float]  # x, y, width
    total: tuple[float, float]


STRIP = {False: 72, True: 54}  # height of the row of accesses, wide and narrow

_LAYOUTS = {
    "wide": _Layout(
        880, 580, 20, 34, (16, 136, 512, 430), (560, 136, 312), (560, 520)),
    "tall": _Layout(400, 700, 15, 26, (6, 112, 388, 330), (6, 492, 388), (10, 470)),
}  # fmt: skip


def draw(view: WalkView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    _draw_address(scene, layout, view)
    _draw_grid(scene, layout, view)
    _draw_entry(scene, layout, view)
    _draw_total(scene, layout, view)
    _draw_accesses(scene, layout, view)
    return scene


def _draw_address(scene: Scene, layout: _Layout, view: WalkView) -> None:
    size, y = layout.size, layout.address_y
    left = layout.grid[0]
    right = layout.width - left
    scene.text(
        "address:title", left, y - 8, f"{view.captions[0]}  {view.address}", "title muted",
        size=size - 1,
    )
    gap = 6
    width = (right - left - gap * (len(view.slices) - 1)) / len(view.slices)
    for number, part in enumerate(view.slices):
        x = left + number * (width + gap)
        tone = "app current" if part.current else "app"
        scene.rect(f"{part.key}:box", x, y, width, 48, f"box {tone}")
        scene.text(
            part.key, x + width / 2, y + 22, part.value, "value mono", size=size,
            anchor="middle", weight=700,
        )
        label = f"{part.label} · {part.bits}" if width > 110 else part.label
        scene.text(
            f"{part.key}:label", x + width / 2, y + 41, label, "label muted",
            size=size - 3 if width > 110 else size - 4, anchor="middle",
            tip=f"{part.label} · {part.bits}",
        )


def _draw_grid(scene: Scene, layout: _Layout, view: WalkView) -> None:
    x0, y0, width, height = layout.grid
    size = layout.size
    label_width = size * (4.9 if layout.width < 500 else 6.2)
    head = size * 1.7
    if view.accesses:
        height -= STRIP[layout.width < 500]
    columns, rows = max(len(view.columns), 1), max(len(view.rows), 1)
    dx = (width - label_width) / columns
    dy = min((height - head) / rows, 120)
    radius = min(dx, dy) * 0.34
    y0 += (height - head - dy * rows) / 2  # few rows stand in the middle
    longest = max((len(label) for label in view.columns), default=1)
    head_size = min(size - 3, dx / (0.68 * longest))
    for number, label in enumerate(view.columns):
        tone = _tone({dot.context for dot in view.dots if dot.column == number})
        scene.text(
            f"column:{number}", x0 + label_width + dx * (number + 0.5), y0 + size * 0.6, label,
            f"label {tone}", size=head_size, anchor="middle", weight=600,
        )
    for number, label in enumerate(view.rows):
        y = y0 + head + dy * (number + 0.5)
        scene.line(
            f"row:{number}:line", x0 + label_width, y, x0 + width - 4, y, "grid muted")
        # A row belongs to whoever owns the entry it ends with.
        tone = _tone({dot.context for dot in view.dots if dot.row == number} - {"vmm"} or {"vmm"})
        scene.text(
            f"row:{number}", x0, y + size * 0.35, label, f"label {tone}", size=size - 2,
            weight=600)
    for dot in view.dots:
        x = x0 + label_width + dx * (dot.column + 0.5)
        y = y0 + head + dy * (dot.row + 0.5)
        key = f"ref:{dot.row}.{dot.column}"
        if not dot.number:
            scene.circle(
                key, x, y, radius * 0.72, f"dot skipped {dot.context}", tip=dot.tip)
            continue
        scene.circle(
            key, x, y, radius, f"dot {dot.context} {dot.state}", tip=dot.tip, go=dot.go)
        scene.text(
            f"{key}:number", x, y + size * 0.36, str(dot.number),
            f"dotlabel {dot.context} {dot.state}", size=size - 1, anchor="middle", weight=700,
            tip=dot.tip, go=dot.go,
        )


def _draw_accesses(scene: Scene, layout: _Layout, view: WalkView) -> None:
    """The program's accesses as a row of cells, the newest ones if there are many."""
    if not view.accesses:
        return
    x0, y0, width, height = layout.grid
    size = layout.size
    narrow = layout.width < 500
    y = y0 + height - STRIP[narrow] + size * 1.3
    cell = 27 if narrow else 42
    room = int((width + 4) // cell)
    shown = [past.number for past in view.accesses if past.state == "current"]
    first = max(0, min((shown or [1])[0] - room // 2, len(view.accesses) - room))
    scene.text(
        "accesses:title", x0, y, view.accesses_title, "label muted", size=size - 3)
    for place, past in enumerate(view.accesses[first : first + room]):
        x = x0 + place * cell
        key = f"access:{past.number}"
        tone = "muted" if past.state == "ahead" else past.context
        state = "current" if past.state == "current" else ""
        scene.rect(key, x, y + 8, cell - 4, size * 1.5, f"box {tone} {state}".strip(), r=4,
                   tip=past.tip, go=past.go)
        scene.text(
            f"{key}:count", x + (cell - 4) / 2, y + 8 + size * 1.08, past.text, "value",
            size=size - 3, anchor="middle", weight=700, tip=past.tip, go=past.go)


def _tone(contexts: set[str]) -> str:
    """The colour of a label for dots of these contexts: theirs, if they share one."""
    return contexts.pop() if len(contexts) == 1 else "muted"


def _draw_entry(scene: Scene, layout: _Layout, view: WalkView) -> None:
    x, y, width = layout.entry
    size = layout.size
    if view.notice:
        scene.text("notice", x, y + size * 1.4, view.notice, "label good", size=size - 3,
                   weight=700)
    if not view.entry_title:
        return
    scene.text("entry:title", x, y, view.entry_title, "title muted", size=size - 2)
    scene.rect("entry:box", x, y + 10, width, size * 2, f"box {view.entry_context}")
    scene.text(
        "entry", x + width / 2, y + 10 + size * 1.36, view.entry_value, "value mono", size=size,
        anchor="middle", weight=700,
    )
    top = y + 10 + size * 2 + 8
    line = size * 1.5
    cell = width / 2
    place = 0  # half rows used so far; a long value takes a whole row
    for field in view.fields:
        letters = 0.58 * len(field.name) + 0.61 * len(field.value)
        wide = letters * (size - 3) + 22 > cell - 6
        place += place % 2 if wide else 0
        fx = x + cell * (place % 2)
        fy = top + line * (place // 2)
        fw = width if wide else cell - 6
        place += 2 if wide else 1
        tone = "lit" if field.on else "muted"
        scene.rect(
            f"{field.key}:box", fx, fy, fw, line - 4, f"box bit {tone}", r=4, tip=field.tip)
        scene.text(
            f"{field.key}:name", fx + 8, fy + line * 0.62, field.name, "label muted",
            size=size - 3, tip=field.tip,
        )
        scene.text(
            field.key, fx + fw - 8, fy + line * 0.62, field.value, f"value mono {tone}",
            size=size - 3, anchor="end", weight=700, tip=field.tip,
        )


def _draw_total(scene: Scene, layout: _Layout, view: WalkView) -> None:
    x, y = layout.total
    size = layout.size
    if layout.width < 500:
        text = f"{view.done} / {view.total}"
        formula = ", ".join(part for part in (view.formula, view.saved) if part)
        if len(formula) < 24:
            text += f" {view.captions[1]}"
        scene.text("total", x, y, text, "label", size=size + 2, weight=700)
        lines = [formula] if len(formula) < 44 else [view.formula, view.saved]
        y -= 10 * (len(lines) - 1)
        for key, line in zip(("total:formula", "total:saved"), lines, strict=False):
            scene.text(
                key, layout.width - 10, y, line, "label muted", size=size - 2, anchor="end")
            y += size
        if view.result:
            scene.text(
                "result", layout.width - 10, layout.address_y + 66,
                f"{view.result_label} {view.result}", f"label {view.result_tone}", size=size,
                weight=700, anchor="end",
            )
        return
    number = f"{view.done} / {view.total}"
    scene.text("total", x, y, number, "value big", size=size * 1.8, weight=700)
    scene.text(
        "total:label", x + len(number) * size + 14, y, view.captions[1], "label muted", size=size)
    scene.text("total:formula", x, y + 28, view.formula, "label muted", size=size - 2)
    if view.saved:
        scene.text("total:saved", x, y + 50, view.saved, "label good", size=size - 2, weight=600)
    if view.result:
        scene.text(
            "result", x, y - 44, f"{view.result_label} {view.result}",
            f"label {view.result_tone}", size=size, weight=700,
        )
