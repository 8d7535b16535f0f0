"""Reach: small screens, screen readers, keyboards, and browsers that allow less."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import expect_step, expect_step_where, picture, press
from playwright.sync_api import Page, expect

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LABS = ("rings", "walks", "phone", "pool")


def serious(page: Page) -> list[str]:
    """Serious and critical violations axe-core finds in the page as it is."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
    return [
        f"{entry['id']}: {node['html'][:160]}"
        for entry in found if entry["impact"] in ("serious", "critical")
        for node in entry["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lab", LABS)
def test_axe_finds_no_serious_violation(visit, lab, theme):
    page = visit(f"lab={lab}&lang=en&theme={theme}&step=2")
    expect_step(page, 2)
    page.wait_for_timeout(700)
    assert serious(page) == []


def test_axe_finds_no_serious_violation_in_dialogs_and_editor(visit):
    page = visit()
    for key in ("?", "b"):
        press(page, key)
        expect(page.locator("#dialog")).to_be_visible()
        assert serious(page) == []
        press(page, "Escape")
    press(page, "e")
    page.locator("ring-editor .cm-content").wait_for()
    assert serious(page) == []


WIDTHS = (360, 390, 768, 1024, 1440)


@pytest.mark.parametrize("lab", LABS)
def test_nothing_sticks_out_sideways(visit, lab):
    visit("about", live=False).set_viewport_size({"width": WIDTHS[0], "height": 800})
    page = visit(f"lab={lab}&lang=hu&step=2")
    for width in WIDTHS:  # opened on the narrowest screen, then resized
        page.set_viewport_size({"width": width, "height": 800})
        expect_step(page, 2)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        for place in ("#transport button:visible", "#timeline"):
            for box in page.locator(place).all():
                edges = box.bounding_box()
                assert edges and edges["x"] >= 0 and edges["x"] + edges["width"] <= width + 1


def test_on_a_phone_the_stage_comes_first_and_the_controls_stay_in_sight(visit):
    visit("about", live=False).set_viewport_size({"width": 360, "height": 740})
    page = visit()
    stage = page.locator("#stage").bounding_box()
    left = page.locator("#left").bounding_box()
    assert stage and left and stage["y"] < left["y"]
    page.mouse.wheel(0, 900)
    play = page.locator("[data-do=play]").bounding_box()
    assert play and play["y"] + play["height"] <= 740
    page.locator("[data-do=play]").click()
    expect_step_where(page, lambda number: number > 0)


def test_the_stage_has_half_of_a_projectors_window(visit):
    visit("about", live=False).set_viewport_size({"width": 1024, "height": 768})
    page = visit()
    box = page.locator("#board").bounding_box()
    assert box and box["width"] * box["height"] >= 0.5 * 1024 * 768
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('#stage text')].map((text) =>
             parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a))""")
    assert smallest >= 14


@pytest.mark.parametrize("lab", ["rings", "phone", "compare"])
def test_every_panel_is_in_sight_beside_a_projectors_figure(visit, lab):
    visit("about", live=False).set_viewport_size({"width": 1024, "height": 768})
    page = visit(f"lab={lab}&lang=en&step=5")
    foot = page.locator("#foot").bounding_box()
    panels = page.locator(".panel").all()
    assert foot and len(panels) >= 3
    for panel in panels:
        box = panel.bounding_box()
        assert box and box["y"] + box["height"] <= foot["y"] and box["height"] >= 60
    for field in page.locator(".console .type").all():
        box = field.bounding_box()
        assert box and box["y"] + box["height"] <= foot["y"]


@pytest.mark.parametrize("lab", ["rings", "walks", "pool"])
def test_no_choice_is_cut_on_a_projector(visit, lab):
    visit("about", live=False).set_viewport_size({"width": 1024, "height": 768})
    page = visit(f"lab={lab}&lang=hu")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('#controls select')].filter((select) => {
             const whole = select.cloneNode(true);
             whole.style.cssText = 'position:absolute; max-width:none';
             select.parentElement.append(whole);
             whole.value = select.value;
             const wanted = whole.offsetWidth;
             whole.remove();
             return select.offsetWidth < wanted - 1;
           }).map((select) => select.value)""")
    assert cut == []
    last = page.locator("#controls .field").last.bounding_box()
    assert last and last["x"] + last["width"] <= 1024 and last["y"] < 110


def test_a_panels_title_gives_it_the_columns_height_and_takes_it_back(visit):
    visit("about", live=False).set_viewport_size({"width": 1024, "height": 768})
    page = visit("lab=rings&lang=en&step=5")
    registers, title = page.locator("#panel-registers"), page.locator("#panel-registers .grow")

    def height() -> float:
        box = registers.bounding_box()
        assert box
        return box["height"]

    shared = height()
    title.click()
    expect(title).to_have_attribute("aria-expanded", "true")
    assert height() > 3 * shared
    press(page, "ArrowRight")
    expect_step(page, 6)
    expect(title).to_have_attribute("aria-expanded", "true")
    title.click()
    expect(title).to_have_attribute("aria-expanded", "false")
    assert abs(height() - shared) < 1  # a row of another panel may be a hair higher by now


def test_the_figures_parts_can_be_reached_by_keyboard_and_explain_themselves(visit):
    page = visit("lab=rings&lang=en&step=6")
    expect_step(page, 6)
    page.locator("#stage [tabindex='0']").focus()
    tip = page.locator("#stage .tip")
    expect(tip).to_be_visible()
    first = tip.inner_text()
    press(page, "ArrowDown")
    expect(tip).not_to_have_text(first)


def test_without_movement_nothing_moves(visit, page):
    page.emulate_media(reduced_motion="reduce")
    visit("lab=rings&lang=en&step=6")
    expect_step(page, 6)
    press(page, "ArrowRight")
    expect_step(page, 7)
    moving = "document.getAnimations().filter(a => a.playState === 'running').length"
    assert page.evaluate(moving) == 0


def test_the_sentence_is_announced(visit):
    page = visit()
    assert page.locator("#sentence").get_attribute("aria-live") == "polite"


def test_two_nodes_never_share_a_key(visit):
    page = visit("lab=rings&lang=en&step=30")
    expect_step(page, 30)
    keys = [node.split("|")[0] for node in picture(page)]
    assert len(keys) == len(set(keys))
