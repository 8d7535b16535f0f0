"""What the lab "Walks" shows: accesses, one after the other, and every reference each makes.

A :class:`Journey` takes accesses through TLB, walk caches and tables; the walks are those of
``machine.walker`` and ``machine.nested``, what the caches save is ``machine.walk_caches``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..machine.memory import FRAME, FRAME_SHIFT
from ..machine.nested import NestedWalk, nested_walk
from ..machine.paging import ERROR_PRESENT, PagingFormat
from ..machine.walk_caches import LruCache, NestedCaches, PrefixCaches, skip_native
from ..machine.walker import Walk, marks, walk
from .walk_beats import Access, Beat, Entry, Features, Found, Origin, Read, Tour
from .walk_reads import exit_of, mark_end, mark_loops, numbered, row_of, runs, why, written
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

    def access(
        self, number: int, gva: int, *, write: bool = False, user: bool = True,
        fetch: bool = False, origin: Origin | None = None,
    ) -> Tour:
        """Translate one access of a machine, and remember it."""
        beats = self.switch(number)
        machine, ask = self.machine, Access(gva, write, user, fetch)
        entry, reason = self._look_up(ask)
        if entry is not None:
            offset = gva & FRAME - 1
            beats.append(Beat("hit" if self._is_fresh(machine, ask, entry) else "stale"))
            spared = SPARED[self.technique](self, machine, ask)
            reads = tuple(replace(read, skipped=TLB) for read in spared.reads)
            tour = Tour(
                number, gva, write, tuple(beats), reads, spared.rows, spared.columns,
                "formula.hit", {}, "done",
                entry.gpa | offset if entry.gpa >= 0 else -1, entry.hpa | offset, origin=origin)
        else:
            if self.tlb is not None:
                beats.append(Beat(reason))
            found = TECHNIQUES[self.technique](self, machine, ask)
            reads = numbered(mark_loops(found.reads, self.geometry.guest))
            beats += [Beat("read", read.number, read) for read in reads if not read.skipped]
            self._remember(ask, found)
            tour = Tour(
                number, gva, write, tuple(beats), reads, found.rows, found.columns, found.formula,
                found.facts, "done.nested" if machine.second else "done", found.gpa, found.hpa,
                found.fault, found.exit, origin)
        self.tours.append(tour)
        return tour

    def invalidate(self, gva: int, origin: Origin | None = None) -> Tour:
        """INVLPG: the guest drops a translation from the TLB, and all walk caches."""
        dropped = 0
        if self.tlb is not None:
            dropped = sum(self.tlb.drop(key, index) for key, index in self._keys(gva))
        return self._flushed(Beat("invalidated", count=dropped), gva, origin)

    def empty(self, origin: Origin) -> Tour:
        """MOV CR3: the machine that runs loses its translations."""
        dropped = 0
        for key, index in [((page, bits, tag), page) for page, bits, tag, _ in self.held
                           if tag == self._tag]:
            assert self.tlb is not None
            dropped += self.tlb.drop(key, index)
        return self._flushed(Beat("emptied", count=dropped), origin.address, origin)

    def _flushed(self, beat: Beat, gva: int, origin: Origin | None) -> Tour:
        self.prefixes.flush()
        before = self.tours[-1] if self.tours else None
        tour = Tour(
            self.current, gva, False, (beat,), (), before.rows if before else (),
            before.columns if before else (), "formula.hit", {}, "done", origin=origin)
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

    def _look_up(self, ask: Access) -> tuple[Entry | None, str]:
        """The TLB's answer; or why there is none: a miss, a first write, or a right it lacks."""
        if self.tlb is None:
            return None, "miss"
        for key, index in self._keys(ask.gva):
            entry = self.tlb.get(key, index)
            if isinstance(entry, Entry):
                size = 1 << key[1]
                denied = ask.user and not entry.user or ask.write and not entry.writable
                denied = denied or ask.fetch and not entry.executable
                if denied or ask.write and not entry.dirty:
                    self.tlb.drop(key, index)
                    return None, "rights" if denied else "clean"
                rest = ask.gva & size - 1 & ~(FRAME - 1)
                gpa = entry.gpa | rest if entry.gpa >= 0 else -1
                return replace(entry, hpa=entry.hpa | rest, gpa=gpa), ""
        return None, "miss"

    def _is_fresh(self, machine: Machine, ask: Access, entry: Entry) -> bool:
        """Whether the tables still say what the TLB does."""
        if self.geometry.nested is not None:
            return self._grid(machine, ask).hpa & -FRAME == entry.hpa & -FRAME
        now = self._software(machine, ask, mark=False)
        return now.fault is None and machine.place(now.address) & -FRAME == entry.hpa & -FRAME

    def _remember(self, ask: Access, found: Found) -> None:
        if self.tlb is None or found.size == 0:
            return
        bits = found.size.bit_length() - 1
        low = found.size - 1
        gpa = found.gpa & ~low if found.gpa >= 0 else -1
        entry = Entry(
            found.hpa & ~low, gpa, found.writable, found.user, found.executable, ask.write)
        page = ask.gva >> bits
        self.tlb.use((page, bits, self._tag), page, entry)

    # -- one dimension ---------------------------------------------------------------------------

    def native(self, machine: Machine, ask: Access) -> Found:
        """The processor's own walk of one set of tables."""
        format = self.geometry.guest
        result = self._software(machine, ask)
        skipped = skip_native(result, self._tag, self.prefixes)
        reads = row_of(result, 0, "kernel", "read", format, skipped)
        return Found(
            mark_end(machine, reads, result), ("row.table",), self._names(result), "formula.bare",
            {"n": len(result.refs)}, -1, result.address if result.fault is None else -1,
            result.fault, "", result.page_size, result.writable, result.user,
            result.executable)

    def shadow(self, machine: Machine, ask: Access) -> Found:
        """A walk of the shadow; on a miss the VMM's look, the fill, and the second try."""
        format = self.geometry.guest
        first = self._shadow_walk(machine, ask, mark=True)
        if first.fault is None:
            reads = self._shadow_row(first, 0)
            gpa = self._software(machine, ask, mark=False).address
            return Found(
                reads, ("row.shadow",), self._names(first), "formula.warm",
                {"n": len(first.refs)}, gpa, first.address, None, "", first.page_size,
                first.writable, first.user, first.executable)
        reads = self._shadow_row(first, 0)
        hidden = "hidden.denied" if first.fault & ERROR_PRESENT else "hidden"
        reads = (*reads[:-1], replace(reads[-1], after=hidden))
        look = self._software(machine, ask)
        reads += row_of(look, 1, "kernel", "read.software", format, {})
        facts = {"n": len(look.refs), "total": 0}
        rows = ("row.miss", "row.guest", "row.retry")
        columns = self._names(look)
        if look.fault is not None or look.address >= GUEST_SIZE:
            kind = "" if look.fault is not None else "denied"
            reads = mark_end(machine, reads, look)
            if kind:
                reads = (*reads[:-1], replace(reads[-1], after=kind))
            facts["total"] = len(reads)
            return Found(
                reads, rows, columns, "formula.shadow", facts,
                look.address if look.fault is None else -1, -1, look.fault, kind)
        hpa = machine.place(look.address)
        self._fill(machine, ask, hpa, look)
        reads = (*reads[:-1], replace(reads[-1], after="filled"))
        again = self._shadow_walk(machine, ask, mark=True)
        reads += self._shadow_row(again, 2)
        facts.update(total=sum(not read.skipped for read in reads), n=len(again.refs))
        return Found(
            reads, rows, columns, "formula.shadow", facts, look.address, hpa, None, "",
            again.page_size, again.writable, again.user, again.executable)

    def _shadow_walk(self, machine: Machine, ask: Access, mark: bool = False) -> Walk:
        format, memory = self.geometry.guest, self.host.memory

        def read_entry(address: int) -> int:
            return memory.read(address, format.entry_bytes)

        result = walk(
            format, machine.shadow.root, ask.gva, read_entry, write=ask.write, user=ask.user,
            fetch=ask.fetch)
        if mark and result.fault is None:
            for address, entry in marks(format, result, ask.write):
                memory.write(address, entry, format.entry_bytes)
        return result

    def _shadow_row(self, result: Walk, row: int) -> tuple[Read, ...]:
        skipped = skip_native(result, self._tag, self.prefixes) if result.fault is None else {}
        return row_of(result, row, "vmm", "read.shadow", self.geometry.guest, skipped)

    def _fill(self, machine: Machine, ask: Access, hpa: int, look: Walk) -> None:
        """One shadow entry, of the smaller of the guest's and the host's pages.

        Read-only until the guest's own entry is dirty, so that the first write is noticed.
        """
        format = self.geometry.guest
        bits = format.bits
        shift = min(look.page_size.bit_length() - 1, self.geometry.host_page)
        flags = bits.present | (bits.user if look.user else 0)
        flags |= 0 if look.executable else bits.no_execute
        dirty = ask.write or look.refs[-1].entry & bits.dirty
        flags |= bits.write if look.writable and dirty else 0
        size = 1 << shift
        machine.shadow.map(
            ask.gva & -size, (hpa & -size) >> FRAME_SHIFT, flags, level_of(format, shift))

    def _software(self, machine: Machine, ask: Access, mark: bool = True) -> Walk:
        """A walk of the guest's own tables, with A and D set if it succeeds."""
        format, memory = self.geometry.guest, self.host.memory

        def read_entry(address: int) -> int:
            return memory.read(machine.place(address), format.entry_bytes)

        result = walk(
            format, machine.tables.root, ask.gva, read_entry, write=ask.write, user=ask.user,
            fetch=ask.fetch)
        if mark and result.fault is None:
            for address, entry in marks(format, result, ask.write):
                memory.write(machine.place(address), entry, format.entry_bytes)
        return result

    def _names(self, result: Walk) -> tuple[str, ...]:
        """Levels the walk went through, or would have."""
        format = self.geometry.guest
        depth = len(format.levels) - level_of(format, self.geometry.page) + 1
        return tuple(level.name for level in format.levels[: max(depth, len(result.refs))])

    # -- two dimensions --------------------------------------------------------------------------

    def nested(self, machine: Machine, ask: Access) -> Found:
        """The two-dimensional walk of guest tables and the host's."""
        guest, nested = self.geometry.guest, self.geometry.nested
        assert nested is not None and self.caches is not None
        result = self._grid(machine, ask, mark=True)
        skipped = self.caches.skip(result, self._tag, machine.number)
        found = self._grid_found(result, skipped)
        reads = found.reads
        fault = result.guest.fault if result.guest else None
        exit, qualification = exit_of(result, ask, nested)
        if fault is not None:
            reads = (*reads[:-1], replace(reads[-1], after=why(fault), error=fault))
        elif exit:
            reads = (*reads[:-1], replace(reads[-1], after=exit, error=qualification))
        elif result.guest is not None:
            for address, entry in marks(guest, result.guest, ask.write):
                self.host.memory.write(machine.place(address), entry, guest.entry_bytes)
        size = 0
        if result.hpa >= 0 and result.guest is not None:
            last = reads[-1].reference
            depth = len(nested.levels) - last.level
            size = min(result.guest.page_size, nested.levels[depth].page_size)
        return replace(
            found, reads=reads, gpa=result.gpa, hpa=result.hpa, fault=fault, exit=exit, size=size,
            writable=bool(result.guest and result.guest.writable),
            user=bool(result.guest and result.guest.user),
            executable=bool(result.guest and result.guest.executable) and runs(result, nested))

    def _grid(self, machine: Machine, ask: Access, mark: bool = False) -> NestedWalk:
        guest, nested = self.geometry.guest, self.geometry.nested
        assert nested is not None and machine.extended is not None
        memory, flag = self.host.memory, nested.bits
        tables = set(machine.extended.tables)
        if not nested.levels[0].checked:  # the PDPTEs of PAE have no such flag
            tables.discard(machine.extended.root)

        def read(hpa: int, size: int) -> int:
            """Read, and set the accessed flag of an entry of the host's that is used."""
            value = memory.read(hpa, size)
            if mark and hpa & -FRAME in tables and value & flag.needed and value & flag.present:
                memory.write(hpa, value | flag.accessed, size)
            return value

        result = nested_walk(
            guest, machine.tables.root, nested, machine.extended.root, ask.gva, read,
            write=ask.write, user=ask.user, fetch=ask.fetch)
        for at in written(result, ask.write) if mark else ():
            size = nested.entry_bytes
            memory.write(at, memory.read(at, size) | flag.dirty, size)
        return result

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
            {"n": n, "m": m, "whole": (n + 1) * (m + 1) - 1})

    # -- what a TLB hit makes needless -----------------------------------------------------------

    def spared_native(self, machine: Machine, ask: Access) -> Found:
        """The references of one dimension."""
        result = self._software(machine, ask, mark=False)
        reads = row_of(result, 0, "kernel", "read", self.geometry.guest, {})
        return Found(reads, ("row.table",), self._names(result), "", {})

    def spared_shadow(self, machine: Machine, ask: Access) -> Found:
        """The references of the shadow."""
        result = self._shadow_walk(machine, ask)
        reads = row_of(result, 0, "vmm", "read.shadow", self.geometry.guest, {})
        return Found(reads, ("row.shadow",), self._names(result), "", {})

    def spared_nested(self, machine: Machine, ask: Access) -> Found:
        """The whole grid."""
        return self._grid_found(self._grid(machine, ask), {})


Technique = Callable[[Journey, Machine, Access], Found]
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
