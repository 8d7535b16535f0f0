"""Bulk nested walks are the scalar nested walks, access by access, A and D in both dimensions."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_tables import builder, random_pages, random_tables
from ringside.bulk.nested import NestedWalker
from ringside.machine.memory import FRAME, Memory
from ringside.machine.nested import expected_references, nested_walk
from ringside.machine.paging import (
    EPT_FIVE_LEVEL,
    EPT_FOUR_LEVEL,
    FIVE_LEVEL,
    FOUR_LEVEL,
    PAE,
    THIRTY_TWO_BIT,
)
from ringside.machine.walker import marks, walk

GUESTS = (THIRTY_TWO_BIT, PAE, FOUR_LEVEL, FIVE_LEVEL)
NESTED = (FOUR_LEVEL, FIVE_LEVEL, EPT_FOUR_LEVEL, EPT_FIVE_LEVEL)
GUEST_FRAMES = 64
HOST_BASE = 64  # guest frame n lies at host frame HOST_BASE + n, unless spoiled
SIZE = 1 << 20


def scalar_marks(guest, nested, memory, nested_root, found, write):
    """Write A and D of a nested walk that succeeded, in both dimensions."""
    wanted = [(ref.gpa, False) for ref in found.refs if ref.dimension == "guest"]
    for gpa, writes in [*wanted, (found.gpa, write)]:
        result = walk(nested, nested_root, gpa, lambda at: memory.read(at, 8),
                      write=writes, user=True)
        if result.fault is None:
            for at, entry in marks(nested, result, writes):
                memory.write(at, entry, 8)


def table_marks(nested, memory, nested_root, found):
    """Write A of the nested walks to guest tables that succeeded, whatever came of the access."""
    for ref in found.refs:
        if ref.dimension == "guest":
            result = walk(nested, nested_root, ref.gpa, lambda at: memory.read(at, 8), user=True)
            for at, entry in marks(nested, result, False):
                memory.write(at, entry, 8)


def expected(guest, nested, memory, guest_root, nested_root, gva, write, user, wp):
    found = []
    for address, writes, users in zip(gva, write, user, strict=True):
        one = nested_walk(guest, guest_root, nested, nested_root, address, memory.read,
                          write=writes, user=users, wp=wp)
        found.append(one)
        table_marks(nested, memory, nested_root, one)
        if one.hpa >= 0:
            scalar_marks(guest, nested, memory, nested_root, one, writes)
            places = {ref.reference.level: ref.reference.address
                      for ref in one.refs if ref.dimension == "guest"}
            for ref, entry in _guest_marks(guest, one, writes):
                memory.write(places[ref.level], entry, guest.entry_bytes)
    return found


def _guest_marks(guest, found, write):
    by_address = {ref.address: ref for ref in found.guest.refs}
    return [(by_address[at], entry) for at, entry in marks(guest, found.guest, write)]


@given(
    seed=st.integers(0, 1 << 32),
    guest=st.sampled_from(GUESTS),
    nested=st.sampled_from(NESTED),
    wp=st.booleans(),
    chunk=st.sampled_from([5, 64, 1000]),
    spoiled=st.sampled_from([0, 0.05, 0.3]),
    share=st.booleans(),
    each=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_bulk_nested_walks_equal_scalar_ones_one_after_the_other(
    seed, guest, nested, wp, chunk, spoiled, share, each
):
    rng = random.Random(seed)
    memory = Memory(SIZE)
    second = builder(nested, memory, 144)
    for gfn in range(GUEST_FRAMES):
        if rng.random() > spoiled / 10:
            second.map(gfn * FRAME, HOST_BASE + gfn)
    root, pages = random_tables(
        rng, guest, memory, 0, range(40, 72), lambda gpa: gpa + HOST_BASE * FRAME,
        random_pages(rng, guest, 8), spoiled)
    if spoiled and nested.bits.user == 0 and rng.random() < 0.5:
        for table in second.tables:
            for at in range(table, table + FRAME, 8):
                entry = memory.read(at, 8)
                if entry and rng.random() < spoiled / 4:
                    memory.write(at, entry ^ rng.choice([2, 7, 0x80, 8]), 8)
    gva = [rng.choice(pages) | rng.randrange(FRAME) for _ in range(50)]
    write, user = rng.random() < 0.5, rng.random() < 0.5
    writes, users = [write] * len(gva), [user] * len(gva)
    if each:
        writes = [rng.random() < 0.5 for _ in gva]
        users = [rng.random() < 0.5 for _ in gva]
    reference = Memory(SIZE)
    reference.ram[:] = memory.ram
    scalar = expected(guest, nested, reference, root, second.root, gva, writes, users, wp)
    bulk = NestedWalker(guest, nested, memory, chunk=chunk, share=share).walk(
        root, second.root, np.array(gva), write=np.array(writes) if each else write,
        user=np.array(users) if each else user, wp=wp)
    for number, one in enumerate(scalar):
        mine = bulk[number]
        assert mine.references == len(one.refs)
        assert mine.violation == (one.violation.fault if one.violation else None)
        assert mine.fault == (one.guest.fault if one.guest else None)
        assert mine.hpa == one.hpa
        if one.violation:
            assert mine.gpa == one.violation.linear
        else:
            assert mine.gpa == one.gpa
        if one.hpa >= 0:
            last = [ref.reference for ref in one.refs if ref.row == len(one.guest.refs)][-1]
            nested_size = nested.levels[len(nested.levels) - last.level].page_size
            assert 1 << int(bulk.page_bits[number]) == min(one.guest.page_size, nested_size)
    assert memory.ram == reference.ram


@pytest.mark.parametrize("guest", GUESTS, ids=lambda format: format.name)
@pytest.mark.parametrize("nested", NESTED, ids=lambda format: format.name)
@pytest.mark.parametrize("share", [True, False], ids=["shared", "each"])
def test_bulk_walks_count_n_plus_1_times_m_plus_1_minus_1_references(guest, nested, share):
    memory = Memory(SIZE)
    second = builder(nested, memory, 144)
    for gfn in range(GUEST_FRAMES):
        second.map(gfn * FRAME, HOST_BASE + gfn)
    first = builder(guest, memory, 0, lambda gpa: gpa + HOST_BASE * FRAME)
    first.map(0x0804_8000, 40)
    bulk = NestedWalker(guest, nested, memory, share=share).walk(
        first.root, second.root, [0x0804_8123] * 100)
    n, m = len(guest.levels), len(nested.levels)
    assert set(bulk.references.tolist()) == {expected_references(n, m)}
    assert set(bulk.hpa.tolist()) == {(HOST_BASE + 40) * FRAME + 0x123}
    assert bulk.faults == bulk.violations == 0
