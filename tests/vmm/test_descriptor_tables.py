"""Descriptor tables that are moved, unmapped, cut in two or changed behind loaded segments."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.vmm.lockstep import EVERY_STEP, Lockstep

END = "\n nop\n mov al, 0\n out 0xF4, al\n"
TABLE = """
align 4096
table:  dq 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x00CFFB000000FFFF, 0x00CFF3000000FFFF
        dq 0, 0x00CF9B000000FFFF, 0x00CFF3000000FFFF
align 4096
pointer: dw 63
        dd table
"""
# Paging is on, EBX the address of the entry that maps the table; at 0x300000 there is a copy of it.
PAGED = """
main:   mov edi, 0x201000
        mov eax, 0x67
.fill:  stosd
        add eax, 0x1000
        cmp edi, 0x202000
        jb .fill
        mov dword [0x200000], 0x201067
        mov eax, 0x200000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        lgdt [pointer]
        mov esi, table
        mov edi, 0x300000
        mov ecx, 1024
        rep movsd
        mov dword [0x180000], 1
        mov dword [0x181000], 2
        mov eax, table
        shr eax, 12
        lea ebx, [0x201000 + eax * 4]
        mov eax, 0x3B
        mov es, ax
        mov es, ax
"""
FLUSH = " mov ecx, cr3\n mov cr3, ecx\n"
MOVE = " mov dword [ebx], 0x300067\n"
RING_3 = """
        ring_3 program
program:
"""
REAL = """
        mov eax, cr0
        and eax, 0xFFFFFFFE
        mov cr0, eax
        {}
        mov eax, cr0
        or eax, 1
        mov cr0, eax
"""
LOAD_SS = " mov eax, 0x10\n mov fs, ax\n"
LOAD_38 = " mov eax, 0x3B\n mov fs, ax\n mov ecx, [fs:0x180000]\n"

BOTH = {
    "moved under the entry of SS":
        PAGED + " mov word [0x300012], 0x1000\n" + MOVE + FLUSH + LOAD_SS,
    "moved under the entry of SS, one page flushed":
        PAGED + " mov word [0x300012], 0x1000\n" + MOVE + " invlpg [table]\n" + LOAD_SS,
    "moved under an entry in use": PAGED + " mov word [0x30003A], 0x1000\n" + MOVE + FLUSH + LOAD_38,
    "moved, and loaded by ring 3":
        PAGED + " mov word [0x30003A], 0x1000\n" + MOVE + FLUSH + RING_3 + LOAD_38,
    "unmapped": PAGED + " mov dword [ebx], 0\n" + FLUSH + LOAD_SS,
    "unmapped under an entry in use": PAGED + " mov dword [ebx], 0\n" + FLUSH + LOAD_38,
    "an exception into a segment that FS holds otherwise": """
main:   lgdt [pointer]
        gate 0, handler
        mov word [idt + 2], 0x30
        mov eax, 0x30
        mov fs, ax
        mov word [table + 0x30], 0x1FF
        mov byte [table + 0x36], 0xC0
        xor ecx, ecx
        xor edx, edx
        div ecx
handler: push fs
        pop fs
""",
    "LSL of a changed entry": """
main:   lgdt [pointer]
        mov word [table + 0x38], 0x1234
        mov byte [table + 0x3E], 0x40
""" + RING_3 + " mov eax, 0x3B\n lsl ebx, eax\n",
    "to another code segment and back": """
main:   lgdt [pointer]
        jmp 0x30:.there
.there: jmp CODE:.back
.back:
""",
}
TRANSLATED = {
    "loaded in real mode": "main:" + REAL.format("lgdt [pointer]") + """
        jmp CODE:.ready
.ready: mov eax, 0x10
        mov ss, ax
        mov word [table + 0x12], 0x1000
""" + LOAD_SS,
    "changed in real mode": "main:" + REAL.format("mov word [gdt + 0x12], 0x1000") + LOAD_SS,
}


def parts(bench: Any, text: str, technique: str) -> object:
    bare = bench.bare(text, tables=True)
    virtual = bench.virtual(text, tables=True, technique=technique)
    return Lockstep(bare, virtual, closely=EVERY_STEP).advance(4_000)


@pytest.mark.parametrize("technique", ["trap-and-emulate", "binary-translation"])
@pytest.mark.parametrize("case", BOTH)
def test_segments_mean_what_the_guests_table_says(bench: Any, case: str, technique: str) -> None:
    assert parts(bench, BOTH[case] + END + TABLE, technique) is None


@pytest.mark.parametrize("case", TRANSLATED)
def test_after_real_mode_too(bench: Any, case: str) -> None:
    assert parts(bench, TRANSLATED[case] + END + TABLE, "binary-translation") is None


@pytest.mark.parametrize("technique", ["trap-and-emulate", "binary-translation"])
def test_an_entry_in_two_pages_is_marked_when_it_is_loaded(bench: Any, technique: str) -> None:
    text = """
main:   lgdt [pointer]
        mov eax, 0x10
        mov ss, ax
        and byte [table + 0x15], 0xFE
        mov fs, ax
        mov ebx, [table + 0x14]
""" + END + TABLE.replace("table:", " times 4096 - 0x14 db 0\ntable:")
    assert parts(bench, text, technique) is None
