"""The VT-x lab in the page: exits, the VMCS, injection."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pages import expect_step, expect_step_where, panels, picture, press, sentence
from playwright.sync_api import Page, expect
from ringside.labs.vtx import LAB, VtxRun
from ringside.machine.vmx import fields as f
from ringside.session import Session
from ringside.trace import events as ev

NODES = """() => [...document.querySelectorAll('#stage svg > [data-key]:not(.leaving)')].map(
  (node) => [node.dataset.key, [...node.childNodes].filter((child) => child.nodeType === 3)
    .map((child) => child.data).join('')])"""
CPUID = 51  # steps of the tour
EMULATED = 52
INJECTED = 123


def nodes(page: Page) -> dict[str, str]:
    """The figure's keys, and what is written at each."""
    found: list[list[str]] = page.evaluate(NODES)
    return dict(found)


def heard(step: int, kind: type[ev.Event]) -> Any:
    """An event of the same step in this process."""
    run = LAB.open(LAB.setup(None, None, None, None))
    assert isinstance(run, VtxRun)
    run.seek(step)
    return next(event for event in run.events if type(event) is kind)


@pytest.mark.parametrize("step", [1, CPUID, EMULATED, INJECTED])
def test_a_link_shows_the_nodes_and_the_sentence_of_that_step(visit, step):
    page = visit(f"lab=vtx&lang=en&step={step}")
    expect_step(page, step)
    frame = Session().handle({"op": "load", "lab": "vtx", "step": step})["frame"]
    expected = {node["key"]: node.get("text", "") for node in frame["scene"]["nodes"]}
    page.wait_for_timeout(700)  # what left the figure is gone
    assert nodes(page) == expected
    assert sentence(page) == "".join(part["text"] for part in frame["sentence"])


def test_an_exit_shows_what_the_vmm_reads_and_the_next_step_what_it_writes(visit):
    exited = heard(CPUID, ev.VmExited)
    written = heard(EMULATED, ev.VmcsWritten)
    page = visit(f"lab=vtx&lang=en&step={CPUID}")
    expect_step(page, CPUID)
    shown = nodes(page)
    assert shown["chip:title"] == f"VM exit {exited.reason}"
    assert shown[f"vmcs:{f.EXIT_REASON:04x}:mark"] == "R"
    assert shown[f"vmcs:{f.EXIT_REASON:04x}"] == str(exited.reason)
    expect(page.locator("#stage [data-key='lane:vmm']")).to_have_class(re.compile("current"))
    press(page, "ArrowRight")
    expect_step(page, EMULATED)
    page.wait_for_timeout(700)
    shown = nodes(page)
    assert written.field == f.GUEST_EIP
    assert shown[f"vmcs:{f.GUEST_EIP:04x}:mark"] == "W"
    assert shown[f"vmcs:{f.GUEST_EIP:04x}"] == f"{written.after:08x}"
    assert "VMWRITE guest rip" in panels(page)
    press(page, "ArrowLeft")
    expect_step(page, CPUID)
    page.wait_for_timeout(700)
    assert f"vmcs:{f.EXIT_REASON:04x}:mark" in nodes(page)


def test_an_injected_event_is_seen_in_its_bits(visit):
    entered = heard(INJECTED, ev.VmEntered)
    page = visit(f"lab=vtx&lang=en&step={INJECTED}")
    expect_step(page, INJECTED)
    shown = nodes(page)
    assert shown["inject:valid:value"] == str(entered.injected >> 31)
    assert shown["inject:vector:value"] == f"{entered.injected & 0xFF:#x}"
    assert "has delivered" in shown["inject:note"]


def test_it_plays_pauses_steps_back_and_leaps_from_exit_to_exit(visit):
    page = visit("lab=vtx&lang=en&step=8")
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
    page.locator("[data-do=kind]").select_option("vmexit")
    press(page, "Shift+ArrowRight")
    expect_step(page, 2)
    assert "EPT violation" in sentence(page)


def test_it_is_there_in_hungarian_and_on_a_narrow_screen(visit, page):
    page.set_viewport_size({"width": 400, "height": 820})
    page = visit(f"lab=vtx&lang=hu&step={CPUID}")
    expect_step(page, CPUID)
    frame = Session().handle(
        {"op": "load", "lab": "vtx", "step": CPUID, "lang": "hu", "shape": "tall"})["frame"]
    assert sentence(page) == "".join(part["text"] for part in frame["sentence"])
    assert set(nodes(page)) == {node["key"] for node in frame["scene"]["nodes"]}
