"""The lab "Where nested wins": a map from counted events, one workload after the other.

The bulk engine (numpy) is imported when the first cell is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..scenes.scene import Scene
from ..scenes.wins import Cell, WinsView, draw
from ..trace.presets import PRESETS, preset
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .panels import bars
from .tlb import trace_panel
from .wins_batch import map_all
from .wins_published import compared, losses_of, marks_of
from .words.nested_wins import WINS
from .words.notes import ANSWERS, WORLD
from .words.say import Message, Segment, decimal, pick, plain, segments, thousands

if TYPE_CHECKING:
    from ..bulk.steady import Steady
    from ..bulk.sweep import Point
    from .dropped import Dropped

ACCESSES = 30_000
MILLION = 1_000_000
AT_ONCE = 2  # cells measured for one request: a request is answered within seconds
RATES = {
    "churn": (0, 1_000, 3_000, 10_000, 30_000, 100_000),
    "switch": (0, 100, 300, 1_000, 3_000, 10_000),
    "fork": (0, 1_000, 3_000, 10_000, 30_000, 100_000),
}
FORKED = 30  # pages mapped anew from one switch to the next, where processes come and go; assumed
PAGES = (256, 1_024, 4_096, 16_384)
SPACES = 4  # processes that take turns
NEVER = 1 << 39
ENTRIES = 16  # of each walk cache, and of the nested TLB
PAGE_SIZES = {"4K": ("4K", "4K"), "2M": ("2M", "2M"), "2M-host": ("4K", "2M")}
ROOTS = {"kept": "shadow", "dropped": "shadow-dropped"}  # how the bulk engine calls them
HARDWARE = ("small", "two", "all")


@dataclass(frozen=True, slots=True)
class Measured:
    """One workload under both techniques; ``work`` are the program's own cycles per access."""

    shadow: Steady
    nested: Steady
    work: float

    @property
    def gain(self) -> float:
        """By how many per cent nested paging is faster, in the whole run."""
        slow = self.shadow.cycles_per_access + self.work
        return 100 * (slow / (self.nested.cycles_per_access + self.work) - 1)


@lru_cache(maxsize=512)
def _steady(point: Point) -> Steady:
    from ..bulk.steady import measure_steady

    return measure_steady(point)


class WinsRun:
    """The map; step k has measured k cells."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        options = setup.options
        self.work = float(options["work"])
        self.preset = options["preset"]
        self.traced = setup.guest == "trace"
        self.trace: Dropped | None = setup.trace if self.traced else None
        self.measured: list[Measured] = []
        self._step = 0

    # -- the workloads -----------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Cells of a row."""
        return len(HARDWARE) if self.traced else len(RATES[self.setup.guest])

    @property
    def total(self) -> int:
        """Cells in all."""
        if self.traced:
            return self.columns * 2 if self.trace else 0
        return self.columns * len(PAGES)

    def _points(self, number: int) -> tuple[Point, Point]:
        from ..bulk.sweep import Point

        row, column = divmod(number, self.columns)
        page, host = PAGE_SIZES[self.setup.options["page"]]
        caches = ENTRIES if self.setup.options["caches"] == "on" else 0
        facts: dict[str, Any] = {
            "accesses": ACCESSES, "stream": "uniform", "page": page, "host_page": host,
            "walk_cache": caches, "nested_tlb": caches, "preset": self.preset}
        if self.trace:
            size = ("4K", "2M")[row]
            caches = ENTRIES if HARDWARE[column] == "all" else 0
            facts.update(
                page=size, host_page=size, walk_cache=caches, nested_tlb=caches,
                second_tlb="" if HARDWARE[column] == "small" else "128x12")
        else:
            facts["pages"] = PAGES[row]
            rate = RATES[self.setup.guest][column]
            if self.setup.guest in ("churn", "fork"):
                facts["stream"] = "churn"
                facts["life"] = PAGES[row] * MILLION // rate if rate else NEVER
                rate //= FORKED
            if self.setup.guest != "churn":
                facts.update(
                    spaces=SPACES, pages=max(PAGES[row] // SPACES, 1),
                    turn=MILLION // rate if rate else NEVER, tagged=False)
        shadow = ROOTS[self.setup.options["roots"]]
        return Point(technique=shadow, **facts), Point(technique="nested", **facts)

    def _measure(self) -> None:
        points = self._points(len(self.measured))
        if self.trace is None:
            shadow, nested = (_steady(point) for point in points)
        else:
            from ..bulk.steady import measure_pieces
            from ..bulk.worlds import TooMuch

            try:
                shadow, nested = (measure_pieces(point, self.trace.pieces) for point in points)
            except TooMuch as error:
                raise InputError(f"{self.trace.name}: {error}.", "Drop a shorter trace.") from None
        self.measured.append(Measured(shadow, nested, self.work))

    # -- going -------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Cells shown."""
        return self._step

    @property
    def last(self) -> int:
        """Cells measured so far."""
        return len(self.measured)

    @property
    def ended(self) -> bool:
        """Whether the map is complete."""
        return len(self.measured) == self.total

    def seek(self, step: int) -> None:
        """Show ``step`` cells, measuring a few new ones at most."""
        for _ in range(AT_ONCE):
            if len(self.measured) < min(step, self.total):
                self._measure()
        self._step = min(step, self.last)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next cell where nested wins or loses."""
        if kind not in ("wins", "loses"):
            raise InputError(f"There is no kind {kind!r} here.", "Choose wins or loses.")
        step = self._step + direction
        while 1 <= step <= self.total:
            if step > self.last:
                self._measure()
            gain = self.measured[step - 1].gain
            if gain > 0.5 if kind == "wins" else gain < -0.5:
                self._step = step
                return True
            step += direction
        return False

    def advance(self, steps: int) -> bool:
        """Measure on; True at the end."""
        self.seek(min(self._step + steps, self.last + AT_ONCE))
        return self._step == self.total

    def receive(self, text: str) -> None:
        """Refuse: nobody reads a console here."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The map as far as it is measured."""
        return draw(self._view(shape, lang), shape)

    def _view(self, shape: str, lang: str) -> WinsView:
        def words(name: str, **facts: object) -> str:
            return plain(WINS[name], lang, facts)

        kind = self.setup.guest
        marks = self._marks(lang)
        rows = self.row_names()
        cells = tuple(
            tuple(self._cell(row * self.columns + column, marks, lang)
                  for column in range(self.columns))
            for row in range(len(rows)))
        progress = "progress" if shape == "wide" else "progress.short"
        return WinsView(
            words("map.title"), self.column_names(lang, short=True), rows, cells,
            words(f"x.{kind}"), words("y.trace" if self.traced else "y.pages"),
            (words("legend.nested"), words("legend.shadow")),
            words(progress, done=self._step, total=self.total),
            words("mark.loses.note") if self.losses else "")

    def row_names(self) -> tuple[str, ...]:
        """What each row of the map is."""
        if self.traced:
            return ("4 KiB", "2 MiB")
        return tuple(f"{pages * 4 >> 10} MiB" for pages in PAGES)

    def column_names(self, lang: str, short: bool = False) -> tuple[str, ...]:
        """What each column of the map is."""
        if self.traced:
            return tuple(pick(WINS[f"hard.{name}"], lang) for name in HARDWARE)
        rates = RATES[self.setup.guest]
        if short:
            return tuple(f"{rate // 1000} k" if rate >= 1000 else str(rate) for rate in rates)
        unit = pick(WINS[f"x.{self.setup.guest}"], lang).removesuffix(" →")
        return tuple(f"{thousands(rate)} {unit}" for rate in rates)

    @property
    def _is_whole(self) -> bool:
        """Whether the whole map is shown."""
        return self.ended and 0 < self._step == self.total

    def _marks(self, lang: str) -> dict[int, str]:
        """The published figures at the cells that come nearest to them, once all is measured."""
        if not self._is_whole or self.traced:
            return {}
        gains = [one.gain for one in self.measured]
        return marks_of(gains) | dict.fromkeys(self.losses, pick(WINS["mark.loses"], lang))

    @property
    def losses(self) -> list[int]:
        """The cells where nested paging was published to lose, by no figure: with small pages."""
        if not self._is_whole or self.traced or self.setup.options["page"] != "4K":
            return []
        return losses_of([one.gain for one in self.measured], self.columns)

    def _cell(self, number: int, marks: dict[int, str], lang: str) -> Cell:
        if number >= self._step:
            return Cell(None, "", "", "", False, "")
        one = self.measured[number]
        gain = one.gain
        text = f"{gain:+.0f} %" if abs(gain) >= 0.5 else "0 %"
        shadow, nested = one.shadow.cycles_per_access, one.nested.cycles_per_access
        detail = f"{shadow:.0f} : {nested:.0f}"
        return Cell(
            gain, text.replace("-", "−"), detail, marks.get(number, ""), number == self._step - 1,
            f"{shadow:.1f} : {nested:.1f}")

    def sentence(self, lang: str) -> list[Segment]:
        """What the last cell came to, and why."""
        if not self._step:
            waiting = self.traced and self.trace is None
            return segments(WINS["drop" if waiting else "start"], lang)
        one = self.measured[self._step - 1]
        row, column = divmod(self._step - 1, self.columns)
        gain = one.gain
        key = "cell.wins" if gain > 0.5 else "cell.loses" if gain < -0.5 else "cell.even"
        facts = {
            "rows": self.row_names()[row], "column": self.column_names(lang)[column],
            "gain": f"{abs(gain):.0f}",
            "events": _cycles(one.shadow.event_cycles, one.shadow, lang),
            "native": _cycles(one.shadow.walk_cycles, one.shadow, lang),
            "walks": _cycles(one.nested.walk_cycles, one.nested, lang),
            "faults": _cycles(one.nested.event_cycles, one.nested, lang)}
        spoken = segments(WINS[key], lang, facts)
        if one.shadow.refills:
            facts = {"refills": thousands(one.shadow.refills), "switches": str(one.shadow.switches)}
            spoken += [{"text": " "}, *segments(WINS["cell.refills"], lang, facts)]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """What the cell is made of, and what was published."""
        found = []
        if self._step:
            found.append(self._breakdown(self.measured[self._step - 1], lang))
        found.append({
            "id": "published", "kind": "text", "title": pick(WINS["panel.published"], lang),
            "segments": segments(WINS["published"], lang)})
        if self._is_whole and not self.traced:
            found.append({
                "id": "compared", "kind": "text", "title": pick(WINS["panel.compared"], lang),
                "segments": compared([one.gain for one in self.measured], lang)})
        if self.trace:
            found.append(trace_panel(
                self.trace.name, self.trace.accesses, self.trace.accesses, self.trace.report,
                WINS, lang))
        return found

    def _breakdown(self, one: Measured, lang: str) -> dict[str, Any]:
        from ..bulk.sweep import event_cycles

        refills = event_cycles(
            ROOTS[self.setup.options["roots"]], {"refill": one.shadow.refills},
            preset(self.preset)) if one.shadow.refills else 0.0
        parts = (
            ("shadow.walk", one.shadow.walk_cycles, one.shadow, "vmm"),
            ("shadow.event", one.shadow.event_cycles - refills, one.shadow, "vmm"),
            ("shadow.refill", refills, one.shadow, "vmm"),
            ("nested.walk", one.nested.walk_cycles, one.nested, "host"),
            ("nested.event", one.nested.event_cycles, one.nested, "host"))
        rows = [(name, pick(WINS[f"bar.{name}"], lang), round(cycles / max(of.accesses, 1)), tone)
                for name, cycles, of, tone in parts if cycles or name != "shadow.refill"]
        rows.append(("work", pick(WINS["bar.work"], lang), round(one.work), "app"))
        facts = {
            "refs_shadow": _ratio(one.shadow, lang), "refs_nested": _ratio(one.nested, lang),
            "hit": decimal(f"{100 * one.nested.hit_rate:.1f}", lang),
            "touched": one.shadow.touched, "switches": one.shadow.switches,
            "accesses": thousands(one.shadow.accesses), "refills": thousands(one.shadow.refills),
            "roots": pick(WINS[f"note.{self.setup.options['roots']}"], lang),
            "preset": preset(self.preset).title}
        return bars("cell", pick(WINS["panel.cell"], lang), rows,
                    plain(WINS["bar.note"], lang, facts))

    def timeline(self) -> dict[str, Any]:
        """Who wins, cell by cell."""
        stretches: list[list[Any]] = []
        for number, one in enumerate(self.measured):
            context = "host" if one.gain > 0.5 else "vmm" if one.gain < -0.5 else "device"
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = number + 1
            else:
                stretches.append([number, number + 1, context])
        return {"total": self.last, "segments": stretches, "marks": []}

    def outcome(self, lang: str) -> str:
        """A map has none."""
        return ""


def _cycles(cycles: float, of: Steady, lang: str) -> str:
    return decimal(f"{cycles / max(of.accesses, 1):.1f}", lang)


def _ratio(one: Steady, lang: str) -> str:
    return decimal(f"{one.references / one.walks:.1f}" if one.walks else "0", lang)


def open_wins(setup: Setup) -> Run:
    """An empty map of the chosen kind."""
    return WinsRun(setup)


def _menu(name: str, *values: str) -> Option:
    return Option(name, WINS[f"option.{name}"], tuple(
        Choice(value, WINS[f"{name}.{value}"]) for value in values))


def _presets() -> Option:
    """Processors with nested paging, the newest first."""
    def title(text: str) -> Message:
        return (text, text)

    known = [one for one in PRESETS if one.ept]
    return Option("preset", WINS["option.preset"], tuple(
        Choice(one.id, title(one.title)) for one in reversed(known)))


LAB = Lab(
    id="where-nested-wins",
    title=WINS["title"],
    question=WINS["question"],
    answer=ANSWERS["where-nested-wins"], world=WORLD["where-nested-wins"],
    tasks=TASKS["where-nested-wins"],
    guests=tuple(
        Choice(name, WINS[f"load.{name}"]) for name in ("churn", "fork", "switch", "trace")),
    techniques=(),
    options=(
        _menu("page", "4K", "2M", "2M-host"),
        _menu("caches", "on", "off"),
        _menu("roots", *ROOTS),
        _menu("work", "100", "25", "400"),
        _presets(),
    ),
    kinds=tuple(Choice(name, WINS[f"kind.{name}"]) for name in ("wins", "loses")),
    topic="memory",
    drops="trace",
    open=open_wins,
    batch=map_all,
)
