"""Bulk walks are the scalar walker's walks, access by access, A and D included."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_tables import SIZE, random_tables
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME, Memory
from ringside.machine.paging import FORMATS
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
@settings(max_examples=300, deadline=None)
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
