"""The lab "Shadow paging" shows the real tables of a real run, and says when they part."""

from __future__ import annotations

import pytest
from ringside.labs.shadow import BESIDE, LAB, MODES, PAGES, fresh_console, paging_exits
from ringside.session import Session


@pytest.fixture(scope="module", params=MODES)
def run(request: pytest.FixtureRequest):
    return LAB.open(LAB.setup(None, request.param, {}, None))


def lazy():
    return LAB.open(LAB.setup(None, "shadow", {}, None))


def told(run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def meanings(run) -> dict[str, int]:
    """The first step of each added meaning."""
    found: dict[str, int] = {}
    for step in range(1, run.last + 1):
        run.seek(step)
        key, _ = run._meaning()
        found.setdefault(key, step)
    return found


def test_the_figure_shows_the_entries_that_lie_in_memory(run) -> None:
    for step in (130, run.last):
        run.seek(step)
        scene = run.picture("wide", "en")
        for page in PAGES:
            entry = run.shadow.entry(page)
            text = scene[f"shadow:{page}:target"]["text"]
            assert text == (f"→ {entry >> 12:03x}" if entry & 1 else "no entry")
            table = run._table << 12
            guest = run.vm.memory.read(table + 4 * page, 4)
            shown = scene[f"guest:{page}:target"]["text"]
            assert shown == (f"→ {guest >> 12:03x}" if guest & 1 else "no entry")


def test_only_the_unsynchronised_shadow_makes_a_wrong_read(run) -> None:
    run.seek(run.last)
    wrong = [one for one in run._said("en") if not one.right]
    assert len(wrong) == (run.mode == "shadow")
    assert len(run._said("en")) == 9


def test_the_unsynchronised_lab_tells_the_free_write_and_the_stale_read_in_that_order() -> None:
    run = lazy()
    found = meanings(run)
    assert found["added.free"] < found["added.stale"]
    run.seek(found["added.stale"])
    assert "600" in told(run) and "601" in told(run)
    nodes = run.picture("wide", "en")
    assert "stale" in nodes["shadow:768:box"]["cls"].split()
    assert "added.trace" not in found


def test_while_a_translation_is_stale_the_picture_does_not_call_every_read_right() -> None:
    run = lazy()
    free = meanings(run)["added.free"]
    run.seek(free - 1)
    assert run.picture("wide", "en")["verdict"]["text"] == "every read as the table says"
    for step in range(free, free + 8):
        run.seek(step)
        for lang, right in (("en", "every read"), ("hu", "minden olvasás")):
            verdict = run.picture("wide", lang)["verdict"]
            assert right not in verdict["text"] and "wrong" in verdict["cls"].split(), step


@pytest.mark.parametrize("cpu", ["trap-and-emulate", "hardware-assist"])
def test_an_entry_is_only_said_to_be_changed_where_it_is(cpu: str) -> None:
    run = LAB.open(LAB.setup(None, "shadow", {"cpu": cpu}, None))
    run.advance(10**6)
    found = []
    for step in range(1, run.last + 1):
        run.seek(step)
        key, _ = run._meaning()
        if key in ("added.free", "added.again"):
            page = run._changed
            found.append(key)
            assert (run._before[page].guest == run._entry(page).guest) == (key == "added.again")
    assert found == ["added.free", "added.again"]


def test_a_page_the_shadow_holds_read_only_is_not_said_to_be_lacking() -> None:
    run = LAB.open(LAB.setup(None, "cached", {"cpu": "hardware-assist"}, None))
    run.advance(10**6)
    seen = set()
    for step in range(1, run.last + 1):
        run.seek(step)
        for lang, lacks, holds in (("en", "lacks", "only for reading"),
                                   ("hu", "hiányzik", "csak olvasásra")):
            said = told(run, lang)
            address = run._address
            if address is not None and (lacks in said or holds in said):
                assert (holds in said) == bool(run._entry(address >> 12).shadow & 1), step
                seen.add(holds in said)
    assert seen == {True, False}


def test_the_traced_lab_tells_the_trap_and_what_followed_and_never_a_stale_read() -> None:
    run = LAB.open(LAB.setup(None, "traced", {}, None))
    found = meanings(run)
    assert found["added.trace"] + 1 == found["added.followed"]
    assert {"added.stale", "added.free"}.isdisjoint(found)
    assert {"added.true", "added.dirty"} <= set(found)
    run.seek(found["added.trace"])
    assert "lock:box" in run.picture("wide", "en")


def test_first_generation_hardware_shows_the_same_tables() -> None:
    for mode in MODES:
        run = LAB.open(LAB.setup(None, mode, {"cpu": "hardware-assist"}, None))
        run.seek(run.last)
        assert sum(not one.right for one in run._said("hu")) == (mode == "shadow")


def test_what_is_fresh_is_what_the_guest_printed_under_the_traced_shadow() -> None:
    assert fresh_console("page_tables", "trap-and-emulate") == "122345252"


def test_the_techniques_beside_each_other_have_the_counts_of_their_own_runs() -> None:
    sums = {key: sum(paging_exits("page_tables", cpu or "hardware-assist", memory).values())
            for key, _, _, cpu, memory in BESIDE}
    assert sums["cached"] < sums["shadow"] < sums["traced"]
    assert sums["paravirt"] < sums["shadow"] and sums["nested"] < sums["shadow"]
    assert set(paging_exits("page_tables", "hardware-assist", "nested")) == {"EPT violation"}


def test_the_comparison_is_shown_at_the_end_of_the_run_only() -> None:
    session = Session()
    frame = session.handle({"op": "load", "lab": "shadow"})["frame"]
    panel = next(panel for panel in frame["panels"] if panel["id"] == "beside")
    assert panel["kind"] == "text"
    frame = session.handle({"op": "frame", "step": frame["last"]})["frame"]
    panel = next(panel for panel in frame["panels"] if panel["id"] == "beside")
    assert [row["key"] for row in panel["rows"]] == [f"beside:{row[0]}" for row in BESIDE]


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_every_text_ends_inside_the_picture(run, shape: str, lang: str) -> None:
    for step in (0, 60, 118, 120, 150, run.last):
        run.seek(step)
        scene = run.picture(shape, lang)
        assert run.sentence(lang)
        for node in scene:
            if node["shape"] == "text" and node.get("text"):
                width = len(node["text"]) * node["size"] * 0.55
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0.0)
                assert left > -6 and left + width < scene.width + 6, (step, node)
