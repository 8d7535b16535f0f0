"""Hardware assist: the VMM is a client of VMX, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import Image, Options, System, Virtualized, build
from ringside.isa.registers import FLAG_IF
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.trace.events import Event, Injected, VmcsRead, VmcsWritten, VmEntered, VmExited
from ringside.vmm.clock import HostClock
from ringside.vmm.cpu.hardware_assist import HardwareAssist
from ringside.vmm.memory.nested import NestedPaging

ASSISTED = "hardware-assist"
MEMORY = pytest.mark.parametrize("memory", ["nested", "shadow"])
SIZE = 4 << 20


def one(guest: str, memory: str = "", size: int = SIZE) -> Virtualized:
    image = Image(guests.program(guest), guest, size)
    system = build(ASSISTED, image, Options(memory=memory))
    assert isinstance(system, Virtualized)
    return system


def two(memory: str = "", first: str = "hlt", second: str = "system_call") -> Virtualized:
    images = [Image(guests.program(guest), guest, SIZE) for guest in (first, second)]
    system = build(ASSISTED, images, Options(policy=RoundRobin(40), memory=memory))
    assert isinstance(system, Virtualized)
    return system


def technique(system: Virtualized) -> HardwareAssist:
    found = system.vmm.guests[0].cpu
    assert isinstance(found, HardwareAssist)
    return found


def state(system: System) -> tuple[Any, ...]:
    return (
        system.steps, system.time, system.context, system.outcome, system.machine.digest(),
        *((vm.name, vm.digest(), vm.now, vm.exits, vm.emulated, vm.halted) for vm in system.vms),
    )  # fmt: skip


def heard(system: System, *kinds: type[Event]) -> list[Any]:
    found: list[Any] = []
    system.listener = lambda event: found.append(event) if isinstance(event, kinds) else None
    return found


# -- steps and time -------------------------------------------------------------------------------


@MEMORY
@pytest.mark.parametrize("guest", ["page_fault", "cli_sti", "rings"])
def test_run_is_so_many_steps(guest: str, memory: str) -> None:
    ran, stepped = one(guest, memory), one(guest, memory)
    for length in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        ran.run(length)
        for _ in range(length):
            stepped.step()
        assert state(ran) == state(stepped)


@pytest.mark.parametrize("memory", ["nested", "shadow"])
@settings(max_examples=12, deadline=None)
@given(at=st.integers(0, 500), further=st.integers(1, 300))
def test_a_thawed_moment_continues_as_before(memory: str, at: int, further: int) -> None:
    system = two(memory)
    system.run(at)
    picture = system.freeze()
    then = state(system)
    system.run(further)
    later = state(system)
    system.thaw(picture)
    assert state(system) == then
    system.run(further)
    assert state(system) == later


def test_listening_changes_nothing() -> None:
    deaf, listened = one("rings"), one("rings")
    listened.listener = lambda event: None
    for system in (deaf, listened):
        system.run(2000)
    assert state(deaf) == state(listened)


# -- what leaves, and what does not ---------------------------------------------------------------


def test_under_nested_paging_faults_system_calls_and_cr3_are_the_guests_own() -> None:
    system = one("page_fault")
    system.run(5000)
    assert system.outcome is not None
    assert set(system.vms[0].exits) == {"EPT violation", "I/O instruction"}


def test_under_shadow_paging_the_vmm_hears_of_all_three() -> None:
    system = one("page_fault", "shadow")
    system.run(5000)
    assert {"#PF", "control-register access", "INVLPG"} <= set(system.vms[0].exits)


def test_popf_changes_the_real_interrupt_flag_and_nobody_leaves_for_it() -> None:
    system = one("popf")
    exits = heard(system, VmExited)
    changes = 0
    for _ in range(3000):
        before, count = system.machine.cpu.eflags, len(exits)
        at = system.machine.cpu.linear_eip
        popf = system.vmm.in_guest and system.machine.memory.read8(at + (4 << 20)) == 0x9D
        system.step()
        if popf and system.vmm.in_guest and (before ^ system.machine.cpu.eflags) & FLAG_IF:
            changes += 1
            assert len(exits) == count
    assert changes


def test_the_guests_kernel_really_is_in_ring_0() -> None:
    system = one("cli_sti")
    rings = set()
    for _ in range(400):
        system.step()
        if system.vmm.in_guest:
            cpu = system.machine.cpu
            assert cpu.intercepts is not None
            rings.add(cpu.cpl)
    assert rings == {0}


# -- the VMM reads and writes fields, and no more than it needs -----------------------------------


def test_every_exit_begins_with_reading_the_reason_and_ends_with_an_entry() -> None:
    system = one("hlt")
    seen = heard(system, VmExited, VmcsRead, VmcsWritten, VmEntered)
    system.run(400)
    exits = [at for at, event in enumerate(seen) if isinstance(event, VmExited)]
    assert len(exits) > 10
    for at in exits[:-1]:
        first = seen[at + 1]
        assert isinstance(first, VmcsRead) and first.field == f.EXIT_REASON
        assert first.value == seen[at].reason


def test_an_in_instruction_costs_few_fields_and_only_rip_is_written() -> None:
    system = one("port_io")
    seen = heard(system, VmExited, VmcsRead, VmcsWritten, VmEntered)
    system.run(1000)
    starts = [at for at, event in enumerate(seen) if isinstance(event, VmExited)
              and event.reason == reasons.IO_INSTRUCTION]
    between = seen[starts[4] + 1 : starts[5]]
    read = [event.field for event in between if isinstance(event, VmcsRead)]
    written = [event.field for event in between if isinstance(event, VmcsWritten)]
    assert read == [
        f.EXIT_REASON, f.GUEST_EIP, f.GUEST_EFLAGS, f.INTERRUPTIBILITY, f.QUALIFICATION,
        f.EXIT_LENGTH,
    ]  # fmt: skip
    assert written == [f.GUEST_EIP]


def test_only_to_emulate_does_the_vmm_read_the_guests_segments(bench: Any) -> None:
    text = "main: mov esi, main\n mov edx, 0xE9\n outsb\n out 0xE9, al\n cli\n hlt\n"
    system = bench.virtual(text, technique=ASSISTED)
    seen = heard(system, VmExited, VmcsRead)
    system.run(200)
    strings, plain = [
        {event.field for event in seen[at + 1 :] if isinstance(event, VmcsRead)}
        for at, event in enumerate(seen)
        if isinstance(event, VmExited) and event.reason == reasons.IO_INSTRUCTION
    ]
    base = f.GUEST_BASE + 2 * 3  # of DS
    assert base in strings and base not in plain


def test_nothing_the_vmm_writes_differs_from_what_the_field_held() -> None:
    system = one("rings")
    seen = heard(system, VmcsWritten)
    system.run(2000)
    first = max(at for at, event in enumerate(seen) if event.time == 0)  # before the first entry
    idle = [event for event in seen[first + 1 :] if event.before == event.after]
    assert not idle


# -- interrupts -----------------------------------------------------------------------------------


def test_an_interrupt_is_injected_only_when_the_guest_can_take_it() -> None:
    system = one("cli_sti")
    windows = 0
    seen = heard(system, VmEntered, VmExited, VmcsWritten, Injected)
    system.run(10_000)
    for at, event in enumerate(seen):
        if isinstance(event, VmExited) and event.reason == reasons.INTERRUPT_WINDOW:
            windows += 1
            entry = next(later for later in seen[at:] if isinstance(later, VmEntered))
            assert entry.injected >> 8 & 7 == bits.EXTERNAL
    assert windows
    asked = [event for event in seen if isinstance(event, VmcsWritten)
             and event.field == f.PRIMARY_CONTROLS]
    on = [bool(event.after & bits.INTERRUPT_WINDOW) for event in asked]
    assert on == [bool(n % 2 == 0) for n in range(len(on))]  # on, off, on, off …


def test_every_injection_goes_through_the_entry_field() -> None:
    system = one("hlt")
    seen = heard(system, VmEntered, Injected)
    system.run(3000)
    told = [event.vector for event in seen if isinstance(event, Injected)]
    entered = [event.injected & 0xFF for event in seen
               if isinstance(event, VmEntered) and event.injected & bits.VALID]
    assert told == entered == [0x20] * 3


SINGLE_STEPS_THROUGH_AN_EXIT = """
main:   gate 1, .step
        xor ebx, ebx
        pushf
        or dword [esp], 0x100
        popf
        in al, 0x21                     ; leaves, with the trap flag set
        nop
        pushf
        and dword [esp], ~0x100
        popf
        mov al, 0
        out 0xF4, al
.step:  inc ebx
        iret
"""


@MEMORY
def test_a_single_step_trap_follows_an_instruction_the_vmm_carried_out(
    bench: Any, memory: str
) -> None:
    bare = bench.bare(SINGLE_STEPS_THROUGH_AN_EXIT, tables=True)
    system = bench.virtual(
        SINGLE_STEPS_THROUGH_AN_EXIT, tables=True, technique=ASSISTED,
        options=Options(memory=memory),
    )
    bare.run(1000)
    system.run(5000)
    assert bare.guest_cpu.regs[3] == system.guest_cpu.regs[3] == 5
    assert system.digest() == bare.digest()
    assert system.guest_steps == bare.guest_steps


FIRST_TOUCH_OF_THE_STACK_BY_A_DELIVERY = """
main:   gate 0x30, .done
        gate 13, .fault
        mov esp, 0x3F0000               ; nobody has touched this page
        int 0x30
        mov esp, 0x3E0000
        mov eax, 0x1000
        mov ds, ax                      ; #GP, with an error code
        mov al, 1
        out 0xF4, al
.done:  iret
.fault: mov al, [esp]
        out 0xF4, al
"""


@MEMORY
def test_an_event_that_left_on_its_way_is_delivered_again(bench: Any, memory: str) -> None:
    text = FIRST_TOUCH_OF_THE_STACK_BY_A_DELIVERY
    bare = bench.bare(text, tables=True)
    system = bench.virtual(
        text, tables=True, technique=ASSISTED, options=Options(memory=memory)
    )
    seen = heard(system, VmEntered)
    bare.run(1000)
    system.run(5000)
    kinds = [event.injected >> 8 & 7 for event in seen if event.injected & bits.VALID]
    assert kinds == [bits.HARDWARE]  # INT n is just run again
    assert system.outcome == bare.outcome
    assert system.digest() == bare.digest()
    assert system.guest_steps == bare.guest_steps


# -- several ---------------------------------------------------------------------------------------


@MEMORY
def test_a_halted_machine_leaves_the_processor_to_the_other(bench: Any, memory: str) -> None:
    system = bench.virtual(
        "main: cli\n hlt\n", "main: inc eax\n jmp main\n", technique=ASSISTED,
        options=Options(policy=RoundRobin(50), memory=memory),
    )
    system.run(2000)
    first, second = system.vms
    assert first.outcome is not None and first.outcome.kind == "halted"
    assert second.outcome is None
    assert second.vcpu.regs[0] > 400


def test_two_machines_have_their_own_vmcs_and_their_own_tag_in_the_tlb() -> None:
    system = two()
    system.run(500)
    tags = {entry.vpid for _, entry in system.machine.tlb}
    paging = [guest.memory for guest in system.vmm.guests]
    assert all(isinstance(one, NestedPaging) for one in paging)
    assert tags - {0} == {one.vpid for one in paging if isinstance(one, NestedPaging)}
    assert len({guest.cpu.vmcs for guest in system.vmm.guests
                if isinstance(guest.cpu, HardwareAssist)}) == 2


@MEMORY
def test_each_of_two_machines_ends_as_it_does_alone(memory: str) -> None:
    together = two(memory, "cli_sti", "page_fault")
    together.run(60_000)
    for number, guest in enumerate(("cli_sti", "page_fault")):
        alone = one(guest, memory)
        alone.run(60_000)
        assert together.vms[number].outcome == alone.outcome
        assert together.vms[number].digest() == alone.digest()


NOTHING_BUT_FAULTS = "main: gate 6, .on\n.on: ud2\n"


@MEMORY
def test_a_guest_that_only_faults_in_its_own_idt_does_not_keep_the_processor(
    bench: Any, memory: str
) -> None:
    texts = (NOTHING_BUT_FAULTS, "main: inc eax\n jmp main\n")
    system, stepped = (
        bench.virtual(
            *texts, tables=True, technique=ASSISTED,
            options=Options(policy=RoundRobin(50), memory=memory),
        )
        for _ in range(2)
    )
    system.run(3000)
    for _ in range(3000):
        stepped.step()
    first, second = system.vms
    assert first.vcpu.deliveries > 500 and second.vcpu.regs[0] > 200
    assert state(system) == state(stepped)


# -- bad guests, bad VMCS ---------------------------------------------------------------------------

HOSTILE = {
    "a triple fault": ("main: lidt [nothing]\n ud2\nnothing: dw 0\n dd 0\n", "shutdown"),
    "execution off the end of memory": ("main: mov eax, 0x7F000000\n jmp eax\n", "shutdown"),
    "an exception with its stack in the void": (
        "main: gate 6, .on\n mov esp, 0x7F000000\n ud2\n.on: cli\n hlt\n", "halted",
    ),
    "interrupts off for ever": ("main: cli\n hlt\n", "halted"),
}


@MEMORY
@pytest.mark.parametrize("crime", sorted(HOSTILE))
def test_a_bad_guest_ends_alone_and_it_is_said_how(
    bench: Any, crime: str, memory: str
) -> None:
    text, kind = HOSTILE[crime]
    system = bench.virtual(
        text, "main: inc eax\n jmp main\n", tables=True, technique=ASSISTED,
        options=Options(policy=RoundRobin(50), memory=memory),
    )
    system.run(3000)
    outcome = system.vms[0].outcome
    assert outcome is not None and outcome.kind == kind
    assert system.vms[1].outcome is None
    assert system.vms[1].vcpu.regs[0] > 100


@MEMORY
def test_memory_that_is_not_there_reads_as_ones_and_is_written_to_in_vain(
    bench: Any, memory: str
) -> None:
    text = """
main:   mov dword [0x7F000000], 5
        mov ebx, [0x7F000000]
        mov al, 0
        out 0xF4, al
"""
    bare = bench.bare(text)
    system = bench.virtual(text, technique=ASSISTED, options=Options(memory=memory))
    bare.run(100)
    system.run(1000)
    assert system.guest_cpu.regs[3] == bare.guest_cpu.regs[3] == 0xFFFF_FFFF
    assert system.vms[0].denials == 2


def test_a_damaged_ept_entry_ends_its_machine_with_a_misconfiguration() -> None:
    system = two()
    system.run(300)
    paging = system.vmm.guests[0].memory
    assert isinstance(paging, NestedPaging)
    memory = system.machine.memory
    table = memory.read64(memory.read64(paging.root) & ~0xFFF) & ~0xFFF
    for entry in range(512):
        if memory.read64(table + 8 * entry):
            memory.write64(table + 8 * entry, 2)  # writable and not readable: impossible
    vmx = system.machine.cpu.vmx
    assert vmx is not None
    vmx.invept(1, paging.pointer, 0)
    system.machine.cpu.clear_maps()
    system.run(5000)
    outcome = system.vms[0].outcome
    assert outcome is not None and outcome.kind == "crashed"
    assert "EPT misconfiguration" in outcome.detail
    assert str(system.vms[1].outcome) == "exit 1"


@MEMORY
def test_with_the_hosts_clock_a_guest_still_wakes_and_ends(memory: str) -> None:
    image = Image(guests.program("hlt"), "hlt", SIZE)
    options = Options(clock=HostClock, exit_cost=30, memory=memory)
    system = build(ASSISTED, image, options)
    system.run(20_000)
    assert str(system.outcome) == "halted"
    assert system.console.count("awake") == 3


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (f.PIN_CONTROLS, 0, "VMfailValid(7)"),
        (f.HOST_CR0, 0, "VMfailValid(8)"),
        (f.GUEST_CR4, 0, "exit reason 33"),
        (f.GUEST_RIGHTS + 2, 0x10000, "exit reason 33"),
    ],
)
def test_an_invalid_vmcs_is_refused_with_the_architectural_error(
    field: int, value: int, told: str
) -> None:
    system = one("hlt")
    damage(system, field, value)
    system.run(100)
    outcome = system.outcome
    assert outcome is not None and outcome.kind == "entry-failed"
    assert told in outcome.detail


def damage(system: Virtualized, field: int, value: int) -> None:
    """Let the VMM's next entry meet a field that somebody has changed."""
    for _ in range(200):
        system.step()
        if system.vmm.phase == "resume":
            break
    vmx = system.machine.cpu.vmx
    assert vmx is not None
    vmx.write(field, value)


def test_vmx_instructions_of_a_guest_are_undefined_to_it(bench: Any) -> None:
    text = "main: gate 6, .gone\n vmcall\n mov al, 1\n out 0xF4, al\n.gone: mov al, 0\n out 0xF4, al\n"
    system = bench.virtual(text, tables=True, technique=ASSISTED)
    system.run(1000)
    assert str(system.outcome) == "exit 1"  # the exit port answers 2n + 1
    assert system.vms[0].exits["VMCALL"] == 1


def test_a_memory_technique_it_does_not_go_with_is_refused_by_name() -> None:
    image = Image(guests.program("hlt"), "hlt", SIZE)
    with pytest.raises(ValueError, match="nested or untagged or shadow"):
        build(ASSISTED, image, Options(memory="direct"))
