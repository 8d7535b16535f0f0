"""Scalar walk caches: what they save of a walk, and when they must forget."""

from __future__ import annotations

import pytest
from ringside.machine.memory import FRAME, Memory
from ringside.machine.nested import nested_walk
from ringside.machine.paging import EPT_FOUR_LEVEL, FOUR_LEVEL
from ringside.machine.tables import TableBuilder
from ringside.machine.walk_caches import (
    NESTED_CACHE,
    NESTED_TLB,
    WALK_CACHE,
    LruCache,
    NestedCaches,
    PrefixCaches,
    skip_native,
)
from ringside.machine.walker import walk

GVA = 0x40_0020_3000
LEVELS = {2: 4, 3: 4, 4: 4}


@pytest.fixture
def tables():
    memory = Memory(1 << 20)
    frames = iter(range(1, 256))
    nested = TableBuilder(EPT_FOUR_LEVEL, memory, lambda: next(frames))
    for frame in range(256):
        nested.map(frame * FRAME, frame)
    guest = TableBuilder(FOUR_LEVEL, memory, lambda: next(frames))
    for page in range(4):
        guest.map(GVA + page * FRAME, 0xF0 + page)
    return memory, guest, nested


def native(tables, gva=GVA):
    memory, guest, _ = tables
    return walk(FOUR_LEVEL, guest.root, gva, lambda at: memory.read(at, 8))


def grid(tables, gva=GVA):
    memory, guest, nested = tables
    return nested_walk(FOUR_LEVEL, guest.root, EPT_FOUR_LEVEL, nested.root, gva, memory.read)


def test_a_second_walk_nearby_reads_its_last_entry_only(tables):
    caches = PrefixCaches(FOUR_LEVEL, LEVELS)
    assert skip_native(native(tables), 0, caches) == {}
    assert set(skip_native(native(tables, GVA + FRAME), 0, caches)) == {1, 2, 3}


def test_a_cache_of_the_upper_level_alone_skips_that_level_alone(tables):
    caches = PrefixCaches(FOUR_LEVEL, {4: 1})
    skip_native(native(tables), 0, caches)
    assert set(skip_native(native(tables), 0, caches)) == {1}


def test_a_tag_keeps_machines_apart_and_a_flush_forgets(tables):
    caches = PrefixCaches(FOUR_LEVEL, LEVELS)
    skip_native(native(tables), 1, caches)
    assert skip_native(native(tables), 2, caches) == {}
    caches.flush()
    assert skip_native(native(tables), 1, caches) == {}


def test_all_caches_together_leave_the_guests_entry_and_the_datas_last_reference(tables):
    caches = NestedCaches(
        PrefixCaches(FOUR_LEVEL, LEVELS), PrefixCaches(EPT_FOUR_LEVEL, LEVELS), 0)
    caches.skip(grid(tables), 0, 0)
    skipped = caches.skip(grid(tables, GVA + FRAME), 0, 0)
    assert len(skipped) == 22
    assert set(skipped.values()) == {WALK_CACHE, NESTED_CACHE}


def test_the_nested_tlb_knows_frames_and_not_pages(tables):
    caches = NestedCaches(PrefixCaches(FOUR_LEVEL, {}), PrefixCaches(EPT_FOUR_LEVEL, {}), 16)
    caches.skip(grid(tables), 0, 0)
    skipped = caches.skip(grid(tables, GVA + FRAME), 0, 0)  # the same tables, another data frame
    assert len(skipped) == 16 and set(skipped.values()) == {NESTED_TLB}


def test_an_lru_cache_pushes_out_what_was_used_longest_ago():
    cache = LruCache(1, 2)
    assert [cache.use(key) for key in "abacb"] == [False, False, True, False, False]
    assert [key for key, _ in cache] == ["c", "b"]
    assert cache.drop("c") and not cache.drop("c") and len(cache) == 1


@pytest.mark.parametrize(("sets", "ways"), [(3, 1), (0, 1), (2, 0)])
def test_a_cache_needs_a_power_of_two_of_sets(sets: int, ways: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        LruCache(sets, ways)


@pytest.mark.parametrize("rights", [2, 4, 6])
def test_extended_entries_without_the_right_to_read_are_impossible(tables, rights: int) -> None:
    memory, _, nested = tables
    nested.map(0x7000, 0x70, rights)
    found = walk(EPT_FOUR_LEVEL, nested.root, 0x7000, lambda at: memory.read(at, 8), user=True)
    assert found.fault is not None and found.fault & 9 == 9  # present, reserved
