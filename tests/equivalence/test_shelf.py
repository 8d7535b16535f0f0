"""The same guest, bare and virtual: equal after every guest step, or different at a known one."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.isa.registers import FLAG_IF
from ringside.labs.systems import BARE_METAL, UNMODIFIED, Image, System, build
from ringside.trace.events import Diverged
from ringside.vmm.lockstep import Difference, Lockstep

EQUAL = (
    "rings", "cli_sti", "hlt", "page_fault", "system_call", "port_io", "sieve", "matrix", "sort",
    "phone_radio",
)  # fmt: skip
VIRTUAL = UNMODIFIED


def pair(guest: str, technique: str) -> tuple[System, System]:
    program = guests.program(guest)
    image = Image(program, guest, 8 << 20)
    return build(BARE_METAL, image), build(technique, image)


@pytest.mark.parametrize("guest", EQUAL)
@pytest.mark.parametrize("technique", VIRTUAL)
def test_guest_is_equal_to_bare_metal_at_every_step_and_in_the_end(
    guest: str, technique: str
) -> None:
    bare, virtual = pair(guest, technique)
    lockstep = Lockstep(bare, virtual)
    assert lockstep.advance(30_000) is None
    bare.run(1_000_000)
    virtual.run(2_000_000)
    assert bare.outcome is not None
    assert virtual.outcome == bare.outcome
    assert virtual.console == bare.console
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.digest() == bare.digest()


@pytest.mark.parametrize("technique", VIRTUAL)
def test_nanos_boots_the_same(technique: str) -> None:
    bare, virtual = pair("nanos", technique)
    lockstep = Lockstep(bare, virtual)
    assert lockstep.advance(60_000) is None
    assert virtual.console == bare.console
    assert "nanos" in virtual.console


def popf_difference() -> tuple[Difference, System]:
    bare, virtual = pair("popf", "trap-and-emulate")
    found = Lockstep(bare, virtual).advance(20_000)
    assert found is not None
    return found, virtual


def test_popf_loses_if_silently_and_the_comparer_names_the_step() -> None:
    found, virtual = popf_difference()
    assert (found.what, found.expected, found.found) == ("eflags.if", 1, 0)
    code = virtual.vms[0].memory.read_bytes(found.eip, 1)
    assert code == b"\x9d"  # POPF
    assert not virtual.guest_cpu.eflags & FLAG_IF


def test_one_step_before_popf_the_two_are_still_equal() -> None:
    found, _ = popf_difference()
    lockstep = Lockstep(*pair("popf", "trap-and-emulate"))
    assert lockstep.advance(found.guest_step - 1) is None
    assert lockstep.reference.guest_cpu.eip == found.eip
    assert lockstep.advance(1) == found


def test_a_difference_is_also_an_event() -> None:
    found, _ = popf_difference()
    assert found.event(7, "guest") == Diverged(7, "vmm", "guest", "eflags.if", 1, 0)
