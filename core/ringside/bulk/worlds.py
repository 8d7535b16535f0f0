"""Page tables for a stream: built as it touches new pages, the way an operating system does.

Only the tables lie in simulated memory. The data's frames are numbers, given out in the order of
the first touch, so a stream may use more memory than the host has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ringside.bulk.arrays import Ints
from ringside.bulk.caches import Hardware, NativeTables, NestedTables, Tables
from ringside.bulk.nested import NestedWalker
from ringside.bulk.traces import Accesses
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME, FRAME_SHIFT, Memory
from ringside.machine.paging import PagingFormat
from ringside.machine.tables import TableBuilder

TABLE_MEMORY = 256 << 20  # of the host: room for 65 536 tables
DATA = 1 << 20  # frame numbers from here on are data: 4 GiB and up
SPACE_SHIFT = 48  # a page number and a space in one number


class TooMuch(ValueError):
    """The stream needs more than the formats or the tables' memory have."""


class Frames:
    """Gives out frame numbers from ``first`` up to ``limit``."""

    def __init__(self, first: int, limit: int) -> None:
        self.next = first
        self.limit = limit

    def take(self, count: int = 1) -> int:
        """``count`` frames in a row, aligned to their number (a power of two)."""
        first = self.next + count - 1 & -count
        if first + count > self.limit:
            raise TooMuch("the stream touches more pages than there is room for; use fewer pages")
        self.next = first + count
        return first


def page_level(format: PagingFormat, page_bits: int) -> int:
    """The level whose entries map pages of this size; raises ValueError where there is none."""
    for depth, level in enumerate(format.levels):
        number = format.level_number(depth)
        if level.shift == page_bits and (level.large or number == 1):
            return number
    raise ValueError(f"{format.title} has no pages of {1 << page_bits} bytes")


class Space:
    """The tables of one address space and the size of the pages they map."""

    def __init__(
        self,
        format: PagingFormat,
        memory: Memory,
        page_bits: int,
        take: Callable[[], int],
        place: Callable[[int], int] = lambda address: address,
    ) -> None:
        self.tables = TableBuilder(format, memory, take, place)
        self.level = page_level(format, page_bits)
        self.page_bits = page_bits

    def map(self, page: int, frame: int) -> None:
        """Map the page with this number (of its own size) to ``frame`` (of 4 KiB)."""
        self.tables.map(page << self.page_bits, frame, level=self.level)


class World:
    """Address spaces of one technique, growing with the stream.

    ``first_touches`` counts pages mapped so far, ``first_frames`` guest pages backed by the host
    (two dimensions only).
    """

    first_touches = 0
    first_frames = 0
    walked: Tables

    def __init__(self, format: PagingFormat, page_bits: int) -> None:
        self.format = format
        self.page_bits = page_bits
        self.memory = Memory(TABLE_MEMORY)
        self._frames = Frames(0x10, TABLE_MEMORY >> FRAME_SHIFT)
        self._data = Frames(DATA, 1 << 24)
        self._known = np.zeros(0, np.int64)

    def meet(self, accesses: Accesses) -> int:
        """Map what a piece touches first; return how many pages that is."""
        if len(accesses) and int(accesses.address.max()) >> self.format.address_bits:
            raise TooMuch(f"{self.format.title} has addresses of {self.format.address_bits} bits")
        pages = accesses.address >> self.page_bits | accesses.space << SPACE_SHIFT
        fresh = np.setdiff1d(pages, self._known)
        self._known = np.union1d(self._known, fresh)
        for page in fresh.tolist():
            self._map(page >> SPACE_SHIFT, page & (1 << SPACE_SHIFT) - 1)
        self.first_touches += len(fresh)
        return len(fresh)

    def _map(self, space: int, page: int) -> None:
        raise NotImplementedError


class OneDimension(World):
    """Native tables, or the shadow tables of a guest: they map straight to host frames."""

    def __init__(self, format: PagingFormat, page_bits: int, hardware: Hardware) -> None:
        super().__init__(format, page_bits)
        self.spaces: list[Space] = []
        self.roots: list[int] = []
        self.walked = NativeTables(Walker(format, self.memory), self.roots, hardware)

    def _map(self, space: int, page: int) -> None:
        while len(self.spaces) <= space:
            made = Space(self.format, self.memory, self.page_bits, self._frames.take)
            self.spaces.append(made)
            self.roots.append(made.tables.root)
        self.spaces[space].map(page, self._data.take(1 << self.page_bits - FRAME_SHIFT))


class TwoDimensions(World):
    """Guest tables in guest-physical memory, which nested tables map to the host's."""

    def __init__(
        self,
        guest_format: PagingFormat,
        guest_bits: int,
        nested_format: PagingFormat,
        nested_bits: int,
        hardware: Hardware,
    ) -> None:
        super().__init__(guest_format, guest_bits)
        self.hardware = hardware
        self.spaces: list[Space] = []
        self.roots: list[tuple[int, int]] = []
        self._backed: set[int] = set()
        self.nested = Space(nested_format, self.memory, nested_bits, self._frames.take)
        self._table_frames = Frames(0, DATA)
        self._piece = max(nested_bits - FRAME_SHIFT, 0)
        walker = NestedWalker(guest_format, nested_format, self.memory)
        self.walked = NestedTables(walker, self.roots, hardware)
        # Guest tables come first in both memories, a nested page's worth of frames at a time.
        self._places: dict[int, int] = {}

    def _place(self, gpa: int) -> int:
        """Where a guest table's bytes lie in host memory."""
        piece = gpa >> FRAME_SHIFT + self._piece
        offset = gpa & (FRAME << self._piece) - 1
        return (self._places[piece] << FRAME_SHIFT) + offset

    def _table(self) -> int:
        """A guest frame for a guest table, with real host memory behind it."""
        gfn = self._table_frames.take()
        piece = gfn >> self._piece
        if piece not in self._places:
            self._places[piece] = self._frames.take(1 << self._piece)
            self.nested.map(piece, self._places[piece])
        return gfn

    def _map(self, space: int, page: int) -> None:
        while len(self.spaces) <= space:
            made = Space(self.format, self.memory, self.page_bits, self._table, self._place)
            self.spaces.append(made)
            self.roots.append((made.tables.root, self.nested.tables.root))
        count = 1 << self.page_bits - FRAME_SHIFT
        gfn = self._data.take(count)
        self.spaces[space].map(page, gfn)
        for piece in range(gfn >> self._piece, (gfn + count - 1 >> self._piece) + 1):
            if piece not in self._backed:
                # The host's frames are in another order than the guest's.
                self.nested.map(piece, (piece << self._piece) ^ (0x55 << self._piece))
                self._backed.add(piece)
                self.first_frames += 1
