"""The tables behind the lab "Walks": virtual machines (or processes) on one simulated host.

Everything lies as real entries in simulated memory of 64 GiB, of which only the frames in use
exist. The host puts pages behind guest memory as they are first needed, scattered, so that an
address tells in which space it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..machine.memory import FRAME, FRAME_SHIFT
from ..machine.paging import EntryBits, PagingFormat
from ..machine.tables import TableBuilder
from ..machine.walker import walk

SHIFTS = {"4K": 12, "2M": 21, "1G": 30}
GUEST_SIZE = 3 << 30  # bytes of guest-physical memory
OUTSIDE = 0xF_0000  # a frame number no guest has
TABLES = 0xA_0000  # host frames from here on hold the host's own tables (nested, shadow)
FIRST_TABLE = 2  # guest frames from here on hold the guest's tables, at first
OWN_TABLES = 64  # as many of them for each process on bare metal, which share physical memory;
FURTHER_TABLES = 0x8_0000  # further ones lie from here on, apart from all data


class SparseMemory:
    """Physical memory whose frames exist once they are written; beyond ``size`` there is none."""

    __slots__ = ("frames", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.frames: dict[int, bytearray] = {}

    def read(self, hpa: int, size: int) -> int:
        """An aligned little-endian value; ones where there is no memory, as on a bus."""
        if hpa >= self.size:
            return (1 << 8 * size) - 1
        frame = self.frames.get(hpa >> FRAME_SHIFT)
        at = hpa & FRAME - 1
        return int.from_bytes(frame[at : at + size], "little") if frame else 0

    def write(self, hpa: int, value: int, size: int) -> None:
        """Store an aligned value; beyond the end it is lost."""
        self.write_bytes(hpa, value.to_bytes(size, "little"))

    def write_bytes(self, hpa: int, data: bytes) -> None:
        """Store bytes of one frame."""
        if hpa < self.size:
            frame = self.frames.setdefault(hpa >> FRAME_SHIFT, bytearray(FRAME))
            at = hpa & FRAME - 1
            frame[at : at + len(data)] = data


@dataclass(frozen=True, slots=True)
class Geometry:
    """Formats and page sizes (as shifts); ``nested`` is None where there is one dimension."""

    guest: PagingFormat
    nested: PagingFormat | None
    page: int
    host_page: int


def page_shift(format: PagingFormat, name: str) -> int:
    """The binary logarithm of the page size ``name`` in a format ("2M" is 4 MiB in 32-bit).

    Raises ValueError where the format has no such page.
    """
    wanted = 22 if name == "2M" and format.entry_bytes == 4 else SHIFTS[name]
    for level in format.levels:
        if level.shift == wanted and (level.large or level is format.levels[-1]):
            return wanted
    raise ValueError(f"{format.title} has no such page")


class Host:
    """The memory of all, and the frames given out so far."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        small = geometry.nested is not None and geometry.nested.entry_bytes == 4
        self.memory = SparseMemory(4 << 30 if small else 64 << 30)
        self._tables = TABLES
        self._backed = 0

    def table_frame(self) -> int:
        """A frame for one of the host's own tables."""
        self._tables += 1
        return self._tables

    def back(self) -> int:
        """The number of a free host page, of the host's page size."""
        self._backed += 1
        shift = self.geometry.host_page
        if shift == 30:
            return 2 + self._backed  # beyond the host's own tables
        # 37 and 5 have no factor in common with 512 and 128: no page is given out twice.
        first, step, room = (3, 37, 512) if shift == 12 else (1, 5, 128)
        return first + self._backed // room * room + self._backed * step % room


@dataclass(frozen=True, slots=True)
class Space:
    """An address space: the guest's tables, the shadow made from them, and what is mapped.

    ``pages``: virtual page to guest page, of the guest's page size.
    """

    tables: TableBuilder
    shadow: TableBuilder
    pages: dict[int, int]


class Machine:
    """One virtual machine: its own page tables, and the host's tables for its memory."""

    def __init__(self, host: Host, number: int, *, second: bool) -> None:
        self.host = host
        self.number = number
        self.second = second  # whether there is a second dimension under it
        geometry = host.geometry
        self.format = geometry.guest
        self._tables_made = 0
        self._places: dict[int, int] = {}  # guest page -> host page, of the host's page size
        self.extended: TableBuilder | None = None
        if geometry.nested is not None:
            self.extended = TableBuilder(geometry.nested, host.memory, host.table_frame)
        self._spaces: dict[int, Space] = {}
        self.load_root(0)
        self.cases: dict[str, int] = {}  # see walk_cases

    # -- where things are ------------------------------------------------------------------------

    def _table_frame(self) -> int:
        self._tables_made += 1
        made, number = self._tables_made, 0 if self.second else self.number
        frame = FIRST_TABLE + OWN_TABLES * number + made
        if made >= OWN_TABLES:
            frame = FURTHER_TABLES + (number << 13) + made
        self.place(frame << FRAME_SHIFT)
        return frame

    def load_root(self, key: int) -> None:
        """Use the address space known by ``key``, the guest's own CR3; a new one is empty."""
        if key not in self._spaces:
            host = self.host
            self._spaces[key] = Space(
                TableBuilder(self.format, host.memory, self._table_frame, self.place),
                TableBuilder(self.format, host.memory, host.table_frame), {})
        space = self._spaces[key]
        self.tables, self.shadow, self._pages = space.tables, space.shadow, space.pages

    def place(self, gpa: int) -> int:
        """Where guest memory really lies; the host backs and maps what nobody used before.

        Beyond the guest's memory there is nothing: an address where no memory answers.
        """
        if not self.second:
            return gpa if gpa < GUEST_SIZE else self.host.memory.size
        if gpa >= GUEST_SIZE:
            return self.host.memory.size
        shift = self.host.geometry.host_page
        page = gpa >> shift
        if page not in self._places:
            self._places[page] = self.host.back()
            self.extend(page << shift, self._places[page] << shift)
        return self._places[page] << shift | gpa & (1 << shift) - 1

    def extend(self, gpa: int, hpa: int, flags: int | None = None) -> None:
        """Map a host page in the extended tables, if there are any."""
        if self.extended is not None:
            shift = self.host.geometry.host_page
            self.extended.map(gpa, hpa >> FRAME_SHIFT, flags, level_of(self.extended.format, shift))

    # -- what is mapped --------------------------------------------------------------------------

    @property
    def mapped(self) -> Iterable[int]:
        """Numbers of the virtual pages that are mapped to data."""
        return self._pages.keys()

    def map(self, gva: int, flags: int | None = None) -> int:
        """Map the page of ``gva`` if it is not yet; return its guest-physical address."""
        shift = self.host.geometry.page
        page = gva >> shift
        if page not in self._pages:
            self._pages[page] = self._guest_page()
            frame = self._pages[page] << shift - FRAME_SHIFT
            self.tables.map(page << shift, frame, flags, level_of(self.format, shift))
        gpa = self._pages[page] << shift | gva & (1 << shift) - 1
        self.place(gpa)
        return gpa

    def mirror(self, gva: int, frame: int, flags: int) -> None:
        """Make the entry of the page of ``gva`` what a program's kernel has made of its own.

        ``frame`` (of 4 KiB) and the ``flags`` besides A and D, 0 for a page that is not present.
        What the VMM keeps of the page in a shadow goes with the old entry.
        """
        shift = self.host.geometry.page
        page, level = gva >> shift, level_of(self.format, shift)
        size, flag = self.format.entry_bytes, self.format.bits
        wanted = frame << FRAME_SHIFT | flags | (flag.large if level > 1 and flags else 0)
        if page in self._pages:
            now = self.host.memory.read(self.entry(page << shift, level), size)
            if now & ~(flag.accessed | flag.dirty) == wanted:
                return
            self._forget_shadow(page << shift)
        self.tables.map(page << shift, frame if flags else 0, flags, level)
        self._pages[page] = frame >> shift - FRAME_SHIFT
        if flags:
            self.place(frame << FRAME_SHIFT)

    def _forget_shadow(self, gva: int) -> None:
        size, memory = self.format.entry_bytes, self.host.memory
        found = walk(self.format, self.shadow.root, gva, lambda hpa: memory.read(hpa, size))
        if found.fault is None:
            memory.write(found.refs[-1].address, 0, size)

    def _guest_page(self) -> int:
        """The next page of guest memory for data; of the largest there are only two."""
        shift, count = self.host.geometry.page, len(self._pages)
        first = 0 if self.second else 256 * self.number
        if shift == 30:
            return 1 + count % 2
        return (0x128 if shift == FRAME_SHIFT else 0x15) + first + count

    @property
    def extended_bits(self) -> EntryBits:
        """The flags of the extended tables' entries."""
        return self.extended.format.bits if self.extended else self.format.bits

    @property
    def base(self) -> int:
        """Where the lab's addresses begin: in the middle of the format's (lower) space."""
        # The upper half of a 48- or 57-bit space is the kernel's.
        space = self.format.address_bits - (self.format.address_bits > 32)
        return 1 << space - 1

    def page(self, number: int) -> int:
        """The address of the lab's page ``number``."""
        shift = self.host.geometry.page
        start = 0x20_0000 if shift == FRAME_SHIFT else 0
        return self.base + start + (number << shift)

    def entry(self, gva: int, level: int) -> int:
        """Where the entry of ``level`` for an address lies in host memory."""
        table = self.tables.root
        for depth, one in enumerate(self.format.levels):
            at = self.place(table + one.index(gva) * self.format.entry_bytes)
            if self.format.level_number(depth) == level:
                return at
            entry = self.host.memory.read(at, self.format.entry_bytes)
            table = entry & self.format.address_mask
        raise ValueError(f"no level {level}")

    def change(self, gva: int, level: int, set: int, clear: int = 0) -> None:
        """Clear and set bits of the guest's entry of ``level`` for an address."""
        at, size = self.entry(gva, level), self.format.entry_bytes
        self.host.memory.write(at, self.host.memory.read(at, size) & ~clear | set, size)


def level_of(format: PagingFormat, shift: int) -> int:
    """The level number whose entries map pages of ``1 << shift`` bytes."""
    depth = next(n for n, level in enumerate(format.levels) if level.shift == shift)
    return format.level_number(depth)
