"""Guests whose page tables are rubbish: reserved bits, tables that are their own pages, frames where
there is no memory. Each access ends as on bare metal, with the architectural fault if there is one.
"""

from __future__ import annotations

import random

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, MEMORIES, UNMODIFIED, Image, Options, build
from ringside.vmm.lockstep import EVERY_STEP, Lockstep

VIRTUAL = [(technique, memory) for technique in UNMODIFIED for memory in MEMORIES[technique]]
WITH_NESTED_TLB = ("nested", "untagged")
FIRST, LAST = 33, 36  # entries of the directory that are spoiled

# A log of what was read, and of each fault's error code and address; EBP is where to go on then.
PROLOGUE = """bits 32
org 0x100000
%include "pc.inc"
main:   gate 14, fault
        mov edi, 0x3F0000
        {paging}
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        jmp body
fault:  pop eax
        or eax, 0xFA00
        stosd
        mov eax, cr2
        stosd
        mov [esp], ebp
        iret
leave:  mov al, 0
        out 0xF4, al
align 4096
directory: times 1024 dd 0
table:  times 1024 dd 0
other:  times 1024 dd 0
body:
"""
SHORT = """
        mov dword [directory], table + 7
        xor ecx, ecx
.entry: mov eax, ecx
        shl eax, 12
        or eax, 3
        mov [table + ecx * 4], eax
        inc ecx
        cmp ecx, 1024
        jb .entry
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, directory
        mov cr3, eax
"""
PAE = """
        mov dword [0x200000], 0x201001
        mov dword [0x201000], 0x202007
        mov dword [0x201008], 0x203007
        mov esi, 0x202000
        mov eax, 3
.entry: mov [esi], eax
        add eax, 0x1000
        add esi, 8
        cmp esi, 0x204000
        jb .entry
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, 0x200000
        mov cr3, eax
"""


def spoiled(seed: int, pae: bool, length: int = 30) -> Image:
    rng = random.Random(f"{seed} {pae}")
    tables = ("0x200000", "0x201000", "0x202000", "0x203000") if pae else (
        "directory", "table", "other")
    upper, lower, shift, size = (
        ("0x201000", "0x203C00", 21, 8) if pae else ("directory", "other", 22, 4))

    def entry() -> tuple[str, int]:
        bits = rng.choice([0, 1, 3, 5, 7, 7, 0x67, 0x81, 0x83, 0x87, 0x107])
        kind = rng.random()
        if kind < 0.4:
            return f"{rng.choice(tables)} + {bits}", 0
        if kind < 0.7:
            return f"0x{rng.randrange(0x380, 0x388):x}000 + {bits}", 0
        if kind < 0.85:
            return f"0x{rng.getrandbits(20):x}000 + {bits}", rng.choice([0, 1, 0x10, 1 << 31])
        return f"0x{rng.getrandbits(32):x}", rng.getrandbits(32)

    lines = []
    for number in range(length):
        kind = rng.random()
        if kind < 0.35:
            at = f"{upper} + {rng.randint(FIRST, LAST) * size}"
            if rng.random() < 0.5:
                at = f"{lower} + {rng.randrange(4) * size}"
            low, high = entry()
            lines.append(f"mov dword [{at}], {low}")
            if pae:
                lines.append(f"mov dword [{at} + 4], 0x{high:x}")
            lines.append("mov eax, cr3\n mov cr3, eax")
        elif kind < 0.95:
            page = rng.choice([rng.randrange(4), rng.getrandbits(shift - 12)])
            linear = rng.randint(FIRST, LAST) << shift | page << 12 | rng.choice([0, 8, 0xFFE])
            does = f"mov eax, [0x{linear:x}]\n stosd"
            if rng.random() < 0.4:
                # It changes nothing: else it might hit a table, and no flush would follow.
                does = f"or dword [0x{linear:x}], 0"
            lines.append(f"mov ebp, l{number}\n {does}\nl{number}:")
        else:
            lines.append("mov eax, cr0\n xor eax, 0x10000\n mov cr0, eax")
    text = PROLOGUE.format(paging=PAE if pae else SHORT) + "\n".join(lines) + "\n jmp leave\n"
    return Image(guests.assemble_text(text), "spoiled", 4 << 20)


def compare(technique: str, memory: str, seed: int, pae: bool) -> int:
    """Run one; how many faults and values it logged."""
    image = spoiled(seed, pae)
    cached = 8 if seed % 2 else 0
    subject = build(technique, image, Options(
        memory=memory, walk_cache=cached, nested_tlb=cached if memory in WITH_NESTED_TLB else 0))
    lockstep = Lockstep(build(BARE_METAL, image), subject, closely=EVERY_STEP)
    assert lockstep.advance(20_000) is None, (seed, pae)
    bare = lockstep.reference
    assert bare.outcome is not None and subject.outcome == bare.outcome, (seed, pae)
    assert subject.digest() == bare.digest(), (seed, pae)
    log = bare.machine.memory.read_bytes(0x3F0000, 512)
    return sum(log[at + 1] == 0xFA and not log[at + 2] for at in range(0, len(log), 4))


@pytest.mark.parametrize(("technique", "memory"), VIRTUAL, ids=["-".join(one) for one in VIRTUAL])
def test_rubbish_in_page_tables_ends_in_the_faults_of_bare_metal(
    technique: str, memory: str
) -> None:
    faults = [compare(technique, memory, seed, pae) for seed, pae in ((1, False), (2, True))]
    assert min(faults) >= 3


@pytest.mark.fuzz
@pytest.mark.parametrize(("technique", "memory"), VIRTUAL, ids=["-".join(one) for one in VIRTUAL])
def test_rubbish_in_page_tables_ends_in_the_faults_of_bare_metal_five_hundred_times(
    technique: str, memory: str
) -> None:
    for seed in range(250):
        for pae in (False, True):
            compare(technique, memory, seed, pae)
