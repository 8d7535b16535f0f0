"""The figure "Phone": one phone with two worlds, one processor, and the radio's deadlines."""

from __future__ import annotations

from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True)
class World:
    """One virtual machine as drawn inside the phone."""

    key: str
    title: str
    detail: str
    context: str
    running: bool
    state: str  # words under the title
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time on the processor: who ran, from and to as fractions of the strip."""

    key: str
    start: float
    end: float
    context: str
    tip: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One radio frame: when the request came, when it was answered, and whether in time."""

    key: str
    number: int
    start: float
    answered: float  # fraction of the strip, -1 while open
    deadline: float
    state: str  # "good", "wrong", "open"
    tip: str


@dataclass(frozen=True, slots=True)
class PhoneView:
    """Everything the figure needs to know at one moment."""

    worlds: tuple[World, World]
    policy: tuple[str, str]  # its name, and how it chooses
    spans: tuple[Span, ...]
    frames: tuple[Frame, ...]
    # Frame number, share of the deadline its answer took (-1: there was none), met.
    latencies: tuple[tuple[int, float, bool], ...]
    met: int
    missed: int
    met_label: str
    missed_label: str
    strip_label: str
    strip_ends: tuple[str, str]  # the moments at its two ends
    frames_label: str
    latency_label: str
    deadline_label: str
    denied: str = ""
    hypervisor: str = "VMM"
    switching: bool = False


def draw(view: PhoneView, shape: str = "wide") -> Scene:
    """Draw ``view`` in the layout ``shape`` ("wide" or "tall")."""
    if shape == "tall":
        scene = Scene(400, 690)
        _draw_phone(scene, view, 30, 6, 340, 306, 14)
        _draw_strip(scene, view, 10, 344, 380, 14)
        _draw_latency(scene, view, 10, 560, 380, 110, 14)
    else:
        scene = Scene(880, 570)
        _draw_phone(scene, view, 12, 8, 312, 554, 20)
        _draw_strip(scene, view, 348, 34, 520, 20)
        _draw_latency(scene, view, 348, 336, 520, 210, 20)
    return scene


def _draw_phone(
    scene: Scene, view: PhoneView, x: float, y: float, w: float, h: float, size: float
) -> None:
    scene.rect("phone", x, y, w, h, "box phone device", r=30)
    scene.rect("phone:ear", x + w / 2 - 28, y + 11, 56, 6, "box device", r=3)
    inner = w - 32
    vmm_height = size * 4.1
    world_height = (h - 34 - vmm_height - 38) / 2
    for number, world in enumerate(view.worlds):
        top = y + 28 + number * (world_height + 10)
        tone = " current" if world.running else ""
        scene.rect(
            world.key, x + 16, top, inner, world_height, f"box {world.context}{tone}", r=14)
        scene.text(
            f"{world.key}:title", x + 32, top + size * 1.7, world.title,
            f"label {world.context}", size=size, weight=700,
        )
        scene.text(
            f"{world.key}:detail", x + 32, top + size * 3.1, world.detail, "label muted",
            size=size - 3,
        )
        scene.text(
            f"{world.key}:state", x + w - 32, top + size * 3.1, world.state,
            "label good" if world.running else "label muted", size=size - 2, anchor="end",
            weight=600,
        )
        room = int((inner - 28) / ((size - 3) * 0.61))
        rows = int((world_height - size * 4.2) / (size * 1.4))
        for row, line in enumerate(world.lines[-rows:] if rows > 0 else ()):
            shown = line if len(line) <= room else line[: room - 1] + "…"
            scene.text(
                f"{world.key}:line:{row}", x + 32, top + size * 5 + row * size * 1.4, shown,
                "value mono", size=size - 3)
    top = y + h - 16 - vmm_height
    tone = " current" if view.switching else ""
    scene.rect("vmm", x + 16, top, inner, vmm_height, f"box vmm{tone}", r=12)
    scene.text(
        "vmm:title", x + 32, top + size * 1.3, view.hypervisor, "label vmm", size=size, weight=700)
    for row, line in enumerate(view.policy):
        scene.text(
            f"vmm:policy:{row}", x + 32, top + size * (2.45 + 1.15 * row), line, "label muted",
            size=size - 3)
    if view.denied:
        scene.text(
            "denied", x + w - 32, top + size * 1.3, view.denied, "label wrong", size=size - 2,
            anchor="end", weight=700,
        )


def _draw_strip(
    scene: Scene, view: PhoneView, x: float, y: float, w: float, size: float
) -> None:
    scene.text("strip:title", x, y, view.strip_label, "title muted", size=size - 2)
    bar = y + 14
    scene.rect("strip", x, bar, w, 40, "box track", r=4)
    for span in view.spans:
        width = max((span.end - span.start) * w, 2.0)
        scene.rect(
            span.key, x + span.start * w, bar, width, 40, f"span {span.context}", r=0,
            tip=span.tip)
    for end, when in zip(("start", "end"), view.strip_ends, strict=True):
        at, anchor = (x, "start") if end == "start" else (x + w, "end")
        scene.text(f"strip:{end}", at, bar + 42 + size, when, "label muted", size=size - 4,
                   anchor=anchor)
    top = bar + 60 + size * 1.5
    scene.text("frames:title", x, top, view.frames_label, "title muted", size=size - 2)
    lane = top + 16
    for frame in view.frames:
        fx, fd = x + frame.start * w, x + frame.deadline * w
        scene.rect(
            f"{frame.key}:window", fx, lane, max(fd - fx, 2), 36, f"box window {frame.state}", r=4,
            tip=frame.tip)
        if frame.answered >= 0:
            ax = x + frame.answered * w
            scene.line(frame.key, ax, lane - 6, ax, lane + 42, f"mark {frame.state}",
                       tip=frame.tip)
        if fd - fx > 6 + len(str(frame.number)) * (size - 3) * 0.61:
            scene.text(
                f"{frame.key}:number", fd - 4, lane + 24, str(frame.number),
                f"label {frame.state}", size=size - 3, anchor="end", tip=frame.tip,
            )
    base = lane + 36 + size * 2.1
    met = f"{view.met} {view.met_label}"
    scene.text("met", x, base, met, "label good", size=size + 2, weight=700)
    scene.text(
        "missed", x + max(w / 2, (len(met) + 2) * (size + 2) * 0.61), base,
        f"{view.missed} {view.missed_label}",
        "label wrong" if view.missed else "label muted", size=size + 2, weight=700)


def _draw_latency(
    scene: Scene, view: PhoneView, x: float, y: float, w: float, h: float, size: float
) -> None:
    scene.text("latency:title", x, y, view.latency_label, "title muted", size=size - 2)
    top, bottom = y + 14, y + h
    limit = top + (bottom - top) * 0.4
    scene.line("latency:axis", x, bottom, x + w, bottom, "grid muted")
    scene.text(
        "latency:limit:label", x + w, y, f"- - {view.deadline_label}", "label wrong",
        size=size - 2, anchor="end",
    )
    shown = view.latencies[-40:]
    step = w / max(len(shown), 12)
    scale = bottom - limit
    for number, (frame, share, met) in enumerate(shown):
        answered = share >= 0
        height = min(max(share * scale, 2.0), bottom - top) if answered else bottom - top
        state = "good" if met else "wrong" if answered else "wrong stale"
        scene.rect(
            f"latency:{frame}", x + number * step, bottom - height, step * 0.7, height,
            f"bar {state}", r=2, tip=f"{frame}: {share:.0%}" if answered else f"{frame}: –")
    # Above the bars, so that it is seen where they pass it.
    scene.line("latency:limit", x, limit, x + w, limit, "limit wrong dashed")
