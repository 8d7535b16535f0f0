"""Running a nanobenchmark and counting what one round of it is made of.

A nanobenchmark does one thing ``COUNT`` times, between its labels ``measured`` and
``measured_end``. The first half of the rounds only warms up: translations are made, page tables
shadowed. Of the second half everything is counted that happens from the first label to the other,
the loop around them not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from ringside.guests import program
from ringside.isa.assembler import Program
from ringside.machine.cpu import Cpu
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.measure.published import HARDWARE, NATIVE, NESTED_PAGING, SOFTWARE
from ringside.trace.cost import (
    ASSISTED,
    ASSISTED_SHADOW,
    BARE,
    NATIVE_INSTRUCTIONS,
    TRANSLATED,
    Charges,
)
from ringside.trace.counters import Counts, InstructionTally, difference, together
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.memory.traced import TracedShadow
from ringside.vmm.registry import NESTED, TRACED, Technique, assisted, technique
from ringside.vmm.vmm import Vmm

MEMORY = 8 << 20
LONGEST = 200_000  # steps between two labels, at most


@dataclass(frozen=True, slots=True)
class Round:
    """What ``rounds`` rounds of a nanobenchmark were made of, on one system."""

    benchmark: str
    system: str
    rounds: int
    instructions: int
    counts: Counts
    charges: Charges


class Bench:
    """A nanobenchmark on some system, which stops at its labels.

    ``work`` counts what no event tells (see :class:`ringside.vmm.registry.Technique`).
    """

    def __init__(
        self, system: Machine | Vmm, cpu: Cpu, work: Callable[[], Counts], program: Program
    ) -> None:
        self.system = system
        self._cpu = cpu
        self.tally = InstructionTally()
        self._work = work
        self._program = program
        system.listener = self.tally
        marks = program.symbols["measured"], program.symbols["measured_end"]
        system.breakpoints = frozenset(marks)

    def counts(self) -> Counts:
        """Everything so far."""
        return together(self.tally.counts, self._work())

    def to_label(self, label: str) -> None:
        """Run until the guest is at ``label``."""
        goal = self._program.symbols[label]
        while True:
            if self.system.run(LONGEST) != "breakpoint":
                raise RuntimeError(f"the nanobenchmark did not come to {label}")
            if self._cpu.linear_eip == goal:
                return

    def measure(self) -> tuple[int, dict[tuple[str, str], int]]:
        """Warm up, then count: rounds counted, and what they were made of."""
        rounds = self._program.symbols["COUNT"] // 2
        found: dict[tuple[str, str], int] = {}
        for number in range(2 * rounds):
            self.to_label("measured")
            before = self.counts()
            self.to_label("measured_end")
            if number >= rounds:
                found = together(found, difference(self.counts(), before))
        return rounds, found


def bare_bench(program: Program) -> Bench:
    """The nanobenchmark alone on the machine."""
    machine = Machine(MEMORY)
    load_program(machine, program)
    return Bench(machine, machine.cpu, dict, program)


def bench_under(technique: Technique, memory: str = TRACED) -> Callable[[Program], Bench]:
    """The nanobenchmark under a VMM; its shadow page tables trace the guest's, as theirs do."""

    def make(program: Program) -> Bench:
        plan = VmPlan("guest", MEMORY, lambda machine: load_program(machine, program))
        vmm = assemble_vmm(technique, [plan], memory=memory)
        guest = vmm.guests[0]
        return Bench(vmm, guest.vm.vcpu, lambda: technique.work(guest.cpu), program)

    return make


# The hardware VMM measured was an experiment made from the software one. How it carried out a port
# access is not published; this one is taken to use the interpreter that it needs for page-table
# writes anyway. Going by the exit qualification instead saves it 3382 cycles.
EXPERIMENT = replace(
    technique("hardware-assist"), memories={TRACED: assisted(TracedShadow, interprets_io=True)}
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the systems compared: how to set it up, and what its events are billed as."""

    make: Callable[[Program], Bench]
    charges: Charges


SUBJECTS: Mapping[str, Subject] = {
    NATIVE: Subject(bare_bench, {**BARE, **NATIVE_INSTRUCTIONS}),
    SOFTWARE: Subject(bench_under(technique("binary-translation")), TRANSLATED),
    HARDWARE: Subject(
        bench_under(EXPERIMENT), {**ASSISTED_SHADOW, **NATIVE_INSTRUCTIONS}
    ),
    NESTED_PAGING: Subject(
        bench_under(technique("hardware-assist"), NESTED), {**ASSISTED, **NATIVE_INSTRUCTIONS}
    ),
}


@cache
def measure(benchmark: str, system: str) -> Round:
    """Run a nanobenchmark on a system; always gives the same."""
    subject = SUBJECTS[system]
    rounds, counts = subject.make(program(f"nano_{benchmark}")).measure()
    retired = sum(count for (kind, _), count in counts.items() if kind == "retired")
    overhead = counts.get(("translation", "overhead"), 0)
    return Round(benchmark, system, rounds, retired - overhead, counts, subject.charges)
