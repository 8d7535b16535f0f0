"""The lab "Walks" counts what the walkers read, and the counts are those of the literature."""

from __future__ import annotations

import pytest
from ringside.labs.walks import LAB
from ringside.session import Session

LEVELS = {"32-bit": 2, "pae": 3, "4-level": 4, "5-level": 5}


def open_run(guest: str, technique: str, address: str = "mapped"):
    return LAB.open(LAB.setup(guest, technique, {"address": address}, None))


@pytest.mark.parametrize("address", ["mapped", "high"])
@pytest.mark.parametrize(("guest", "levels"), LEVELS.items())
def test_bare_metal_reads_one_entry_per_level(guest: str, levels: int, address: str) -> None:
    assert open_run(guest, "none", address).last == levels


@pytest.mark.parametrize("address", ["mapped", "high"])
@pytest.mark.parametrize(("guest", "levels"), LEVELS.items())
def test_nested_walks_read_n_plus_1_times_m_plus_1_less_1(
    guest: str, levels: int, address: str
) -> None:
    assert open_run(guest, "nested", address).last == (levels + 1) * 5 - 1


@pytest.mark.parametrize(("guest", "levels"), LEVELS.items())
def test_a_shadow_costs_a_miss_and_a_look_once_and_then_one_dimension_only(
    guest: str, levels: int
) -> None:
    run = open_run(guest, "shadow")
    rows = [read.row for read in run._tour.reads]
    assert rows.count(2) == levels
    assert rows.count(1) == levels
    assert rows.count(0) == 1  # the empty shadow misses at its root


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("guest", LEVELS)
def test_an_unmapped_page_ends_in_a_page_fault_and_says_so(guest: str, technique: str) -> None:
    run = open_run(guest, technique, "unmapped")
    run.seek(run.last)
    assert "#PF" in run.picture("wide", "en")["result"]["text"]
    assert "page fault" in "".join(part["text"] for part in run.sentence("en"))


@pytest.mark.parametrize("guest", LEVELS)
def test_shadow_and_nested_find_the_same_host_address(guest: str) -> None:
    found = {open_run(guest, technique)._tour.hpa for technique in ("shadow", "nested")}
    assert len(found) == 1 and found != {-1}


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
def test_every_step_has_a_picture_and_a_sentence(technique: str, shape: str) -> None:
    session = Session()
    answer = session.handle(
        {"op": "load", "lab": "walks", "technique": technique, "shape": shape})
    for step in range(answer["frame"]["last"] + 1):
        frame = session.handle({"op": "frame", "step": step, "lang": "hu"})["frame"]
        assert frame["step"] == step
        assert frame["sentence"]
        keys = {node["key"] for node in frame["scene"]["nodes"]}
        assert f"ref:{frame['last']}" in keys


def test_the_grid_of_four_by_four_has_24_numbered_dots() -> None:
    scene = open_run("4-level", "nested").picture("wide", "en")
    dots = [node for node in scene if node["key"].endswith(":number")]
    assert [node["text"] for node in dots] == [str(n) for n in range(1, 25)]
