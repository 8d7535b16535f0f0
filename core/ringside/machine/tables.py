"""Building page tables in simulated memory, in any format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ringside.machine.memory import FRAME
from ringside.machine.paging import PagingFormat
from ringside.machine.walker import PhysicalMemory


class TableMemory(PhysicalMemory, Protocol):
    """Memory that tables can be built in."""

    def write_bytes(self, hpa: int, data: bytes, /) -> None:
        """Store ``data``."""
        ...


class TableBuilder:
    """Page tables under construction: real entries, written as they are mapped.

    ``allocate`` gives a free frame number for each new table. ``place`` says where in ``memory``
    the bytes of a table address go; it differs from the identity only for a guest's tables,
    whose addresses are guest-physical.
    """

    def __init__(
        self,
        format: PagingFormat,
        memory: TableMemory,
        allocate: Callable[[], int],
        place: Callable[[int], int] = lambda address: address,
    ) -> None:
        self.format = format
        self.memory = memory
        self.allocate = allocate
        self.place = place
        self.tables: list[int] = []
        self.root = self._new_table()

    def _new_table(self) -> int:
        table = self.allocate() * FRAME
        self.memory.write_bytes(self.place(table), bytes(FRAME))
        self.tables.append(table)
        return table

    def _entry_address(self, table: int, depth: int, linear: int) -> int:
        level = self.format.levels[depth]
        return self.place(table + level.index(linear) * self.format.entry_bytes)

    def map(self, linear: int, frame: int, flags: int | None = None, level: int = 1) -> None:
        """Map the page of ``linear`` to ``frame`` (a 4 KiB frame number).

        ``flags`` are the low bits of the leaf entry (by default present, writable and user);
        ``level`` 1 maps a 4 KiB page, 2 the format's next size up. Raises ValueError where the
        format has no such page or the frame is not aligned to it.
        """
        format = self.format
        last = len(format.levels) - level
        leaf = format.levels[last]
        if level > 1 and not leaf.large:
            raise ValueError(f"{format.title} has no page of {leaf.page_size} bytes")
        if frame * FRAME % leaf.page_size:
            raise ValueError(f"frame {frame:#x} is not aligned to {leaf.page_size} bytes")
        default = format.bits.present | format.bits.write | format.bits.user
        table = self.root
        for depth in range(last):
            address = self._entry_address(table, depth, linear)
            entry = self.memory.read(address, format.entry_bytes)
            if not entry & format.bits.present:
                kept = default if format.levels[depth].checked else format.bits.present
                entry = self._new_table() | kept
                self.memory.write(address, entry, format.entry_bytes)
            table = entry & format.address_mask
        entry = frame * FRAME | (default if flags is None else flags)
        if level > 1:
            entry |= format.bits.large
        self.memory.write(self._entry_address(table, last, linear), entry, format.entry_bytes)

    def map_range(self, linear: int, frame: int, count: int, flags: int | None = None) -> None:
        """Map ``count`` 4 KiB pages from ``linear`` on to as many frames from ``frame`` on."""
        for number in range(count):
            self.map(linear + number * FRAME, frame + number, flags)
