"""Paravirtualization: the ported guest says what the native one says, and cannot ask for too much."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.guests.porting import PORT, PORTED
from ringside.host.policies import RoundRobin
from ringside.host.systems import BARE_METAL, Image, Options, Virtualized, build
from ringside.isa.assembler import Program, assemble
from ringside.isa.faults import NotModelled
from ringside.isa.registers import CS
from ringside.trace.events import Event, Hypercalled, RingChanged, Upcalled, VmmEntered
from ringside.vmm.cpu.paravirtualization import Paravirtualization
from ringside.vmm.monitor import ENTRIES, IDT, STACK_TOP
from ringside.vmm.paravirt.abi import NAMES, SHARED_INFO
from ringside.vmm.paravirt.domain import Domain

MEMORY = 4 << 20
HOSTILE = [
    -38, -14, -22, -1, -1, -22, -22, -1, -22, -16, -1, -1, -1, -22, -22, -14, -22, -22,
]  # fmt: skip
HEAD = 'bits 32\norg 0x100000\n%include "pc.inc"\nmain:\n'


def ported(guest: str) -> Program:
    return guests.program(guest, {PORT: 1, "NANOS_AUTOHALT": 1})


def pv(*programs: Program, options: Options | None = None) -> Virtualized:
    images = [Image(program, f"guest {n}", MEMORY, guests.disk("nanos"))
              for n, program in enumerate(programs)]
    return cast(Virtualized, build("paravirtualization", images, options))


def written(text: str) -> Program:
    return guests.assemble_text(HEAD + text, defines={PORT: 1})


def check_tables(vm: Domain) -> None:
    """All the processor can walk is the guest's own memory and the VMM's two entries; no table is
    writable; and the VMM's books say what there is."""
    types, owned = vm.paging.types, set(vm.allotment.hfns)
    tables, writable = Counter[int](), Counter[int]()
    for directory in types.directories:
        entries = types.entries(directory)
        assert {n: entries[n] & ~0x60 for n in types.own} == types.own
        tables.update(entry >> 12 for number, entry in enumerate(entries)
                      if entry & 1 and number not in types.own)
    for table in tables:
        for entry in types.entries(table):
            assert not entry & 1 or entry >> 12 in owned
            writable.update([entry >> 12] if entry & 3 == 3 else [])
    assert (types.tables, types.writable) == (tables, writable)
    assert vm.paging.current in types.directories
    assert not types.directories & set(tables)
    assert not writable.keys() & (types.directories | set(tables))


class Recorder:
    """Keeps every event but the single instructions."""

    every_instruction = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)


def heard(system: Virtualized, steps: int) -> list[Event]:
    recorder = Recorder()
    system.listener = recorder
    system.run(steps)
    system.listener = None
    return recorder.events


@pytest.mark.parametrize("guest", PORTED)
def test_its_output_is_that_of_the_native_guest_on_bare_metal(guest: str) -> None:
    native = guests.program(guest, {"NANOS_AUTOHALT": 1})
    bare = build(BARE_METAL, Image(native, guest, MEMORY, guests.disk("nanos")))
    bare.run(2_000_000)
    system = pv(ported(guest))
    system.run(2_000_000)
    assert system.console == bare.console
    assert system.outcome is not None and bare.outcome is not None
    if str(bare.outcome).startswith("exit"):
        assert system.outcome == bare.outcome


def test_cli_and_sti_are_stores_without_a_trap() -> None:
    system = pv(ported("cli_sti"))
    system.run(10**6)
    exits = system.vms[0].exits
    assert "IF = 0, ticks: 0" in system.console
    assert exits["hypercall xen_version"] <= 1, "STI asks only if an event waits"
    assert set(exits) <= {f"hypercall {name}" for name in NAMES.values()} | {"#GP", "timer"}


def test_a_popf_guest_works_once_it_is_ported() -> None:
    system = pv(ported("popf"))
    system.run(10**6)
    assert "the interrupt arrived" in system.console


def test_system_calls_go_straight_into_the_guest_kernel() -> None:
    events = heard(pv(ported("system_call")), 10**5)
    into = [n for n, event in enumerate(events)
            if isinstance(event, RingChanged) and (event.before, event.after) == (3, 1)]
    assert len(into) == len("hello from ring 3\n") + 1
    assert not any(isinstance(event, VmmEntered) and event.ring == 3 for event in events)


def test_the_kernel_runs_in_ring_1_and_knows_it() -> None:
    program = ported("rings")
    system = pv(program)
    while system.guest_cpu.eip != program.symbols["program"]:
        system.step()
        if system.vmm.in_guest:
            assert system.machine.cpu.cpl == system.guest_cpu.cpl
            assert system.guest_cpu.segs[CS].selector & 3 == system.guest_cpu.cpl in (1, 3)
    assert system.vms[0].exits["hypercall mmuext_op"] == 1


def test_every_hypercall_is_an_exit_of_its_own_and_an_event() -> None:
    system = pv(ported("nanos"))
    events = heard(system, 2_000_000)
    calls = [event for event in events if isinstance(event, Hypercalled)]
    exits = system.vms[0].exits
    for name in NAMES.values():
        counted = sum(event.name == name for event in calls)
        assert exits.get(f"hypercall {name}", 0) == counted
    assert all(event.result >= 0 and not event.why for event in calls)
    assert any(isinstance(event, Upcalled) and event.called for event in events)
    assert exits["hypercall update_va_mapping"] >= 8, "one for each page given on demand"


def test_hostile_hypercalls_get_errors_and_harm_nobody() -> None:
    victim = ported("sieve")
    alone = pv(victim)
    alone.run(10**6)
    both = pv(guests.program("pv_hostile"), victim, options=Options(policy=RoundRobin(500)))
    ram = both.machine.memory
    gates = ram.read_bytes(IDT, ENTRIES - IDT - 0x800)
    both.run(10**6)
    hostile, other = both.vms
    numbers = [line.rpartition(": ")[2] for line in hostile.console.splitlines()]
    assert [int(number) for number in numbers[: len(HOSTILE)]] == HOSTILE
    assert "exception 13" in numbers and hostile.console.endswith("still here\n")
    assert str(hostile.outcome) == "exit 1"
    assert other.console == alone.console and other.digest() == alone.vms[0].digest()
    assert ram.read_bytes(IDT, ENTRIES - IDT - 0x800) == gates


def test_a_batch_stops_at_the_first_bad_request_and_says_how_many_were_done() -> None:
    program = written("""
        mov eax, [START_DIRECTORY]      ; the machine's address of the table
        and eax, -4096
        add [requests], eax
        add [requests + 16], eax
        add [requests + 32], eax
        mov eax, [TO_MACHINE + 0x300 * 4]
        shl eax, 12
        or eax, 3
        mov [requests + 8], eax
        mov ebx, requests
        mov ecx, 3
        mov edx, done
        hypercall H_MMU_UPDATE
        jmp finish
    align 8
    requests: dq 4 * 0x300, 0, 4 * 0x301, 0xFFFFF003, 4 * 0x302, 3
    done:   dd 77
    """)
    system = pv(program)
    events = [event for event in heard(system, 10**5) if isinstance(event, Hypercalled)]
    assert (events[-1].name, events[-1].result) == ("mmu_update", -1)
    assert "not this guest's" in events[-1].why
    assert system.vms[0].memory.read32(program.symbols["done"]) == 1


def test_a_guest_that_was_not_ported_ends_and_says_why() -> None:
    system = pv(assemble("bits 32\norg 0x100000\nlgdt [0x100000]\n"))
    system.run(1000)
    assert "exception 13" in str(system.outcome) and "no handler" in str(system.outcome)


def test_a_kernel_that_ruins_its_own_stack_ruins_only_itself() -> None:
    broken = written("mov esp, 0x10\n ud2\n")
    both = pv(broken, ported("sort"))
    both.run(10**6)
    assert str(both.vms[0].outcome).startswith("crashed")
    assert both.vms[1].console == "sorted\n"


def test_a_kernel_that_gives_up_its_own_code_segment_cannot_go_on() -> None:
    system = pv(written("mov ebx, gdt\n mov ecx, 0\n hypercall H_SET_GDT\n jmp finish\n"))
    system.run(10**5)
    assert "can no longer be run" in str(system.outcome)


@pytest.fixture(scope="module")
def running() -> Virtualized:
    """nanos, with tables of its own, somewhere in its life."""
    system = pv(guests.program("nanos", {PORT: 1}), ported("sort"))
    system.run(150_000)
    return system


WILD = st.one_of(
    st.integers(0, 64), st.integers(0, 0xFFFF_FFFF), st.sampled_from([
        SHARED_INFO, 0xC0100000, 0xC0103000, 0x103000, 0xFFC00000, 0xFFFFFFFF, 0xFFBFFFFF,
        0xC009F000, 0x00400000, 0x80000000, 0xE019, 0xFFE0, 9, 0x11]),
)  # fmt: skip


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.one_of(st.sampled_from(sorted(NAMES)), st.integers(0, 0xFFFF_FFFF)),
       args=st.tuples(*[WILD] * 6))
def test_no_hypercall_whatever_it_is_given_touches_others_or_the_vmm(
    running: Virtualized, number: int, args: tuple[int, ...]
) -> None:
    picture = running.freeze()
    technique = cast(Paravirtualization, running.vmm.guests[0].cpu)
    ram = running.machine.memory
    other = running.vms[1].digest()
    stack = ram.read_bytes(IDT, STACK_TOP - IDT)
    try:
        result, why = technique.calls.call(number, args)
        assert -40 < result <= 0xFFFF_FFFF and bool(why) == (result < 0)
        assert running.vms[1].digest() == other
        now = ram.read_bytes(IDT, STACK_TOP - IDT)
        changed = {n for n in range(len(now)) if now[n] != stack[n]}
        tss = range(0x800 + 12, 0x800 + 20)  # ss1 and esp1: the guest's own, and checked
        assert changed <= set(tss) | set(range(8 * 0x80, 8 * 0x81))
        check_tables(cast(Domain, running.vms[0]))
    finally:
        running.thaw(picture)


def test_a_port_instruction_at_the_end_of_what_is_mapped_is_carried_out() -> None:
    system = pv(written("""
        gate 14, beyond
        mov word [0x2FFFFE], 0xE9E6     ; OUT E9h, AL in the last two bytes of a page
        mov ebx, 0x300000               ; behind which there is nothing
        xor ecx, ecx
        mov edx, FLUSH_PAGE
        hypercall H_UPDATE_VA_MAPPING
        mov al, 'A'
        mov ecx, 0x2FFFFE
        jmp ecx
    beyond:
        xor eax, eax
        jmp finish
    """))
    system.run(10**5)
    assert (system.console, str(system.outcome)) == ("A", "exit 1")


@pytest.mark.parametrize("access", ["out 0x20, al", "in al, 0xA1", "mov dx, 0x1F\n out dx, ax"])
def test_the_interrupt_controller_is_the_vmms_alone(access: str) -> None:
    """Set to level-triggered with automatic end of interrupt it would never fall silent."""
    system = pv(written(f"""
        gate 13, denied
        mov al, 0x19
        {access}
        xor eax, eax
        jmp finish
    denied:
        mov al, 13
        jmp finish
    """))
    system.run(10**5)
    assert str(system.outcome) == f"exit {13 << 1 | 1}"


def test_two_paravirtual_guests_share_the_host_and_neither_notices() -> None:
    programs = [ported("cli_sti"), ported("system_call"), ported("page_fault")]
    alone = []
    for program in programs:
        system = pv(program)
        system.run(10**6)
        alone.append(system.vms[0])
    both = pv(*programs, options=Options(policy=RoundRobin(97)))
    both.run(10**6)
    for vm, single in zip(both.vms, alone, strict=True):
        assert vm.console == single.console
        assert vm.outcome == single.outcome
        assert vm.digest() == single.digest()


def test_a_stretch_is_that_many_steps() -> None:
    ran, stepped = pv(ported("hlt")), pv(ported("hlt"))
    for length in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233):
        ran.run(length)
        for _ in range(length):
            stepped.step()
        assert ran.machine.digest() == stepped.machine.digest()
        assert (ran.steps, ran.time, ran.vms[0].exits) == (
            stepped.steps, stepped.time, stepped.vms[0].exits)


def test_a_kernel_that_holds_events_back_for_ever_does_not_hold_the_host() -> None:
    selfish = written("mov byte [EVENTS_OFF], 1\n jmp $\n")
    both = pv(selfish, ported("sort"), options=Options(policy=RoundRobin(1000)))
    both.run(400_000)
    assert both.vms[1].console == "sorted\n"
    assert both.vms[0].outcome is None


def test_yield_gives_the_processor_to_the_other_at_once() -> None:
    polite = written("""
        mov ecx, 50
    .again:
        push ecx
        mov ebx, 0
        hypercall H_SCHED_OP
        pop ecx
        loop .again
        xor eax, eax
        jmp finish
    """)
    both = pv(polite, polite, options=Options(policy=RoundRobin(10**6)))
    both.run(10**5)
    assert both.vmm.switches >= 100
    assert [str(vm.outcome) for vm in both.vms] == ["exit 1", "exit 1"]


def test_a_guest_that_starts_in_real_mode_is_refused_with_a_reason() -> None:
    with pytest.raises(NotModelled, match="real mode"):
        pv(guests.program("boot_sector"))
