"""The lab "Phone": what the scheduler does to the radio's deadlines, and who may read what."""

from __future__ import annotations

import pytest
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
