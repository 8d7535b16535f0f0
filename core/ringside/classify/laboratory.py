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
    """Classifies, and remembers what it has classified (one seed and number of samples)."""

    def __init__(self, samples: int = SAMPLES, seed: int = SEED) -> None:
        if not 1 <= samples <= 1000:
            raise ValueError(f"{samples} samples cannot be taken; choose 1 to 1000")
        self.samples = samples
        self.seed = seed
        self._known: dict[str, Classification] = {}
        self._isas: dict[str, Isa] = {}

    def isa(self, id: str) -> Isa:
        """The instruction set, classifying first what it is built from; ``KeyError``."""
        if id not in self._isas:
            chosen = variant(id)
            learnt = self.classify(chosen.learns) if chosen.learns else None
            self._isas[id] = chosen.make(learnt)
        return self._isas[id]

    def known(self, id: str) -> Classification | None:
        """The classification, if it is done already."""
        return self._known.get(id)

    def needs(self, id: str) -> tuple[str, ...]:
        """What must still be classified for ``id``, in order; it itself comes last."""
        chosen = variant(id)
        before = self.needs(chosen.learns) if chosen.learns else ()
        return (*before, *(() if id in self._known else (id,)))

    def survey(self, id: str) -> Iterator[tuple[int, int, Finding]]:
        """One finding after the other, with how many are done and how many there are.

        What it learns from (``needs``) is classified at the first step if it is not known.
        """
        known = self._known.get(id)
        if known is not None:
            total = len(known.findings)
            yield from ((n, total, found) for n, found in enumerate(known.findings, 1))
            return
        isa = self.isa(id)
        groups = grouped(isa)
        findings: list[Finding] = []
        for cases in groups:
            findings.append(Trial(isa, cases, self.seed).hold(self.samples))
            if len(findings) == len(groups):
                self._known[id] = Classification(
                    id, self.samples, self.seed, isa.modes, tuple(findings)
                )
            yield len(findings), len(groups), findings[-1]

    def classify(self, id: str, progress: Progress | None = None) -> Classification:
        """Everything; stopped early the result is not ``complete`` (and not remembered)."""
        needed = self.needs(id)
        for part, each in enumerate(needed):
            findings: list[Finding] = []
            for done, total, found in self.survey(each):
                findings.append(found)
                if progress is not None:
                    whole = total * len(needed)
                    if progress(total * part + done, whole) is False and done < total:
                        rest = tuple(findings) if each == id else ()
                        return Classification(
                            id, self.samples, self.seed, self.isa(each).modes, rest, False
                        )
        return self._known[id]


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
