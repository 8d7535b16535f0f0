"""Set-associative TLBs and caches over whole traces, exact for every look-up.

A look-up that misses is filled at once. The trace may come in pieces of any length: what the
sets hold is carried from one to the next, and no temporary grows beyond a chunk.

A key is a page number with what else a TLB compares: :func:`keys` adds the tag (VPID, PCID or
ASID) and the page size. The set is chosen by the low bits of the page number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from ringside.bulk.arrays import CHUNK, Addresses, Bools, Ints, addresses
from ringside.bulk.lru import Keys, by_level, by_window

# Up to so many ways following the stack down is the faster method (measured: 12 ways 2 to 4 times),
# and up to so many where programs repeat themselves (64 ways 2.5 times).
FEW_WAYS = 16
FEW_WAYS_OF_REPEATS = 64

PAGE_BITS = 45  # of a 57-bit address
SIZE_BITS = 2
TAG_BITS = 16
TAG_SHIFT = PAGE_BITS + SIZE_BITS
SIZES = {12: 0, 21: 1, 22: 2, 30: 3}  # binary logarithm of a page's size -> its code
SIZE_CODES = np.array([SIZES.get(bits, -1) for bits in range(31)], np.int64)
EMPTY = -1


def keys(linear: Addresses, page_bits: Addresses | int = 12, tags: Addresses | int = 0) -> Ints:
    """Make TLB keys of addresses: ``page_bits`` is the page size's binary logarithm.

    Page size and tag (0 to 65535) may be one for all or one for each.
    """
    found = addresses(linear)
    bits = page_bits if isinstance(page_bits, int) else addresses(page_bits)
    page = found >> bits & (1 << PAGE_BITS) - 1
    code = SIZE_CODES[bits]
    if np.size(code) and np.min(code) < 0:
        raise ValueError("pages have 4 KiB, 2 MiB, 4 MiB or 1 GiB: 12, 21, 22 or 30 bits")
    tag = tags if isinstance(tags, int) else addresses(tags)
    if np.size(tag) and not 0 <= int(np.min(tag)) <= int(np.max(tag)) < 1 << TAG_BITS:
        raise ValueError(f"a tag has {TAG_BITS} bits")
    page |= np.left_shift(code, PAGE_BITS) | np.left_shift(tag, TAG_SHIFT)
    return page


def lru(keys: Keys, ways: int, shift: int, begins: Ints) -> tuple[Bools, Keys]:
    """Replace what was looked up longest ago.

    Look-ups of the key its set was just asked for hit and change nothing. If a quarter is such,
    the others are looked at alone.
    """
    different = _different(keys)
    asked = np.count_nonzero(different)
    if asked > len(keys) * 3 // 4:
        method = by_level if ways <= FEW_WAYS else by_window
        return method(keys, ways, shift, begins)
    method = by_level if ways <= FEW_WAYS_OF_REPEATS else by_window
    chosen = different.nonzero()[0]
    found, held = method(keys.take(chosen), ways, shift, chosen.searchsorted(begins))
    hit: Bools = np.logical_not(different, out=different)
    hit[chosen] = found
    return hit, held


def _different(keys: Keys) -> Bools:
    """Tell which look-ups have another key than the one before."""
    different = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=different[1:])
    return different


def fifo(keys: Keys, ways: int, shift: int, begins: Ints) -> tuple[Bools, Keys]:
    """Replace what was filled first, as the machine's own TLB does.

    A larger queue need not hold what a smaller one holds (Belady, Nelson, Shedler, Communications
    of the ACM 12(6), 1969), so there is no distance that decides a look-up by itself: what is in
    the queue depends on every miss before. Guessing all misses and correcting them until nothing
    changes is exact, too, but took up to 900 rounds a chunk on Zipf streams; leaving out those
    that surely miss (2 * ways - 1 other keys since the last look-up) gained a tenth to two thirds
    on Zipf streams and lost half on loops and programs. So this is a plain loop, but for look-ups
    of the key its set was just asked for: those hit and change nothing.
    Measured: 4 to 8 million look-ups per second on made-up streams, above 20 million on traces
    of real programs, most of whose look-ups repeat; ``ringside bench --bulk`` shows it.
    """
    asked = _different(keys).nonzero()[0]
    queue: deque[int | None] = deque([None] * ways)
    there: set[int | None] = {None}
    missed: list[int] = []
    for number, key in enumerate(keys[asked].tolist()):
        if key not in there:
            missed.append(number)
            there.discard(queue.popleft())
            queue.append(key)
            there.add(key)
    hit = np.ones(len(keys), np.bool_)
    misses = asked[missed]
    hit[misses] = False
    stops = np.append(np.searchsorted(misses, begins[1:]), len(misses))
    return hit, keys[misses[stops[:, None] + np.arange(-ways, 0)]]


POLICIES = {"lru": lru, "fifo": fifo}


def check_shape(sets: int, ways: int) -> None:
    """Raise ValueError for a TLB that cannot be."""
    if sets < 1 or sets & sets - 1 or ways < 1:
        raise ValueError(
            f"a TLB needs a power of two of sets and at least one way, not {sets}x{ways}")


class BulkTlb:
    """``sets`` times ``ways`` entries and what they hold."""

    __slots__ = ("chunk", "held", "policy", "sets", "ways")

    def __init__(
        self, sets: int, ways: int, *, policy: str = "lru", chunk: int | None = None
    ) -> None:
        check_shape(sets, ways)
        if policy not in POLICIES:
            raise ValueError(f"there is no policy {policy!r}; choose one of: {', '.join(POLICIES)}")
        self.sets = sets
        self.ways = ways
        self.policy = POLICIES[policy]
        # A chunk begins with what is held; it should not be the larger part.
        self.chunk = max(2 * CHUNK, 2 * sets * ways) if chunk is None else chunk
        self.held = np.full((sets, ways), EMPTY, np.int64)  # the oldest first

    def look_up(self, keys: Ints, flushes: Sequence[int] | Ints = ()) -> Bools:
        """Look every key up and fill what misses; tell which hit.

        ``flushes`` are the numbers of look-ups (in order) before which everything is dropped.
        """
        points = addresses(flushes)
        hits = np.empty(len(keys), np.bool_)
        for first in range(0, len(keys), self.chunk):
            last = min(first + self.chunk, len(keys))
            some = points[np.searchsorted(points, first) : np.searchsorted(points, last)]
            self._chunk(keys[first:last], some - first, hits[first:last])
        if len(points) and points[-1] >= len(keys):
            self.flush()
        return hits

    def flush(self, tag: int | None = None) -> None:
        """Drop everything, or everything with this tag."""
        if tag is None:
            self.held.fill(EMPTY)
        else:
            self._drop((self.held != EMPTY) & (self.held >> TAG_SHIFT == tag))

    def invalidate(self, key: int) -> None:
        """Drop one key (INVLPG, INVVPID with an address)."""
        self._drop(self.held == key)

    def _drop(self, which: Bools) -> None:
        """Make entries empty; the empty ones count as the oldest, being used first."""
        self.held[which] = EMPTY
        order = (self.held != EMPTY).argsort(axis=1, kind="stable")
        self.held = np.take_along_axis(self.held, order, axis=1)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the keys each set holds, the oldest first."""
        for row in self.held.tolist():
            yield [key for key in row if key != EMPTY]

    def _chunk(self, keys: Ints, flushes: Ints, hits: Bools) -> None:
        valid = self.held != EMPTY
        low = int(keys.min())
        high = int(keys.max())
        if valid.any():
            low = min(low, int(self.held[valid].min()))
            high = max(high, int(self.held.max()))
        # Keys count from 0 in a chunk; after each flush from a new base, so that nothing of
        # before can match. It lies below what is filled later, which is as good as gone.
        low &= -self.sets  # so that the low bits still choose the set
        span = (high - low & -self.sets) + self.sets
        if span * (len(flushes) + 1) >> 62:
            half = max(int(flushes[len(flushes) // 2]), 1)
            self._chunk(keys[:half], flushes[flushes < half], hits[:half])
            if half < len(keys):
                self._chunk(keys[half:], flushes[flushes >= half] - half, hits[half:])
            return
        before = self.held.size
        total = before + len(keys)
        narrow = span * (len(flushes) + 1) < 1 << 31
        local: Keys = np.empty(total, np.int32 if narrow else np.int64)
        # Empty entries are keys that nothing else has.
        fillers = np.arange(-1, -1 - before, -1).reshape(self.held.shape)
        local[:before] = np.where(valid, self.held - low, fillers).ravel()
        np.subtract(keys, low, out=local[before:], casting="unsafe")
        if len(flushes):
            epoch = np.bincount(flushes, minlength=len(keys)).cumsum()
            np.add(local[before:], epoch * span, out=local[before:], casting="unsafe")

        begins = np.zeros(1, np.int64)
        order: Ints | None = None
        if self.sets > 1:
            index = np.empty(total, np.uint8 if self.sets <= 256 else np.uint16)
            index[:before] = np.repeat(np.arange(self.sets), self.ways)
            np.bitwise_and(keys, self.sets - 1, out=index[before:], casting="unsafe")
            order = index.argsort(kind="stable")
            local = local.take(order)
            begins = index.take(order).searchsorted(np.arange(self.sets, dtype=index.dtype))
        hit, held = self.policy(local, self.ways, self.sets.bit_length() - 1, begins)
        if order is None:
            hits[:] = hit[before:]
        else:
            back = np.empty(total, np.bool_)
            back[order] = hit
            hits[:] = back[before:]
        newest = len(flushes) * span
        wide = held.astype(np.int64)
        self.held = np.where(wide >= newest, wide - newest + low, EMPTY)
