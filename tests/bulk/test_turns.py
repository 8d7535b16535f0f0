"""What a dropped shadow has to be filled with again is counted exactly, as the real VMM does it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.bulk.steady import measure_steady
from ringside.bulk.sweep import PAYS, Point, measure
from ringside.bulk.traces import Accesses
from ringside.bulk.turns import Turns
from ringside.guests import program
from ringside.host.systems import Image, Options, build
from ringside.labs.walk_record import Made, record
from ringside.trace.events import Emulated, ShadowFilled
from ringside.trace.presets import preset

PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=60)


def accesses(found: list[tuple[int, int]]) -> Accesses:
    """Of pairs of space and page."""
    space, page = (np.array([one[at] for one in found], np.int64) for at in (0, 1))
    return Accesses(page << 12, np.zeros(len(found), np.bool_), space)


@given(PLACES, st.lists(st.integers(0, 60), max_size=4))
def test_turns_are_those_of_a_plain_loop_however_the_stream_is_cut(found, cuts) -> None:
    turns = Turns(12)
    edges = [0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]
    for first, last in pairwise(edges):
        turns.add(accesses(found[first:last]))
    touched, switches, now = 0, 0, set()
    for number, (space, page) in enumerate(found):
        if number and space != found[number - 1][0]:
            switches += 1
            now = set()
        touched += page not in now
        now.add(page)
    assert (turns.touched, turns.switches) == (touched, switches)


def fills(memory: str) -> int:
    """Shadow entries the VMM makes for the guest after its first switch of processes."""
    system = build("hardware-assist", [Image(program("page_tables"))], Options(memory=memory))
    events: list[object] = []
    system.listener = events.append
    system.run(20_000)
    loads = [at for at, event in enumerate(events)
             if isinstance(event, Emulated) and event.register == "cr3"]
    return sum(isinstance(event, ShadowFilled) for event in events[loads[1] :])


def test_the_vmm_refills_a_dropped_shadow_with_exactly_the_pages_each_turn_touches() -> None:
    happenings = record("page_tables").happenings
    start = next(at for at, one in enumerate(happenings) if one.origin.kind == "cr3")
    roots: list[int] = []
    found = []
    for one in happenings[start:]:
        if isinstance(one, Made):
            roots += [one.root] if one.root not in roots else []
            found.append((roots.index(one.root), one.origin.address >> 12))
    turns = Turns(12)
    turns.add(accesses(found))
    assert turns.switches == 3
    assert fills("shadow") == turns.touched
    # Kept roots: only the process that is new needs its pages, each once.
    assert fills("cached") == len({page for space, page in found if space == 0})


@pytest.mark.parametrize("page", ["4K", "2M"])
def test_only_a_dropped_shadow_pays_for_switches_with_refills(page: str) -> None:
    point = Point(stream="uniform", accesses=4_000, pages=2_048, spaces=4, turn=500, tagged=False,
                  page=page, host_page=page)
    kept, dropped, nested = (
        measure_steady(replace(point, technique=technique))
        for technique in ("shadow", "shadow-dropped", "nested"))
    assert (kept.refills, nested.refills) == (0, 0)
    assert dropped.switches == kept.switches == 7
    assert 0 < dropped.refills <= 7 * 500
    prices = preset(point.preset).prices
    refill = sum(prices[name].cycles for name in PAYS["shadow-dropped"]["refill"])
    assert dropped.event_cycles - kept.event_cycles == pytest.approx(dropped.refills * refill)
    assert dropped.walk_cycles == kept.walk_cycles


def test_without_a_switch_nothing_is_refilled() -> None:
    point = Point(technique="shadow-dropped", stream="uniform", accesses=3_000, pages=300)
    one = measure_steady(point)
    assert (one.switches, one.refills, one.event_cycles) == (0, 0, 0)


def test_a_dropped_shadow_does_not_notice_writes_of_page_tables() -> None:
    point = Point(stream="churn", accesses=3_000, pages=300, life=3_000)
    kept, dropped = (
        measure_steady(replace(point, technique=name)) for name in ("shadow", "shadow-dropped"))
    assert dropped.touched == kept.touched > 0 and dropped.refills == 0
    assert dropped.event_cycles < kept.event_cycles


def test_a_sweep_from_the_first_access_counts_refills_too() -> None:
    point = Point(technique="shadow-dropped", stream="loop", accesses=1_000, pages=50, spaces=2,
                  turn=100)
    result = measure(point)
    assert result.first_frames == 100
    assert result.refills == 8 * 50  # ten turns, two of which were the first touch
    assert result.row()["refills"] == 400
