"""Shares, the idle memory tax, sampling and the four levels of free memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.host.memory.levels import LEVELS, PERCENT, next_level, threshold
from ringside.host.memory.sampling import Sampler
from ringside.host.memory.shares import Claim, idle_cost, price, targets


def test_the_tax_of_75_percent_makes_an_idle_page_four_times_as_dear() -> None:
    assert idle_cost(0.75) == 4 and idle_cost(0) == 1


@pytest.mark.parametrize("tax", [1.0, 1.5, -0.1])
def test_a_tax_of_100_percent_or_more_is_refused(tax: float) -> None:
    with pytest.raises(ValueError, match="below 1"):
        idle_cost(tax)


@pytest.mark.parametrize(
    ("tax", "a", "b"), [(0, 1.5, 1.0), (0.75, 0.4615, 0.690), (0.8, 0.375, 0.625)])
def test_the_price_per_page_is_that_of_the_papers_formula(tax: float, a: float, b: float) -> None:
    assert price(6000, 4000, 0.25, tax) == pytest.approx(a, abs=1e-3)
    assert price(2000, 2000, 0.85, tax) == pytest.approx(b, abs=1e-3)


def revoked(claims: list[Claim], available: int, tax: float) -> list[int]:
    """Min-funding revocation as the paper tells it: a page at a time, from whoever pays least."""
    pages = [claim.most for claim in claims]
    while sum(pages) > available:
        able = [n for n, claim in enumerate(claims) if pages[n] > claim.least]
        victim = min(able, key=lambda n: price(
            claims[n].shares, pages[n], min(claims[n].active / pages[n], 1), tax))
        pages[victim] -= 1
    return pages


CLAIM = st.builds(
    lambda shares, most, least, active: Claim(
        shares, int(most * least), most, active * most),
    st.sampled_from([500, 1000, 2000, 4000]), st.integers(20, 200), st.floats(0, 0.4),
    st.floats(0.01, 1))


@settings(max_examples=100)
@given(st.lists(CLAIM, min_size=2, max_size=5), st.floats(0.45, 1), st.sampled_from([0, 0.5, 0.75]))
def test_targets_are_where_revocation_page_by_page_comes_to_rest(
    claims: list[Claim], scarcity: float, tax: float
) -> None:
    available = max(int(sum(c.most for c in claims) * scarcity), sum(c.least for c in claims))
    found, wanted = targets(claims, available, tax), revoked(claims, available, tax)
    assert sum(found) <= available
    for claim, mine, theirs in zip(claims, found, wanted, strict=True):
        assert claim.least <= mine <= claim.most
        assert abs(mine - theirs) <= 2


def test_without_a_tax_memory_goes_by_shares_alone_and_with_it_idle_memory_goes_first() -> None:
    idle, busy = Claim(1000, 10, 200, 5.0), Claim(1000, 10, 200, 190.0)
    assert targets([idle, busy], 200, 0) == [100, 100]
    less, more = targets([idle, busy], 200, 0.75)
    assert more > 140 and less + more <= 200


def test_twice_the_shares_get_twice_the_memory_of_equally_active_vms() -> None:
    a, b = targets([Claim(2000, 0, 300, 0.0), Claim(1000, 0, 300, 0.0)], 300, 0.0)
    assert (a, b) == (200, 100)


def test_nobody_goes_below_its_minimum() -> None:
    assert targets([Claim(1, 90, 200, 0.0), Claim(10_000, 0, 200, 200.0)], 200, 0.75)[0] >= 90


def test_the_estimate_rises_quickly_and_falls_slowly() -> None:
    sampler = Sampler(1000, np.random.default_rng(1))
    touched = np.zeros(1000, np.bool_)

    def period(active: int) -> float:
        sampler.begin(touched)
        touched[:active] = True
        sampler.end(touched)
        estimate = max(sampler.slow, sampler.fast)
        touched[:] = False
        return estimate

    for _ in range(20):
        period(100)
    up = [period(800) for _ in range(3)][-1]
    for _ in range(20):
        period(800)
    down = [period(100) for _ in range(3)][-1]
    assert up > 0.65
    assert down > 0.35


def test_the_present_period_counts_at_once() -> None:
    sampler = Sampler(400, np.random.default_rng(1))
    touched = np.zeros(400, np.bool_)
    for _ in range(5):
        sampler.begin(touched)
        sampler.end(touched)
    sampler.begin(touched)
    before = sampler.estimate(touched)
    touched[:] = True
    assert before == 0 and sampler.estimate(touched) > 0.5


def test_only_the_sampled_pages_are_looked_at() -> None:
    sampler = Sampler(1000, np.random.default_rng(3))
    touched = np.ones(1000, np.bool_)
    sampler.begin(touched)
    assert len(sampler.chosen) == 100 and sampler.count(touched) == 0
    assert int(touched.sum()) == 900


def test_the_thresholds_are_6_4_2_and_1_percent() -> None:
    assert [PERCENT[level] for level in LEVELS] == [6, 4, 2, 1]
    assert [threshold(level, 1000) for level in LEVELS] == [60, 40, 20, 10]


@pytest.mark.parametrize(
    ("level", "free", "after"),
    [("high", 40, "high"), ("high", 39, "soft"), ("soft", 59, "soft"), ("soft", 60, "high"),
     ("soft", 19, "hard"), ("hard", 39, "hard"), ("hard", 40, "soft"), ("hard", 60, "high"),
     ("high", 9, "low"), ("low", 19, "low"), ("low", 20, "hard"), ("low", 100, "high")],
)
def test_a_state_gets_worse_at_its_threshold_and_better_at_the_one_above(
    level: str, free: int, after: str
) -> None:
    assert next_level(level, free, 1000) == after
