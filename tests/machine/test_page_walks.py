"""The walkers: reference counts, one definition for every format, and the CPU's lean walk."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.machine.memory import FRAME, Memory
from ringside.machine.nested import expected_references, nested_walk
from ringside.machine.paging import (
    BY_NAME,
    EPT_FIVE_LEVEL,
    EPT_FOUR_LEVEL,
    FIVE_LEVEL,
    FORMATS,
    FOUR_LEVEL,
    PAE,
    THIRTY_TWO_BIT,
)
from ringside.machine.tables import TableBuilder
from ringside.machine.tlb import DIRTY, GLOBAL, USER, WRITABLE
from ringside.machine.walker import lean_steps, lean_walk, marks, walk

LINEAR = 0x0804_8123
GUESTS = (THIRTY_TWO_BIT, PAE, FOUR_LEVEL, FIVE_LEVEL)
NESTED = (FOUR_LEVEL, FIVE_LEVEL, EPT_FOUR_LEVEL, EPT_FIVE_LEVEL)


def build(format, memory, first=16, place=lambda address: address):
    frames = itertools.count(first)
    return TableBuilder(format, memory, lambda: next(frames), place)


def reader(memory, format):
    return lambda address: memory.read(address, format.entry_bytes)


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_walk_reads_one_entry_per_level_and_finds_what_was_mapped(format):
    memory = Memory(1 << 20)
    tables = build(format, memory)
    tables.map(LINEAR, 0x42)
    found = walk(format, tables.root, LINEAR, reader(memory, format), write=True, user=True)
    assert found.fault is None
    assert found.address == 0x42123
    assert found.page_size == FRAME
    assert [ref.level for ref in found.refs] == list(range(len(format.levels), 0, -1))
    assert [ref.table for ref in found.refs] == tables.tables
    assert all(
        ref.address == ref.table + ref.index * format.entry_bytes
        and memory.read(ref.address, format.entry_bytes) == ref.entry
        for ref in found.refs
    )


@pytest.mark.parametrize(
    ("format", "count"), [(THIRTY_TWO_BIT, 2), (PAE, 3), (FOUR_LEVEL, 4), (FIVE_LEVEL, 5)]
)
def test_native_walks_take_2_3_4_and_5_references(format, count):
    assert len(format.levels) == count


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_large_page_shortens_the_walk(format):
    memory = Memory(1 << 20)
    tables = build(format, memory)
    size = format.levels[-2].page_size
    tables.map(LINEAR, size // FRAME, level=2)
    found = walk(format, tables.root, LINEAR, reader(memory, format))
    assert len(found.refs) == len(format.levels) - 1
    assert found.page_size == size
    assert found.address == size + LINEAR % size


@pytest.mark.parametrize("guest", GUESTS, ids=lambda format: format.name)
@pytest.mark.parametrize("nested", NESTED, ids=lambda format: format.name)
def test_a_nested_walk_takes_n_plus_1_times_m_plus_1_minus_1_references(guest, nested):
    found = two_dimensions(guest, nested)
    n, m = len(guest.levels), len(nested.levels)
    assert len(found.refs) == (n + 1) * (m + 1) - 1 == expected_references(n, m)
    assert [ref.number for ref in found.refs] == list(range(1, len(found.refs) + 1))
    assert found.hpa == 0x8_0000 + (0x42 - 0x20) * FRAME + LINEAR % FRAME
    grid = {(ref.row, ref.column) for ref in found.refs}
    assert grid == set(itertools.product(range(n + 1), range(m + 1))) - {(n, m)}
    assert all((ref.column == m) == (ref.dimension == "guest") for ref in found.refs)


def two_dimensions(guest, nested, *, skip=()):
    """Guest-physical frames 0x20.. lie at host frames 0x80..; ``skip`` are left unmapped."""
    memory = Memory(1 << 20)
    second = build(nested, memory, first=0x10)
    for number in range(0x40):
        if 0x20 + number not in skip:
            second.map((0x20 + number) * FRAME, 0x80 + number)
    first = build(guest, memory, first=0x20, place=lambda gpa: gpa - 0x20 * FRAME + 0x8_0000)
    first.map(LINEAR, 0x42)
    return nested_walk(guest, first.root, nested, second.root, LINEAR, memory.read)


def test_the_known_counts_24_29_and_35():
    counts = [expected_references(n, m) for n, m in ((4, 4), (5, 4), (4, 5), (5, 5))]
    assert counts == [24, 29, 29, 35]


def test_a_missing_nested_page_is_a_violation_at_the_gpa_that_needed_it():
    found = two_dimensions(FOUR_LEVEL, EPT_FOUR_LEVEL, skip={0x42})
    assert found.guest is not None and found.guest.fault is None
    assert found.violation is not None
    assert found.gpa == found.violation.linear == 0x42123
    assert found.hpa == -1
    found = two_dimensions(FOUR_LEVEL, EPT_FOUR_LEVEL, skip={0x21})
    assert found.guest is None
    assert found.violation is not None
    assert found.violation.linear >> 12 == 0x21


def test_a_guest_fault_ends_a_nested_walk_without_a_violation():
    memory = Memory(1 << 20)
    second = build(FOUR_LEVEL, memory, first=0x10)
    second.map(0x20 * FRAME, 0x80)
    memory.write_bytes(0x80 * FRAME, bytes(FRAME))
    found = nested_walk(
        FOUR_LEVEL, 0x20 * FRAME, FOUR_LEVEL, second.root, LINEAR, memory.read, user=True
    )
    assert found.violation is None
    assert found.guest is not None
    assert found.guest.fault == 4
    assert len(found.refs) == 5


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_levels_tile_the_address(format):
    top = format.address_bits
    for level in format.levels:
        assert level.shift + level.index_bits == top
        top = level.shift
    assert top == 12
    assert BY_NAME[format.name] is format


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_an_entry_may_be_all_address_or_reserved_but_not_both(format):
    for level in format.levels:
        assert not level.reserved & format.bits.present
        assert not level.reserved & (format.address_mask & 0xF_FFFF_F000)


def test_the_builder_refuses_pages_the_format_does_not_have():
    memory = Memory(1 << 20)
    tables = build(FOUR_LEVEL, memory)
    with pytest.raises(ValueError, match="no page of"):
        tables.map(0, 0, level=4)
    with pytest.raises(ValueError, match="not aligned"):
        tables.map(0, 1, level=2)


# -- the lean walk is the same walk -------------------------------------------------------------

entry_bits = st.sampled_from(
    [0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 1 << 13, 1 << 21])
entries = st.lists(entry_bits, max_size=9).map(sum)
high_bits = st.sampled_from([0, 0, 0, 0, 1 << 36, 1 << 51, 1 << 52, 1 << 63])


@given(
    format=st.sampled_from([THIRTY_TWO_BIT, PAE, FOUR_LEVEL]),
    flags=st.lists(entries, min_size=4, max_size=4),
    high=st.lists(high_bits, min_size=4, max_size=4),
    write=st.booleans(),
    user=st.booleans(),
    wp=st.booleans(),
    large=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_the_lean_walk_agrees_with_the_explained_one(format, flags, high, write, user, wp, large):
    if format is not THIRTY_TWO_BIT:
        large = True
    else:
        high = [0] * 4
    memory = Memory(1 << 18)
    tables = build(format, memory)
    tables.map(LINEAR, 0x20)
    lean = [level for level in format.levels if level.checked]
    skipped = len(format.levels) - len(lean)
    # Spoil the flags of every level the processor reads, most of them only a little.
    table = tables.root
    for depth, level in enumerate(format.levels):
        address = table + level.index(LINEAR) * format.entry_bytes
        entry = memory.read(address, format.entry_bytes)
        table = entry & format.address_mask
        if depth >= skipped:
            spoiled = entry ^ (flags[depth] & ~1 | (flags[depth] & 1 if flags[depth] & 8 else 0))
            memory.write(address, spoiled | high[depth], format.entry_bytes)
    expected = walk(
        format, tables.root, LINEAR, reader(memory, format),
        write=write, user=user, wp=wp, large_pages=large,
    )  # fmt: skip
    updates = dict(marks(format, expected, write)) if expected.fault is None else {}
    before = bytes(memory.ram)
    root = tables.tables[skipped]
    frame, result, refs = lean_walk(
        memory, lean_steps(format, large), format.entry_bytes, format.address_mask, root, LINEAR,
        (2 if write else 0) | (4 if user else 0), wp,
    )  # fmt: skip
    assert refs == len(expected.refs) - skipped
    if expected.fault is not None:
        assert (frame, result) == (-1, expected.fault)
        assert bytes(memory.ram) == before
        return
    assert frame == expected.frame
    assert bool(result & WRITABLE) == expected.writable
    assert bool(result & USER) == expected.user
    assert bool(result & GLOBAL) == expected.global_page
    assert not write or result & DIRTY
    after = Memory(1 << 18)
    after.ram[:] = before
    for address, entry in updates.items():
        after.write(address, entry, format.entry_bytes)
    assert after.ram == memory.ram
