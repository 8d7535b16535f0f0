"""The figure "Paravirtualization": a kernel that asks, a VMM that checks, a page they share.

Three layers: applications in ring 3, the ported kernel in ring 1, the VMM in ring 0. Hypercalls go
down as questions and come back as answers; system calls stay above the VMM; the shared page lies
across the border. Beside them what porting changed at this place, and what was asked before.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from .ported import LETTER, SANS, Asked, Place, Side, cut, draw_change, draw_log
from .scene import Scene


@dataclass(frozen=True, slots=True)
class Layer:
    """One ring with whoever lives there."""

    key: str
    title: str
    context: str
    tip: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value; ``before`` is set if it has just changed."""

    key: str
    name: str
    value: str
    before: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A hypercall: its number, name, arguments, and the answer once there is one."""

    number: int
    name: str
    arguments: tuple[tuple[str, str], ...]
    state: str  # "asked", "done", "refused"
    verdict: str
    reason: str = ""
    effect: tuple[str, str, str] = ("", "", "")  # on page tables: a name, the change, a tip


@dataclass(frozen=True, slots=True)
class Channel:
    """An event channel port: what reports there, and whether it has."""

    port: int
    name: str
    pending: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the comparison."""

    key: str
    name: str
    value: int
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class ParavirtualView:
    """Everything the figure needs to know at one moment."""

    layers: tuple[Layer, Layer, Layer]  # ring 3, ring 1, ring 0
    at: str  # key of the layer that runs
    came_from: str  # the layer before this step
    label: str  # the instruction, beside the token
    ahead: tuple[str, ...]  # those that come next
    guest_at: str  # the layer the guest is in, whoever runs
    motion: str  # "ask", "answer", "direct", "trap", "event", ""
    chip: str
    shared_title: str
    shared: tuple[Fact, ...]
    touched: str  # "kernel" or "vmm" when one of them has just written to the shared page
    question: Question | None
    channels_title: str
    channels: tuple[Channel, ...]
    channels_none: str
    note: str = ""  # a line in the VMM's layer where there is no hypercall
    kept: tuple[Fact, ...] = ()  # what the VMM has accepted and keeps, shown there too
    guard: str = ""  # what was found unchanged after a refusal
    change_title: str = ""
    sides: tuple[Side, ...] = ()
    log_title: str = ""
    log: tuple[Asked, ...] = ()
    bars_title: str = ""
    bars: tuple[Bar, ...] = ()
    bars_note: str = ""
    saved: str = ""
    saved_note: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    stage: tuple[float, float]  # x, width
    tops: tuple[float, float, float]  # of the layers
    heights: tuple[float, float, float]
    shared: tuple[float, float, float, float]  # x, y, width, height
    side: tuple[float, float, float]  # x, y, width of the change
    side_lines: tuple[int, int]  # of source, and of code, on each side
    log_end: float  # of the log of hypercalls
    bars: tuple[float, float, float]  # x, y, width
    size: float
    channels_x: float


_LAYOUTS = {
    "wide": _Layout(
        880, 560, (8, 512), (6, 66, 286), (50, 168, 164), (256, 186, 256, 92),
        (534, 18, 338), (3, 3), 462, (8, 480, 864), 15, 366,
    ),
    "tall": _Layout(
        400, 806, (4, 392), (4, 58, 262), (46, 134, 150), (176, 162, 212, 86),
        (4, 434, 392), (2, 2), 706, (4, 734, 392), 13, 268,
    ),
}  # fmt: skip

Spot = tuple[float, float]


def draw(view: ParavirtualView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height, crowded=True)
    spots = _draw_layers(scene, layout, view)
    _draw_shared(scene, layout, view)
    _draw_vmm(scene, layout, view)
    _draw_motion(scene, layout, view, spots)
    place = Place(*layout.side, layout.size - 0.5)
    below = draw_change(scene, place, view.change_title, view.sides, layout.side_lines)
    if below + 40 < layout.log_end:
        draw_log(scene, place._replace(y=below), view.log_title, view.log, layout.log_end)
    _draw_bars(scene, layout, view)
    return scene


def _draw_layers(scene: Scene, layout: _Layout, view: ParavirtualView) -> dict[str, Spot]:
    x, width = layout.stage
    spots: dict[str, Spot] = {}
    for layer, top, height in zip(view.layers, layout.tops, layout.heights, strict=True):
        current = " current" if layer.key == view.at else ""
        scene.rect(layer.key, x, top, width, height, f"box {layer.context}{current}", r=10,
                   tip=layer.tip)
        scene.text(f"{layer.key}:title", x + layout.size * 3.4, top + layout.size * 1.5,
                   layer.title, f"label {layer.context}", size=layout.size, weight=700,
                   tip=layer.tip)
        spots[layer.key] = (x + layout.size * 1.7, top + layout.size * 2.8)
    return spots


def _draw_motion(
    scene: Scene, layout: _Layout, view: ParavirtualView, spots: dict[str, Spot]
) -> None:
    """The token, where it came from, and by what."""
    x, y = spots[view.at]
    size = layout.size
    context = next(layer.context for layer in view.layers if layer.key == view.at)
    if view.came_from and view.came_from != view.at:
        x1, y1 = spots[view.came_from]
        tone = {"ask": "vmm", "trap": "vmm", "answer": "good dotted", "direct": "kernel",
                "event": "device"}[view.motion]
        sign = 1 if y > y1 else -1
        scene.circle("token:was", x1, y1, size * 0.5, "token ghost muted")
        scene.path("motion", f"M{x1:.1f} {y1 + sign * size * 0.6:.1f}L{x:.1f} "
                             f"{y - sign * size * 0.75:.1f}", f"arrow {tone}")
        if view.chip:
            middle = _border(layout, view)
            room = layout.shared[0] - x - 34 if "vmm" in (view.at, view.came_from) else 300
            text = cut(view.chip, room - 16, (size - 0.5) * SANS)
            wide = len(text) * (size - 0.5) * LETTER + 20
            scene.rect("chip", x + 18, middle - size * 0.95, wide, size * 1.9,
                       f"box chip {tone.split()[0]}", r=size * 0.95)
            scene.text("chip:text", x + 28, middle + size * 0.32, text, f"label {tone.split()[0]}",
                       size=size - 0.5, weight=700, tip=view.chip)
    scene.circle("token", x, y, size * 0.62, f"token {context}")
    _draw_code(scene, layout, view, spots)


def _draw_code(
    scene: Scene, layout: _Layout, view: ParavirtualView, spots: dict[str, Spot]
) -> None:
    """The instruction of the step where it ran, and those ahead where the guest stands."""
    size = layout.size
    left = layout.stage[0] + size * 3.4
    room = layout.stage[0] + layout.stage[1] - left - 10
    used = ""
    if view.label:
        used = view.came_from if view.came_from not in ("", "vmm") else view.guest_at
        context = used if view.at != "vmm" or view.came_from else "muted"
        scene.text("token:label", left, spots[used][1] + size * 0.35,
                   cut(view.label, room, size * LETTER), f"label mono {context}", size=size,
                   weight=700, tip=view.label)
    number = [layer.key for layer in view.layers].index(view.guest_at)
    bottom = layout.tops[number] + layout.heights[number] - 6
    base = spots[view.guest_at][1] + size * (1.75 if used == view.guest_at else 0.35)
    for row, text in enumerate(view.ahead):
        if base > bottom:
            break
        narrow = layout.shared[0] - left - 10 if base > layout.shared[1] else room
        scene.text(f"ahead:{row}", left, base, cut(text, narrow, (size - 0.5) * LETTER),
                   "value muted", size=size - 0.5)
        base += size * 1.35


def _border(layout: _Layout, view: ParavirtualView) -> float:
    """Where a chip belongs: on the border that is crossed."""
    if "vmm" in (view.at, view.came_from):
        return (layout.tops[1] + layout.heights[1] + layout.tops[2]) / 2
    return (layout.tops[0] + layout.heights[0] + layout.tops[1]) / 2


def _draw_shared(scene: Scene, layout: _Layout, view: ParavirtualView) -> None:
    """The shared page, across the border of kernel and VMM."""
    x, y, width, height = layout.shared
    size = layout.size - 1
    current = " current" if view.touched else ""
    scene.rect("shared", x, y, width, height, f"box device{current}", r=8)
    scene.text("shared:title", x + 12, y + size * 1.3, view.shared_title, "label device",
               size=size, weight=700)
    line = (height - size * 1.6) / max(len(view.shared), 1)
    for number, fact in enumerate(view.shared):
        base = y + size * 1.6 + line * (number + 0.68)
        value = f"{fact.before} → {fact.value}" if fact.before else fact.value
        scene.text(f"shared:{fact.key}:name", x + 12, base, fact.name, "label", size=size - 0.5,
                   tip=fact.tip)
        scene.text(f"shared:{fact.key}", x + width - 12, base, value,
                   "value changed device" if fact.before else "value", size=size, anchor="end",
                   weight=700, tip=fact.tip)
    if view.touched:
        kernel = view.touched == "kernel"
        from_y, to_y = (y - 26, y - 1) if kernel else (layout.tops[2] + 10, y + height + 1)
        middle = x + width * 0.62
        scene.line("shared:write", middle, from_y, middle, to_y, f"arrow {view.touched}")


def _draw_vmm(scene: Scene, layout: _Layout, view: ParavirtualView) -> None:
    """In the VMM's layer: the hypercall with its arguments and the verdict, and the channels."""
    x, _ = layout.stage
    top, size = layout.tops[2], layout.size
    left = x + size * 3.4
    end = layout.channels_x - 12
    asked = view.question
    if asked is None:
        for number, text in enumerate(wrap(view.note, int((end - left) / (size * SANS)))):
            scene.text(f"vmm:note:{number}", left, top + size * (3.15 + 1.35 * number), text,
                       "label" if view.at == "vmm" else "label muted", size=size)
        for number, fact in enumerate(view.kept):
            base = top + layout.heights[2] - size * (0.75 + 1.35 * (len(view.kept) - 1 - number))
            scene.text(f"kept:{fact.key}:name", left, base, fact.name, "label muted",
                       size=size - 0.5, tip=fact.tip)
            scene.text(f"kept:{fact.key}", end, base, fact.value, "value", size=size - 0.5,
                       anchor="end", weight=600, tip=fact.tip)
    else:
        scene.text("call", left, top + size * 3.2,
                   cut(f"{asked.number} · {asked.name}", end - left, (size + 2) * LETTER),
                   "label mono vmm", size=size + 2, weight=700)
        for number, (name, value) in enumerate(asked.arguments[:3]):
            base = top + size * (4.7 + 1.35 * number)
            scene.text(f"call:{number}:name", left, base, name, "label muted", size=size - 0.5)
            scene.text(f"call:{number}", end, base,
                       value, "value", size=size - 0.5, anchor="end", weight=600)
        if asked.effect[0]:
            base = top + size * (4.7 + 1.35 * 3)
            scene.text("call:effect:name", left, base, asked.effect[0], "label good",
                       size=size - 0.5, weight=600, tip=asked.effect[2])
            scene.text("call:effect", end, base, asked.effect[1], "value good", size=size - 0.5,
                       anchor="end", weight=700, tip=asked.effect[2])
        tone = {"asked": "vmm", "done": "good", "refused": "wrong"}[asked.state]
        base = top + layout.heights[2] - size * 0.75
        scene.text("verdict", left, base - (size * 1.3 if asked.reason else 0),
                   cut(asked.verdict, end - left, (size - 0.5) * SANS),
                   f"label {tone}", size=size - 0.5, weight=700,
                   tip=asked.reason or asked.verdict)
        if asked.reason:
            room = layout.stage[0] + layout.stage[1] - left - 10
            scene.text("verdict:why", left, base, cut(asked.reason, room, (size - 0.5) * SANS),
                       "label wrong", size=size - 0.5, tip=asked.reason)
    cx = layout.channels_x
    scene.line("channels:border", cx, top + 12, cx, top + layout.heights[2] - size * 2.2,
               "grid muted")
    scene.text("channels:title", cx + 12, top + size * 1.5, view.channels_title, "label vmm",
               size=size - 0.5, weight=600)
    if not view.channels:
        scene.text("channels:none", cx + 12, top + size * 3, view.channels_none, "label muted",
                   size=size - 0.5)
    for number, channel in enumerate(view.channels):
        base = top + size * (3.1 + 1.7 * number)
        tone = "device current" if channel.pending else "muted"
        scene.circle(f"port:{channel.port}", cx + 20, base - size * 0.35, size * 0.5,
                     f"dot {tone}", tip=channel.name)
        scene.text(f"port:{channel.port}:name", cx + 20 + size, base,
                   f"{channel.port} · {channel.name}",
                   "label device" if channel.pending else "label", size=size - 0.5)
    if view.guard:
        scene.text("guard", cx + 12, top + layout.heights[2] - size * (2.6 if asked and asked.reason
                   else 0.75), view.guard, "label good", size=size - 0.5, weight=600)


def _draw_bars(scene: Scene, layout: _Layout, view: ParavirtualView) -> None:
    """Exits of the same guest under trap-and-emulate, and here."""
    x, y, width = layout.bars
    wide = layout.width > 500
    size = layout.size
    scene.text("bars:title", x, y, view.bars_title, "title muted", size=size, weight=600)
    most = max((bar.value for bar in view.bars), default=0) or 1
    name = 150 if wide else 118
    lane = width * (0.72 if wide else 1.0) - name - (70 if wide else 50)
    for number, bar in enumerate(view.bars):
        top = y + 10 + number * size * 1.75
        scene.text(f"bar:{bar.key}:name", x, top + size, bar.name, "label", size=size)
        if bar.value:
            scene.rect(f"bar:{bar.key}", x + name, top, max(bar.value / most * lane, 2),
                       size * 1.25, f"bar {bar.tone}", r=3, tip=f"{bar.name}: {bar.text}")
        scene.text(f"bar:{bar.key}:value", x + name + bar.value / most * lane + 8, top + size,
                   bar.text, "value", size=size, weight=700)
    if view.saved and wide:
        at = x + width * 0.76
        scene.text("saved", at, y + 30, view.saved, "value big good", size=28, weight=700)
        for row, text in enumerate(wrap(view.saved_note, 26)):
            scene.text(f"saved:note:{row}", at, y + 48 + row * 17, text, "label muted",
                       size=size - 0.5)
    if view.bars_note:
        scene.text("bars:note", x, y + 14 + len(view.bars) * size * 1.75 + size * 0.7,
                   cut(view.bars_note, width * (0.74 if wide else 1), (size - 0.5) * SANS),
                   "label muted", size=size - 0.5)
