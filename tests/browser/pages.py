"""Reading the page in tests."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

PICTURE = """() => [...document.querySelectorAll('#stage svg > [data-key]:not(.leaving)')].map(
  (node) => [node.dataset.key, node.localName, node.textContent,
             ...['x', 'y', 'cx', 'cy', 'r', 'width', 'height', 'd', 'x1', 'y1', 'x2', 'y2', 'class']
               .map((name) => (node.getAttribute(name) ?? '').replace(' flash', ''))].join('|'))"""


def step(page: Page) -> int:
    """The step the timeline stands at."""
    return int(page.locator("#timeline").get_attribute("aria-valuenow") or -1)


def expect_step(page: Page, number: int) -> None:
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", str(number))


def picture(page: Page) -> list[str]:
    """Every node of the figure with its place, in paint order."""
    nodes: list[str] = page.evaluate(PICTURE)
    return nodes


def sentence(page: Page) -> str:
    return page.locator("#sentence").inner_text()


def panels(page: Page) -> str:
    """The words of all panels, without what only tells of the step before."""
    text = page.locator("#left").inner_text() + page.locator("#right").inner_text()
    return re.sub(r"\s+", " ", text)


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)


def expect_step_where(page: Page, true: Callable[[int], bool], seconds: float = 30) -> int:
    """Wait for a step of a certain kind. (The page's policy forbids Playwright's own waiting.)"""
    for _ in range(int(seconds * 20)):
        number = step(page)
        if true(number):
            return number
        page.wait_for_timeout(50)
    raise AssertionError(f"still at step {step(page)}")


def expect_hash(page: Page, part: str) -> None:
    """Wait until the address says ``part``."""
    expect(page).to_have_url(re.compile(re.escape(part)))
