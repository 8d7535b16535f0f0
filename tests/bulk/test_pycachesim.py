"""Bulk TLBs against pycachesim, a cache simulator in C by other authors."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cachesim", reason="pycachesim is not installed: see 'make bench'")

from ringside.bulk import bench
from ringside.bulk.tlb import BulkTlb
from ringside.bulk.traces import Shape, stream

POLICIES = ["lru", "fifo"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("sets", "ways"), [(16, 4), (128, 12), (1, 64), (4, 1), (1, 20)])
@pytest.mark.parametrize("kind", ["uniform", "zipf", "loop", "strided"])
def test_hits_and_misses_are_as_many_as_pycachesim_counts(kind, sets, ways, policy):
    pages = sets * ways + sets // 2 + 1 if kind == "loop" else 4 * sets * ways
    pieces = stream(kind, 60_000, Shape(pages=pages), seed=3)
    asked = np.concatenate([piece.address for piece in pieces])
    hits = int(np.count_nonzero(BulkTlb(sets, ways, policy=policy, chunk=9000).look_up(asked >> 12)))
    other = bench.pycachesim(sets, ways, policy)
    assert other(asked.tolist()) == (hits, len(asked) - hits)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("sets", "ways"), [(1, 1), (1, 5), (4, 2), (8, 3)])
def test_every_look_up_hits_where_pycachesims_does(sets, ways, policy):
    import cachesim

    memory = cachesim.MainMemory()
    cache = cachesim.Cache("TLB", sets, ways, 4096, policy.upper())
    memory.load_to(cache)
    memory.store_from(cache)
    simulator = cachesim.CacheSimulator(cache, memory)
    asked = np.random.default_rng(sets + ways).integers(0, 2 * sets * ways + 2, 3000)
    answers, before = [], 0
    for page in asked.tolist():
        simulator.load(page << 12)
        counted = int(cache.stats()["HIT_count"])
        answers.append(counted > before)
        before = counted
    assert BulkTlb(sets, ways, policy=policy).look_up(asked).tolist() == answers
