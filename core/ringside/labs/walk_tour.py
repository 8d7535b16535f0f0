"""What the lab "Walks" shows: accesses, one after the other, and every reference each makes.

A :class:`Journey` takes accesses through TLB, walk caches and tables; the walks are those of
``machine.walker`` and ``machine.nested``, what the caches save is ``machine.walk_caches``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..machine.memory import FRAME, FRAME_SHIFT
from ..machine.nested import NestedWalk, nested_walk
from ..machine.paging import EPT_BITS, ERROR_RESERVED, PagingFormat
from ..machine.vmx.ept import FINAL, LINEAR_VALID, READ, WRITE
from ..machine.walk_caches import LruCache, NestedCaches, PrefixCaches, skip_native
from ..machine.walker import Walk, marks, walk
from .walk_beats import Beat, Entry, Features, Found, Read, Tour
from .walk_world import GUEST_SIZE, Geometry, Host, Machine, level_of

WALK_ENTRIES, NESTED_TLB_ENTRIES = 4, 16
TLB_SETS, TLB_WAYS = 16, 4
TLB = "tlb"  # why a reference was not made; the other reasons are in machine.walk_caches


class Journey:
    """Accesses of one technique on machines that share a processor."""

    def __init__(
        self, technique: str, geometry: Geometry, features: Features, machines: int = 2
    ) -> None:
        self.technique = technique
        self.geometry = geometry
        self.features = features
        self.host = Host(geometry)
        second = technique != "none"
        self.machines = [Machine(self.host, n, second=second) for n in range(machines)]
        guest = geometry.guest
        self.tlb = LruCache(TLB_SETS, TLB_WAYS) if features.tlb else None
        self.prefixes = PrefixCaches(guest, _entries(guest, features.walk))
        self.caches: NestedCaches | None = None
        if geometry.nested is not None:
            nested = PrefixCaches(geometry.nested, _entries(geometry.nested, features.walk))
            self.caches = NestedCaches(
                self.prefixes, nested, NESTED_TLB_ENTRIES if features.nested_tlb else 0)
        self.tours: list[Tour] = []
        self.current = 0  # the machine that runs

    @property
    def machine(self) -> Machine:
        """The machine that runs."""
        return self.machines[self.current]

    def switch(self, number: int) -> list[Beat]:
        """Let a machine run; without tags that flushes."""
        if number == self.current:
            return []
        self.current = number
        if self.features.tagged:
            return [Beat("kept", count=len(self.tlb) if self.tlb is not None else 0)]
        count = 0
        if self.tlb is not None:
            count = len(self.tlb)
            self.tlb.flush()
        self.prefixes.flush()
        return [Beat("flushed", count=count)]

    def access(self, number: int, gva: int, *, write: bool = False) -> Tour:
        """Translate one access of a machine, and remember it."""
        beats = self.switch(number)
        machine = self.machine
        entry, clean = self._look_up(gva, write)
        if entry is not None:
            offset = gva & FRAME - 1
            beats.append(Beat("hit"))
            spared = SPARED[self.technique](self, machine, gva, write)
            reads = tuple(replace(read, skipped=TLB) for read in spared.reads)
            tour = Tour(
                number, gva, write, tuple(beats), reads, spared.rows, spared.columns,
                "formula.hit", {}, "done",
                entry.gpa | offset if entry.gpa >= 0 else -1, entry.hpa | offset)
        else:
            if self.tlb is not None:
                beats.append(Beat("clean" if clean else "miss"))
            found = TECHNIQUES[self.technique](self, machine, gva, write)
            reads = _count(found.reads)
            beats += [Beat("read", read.number, read) for read in reads if not read.skipped]
            self._remember(gva, write, found)
            tour = Tour(
                number, gva, write, tuple(beats), reads, found.rows, found.columns, found.formula,
                found.facts, "done.nested" if machine.second else "done", found.gpa, found.hpa,
                found.fault, found.exit)
        self.tours.append(tour)
        return tour

    def invalidate(self, gva: int) -> Tour:
        """INVLPG: the guest drops a translation from the TLB, and all walk caches."""
        count = 0
        if self.tlb is not None:
            count = sum(self.tlb.drop(key, index) for key, index in self._keys(gva))
        self.prefixes.flush()
        before = self.tours[-1] if self.tours else None
        beat = Beat("invalidated", count=count)
        tour = Tour(
            self.current, gva, False, (beat,), (), before.rows if before else (),
            before.columns if before else (), "formula.hit", {}, "done")
        self.tours.append(tour)
        return tour

    # -- the TLB ---------------------------------------------------------------------------------

    @property
    def held(self) -> Iterator[tuple[int, int, int, Entry]]:
        """What the TLB holds: page number, its size as a shift, tag, and the translation."""
        for key, entry in self.tlb or ():
            if isinstance(key, tuple) and isinstance(entry, Entry):
                yield (*key, entry)

    @property
    def _tag(self) -> int:
        return self.current if self.features.tagged else 0

    def _keys(self, gva: int) -> list[tuple[tuple[int, int, int], int]]:
        return [((gva >> bits, bits, self._tag), gva >> bits) for bits in (12, 21, 22, 30)]

    def _look_up(self, gva: int, write: bool) -> tuple[Entry | None, bool]:
        """The TLB's answer, and whether an entry was there that could not be used."""
        if self.tlb is None:
            return None, False
        for key, index in self._keys(gva):
            entry = self.tlb.get(key, index)
            if isinstance(entry, Entry):
                size = 1 << key[1]
                if write and not (entry.writable and entry.dirty):
                    self.tlb.drop(key, index)
                    return None, True
                rest = gva & size - 1 & ~(FRAME - 1)
                gpa = entry.gpa | rest if entry.gpa >= 0 else -1
                return replace(entry, hpa=entry.hpa | rest, gpa=gpa), False
        return None, False

    def _remember(self, gva: int, write: bool, found: Found) -> None:
        if self.tlb is None or found.size == 0:
            return
        bits = found.size.bit_length() - 1
        low = found.size - 1
        gpa = found.gpa & ~low if found.gpa >= 0 else -1
        entry = Entry(found.hpa & ~low, gpa, found.writable, write)
        self.tlb.use((gva >> bits, bits, self._tag), gva >> bits, entry)

    # -- one dimension ---------------------------------------------------------------------------

    def native(self, machine: Machine, gva: int, write: bool) -> Found:
        """The processor's own walk of one set of tables."""
        format = self.geometry.guest
        result = self._software(machine, gva, write)
        skipped = skip_native(result, self._tag, self.prefixes)
        reads = _row(result, 0, "kernel", "read", format, skipped)
        return Found(
            _mark_end(machine, reads, result), ("row.table",), self._names(result), "formula.bare",
            {"n": len(result.refs)}, -1, result.address if result.fault is None else -1,
            result.fault, "", result.page_size, result.writable)

    def shadow(self, machine: Machine, gva: int, write: bool) -> Found:
        """A walk of the shadow; on a miss the VMM's look, the fill, and the second try."""
        format = self.geometry.guest
        first = self._shadow_walk(machine, gva, write)
        if first.fault is None:
            reads = self._shadow_row(first, 0)
            gpa = self._software(machine, gva, write, mark=False).address
            return Found(
                reads, ("row.shadow",), self._names(first), "formula.warm",
                {"n": len(first.refs)}, gpa, first.address, None, "", first.page_size,
                first.writable)
        reads = self._shadow_row(first, 0)
        reads = (*reads[:-1], replace(reads[-1], after="hidden"))
        look = self._software(machine, gva, write)
        reads += _row(look, 1, "kernel", "read.software", format, {})
        facts = {"n": len(look.refs), "total": 0}
        rows = ("row.miss", "row.guest", "row.retry")
        columns = self._names(look)
        if look.fault is not None or look.address >= GUEST_SIZE:
            kind = "" if look.fault is not None else "denied"
            reads = _mark_end(machine, reads, look)
            if kind:
                reads = (*reads[:-1], replace(reads[-1], after=kind))
            facts["total"] = len(reads)
            return Found(
                reads, rows, columns, "formula.shadow", facts, look.address, -1, look.fault, kind)
        hpa = machine.place(look.address)
        self._fill(machine, gva, hpa, look)
        reads = (*reads[:-1], replace(reads[-1], after="filled"))
        again = self._shadow_walk(machine, gva, write)
        reads += self._shadow_row(again, 2)
        facts.update(total=sum(not read.skipped for read in reads), n=len(again.refs))
        return Found(
            reads, rows, columns, "formula.shadow", facts, look.address, hpa, None, "",
            again.page_size, again.writable)

    def _shadow_walk(self, machine: Machine, gva: int, write: bool) -> Walk:
        format = self.geometry.guest

        def read_entry(address: int) -> int:
            return self.host.memory.read(address, format.entry_bytes)

        return walk(format, machine.shadow.root, gva, read_entry, write=write, user=True)

    def _shadow_row(self, result: Walk, row: int) -> tuple[Read, ...]:
        skipped = skip_native(result, self._tag, self.prefixes) if result.fault is None else {}
        return _row(result, row, "vmm", "read.shadow", self.geometry.guest, skipped)

    def _fill(self, machine: Machine, gva: int, hpa: int, look: Walk) -> None:
        """One shadow entry, of the smaller of the guest's and the host's pages."""
        format = self.geometry.guest
        bits = format.bits
        shift = min(look.page_size.bit_length() - 1, self.geometry.host_page)
        flags = bits.present | bits.user | (bits.write if look.writable else 0)
        size = 1 << shift
        machine.shadow.map(
            gva & -size, (hpa & -size) >> FRAME_SHIFT, flags, level_of(format, shift))

    def _software(self, machine: Machine, gva: int, write: bool, mark: bool = True) -> Walk:
        """A walk of the guest's own tables, with A and D set if it succeeds."""
        format, memory = self.geometry.guest, self.host.memory

        def read_entry(address: int) -> int:
            return memory.read(machine.place(address), format.entry_bytes)

        result = walk(format, machine.tables.root, gva, read_entry, write=write, user=True)
        if mark and result.fault is None:
            for address, entry in marks(format, result, write):
                memory.write(machine.place(address), entry, format.entry_bytes)
        return result

    def _names(self, result: Walk) -> tuple[str, ...]:
        """Levels the walk went through, or would have."""
        format = self.geometry.guest
        depth = len(format.levels) - level_of(format, self.geometry.page) + 1
        return tuple(level.name for level in format.levels[: max(depth, len(result.refs))])

    # -- two dimensions --------------------------------------------------------------------------

    def nested(self, machine: Machine, gva: int, write: bool) -> Found:
        """The two-dimensional walk of guest tables and the host's."""
        guest, nested = self.geometry.guest, self.geometry.nested
        assert nested is not None and self.caches is not None
        result = self._grid(machine, gva, write)
        skipped = self.caches.skip(result, self._tag, machine.number)
        found = self._grid_found(result, skipped)
        reads = found.reads
        fault = result.guest.fault if result.guest else None
        exit, qualification = _exit(result, write, nested)
        if fault is not None:
            reads = (*reads[:-1], replace(reads[-1], after=_why(fault), error=fault))
        elif exit:
            reads = (*reads[:-1], replace(reads[-1], after=exit, error=qualification))
        elif result.guest is not None:
            for address, entry in marks(guest, result.guest, write):
                self.host.memory.write(machine.place(address), entry, guest.entry_bytes)
        size = 0
        if result.hpa >= 0 and result.guest is not None:
            last = reads[-1].reference
            depth = len(nested.levels) - last.level
            size = min(result.guest.page_size, nested.levels[depth].page_size)
        return replace(
            found, reads=reads, gpa=result.gpa, hpa=result.hpa, fault=fault, exit=exit, size=size,
            writable=bool(result.guest and result.guest.writable))

    def _grid(self, machine: Machine, gva: int, write: bool) -> NestedWalk:
        guest, nested = self.geometry.guest, self.geometry.nested
        assert nested is not None and machine.extended is not None
        return nested_walk(
            guest, machine.tables.root, nested, machine.extended.root, gva,
            self.host.memory.read, write=write, user=True)

    def _grid_found(self, result: NestedWalk, skipped: Mapping[int, str]) -> Found:
        """The references of a nested walk in their grid."""
        guest, nested = self.geometry.guest, self.geometry.nested
        assert nested is not None
        m = len(nested.levels) - level_of(nested, self.geometry.host_page) + 1
        n = len(guest.levels) - level_of(guest, self.geometry.page) + 1
        reads = []
        for ref in result.refs:
            own = ref.dimension == "guest"
            n = max(n, ref.row + own)
            reads.append(Read(
                0, ref.row, m if own else ref.column, "kernel" if own else "vmm",
                "read.guest" if own else "read.nested", ref.reference, guest if own else nested,
                ref.gpa, skipped.get(ref.number, "")))
        rows = tuple(level.name for level in guest.levels[:n])
        columns = tuple(level.name for level in nested.levels[:m])
        return Found(
            tuple(reads), (*rows, "row.data"), (*columns, "column.guest"), "formula.nested",
            {"n": n, "m": m, "total": (n + 1) * (m + 1) - 1})

    # -- what a TLB hit makes needless -----------------------------------------------------------

    def spared_native(self, machine: Machine, gva: int, write: bool) -> Found:
        """The references of one dimension."""
        result = self._software(machine, gva, write, mark=False)
        reads = _row(result, 0, "kernel", "read", self.geometry.guest, {})
        return Found(reads, ("row.table",), self._names(result), "", {})

    def spared_shadow(self, machine: Machine, gva: int, write: bool) -> Found:
        """The references of the shadow."""
        result = self._shadow_walk(machine, gva, write)
        reads = _row(result, 0, "vmm", "read.shadow", self.geometry.guest, {})
        return Found(reads, ("row.shadow",), self._names(result), "", {})

    def spared_nested(self, machine: Machine, gva: int, write: bool) -> Found:
        """The whole grid."""
        return self._grid_found(self._grid(machine, gva, write), {})


Technique = Callable[[Journey, Machine, int, bool], Found]
SPARED: Mapping[str, Technique] = {
    "none": Journey.spared_native,
    "shadow": Journey.spared_shadow,
    "nested": Journey.spared_nested,
}
TECHNIQUES: Mapping[str, Technique] = {
    "none": Journey.native,
    "shadow": Journey.shadow,
    "nested": Journey.nested,
}


def _entries(format: PagingFormat, there: bool) -> dict[int, int]:
    return dict.fromkeys(range(2, len(format.levels) + 1), WALK_ENTRIES) if there else {}


def _row(
    result: Walk, row: int, context: str, message: str, format: PagingFormat,
    skipped: Mapping[int, str],
) -> tuple[Read, ...]:
    return tuple(
        Read(0, row, column, context, message, reference, format,
             skipped=skipped.get(column + 1, ""))
        for column, reference in enumerate(result.refs))


def _count(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """Number those that are made."""
    numbered, number = [], 0
    for read in reads:
        number += not read.skipped
        numbered.append(read if read.skipped else replace(read, number=number))
    return tuple(numbered)


def _mark_end(machine: Machine, reads: tuple[Read, ...], result: Walk) -> tuple[Read, ...]:
    """Say what the last reference led to; reads beyond memory give ones."""
    last = reads[-1]
    if result.fault is not None:
        last = replace(last, after=_why(result.fault), error=result.fault)
    elif machine.place(result.refs[-1].address) >= machine.host.memory.size:
        last = replace(last, after="ones")
    return (*reads[:-1], last)


def _why(fault: int) -> str:
    """Which kind of page fault an error code tells (SDM vol. 3A, 4.7)."""
    if fault & ERROR_RESERVED:
        return "fault.reserved"
    return "fault.denied" if fault & 1 else "fault"


def _exit(result: NestedWalk, write: bool, nested: PagingFormat) -> tuple[str, int]:
    """The exit a failed nested walk makes, with its qualification (SDM vol. 3C, table 28-7).

    Where the host's tables have the ordinary format, as AMD's have, it is a nested page fault
    with an error code (AMD64 manual vol. 2, 15.25.6).
    """
    failed = result.violation
    if failed is None or failed.fault is None:
        return "", 0
    if nested.bits is not EPT_BITS:
        return "npf", failed.fault
    if failed.fault & ERROR_RESERVED:
        return "misconfiguration", 0
    rights = 7
    for ref in failed.refs:
        rights &= ref.entry
    final = result.guest is not None
    access = WRITE if write and final else READ
    return "violation", access | rights << 3 | LINEAR_VALID | (FINAL if final else 0)
