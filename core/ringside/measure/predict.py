"""Predicted cycles of the nanobenchmarks, and how they compare with the published ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from types import MappingProxyType

from ringside.measure.nano import SUBJECTS, Round, measure
from ringside.measure.published import (
    BENCHMARKS,
    GIVEN,
    HARDWARE,
    NESTED_PAGING,
    PUBLISHED,
    SOFTWARE,
    SYSTEMS,
    Figure,
)
from ringside.trace.cost import CostModel, Line
from ringside.trace.own_prices import YOURS, with_prices
from ringside.trace.presets import MEASURED_ON, PRESETS, Preset, preset, with_ring_costs

WORTH_RANKING = 1.2  # published figures this far apart have to be predicted in the same order
CLOSE = 2.0  # a prediction further away than this factor needs a reason


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one round of a nanobenchmark costs: ``cycles``, and the bill's lines for one round.

    ``given`` says that the published figure is itself a price, so that it only comes back here.
    """

    benchmark: str
    system: str
    cycles: float
    published: Figure
    given: bool
    lines: tuple[tuple[str, float, float, str, str], ...]

    @property
    def factor(self) -> float:
        """How far from the published figure, at least 1, whichever is larger."""
        larger, smaller = sorted((self.cycles, self.published.cycles), reverse=True)
        return larger / smaller

    @property
    def close(self) -> bool:
        """Whether it is near enough to need no reason."""
        return self.factor <= CLOSE

    @property
    def key(self) -> tuple[str, str]:
        """Benchmark and system."""
        return self.benchmark, self.system


def price(round: Round, processor: Preset) -> Prediction:
    """Price what was counted; nothing runs."""
    bill = CostModel(processor, round.charges).bill(round.counts, round.instructions)
    lines = tuple(_per_round(line, round.rounds) for line in bill.lines)
    key = round.benchmark, round.system
    given = key in GIVEN and not any(confidence == YOURS for *_, confidence in lines)
    return Prediction(*key, cycles_of(round, processor), PUBLISHED[key], given, lines)


def cycles_of(round: Round, processor: Preset) -> float:
    """The cycles of one round."""
    bill = CostModel(processor, round.charges).bill(round.counts, round.instructions)
    return sum(line.total for line in bill.lines) / round.rounds


def _per_round(line: Line, rounds: int) -> tuple[str, float, float, str, str]:
    return line.name, line.count / rounds, line.cycles, line.source, line.confidence


def predictions(processor: Preset | None = None) -> list[Prediction]:
    """All nanobenchmarks on all systems, priced for one processor (default: the published one)."""
    chosen = processor or preset(MEASURED_ON)
    return [price(measure(name, system), chosen) for name in BENCHMARKS for system in SYSTEMS]


def misplaced(found: Iterable[Prediction]) -> list[tuple[Prediction, Prediction]]:
    """The pairs whose published figures differ clearly and are predicted in another order."""
    wrong = []
    for one, other in ranked_pairs(found):
        if one.published.cycles > other.published.cycles:
            one, other = other, one
        if one.cycles >= other.cycles:
            wrong.append((one, other))
    return wrong


def ranked_pairs(found: Iterable[Prediction]) -> list[tuple[Prediction, Prediction]]:
    """The pairs whose published figures differ by more than a fifth."""
    return [
        (one, other)
        for one, other in combinations(found, 2)
        if max(one.published.cycles, other.published.cycles)
        > WORTH_RANKING * min(one.published.cycles, other.published.cycles)
    ]


def generations(
    benchmark: str, factor: float = 1, own: Mapping[str, float] = MappingProxyType({})
) -> list[tuple[Preset, dict[str, float]]]:
    """One nanobenchmark on every processor: cycles by system, those that exist on it.

    ``factor`` is what the ring costs of later processors are taken as, of the Pentium 4's;
    ``own`` prices hold on every processor.
    """
    return [
        (processor, {
            name: cycles_of(measure(benchmark, name), processor)
            for name in SUBJECTS if processor.ept or name != NESTED_PAGING
        })
        for processor in (with_prices(with_ring_costs(known, factor), own) for known in PRESETS)
    ]


def crossover(points: list[tuple[Preset, dict[str, float]]]) -> tuple[int, str] | None:
    """The first generation on which a hardware VMM is faster than the software VMM, if none was
    on the one before, and which: with shadow page tables still, or only with nested paging."""
    wins = [
        next((name for name in (HARDWARE, NESTED_PAGING)
              if cycles.get(name, cycles[SOFTWARE]) < cycles[SOFTWARE]), "")
        for _, cycles in points
    ]
    for at, (before, now) in enumerate(pairwise(wins), 1):
        if now and not before:
            return at, now
    return None
