"""The translation cache: units in simulated memory, how they are found, joined and given up.

Units are written upwards from the start, their stubs downwards from the end. A unit is found by
its :class:`~.unit.Key`; also every line inside a unit can be entered, which is how the guest goes
on after the VMM has done something in the middle of one. Branches within a page are *chained*: a
jump that first went to its stub, and so to the VMM, is pointed at the target's translation. When
the target is translated right behind the jump, the jump is written over: it is *elided*.

Units that prove hot are replaced by a region (:mod:`.hot`), whose lines branches can come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.decode import Truncated, decode
from ringside.isa.faults import Fault
from ringside.machine.memory import FRAME_SHIFT
from ringside.vmm.monitor import WINDOW
from ringside.vmm.translation.emit import JMP, MASK, Counters, Routines, Writer, Written, distance
from ringside.vmm.translation.lookup import LOOKUP, PAD, HashTable, assembled_routine
from ringside.vmm.translation.replacements import CALL, plan
from ringside.vmm.translation.unit import EMULATE, GO, IDENT, RETURN, Key, Spot, Unit, Way

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.machine.memory import Memory

LONGEST_UNIT = 12  # instructions
LONGEST_INSTRUCTION = 15
ROOM = 2048  # bytes a unit and its stubs can need, and more
CACHE_SIZE = 256 << 10


class TranslationCache:
    """One VM's cache: ``size`` bytes at host-physical ``hpa``, reached in the VMM's window."""

    __slots__ = (
        "adapted", "changing", "counters", "cpu", "elided", "end", "entries", "frames", "incoming",
        "inside", "linked", "lost", "memory", "next", "on_discard", "pad", "retired_slots",
        "routine_names", "routines", "settled", "spots", "start", "stubs", "table", "units", "ways",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"cpu", "memory", "on_discard"})

    def __init__(self, cpu: Cpu, memory: Memory, hpa: int, size: int, data_hpa: int) -> None:
        self.cpu = cpu
        self.memory = memory
        self.start = WINDOW + hpa
        self.end = self.start + size
        self.table = HashTable(memory, data_hpa)
        self.counters = Counters(*(self._counter() for _ in range(6)))
        self.on_discard: Callable[[Unit, str], None] = _nobody
        self.retired_slots: list[int] = []  # of the processor's counters: free again
        self.units: dict[Key, Unit] = {}
        self.entries: dict[Key, int] = {}  # where branches may come to -> address
        self.inside: dict[Key, int] = {}  # other lines -> address
        self.spots: dict[int, Spot] = {}  # by linear address in the cache
        self.ways: dict[int, Way] = {}  # by the address of the jump
        self.linked: dict[int, int] = {}  # jump -> address of the unit or line it goes to
        self.incoming: dict[int, list[int]] = {}  # that -> jumps that go to it
        self.elided: dict[int, int] = {}  # jump -> unit written over it
        self.frames: dict[int, list[Key]] = {}  # gfn -> units made from it
        self.adapted: set[tuple[int, int]] = set()  # (linear, gfn) of what is called out for good
        self.settled: set[int] = set()  # addresses of hot units that no region is made of
        self.lost: list[Unit] = []  # regions to be made again: an instruction was adapted
        self.changing: set[int] = set()  # gpas the guest wrote to and lost a region by
        self.next = self.start
        self.stubs = self.end
        self.routine_names: dict[int, str] = {}
        lookup = self._routine("lookup", LOOKUP, RETURN, self.counters.call)
        retired = self._routine("lookup_retired", LOOKUP, GO, self.counters.overhead)
        self.pad = self._routine("pad", PAD, EMULATE, None)
        self.routines = Routines(lookup, retired)
        self.start = self.next

    # -- building ------------------------------------------------------------------------------

    def _counter(self) -> int:
        self.cpu.tally.append(0)
        return len(self.cpu.tally) - 1

    def _routine(self, name: str, text: str, action: str, last: int | None) -> int:
        """Put a routine of the translator's own at the beginning; gives its address."""
        address = self.next
        code = assembled_routine(text, address)
        at = 0
        while at < len(code):
            piece = decode(code[at:])
            end = at + piece.length == len(code)
            calls = piece.mnemonic == "int"
            self.spots[address + at] = Spot(-1, False, (), action if calls else "", False, 0)
            if end and last is not None:
                self.cpu.marks[address + at] = (last, self.counters.lookup)
            elif not calls:
                self.cpu.marks[address + at] = (self.counters.overhead,)
            at += piece.length
        self._store(address, code)
        self.routine_names[address] = name
        self.next = address + len(code)
        return address

    def _store(self, address: int, code: bytes) -> None:
        self.memory.write_bytes(address - WINDOW, code)

    # -- finding -------------------------------------------------------------------------------

    def find(self, key: Key) -> int | None:
        """The cache address for a guest address, if it has been translated."""
        address = self.entries.get(key)
        return self.inside.get(key) if address is None else address

    def unit_at(self, address: int) -> Unit | None:
        """The unit that an address of the cache belongs to; for looking at."""
        found = None
        for unit in self.units.values():
            if unit.address <= address < unit.end:
                # One that was written over the last jump of another begins later.
                if found is None or unit.address > found.address:
                    found = unit
            elif found is None and address in unit.spots:
                found = unit
        return found

    # -- translating ---------------------------------------------------------------------------

    def translate(self, key: Key, gpa: int, code: bytes, behind: Way | None = None) -> Unit:
        """Make the unit that begins at ``key``; ``code`` is the rest of its page.

        ``behind`` is the jump that goes there, if the unit may be written over it.
        """
        if self.stubs - self.next < ROOM:
            self.flush()
            behind = None
        elide = behind is not None and behind.elidable and behind.end == self.next
        address = behind.jump if elide and behind is not None else self.next
        written = self._write(key, gpa, code, address)
        if elide and any(way.jump == address for way in written.unit.ways):
            # It begins with a jump of its own: one address cannot stand for two jumps.
            self.retired_slots.append(written.unit.counter)
            elide, address = False, self.next
            written = self._write(key, gpa, code, address)
        if elide and behind is not None:
            self._forget_spot(behind.jump)
            self.elided[behind.jump] = address
            self.linked[behind.jump] = address
            self.incoming[address] = [behind.jump]
        self.place(written)
        return written.unit

    def _write(self, key: Key, gpa: int, code: bytes, address: int) -> Written:
        slot = self.take_slot()
        writer = Writer(key, gpa, address, self.stubs, self.counters, self.routines)
        at, ended = 0, False
        while not ended and at < len(code) and len(writer.lines) < LONGEST_UNIT:
            eip = key.eip + at & MASK
            room = code[at : at + max(0, min(LONGEST_INSTRUCTION, key.limit - eip + 1))]
            try:
                insn = decode(room)
            except (Truncated, Fault):
                # It runs into the next page or beyond the limit, or is none.
                writer.unreadable(eip, room[:1])
                break
            at += insn.length
            chosen = plan(insn)
            if chosen.kind == IDENT and (key.base + eip & MASK, key.gfn) in self.adapted:
                chosen = CALL
            last = len(writer.lines) + 1 == LONGEST_UNIT or at >= len(code)
            if insn.mnemonic == "sti" and last:
                chosen = CALL  # what follows, in another unit, has to know that STI came before
            if insn.rep and writer.after_sti:
                chosen = CALL  # only its first iteration follows STI
            writer.line(eip, insn, chosen)
            ended = chosen.ends
        # A callout does not fall through: the VMM looks up where the guest goes on.
        ended = ended or writer.calls_last
        return writer.finish(key.eip + at & MASK, ended, slot)

    def take_slot(self) -> int:
        """A counter of the processor for one unit."""
        return self.retired_slots.pop() if self.retired_slots else self._counter()

    def place(self, written: Written) -> None:
        """Put a unit into the cache."""
        unit = written.unit
        self._store(unit.address, written.code)
        for address, code in written.away:
            self._store(address, code)
        self.spots |= written.spots
        self.cpu.marks.update(written.marks)
        self.cpu.tally[unit.counter] = 0
        self.next = unit.end
        self.stubs = written.stubs
        self.units[unit.key] = unit
        for way in unit.ways:
            self.ways[way.jump] = way
        self.entries[unit.key] = unit.address
        for line in unit.lines[1:]:
            key = unit.key._replace(eip=line.eip)
            if not unit.region:
                self.inside.setdefault(key, line.start)
            elif self.spots[line.start].after_sti:  # only from the line before
                self.inside[key] = line.start
            else:
                self.entries[key] = line.start
        self.frames.setdefault(unit.key.gfn, []).append(unit.key)

    # -- chaining ------------------------------------------------------------------------------

    def link(self, jump: int, address: int) -> None:
        """Let a branch go straight to the translation of its target."""
        way = self.ways[jump]
        self._point(way, address)
        self.linked[jump] = address
        self.incoming.setdefault(address, []).append(jump)

    def _point(self, way: Way, target: int) -> None:
        self._store(way.end - 4, distance(way.end, target))

    def _unlink(self, jump: int) -> None:
        """Let a branch whose target is gone call the VMM again."""
        way = self.ways.get(jump)
        del self.linked[jump]
        if way is None:
            return
        if self.elided.pop(jump, None) is not None:
            self._store(jump, JMP)
            self.spots[jump] = Spot(way.eip, True, (), "", False, 0)
            self.cpu.marks[jump] = (self.counters.overhead,)
        self._point(way, way.stub)

    # -- giving up -----------------------------------------------------------------------------

    def made_from(self, gpa: int, size: int) -> Iterator[Unit]:
        """The units made from any of these bytes."""
        for gfn in range(gpa >> FRAME_SHIFT, (gpa + size - 1 >> FRAME_SHIFT) + 1):
            for key in self.frames.get(gfn, ()):
                unit = self.units[key]
                if unit.gpa < gpa + size and gpa < unit.gpa + unit.length:
                    yield unit

    def overwritten(self, gpa: int, size: int) -> None:
        """The guest has written to these bytes: give up what was made from them."""
        for unit in list(self.made_from(gpa, size)):
            if unit.region:
                self.changing.update(range(gpa, gpa + size))
            self.discard(unit, "written")

    def discard(self, unit: Unit, why: str) -> None:
        """Give a unit up. Its bytes stay where they are until the cache is flushed."""
        del self.units[unit.key]
        self.frames[unit.key.gfn].remove(unit.key)
        if not self.frames[unit.key.gfn]:
            del self.frames[unit.key.gfn]
        self.settled.discard(unit.address)
        if unit.region and why == "adapted":
            self.lost.append(unit)
        for line in unit.lines:
            key = unit.key._replace(eip=line.eip)
            if self.inside.get(key) == line.start:
                del self.inside[key]
            if self.entries.get(key) == line.start:
                del self.entries[key]
            if self.table.leads_to(line.eip, line.start):
                self.table.remove(line.eip)
        for address in unit.spots:
            if address not in self.elided:  # else it belongs to the unit written over the jump
                self._forget_spot(address)
        for way in unit.ways:
            del self.ways[way.jump]
            target = self.linked.pop(way.jump, None)
            self.elided.pop(way.jump, None)
            if target is not None:
                self.incoming[target].remove(way.jump)
        for line in unit.lines:
            for jump in self.incoming.pop(line.start, ()):
                self._unlink(jump)
        self.retired_slots.append(unit.counter)
        self.on_discard(unit, why)

    def _forget_spot(self, address: int) -> None:
        self.spots.pop(address, None)
        self.cpu.marks.pop(address, None)

    def flush(self) -> None:
        """The cache is full: begin afresh."""
        for unit in list(self.units.values()):
            self.discard(unit, "full")
        self.inside.clear()
        self.lost.clear()
        self.changing.clear()
        self.table.clear()
        self.next = self.start
        self.stubs = self.end


def _nobody(unit: Unit, why: str) -> None:
    """Stand in until somebody wants to hear."""
