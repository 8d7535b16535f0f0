"""The Popek–Goldberg laboratory in the page: classes, three properties, another processor."""

from __future__ import annotations

from pages import expect_hash, expect_step, panels, picture, press, sentence
from playwright.sync_api import expect
from ringside.session import Session


def told(**request) -> dict:
    """What the core itself says at the same place."""
    session = Session()
    step = request.pop("step")
    assert session.handle({"op": "load", "lang": "en", **request})["ok"]
    return session.handle({"op": "frame", "step": step})["frame"]


def keys(page) -> set[str]:
    return {node.split("|")[0] for node in picture(page)}


def same(page, frame: dict) -> None:
    """The page's figure and sentence are the session's."""
    assert sentence(page) == "".join(part["text"] for part in frame["sentence"])
    assert keys(page) == {node["key"] for node in frame["scene"]["nodes"]}


def test_classification_plays_steps_back_and_follows_a_link(visit):
    page = visit("lab=classification&lang=en&step=5")
    expect_step(page, 5)
    same(page, told(lab="classification", step=5))
    before = picture(page), sentence(page)
    assert "POPF" in before[1]
    press(page, "ArrowRight")
    expect_step(page, 6)
    press(page, "ArrowLeft")
    expect_step(page, 5)
    page.wait_for_timeout(700)
    assert (picture(page), sentence(page)) == before
    page.locator("[data-do=kind]").select_option("offender")
    press(page, "Shift+ArrowRight")
    expect_step(page, 11)
    expect_hash(page, "step=11")
    expect(page.locator("#panel-paper")).to_contain_text("Robin and Irvine")


def test_another_instruction_set_can_be_chosen_and_examined_to_its_verdict(visit):
    page = visit("lab=classification&o.isa=rv32&lang=en")
    press(page, "End")
    expect(page.locator("#where .outcome")).to_be_visible(timeout=60_000)
    assert "Every sensitive instruction traps" in sentence(page)
    assert "theorem:0" in keys(page) and "chip:mret" in keys(page)


def test_the_three_properties_are_measured_in_the_page(visit):
    page = visit("lab=properties&lang=en&step=10")
    expect_step(page, 10)
    same(page, told(lab="properties", step=10))
    assert "IF is 0 instead of 1" in sentence(page)
    before = picture(page), panels(page)
    press(page, "ArrowRight")
    expect_step(page, 11)
    press(page, "ArrowLeft")
    expect_step(page, 10)
    page.wait_for_timeout(700)
    assert (picture(page), panels(page)) == before


def test_a_risc_v_guest_is_stepped_forwards_and_backwards(visit):
    page = visit("lab=emulated&lang=en&step=178")
    expect_step(page, 178)
    same(page, told(lab="emulated", step=178))
    before = picture(page), sentence(page)
    assert "ECALL" in before[1]
    press(page, "ArrowRight")
    expect_step(page, 179)
    press(page, "ArrowLeft")
    expect_step(page, 178)
    page.wait_for_timeout(700)
    assert (picture(page), sentence(page)) == before
    press(page, "End")
    expect(page.locator("#where .outcome")).to_be_visible(timeout=60_000)
    expect(page.locator("#panel-console")).to_contain_text("timer interrupts: 2")


def test_a_hostile_guest_can_be_stepped_in_the_rings_lab(visit):
    page = visit("lab=rings&guest=hostile_spy&tech=trap-and-emulate&lang=en&step=40")
    expect_step(page, 40)
    same(page, told(lab="rings", guest="hostile_spy", technique="trap-and-emulate", step=40))


def test_a_long_guest_is_compared_to_its_end_while_one_looks_unless_stopped(visit):
    page = visit("lab=properties&guest=sort&lang=en&step=1", live=False)
    chip = page.locator("#status .chip")
    expect(chip).to_contain_text("/ 65\u202f836", timeout=60_000)
    first = sentence(page)
    assert "now and then up to step 65\u202f836" in first
    page.locator("#status [data-do=stop]").click()
    expect(chip).to_have_text("live", timeout=30_000)
    page.wait_for_timeout(1_000)
    stopped = sentence(page)
    page.wait_for_timeout(1_000)
    assert sentence(page) == stopped
    page.locator("[data-do=language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "hu")
    page.locator("[data-do=language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.wait_for_timeout(500)
    assert sentence(page) == stopped
    press(page, "ArrowRight")
    expect_step(page, 2)
    press(page, "ArrowLeft")  # and here it goes on
    expect(page.locator("#sentence")).to_contain_text("after every step, 65\u202f836 times",
                                                      timeout=60_000)
    expect(chip).to_have_text("live")
