"""The lab "Which is fastest?": nanobenchmarks counted here, priced, and held against the paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..guests import NANO
from ..guests import guest as guest_row
from ..guests import source as guest_source
from ..measure.nano import SUBJECTS
from ..measure.predict import (
    Prediction,
    crossover,
    generations,
    misplaced,
    predictions,
    ranked_pairs,
)
from ..measure.published import (
    BENCHMARKS,
    HARDWARE,
    NATIVE,
    NESTED_PAGING,
    SOFTWARE,
    SYSTEMS,
)
from ..measure.words import TITLES, remark
from ..scenes import fastest as figure
from ..scenes.scene import Scene
from ..trace.cost import charged
from ..trace.presets import MEASURED_ON, PRESETS, preset, with_ring_costs
from . import prices
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .words.fastest import FASTEST
from .words.notes import ANSWERS, WORLD
from .words.price_list import LIST
from .words.prices import PRICES
from .words.say import Message, Segment, decimal, pick, plain, segments, thousands
from .words.sources import source_in

TONES = {NATIVE: "kernel", SOFTWARE: "vmm", HARDWARE: "device", NESTED_PAGING: "device"}
FIGURES, GENERATIONS = "figures", "generations"
PREFIX = "nano_"
NAMES = frozenset(name for subject in SUBJECTS.values() for name in charged(subject.charges))
"""What the nanobenchmarks can be charged, on any of the systems."""
NOTHING: Message = ("", "")
FACTORS = {"same": 1.0, "half": 0.5}
"""What prices without a figure for a later processor are taken as, of the Pentium 4's."""


class Stepping:
    """What both views share: a known number of steps, no console, no breakpoints."""

    kinds: tuple[str, ...] = ()

    def __init__(self, last: int) -> None:
        self.step = 0
        self.last = last
        self.ended = True

    def seek(self, step: int) -> None:
        """Go to ``step``."""
        self.step = min(max(step, 0), self.last)

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        self.seek(self.step + steps)
        return self.step == self.last

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next or previous step of a kind."""
        if kind not in KINDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(KINDS)}.")
        steps = self.steps_of(kind)
        ahead = [step for step in steps if step > self.step]
        behind = [step for step in steps if step < self.step]
        found = ahead[:1] if direction > 0 else behind[-1:]
        if found:
            self.seek(found[0])
        return bool(found)

    def steps_of(self, kind: str) -> list[int]:
        """The steps of a kind."""
        raise NotImplementedError

    def marks(self) -> list[list[Any]]:
        """All of them, for the timeline."""
        return sorted([step, kind] for kind in KINDS for step in self.steps_of(kind))

    def receive(self, text: str) -> None:
        """Refuse: nobody reads a console here."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    def outcome(self, lang: str) -> str:
        """It does not end; it is all known."""
        return ""


class FiguresRun(Stepping):
    """Step k shows the first k predictions."""

    def __init__(self, setup: Setup) -> None:
        known = preset(setup.options["preset"])
        self.published = with_ring_costs(known, FACTORS[setup.options["rest"]])
        self.processor = prices.priced(self.published, setup.options)
        self.found: list[Prediction] = predictions(self.processor)
        self._home = predictions(prices.priced(preset(MEASURED_ON), setup.options))
        super().__init__(len(self.found))

    @property
    def benchmark(self) -> str:
        """The one the last step was about, or the first one will be."""
        return self.found[max(self.step - 1, 0)].benchmark

    def steps_of(self, kind: str) -> list[int]:
        """Where a benchmark begins, and what is far from the published figure."""
        if kind == "benchmark":
            return list(range(1, self.last + 1, len(SYSTEMS)))
        if kind == "far" and self.processor.id == MEASURED_ON:
            return [step for step, one in enumerate(self.found, 1) if not one.close]
        return []

    def picture(self, shape: str, lang: str) -> Scene:
        """The bars."""
        short = ".short" if shape == "tall" else ""
        groups = tuple(
            figure.GroupView(name, pick(TITLES[name], lang), tuple(
                self._bar(number, lang) for number, one in enumerate(self.found)
                if one.benchmark == name), name == self.benchmark)
            for name in BENCHMARKS)
        return figure.draw_bars(figure.BarsView(
            plain(FASTEST["bars"], lang, {"preset": prices.title(self.processor, lang)}), groups,
            (pick(FASTEST[f"head.predicted{short}"], lang),
             pick(FASTEST[f"head.published{short}"], lang)),
            pick(FASTEST[f"bars.note{short}"], lang)), shape)

    def _bar(self, number: int, lang: str) -> figure.BarView:
        one = self.found[number]
        seen = number < self.step
        state = "current" if number == self.step - 1 else ""
        if seen and not state and not one.close and self.processor.id == MEASURED_ON:
            state = "wrong"
        return figure.BarView(
            f"{one.benchmark}:{one.system}", pick(TITLES[one.system], lang), TONES[one.system],
            one.cycles if seen else 0, thousands(one.cycles), one.published.cycles,
            thousands(one.published.cycles), state,
            f"{remark(one.key, lang)} {one.published.note}".strip())

    def sentence(self, lang: str) -> list[Segment]:
        """How the last figure came about, and why it is not the published one."""
        if not self.step:
            return segments(FASTEST["start.figures"], lang)
        one = self.found[self.step - 1]
        at_home = self.processor.id == MEASURED_ON
        facts: dict[str, object] = {
            "title": _capital(TITLES[one.benchmark], lang),
            "system": pick(TITLES[one.system], lang),
            "cycles": thousands(one.cycles), "published": thousands(one.published.cycles)}
        spoken = segments(FASTEST["given" if one.given and at_home else "said"], lang, facts)
        if not at_home:
            return [*spoken, {"text": " "}, *segments(FASTEST["elsewhere"], lang)]
        if not one.close:
            factor = decimal(f"{one.factor:.1f}", lang)
            spoken += [{"text": " "}, *segments(FASTEST["far"], lang, {"factor": factor})]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The last figure's bill with its sources, and how good the whole model is."""
        shown = [_measured(f"{PREFIX}{self.benchmark}", lang), self._verdict(lang)]
        if self.step:
            one = self.found[self.step - 1]
            rows = [{
                "key": f"price:{name}", "name": pick(PRICES[name], lang),
                "value": _times(count, cycles, ""), "changed": False,
                "tip": f"{pick(LIST[f'confidence.{sure}'], lang)}: {source_in(source, lang)}"}
                for name, count, cycles, source, sure in one.lines]
            shown.insert(0, {
                "id": "bill", "kind": "table", "title": pick(FASTEST["panel.bill"], lang),
                "rows": rows})
            if text := remark(one.key, lang):
                shown.insert(1, {
                    "id": "why", "kind": "text", "title": pick(FASTEST["panel.why"], lang),
                    "segments": [{"text": text}]})
        return [*shown, prices.panel(
            NAMES, self.processor, self.published, lang, NOTHING)]

    def _verdict(self, lang: str) -> dict[str, Any]:
        home = self._home
        wrong, pairs = misplaced(home), len(ranked_pairs(home))
        facts: dict[str, object] = {
            "right": pairs - len(wrong), "pairs": pairs, "all": len(home),
            "near": sum(one.close for one in home), "given": sum(one.given for one in home)}
        spoken = segments(FASTEST["verdict"], lang, facts)
        for one, other in wrong:
            names = {"one": _full(one, lang), "other": _full(other, lang)}
            spoken += [{"text": " "}, *segments(FASTEST["verdict.wrong"], lang, names)]
        return {"id": "verdict", "kind": "text", "title": pick(FASTEST["panel.verdict"], lang),
                "segments": spoken}

    def timeline(self) -> dict[str, Any]:
        """Coloured by system."""
        stretches = [[number, number, TONES[one.system]]
                     for number, one in enumerate(self.found, 1)]
        return {"total": self.last, "segments": [[0, 0, "kernel"], *stretches],
                "marks": self.marks()}


class GenerationsRun(Stepping):
    """Step k shows the first k processors."""

    def __init__(self, setup: Setup) -> None:
        self.guest = setup.guest
        self.benchmark = setup.guest.removeprefix(PREFIX)
        self.rest = setup.options["rest"]
        factor = FACTORS[self.rest]
        self.points = generations(self.benchmark, factor, prices.own(setup.options))
        self.published = [with_ring_costs(known, factor) for known in PRESETS]
        found = crossover(self.points)
        self.crossing, self.winner = found if found is not None else (-1, "")
        super().__init__(len(self.points))

    def steps_of(self, kind: str) -> list[int]:
        """Where hardware becomes faster."""
        return [self.crossing + 1] if kind == "crossover" and self.winner else []

    def picture(self, shape: str, lang: str) -> Scene:
        """The lines."""
        most = max(max(cycles.values()) for _, cycles in self.points)
        series = tuple(
            figure.SeriesView(
                name, pick(TITLES[name], lang), TONES[name], name == NESTED_PAGING,
                tuple(cycles.get(name) for _, cycles in self.points),
                self._value(name))
            for name in (*SYSTEMS, NESTED_PAGING))
        crossed = bool(self.winner) and self.step > self.crossing
        return figure.draw_generations(figure.GenerationsView(
            plain(FASTEST["generations"], lang, {"title": _capital(TITLES[self.benchmark], lang)}),
            tuple(_short(processor.title) for processor, _ in self.points),
            tuple(str(processor.year) for processor, _ in self.points), series, self.step,
            _round_up(most), self.crossing if crossed else -1,
            pick(FASTEST[f"crossing.{self.winner}"], lang) if crossed else "",
            pick(FASTEST["unit"], lang)), shape)

    def _value(self, name: str) -> str:
        cycles = self.points[self.step - 1][1] if self.step else {}
        return thousands(cycles[name]) if name in cycles else ""

    def sentence(self, lang: str) -> list[Segment]:
        """What a VM exit costs on the last processor, and what that makes of the benchmark."""
        title = _capital(TITLES[self.benchmark], lang)
        if not self.step:
            return segments(FASTEST["start.generations"], lang, {"title": title})
        processor, cycles = self.points[self.step - 1]
        facts: dict[str, object] = {
            "name": processor.title, "year": processor.year, "title": title,
            "trip": thousands(processor.prices["vm round trip"].cycles),
            **{name: thousands(value) for name, value in cycles.items()}}
        spoken = segments(FASTEST["generation"], lang, facts)
        if self.winner and self.crossing == self.step - 1:
            spoken += [{"text": " "}, *segments(FASTEST[f"crossed.{self.winner}"], lang)]
        if cycles.get(NESTED_PAGING, cycles[HARDWARE]) < cycles[HARDWARE]:
            spoken += [{"text": " "}, *segments(FASTEST["nested"], lang, facts)]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The figures, and what they assume."""
        rows = []
        at = max(self.step - 1, 0)  # the processor shown last
        for number, (processor, cycles) in enumerate(self.points[: self.step]):
            rows.append({
                "key": f"generation:{processor.id}", "name": processor.title,
                "value": " · ".join(thousands(value) for value in cycles.values()),
                "changed": number == self.step - 1,
                "tip": source_in(processor.prices["vm round trip"].source, lang)})
        return [
            {"id": "generations", "kind": "table",
             "title": pick(FASTEST["panel.generations"], lang), "rows": rows,
             "note": " · ".join(pick(TITLES[name], lang) for name in (*SYSTEMS, NESTED_PAGING))},
            _measured(self.guest, lang),
            {"id": "assumption", "kind": "text", "title": pick(FASTEST["panel.assumption"], lang),
             "segments": segments(FASTEST[f"constant.{self.rest}"], lang)},
            prices.panel(NAMES, self.points[at][0], self.published[at], lang, LIST["everywhere"]),
        ]

    def timeline(self) -> dict[str, Any]:
        """One colour for whoever of the two VMMs is faster."""
        stretches = [
            [number, number,
             TONES[HARDWARE if cycles[HARDWARE] < cycles[SOFTWARE] else SOFTWARE]]
            for number, (_, cycles) in enumerate(self.points, 1)]
        return {"total": self.last, "segments": [[0, 0, "kernel"], *stretches],
                "marks": self.marks()}


def _measured(guest: str, lang: str) -> dict[str, Any]:
    """What one round of the chosen nanobenchmark is, in its own source."""
    text = guest_source(guest).partition("\nmeasured:")[2].partition("measured_end:")[0]
    code = "; ".join(line.partition(";")[0].strip() for line in text.splitlines() if line.strip())
    row = guest_row(guest)
    said = {"file": row.file, "code": code, "purpose": row.purpose[lang]}
    return {
        "id": "measured", "kind": "text", "title": plain(FASTEST["panel.measured"], lang, said),
        "segments": segments(FASTEST["measured"], lang, said)}


def _times(count: float, cycles: float, name: str) -> str:
    many = "" if count == 1 else f"{count:g} × "
    return f"{name} {many}{thousands(cycles) if cycles >= 100 else f'{cycles:g}'}".strip()


def _capital(message: Message, lang: str) -> str:
    text = pick(message, lang)
    return text[:1].upper() + text[1:]


def _named(key: tuple[str, str], lang: str) -> str:
    return ", ".join(pick(TITLES[part], lang) for part in key)


def _full(one: Prediction, lang: str) -> str:
    return f"{_named(one.key, lang)} ({thousands(one.cycles)})"


def _short(title: str) -> str:
    """The name of the microarchitecture in a processor's title."""
    return title.partition("(")[2].rstrip(")") or title


def _round_up(value: float) -> int:
    scale = 4
    while True:
        for factor in (1, 1.5, 2, 2.5, 3, 5):
            if factor * scale >= value:
                return round(factor * scale)
        scale *= 10


KINDS = ("benchmark", "far", "crossover")
VIEWS: dict[str, Callable[[Setup], Run]] = {FIGURES: FiguresRun, GENERATIONS: GenerationsRun}


def open_fastest(setup: Setup) -> Run:
    """Measure what the view needs; counting is done once, prices change at once."""
    return VIEWS[setup.technique](setup)


LAB = Lab(
    id="fastest",
    title=FASTEST["title"],
    question=FASTEST["question"],
    answer=ANSWERS["fastest"], world=WORLD["fastest"], tasks=TASKS["fastest"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for guest in NANO),
    techniques=tuple(
        Choice(name, FASTEST[f"view.{name}"], FASTEST[f"view.{name}.note"])
        for name in (FIGURES, GENERATIONS)),
    usual={"guest": f"{PREFIX}pgfault"},
    guests_under=(GENERATIONS,),
    kinds=tuple(Choice(name, FASTEST[f"kind.{name}"]) for name in KINDS),
    options=(
        Option("preset", FASTEST["option.preset"], prices.PROCESSORS, (FIGURES,), keeps=True),
        Option("rest", FASTEST["option.rest"], tuple(
            Choice(name, FASTEST[f"rest.{name}"]) for name in FACTORS), keeps=True),
        *prices.OPTIONS,
    ),
    open=open_fastest,
    source=guest_source,
)
