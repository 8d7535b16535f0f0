"""The lab "Phone": what the scheduler does to the radio's deadlines, and who may read what."""

from __future__ import annotations

import re

import pytest
from ringside.host.phone import RICH
from ringside.labs.phone import LAB
from ringside.session import Session


def at_end(policy: str, **options: str):
    run = LAB.open(LAB.setup(None, policy, options, None))
    run.seek(run.last)
    return run


def test_fixed_priority_meets_every_deadline() -> None:
    radio = at_end("fixed-priority").phone.radio
    assert radio.met > 20 and radio.missed == 0


def test_round_robin_with_30_ms_slices_misses_most_gsm_frames() -> None:
    radio = at_end("round-robin").phone.radio
    assert radio.missed > radio.met > 0


def test_shorter_slices_miss_fewer_frames() -> None:
    long, short = (at_end("round-robin", slice=ms).phone.radio for ms in ("30", "1"))
    assert short.missed * long.met < long.missed * max(short.met, 1)


@pytest.mark.parametrize("policy", ["round-robin", "fixed-priority"])
def test_the_rich_system_cannot_read_the_radios_memory(policy: str) -> None:
    run = at_end(policy)
    run.seek(0)
    assert run.find("denied", 1)
    assert "empty bus" in "".join(part["text"] for part in run.sentence("en"))
    radio, rich = run.phone.vms
    assert not set(radio.allotment.hfns) & set(rich.allotment.hfns)
    run.seek(run.last)
    assert "I read 4294967295" in rich.console


def test_an_event_looks_the_same_however_it_was_reached() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "phone"})
    direct = session.handle({"op": "frame", "step": 17})["frame"]
    for step in (30, 2, 18):
        session.handle({"op": "frame", "step": step})
    assert session.handle({"op": "frame", "step": 17})["frame"] == direct


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("lang", ["en", "hu"])
def test_every_event_has_a_picture_and_a_sentence(shape: str, lang: str) -> None:
    run = at_end("fixed-priority")
    for step in range(40):
        run.seek(step)
        keys = {node["key"] for node in run.picture(shape, lang)}
        assert {"radio", "rich", "vmm", "strip"} <= keys
        assert run.sentence(lang)


def test_a_link_opens_at_an_event_that_was_not_known_when_the_lab_was_opened() -> None:
    session = Session()
    last = session.handle({"op": "load", "lab": "phone"})["frame"]["last"]
    frame = session.handle({"op": "load", "lab": "phone", "step": last + 3})["frame"]
    assert frame["step"] == last + 3


def test_the_next_missed_frame_is_found_in_unknown_ground() -> None:
    run = at_end("round-robin")
    known = run.last
    assert run.find("missed", 1) and run.step > known


def test_a_frame_is_said_to_be_lost_to_the_rich_system_only_if_that_one_ran() -> None:
    run = at_end("round-robin")
    run.seek(0)
    while run.find("missed", 1) and run.step < 30:
        said = "".join(part["text"] for part in run.sentence("en"))
        lost = [f for f in run.phone.radio.frames if f.state == "missed" and f.answered < 0]
        deadline = lost[-1].begun + run.phone.radio.budget
        holder = [who for begun, who in run.phone.vmm.log if begun <= deadline][-1]
        assert ("did not have the processor" in said) == ("unanswered" in said and holder == RICH)


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("frame", ["gsm", "lte", "slow"])
def test_the_strip_shows_a_dozen_frames_wide_enough_for_their_numbers(
    frame: str, shape: str
) -> None:
    run = at_end("fixed-priority", frame=frame)
    scene = run.picture(shape, "en")
    windows = [node for node in scene if node["key"].endswith(":window")]
    numbers = [node for node in scene if re.fullmatch(r"frame:\d+:number", node["key"])]
    assert len(windows) in (12, 13, 14)
    assert len(numbers) >= len(windows) - 2


@pytest.mark.parametrize(("frame", "length"), [("gsm", 55.4), ("lte", 12), ("slow", 240)])
def test_the_ends_of_the_strip_are_labelled_with_real_times(frame: str, length: float) -> None:
    run = at_end("round-robin", frame=frame)
    scene = run.picture("wide", "en")
    start, end = (float(scene[f"strip:{at}"]["text"].split()[0]) for at in ("start", "end"))
    assert end == pytest.approx(run.phone.time / 1000, abs=0.06)
    assert end - start == pytest.approx(length, abs=0.11)


@pytest.mark.parametrize("frame", ["gsm", "lte", "slow"])
@pytest.mark.parametrize("policy", ["round-robin", "fixed-priority"])
def test_what_is_known_at_once_holds_the_refused_access_and_several_frames(
    frame: str, policy: str
) -> None:
    run = at_end(policy, frame=frame)
    radio, known = run.phone.radio, run.last
    assert radio.met + radio.missed >= 12
    run.seek(0)
    assert run.find("denied", 1) and run.step < known


def test_far_events_are_no_dearer_than_near_ones() -> None:
    run = at_end("fixed-priority", frame="lte")
    run.seek(run.last + 1500)
    assert len(run.phone.radio.frames) <= 256
    marks = run.timeline()["marks"]
    assert len(marks) <= 3 * 401


def test_hungarian_numbers_have_a_decimal_comma() -> None:
    run = at_end("fixed-priority")
    run.seek(0)
    assert run.find("deadline", 1)
    assert re.search(r"\d,\d+ ms", "".join(part["text"] for part in run.sentence("hu")))
