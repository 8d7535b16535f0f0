"""The tables behind the lab "Walks": virtual machines (or processes) on one simulated host.

Everything lies as real entries in simulated memory of 64 GiB, of which only the frames in use
exist. The host puts pages behind guest memory as they are first needed, scattered, so that an
address tells in which space it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..machine.memory import FRAME, FRAME_SHIFT
from ..machine.paging import EntryBits, PagingFormat
from ..machine.tables import TableBuilder

SHIFTS = {"4K": 12, "2M": 21, "1G": 30}
GUEST_SIZE = 3 << 30  # bytes of guest-physical memory
OUTSIDE = 0xF_0000  # a frame number no guest has
TABLES = 0xA_0000  # host frames from here on hold the host's own tables (nested, shadow)
FIRST_TABLE = 2  # guest frames from here on hold the guest's tables

HOST_CASES = frozenset({"swapped", "host-readonly", "misconfigured"})  # extended tables only
RESERVED = {4: 1 << 13, 8: 1 << 51}  # by entry size: a bit reserved in an entry of a page


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
        return 3 + self._backed * 37 % 512 if shift == 12 else 1 + self._backed * 5 % 128


class Machine:
    """One virtual machine: its own page tables, and the host's tables for its memory."""

    def __init__(self, host: Host, number: int, *, second: bool) -> None:
        self.host = host
        self.number = number
        self.second = second  # whether there is a second dimension under it
        geometry = host.geometry
        self.format = geometry.guest
        self._next_table = FIRST_TABLE + (0 if second else 64 * number)
        self._pages: dict[int, int] = {}  # virtual page -> guest page, of the guest's page size
        self._places: dict[int, int] = {}  # guest page -> host page, of the host's page size
        self.extended: TableBuilder | None = None
        if geometry.nested is not None:
            self.extended = TableBuilder(geometry.nested, host.memory, host.table_frame)
        self.tables = TableBuilder(self.format, host.memory, self._table_frame, self.place)
        self.shadow = TableBuilder(self.format, host.memory, host.table_frame)
        self._made: dict[str, int] = {}

    # -- where things are ------------------------------------------------------------------------

    def _table_frame(self) -> int:
        self._next_table += 1
        self.place(self._next_table << FRAME_SHIFT)
        return self._next_table

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

    # -- the cases -------------------------------------------------------------------------------

    def address(self, case: str) -> int:
        """An address of the kind one of :data:`MAKERS` names; its entries are made on demand."""
        if case not in self._made:
            self._made[case] = MAKERS[case](self)
        return self._made[case]


def _mapped(machine: Machine) -> int:
    gva = machine.page(3) + 0x123
    machine.map(gva)
    return gva


def _high(machine: Machine) -> int:
    gva = machine.base * 2 - (1 << machine.host.geometry.page) + 0xABC
    machine.map(gva)
    return gva


def _unmapped(machine: Machine) -> int:
    _mapped(machine)  # so that the tables exist and only the last entry is missing
    return machine.page(4) + 0x10


def _readonly(machine: Machine) -> int:
    gva, flag = machine.page(5) + 0x20, machine.format.bits
    machine.map(gva, flag.present | flag.user)
    return gva


def _kernel(machine: Machine) -> int:
    gva, flag = machine.page(6) + 0x30, machine.format.bits
    machine.map(gva, flag.present | flag.write)
    return gva


def _reserved(machine: Machine) -> int:
    """A reserved bit in the entry of a page; a 32-bit PTE has none, but a 4 MiB page's PDE."""
    level = level_of(machine.format, machine.host.geometry.page)
    size = machine.format.entry_bytes
    gva = machine.page(7) + 0x40
    if size == 4 and level == 1:
        level, gva = 2, machine.base + (7 << 22) + 0x40
        machine.tables.map(gva, 0x400, level=level)
    else:
        machine.map(gva)
    machine.change(gva, level, RESERVED[size])
    return gva


def _outside(machine: Machine) -> int:
    """An entry that points to a table beyond memory, or to a page where the root maps pages."""
    format, shift = machine.format, machine.host.geometry.page
    level = level_of(format, shift) + 1
    if level > len(format.levels):
        machine.tables.map(machine.page(9), OUTSIDE >> shift - 12 << shift - 12, level=level - 1)
        return machine.page(9) + 0x50
    gva = machine.base + (1 << format.levels[-level].shift) + 0x50
    machine.map(gva)
    machine.change(gva, level, OUTSIDE << FRAME_SHIFT, format.address_mask)
    return gva


def _loop(machine: Machine) -> int:
    """An entry of the root that points to the root itself, followed at every level."""
    format = machine.format
    root = format.levels[0]
    index = root.index(machine.base) + 1
    entry = machine.tables.root | format.bits.present
    if root.checked:
        entry |= format.bits.write | format.bits.user
    at = machine.place(machine.tables.root + index * format.entry_bytes)
    machine.host.memory.write(at, entry, format.entry_bytes)
    return sum(index << level.shift for level in format.levels) | 0x60


def _host_case(machine: Machine, flags: int) -> int:
    """A page whose extended entry has these flags; it lies apart from the guest's tables."""
    geometry = machine.host.geometry
    gva = machine.page(8) + 0x70
    gpa = GUEST_SIZE - (1 << 30)
    level = level_of(machine.format, geometry.page)
    machine.tables.map(gva, gpa >> FRAME_SHIFT, level=level)
    machine.extend(gpa, machine.host.back() << geometry.host_page, flags)
    return gva


def _swapped(machine: Machine) -> int:
    return _host_case(machine, 0)


def _host_readonly(machine: Machine) -> int:
    """Present and, where the format knows it, user; not writable. EPT: R and X."""
    flag = machine.extended_bits
    return _host_case(machine, flag.present & ~flag.write | flag.user)


def _misconfigured(machine: Machine) -> int:
    """EPT: writes but no reads. Other formats: a reserved bit."""
    flag = machine.extended_bits
    if flag.present & flag.write:
        return _host_case(machine, flag.write)
    if machine.extended is None or machine.extended.format.entry_bytes == 4:
        raise ValueError("a 32-bit entry of a 4 KiB page has no bit that must be clear")
    return _host_case(machine, flag.present | flag.write | flag.user | RESERVED[8])


MAKERS: dict[str, Callable[[Machine], int]] = {
    "mapped": _mapped,
    "high": _high,
    "unmapped": _unmapped,
    "readonly": _readonly,
    "kernel": _kernel,
    "reserved": _reserved,
    "outside": _outside,
    "loop": _loop,
    "swapped": _swapped,
    "host-readonly": _host_readonly,
    "misconfigured": _misconfigured,
}


def level_of(format: PagingFormat, shift: int) -> int:
    """The level number whose entries map pages of ``1 << shift`` bytes."""
    depth = next(n for n, level in enumerate(format.levels) if level.shift == shift)
    return format.level_number(depth)
