"""Equivalence: the guest behaves as on the bare machine, but for time and amount.

A guest that runs as it is, is held beside the bare machine after every guest step: registers,
control registers, flags, console, memory. Of a long one the first part is compared so and the rest
now and then; who has the time lets that be made up for. One that was changed beforehand takes other
steps, so only what it says in the end can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import zip_longest
from typing import cast

from ringside.host.systems import System, Virtualized
from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.machine.peek import peek
from ringside.properties.subjects import Subject, bare
from ringside.vmm.lockstep import CLOSELY, EVERY_STEP, Difference, Lockstep

STEPS = 200_000  # guest steps compared in all
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

    @property
    def finished(self) -> bool:
        """Whether every step up to the end, or the first difference, has been compared."""
        return self.found.steps >= self.found.total

    def go_on(self, steps: int) -> None:
        """Compare after each of so many further guest steps."""
        found = self.found
        pair = _pair(self.subject, self.guest)
        pair.go_to(found.steps)
        difference = pair.advance(min(steps, found.total - found.steps))
        if difference is not None:
            self.found = _parted(pair, difference, EVERY_STEP)
        else:
            self.found = replace(found, steps=pair.guest_steps)


@cache
def comparing(subject: Subject, guest: str) -> Comparing:
    """The one that all share; raises :class:`~ringside.properties.subjects.CannotRun`."""
    return Comparing(subject, guest)


@lru_cache(maxsize=1)  # two whole machines: only those that are gone on with
def _pair(subject: Subject, guest: str) -> Lockstep:
    return Lockstep(bare(guest), subject.build(guest), closely=EVERY_STEP)


@cache
def equivalence(subject: Subject, guest: str, closely: int = CLOSELY) -> Equivalence:
    """Compare, after each of the first ``closely`` guest steps and then after every stretch.

    Raises :class:`~ringside.properties.subjects.CannotRun`.
    """
    system = subject.build(guest)
    if subject.ported:
        return _by_console(bare(guest), system)
    lockstep = Lockstep(bare(guest), system, closely=closely)
    found = lockstep.advance(STEPS)
    if found is None:
        same = lockstep.guest_steps
        return Equivalence(True, STATE, min(same, closely), same)
    return _parted(lockstep, found, closely)


def _parted(lockstep: Lockstep, found: Difference, closely: int) -> Equivalence:
    same = found.guest_step - 1
    return Equivalence(
        False, STATE, min(same, closely), same, found.what, found.expected, found.found,
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
