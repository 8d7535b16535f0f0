"""What translated code finds through GS: the virtual CPU's state in memory, and the hash table.

While translated code runs, GS is the VMM's: a ring-1 data segment over these few frames of the
VMM's window. All other data segments end below the window, so nothing the guest computes can
reach it; instructions of the guest that use GS themselves are never copied.

=============  ============================================================================
offset         what is there
=============  ============================================================================
0x000-0x03F    the parts of the virtual CPU that translated code reads or changes
0x040-0x05F    scratch: guest registers put aside within one replacement, the lookup's data
0x1000         the hash table: for each slot the negated guest EIP and its cache address
=============  ============================================================================
"""

from __future__ import annotations

from ringside.isa.registers import EAX, ECX, EDX

VIRTUAL_IF = 0x00  # EFLAGS.IF as the guest believes, in its place: 0 or 0x200
PENDING = 0x04  # 0x200 while an interrupt waits for the guest to enable interrupts
VIRTUAL_IOPL = 0x08  # EFLAGS.IOPL, in its place
IF_BEFORE = 0x0C  # the virtual IF before the last STI
VIRTUAL_CR0, VIRTUAL_CR2, VIRTUAL_CR3, VIRTUAL_CR4 = 0x10, 0x14, 0x18, 0x1C
VIRTUAL_CS, VIRTUAL_SS = 0x20, 0x24  # selectors, with the ring the guest believes in
VIRTUAL_GS, VIRTUAL_LDTR, VIRTUAL_TR = 0x28, 0x2C, 0x30
OPEN_BUS = 0x34  # what the virtual chipset gives for a port that nobody answers
SAVE_EAX, SAVE_ECX, SAVE_EDX = 0x40, 0x44, 0x48
WANTED = 0x50  # guest EIP an indirect branch looks for
TARGET = 0x54  # cache address it found
TABLE = 0x1000

# The slot of an EIP whose lowest bytes are b0 and b1 is b0 + 8 * b1: what LEA can compute, for
# the guest's flags must survive.
SLOTS = 0xFF + 8 * 0xFF + 1
SLOT_SIZE = 8
DATA_SIZE = -(-(TABLE + SLOTS * SLOT_SIZE) // 4096) * 4096

CELLS: dict[str, int] = {
    "virtual_if": VIRTUAL_IF,
    "pending": PENDING,
    "virtual_iopl": VIRTUAL_IOPL,
    "if_before": IF_BEFORE,
    "virtual_cr0": VIRTUAL_CR0,
    "virtual_cr2": VIRTUAL_CR2,
    "virtual_cr3": VIRTUAL_CR3,
    "virtual_cr4": VIRTUAL_CR4,
    "virtual_cs": VIRTUAL_CS,
    "virtual_ss": VIRTUAL_SS,
    "virtual_gs": VIRTUAL_GS,
    "virtual_ldtr": VIRTUAL_LDTR,
    "virtual_tr": VIRTUAL_TR,
    "open_bus": OPEN_BUS,
    "save_eax": SAVE_EAX,
    "save_ecx": SAVE_ECX,
    "save_edx": SAVE_EDX,
    "wanted": WANTED,
    "target": TARGET,
    "table": TABLE,
}
"""Names for the texts of replacements, and for showing translated code."""

SAVED = {SAVE_EAX: EAX, SAVE_ECX: ECX, SAVE_EDX: EDX}
"""Which register a scratch cell keeps."""


def slot_of(eip: int) -> int:
    """The hash table's slot for a guest EIP, as the lookup code computes it."""
    return (eip & 0xFF) + 8 * (eip >> 8 & 0xFF)
