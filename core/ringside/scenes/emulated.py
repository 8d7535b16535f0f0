"""The figure "Emulation": the real processor on one side, with the VMM in its ring 0; on
the other the stored state of a processor it could never be, with the mode it believes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Cell:
    """A stored register; ``changed`` in this step."""

    key: str
    name: str
    value: str
    changed: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True)
class EmulatedView:
    """Everything the figure needs to know. ``mode`` is ``app`` or ``kernel``."""

    real_title: str
    real: Sequence[Cell]
    insn_title: str
    raw: str  # the instruction's bytes
    insn: str  # what they mean to the guest's processor
    other: str  # what they would be to the real one
    other_title: str
    stored_title: str
    modes: tuple[tuple[str, str], tuple[str, str]]  # user and machine mode: name, who
    mode: str
    came_from: str  # the mode before this step, if it was another
    chip: str
    registers: Sequence[Cell]
    control: Sequence[Cell]
    console_title: str = ""
    console: Sequence[str] = ()  # its last lines


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    size: float
    real: Box
    insn: Box
    stored: Box
    modes: tuple[Box, Box]
    registers: Box
    control: Box
    columns: int  # of control registers
    console: Box | None = None


_LAYOUTS = {
    "wide": _Layout(
        880, 580, 17, (4, 30, 250, 176), (4, 246, 250, 150), (270, 30, 606, 546),
        ((286, 70, 270, 96), (590, 70, 270, 96)), (286, 196, 574, 236), (286, 448, 574, 118), 2,
        (4, 436, 250, 140)),
    "tall": _Layout(
        400, 800, 14, (4, 22, 192, 136), (204, 22, 192, 136), (4, 184, 392, 612),
        ((14, 212, 178, 76), (208, 212, 178, 76)), (14, 316, 372, 326), (14, 654, 372, 134), 2),
}  # fmt: skip
TOKENS = {"app": 0, "kernel": 1}


def draw(view: EmulatedView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    _draw_real(scene, layout, view)
    _draw_insn(scene, layout, view)
    _draw_console(scene, layout, view)
    x, y, w, h = layout.stored
    scene.text("stored:title", x, y - 8, view.stored_title, "title muted", size=layout.size - 1)
    scene.rect("stored", x, y, w, h, "set vmm", r=12)
    _draw_modes(scene, layout, view)
    across = 4 if layout.width > 500 else 3
    _draw_cells(scene, layout.registers, view.registers, across, layout.size, "reg")
    _draw_cells(scene, layout.control, view.control, layout.columns, layout.size, "csr")
    return scene


def _draw_real(scene: Scene, layout: _Layout, view: EmulatedView) -> None:
    x, y, w, h = layout.real
    size = layout.size
    scene.text("real:title", x, y - 8, view.real_title, "title muted", size=size - 1)
    scene.rect("real", x, y, w, h, "box device")
    line = (h - 16) / max(1, len(view.real))
    for number, cell in enumerate(view.real):
        base = y + 8 + line * (number + 0.66)
        scene.text(f"real:{cell.key}:name", x + 12, base, cell.name, "label", size=size - 1,
                   tip=cell.tip)
        scene.text(
            f"real:{cell.key}", x + w - 12, base, cell.value, "value", size=size - 1,
            anchor="end", weight=700, tip=cell.tip)


def _draw_insn(scene: Scene, layout: _Layout, view: EmulatedView) -> None:
    x, y, w, h = layout.insn
    size = layout.size
    scene.text("insn:title", x, y - 8, view.insn_title, "title muted", size=size - 1)
    scene.rect("insn:box", x, y, w, h, "box")
    if not view.raw:
        return
    line = h / 4.4
    fits = int((w - 24) / ((size - 1) * 0.61))
    rows = (
        ("insn:raw", view.raw, "value muted"),
        ("insn", view.insn, "value vmm"),
        ("insn:other:title", view.other_title, "label muted"),
        ("insn:other", view.other, "value wrong"),
    )
    for number, (key, text, cls) in enumerate(rows):
        shown = text if len(text) <= fits or "label" in cls else text[: fits - 1] + "…"
        scene.text(
            key, x + 12, y + line * (number + 0.95), shown, cls,
            size=size - (2 if "label" in cls else 1), weight=700 if key == "insn" else 400)


def _draw_modes(scene: Scene, layout: _Layout, view: EmulatedView) -> None:
    size = layout.size
    for number, (name, who) in enumerate(view.modes):
        x, y, w, h = layout.modes[number]
        context = ("app", "kernel")[number]
        here = TOKENS[view.mode] == number
        left = size * (2.4 if number else 0.8)
        scene.rect(
            f"mode:{context}", x, y, w, h, f"ring {context}{' current' if here else ''}", r=10)
        scene.text(
            f"mode:{context}:name", x + left, y + size * 1.4, name, f"label {context}",
            size=size if layout.width > 500 else size - 2, weight=700)
        scene.text(
            f"mode:{context}:who", x + left, y + size * 2.6, who, "label muted", size=size - 2)
    if view.came_from:
        fx, fy = _token(layout, view.came_from)
        x, y = _token(layout, view.mode)
        style = "good dotted" if view.mode == "app" else "kernel"
        scene.circle("token:was", fx, fy, size * 0.55, "token ghost muted")
        gap = size * 0.9 if x > fx else -size * 0.9
        scene.line("motion", fx + gap, fy, x - gap * 1.3, y, f"arrow {style}")
    x, y = _token(layout, view.mode)
    scene.circle("token", x, y, size * 0.6, f"token {view.mode}")
    if view.chip:
        _, by, _, bh = layout.modes[1]
        scene.text(
            "chip", layout.registers[0] + layout.registers[2] - 12, by + bh + size * 1.05,
            view.chip, f"label {view.mode}", size=size - 1, anchor="end", weight=700)


def _token(layout: _Layout, mode: str) -> tuple[float, float]:
    """The token's place: the two are near each other, at the border between the modes."""
    x, y, w, _ = layout.modes[TOKENS[mode]]
    size = layout.size
    return (x + w - size * 1.3 if mode == "app" else x + size * 1.3), y + size * 1.3


def _draw_console(scene: Scene, layout: _Layout, view: EmulatedView) -> None:
    if layout.console is None:
        return
    x, y, w, h = layout.console
    size = layout.size
    scene.text("console:title", x, y - 8, view.console_title, "title muted", size=size - 1)
    scene.rect("console:box", x, y, w, h, "box")
    fits = int((w - 20) / ((size - 3) * 0.61))
    for number, line in enumerate(view.console):
        if not line:
            continue
        shown = line if len(line) <= fits else line[: fits - 1] + "…"
        scene.text(
            f"console:{number}", x + 10, y + h / 5 * (number + 0.75), shown, "value",
            size=size - 3)


def _draw_cells(
    scene: Scene, box: Box, cells: Sequence[Cell], across: int, size: float, kind: str
) -> None:
    """Registers in columns, read downwards."""
    x, y, w, h = box
    down = -(-len(cells) // across)
    width, height = w / across, h / max(1, down)
    for number, cell in enumerate(cells):
        left = x + width * (number // down)
        base = y + height * (number % down + 0.68)
        if cell.changed:
            scene.rect(
                f"{kind}:{cell.key}:mark", left, base - height * 0.68 + 1, width - 6, height - 3,
                "box app", r=5)
        scene.text(
            f"{kind}:{cell.key}:name", left + 8, base, cell.name, "label muted", size=size - 2,
            tip=cell.tip)
        scene.text(
            f"{kind}:{cell.key}", left + width - 14, base, cell.value,
            "value changed app" if cell.changed else "value", size=size - 2, anchor="end",
            weight=700 if cell.changed else 400, tip=cell.tip)
