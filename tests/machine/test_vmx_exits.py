"""Leaving a virtual machine: what a host that is no simulated code sees and may do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ringside.isa.faults import Fault, VmFail
from ringside.isa.registers import CS, EAX, EBX, ESP, SS
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.trace.events import VmcsRead, VmcsWritten, VmEntered, VmExited

sys.path.insert(0, str(Path(__file__).parent))

from vmx_bench import CODE, HANDLERS, HOST_ENTRY, HOST_STACK, KCODE, VMCS, VMXON_REGION, VmxBench

RF = 1 << 16


@pytest.fixture
def bench() -> VmxBench:
    return VmxBench()


def test_an_exit_stops_the_run_at_the_hosts_entry_point(bench: VmxBench) -> None:
    cpu = bench.cpu
    assert bench.run("mov eax, 42\nvmcall") == reasons.VMCALL
    assert cpu.eip == HOST_ENTRY and cpu.intercepts is None and cpu.cpl == 0
    assert cpu.regs[ESP] == HOST_STACK and cpu.regs[EAX] == 42  # EAX is software's to save
    assert cpu.eflags == 2 and cpu.segs[CS].selector == KCODE and cpu.segs[CS].flat is False
    assert bench[f.GUEST_EIP] == CODE + 5 and bench[f.EXIT_LENGTH] == 3


def test_the_guest_goes_on_where_it_was(bench: VmxBench) -> None:
    bench.run("cpuid\nmov eax, 7\nvmcall")
    assert bench[f.EXIT_REASON] == reasons.CPUID
    bench.skip()
    assert bench.run() == reasons.VMCALL
    assert bench.cpu.regs[EAX] == 7


def test_the_guest_may_run_at_the_hosts_entry_point_without_stopping(bench: VmxBench) -> None:
    bench.guest("mov ebx, 5\nvmcall", HOST_ENTRY)
    assert bench.run(f"jmp {HOST_ENTRY}") == reasons.VMCALL
    assert bench.cpu.regs[EBX] == 5


def test_ring_3_has_ring_3s_rights(bench: VmxBench) -> None:
    bench.memory.write32(0x4_0004, 1 << 22 | 0x83)  # the second 4 MiB: supervisor only
    bench.ring_3()
    bench.set(f.EXCEPTION_BITMAP, 1 << 14)
    assert bench.run("mov eax, [0x400010]") == reasons.EXCEPTION
    assert bench[f.QUALIFICATION] == 0x400010
    assert bench[f.EXIT_ERROR] == 5  # present, user, read
    assert bench[f.EXIT_INTERRUPTION] == 0x8000_0B0E


def test_nothing_runs_outside_root_operation() -> None:
    cpu = VmxBench().cpu
    cpu.vmx.off()
    assert cpu.vmx is None
    cpu.feature_control = 0
    with pytest.raises(Fault):
        cpu.vmxon(VMXON_REGION)
    cpu.feature_control, cpu.cr4 = 5, 0
    with pytest.raises(Fault):
        cpu.vmxon(VMXON_REGION)


def test_feature_control_is_locked_once(bench: VmxBench) -> None:
    cpu = bench.cpu
    cpu.feature_control = 0
    with pytest.raises(Fault):
        cpu.write_msr(0x3A, 0x80)
    cpu.write_msr(0x3A, 5)
    assert cpu.read_msr(0x3A) == 5
    with pytest.raises(Fault):
        cpu.write_msr(0x3A, 0)


def test_a_failure_has_a_number_and_words(bench: VmxBench) -> None:
    with pytest.raises(VmFail) as told:
        bench.vmx.write(f.EXIT_REASON, 0)
    assert told.value.error == 13 == bench[f.INSTRUCTION_ERROR]
    bench.set(f.PIN_CONTROLS, 1 << 31)
    with pytest.raises(VmFail, match="pin controls: bit 31 must be 0"):
        bench.vmx.launch()
    assert bench[f.INSTRUCTION_ERROR] == 7
    bench.vmx.clear(VMCS)
    with pytest.raises(VmFail, match="no current VMCS"):
        bench.vmx.launch()


def test_a_failed_entry_says_why_and_leaves_the_guest_alone(bench: VmxBench) -> None:
    bench[f.GUEST_EFLAGS] = 0
    events = bench.listen()
    assert not bench.vmx.launch()
    assert bench[f.EXIT_REASON] == reasons.ENTRY_FAILED | reasons.INVALID_GUEST
    assert bench.cpu.at_monitor and bench.vmx.problem == "a reserved bit of EFLAGS is wrong"
    assert bench[f.GUEST_EFLAGS] == 0 and not bench.vmx.vmcs.launched
    assert [event for event in events if type(event) is VmExited]
    assert not [event for event in events if type(event) is VmEntered]


def test_an_injected_event_that_cannot_be_delivered_leaves_at_once(bench: VmxBench) -> None:
    bench[f.ENTRY_INTERRUPTION] = 0x8000_0306
    bench[f.GUEST_IDTR_LIMIT] = 0
    assert not bench.enter()
    assert bench.cpu.at_monitor and bench[f.EXIT_REASON] == reasons.TRIPLE_FAULT
    assert bench.vmx.vmcs.launched  # the entry itself was fine


def test_vmcall_in_root_operation_fails(bench: VmxBench) -> None:
    with pytest.raises(VmFail) as told:
        bench.vmx.call()
    assert told.value.error == 1


def test_everything_that_happens_is_an_event(bench: VmxBench) -> None:
    events = bench.listen()
    bench.run("vmcall")
    entered = next(event for event in events if type(event) is VmEntered)
    exited = next(event for event in events if type(event) is VmExited)
    assert (entered.vmcs, entered.eip, entered.ring, entered.launched) == (VMCS, CODE, 0, 1)
    assert (exited.reason, exited.eip, exited.ring) == (reasons.VMCALL, CODE, 0)
    bench[f.GUEST_EIP] = CODE
    assert events[-1] == VmcsWritten(bench.cpu.time, bench.cpu.context, f.GUEST_EIP, CODE, CODE)
    bench[f.EXIT_REASON]
    assert events[-1] == VmcsRead(
        bench.cpu.time, bench.cpu.context, f.EXIT_REASON, reasons.VMCALL
    )


# -- the resume flag: 28.3.3 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "vector", "expected"),
    [
        ("ud2", 6, RF), ("int3", 3, 0), ("push dword 0x102\npopf\nnop", 1, 0),
        ("mov ds, ebx", 13, RF),
    ],
)
def test_a_caught_fault_saves_rf_and_a_trap_does_not(
    bench: VmxBench, source: str, vector: int, expected: int
) -> None:
    bench.cpu.regs[EBX] = 0x1230
    bench.set(f.EXCEPTION_BITMAP, 1 << vector)
    assert bench.run(source) == reasons.EXCEPTION
    assert bench[f.GUEST_EFLAGS] & RF == expected


def test_an_instruction_that_leaves_saves_rf_clear(bench: VmxBench) -> None:
    bench.set(f.GUEST_EFLAGS, RF)
    bench.run("cpuid")
    assert not bench[f.GUEST_EFLAGS] & RF


def test_an_exit_before_the_first_instruction_saves_rf_as_it_was(bench: VmxBench) -> None:
    bench.set(f.GUEST_EFLAGS, RF | 0x200)
    bench.set(f.PRIMARY_CONTROLS, bits.INTERRUPT_WINDOW)
    assert bench.run("nop") == reasons.INTERRUPT_WINDOW
    assert bench[f.GUEST_EFLAGS] & RF


# -- MSR lists and aborts -------------------------------------------------------------------------

LIST = 0x5_0000


def test_msr_lists_are_loaded_and_stored(bench: VmxBench) -> None:
    for n, value in enumerate((1000, 0, 5_000_000)):
        bench.memory.write32(LIST + 16 * n, 0x10)
        bench.memory.write64(LIST + 16 * n + 8, value)
    for n, (address, count) in enumerate((
        (f.ENTRY_MSR_LOAD, f.ENTRY_MSR_LOAD_COUNT), (f.EXIT_MSR_STORE, f.EXIT_MSR_STORE_COUNT),
        (f.EXIT_MSR_LOAD, f.EXIT_MSR_LOAD_COUNT),
    )):  # fmt: skip
        bench[address], bench[count] = LIST + 16 * n, 1
    bench.run("nop\nnop\nvmcall")
    assert bench.memory.read64(LIST + 16 + 8) == 1002  # what the guest's counter had come to
    assert bench.cpu.read_tsc() == 5_000_000


def test_a_bad_msr_list_on_the_way_out_is_a_vmx_abort(bench: VmxBench) -> None:
    bench[f.EXIT_MSR_LOAD], bench[f.EXIT_MSR_LOAD_COUNT] = LIST, 1
    bench.memory.write32(LIST, 0xC000_0100)
    bench.guest("vmcall")
    bench.enter()
    assert bench.machine.run(100) == "shutdown"
    assert bench.memory.read32(VMCS + 4) == 4  # the abort indicator


def test_bad_pdptes_of_the_host_are_a_vmx_abort(bench: VmxBench) -> None:
    bench[f.HOST_CR3], bench[f.HOST_CR4] = LIST, 0x2020
    bench.memory.write32(LIST, 0x21)
    bench.guest("vmcall")
    bench.enter()
    assert bench.machine.run(100) == "shutdown"
    assert bench.memory.read32(VMCS + 4) == 2


# -- in one stretch, in steps, and again ----------------------------------------------------------

LOOP = """
        mov ecx, 500
again:  add eax, ecx
        xor ebx, eax
        loop again
        vmcall
"""


def test_translated_code_runs_in_a_virtual_machine_as_the_interpreter_does() -> None:
    one, other = VmxBench(), VmxBench()
    for bench in (one, other):
        bench.guest(LOOP)
    for _ in range(20):
        one[f.GUEST_EIP] = other[f.GUEST_EIP] = CODE
        assert one.run() == reasons.VMCALL
        other.enter()
        while not other.cpu.at_monitor:
            other.machine.step()
        assert one.cpu.regs == other.cpu.regs and one.cpu.time == other.cpu.time
    assert one.machine._engine is not None and one.machine._engine.regions


def test_a_thaw_in_the_middle_of_a_guest_goes_on_the_same_way(bench: VmxBench) -> None:
    bench.set(f.PIN_CONTROLS, bits.PREEMPTION_TIMER)
    bench.set(f.EXIT_CONTROLS, bits.SAVE_TIMER)
    bench[f.TIMER_VALUE] = 700
    bench.guest(LOOP)
    bench.enter()
    bench.machine.run(300)
    picture = bench.machine.freeze()
    assert bench.machine.run(10_000) == "entry"
    first = (bench[f.EXIT_REASON], bench[f.GUEST_EIP], list(bench.cpu.regs), bench.cpu.time)
    bench.vmx.off()
    bench.machine.thaw(picture)
    assert bench.cpu.intercepts is not None and bench.vmx.current == VMCS
    assert bench.machine.run(10_000) == "entry"
    assert first == (bench[f.EXIT_REASON], bench[f.GUEST_EIP], list(bench.cpu.regs), bench.cpu.time)
    assert first[0] == reasons.TIMER


def test_a_thaw_into_root_operation_from_outside_it(bench: VmxBench) -> None:
    picture = bench.machine.freeze()
    bench.vmx.off()
    bench.machine.thaw(picture)
    assert bench.run("vmcall") == reasons.VMCALL


def test_the_stack_of_a_guests_exception_is_the_guests(bench: VmxBench) -> None:
    bench.ring_3()
    # The gates have DPL 0, so it becomes #GP with the IDT bit, on the ring-0 stack of the TSS.
    assert bench.run("int 0x21") == reasons.VMCALL
    assert bench[f.GUEST_EIP] == HANDLERS + 16 * 13
    assert bench[f.GUEST_RIGHTS + 2 * SS] >> 5 & 3 == 0
    assert bench.memory.read32(bench[f.GUEST_ESP]) == 0x21 * 8 + 2
