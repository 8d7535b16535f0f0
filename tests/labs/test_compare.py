"""The lab "Compare" shows what the lanes hold, and its words say it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from ringside.labs import compare
from ringside.labs.compare import LAB, CompareRun
from ringside.labs.lab import InputError
from ringside.measure.comparison import Comparison
from ringside.session import Session


@cache
def opened(guest: str, **options: str) -> CompareRun:
    run = LAB.open(LAB.setup(guest, None, options, None))
    assert isinstance(run, CompareRun)
    return run


def open_run(guest: str, **options: str) -> CompareRun:
    """The run at its beginning; opened once, for a run is exact wherever one comes from."""
    run = opened(guest, **options)
    run.seek(0)
    return run


def told(run: CompareRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def nodes(run: CompareRun, shape: str = "wide") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, "en")}


def number(text: str) -> int:
    return int(text.replace("\u202f", ""))


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_there_is_a_lane_for_each_technique_bare_metal_first(shape: str) -> None:
    run = open_run("popf")
    run.seek(40)
    drawn = nodes(run, shape)
    titles = [key for key in drawn if key.endswith(":title") and key.startswith("lane:")]
    assert titles == [f"lane:{lane.technique}:title" for lane in run.lanes]
    assert titles[0] == "lane:bare-metal:title" and len(titles) >= 5


def test_the_bars_are_as_long_as_the_cycles() -> None:
    run = open_run("popf")
    run.seek(60)
    drawn = nodes(run)
    for lane in run.lanes[1:]:
        key = f"lane:{lane.technique}"
        bar, track = drawn[f"{key}:bar"], drawn[f"{key}:track"]
        cycles = number(drawn[f"{key}:cycles"]["text"])
        scale = run.view("en").scale
        assert bar["w"] / track["w"] == pytest.approx(cycles / scale, abs=0.01)


def test_the_token_is_in_the_real_ring() -> None:
    run = open_run("popf")
    for step in (40, 45, 48):
        run.seek(step)
        for lane in run.lanes:
            rings = f"lane:{lane.technique}:ring:"
            current = [key for key, node in nodes(run).items()
                       if key.startswith(rings) and "current" in node["cls"]]
            ring = run.readers[lane.id].read().ring  # -1 in root mode, beside the guest's rings
            assert current == [f"{rings}{ring}"] * (ring >= 0)


def test_a_lane_says_who_is_at_work_before_the_next_instruction() -> None:
    run = open_run("popf")
    run.seek(43)
    drawn = nodes(run)
    assert drawn["lane:emulation:where"]["text"].startswith("VMM · 00102047")
    assert drawn["lane:bare-metal:where"]["text"].startswith("ring 0 · 00102047")
    assert drawn["lane:trap-and-emulate:where"]["text"].startswith("ring 1 · 00102047")
    assert "next instruction" in drawn["legend:note"]["text"]


@pytest.mark.parametrize("lang", ["en", "hu"])
def test_the_words_under_the_lanes_do_not_run_into_the_scale(lang: str) -> None:
    run = open_run("nanos")
    run.seek(run.last)
    scene = {node["key"]: node for node in run.picture("wide", lang)}
    note, end = scene["legend:note"], scene["scale:end"]
    assert note["x"] + 0.57 * note["size"] * len(note["text"]) < (
        end["x"] - 0.57 * end["size"] * len(end["text"]) / 2)


def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no guest can be started, and none taken a step further or back."""
    monkeypatch.setattr(compare, "compare_guest", None)
    monkeypatch.setattr(Comparison, "seek", None)


def prices_panel(frame: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (panel,) = (panel for panel in frame["panels"] if panel["id"] == "prices")
    return {row["option"]: row for row in panel["rows"]}


def test_a_price_of_one_s_own_changes_the_cycles_by_its_count_and_runs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session()
    load = {"op": "load", "lab": "compare", "guest": "popf", "step": 60}
    published = session.handle(load)["frame"]
    usual = prices_panel(published)["price.callout"]
    assert (usual["usual"], usual["value"], usual["tone"]) == ("1254", "", "")
    assert usual["note"].startswith("reported: AA06")
    nothing_runs(monkeypatch)
    dear = session.handle({**load, "options": {"price.callout": "2254"}})["frame"]
    run = session._run
    assert isinstance(run, CompareRun) and dear["step"] == 60
    (lane,) = (lane for lane in run.lanes if lane.id == "binary-translation")
    callouts = lane.exits["callout"]
    cycles = [number(next(node["text"] for node in frame["scene"]["nodes"]
                          if node["key"] == "lane:binary-translation:cycles"))
              for frame in (published, dear)]
    assert callouts > 0 and cycles[1] - cycles[0] == 1000 * callouts
    row = prices_panel(dear)["price.callout"]
    assert (row["value"], row["tone"]) == ("2254", "yours")
    assert "yours, instead of 1254 (reported: AA06" in row["note"]
    assert "your prices" in str(dear["scene"]["nodes"])
    emptied = session.handle({**load, "options": {"price.callout": ""}})["frame"]
    assert emptied == published


@pytest.mark.parametrize("value", ["-1", "1e3", "1000001", "nan", "٣", "1,5", " 5", "5."])
def test_what_is_not_a_price_is_refused_with_the_range(value: str) -> None:
    answer = Session().handle({"op": "load", "lab": "compare", "options": {"price.callout": value}})
    assert not answer["ok"] and "from 0 to 1000000" in answer["error"]["message"]


def test_the_virtualizable_processor_is_a_lane_of_its_own_and_stays_equal() -> None:
    run = open_run("popf", isa="virtualizable")
    run.seek(60)
    assert [lane.id for lane in run.lanes if lane.technique == "trap-and-emulate"] == [
        "trap-and-emulate/virtualizable"]
    assert not any(lane.difference for lane in run.lanes)
    assert nodes(run)["lane:trap-and-emulate:title"]["text"].endswith(", virtualizable")


def test_changing_the_processor_in_a_session_runs_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session()
    load = {"op": "load", "lab": "compare", "guest": "popf", "step": 60}
    first = session.handle({**load, "options": {"preset": "westmere"}})["frame"]
    nothing_runs(monkeypatch)
    for preset, devices in (
            ("haswell", "without"), ("haswell", "with"), ("prescott", "without"),
            ("westmere", "without")):
        again = session.handle({**load, "options": {"preset": preset, "devices": devices}})
        assert again["ok"] and again["frame"]["step"] == 60
        same = (preset, devices) == ("westmere", "without")
        assert (again["frame"]["scene"] == first["scene"]) == same


def test_a_processor_without_ept_is_not_given_any() -> None:
    exits = {}
    for preset in ("merom", "westmere"):
        run = open_run("page_fault", preset=preset)
        run.seek(200)
        exits[preset] = run.lanes[-1].exits
        title = nodes(run)["lane:hardware-assist:title"]["text"]
        assert title.endswith("EPT" if preset == "westmere" else "shadow")
    assert "EPT violation" in exits["westmere"] and "#PF" not in exits["westmere"]
    assert "#PF" in exits["merom"] and "EPT violation" not in exits["merom"]


def test_the_divergence_is_found_named_and_marked() -> None:
    run = open_run("popf")
    assert run.find("diverge", 1)
    assert run.step == 53
    assert "Trap & emulate parts from bare metal: IF is 0 instead of 1" in told(run)
    assert "wrong" in nodes(run)["lane:trap-and-emulate:box"]["cls"]
    equal = next(panel for panel in run.panels("en") if panel["id"] == "equivalence")
    assert equal["tone"] == "wrong" and "popf" in "".join(s["text"] for s in equal["segments"])
    run.seek(52)
    assert "parts" not in told(run)
    assert "wrong" not in nodes(run)["lane:trap-and-emulate:box"]["cls"]
    assert not run.find("diverge", -1)


def test_a_lane_that_is_not_compared_is_left_out_in_words() -> None:
    run = open_run("popf")
    run.seek(6)
    assert not all(lane.compared for lane in run.lanes)
    for lang, left_out in (("en", "Not compared: Paravirtualization."),
                           ("hu", "Nem vetjük össze: Paravirtualizáció.")):
        panel = next(one for one in run.panels(lang) if one["id"] == "equivalence")
        assert left_out in "".join(part["text"] for part in panel["segments"])
    assert "all that are compared held" in str(run.panels("en"))


def test_stepping_back_shows_what_was_there() -> None:
    run = open_run("cli_sti")
    shown = {}
    for step in range(40, 55):
        run.seek(step)
        shown[step] = (run.picture("wide", "en").as_dict(), told(run), run.panels("en"))
    for step in reversed(range(40, 55)):
        run.seek(step)
        assert (run.picture("wide", "en").as_dict(), told(run), run.panels("en")) == shown[step]


def test_the_sentence_says_what_the_step_has_added_to_those_that_took_it() -> None:
    run = open_run("popf")
    run.seek(41)
    before = {lane.id: run.cycles(lane)[1] for lane in run.lanes}
    run.seek(42)
    for lane in run.lanes:
        added = round(run.cycles(lane)[1] - before[lane.id])
        if lane.compared:  # a ported guest takes another instruction
            assert f"+{added:,}".replace(",", "\u202f") in told(run)


def test_another_processor_changes_cycles_and_nothing_else() -> None:
    old, new = open_run("popf", preset="westmere"), open_run("popf", preset="haswell")
    for run in (old, new):
        run.seek(60)
    one, other = old.view("en").lanes, new.view("en").lanes
    assert [lane.facts for lane in one] == [lane.facts for lane in other]
    last = one[-1].key
    assert last == "hardware-assist" and other[-1].cycles < one[-1].cycles


def test_device_time_is_left_out_unless_asked_for() -> None:
    without, with_ = open_run("port_io"), open_run("port_io", devices="with")
    for run in (without, with_):
        run.seek(60)
    assert without.view("en").lanes[0].cycles == 60
    assert with_.view("en").lanes[0].cycles > 10_000


def test_a_jump_to_a_divergence_that_is_not_there_goes_on_from_request_to_request() -> None:
    session = Session()
    assert session.handle({"op": "load", "lab": "compare", "guest": "nano_callret"})["ok"]
    asked = {"op": "step", "direction": 1, "by": "diverge"}
    steps = []
    while (answer := session.handle(asked))["more"]:
        assert answer["ok"] and not answer["found"]
        steps.append(answer["frame"]["step"])
        assert len(steps) < 10
    assert not answer["found"] and answer["frame"]["ended"]
    assert steps == sorted(set(steps))


def test_when_some_have_ended_the_instruction_told_is_of_one_that_goes_on() -> None:
    run = open_run("popf")
    run.seek(1_400)
    assert run.comparison.reference.system.outcome is not None
    (going,) = (lane for lane in run.lanes if lane.system.outcome is None)
    assert going.id == "trap-and-emulate"
    seen = run.readers[going.id]
    comes = run.listing.text(seen.linear, seen.peek, seen.code_bits)
    where = nodes(run)["lane:trap-and-emulate:where"]["text"]
    assert comes in where and "wrong" in nodes(run)["lane:trap-and-emulate:box"]["cls"]
    run.seek(1_401)
    assert told(run).startswith(f"{comes}: Trap & emulate +")


def test_before_the_first_step_nothing_is_said_to_be_equal() -> None:
    run = open_run("cli_sti")
    shown = []
    for step in (0, 1, 2):
        run.seek(step)
        panel = next(one for one in run.panels("en") if one["id"] == "equivalence")
        shown.append((panel["tone"], "".join(part["text"] for part in panel["segments"])))
    assert [tone for tone, _ in shown] == ["", "good", "good"]
    assert "are compared after every guest step" in shown[0][1]
    assert "After 1 guest step" in shown[1][1] and "After each of 2 guest steps" in shown[2][1]


def test_exits_can_be_gone_along_both_ways() -> None:
    run = open_run("sieve")
    assert run.find("exit", 1)
    first = run.step
    assert run.find("exit", 1) and run.step > first
    assert run.find("exit", -1) and run.step == first
    assert sum(sum(lane.exits.values()) for lane in run.lanes) > 0
    run.seek(first - 1)
    assert not run.find("exit", -1) or run.step < first


def test_a_run_ends_when_all_have_ended() -> None:
    run = open_run("nano_callret")
    run.seek(10_000)
    assert run.ended and run.step == run.last == 410
    assert "come to their end" in told(run)
    assert run.outcome("en") == "all ended"
    run.seek(400)
    assert run.step == 400 and run.ended


def test_there_is_nothing_to_type_at_and_no_such_kind() -> None:
    run = open_run("popf")
    with pytest.raises(InputError):
        run.receive("x")
    with pytest.raises(InputError):
        run.set_breakpoints([{"kind": "trap"}])
    with pytest.raises(InputError):
        run.find("nothing", 1)


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("options", [
    {}, {"isa": "virtualizable", "price.callout": "1000000"},
    {"preset": "westmere", "paging": "both"}])
def test_every_text_ends_inside_the_picture(
    shape: str, lang: str, options: dict[str, str]
) -> None:
    run = open_run("popf", **options)
    for step in (0, 1, 53, 300):
        run.seek(step)
        scene = run.picture(shape, lang)
        for node in scene:
            if node["shape"] == "text":
                letter = 0.6 if "mono" in node["cls"] or "value" in node["cls"] else 0.55
                width = len(node["text"]) * node["size"] * letter
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0)
                assert left > -6 and left + width < scene.width + 6, node["text"]


def test_the_session_opens_it_at_a_step() -> None:
    answer = Session().handle({"op": "load", "lab": "compare", "guest": "popf", "step": 53})
    assert answer["ok"] and answer["frame"]["step"] == 53
    assert [mark for mark in answer["frame"]["timeline"]["marks"] if mark[1] == "diverge"] == [
        [53, "diverge"]]


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_ept_and_shadow_stand_side_by_side_on_a_processor_that_has_both(shape: str) -> None:
    run = open_run("page_fault", preset="westmere", paging="both")
    run.seek(200)
    drawn = nodes(run, shape)
    assert drawn["lane:hardware-assist/nested:title"]["text"] == "Hardware assist, EPT"
    assert drawn["lane:hardware-assist/shadow:title"]["text"] == "Hardware assist, shadow"
    exits = {lane.id: lane.exits for lane in run.lanes}
    assert "EPT violation" in exits["hardware-assist/nested"]
    assert "#PF" in exits["hardware-assist/shadow"]
    keys = [row["key"] for panel in run.panels("hu") for row in panel.get("rows", ())]
    assert len(set(keys)) == len(keys)
    before = open_run("page_fault", paging="both")  # no EPT there: one lane as ever
    assert [lane.id for lane in before.lanes][-1] == "hardware-assist/shadow"
    assert "lane:hardware-assist:title" in nodes(before, shape)
