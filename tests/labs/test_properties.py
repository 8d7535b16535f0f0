"""The lab "Three properties" shows what was measured, and nothing else."""

from __future__ import annotations

from threading import Thread

import pytest
from ringside.labs.lanes import compare_guest
from ringside.labs.measuring import PLAN, PropertiesRun, state_of
from ringside.labs.properties import GUESTS, LAB
from ringside.properties.efficiency import efficiency
from ringside.properties.report import efficient
from ringside.properties.subjects import HOSTILE, PROCESSOR, SUBJECTS
from ringside.session import Session
from ringside.trace.cost import DEVICE_PRICES


@pytest.fixture(scope="module")
def run() -> PropertiesRun:
    opened = LAB.open(LAB.setup(None, None, None, None))
    assert isinstance(opened, PropertiesRun)
    return opened


def test_every_subject_is_measured_in_every_way(run: PropertiesRun) -> None:
    assert run.last == len(PLAN) == len(SUBJECTS) * (2 + len(HOSTILE))


def test_each_mark_is_the_measurement_of_its_step(run: PropertiesRun) -> None:
    signs = {"good": "✓", "wrong": "✗", "seen": "~"}
    run.seek(18)
    scene = run.picture("wide", "en")
    for number, measurement in enumerate(PLAN, 1):
        key = f"mark:{measurement.subject.id}:{measurement.what}"
        if number <= 18 and measurement.what != "efficiency":
            sign = scene[f"{key}:sign"]["text"]
            assert sign == signs[state_of(measurement.make("popf"))]
        elif number > 18:
            assert scene[f"{key}:sign"]["text"] == "·"


def test_the_loss_of_equivalence_is_found_and_spoken_of(run: PropertiesRun) -> None:
    run.seek(1)
    assert run.find("technique", 1)
    assert run.measurement is not None and run.measurement.subject.id == "trap-and-emulate"
    spoken = "".join(part["text"] for part in run.sentence("en"))
    assert "POPF" in spoken and "IF is 0 instead of 1" in spoken
    assert run.picture("wide", "en")["evidence:difference"]["text"] == "IF: 0, bare metal 1"
    assert "popf" in run.picture("tall", "hu")["evidence:instruction"]["text"]


def test_stepping_back_gives_the_very_same_picture(run: PropertiesRun) -> None:
    run.seek(12)
    before = run.picture("wide", "en").as_dict(), run.sentence("hu"), run.panels("en")
    run.seek(15)
    run.seek(12)
    assert (run.picture("wide", "en").as_dict(), run.sentence("hu"), run.panels("en")) == before


def test_no_two_rows_of_what_was_measured_have_one_name(run: PropertiesRun) -> None:
    rows = next(panel for panel in run.panels("en") if panel["id"] == "done")["rows"]
    assert len({row["name"] for row in rows}) == len(rows) == len(SUBJECTS)


def test_a_guest_that_sees_the_vmm_gets_a_caveat_and_a_plain_sentence(run: PropertiesRun) -> None:
    spying = next(step for step, one in enumerate(PLAN, 1)
                  if one.what == "hostile_spy" and one.subject.id == "trap-and-emulate")
    run.seek(spying)
    scene = run.picture("wide", "en")
    assert scene["mark:trap-and-emulate:hostile_spy:sign"]["text"] == "~"
    assert scene["evidence:saw"]["text"].startswith("6 answers showed it the VMM")
    assert "a hostile guest: asks the processor" in "".join(
        part["text"] for part in run.sentence("en"))


@pytest.mark.parametrize("lang", ["en", "hu"])
def test_every_measurement_has_a_sentence_and_evidence(run: PropertiesRun, lang: str) -> None:
    for step in range(1, run.last + 1):
        run.seek(step)
        assert len("".join(part["text"] for part in run.sentence(lang))) > 40
        assert any(node["key"].startswith("evidence:") for node in run.picture("tall", lang))


def test_the_hostile_guests_can_be_stepped_in_the_rings_lab() -> None:
    session = Session()
    for crime in HOSTILE:
        for technique in ("trap-and-emulate", "paravirtualization"):
            answer = session.handle({
                "op": "load", "lab": "rings", "guest": crime, "technique": technique, "step": 60})
            assert answer["ok"], answer
            assert answer["frame"]["sentence"]


def test_every_guest_of_the_menu_runs_under_every_technique() -> None:
    for guest in GUESTS:
        for one in SUBJECTS:
            assert one.image(guest).program


def test_unknown_kinds_and_breakpoints_are_refused() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "properties"})
    assert not session.handle({"op": "step", "by": "magic"})["ok"]
    assert not session.handle({"op": "breakpoints", "list": [{"kind": "trap"}]})["ok"]
    assert not session.handle({"op": "input", "text": "x"})["ok"]


def test_the_lab_the_command_and_the_comparison_say_the_same_figures(run: PropertiesRun) -> None:
    """One guest, one processor, one way to page: cycles without devices are one figure."""
    comparison = compare_guest(
        "popf", ["bare-metal", *(subject.id for subject in SUBJECTS)], ept=PROCESSOR.ept)
    comparison.seek(100_000)
    bare, *lanes = (lane.bill(PROCESSOR).without(DEVICE_PRICES).total
                    for lane in comparison.lanes)
    for subject, cycles in zip(SUBJECTS, lanes, strict=True):
        printed = efficient(efficiency(subject, "popf"), "en")
        step = next(step for step, one in enumerate(PLAN, 1)
                    if (one.subject, one.what) == (subject, "efficiency"))
        run.seek(step)
        spoken = "".join(part["text"] for part in run.sentence("en"))
        times = f"{cycles / bare:.1f}"
        assert f"({times} × bare metal)" in printed
        assert f"{times} times the" in spoken and "without what devices take" in spoken
        grouped, said = f"{cycles:,}".replace(",", "\u202f"), f"{cycles:,}"
        assert f"{said} cycles modelled" in printed
        assert f"{grouped}; bare metal" in run.picture("wide", "en")["evidence:cycles"]["text"]


def test_a_long_guest_is_gone_on_with_while_one_looks_and_can_be_left() -> None:
    session = Session()

    def frame(**request: object) -> dict:
        answer = session.handle(request)
        assert answer["ok"]
        return answer["frame"]

    def told(shown: dict) -> str:
        return "".join(part["text"] for part in shown["sentence"])

    first = frame(op="load", lab="properties", guest="matrix", step=1)
    assert first["unfinished"] == "20\u202f000 / 104\u202f653"
    assert "each of the first 20\u202f000 steps, and now and then up to" in told(first)
    on = frame(op="go on", steps=1_000)
    assert on["step"] == 1 and on["unfinished"].startswith("21\u202f000 / ")
    attack = frame(op="frame", step=2)
    assert attack["unfinished"] == ""
    assert frame(op="go on", steps=1_000) == attack
    assert frame(op="frame", step=1) == on
    assert frame(op="load", lab="properties", guest="popf", step=1)["unfinished"] == ""


def test_two_pages_that_measure_the_same_at_once_do_not_disturb_each_other() -> None:
    told: dict[int, str] = {}

    def measure(page: int) -> None:
        session = Session()
        session.handle({"op": "load", "lab": "properties", "guest": "matrix", "step": 1})
        for _ in range(20):
            frame = session.handle({"op": "go on", "steps": 100})["frame"]
        told[page] = "".join(part["text"] for part in frame["sentence"])

    pages = [Thread(target=measure, args=(page,)) for page in range(3)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert "each of the first 22\u202f000 steps" in told[0]
    assert told == dict.fromkeys(range(3), told[0])


def test_a_jump_to_what_is_lost_measures_a_little_for_each_request() -> None:
    run = LAB.open(LAB.setup("cli_sti", None, None, None))
    asked = 0
    while (found := run.find("wrong", 1)) is None:
        asked += 1
        assert run.step == 2 * asked
    assert found and asked > 3
    measured = [state_of(each.make("cli_sti")) for each in PLAN[: run.step]]
    assert measured[-1] == "wrong" and "wrong" not in measured[:-1]
