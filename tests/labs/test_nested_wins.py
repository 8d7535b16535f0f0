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
from ringside.labs.nested_wins import LAB, PUBLISHED
from ringside.session import Session


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer accesses and less memory, so that a map is quick."""
    monkeypatch.setattr(nested_wins, "ACCESSES", 6_000)
    monkeypatch.setattr(nested_wins, "PAGES", (256, 8_192))
    monkeypatch.setattr(
        nested_wins, "RATES", {"churn": (0, 10_000, 100_000), "switch": (0, 1_000, 10_000)})


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
    for number, name in run._marks().items():
        figures = [figure for figure, title in PUBLISHED if title in name]
        assert figures
        assert all(abs(run.measured[number].gain - f) <= f / 10 for f in figures)
    text = "".join(part["text"] for panel in run.panels("en") if panel["id"] == "published"
                   for part in panel["segments"])
    assert all(figure in text for figure in ("42 %", "48 %", "500 %", "600 %", "2009"))


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
@pytest.mark.parametrize("guest", ["churn", "switch"])
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
