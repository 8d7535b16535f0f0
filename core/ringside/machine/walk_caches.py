"""What lies between an address and its walk: TLB, page-walk caches, nested TLB, one access at a
time.

``bulk.caches`` does the same to whole traces, and a property test holds the two together. All
replace what was used longest ago.

Walk caches (SDM vol. 3A, 4.10.3): for each level that points on, a small fully associative cache
of address prefixes. A walk begins below the lowest level that hits. In two dimensions a guest's
prefix leads to the *host* address of the next table (combined mappings, SDM vol. 3C, 29.4.1), and
the nested dimension has prefixes of its own (guest-physical mappings). The nested TLB (Bhargava
and others, ASPLOS 2008) goes from guest frame to host frame and saves a whole nested walk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping

from ringside.machine.nested import NestedWalk
from ringside.machine.paging import ERROR_PRESENT, ERROR_RESERVED, PAGE_SHIFT, PagingFormat
from ringside.machine.walker import Walk

# Why a reference was not made
WALK_CACHE, NESTED_CACHE, NESTED_TLB = "walk cache", "nested walk cache", "nested tlb"


class LruCache:
    """``sets`` times ``ways`` keys, each with a value."""

    __slots__ = ("sets", "ways")

    def __init__(self, sets: int, ways: int) -> None:
        if sets < 1 or sets & sets - 1 or ways < 1:
            raise ValueError("a cache needs a power of two of sets and at least one way")
        self.sets: list[OrderedDict[Hashable, object]] = [OrderedDict() for _ in range(sets)]
        self.ways = ways

    def use(self, key: Hashable, index: int = 0, value: object = None) -> bool:
        """Look a key up in the set of ``index`` and fill it if it misses; tell if it was there."""
        held = self.sets[index & len(self.sets) - 1]
        there = key in held
        if not there:
            held[key] = value
        held.move_to_end(key)
        if len(held) > self.ways:
            held.popitem(last=False)
        return there

    def get(self, key: Hashable, index: int = 0) -> object:
        """Give a key's value and make it the newest; None if it is not there."""
        held = self.sets[index & len(self.sets) - 1]
        if key not in held:
            return None
        held.move_to_end(key)
        return held[key]

    def drop(self, key: Hashable, index: int = 0) -> bool:
        """Forget a key; tell whether it was there."""
        held = self.sets[index & len(self.sets) - 1]
        there = key in held
        held.pop(key, None)
        return there

    def flush(self) -> None:
        """Forget everything."""
        for held in self.sets:
            held.clear()

    def __iter__(self) -> Iterator[tuple[Hashable, object]]:
        """Yield keys and values, set by set, the oldest of a set first."""
        for held in self.sets:
            yield from held.items()

    def __len__(self) -> int:
        return sum(len(held) for held in self.sets)


class PrefixCaches:
    """Walk caches of one dimension; ``entries`` for each level number, 2 being next to last."""

    __slots__ = ("caches", "format")

    def __init__(self, format: PagingFormat, entries: Mapping[int, int]) -> None:
        self.format = format
        self.caches = {number: LruCache(1, ways) for number, ways in entries.items()}

    def start(self, address: int, tag: int, leaf: int) -> int:
        """Level of the first entry to read, the walk's last one being at ``leaf``."""
        first = len(self.format.levels)
        for number in sorted(self.caches, reverse=True):
            if leaf < number:
                shift = self.format.levels[-number].shift
                if self.caches[number].use((address >> shift, tag)):
                    first = number - 1
        return first

    def flush(self) -> None:
        """Forget everything."""
        for cache in self.caches.values():
            cache.flush()


def skip_native(result: Walk, tag: int, caches: PrefixCaches) -> dict[int, str]:
    """Which references of a one-dimensional walk are not made, by number from 1, and why."""
    first = caches.start(result.linear, tag, result.refs[-1].level)
    return {
        number: WALK_CACHE for number, ref in enumerate(result.refs, 1) if ref.level > first
    }


class NestedCaches:
    """Walk caches of both dimensions, and the nested TLB if it has ``entries``."""

    __slots__ = ("guest", "nested", "tlb")

    def __init__(self, guest: PrefixCaches, nested: PrefixCaches, entries: int) -> None:
        self.guest = guest
        self.nested = nested
        self.tlb = LruCache(1, entries) if entries else None

    def skip(self, result: NestedWalk, tag: int, machine: int) -> dict[int, str]:
        """Which references of a walk are not made, by number, and why.

        ``tag`` is the guest's (VPID), ``machine`` stands for its nested root.
        """
        levels = len(self.guest.format.levels)
        entries = [ref for ref in result.refs if ref.dimension == "guest"]
        skipped: dict[int, str] = {}
        first = levels
        if entries:
            first = self.guest.start(result.gva, tag, entries[-1].reference.level)
        for ref in entries:
            if ref.reference.level > first:
                skipped[ref.number] = WALK_CACHE
        for row in range(result.refs[-1].row + 1):
            cells = [ref for ref in result.refs if ref.row == row and ref.dimension == "nested"]
            is_data = result.guest is not None and row == len(result.guest.refs)
            if not is_data and first < levels and levels - row >= first:
                skipped.update((ref.number, WALK_CACHE) for ref in cells)
                continue
            end = cells[-1].reference.level
            frame = cells[0].gpa >> PAGE_SHIFT
            found = self._has_place(result, row, len(entries), is_data)
            if found and self.tlb is not None and self.tlb.use((frame, machine)):
                skipped.update((ref.number, NESTED_TLB) for ref in cells)
                continue
            below = self.nested.start(frame << PAGE_SHIFT, machine, end)
            skipped.update(
                (ref.number, NESTED_CACHE) for ref in cells if ref.reference.level > below
            )
        return skipped

    @staticmethod
    def _has_place(result: NestedWalk, row: int, entries: int, is_data: bool) -> bool:
        """Whether the row's nested walk found a frame, if perhaps not the right to write it."""
        if row < entries:
            return True
        bad = result.violation.fault if result.violation else None
        return is_data and (bad is None or bool(bad & ERROR_PRESENT and not bad & ERROR_RESERVED))

    def flush_guest(self) -> None:
        """Forget the guest's prefixes; what only concerns guest-physical addresses stays."""
        self.guest.flush()
