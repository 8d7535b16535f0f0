"""The addresses of the lab "Walks": mapped ones, and each way in which a walk can fail."""

from __future__ import annotations

from collections.abc import Callable

from ..machine.memory import FRAME_SHIFT
from .walk_world import GUEST_SIZE, OUTSIDE, Machine, level_of

# These are about the host's tables
HOST_CASES = frozenset({"swapped", "host-readonly", "host-noexec", "misconfigured"})
RESERVED = {4: 1 << 13, 8: 1 << 51}  # by entry size: a bit reserved in an entry of a page


def address(machine: Machine, case: str) -> int:
    """An address of the kind one of :data:`MAKERS` names; its entries are made on demand."""
    if case not in machine.cases:
        machine.cases[case] = MAKERS[case](machine)
    return machine.cases[case]


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


def _noexec(machine: Machine) -> int:
    """A page of data: no instruction may be fetched from it."""
    gva, flag = machine.page(10) + 0x80, machine.format.bits
    if not flag.no_execute:
        raise ValueError("an entry of this format cannot forbid fetching instructions")
    machine.map(gva, flag.present | flag.write | flag.user | flag.no_execute)
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


def _host_noexec(machine: Machine) -> int:
    """Present and writable, but not for instructions. EPT: R and W."""
    flag = machine.extended_bits
    if not flag.execute and not flag.no_execute:
        raise ValueError("an entry of the host's format cannot forbid fetching instructions")
    flags = flag.present & ~flag.execute | flag.write | flag.user | flag.no_execute
    return _host_case(machine, flags)


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
    "noexec": _noexec,
    "kernel": _kernel,
    "reserved": _reserved,
    "outside": _outside,
    "loop": _loop,
    "swapped": _swapped,
    "host-readonly": _host_readonly,
    "host-noexec": _host_noexec,
    "misconfigured": _misconfigured,
}
