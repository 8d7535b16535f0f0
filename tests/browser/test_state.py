"""The page's state: in the address, in two languages, in two themes; wrong input is answered."""

from __future__ import annotations

import re

import pytest
from pages import expect_hash, expect_step, panels, picture, press, sentence
from playwright.sync_api import expect


def test_a_link_opens_exactly_there(visit):
    page = visit("lab=rings&guest=popf&tech=bare-metal&step=9&lang=hu&theme=dark")
    expect_step(page, 9)
    expect(page.locator("[data-do=guest]")).to_have_value("popf")
    chosen = page.locator("[data-do=technique][aria-checked=true]")
    expect(chosen).to_have_attribute("data-with", "bare-metal")
    expect(page.locator("html")).to_have_attribute("lang", "hu")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    assert all(int(part) < 60 for part in re.findall(r"\d+", background)[:3])


def test_the_address_follows_the_step(visit):
    page = visit()
    press(page, "ArrowRight")
    expect_step(page, 1)
    expect_hash(page, "step=1")
    shown = picture(page), sentence(page)
    page.reload()
    page.locator(".chip.live").wait_for(state="attached", timeout=60_000)
    expect_step(page, 1)
    assert (picture(page), sentence(page)) == shown


def test_going_back_in_the_browser_returns_to_the_lab_before(visit):
    page = visit()
    page.locator("#top nav summary", has_text="Memory").click()
    page.locator("#top nav a[data-with=walks]").click()
    expect(page.locator("#top nav a[data-with=walks]")).to_be_hidden()
    expect(page.locator("#top nav a[aria-current]")).to_have_attribute("data-with", "walks")
    expect_hash(page, "lab=walks")
    page.go_back()
    expect(page.locator("#top nav a[aria-current]")).to_have_attribute("data-with", "rings")


@pytest.mark.parametrize(
    "where",
    ["lab=nowhere", "lab=rings&guest=nobody", "lab=rings&tech=magic", "lab=rings&o.speed=9",
     "%%%=&&&", "step=minus", "lab=<img>", "lab=rings&step=99999999"],
)
def test_a_bad_address_is_said_and_the_page_goes_on(visit, where):
    page = visit(f"{where}&lang=en")
    notice = page.locator(".notice")
    expect(notice.first).to_be_visible(timeout=60_000)
    notice.first.locator("button").click()
    expect(notice).to_have_count(0)
    page.locator("#stage [data-key]").first.wait_for(state="attached")
    press(page, "Home")
    expect_step(page, 0)
    press(page, "ArrowRight")
    expect_step(page, 1)


def test_the_language_changes_in_place(visit):
    page = visit("lab=rings&lang=en&step=5")
    expect_step(page, 5)
    english = sentence(page), panels(page)
    page.locator("[data-do=language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "hu")
    expect(page.locator("[data-do=language]")).to_have_text("In English")
    expect_hash(page, "lang=hu")
    expect_step(page, 5)
    assert sentence(page) != english[0]
    assert panels(page) != english[1]


def test_the_theme_changes_and_is_kept(visit):
    page = visit("lab=rings&lang=en")
    press(page, "t")
    press(page, "t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect_hash(page, "theme=dark")


def test_help_opens_by_key_and_closes(visit):
    page = visit()
    press(page, "?")
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Home")
    press(page, "Escape")
    expect(dialog).to_be_hidden()


def test_a_term_in_the_sentence_opens_its_meaning(visit):
    page = visit("lab=rings&lang=en&step=40")
    expect_step(page, 40)
    page.locator("#sentence .term").first.click()
    expect(page.locator("#dialog dd").first).to_be_visible()
