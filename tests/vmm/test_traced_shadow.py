"""Traced shadow paging: the VMM hears of each write to a page table, and the guest of nothing."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, Image, Options, System, build
from ringside.host.virtualized import Virtualized
from ringside.machine.memory import FRAME_SHIFT
from ringside.vmm.lockstep import Lockstep, run_to
from ringside.vmm.memory.traced import TracedShadow
from ringside.vmm.registry import TRACED

TECHNIQUES = ("binary-translation", "hardware-assist")
PROGRAM = guests.program("nano_ptemod")
PAGE, FRAMES, ENTRY = 0x30_0000, 0x20_0000, PROGRAM.symbols["entry"]


def traced(guest: str, technique: str) -> Virtualized:
    image = Image(guests.program(guest), guest, 8 << 20, disk=guests.disk(guest))
    system = build(technique, image, Options(memory=TRACED))
    assert isinstance(system, Virtualized)
    return system


def shadow_of(system: Virtualized) -> TracedShadow:
    memory = system.vmm.guests[0].memory
    shadow = getattr(memory, "shadow", memory)
    assert isinstance(shadow, TracedShadow)
    return shadow


def to(system: System, address: int) -> None:
    """Run until the guest is at ``address``."""
    system.breakpoints = frozenset({address})
    while True:
        assert system.run(10_000) == "breakpoint"
        if system.guest_cpu.linear_eip == address:
            return


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_frames_of_the_tables_are_kept_read_only(technique: str) -> None:
    system = traced("nano_ptemod", technique)
    to(system, PROGRAM.symbols["measured"])
    shadow = shadow_of(system)
    tables = {PROGRAM.symbols[name] >> FRAME_SHIFT for name in ("page_directory", "page_table")}
    assert tables <= shadow.tables_traced
    assert tables <= system.vm.memory.traced


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_write_to_an_entry_takes_the_shadow_made_from_it_away(technique: str) -> None:
    system = traced("nano_ptemod", technique)
    to(system, PROGRAM.symbols["measured"])
    shadow = shadow_of(system)
    assert shadow.entry(PAGE >> FRAME_SHIFT)
    other = shadow.entry(FRAMES >> FRAME_SHIFT)
    to(system, PROGRAM.symbols["measured_end"])
    assert not shadow.entry(PAGE >> FRAME_SHIFT)  # though the guest has flushed nothing
    assert shadow.entry(FRAMES >> FRAME_SHIFT) == other
    assert system.vm.memory.read(ENTRY, 4) & ~0xFFF == FRAMES + 0x1000


def test_the_plain_shadow_keeps_it_until_the_guest_flushes() -> None:
    image = Image(PROGRAM, "guest", 8 << 20)
    system = build("binary-translation", image)
    to(system, PROGRAM.symbols["measured_end"])
    assert isinstance(system, Virtualized)
    assert system.vmm.guests[0].memory.entry(PAGE >> FRAME_SHIFT)  # type: ignore[attr-defined]


def test_a_write_that_traps_again_and_again_becomes_a_callout() -> None:
    system = traced("nano_ptemod", "binary-translation")
    system.run(1_000_000)
    counts = system.vmm.guests[0].cpu.counts  # type: ignore[attr-defined]
    assert counts["adapted"] == 1
    assert counts["adapted callout"] == 64 - 8
    assert system.vm.exits["#PF"] < 20


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("guest", ["page_fault", "rings"])
def test_the_guest_cannot_tell(guest: str, technique: str) -> None:
    image = Image(guests.program(guest), guest, 8 << 20)
    bare, virtual = build(BARE_METAL, image), traced(guest, technique)
    assert Lockstep(bare, virtual).advance(2_000) is None
    assert virtual.outcome == bare.outcome
    assert virtual.digest() == bare.digest()


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_nanos_boots_the_same(technique: str) -> None:
    """It has many page tables, makes and forgets them."""
    image = Image(guests.program("nanos"), "nanos", 8 << 20, disk=guests.disk("nanos"))
    bare, virtual = build(BARE_METAL, image), traced("nanos", technique)
    for step in (20_000, 40_000, 60_000):
        run_to(bare, step)
        run_to(virtual, step)
        assert virtual.console == bare.console
        assert virtual.digest() == bare.digest()


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_moment_that_is_gone_back_to_is_traced_as_it_was(technique: str) -> None:
    system = traced("nano_ptemod", technique)
    to(system, PROGRAM.symbols["measured"])
    picture, steps = system.freeze(), system.guest_steps
    run_to(system, steps + 40)
    after = system.digest(), dict(system.vm.exits)
    system.thaw(picture)
    run_to(system, steps + 40)
    assert (system.digest(), system.vm.exits) == after
