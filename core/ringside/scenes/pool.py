"""The figure "Memory as a pool": the host's frames above, each VM's pages as tiles below.

A tile is a page. Its state is told by shape as well as by colour: full and pale squares are in
frames, round ones share a frame, dashed ones are in the balloon, a low bar is on the host's disk,
a dot has no frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scene import Scene

UNTOUCHED, ACTIVE, IDLE, SHARED, BALLOON, DISK = range(6)
CLASSES = ("dot", "bar app", "box app", "bar vmm", "box kernel ghost", "bar host")


@dataclass(frozen=True, slots=True)
class Flow:
    """Memory that moves in this step: ``down`` to the VM or up from it, in whose colour."""

    key: str
    down: bool
    text: str
    context: str


@dataclass(frozen=True, slots=True)
class VmView:
    """One VM. Marks are shares of its size: what it has, is entitled to and actively uses."""

    name: str
    state: str
    note: str
    tiles: bytes
    tips: tuple[str, ...]
    has: float
    target: float
    active: float
    has_text: str
    target_text: str
    work: tuple[float, ...]  # of the most work seen in a round
    work_text: str
    flows: tuple[Flow, ...]
    current: bool = False
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the host's frames: a VM's own, the shared ones, the free ones."""

    key: str
    label: str
    frames: int
    cls: str
    tip: str


@dataclass(frozen=True, slots=True)
class PoolView:
    """Everything the figure needs to know at one moment."""

    title: str
    parts: tuple[Part, ...]
    free_title: str
    free: float  # percent
    level: str
    level_text: str
    thresholds: tuple[tuple[float, str], ...]  # percent, name
    vms: tuple[VmView, ...]
    legend: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    edge: float
    size: float  # of the text
    bar: float  # height of the host's bar
    gauge: float  # width of the gauge of free memory
    top: float  # where the VMs begin
    rows: int  # of tiles, where ``across`` does not say how many stand in one
    across: int
    gap: float
    history: float  # height of the plot of work; 0 for what is left
    legend: float  # where the legend begins
    columns: int  # of the legend


_WIDE = _Layout(880, 570, 12, 18, 34, 214, 136, 12, 0, 22, 78, 558, 6)
_TALL = _Layout(400, 700, 10, 13, 26, 152, 92, 0, 32, 14, 0, 674, 3)
GAUGE = 10.0  # percent of memory at the gauge's right end
MARGIN = 0.2  # of a tile's pitch


def draw(view: PoolView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    form = _TALL if shape == "tall" else _WIDE
    scene = Scene(form.width, form.height)
    _draw_host(scene, view, form)
    _draw_gauge(scene, view, form)
    inner = form.width - 2 * form.edge
    count = len(view.vms)
    if shape == "tall":
        height = (form.legend - form.size * 1.6 - form.top) / count
        for number, vm in enumerate(view.vms):
            _draw_vm(scene, vm, form, form.edge, form.top + number * height, inner, height)
    else:
        width = (inner - form.gap * (count - 1)) / count
        for number, vm in enumerate(view.vms):
            x = form.edge + number * (width + form.gap)
            _draw_vm(scene, vm, form, x, form.top, width, form.legend - form.top)
    _draw_legend(scene, view, form)
    return scene


def _draw_host(scene: Scene, view: PoolView, form: _Layout) -> None:
    size = form.size
    width = form.width - 2 * form.edge - form.gauge - form.gap
    y = form.edge + size * 0.9
    scene.text("host:title", form.edge, y, view.title, "label host", size=size, weight=700)
    top = y + size * 0.55
    scene.rect("host", form.edge, top, width, form.bar, "box track", r=4)
    total = sum(part.frames for part in view.parts) or 1
    x = form.edge
    for part in view.parts:
        span = width * part.frames / total
        if part.frames:
            scene.rect(part.key, x, top, max(span, 1.0), form.bar, part.cls, r=3, tip=part.tip)
            if span > len(part.label) * size * 0.62 + 8:
                tone = "label halo" if part.cls.startswith("box") else "label on"
                scene.text(
                    f"{part.key}:label", x + span / 2, top + form.bar / 2 + size * 0.36, part.label,
                    tone, size=size, anchor="middle", weight=600, tip=part.tip)
        x += span


def _draw_gauge(scene: Scene, view: PoolView, form: _Layout) -> None:
    """Free memory under a glass: the thresholds lie within the last few percent."""
    size = form.size
    x = form.width - form.edge - form.gauge
    y = form.edge + size * 0.9
    tone = {"high": "good", "soft": "kernel", "hard": "vmm", "low": "wrong"}[view.level]
    scene.text("free:title", x, y, view.free_title, "label", size=size, weight=700)
    scene.text("free:level", form.width - form.edge, y, view.level_text, f"label {tone}",
               size=size, anchor="end", weight=700)
    top = y + size * 0.55
    scene.rect("free:track", x, top, form.gauge, form.bar, "box track", r=4)
    fill = form.gauge * min(view.free, GAUGE) / GAUGE
    scene.rect("free:fill", x, top, max(fill, 1.0), form.bar, f"bar {tone}", r=3)
    for percent, name in view.thresholds:
        at = x + form.gauge * percent / GAUGE
        scene.line(f"free:{name}", at, top - 3, at, top + form.bar + 4, "mark")
        scene.text(f"free:{name}:label", at, top + form.bar + 4 + size * 0.85, f"{percent:g}",
                   "label muted", size=size - 3, anchor="middle")
    scene.text("free:unit", form.width - form.edge, top + form.bar + 4 + size * 0.85, "%",
               "label muted", size=size - 3, anchor="end")


def _draw_vm(
    scene: Scene, vm: VmView, form: _Layout, x: float, y: float, width: float, height: float
) -> None:
    size, key = form.size, f"vm:{vm.name}"
    _draw_flows(scene, vm, form, x, y, width)
    base = y + size * 0.95
    tone = "wrong" if vm.stalled else "app" if vm.current else "muted"
    scene.text(f"{key}:name", x, base, vm.name, "label app", size=size + 4, weight=700)
    room = width - size * 2 - len(vm.state) * size * 0.58
    if len(vm.note) * (size - 2) * 0.53 < room and not (form.across and vm.flows):
        scene.text(f"{key}:note", x + size * 1.5, base, vm.note, "label muted", size=size - 2)
    scene.text(f"{key}:state", x + width, base, vm.state, f"label {tone}", size=size - 2,
               anchor="end", weight=600)
    top = y + size * 1.5
    pages = len(vm.tiles)
    columns = form.across or -(-pages // form.rows)
    pitch = width / columns
    _draw_tiles(scene, vm, x, top, pitch, columns)
    under = top + pitch * -(-pages // columns) + size * 0.35
    _draw_balance(scene, vm, form, x, under, width)
    plot = under + size * 2.6
    room = form.history or min(height - (plot - y) - size * 1.9, size * 5)
    if room > size:
        _draw_work(scene, vm, size, x, plot, width, room)


def _draw_tiles(
    scene: Scene, vm: VmView, x: float, y: float, pitch: float, columns: int
) -> None:
    side = pitch * (1 - MARGIN)
    for page, state in enumerate(vm.tiles):
        left = x + page % columns * pitch
        top = y + page // columns * pitch
        w, h, r = side, side, 2.0
        if state == SHARED:
            r = side / 2
        elif state == DISK:
            h = side * 0.45
            top += side - h
        elif state == UNTOUCHED:
            w = h = side * 0.3
            left += (side - w) / 2
            top += (side - h) / 2
            r = w / 2
        scene.rect(f"tile:{vm.name}:{page}", left, top, w, h, CLASSES[state], r=round(r, 1),
                   tip=vm.tips[page])


def _draw_balance(
    scene: Scene, vm: VmView, form: _Layout, x: float, y: float, width: float
) -> None:
    """What the VM has, in frames, with marks for what it is entitled to and actively uses."""
    size, key = form.size, f"vm:{vm.name}"
    height = size * 0.6
    scene.rect(f"{key}:size", x, y, width, height, "box track", r=3)
    scene.rect(f"{key}:active", x, y, max(width * min(vm.active, vm.has), 1.0), height, "bar app",
               r=3)
    if vm.has > vm.active:
        scene.rect(f"{key}:idle", x + width * vm.active, y, width * (vm.has - vm.active), height,
                   "box app", r=0)
    at = x + width * vm.target
    scene.line(f"{key}:target", at, y - 3, at, y + height + 4, "mark vmm", tip=vm.target_text)
    base = y + height + size * 1.1
    scene.text(f"{key}:has:text", x, base, vm.has_text, "label", size=size - 2)
    scene.text(f"{key}:target:text", x + width, base, vm.target_text, "label vmm", size=size - 2,
               anchor="end")


def _draw_work(
    scene: Scene, vm: VmView, size: float, x: float, y: float, width: float, room: float
) -> None:
    key = f"vm:{vm.name}"
    scene.text(f"{key}:work", x, y + size * 0.5, vm.work_text, "label muted", size=size - 2)
    top, bottom = y + size, y + size + room
    scene.line(f"{key}:axis", x, bottom, x + width, bottom, "grid muted")
    step = width / 24
    for number, share in enumerate(vm.work):
        height = max(share * (bottom - top), 1.0)
        scene.rect(f"{key}:work:{number}", x + number * step, bottom - height, step * 0.72, height,
                   "bar app", r=1)


def _draw_flows(
    scene: Scene, vm: VmView, form: _Layout, x: float, y: float, width: float
) -> None:
    """Arrows between the host's bar and the VM, drawn where memory moves in this step."""
    size = form.size
    if form.across:  # VMs below each other: the arrow stands in the VM's heading
        top, bottom, at = y - size * 0.5, y + size, x + width * 0.33
    else:
        top, bottom, at = form.edge + size * 1.45 + form.bar + 8, y - 5, x + width * 0.05
    for number, flow in enumerate(vm.flows):
        long = size * 0.55 + len(flow.text) * (size - 1) * 0.6
        if number and (form.across or at + long > x + width + form.gap * 0.7):
            break  # the sentence and the panels say it
        begin = top
        if not form.across and at + long > form.width - form.edge - form.gauge:
            begin = max(top, form.edge + size * 2.75 + form.bar)  # clear of the gauge's figures
        ends = (begin, bottom) if flow.down else (bottom, begin)
        key = f"flow:{vm.name}:{flow.key}"
        scene.line(key, at, ends[0], at, ends[1], f"arrow {flow.context}")
        scene.text(f"{key}:text", at + size * 0.55, (begin + bottom) / 2 + size * 0.35, flow.text,
                   f"label {flow.context}", size=size - 1, weight=700)
        at = max(at + long + size * 0.8, x + width * 0.55)


def _draw_legend(scene: Scene, view: PoolView, form: _Layout) -> None:
    size = form.size
    step = (form.width - 2 * form.edge) / form.columns
    for number, (state, text) in enumerate(view.legend):
        x = form.edge + number % form.columns * step
        y = form.legend + number // form.columns * size * 1.35
        side = size * 0.72
        w, h, r, top = side, side, 2.0, y - side
        if state == SHARED:
            r = side / 2
        elif state == DISK:
            h = side * 0.45
            top = y - h
        elif state == UNTOUCHED:
            w = h = side * 0.4
            r = w / 2
            top = y - side * 0.7
        scene.rect(f"legend:{state}", x + (side - w) / 2, top, w, h, CLASSES[state], r=round(r, 1))
        scene.text(f"legend:{state}:text", x + side + 6, y, text, "label muted", size=size - 2)
