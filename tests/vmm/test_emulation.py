"""Emulation: equal to bare metal everywhere, POPF and real mode included, and never on the CPU."""

from __future__ import annotations

from typing import cast

import pytest
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import BARE_METAL, Image, Options, System, Virtualized, build
from ringside.isa.assembler import assemble
from ringside.isa.registers import CS
from ringside.trace.counters import Tally
from ringside.trace.events import Event, Interpreted
from ringside.trace.timeline import Timeline
from ringside.vmm.lockstep import run_to
from ringside.vmm.visible import first_difference

SHORT = ["rings", "cli_sti", "hlt", "popf", "page_fault", "system_call", "port_io", "boot_sector"]
LOUD = """
        bits 32
        org 0x100000
        mov ecx, 40
        .next: mov al, LETTER
        out 0xE9, al
        mov edx, 50
        .wait: dec edx
        jnz .wait
        loop .next
        mov al, 0
        out 0xF4, al
        hlt
"""


def image(guest: str) -> Image:
    return Image(guests.program(guest), guest, 4 << 20, disk=guests.disk(guest))


def emulated(*images: Image, options: Options | None = None) -> Virtualized:
    return cast(Virtualized, build("emulation", images, options))


def loud(letter: str) -> Image:
    return Image(assemble(LOUD, defines={"LETTER": ord(letter)}), letter, 2 << 20)


@pytest.mark.parametrize("guest", SHORT)
def test_every_step_is_that_of_bare_metal(guest: str) -> None:
    bare, virtual = build(BARE_METAL, image(guest)), emulated(image(guest))
    while bare.outcome is None:
        bare.step()
        assert run_to(virtual, bare.guest_steps)
        assert first_difference(bare.guest_cpu, virtual.guest_cpu) is None
    assert virtual.outcome == bare.outcome
    assert virtual.digest() == bare.digest()


@pytest.mark.parametrize("guest", ["rings", "hlt", "cli_sti", "popf"])
def test_a_stretch_is_that_many_steps_and_tells_the_same(guest: str) -> None:
    stepped, run = emulated(image(guest)), emulated(image(guest))
    one, other = Tally(), Tally()
    stepped.listener, run.listener = one, other
    while stepped.outcome is None:
        stepped.step()
        run.run(1) if stepped.steps % 7 else run.run(stepped.steps - run.steps)
        while run.steps < stepped.steps:
            run.run(stepped.steps - run.steps)
    while run.outcome is None:
        run.run(1000)
    assert run.steps == stepped.steps
    assert run.digest() == stepped.digest()
    assert one.counts == other.counts


def test_one_long_run_is_as_many_steps() -> None:
    stepped, run = emulated(image("hlt")), emulated(image("hlt"))
    run.run(10**6)
    while stepped.outcome is None:
        stepped.step()
    assert (run.steps, run.time, run.digest()) == (stepped.steps, stepped.time, stepped.digest())


def test_the_processor_stays_in_ring_0_and_retires_nothing_of_the_guest() -> None:
    system = emulated(image("rings"))
    cpu = system.machine.cpu
    before = cpu.steps
    while system.outcome is None:
        assert cpu.cpl == 0 and cpu.segs[CS].selector & 3 == 0
        assert not system.vmm.in_guest
        system.step()
    assert cpu.steps == before
    assert system.vms[0].exits == {}


def test_each_step_tells_the_instruction_and_what_it_changed() -> None:
    system = emulated(image("popf"))
    heard: list[Event] = []
    system.listener = heard.append
    system.run(60)
    told = [event for event in heard if isinstance(event, Interpreted)]
    popf = next(event for event in told if event.mnemonic == "popf")
    assert (popf.register, popf.before, popf.after) == ("IF", 0, 1)
    assert {event.context for event in told} == {"vmm"}


def test_two_guests_share_the_host_and_neither_notices() -> None:
    alone = [emulated(loud(letter)) for letter in "ab"]
    for system in alone:
        system.run(10**5)
    both = emulated(loud("a"), loud("b"), options=Options(policy=RoundRobin(100)))
    both.run(10**6)
    assert both.vmm.switches > 10
    for vm, system in zip(both.vms, alone, strict=True):
        assert vm.console == system.console
        assert vm.digest() == system.vms[0].digest()


def test_a_halted_guest_leaves_the_host_to_the_other() -> None:
    both = emulated(image("hlt"), loud("b"))
    both.run(10**6)
    assert [str(vm.outcome) for vm in both.vms] == ["halted", "exit 1"]
    assert both.vms[0].console == build_and_run("hlt").console


def build_and_run(guest: str) -> System:
    system = build(BARE_METAL, image(guest))
    system.run(10**6)
    return system


def test_time_travel_brings_back_code_that_was_changed() -> None:
    source = """
        bits 32
        org 0x100000
        mov ecx, 300
    again:
        mov byte [patch + 1], 'x'
        test ecx, 1
        jz patch
        mov byte [patch + 1], 'y'
    patch:
        mov al, '?'
        out 0xE9, al
        loop again
        mov al, 0
        out 0xF4, al
        hlt
    """
    system = emulated(Image(assemble(source), "g", 2 << 20))
    timeline = Timeline(system, keyframe_every=200)
    timeline.seek(10**5)
    end, console = system.digest(), system.console
    assert console == "xy" * 150
    for step in (700, 90, 1200, 31):
        timeline.seek(step)
        there = system.digest()
        fresh = emulated(Image(assemble(source), "g", 2 << 20))
        fresh.run(step)
        assert fresh.digest() == there
    timeline.seek(10**5)
    assert system.digest() == end


def test_a_breakpoint_in_the_guest_stops_it() -> None:
    system = emulated(loud("a"))
    address = 0x100005
    system.breakpoints = frozenset({address})
    assert system.run(1000) == "breakpoint"
    assert system.guest_cpu.linear_eip == address
    assert system.run(100_000) == "breakpoint"


def test_typed_lines_wake_the_guest() -> None:
    system = emulated(Image(guests.program("nanos"), "nanos", 4 << 20, disk=guests.disk("nanos")))
    for _ in range(200):
        system.run(50_000)
        if "3512" in system.console and "count 4" in system.console:
            break
    system.type_text("help\n")
    system.run(500_000)
    assert "run count" in system.console
