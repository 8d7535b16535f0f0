"""The bulk pipeline of TLBs, walk caches and nested TLB is the plain one, access by access."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_caches import Plain
from random_tables import SIZE, builder, random_pages, random_tables
from ringside.bulk.caches import (
    FIRST,
    MISS,
    SECOND,
    Hardware,
    NativeTables,
    NestedTables,
    Totals,
    Translation,
)
from ringside.bulk.nested import NestedWalker
from ringside.bulk.traces import Accesses
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME, Memory
from ringside.machine.nested import expected_references
from ringside.machine.paging import (
    EPT_FIVE_LEVEL,
    EPT_FOUR_LEVEL,
    FIVE_LEVEL,
    FOUR_LEVEL,
    PAE,
    THIRTY_TWO_BIT,
)

GUESTS = (THIRTY_TWO_BIT, PAE, FOUR_LEVEL, FIVE_LEVEL)


@st.composite
def hardwares(draw, guest, nested):
    def caches(format):
        numbers = range(2, len(format.levels) + 1)
        return {n: draw(st.integers(1, 3)) for n in numbers if draw(st.booleans())}

    return Hardware(
        first=draw(st.sampled_from([(1, 1), (2, 1), (1, 3)])),
        second=draw(st.sampled_from([None, (2, 2), (1, 6)])),
        walk_cache=caches(guest),
        nested_walk_cache=caches(nested),
        nested_tlb=draw(st.sampled_from([0, 1, 3])),
        tagged=draw(st.booleans()),
    )


def stream_of(rng, pages, spaces, count=80):
    space = 0
    rows = []
    for _ in range(count):
        if rng.random() < 0.2:
            space = rng.randrange(spaces)
        rows.append((rng.choice(pages) | rng.randrange(FRAME), rng.random() < 0.3, space))
    address, write, owner = zip(*rows, strict=True)
    return Accesses(np.array(address), np.array(write), np.array(owner))


def compare(translation, plain, accesses, memory, roots):
    cut = len(accesses) // 3
    profiles = [translation.run(accesses[:cut]), translation.run(accesses[cut:])]
    found = [
        (int(where), int(count), bool(bad))
        for one in profiles
        for where, count, bad in zip(one.found, one.references, one.faulted, strict=True)
    ]
    expected = [
        plain.access(memory, roots[space], space, address, write)
        for address, write, space in zip(
            accesses.address.tolist(), accesses.write.tolist(), accesses.space.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    assert found == expected


@given(seed=st.integers(0, 1 << 32), format=st.sampled_from(GUESTS), data=st.data())
@settings(max_examples=80, deadline=None)
def test_one_dimension_costs_what_the_plain_pipeline_says(seed, format, data):
    hardware = data.draw(hardwares(format, EPT_FOUR_LEVEL))
    rng = random.Random(seed)
    memory = Memory(SIZE)
    pages = random_pages(rng, format, 8)
    spoiled = rng.choice([0, 0.1])
    roots = [
        random_tables(rng, format, memory, first, range(192, 256), pages=pages, spoiled=spoiled)[0]
        for first in (16, 100)
    ]
    accesses = stream_of(rng, pages, 2)
    tables = NativeTables(Walker(format, memory), roots, hardware)
    compare(Translation(tables, hardware), Plain(hardware, format), accesses, memory, roots)


@given(
    seed=st.integers(0, 1 << 32),
    guest=st.sampled_from(GUESTS),
    nested=st.sampled_from([EPT_FOUR_LEVEL, EPT_FIVE_LEVEL, FOUR_LEVEL]),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_two_dimensions_cost_what_the_plain_pipeline_says(seed, guest, nested, data):
    hardware = data.draw(hardwares(guest, nested))
    rng = random.Random(seed)
    memory = Memory(SIZE)
    holes = rng.choice([0, 0.05])
    machines = []
    for first in (200, 215):
        tables = builder(nested, memory, first)
        for gfn in range(96):
            if rng.random() >= holes:
                tables.map(gfn * FRAME, 64 + gfn)
        machines.append(tables.root)
    pages = random_pages(rng, guest, 6)
    spoiled = rng.choice([0, 0.1])
    roots = []
    for first, machine in ((0, 0), (40, 0), (0, 1)):
        if machine == 0:
            root, _ = random_tables(
                rng, guest, memory, first, range(80, 96), lambda gpa: gpa + 64 * FRAME, pages,
                spoiled)
        else:
            root = roots[0][0]
        roots.append((root, machines[machine]))
    accesses = stream_of(rng, pages, 3)
    tables = NestedTables(NestedWalker(guest, nested, memory), roots, hardware)
    plain = Plain(hardware, guest, nested)
    compare(Translation(tables, hardware), plain, accesses, memory, roots)


def two_dimensions(hardware, addresses):
    memory = Memory(SIZE)
    nested = builder(EPT_FOUR_LEVEL, memory, 200)
    for gfn in range(96):
        nested.map(gfn * FRAME, 64 + gfn)
    guest = builder(FOUR_LEVEL, memory, 0, lambda gpa: gpa + 64 * FRAME)
    for page in {address & -FRAME for address in addresses}:
        guest.map(page, 80 + page // FRAME % 8)
    tables = NestedTables(
        NestedWalker(FOUR_LEVEL, EPT_FOUR_LEVEL, memory), [(guest.root, nested.root)], hardware)
    size = len(addresses)
    accesses = Accesses(
        np.array(addresses), np.zeros(size, np.bool_), np.zeros(size, np.int64))
    return Translation(tables, hardware).run(accesses)


def test_without_caches_a_miss_makes_all_24_references():
    profile = two_dimensions(Hardware((1, 1), None), [0x1000, 0x1008, 0x2000, 0x1000])
    assert profile.found.tolist() == [MISS, FIRST, MISS, MISS]
    assert profile.references.tolist() == [24, 0, 24, 24]
    assert expected_references(4, 4) == 24


def test_the_second_tlb_answers_what_the_first_has_lost():
    profile = two_dimensions(Hardware((1, 1), (1, 4)), [0x1000, 0x2000, 0x1000])
    assert profile.found.tolist() == [MISS, MISS, SECOND]


def test_a_warm_walk_cache_and_nested_tlb_leave_one_or_two_references():
    warm = Hardware((1, 1), None, {2: 4, 3: 4, 4: 4}, {2: 4, 3: 4, 4: 4}, 16)
    profile = two_dimensions(warm, [0x1000, 0x2000, 0x1000, 0x2000])
    assert profile.references.tolist()[2:] == [1, 1]


def test_cycles_are_references_and_second_look_ups_times_their_prices():
    hardware = Hardware((1, 1), (1, 4))
    profile = two_dimensions(hardware, [0x1000, 0x2000, 0x1000])
    assert profile.cycles().tolist() == [24 * 20, 24 * 20, 7]
    totals = Totals()
    totals.add(profile)
    assert (totals.walks, totals.references, totals.second_hits) == (2, 48, 1)
    assert totals.cycles == 24 * 40 + 7
    assert totals.references_per_walk == 24
    assert all(type(getattr(totals, name)) in (int, float) for name in totals.__slots__)


def test_a_walk_cache_for_a_level_that_points_nowhere_is_refused():
    with pytest.raises(ValueError, match="level 1"):
        NativeTables(Walker(FOUR_LEVEL, Memory(SIZE)), [0], Hardware(walk_cache={1: 4}))
