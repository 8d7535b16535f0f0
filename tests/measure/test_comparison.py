"""Lanes of one guest: together at every step, exact both ways, and each first difference named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ringside import guests
from ringside.guests import assemble_text
from ringside.host.systems import BARE_METAL, UNMODIFIED, Image, build
from ringside.labs.lanes import compare, compare_guest, techniques_for
from ringside.measure.comparison import STRETCH, Comparison, Lane
from ringside.trace.presets import PRESETS, preset
from ringside.vmm.lockstep import Lockstep

P4 = preset("prescott")
EVERYTHING = (BARE_METAL, *UNMODIFIED)


def look(lane: Lane) -> tuple[Any, ...]:
    """Everything a lane can be asked."""
    return (lane.guest_steps, dict(lane.counts), lane.exits, list(lane.exit_steps), lane.direct,
            lane.bill(P4).total, lane.system.digest())


def looks(comparison: Comparison) -> list[tuple[Any, ...]]:
    return [look(lane) for lane in comparison.lanes]


@pytest.fixture(scope="module")
def popf() -> Iterator[Comparison]:
    yield compare_guest("popf", EVERYTHING)


def test_every_lane_stands_at_the_same_guest_step() -> None:
    comparison = compare_guest("cli_sti", EVERYTHING)
    for step in (1, 2, 40, 41, 300):
        comparison.seek(step)
        assert comparison.step == step
        assert {lane.guest_steps for lane in comparison.lanes} == {step}
        assert len({lane.system.guest_cpu.linear_eip for lane in comparison.lanes}) == 1


def test_whatever_way_a_step_is_come_to_it_is_the_same() -> None:
    comparison = compare_guest("page_fault", EVERYTHING)
    seen = {}
    for step in range(0, 260, 20):
        comparison.seek(step)
        seen[step] = looks(comparison)
    for step in (240, 60, 180, 0, 100, 20):
        comparison.seek(step)
        assert looks(comparison) == seen[step], step
    straight = compare_guest("page_fault", EVERYTHING)
    straight.seek(180)
    assert looks(straight) == seen[180]


def test_going_back_beyond_a_stretch_is_exact() -> None:
    comparison = compare_guest("sieve", (BARE_METAL, "binary-translation", "hardware-assist"))
    comparison.seek(STRETCH - 10)
    before = looks(comparison)
    comparison.seek(3 * STRETCH + 5)
    comparison.seek(STRETCH - 10)
    assert looks(comparison) == before


def test_the_first_difference_is_the_one_the_comparer_of_two_finds(popf: Comparison) -> None:
    popf.seek(1_000)
    image = Image(guests.program("popf"), "popf", 8 << 20)
    alone = Lockstep(build(BARE_METAL, image), build("trap-and-emulate", image)).advance(1_000)
    found = {lane.id: lane.difference for lane in popf.lanes if lane.difference}
    assert set(found) == {"trap-and-emulate"}
    assert alone is not None
    assert (found["trap-and-emulate"].guest_step, found["trap-and-emulate"].what) == (
        alone.guest_step, alone.what)
    assert found["trap-and-emulate"].eip == alone.eip


def test_a_difference_is_found_in_the_second_stretch_too() -> None:
    text = guests.source("popf").replace("cli  ", "mov ecx, 3000\nwait: loop wait\ncli  ", 1)
    assert text != guests.source("popf")
    comparison = compare(
        "late", lambda defines: assemble_text(text, "late.asm", defines),
        (BARE_METAL, "trap-and-emulate"))
    comparison.seek(2 * STRETCH)
    found = comparison.lanes[1].difference
    assert found is not None and STRETCH < found.guest_step < 2 * STRETCH
    assert found.what == "eflags.if"


def test_efficiency_is_all_on_bare_metal_and_nothing_under_emulation(popf: Comparison) -> None:
    popf.seek(400)
    share = {lane.id: lane.direct for lane in popf.lanes}
    assert share.pop(BARE_METAL) == 1
    assert share.pop("emulation") == 0
    assert all(0.5 < part < 1 for part in share.values())


def test_only_who_has_a_vmm_exits(popf: Comparison) -> None:
    popf.seek(400)
    for lane in popf.lanes:
        alone = lane.id in (BARE_METAL, "emulation")
        assert bool(lane.exits) != alone
        assert len(lane.exit_steps) == sum(lane.exits.values())


def test_a_bill_splits_into_the_guest_s_part_and_the_vmm_s(popf: Comparison) -> None:
    popf.seek(400)
    for lane in popf.lanes:
        bill = lane.bill(P4)
        assert 0 <= lane.own(bill) <= bill.total
        assert (lane.own(bill) == bill.total) == (lane.id == BARE_METAL)


def test_the_same_run_is_priced_on_any_processor_without_going_on(popf: Comparison) -> None:
    popf.seek(400)
    lane = popf.lanes[-1]
    before = lane.guest_steps, dict(lane.counts)
    totals = [lane.bill(processor).total for processor in PRESETS]
    assert totals[0] > 2 * totals[-1]
    assert (lane.guest_steps, dict(lane.counts)) == before


def test_a_ported_guest_is_taken_along_but_not_compared() -> None:
    comparison = compare_guest("cli_sti", (BARE_METAL, "paravirtualization"))
    comparison.seek(500)
    ported = comparison.lanes[1]
    assert not ported.compared and ported.difference is None
    assert ported.guest_steps == 500


def test_only_techniques_that_can_run_a_guest_are_offered() -> None:
    assert techniques_for("popf")[0] == BARE_METAL
    assert "paravirtualization" in techniques_for("popf")
    assert "paravirtualization" not in techniques_for("nano_in")
    assert techniques_for("pv_hostile") == ("paravirtualization",)


def test_when_all_have_ended_the_step_goes_no_further(popf: Comparison) -> None:
    popf.seek(10**6)
    assert not popf.running
    assert popf.step == popf.last == max(lane.guest_steps for lane in popf.lanes)


WRITES = """
bits 32
org 0x100000
%include "pc.inc"
main:   nop
        sidt [there]
        pushf
        pop eax
        mov eax, 0
        jmp finish
there:  times 8 db 0
"""


PASSING = """
bits 32
org 0x100000
%include "pc.inc"
main:   mov ecx, 500
        loop $
told:   smsw eax
        mov eax, 0
        mov ecx, 5000
        loop $
        jmp finish
"""
LANES = (BARE_METAL, "trap-and-emulate", "binary-translation", "hardware-assist")


def passing() -> tuple[Comparison, int]:
    """A guest that is told another CR0 and forgets it at once, and where it asks."""
    symbols = assemble_text(PASSING).symbols
    found = compare("g", lambda defines: assemble_text(PASSING, defines=defines), LANES)
    return found, symbols["told"]


def test_a_difference_of_one_step_is_seen_however_far_one_goes_at_once() -> None:
    for seeks in ((10_000,), (100, 10_000), (*range(490, 540), 10_000)):
        comparison, told = passing()
        for step in seeks:
            comparison.seek(step)
        assert not comparison.running
        found = {lane.id: lane.difference for lane in comparison.lanes if lane.difference}
        assert list(found) == ["trap-and-emulate"]
        difference = found["trap-and-emulate"]
        assert (difference.eip, difference.what) == (told, "eax")


def test_beyond_the_steps_it_is_asked_to_look_at_closely_only_what_lasts_is_seen() -> None:
    comparison, _ = passing()
    comparison.closely = 200
    comparison.seek(10_000)
    assert not any(lane.difference for lane in comparison.lanes)


def test_looking_closely_changes_nothing_of_what_is_looked_at() -> None:
    closely, _ = passing()
    at_ends, _ = passing()
    at_ends.closely = 0
    for step in (300, 511, STRETCH + 30):
        closely.seek(step)
        at_ends.seek(step)
        assert looks(closely) == looks(at_ends), step


def test_what_differs_in_memory_only_is_found_and_named_at_what_wrote_it() -> None:
    symbols = assemble_text(WRITES).symbols
    lanes = (BARE_METAL, "trap-and-emulate", "binary-translation")
    comparison = compare("g", lambda defines: assemble_text(WRITES, defines=defines), lanes)
    comparison.seek(10)
    comparison.seek(10_000)
    end = comparison.step
    bare, parted, equal = comparison.lanes
    assert not comparison.running
    assert bare.guest_steps == parted.guest_steps == equal.guest_steps == end
    assert equal.difference is None
    found = parted.difference
    assert found is not None and found.eip == symbols["main"] + 1
    assert found.what.startswith("memory at ")
    assert symbols["there"] <= int(found.what.split()[-1], 16) < symbols["there"] + 6
    comparison.seek(found.guest_step - 1)
    assert comparison.reference.system.guest_cpu.eip == found.eip
