"""What each VM is entitled to: shares, minimum, maximum, and the idle memory tax.

Waldspurger 2002, sections 5.1, 5.2: memory is a market. A VM "pays" its shares for its pages, an
idle page costing ``k`` times an active one; whoever pays least for a page loses the next one
(min-funding revocation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_TAX = 0.75
ROUNDS = 60  # of bisection: more than a double has bits


@dataclass(frozen=True, slots=True)
class Claim:
    """One VM's claim, in pages: between ``least`` and ``most``, of which ``active`` are in use."""

    shares: int
    least: int
    most: int
    active: float


def idle_cost(tax: float) -> float:
    """k = 1 / (1 - tax): what an idle page costs, an active one costing 1.

    Raises ValueError unless 0 <= tax < 1.
    """
    if not 0 <= tax < 1:
        raise ValueError("the idle memory tax must be at least 0 and below 1")
    return 1 / (1 - tax)


def price(shares: float, pages: float, active: float, tax: float) -> float:
    """The adjusted shares-per-page ratio: S / (P (f + k (1 - f))), ``active`` being f."""
    return shares / (pages * (active + idle_cost(tax) * (1 - active)))


def _pages_at(claim: Claim, ratio: float, k: float) -> float:
    """How many pages a VM holds when the ratio is the same for everybody."""
    worth = claim.shares / ratio
    pages = worth if worth <= claim.active else claim.active + (worth - claim.active) / k
    return min(max(pages, claim.least), claim.most)


def targets(claims: Sequence[Claim], available: int, tax: float = DEFAULT_TAX) -> list[int]:
    """How ``available`` pages are divided: the point at which revocation, a page at a time from
    whoever has the lowest ratio, comes to rest. Everybody keeps at least its minimum.
    """
    k = idle_cost(tax)
    if sum(claim.most for claim in claims) <= available:
        return [claim.most for claim in claims]
    low, high = 1e-9, float(max(claim.shares for claim in claims))
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        if sum(_pages_at(claim, middle, k) for claim in claims) > available:
            low = middle
        else:
            high = middle
    result = [max(claim.least, int(_pages_at(claim, high, k))) for claim in claims]
    # Rounding down left less than a page each.
    for number, claim in enumerate(claims):
        if sum(result) < available and result[number] < claim.most:
            result[number] += 1
    return result
