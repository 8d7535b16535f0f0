"""From a guest EIP to its translation while translated code runs: a hash table and code for it.

Returns and indirect jumps come here with the guest's EIP in ECX (the guest's own ECX put aside).
The code is real and runs in ring 1. It finds the translation, or calls the VMM, which makes one
and fills the slot. It exists twice: branches to another page, which have retired when they get
here, use the second copy, so that the processor's counters can tell them from returns.
"""

from __future__ import annotations

from ringside.isa.assembler import assemble
from ringside.machine.memory import Memory
from ringside.vmm.translation.layout import SLOT_SIZE, SLOTS, TABLE, slot_of
from ringside.vmm.translation.replacements import DEFINES

LOOKUP = """
        mov [gs:save_edx], edx
        mov [gs:wanted], ecx
        movzx edx, cl                   ; the slot: its lowest byte + 8 times the next one
        movzx ecx, ch
        lea edx, [edx + ecx * 8]
        mov ecx, [gs:table + 4 + edx * 8]
        mov [gs:target], ecx
        mov ecx, [gs:table + edx * 8]   ; the negated EIP the slot is for
        mov edx, [gs:wanted]
        lea ecx, [ecx + edx]            ; CMP would change the guest's flags
        jecxz hit
        int CALL_VMM
hit:    mov edx, [gs:save_edx]
        mov ecx, [gs:save_ecx]
        jmp [gs:target]
"""
PAD = "int CALL_VMM"
"""Where the guest is sent when its next instruction cannot be translated."""


def assembled_routine(text: str, address: int) -> bytes:
    """A routine of the translator's own, for ``address``."""
    return assemble(f"bits 32\norg {address:#x}\n{text}\n", defines=DEFINES).image


class HashTable:
    """The table in simulated memory, at ``hpa``; ``used`` are the slots that are not empty."""

    __slots__ = ("hpa", "memory", "used")
    transient = frozenset({"memory"})

    def __init__(self, memory: Memory, data_hpa: int) -> None:
        self.memory = memory
        self.hpa = data_hpa + TABLE
        self.used: dict[int, int] = {}  # slot -> EIP
        memory.write_bytes(self.hpa, bytes(SLOTS * SLOT_SIZE))
        self._empty(0)

    def _empty(self, slot: int) -> None:
        # A negated EIP that no lookup of this slot brings: 0 belongs to slot 0, and 1 does not.
        negated = 0xFFFF_FFFF if slot == 0 else 0
        self._write(slot, negated, 0)

    def _write(self, slot: int, negated: int, address: int) -> None:
        self.memory.write64(self.hpa + slot * SLOT_SIZE, negated | address << 32)

    def insert(self, eip: int, address: int) -> None:
        """Let lookups of ``eip`` find ``address``; what was in the slot is lost."""
        slot = slot_of(eip)
        self.used[slot] = eip
        self._write(slot, -eip & 0xFFFF_FFFF, address)

    def leads_to(self, eip: int, address: int) -> bool:
        """Whether lookups of ``eip`` find ``address``."""
        slot = slot_of(eip)
        if self.used.get(slot) != eip:
            return False
        return self.memory.read32(self.hpa + slot * SLOT_SIZE + 4) == address

    def remove(self, eip: int) -> None:
        """Let lookups of ``eip`` find nothing."""
        slot = slot_of(eip)
        if self.used.get(slot) == eip:
            del self.used[slot]
            self._empty(slot)

    def clear(self) -> None:
        """Empty the table."""
        for slot in self.used:
            self._empty(slot)
        self.used.clear()
