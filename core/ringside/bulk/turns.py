"""Turns of address spaces: how often they change, and what each touches until the next one runs.

A shadow page table that is not kept for each address space is empty after a switch; the pages
touched in a turn are the hidden faults that fill it. The count is exact for any way the stream is
cut into pieces.
"""

from __future__ import annotations

import numpy as np

from ringside.bulk.arrays import Ints
from ringside.bulk.traces import Accesses


class Turns:
    """``touched``: pages of ``1 << page_bits`` bytes, each counted once in every turn."""

    def __init__(self, page_bits: int) -> None:
        self.page_bits = page_bits
        self.switches = 0
        self.touched = 0
        self._space = -1  # the space that runs; none yet
        self._held: Ints = np.zeros(0, np.int64)  # what it has touched in this turn

    def add(self, accesses: Accesses) -> None:
        """Take the next piece of a stream."""
        if not len(accesses):
            return
        space, page = accesses.space, accesses.address >> self.page_bits
        if self._space not in (-1, int(space[0])):
            self.switches += 1
            self._held = self._held[:0]
        turn = np.concatenate(([0], np.cumsum(np.diff(space) != 0)))
        self.switches += int(turn[-1])
        # Pages by a number that is small enough to stand beside the turn's in one integer.
        known = len(self._held)
        pages, small = np.unique(np.concatenate((self._held, page)), return_inverse=True)
        turn = np.concatenate((np.zeros(known, np.int64), turn))
        self.touched += len(np.unique(turn * len(pages) + small)) - known
        self._held = pages[np.unique(small[turn == turn[-1]])]
        self._space = int(space[-1])
