"""Bulk TLBs hit where a plain Python TLB hits, look-up by look-up."""

from __future__ import annotations

import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.bulk import tlb
from ringside.bulk.tlb import BulkTlb, fifo, keys, lru
from ringside.machine.tlb import Tlb

SHAPES = [(1, 1), (1, 2), (1, 5), (1, 17), (1, 40), (2, 1), (4, 3), (8, 20), (16, 4), (64, 2)]


class Plain:
    """A TLB in plain Python: one ordered dictionary for each set, the oldest first."""

    def __init__(self, sets, ways, policy):
        self.sets = [OrderedDict() for _ in range(sets)]
        self.ways = ways
        self.renews = policy == "lru"

    def look_up(self, key):
        held = self.sets[key & len(self.sets) - 1]
        if key in held:
            if self.renews:
                held.move_to_end(key)
            return True
        if len(held) == self.ways:
            held.popitem(last=False)
        held[key] = None
        return False

    def flush(self, tag=None):
        for held in self.sets:
            for key in list(held):
                if tag is None or key >> tlb.TAG_SHIFT == tag:
                    del held[key]

    def invalidate(self, key):
        self.sets[key & len(self.sets) - 1].pop(key, None)

    def run(self, asked, flushes):
        hits = []
        for number, key in enumerate(asked):
            if number in flushes:
                self.flush()
            hits.append(self.look_up(key))
        return hits


@st.composite
def key_lists(draw):
    """Look-ups with locality: a walk among few or many pages, far apart or not."""
    spread = draw(st.sampled_from([3, 20, 300, 1 << 20]))
    base = draw(st.sampled_from([0, 1, 12345, (1 << 44) - 5000]))
    tags = draw(st.sampled_from([1, 2, 3]))
    step = st.tuples(st.integers(0, spread), st.integers(0, tags - 1))
    steps = draw(st.lists(step, max_size=200))
    return [(base + page) % (1 << tlb.PAGE_BITS) | tag << tlb.TAG_SHIFT for page, tag in steps]


@given(
    shape=st.sampled_from(SHAPES),
    policy=st.sampled_from(["lru", "fifo"]),
    chunk=st.sampled_from([7, 50, 1000]),
    few=st.sampled_from([0, 100]),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_every_look_up_hits_exactly_where_a_plain_tlb_hits(shape, policy, chunk, few, data):
    sets, ways = shape
    plain = Plain(sets, ways, policy)
    bulk = BulkTlb(sets, ways, policy=policy, chunk=chunk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tlb, "FEW_WAYS", few)  # both methods, whatever the ways
        patch.setattr(tlb, "FEW_WAYS_OF_REPEATS", few)
        for _ in range(data.draw(st.integers(1, 4))):
            asked = data.draw(key_lists())
            flushes = sorted(data.draw(st.sets(st.integers(0, 200), max_size=3)))
            flushes = [point for point in flushes if point <= len(asked)]
            assert bulk.look_up(np.array(asked, np.int64), flushes).tolist() == plain.run(
                asked, flushes
            )
            if len(asked) in flushes:
                plain.flush()
            assert list(bulk) == [list(held) for held in plain.sets]
            what = data.draw(st.sampled_from(["nothing", "tag", "key", "all"]))
            if what == "tag":
                bulk.flush(1)
                plain.flush(1)
            elif what == "all":
                bulk.flush()
                plain.flush()
            elif what == "key" and asked:
                bulk.invalidate(asked[-1])
                plain.invalidate(asked[-1])


@given(
    pages=st.lists(st.integers(0, 60), max_size=300),
    cuts=st.lists(st.tuples(st.integers(0, 300), st.integers(-1, 60)), max_size=6),
    shape=st.sampled_from([(1, 4), (4, 2), (8, 4)]),
)
@settings(max_examples=200, deadline=None)
def test_the_fifo_policy_is_the_machines_own_tlb(pages, cuts, shape):
    machine = Tlb(*shape)
    bulk = BulkTlb(*shape, policy="fifo")
    expected, found, first = [], [], 0
    for last, page in [*sorted(cuts), (len(pages), -1)]:
        last = max(first, min(last, len(pages)))
        for one in pages[first:last]:
            expected.append(machine.lookup(one) is not None)
            if not expected[-1]:
                machine.fill(one, one, 0)
        found += bulk.look_up(np.array(pages[first:last], np.int64)).tolist()
        if page < 0:
            machine.flush()
            bulk.flush()
        else:
            machine.invalidate(page)
            bulk.invalidate(page)
        first = last
    assert found == expected


@pytest.mark.parametrize(("sets", "ways"), [(16, 4), (128, 12), (1, 64)])
@pytest.mark.parametrize("kind", ["uniform", "zipf", "loop", "one page", "hot set"])
def test_long_traces_are_exact_too(sets, ways, kind):
    chance = np.random.default_rng(7)
    size = 60_000
    asked = {
        "uniform": lambda: chance.integers(0, 1 << 16, size),
        "zipf": lambda: chance.zipf(1.2, size) % (1 << 20),
        "loop": lambda: np.arange(size) % (sets * ways + sets),
        "one page": lambda: np.zeros(size, np.int64),
        "hot set": lambda: chance.geometric(0.05, size) * sets,
    }[kind]()
    bulk = BulkTlb(sets, ways, chunk=16_384)
    plain = Plain(sets, ways, "lru")
    assert bulk.look_up(asked).tolist() == plain.run(asked.tolist(), ())
    assert list(bulk) == [list(held) for held in plain.sets]


def test_a_trace_ten_times_as_long_takes_no_more_memory():
    def peak(pieces):
        bulk = BulkTlb(16, 4)
        tracemalloc.start()
        for piece in range(pieces):
            bulk.look_up(np.arange(piece, piece + 200_000) % 1000)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20) < 1.2 * peak(2)


def test_tags_keep_the_same_page_of_two_machines_apart():
    first, second = keys([0x1000, 0x1000], tags=[1, 2]).tolist()
    assert first != second
    assert first & 0xFF == second & 0xFF == 1
    bulk = BulkTlb(16, 4)
    assert bulk.look_up(keys([0x1000] * 4, tags=[1, 2, 1, 2])).tolist() == [0, 0, 1, 1]
    bulk.flush(1)
    assert bulk.look_up(keys([0x1000] * 2, tags=[1, 2])).tolist() == [False, True]


def test_a_large_page_is_one_key_and_no_small_page():
    found = keys([0x20_0000, 0x3F_FFFF, 0x1000], page_bits=[21, 21, 12]).tolist()
    assert found[0] == found[1] != found[2]


def test_addresses_of_the_upper_half_have_keys_too():
    assert (keys(np.array([0xFFFF_8000_0000_0000], np.uint64)) >= 0).all()


def test_what_a_tlb_cannot_be_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        BulkTlb(3, 1)
    with pytest.raises(ValueError, match="lru, fifo"):
        BulkTlb(4, 1, policy="random")
    with pytest.raises(ValueError, match="4 KiB"):
        keys([0], page_bits=13)
    with pytest.raises(ValueError, match="16 bits"):
        keys([0], tags=1 << 16)
    assert {"lru": lru, "fifo": fifo} == tlb.POLICIES
