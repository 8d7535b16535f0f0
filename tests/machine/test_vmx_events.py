"""Events in a virtual machine that Bochs cannot be asked about, and the machine's idle time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ringside.isa.registers import EAX, EBX, ECX
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons

sys.path.insert(0, str(Path(__file__).parent))

from vmx_bench import CODE, HANDLERS, VmxBench

IF = 0x200


@pytest.fixture
def bench() -> VmxBench:
    return VmxBench()


def timer(bench: VmxBench, value: int) -> None:
    bench.set(f.PIN_CONTROLS, bits.PREEMPTION_TIMER)
    bench[f.TIMER_VALUE] = value


@pytest.mark.parametrize("count", [0, 1, 7, 500, 12345])
def test_the_timer_lets_exactly_that_many_instructions_run(bench: VmxBench, count: int) -> None:
    timer(bench, count)
    bench.guest("again: inc eax\njmp again")
    bench.cpu.regs[EAX] = 0
    start = bench.cpu.time
    bench.enter()
    assert bench.machine.run(20_000) == "entry"
    assert bench[f.EXIT_REASON] == reasons.TIMER
    assert bench.cpu.time - start == count
    assert bench.cpu.regs[EAX] == (count + 1) // 2


def test_the_timer_is_saved_only_if_asked(bench: VmxBench) -> None:
    timer(bench, 100)
    bench.run("nop\nnop\nnop\nvmcall")
    assert bench[f.TIMER_VALUE] == 100
    bench[f.GUEST_EIP] = CODE
    bench.set(f.EXIT_CONTROLS, bits.SAVE_TIMER)
    bench.run()
    assert bench[f.TIMER_VALUE] == 97


def test_the_timer_ends_a_halt_and_the_machine_sleeps_until_then(bench: VmxBench) -> None:
    timer(bench, 1000)
    start = bench.cpu.time
    assert bench.run("hlt") == reasons.TIMER
    assert bench.cpu.time - start == 1000
    assert bench.cpu.steps < 20
    assert bench[f.ACTIVITY] == bits.HALTED and bench[f.GUEST_EIP] == CODE + 1
    assert not bench.cpu.halted


def test_a_guest_may_enter_halted(bench: VmxBench) -> None:
    timer(bench, 50)
    bench[f.ACTIVITY] = bits.HALTED
    assert bench.run("inc eax") == reasons.TIMER
    assert bench[f.GUEST_EIP] == CODE


def test_a_guest_that_enters_halted_leaves_by_its_open_window(bench: VmxBench) -> None:
    bench[f.ACTIVITY] = bits.HALTED
    bench.set(f.GUEST_EFLAGS, IF)
    bench.set(f.PRIMARY_CONTROLS, bits.INTERRUPT_WINDOW)
    assert bench.run("nop") == reasons.INTERRUPT_WINDOW
    assert bench[f.ACTIVITY] == bits.HALTED


def test_a_halt_that_nothing_can_end_is_an_outcome(bench: VmxBench) -> None:
    bench.guest("hlt")
    bench.enter()
    assert bench.machine.run(100) == "halted"


def interrupt_soon(bench: VmxBench) -> None:
    """The timer chip's one interrupt, vector 32."""
    from ringside.isa.width import B

    bus = bench.machine.bus
    for port, value in (
        (0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0xFE), (0x43, 0x30),
        (0x40, 50), (0x40, 0),
    ):  # fmt: skip
        bus.port_out(port, value, B)


def test_an_interrupt_ends_a_halt_with_if_clear_when_interrupts_exit(bench: VmxBench) -> None:
    bench.set(f.PIN_CONTROLS, bits.EXTERNAL_INTERRUPT)
    interrupt_soon(bench)
    assert bench.run("hlt") == reasons.EXTERNAL_INTERRUPT
    assert bench[f.ACTIVITY] == bits.HALTED
    assert bench[f.EXIT_INTERRUPTION] == 0  # not acknowledged: still pending for the host
    assert bench.cpu.interrupt_line


def test_an_acknowledged_interrupt_has_its_vector(bench: VmxBench) -> None:
    bench.set(f.PIN_CONTROLS, bits.EXTERNAL_INTERRUPT)
    bench.set(f.EXIT_CONTROLS, bits.ACKNOWLEDGE_INTERRUPT)
    interrupt_soon(bench)
    assert bench.run("again: jmp again") == reasons.EXTERNAL_INTERRUPT
    assert bench[f.EXIT_INTERRUPTION] == 0x8000_0020
    assert not bench.cpu.interrupt_line


# -- the monitor trap flag (26.5.2) ---------------------------------------------------------------


def test_the_monitor_trap_follows_each_instruction(bench: VmxBench) -> None:
    bench.set(f.PRIMARY_CONTROLS, bits.MONITOR_TRAP)
    places = [bench.run("mov eax, 1\nmov ebx, 2\nnop\nnop")]
    seen = []
    for _ in range(3):
        seen.append(bench[f.GUEST_EIP] - CODE)
        places.append(bench.run())
    assert set(places) == {reasons.MONITOR_TRAP}
    assert seen == [5, 10, 11]


def test_the_monitor_trap_follows_each_iteration_of_a_repeat(bench: VmxBench) -> None:
    bench.set(f.PRIMARY_CONTROLS, bits.MONITOR_TRAP)
    bench.cpu.regs[ECX] = 3
    bench.run("rep lodsb\nnop")
    assert (bench.cpu.regs[ECX], bench[f.GUEST_EIP]) == (2, CODE)
    bench.run()
    bench.run()
    assert (bench.cpu.regs[ECX], bench[f.GUEST_EIP]) == (0, CODE + 2)


@pytest.mark.parametrize(("source", "vector"), [("ud2", 6), ("int 0x21", 0x21)])
def test_the_monitor_trap_follows_a_delivery(bench: VmxBench, source: str, vector: int) -> None:
    bench.set(f.PRIMARY_CONTROLS, bits.MONITOR_TRAP)
    assert bench.run(source) == reasons.MONITOR_TRAP
    assert bench[f.GUEST_EIP] == HANDLERS + 16 * vector


def test_the_monitor_trap_follows_an_injection_at_once(bench: VmxBench) -> None:
    bench.set(f.PRIMARY_CONTROLS, bits.MONITOR_TRAP)
    bench[f.ENTRY_INTERRUPTION] = 0x8000_0306
    assert bench.run("nop") == reasons.MONITOR_TRAP
    assert bench[f.GUEST_EIP] == HANDLERS + 16 * 6


def test_an_injected_monitor_trap_lets_nothing_run(bench: VmxBench) -> None:
    bench[f.ENTRY_INTERRUPTION] = 0x8000_0700
    assert bench.run("inc eax") == reasons.MONITOR_TRAP
    assert bench[f.GUEST_EIP] == CODE


def test_the_monitor_trap_does_not_let_translated_code_run_on(bench: VmxBench) -> None:
    bench.guest("again: inc eax\ninc ebx\njmp again")
    timer(bench, 3000)  # make it hot
    bench.run()
    bench.set(f.PRIMARY_CONTROLS, bits.MONITOR_TRAP)
    timer(bench, 100)
    for _ in range(5):
        before = bench.cpu.time
        assert bench.run() == reasons.MONITOR_TRAP
        assert bench.cpu.time == before + 1


# -- blocking -------------------------------------------------------------------------------------


def test_an_injected_nmi_blocks_nmis_until_iret(bench: VmxBench) -> None:
    bench.set(f.PIN_CONTROLS, bits.NMI_EXITING | bits.VIRTUAL_NMIS)
    bench[f.ENTRY_INTERRUPTION] = 0x8000_0202
    bench.memory.write_bytes(HANDLERS + 16 * 2, b"\x90\x0f\x01\xc1\xcf")
    assert bench.run("mov ebx, 1\nvmcall") == reasons.VMCALL
    assert bench[f.INTERRUPTIBILITY] == bits.BY_NMI
    bench.skip()
    assert bench.run() == reasons.VMCALL and bench.cpu.regs[EBX] == 1
    assert bench[f.INTERRUPTIBILITY] == 0


def test_single_stepping_is_the_guests_own(bench: VmxBench) -> None:
    bench.run("push dword 0x102\npopf\nnop\nvmcall")
    assert bench[f.EXIT_REASON] == reasons.VMCALL
    assert bench[f.GUEST_EIP] == HANDLERS + 16
    assert bench.cpu.dr[6] & 1 << 14


def test_dr6_stays_when_the_step_is_caught(bench: VmxBench) -> None:
    bench.set(f.EXCEPTION_BITMAP, 1 << 1)
    before = bench.cpu.dr[6]
    assert bench.run("push dword 0x102\npopf\nnop\nvmcall") == reasons.EXCEPTION
    assert bench[f.QUALIFICATION] == 1 << 14
    assert bench.cpu.dr[6] == before


def test_time_offset_is_the_guests_only(bench: VmxBench) -> None:
    bench.set(f.PRIMARY_CONTROLS, bits.USE_TSC_OFFSET)
    bench[f.TSC_OFFSET], bench[f.TSC_OFFSET + 1] = 1_000_000, 0
    start = bench.cpu.time
    bench.run("rdtsc\nvmcall")
    assert bench.cpu.regs[EAX] == start + 1_000_000
    assert bench.cpu.read_tsc() == bench.cpu.time
