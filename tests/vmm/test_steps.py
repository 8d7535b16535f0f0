"""A VMM's steps are exact: run(n) is n steps, and a thawed moment goes on as it did before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import Image, Options, System, build

GUESTS = ("page_fault", "system_call", "cli_sti", "rings")


def one(guest: str) -> System:
    return build("trap-and-emulate", Image(guests.program(guest), guest, 4 << 20))


def two() -> System:
    images = [Image(guests.program(guest), guest, 4 << 20) for guest in ("hlt", "system_call")]
    return build("trap-and-emulate", images, Options(policy=RoundRobin(40)))


def state(system: System) -> tuple[Any, ...]:
    return (
        system.steps, system.time, system.context, system.outcome, system.machine.digest(),
        *((vm.name, vm.digest(), vm.now, vm.exits, vm.emulated, vm.halted) for vm in system.vms),
    )  # fmt: skip


@pytest.mark.parametrize("guest", GUESTS)
def test_run_is_so_many_steps(guest: str) -> None:
    ran, stepped = one(guest), one(guest)
    for length in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        ran.run(length)
        for _ in range(length):
            stepped.step()
        assert state(ran) == state(stepped)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=8))
def test_two_machines_step_the_same_in_any_stretches(lengths: list[int]) -> None:
    ran, whole = two(), two()
    for length in lengths:
        ran.run(length)
    whole.run(sum(lengths))
    assert state(ran) == state(whole)


@settings(max_examples=12, deadline=None)
@given(at=st.integers(0, 500), further=st.integers(1, 300))
def test_a_thawed_moment_continues_as_before(at: int, further: int) -> None:
    system = two()
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
    deaf, heard = one("rings"), one("rings")
    heard.listener = lambda event: None
    for system in (deaf, heard):
        system.run(2000)
    assert state(deaf) == state(heard)


def test_every_guest_instruction_is_one_step_and_every_trap_three_more() -> None:
    system = one("hlt")
    system.run(10_000)
    vm = system.vms[0]
    traps = sum(vm.exits.values())
    idle = 3  # three sleeps: the host idles, and the interrupt is injected in a step of its own
    emulated = sum(vm.emulated.values())
    retired = vm.guest_steps - idle - emulated
    # first resumption; trap, handling and resumption of each exit; but the last never resumes,
    # and an exit by HLT resumes only after idling and injecting
    assert system.steps == 1 + retired + 3 * traps + 2 * idle - 1
