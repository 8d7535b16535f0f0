"""Equivalence: the guest behaves as on the bare machine, but for time and amount.

A guest that runs as it is, is held beside the bare machine after every guest step: registers,
control registers, flags, console, memory. One that was changed beforehand takes other steps, so
only what it says in the end can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import cast

from ringside.host.systems import System, Virtualized
from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.machine.peek import peek
from ringside.properties.subjects import Subject, bare
from ringside.vmm.lockstep import CLOSELY, Difference, Lockstep

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
    same = found.guest_step - 1
    return Equivalence(
        False, STATE, min(same, closely), same, found.what, found.expected, found.found,
        found.guest_step, found.eip, instruction(system, found))


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
