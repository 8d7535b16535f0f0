"""The definitions, applied (Popek and Goldberg 1974, sections 4 and 5).

* *Privileged*: for states equal but for the mode, it completes in supervisor mode and traps in
  user mode. Memory traps do not count. Operands that no mode accepts trap in both, and say
  nothing; a state where user mode completes refutes it.
* *Control-sensitive*: there is a state in which it changes mode or resources without a trap.
* *Location-sensitive*: there are two states that differ only by a move of the resources (memory
  moved along) after which the results differ by more than the move.
* *Mode-sensitive*: there are two states equal but for the mode, neither traps, and the results
  differ in more than the mode.

Evidence proves sensitivity and refutes privilege; the rest ("innocuous") is as good as the
samples.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringside.classify.model import (
    CONTROL,
    DONE,
    ESCAPES,
    LOCATION,
    MODE,
    PRIVILEGED,
    TRAP,
    Case,
    Difference,
    Finding,
    Isa,
    Run,
    Side,
    Witness,
)

MORE = 4  # times as many samples for an encoding that completes in none


class Trial:
    """The evidence on one encoding while it is gathered."""

    def __init__(self, isa: Isa, cases: Sequence[Case], seed: int) -> None:
        self.isa = isa
        self.cases = cases
        self.seed = seed
        self.supervisor, *self.users = isa.modes
        self.witnesses: dict[tuple[str, str], Witness] = {}  # by claim and mode
        self.runs = 0
        self.completed = 0

    def hold(self, samples: int) -> Finding:
        """Run every case on ``samples`` states, and more if it never completes."""
        for case in self.cases:
            before = self.completed
            number = 0
            while number < samples or (self.completed == before and number < MORE * samples):
                self.examine(case, number)
                number += 1
        return self.finding()

    def finding(self) -> Finding:
        """What the evidence shows."""
        first = self.cases[0]
        known = self.witnesses
        every_user = all(
            (PRIVILEGED, user) in known and (ESCAPES, user) not in known for user in self.users
        )
        return Finding(
            first.row, first.mnemonic, first.form, every_user,
            self.modes_with(CONTROL), self.modes_with(LOCATION), self.modes_with(MODE),
            self.supervisor, self.runs, self.completed, tuple(known.values()), first.part,
        )  # fmt: skip

    def modes_with(self, claim: str) -> tuple[str, ...]:
        return tuple(mode for mode in self.isa.modes if (claim, mode) in self.witnesses)

    def examine(self, case: Case, number: int) -> None:
        """Run one case in every mode on one state, and compare."""
        here = {mode: self.run(case, number, mode, False) for mode in self.isa.modes}
        for mode, run in here.items():
            if run.end != DONE:
                continue
            self.completed += 1
            if (CONTROL, mode) not in self.witnesses:
                found = changes(self.isa, run, mode)
                self.note(CONTROL, mode, case, number, [(mode, False, run)], found)
            if (LOCATION, mode) not in self.witnesses:
                moved = self.run(case, number, mode, True)
                if moved.end == DONE:
                    sides = [(mode, False, run), (mode, True, moved)]
                    self.note(LOCATION, mode, case, number, sides, compare(self.isa, run, moved))
        first = here[self.supervisor]
        for user in self.users:
            self.compare_modes(case, number, user, first, here[user])

    def compare_modes(self, case: Case, number: int, user: str, first: Run, second: Run) -> None:
        """What the same state but for the mode shows."""
        sides = [(self.supervisor, False, first), (user, False, second)]
        ends = [Difference("end", int(first.end == DONE), int(second.end == DONE))]
        if first.end == DONE and second.end == TRAP:
            self.note(PRIVILEGED, user, case, number, sides, ends)
        elif second.end == DONE and first.end in (DONE, TRAP):
            self.note(ESCAPES, user, case, number, sides, ends)
        if first.end == second.end == DONE and (MODE, user) not in self.witnesses:
            self.note(MODE, user, case, number, sides, compare(self.isa, first, second))

    def run(self, case: Case, number: int, mode: str, moved: bool) -> Run:
        self.runs += 1
        return self.isa.run(case, self.seed, number, mode, moved)

    def note(
        self,
        claim: str,
        mode: str,
        case: Case,
        number: int,
        sides: Sequence[tuple[str, bool, Run]],
        differences: Sequence[Difference],
    ) -> None:
        """Keep a witness, if there is a difference and it is the first of its kind."""
        if not differences or (claim, mode) in self.witnesses:
            return
        described = tuple(
            Side(name, moved, run.end, run.trap,
                 self.isa.describe(self.seed, number, name, moved))
            for name, moved, run in sides
        )
        self.witnesses[claim, mode] = Witness(
            claim, case.text, case.code.hex(), case.row, case.form, self.seed, number, described,
            tuple(differences),
        )


def changes(isa: Isa, run: Run, mode: str) -> list[Difference]:
    """How a completed run changed mode and resources."""
    found: list[Difference] = []
    if run.mode != mode:
        found.append(Difference("mode", isa.modes.index(mode), mode_number(isa, run.mode)))
    if run.before != run.after:
        found += [
            Difference(name, old, new)
            for name, old, new in zip(isa.resources, run.before, run.after, strict=True)
            if old != new
        ]
    return found


def mode_number(isa: Isa, mode: str) -> int:
    """The mode's place among those under test; -1 for another one."""
    return isa.modes.index(mode) if mode in isa.modes else -1


def compare(isa: Isa, one: Run, other: Run) -> list[Difference]:
    """Where two completed runs differ, the mode aside.

    Resources agree if both runs left them alone, or both end with the same value.
    """
    if (
        one.program == other.program
        and one.memory == other.memory
        and one.before == one.after
        and other.before == other.after
    ):
        return []
    found = [
        Difference(name, left, right)
        for name, left, right in zip(isa.program, one.program, other.program, strict=True)
        if left != right
    ]
    written, written_there = dict(one.memory), dict(other.memory)
    found += [
        Difference(place, written.get(place, -1), written_there.get(place, -1))
        for place in sorted(written.keys() | written_there.keys())
        if written.get(place) != written_there.get(place)
    ]
    for at, name in enumerate(isa.resources):
        left_alone = one.before[at] == one.after[at] and other.before[at] == other.after[at]
        if not left_alone and one.after[at] != other.after[at]:
            found.append(Difference(name, one.after[at], other.after[at]))
    return found


def replay(isa: Isa, witness: Witness) -> Witness | None:
    """Run a witness's states again; the evidence found now, which should be the same."""
    code = bytes.fromhex(witness.code)
    case = next(
        case for case in isa.cases()
        if (case.row, case.form, case.code) == (witness.row, witness.form, code)
    )  # fmt: skip
    trial = Trial(isa, [case], witness.seed)
    trial.examine(case, witness.number)
    mode = witness.sides[-1].mode
    return trial.witnesses.get((witness.claim, mode))
