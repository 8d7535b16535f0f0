"""Cycles are counts times sourced prices, however many runs are priced at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.trace.cost import (
    ASSISTED_SHADOW,
    BARE,
    DEPRIVILEGED,
    FREE,
    NATIVE_INSTRUCTIONS,
    TRANSLATED,
    CostModel,
    purchases,
    reprice,
)
from ringside.trace.counters import Tally, by_detail, difference, total
from ringside.trace.events import FaultRaised, PageWalked, Retired, VmmEntered
from ringside.trace.presets import PRESETS, RINGS, preset
from ringside.vmm.registry import TECHNIQUES

KEYS = [
    ("fault", "#PF"), ("fault", "#GP"), ("interrupt", "32"), ("walk", "2"), ("trap", "#GP"),
    ("inject", "#PF"), ("shadow", "hidden"), ("console", ""), ("port", "pic"), ("syscall", "4"),
]  # fmt: skip
counts = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 10**6))


def test_every_price_has_a_source_and_every_charge_a_price() -> None:
    for found in PRESETS:
        for price in found.prices.values():
            assert price.source and price.cycles > 0
            assert price.confidence in ("measured", "reported", "derived", "assumed")
        assert set(BARE.values()) | set(DEPRIVILEGED.values()) <= set(found.prices)


def test_a_trapped_and_emulated_instruction_costs_what_was_measured() -> None:
    """AA06 4: 2030 cycles for RDTSC, the exception (889) and the VMM's work in software."""
    trapped = {("fault", "#GP"): 1, ("trap", "#GP"): 1}
    assert CostModel(preset("prescott"), DEPRIVILEGED).bill(trapped, 0).total == 2030
    assert CostModel(preset("prescott"), BARE).bill({("fault", "#DE"): 1}, 0).total == 889


def test_a_callout_is_charged_by_itself_and_other_traps_are_not() -> None:
    model = CostModel(preset("prescott"), TRANSLATED)
    assert model.bill({("trap", "callout"): 1}, 0).total == 1254
    assert model.bill({("trap", "#PF"): 1}, 0).total == 2030 - 889


def test_where_page_faults_are_exits_their_delivery_is_not_paid() -> None:
    happened = {("fault", "#PF"): 1, ("vmexit", "0"): 1}
    shadowed = CostModel(preset("prescott"), ASSISTED_SHADOW).bill(happened, 0)
    assert [line.name for line in shadowed.lines] == ["exit #PF"]


def test_an_instruction_with_a_price_of_its_own_is_paid_once() -> None:
    charges = {**BARE, **NATIVE_INSTRUCTIONS}
    found = purchases({("retired", "cli"): 2, ("retired", "mov"): 3}, 5, charges)
    assert found == {"instruction": 3, "interrupt flag": 2}


def test_ring_costs_without_a_figure_for_the_processor_are_marked_as_assumed() -> None:
    for name in RINGS:
        assert preset("haswell").prices[name].confidence == "assumed"
        assert preset("haswell").prices[name].cycles == preset("prescott").prices[name].cycles


def test_every_processor_can_price_every_technique() -> None:
    for technique in TECHNIQUES:
        for found in PRESETS:
            assert set(technique.charges.values()) - {FREE} <= set(found.prices)


def test_a_walk_pays_for_each_reference() -> None:
    assert purchases({("walk", "2"): 3, ("walk", "1"): 1}, 0, BARE) == {"walk reference": 7}


def test_a_bill_adds_up_and_starts_with_the_dearest() -> None:
    bill = CostModel().bill({("fault", "#PF"): 2, ("port", "pic"): 1}, 100)
    assert [line.name for line in bill.lines] == ["port access", "page fault", "instruction"]
    assert bill.total == 3209 + 2 * 1093 + 100


@settings(deadline=None)
@given(runs=st.lists(st.tuples(counts, st.integers(0, 10**9)), min_size=1, max_size=5))
def test_pricing_many_runs_at_once_gives_the_single_bills(
    runs: list[tuple[dict[tuple[str, str], int], int]],
) -> None:
    pytest.importorskip("numpy")
    for charges in (BARE, DEPRIVILEGED):
        table = reprice(runs, PRESETS, charges)
        for row, (happened, instructions) in zip(table, runs, strict=True):
            for cycles, found in zip(row, PRESETS, strict=True):
                bill = CostModel(found, charges).bill(happened, instructions)
                assert cycles == pytest.approx(bill.total, abs=0.51)


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="prescott, merom"):
        preset("z80")


def test_a_tally_counts_by_kind_and_detail_but_not_single_instructions() -> None:
    tally = Tally()
    tally(Retired(0, "app", 0, 0, "nop", "nop"))
    for _ in range(2):
        tally(VmmEntered(1, "vmm", "vm", "#GP", 13, 0, 0, 1))
    tally(FaultRaised(1, "app", 14, 4, 0, 0x1000, "mov"))
    tally(PageWalked(2, "app", 0x1000, -1, 2, 0, 1))
    assert total(tally.counts, "trap") == 2
    assert by_detail(tally.counts, "fault") == {"#PF": 1}
    before = dict(tally.counts)
    tally(PageWalked(3, "app", 0x1000, 5, 2, 0, 1))
    assert difference(tally.counts, before) == {("walk", "2"): 1}
