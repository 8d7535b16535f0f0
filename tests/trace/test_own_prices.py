"""A price of one's own replaces the processor's, is marked, and says what it replaced."""

from __future__ import annotations

import pytest
from ringside.trace.cost import FREE, TRANSLATED, CostModel, charged
from ringside.trace.own_prices import (
    CHARGED,
    MOST,
    YOURS,
    amount,
    named,
    slug,
    with_prices,
    written,
)
from ringside.trace.presets import PRESETS, preset
from ringside.vmm.registry import TECHNIQUES


def test_every_price_a_technique_can_be_charged_can_be_changed() -> None:
    for technique in TECHNIQUES:
        for charges in (technique.charges, *technique.charges_by_memory.values()):
            assert charged(charges) <= set(CHARGED)
    assert FREE not in CHARGED and set(CHARGED) <= set(PRESETS[0].prices)


def test_no_two_prices_have_the_same_name_in_an_address() -> None:
    assert len({slug(name) for name in CHARGED}) == len(CHARGED)
    assert slug("exit #PF") == "exit-pf" and named("exit-pf") == named("Exit #PF") == "exit #PF"


def test_it_is_paid_and_marked_and_the_published_one_stays_known() -> None:
    known = preset("prescott")
    mine = with_prices(known, {"callout": 10})
    (line,) = CostModel(mine, TRANSLATED).bill({("trap", "callout"): 3}, 0).lines
    assert (line.total, line.confidence) == (30, YOURS)
    assert "instead of 1254 (AA06 4" in line.source
    assert mine.own == {"callout"} and known.prices["callout"].cycles == 1254
    assert with_prices(known, {}) is known


def test_the_round_trip_follows_its_parts_and_is_no_price_itself() -> None:
    mine = with_prices(preset("prescott"), {"vmresume": 100})
    trip = mine.prices["vm round trip"]
    assert (trip.cycles, trip.confidence) == (100 + 1630, YOURS)
    with pytest.raises(ValueError, match="'exit vmcall' and 'vmresume'"):
        named("vm round trip")


@pytest.mark.parametrize("text", ["", "-1", "1e3", "nan", "inf", "1000001", "0x10", "1.2345"])
def test_what_is_no_number_of_cycles_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="from 0 to 1000000"):
        amount(text)


def test_amounts_are_read_and_written_alike() -> None:
    for text in ("0", "5.5", "2000", str(MOST), "0.125"):
        assert written(amount(text)) == text


def test_an_unknown_price_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="choose one of: instruction, page fault"):
        named("lunch")
