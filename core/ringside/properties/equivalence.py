"""Equivalence: the guest behaves as on the bare machine, but for time and amount.

A guest that runs as it is, is held beside the bare machine after every guest step: registers,
control registers, flags, console, memory. Of a long one the first part is compared so and the rest
now and then; who has the time lets that be made up for. One that was changed beforehand takes other
steps, so only what it says in the end can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from typing import cast

from ringside.host.systems import System, Virtualized
from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.machine.peek import peek
from ringside.properties.subjects import Subject, bare
from ringside.vmm.lockstep import AT_MOST, CLOSELY, EVERY_STEP, Difference, Lockstep

LONGEST_RUN = 2_000_000  # steps a ported guest may take to its end
STATE, CONSOLE = "state", "console"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """``by`` says what was compared: the ``state`` after each of ``steps`` guest steps and, after
    every stretch, up to ``total``; or ``steps`` characters of the ``console``. ``what`` names the
    first difference ("" if there is none), at ``step``, made by ``instruction`` at ``eip``."""

    holds: bool
    by: str
    steps: int
    total: int
    what: str = ""
    expected: int = 0
    found: int = 0
    step: int = 0
    eip: int = 0
    instruction: str = ""


class Comparing:
    """What is known of a guest's equivalence under a subject: ``found``, which ``go_on`` adds to
    until ``finished``."""

    def __init__(self, subject: Subject, guest: str) -> None:
        self.subject = subject
        self.guest = guest
        self.found = equivalence(subject, guest)
        self._pair: Lockstep | None = None

    @property
    def finished(self) -> bool:
        """Whether every step up to the end, the first difference or ``AT_MOST`` was compared."""
        return self.found.steps >= self.found.total

    def go_on(self, steps: int) -> None:
        """Compare after each of so many further guest steps."""
        found = self.found
        pair = self._pair
        if pair is None:
            pair = self._pair = Lockstep(
                bare(self.guest), self.subject.build(self.guest), closely=EVERY_STEP)
            pair.go_to(found.steps)
        difference = pair.advance(min(steps, found.total - found.steps))
        if difference is not None:
            self.found = _parted(pair, difference)
        else:
            self.found = replace(found, steps=pair.each)
        if self.finished:
            self.rest()

    def rest(self) -> None:
        """Give the two machines up until it is gone on with."""
        self._pair = None


@cache
def equivalence(subject: Subject, guest: str, closely: int = CLOSELY) -> Equivalence:
    """Compare, after each of the first ``closely`` guest steps and then after every stretch.

    Raises :class:`~ringside.properties.subjects.CannotRun`.
    """
    system = subject.build(guest)
    if subject.ported:
        return _by_console(bare(guest), system)
    lockstep = Lockstep(bare(guest), system, closely=closely)
    found = lockstep.advance(AT_MOST)
    if found is None:
        return Equivalence(True, STATE, lockstep.each, lockstep.guest_steps)
    return _parted(lockstep, found)


def _parted(lockstep: Lockstep, found: Difference) -> Equivalence:
    return Equivalence(
        False, STATE, lockstep.each, found.guest_step - 1, found.what, found.expected, found.found,
        found.guest_step, found.eip, instruction(cast(System, lockstep.subject), found))


def instruction(system: System, difference: Difference) -> str:
    """The instruction that made a difference."""
    vm = cast(Virtualized, system).vm
    code = peek(vm.vcpu, vm.memory, difference.eip, 15)
    try:
        return format_insn(decode(code or b"", vm.vcpu.code_bits), difference.eip)
    except (Fault, Truncated):
        return ""


def _by_console(reference: System, system: System) -> Equivalence:
    reference.run(LONGEST_RUN)
    system.run(LONGEST_RUN)
    for at, (expected, found) in enumerate(
            zip_longest(reference.console, system.console, fillvalue="\0")):
        if expected != found:
            return Equivalence(
                False, CONSOLE, at, at, CONSOLE, ord(expected), ord(found), at + 1)
    return Equivalence(True, CONSOLE, len(system.console), len(system.console))
