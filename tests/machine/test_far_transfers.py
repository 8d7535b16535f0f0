"""Far jumps, calls and returns: who may go where, through what, and what is on the stack after."""

from __future__ import annotations

import pytest
from ringside.isa.faults import NotModelled
from ringside.isa.registers import CS, DS, ES, ESP, FS, SS
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import gate_descriptor, segment_descriptor, system_descriptor
from ringside.trace.events import RingChanged

FLAT = 0xFFFF_FFFF
TS, NP, SS_FAULT, GP = 10, 11, 12, 13
FREE, OTHER = 0x50, 0x58
TARGET = 0x9000


def code(dpl=0, *, conforming=False, **fields):
    kind = 0xF if conforming else 0xB
    return segment_descriptor(0, fields.pop("limit", FLAT), kind, dpl=dpl, **fields)


def call_gate(bench, dpl, selector, count=0, **fields):
    gate = gate_descriptor(selector, TARGET, layout.CALL_GATE32, dpl=dpl, count=count, **fields)
    bench.descriptor(FREE, gate)


@pytest.mark.parametrize("verb", ["jmp", "call"])
@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("rpl", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_ordinary_code_is_entered_only_from_its_own_ring(bench, verb, ring, rpl, dpl):
    bench.descriptor(FREE, code(dpl))
    bench.execute(f"{verb} {FREE | rpl}:{TARGET}", ring)
    if dpl == ring and rpl <= ring:
        assert bench.fault is None
        assert bench.cpu.eip == TARGET
        assert bench.cpu.segs[CS].selector == FREE | ring  # RPL becomes CPL
    else:
        assert bench.fault == (GP, FREE)


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_conforming_code_is_entered_from_outer_rings_and_keeps_them(bench, ring, dpl):
    bench.descriptor(FREE, code(dpl, conforming=True))
    bench.execute(f"jmp {FREE | 3}:{TARGET}", ring)
    if dpl <= ring:
        assert bench.cpu.eip == TARGET
        assert bench.cpu.cpl == ring
        assert bench.cpu.segs[CS].selector == FREE | ring
    else:
        assert bench.fault == (GP, FREE)


@pytest.mark.parametrize(
    ("selector", "descriptor", "fault"),
    [
        (0, None, (GP, 0)),
        (3, None, (GP, 0)),
        (0xFFF8, None, (GP, 0xFFF8)),
        (FREE, segment_descriptor(0, FLAT, 3), (GP, FREE)),
        (FREE, code(present=False), (NP, FREE)),
        (FREE, code(limit=0xFFF), (GP, 0)),
        (FREE, system_descriptor(0, 0xFF, layout.LDT), (GP, FREE)),
        (FREE, gate_descriptor(8, 0, layout.INTERRUPT_GATE32), (GP, FREE)),
    ],
)
def test_a_bad_target_names_itself(bench, selector, descriptor, fault):
    if descriptor:
        bench.descriptor(FREE, descriptor)
    bench.execute(f"jmp {selector}:{TARGET}")
    assert bench.fault == fault
    assert bench.top(1) == bench.CODE


def test_a_far_call_leaves_cs_and_eip_and_retf_comes_back(bench):
    bench.descriptor(FREE, code())
    bench.load("retf 8", at=TARGET)
    bench.execute(f"call {FREE}:{TARGET}")
    assert (bench.top(0), bench.top(1)) == (bench.CODE + 7, bench.code(0))
    bench.step()
    assert bench.cpu.eip == bench.CODE + 7
    assert bench.cpu.regs[ESP] == bench.STACKS[0] + 8
    assert bench.cpu.segs[CS].selector == bench.code(0)


# -- call gates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("rpl", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_a_gate_opens_when_neither_cpl_nor_rpl_exceeds_its_dpl(bench, ring, rpl, dpl):
    call_gate(bench, dpl, bench.code(0))
    bench.execute(f"call {FREE | rpl}:0", ring)
    if max(ring, rpl) <= dpl:
        assert bench.cpu.eip == TARGET
        assert bench.cpu.cpl == 0
    else:
        assert bench.fault == (GP, FREE)


def test_a_gate_to_an_inner_ring_switches_stacks_and_copies_parameters(bench):
    events = bench.listen()
    call_gate(bench, 3, bench.code(1), count=2)
    bench.load("retf 8", at=TARGET)
    bench.execute(f"push dword 11\npush dword 22\ncall {FREE | 3}:0", 3, steps=3)
    cpu = bench.cpu
    assert (cpu.cpl, cpu.eip) == (1, TARGET)
    assert cpu.segs[SS].selector == bench.data(1)
    frame = [bench.top(n) for n in range(6)]
    assert frame == [bench.CODE + 11, bench.code(3), 22, 11, bench.STACKS[3] - 8, bench.data(3)]
    assert cpu.regs[ESP] == bench.STACKS[1] - 24
    assert [(e.before, e.after, e.cause) for e in events if isinstance(e, RingChanged)] == [
        (3, 1, "call")
    ]
    bench.step()  # retf 8 drops the parameters from both stacks
    assert (cpu.cpl, cpu.eip) == (3, bench.CODE + 11)
    assert (cpu.segs[SS].selector, cpu.regs[ESP]) == (bench.data(3), bench.STACKS[3])


def test_a_16_bit_gate_pushes_words_and_cuts_the_offset(bench):
    gate = gate_descriptor(bench.code(0), 0x1_9000, layout.CALL_GATE16, dpl=3, count=1)
    bench.descriptor(FREE, gate)
    bench.execute(f"push word 7\ncall {FREE | 3}:0", 3, steps=2)
    cpu = bench.cpu
    assert cpu.eip == TARGET
    words = [bench.memory.read16(cpu.regs[ESP] + 2 * n) for n in range(5)]
    assert words == [bench.CODE + 10, bench.code(3), 7, bench.STACKS[3] - 2, bench.data(3)]


def test_a_gate_to_conforming_code_keeps_ring_and_stack(bench):
    bench.descriptor(OTHER, code(0, conforming=True))
    call_gate(bench, 3, OTHER)
    bench.execute(f"call {FREE | 3}:0", 3)
    assert (bench.cpu.cpl, bench.cpu.eip) == (3, TARGET)
    assert bench.cpu.regs[ESP] == bench.STACKS[3] - 8


def test_a_jump_through_a_gate_never_changes_ring(bench):
    call_gate(bench, 3, bench.code(0))
    bench.execute(f"jmp {FREE | 3}:0", 3)
    assert bench.fault == (GP, bench.code(0))
    call_gate(bench, 3, bench.code(3))
    bench.execute(f"jmp {FREE | 3}:0", 3)
    assert (bench.cpu.cpl, bench.cpu.eip) == (3, TARGET)


def test_a_gate_cannot_lead_outwards(bench):
    call_gate(bench, 3, bench.code(3))
    bench.execute(f"call {FREE}:0", 0)
    assert bench.fault == (GP, bench.code(3) & ~3)


@pytest.mark.parametrize(
    ("stack", "fault"),
    [
        (0, (TS, 0)),
        (0xFFF8, (TS, 0xFFF8)),
        (0x10 | 1, (TS, 0x10)),  # RPL is not the new ring
        (0x08, (TS, 0x08)),  # code
        (OTHER, (SS_FAULT, OTHER)),  # not present
    ],
)
def test_a_bad_inner_stack_is_a_tss_fault_naming_it(bench, stack, fault):
    bench.descriptor(OTHER, segment_descriptor(0, FLAT, 3, present=False))
    # The handler must not need the broken stack: deliver to ring 1, which has a good one.
    for vector in (TS, SS_FAULT):
        bench.gate(vector, gate_descriptor(bench.code(1), bench.handler(vector), 14))
    bench.memory.write32(bench.TSS + 8, stack)
    call_gate(bench, 3, bench.code(0))
    bench.execute(f"call {FREE | 3}:0", 3)
    assert (bench.cpu.eip, bench.cpu.cpl) == (bench.handler(fault[0]), 1)
    assert bench.top(0) == fault[1]
    assert bench.top(1) == bench.CODE


def test_a_tss_too_short_for_the_stack_is_a_tss_fault_naming_it(bench):
    bench.descriptor(OTHER, system_descriptor(bench.TSS, 0x11, layout.TSS32))
    bench.execute(f"mov ax, {OTHER}\nltr ax", steps=2)
    bench.gate(TS, gate_descriptor(bench.code(2), bench.handler(TS), 14))
    call_gate(bench, 3, bench.code(1))
    bench.execute(f"call {FREE | 3}:0", 2)
    # Ring 1's stack ends at byte 17 of the TSS, just inside.
    assert bench.cpu.cpl == 1
    bench.descriptor(OTHER, system_descriptor(bench.TSS, 0x10, layout.TSS32))
    bench.execute(f"mov ax, {OTHER}\nltr ax", steps=2)
    bench.execute(f"call {FREE | 3}:0", 2)
    assert (bench.cpu.eip, bench.top(0)) == (bench.handler(TS), OTHER)


# -- returns ------------------------------------------------------------------------------------


def push_return(cs, eip, *outer):
    return "\n".join(f"push dword {value}" for value in (*reversed(outer), cs, eip))


@pytest.mark.parametrize("verb", ["retf", "iret"])
def test_a_return_outward_loads_the_outer_stack_and_drops_inner_segments(bench, verb):
    bench.descriptor(FREE, segment_descriptor(0, FLAT, 0xF, dpl=0))  # conforming, readable
    frame = [bench.code(3), TARGET, bench.STACKS[3], bench.data(3)]
    pushes = push_return(*frame) if verb == "retf" else (
        f"push dword {frame[3]}\npush dword {frame[2]}\npush dword 0x202\n"
        f"push dword {frame[0]}\npush dword {frame[1]}"
    )  # fmt: skip
    source = f"mov ax, {FREE}\nmov fs, ax\nmov ax, {bench.data(3)}\nmov es, ax\n{pushes}\n{verb}"
    bench.execute(source, 0, steps=source.count("\n") + 1)
    cpu = bench.cpu
    assert (cpu.cpl, cpu.eip, cpu.regs[ESP]) == (3, TARGET, bench.STACKS[3])
    assert cpu.segs[SS].selector == bench.data(3)
    assert cpu.segs[DS].selector == 0  # ring 0 data must not stay visible
    assert not cpu.segs[DS].present
    assert cpu.segs[ES].selector == bench.data(3)
    assert cpu.segs[FS].selector == FREE  # conforming code may stay


@pytest.mark.parametrize(
    ("cs", "ss", "fault"),
    [
        (0, 0, (GP, 0)),
        (0x10, 0, (GP, 0x10)),  # data
        (0x08, 0, (GP, 0x08)),  # inner ring: RPL < CPL
        (0x3B & ~3, 0, (GP, 0x38)),  # RPL 0 < CPL 1
        (0x38 | 2, 0, (GP, 0x38)),  # RPL 2, DPL 3
        (0x3B, 0, (GP, 0)),  # null SS
        (0x3B, 0x40 | 2, (GP, 0x40)),  # SS.RPL
        (0x3B, 0x33, (GP, 0x30)),  # SS.DPL 2
        (FREE | 3, 0x43, (NP, FREE)),
        (0x3B, OTHER | 3, (SS_FAULT, OTHER)),
    ],
)
def test_a_return_checks_what_it_finds_on_the_stack(bench, cs, ss, fault):
    bench.descriptor(FREE, code(3, present=False))
    bench.descriptor(OTHER, segment_descriptor(0, FLAT, 3, dpl=3, present=False))
    source = push_return(cs, TARGET, 0x5000, ss) + "\nretf"
    bench.execute(source, 1, steps=5)
    assert bench.fault == fault
    assert bench.top(1) == bench.CODE + len_of(bench, source) - 1
    assert bench.top(4) == bench.STACKS[1] - 16  # ESP as before RETF


def len_of(bench, source):
    return bench.load(source + "\nend_of_it:")["end_of_it"] - bench.CODE


# -- what is left out ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "descriptor",
    [
        system_descriptor(0x3000, 0x67, layout.TSS32, dpl=3),
        gate_descriptor(0x48, 0, layout.TASK_GATE, dpl=3),
    ],
)
def test_a_hardware_task_switch_says_that_it_is_not_modelled(bench, descriptor):
    bench.descriptor(FREE, descriptor)
    bench.load(f"jmp {FREE | 3}:0")
    bench.enter(3)
    with pytest.raises(NotModelled, match="task switch"):
        bench.step()
    assert bench.cpu.eip == bench.CODE


def test_a_task_switch_that_would_be_refused_is_refused(bench):
    bench.descriptor(FREE, system_descriptor(0x3000, 0x67, layout.TSS32, dpl=0))
    bench.execute(f"jmp {FREE | 3}:0", 3)
    assert bench.fault == (GP, FREE)


# -- task register and ports --------------------------------------------------------------------


def test_ltr_marks_the_tss_busy_and_refuses_a_busy_one(bench):
    bench.descriptor(FREE, system_descriptor(bench.TSS, 0x67, layout.TSS32))
    bench.execute(f"mov ax, {FREE}\nltr ax\nltr ax", steps=2)
    assert bench.memory.read8(bench.GDT + FREE + 5) & 0xF == layout.TSS32_BUSY
    bench.step()
    assert bench.fault == (GP, FREE)


@pytest.mark.parametrize("iopl", range(4))
@pytest.mark.parametrize("ring", range(4))
def test_ports_are_free_up_to_iopl_and_closed_without_a_bitmap(bench, iopl, ring):
    bench.load("in al, 0x60")
    bench.enter(ring)
    bench.cpu.set_eflags(iopl << 12, 0x3000)
    bench.step()
    assert bench.fault == (None if ring <= iopl else (GP, 0))


@pytest.mark.parametrize(
    ("port", "size", "open_bits", "allowed"),
    [
        (0x60, "al", {0x60}, True),
        (0x60, "ax", {0x60}, False),
        (0x60, "ax", {0x60, 0x61}, True),
        (0x67, "ax", {0x67, 0x68}, True),  # across bytes of the bitmap
        (0x66, "eax", {0x66, 0x67, 0x68}, False),
        (0x66, "eax", {0x66, 0x67, 0x68, 0x69}, True),
    ],
)
def test_the_bitmap_opens_single_ports_to_ring_3(bench, port, size, open_bits, allowed):
    bench.memory.write16(bench.TSS + 102, 0x68)
    for n in range(0x98):
        bits = sum(1 << bit for bit in range(8) if n * 8 + bit not in open_bits)
        bench.memory.write8(bench.TSS + 0x68 + n, bits)
    bench.execute(f"in {size}, {port}", 3)
    assert bench.fault == (None if allowed else (GP, 0))


def test_the_last_byte_of_the_bitmap_must_lie_inside_the_tss(bench):
    bench.memory.write16(bench.TSS + 102, 0xFE)  # the limit is 0xFF: one byte and its follower
    bench.execute("in al, 7", 3)
    assert bench.fault is None
    bench.execute("in al, 8", 3)
    assert bench.fault == (GP, 0)
