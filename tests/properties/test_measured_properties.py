"""The three properties of every technique in the registry, measured and not assumed."""

from __future__ import annotations

from typing import cast

import pytest
import ringside.properties.equivalence as module
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import Image, Options, System, Virtualized, build
from ringside.properties.control import BUDGET, MATTERS, alone, attack, tables
from ringside.properties.efficiency import efficiency
from ringside.properties.equivalence import equivalence
from ringside.properties.measure import measure
from ringside.properties.report import equal, lines
from ringside.properties.subjects import (
    HOSTILE,
    MEMORY,
    NEIGHBOUR,
    SUBJECTS,
    CannotRun,
    Subject,
    subject,
)
from ringside.vmm.lockstep import CLOSELY, EVERY_STEP
from ringside.vmm.registry import TECHNIQUES

EVERY = pytest.mark.parametrize("one", SUBJECTS, ids=[one.id for one in SUBJECTS])
UNPORTED = [one for one in SUBJECTS if not one.ported]


def test_what_is_measured_is_what_the_registry_has() -> None:
    assert {one.technique for one in SUBJECTS} == {technique.id for technique in TECHNIQUES}
    assert len(SUBJECTS) == sum(len(technique.isas) for technique in TECHNIQUES)
    assert set(MATTERS) == set(HOSTILE) == {guest.id for guest in guests.HOSTILE}


@pytest.mark.parametrize("crime", HOSTILE)
@EVERY
def test_the_neighbour_of_a_hostile_guest_is_unharmed_and_gets_on(one, crime: str) -> None:
    found = attack(one, crime)
    assert found.neighbour_finished
    assert found.neighbour_unharmed
    assert found.tables_unharmed
    assert found.devices_unharmed
    assert found.holds


STORM = """
bits 32
org 0x100000
%include "pc.inc"
main:   gate 13, .next
.next:  jmp 0xFFE0:0xFFD01000           ; no such selector: an exception, and the same again
"""


@pytest.mark.parametrize("one", UNPORTED, ids=[one.id for one in UNPORTED])
def test_a_guest_that_does_nothing_but_fault_cannot_keep_the_processor(one) -> None:
    image = Image(guests.assemble_text(STORM), "storm", MEMORY)
    options = Options(policy=RoundRobin(1000), isa=one.isa)
    system = cast(Virtualized, build(one.technique, [image, one.image(NEIGHBOUR)], options))
    culprit, neighbour = system.vms
    while neighbour.outcome is None and system.steps < 80_000:
        system.run(4000)
    assert culprit.outcome is None
    assert neighbour.console == "all mine\n"


def test_wild_hypercalls_harm_nobody_either() -> None:
    found = attack(subject("paravirtualization"), "pv_hostile")
    assert found.holds


@EVERY
def test_the_neighbour_alone_says_that_all_is_well(one) -> None:
    outcome, _, console = alone(one)
    assert (outcome, console) == ("exit 1", "all mine\n")


@EVERY
def test_each_crime_is_stopped_by_what_the_technique_has(one) -> None:
    assert attack(one, "hostile_greedy").stopped == "preempted"
    assert attack(one, "hostile_greedy").outcome == ""  # it would go on for ever
    assert attack(one, "hostile_crash").stopped == "alone"
    assert attack(one, "hostile_timer").stopped == "devices"
    outside = attack(one, "hostile_outside")
    assert outside.stopped == {"emulation": "bounds", "paravirtualization": "exceptions"}.get(
        one.technique, "denied")
    forged = attack(one, "hostile_tables")
    assert forged.stopped == {"emulation": "bounds", "paravirtualization": "refused"}.get(
        one.technique, "denied")


def test_who_can_see_the_vmm_through_unprivileged_instructions() -> None:
    seen = {one.id: attack(one, "hostile_spy").seen for one in SUBJECTS}
    assert seen["trap-and-emulate"] == 6  # GDT, IDT, TR, the ring, IF, paging
    assert seen["paravirtualization"] == 4
    assert {name for name, count in seen.items() if not count} == set(seen) - {
        "trap-and-emulate", "paravirtualization"}


def test_a_harmed_neighbour_would_be_noticed() -> None:
    one = subject("emulation")
    options = Options(policy=RoundRobin(1000))
    system = cast(Virtualized, one.build("hostile_timer", NEIGHBOUR, options=options))
    neighbour = system.vms[1]
    system.run(10_000)
    before = tables(system)
    neighbour.memory.write(0x180010, 0xBAD0BAD0, 4)
    system.machine.memory.write32(0x100000, 0xBAD0BAD0)
    assert tables(system) != before
    system.run(BUDGET)
    found = (str(neighbour.outcome), neighbour.digest(), neighbour.console)
    assert found != alone(one)
    assert neighbour.console == "somebody was here\n"


@pytest.mark.parametrize("guest", ["popf", "rings", *HOSTILE])
@pytest.mark.parametrize("one", UNPORTED, ids=[one.id for one in UNPORTED])
def test_equivalence_holds_or_its_first_loss_is_named(one, guest: str) -> None:
    found = equivalence(one, guest)
    lost = {
        ("trap-and-emulate", "popf"): ("popf", "eflags.if"),
        ("trap-and-emulate", "hostile_spy"): ("sgdt [", "memory at "),
    }.get((one.id, guest))
    if lost is None:
        assert found.holds, found
        return
    assert not found.holds
    assert found.instruction.startswith(lost[0])
    assert found.what.startswith(lost[1])


def test_a_ported_guest_is_compared_by_what_it_says() -> None:
    found = equivalence(subject("paravirtualization"), "popf")
    assert found.holds and found.by == "console" and found.steps == 35


def test_efficiency_is_none_for_emulation_and_most_of_the_guest_for_all_others() -> None:
    for one in SUBJECTS:
        found = efficiency(one, "sort")
        assert found.cycles > 0 and found.bare_cycles > 0
        if one.technique == "emulation":
            assert found.direct == 0 and found.exits == 0 and found.slowdown > 10
        else:
            assert found.share > 0.99
            assert found.exits > 0


def test_measuring_gives_plain_data_with_every_verdict() -> None:
    found = measure("trap-and-emulate", "popf")
    data = found.as_dict()
    assert data["in_control"] is True and data["equivalence"]["holds"] is False
    assert [each["guest"] for each in data["control"]] == list(HOSTILE)
    assert all(each["holds"] for each in data["control"])
    assert 0 < data["efficiency"]["share"] < 1
    one = measure("emulation", "hostile_spy")
    assert [each.guest for each in one.control] == ["hostile_spy"]


@pytest.mark.parametrize("lang", ["en", "hu"])
def test_the_report_names_each_property_and_each_guest(lang: str) -> None:
    text = "\n".join(lines(measure("trap-and-emulate", "popf"), lang))
    assert "(popf)" in text and "IF" in text
    for crime in HOSTILE:
        assert crime in text


def test_wrong_choices_are_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="choose one of: emulation"):
        measure("magic")
    with pytest.raises(CannotRun, match="choose one of: rings"):
        measure("emulation", "nobody")
    with pytest.raises(CannotRun, match="not ported"):
        measure("paravirtualization", "lecture_bt")


def classic(monkeypatch: pytest.MonkeyPatch, text: str) -> Subject:
    """Trap-and-emulate, with a program of one's own as its only guest."""
    image = Image(guests.assemble_text(
        f'bits 32\norg 0x100000\n%include "pc.inc"\nmain: {text}\n mov al, 0\n jmp finish'),
        "g", 4 << 20)

    class Classic:
        ported = False

        def build(self, guest: str) -> System:
            return build("trap-and-emulate", image)

    monkeypatch.setattr(module, "bare", lambda guest: build("bare-metal", image))
    return cast(Subject, Classic())


def test_what_passes_late_in_a_long_guest_is_found_by_who_goes_on_comparing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "mov ecx, 21000\nloop $\nsmsw eax\nmov eax, 0\nmov ecx, 5000\nloop $"
    other = module.Comparing(classic(monkeypatch, text), "g")
    comparing = module.Comparing(classic(monkeypatch, text), "g")
    assert comparing.found.holds and not comparing.finished
    assert comparing.found.steps == CLOSELY
    known = []
    while not comparing.finished:
        other.go_on(10)  # another one is gone on with in between
        comparing.go_on(400)
        known.append(comparing.found.steps)
    assert known == [20_400, 20_800, 21_017]
    assert not comparing.found.holds
    assert (comparing.found.instruction, comparing.found.step) == ("smsw eax", 21_018)


def test_where_a_late_difference_may_not_be_the_first_the_report_says_how_it_was_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = module.equivalence(
        classic(monkeypatch, "mov ecx, 21000\nloop $\nsmsw ebx\nmov ecx, 9\nloop $"), "g")
    assert (found.holds, found.steps, found.step) == (False, CLOSELY, 21_018)
    assert "after each of the first 20,000 steps, then now and then" in equal(found, "en")


def test_going_on_to_the_end_says_what_comparing_every_step_at_once_says() -> None:
    comparing = module.Comparing(subject("emulation"), "sort")
    while not comparing.finished:
        comparing.go_on(30_000)
    assert comparing.found == equivalence(subject("emulation"), "sort", EVERY_STEP)
    assert comparing.found.steps == comparing.found.total > CLOSELY


def test_a_guest_that_ends_with_other_memory_is_not_equivalent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = module.equivalence(classic(monkeypatch, "sidt [0x80000]"), "g")
    assert not found.holds and found.instruction.startswith("sidt ")
    assert found.what.startswith("memory at 0x8000")
