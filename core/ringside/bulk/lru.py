"""Least recently used, for a whole sequence of look-ups at once.

Both functions take the look-ups of all sets one set after the other. What another set left on
the stack can then stay there: it lies below everything of this set and never matches. So a
look-up hits exactly if fewer than ``ways`` different keys came between it and the last one of
its own key (Mattson, Gecsei, Slutz, Traiger: Evaluation techniques for storage hierarchies. IBM
Systems Journal 9(2), 1970), and there is one stack for the whole sequence. Each set's look-ups
must begin with ``ways`` different keys: what the set held before, the oldest first.

:func:`by_level` follows the stack down, its cost growing with the ways; :func:`by_window` counts
different keys in windows of time, whatever the ways.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ringside.bulk.arrays import Bools, Ints

Keys: TypeAlias = NDArray[Any]

FEW = 1 / 8  # of the look-ups may be gone before it pays to take them out
SPARSE = 1 / 64  # of flags are set: looking at eight at a time finds them faster
ROOM = 1 << 19  # elements of a temporary that looks at many windows


def by_level(keys: Keys, ways: int, shift: int, begins: Ints) -> tuple[Bools, Keys]:
    """Tell which look-ups hit, and the keys each set holds at its end, the oldest first.

    Level k of the stack is looked at for all look-ups that missed the levels above: it holds
    what level k - 1 held at the one before, because that one pushed it down. Those that hit push
    nothing further, so they leave the sequence: a few of them at first only in name, handing on
    what the one before them pushes. ``begins`` are the positions of the sets.
    """
    size = len(keys)
    hit = np.zeros(size, np.bool_)
    held = np.empty((len(begins), ways), keys.dtype)
    # What a set leaves is what the next one's first look-up finds; after the last set, what one
    # look-up more would find. The first look-ups of a set never hit, so they never leave.
    ends = np.append(begins[1:], size)
    nothing = int(keys.min()) - 1
    below = np.empty(size + ways, keys.dtype)
    below[:ways] = nothing
    below[ways:] = keys
    keys = keys.copy()
    equal = np.empty(size, np.bool_)
    where: Ints | None = None
    gone = before = np.zeros(0, np.int64)  # who is gone, and the last one before that is not
    for level in range(ways):
        left = ways - 1 - level
        stack = below[left : left + len(keys) + 1]
        held[:, left] = stack[ends]
        stack = stack[:-1]
        found: Bools = np.equal(keys, stack, out=equal[: len(keys)])
        hits = int(np.count_nonzero(found))
        if hits and len(gone) + hits > len(keys) * FEW:
            if where is None:
                np.logical_or(hit, found, out=hit)
            else:
                hit[where.take(_positions(found, hits))] = True
            kept: Bools = np.logical_not(found, out=found)
            kept[gone] = False
            rest = kept.nonzero()[0]
            ends = rest.searchsorted(ends)
            keys = keys.take(rest)
            where = rest if where is None else where.take(rest)
            below, above = np.empty(left + len(keys), keys.dtype), below[:left]
            below[:left] = above
            stack.take(rest, out=below[left:], mode="clip")
            gone = gone[:0]
        elif hits:
            chosen = _positions(found, hits)
            hit[chosen if where is None else where.take(chosen)] = True
            keys[chosen] = nothing - 1
            gone = np.concatenate([gone, chosen])
            gone.sort(kind="stable")
            before = gone - 1
            before[1:] *= before[1:] != gone[:-1]  # 0 within a run of them
            np.maximum.accumulate(before, out=before)
        if len(gone):
            stack[gone] = stack[before]
    return hit, held


def _positions(flags: Bools, count: int) -> Ints:
    """Where the ``count`` set ones of some flags are."""
    if count > len(flags) * SPARSE:
        return flags.nonzero()[0]
    whole = len(flags) & -8
    eights = flags[:whole].view(np.uint64).nonzero()[0]
    row, column = flags[:whole].reshape(-1, 8)[eights].nonzero()
    return np.append(8 * eights[row] + column, flags[whole:].nonzero()[0] + whole)


def grouped(keys: Keys, shift: int) -> Ints:
    """An order that brings equal keys together, each in the order of time.

    Of the keys of one set, which lie together already, ``shift`` low bits are known to be equal.
    """
    rest = keys >> shift
    rest -= rest.min()
    top = int(rest.max())
    order = rest.astype(np.uint16).argsort(kind="stable")
    while top >> 16:
        top >>= 16
        rest >>= 16
        order = order.take(rest.astype(np.uint16).take(order).argsort(kind="stable"))
    return order


def by_window(keys: Keys, ways: int, shift: int, begins: Ints) -> tuple[Bools, Keys]:
    """Tell which look-ups hit, and the keys each set holds at its end, the oldest first.

    A key looked up again within ``ways`` hits. For the others the number of different keys in the
    last so-and-so many look-ups, which is one running sum for all, decides nearly always; where
    not, the window is counted.
    """
    size = len(keys)
    never = size + ways  # look-ups since the last one of a key never looked up
    place = grouped(keys, shift)
    sorted_keys = keys.take(place)
    again = sorted_keys[1:] == sorted_keys[:-1]
    by_key = np.zeros(size, np.int32)
    np.subtract(place[1:], place[:-1] + never, out=by_key[1:], casting="unsafe")
    by_key[1:] *= again
    by_key += never
    gap = np.empty(size, np.int32)
    gap[place] = by_key
    hit = gap <= ways

    now = np.arange(size, dtype=np.int32)
    open_ = ((gap > ways) & (gap < never)).nonzero()[0]
    window = 2 * ways
    if np.count_nonzero(gap.take(open_) <= window) > size >> 4:
        # As many keys as ways in the last look-ups are a miss, which settles loops.
        different = _different(gap, now, ways).take(open_)
        open_ = open_.take((different < ways).nonzero()[0])
    while len(open_):
        gaps = gap.take(open_)
        near = gaps <= window
        if window < size:
            different = _different(gap, now, window).take(open_)
            # Enough keys in the window and the last look-up before it: a miss. Few keys and the
            # last look-up in it: a hit.
            surely = near & (different <= ways)
            hit[open_] = surely
            near ^= surely
            later = (gaps > window) & (different < ways)
        else:
            near[:] = True
            later = np.zeros(len(open_), np.bool_)
        close = open_.take(near.nonzero()[0])
        if len(close):
            hit[close] = _count(gap, close, min(window, size)) < ways
        open_ = open_.take(later.nonzero()[0])
        window *= 2

    return hit, keys[_newest(gap, ways, begins)]


def _different(gap: Keys, now: Keys, window: int) -> Keys:
    """How many different keys the ``window`` look-ups before each one have.

    A look-up is the first of its key in all windows that begin after the key's last look-up;
    from where those begin to where it leaves the window again it counts one.
    """
    start = np.maximum(window - gap, 0)
    start += now
    np.minimum(start, len(now) - 1, out=start)
    sums = np.bincount(start, minlength=len(now))
    sums.cumsum(out=sums)
    found = np.empty_like(now)
    found[0] = 0
    found[1:] = sums[:-1]
    found[window:] -= now[: len(now) - window]
    return found


def _count(gap: Keys, chosen: Ints, window: int) -> Ints:
    """Different keys between some look-ups and the last ones of their keys, ``window`` back.

    Those are the look-ups in between whose own last one is not: as many back from the chosen one
    as its gap, or more.
    """
    kind = np.uint8 if window <= 1 << 7 else np.uint16 if window <= 1 << 15 else np.int32
    # Gaps as long as the window and longer ones are the same here, and small numbers are fast.
    padded = np.empty(window + len(gap), kind)
    padded[:window] = window - 1
    np.minimum(gap, window - 1, out=padded[window:], casting="unsafe")
    windows = sliding_window_view(padded, window)
    back = np.arange(window, 0, -1).astype(kind)
    counts = np.empty(len(chosen), np.int64)
    step = max(1, ROOM // window)
    for first in range(0, len(chosen), step):
        some = chosen[first : first + step]
        own = gap.take(some)
        reach = windows[some]
        reach += back
        first_ones = np.packbits(reach >= own[:, None].astype(kind), axis=1)
        counted = np.bitwise_count(first_ones).sum(axis=1, dtype=np.int64)
        # All those up to the last one have been counted too.
        counts[first : first + step] = counted - (window + 1 - own)
    return counts


def _newest(gap: Keys, ways: int, begins: Ints) -> Ints:
    """Where each set last looked up the ``ways`` keys it used last, the oldest first."""
    size = len(gap)
    ends = np.append(begins[1:], size)
    old = np.zeros(size + 1, np.bool_)  # whose key is looked up again; the first is for nobody
    window = 2 * ways
    while window * len(ends) < size:
        where = ends[:, None] + np.arange(-window, 0)
        old[np.maximum(where - gap.take(where, mode="clip"), -1) + 1] = True
        newest = where >= begins[:, None]
        newest &= ~old[1:].take(where, mode="clip")
        rank = newest[:, ::-1].cumsum(axis=1)[:, ::-1]
        if rank[:, 0].min() >= ways:
            chosen: Ints = where[newest & (rank <= ways)]
            return chosen.reshape(-1, ways)
        window *= 2
    old[np.maximum(np.arange(size) - gap, -1) + 1] = True
    kept: Ints = (~old[1:]).nonzero()[0]
    last = kept.searchsorted(ends)[:, None] + np.arange(-ways, 0)
    return kept.take(last)
