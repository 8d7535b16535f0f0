"""Hostile guests: what a virtual machine does, however rude, stays in that virtual machine."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.host.policies import RoundRobin
from ringside.host.systems import Options

NEIGHBOUR = """
main:   mov edi, 0x200000
        mov ecx, 0x100
        mov eax, 0x600DF00D
        rep stosd
.check: mov esi, 0x200000
        mov ecx, 0x100
.next:  lodsd
        cmp eax, 0x600DF00D
        jne .broken
        loop .next
        inc dword [0x210000]
        jmp .check
.broken: mov al, 13
        out 0xF4, al
"""
HOSTILE = {
    "writes all over linear memory": """
main:   gate 13, main
        gate 14, main
        mov edi, 0x400000
.next:  mov dword [edi], 0xBAD0BAD0
        add edi, 0x1000
        jmp .next
""",
    "maps every frame there is": """
main:   mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        xor ebx, ebx
.next:  lea eax, [ebx + 3]
        mov [table + 0x300 * 4], eax
        invlpg [0x300000]
        cmp ebx, 0x100000               ; its own code is there
        jb .skip
        cmp ebx, 0x108000
        jb .leave_alone
.skip:  mov dword [0x300800], 0xBAD0BAD0
.leave_alone:
        add ebx, 0x1000
        jmp .next
align 4096
directory: dd table + 3
        times 1023 dd 0
table:
%rep 1024
        dd ($ - table) * 1024 + 3
%endrep
""",
    "loads a forged descriptor of the VMM's window": """
main:   gate 13, .go_on
        lgdt [forged]
        mov eax, 0x18
        mov fs, ax
        mov dword [fs:0], 0xBAD0BAD0
        mov dword [fs:0x101000], 0xBAD0BAD0
.go_on: mov eax, 0x20
        mov gs, ax
        mov dword [gs:0], 0xBAD0BAD0
        jmp .go_on
align 8
own:    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
        dq 0xFFCF92C000000FFF, 0xFFCF92D000000FFF ; bases FFC00000 and FFD00000
forged: dw 5 * 8 - 1
        dd own
""",
    "owns the timer and shuts interrupts out": """
main:   cli
        mov eax, 1
        call timer_start
        mov al, 0xFF
        out 0x21, al
        out 0xA1, al
.stay:  jmp .stay
""",
    "takes the interrupt table away and then faults": """
main:   lidt [nothing]
        ud2
nothing: dw 0
        dd 0
""",
    "uses the VMM's own selectors": """
main:   gate 13, .next
        mov eax, 0xFFE8                 ; the VMM's data segment
        mov ds, ax
        mov dword [0xFFC00000], 0xBAD0BAD0
.next:  jmp 0xFFE0:0xFFD01000           ; an entry point of the VMM
""",
    "returns into ring 0 with IRET": """
main:   gate 13, .again
.again: push dword 0x10
        push dword 0x90000
        push dword 0x3202
        push dword 0xFFE0
        push dword 0xFFD01000
        iret
""",
}


def frames_marked(ram: bytearray) -> set[int]:
    """The frames that hold the mark in an aligned word."""
    found, at, mark = set(), 0, (0xBAD0BAD0).to_bytes(4, "little")
    while (at := ram.find(mark, at)) >= 0:
        if at & 3:
            at += 1
        else:
            found.add(at & ~0xFFF)
            at = (at | 0xFFF) + 1
    return found


@pytest.mark.parametrize(
    ("technique", "memory"),
    [("trap-and-emulate", ""), ("hardware-assist", "nested"), ("hardware-assist", "shadow")],
)
@pytest.mark.parametrize("crime", sorted(HOSTILE))
def test_a_neighbour_never_notices_a_guest_that(
    bench: Any, crime: str, technique: str, memory: str
) -> None:
    options = Options(policy=RoundRobin(400), memory=memory)
    system = bench.virtual(
        HOSTILE[crime], NEIGHBOUR, tables=True, options=options, technique=technique
    )
    memory = system.machine.memory
    monitor = bytes(memory.ram[0x10_0000 : 0x10_2000])  # IDT and entry points
    system.run(30_000)
    neighbour = system.vms[1]
    assert neighbour.outcome is None
    assert neighbour.memory.read32(0x21_0000) >= 1
    assert bytes(memory.ram[0x10_0000 : 0x10_2000]) == monitor
    own = {hfn << 12 for hfn in system.vms[0].allotment.hfns}
    assert frames_marked(memory.ram) <= own


def test_the_real_interrupt_flag_is_set_whenever_a_guest_runs(bench: Any) -> None:
    system = bench.virtual(HOSTILE["owns the timer and shuts interrupts out"], tables=True)
    for _ in range(300):
        system.step()
        if system.vmm.in_guest:
            cpu = system.machine.cpu
            assert cpu.eflags & 0x200
            assert not cpu.eflags & 0x3000
            assert cpu.cpl > 0
