"""The lab "Which is fastest?" on the page: the model's figures, the paper's, and the chart."""

from __future__ import annotations

import pytest
from pages import expect_step, expect_step_where, panels, picture, press, sentence
from playwright.sync_api import expect
from ringside.measure.predict import predictions
from ringside.session import Session
from ringside.trace.own_prices import with_prices
from ringside.trace.presets import preset

FIGURES = "lab=fastest&tech=figures&lang=en"
CHART = "lab=fastest&tech=generations&guest=nano_pgfault&lang=en"


def texts(shown: list[str]) -> dict[str, str]:
    parts = [text.split("|") for text in shown]
    return {key: words for key, tag, words, *_ in parts if tag == "text"}


def number(text: str) -> int:
    return int(text.replace("\u202f", ""))


def session_keys(technique: str, step: int, **choice: str) -> set[str]:
    session = Session()
    answer = session.handle({
        "op": "load", "lab": "fastest", "technique": technique, "step": step, **choice})
    return {node["key"] for node in answer["frame"]["scene"]["nodes"]}


def test_all_figures_are_those_counted_and_priced(visit):
    page = visit(f"{FIGURES}&step=21")
    expect_step(page, 21)
    shown = texts(picture(page))
    for one in predictions():
        key = f"bar:{one.benchmark}:{one.system}"
        assert number(shown[f"{key}:value"]) == round(one.cycles)
        assert number(shown[f"{key}:known"]) == one.published.cycles
    assert {text.partition("|")[0] for text in picture(page)} == session_keys("figures", 21)
    assert "201 of 201" in panels(page)


def test_it_plays_one_figure_a_step_and_steps_back(visit):
    page = visit(f"{FIGURES}&step=5")
    expect_step(page, 5)
    before = picture(page), sentence(page), panels(page)
    press(page, "ArrowRight")
    expect_step(page, 6)
    assert "Published: 15\u202f826" in sentence(page)
    press(page, "ArrowLeft")
    expect_step(page, 5)
    page.wait_for_timeout(700)
    assert (picture(page), sentence(page), panels(page)) == before
    page.locator("[data-do=speed]").select_option("16")
    press(page, " ")
    expect_step_where(page, lambda number: number > 10)


@pytest.mark.parametrize("processor", ["westmere", "broadwell"])
def test_the_processor_reprices_every_figure(visit, processor):
    page = visit(f"{FIGURES}&step=21&o.preset={processor}")
    expect_step(page, 21)
    shown = texts(picture(page))
    for one in predictions(preset(processor)):
        assert number(shown[f"bar:{one.benchmark}:{one.system}:value"]) == round(one.cycles)


def test_the_chart_has_the_cross_over_where_the_session_has_it(visit):
    page = visit(CHART)
    page.locator("[data-do=kind]").select_option("crossover")
    press(page, "Shift+ArrowRight")
    expect_step(page, 4)
    assert "From here on the hardware VMM is faster" in sentence(page)
    keys = {text.partition("|")[0] for text in picture(page)}
    assert "crossing" in keys
    assert keys == session_keys("generations", 4, guest="nano_pgfault")
    press(page, "ArrowLeft")
    expect_step(page, 3)
    page.wait_for_timeout(700)
    assert "crossing" not in {text.partition("|")[0] for text in picture(page)}


def test_a_price_of_one_s_own_reprices_the_figures_and_the_verdict_at_the_same_step(visit):
    page = visit(f"{FIGURES}&step=21")
    expect_step(page, 21)
    field = page.locator('#panel-prices input[data-with="price.callout"]')
    field.fill("20")
    field.press("Enter")
    figure = page.locator('#stage svg [data-key="bar:syscall:software:value"]')
    mine = {one.key: one.cycles
            for one in predictions(with_prices(preset("prescott"), {"callout": 20}))}
    expect(figure).to_have_text(f"{mine['syscall', 'software']:,.0f}".replace(",", "\u202f"))
    shown = texts(picture(page))
    for (benchmark, system), cycles in mine.items():
        assert number(shown[f"bar:{benchmark}:{system}:value"]) == round(cycles)
    expect_step(page, 21)
    assert "200 of 201" in panels(page) and "yours, instead of 1254" in panels(page)
