"""Cycles are counts times sourced prices, however many runs are priced at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.trace.cost import BARE, DEPRIVILEGED, CostModel, purchases, reprice
from ringside.trace.counters import Tally, by_detail, difference, total
from ringside.trace.events import FaultRaised, PageWalked, Retired, VmmEntered
from ringside.trace.presets import PRESETS, preset

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


def test_a_fault_reflected_to_the_guest_costs_what_was_measured() -> None:
    """AA06: divzero 889 natively, 3223 under the software VMM; pgfault 1093 and 3927."""
    model = CostModel(preset("prescott"), DEPRIVILEGED)
    # The fault, its injection, and the trap of the handler's IRET
    reflected = {("fault", "#DE"): 1, ("fault", "#GP"): 1, ("trap", "#DE"): 1, ("trap", "#GP"): 1,
                 ("inject", "#DE"): 1}  # fmt: skip
    assert model.bill(reflected, 0).total == 3223
    paged = {("fault", "#PF"): 1, ("fault", "#GP"): 1, ("trap", "#PF"): 1, ("trap", "#GP"): 1,
             ("inject", "#PF"): 1, ("shadow", "true"): 1}  # fmt: skip
    assert model.bill(paged, 0).total == 3927
    assert CostModel(preset("prescott"), BARE).bill({("fault", "#DE"): 1}, 0).total == 889


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
