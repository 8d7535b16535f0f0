"""The lab "Compare" on the page: what it shows is what the session's lanes hold."""

from __future__ import annotations

import pytest
from pages import (
    expect_hash,
    expect_step,
    expect_step_where,
    panels,
    picture,
    press,
    sentence,
    step,
)
from playwright.sync_api import expect
from ringside.session import Session

LINK = "lab=compare&guest=popf&lang=en"


@pytest.fixture(scope="module")
def session() -> Session:
    found = Session()
    assert found.handle({"op": "load", "lab": "compare", "guest": "popf", "lang": "en"})["ok"]
    return found


def frame(session: Session, number: int) -> dict:
    found: dict = session.handle({"op": "frame", "step": number})["frame"]
    return found


def keys(shown: list[str]) -> set[str]:
    return {text.partition("|")[0] for text in shown}


def texts(shown: list[str]) -> dict[str, str]:
    parts = [text.split("|") for text in shown]
    return {key: words for key, tag, words, *_ in parts if tag == "text"}


def test_a_link_to_the_divergence_shows_the_session_s_lanes(visit, session):
    page = visit(f"{LINK}&step=53")
    expect_step(page, 53)
    expected = frame(session, 53)
    shown = picture(page)
    assert keys(shown) == {node["key"] for node in expected["scene"]["nodes"]}
    written = {node["key"]: node["text"] for node in expected["scene"]["nodes"]
               if node["shape"] == "text"}
    assert texts(shown) == written
    assert sentence(page) == "".join(part["text"] for part in expected["sentence"])
    assert "parts from bare metal: IF is 0 instead of 1" in sentence(page)
    assert "callout" in panels(page) and "#GP" in panels(page)


def test_it_plays_and_steps_back_exactly(visit, session):
    page = visit(f"{LINK}&step=50")
    expect_step(page, 50)
    before = picture(page), sentence(page), panels(page)
    for number in (51, 52, 53):
        press(page, "ArrowRight")
        expect_step(page, number)
    for number in (52, 51, 50):
        press(page, "ArrowLeft")
        expect_step(page, number)
    page.wait_for_timeout(700)
    assert (picture(page), sentence(page), panels(page)) == before
    page.locator("[data-do=speed]").select_option("16")
    press(page, " ")
    expect_step_where(page, lambda number: number > 55)
    press(page, " ")
    page.wait_for_timeout(700)
    at = step(page)
    assert keys(picture(page)) == {node["key"] for node in frame(session, at)["scene"]["nodes"]}


def test_leaping_goes_to_the_divergence(visit):
    page = visit(LINK)
    page.locator("[data-do=kind]").select_option("diverge")
    press(page, "Shift+ArrowRight")
    expect_step(page, 53)


def test_another_processor_reprices_the_same_step(visit):
    page = visit(f"{LINK}&step=60&o.preset=westmere")
    expect_step(page, 60)
    before = texts(picture(page))
    page = visit(f"{LINK}&step=60&o.preset=haswell")
    expect_step(page, 60)
    after = texts(picture(page))
    assert after["lane:hardware-assist:facts"] == before["lane:hardware-assist:facts"]
    assert after["lane:hardware-assist:cycles"] != before["lane:hardware-assist:cycles"]
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_price_written_into_its_field_reprices_the_step_and_runs_nothing(visit):
    page = visit(f"{LINK}&step=60")
    expect_step(page, 60)
    before = texts(picture(page))
    cycles = page.locator('#stage svg [data-key="lane:binary-translation:cycles"]')
    field = page.locator('#panel-prices input[data-with="price.callout"]')
    expect(field).to_have_attribute("placeholder", "1254")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    field.fill("2254")
    field.press("Enter")
    expect_hash(page, "o.price.callout=2254")
    expect(cycles).not_to_have_text(before["lane:binary-translation:cycles"])
    after = texts(picture(page))
    assert step(page) == 60
    assert len([url for url in requests if "api/session" in url]) <= 1  # a run takes more
    assert after["lane:binary-translation:facts"] == before["lane:binary-translation:facts"]
    assert after["lane:emulation:cycles"] == before["lane:emulation:cycles"]
    assert "yours, instead of 1254" in panels(page)
    linked = visit(f"{LINK}&step=60&o.price.callout=2254")
    expect_step(linked, 60)
    assert texts(picture(linked)) == after
    again = linked.locator('#panel-prices input[data-with="price.callout"]')
    expect(again).to_have_value("2254")
    again.fill("")
    again.press("Enter")
    expect(linked.locator('#stage svg [data-key="lane:binary-translation:cycles"]')).to_have_text(
        before["lane:binary-translation:cycles"])
    assert "price" not in linked.url and step(linked) == 60


def test_a_price_out_of_range_is_refused_in_words_and_the_old_one_holds(visit):
    page = visit(f"{LINK}&step=60")
    expect_step(page, 60)
    before = texts(picture(page))
    field = page.locator('#panel-prices input[data-with="price.callout"]')
    field.fill("-3")
    field.press("Enter")
    expect(page.locator("#notices")).to_contain_text("a number from 0 to 1000000")
    assert texts(picture(page)) == before and "price" not in page.url


def test_a_processor_without_ept_is_exchanged_for_one_with_at_the_same_step(visit):
    page = visit(f"{LINK}&step=60")
    expect_step(page, 60)
    title = page.locator('#stage svg [data-key="lane:hardware-assist:title"]')
    expect(title).to_contain_text("shadow")
    page.locator('[data-do=option][data-with="preset"]').select_option("westmere")
    expect(title).to_contain_text("EPT")
    assert step(page) == 60


def leap_to_a_divergence(page):
    page.locator("[data-do=kind]").select_option("diverge")
    press(page, "Shift+ArrowRight")


def test_a_leap_to_what_is_not_there_says_so_and_comes_back(visit):
    page = visit("lab=compare&guest=nano_callret&lang=en&step=30")
    expect_step(page, 30)
    leap_to_a_divergence(page)
    expect(page.locator("#notices")).to_contain_text("no further step", timeout=60_000)
    expect_step(page, 30)
    expect(page.locator("#where")).to_contain_text("of 410")


def test_a_long_search_shows_how_far_it_is_and_can_be_stopped(visit):
    page = visit("lab=compare&guest=nanos&lang=en&step=1")
    expect_step(page, 1)
    leap_to_a_divergence(page)
    expect(page.locator(".chip.running [data-do=stop]")).to_be_visible(timeout=30_000)
    expect_step_where(page, lambda number: number > 700)
    page.locator(".chip.running [data-do=stop]").click()
    expect(page.locator(".chip.live")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1_500)  # what was asked last is answered
    stopped = step(page)
    page.wait_for_timeout(1_500)
    assert step(page) == stopped
    assert "no further" not in page.locator("#notices").inner_text()
