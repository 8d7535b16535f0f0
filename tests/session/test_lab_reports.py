"""``ringside run`` of the labs that are not about one guest: what the walks and the phone report."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
from ringside.cli import main
from ringside.labs.batch import open_batch
from ringside.labs.phone_batch import against


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> dict[str, Any]:
        assert main(["run", *arguments, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return run


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> str:
        assert main(["run", *arguments]) == 0
        return capsys.readouterr().out

    return run


# -- walks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guest", "technique", "count"),
    [("4-level", "nested", 24), ("5-level", "nested", 29), ("pae", "none", 3), ("32-bit", "shadow", 5)],
)  # fmt: skip
def test_walks_that_find_their_page_take_what_the_formula_says(
    report: Any, guest: str, technique: str, count: int
) -> None:
    told = report("walks", "--guest", guest, "--technique", technique)
    found = [walk for walk in told["walks"] if walk["fault"] is None]
    assert told["expected"] == count
    assert [walk["references"] for walk in found] == [count, count]
    assert told["references"] == sum(len(walk["entries"]) for walk in told["walks"])


def test_walks_walk_every_address_unless_one_is_chosen(report: Any) -> None:
    assert [w["address"] for w in report("walks")["walks"]] == ["mapped", "high", "unmapped"]
    one = report("walks", "--option", "address=unmapped")
    assert [w["address"] for w in one["walks"]] == ["unmapped"]
    assert one["faults"] == 1 and one["walks"][0]["hpa"] is None


def test_walks_show_each_entry_and_where_it_was_read(report: Any) -> None:
    (walk,) = report("walks", "--technique", "none", "--option", "address=mapped")["walks"]
    tables = [entry["table"] for entry in walk["entries"]]
    assert tables == ["pml4e", "pdpte", "pde", "pte"]
    frame = int(walk["entries"][-1]["entry"], 16) & ~0xFFF
    assert int(walk["hpa"], 16) == frame + (int(walk["gva"], 16) & 0xFFF)


def test_walks_tell_whose_table_is_read_and_by_whom(report: Any) -> None:
    (walk,) = report("walks", "--technique", "shadow", "--option", "address=mapped")["walks"]
    readers = [(entry["tables"], entry["reader"]) for entry in walk["entries"]]
    assert readers == [
        ("shadow", "processor"), *[("guest", "VMM")] * 4, *[("shadow", "processor")] * 4]


def test_walks_as_text_have_a_line_for_each_reference(text: Any) -> None:
    said = text("walks", "--option", "address=mapped")
    assert len(re.findall(r"^ +\d+  (?:guest|nested) ", said, re.MULTILINE)) == 24
    assert "references    24 in all" in said and "page faults   0" in said


# -- phone ------------------------------------------------------------------------------------

SHORT = ("--max-instructions", "150000")


def test_the_phone_meets_every_frame_under_fixed_priority(report: Any) -> None:
    told = report("phone", "--technique", "fixed-priority", *SHORT)
    frames = told["frames"]
    assert frames["missed"] == 0 and frames["met"] > 25
    assert 0 < frames["worst_latency"] < frames["deadline"]


def test_the_phone_misses_frames_under_round_robin(report: Any) -> None:
    frames = report("phone", "--technique", "round-robin", *SHORT)["frames"]
    assert frames["missed"] > frames["met"] > 0


def test_every_frame_of_the_phone_is_met_missed_or_open(report: Any) -> None:
    told = report("phone", *SHORT)
    frames = told["frames"]
    assert frames["met"] + frames["missed"] + frames["open"] == told["ticks"] // frames["period"]
    assert 0 <= frames["overdue"] <= frames["open"]


def test_the_phone_tells_what_the_rich_system_was_refused(report: Any) -> None:
    told = report("phone", *SHORT)
    (refused,) = told["refused"]
    assert refused["world"] == "rich" and int(refused["gpa"], 16) == 4 << 20
    assert "I read 4294967295" in told["worlds"][1]["console"]


def test_instructions_and_exits_of_the_phone_are_those_of_its_worlds(report: Any) -> None:
    told = report("phone", *SHORT)
    worlds = told["worlds"]
    assert [world["name"] for world in worlds] == ["radio", "rich"]
    assert told["instructions"] == sum(world["instructions"] for world in worlds) == 150_000
    for reason, count in told["exits"].items():
        assert count == sum(world["exits"].get(reason, 0) for world in worlds)
    assert told["cycles"] > told["instructions"]


def test_the_phones_digest_tells_runs_apart_and_same_runs_together(report: Any) -> None:
    first, again = (report("phone", *SHORT)["digest"] for _ in range(2))
    other = report("phone", "--option", "slice=1", *SHORT)["digest"]
    assert first == again != other


def test_the_phone_as_text_says_the_same(text: Any) -> None:
    said = text("phone", "--option", "frame=lte", "--technique", "fixed-priority", *SHORT)
    assert "rich: round 1" in said and "fixed-priority (frame lte, slice 30)" in said
    for fact in ("frames ", "slowest reply ", "instructions  radio ", "refused       rich", "digest"):
        assert fact in said


def test_ctrl_c_stops_the_phone_with_a_report() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ringside", "run", "phone", "--max-instructions", "10000000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.read(1) == "r"  # it is running
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert re.search(r"outcome +stopped", out) and "frames " in out


# -- kernels that are rewritten ----------------------------------------------------------------


@pytest.fixture
def guest_run(capsys: pytest.CaptureFixture[str]) -> Any:
    """What is printed about a guest that ends with exit status 1, as these do."""

    def run(*arguments: str) -> str:
        assert main(["run", *arguments]) == 1
        return capsys.readouterr().out

    return run


def test_translation_reports_what_the_translator_did(guest_run: Any) -> None:
    told = json.loads(guest_run("translation", "--json"))
    assert (told["guest"], told["technique"]) == ("lecture_bt", "binary-translation")
    found = told["translation"]
    assert found["kernel_instructions"] == sum(
        found["executed"][name]
        for name in ("identical", "branches", "calls", "inline", "callouts", "trapped"))
    assert found["hit_rate"] > 0.9 and 1 < found["expansion"] < 3
    assert told["exits"]["callout"] >= 1000  # CR3 is read a thousand times
    assert "chained" in guest_run("translation", "--guest", "popf")


def test_paravirtual_reports_hypercalls_and_the_exits_they_saved(guest_run: Any) -> None:
    told = json.loads(guest_run("paravirtual", "--json"))
    assert told["console"] == "kuft" and told["hypercalls"]["iret"] >= 3
    assert told["native"]["same_output"]
    assert sum(told["exits"].values()) < told["native"]["exits"]
    assert told["porting"]["removed_lines"] > 0
    hostile = json.loads(guest_run("paravirtual", "--guest", "pv_hostile", "--json"))
    assert sum(n for name, n in hostile["hypercalls"].items() if "refused" in name) >= 15
    assert "OTHER output" in guest_run("paravirtual", "--guest", "popf")


# -- TLB and where nested wins ----------------------------------------------------------------


def test_the_tlb_reports_a_stream_beside_the_other_way_of_switching(report: Any) -> None:
    told = report("tlb", "--guest", "zipf", "--technique", "vpid")
    other = told["compared"]
    assert told["hits"] + told["misses"] == told["accesses"] == other["accesses"]
    assert other["technique"] == "flush"
    assert told["flushed"] == 0 < other["flushed"]
    assert told["hits"] > other["hits"]
    again = report("tlb", "--guest", "zipf", "--technique", "flush")
    assert [again[name] for name in ("hits", "flushed")] == [other["hits"], other["flushed"]]


def test_the_tlb_reports_stale_accesses_of_a_forgotten_shootdown(report: Any) -> None:
    sent = report("tlb", "--guest", "shootdown")
    forgotten = report("tlb", "--guest", "shootdown", "--option", "ipi=forgotten")
    assert sent["stale"] == 0 < forgotten["stale"]
    assert sent["shootdowns"] > 0 == forgotten["shootdowns"]


def test_the_tlb_as_text_has_a_column_for_each_technique(text: Any) -> None:
    told = text("tlb")
    assert re.search(r"vpid +flush\n", told)
    assert re.search(r"hit rate % +\d+\.\d +\d+\.\d\n", told)


@pytest.fixture(scope="module")
def whole_map() -> tuple[dict[str, Any], str]:
    """The report on the map of context switches, as data and as text."""
    batch = open_batch("where-nested-wins", guest="switch")
    while not batch.ended:
        batch.advance(1)
    told = batch.report(stopped=False)
    return told, "\n".join(batch.lines(told))


def test_where_nested_wins_reports_every_cell_of_its_map(whole_map: Any) -> None:
    told, as_text = whole_map
    cells = told["cells"]
    assert len(cells) == told["of"] == 24
    for cell in cells:
        slow = cell["shadow"] + cell["program"]
        gain = 100 * (slow / (cell["nested"] + cell["program"]) - 1)
        assert abs(gain - cell["gain %"]) < 0.5
    assert told["wins"] == sum(cell["gain %"] > 0.5 for cell in cells) > 0
    assert told["loses"] == sum(cell["gain %"] < -0.5 for cell in cells) > 0
    assert f"wins in {told['wins']} and loses in {told['loses']} of 24 cells" in as_text
    assert len(re.findall(r" [+-]\d+ %(?: |$)", as_text, re.MULTILINE)) == 24


def test_cells_that_lose_as_was_published_say_so(whole_map: Any) -> None:
    told, as_text = whole_map
    lost = [cell for cell in told["cells"] if cell["loses as published"]]
    assert lost and all(cell["gain %"] < 0 for cell in lost)
    assert as_text.count("loses, as was published") == len(lost)


@pytest.mark.parametrize("lab", ["tlb", "where-nested-wins"])
def test_a_stream_from_a_trace_file_is_told_where_to_go(
    lab: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", lab, "--guest", "trace"]) == 2
    assert "ringside sweep file:TRACE" in capsys.readouterr().err


def test_the_phone_shows_the_beginning_of_its_consoles_and_all_of_them_when_asked(
    text: Any,
) -> None:
    short, whole = text("phone", *SHORT), text("phone", "--console", *SHORT)
    left = re.search(r"^\.\.\. and (\d+) lines more; --console prints them all$", short, re.MULTILINE)
    assert left and len(short.splitlines()) < 30
    assert whole.count("rich: round") > 15 and "--console" not in whole
    assert len(whole.splitlines()) - len(short.splitlines()) == int(left[1]) - 1


def test_json_of_a_lab_that_writes_much_is_json_alone(report: Any) -> None:
    assert report("phone", *SHORT)["lab"] == "phone"


def test_the_slowest_reply_of_the_phone_is_held_against_its_deadline(text: Any) -> None:
    told = text("phone", *SHORT)
    line = next(line for line in told.splitlines() if line.startswith("slowest reply"))
    took, off, allowed = (float(found) for found in re.findall(r"(\d+\.\d+) ms", line))
    assert off == pytest.approx(abs(allowed - took))
    assert (" ms before the deadline" if took < allowed else " ms past the deadline") in line
    assert against(4635, 4615) == "0.020 ms past the deadline of 4.615 ms"
    assert against(4600, 4615) == "0.015 ms before the deadline of 4.615 ms"


# -- the shadow -------------------------------------------------------------------------------


def test_the_shadow_reports_faults_by_kind_stale_reads_and_the_other_techniques(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {}
    for mode in ("traced", "shadow", "cached"):
        assert main(["run", "shadow", "--technique", mode, "--json"]) == 1  # the guest's own
        told[mode] = json.loads(capsys.readouterr().out)
    assert [told[mode]["wrong"] for mode in told] == [0, 1, 0]
    writes = {mode: found["page_faults"]["traced"] for mode, found in told.items()}
    assert writes["shadow"] == 2  # to the page of the guest's descriptor table
    assert min(writes["traced"], writes["cached"]) > 2
    for mode, found in told.items():
        assert sum(found["page_faults"].values()) == found["exits"]["#PF"]
        assert found["page_faults"]["true"] == 1
        assert found["paging_exits"][mode]["#PF"] == found["exits"]["#PF"]
    exits = {name: sum(kinds.values()) for name, kinds in told["traced"]["paging_exits"].items()}
    assert exits["traced"] > exits["shadow"] > exits["cached"] > exits["paravirt"] > exits["nested"]
    assert main(["run", "shadow", "--technique", "shadow"]) == 1
    assert "1 by a stale translation" in capsys.readouterr().out


def test_the_guests_of_the_memory_labs_run_by_themselves_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    native = ("--cpu", "hardware-assist", "--option", "memory=nested")
    for arguments in ((), native, ("--cpu", "paravirtualization")):
        assert main(["run", "page_tables", "--json", *arguments]) == 1  # the guest's own
        assert json.loads(capsys.readouterr().out)["console"] == "112345252\n"
    assert main(["run", "linked_list", "--json", *native]) == 1
    assert json.loads(capsys.readouterr().out)["walks"] > 40
