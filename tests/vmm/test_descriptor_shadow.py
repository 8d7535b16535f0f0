"""Segments under the VMM: the same selectors, another ring, nothing above the window."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.isa.registers import CS, DS, ES
from ringside.machine.descriptors import Descriptor, segment_descriptor
from ringside.machine.segmentation import cached
from ringside.vmm.cpu.descriptor_shadow import compress
from ringside.vmm.cpu.trap_and_emulate import TrapAndEmulate
from ringside.vmm.lockstep import EVERY_STEP, Lockstep
from ringside.vmm.monitor import WINDOW

FINISH = "\n mov al, 0\n out 0xF4, al\n"


@given(
    base=st.integers(0, 0xFFFF_FFFF),
    units=st.integers(0, 0xF_FFFF),
    granular=st.booleans(),
    kind=st.sampled_from([0x3, 0x7, 0xB]),
    dpl=st.integers(0, 3),
    big=st.booleans(),
)
def test_no_compressed_segment_reaches_the_window(
    base: int, units: int, granular: bool, kind: int, dpl: int, big: bool
) -> None:
    limit = units << 12 | 0xFFF if granular else units
    segment = cached(8, segment_descriptor(base, limit, kind, dpl=dpl, big=big))
    if kind & 8 and base >= WINDOW:
        return  # refused with a message
    shadow = cached(8, compress(segment))
    assert shadow.dpl == (dpl or 1)
    if shadow.low <= shadow.high:  # some offset is valid at all
        first, last = shadow.base + shadow.low, shadow.base + min(shadow.high, 0xFFFF_FFFF)
        assert last < WINDOW
        assert segment.low <= shadow.low and shadow.high <= segment.high
        assert first >= base


def test_an_ordinary_segment_keeps_its_base_limit_and_type() -> None:
    segment = cached(8, segment_descriptor(0x10_0000, 0x2_0000, 0x3))
    shadow = cached(8, compress(segment))
    assert (shadow.base, shadow.limit, shadow.type) == (0x10_0000, 0x2_0000, 0x3)


def test_a_flat_segment_ends_below_the_window() -> None:
    shadow = compress(cached(8, Descriptor(0x00CF_9B00_0000_FFFF)))
    assert shadow.limit == WINDOW - 1
    assert shadow.dpl == 1


def test_a_data_segment_traps_once_and_then_loads_directly(bench: Any) -> None:
    text = "main: mov eax, USER_DATA\n mov ecx, 5\n.loop: mov fs, ax\n loop .loop" + FINISH
    system = bench.virtual(text, tables=True)
    assert system.run(5000) == "exit"
    assert system.vm.exits["#NP"] == 1


def test_a_changed_descriptor_is_noticed_by_the_next_load(bench: Any) -> None:
    text = """
main:   mov eax, USER_DATA
        mov fs, ax
        mov edx, [fs:0x100000]
        mov word [gdt + 0x22], 0x1000   ; the base of the segment
        mov ebx, [fs:0x100000]          ; the hidden part is still the old one
        mov fs, ax
        mov ecx, [fs:0xFF000]
        mov esi, eax
""" + FINISH
    bare, virtual = bench.both(text, tables=True)
    assert bare.run(5000) == virtual.run(5000) == "exit"
    regs = virtual.guest_cpu.regs
    assert regs[2] == regs[3] == regs[1]
    assert virtual.digest() == bare.digest()


def test_the_accessed_bit_appears_in_the_guests_own_table(bench: Any) -> None:
    text = "main: mov eax, USER_DATA\n mov fs, ax\n mov ebx, [gdt + 0x24]" + FINISH
    bare, virtual = bench.both(text, tables=True)
    bare.run(5000)
    virtual.run(5000)
    assert virtual.guest_cpu.regs[3] == bare.guest_cpu.regs[3]
    assert virtual.guest_cpu.regs[3] & 0x100


def test_a_local_descriptor_table_works(bench: Any) -> None:
    text = """
main:   mov eax, local
        mov [tables + 0x32], ax
        shr eax, 16
        mov [tables + 0x34], al
        lgdt [new_pointer]
        mov eax, 0x30
        lldt ax
        mov eax, 0x0C                   ; LDT, entry 1
        mov fs, ax
        mov ebx, [fs:4]
        jmp 0x14:.here                  ; LDT, entry 2
.here:  mov ecx, 5
.again: mov gs, ax
        loop .again
        jmp CODE:.back
.back:
""" + FINISH + """
align 8
tables: dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF
        dq 0x0000890000000067, 0x0000820000000017
new_pointer: dw 7 * 8 - 1
        dd tables
align 8
local:  dq 0, 0x004092100000FFFF, 0x00CF9A000000FFFF
"""
    bare, virtual = bench.both(text, tables=True)
    assert bare.run(5000) == virtual.run(5000) == "exit"
    assert virtual.guest_cpu.regs[3] == bare.guest_cpu.regs[3]
    assert virtual.guest_steps == bare.guest_steps


def test_a_call_gate_leads_a_program_into_the_guests_kernel_and_back(bench: Any) -> None:
    text = """
main:   mov eax, service
        mov [gdt + 0x28], ax            ; the TSS descriptor has been loaded: reuse its place
        mov dword [gdt + 0x2A], 0xEC000008 ; selector 8, 32-bit call gate, DPL 3
        mov word [gdt + 0x2A], 8
        mov word [gdt + 0x2C], 0xEC00
        shr eax, 16
        mov [gdt + 0x2E], ax
        ring_3 program
program:
        call 0x28:0
        int 0x30
        jmp $
service:
        mov ebx, cs
        add edi, 1
        retf
""".replace("int 0x30", "call 0x28:0\n inc esi\n.stay: jmp .stay")
    bare, virtual = bench.both(text, tables=True)
    bare.run(400)
    virtual.run(2000)
    for system in (bare, virtual):
        assert system.guest_cpu.regs[7] == 2
        assert system.guest_cpu.regs[6] == 1
        assert system.guest_cpu.cpl == 3
    assert bare.guest_cpu.regs[3] == 0x08
    assert virtual.guest_cpu.regs[3] == 0x09  # MOV from CS does not trap


def test_while_the_tables_contradict_cs_the_vmm_interprets(bench: Any) -> None:
    text = """
main:   mov word [gdt + 8], 0x1FF       ; code limit: 2 MiB, while CS still has 4 GiB
        mov byte [gdt + 14], 0xC0
        lgdt [gdt_pointer]
        mov edi, 1
        mov esi, 2
        jmp CODE:.reloaded
.reloaded:
        mov ebx, 3
""" + FINISH
    bare, virtual = bench.both(text, tables=True)
    assert bare.run(5000) == virtual.run(5000) == "exit"
    assert virtual.vm.emulated["jmp"] == 1
    assert virtual.guest_cpu.segs[CS].limit == bare.guest_cpu.segs[CS].limit == 0x1F_FFFF
    assert virtual.digest() == bare.digest()


def test_a_code_segment_inside_the_window_is_refused_in_words(bench: Any) -> None:
    from ringside.isa.faults import NotModelled

    segment = cached(8, segment_descriptor(0xFFD0_0000, 0xFFFF, 0xB))
    with pytest.raises(NotModelled, match="0xffd00000"):
        compress(segment)


def test_code_of_ring_3_is_absent_while_the_guests_kernel_runs(bench: Any) -> None:
    system = bench.virtual("main: jmp main", tables=True)
    system.run(300)
    technique = system.vmm.guests[0].cpu
    assert isinstance(technique, TrapAndEmulate)
    memory = system.machine.memory
    assert not Descriptor(memory.read64(technique.descriptors.gdt + 0x18)).present
    assert Descriptor(memory.read64(technique.descriptors.gdt + 0x08)).present


def test_pinned_entries_are_those_of_the_ring_that_runs(bench: Any) -> None:
    text = """
main:   ring_3 program
program: jmp program
"""
    system = bench.virtual(text, tables=True)
    system.run(300)
    technique = system.vmm.guests[0].cpu
    assert isinstance(technique, TrapAndEmulate)
    assert technique.descriptors.pins == (0x18, 0x20)
    real = system.machine.cpu
    assert Descriptor(real.memory.read64(technique.descriptors.gdt + 0x18)).present
    assert real.segs[DS].selector == real.segs[ES].selector == 0  # IRET outwards empties them


COMPLETE = ("emulation", "trap-and-emulate", "binary-translation", "hardware-assist")


@pytest.mark.parametrize("technique", COMPLETE)
def test_an_entry_changed_where_it_stands_counts_from_the_next_load_on(
    bench: Any, technique: str
) -> None:
    for change, load in (
        ("mov word [gdt + 8], 0x1FF\n mov byte [gdt + 14], 0xC0", "jmp CODE:.there\n.there:"),
        ("mov word [gdt + 0x12], 0x1000", "mov ss, ax\n mov ecx, [ss:0x101000]"),
        ("mov word [gdt + 0x12], 0x1000", "mov fs, ax\n mov ecx, [fs:0x101000]"),
        ("and byte [gdt + 0x15], 0xFE", "mov ss, ax\n mov ecx, [gdt + 0x14]"),
        ("and byte [gdt + 0x0D], 0xFE", "jmp CODE:.there\n.there: mov ecx, [gdt + 0x0C]"),
    ):
        text = f"main: mov eax, DATA\n {change}\n nop\n mov ebx, [gdt + 0x0C]\n {load}\n nop"
        bare = bench.bare(text + FINISH, tables=True)
        virtual = bench.virtual(text + FINISH, tables=True, technique=technique)
        assert Lockstep(bare, virtual, closely=EVERY_STEP).advance(500) is None
        assert bare.outcome is not None
        assert str(virtual.outcome) == str(bare.outcome)


@pytest.mark.parametrize("technique", COMPLETE)
def test_a_descriptor_is_marked_accessed_when_the_guest_loads_it_and_not_before(
    bench: Any, technique: str
) -> None:
    text = """
main:   lgdt [fresh_pointer]
        mov eax, 2
        mov ebx, [fresh + 0x0C]
        jmp CODE:.loaded
.loaded:
        mov ecx, [fresh + 0x0C]
        mov eax, DATA
        mov edx, [fresh + 0x14]
        mov ss, ax
        mov esi, [fresh + 0x14]
""" + FINISH + """
align 8
fresh:  dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
fresh_pointer: dw 23
        dd fresh
"""
    bare = bench.bare(text, tables=True)
    virtual = bench.virtual(text, tables=True, technique=technique)
    assert Lockstep(bare, virtual, closely=EVERY_STEP).advance(500) is None
    marks = [bare.guest_cpu.regs[n] >> 8 & 1 for n in (3, 1, 2, 6)]
    assert marks == [0, 1, 0, 1]
