"""The lab "Memory pool" in the page: NumPy is fetched for it, and only for it."""

from __future__ import annotations

from pages import expect_step, panels, picture, press, sentence
from playwright.sync_api import Page, Request, expect

LIVE = 60_000  # ms


def test_the_pool_is_drawn_stepped_and_comes_back_exactly(visit):
    page = visit("lab=pool&lang=en&step=53")
    expect_step(page, 53)
    expect(page.locator("#stage svg > [data-key^='tile:A:']:not(.leaving)")).to_have_count(192)
    expect(page.locator("#sentence")).to_contain_text("balloon in A grows")
    before = picture(page), sentence(page), panels(page)
    for _ in range(3):
        press(page, "ArrowRight")
    expect_step(page, 56)
    for _ in range(3):
        press(page, "ArrowLeft")
    expect_step(page, 53)
    page.wait_for_timeout(900)
    assert (picture(page), sentence(page), panels(page)) == before


def test_a_mechanism_can_be_switched_off(visit):
    page = visit("lab=pool&lang=en&step=53")
    page.get_by_label("Ballooning").select_option("off")
    expect(page.locator("#sentence")).not_to_contain_text("grows")
    for _ in range(4):
        press(page, "ArrowRight")
    expect(page.locator("#stage [data-key^='tile:'].kernel")).to_have_count(0)


def test_numpy_is_fetched_when_this_lab_is_opened_and_not_before(
    page: Page, static_host: str, complaints: list[str]
) -> None:
    asked: list[str] = []

    def heard(request: Request) -> None:
        asked.append(request.url)

    page.context.on("request", heard)
    page.goto(f"{static_host}#lab=rings&lang=en")
    page.locator(".chip.live").wait_for(state="attached", timeout=LIVE)
    assert not [url for url in asked if "numpy" in url]
    page.goto("about:blank")
    page.goto(f"{static_host}#lab=pool&guest=like&lang=en&step=4")
    page.locator(".chip.live").wait_for(state="attached", timeout=LIVE)
    expect_step(page, 4)
    expect(page.locator("#sentence")).to_contain_text("touches", timeout=LIVE)
    assert [url for url in asked if "numpy" in url]
