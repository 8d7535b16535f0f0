"""Loading segment registers and using them: the checks, and the fault each one raises."""

from __future__ import annotations

import pytest
from ringside.isa.registers import DS, EAX, ES
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import (
    Descriptor,
    gate_descriptor,
    segment_descriptor,
    split,
    system_descriptor,
)

FLAT = 0xFFFF_FFFF
GP, SS_FAULT, NP = 13, 12, 11
FREE = 0x50


def data(**fields):
    return segment_descriptor(0, FLAT, fields.pop("type", 3), **fields)


def load(bench, register, selector, ring):
    bench.execute(f"mov ax, {selector}\nmov {register}, ax", ring, steps=2)


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("rpl", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_a_data_segment_loads_when_neither_cpl_nor_rpl_exceeds_dpl(bench, ring, rpl, dpl):
    bench.descriptor(FREE, data(dpl=dpl))
    load(bench, "es", FREE | rpl, ring)
    if max(ring, rpl) <= dpl:
        assert bench.fault is None
        assert bench.cpu.segs[ES].selector == FREE | rpl
    else:
        assert bench.fault == (GP, FREE)


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("rpl", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_a_stack_segment_loads_only_when_rpl_and_dpl_equal_cpl(bench, ring, rpl, dpl):
    bench.descriptor(FREE, data(dpl=dpl))
    load(bench, "ss", FREE | rpl, ring)
    if rpl == dpl == ring:
        assert bench.fault is None
        assert bench.cpu.inhibit
    else:
        assert bench.fault == (GP, FREE)


@pytest.mark.parametrize(
    ("register", "descriptor", "fault"),
    [
        ("ds", segment_descriptor(0, FLAT, 0x8), (GP, FREE)),  # execute-only code
        ("ds", system_descriptor(0, 0xFF, layout.LDT), (GP, FREE)),
        ("ds", gate_descriptor(8, 0, layout.CALL_GATE32), (GP, FREE)),
        ("ss", data(type=0), (GP, FREE)),  # read-only
        ("ss", segment_descriptor(0, FLAT, 0xA), (GP, FREE)),  # code
        ("ds", data(present=False), (NP, FREE)),
        ("ss", data(present=False), (SS_FAULT, FREE)),
        ("ds", segment_descriptor(0, FLAT, 0xA), None),  # readable code
        ("ds", data(type=0), None),
    ],
)
def test_type_and_presence_are_checked(bench, register, descriptor, fault):
    bench.descriptor(FREE, descriptor)
    load(bench, register, FREE, 0)
    assert bench.fault == fault


def test_conforming_code_can_be_read_from_any_ring(bench):
    bench.descriptor(FREE, segment_descriptor(0, FLAT, 0xE, dpl=0))
    load(bench, "fs", FREE | 3, 3)
    assert bench.fault is None


def test_a_selector_beyond_the_table_raises_gp_with_itself(bench):
    bench.cpu.load_gdt(bench.GDT, 0x57)
    load(bench, "ds", 0x5B, 0)
    assert bench.fault == (GP, 0x58)


def test_a_selector_in_a_missing_ldt_raises_gp_with_itself(bench):
    load(bench, "ds", 0x0C | 3, 0)
    assert bench.fault == (GP, 0x0C)


def test_an_ldt_supplies_segments_once_loaded(bench):
    bench.descriptor(FREE, system_descriptor(bench.LDT, 0x1F, layout.LDT))
    bench.descriptor(0x0C, data(dpl=3))
    bench.execute(f"mov ax, {FREE}\nlldt ax\nmov ax, 0x0f\nmov ds, ax", 0, steps=4)
    assert bench.fault is None
    assert bench.cpu.segs[DS].selector == 0x0F


def test_null_loads_into_data_segments_and_faults_only_when_used(bench):
    bench.execute("mov ax, 3\nmov ds, ax\nmov ebx, [0x100]", 3, steps=2)
    assert bench.fault is None
    bench.step()
    assert bench.fault == (GP, 0)
    assert bench.top(1) == bench.CODE + 4 + 2  # the faulting instruction, not the next


def test_null_never_loads_into_ss(bench):
    load(bench, "ss", 0, 0)
    assert bench.fault == (GP, 0)


def test_loading_sets_the_accessed_bit_in_the_table(bench):
    bench.descriptor(FREE, data(type=2))
    load(bench, "es", FREE, 0)
    assert Descriptor(bench.memory.read64(bench.GDT + FREE)).type == 3


def test_a_failed_load_leaves_register_and_stack_alone(bench):
    bench.descriptor(FREE, data(present=False))
    bench.execute(f"push dword {FREE}\npop es", 0, steps=2)
    assert bench.fault == (NP, FREE)
    assert bench.cpu.segs[ES].selector == bench.data(0)
    assert bench.top(4) == FREE  # under error code, EIP, CS, EFLAGS: POP had not moved ESP


def test_the_hidden_part_outlives_a_change_of_the_descriptor(bench):
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 3))
    load(bench, "es", FREE, 0)
    bench.memory.write32(0x20000, 0x12345678)
    bench.descriptor(FREE, Descriptor(0))
    bench.load("mov eax, [es:0]", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.cpu.regs[EAX] == 0x12345678


# -- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "size", "inside"),
    [(0, "dword", 1), (0xFFC, "dword", 1), (0xFFD, "dword", 0), (0xFFE, "word", 1),
     (0xFFF, "word", 0), (0xFFF, "byte", 1), (0x1000, "byte", 0), (0xFFFFFFFF, "byte", 0)],
)  # fmt: skip
def test_every_byte_of_an_access_lies_within_the_limit(bench, offset, size, inside):
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 3))
    load(bench, "es", FREE, 0)
    register = {"byte": "bl", "word": "bx", "dword": "ebx"}[size]
    bench.load(f"mov [es:{offset}], {register}", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.fault == (None if inside else (GP, 0))


@pytest.mark.parametrize(
    ("offset", "inside"),
    [(0xFFF, 0), (0x1000, 1), (0xFFFC, 1), (0xFFFD, 1), (0xFFFFFFFC, 1), (0xFFD, 0)],
)
def test_an_expand_down_segment_is_valid_above_its_limit(bench, offset, inside):
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 7, big=True))
    load(bench, "es", FREE, 0)
    bench.load(f"mov ebx, [es:{offset}]", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.fault == (None if inside else (GP, 0))


def test_a_small_expand_down_segment_ends_at_64_kib(bench):
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 7, big=False))
    load(bench, "es", FREE, 0)
    bench.load("mov ebx, [es:0xfffd]", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.fault == (GP, 0)


def test_outside_the_stack_segment_is_ss_with_error_zero(bench):
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 3))
    bench.gate(SS_FAULT, gate_descriptor(bench.code(0), bench.handler(SS_FAULT), 14))
    load(bench, "ss", FREE | 3, 3)  # refused: DPL 0
    assert bench.fault == (GP, FREE)
    bench.descriptor(FREE, segment_descriptor(0x20000, 0xFFF, 3, dpl=3))
    load(bench, "ss", FREE | 3, 3)
    bench.load("mov eax, [ebp+0x1000]", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.fault == (SS_FAULT, 0)


def test_writing_through_a_code_or_read_only_segment_is_gp(bench):
    bench.descriptor(FREE, data(type=1))
    load(bench, "es", FREE, 0)
    bench.load("mov [es:0x100], ebx\nmov [cs:0x100], ebx", at=0x9000)
    bench.cpu.eip = 0x9000
    bench.step()
    assert bench.fault == (GP, 0)
    bench.enter(0, 0x9000 + 7)
    bench.step()
    assert bench.fault == (GP, 0)


def test_a_flat_segment_wraps_at_4_gib_instead_of_faulting(bench):
    bench.memory.write16(0, 0xBEEF)
    bench.execute("mov eax, [0xfffffffe]")
    assert bench.fault is None
    assert bench.cpu.regs[EAX] == 0xBEEFFFFF  # open bus below, RAM from 0 on


# -- looking without loading --------------------------------------------------------------------


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("rpl", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_lar_lsl_verr_verw_see_what_could_be_loaded(bench, ring, rpl, dpl):
    bench.descriptor(FREE, segment_descriptor(0, 0x1FFF, 3, dpl=dpl))
    bench.enter(ring)
    visible = max(ring, rpl) <= dpl
    cpu = bench.cpu
    assert (cpu.access_rights(FREE | rpl) is not None) == visible
    assert cpu.segment_limit(FREE | rpl) == (0x1FFF if visible else None)
    assert cpu.may_read(FREE | rpl) == visible
    assert cpu.may_write(FREE | rpl) == visible


def test_gates_have_rights_but_no_limit(bench):
    bench.descriptor(FREE, gate_descriptor(8, 0, layout.CALL_GATE32))
    assert bench.cpu.access_rights(FREE) is not None
    assert bench.cpu.segment_limit(FREE) is None
    bench.descriptor(FREE, gate_descriptor(8, 0, layout.INTERRUPT_GATE32))
    assert bench.cpu.access_rights(FREE) is None


def test_descriptors_are_taken_apart_as_they_were_built(bench):
    descriptor = segment_descriptor(0x12345678, 0x9ABCDFFF, 0xB, dpl=2)
    assert (descriptor.base, descriptor.limit, descriptor.dpl) == (0x12345678, 0x9ABCDFFF, 2)
    fields = split(descriptor.raw, layout.SEGMENT_FIELDS)
    assert fields["base 31:24"] == 0x12
    assert fields["g"] == fields["d/b"] == fields["p"] == fields["s"] == 1
    gate = gate_descriptor(0x1234, 0x89ABCDEF, layout.CALL_GATE32, dpl=3, count=9)
    assert (gate.selector, gate.offset, gate.dpl, gate.count) == (0x1234, 0x89ABCDEF, 3, 9)


# -- real mode ----------------------------------------------------------------------------------


def test_in_real_mode_a_selector_is_its_base_over_16(bench):
    cpu = bench.cpu
    cpu.cr0 = 0x10
    cpu.load_segment(DS, 0x1234)
    assert cpu.segs[DS].base == 0x12340
    assert cpu.segs[DS].selector == 0x1234


def test_a_big_limit_survives_the_way_back_to_real_mode(bench):
    cpu = bench.cpu
    cpu.write_control(0, 0x10)
    cpu.load_segment(ES, 0)
    assert cpu.segs[ES].limit == FLAT  # "unreal" mode
