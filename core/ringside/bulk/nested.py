"""Two-dimensional walks by the million, equal to :func:`ringside.machine.nested.nested_walk`.

Many accesses use few guest tables, so the nested walk of a guest frame is made once for each call
and remembered (``share``), the way a nested TLB would; every reference is still *counted* as
often as hardware without such caches makes it: (n + 1)(m + 1) - 1 for a full walk. With ``share``
False every nested walk of every access is really made, which is the same but for its time.

A and D are written in both dimensions, for accesses that succeed. A processor that keeps A and D
in its EPT takes its own use of a guest table for a write there (SDM vol. 3C, 29.3.5), which sets D
and which a host entry without the right to write refuses, with the bits for read and write in the
exit qualification (29.3.3.2). Here, as in ``machine.nested``, only the right to read is asked for,
and D is left as it is: places and counts are the same as long as the host's entries for guest
tables allow writes. :mod:`ringside.machine.vmx.ept` does what the processor does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringside.bulk.arrays import (
    CHUNK,
    Addresses,
    Bools,
    Bytes,
    Flag,
    Ints,
    Small,
    addresses,
    flags,
    part,
    slices,
)
from ringside.bulk.walks import NONE, Access, Descent, Group, Out, Walker
from ringside.machine.memory import FRAME, FRAME_SHIFT, Memory
from ringside.machine.paging import ERROR_PRESENT, ERROR_USER, ERROR_WRITE, PagingFormat
from ringside.machine.tlb import WRITABLE

# What is remembered of a guest frame: its host frame's address with this bit (the address's own
# low bits are free), LOST if it has none, 0 if nobody asked yet.
FOUND = 1
LOST = 2

# Flags of a remembered frame
CAN_WRITE = 1
MARKED = 2  # A is set along its nested walk
DIRTIED = 4  # and D in the last entry

MAX_FRAMES = 1 << 24  # frames of the largest physical address the formats accept


@dataclass(frozen=True, slots=True)
class NestedOutcome:
    """One access: its guest page fault, or its nested violation, or its host address."""

    gva: int
    gpa: int
    hpa: int
    fault: int | None
    violation: int | None
    level: int
    references: int


@dataclass(frozen=True, slots=True)
class NestedWalks:
    """What each access came to, one array for each question; -1 is none.

    ``gpa``: the data's guest-physical address; after a violation the one that has no place.
    ``fault``: the guest's page-fault error code. ``violation``: the code of the nested walk that
    failed. ``level``: the guest level the walk ended at, 0 for a violation at the data itself.
    ``rights``: TLB flags of the guest's walk. ``page_bits``: binary logarithm of the smaller of
    the two pages, which is what a TLB can hold.
    """

    gva: Ints
    gpa: Ints
    hpa: Ints
    fault: Small
    violation: Small
    level: Small
    rights: Bytes
    page_bits: Small
    references: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.gva)

    @property
    def faults(self) -> int:
        """How many accesses ended in a guest page fault."""
        return int(np.count_nonzero(self.fault != NONE))

    @property
    def violations(self) -> int:
        """How many accesses ended in a nested violation."""
        return int(np.count_nonzero(self.violation != NONE))

    def __getitem__(self, number: int) -> NestedOutcome:
        """One access, in plain integers."""
        fault, violation = int(self.fault[number]), int(self.violation[number])
        return NestedOutcome(
            int(self.gva[number]),
            int(self.gpa[number]),
            int(self.hpa[number]),
            None if fault == NONE else fault,
            None if violation == NONE else violation,
            int(self.level[number]),
            int(self.references[number]),
        )

    def part(self, chosen: slice) -> NestedWalks:
        """Views of the results of some accesses."""
        return NestedWalks(
            self.gva[chosen], self.gpa[chosen], self.hpa[chosen], self.fault[chosen],
            self.violation[chosen], self.level[chosen], self.rights[chosen],
            self.page_bits[chosen], self.references[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trail:
    """What each access's walk translated: a row for every guest table, the data last.

    ``gfns``: guest frame numbers, -1 where the walk did not come. ``ends``: the level its nested
    walk ended at, negative if it found no place. ``entries``: guest entries each access read.
    """

    gfns: Ints
    ends: Small
    entries: Small

    def part(self, chosen: slice) -> Trail:
        """Views of the trails of some accesses."""
        return Trail(self.gfns[:, chosen], self.ends[:, chosen], self.entries[chosen])

    def note(self, depth: int, rows: Ints | None, gfns: Ints, host: _Host) -> None:
        """Keep what some accesses (None: all) translated."""
        chosen = slice(None) if rows is None else rows
        level = host.level.take(gfns)
        self.gfns[depth, chosen] = gfns
        self.ends[depth, chosen] = np.where(host.fault.take(gfns) == NONE, level, -level)


class _Host:
    """Where guest frames lie, by nested walks made when first asked for."""

    def __init__(self, walker: Walker, root: int, mark: bool) -> None:
        self.walker = walker
        self.root = root
        self.mark = mark
        self.place = np.zeros(0, np.int64)
        self.flags = np.zeros(0, np.uint8)
        self.fault = np.zeros(0, np.int8)
        self.level = np.zeros(0, np.int8)
        self.last = np.zeros(0, np.int32)  # number of its last mention: _once
        self.levels: set[int] = set()
        self.reach = 0  # no known place lies at or beyond this address
        self.protected = False  # some known frame cannot be written
        self.pending = 0  # known frames that are not MARKED

    def grow(self, top: int) -> None:
        """Make room for guest frame ``top``."""
        if top < len(self.place):
            return
        size = min(1 << max(top.bit_length(), 10), MAX_FRAMES)
        for name in ("place", "flags", "fault", "level", "last"):
            old = getattr(self, name)
            new = np.zeros(size, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def ask(self, gfns: Ints, mark: bool) -> None:
        """Walk to these guest frames (each once), setting A if asked."""
        walks = self.walker.walk(
            self.root, gfns << FRAME_SHIFT, user=True, mark=mark and self.mark
        )
        found = walks.fault == NONE
        writable = walks.rights & WRITABLE != 0
        self.place[gfns] = np.where(found, walks.address | FOUND, LOST)
        self.fault[gfns] = walks.fault
        self.level[gfns] = walks.level
        self.flags[gfns] = np.where(writable, CAN_WRITE, 0) | (MARKED if mark else 0)
        self.levels.update(np.unique(walks.level).tolist())
        self.reach = max(self.reach, int(walks.address.max()) + FRAME)
        self.protected = self.protected or not (writable | ~found).all()
        if not mark:
            self.pending += int(np.count_nonzero(found))

    def look_up(self, gfns: Ints, out: Ints, mark: bool) -> Bools | None:
        """Put the places of ``gfns`` in ``out``; tell which have none (None: all have one)."""
        self.place.take(gfns, out=out, mode="clip")
        if int(np.bitwise_and.reduce(out)) & FOUND:
            return None
        unknown = (out == 0).nonzero()[0]
        if len(unknown):
            self.ask(self._once(gfns.take(unknown)), mark)
            self.place.take(gfns, out=out, mode="clip")
        lost = out & FOUND == 0
        return lost if lost.any() else None

    def touch(self, gfns: Ints, written: Bools | None) -> None:
        """Set A for these frames, and D for those ``written`` (None: for none)."""
        if not self.mark:
            return
        if written is not None:
            lacking = self.flags.take(gfns) & (MARKED | DIRTIED) != MARKED | DIRTIED
            self._mark(gfns, lacking & written, MARKED | DIRTIED)
        if self.pending:
            self._mark(gfns, self.flags.take(gfns) & MARKED == 0, MARKED)

    def _mark(self, gfns: Ints, which: Bools, wanted: int) -> None:
        chosen = which.nonzero()[0]
        if len(chosen):
            fresh = self._once(gfns.take(chosen))
            self.pending -= int(np.count_nonzero(self.flags[fresh] & MARKED == 0))
            self.flags[fresh] |= wanted
            self.walker.walk(
                self.root, fresh << FRAME_SHIFT, user=True, write=bool(wanted & DIRTIED)
            )

    def _once(self, gfns: Ints) -> Ints:
        """Each of these frames once."""
        numbers = np.arange(len(gfns), dtype=np.int32)
        self.last[gfns] = numbers
        found: Ints = gfns.take((self.last.take(gfns) == numbers).nonzero()[0])
        return found


def _empty(gva: Ints) -> NestedWalks:
    """Results yet to be written."""
    size = len(gva)
    gpa, hpa = (np.empty(size, np.int64) for _ in range(2))
    fault, violation, level, page_bits = (np.empty(size, np.int8) for _ in range(4))
    rights, references = np.empty(size, np.uint8), np.empty(size, np.int16)
    return NestedWalks(gva, gpa, hpa, fault, violation, level, rights, page_bits, references)


class NestedWalker:
    """Two-dimensional walks: guest tables of one format under nested tables of another."""

    def __init__(
        self,
        guest_format: PagingFormat,
        nested_format: PagingFormat,
        memory: Memory,
        *,
        chunk: int = CHUNK,
        share: bool = True,
    ) -> None:
        self.guest_format = guest_format
        self.nested_format = nested_format
        self.chunk = chunk
        self._guest = Descent(guest_format, memory, True, chunk)
        self._nested = Walker(nested_format, memory, chunk=chunk)
        self._every = None if share else Descent(nested_format, memory, True, chunk)
        self._work = np.empty((3, chunk), np.int64)
        self._gpas = np.empty(chunk, np.int64)
        self._out = Out(
            np.empty(chunk, np.int64),
            np.empty(chunk, np.int8),
            np.empty(chunk, np.int8),
            np.empty(chunk, np.uint8),
        )
        shifts = [0, *(level.shift for level in reversed(guest_format.levels))]
        self._guest_bits = np.array(shifts, np.int8)
        shifts = [0, *(level.shift for level in reversed(nested_format.levels))]
        self._nested_bits = np.array(shifts, np.int8)

    def walk(
        self,
        guest_root: int,
        nested_root: int,
        gva: Addresses,
        *,
        write: Flag = False,
        user: Flag = False,
        wp: bool = True,
        mark: bool = True,
    ) -> NestedWalks:
        """Walk every address of ``gva`` through both dimensions.

        ``guest_root`` is the guest's CR3 (a gpa), ``nested_root`` the nested pointer (an hpa);
        the rest is as in :meth:`Walker.walk <ringside.bulk.walks.Walker.walk>`.
        """
        asked = addresses(gva)
        size = len(asked)
        access = Access(flags(write, size), flags(user, size), wp)
        walks = _empty(asked)
        host = _Host(self._nested, nested_root, mark)
        for chosen in slices(size, self.chunk):
            self._chunk(walks.part(chosen), guest_root, access.of(chosen), host, None)
        return walks

    def trail(
        self, guest_root: int, nested_root: int, gva: Addresses, *, write: Flag, user: Flag
    ) -> Trail:
        """Walk, and keep what is translated on the way; A and D stay as they are."""
        asked = addresses(gva)
        size = len(asked)
        shape = (len(self.guest_format.levels) + 1, size)
        trail = Trail(np.full(shape, NONE), np.zeros(shape, np.int8), np.zeros(size, np.int8))
        access = Access(flags(write, size), flags(user, size), True)
        host = _Host(self._nested, nested_root, False)
        for chosen in slices(size, self.chunk):
            walks = _empty(asked[chosen])
            self._chunk(walks, guest_root, access.of(chosen), host, trail.part(chosen))
        return trail

    # -- one chunk -------------------------------------------------------------------------------

    def _chunk(
        self,
        walks: NestedWalks,
        guest_root: int,
        access: Access,
        host: _Host,
        trail: Trail | None,
    ) -> None:
        size = len(walks)
        walks.violation.fill(NONE)
        walks.hpa.fill(NONE)
        walks.references.fill(0)
        out = Out(walks.gpa, walks.fault, walks.level, walks.rights)
        levels = len(self.guest_format.levels)
        root = guest_root & self.guest_format.root_mask

        # The root table is the same for all of them, and its address may be anything.
        above = self._nested.walk(host.root, [root], user=True, mark=host.mark)[0]
        walks.references.fill(above.references)
        walks.page_bits.fill(0)
        if trail is not None:
            end = len(self.nested_format.levels) + 1 - above.references
            trail.gfns[0] = root >> FRAME_SHIFT
            trail.ends[0] = end if above.fault is None else -end
        if above.fault is not None:
            walks.fault.fill(NONE)
            walks.rights.fill(0)
            walks.level.fill(levels)
            self._lose(walks, 0, np.arange(size), np.full(size, root), above.fault)
            return

        def locate(depth: int, group: Group, bits: int) -> tuple[Ints, int, Bools | None]:
            """Translate the tables a group goes on to."""
            gfns, places = self._work[:2, : len(group)]
            np.right_shift(group.table, FRAME_SHIFT, out=gfns)
            host.grow(bits >> FRAME_SHIFT)
            lost = host.look_up(gfns, places, mark=True)
            if host.pending:
                host.touch(gfns if lost is None else gfns[~lost], None)
            self._count(walks, group.rows, gfns, host)
            if trail is not None:
                trail.note(depth, group.rows, gfns, host)
            if lost is not None:
                chosen = lost.nonzero()[0]
                codes = host.fault[gfns[chosen]]
                self._lose(walks, depth, group.whose(chosen), group.table[chosen], codes)
            elif self._every is not None:
                self._walk_each(gfns, places, host)
            return places, host.reach, lost

        leaves = self._guest.run(walks.gva, above.address, access, out, locate)
        lost_tables = walks.violation != NONE
        # One reference for every guest entry read
        entries = np.subtract(levels + 1, walks.level, dtype=np.int8) - lost_tables
        np.add(walks.references, entries, out=walks.references)
        if trail is not None:
            trail.entries[:] = entries
        whole = len(leaves) == 1 and leaves[0].rows is None and leaves[0].good is None
        rows = None if whole else ((walks.fault == NONE) & ~lost_tables).nonzero()[0]
        done = self._data(walks, rows, access, host, trail)
        if host.mark:
            self._guest.mark(leaves, access.write, done)

    def _data(
        self,
        walks: NestedWalks,
        rows: Ints | None,
        access: Access,
        host: _Host,
        trail: Trail | None,
    ) -> Bools | None:
        """Translate the data's own gpa for ``rows``; tell which accesses are done (None: all)."""
        gpa = walks.gpa if rows is None else walks.gpa[rows]
        write = access.write if rows is None else part(access.write, rows)
        size = len(gpa)
        if size == 0:
            return np.zeros(len(walks), np.bool_)
        gfns, places, offsets = self._work[:, :size]
        np.right_shift(gpa, FRAME_SHIFT, out=gfns)
        host.grow(int(gfns.max()))
        lost = host.look_up(gfns, places, mark=False)
        self._count(walks, rows, gfns, host)
        if trail is not None:
            trail.note(-1, rows, gfns, host)
        if host.protected and write is not False:
            denied = (host.flags.take(gfns) & CAN_WRITE == 0) & write
            lost = denied if lost is None else lost | denied
        if lost is not None and lost.any():
            chosen = lost.nonzero()[0]
            codes = host.fault[gfns[chosen]]
            codes[codes == NONE] = ERROR_PRESENT | ERROR_USER
            codes |= np.multiply(part(write, chosen), ERROR_WRITE, dtype=np.int8)
            bad = chosen if rows is None else rows[chosen]
            walks.violation[bad] = codes
            walks.level[bad] = 0
            walks.rights[bad] = 0
            kept = (~lost).nonzero()[0]
            rows = kept if rows is None else rows[kept]
            gpa, gfns, places, write = gpa[kept], gfns[kept], places[kept], part(write, kept)
            offsets = offsets[: len(kept)]
        elif self._every is not None:
            self._walk_each(gfns, places, host)
        np.bitwise_and(gpa, FRAME - 1, out=offsets)
        hpa = walks.hpa if rows is None else offsets
        np.add(places, offsets, out=hpa)
        np.subtract(hpa, FOUND, out=hpa)
        if rows is not None:
            walks.hpa[rows] = hpa
        self._sizes(walks, rows, gfns, host)
        if write is False:
            host.touch(gfns, None)
        else:
            host.touch(gfns, np.ones(len(gfns), np.bool_) if write is True else write)
        if rows is None:
            return None
        done = np.zeros(len(walks), np.bool_)
        done[rows] = True
        return done

    def _sizes(self, walks: NestedWalks, rows: Ints | None, gfns: Ints, host: _Host) -> None:
        """Say how large a page a TLB could hold for each access."""
        if rows is None and len(host.levels) == 1 and walks.level.min() == walks.level.max():
            bits = min(self._guest_bits[walks.level[0]], self._nested_bits[min(host.levels)])
            walks.page_bits.fill(bits)
            return
        level = walks.level if rows is None else walks.level[rows]
        guest = self._guest_bits.take(level)
        nested = self._nested_bits.take(host.level.take(gfns))
        walks.page_bits[slice(None) if rows is None else rows] = np.minimum(guest, nested)

    def _count(self, walks: NestedWalks, rows: Ints | None, gfns: Ints, host: _Host) -> None:
        """Count the references of the nested walks to ``gfns``."""
        levels = len(self.nested_format.levels) + 1
        counts: NDArray[np.int16] | int
        if len(host.levels) == 1:
            counts = levels - min(host.levels)
        else:
            counts = np.subtract(levels, host.level.take(gfns), dtype=np.int16)
        walks.references[slice(None) if rows is None else rows] += counts

    def _lose(
        self, walks: NestedWalks, depth: int, rows: Ints, tables: Ints, codes: Small | int
    ) -> None:
        """Note a violation at the entries of guest ``tables`` that could not be read."""
        step = self._guest.steps[depth]
        walks.violation[rows] = codes
        walks.gpa[rows] = tables | walks.gva[rows] >> step.shift & step.mask

    def _walk_each(self, gfns: Ints, places: Ints, host: _Host) -> None:
        """Make the nested walk of every access again, and use what it finds."""
        assert self._every is not None
        size = len(gfns)
        out = self._out.part(slice(size))
        root = host.root & self.nested_format.root_mask
        gpas = np.left_shift(gfns, FRAME_SHIFT, out=self._gpas[:size])
        self._every.run(gpas, root, Access(False, True, True), out)
        np.bitwise_or(out.address, FOUND, out=places)
