"""The same guest, bare and virtual: equal after every guest step, or different at a known one."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import (
    BARE_METAL,
    MEMORIES,
    UNMODIFIED,
    Image,
    Options,
    System,
    build,
)
from ringside.isa.registers import FLAG_IF
from ringside.trace.events import Diverged
from ringside.vmm.lockstep import EVERY_STEP, Difference, Lockstep, run_to

EQUAL = (
    "rings", "cli_sti", "hlt", "page_fault", "system_call", "port_io", "sieve", "matrix", "sort",
    "phone_radio", "self_modifying", "linked_list",
)  # fmt: skip
VIRTUAL = [(technique, memory) for technique in UNMODIFIED for memory in MEMORIES[technique]]
COMBINED = pytest.mark.parametrize(
    ("technique", "memory"), VIRTUAL, ids=["-".join(names) for names in VIRTUAL]
)
# What classic trap-and-emulate gets wrong or cannot run at all, and hardware assist just runs.
ASSISTED = ("popf", "lecture_bt", "self_modifying", "vtx_tour")


def pair(guest: str, technique: str, memory: str = "") -> tuple[System, System]:
    program = guests.program(guest)
    image = Image(program, guest, 8 << 20)
    return build(BARE_METAL, image), build(technique, image, Options(memory=memory))


def equal(bare: System, virtual: System) -> None:
    assert bare.outcome is not None
    assert virtual.outcome == bare.outcome
    assert virtual.console == bare.console
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.digest() == bare.digest()


def parting(
    bare: System, virtual: System, closely: int, further: int = 0
) -> Difference | None:
    """The first difference: looked for after each of the first steps, then after each stretch."""
    return Lockstep(bare, virtual, closely=closely).advance(max(closely, further))


@pytest.mark.parametrize("guest", EQUAL)
@COMBINED
def test_guest_is_equal_to_bare_metal_at_every_step_and_in_the_end(
    guest: str, technique: str, memory: str
) -> None:
    bare, virtual = pair(guest, technique, memory)
    assert parting(bare, virtual, 5_000, 30_000) is None
    bare.run(1_000_000)
    virtual.run(2_000_000)
    equal(bare, virtual)


@pytest.mark.parametrize("guest", ASSISTED)
@pytest.mark.parametrize(
    ("technique", "memory"), [names for names in VIRTUAL if names[0] != "trap-and-emulate"]
)
def test_what_no_trap_can_help_runs_right_where_nothing_sensitive_is_missed(
    guest: str, technique: str, memory: str
) -> None:
    bare, virtual = pair(guest, technique, memory)
    assert parting(bare, virtual, 10_000) is None
    equal(bare, virtual)


@pytest.mark.parametrize("guest", ("port_io", "hlt", "nano_in"))
def test_port_accesses_carried_out_by_the_interpreter_are_the_same(guest: str) -> None:
    """As the nanobenchmarks' hardware VMM does it (ringside.measure.nano)."""
    bare, virtual = pair(guest, "hardware-assist", "traced")
    handlers = virtual.vmm.guests[0].cpu.exit_handlers
    handlers.interprets_io = True
    assert Lockstep(bare, virtual).advance(30_000) is None
    assert bare.console and virtual.console == bare.console


def test_an_unrestricted_guest_starts_in_real_mode() -> None:
    bare, virtual = pair("boot_sector", "hardware-assist")
    assert parting(bare, virtual, 10_000) is None
    equal(bare, virtual)


@COMBINED
def test_nanos_boots_the_same(technique: str, memory: str) -> None:
    bare, virtual = pair("nanos", technique, memory)
    assert parting(bare, virtual, 5_000, 60_000) is None
    assert virtual.console == bare.console
    assert "nanos" in virtual.console


@pytest.fixture(scope="module")
def asleep() -> tuple[Image, int, str, str]:
    """nanos with nothing more to do on bare metal: its image, guest steps, console and digest."""
    image = Image(guests.program("nanos"), "nanos", 4 << 20, disk=guests.disk("nanos"))
    bare = build(BARE_METAL, image)
    while "3512" not in bare.console:
        bare.run(20_000)
    while not bare.guest_cpu.halted:
        bare.run(1)
    return image, bare.guest_steps, bare.console, bare.digest()


@COMBINED
def test_nanos_asleep_with_nothing_to_do_is_the_same(
    asleep: tuple[Image, int, str, str], technique: str, memory: str
) -> None:
    image, steps, console, digest = asleep
    virtual = build(technique, image, Options(memory=memory))
    assert run_to(virtual, steps)
    assert virtual.guest_cpu.halted
    assert virtual.console == console
    assert virtual.digest() == digest


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


BRIEFLY = """
bits 32
org 0x100000
%include "pc.inc"
main:   sidt [there]            ; does not trap: the VMM's table
        mov dword [there], 0
        mov dword [there + 4], 0
        mov al, 0
        jmp finish
there:  times 8 db 0
"""


def test_a_difference_that_leaves_no_trace_is_seen_by_who_looks_closely() -> None:
    image = Image(guests.assemble_text(BRIEFLY), "g", 4 << 20)
    seen = []
    for closely in (0, EVERY_STEP):
        bare, virtual = build(BARE_METAL, image), build("trap-and-emulate", image)
        seen.append(Lockstep(bare, virtual, closely=closely).advance(500))
        assert closely or virtual.digest() == bare.digest()
    assert seen[0] is None
    assert seen[1] is not None and seen[1].what.startswith("memory at ")
