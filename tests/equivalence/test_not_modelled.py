"""A guest that asks for what is not modelled ends at the same step under every technique."""

from __future__ import annotations

import pytest
from ringside.host.systems import BARE_METAL, MEMORIES, UNMODIFIED, Image, Options, build
from ringside.isa.assembler import assemble

GUEST = """
org 0x100000
start:  mov esp, 0x90000
        lgdt [gdtr]
        lidt [idtr]
        jmp 0x08:go
go:     mov ax, 0x10
        mov ds, ax
        mov ss, ax
        mov ax, 0x18
        ltr ax
        {asks}
        hlt
gdtr:   dw 39
        dd gdt
idtr:   dw 63
        dd idt
gdt:    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
        dw 103, tss - 0x100000, 0x8910, 0
        dw 103, tss - 0x100000, 0x8910, 0
idt:    times 6 dq 0
        dw 0, 0x20, 0x8500, 0           ; vector 6: a task gate
        dq 0
tss:    times 26 dd 0
"""
ASKS = {
    "a jump to a task": "jmp 0x20:0",
    "a call of a task": "call 0x20:0",
    "IRET with NT": "pushfd\n pop eax\n or eax, 0x4000\n push eax\n popfd\n iretd",
    "a task gate": "ud2",
    "IRET to virtual-8086 mode": "push 0x20202\n push 8\n push go\n iretd",
}


@pytest.mark.parametrize("asks", ASKS.values(), ids=ASKS.keys())
def test_what_is_not_modelled_ends_a_guest_at_the_same_step_everywhere(asks: str) -> None:
    program = assemble(GUEST.format(asks=asks))
    ends = {}
    for technique in (BARE_METAL, *UNMODIFIED):
        for memory in MEMORIES.get(technique, ("",)):
            system = build(technique, Image(program), Options(memory=memory))
            assert system.run(1000) == "not-modelled"
            cpu = system.guest_cpu
            ends[technique, memory] = system.guest_steps, cpu.time, cpu.eip
    assert set(ends.values()) == {ends[BARE_METAL, ""]}
