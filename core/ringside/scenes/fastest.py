"""The figures of "Which is fastest?": predicted beside published, and the processor generations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10

from .scene import Scene

Place = Callable[[int], float]  # of a generation
Height = Callable[[float], float]  # of a number of cycles
MOST = 20_000  # cycles at the right end of the scale of ``draw_bars``


@dataclass(frozen=True, slots=True)
class BarView:
    """One nanobenchmark on one system. ``cycles`` is 0 until it has been measured."""

    key: str
    name: str
    tone: str
    cycles: float
    text: str
    published: int
    published_text: str
    state: str = ""  # "current", "wrong"
    tip: str = ""


@dataclass(frozen=True, slots=True)
class GroupView:
    """One nanobenchmark with its bars."""

    key: str
    title: str
    bars: tuple[BarView, ...]
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class BarsView:
    """The whole chart: bars as long as the logarithm of the cycles."""

    title: str
    groups: tuple[GroupView, ...]
    heads: tuple[str, str]  # above the columns: predicted, published
    note: str


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One system over the generations; ``points`` are cycles, None where it does not exist."""

    key: str
    name: str
    tone: str
    dashed: bool
    points: tuple[float | None, ...]
    text: str  # the value now


@dataclass(frozen=True, slots=True)
class GenerationsView:
    """One nanobenchmark on every processor up to ``shown``."""

    title: str
    names: tuple[str, ...]
    years: tuple[str, ...]
    series: tuple[SeriesView, ...]
    shown: int  # generations that can be seen
    most: int
    crossing: int  # the generation from which hardware is faster; -1: none seen yet
    crossing_text: str
    unit: str


@dataclass(frozen=True, slots=True)
class _Bars:
    width: int
    head: float
    group: float
    line: float
    foot: float
    size: float
    names: float  # right edge of the systems' names
    left: float  # where bars begin
    right: float
    columns: tuple[float, float]  # right edges of predicted and published


_BARS = {
    "wide": _Bars(880, 46, 72, 22, 26, 17, 326, 336, 690, (778, 872)),
    "tall": _Bars(400, 46, 95, 22, 30, 15, 114, 120, 278, (336, 393)),
}  # fmt: skip


def draw_bars(view: BarsView, shape: str = "wide") -> Scene:
    """Draw predicted bars with a mark at the published figure."""
    layout = _BARS[shape]
    wide = shape == "wide"
    height = round(layout.head + layout.group * len(view.groups) + layout.foot)
    scene = Scene(layout.width, height)
    size = layout.size
    scene.text("title", 12 if wide else 6, size + 8, view.title, "title",
               size=size + (1 if wide else -0.5), weight=600)
    for place, text, name in zip(layout.columns, view.heads, ("predicted", "published"),
                                 strict=True):
        scene.text(f"head:{name}", place, layout.head - 8 if wide else layout.head - 2, text,
                   "label muted", size=size - 2.5, anchor="end")
    for number, group in enumerate(view.groups):
        _draw_group(scene, layout, group, layout.head + number * layout.group, wide)
    scene.text("note", 12, height - 9, view.note, "label muted", size=size - 2.5)
    return scene


def _place(layout: _Bars, cycles: float) -> float:
    """How far a bar of that many cycles goes: a tenfold is always the same length."""
    share = log10(max(cycles, 1.3)) / log10(MOST)
    return layout.left + (layout.right - layout.left) * min(share, 1)


def _draw_group(scene: Scene, layout: _Bars, group: GroupView, top: float, wide: bool) -> None:
    size, key = layout.size, f"bench:{group.key}"
    if group.chosen:
        scene.rect(f"{key}:box", 3, top + 1, layout.width - 6, layout.group - 3, "box", r=7)
    scene.line(f"{key}:rule", 8, top, layout.width - 8, top, "grid muted")
    first = top + 4
    if wide:
        scene.text(key, 12, top + 24, group.title, "title", size=size + 1, weight=700)
    else:
        scene.text(key, 8, top + 18, group.title, "title", size=size, weight=700)
        first = top + 23
    for number, bar in enumerate(group.bars):
        _draw_bar(scene, layout, bar, first + number * layout.line)


def _draw_bar(scene: Scene, layout: _Bars, bar: BarView, top: float) -> None:
    size, key = layout.size, f"bar:{bar.key}"
    base = top + layout.line - 6
    thick = layout.line - 9
    weight = 700 if bar.state == "current" else 400
    scene.text(f"{key}:name", layout.names, base, bar.name, f"label {bar.tone}", size=size - 2.5,
               anchor="end", weight=weight, tip=bar.tip)
    scene.rect(f"{key}:track", layout.left, top + 4, layout.right - layout.left, thick, "track",
               r=3, tip=bar.tip)
    if bar.cycles:
        end = _place(layout, bar.cycles)
        state = " current" if bar.state == "current" else ""
        scene.rect(f"{key}:bar", layout.left, top + 4, max(end - layout.left, 2), thick,
                   f"bar {bar.tone}{state}", r=3, tip=bar.tip)
        far = "wrong" if bar.state == "wrong" else ""
        scene.text(f"{key}:value", layout.columns[0], base, bar.text, f"value {far}",
                   size=size - 1.5, anchor="end", weight=700, tip=bar.tip)
    at = _place(layout, bar.published)
    scene.line(f"{key}:published", at, top + 1.5, at, top + thick + 6.5, "mark tick", tip=bar.tip)
    scene.text(f"{key}:known", layout.columns[1], base, bar.published_text, "value muted",
               size=size - 1.5, anchor="end", tip=bar.tip)


@dataclass(frozen=True, slots=True)
class _Chart:
    width: int
    height: int
    size: float
    left: float
    top: float
    right: float
    bottom: float


_CHARTS = {
    "wide": _Chart(880, 560, 17, 84, 70, 640, 468),
    "tall": _Chart(400, 566, 15, 58, 60, 382, 350),
}  # fmt: skip


def draw_generations(view: GenerationsView, shape: str = "wide") -> Scene:
    """Draw cycles over processor generations, one line for each system."""
    chart = _CHARTS[shape]
    wide = shape == "wide"
    scene = Scene(chart.width, chart.height)
    size = chart.size
    scene.text("title", 12, size + 8, view.title, "title", size=size + 1, weight=600)
    scene.text("unit", 12, chart.top - 12, view.unit, "label muted", size=size - 2.5)
    count = len(view.names)

    def x(number: int) -> float:
        return chart.left + (chart.right - chart.left) * (number + 0.5) / count

    def y(cycles: float) -> float:
        return chart.bottom - (chart.bottom - chart.top) * cycles / view.most

    for part in range(5):
        value = view.most * part / 4
        scene.line(f"rule:{part}", chart.left, y(value), chart.right, y(value), "grid muted")
        scene.text(f"rule:{part}:value", chart.left - 8, y(value) + size * 0.3,
                   f"{round(value):,}".replace(",", "\u202f"), "value muted", size=size - 2.5,
                   anchor="end")
    for number, (name, year) in enumerate(zip(view.names, view.years, strict=True)):
        now = number == view.shown - 1
        tone = "title" if now else "label muted"
        drop = (number % 2) * (size + 3)  # names in two rows, so that they do not touch
        scene.text(f"generation:{number}", x(number), chart.bottom + size + 8 + drop, name, tone,
                   size=size - 2.5, anchor="middle", weight=700 if now else 400)
        if wide or number % 2 == 0:
            scene.text(f"year:{number}", x(number), chart.bottom + 3 * size + 12, year,
                       "label muted", size=size - 2.5, anchor="middle")
    if view.crossing >= 0:
        at = (x(view.crossing - 1) + x(view.crossing)) / 2
        scene.line("crossing", at, chart.top - 6, at, chart.bottom, "dotted good")
        scene.text("crossing:text", at + 8, chart.top + 6, view.crossing_text, "label good",
                   size=size - 2, weight=700)
    for series in view.series:
        _draw_series(scene, series, view.shown, x, y)
    _draw_legend(scene, chart, view, wide, y)
    return scene


def _draw_series(scene: Scene, series: SeriesView, shown: int, x: Place, y: Height) -> None:
    known = [(x(n), y(c)) for n, c in enumerate(series.points[:shown]) if c is not None]
    style = " dashed" if series.dashed else ""
    if len(known) > 1:
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in known)
        scene.path(f"series:{series.key}", path, f"line {series.tone}{style}")
    for number, cycles in enumerate(series.points[:shown]):
        if cycles is not None:
            now = " current" if number == shown - 1 else ""
            scene.circle(f"point:{series.key}:{number}", x(number), y(cycles), 6.5,
                         f"dot {series.tone}{now}", tip=f"{series.name}: {round(cycles):,}")


def _draw_legend(
    scene: Scene, chart: _Chart, view: GenerationsView, wide: bool, y: Height
) -> None:
    """Names and values: at the lines' ends where there is room, else in rows underneath."""
    size = chart.size
    shown = [series for series in view.series
             if any(point is not None for point in series.points[: view.shown])]
    if not wide:
        for row, series in enumerate(shown):
            base = chart.bottom + 5 * size + 14 + row * (size + 11)
            role = "window open" if series.dashed else "bar"
            scene.rect(
                f"legend:{series.key}", 14, base - size * 0.72, 20, 10, f"{role} {series.tone}")
            scene.text(f"name:{series.key}", 44, base, series.name, f"label {series.tone}",
                       size=size)
            scene.text(f"value:{series.key}", 388, base, series.text, "value", size=size + 1,
                       anchor="end", weight=700)
        return
    wanted = sorted(
        (y(next(p for p in reversed(series.points[: view.shown]) if p is not None)), number)
        for number, series in enumerate(shown))
    last = 0.0
    places = {}
    for place, number in wanted:
        last = max(place, last + 2.6 * size)
        places[number] = last
    spill = max(last - chart.bottom, 0)
    for number, series in enumerate(shown):
        base = places[number] - spill
        left = chart.right + 8
        scene.text(f"name:{series.key}", left, base - 2, series.name, f"label {series.tone}",
                   size=size - 1, weight=600)
        scene.text(f"value:{series.key}", left, base + size, series.text, "value", size=size,
                   weight=700)
