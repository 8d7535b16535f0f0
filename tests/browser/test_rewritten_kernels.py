"""The labs in which the kernel is another one: translated by the VMM, or ported beforehand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pages import expect_step, expect_step_where, picture, press, sentence
from playwright.sync_api import Page, expect
from ringside.labs.lab import Lab
from ringside.labs.machine_run import MachineRun
from ringside.labs.paravirtual import LAB as PARAVIRTUAL
from ringside.labs.translation import LAB as TRANSLATION
from ringside.session import Session
from ringside.trace import events as ev

NODES = """() => [...document.querySelectorAll('#stage svg > [data-key]:not(.leaving)')].map(
  (node) => [node.dataset.key, [...node.childNodes].filter((child) => child.nodeType === 3)
    .map((child) => child.data).join('')])"""
CASES = [
    ("translation", "lecture_bt", 11), ("translation", "self_modifying", 13),
    ("paravirtual", "rings", 7), ("paravirtual", "rings", 126),
]  # fmt: skip


def nodes(page: Page) -> dict[str, str]:
    """The figure's keys, and what is written at each."""
    found: list[list[str]] = page.evaluate(NODES)
    return dict(found)


def opened(lab: Lab, guest: str, step: int) -> MachineRun:
    """The same run in this process, whose events can be asked for."""
    run = lab.open(lab.setup(guest, None, None, None))
    assert isinstance(run, MachineRun)
    run.seek(step)
    return run


def heard(run: MachineRun, kind: type[ev.Event]) -> Any:
    return next(event for event in run.events if type(event) is kind)


@pytest.mark.parametrize(("lab", "guest", "step"), CASES)
def test_a_link_shows_the_nodes_and_the_sentence_of_that_step(visit, lab, guest, step):
    page = visit(f"lab={lab}&guest={guest}&lang=en&step={step}")
    expect_step(page, step)
    frame = Session().handle({"op": "load", "lab": lab, "guest": guest, "step": step})["frame"]
    expected = {node["key"]: node.get("text", "") for node in frame["scene"]["nodes"]}
    page.wait_for_timeout(700)  # what left the figure is gone
    assert nodes(page) == expected
    assert sentence(page) == "".join(part["text"] for part in frame["sentence"])


def test_the_page_shows_a_unit_being_translated_and_a_jump_being_chained(visit):
    run = opened(TRANSLATION, "lecture_bt", 5)
    made, chained = heard(run, ev.Translated), heard(run, ev.Chained)
    page = visit("lab=translation&lang=en&step=5")
    expect_step(page, 5)
    shown = nodes(page)
    assert f"unit:{made.address:08x}" in shown and f"chain:{chained.source:08x}" in shown
    assert shown[f"guest:{made.eip:08x}"] == "cli"
    assert shown[f"cache:{made.address:08x}"] == "mov dword [gs:virtual_if], 0"
    assert f"{made.eip:08x}" in sentence(page) and f"{chained.source:08x}" in sentence(page)
    press(page, "ArrowLeft")
    expect_step(page, 4)
    page.wait_for_timeout(700)
    assert f"unit:{made.address:08x}" not in nodes(page)
    assert nodes(page)[f"cache:{chained.source:08x}:chip"] == "→ VMM"


def test_the_page_leaps_from_translation_to_translation(visit):
    page = visit("lab=translation&lang=en")
    page.locator("[data-do=kind]").select_option("translate")
    press(page, "Shift+ArrowRight")
    expect_step(page, 5)
    press(page, "Shift+ArrowRight")
    expect_step_where(page, lambda number: number > 5)
    assert "translates the unit" in sentence(page)
    press(page, "Shift+ArrowLeft")
    expect_step(page, 5)


def test_the_page_shows_a_hypercall_being_refused(visit):
    run = opened(PARAVIRTUAL, "pv_hostile", 330)
    call = heard(run, ev.Hypercalled)
    assert call.result < 0
    page = visit("lab=paravirtual&guest=pv_hostile&lang=en&step=330")
    expect_step(page, 330)
    shown = nodes(page)
    assert shown["call"] == f"{call.number} · {call.name}"
    assert str(-call.result) in shown["verdict"] and shown["verdict:why"] == call.why
    assert shown["guard"] and call.why in sentence(page)
    expect(page.locator("#stage [data-key='verdict']")).to_have_class(re.compile("wrong"))


@pytest.mark.parametrize(("lab", "kind"), [("translation", "chain"), ("paravirtual", "hypercall")])
def test_it_plays_pauses_steps_back_and_leaps(visit, lab, kind):
    page = visit(f"lab={lab}&lang=en&step=8")
    expect_step(page, 8)
    linked = picture(page)
    press(page, "ArrowRight")
    expect_step(page, 9)
    press(page, "ArrowLeft")
    expect_step(page, 8)
    page.wait_for_timeout(700)
    assert picture(page) == linked
    page.locator("[data-do=speed]").select_option("16")
    press(page, " ")
    expect_step_where(page, lambda number: number > 14)
    press(page, " ")
    press(page, "Home")
    expect_step(page, 0)
    page.locator("[data-do=kind]").select_option(kind)
    press(page, "Shift+ArrowRight")
    expect_step_where(page, lambda number: number > 0)


@pytest.mark.parametrize("lab", ["translation", "paravirtual"])
def test_it_is_there_in_hungarian_and_on_a_narrow_screen(visit, lab, page):
    page.set_viewport_size({"width": 400, "height": 820})
    page = visit(f"lab={lab}&lang=hu&step=12")
    expect_step(page, 12)
    frame = Session().handle(
        {"op": "load", "lab": lab, "step": 12, "lang": "hu", "shape": "tall"})["frame"]
    assert sentence(page) == "".join(part["text"] for part in frame["sentence"])
    assert set(nodes(page)) == {node["key"] for node in frame["scene"]["nodes"]}
