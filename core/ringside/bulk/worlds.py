"""Page tables for a stream: built as it touches new pages, the way an operating system does.

Only the tables lie in simulated memory. The data's frames are numbers, given out in the order of
the first touch, so a stream may use more memory than the host has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from ringside.bulk.caches import Hardware, NativeTables, NestedTables, Tables
from ringside.bulk.nested import NestedWalker
from ringside.bulk.traces import Accesses
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME_SHIFT, Memory
from ringside.machine.paging import MAX_PHYSICAL_BITS, PagingFormat
from ringside.machine.tables import TableBuilder

TABLE_MEMORY = 64 << 20  # of the host: room for 16 384 tables
DATA = TABLE_MEMORY >> FRAME_SHIFT  # frame numbers from here on are data
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
        self, format: PagingFormat, memory: Memory, page_bits: int, take: Callable[[], int]
    ) -> None:
        self.tables = TableBuilder(format, memory, take)
        self.level = page_level(format, page_bits)
        self.page_bits = page_bits

    def map(self, page: int, frame: int) -> None:
        """Map the page with this number (of its own size) to ``frame`` (of 4 KiB)."""
        self.tables.map(page << self.page_bits, frame, level=self.level)


class World(ABC):
    """Address spaces of one technique, growing with the stream.

    ``first_touches`` counts guest pages touched so far, ``first_frames`` what the host had to
    provide for them: entries of a shadow, or frames behind guest memory. Tables grow by pieces of
    ``fine_bits``, the smaller of the guest's and the host's pages.
    """

    walked: Tables

    def __init__(self, format: PagingFormat, page_bits: int, fine_bits: int) -> None:
        self.format = format
        self.page_bits = page_bits
        self.fine_bits = fine_bits
        self.first_touches = 0
        self.first_frames = 0
        self.memory = Memory(TABLE_MEMORY)
        self._frames = Frames(0x10, TABLE_MEMORY >> FRAME_SHIFT)
        # As many frames as the addresses in the format's entries have bits for
        most = min(format.address_mask.bit_length(), MAX_PHYSICAL_BITS) - FRAME_SHIFT
        self._data = Frames(DATA, 1 << most)
        self._known = np.zeros(0, np.int64)
        self._touched: set[int] = set()

    def meet(self, accesses: Accesses) -> None:
        """Map what a piece touches first."""
        if len(accesses) and int(accesses.address.max()) >> self.format.address_bits:
            raise TooMuch(f"{self.format.title} has addresses of {self.format.address_bits} bits")
        pieces = accesses.address >> self.fine_bits | accesses.space << SPACE_SHIFT
        fresh = np.setdiff1d(pieces, self._known)
        self._known = np.union1d(self._known, fresh)
        per_page = self.page_bits - self.fine_bits
        for piece in fresh.tolist():
            self._touched.add(piece >> per_page)
            self._map(piece >> SPACE_SHIFT, piece & (1 << SPACE_SHIFT) - 1)
        self.first_touches = len(self._touched)

    @abstractmethod
    def _map(self, space: int, piece: int) -> None:
        """Map a piece touched for the first time."""


class OneDimension(World):
    """Native tables, or the shadow tables of a guest: they map straight to host frames."""

    def __init__(
        self, format: PagingFormat, page_bits: int, fine_bits: int, hardware: Hardware
    ) -> None:
        super().__init__(format, page_bits, fine_bits)
        self.spaces: list[Space] = []
        self.roots: list[int] = []
        self.walked = NativeTables(Walker(format, self.memory), self.roots, hardware)

    def _map(self, space: int, piece: int) -> None:
        while len(self.spaces) <= space:
            made = Space(self.format, self.memory, self.fine_bits, self._frames.take)
            self.spaces.append(made)
            self.roots.append(made.tables.root)
        self.spaces[space].map(piece, self._data.take(1 << self.fine_bits - FRAME_SHIFT))
        self.first_frames += 1


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
        super().__init__(guest_format, guest_bits, min(guest_bits, nested_bits))
        self.spaces: list[Space] = []
        self.roots: list[tuple[int, int]] = []
        self.nested = Space(nested_format, self.memory, nested_bits, self._frames.take)
        self._nested_shift = nested_bits - FRAME_SHIFT  # of a frame number
        self._backed: set[int] = set()
        self._gfns: dict[tuple[int, int], int] = {}  # of each guest page
        walker = NestedWalker(guest_format, nested_format, self.memory)
        self.walked = NestedTables(walker, self.roots, hardware)

    def _back(self, gfn: int) -> bool:
        """Put the host's frames of the same numbers behind a guest frame; tell if that is new."""
        piece = gfn >> self._nested_shift
        if piece in self._backed:
            return False
        self.nested.map(piece, piece << self._nested_shift)
        self._backed.add(piece)
        return True

    def _table(self) -> int:
        """A guest frame for a guest table, with host memory behind it."""
        gfn = self._frames.take()
        self._back(gfn)
        return gfn

    def _map(self, space: int, piece: int) -> None:
        while len(self.spaces) <= space:
            made = Space(self.format, self.memory, self.page_bits, self._table)
            self.spaces.append(made)
            self.roots.append((made.tables.root, self.nested.tables.root))
        page = piece >> self.page_bits - self.fine_bits
        if (space, page) not in self._gfns:
            gfn = self._data.take(1 << self.page_bits - FRAME_SHIFT)
            self.spaces[space].map(page, gfn)
            self._gfns[space, page] = gfn
        offset = piece & (1 << self.page_bits - self.fine_bits) - 1
        if self._back(self._gfns[space, page] + (offset << self.fine_bits - FRAME_SHIFT)):
            self.first_frames += 1
