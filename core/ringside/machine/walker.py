"""Walking page tables: one explained walk for every format, and the processor's lean one.

:func:`walk` says everything (each reference, in order) and changes nothing; pictures and nested
walks are made of it. :func:`lean_steps` boils the same format down to tuples of masks for
:func:`lean_walk`, which the CPU uses on a TLB miss. A property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from ringside.machine.paging import (
    ERROR_FETCH,
    ERROR_PRESENT,
    ERROR_RESERVED,
    ERROR_USER,
    ERROR_WRITE,
    PAGE_SHIFT,
    EntryBits,
    PagingFormat,
)
from ringside.machine.tlb import DIRTY, GLOBAL, LARGE, USER, WRITABLE

ReadEntry = Callable[[int], int]


class PhysicalMemory(Protocol):
    """Where the processor's walk reads entries: memory, or a guest's idea of it."""

    def read(self, hpa: int, size: int, /) -> int:
        """Return ``size`` bytes."""
        ...

    def write(self, hpa: int, value: int, size: int, /) -> None:
        """Store ``size`` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Reference:
    """One memory reference of a walk: entry ``index`` of the ``table`` at ``level``.

    ``level`` counts down to 1 at the leaf; ``address`` is where ``entry`` was read.
    """

    level: int
    name: str
    table: int
    index: int
    address: int
    entry: int


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found. ``fault`` is the page-fault error code, or None for a translation.

    ``frame`` is the 4 KiB frame number of ``linear``, ``page_size`` the size of the page it lies
    in; ``writable``, ``user``, ``executable`` and ``global_page`` hold for the whole walk.
    """

    linear: int
    refs: tuple[Reference, ...]
    frame: int
    page_size: int
    writable: bool
    user: bool
    global_page: bool
    fault: int | None
    executable: bool = True

    @property
    def address(self) -> int:
        """The physical address ``linear`` translates to."""
        return self.frame << PAGE_SHIFT | self.linear & (1 << PAGE_SHIFT) - 1


def walk(
    format: PagingFormat,
    root: int,
    linear: int,
    read_entry: ReadEntry,
    *,
    write: bool = False,
    user: bool = False,
    fetch: bool = False,
    wp: bool = True,
    large_pages: bool = True,
) -> Walk:
    """Walk ``linear`` from the table ``root`` points to (CR3 or an EPT pointer).

    ``write``, ``user`` and ``fetch`` say what the access is, ``wp`` is CR0.WP, ``large_pages`` is
    CR4.PSE (32-bit format only; the others always have them). ``read_entry`` gets a physical
    address and may raise, which ends the walk.
    """
    flag = format.bits
    access = (ERROR_WRITE if write else 0) | (ERROR_USER if user else 0)
    access |= ERROR_FETCH if fetch and flag.no_execute else 0
    table = root & format.root_mask
    refs: list[Reference] = []
    writable = allowed = executable = True

    def done(frame: int, size: int, is_global: bool, fault: int | None) -> Walk:
        return Walk(
            linear, tuple(refs), frame, size, writable, allowed, is_global, fault, executable)

    for depth, level in enumerate(format.levels):
        index = level.index(linear)
        address = table + index * format.entry_bytes
        entry = read_entry(address)
        refs.append(
            Reference(format.level_number(depth), level.name, table, index, address, entry)
        )
        if not entry & flag.present:
            return done(-1, 0, False, access)
        is_large = level.large and large_pages and bool(entry & flag.large)
        wrong = entry & (level.large_reserved if is_large else level.reserved)
        if wrong or not entry & flag.needed:
            return done(-1, 0, False, access | ERROR_PRESENT | ERROR_RESERVED)
        if level.checked:
            writable = writable and entry & flag.write == flag.write
            allowed = allowed and entry & flag.user == flag.user
            runs = entry & (flag.execute | flag.no_execute) == flag.execute
            executable = executable and runs
        table = entry & format.address_mask
        if is_large or level is format.levels[-1]:
            break
    size = level.page_size
    denied = user and not allowed or write and not writable and (user or wp)
    denied = denied or fetch and not executable
    physical = table & ~(size - 1) | linear & (size - 1)
    return done(
        physical >> PAGE_SHIFT,
        size,
        bool(entry & flag.global_),
        access | ERROR_PRESENT if denied else None,
    )


def marks(format: PagingFormat, result: Walk, write: bool) -> tuple[tuple[int, int], ...]:
    """List ``(address, new entry)`` for the A and D flags this successful walk sets."""
    flag: EntryBits = format.bits
    changed = []
    for ref in result.refs:
        depth = len(format.levels) - ref.level
        if not format.levels[depth].checked:
            continue
        entry = ref.entry | flag.accessed
        if write and ref is result.refs[-1]:
            entry |= flag.dirty
        if entry != ref.entry:
            changed.append((ref.address, entry))
    return tuple(changed)


# -- the processor's walk -----------------------------------------------------------------------

Step = tuple[int, int, int, int, int]  # shift, index mask, large bit, reserved, large reserved


@cache
def lean_steps(format: PagingFormat, large_pages: bool) -> tuple[Step, ...]:
    """Boil the levels whose entries lie in memory down to masks.

    The PDPTEs of PAE are processor registers, so that level is not among them.
    """
    return tuple(
        (
            level.shift,
            (1 << level.index_bits) - 1,
            format.bits.large if level.large and large_pages else 0,
            level.reserved,
            level.large_reserved,
        )
        for level in format.levels
        if level.checked
    )


def lean_walk(
    memory: PhysicalMemory,
    steps: tuple[Step, ...],
    entry_bytes: int,
    address_mask: int,
    table: int,
    linear: int,
    access: int,
    wp: bool,
    rights: int = 6,
    way: list[tuple[int, int]] | None = None,
) -> tuple[int, int, int]:
    """Translate ``linear`` and set A and D, as the processor does on a TLB miss.

    ``access`` is the error code a not-present fault would have (write and user bits). Returns
    ``(frame, TLB flags, references)``, or ``(-1, error code, references)`` for a page fault.
    Entries have the IA-32 bits: P 1, R/W 2, U/S 4, A 0x20, D 0x40, G 0x100.

    ``rights`` are those of levels that need not be walked. Into ``way`` goes what a walk cache
    keeps: the table of the last level and the rights above it; nothing for a large page.
    """
    seen = []
    above = rights
    for shift, mask, large, reserved, large_reserved in steps:
        address = table + (linear >> shift & mask) * entry_bytes
        entry = memory.read(address, entry_bytes)
        seen.append((address, entry))
        if not entry & 1:
            return -1, access, len(seen)
        above = rights
        rights &= entry
        if entry & large:
            if entry & large_reserved:
                return -1, access | ERROR_PRESENT | ERROR_RESERVED, len(seen)
            break
        if entry & reserved:
            return -1, access | ERROR_PRESENT | ERROR_RESERVED, len(seen)
        table = entry & address_mask
    if access & ERROR_USER:
        if not rights & 4 or access & ERROR_WRITE and not rights & 2:
            return -1, access | ERROR_PRESENT, len(seen)
    elif access & ERROR_WRITE and wp and not rights & 2:
        return -1, access | ERROR_PRESENT, len(seen)

    size = 1 << shift
    frame = (entry & address_mask & ~(size - 1) | linear & (size - 1)) >> PAGE_SHIFT
    wanted = 0x60 if access & ERROR_WRITE else 0x20
    last = seen.pop()[0]
    if way is not None and shift == PAGE_SHIFT:
        way.append((last >> PAGE_SHIFT << PAGE_SHIFT, above))
    for address, upper in seen:
        if not upper & 0x20:
            memory.write(address, upper | 0x20, entry_bytes)
    if entry & wanted != wanted:
        memory.write(last, entry | wanted, entry_bytes)
    flags = (
        (WRITABLE if rights & 2 else 0)
        | (USER if rights & 4 else 0)
        | (DIRTY if (entry | wanted) & 0x40 else 0)
        | (GLOBAL if entry & 0x100 else 0)
        | (LARGE if shift > PAGE_SHIFT else 0)
    )
    return frame, flags, len(seen) + 1
