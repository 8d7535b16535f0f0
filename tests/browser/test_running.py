"""Playing, stepping, seeking and leaping, with both back ends."""

from __future__ import annotations

from pages import expect_step, expect_step_where, panels, picture, press, sentence, step
from playwright.sync_api import expect


def test_the_page_comes_alive_with_a_figure_a_sentence_and_panels(visit):
    page = visit()
    assert len(picture(page)) > 10
    assert sentence(page)
    assert page.locator("#left .panel").count() >= 1
    assert page.locator("#right .panel").count() >= 1


def test_a_step_on_and_a_step_back_give_the_same_picture_again(visit):
    page = visit("lab=rings&lang=en&step=20")
    expect_step(page, 20)
    before = picture(page), sentence(page), panels(page)
    press(page, "ArrowRight")
    expect_step(page, 21)
    assert picture(page) != before[0]
    press(page, "ArrowLeft")
    expect_step(page, 20)
    page.wait_for_timeout(700)  # movement and flashes are over
    assert (picture(page), sentence(page), panels(page)) == before


def test_a_step_looks_the_same_however_it_was_reached(visit):
    page = visit("lab=rings&lang=en&step=33")
    expect_step(page, 33)
    linked = picture(page)
    press(page, "Home")
    expect_step(page, 0)
    for number in range(1, 34):
        press(page, "ArrowRight")
        expect_step(page, number)
    page.wait_for_timeout(700)
    assert picture(page) == linked


def test_playing_goes_on_by_itself_until_it_is_paused(visit):
    page = visit()
    page.locator("[data-do=speed]").select_option("16")
    press(page, " ")
    expect(page.locator("[data-do=play] .icon.pause")).to_be_attached()
    expect_step_where(page, lambda number: number > 5)
    press(page, " ")
    expect(page.locator("[data-do=play] .icon.play")).to_be_attached()
    page.wait_for_timeout(400)
    stopped = step(page)
    page.wait_for_timeout(400)
    assert step(page) == stopped


def test_end_runs_to_the_end_and_home_returns_to_the_start(visit):
    page = visit()
    press(page, "End")
    expect(page.locator("#where .outcome")).to_be_visible(timeout=60_000)
    assert step(page) > 50
    press(page, "Home")
    expect_step(page, 0)


def test_leaping_stops_at_the_next_step_of_the_chosen_kind(visit):
    page = visit()
    page.locator("[data-do=kind]").select_option("trap")
    press(page, "Shift+ArrowRight")
    expect_step_where(page, lambda number: number > 0)
    first = step(page)
    assert "VMM" in sentence(page)
    press(page, "Shift+ArrowRight")
    expect_step_where(page, lambda number: number > first)
    press(page, "Shift+ArrowLeft")
    expect_step(page, first)


def test_the_timeline_can_be_scrubbed(visit):
    page = visit("lab=rings&lang=en&step=60")
    expect_step(page, 60)
    box = page.locator("#timeline").bounding_box()
    assert box
    page.mouse.move(box["x"] + 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 10, steps=4)
    page.mouse.up()
    expect_step_where(page, lambda number: number < 40)


def test_the_other_technique_runs_the_same_guest(visit):
    page = visit()
    page.locator("[data-do=technique][data-with=bare-metal]").click()
    chosen = page.locator("[data-do=technique][aria-checked=true]")
    expect(chosen).to_have_attribute("data-with", "bare-metal")
    expect_step(page, 0)
    press(page, "ArrowRight")
    expect_step(page, 1)
    assert "tech=bare-metal" in page.evaluate("location.hash")


def test_a_stop_at_an_address_stops_the_run_there(visit):
    page = visit("lab=rings&lang=en&step=12")
    expect_step(page, 12)
    address = page.locator(".code li.current .address").get_attribute("data-with")
    press(page, "Home")
    expect_step(page, 0)
    page.locator("[data-do=stops]").click()
    page.locator("[data-do=stop-kind][data-with=console]").check()
    page.locator("dialog .close").click()
    press(page, "End")
    expect_step_where(page, lambda number: number > 0)
    expect(page.locator(".notice")).to_be_visible()
    assert address


def test_every_lab_plays_steps_back_and_follows_a_link(visit):
    page = visit()
    labs = page.locator("#top nav a").evaluate_all("all => all.map(a => a.dataset.with)")
    assert len(labs) >= 2
    for lab in labs:
        page = visit(f"lab={lab}&lang=en&step=3")
        expect_step(page, 3)
        linked = picture(page)
        press(page, "ArrowRight")
        expect_step(page, 4)
        press(page, "ArrowLeft")
        expect_step(page, 3)
        page.wait_for_timeout(700)
        assert picture(page) == linked, lab
        page.locator("[data-do=speed]").select_option("16")
        press(page, " ")
        expect_step_where(page, lambda number: number > 6)
        press(page, " ")
