"""The benchmark's ways of doing the same work agree, and its report is plain data."""

from __future__ import annotations

import json
import time

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
    assert len(report["rates"]) == 2 + 9
    assert all(rate > 0 for rates in report["rates"].values() for rate in rates.values())
    assert "24-reference walks" in bench.pretty(report)


def test_without_a_compiler_there_are_no_c_loops(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compile_loops(tmp_path) is None
