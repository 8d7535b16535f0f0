"""The experiments that decide: of all runs of an encoding, those that show something.

Each is one instruction on one sampled state, run twice: in both modes, or here and moved, or seen
before and after. They come one after the other, and what is known grows with each.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringside.classify.laboratory import Laboratory
from ringside.classify.model import (
    CONTROL,
    DONE,
    ESCAPES,
    LOCATION,
    MODE,
    PRIVILEGED,
    Case,
    Finding,
    Witness,
)

FIRST = ("pushf", "ecall")
"""Where the examination begins in the instruction table; it goes round. Order decides nothing."""
NEVER = "never"  # the claim of an encoding that completes in no state at all
SENSITIVE = (CONTROL, LOCATION, MODE)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One of them: what it shows (``claim``), on which evidence, and what is known after it.

    ``group`` is the encoding's number in the laboratory and ``witness`` None only for the claim
    ``never``. ``claims`` are those supported so far, this one included; ``final`` says that no
    further one follows for this encoding.
    """

    group: int
    finding: Finding
    claim: str
    witness: Witness | None
    claims: tuple[str, ...]
    final: bool

    @property
    def privileged(self) -> bool:
        """Whether it is known by now to trap in user mode."""
        return PRIVILEGED in self.claims

    @property
    def control(self) -> bool:
        """Whether it is known by now to be control-sensitive."""
        return CONTROL in self.claims

    @property
    def behaviour(self) -> bool:
        """Whether it is known by now to be behaviour-sensitive."""
        return LOCATION in self.claims or MODE in self.claims

    @property
    def sensitive(self) -> bool:
        """Whether it is known by now to be sensitive."""
        return self.control or self.behaviour


def deciding(finding: Finding, group: int) -> tuple[Experiment, ...]:
    """The deciding experiments of one encoding: whether it traps, then each kind of sensitivity.

    A state in which user mode completes refutes privilege, so where there is one it is shown and
    not the states that trapped.
    """
    if not finding.completed:
        return (Experiment(group, finding, NEVER, None, (NEVER,), True),)
    first = PRIVILEGED if finding.privileged else ESCAPES
    shown = [
        (claim, witness)
        for claim in (first, *SENSITIVE)
        if (witness := finding.witness(claim)) is not None
    ]
    known: tuple[str, ...] = ()
    found: list[Experiment] = []
    for number, (claim, witness) in enumerate(shown, 1):
        known = (*known, claim)
        found.append(Experiment(group, finding, claim, witness, known, number == len(shown)))
    return tuple(found)


def order(groups: list[list[Case]]) -> list[int]:
    """The numbers of the encodings in the order they are examined in."""
    begin = next((n for n, cases in enumerate(groups) if cases[0].mnemonic in FIRST), 0)
    return [*range(begin, len(groups)), *range(begin)]


class Examination:
    """The deciding experiments of a whole instruction set, made as far as somebody asks."""

    def __init__(self, laboratory: Laboratory, id: str) -> None:
        self.laboratory = laboratory
        self.id = id
        self.groups = laboratory.groups(id)
        self.experiments: list[Experiment] = []
        self.examined = 0  # encodings whose experiments are all there
        self._order = order(self.groups)

    @property
    def complete(self) -> bool:
        """Whether every encoding has been examined."""
        return self.examined == len(self.groups)

    def reach(self, count: int) -> None:
        """Make experiments until there are ``count`` of them, or no more."""
        while len(self.experiments) < count and not self.complete:
            group = self._order[self.examined]
            self.experiments += deciding(self.laboratory.finding(self.id, group), group)
            self.examined += 1

    def case(self, experiment: Experiment) -> Case:
        """The case that was run."""
        cases = self.groups[experiment.group]
        if experiment.witness is None:
            return cases[0]
        return next(each for each in cases if each.code.hex() == experiment.witness.code)


def outcome_is_same(witness: Witness) -> bool:
    """Whether both runs of a witness completed."""
    return all(side.end == DONE for side in witness.sides)
