"""Classifying a whole instruction set, in pieces that can be shown, stopped and asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from ringside.classify.judge import Trial
from ringside.classify.model import Case, Classification, Finding, Isa
from ringside.classify.variants import variant

SAMPLES = 24
"""States tried for each encoding. With 12, some evidence is missed on one seed or another; with
24, twelve seeds gave the same findings."""
SEED = 1974

Progress = Callable[[int, int], object]
"""Told how many encodings are done and how many there are; False stops the work."""


class Laboratory:
    """Classifies, and remembers what it has found (one seed and number of samples).

    Each encoding is judged by itself, so its finding is the same whichever others were asked for
    before: a part of an instruction set can be looked at without working through all of it.
    """

    def __init__(self, samples: int = SAMPLES, seed: int = SEED) -> None:
        if not 1 <= samples <= 1000:
            raise ValueError(f"{samples} samples cannot be taken; choose 1 to 1000")
        self.samples = samples
        self.seed = seed
        self._isas: dict[str, Isa] = {}
        self._groups: dict[str, list[list[Case]]] = {}
        self._found: dict[str, dict[int, Finding]] = {}

    def isa(self, id: str) -> Isa:
        """The instruction set; ``KeyError`` naming those there are.

        One that is built from what another is found to be asks for each finding when it needs it.
        """
        if id not in self._isas:
            chosen = variant(id)
            learnt = Sensitive(self, chosen.learns) if chosen.learns else None
            self._isas[id] = chosen.make(learnt)
        return self._isas[id]

    def groups(self, id: str) -> list[list[Case]]:
        """The cases of each encoding together, in the order of the instruction table."""
        if id not in self._groups:
            self._groups[id] = grouped(self.isa(id))
        return self._groups[id]

    def finding(self, id: str, number: int) -> Finding:
        """The class of encoding ``number`` (an index of ``groups``), found out if it is not
        known."""
        known = self._found.setdefault(id, {})
        if number not in known:
            cases = self.groups(id)[number]
            known[number] = Trial(self.isa(id), cases, self.seed).hold(self.samples)
        return known[number]

    def known(self, id: str) -> Classification | None:
        """The classification, if it is done already."""
        found = self._found.get(id, {})
        if id not in self._groups or len(found) < len(self._groups[id]):
            return None
        return self._classification(id, len(found))

    def survey(self, id: str) -> Iterator[tuple[int, int, Finding]]:
        """One finding after the other, with how many are done and how many there are."""
        total = len(self.groups(id))
        for number in range(total):
            yield number + 1, total, self.finding(id, number)

    def classify(self, id: str, progress: Progress | None = None) -> Classification:
        """Everything; stopped early the result is not ``complete``."""
        for done, total, _ in self.survey(id):
            if progress is not None and progress(done, total) is False and done < total:
                return self._classification(id, done)
        return self._classification(id, len(self.groups(id)))

    def _classification(self, id: str, count: int) -> Classification:
        findings = tuple(self.finding(id, number) for number in range(count))
        return Classification(
            id, self.samples, self.seed, self.isa(id).modes, findings,
            count == len(self.groups(id)),
        )


class Sensitive:
    """The encodings (row and form) of one instruction set that are found sensitive, each found
    out when it is asked for the first time."""

    def __init__(self, laboratory: Laboratory, id: str) -> None:
        self._laboratory = laboratory
        self._id = id
        self._known: dict[object, bool] = {}
        self._numbers: dict[tuple[int, str], list[int]] = {}

    def __contains__(self, encoding: object) -> bool:
        if encoding not in self._known:
            self._known[encoding] = self._find(encoding)
        return self._known[encoding]

    def _find(self, encoding: object) -> bool:
        if not self._numbers:
            for number, cases in enumerate(self._laboratory.groups(self._id)):
                self._numbers.setdefault((cases[0].row, cases[0].form), []).append(number)
        return any(
            self._laboratory.finding(self._id, number).sensitive
            for key, numbers in self._numbers.items() if key == encoding
            for number in numbers
        )


def grouped(isa: Isa) -> list[list[Case]]:
    """The cases of each encoding together."""
    return [
        list(cases) for _, cases in groupby(isa.cases(), key=lambda case: case.key)
    ]


def classify(
    isa: str = "ia32",
    samples: int = SAMPLES,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Classification:
    """Find the class of every encoding of an instruction set (an id of ``variants.VARIANTS``)."""
    return Laboratory(samples, seed).classify(isa, progress)
