"""Every price's source can be read in both languages."""

from __future__ import annotations

import re

import pytest
from ringside.labs.fastest import FACTORS
from ringside.labs.words.sources import HUNGARIAN, source_in
from ringside.trace.own_prices import CHARGED, with_prices
from ringside.trace.presets import PRESETS, Preset, with_ring_costs

ENGLISH = re.compile(
    r"\b(the|of|for|and|with|this|here|an|by|from|is|native|its|table|chapter|entry|your|on|one)\b",
    re.IGNORECASE)


def processors() -> list[Preset]:
    found = [with_ring_costs(known, factor) for known in PRESETS for factor in FACTORS.values()]
    return [*found, with_prices(PRESETS[0], dict.fromkeys(CHARGED, 7.5))]


def sources() -> set[str]:
    return {price.source for known in processors() for price in known.prices.values()}


@pytest.mark.parametrize("source", sorted(sources()))
def test_no_source_of_a_price_is_left_in_english_for_hungarian_readers(source: str) -> None:
    assert source_in(source, "en") == source
    assert ENGLISH.findall(source_in(source, "hu")) == []


def test_each_part_that_has_a_hungarian_text_is_said_of_some_price() -> None:
    assert [part for part, _ in HUNGARIAN if not any(part in source for source in sources())] == []


def test_the_figures_of_a_source_are_the_same_in_both_languages() -> None:
    for source in sources():
        told = source_in(source, "hu").replace(",", ".")
        for figure in re.findall(r"\d{3,}", source):
            assert figure in told
