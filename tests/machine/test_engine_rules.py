"""What the engine promises: exact budgets, changed code at once, faults and flags in place."""

from __future__ import annotations

import pytest
from ringside import bench as speed
from ringside.isa.registers import EAX, EBX, ECX, ESI, ESP, SS
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.engine import Engine
from ringside.machine.segmentation import cached

LOOP = """
again: add eax, [esi]
add esi, 4
dec ecx
jnz again
hlt
"""


def start(bench, source, **registers):
    """Assemble and enter; give an engine that translates at the second meeting."""
    symbols = bench.load(source)
    bench.enter(0)
    for name, value in registers.items():
        bench.cpu.regs[("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi").index(name)] = value
    return Engine(bench.cpu, hot=2), symbols


def translated(engine):
    return [region for filed in engine.regions.values() for region, _, _ in filed]


@pytest.mark.parametrize("budget", range(1, 40))
def test_a_loop_stops_at_exactly_the_instruction_the_budget_names(make_bench, budget):
    slow, fast = make_bench(), make_bench()
    engine, _ = start(fast, LOOP, ecx=9, esi=0x20000)
    start(slow, LOOP, ecx=9, esi=0x20000)
    while not fast.cpu.halted:
        engine.run(budget)
        slow.cpu.run(budget)
        assert (fast.cpu.eip, fast.cpu.time, fast.cpu.regs) == (
            slow.cpu.eip, slow.cpu.time, slow.cpu.regs,
        )  # fmt: skip
        assert fast.cpu.eflags == slow.cpu.eflags


def test_a_hot_loop_is_translated_and_a_cold_one_is_not(bench):
    engine, symbols = start(bench, LOOP, ecx=50, esi=0x20000)
    engine.run(8)
    assert not translated(engine)
    engine.run(1000)
    assert [region.entry for region in translated(engine)] == [symbols["again"]]


def test_a_store_into_the_running_loop_changes_its_very_next_instruction(bench):
    engine, _ = start(
        bench,
        """
        again: mov [next + 1], cl       ; the immediate of the next instruction
        next: mov ebx, 0
        add eax, ebx
        dec ecx
        jnz again
        hlt
        """,
        ecx=20,
    )
    engine.run(1000)
    assert bench.cpu.halted
    assert bench.cpu.regs[EAX] == sum(range(1, 21))


def test_data_beside_code_in_its_frame_leaves_the_translation_alone(bench):
    engine, symbols = start(
        bench,
        """
        jmp again
        counter: dd 0
        again: inc dword [counter]
        dec ecx
        jnz again
        hlt
        """,
        ecx=300,
    )
    engine.run(10_000)
    assert bench.memory.read32(symbols["counter"]) == 300
    assert len(translated(engine)) == 1
    assert engine.careful


def test_rewriting_code_drops_its_translation(bench):
    engine, symbols = start(bench, LOOP, ecx=50, esi=0x20000)
    engine.run(1000)
    assert translated(engine)
    bench.memory.write8(symbols["again"], 0x90)
    assert not translated(engine)
    assert symbols["again"] >> 12 not in engine.regions


def test_a_fault_inside_a_translated_loop_arrives_with_everything_before_it_done(bench):
    source = """
    again: mov eax, [esi]
    inc ebx
    add esi, 4
    stc
    jmp again
    """
    engine, symbols = start(bench, source, esi=0x20000)
    limit = segment_descriptor(0, 0x2007F, 3)
    bench.cpu.segs[3] = cached(0x10, limit)
    engine.run(32 * 5 + 1)
    assert bench.fault == (13, 0)
    assert bench.cpu.regs[EBX] == 32
    assert bench.cpu.regs[ESI] == 0x20080
    assert bench.top(1) == symbols["again"]  # the EIP pushed
    assert bench.top(3) & 1  # CF as STC left it


def test_a_fault_in_a_repeated_instruction_before_a_return_is_its_own(bench):
    source = "again: mov ecx, 8\ncall copy\njmp again\ncopy: rep movsd\nret"
    engine, symbols = start(bench, source, esi=0x20000, edi=0x30000)
    bench.cpu.segs[0] = cached(0x10, segment_descriptor(0, 0x3027F, 3))
    engine.run(10_000)
    assert bench.fault == (13, 0)
    assert bench.top(1) == symbols["copy"]
    assert (bench.cpu.regs[ESI], bench.cpu.regs[ECX]) == (0x20280, 8)


def test_flags_of_a_translated_block_are_there_when_somebody_asks(bench):
    engine, _ = start(
        bench,
        """
        again: mov eax, 0x7fffffff
        add eax, 1                  ; OF SF AF PF
        inc ebx
        cmp ecx, 1                  ; all overwritten
        loop again
        pushfd
        pop edx
        hlt
        """,
        ecx=20,
    )
    engine.run(1000)
    assert bench.cpu.regs[2] & 0x8D5 == 0x44  # ZF and PF of 1 - 1


def test_a_pending_interrupt_waits_for_no_block(bench):
    engine, _ = start(bench, "sti\nnop\nagain: inc eax\njmp again")
    engine.run(500)
    bench.cpu.interrupt_line = True
    bench.cpu.acknowledge = lambda: 0x40
    before = bench.cpu.time
    engine.run(1)
    assert bench.cpu.eip == bench.handler(0x40)
    assert bench.cpu.time == before


def test_a_stack_that_is_misaligned_only_costs_time(bench):
    source = "again: push ecx\npop ebx\nadd eax, ebx\ndec ecx\njnz again\nhlt"
    engine, _ = start(bench, source, ecx=200, esp=0x6001)
    engine.run(10_000)
    assert (bench.cpu.halted, bench.cpu.regs[EAX]) == (True, 20100)
    assert bench.cpu.regs[ESP] == 0x6001


def test_sixteen_bit_stacks_keep_the_upper_half_of_esp(bench):
    source = "again: push ecx\npop ebx\nadd eax, ebx\ndec ecx\njnz again\nhlt"
    engine, _ = start(bench, source, ecx=100, esp=0xABCD_6000)
    bench.cpu.segs[SS] = cached(0x10, segment_descriptor(0, 0xFFFF, 3, big=False))
    engine.run(10_000)
    assert (bench.cpu.halted, bench.cpu.regs[EAX]) == (True, 5050)
    assert bench.cpu.regs[ESP] == 0xABCD_6000


def test_the_number_of_translations_is_bounded(bench, monkeypatch):
    monkeypatch.setattr("ringside.machine.engine.MOST_REGIONS", 3)
    blocks = "\n".join(f"b{k}: inc eax\ntest eax, eax\njnz c{k}\nhlt\nc{k}: int3" for k in range(9))
    engine, symbols = start(bench, blocks)
    for k in range(9):
        for _ in range(4):
            bench.cpu.eip = symbols[f"b{k}"]
            engine.run(3)
    assert 0 < len(translated(engine)) <= 4


@pytest.mark.parametrize("guest", speed.GUESTS)
def test_a_benchmark_guest_ends_as_in_the_interpreter(guest):
    fast, slow = speed.machine(guest, 1), speed.machine(guest, 1)
    assert fast.run(60_000) in ("limit", "halted")
    while slow.steps < fast.steps:
        slow.step()
    assert fast.digest() == slow.digest()
    assert fast.cpu.regs[ECX] == slow.cpu.regs[ECX]


def test_the_benchmark_reports_every_guest_and_their_mean():
    ticks = iter(range(100_000))
    report = speed.run(lambda: next(ticks) / 8, seconds=0.2, guests=("sum", "crc"))
    assert set(report["guests"]) == {"sum", "crc"}
    assert report["geometric_mean"] ** 2 == pytest.approx(
        report["guests"]["sum"] * report["guests"]["crc"], rel=1e-3
    )
    assert "geometric mean" in speed.pretty(report)
