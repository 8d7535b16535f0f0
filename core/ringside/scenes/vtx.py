"""The figure "VT-x": two modes of the processor, and the VMCS between them.

On the left non-root mode with the guest's rings, and root mode with the VMM, joined by the VM exit
or entry of the step. On the right the control structure by groups, with the fields that the VMM
read and wrote in this step marked R and W, and those the processor changed. Below them the exits so
far by reason, and the field that injects events, opened into its bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from .scene import Scene

LETTER = 0.61  # of the font's size: the width of a letter, bold or of fixed width


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the VMCS. ``mark``: "R", "W", both or neither; ``before`` if it changed."""

    encoding: int
    name: str
    value: str
    before: str = ""
    mark: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of fields; ``more`` says in words that others are not shown."""

    key: str
    title: str
    context: str
    fields: tuple[Field, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """An exit reason and how often the guest left for it; ``hot``: in this step."""

    number: int
    name: str
    count: int
    hot: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Bits of the injection field."""

    key: str
    bits: str
    name: str
    value: str
    width: float  # share of the whole


@dataclass(frozen=True, slots=True)
class VtxView:
    """Everything the figure needs to know."""

    guest_title: str
    app: str
    kernel: str
    root_title: str
    vmm: str
    place: str  # where the token is: app, kernel, vmm
    token: str  # its tip
    label: str = ""  # the instruction
    came_from: str = ""  # the place before the step, if another
    chip: str = ""
    chip_detail: str = ""
    chip_tone: str = "vmm"
    vmcs_title: str = ""
    legend: str = ""
    groups: tuple[Group, ...] = ()  # guest state, host state, controls, exit information
    reasons_title: str = ""
    reasons: tuple[Reason, ...] = ()
    reasons_more: str = ""
    inject_title: str = ""
    inject: tuple[Part, ...] = ()
    inject_on: bool = False
    inject_note: str = ""
    tips: tuple[str, str] = ("", "")  # of non-root and of root mode


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    guest: tuple[float, float, float, float]  # boxes: x, y, width, height
    root: tuple[float, float, float, float]
    columns: tuple[tuple[float, float, tuple[int, ...]], ...]  # x, width, which groups
    top: float  # of the VMCS
    row: float
    rows: tuple[int, ...]  # rows shown of each group
    letters: float
    size: float
    reasons: tuple[float, float, float, int]  # x, y, width, bars
    inject: tuple[float, float, float]


_LAYOUTS = {
    "wide": _Layout(
        890, 590, (4, 8, 250, 218), (4, 312, 250, 122),
        ((264, 306, (0, 1)), (580, 306, (2, 3))), 28, 22.7, (11, 4, 8, 7), 16, 17,
        (6, 464, 380, 5), (406, 464, 480),
    ),
    "tall": _Layout(
        400, 772, (6, 6, 388, 92), (6, 142, 388, 66),
        ((6, 388, (0, 2, 3)),), 236, 18, (5, 0, 4, 6), 13.5, 14.5,
        (6, 632, 388, 4), (6, 726, 388),
    ),
}  # fmt: skip
PLACES = ("app", "kernel", "vmm")


def rows(shape: str) -> tuple[int, ...]:
    """How many fields of each group the layout ``shape`` has room for."""
    return _LAYOUTS[shape].rows


def draw(view: VtxView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    layout = _LAYOUTS[shape]
    scene = Scene(layout.width, layout.height, crowded=True)
    _draw_modes(scene, layout, view)
    _draw_token(scene, layout, view)
    _draw_vmcs(scene, layout, view)
    _draw_reasons(scene, layout, view)
    _draw_injection(scene, layout, view)
    return scene


# -- the two modes ---------------------------------------------------------------------------------


def _lane(layout: _Layout, place: str) -> tuple[float, float, float, float]:
    """The box of who can run: the two rings in use of the guest, and the VMM."""
    if place == "vmm":
        x, y, width, height = layout.root
        top = layout.size * 1.9
        return x + 12, y + top, width - 24, height - top - 10
    x, y, width, height = layout.guest
    top = layout.size * 1.9
    if layout.width > 500:
        each = (height - top - 18) / 2
        number = PLACES.index(place)
        return x + 12, y + top + number * (each + 8), width - 24, each
    half = (width - 32) / 2
    return x + 12 + PLACES.index(place) * (half + 8), y + top, half, height - top - 10


def _draw_modes(scene: Scene, layout: _Layout, view: VtxView) -> None:
    size = layout.size
    for key, box, title, tip, tone in (
        ("guest", layout.guest, view.guest_title, view.tips[0], "box dashed muted"),
        ("root", layout.root, view.root_title, view.tips[1], "box dashed vmm"),
    ):
        x, y, width, height = box
        scene.rect(f"mode:{key}", x, y, width, height, tone, r=12, tip=tip)
        scene.text(
            f"mode:{key}:title", x + width - 14, y + size * 1.3, title,
            f"label {'vmm' if key == 'root' else 'muted'}", size=size - 2, anchor="end",
            weight=700, tip=tip,
        )
    for place, name in zip(PLACES, (view.app, view.kernel, view.vmm), strict=True):
        x, y, width, height = _lane(layout, place)
        hot = " current" if place == view.place else ""
        scene.rect(f"lane:{place}", x, y, width, height, f"ring {place}{hot}", r=8)
        scene.text(
            f"lane:{place}:name", x + width - 12, y + size * 1.2, name, f"label {place}",
            size=size - 2, anchor="end", weight=700,
        )


def _spot(layout: _Layout, place: str) -> tuple[float, float]:
    x, y, _, height = _lane(layout, place)
    if layout.width > 500:
        return x + 24, y + height - 18
    return x + 20, y + height - layout.size * 0.95


def _draw_token(scene: Scene, layout: _Layout, view: VtxView) -> None:
    size = layout.size
    x, y = _spot(layout, view.place)
    if view.came_from and view.came_from != view.place:
        x1, y1 = _spot(layout, view.came_from)
        bow = 40 if layout.width > 500 else 14
        scene.circle("token:was", x1, y1, size * 0.5, "token ghost muted")
        far = max(hypot(x - x1, y - y1), 1)
        mx, my = (x1 + x) / 2 + bow * abs(y - y1) / far, (y1 + y) / 2
        tone = "good dotted" if view.came_from == "vmm" else "kernel"
        if view.place == "vmm":
            tone = "vmm"
        back = max(hypot(x - mx, y - my), 1)
        gap = (size * 0.6 + 5) / back
        end_x, end_y = x + (mx - x) * gap, y + (my - y) * gap
        scene.path(
            "motion", f"M{x1:.1f} {y1:.1f}Q{mx:.1f} {my:.1f} {end_x:.1f} {end_y:.1f}",
            f"arrow {tone}",
        )
    scene.circle("token", x, y, size * 0.56, f"token {view.place}", tip=view.token)
    if view.label:
        _, _, width, _ = _lane(layout, view.place)
        room = int((width - 48) / ((size - 2) * LETTER))
        label = view.label if len(view.label) <= room else view.label[: room - 1] + "…"
        scene.text(
            "token:label", x + size * 0.9, y + size * 0.3, label, f"label halo mono {view.place}",
            size=size - 2, weight=600, tip=view.token,
        )
    if view.chip:
        _draw_chip(scene, layout, view)


def _draw_chip(scene: Scene, layout: _Layout, view: VtxView) -> None:
    """The exit or entry, in the gap between the modes."""
    size = layout.size
    gx, gy, gwidth, gheight = layout.guest
    top, bottom = gy + gheight, layout.root[1]
    one_line = layout.width <= 500
    width = gwidth - (46 if not one_line else 110)
    height = size * (1.9 if one_line else 2.9)
    x, y = gx + gwidth - width - 8, (top + bottom - height) / 2
    scene.rect("chip", x, y, width, height, f"box chip {view.chip_tone}")
    if one_line:
        text = view.chip + (f" · {view.chip_detail}" if view.chip_detail else "")
        scene.text(
            "chip:title", x + 10, y + size * 1.3, text, f"label {view.chip_tone}", size=size - 2,
            weight=700,
        )
        return
    scene.text(
        "chip:title", x + 12, y + size * 1.2, view.chip, f"label {view.chip_tone}", size=size - 3,
        weight=700,
    )
    if view.chip_detail:
        scene.text(
            "chip:detail", x + 12, y + size * 2.35, view.chip_detail, "label muted", size=size - 3
        )


# -- the control structure -------------------------------------------------------------------------


def _draw_vmcs(scene: Scene, layout: _Layout, view: VtxView) -> None:
    size = layout.letters
    first = layout.columns[0][0]
    scene.text(
        "vmcs:title", first, layout.top - size * 0.5, view.vmcs_title, "title muted", size=size + 1
    )
    right = layout.columns[-1][0] + layout.columns[-1][1]
    scene.text(
        "vmcs:legend", right, layout.top - size * 0.5, view.legend, "label vmm", size=size - 1,
        anchor="end",
    )
    for x, width, members in layout.columns:
        y = layout.top
        for number in members:
            if layout.rows[number]:
                y = _draw_group(scene, layout, view.groups[number], x, width, y)


def _draw_group(
    scene: Scene, layout: _Layout, group: Group, x: float, width: float, y: float
) -> float:
    """One group from ``y`` on; gives where the next begins."""
    size, line = layout.letters, layout.row
    height = line * (len(group.fields) + 1) + 6
    scene.rect(f"group:{group.key}", x, y, width, height, f"box {group.context}", r=7)
    scene.text(
        f"group:{group.key}:title", x + 10, y + line * 0.82, group.title, f"label {group.context}",
        size=size, weight=700,
    )
    if group.more:
        scene.text(
            f"group:{group.key}:more", x + width - 10, y + line * 0.82, group.more, "label muted",
            size=size - 1, anchor="end",
        )
    for number, field in enumerate(group.fields):
        _draw_field(scene, layout, field, x, width, y + line * (number + 1))
    return y + height + 8


def _draw_field(
    scene: Scene, layout: _Layout, field: Field, x: float, width: float, y: float
) -> None:
    size, line = layout.letters, layout.row
    key = f"vmcs:{field.encoding:04x}"
    base = y + line * 0.76
    if field.mark:
        hot = " hot" if "W" in field.mark else ""
        scene.rect(f"{key}:band", x + 4, y + 1, width - 8, line - 2, f"band vmm{hot}", r=4)
        scene.text(
            f"{key}:mark", x + 8, base, field.mark, "label vmm", size=size - 1, weight=700,
            tip=field.tip,
        )
    at = x + size * 2
    room = int((width - (at - x) - 20 - len(field.value) * size * LETTER) / (size * 0.53))
    name = field.name if len(field.name) <= room else field.name[: room - 1] + "…"
    scene.text(f"{key}:name", at, base, name, "label", size=size, tip=field.tip)
    changed = " changed vmm" if field.before else ""
    scene.text(
        key, x + width - 10, base, field.value, f"value mono{changed}", size=size, anchor="end",
        weight=700 if field.before else 400, tip=field.tip,
    )


# -- exits and injection ---------------------------------------------------------------------------


def _draw_reasons(scene: Scene, layout: _Layout, view: VtxView) -> None:
    x, y, width, most = layout.reasons
    size = layout.letters
    scene.text("reasons:title", x, y, view.reasons_title, "title muted", size=size + 1)
    if view.reasons_more:
        scene.text(
            "reasons:more", x + width, y, view.reasons_more, "label muted", size=size - 1,
            anchor="end",
        )
    top = max((reason.count for reason in view.reasons), default=1)
    line = layout.row
    start = x + (246 if layout.width > 500 else 206)
    shown = view.reasons[:most]
    left_for = tuple(reason for reason in view.reasons[most:] if reason.hot)
    shown = shown[: most - len(left_for)] + left_for  # what just happened is never left out
    for number, reason in enumerate(shown):
        base = y + line * (number + 1.05)
        tone = "vmm" if reason.hot else "muted"
        key = f"reason:{reason.number}"
        scene.text(
            f"{key}:name", x, base, f"{reason.number} {reason.name}",
            "label vmm" if reason.hot else "label", size=size, weight=700 if reason.hot else 400,
        )
        room = x + width - start - 46
        scene.rect(
            f"{key}:bar", start, base - line * 0.62, max(2.0, room * reason.count / top),
            line * 0.66, f"bar {tone}", r=2,
        )
        scene.text(
            key, x + width, base, f"{reason.count:,}".replace(",", "\u202f"), "value", size=size,
            anchor="end",
        )


def _draw_injection(scene: Scene, layout: _Layout, view: VtxView) -> None:
    x, y, width = layout.inject
    size = layout.letters
    scene.text("inject:title", x, y, view.inject_title, "title muted", size=size + 1)
    high = size * 2.5
    at = x
    tone = "vmm hot" if view.inject_on else "muted"
    for part in view.inject:
        room = width * part.width
        scene.rect(f"inject:{part.key}", at, y + size * 0.7, room, high, f"band {tone}", r=2)
        middle = at + room / 2
        scene.text(
            f"inject:{part.key}:value", middle, y + size * 2.4, part.value, "value mono",
            size=size, anchor="middle", weight=700 if view.inject_on else 400,
        )
        if layout.width > 500:
            for line, text in enumerate((part.name, part.bits)):
                scene.text(
                    f"inject:{part.key}:name" + (":bits" if line else ""), middle,
                    y + size * (4.3 + 1.15 * line), text, "label muted", size=size - 1.5,
                    anchor="middle",
                )
        at += room
    if layout.width > 500:
        for line, text in enumerate(_lines(view.inject_note, int(width / (size * 0.53)))):
            scene.text(
                "inject:note" + (f":{line}" if line else ""), x, y + size * (6.5 + 1.15 * line),
                text, "label vmm" if view.inject_on else "label muted", size=size - 1,
            )


def _lines(text: str, room: int) -> list[str]:
    """``text`` in lines of at most ``room`` letters, cut between words."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > room and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
