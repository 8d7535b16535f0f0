"""Two systems with the same guest, held side by side at every guest step; the first difference.

A guest step is an instruction retired or a delivery through the guest's IDT, so it means the same
on bare metal and under any technique, however many steps the VMM takes in between. The systems
run in stretches; where the ends of a stretch differ in what the guest can know (processor, console,
memory), both go back and take it step by step to the first difference in it.

A difference that leaves no trace to the end of its stretch is seen only where they look
``closely``: there every stretch is taken in one go first, as the guest would run it, and then once
more step by step, with a look at everything after each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

from ringside.machine.cpu import Cpu
from ringside.machine.memory import Memory
from ringside.machine.outcome import Outcome
from ringside.trace.events import Diverged
from ringside.vmm.visible import (
    Found,
    first_difference,
    first_other,
    first_other_byte,
    other_end,
)

STRETCH = 4096
CLOSELY = 20_000  # guest steps of a long run to look at closely where nobody asks for more
AT_MOST = 200_000  # guest steps compared of a run that is longer, or never ends
EVERY_STEP = 1 << 62  # to look closely at all of them
FEW = 16  # so few steps are compared one by one: cheaper than a picture to come back to


class Running(Protocol):
    """What a system must offer to be compared; ``host.systems.System`` does."""

    @property
    def steps(self) -> int: ...
    @property
    def guest_steps(self) -> int: ...
    @property
    def guest_cpu(self) -> Cpu: ...
    @property
    def guest_memory(self) -> Memory: ...
    @property
    def written(self) -> Collection[int]: ...
    @property
    def console(self) -> str: ...
    @property
    def outcome(self) -> Outcome | None: ...
    def run(self, limit: int) -> str: ...
    def freeze(self) -> Any: ...
    def thaw(self, picture: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """After ``guest_step`` guest steps, ``what`` is ``found`` instead of ``expected``.

    ``eip`` is where the guest was before that step: the instruction that made the difference (or
    was interrupted by what did). ``step`` is the found system's own step number.
    """

    guest_step: int
    step: int
    eip: int
    what: str
    expected: int
    found: int

    def event(self, time: int, vm: str) -> Diverged:
        """The same as an event."""
        return Diverged(time, "vmm", vm, self.what, self.expected, self.found)


def run_to(system: Running, guest_steps: int) -> bool:
    """Run until the guest has taken that many steps; False if it ended or waits before."""
    while system.guest_steps < guest_steps:
        if system.outcome is not None:
            return False
        system.run(guest_steps - system.guest_steps)
    return True


def difference(expected: Running, found: Running, frames: Collection[int] | None) -> Found | None:
    """The first thing that differs between what two guests can see after as many steps.

    Of memory the guest-physical ``frames`` are compared, or everything.
    """
    parted = first_difference(expected.guest_cpu, found.guest_cpu)
    if parted is None and expected.guest_steps != found.guest_steps:
        return "steps", expected.guest_steps, found.guest_steps
    return (
        parted
        or first_other(expected.console, found.console)
        or first_other_byte(expected.guest_memory, found.guest_memory, frames)
        or other_end(expected.outcome, found.outcome)
    )


def written(one: Running, other: Running) -> Collection[int]:
    """The guest frames either may have written to since their last pictures."""
    return {*one.written, *other.written}


class Lockstep:
    """``reference`` (bare metal, usually) and ``subject`` from the same first instruction on.

    They are compared after each of the first ``closely`` guest steps, then after every stretch.
    """

    def __init__(self, reference: Running, subject: Running, *, closely: int = 0) -> None:
        self.reference = reference
        self.subject = subject
        self.closely = closely
        self.each = 0  # guest steps after each of which they were compared and were equal
        self.difference: Difference | None = None

    @property
    def guest_steps(self) -> int:
        """Guest steps that are known to be equal."""
        return self.reference.guest_steps

    @property
    def sure(self) -> bool:
        """Whether it is known for every guest step so far, or up to the difference, if it is equal;
        else something that passed may have been missed."""
        equal = self.difference.guest_step - 1 if self.difference else self.guest_steps
        return self.each >= equal

    @property
    def ended(self) -> bool:
        """Whether both have come to their end."""
        return self.reference.outcome is not None and self.subject.outcome is not None

    def go_to(self, guest_steps: int) -> None:
        """Go on to that many guest steps, each of which is known to be equal, without looking."""
        self._run_to(guest_steps)
        self.each = guest_steps

    def advance(self, guest_steps: int) -> Difference | None:
        """Compare up to that many further guest steps; returns the first difference ever found."""
        left = guest_steps
        while left > 0 and self.difference is None and not self.ended:
            start = self.guest_steps
            closely_left = max(self.closely - start, 0)
            stretch = min(left, STRETCH, closely_left or STRETCH)
            self.difference = self._stretch(stretch, closely=closely_left > 0)
            if self.each == start and (closely_left or stretch <= FEW):
                found = self.difference
                self.each = found.guest_step - 1 if found else self.guest_steps
            left -= stretch
        return self.difference

    def _stretch(self, steps: int, *, closely: bool) -> Difference | None:
        start = self.reference.guest_steps
        if steps <= FEW:
            return self._one_by_one(start, steps)
        pictures = self.reference.freeze(), self.subject.freeze()
        self._run_to(start + steps)
        parted = self._difference() is not None
        if not parted and not closely:
            return None
        self.reference.thaw(pictures[0])
        self.subject.thaw(pictures[1])
        found = self._one_by_one(start, steps)
        if parted and found is None:
            raise RuntimeError("it differed once and not again: a system is not deterministic")
        return found

    def _one_by_one(self, start: int, steps: int) -> Difference | None:
        for step in range(start + 1, start + steps + 1):
            if self.ended:
                break
            eip = self.reference.guest_cpu.eip
            self._run_to(step)
            found = self._difference()
            if found is not None:
                return Difference(step, self.subject.steps, eip, *found)
        return None

    def _run_to(self, guest_steps: int) -> None:
        run_to(self.reference, guest_steps)
        run_to(self.subject, guest_steps)

    def _difference(self) -> Found | None:
        frames = None if self.ended else written(self.reference, self.subject)
        return difference(self.reference, self.subject, frames)
