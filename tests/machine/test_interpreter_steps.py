"""What one step is: events, faults that change nothing, repeats, and code that changes itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.isa.faults import Fault
from ringside.isa.registers import EAX, EBX, ECX, EDI, ES, ESI, ESP, FLAG_ZF
from ringside.isa.width import D
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.segmentation import cached
from ringside.trace.events import FaultRaised, Retired

GP, PF, DE, UD = 13, 14, 0, 6


def test_every_instruction_is_told_with_its_place_and_text(bench):
    events = bench.listen()
    bench.execute("mov eax, 5\nint3", 3, steps=1)
    bench.execute("mov eax, 5\nadd eax, ebx", 3, steps=2)
    told = [(e.eip, e.linear, e.text, e.context) for e in events if isinstance(e, Retired)]
    assert told[-2:] == [
        (bench.CODE, bench.CODE, "mov eax, 5", "app"),
        (bench.CODE + 5, bench.CODE + 5, "add eax, ebx", "app"),
    ]
    assert [e.time for e in events if isinstance(e, Retired)] == [0, 1, 2]


def test_a_fault_retires_nothing_but_is_a_step(bench):
    events = bench.listen()
    bench.execute("ud2", 3)
    assert (bench.cpu.time, bench.cpu.steps) == (0, 1)
    assert not [e for e in events if isinstance(e, Retired)]
    raised = [e for e in events if isinstance(e, FaultRaised)]
    assert [(e.vector, e.error, e.eip, e.mnemonic, e.context) for e in raised] == [
        (UD, -1, bench.CODE, "ud2", "app")
    ]


def snapshot(bench):
    cpu = bench.cpu
    return cpu.regs[:], cpu.eip, cpu.eflags, [s.selector for s in cpu.segs], bytes(bench.memory.ram)


# A small segment: what lies outside it faults, whatever the instruction had done before.
OUTSIDE = [
    "xchg [es:0x100], eax", "xadd [es:0x100], eax", "pop dword [es:0x100]", "push dword [es:0x100]",
    "inc dword [es:0x100]", "stosd", "movsd", "les ebx, [es:0x100]", "call [es:0x100]",
    "cmpxchg [es:0x100], ebx", "adc [es:0x100], eax", "rep stosd", "scasd", "div dword [es:0x100]",
    "call far [es:0x100]", "lgdt [es:0x100]", "mov ds, [es:0x100]", "bts [es:0x100], eax",
]  # fmt: skip


@pytest.mark.parametrize("source", OUTSIDE)
def test_a_faulting_instruction_changes_nothing(bench, source):
    cpu = bench.cpu
    bench.load(source)
    bench.enter(0)
    cpu.segs[ES] = cached(0x50, segment_descriptor(0x4000, 0xFF, 3))
    cpu.regs[EAX], cpu.regs[EDI], cpu.regs[ESI], cpu.regs[ECX] = 7, 0x200, 0x4000, 5
    before = snapshot(bench)
    prepared = cpu.fetch()
    with pytest.raises(Fault) as caught:
        prepared.run(cpu)
    assert caught.value.vector == GP
    assert snapshot(bench) == before


def test_division_by_zero_faults_at_the_division(bench):
    bench.execute("mov ecx, 0\ndiv ecx", steps=2)
    assert bench.fault == (DE, None)
    assert bench.top(0) == bench.CODE + 5


def test_fetching_beyond_the_code_segment_is_gp(bench):
    cpu = bench.cpu
    bench.load("mov eax, 0x12345678")
    bench.enter(0)
    cpu.segs[1] = cached(8, segment_descriptor(0, bench.CODE + 3, 0xB))
    bench.step()
    assert bench.fault == (GP, 0)
    assert bench.top(1) == bench.CODE


def test_a_jump_beyond_the_code_segment_faults_at_the_jump(bench):
    cpu = bench.cpu
    bench.load("jmp 0x50000")
    bench.enter(0)
    cpu.segs[1] = cached(8, segment_descriptor(0, 0xFFFF, 0xB))
    bench.step()
    assert bench.fault == (GP, 0)
    assert bench.top(1) == bench.CODE


def test_more_than_15_bytes_are_no_instruction(bench):
    bench.memory.write_bytes(bench.CODE, b"\x66" * 15 + b"\x90")
    bench.enter(0)
    bench.step()
    assert bench.fault == (GP, 0)


# -- repeats ------------------------------------------------------------------------------------


@given(count=st.integers(0, 5), down=st.booleans())
@settings(max_examples=12, deadline=None)
def test_rep_takes_one_step_per_element_and_one_for_none(make_bench, count, down):
    bench = make_bench()
    cpu = bench.cpu
    bench.load("std\nrep movsd" if down else "cld\nrep movsd")
    bench.enter(0)
    cpu.regs[ECX], cpu.regs[ESI], cpu.regs[EDI] = count, 0x4100, 0x4200
    for n in range(-5, 6):
        bench.memory.write32(0x4100 + 4 * n, 1000 + n)
    bench.step()
    steps = 0
    while cpu.eip < bench.CODE + 3:
        bench.step()
        steps += 1
    sign = -1 if down else 1
    assert steps == max(count, 1) == cpu.time - 1
    assert cpu.regs[ECX] == 0
    assert cpu.regs[EDI] == 0x4200 + sign * 4 * count
    copied = [bench.memory.read32(0x4200 + sign * 4 * n) for n in range(count)]
    assert copied == [1000 + sign * n for n in range(count)]


@pytest.mark.parametrize(("prefix", "left", "zf"), [("repe", 2, 0), ("repne", 4, 1)])
def test_a_repeated_comparison_stops_on_zf(bench, prefix, left, zf):
    cpu = bench.cpu
    bench.memory.write_bytes(0x4000, b"aabaa")
    bench.load(f"{prefix} scasb\nnop")
    bench.enter(0)
    cpu.regs[EAX], cpu.regs[ECX], cpu.regs[EDI] = ord("a"), 5, 0x4000
    while cpu.eip == bench.CODE:
        bench.step()
    assert cpu.regs[ECX] == left
    assert bool(cpu.eflags & FLAG_ZF) == bool(zf)


# -- code that changes --------------------------------------------------------------------------


def test_an_instruction_written_over_is_decoded_again(bench):
    source = "again: mov eax, 1\nmov byte [again + 1], 2\njmp again"
    bench.execute(source, steps=3)
    assert bench.cpu.regs[EAX] == 1
    bench.step()
    assert bench.cpu.regs[EAX] == 2


def test_only_overlapping_instructions_are_forgotten(bench):
    bench.execute("mov eax, 1\nmov ebx, 2\nmov ecx, 3", steps=3)
    frame = bench.CODE >> 12
    cached_at = set(bench.cpu.decoded[frame])
    assert cached_at == {0, 5, 10}
    bench.memory.write8(bench.CODE + 9, 0)  # the last byte of the second
    assert set(bench.cpu.decoded[frame]) == {0, 10}
    bench.memory.write8(bench.CODE + 15, 0)
    assert set(bench.cpu.decoded[frame]) == {0, 10}


def test_a_store_by_the_guest_and_by_a_device_both_count(bench):
    told = []
    bench.cpu.code_written = lambda *what: told.append(what)
    bench.execute("nop\nnop", steps=1)
    frame = bench.CODE >> 12
    bench.cpu.linear_write(bench.CODE + 0x100, 1, 4, False)
    bench.cpu.store(ES, bench.CODE + 0x104, 1, D)
    bench.memory.write_bytes(bench.CODE + 0x108, b"x")
    base = bench.CODE
    assert told == [
        (frame, base + 0x100, base + 0x104),
        (frame, base + 0x104, base + 0x108),
        (frame, base + 0x108, base + 0x109),
    ]


def test_an_instruction_across_two_frames_is_read_anew_each_time(bench):
    at = 0x8FFE
    bench.load("mov eax, 1", at=at)
    bench.enter(0, at)
    bench.step()
    assert bench.cpu.regs[EAX] == 1
    bench.memory.write8(0x9000, 2)
    bench.cpu.eip = at
    bench.memory.write8(at + 1, 9)
    bench.step()
    assert bench.cpu.regs[EAX] == 0x209


def test_the_same_bytes_mean_different_things_in_16_and_32_bits(bench):
    cpu = bench.cpu
    bench.memory.write_bytes(bench.CODE, b"\xb8\x01\x02\x03\x04")
    bench.enter(0)
    bench.step()
    assert (cpu.regs[EAX], cpu.eip) == (0x04030201, bench.CODE + 5)
    cpu.segs[1] = cached(8, segment_descriptor(0, 0xFFFF, 0xB, big=False))
    cpu.eip = bench.CODE
    bench.step()
    assert (cpu.regs[EAX], cpu.eip) == (0x04030201, bench.CODE + 3)


# -- runs ---------------------------------------------------------------------------------------


def test_a_run_is_its_steps(make_bench):
    def prepared():
        bench = make_bench()
        bench.load("mov ecx, 5\nagain: add ebx, ecx\ndec ecx\njnz again\nint 0x20\nnop")
        bench.memory.write8(bench.handler(0x20), 0xCF)
        bench.enter(3)
        return bench

    one, other = prepared(), prepared()
    for _ in range(18):
        one.step()
    assert other.cpu.run(18) == "limit"
    assert snapshot(one) == snapshot(other)
    assert one.cpu.steps == other.cpu.steps == 18
    assert one.cpu.regs[EBX] == 15
    assert one.cpu.regs[ESP] != 0


def test_a_stop_request_ends_the_run_after_the_instruction(bench):
    class Ports:
        def port_in(self, port, w):
            return 0

        def port_out(self, port, value, w):
            bench.cpu.stop = "exit"

    bench.cpu.bus = Ports()
    bench.load("nop\nout 0xf4, al\nnop")
    bench.enter(0)
    assert bench.cpu.run(100) == "exit"
    assert bench.cpu.eip == bench.CODE + 3
