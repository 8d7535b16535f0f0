"""The benchmark's ways of doing the same work agree, and its report is plain data."""

from __future__ import annotations

import json
import sys
import time

import pytest
from ringside.bulk import bench
from ringside.bulk.c_loops import compile_loops


def test_bulk_plain_and_c_loops_agree_and_the_report_is_plain_data(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PAGES", 1 << 10)
    monkeypatch.setattr(bench, "GUEST_FRAMES", 1 << 12)
    report = bench.run(time.perf_counter, accesses=20_000, rounds=1)
    assert json.loads(json.dumps(report)) == report
    ways = set(report["rates"]["4-level walks"])
    assert {"bulk", "plain Python"} <= ways
    assert ("C" in ways) == (compile_loops(tmp_path) is not None)
    assert len(report["rates"]) == 3 + 9 + 3
    assert all(rate > 0 for rates in report["rates"].values() for rate in rates.values())
    text = bench.pretty(report)
    assert "all 24 references made" in text
    assert "FIFO 128x12, zipf" in text


@pytest.mark.parametrize("installed", [True, False])
def test_the_report_compares_with_pycachesim_or_says_that_it_is_not_installed(
    installed, monkeypatch
):
    if installed:
        pytest.importorskip("cachesim", reason="pycachesim is not installed: see 'make bench'")
    else:
        monkeypatch.setitem(sys.modules, "cachesim", None)
    monkeypatch.setattr(bench, "PAGES", 1 << 10)
    monkeypatch.setattr(bench, "GUEST_FRAMES", 1 << 12)
    report = bench.run(time.perf_counter, accesses=2000, rounds=1, with_c=False)
    for name, rates in report["rates"].items():
        assert ("pycachesim" in rates) == (installed and "walks" not in name)
    assert ("Left out: pycachesim is not installed." in bench.pretty(report)) != installed


def test_nested_walks_are_compared_with_loops_that_make_as_many_references(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PAGES", 1 << 8)
    monkeypatch.setattr(bench, "GUEST_FRAMES", 1 << 10)
    loops = compile_loops(tmp_path)
    if loops is None:
        pytest.skip("no C compiler was found")
    made = {}

    class Counting:
        def walk_nested(self, *asked):
            made[share] = loops.walk_nested(*asked)

    for share in (False, True):
        rates = bench.nested_walks(time.perf_counter, 5000, 1, Counting(), share=share)
        assert set(rates) == {"bulk", "plain Python", "C"}
    assert made[False] == 24 * 5000
    assert 4 * 5000 < made[True] < 24 * 5000 / 2


def test_without_a_compiler_there_are_no_c_loops(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compile_loops(tmp_path) is None
