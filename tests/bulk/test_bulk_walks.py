"""Bulk walks are the scalar walker's walks, access by access, A and D included."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_tables import SIZE, builder, random_tables
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME, Memory
from ringside.machine.paging import FORMATS, FOUR_LEVEL, THIRTY_TWO_BIT
from ringside.machine.tlb import GLOBAL, USER, WRITABLE
from ringside.machine.walker import marks, walk


def expected(format, memory, root, linear, write, user, wp, large_pages):
    """One scalar walk after the other, writing A and D in between."""
    found = []
    for address, writes, users in zip(linear, write, user, strict=True):
        result = walk(
            format, root, address, lambda at: memory.read(at, format.entry_bytes),
            write=writes, user=users, wp=wp, large_pages=large_pages,
        )  # fmt: skip
        found.append(result)
        if result.fault is None:
            for at, entry in marks(format, result, writes):
                memory.write(at, entry, format.entry_bytes)
    return found


def assert_same(bulk, scalar):
    for number, one in enumerate(scalar):
        mine = bulk[number]
        assert mine.fault == one.fault
        assert mine.references == len(one.refs)
        assert type(mine.address) is int
        if one.fault is None:
            assert mine.address == one.address
            assert mine.page_size == one.page_size
            assert mine.flags == (
                (WRITABLE if one.writable else 0)
                | (USER if one.user else 0)
                | (GLOBAL if one.global_page else 0)
            )
        else:
            assert mine.address == -1


@given(
    seed=st.integers(0, 1 << 32),
    format=st.sampled_from(FORMATS),
    wp=st.booleans(),
    large_pages=st.booleans(),
    chunk=st.sampled_from([5, 64, 1000]),
    spoiled=st.sampled_from([0, 0.1, 0.5]),
    kinds=st.sampled_from(["one", "each"]),
)
@settings(max_examples=150, deadline=None)
def test_bulk_walks_equal_scalar_walks_one_after_the_other(
    seed, format, wp, large_pages, chunk, spoiled, kinds
):
    rng = random.Random(seed)
    memory = Memory(SIZE)
    root, pages = random_tables(rng, format, memory, 16, range(128, 256), spoiled=spoiled)
    linear = [rng.choice(pages) | rng.randrange(FRAME) for _ in range(60)]
    if rng.random() < 0.5:
        linear += [rng.getrandbits(64) for _ in range(4)]
    write, user = rng.random() < 0.5, rng.random() < 0.5
    writes, users = [write] * len(linear), [user] * len(linear)
    if kinds == "each":
        writes = [rng.random() < 0.5 for _ in linear]
        users = [rng.random() < 0.5 for _ in linear]
    reference = Memory(SIZE)
    reference.ram[:] = memory.ram
    scalar = expected(format, reference, root, linear, writes, users, wp, large_pages)
    bulk = Walker(format, memory, large_pages=large_pages, chunk=chunk).walk(
        root, np.array(linear, np.uint64),
        write=write if kinds == "one" else np.array(writes),
        user=user if kinds == "one" else np.array(users), wp=wp,
    )  # fmt: skip
    assert_same(bulk, scalar)
    assert memory.ram == reference.ram


def mapped(format=FOUR_LEVEL):
    memory = Memory(SIZE)
    tables = builder(format, memory, 16)
    for page in range(8):
        tables.map(page * FRAME, 128 + page)
    return memory, tables


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_full_walk_makes_one_reference_for_each_level(format):
    memory, tables = mapped(format)
    walks = Walker(format, memory).walk(tables.root, np.arange(8) * FRAME)
    assert set(walks.references.tolist()) == {len(format.levels)}
    assert walks.address.tolist() == [(128 + page) * FRAME for page in range(8)]
    assert set(walks.page_bits.tolist()) == {12}


def test_without_marking_the_tables_stay_as_they_are():
    memory, tables = mapped()
    before = bytes(memory.ram)
    walker = Walker(FOUR_LEVEL, memory)
    walker.walk(tables.root, [0, 0x1000], write=True, mark=False)
    assert bytes(memory.ram) == before
    walker.walk(tables.root, [0, 0x1000], write=True)
    assert bytes(memory.ram) != before


def test_code_in_a_page_that_is_also_a_table_is_told_of_a_and_d():
    memory, tables = mapped()
    told = []
    memory.code_frames.add(tables.tables[-1] // FRAME)
    memory.on_code_write = lambda frame, low, high: told.append((frame, low, high))
    Walker(FOUR_LEVEL, memory).walk(tables.root, [0x1000])
    last = tables.tables[-1]
    assert told == [(last // FRAME, last, last + FRAME)]


@pytest.mark.parametrize("kind", [list, np.array, lambda v: np.array(v, np.uint32), tuple])
def test_any_integers_will_do_as_addresses(kind):
    memory, tables = mapped(THIRTY_TWO_BIT)
    walks = Walker(THIRTY_TWO_BIT, memory).walk(tables.root, kind([0x1000, 0x2004]))
    assert walks.address.tolist() == [129 * FRAME, 130 * FRAME + 4]


def test_no_addresses_are_no_walks():
    memory, tables = mapped()
    walks = Walker(FOUR_LEVEL, memory).walk(tables.root, [])
    assert (len(walks), walks.faults) == (0, 0)


@pytest.mark.parametrize("wrong", [[0.5], [[1, 2]], ["a"]])
def test_what_is_no_address_is_refused(wrong):
    memory, tables = mapped()
    with pytest.raises(TypeError):
        Walker(FOUR_LEVEL, memory).walk(tables.root, wrong)


def test_a_flag_for_each_access_means_for_each():
    memory, tables = mapped()
    with pytest.raises(ValueError, match="2 accesses need 2 flags"):
        Walker(FOUR_LEVEL, memory).walk(tables.root, [0, 1], write=np.array([True]))


def test_one_access_comes_out_as_plain_integers():
    memory, tables = mapped()
    one = Walker(FOUR_LEVEL, memory).walk(tables.root, [0x1004], user=True)[0]
    assert {type(getattr(one, name)) for name in one.__slots__} == {int, type(None)}
    assert (one.fault, one.page_size, one.references) == (None, FRAME, 4)


def test_a_long_array_is_walked_like_a_short_one():
    memory, tables = mapped()
    linear = np.random.default_rng(3).integers(0, 10 * FRAME, 100_000)
    whole = Walker(FOUR_LEVEL, memory).walk(tables.root, linear)
    pieces = Walker(FOUR_LEVEL, memory, chunk=999).walk(tables.root, linear)
    assert np.array_equal(whole.address, pieces.address)
    assert np.array_equal(whole.fault, pieces.fault)
    assert whole.faults == int(np.count_nonzero(linear >= 8 * FRAME))
