"""What memory a guest of the shelf touches, in order: recorded while the machine runs it.

Each access is the machine's own: its linear address, whether it writes, with which ring's rights,
which instruction made it, and what the guest's page tables said of that page just then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from ..guests import program
from ..isa.faults import Fault
from ..machine import access
from ..machine.control import CR0_PG, CR0_WP, CR4_PAE, CR4_PSE
from ..machine.cpu import Cpu
from ..machine.loader import load_program
from ..machine.machine import Machine
from ..machine.memory import FRAME, OFFSET_MASK, Memory
from ..machine.paging import ERROR_PRESENT, PAE, THIRTY_TWO_BIT
from ..machine.peek import peek
from ..machine.tlb import Tlb
from ..machine.walker import walk
from ..trace.events import Event, TlbFlushed
from .listing import Listing
from .walk_beats import Origin

if TYPE_CHECKING:
    from ..isa.assembler import Program
    from ..isa.width import Width

MOST = 160  # accesses of one recording
FIRST_WITHIN = 100_000  # steps in which the interesting part must begin
PAGE_FAULT = 14
FETCH, READ, WRITE = "fetch", "read", "write"
# What the processor touches by itself, for an instruction or an interrupt
GATE, DESCRIPTOR, TASK, STACK = "gate", "descriptor", "task", "stack"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the guest's tables say of a page: its frame (of 4 KiB, -1: not present), and rights."""

    frame: int
    writable: bool = True
    user: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """One access, and the page it meets; ``root`` is the guest's CR3."""

    origin: Origin
    write: bool
    user: bool
    leaf: Leaf
    root: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """INVLPG of the page at ``origin.address``, or a load of CR3, ``root`` from then on."""

    origin: Origin
    root: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Accesses and flushes in order. ``paged``: the guest has page tables of its own."""

    happenings: tuple[Made | Flushed, ...]
    paged: bool


Note = Callable[[int, int, bool, bool, str], None]
"""Told linear address, bytes, whether it writes, with ring 3's rights, and the kind."""


class WatchedCpu(Cpu):
    """A processor that tells of every access of its instructions, and of its own."""

    __slots__ = ("note",)

    def __init__(self, memory: Memory, tlb: Tlb | None = None) -> None:
        super().__init__(memory, tlb)
        self.note: Note | None = None

    def load(self, seg: int, offset: int, w: Width) -> int:
        """As :func:`access.load`."""
        self._tell(seg, offset, w, False)
        return access.load(self, seg, offset, w)

    def store(self, seg: int, offset: int, value: int, w: Width) -> None:
        """As :func:`access.store`."""
        self._tell(seg, offset, w, True)
        access.store(self, seg, offset, value, w)

    def check_store(self, seg: int, offset: int, w: Width) -> None:
        """As :func:`access.check_store`; where it faults, that was the access."""
        try:
            access.check_store(self, seg, offset, w)
        except Fault as fault:
            if fault.vector == PAGE_FAULT:
                self._tell(seg, offset, w, True)
            raise

    def system_read(self, linear: int, size: int) -> int:
        """As :func:`access.system_read`."""
        self._tell_table(linear & access.MASK, size, False)
        return access.system_read(self, linear, size)

    def system_write(self, linear: int, value: int, size: int) -> None:
        """As :func:`access.system_write`."""
        self._tell_table(linear & access.MASK, size, True)
        access.system_write(self, linear, value, size)

    def linear_write(self, linear: int, value: int, size: int, user: bool) -> None:
        """As :func:`access.linear_write`: a stack the processor writes to by itself."""
        if self.note is not None:
            self.note(linear, size, True, user, STACK)
        access.linear_write(self, linear, value, size, user)

    def _tell_table(self, linear: int, size: int, write: bool) -> None:
        """Tell of a look into a table of the processor's, with the kernel's rights."""
        if self.note is None:
            return
        kind = DESCRIPTOR
        if linear in range(self.idtr.base, self.idtr.base + self.idtr.limit + 1):
            kind = GATE
        elif linear in range(self.tr.base, self.tr.base + self.tr.limit + 1):
            kind = TASK
        self.note(linear, size, write, False, kind)

    def _tell(self, seg: int, offset: int, w: Width, write: bool) -> None:
        """Tell of an access that the segment allows: what it refuses never gets to memory."""
        s = self.segs[seg]
        allowed = s.flat or (s.writable if write else s.readable) and (
            s.low <= offset <= s.high - w.bytes + 1)
        if self.note is not None and allowed:
            linear = (s.base + offset) & access.MASK
            self.note(linear, w.bytes, write, self.cpl == 3, WRITE if write else READ)


class WatchedMachine(Machine):
    """A machine with such a processor."""

    __slots__ = ()
    processor: ClassVar[type[Cpu]] = WatchedCpu


class Recorder:
    """Listens to a machine and keeps what it does to memory, up to :data:`MOST` accesses."""

    def __init__(self, machine: Machine, guest: Program) -> None:
        self.machine = machine
        self.program = guest
        self.listing = Listing.of(guest)
        self.found: list[Made | Flushed] = []
        self.accesses = 0
        self._at = Origin(FETCH, 0)  # the instruction that runs

    def record(self) -> tuple[Made | Flushed, ...]:
        """Step until there is enough, or the guest has ended."""
        machine, cpu = self.machine, self.machine.cpu
        assert isinstance(cpu, WatchedCpu)
        machine.listener, cpu.note = self._hear, self._note
        again = -1  # a repeated string instruction is fetched once
        while self.accesses < MOST and machine.outcome is None:
            linear = cpu.linear_eip
            if not cpu.halted and not cpu.ready:
                self._at = self._instruction(linear)
                if linear != again:
                    self._note(linear, 1, False, cpu.cpl == 3, FETCH)
            machine.step()
            repeated = cpu.fetched is not None and cpu.fetched.insn.rep
            again = linear if repeated and cpu.linear_eip == linear else -1
        machine.listener = cpu.note = None
        return tuple(self.found)

    def _instruction(self, linear: int) -> Origin:
        cpu, memory = self.machine.cpu, self.machine.memory
        text = self.listing.text(
            linear, lambda at, count: peek(cpu, memory, at, count), cpu.code_bits)
        file, line = self.program.source_line(linear) or ("", 0)
        source = self.program.files.get(file, "").split("\n")[line - 1 : line] if line else []
        return Origin(
            FETCH, linear, linear, text, cpu.cpl, file.rpartition("/")[2], line,
            "".join(source).partition(";")[0].strip())

    def _origin(self, kind: str, address: int) -> Origin:
        at = self._at
        return Origin(kind, address, at.eip, at.text, at.ring, at.file, at.line, at.source)

    def _note(self, linear: int, size: int, write: bool, user: bool, kind: str) -> None:
        """Keep an access; one that crosses into the next page is translated twice."""
        last = (linear + size - 1) & access.MASK
        parts = [linear] if last >> 12 == linear >> 12 else [linear, last & ~OFFSET_MASK]
        for address in parts:
            self.found.append(Made(
                self._origin(kind, address), write, user, self._leaf(address),
                self.machine.cpu.cr3))
            self.accesses += 1

    def _leaf(self, linear: int) -> Leaf:
        """What the guest's tables say, or would if it had any: all memory, mapped to itself."""
        cpu, memory = self.machine.cpu, self.machine.memory
        if not cpu.cr0 & CR0_PG:
            return Leaf(linear // FRAME)
        format = PAE if cpu.cr4 & CR4_PAE else THIRTY_TWO_BIT
        found = walk(
            format, cpu.cr3, linear, lambda hpa: memory.read(hpa, format.entry_bytes),
            large_pages=bool(cpu.cr4 & (CR4_PSE | CR4_PAE)))
        if found.fault is not None and not found.fault & ERROR_PRESENT:
            return Leaf(-1)
        # Without CR0.WP the kernel may write to any page: the lab's walks know no such bit.
        writable = found.writable or not cpu.cr0 & CR0_WP and not found.user
        return Leaf(found.frame, writable, found.user)

    def _hear(self, event: Event) -> None:
        """Keep INVLPG and loads of CR3; a page fault's own drop of its page is no event."""
        if isinstance(event, TlbFlushed):
            kind = "invlpg" if event.what == "page" else "cr3"
            self.found.append(
                Flushed(self._origin(kind, max(event.linear, 0)), self.machine.cpu.cr3))


GUESTS: dict[str, str] = {  # with the label to begin at; without one, when paging is on
    "linked_list": "",
    "matrix": "main.row",
    "sieve": "main.next",
    "rings": "",
    "page_tables": "",
}


@lru_cache(maxsize=8)
def record(name: str) -> Recording:
    """The accesses of a guest of :data:`GUESTS`, from where it becomes interesting."""
    guest = program(name)
    machine = WatchedMachine()
    load_program(machine, guest)
    label = GUESTS[name]
    begin = guest.symbols[label] if label else -1
    for _ in range(FIRST_WITHIN):
        if machine.pc == begin or not label and machine.cpu.cr0 & CR0_PG:
            break
        machine.step()
    else:
        raise ValueError(f"{name} never comes to the part that is to be recorded")
    return Recording(Recorder(machine, guest).record(), bool(machine.cpu.cr0 & CR0_PG))
