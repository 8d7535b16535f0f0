"""The session is the only door: JSON in, JSON out, and wrong input gets a clear refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.session import Session


def ask(session: Session, **request):
    answer = session.handle(request)
    json.dumps(answer)  # everything must be able to travel
    return answer


@pytest.fixture
def rings() -> Session:
    session = Session()
    assert ask(session, op="load", lab="rings")["ok"]
    return session


def test_the_catalogue_lists_labs_with_choices_in_both_languages() -> None:
    for lang in ("en", "hu"):
        answer = ask(Session(), op="catalogue", lang=lang)
        assert {lab["id"] for lab in answer["labs"]} >= {"rings", "walks"}
        for lab in answer["labs"]:
            assert lab["title"] and lab["question"]
            assert lab["techniques"] or lab["guests"] or lab["options"]
        assert answer["glossary"]


def test_stepping_forwards_and_back_gives_the_very_same_frame(rings: Session) -> None:
    first = ask(rings, op="frame", step=20)["frame"]
    ask(rings, op="step", direction=1)
    back = ask(rings, op="step", direction=-1)["frame"]
    assert back == first


def test_seeking_gives_the_same_frame_whatever_was_shown_before(rings: Session) -> None:
    direct = ask(rings, op="frame", step=57)["frame"]
    for step in (3, 80, 1, 56):
        ask(rings, op="frame", step=step)
    assert ask(rings, op="frame", step=57)["frame"] == direct


def test_jumping_by_kind_lands_on_a_trap(rings: Session) -> None:
    ask(rings, op="frame", step=0)
    answer = ask(rings, op="step", by="trap", direction=1)
    assert answer["found"]
    step = answer["frame"]["step"]
    assert [step, "trap"] in answer["frame"]["timeline"]["marks"]


def test_a_breakpoint_at_an_exit_reason_stops_the_run(rings: Session) -> None:
    ask(rings, op="frame", step=0)
    ask(rings, op="breakpoints", list=[{"exit": "#PF"}])
    answer = ask(rings, op="run", steps=1000)
    assert answer["stopped"]
    assert "#PF" in "".join(part["text"] for part in answer["frame"]["sentence"])


def test_an_edited_program_runs_at_once() -> None:
    session = Session()
    source = "org 0x100000\nstart: mov al, 'x'\nout 0xE9, al\ncli\nhlt\n"
    frame = ask(session, op="load", lab="rings", technique="bare-metal", source=source)["frame"]
    assert frame["last"] == 4 and frame["ended"]
    end = ask(session, op="frame", step=4)["frame"]
    console = next(panel for panel in end["panels"] if panel["id"] == "console")
    assert console["text"] == "x"


def test_errors_in_an_edited_program_come_with_line_and_column() -> None:
    answer = ask(Session(), op="load", lab="rings", source="mov eax\nfrob 1\n")
    assert not answer["ok"]
    assert {problem["line"] for problem in answer["problems"]} == {1, 2}
    assert all(problem["message"] for problem in answer["problems"])


@pytest.mark.parametrize(
    "request_",
    [
        None, [], 7, {}, {"op": "nope"}, {"op": "frame"}, {"op": "load"}, {"op": "load", "lab": 3},
        {"op": "load", "lab": "nope"}, {"op": "load", "lab": "rings", "guest": "nope"},
        {"op": "load", "lab": "rings", "technique": "nope"},
        {"op": "load", "lab": "walks", "options": {"nope": "1"}},
        {"op": "load", "lab": "walks", "options": [1]},
        {"op": "load", "lab": "walks", "source": "nop"},
        {"op": "load", "lab": "rings", "step": -1}, {"op": "load", "lab": "rings", "step": "3"},
        {"op": "catalogue", "lang": "de"}, {"op": "catalogue", "shape": "round"},
        {"op": "assemble"}, {"op": "assemble", "source": "x" * 300_000},
        {"op": "breakpoints", "list": "x"}, {"op": "run", "steps": 10**12}, {"op": "input"},
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_requests_are_refused_in_plain_words(request_) -> None:
    answer = Session().handle(request_)
    assert answer["ok"] is False
    assert answer["error"]["message"].endswith((".", "?"))


@pytest.mark.parametrize("point", [{}, {"address": -1}, {"kind": "nope"}, {"address": "x"}])
def test_wrong_breakpoints_are_refused(rings: Session, point) -> None:
    assert not ask(rings, op="breakpoints", list=[point])["ok"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
OPERATIONS = st.sampled_from(
    ["catalogue", "load", "frame", "step", "input", "breakpoints", "timeline", "source", "figure"])


@settings(max_examples=60, deadline=None)
@given(OPERATIONS, st.dictionaries(
    st.sampled_from(["lab", "guest", "technique", "options", "step", "by", "direction", "text",
                     "list", "lang", "shape", "source"]), JSON, max_size=4))
def test_no_request_ever_raises(op, fields) -> None:
    session = Session()
    session.handle({"op": "load", "lab": "walks"})
    assert session.handle({"op": op, **fields})["ok"] in (True, False)


def test_a_step_far_beyond_the_end_shows_the_end() -> None:
    session = Session()
    ask(session, op="load", lab="rings", technique="bare-metal")
    frame = ask(session, op="frame", step=10**9)["frame"]
    assert frame["ended"] and frame["step"] == frame["last"]
    assert frame["outcome"]


def test_a_guest_that_never_ends_is_run_in_slices() -> None:
    session = Session()
    source = "org 0x100000\nstart: jmp start\n"
    frame = ask(session, op="load", lab="rings", technique="bare-metal", source=source)["frame"]
    assert not frame["ended"]
    answer = ask(session, op="run", steps=50_000)
    assert not answer["stopped"] and answer["frame"]["step"] == 50_000


def test_the_figure_is_a_stand_alone_svg(rings: Session) -> None:
    svg = ask(rings, op="figure", step=10)["svg"]
    assert svg.startswith("<svg") and 'data-key="token"' in svg


@pytest.mark.parametrize("source", [
    "", "; nothing\n", "times 9000000 db 0\n", "org 0x7c00\ncli\nhlt\n",
    "org 0xfffffff0\ncli\nhlt\n", 'db "\ud800"\n'], ids=repr)
@pytest.mark.parametrize("technique", ["bare-metal", "trap-and-emulate"])
def test_a_program_that_cannot_be_loaded_is_refused_and_the_open_run_stays(
        rings: Session, source: str, technique: str) -> None:
    before = rings.handle({"op": "frame"})
    answer = ask(rings, op="load", lab="rings", technique=technique, source=source)
    assert not answer["ok"] and answer["error"]["message"].endswith(".")
    assert rings.handle({"op": "frame"}) == before


def test_typed_text_with_half_a_character_is_refused(rings: Session) -> None:
    assert not ask(rings, op="input", text="\ud800")["ok"]


def test_one_request_goes_only_so_far_and_the_next_goes_on() -> None:
    session = Session()
    source = "org 0x100000\nstart: jmp start\n"
    ask(session, op="load", lab="rings", technique="bare-metal", source=source)
    first = ask(session, op="frame", step=10**9)["frame"]
    assert not first["ended"] and 0 < first["step"] < 10**7
    assert ask(session, op="frame", step=10**9)["frame"]["step"] > first["step"]
