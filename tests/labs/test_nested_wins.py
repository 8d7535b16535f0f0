"""The map "Where nested wins" is computed from counted events, and comes out as was published."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from ringside.bulk.steady import measure_pieces, measure_steady, warm_up
from ringside.bulk.sweep import Point
from ringside.bulk.traces import stream
from ringside.labs import nested_wins
from ringside.labs.nested_wins import LAB
from ringside.labs.wins_published import PUBLISHED, compared, marks_of
from ringside.session import Session


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer accesses and less memory, so that a map is quick."""
    monkeypatch.setattr(nested_wins, "ACCESSES", 6_000)
    monkeypatch.setattr(nested_wins, "PAGES", (256, 8_192))
    monkeypatch.setattr(
        nested_wins, "RATES", {
            "churn": (0, 10_000, 100_000), "switch": (0, 1_000, 10_000),
            "fork": (0, 10_000, 100_000)})


def whole(guest: str = "churn", **options: str):
    run = LAB.open(LAB.setup(guest, None, options, None))
    while not run.ended:
        run.advance(10**6)
    return run


def gains(run) -> list[list[float]]:
    found = [one.gain for one in run.measured]
    return [found[at : at + run.columns] for at in range(0, len(found), run.columns)]


@pytest.mark.usefixtures("small")
def test_nested_wins_where_page_tables_change_and_loses_where_the_tlb_misses() -> None:
    few, many = gains(whole())
    assert few == sorted(few) and many == sorted(many)  # more changes, more gain
    assert few[0] == pytest.approx(0, abs=1) and few[-1] > 100
    assert many[0] < -5
    assert all(less > more for less, more in zip(few, many, strict=True))


@pytest.mark.usefixtures("small")
def test_large_pages_win_back_what_nested_paging_loses() -> None:
    small_pages, large = gains(whole()), gains(whole(page="2M"))
    assert small_pages[1][0] < -5 < large[1][0]
    assert abs(large[1][0]) < 1


@pytest.mark.usefixtures("small")
def test_without_walk_caches_nested_loses_more() -> None:
    assert gains(whole(caches="off"))[1][0] < gains(whole())[1][0]


@pytest.mark.usefixtures("small")
def test_the_published_gains_are_marked_on_cells_within_a_tenth_of_them() -> None:
    run = whole()
    losses = run.losses
    for number, name in run._marks("en").items():
        figures = [figure for figure, title in PUBLISHED if title in name]
        assert figures or number in losses
        assert all(abs(run.measured[number].gain - f) <= f / 10 for f in figures)
    text = "".join(part["text"] for panel in run.panels("en") if panel["id"] == "published"
                   for part in panel["segments"])
    assert all(figure in text for figure in ("42 %", "48 %", "500 %", "600 %", "2009"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("lang", "mark", "note"), [
    ("en", "papers: loses", "no figure published"), ("hu", "cikkek: veszít", "nem közöltek")])
def test_where_nested_was_published_to_lose_the_picture_says_so_and_that_no_figure_was(
    lang: str, mark: str, note: str
) -> None:
    run = whole()
    for shape in ("wide", "tall"):
        scene = run.picture(shape, lang)
        marked = [run._marks(lang)[at] for at in run.losses]
        assert marked == [mark] and run.losses == [3]  # 32 MiB, where nothing changes
        assert scene["cell:1:0:mark:0"]["text"] in mark
        assert note in scene["note"]["text"]
    large = whole(page="2M")
    assert large.losses == [] and "note" not in {
        node["key"] for node in large.picture("wide", lang)}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lang", ["en", "hu"])
def test_the_sentence_of_a_cell_sets_all_cycles_of_one_technique_against_the_others(
    lang: str
) -> None:
    run = whole()
    run.seek(3)
    one = run.measured[2]
    text = "".join(part["text"] for part in run.sentence(lang))
    assert one.gain > 100 and one.nested.event_cycles > one.nested.walk_cycles
    for of in (one.shadow, one.nested):
        for cycles in (of.event_cycles, of.walk_cycles):
            assert nested_wins._cycles(cycles, of, lang) in text


def test_a_cell_carries_one_figure_only_the_one_it_is_nearest_to() -> None:
    assert marks_of([0, 544, 44]) == {1: "RVI µ 500 %", 2: "RVI 42 %"}
    text = "".join(part["text"] for part in compared([0, 544, 44], "en"))
    assert text.count("a cell comes within a tenth") == 4 and "loses nowhere" in text
    assert marks_of([-3, 100, 700]) == {}
    text = "".join(part["text"] for part in compared([-3, 100, 550], "en"))
    assert "RVI 42 %: the map goes beyond it" in text and "loses up to −3 %" in text


@pytest.mark.usefixtures("small")
def test_one_request_measures_a_few_cells_only_so_that_it_can_be_stopped() -> None:
    run = LAB.open(LAB.setup("churn", None, {}, None))
    run.seek(6)
    assert (run.step, run.last, run.ended) == (2, 2, False)
    run.seek(6)
    assert run.last == 4


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("guest", ["churn", "switch", "fork"])
def test_every_text_ends_inside_the_picture(guest: str, shape: str, lang: str) -> None:
    run = whole(guest)
    for step in range(run.last + 1):
        run.seek(step)
        assert run.sentence(lang) and run.panels(lang)
        scene = run.picture(shape, lang)
        for node in scene:
            if node["shape"] == "text" and node.get("text"):
                width = len(node["text"]) * node["size"] * 0.55
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0.0)
                assert left > -8 and left + width < scene.width + 8, node


@pytest.mark.usefixtures("small")
def test_a_dropped_shadow_makes_switches_dear_and_a_kept_one_hardly() -> None:
    kept, dropped = whole("switch"), whole("switch", roots="dropped")
    for row, other in zip(gains(kept), gains(dropped), strict=True):
        assert row[0] == other[0]  # without switches there is no difference
        assert all(more > less + 5 for more, less in zip(other[1:], row[1:], strict=True))
    assert max(max(row) for row in gains(kept)) < 42
    dropped.seek(3)
    assert "entries of the shadow" in "".join(part["text"] for part in dropped.sentence("en"))
    bars = next(panel for panel in dropped.panels("en") if panel["id"] == "cell")["rows"]
    assert any(row["key"].endswith("shadow.refill") and row["value"] for row in bars)


@pytest.mark.usefixtures("small")
def test_where_processes_come_and_go_there_are_new_pages_and_switches_and_nested_wins() -> None:
    kept, dropped = whole("fork"), whole("fork", roots="dropped")
    for run in (kept, dropped):
        for row in gains(run):
            assert row == sorted(row) and row[-1] > 50
    for one, other in zip(kept.measured, dropped.measured, strict=True):
        # The same accesses: as many new pages and switches, but refills in one of them only.
        assert (one.shadow.touched, one.shadow.switches) == (
            other.shadow.touched, other.shadow.switches)
        assert one.shadow.refills == 0
    few = kept.measured[1].shadow
    assert few.switches == pytest.approx(few.accesses / 10**6 * 10_000 / 30, abs=1)
    assert dropped.measured[1].shadow.refills > 0


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lang", ["en", "hu"])
def test_the_whole_map_says_how_it_compares_with_each_published_figure(lang: str) -> None:
    run = whole()
    run.seek(run.total)
    panels = {panel["id"]: panel for panel in run.panels(lang)}
    text = "".join(part["text"] for part in panels["compared"]["segments"])
    assert all(name in text for _, name in PUBLISHED)
    gain = max(one.gain for one in run.measured)
    assert f"+{gain:.0f} %" in text
    run.seek(1)
    assert "compared" not in {panel["id"] for panel in run.panels(lang)}


def test_the_warm_up_leaves_no_first_touch_for_a_stream_that_changes_nothing() -> None:
    point = Point(stream="uniform", accesses=3_000, pages=300, spaces=2, turn=500)
    for technique in ("native", "shadow", "nested"):
        one = measure_steady(Point(**{**asdict(point), "technique": technique}))
        assert one.touched == 0 and one.switches == 5
        assert one.event_cycles == 0 if technique != "shadow" else one.event_cycles > 0
    assert sum(len(piece) for piece in warm_up(point)) == 600


def asdict(point: Point) -> dict[str, object]:
    return {name: getattr(point, name) for name in point.__dataclass_fields__}


def test_from_the_first_access_on_every_page_is_touched_and_backed() -> None:
    point = Point(technique="nested", stream="loop", accesses=500, pages=100)
    one = measure_pieces(point, stream("loop", 500, None))
    assert one.touched == 500 and one.event_cycles > 0


def test_a_dropped_trace_is_measured_with_both_techniques_and_page_sizes() -> None:
    lines = ["address,kind"] + [f"{0x400000 + 4096 * (n * 7 % 300)},r" for n in range(900)]
    session = Session()
    data = base64.b64encode("\n".join(lines).encode()).decode()
    assert session.handle({"op": "drop", "name": "walk.csv", "data": data})["ok"]
    load = {"op": "load", "lab": "where-nested-wins", "guest": "trace"}
    frame = session.handle(load)["frame"]
    while not frame["ended"]:
        answer = session.handle({"op": "run", "steps": 100})
        assert answer["ok"]
        frame = answer["frame"]
    assert frame["last"] == 6
    assert any(panel["id"] == "trace" for panel in frame["panels"])


def test_without_a_trace_the_lab_says_what_to_do() -> None:
    run = LAB.open(LAB.setup("trace", None, {}, None))
    assert run.ended and run.last == 0
    assert "Drop a trace file" in "".join(part["text"] for part in run.sentence("en"))
    assert run.picture("wide", "en") and run.panels("hu")


def test_opening_the_lab_needs_no_numpy_until_a_cell_is_measured() -> None:
    code = (
        "import sys\nfrom ringside.session import Session\n"
        "s = Session(); a = s.handle({'op': 'load', 'lab': 'where-nested-wins'})\n"
        "assert a['ok'], a\nassert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_the_legend_leaves_room_for_its_words(shape: str, lang: str) -> None:
    scene = LAB.open(LAB.setup("churn", None, {}, None)).picture(shape, lang)
    first, second = scene["legend:0"], scene["legend:1:box"]
    end = first["x"] + 0.62 * first["size"] * len(first["text"])
    assert end < second["x"] or first["y"] < second["y"]
    last = scene["legend:1"]
    assert last["x"] + 0.62 * last["size"] * len(last["text"]) <= scene.width
    title = scene["title"]
    right = title["x"] + 0.6 * title["size"] * len(title["text"])
    assert right < scene["legend:0:box"]["x"] or title["y"] < scene["legend:0:box"]["y"]
