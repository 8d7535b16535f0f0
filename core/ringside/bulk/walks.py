"""Page walks by the million: whole arrays of addresses through one set of tables.

The tables are the real entries in simulated memory, the formats those of ``machine.paging``, and
the outcome of every access that of :func:`ringside.machine.walker.walk` (a property test holds
the two together). A chunk of accesses goes down the levels side by side; two reductions per
level tell whether all its entries are present, without reserved bits and of the same kind, which
is the usual case. Only otherwise are the accesses sorted out one by one.

A and D are written when a chunk is through, as :func:`~ringside.machine.walker.marks` says.
Frames that a device has taken over are read as the RAM behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    signed,
    slices,
)
from ringside.machine.memory import FRAME, FRAME_SHIFT, Memory
from ringside.machine.paging import (
    ERROR_PRESENT,
    ERROR_RESERVED,
    ERROR_USER,
    ERROR_WRITE,
    PagingFormat,
)
from ringside.machine.tlb import GLOBAL, USER, WRITABLE

NONE = -1  # no fault, no address


@dataclass(frozen=True, slots=True)
class Outcome:
    """One access: ``fault`` is its page-fault error code, or None and then ``address`` holds."""

    linear: int
    address: int
    fault: int | None
    references: int
    page_size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Walks:
    """What each access came to, one array for each question.

    ``address``: physical, -1 on a fault. ``fault``: the page-fault error code, -1 for none.
    ``level``: of the last entry read, 1 being the leaf. ``rights``: the flags a TLB would hold
    (``WRITABLE``, ``USER``, ``GLOBAL`` of ``machine.tlb``), 0 on a fault.
    """

    format: PagingFormat
    linear: Ints
    address: Ints
    fault: Small
    level: Small
    rights: Bytes

    def __len__(self) -> int:
        return len(self.linear)

    @property
    def faults(self) -> int:
        """How many accesses faulted."""
        return int(np.count_nonzero(self.fault != NONE))

    @property
    def references(self) -> Small:
        """Memory references of each walk."""
        return np.subtract(len(self.format.levels) + 1, self.level, dtype=np.int8)

    @property
    def page_bits(self) -> Small:
        """Binary logarithm of each access's page size; of no use where it faulted."""
        shifts = [0, *(level.shift for level in reversed(self.format.levels))]
        return np.array(shifts, np.int8).take(self.level)

    def __getitem__(self, number: int) -> Outcome:
        """One access, in plain integers."""
        level = int(self.level[number])
        fault = int(self.fault[number])
        levels = self.format.levels
        return Outcome(
            int(self.linear[number]),
            int(self.address[number]),
            None if fault == NONE else fault,
            len(levels) + 1 - level,
            levels[-level].page_size,
            int(self.rights[number]),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A level boiled down to masks; ``mask`` takes the index out of the shifted address.

    ``shift`` leaves the index where it counts bytes, so that a table's address can be or-ed in.
    """

    shift: int
    mask: int
    size: int
    large: int
    reserved: int
    large_reserved: int
    checked: bool
    number: int


@dataclass(frozen=True, slots=True)
class Access:
    """What the accesses want: flags for all of them or one for each."""

    write: Flag
    user: Flag
    wp: bool

    def of(self, chosen: slice | Ints) -> Access:
        """What some of them want."""
        return Access(part(self.write, chosen), part(self.user, chosen), self.wp)

    def code(self) -> Small | int:
        """The error code a not-present fault would have."""
        write = np.multiply(self.write, ERROR_WRITE, dtype=np.int8)
        user = np.multiply(self.user, ERROR_USER, dtype=np.int8)
        code: Small = np.bitwise_or(write, user)
        return code if code.ndim else int(code)

    def need(self, write: int, user: int) -> Ints | int:
        """The permission bits they need, ``write`` and ``user`` being those of the format."""
        if isinstance(self.write, bool) and isinstance(self.user, bool):
            needs_write = self.write and (self.user or self.wp)
            return (write if needs_write else 0) | (user if self.user else 0)
        writes = np.logical_and(self.write, np.logical_or(self.user, self.wp))
        needed: Ints = np.multiply(writes, write, dtype=np.int64)
        needed |= np.multiply(self.user, user, dtype=np.int64)
        return needed


@dataclass(frozen=True, slots=True)
class Out:
    """Where a chunk's results go: slices of the arrays of a :class:`Walks`."""

    address: Ints
    fault: Small
    level: Small
    rights: Bytes

    def part(self, chosen: slice) -> Out:
        """Where the results of some accesses go."""
        return Out(
            self.address[chosen], self.fault[chosen], self.level[chosen], self.rights[chosen]
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """A group of accesses that reached a page at ``depth``; ``rows`` None means all of them.

    ``good`` tells which passed the permission check (None: all), ``clean`` which entries of
    theirs have no D yet (None: not one).
    """

    rows: Ints | None
    depth: int
    good: Bools | None
    clean: Bools | None


class Group:
    """The accesses still going down: ``rows`` are their numbers in the chunk, None for all.

    ``common``: rights that every entry on their way has (and perhaps more have).
    """

    __slots__ = ("access", "common", "entry", "linear", "rights", "rows", "spare", "table")

    def __init__(self, linear: Ints, access: Access, work: Ints) -> None:
        self.linear = linear
        self.access = access
        self.rows: Ints | None = None
        self.common = -1
        self.entry, self.rights, self.table, self.spare = work

    def __len__(self) -> int:
        return len(self.linear)

    def whose(self, chosen: Ints) -> Ints:
        """Numbers in the chunk of some of the group."""
        return chosen if self.rows is None else self.rows[chosen]

    def some(self, chosen: Ints) -> Group:
        """Some of the accesses as a group of their own, in arrays of its own."""
        group = Group.__new__(Group)
        group.linear = self.linear[chosen]
        group.access = self.access.of(chosen)
        group.rows = self.whose(chosen)
        group.common = self.common
        group.entry = self.entry[chosen]
        group.rights = np.empty(len(chosen), np.int64)
        group.table = self.table[chosen]
        group.spare = np.empty(len(chosen), np.int64)
        return group


Locate = Callable[[int, Group, int], tuple[Ints, int, Bools | None]]
"""From a depth and the table addresses of a group (and all their bits or-ed) to where the tables
lie: their places, an address none of them reaches, and which have no place (None: all have)."""


class Descent:
    """Chunks of accesses going down one format's tables; owns the buffers they use."""

    def __init__(self, format: PagingFormat, memory: Memory, large_pages: bool, chunk: int) -> None:
        self.format = format
        self.memory = memory
        self.unit = format.entry_bytes.bit_length() - 1
        wide = format.entry_bytes == 8
        values: NDArray[Any] = np.frombuffer(memory.ram, np.int64 if wide else np.uint32)
        self.values = values
        self.steps = tuple(
            Step(
                level.shift - self.unit,
                (1 << level.index_bits) - 1 << self.unit,
                level.page_size,
                format.bits.large if level.large and large_pages else 0,
                signed(level.reserved),
                signed(level.large_reserved),
                level.checked,
                format.level_number(depth),
            )
            for depth, level in enumerate(format.levels)
        )
        self.mask = signed(format.address_mask)
        self.index = np.empty((len(self.steps), chunk), np.int64)
        self.lacking = [False] * len(self.steps)  # levels where some entry has no A yet
        self.size = 0
        self._blank = False  # whether the addresses of this chunk hold NONE where nothing else
        self._work = np.empty((4, chunk), np.int64)
        self._narrow = None if wide else np.empty(chunk, np.uint32)

    def run(
        self, linear: Ints, root: int, access: Access, out: Out, locate: Locate | None = None
    ) -> list[Leaf]:
        """Take a chunk down from the table at ``root``; return the groups that reached a page.

        Faults, addresses, levels and rights are in ``out`` afterwards; A and D are not written
        yet (:meth:`mark`). With ``locate`` the addresses of tables are translated before use; an
        access whose table has no place ends with its level in ``out`` and no fault.
        """
        out.fault.fill(NONE)
        out.rights.fill(0)
        self._blank = False
        if locate is not None:  # it may write to them itself
            self._clear(out)
        self.lacking = [False] * len(self.steps)
        self.size = len(linear)
        leaves: list[Leaf] = []
        group = Group(linear, access, self._work[:, : len(linear)])
        shared, any_bits = _all(linear)
        spread = shared ^ any_bits
        bits = root
        table: Ints | int = root
        same: int | None = None
        for depth, step in enumerate(self.steps):
            if depth:
                if same is None:
                    table = np.bitwise_and(group.entry, self.mask, out=group.table)
                else:
                    table = same & self.mask
                if locate is not None:
                    if same is not None:
                        group.table.fill(table)
                    table, bits, lost = locate(depth, group, bits)
                    if lost is not None:
                        out.level[group.whose(lost.nonzero()[0])] = step.number
                        kept = (~lost).nonzero()[0]
                        group, table = group.some(kept), table[kept]
                        if not len(group):
                            break
            same = self._read(depth, step, table, bits, group, spread)
            every, some = _all(group.entry) if same is None else (same, same)
            is_leaf = step.number == 1
            if not _uniform(step, self.format.bits.needed, every, some):
                group = self._sort_out(depth, step, group, out, leaves)
                if not len(group):
                    break
                same = None
                every, some = _all(group.entry)
            elif every & step.large:
                is_leaf = True
            if step.checked:
                self._account(depth, group, every)
            if is_leaf:
                leaves.append(self._leaf(depth, step, group, out, every, some, any_bits))
                break
            bits = some & self.mask
        return leaves

    def _clear(self, out: Out) -> None:
        """Let no access have an address yet, because not all of them will get one."""
        if not self._blank:
            self._blank = True
            out.address.fill(NONE)

    def _read(
        self, depth: int, step: Step, table: Ints | int, bits: int, group: Group, spread: int
    ) -> int | None:
        """Read each access's entry of its ``table``; what lies beyond RAM is all ones.

        ``bits`` are all the bits set in any table's address: only if they reach beyond RAM need
        the addresses be looked at one by one. ``spread`` are those in which linear addresses
        differ: accesses whose index is the same in the same table all read one entry, and then
        that is given back.
        """
        index = self.index[depth, : len(group)] if group.rows is None else group.spare
        same = -1
        if isinstance(table, int) and not spread >> step.shift & step.mask:
            same = (int(group.linear[0]) >> step.shift & step.mask | table) >> self.unit
        if 0 <= same < len(self.values):
            index.fill(same)
        else:
            same = -1
            np.right_shift(group.linear, step.shift, out=index)
            np.bitwise_and(index, step.mask, out=index)
            np.bitwise_or(index, table, out=index)
            np.right_shift(index, self.unit, out=index)
        ones = -1
        if self._narrow is None:
            self.values.take(index, out=group.entry, mode="clip")
        else:
            narrow = self._narrow[: len(group)]
            self.values.take(index, out=narrow, mode="clip")
            group.entry[:] = narrow
            ones = 0xFFFF_FFFF
        if bits + FRAME > self.memory.size:
            group.entry[index >= len(self.values)] = ones
        if group.rows is not None:
            self.index[depth, group.rows] = index
        return int(group.entry[0]) if same >= 0 else None

    def _account(self, depth: int, group: Group, every: int) -> None:
        """Keep what holds for the whole walk so far, and note where A is missing."""
        if not every & self.format.bits.accessed:
            self.lacking[depth] = True
        group.common &= every

    def _collect(self, depth: int, group: Group) -> None:
        """Put each access's rights together from its entries down to ``depth``.

        Seldom needed, so entries are read anew for it rather than kept.
        """
        group.rights[:] = group.entry
        for above in range(depth):
            if self.steps[above].checked:
                row = self.index[above]
                index = row[: len(group)] if group.rows is None else row[group.rows]
                entry = self.values.take(index, mode="clip")
                beyond = index >= len(self.values)  # such entries are all ones
                np.bitwise_and(group.rights, entry, out=group.rights, where=~beyond)

    def _sort_out(
        self, depth: int, step: Step, group: Group, out: Out, leaves: list[Leaf]
    ) -> Group:
        """Finish the accesses that fault or reach a large page here; return the others."""
        flag = self.format.bits
        entry = group.entry
        absent = entry & flag.present == 0
        large = (entry & step.large != 0) & ~absent
        wrong = np.where(large, step.large_reserved, step.reserved)
        wrong &= entry
        reserved = ((wrong != 0) | (entry & flag.needed == 0)) & ~absent
        large &= ~reserved
        for bad, extra in ((absent, 0), (reserved, ERROR_PRESENT | ERROR_RESERVED)):
            chosen = bad.nonzero()[0]
            if len(chosen):
                self._clear(out)
                rows = group.whose(chosen)
                out.fault[rows] = np.bitwise_or(group.access.of(chosen).code(), extra)
                out.level[rows] = step.number
        chosen = large.nonzero()[0]
        if len(chosen):
            pages = group.some(chosen)
            every, some = _all(pages.entry)
            self._account(depth, pages, every)
            leaves.append(self._leaf(depth, step, pages, out, every, some, -1))
        return group.some((~(absent | reserved | large)).nonzero()[0])

    def _leaf(
        self, depth: int, step: Step, group: Group, out: Out, every: int, some: int, bits: int
    ) -> Leaf:
        """Check permissions of a group that reached its pages, and compose its addresses.

        ``every`` and ``some``: bits of all its entries, of any; ``bits``: of any linear address.
        """
        flag = self.format.bits
        both = flag.write | flag.user
        all_rights = any_rights = group.common
        good = None
        if all_rights & both != both:
            self._collect(depth, group)
            all_rights, any_rights = _all(group.rights)
            need = group.access.need(flag.write, flag.user)
            good = group.rights & need == need
            if good.all():
                good = None
            else:
                self._clear(out)
                chosen = (~good).nonzero()[0]
                rows = group.whose(chosen)
                out.fault[rows] = np.bitwise_or(group.access.of(chosen).code(), ERROR_PRESENT)
        whole = group.rows is None and good is None
        address = out.address if whole else group.spare
        np.bitwise_and(group.entry, self.mask & -step.size, out=address)
        if bits & step.size - 1:
            np.bitwise_and(group.linear, step.size - 1, out=group.table)
            np.bitwise_or(address, group.table, out=address)
        rights: Bytes | int
        if all_rights & both == any_rights & both:
            rights = (WRITABLE if all_rights & flag.write else 0) | (
                USER if all_rights & flag.user == flag.user else 0
            )
        else:
            rights = np.multiply(group.rights & flag.write == flag.write, WRITABLE, dtype=np.uint8)
            rights |= np.multiply(group.rights & flag.user == flag.user, USER, dtype=np.uint8)
        if some & flag.global_:
            has_global = np.multiply(group.entry & flag.global_ != 0, GLOBAL, dtype=np.uint8)
            rights = np.bitwise_or(has_global, rights)
        reads_only = group.access.write is False
        clean = None if reads_only or every & flag.dirty else group.entry & flag.dirty == 0
        if whole:
            out.level.fill(step.number)
            out.rights[:] = rights
        else:
            self._clear(out)
            out.level[slice(None) if group.rows is None else group.rows] = step.number
            chosen = np.arange(len(group)) if good is None else good.nonzero()[0]
            rows = group.whose(chosen)
            out.address[rows] = address[chosen]
            out.rights[rows] = rights if isinstance(rights, int) else rights[chosen]
        return Leaf(group.rows, depth, good, clean)

    # -- accessed and dirty ----------------------------------------------------------------------

    def mark(self, leaves: list[Leaf], write: Flag, done: Bools | None = None) -> None:
        """Set A along the walks that succeeded (of those also ``done``), and D where written."""
        flag = self.format.bits
        for leaf in leaves:
            good = leaf.good
            if done is not None:
                own = done if leaf.rows is None else done[leaf.rows]
                good = own if good is None else good & own
            for depth in range(leaf.depth + 1):
                if self.lacking[depth] and self.steps[depth].checked:
                    self._set(depth, leaf.rows, good, flag.accessed)
            if leaf.clean is None or write is False:
                continue
            fresh = leaf.clean if good is None else leaf.clean & good
            if not isinstance(write, bool):
                fresh = fresh & (write if leaf.rows is None else write[leaf.rows])
            self._set(leaf.depth, leaf.rows, fresh, flag.dirty)

    def _set(self, depth: int, rows: Ints | None, chosen: Bools | None, bit: int) -> None:
        """Set a bit in the entries some accesses read at ``depth``."""
        if chosen is None:
            index = self.index[depth, : self.size] if rows is None else self.index[depth, rows]
        else:
            where = chosen.nonzero()[0]
            if not len(where):
                return
            index = self.index[depth, where if rows is None else rows[where]]
        index = index[index < len(self.values)]
        index = index[self.values[index] & bit == 0]
        if not len(index):
            return
        # Several accesses may mean the same entry: all of them store the same value.
        self.values[index] |= bit
        code = self.memory.code_frames
        if code:
            frames = np.unique(index >> FRAME_SHIFT - self.unit).tolist()
            for frame in code.intersection(frames):
                self.memory.on_code_write(frame, frame * FRAME, frame * FRAME + FRAME)


def _all(entry: Ints) -> tuple[int, int]:
    """The bits all entries have, and those any has."""
    return int(np.bitwise_and.reduce(entry)), int(np.bitwise_or.reduce(entry))


def _uniform(step: Step, needed: int, every: int, some: int) -> bool:
    """Tell whether all entries are present, none has a reserved bit, and all or none is large."""
    if not every & needed:
        return False
    if every & step.large:
        return not some & step.large_reserved
    return not some & (step.reserved | step.large)


class Walker:
    """Native walks of whole arrays: ``format``'s tables in ``memory``."""

    def __init__(
        self,
        format: PagingFormat,
        memory: Memory,
        *,
        large_pages: bool = True,
        chunk: int = CHUNK,
    ) -> None:
        self.format = format
        self.chunk = chunk
        self._descent = Descent(format, memory, large_pages, chunk)

    def walk(
        self,
        root: int,
        linear: Addresses,
        *,
        write: Flag = False,
        user: Flag = False,
        wp: bool = True,
        mark: bool = True,
    ) -> Walks:
        """Walk every address of ``linear`` from the table ``root`` (CR3) points to.

        ``write`` and ``user`` say what the accesses are, all of them or each; ``wp`` is CR0.WP.
        ``mark`` False leaves A and D as they are.
        """
        asked = addresses(linear)
        size = len(asked)
        access = Access(flags(write, size), flags(user, size), wp)
        walks = Walks(
            self.format,
            asked,
            np.empty(size, np.int64),
            np.empty(size, np.int8),
            np.empty(size, np.int8),
            np.empty(size, np.uint8),
        )
        table = root & self.format.root_mask
        out = Out(walks.address, walks.fault, walks.level, walks.rights)
        for chosen in slices(size, self.chunk):
            leaves = self._descent.run(
                asked[chosen], table, access.of(chosen), out.part(chosen)
            )
            if mark:
                self._descent.mark(leaves, part(access.write, chosen))
        return walks
