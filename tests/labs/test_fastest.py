"""The lab "Which is fastest?" shows the model's figures, the paper's, and the cross-over."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.labs.fastest import FIGURES, GENERATIONS, LAB, FiguresRun, GenerationsRun
from ringside.labs.lab import InputError, Run
from ringside.measure.predict import predictions
from ringside.measure.published import BENCHMARKS, PUBLISHED, SYSTEMS
from ringside.trace.presets import PRESETS, preset


def open_run(view: str, guest: str = "nano_pgfault", **options: str) -> Run:
    return LAB.open(LAB.setup(guest, view, options, None))


def told(run: Run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def nodes(run: Run, shape: str = "wide") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, "en")}


def number(text: str) -> int:
    return int(text.replace("\u202f", ""))


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_at_the_end_all_21_figures_stand_beside_the_published_ones(shape: str) -> None:
    run = open_run(FIGURES)
    assert run.last == 21
    run.seek(21)
    drawn = nodes(run, shape)
    for one in predictions():
        key = f"bar:{one.benchmark}:{one.system}"
        assert number(drawn[f"{key}:value"]["text"]) == round(one.cycles)
        assert number(drawn[f"{key}:known"]["text"]) == PUBLISHED[one.key].cycles
        assert f"{key}:bar" in drawn and f"{key}:published" in drawn


def test_a_longer_bar_is_always_more_cycles() -> None:
    run = open_run(FIGURES)
    run.seek(21)
    drawn = nodes(run)
    bars = sorted((one.cycles, drawn[f"bar:{one.benchmark}:{one.system}:bar"]["w"])
                  for one in predictions())
    widths = [width for _, width in bars]
    assert widths == sorted(widths)


def test_the_frame_is_around_the_benchmark_of_the_sentence() -> None:
    run = open_run(FIGURES, "nano_pgfault")
    for step in range(1, 22):
        run.seek(step)
        boxed = [key for key in nodes(run) if key.startswith("bench:") and key.endswith(":box")]
        name = BENCHMARKS[(step - 1) // len(SYSTEMS)]
        assert boxed == [f"bench:{name}:box"]
        shown = next(panel for panel in run.panels("en") if panel["id"] == "measured")
        assert f"nano/{name}.asm" in shown["title"]


def test_a_step_measures_one_more() -> None:
    run = open_run(FIGURES)
    for step in range(22):
        run.seek(step)
        assert sum(key.endswith(":bar") for key in nodes(run)) == step


def test_what_is_far_off_is_said_with_its_reason_in_both_languages() -> None:
    run = open_run(FIGURES)
    assert run.find("far", 1) and run.step == 1 + BENCHMARKS.index("cr8wr") * 3 + 1
    assert "off by a factor of 2.5" in told(run)
    why = next(panel for panel in run.panels("en") if panel["id"] == "why")
    assert "CLI and STI stand for it" in why["segments"][0]["text"]
    assert "2,5-szeres" in told(run, "hu")
    assert not run.find("far", 1)


def test_a_given_figure_is_not_sold_as_a_prediction() -> None:
    run = open_run(FIGURES)
    run.seek(1)
    assert "itself a price here, so this is no prediction" in told(run)
    run.seek(2)
    assert "Published: 2\u202f242" in told(run)


def test_every_price_shown_names_its_source() -> None:
    run = open_run(FIGURES)
    run.seek(3 * BENCHMARKS.index("pgfault") + 3)
    bill = next(panel for panel in run.panels("en") if panel["id"] == "bill")
    assert len(bill["rows"]) >= 5
    assert all(row["tip"].split(": ", 1)[1] for row in bill["rows"])


def test_another_processor_reprices_at_once() -> None:
    old, new = open_run(FIGURES), open_run(FIGURES, preset="haswell")
    for run in (old, new):
        run.seek(21)
    before, after = nodes(old), nodes(new)
    key = "bar:in:hardware"
    assert number(after[f"{key}:value"]["text"]) < number(before[f"{key}:value"]["text"])
    assert after[f"{key}:known"]["text"] == before[f"{key}:known"]["text"]
    assert "those of the Pentium 4" in told(new)


def test_at_page_faults_hardware_overtakes_and_the_picture_says_from_where() -> None:
    run = open_run(GENERATIONS)
    assert isinstance(run, GenerationsRun) and run.last == len(PRESETS)
    assert run.find("crossover", 1)
    assert "From here on the hardware VMM is faster" in told(run)
    assert "crossing" in nodes(run)
    run.seek(run.step - 1)
    assert "crossing" not in nodes(run)
    assert "faster" not in told(run)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_each_point_is_counted_events_times_that_processor_s_prices(benchmark: str) -> None:
    run = open_run(GENERATIONS, f"nano_{benchmark}")
    assert isinstance(run, GenerationsRun)
    for processor, cycles in run.points:
        found = {one.system: one.cycles for one in predictions(processor)
                 if one.benchmark == benchmark}
        assert {name: cycles[name] for name in SYSTEMS} == found


def test_points_lie_higher_the_more_cycles_they_are() -> None:
    run = open_run(GENERATIONS)
    assert isinstance(run, GenerationsRun)
    run.seek(run.last)
    drawn = nodes(run)
    places = sorted((cycles, -drawn[f"point:{name}:{n}"]["y"])
                    for n, (_, points) in enumerate(run.points) for name, cycles in points.items())
    assert [place for _, place in places] == sorted(place for _, place in places)


def test_where_nothing_crosses_nothing_is_claimed() -> None:
    run = open_run(GENERATIONS, "nano_in")
    run.seek(run.last)
    assert not run.find("crossover", -1)
    assert "crossing" not in nodes(run)


def test_another_assumption_about_the_other_prices_moves_the_lines_and_is_named() -> None:
    flat, falling = open_run(GENERATIONS), open_run(GENERATIONS, rest="half")
    assert isinstance(flat, GenerationsRun) and isinstance(falling, GenerationsRun)
    assert falling.points[0][1] == flat.points[0][1]  # the Pentium 4 was measured
    for (_, one), (processor, other) in zip(flat.points[1:], falling.points[1:], strict=True):
        assert all(other[name] < one[name] for name in SYSTEMS)
        trip = ("vmresume", "exit #PF", "vmread")
        assert all(processor.prices[name].confidence == "reported" for name in trip)
    assert "half the Pentium 4's" in str(falling.panels("en"))


def test_the_assumption_behind_the_flat_line_is_written_beside_it() -> None:
    run = open_run(GENERATIONS)
    text = str(run.panels("en"))
    assert "flat by assumption" in text


@pytest.mark.parametrize("view", [FIGURES, GENERATIONS])
@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_every_text_ends_inside_the_picture(view: str, shape: str, lang: str) -> None:
    run = open_run(view)
    for step in (0, 1, run.last // 2, run.last):
        run.seek(step)
        scene = run.picture(shape, lang)
        for node in scene:
            if node["shape"] == "text":
                letter = 0.6 if "value" in node["cls"] else 0.55
                width = len(node["text"]) * node["size"] * letter
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0)
                assert left > -6 and left + width < scene.width + 6, (step, node["text"])


@pytest.mark.parametrize("view", [FIGURES, GENERATIONS])
@pytest.mark.parametrize(
    ("guest", "code"), [("nano_in", "in al, 0x80"), ("nano_cr8wr", "cli; sti")])
def test_the_code_that_is_measured_is_shown(view: str, guest: str, code: str) -> None:
    run = open_run(view, guest)
    if view == FIGURES:  # there the step says which, here the choice does
        run.seek(1 + 3 * list(BENCHMARKS).index(guest.removeprefix("nano_")))
    panel = next(panel for panel in run.panels("hu") if panel["id"] == "measured")
    assert "".join(part["text"] for part in panel["segments"]).endswith(code)
    boxed = [key for key in nodes(run) if key.startswith("bench:") and key.endswith(":box")]
    assert boxed == ([f"bench:{guest.removeprefix('nano_')}:box"] if view == FIGURES else [])


def test_both_views_refuse_what_they_cannot_do() -> None:
    for view in (FIGURES, GENERATIONS):
        run = open_run(view)
        with pytest.raises(InputError):
            run.receive("x")
        with pytest.raises(InputError):
            run.find("nothing", 1)
        with pytest.raises(InputError):
            run.set_breakpoints([{"kind": "trap"}])


def test_the_verdict_counts_what_the_model_gets_right() -> None:
    run = open_run(FIGURES)
    assert isinstance(run, FiguresRun)
    text = str(next(panel for panel in run.panels("en") if panel["id"] == "verdict"))
    assert "201 of 201" in text and "20 of 21" in text
    assert preset("prescott") in PRESETS


def test_a_price_of_one_s_own_moves_what_is_charged_it_and_nothing_else() -> None:
    run = open_run(FIGURES, **{"price.callout": "10"})
    assert isinstance(run, FiguresRun)
    for one, published in zip(run.found, predictions(), strict=True):
        callouts = sum(count for name, count, *_ in published.lines if name == "callout")
        assert one.cycles == pytest.approx(published.cycles - callouts * (1254 - 10))
    run.seek(1)
    panel = next(panel for panel in run.panels("hu") if panel["id"] == "prices")
    (mine,) = (row for row in panel["rows"] if row["tone"])
    assert (mine["option"], mine["value"], mine["usual"]) == ("price.callout", "10", "1254")
    assert "a tiéd, 1254 helyett (közölt" in mine["note"]
    assert "saját árakkal" in str(list(run.picture("wide", "hu")))


def test_a_published_price_that_was_changed_makes_a_prediction_of_what_was_given() -> None:
    run = open_run(FIGURES, **{"price.system-call": "500"})
    run.seek(1)
    assert "no prediction" not in told(run)
    assert "505 cycles. Published: 242" in told(run)
    usual = open_run(FIGURES)
    usual.seek(1)
    assert "no prediction" in told(usual)


def test_a_price_of_one_s_own_holds_on_every_processor_of_the_chart() -> None:
    run = open_run(GENERATIONS, "nano_in", **{"price.exit-io": "0", "price.vmresume": "0"})
    assert isinstance(run, GenerationsRun)
    known = open_run(GENERATIONS, "nano_in")
    assert isinstance(known, GenerationsRun)
    for (mine, cycles), (processor, published) in zip(run.points, known.points, strict=True):
        saved = processor.prices["exit io"].cycles + processor.prices["vmresume"].cycles
        assert cycles["hardware"] == pytest.approx(published["hardware"] - saved)
        assert mine.own == {"exit io", "vmresume"}
    run.seek(1)
    assert "coming back takes 1\u202f630 cycles" in told(run)
    assert "holds on every processor" in str(run.panels("en"))
