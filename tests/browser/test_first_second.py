"""The first second: what is seen and answered before the machine itself is up."""

from __future__ import annotations

import pytest
from pages import expect_step, expect_step_where, picture, press, sentence, step
from playwright.sync_api import Page, Route, expect


def test_the_first_figure_needs_no_script_at_all(browser, static_host):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(static_host)
    expect(page.locator("#stage svg").last).to_be_visible()
    assert page.locator("#stage svg [data-key]").count() > 10
    assert sentence(page)
    assert page.locator("#left .panel").count() >= 1
    context.close()


@pytest.fixture
def slow_worker(page: Page) -> Page:
    """A page whose machine never arrives: as on the slowest network there is."""
    page.route("**/pyodide.asm.wasm", lambda route: None)
    return page


def test_steps_are_answered_from_the_recording_before_the_machine_is_up(slow_worker, static_host):
    page = slow_worker
    page.goto(f"{static_host}#lab=rings&lang=en")
    page.locator(".chip.recorded").wait_for(state="attached")
    expect_step(page, 0)
    first = picture(page)
    press(page, "ArrowRight")
    expect_step(page, 1)
    press(page, "ArrowRight")
    expect_step(page, 2)
    press(page, "ArrowLeft")
    press(page, "ArrowLeft")
    expect_step(page, 0)
    page.wait_for_timeout(700)
    assert picture(page) == first
    page.locator("[data-do=kind]").select_option("trap")
    press(page, "Shift+ArrowRight")
    expect_step_where(page, lambda number: number > 0)
    assert page.locator(".chip.recorded").count() == 1


def test_the_change_over_to_the_machine_is_not_seen(page, static_host):
    held: list[Route] = []
    page.route("**/pyodide.asm.wasm", lambda route: held.append(route))
    page.goto(f"{static_host}#lab=rings&lang=en&step=17")
    expect_step(page, 17)
    page.locator(".chip.recorded").wait_for(state="attached")
    press(page, "ArrowRight")
    expect_step(page, 18)
    page.wait_for_timeout(700)
    recorded = picture(page), sentence(page)
    page.evaluate("document.querySelector('#stage [data-key]').id = 'the-very-same'")
    for route in held:
        route.continue_()
    page.unroute("**/pyodide.asm.wasm")
    page.locator(".chip.live").wait_for(state="attached", timeout=60_000)
    expect_step(page, 18)
    assert (picture(page), sentence(page)) == recorded
    assert page.locator("#the-very-same").count() == 1


def test_a_step_beyond_the_recording_shows_the_nearest_one_pale_until_it_is_worked_out(
        page, static_host):
    held: list[Route] = []
    page.route("**/pyodide.asm.wasm", lambda route: held.append(route))
    page.goto(f"{static_host}#lab=phone&lang=en&step=130")
    line = page.locator("#sentence")
    expect(line).to_contain_text("Working out step 130")
    near = step(page)
    assert 0 < near < 130 and f"is step {near}." in line.inner_text()
    assert len(picture(page)) > 20
    page.wait_for_timeout(400)
    pale = "Number(getComputedStyle(document.querySelector('#stage svg')).opacity)"
    assert page.evaluate(pale) < 0.6
    assert "step=130" in page.url
    for route in held:
        route.continue_()
    page.unroute("**/pyodide.asm.wasm")
    expect(page.locator("#timeline")).to_have_attribute(
        "aria-valuenow", "130", timeout=60_000)
    expect(line).not_to_contain_text("Working out")
    page.wait_for_timeout(400)
    assert page.evaluate(pale) == 1


def test_a_link_to_what_was_not_recorded_shows_its_choices_and_no_foreign_figure(
    page, static_host,
):
    held: list[Route] = []
    page.route("**/pyodide.asm.wasm", lambda route: held.append(route))
    page.goto(f"{static_host}#lab=rings&guest=vtx_tour&tech=hardware-assist&step=20&lang=en")
    expect(page.locator("#sentence")).to_contain_text("Working out step 20")
    expect(page.locator("#controls select").first).to_have_value("vtx_tour")
    expect(page.locator("#controls [aria-checked=true]")).to_be_visible()
    expect(page.locator("#top nav")).to_be_visible()
    expect(page.locator("#stage svg").last).to_be_hidden()
    press(page, "ArrowRight")  # meant for a run that will not be there any more
    page.locator("#controls select").first.select_option("rings")
    page.locator("#controls [data-do=technique][data-with=trap-and-emulate]").click()
    expect(page.locator("#stage svg").last).to_be_visible()
    expect_step(page, 0)
    press(page, "ArrowRight")
    expect_step(page, 1)
    for route in held:
        route.continue_()
    page.unroute("**/pyodide.asm.wasm")
    page.locator(".chip.live").wait_for(state="attached")
    for number in (2, 3):
        press(page, "ArrowRight")
        expect_step(page, number)
    expect(page.locator("#left .panel.code")).to_contain_text("rings.asm")
    later = picture(page), sentence(page)
    page.goto("about:blank")
    page.goto(f"{static_host}#lab=rings&guest=rings&tech=trap-and-emulate&step=3&lang=en")
    page.locator(".chip.live").wait_for(state="attached")
    expect_step(page, 3)
    page.wait_for_timeout(700)
    assert (picture(page), sentence(page)) == later


def test_a_machine_that_cannot_start_is_said_and_the_recording_still_plays(page, static_host):
    page.route("**/pyodide.asm.js", lambda route: route.abort())
    page.route("**/pyodide.mjs", lambda route: route.abort())
    page.goto(f"{static_host}#lab=rings&lang=en")
    expect_step(page, 0)
    press(page, "ArrowRight")
    expect_step(page, 1)


def test_nothing_is_fetched_from_elsewhere(page, static_host):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{static_host}#lab=rings&lang=en")
    page.locator(".chip.live").wait_for(state="attached", timeout=60_000)
    own = static_host.rsplit("/", 2)[0]
    assert [url for url in asked if not url.startswith((own, "blob:", "data:"))] == []


def test_the_embedded_page_plays_without_any_python(page, static_host):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{static_host}embed.html#lab=rings&lang=en&step=5")
    expect_step(page, 5)
    press(page, "ArrowRight")
    expect_step(page, 6)
    page.locator("#play").click()
    expect_step_where(page, lambda number: number > 7)
    assert not [url for url in asked if "pyscript" in url or "wasm" in url]


def test_embedding_what_was_not_recorded_opens_the_full_page_without_its_frame(page, static_host):
    page.goto(f"{static_host}embed.html#lab=rings&guest=popf&step=3&lang=en")
    page.locator(".chip.live").wait_for(state="attached", timeout=60_000)
    expect_step(page, 3)
    expect(page.locator("#top")).to_be_hidden()
    expect(page.locator("#stage")).to_be_visible()


def test_it_works_inside_a_frame_of_another_page(page, static_host):
    slide = f"<iframe src='{static_host}#lab=rings&lang=en' width=900 height=600></iframe>"
    page.route("**/slide.html", lambda route: route.fulfill(body=slide, content_type="text/html"))
    page.goto(f"{static_host}slide.html")
    frame = page.frame_locator("iframe")
    frame.locator(".chip.live").wait_for(state="attached", timeout=60_000)


def test_without_the_kept_memory_the_machine_starts_the_long_way(page, static_host):
    page.route("**/memory.gz.bin", lambda route: route.abort())
    page.goto(f"{static_host}#lab=rings&lang=en&step=4")
    page.locator(".chip.live").wait_for(state="attached", timeout=120_000)
    expect_step(page, 4)
    press(page, "ArrowRight")
    expect_step(page, 5)
