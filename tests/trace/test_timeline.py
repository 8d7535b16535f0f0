"""Time travel is exact: the state at a step is the same however the step is reached."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside.isa.assembler import assemble
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.trace.breakpoints import AtAddress, AtEvent, at_exit, read_breakpoint
from ringside.trace.events import Event, RingChanged
from ringside.trace.keyframes import Keyframe, Keyframes
from ringside.trace.marks import BARE_RINGS, Marks, Segments
from ringside.trace.timeline import EARLY, Timeline
from small_pc import PRELUDE

MEMORY = 2 << 20

# Counts under a timer, echoes what is typed, divides by zero now and then.
GUEST = PRELUDE + """
main:   mov eax, divide
        mov edi, idt
        call gate
        mov al, 0xEE
        out 0x21, al
        mov ebx, 30
        call timer
        call serial
        sti
count:  inc ecx
        mov [0x180000 + ecx * 4], ecx
        test ecx, 0x7F
        jnz .on
        xor edx, edx
        mov ebx, 0
        div ebx
.on:    cmp ecx, 2000
        jb count
        hlt
        jmp count.on
divide: mov ebx, 1
        iret
"""


@cache
def program() -> Any:
    return assemble(GUEST)


def fresh() -> Machine:
    machine = Machine(MEMORY)
    load_program(machine, program())
    return machine


def travel(every: int = 400, keyframes: int = 50) -> Timeline:
    return Timeline(fresh(), keyframe_every=every, keyframes=keyframes)


def state(machine: Machine) -> tuple[object, ...]:
    return machine.steps, machine.time, machine.outcome, machine.digest()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    goals=st.lists(st.integers(0, 6000), min_size=1, max_size=6),
    every=st.integers(50, 2000),
    keyframes=st.integers(3, 20),
)
def test_the_state_at_a_step_is_the_same_however_it_is_reached(
    goals: list[int], every: int, keyframes: int
) -> None:
    timeline = travel(every, keyframes)
    for goal in goals:
        timeline.seek(goal)
        direct = fresh()
        direct.run(goal)
        assert timeline.position == goal and state(timeline.system) == state(direct)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    typing=st.lists(st.tuples(st.integers(0, 3000), st.sampled_from("abcq")), max_size=4),
    goals=st.lists(st.integers(0, 4000), min_size=1, max_size=5),
)
def test_typed_text_is_typed_again_at_its_step(
    typing: list[tuple[int, str]], goals: list[int]
) -> None:
    timeline, script = travel(), sorted(typing, key=lambda entry: entry[0])
    for step, text in script:
        timeline.seek(step)
        timeline.type(text)
    for goal in goals:
        timeline.seek(goal)
        direct = fresh()
        for entry in timeline.inputs:
            if entry.step <= goal:
                direct.run(entry.step - direct.steps)
                direct.type_text(entry.text)
        direct.run(max(0, goal - direct.steps))
        assert state(timeline.system) == state(direct)


def test_typing_in_the_past_makes_another_future() -> None:
    timeline = travel()
    timeline.seek(4000)
    timeline.seek(1000)
    timeline.type("a")
    assert timeline.last == 1000
    timeline.seek(3000)
    assert timeline.system.console == "a"
    timeline.seek(500)
    timeline.type("b")
    timeline.seek(3000)
    assert timeline.system.console == "b" and len(timeline.inputs) == 1


def test_marks_taken_on_the_run_are_those_heard_when_stepping() -> None:
    timeline = travel()
    timeline.seek(6000)
    machine, heard = fresh(), []

    def listen(event: Event) -> None:
        heard.append((machine.steps + 1, event.kind))

    machine.listener = listen
    for _ in range(6000):
        machine.step()
    for kind in ("fault", "interrupt", "port", "console", "halt", "wake", "control"):
        expected = [step for step, other in heard if other == kind]
        found, step = [], 0
        while (mark := timeline.marks.after(step, kind)) is not None:
            found.append(mark)
            step = mark
        assert found == sorted(set(expected)), kind


def test_next_and_previous_go_to_the_step_of_the_event_and_know_it() -> None:
    timeline = travel()
    assert timeline.next("fault", "#DE")
    first = timeline.position
    assert any(event.kind == "fault" for event in timeline.events)
    assert timeline.next("fault")
    second = timeline.position
    assert second > first
    assert timeline.previous("fault") and timeline.position == first
    assert not timeline.previous("fault") and timeline.position == first
    assert not timeline.next("schedule", limit=3000) and timeline.position == first
    known = timeline.last  # asked again, the search goes on behind what it has seen
    assert not timeline.next("schedule", limit=3000) and timeline.last > known


def test_the_events_of_a_step_are_those_heard_the_first_time() -> None:
    timeline = travel()
    machine, heard = fresh(), []
    machine.listener = heard.append
    for step in range(1, 700):
        heard.clear()
        machine.step()
        assert timeline.forward() == step
        assert timeline.events == tuple(heard)
    for step in (699, 350, 351, 20, 600):
        again = timeline.events_at(step)
        assert timeline.position == 699
        timeline.seek(step)
        assert again == timeline.events != ()
        timeline.seek(699)


def test_a_breakpoint_on_an_address_stops_before_its_instruction() -> None:
    timeline = travel()
    address = program().symbols["tick"]
    point = AtAddress(address)
    assert timeline.run_until([point], 5000) == point
    assert timeline.system.pc == address
    here = timeline.position
    assert timeline.run_until([point], 5000) == point and timeline.position > here
    timeline.seek(0)
    assert timeline.run_until([point], 5000) == point and timeline.position == here


def test_the_first_of_several_breakpoints_wins() -> None:
    timeline = travel()
    points = [AtEvent("fault"), AtEvent("interrupt"), AtAddress(program().symbols["divide"])]
    met = timeline.run_until(points, 10_000)
    first = timeline.position
    assert met == points[1]
    timeline.seek(0)
    assert timeline.run_until([AtEvent("interrupt")], 10_000) and timeline.position == first
    timeline.seek(0)
    assert timeline.run_until([points[0]], 10_000) == points[0]
    assert timeline.run_until([AtEvent("fault", "#PF"), at_exit("#GP")], 2000) is None


def test_seeking_past_the_end_stops_there_and_shows_how_it_ended() -> None:
    timeline = travel()
    timeline.seek(300)
    timeline.type("q")
    reached = timeline.seek(10**9)
    assert timeline.ended and str(timeline.system.outcome) == "exit 3"
    assert any(event.kind == "port" for event in timeline.events)
    timeline.seek(10)
    assert not timeline.ended and timeline.system.outcome is None
    assert timeline.seek(10**9) == reached


def test_counts_at_a_step_are_the_events_up_to_it() -> None:
    timeline = travel()
    timeline.seek(6000)
    total = timeline.counts()["interrupt", "32"]
    timeline.next("interrupt")
    timeline.seek(0)
    assert timeline.counts() == {}
    timeline.next("interrupt")
    assert timeline.counts()["interrupt", "32"] == 1 < total


def test_keyframes_stay_few_and_thin_out_into_the_past() -> None:
    frames = Keyframes(20)
    for step in range(0, 100_000, 100):
        frames.keep(Keyframe(step, None, 0))
    steps = frames.steps
    assert len(steps) == 20 and steps[0] == 0 and steps[-1] == 99_900
    gaps = [after - before for before, after in pairwise(steps)]
    assert gaps[-1] == 100 and max(gaps[-5:]) < max(gaps[:5])
    assert max(gaps) < 60_000


def test_going_back_leaves_a_keyframe_near_for_the_next_step_back() -> None:
    timeline = travel(every=50_000)
    timeline.seek(4500)
    timeline.seek(4000)
    assert any(3000 < step < 4000 for step in timeline.keyframes)


def test_where_much_happens_keyframes_are_closer() -> None:
    timeline = travel(every=1000)
    timeline.seek(6000)
    with_events = len(timeline.keyframes)
    quiet = Machine(MEMORY)
    load_program(quiet, assemble("bits 32\norg 0x100000\nagain: inc eax\njmp again\n"))
    calm = Timeline(quiet, keyframe_every=1000)
    calm.seek(6000)
    gaps = [after - before for before, after in pairwise(calm.keyframes)]
    assert gaps[0] == EARLY and max(gaps) == 1000
    assert len(calm.keyframes) < with_events


def test_a_summary_fits_its_strip_and_covers_every_step() -> None:
    timeline = travel()
    timeline.seek(5000)
    summary = timeline.summary(("fault", "interrupt"), columns=100)
    assert summary["total"] == 5000
    assert len(summary["segments"]) <= 100
    assert summary["segments"][0][0] == 1 and summary["segments"][-1][1] == 5000
    assert len(summary["marks"]) <= 200
    assert {kind for _, kind in summary["marks"]} == {"fault", "interrupt"}


@given(
    changes=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), max_size=200),
    columns=st.integers(1, 50),
)
def test_an_overview_keeps_the_proportions_of_the_contexts(
    changes: list[tuple[int, int]], columns: int
) -> None:
    from ringside.trace.events import RingChanged

    segments, step = Segments(BARE_RINGS, 1, "kernel"), 0
    for gap, ring in changes:
        step += gap
        segments.note(step, RingChanged(step, "kernel", 0, ring, "test"))
    last = step + 10
    exact = {"kernel": 0, "app": 0}
    shown = dict(exact)
    for start, end, context in segments.between(1, last):
        exact[context] += end - start + 1
        assert segments.at(start) == segments.at(end) == context
    for start, end, context in segments.overview(1, last, columns):
        shown[context] += end - start + 1
    assert sum(exact.values()) == sum(shown.values()) == last
    assert abs(exact["app"] - shown["app"]) <= -(-last // columns)


def test_breakpoints_are_read_from_data_or_refused_with_a_reason() -> None:
    assert read_breakpoint({"address": 0x100000}) == AtAddress(0x100000)
    assert read_breakpoint({"kind": "fault", "detail": "#PF"}) == AtEvent("fault", "#PF")
    assert read_breakpoint({"exit": "#GP"}) == at_exit("#GP")
    for bad in ({}, {"address": -1}, {"address": True}, {"kind": "nonsense"}, {"exit": 5}):
        with pytest.raises(ValueError, match="A breakpoint is"):
            read_breakpoint(bad)


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.sampled_from((0, 1, 3))), min_size=1,
                   max_size=120),
    columns=st.integers(1, 12),
)
def test_an_overview_that_grew_with_the_run_is_that_of_the_whole_run(
    steps: list[tuple[int, int]], columns: int
) -> None:
    grown, grown_marks, step = Segments(BARE_RINGS, 1, "kernel"), Marks(), 0
    changes: list[tuple[int, RingChanged]] = []
    for gap, ring in steps:
        step += gap
        event = RingChanged(step, "kernel", 0, ring, "test")
        changes.append((step, event))
        grown.note(step, event)
        grown_marks.add(step, event)
        whole, marks = Segments(BARE_RINGS, 1, "kernel"), Marks()
        for at, change in changes:
            whole.note(at, change)
            marks.add(at, change)
        assert grown.overview(1, step, columns) == whole.overview(1, step, columns)
        assert grown_marks.sample("ring", 1, step, columns) == marks.sample(
            "ring", 1, step, columns
        )
