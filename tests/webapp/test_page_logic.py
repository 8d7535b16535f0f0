"""The page's own Python, as far as it needs no browser."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.labs.lab import InputError, Option
from ringside_web import chrome, keys, route
from ringside_web.choice import accepts, choose, put
from ringside_web.panels import panel_tree, segments, side
from ringside_web.player import SLICE_TIME, Player, next_slice
from ringside_web.tree import h, to_html
from ringside_web.words import WORDS, Words

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "webapp" / "ringside_web"
names = st.from_regex(r"[A-Za-z0-9._+:-]{1,40}", fullmatch=True)

CATALOGUE = {
    "labs": [
        {"id": "one", "title": "One",
         "guests": [{"id": "g", "title": "G"}, {"id": "k", "title": "K"}],
         "techniques": [{"id": "t", "title": "T"}], "kinds": [], "editable": False,
         "options": [{"id": "o", "title": "O", "default": "a",
                      "values": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]}]},
        {"id": "two", "title": "Two", "guests": [], "techniques": [], "kinds": [], "options": [],
         "editable": False},
    ],
}


@given(lab=names, guest=names, tech=names, step=st.integers(0, 10**9),
       options=st.dictionaries(names, names, max_size=3))
def test_a_state_survives_the_address(lab, guest, tech, step, options):
    state = {"lab": lab, "guest": guest, "tech": tech, "step": step, "lang": "hu",
             "options": options}
    read, problems = route.parse(route.build(state))
    assert problems == []
    assert read == state


@given(st.text(max_size=200))
def test_no_address_can_break_the_page(text):
    state, problems = route.parse(text)
    assert isinstance(state["options"], dict)
    assert route.parse(route.build(state))[0] == state
    assert all(len(problem) <= 40 for problem in problems)


@pytest.mark.parametrize("part", ["lab=", "step=-1", "step=two", "lang=xx", "%zz=1", "view=all"])
def test_what_is_not_understood_is_named(part):
    state, problems = route.parse(f"#lab=one&{part}")
    assert state["lab"] == "one"
    assert problems == [part]


def test_both_languages_have_the_same_words():
    assert WORDS["en"].keys() == WORDS["hu"].keys()


def test_every_word_the_page_says_is_written_down():
    import re

    known = set(WORDS["en"])
    for file in WEB.glob("*.py"):
        for word in re.findall(r'words\(\s*"([a-z.]+)"', file.read_text(encoding="utf-8")):
            assert word in known or word.endswith("."), f"{file.name} says {word!r}"


def test_every_key_has_an_action_the_page_knows():
    actions = (WEB / "actions.py").read_text(encoding="utf-8")
    for _, _, action, _ in keys.ROWS:
        assert f'"{action}":' in actions
    assert keys.action("3", False) == ("technique-number", "3")
    assert keys.action("ArrowLeft", True) == ("leap", "-1")
    assert keys.action("x", False) is None


def test_an_address_chooses_and_the_rest_is_usual():
    words = Words("en")
    lab, choice, problems = choose(CATALOGUE, {"guest": "k", "options": {"o": "b"}}, words)
    assert (lab["id"], choice["guest"], choice["technique"]) == ("one", "k", "t")
    assert choice["options"] == {"o": "b"}
    assert problems == []


@pytest.mark.parametrize(
    "state",
    [{"lab": "none"}, {"guest": "none"}, {"tech": "none"}, {"options": {"o": "z"}},
     {"options": {"z": "a"}}],
)
def test_a_choice_that_does_not_exist_is_said_and_the_usual_one_taken(state):
    lab, choice, problems = choose(CATALOGUE, state, Words("hu"))
    assert (lab["id"], choice["guest"], choice["options"]) == ("one", "g", {"o": "a"})
    assert len(problems) == 1
    assert "{" not in problems[0]


@given(st.integers(1, 200_000), st.floats(0.1, 10_000))
def test_slices_settle_at_the_time_they_should_take(steps, took):
    following = next_slice(steps, took)
    assert 1 <= following <= 200_000
    if took > 4 * SLICE_TIME and steps > 4:
        assert following < steps
    if took < SLICE_TIME / 2 and 2 < steps < 100_000:
        assert following > steps


def test_text_from_the_guest_never_becomes_markup():
    text = "<script>alert(1)</script>"
    panel = {"id": "console", "kind": "console", "title": "<b>", "text": text}
    html = to_html(panel_tree(panel, Words("en"), []))
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_list_is_a_run_of_children_and_a_tuple_one_element():
    parts = segments([{"text": "a "}, {"text": "b", "context": "vmm"}, {"text": "c", "term": "t"}],
                     Words("en"))
    html = to_html(h("p", None, parts))
    assert html.startswith('<p>a <b class="vmm">b</b><button')


def test_every_kind_of_panel_can_be_drawn():
    words = Words("en")
    rows = {
        "code": {"key": "k", "address": "00100000", "bytes": "fa", "text": "cli",
                 "class": "privileged", "badge": "privileged", "current": True, "label": "start"},
        "table": {"key": "k", "name": "eax", "value": "1", "changed": True, "before": "0"},
        "bars": {"key": "k", "name": "traps", "value": 2, "max": 4, "context": "vmm", "text": "2"},
        "inputs": {"key": "k", "name": "callout", "option": "price.callout", "most": 1000,
                   "usual": "254", "value": "10", "note": "yours, instead of 254"},
        "strip": {"key": "k", "name": "radio", "cells": [{"text": "1"}]},
    }
    for kind, row in rows.items():
        panel = {"id": "p", "kind": kind, "title": "T", "rows": [row]}
        assert to_html(panel_tree(panel, words, ["00100000"])).startswith("<section")
        assert side(panel) in ("left", "right")


def test_the_last_step_tells_how_the_run_ended():
    words = Words("en")
    assert "halted" in json.dumps(chrome.where(words, 12345, 12345, True, "halted"))
    assert "halted" not in json.dumps(chrome.where(words, 5, 12345, True, "halted"))


def test_micropython_understands_every_module():
    """MicroPython knows less syntax than Python; only it can tell whether it reads the page's."""
    program = """
      import { readFileSync } from "node:fs";
      import { loadMicroPython } from
        "@micropython/micropython-webassembly-pyscript/micropython.mjs";
      const url = new URL("micropython.wasm", import.meta.resolve(
        "@micropython/micropython-webassembly-pyscript/micropython.mjs")).pathname;
      const python = await loadMicroPython({ url });
      for (const file of JSON.parse(process.argv[1])) {
        python.globals.set("source", readFileSync(file, "utf8"));
        python.globals.set("name", file);
        python.runPython("compile(source, name, 'exec')");
      }
    """
    elsewhere = ("worker.py", "opened.py", "main.py")  # Pyodide's, and one with await at the top
    files = [str(file) for file in WEB.glob("*.py") if file.name not in elsewhere]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program, json.dumps(files)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_reference_page_has_a_section_for_every_instruction(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "webapp" / "build"))
    import reference_page
    from ringside.isa.table import ROWS

    page = reference_page.page()
    sections = set(re.findall(r'<section id="([^"]+)"', page))
    assert sections == {row.mnemonic for row in ROWS}
    assert set(re.findall(r'href="#([^"]+)"', page)) == sections


NUMBER = {"id": "n", "title": "N", "default": "", "values": [], "under": [], "most": 1000}


@given(st.one_of(st.text(max_size=12), st.from_regex(r"[0-9.,e+-]{0,8}", fullmatch=True)))
def test_the_page_and_the_session_take_the_same_numbers(text):
    option = Option("n", ("N", "N"), most=1000)
    try:
        option.choose(text)
        taken = True
    except InputError:
        taken = False
    assert accepts(NUMBER, text) == taken


def test_a_number_in_the_address_is_chosen_and_an_empty_one_is_the_usual_run():
    lab = {**CATALOGUE["labs"][0], "options": [NUMBER]}
    catalogue = {"labs": [lab]}
    _, choice, problems = choose(catalogue, {"options": {"n": "12.5"}}, Words("en"))
    assert choice["options"] == {"n": "12.5"} and problems == []
    put(choice, NUMBER, "")
    assert choice["options"] == {}
    _, choice, problems = choose(catalogue, {"options": {"n": "1001"}}, Words("hu"))
    assert choice["options"] == {} and len(problems) == 1


def test_a_number_has_its_field_in_a_panel_and_none_among_the_controls():
    lab = {**CATALOGUE["labs"][0], "options": [NUMBER]}
    _, choice, _ = choose({"labs": [lab]}, {}, Words("en"))
    fields = json.dumps(chrome.controls(lab, choice, Words("en")))
    assert '"guest"' in fields and '"n"' not in fields


def search(answers: list[bool], stop_after: int = 0) -> tuple[int, list[bool]]:
    """How often a search looks that is answered so, and whether it counted as playing each time;
    with ``stop_after``, somebody presses Stop after so many looks."""

    async def searched() -> tuple[int, list[bool]]:
        player = Player(None, lambda: 0, lambda: None)
        seen = []

        async def look(wanted: Callable[[], bool]) -> bool:
            assert wanted()
            seen.append(player.playing)
            if len(seen) == stop_after:
                player.stop()
            await asyncio.sleep(0)
            assert wanted() == (len(seen) != stop_after)
            return answers[len(seen) - 1]

        await player.search(look)
        assert not player.playing
        return len(seen), seen

    with ThreadPoolExecutor(1) as elsewhere:  # the browser's tests keep a loop in this thread
        return elsewhere.submit(asyncio.run, searched()).result()


def test_a_search_goes_on_as_long_as_there_is_more_and_can_be_stopped() -> None:
    assert search([False]) == (1, [False])
    assert search([True, True, False]) == (3, [False, True, True])
    assert search([True] * 9, stop_after=1)[0] == 1
    assert search([True] * 9, stop_after=4)[0] == 4
