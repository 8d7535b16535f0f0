"""A guest that jumps where no IRET of a VMM's can lead is given what the processor gives it bare.

A de-privileged guest's code segments are cut off below the VMM's 4 MiB window. Beyond that, and
beyond the guest's own limit, nothing can be entered: the VMM fetches for the guest, and finds the
fault that the guest would have found by itself.
"""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, MEMORIES, UNMODIFIED, Image, Options, build
from ringside.vmm.lockstep import EVERY_STEP, Lockstep

PROLOGUE = """bits 32
org 0x100000
%include "pc.inc"
main:   gate 6, caught
        gate 11, caught
        gate 13, caught
        gate 14, caught
"""
EPILOGUE = """
caught: mov esp, 0x90000
        mov ax, DATA
        mov ds, ax
        mov es, ax
        mov eax, [0x90000 - 24]
        call print_number
        mov eax, [0x90000 - 20]
        call print_number
        xor eax, eax
        jmp finish
"""


def to_ring_3(eip: str, cs: str = "USER_CODE") -> str:
    return (f" push dword USER_DATA\n push dword 0x80000\n push dword 0x3202\n"
            f" push dword {cs}\n push dword {eip}\n iret\n")


def short_segment(access: int) -> str:
    """Entry 3 of the GDT: code up to 0x110FFF."""
    return (" mov dword [gdt + 24], 0x00000110\n"
            f" mov dword [gdt + 28], 0x00C0{access:02X}00\n")


CASES = {
    "a jump to the last bytes": " mov eax, 0xFFFFFFFE\n jmp eax",
    "a call into the window": " mov eax, 0xFFC00000\n call eax",
    "a return into the window": " push dword 0xFFD00000\n ret",
    "an IRET of ring 0 into the window": " push dword 2\n push dword CODE\n push dword 0xFFC01000\n iret",
    "a far jump into the window": " jmp CODE:0xFFC00010",
    "an IRET of ring 0 to a ring 3 in the window": to_ring_3("0xFFC01000"),
    "CLI as the last byte of a segment":
        " mov byte [0x110FFF], 0xFA\n" + short_segment(0x9A) + " jmp 0x18:0x110FFF",
    "OUT of ring 3 as the last bytes of a segment":
        " mov word [0x110FFE], 0xE9E6\n" + short_segment(0xFA) + to_ring_3("0x110FFE", "0x1B"),
    "an instruction that reaches over the end of a segment":
        " mov byte [0x110FFF], 0xB8\n" + short_segment(0x9A) + " jmp 0x18:0x110FFF",
}  # fmt: skip


@pytest.mark.parametrize("technique", UNMODIFIED)
@pytest.mark.parametrize("case", CASES)
def test_the_guest_gets_the_fault_it_gets_on_bare_metal(case: str, technique: str) -> None:
    program = guests.assemble_text(PROLOGUE + CASES[case] + EPILOGUE)
    image = Image(program, "beyond", 4 << 20)
    for memory in MEMORIES[technique][:2]:
        bare, virtual = build(BARE_METAL, image), build(technique, image, Options(memory=memory))
        assert Lockstep(bare, virtual, closely=EVERY_STEP).advance(4_000) is None, memory
        assert bare.outcome is not None and virtual.outcome == bare.outcome
        assert bare.console and virtual.console == bare.console
        assert virtual.digest() == bare.digest()


def test_a_handler_in_the_window_is_no_end_for_the_vmm() -> None:
    """On bare metal every fault there brings the next one; under a VMM too, and it can be left."""
    text = PROLOGUE + (
        " mov dword [idt + 8 * 6], CODE << 16\n mov dword [idt + 8 * 6 + 4], 0xFFFF8E00\n ud2\n"
    ) + EPILOGUE
    image = Image(guests.assemble_text(text), "beyond", 4 << 20)
    for technique in UNMODIFIED:
        assert Lockstep(build(BARE_METAL, image), build(technique, image)).advance(600) is None
