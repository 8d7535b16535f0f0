"""A trace through TLBs, page-walk caches, nested TLB and tables: what each access costs.

Every cache sees the stream of those look-ups that the one before it missed, so one after the
other can be run over a whole trace. All replace what was used longest ago.

First and second TLB: the second is asked when the first misses, and both are filled.

Walk caches (Intel's paging-structure caches, SDM vol. 3A, 4.10.3): for each level that points on,
a small fully associative cache of address prefixes. A walk begins below the lowest level that
hits. All levels it passes through, found or read, become the most recent of their caches. In two
dimensions a guest's prefix leads to the *host* address of the next table (combined mappings, SDM
vol. 3C, 29.4.1), and the nested dimension has prefixes of its own (guest-physical mappings).

Nested TLB (Bhargava and others, ASPLOS 2008): from guest frame to host frame, asked before each
nested walk; a hit saves all of that walk's references.

Accesses that fault count as misses and fill no TLB. Not modelled: the extra walk on the first
write to a page whose D is not set yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ringside.bulk.arrays import Bools, Ints, Small
from ringside.bulk.nested import NestedWalker
from ringside.bulk.tlb import BulkTlb, keys
from ringside.bulk.traces import Accesses
from ringside.bulk.walks import NONE, Walker
from ringside.machine.memory import FRAME_SHIFT
from ringside.machine.paging import PagingFormat
from ringside.trace.presets import REFERENCE, Price

SECOND_TLB = Price(7, "a translation found in the second-level TLB", "assumed")

FIRST, SECOND, MISS = 1, 2, 3  # where a translation was found; the last: by a walk


@dataclass(frozen=True, slots=True)
class Hardware:
    """Which caches there are: ``(sets, ways)`` of the TLBs, None for no second one.

    ``walk_cache`` and ``nested_walk_cache`` give the entries for each level number, 2 being the
    level above the last; ``nested_tlb`` the entries of the nested TLB; an empty mapping and 0
    switch them off. ``tagged``: entries carry the space's tag (PCID, VPID); without tags
    everything is flushed when another space gets its turn.
    """

    first: tuple[int, int] = (16, 4)
    second: tuple[int, int] | None = (128, 12)
    walk_cache: Mapping[int, int] = field(default_factory=dict)
    nested_walk_cache: Mapping[int, int] = field(default_factory=dict)
    nested_tlb: int = 0
    tagged: bool = True


@dataclass(frozen=True, slots=True)
class Prices:
    """Cycles for each reference of a walk, and for a look-up the second TLB had to answer."""

    reference: Price = REFERENCE
    second: Price = SECOND_TLB


PRICES = Prices()


@dataclass(frozen=True, slots=True)
class Profile:
    """What each access of a piece came to.

    ``found``: FIRST, SECOND or MISS. ``references``: memory references its walk made.
    ``faulted``: it ended in a page fault or a nested violation.
    """

    found: Small
    references: NDArray[np.int16]
    faulted: Bools

    def __len__(self) -> int:
        return len(self.found)

    def cycles(self, prices: Prices = PRICES) -> NDArray[np.float64]:
        """What each access paid for its translation."""
        paid: NDArray[np.float64] = np.multiply(
            self.references, prices.reference.cycles, dtype=np.float64
        )
        paid += np.multiply(self.found == SECOND, prices.second.cycles)
        return paid


@dataclass(slots=True)
class Totals:
    """Sums over a trace, in plain numbers."""

    accesses: int = 0
    first_hits: int = 0
    second_hits: int = 0
    walks: int = 0
    references: int = 0
    faults: int = 0
    cycles: float = 0.0

    def add(self, profile: Profile, prices: Prices = PRICES) -> None:
        """Count a piece."""
        self.accesses += len(profile)
        self.first_hits += int(np.count_nonzero(profile.found == FIRST))
        self.second_hits += int(np.count_nonzero(profile.found == SECOND))
        self.walks += int(np.count_nonzero(profile.found == MISS))
        self.references += int(profile.references.sum(dtype=np.int64))
        self.faults += int(np.count_nonzero(profile.faulted))
        self.cycles += float(profile.cycles(prices).sum())

    @property
    def hit_rate(self) -> float:
        """Share of accesses some TLB answered."""
        return (self.first_hits + self.second_hits) / self.accesses if self.accesses else 0.0

    @property
    def references_per_walk(self) -> float:
        """Memory references of an average walk."""
        return self.references / self.walks if self.walks else 0.0

    @property
    def cycles_per_access(self) -> float:
        """Cycles for translation, of an average access."""
        return self.cycles / self.accesses if self.accesses else 0.0


class PrefixCaches:
    """Walk caches of one dimension: for each level its address prefixes."""

    def __init__(self, format: PagingFormat, entries: Mapping[int, int]) -> None:
        self.levels = len(format.levels)
        shifts = {format.level_number(depth): level.shift for depth, level in
                  enumerate(format.levels)}  # fmt: skip
        for number in entries:
            if number < 2 or number > self.levels:
                raise ValueError(f"{format.title} has no walk cache for level {number}")
        self.caches = [
            (number, shifts[number], BulkTlb(1, ways))
            for number, ways in sorted(entries.items(), reverse=True)
        ]

    def start(self, linear: Ints, tags: Ints, leaf: Small, flushes: Ints) -> Small:
        """Level of the first entry each walk has to read, its last entry being at ``leaf``."""
        first = np.full(len(linear), self.levels, np.int8)
        for number, shift, cache in self.caches:
            uses = (leaf < number).nonzero()[0]
            wanted = keys((linear[uses] >> shift) << FRAME_SHIFT, 12, tags[uses])
            hits = cache.look_up(wanted, np.searchsorted(uses, flushes))
            first[uses[hits]] = number - 1
        return first


class Tables(Protocol):
    """A way to translate: what an access finds, and what its walk costs after a TLB miss."""

    def look(self, accesses: Accesses) -> tuple[Bools, Small]:
        """Make the accesses (A and D too): which fault, and the page sizes a TLB can hold."""

    def walk(self, missed: Accesses, flushes: Ints) -> NDArray[np.int16]:
        """References of each TLB miss, the walk caches being flushed before some of them."""


def _by_space(space: Ints) -> Iterable[tuple[int, Ints]]:
    """The accesses of each space."""
    for number in np.unique(space).tolist():
        yield number, (space == number).nonzero()[0]


class NativeTables:
    """One dimension: each space has its own root. Shadow tables are walked this way as well."""

    def __init__(self, walker: Walker, roots: Sequence[int], hardware: Hardware) -> None:
        self.walker = walker
        self.roots = roots
        self.hardware = hardware
        self.caches = PrefixCaches(walker.format, hardware.walk_cache)

    def look(self, accesses: Accesses) -> tuple[Bools, Small]:
        """See :class:`Tables`."""
        faulted = np.empty(len(accesses), np.bool_)
        page_bits = np.empty(len(accesses), np.int8)
        for number, rows in _by_space(accesses.space):
            walks = self.walker.walk(
                self.roots[number], accesses.address[rows], write=accesses.write[rows], user=True
            )
            faulted[rows] = walks.fault != NONE
            page_bits[rows] = walks.page_bits
        return faulted, page_bits

    def walk(self, missed: Accesses, flushes: Ints) -> NDArray[np.int16]:
        """See :class:`Tables`."""
        leaf = np.empty(len(missed), np.int8)
        for number, rows in _by_space(missed.space):
            walks = self.walker.walk(self.roots[number], missed.address[rows], mark=False)
            leaf[rows] = walks.level
        tags = _tags(missed.space, self.hardware)
        first = self.caches.start(missed.address, tags, leaf, flushes)
        references: NDArray[np.int16] = np.add(first - leaf, 1, dtype=np.int16)
        return references


class NestedTables:
    """Two dimensions: each space has a guest root and a nested root."""

    def __init__(
        self, walker: NestedWalker, roots: Sequence[tuple[int, int]], hardware: Hardware
    ) -> None:
        self.walker = walker
        self.roots = roots
        self.hardware = hardware
        self.caches = PrefixCaches(walker.guest_format, hardware.walk_cache)
        self.nested_caches = PrefixCaches(walker.nested_format, hardware.nested_walk_cache)
        self.nested_tlb = BulkTlb(1, hardware.nested_tlb) if hardware.nested_tlb else None

    def look(self, accesses: Accesses) -> tuple[Bools, Small]:
        """See :class:`Tables`."""
        faulted = np.empty(len(accesses), np.bool_)
        page_bits = np.empty(len(accesses), np.int8)
        for number, rows in _by_space(accesses.space):
            walks = self.walker.walk(
                *self.roots[number], accesses.address[rows], write=accesses.write[rows], user=True
            )
            faulted[rows] = walks.hpa == NONE
            page_bits[rows] = walks.page_bits
        return faulted, page_bits

    def walk(self, missed: Accesses, flushes: Ints) -> NDArray[np.int16]:
        """See :class:`Tables`."""
        levels = len(self.walker.guest_format.levels)
        gfns = np.empty((levels + 1, len(missed)), np.int64)
        ends = np.empty((levels + 1, len(missed)), np.int8)
        entries = np.empty(len(missed), np.int8)
        for number, rows in _by_space(missed.space):
            trail = self.walker.trail(
                *self.roots[number], missed.address[rows], write=missed.write[rows], user=True
            )
            gfns[:, rows] = trail.gfns
            ends[:, rows] = trail.ends
            entries[rows] = trail.entries
        last = levels + 1 - entries
        tags = _tags(missed.space, self.hardware)
        first = self.caches.start(missed.address, tags, last, flushes)
        # A table whose host address a walk cache gave needs no nested walk; the data always does.
        level = np.arange(levels, -1, -1, dtype=np.int8)[:, None]
        below = np.where(first == levels, levels + 1, first)
        asked = ((gfns != NONE) & (level < below)).T
        machine = self._machines()[missed.space]
        references = self._nested(gfns.T[asked], ends.T[asked], asked, machine)
        return references + np.where(entries > 0, first - last + 1, 0)

    def _machines(self) -> Ints:
        """The virtual machine of each space: one nested root is one machine."""
        found = sorted({nested for _, nested in self.roots})
        return np.array([found.index(nested) for _, nested in self.roots], np.int64)

    def _nested(self, gfns: Ints, ends: Small, asked: Bools, machine: Ints) -> NDArray[np.int16]:
        """References of the nested walks each access asks for, in the order they are made."""
        owner = np.repeat(np.arange(len(asked)), np.count_nonzero(asked, axis=1))
        walked = np.ones(len(gfns), np.bool_)
        if self.nested_tlb is not None:
            found = (ends > 0).nonzero()[0]  # what has no place is not kept
            wanted = keys(gfns[found] << FRAME_SHIFT, 12, machine[owner[found]])
            walked[found] = ~self.nested_tlb.look_up(wanted)
        gpa, leaf, owner = gfns[walked] << FRAME_SHIFT, np.abs(ends[walked]), owner[walked]
        first = self.nested_caches.start(gpa, machine[owner], leaf, np.zeros(0, np.int64))
        sums = np.bincount(owner, weights=first - leaf + 1, minlength=len(asked))
        return sums.astype(np.int16)


def _tags(space: Ints, hardware: Hardware) -> Ints:
    return space if hardware.tagged else np.zeros(len(space), np.int64)


class Translation:
    """A stream of accesses through the TLBs to the tables, piece by piece."""

    def __init__(self, tables: Tables, hardware: Hardware) -> None:
        self.tables = tables
        self.hardware = hardware
        self.first = BulkTlb(*hardware.first)
        self.second = BulkTlb(*hardware.second) if hardware.second else None
        self.space: int | None = None  # of the last access so far

    def run(self, accesses: Accesses) -> Profile:
        """Translate a piece; what the caches hold is carried on to the next one."""
        size = len(accesses)
        found = np.full(size, MISS, np.int8)
        references = np.zeros(size, np.int16)
        faulted, page_bits = self.tables.look(accesses)
        flushes = self._flushes(accesses.space)
        good = (~faulted).nonzero()[0]
        tags = _tags(accesses.space, self.hardware)[good]
        wanted = keys(accesses.address[good], page_bits[good], tags)
        hits = self.first.look_up(wanted, np.searchsorted(good, flushes))
        found[good[hits]] = FIRST
        if self.second is not None:
            missed = good[~hits]
            hits = self.second.look_up(wanted[~hits], np.searchsorted(missed, flushes))
            found[missed[hits]] = SECOND
        walked = (found == MISS).nonzero()[0]
        references[walked] = self.tables.walk(
            accesses[walked], np.searchsorted(walked, flushes)
        )
        return Profile(found, references, faulted)

    def _flushes(self, space: Ints) -> Ints:
        """Before which accesses everything is flushed: without tags, those of another space."""
        if not len(space):
            return np.zeros(0, np.int64)
        before = int(space[0]) if self.space is None else self.space
        self.space = int(space[-1])
        if self.hardware.tagged:
            return np.zeros(0, np.int64)
        changed: Ints = np.diff(space, prepend=before).nonzero()[0]
        return changed
