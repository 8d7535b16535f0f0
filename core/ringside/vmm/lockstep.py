"""Two systems with the same guest, held side by side at every guest step; the first difference.

A guest step is an instruction retired or a delivery through the guest's IDT, so it means the same
on bare metal and under any technique, however many steps the VMM takes in between. The systems
run in stretches; where the ends of a stretch differ in what the processor holds or what the
console has shown, both go back and take it step by step to the first difference in it. A
difference that leaves no trace to the end of its stretch is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Protocol

from ringside.isa.registers import NAMES32, SEGMENT_NAMES
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import ACCESSED
from ringside.machine.memory import Memory
from ringside.machine.outcome import Outcome
from ringside.machine.peek import physical
from ringside.trace.events import Diverged

STRETCH = 4096
LOOKED_AT = 1 << 12  # bytes of two memories compared at once
ACCESS_BYTE = 5  # of a descriptor: its type, the accessed flag the lowest bit
KNOWN = 256  # bytes that differ in the end, to look for what made them differ
FEW = 16  # so few steps are compared one by one: cheaper than a picture to come back to

EFLAGS_NAMES = (
    (0, "cf"), (2, "pf"), (4, "af"), (6, "zf"), (7, "sf"), (8, "tf"), (9, "if"), (10, "df"),
    (11, "of"), (14, "nt"), (18, "ac"), (21, "id"),
)  # fmt: skip


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


def visible_state(cpu: Cpu) -> Iterator[tuple[str, int]]:
    """What a guest can know of its processor, by name; flags as PUSHF would show them."""
    yield "eip", cpu.eip
    yield "cpl", cpu.cpl
    eflags = cpu.eflags
    for bit, name in EFLAGS_NAMES:
        yield f"eflags.{name}", eflags >> bit & 1
    yield "eflags.iopl", eflags >> 12 & 3
    yield from zip(NAMES32, cpu.regs, strict=True)
    for name, segment in zip(SEGMENT_NAMES, cpu.segs, strict=True):
        yield name, segment.selector
        yield f"{name}.base", segment.base
        yield f"{name}.limit", segment.limit
    yield "cr0", cpu.cr0
    yield "cr2", cpu.cr2
    yield "cr3", cpu.cr3
    yield "cr4", cpu.cr4
    yield "gdtr.base", cpu.gdtr.base
    yield "gdtr.limit", cpu.gdtr.limit
    yield "idtr.base", cpu.idtr.base
    yield "idtr.limit", cpu.idtr.limit
    yield "ldtr", cpu.ldtr.selector
    yield "tr", cpu.tr.selector
    yield "time", cpu.time


def first_difference(expected: Cpu, found: Cpu) -> tuple[str, int, int] | None:
    """The first name whose values differ, with both; None when the guest can see none."""
    pairs = zip(visible_state(expected), visible_state(found), strict=True)
    for (name, wanted), (_, actual) in pairs:
        if wanted != actual:
            return name, wanted, actual
    return None


def first_other(expected: str, found: str) -> tuple[str, int, int] | None:
    """The codes of the first characters that differ, 0 for none there; None for equal texts."""
    if expected == found:
        return None
    for wanted, actual in zip_longest(expected, found, fillvalue="\0"):
        if wanted != actual:
            return "console", ord(wanted), ord(actual)
    return None


def other_bytes(expected: Memory, found: Memory) -> list[int]:
    """The first addresses, ``KNOWN`` at most, whose bytes differ in two memories of one size.

    The accessed flags of descriptors are looked at apart, see :func:`unlike`.
    """
    addresses: list[int] = []
    for start in range(0, expected.size, LOOKED_AT):
        count = min(LOOKED_AT, expected.size - start)
        wanted, actual = expected.read_bytes(start, count), found.read_bytes(start, count)
        if wanted != actual:
            addresses += [start + n for n in range(count) if wanted[n] != actual[n]]
            if len(addresses) >= KNOWN:
                break
    return addresses[:KNOWN]


def unlike(expected: Running, found: Running) -> list[int]:
    """The first addresses whose bytes differ in the memories of two guests.

    One thing is left out, as the README says: a VMM that keeps its own copies of descriptors
    marks those of CS and SS accessed when it first lets the guest run after LGDT, and not when
    the guest loads them, of which it hears nothing.
    """
    memories = expected.guest_memory, found.guest_memory
    gdtr = expected.guest_cpu.gdtr
    places = (physical(expected.guest_cpu, memories[0], gdtr.base + at)
              for at in range(ACCESS_BYTE, gdtr.limit + 1, 8))
    flags = {place for place in places if place is not None}
    return [
        address for address in other_bytes(*memories)
        if address not in flags or (memories[0].read_bytes(address, 1)[0]
                                    ^ memories[1].read_bytes(address, 1)[0]) != ACCESSED
    ]


def find_write(at: Callable[[int], tuple[Running, Running]], end: int) -> Difference | None:
    """Where memory came to differ that was equal at the start, and differs at guest step ``end``.

    ``at`` gives reference and subject as they stand after a guest step; it is asked for steps in
    any order. None if the memories are equal in the end.
    """
    addresses = unlike(*at(end))

    def other(step: int) -> tuple[int, int, int] | None:
        one, two = (system.guest_memory for system in at(step))
        for address in addresses:
            wanted, actual = one.read_bytes(address, 1)[0], two.read_bytes(address, 1)[0]
            if wanted != actual:
                return address, wanted, actual
        return None

    if not addresses:
        return None
    equal, parted = 0, end
    while parted - equal > 1:
        middle = (equal + parted) // 2
        if other(middle):
            parted = middle
        else:
            equal = middle
    eip = at(equal)[1].guest_cpu.eip
    found = other(parted)
    assert found is not None
    address, wanted, actual = found
    what = f"memory at {address:#x}"
    return Difference(parted, at(parted)[1].steps, eip, what, wanted, actual)


def run_to(system: Running, guest_steps: int) -> bool:
    """Run until the guest has taken that many steps; False if it ended or waits before."""
    while system.guest_steps < guest_steps:
        if system.outcome is not None:
            return False
        system.run(guest_steps - system.guest_steps)
    return True


class Lockstep:
    """``reference`` (bare metal, usually) and ``subject`` from the same first instruction on."""

    def __init__(self, reference: Running, subject: Running) -> None:
        self.reference = reference
        self.subject = subject
        self.difference: Difference | None = None

    @property
    def guest_steps(self) -> int:
        """Guest steps that are known to be equal."""
        return self.reference.guest_steps

    @property
    def ended(self) -> bool:
        """Whether both have come to their end."""
        return self.reference.outcome is not None and self.subject.outcome is not None

    def advance(self, guest_steps: int) -> Difference | None:
        """Compare up to that many further guest steps; returns the first difference ever found."""
        left = guest_steps
        while left > 0 and self.difference is None and not self.ended:
            stretch = min(left, STRETCH)
            self.difference = self._stretch(stretch)
            left -= stretch
        return self.difference

    def _stretch(self, steps: int) -> Difference | None:
        start = self.reference.guest_steps
        if steps <= FEW:
            return self._one_by_one(start, steps)
        pictures = self.reference.freeze(), self.subject.freeze()
        if self._same_at(start + steps):
            return None
        self._back(pictures)
        found = self._one_by_one(start, steps)
        if found is None:
            raise RuntimeError("it differed once and not again: a system is not deterministic")
        return found

    def _one_by_one(self, start: int, steps: int) -> Difference | None:
        for step in range(start + 1, start + steps + 1):
            eip = self.reference.guest_cpu.eip
            self._run_to(step)
            found = self._difference()
            if found is not None:
                return Difference(step, self.subject.steps, eip, *found)
        return None

    def _back(self, pictures: tuple[Any, Any]) -> None:
        self.reference.thaw(pictures[0])
        self.subject.thaw(pictures[1])

    def _same_at(self, guest_steps: int) -> bool:
        self._run_to(guest_steps)
        return self._difference() is None

    def _run_to(self, guest_steps: int) -> None:
        run_to(self.reference, guest_steps)
        run_to(self.subject, guest_steps)

    def _difference(self) -> tuple[str, int, int] | None:
        found = first_difference(self.reference.guest_cpu, self.subject.guest_cpu)
        if found is None and self.reference.guest_steps != self.subject.guest_steps:
            return "steps", self.reference.guest_steps, self.subject.guest_steps
        if found is None:
            found = first_other(self.reference.console, self.subject.console)
        return found
