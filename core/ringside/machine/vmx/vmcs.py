"""One VMCS region in memory (SDM vol. 3C, 25.2).

The first doubleword is the revision identifier, the second the abort indicator; how the rest is
laid out is the processor's own affair, which is why software goes through VMREAD and VMWRITE. Here
each field has a quadword, in the order of ``fields.FIELDS``, behind one for the launch state. What
the fields hold is nowhere but in simulated memory, so a freeze of the machine has it too.
"""

from __future__ import annotations

from ringside.machine.memory import FRAME_SHIFT, Memory
from ringside.machine.vmx.controls import REGION_SIZE
from ringside.machine.vmx.fields import FIELDS

ABORT = 4  # byte offset of the abort indicator
LAUNCH_STATE = 1  # slot
# Software must VMCLEAR a region before its first use: memory full of zeros is not clear.
CLEAR, LAUNCHED = 0xC1EA, 0

SLOTS = {field.encoding: LAUNCH_STATE + 1 + number for number, field in enumerate(FIELDS)}
WIDTH_MASKS = {field.encoding: (1 << field.width) - 1 for field in FIELDS}


class Vmcs:
    """The fields of the region at ``pointer`` (hpa): ``vmcs[encoding]``."""

    __slots__ = ("pointer", "slots")

    def __init__(self, memory: Memory, pointer: int) -> None:
        self.pointer = pointer
        memory.pin(pointer >> FRAME_SHIFT)
        self.slots: memoryview = memory.m8[pointer : pointer + REGION_SIZE].cast("Q")

    def __getitem__(self, encoding: int) -> int:
        value: int = self.slots[SLOTS[encoding]]
        return value

    def __setitem__(self, encoding: int, value: int) -> None:
        self.slots[SLOTS[encoding]] = value & WIDTH_MASKS[encoding]

    @property
    def launched(self) -> bool:
        """Whether VMRESUME may enter it (else VMLAUNCH)."""
        return bool(self.slots[LAUNCH_STATE] != CLEAR)

    @launched.setter
    def launched(self, launched: bool) -> None:
        self.slots[LAUNCH_STATE] = LAUNCHED if launched else CLEAR


def revision(memory: Memory, pointer: int) -> int:
    """Read the revision identifier of a region."""
    return memory.read32(pointer)
