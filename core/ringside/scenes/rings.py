"""The figure "Rings and traps": concentric rings, the running token, the fall and the return.

Two layouts of one picture: ``wide`` for screens and slides, ``tall`` for a phone held upright.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import cos, hypot, radians, sin, sqrt

from .scene import Scene


@dataclass(frozen=True, slots=True)
class Ring:
    """One protection ring as drawn: who lives there, and whether anybody does."""

    number: int
    context: str  # colour: app, kernel, vmm, or "" for an unused ring
    label: str
    tip: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a processor card: a register or flag with its value, and the one before."""

    key: str
    name: str
    value: str
    before: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A box of facts: the real CPU, or the virtual CPU the guest sees."""

    key: str
    title: str
    context: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Below:
    """VMX root mode, a place beside the rings: what it and the guest's mode are called."""

    guest: str
    guest_tip: str
    root: str
    root_tip: str


@dataclass(frozen=True, slots=True)
class RingsView:
    """Everything the figure needs to know, read from the machine and the last step's events."""

    rings: tuple[Ring, ...]  # from ring 3 inwards to ring 0
    ring: int
    context: str  # who runs now
    token: str  # who the token is, in a word
    label: str  # what is written beside it: the instruction
    progress: int  # steps so far: the token moves a little along its ring with every one
    from_ring: int = -1  # ring before this step, -1 when the token stayed in its ring
    motion: str = ""  # "trap", "resume", "call", "return"
    chip: str = ""  # the exception or event that moved the token
    chip_detail: str = ""
    wrong: bool = False
    cards: tuple[Card, ...] = ()
    figure_title: str = ""
    figure: str = ""
    figure_unit: str = ""
    figure_notes: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = field(default=())  # waiting VMs: name, state
    below: Below | None = None  # where the VMM is, if in none of the rings


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    x: float
    y: float
    radii: tuple[float, float, float, float]  # ring 0 … 3
    size: float
    card_width: float
    card_at: tuple[tuple[float, float], ...]
    figure_at: tuple[float, float]
    line: float
    label_end: float  # the token's label ends before this
    root: tuple[float, float, float, float] = (0, 0, 0, 0)  # root mode: x, y, width, height


_LAYOUTS = {
    "wide": _Layout(
        880, 560, 280, 280, (88, 150, 204, 262), 20, 292,
        ((574, 28), (574, 222)), (574, 428), 33, 566,
    ),
    "tall": _Layout(
        400, 590, 200, 188, (64, 108, 146, 182), 15, 190,
        ((6, 392), (204, 392)), (6, 540), 22, 396,
    ),
}  # fmt: skip

# The same with room for root mode under the rings, which are the guest's.
_WITH_ROOT = {
    "wide": replace(
        _LAYOUTS["wide"], y=226, radii=(68, 118, 160, 202), size=18,
        root=(16, 462, 528, 82),
    ),
    "tall": replace(
        _LAYOUTS["tall"], y=152, radii=(46, 80, 108, 136), size=14, root=(6, 306, 388, 54),
    ),
}

LETTER = 0.61  # of the font's size: the width of a letter, bold or of fixed width

STAYED, ROOT = -1, -2  # the token was in the same ring; it is in root mode, outside the rings
_BASE_ANGLE = {3: -44.0, 2: 18.0, 1: 22.0, 0: 30.0}


def draw(view: RingsView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _WITH_ROOT[shape] if view.below else _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height)
    if view.below:
        _draw_modes(scene, layout, view, view.below)
    _draw_rings(scene, layout, view)
    _draw_motion(scene, layout, view)
    _draw_token(scene, layout, view)
    for card, at in zip(view.cards, layout.card_at, strict=False):
        _draw_card(scene, layout, card, at)
    _draw_figure(scene, layout, view)
    return scene


def _band(layout: _Layout, ring: int) -> float:
    """The radius in the middle of a ring's band."""
    if ring == 0:
        return layout.radii[0] * 0.5
    return (layout.radii[ring] + layout.radii[ring - 1]) / 2


def _place(layout: _Layout, ring: int, progress: int) -> tuple[float, float]:
    if ring == ROOT:
        x, y, width, height = layout.root
        return x + width * (0.52 + 0.02 * (progress % 9)), y + height * 0.5
    angle = radians(_BASE_ANGLE[ring] + 4 * (progress % 9))
    radius = _band(layout, ring)
    return layout.x + radius * cos(angle), layout.y + radius * sin(angle)


def _draw_modes(scene: Scene, layout: _Layout, view: RingsView, below: Below) -> None:
    """Two modes of the processor: the guest's, with all its rings, and the VMM's."""
    x, y, width, height = layout.root
    size = layout.size
    in_root = " current" if view.ring == ROOT else ""
    scene.rect(
        "mode:guest", x, 8, width, y - 8 - size * 0.7, "box dashed muted", r=14,
        tip=below.guest_tip,
    )
    for number, line in enumerate(below.guest.split(" · ")):
        scene.text(
            f"mode:guest:label:{number}", x + 14, 8 + size * (1.35 + 1.2 * number), line,
            "label muted", size=size - 2, weight=700 - 300 * number, tip=below.guest_tip,
        )
    scene.rect("mode:root", x, y, width, height, f"ring vmm{in_root}", r=14, tip=below.root_tip)
    middle = y + height * 0.5 - size * 0.15
    for number, line in enumerate(below.root.split(" · ")):
        scene.text(
            f"mode:root:label:{number}", x + 16, middle + size * 1.2 * number, line, "label vmm",
            size=size - 2 * number, weight=700 - 300 * number, tip=below.root_tip,
        )


def _draw_rings(scene: Scene, layout: _Layout, view: RingsView) -> None:
    for ring in view.rings:
        radius = layout.radii[ring.number]
        used = "" if ring.context else " ghost"
        hot = " current" if ring.number == view.ring else ""
        scene.circle(
            f"ring:{ring.number}", layout.x, layout.y, radius,
            f"ring {ring.context or 'unused'}{used}{hot}", tip=ring.tip,
        )
    for ring in view.rings:
        _draw_name(scene, layout, ring)


def _draw_name(scene: Scene, layout: _Layout, ring: Ring) -> None:
    """The ring's name in its band: in two lines where one would run into the ring's edge."""
    radius = layout.radii[ring.number]
    inside = layout.radii[ring.number - 1] if ring.number else 0.0
    size = layout.size if ring.context else layout.size - 1
    up = (radius + inside) / 2 if ring.number else size * 0.86
    lines = [ring.label]
    if len(ring.label) * size * LETTER + size > 2 * sqrt(radius * radius - up * up):
        lines = ring.label.split(" · ")
    first = layout.y - up + size * 0.36 - size * 0.55 * (len(lines) - 1)
    for number, line in enumerate(lines):
        scene.text(
            f"ring:{ring.number}:label" + (f":{number}" if number else ""), layout.x,
            first + size * 1.1 * number, line, f"label {ring.context or 'muted'}", size=size,
            anchor="middle", weight=700 if ring.context else 400, tip=ring.tip,
        )


def _draw_motion(scene: Scene, layout: _Layout, view: RingsView) -> None:
    if view.from_ring in (STAYED, view.ring):
        return
    x1, y1 = _place(layout, view.from_ring, view.progress)
    x2, y2 = _place(layout, view.ring, view.progress)
    style = {"trap": "vmm", "resume": "good dotted", "call": "kernel", "return": "good dotted"}
    # A shallow bow: the control point lies beside the straight way, so two ways never coincide.
    mx, my = (x1 + x2) / 2 - (y2 - y1) * 0.18, (y1 + y2) / 2 + (x2 - x1) * 0.18
    scene.circle("token:was", x1, y1, layout.size * 0.55, "token ghost muted")
    # It starts and ends at the tokens' edges, along the bow's own directions.
    x1, y1 = _towards(x1, y1, mx, my, layout.size * 0.6)
    x2, y2 = _towards(x2, y2, mx, my, layout.size * 0.62 + 5)
    scene.path(
        "motion", f"M{x1:.1f} {y1:.1f}Q{mx:.1f} {my:.1f} {x2:.1f} {y2:.1f}",
        f"arrow {style[view.motion]}",
    )


def _towards(x: float, y: float, goal_x: float, goal_y: float, way: float) -> tuple[float, float]:
    """The point ``way`` units from ``x, y`` on the way to the goal."""
    distance = hypot(goal_x - x, goal_y - y)
    return x + (goal_x - x) * way / distance, y + (goal_y - y) * way / distance


def _draw_token(scene: Scene, layout: _Layout, view: RingsView) -> None:
    x, y = _place(layout, view.ring, view.progress)
    size = layout.size
    mood = " wrong" if view.wrong else ""
    scene.circle("token", x, y, size * 0.62, f"token {view.context}{mood}", tip=view.token)
    below = 0.0
    if view.label:
        right, pad = layout.label_end, size * 0.4
        if view.below:  # inside the guest's mode
            right = min(right, layout.root[0] + layout.root[2] - 4)
        letter = (size - 1) * LETTER
        fits = int((right - 8 - 2 * pad) / letter)
        label = view.label if len(view.label) <= fits else view.label[: fits - 1] + "…"
        width = len(label) * letter
        left = min(x + size * 0.8 + pad, right - width - pad)
        if left < x + size * 0.7 + pad:  # no room beside the token: under it
            below = size * 1.6
        # A plate of its own: the borders of the rings do not run through the words.
        scene.rect(
            "token:plate", left - pad, y + below - size * 0.72, width + 2 * pad, size * 1.44,
            f"box plate {view.context}{mood}", r=6, tip=view.token,
        )
        scene.text(
            "token:label", left, y + size * 0.34 + below, label,
            f"label mono {view.context}{mood}", size=size - 1, weight=600, tip=view.token,
        )
    if view.chip:
        _draw_chip(scene, layout, view, y + below)


def _draw_chip(scene: Scene, layout: _Layout, view: RingsView, token_y: float) -> None:
    """The event's name, below the token and outside the inner rings."""
    size = layout.size
    width = max(len(view.chip) * size * 0.72, len(view.chip_detail) * (size - 2) * 0.58) + 28
    height = size * 3 if view.chip_detail else size * 1.8
    left = layout.x - width / 2 + size * 2
    if view.ring == ROOT:
        token_y = layout.y
    top = max(token_y + size * 1.4, layout.y + layout.radii[1] * 0.78)
    tone = "wrong" if view.wrong else "vmm" if view.motion == "trap" else view.context
    scene.rect("chip", left, top, width, height, f"box chip {tone}")
    scene.text(
        "chip:title", left + 13, top + size * 1.22, view.chip, f"label {tone}", size=size,
        weight=700,
    )
    if view.chip_detail:
        scene.text(
            "chip:detail", left + 13, top + size * 2.45, view.chip_detail, "label muted",
            size=size - 2,
        )


def _draw_card(scene: Scene, layout: _Layout, card: Card, at: tuple[float, float]) -> None:
    x, y = at
    size, line = layout.size, layout.line
    fits = len(card.title) * max(size - 3, scene.least) * 0.54 < layout.card_width
    title = card.title if fits else card.title.partition(":")[0]  # what follows explains it
    scene.text(f"{card.key}:title", x, y, title, "title muted", size=size - 3, tip=card.title)
    height = line * len(card.facts) + 14
    scene.rect(f"{card.key}:box", x, y + 9, layout.card_width, height, f"box {card.context}")
    for number, fact in enumerate(card.facts):
        base = y + 9 + 7 + line * number + line * 0.7
        key = f"{card.key}:{fact.key}"
        value = f"{fact.before} → {fact.value}" if fact.before else fact.value
        if (len(value) + len(fact.name) + 1) * (size - 1) * LETTER > layout.card_width - 28:
            value = fact.value
        tone = f"value changed {card.context}" if fact.before else "value"
        scene.text(f"{key}:name", x + 14, base, fact.name, "label", size=size - 1, tip=fact.tip)
        scene.text(
            key, x + layout.card_width - 14, base, value, tone, size=size - 1, anchor="end",
            weight=700, tip=fact.tip,
        )


def _draw_figure(scene: Scene, layout: _Layout, view: RingsView) -> None:
    if not view.figure:
        return
    x, y = layout.figure_at
    size = layout.size
    scene.text("cost:title", x, y, view.figure_title, "title muted", size=size - 2)
    scene.text("cost", x, y + size * 2, view.figure, "value big", size=size * 1.8, weight=700)
    scene.text(
        "cost:unit", x + len(view.figure) * size * 1.06 + 12, y + size * 2, view.figure_unit,
        "label muted", size=size,
    )
    for number, note in enumerate(view.figure_notes):
        scene.text(
            f"cost:note:{number}", x if layout.width > 500 else layout.width - 6,
            y + size * (3.5 + 1.4 * number if layout.width > 500 else 0.6 + 1.4 * number), note,
            "label muted", size=size - 2, anchor="start" if layout.width > 500 else "end",
        )
