"""The lists of MSRs that entry and exit load and store (SDM vol. 3C, 27.4, 28.4, 28.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.isa.faults import Fault

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

ENTRY_BYTES = 16  # index, reserved, value


def load_list(cpu: Cpu, address: int, count: int) -> int:
    """Load ``count`` MSRs from the list at ``address``; the number of the first bad entry, or 0."""
    for number in range(count):
        at = address + number * ENTRY_BYTES
        index, reserved = cpu.memory.read32(at), cpu.memory.read32(at + 4)
        try:
            if reserved:
                return number + 1
            cpu.write_msr(index, cpu.memory.read64(at + 8))
        except Fault:
            return number + 1
    return 0


def store_list(cpu: Cpu, address: int, count: int) -> bool:
    """Store ``count`` MSRs into the list at ``address``; False if an entry is bad."""
    for number in range(count):
        at = address + number * ENTRY_BYTES
        index, reserved = cpu.memory.read32(at), cpu.memory.read32(at + 4)
        try:
            if reserved:
                return False
            cpu.memory.write64(at + 8, cpu.read_msr(index))
        except Fault:
            return False
    return True
