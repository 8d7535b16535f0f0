"""The questions on the page: asked, answered, judged by the machine, and shown."""

from __future__ import annotations

import re

import pytest
from pages import expect_hash, expect_step, press, sentence
from playwright.sync_api import Locator, Page, expect
from test_access import serious

LINK = "lab=rings&lang=en&step=3"


def opened(page: Page) -> Locator:
    page.locator("#transport [data-do=questions]").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".tasks > li").first).to_be_visible(timeout=60_000)
    return dialog


def task(dialog: Locator, number: int) -> Locator:
    return dialog.locator(".tasks > li").nth(number)


def test_a_wrong_answer_is_refused_a_right_one_explained_and_shown(visit):
    page = visit(LINK)
    dialog = opened(page)
    parting = task(dialog, 1)
    verdict = parting.locator(".verdict")
    parting.get_by_role("button", name="Check").click()
    expect(verdict).to_contain_text("Give an answer first")
    parting.get_by_role("radio", name="CLI").check()
    parting.get_by_role("button", name="Check").click()
    expect(verdict).to_have_class(re.compile("wrong"))
    expect(verdict).not_to_contain_text("POPF ran")
    parting.get_by_role("radio", name="POPF").check()
    parting.get_by_role("button", name="Check").click()
    expect(verdict).to_contain_text("Right: POPF")
    expect(verdict).to_contain_text("without a trap")
    expect_step(page, 3)  # the reader's own run stands where it stood
    parting.get_by_role("button", name="Show me").click()
    expect(dialog).to_be_hidden()
    expect_step(page, 93)
    expect_hash(page, "guest=popf")
    assert "POPF ran in ring 1 without a trap" in sentence(page)


def test_a_number_is_typed_checked_with_enter_and_drawn_anew(visit):
    page = visit("lab=walks&lang=en")
    press(page, "q")
    dialog = page.locator("#dialog")
    references = task(dialog, 0)
    expect(references).to_be_visible(timeout=60_000)
    field, verdict = references.locator("input"), references.locator(".verdict")
    field.fill("many")
    field.press("Enter")
    expect(verdict).to_contain_text("not a whole number")
    field.fill("20")
    field.press("Enter")
    expect(verdict).to_contain_text("No, not 20")
    field.fill("24")
    field.press("Enter")
    expect(verdict).to_contain_text("Right: 24")
    asked = references.locator(".asked").inner_text()
    references.get_by_role("button", name="Another").click()
    expect(task(dialog, 0).locator(".asked")).not_to_have_text(asked)
    expect(task(dialog, 0).locator(".verdict")).to_be_empty()
    task(dialog, 0).get_by_role("button", name="Tell the answer").click()
    expect(task(dialog, 0).locator(".verdict")).to_contain_text("The answer: ")
    dialog.locator("summary", has_text="Short answer").click()
    expect(dialog.locator(".fold p").first).to_contain_text("24 for four and four")


def test_a_term_leads_to_its_meaning_and_back_in_hungarian(visit):
    page = visit("lab=rings&lang=hu")
    dialog = opened(page)
    expect(dialog.locator("h2")).to_have_text("Kérdések")
    ring = task(dialog, 2)
    ring.locator("input").fill("1")
    ring.get_by_role("button", name="Ellenőrzés").click()
    expect(ring.locator(".verdict")).to_contain_text("Helyes: 1.")
    ring.locator(".asked .term").click()
    expect(dialog.locator("dd").first).to_be_visible()
    dialog.get_by_role("button", name="Vissza a kérdésekhez").click()
    expect(task(dialog, 2).locator(".verdict")).to_contain_text("Helyes: 1.")


def test_before_the_machine_answers_the_dialog_says_so(visit):
    page = visit(LINK, live=False)
    page.locator("#transport [data-do=questions]").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".lead")).to_contain_text("How can a kernel be stopped")
    expect(dialog.locator(".tasks > li")).to_have_count(3, timeout=60_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_dialog_fits_and_axe_finds_nothing(visit, theme):
    page = visit(f"lab=rings&lang=hu&theme={theme}")
    page.set_viewport_size({"width": 390, "height": 844})
    dialog = opened(page)
    dialog.locator("summary").first.click()
    task(dialog, 1).get_by_role("radio", name="CLI").check()
    task(dialog, 1).get_by_role("button", name="Ellenőrzés").click()
    expect(task(dialog, 1).locator(".verdict.wrong")).to_be_visible(timeout=60_000)
    expect(task(dialog, 1).locator(".verdict.wrong")).to_be_in_viewport()
    assert serious(page) == []
    assert page.evaluate(
        "(box => box.scrollWidth - box.clientWidth)(document.getElementById('questions'))") <= 0
