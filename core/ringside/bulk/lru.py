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

COLD = -(1 << 30)  # the last look-up of a key never looked up
FEW = 1 / 8  # of the look-ups may be gone before it pays to take them out
ROOM = 1 << 19  # elements of a temporary that looks at many windows


def by_level(keys: Keys, ways: int, shift: int, begins: Ints) -> tuple[Bools, Keys]:
    """Tell which look-ups hit, and the keys each set holds at its end, the oldest first.

    Level k of the stack is looked at for all look-ups that missed the levels above: it holds
    what level k - 1 held at the one before, because that one pushed it down. Those that hit push
    nothing further, so they leave the sequence: a few of them at first only in name, handing on
    what the one before them pushes. ``begins`` are the positions of the sets.
    """
    hit = np.zeros(len(keys), np.bool_)
    held = np.empty((len(begins), ways), keys.dtype)
    # What a set leaves is what the next one's first look-up finds; after the last set, what one
    # look-up more would find. The first look-ups of a set never hit, so they never leave.
    ends = np.append(begins[1:], len(keys))
    nothing = int(keys.min()) - 1
    below = np.empty(len(keys) + ways, keys.dtype)
    below[:ways] = nothing
    below[ways:] = keys
    keys = keys.copy()
    where: Ints | None = None
    gone = np.zeros(len(keys), np.bool_)
    left_over = before = np.zeros(0, np.int64)  # who is gone, and the last one before that is not
    for level in range(ways):
        left = ways - 1 - level
        stack = below[left : left + len(keys) + 1]
        held[:, left] = stack[ends]
        stack = stack[:-1]
        found = keys == stack
        hits = np.count_nonzero(found)
        if hits:
            chosen = found.nonzero()[0]
            hit[chosen if where is None else where[chosen]] = True
            if len(left_over) + hits > len(keys) * FEW:
                kept = ~(gone | found)
                removed = (~kept).nonzero()[0]
                ends = ends - np.searchsorted(removed, ends)
                rest = kept.nonzero()[0]
                keys = keys.take(rest)
                where = rest if where is None else where.take(rest)
                below, above = np.empty(left + len(keys), keys.dtype), below[:left]
                below[:left] = above
                stack.take(rest, out=below[left:], mode="clip")
                gone = np.zeros(len(keys), np.bool_)
                left_over = left_over[:0]
            else:
                keys[chosen] = nothing - 1
                gone[chosen] = True
                left_over = gone.nonzero()[0]
                starts = np.ones(len(left_over), np.bool_)
                np.not_equal(left_over[1:], left_over[:-1] + 1, out=starts[1:])
                run = np.cumsum(starts)
                before = (left_over[starts] - 1)[run - 1]
        if len(left_over):
            stack[left_over] = stack[before]
    return hit, held


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
    order = grouped(keys, shift).astype(np.int32)
    sorted_keys = keys.take(order)
    last = order[:-1].copy()
    fresh = sorted_keys[1:] != sorted_keys[:-1]
    np.copyto(last, COLD, where=fresh)
    previous = np.empty(size, np.int32)
    previous[order[1:]] = last
    previous[order[0]] = COLD
    now = np.arange(size, dtype=np.int32)
    gap = now - previous
    hit = gap <= ways

    open_ = ((gap > ways) & (gap < size)).nonzero()[0]
    window = 2 * ways
    while len(open_):
        gaps = gap.take(open_)
        near = gaps <= window
        if window < size:
            different = _different(gap, now, window).take(open_)
            # Enough keys in the window and the last look-up before it: a miss. Few keys and the
            # last look-up in it: a hit.
            surely = near & (different <= ways)
            hit[open_[surely]] = True
            near &= ~surely
            later = (gaps > window) & (different < ways)
        else:
            near[:] = True
            later = np.zeros(len(open_), np.bool_)
        close = open_[near]
        if len(close) > size >> 4 and window == 2 * ways:
            # The same with a window of the ways themselves, which settles loops.
            close = close[_different(gap, now, ways).take(close) < ways]
        if len(close):
            hit[close[_count(previous, close, min(window, size)) < ways]] = True
        open_ = open_[later]
        window *= 2

    newest = np.ones(size, np.bool_)
    newest[last[~fresh]] = False
    kept = newest.nonzero()[0]
    stops = np.append(np.searchsorted(kept, begins[1:]), len(kept))
    return hit, keys[kept[stops[:, None] + np.arange(-ways, 0)]]


def _different(gap: Keys, now: Keys, window: int) -> Keys:
    """How many different keys the ``window`` look-ups before each one have.

    A look-up is the first of its key in all windows that begin after the key's last look-up;
    from where those begin to where it leaves the window again it counts one.
    """
    start = np.maximum(window - gap, 0)
    start += now
    np.minimum(start, len(now) - 1, out=start)
    sums = np.cumsum(np.bincount(start, minlength=len(now)), dtype=np.int32)
    found = np.empty_like(sums)
    found[0] = 0
    found[1:] = sums[:-1]
    found[window:] -= now[: len(now) - window]
    return found


def _count(previous: Keys, chosen: Ints, window: int) -> Ints:
    """Different keys between some look-ups and the last ones of their keys, ``window`` back.

    Those are the look-ups in between whose own last one is not: at or before the last one.
    """
    padded = np.concatenate([np.full(window, COLD, np.int32), previous])
    windows = sliding_window_view(padded, window)
    counts = np.empty(len(chosen), np.int64)
    step = max(1, ROOM // window)
    for first in range(0, len(chosen), step):
        some = chosen[first : first + step]
        bound = previous.take(some)
        first_ones = np.packbits(windows[some] <= bound[:, None], axis=1)
        counted = np.bitwise_count(first_ones).sum(axis=1, dtype=np.int64)
        # All those up to the last one have been counted too.
        counts[first : first + step] = counted - (window + 1 - (some - bound))
    return counts
