"""Looking into guest memory without leaving a trace: no TLB fill, no accessed bit, no fault."""

from __future__ import annotations

from ringside.machine.control import CR0_PG, CR4_PAE, CR4_PSE
from ringside.machine.cpu import Cpu
from ringside.machine.memory import FRAME, Memory
from ringside.machine.paging import PAE, THIRTY_TWO_BIT
from ringside.machine.walker import walk


def physical(cpu: Cpu, memory: Memory, linear: int) -> int | None:
    """The physical address of ``linear`` by the page tables as they are now, or None."""
    if not cpu.cr0 & CR0_PG:
        return linear
    format = PAE if cpu.cr4 & CR4_PAE else THIRTY_TWO_BIT

    def read_entry(address: int) -> int:
        return memory.read(address, format.entry_bytes)

    found = walk(
        format, cpu.cr3, linear, read_entry,
        large_pages=bool(cpu.cr4 & (CR4_PSE | CR4_PAE)))
    return None if found.fault is not None else found.address


def backed(cpu: Cpu, memory: Memory, linear: int) -> bool:
    """Whether there is memory at ``linear``: it is mapped, and not to where the RAM has ended."""
    address = physical(cpu, memory, linear)
    return address is not None and address < memory.size


def peek(cpu: Cpu, memory: Memory, linear: int, count: int) -> bytes | None:
    """Up to ``count`` bytes at ``linear``; fewer where a page is missing, None at once if so."""
    found = b""
    while len(found) < count:
        at = (linear + len(found)) & 0xFFFF_FFFF
        address = physical(cpu, memory, at)
        if address is None:
            break
        part = min(count - len(found), FRAME - (at & FRAME - 1))
        found += memory.read_bytes(address, part)
    return found or None
