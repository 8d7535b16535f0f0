"""Time travel is as exact over a VMM and its guests as over bare metal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.systems import BUILDERS, DEFINES, Image, System, build
from ringside.labs.views import reader_of
from ringside.trace.breakpoints import AtAddress
from ringside.trace.events import Event
from ringside.trace.timeline import Timeline

SHELF = ("cli_sti", "hlt", "page_fault", "system_call", "popf")
LONGEST = 3000


def fresh(technique: str, guest: str) -> System:
    return build(technique, Image(guests.program(guest, DEFINES[technique]), guest))


def state(system: System) -> tuple[object, ...]:
    return system.steps, system.time, system.outcome, system.context, system.digest()


@settings(max_examples=18, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    technique=st.sampled_from(sorted(BUILDERS)),
    guest=st.sampled_from(SHELF),
    goals=st.lists(st.integers(0, LONGEST), min_size=1, max_size=4),
    every=st.integers(100, 3000),
)
def test_the_state_at_a_step_is_the_same_however_it_is_reached(
    technique: str, guest: str, goals: list[int], every: int
) -> None:
    timeline = Timeline(fresh(technique, guest), keyframe_every=every)
    for goal in goals:
        timeline.seek(goal)
        direct = fresh(technique, guest)
        direct.run(goal)
        assert state(timeline.system) == state(direct)


@pytest.mark.parametrize("guest", SHELF)
@pytest.mark.parametrize("technique", sorted(BUILDERS))
def test_marks_and_contexts_are_those_of_stepping(technique: str, guest: str) -> None:
    stepped = fresh(technique, guest)
    rings = reader_of(stepped).ring_contexts
    timeline = Timeline(fresh(technique, guest), rings=rings, context=stepped.context)
    last = timeline.seek(LONGEST)
    heard: list[tuple[int, str]] = []

    def listen(event: Event) -> None:
        if event.kind != "retired":
            heard.append((stepped.steps + 1, event.kind))

    stepped.listener = listen
    for step in range(1, last + 1):
        runs = stepped.context
        stepped.step()
        assert stepped.steps == step
        assert timeline.segments.at(step) == runs, step
    for kind in {kind for _, kind in heard}:
        expected = sorted({step for step, other in heard if other == kind})
        found = []
        step = 0
        while (mark := timeline.marks.after(step, kind)) is not None:
            found.append(step := mark)
        assert found == expected, kind
    assert set(timeline.marks.kinds) == {kind for _, kind in heard}


@pytest.mark.parametrize("technique", sorted(BUILDERS))
def test_an_address_breakpoint_stops_at_every_visit_whatever_runs_the_code(technique: str) -> None:
    program = guests.program("cli_sti")
    stepped = fresh(technique, "cli_sti")
    visits: dict[int, list[int]] = {}
    while stepped.outcome is None and stepped.steps < LONGEST:
        stepped.step()
        visits.setdefault(stepped.pc, []).append(stepped.steps)
    inside = {address for address, *_ in program.lines}
    hottest = max(visits.keys() & inside, key=lambda address: len(visits[address]))
    rarest = min(visits.keys() & inside, key=lambda address: len(visits[address]))
    for address in (hottest, rarest):
        timeline = Timeline(fresh(technique, "cli_sti"))
        timeline.seek(LONGEST)  # translated by now
        timeline.seek(0)
        found = []
        while len(found) < 15 and timeline.run_until(
            [AtAddress(address)], LONGEST - timeline.position
        ):
            found.append(timeline.position)
            assert timeline.system.pc == address
        assert found == visits[address][:15]
