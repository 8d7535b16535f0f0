"""How much memory a VM really uses: sampling, without asking the guest.

Waldspurger 2002, section 5.3: at the start of a period some pages are chosen at random and their
cached mappings invalidated, so that the next access to each is noticed. The share that was
touched by the end estimates the share of active memory. The estimate used is the largest of a
slow and a fast moving average and of the fast one with the present period counted in: it rises
quickly and falls slowly.
"""

from __future__ import annotations

import numpy as np

from ringside.bulk.arrays import Bools

SAMPLE = 100  # pages (the paper's default)
PERIOD = 30  # seconds of the VM's execution (the paper's default)
SLOW, FAST = 0.2, 0.6  # weights of the newest period (modelled: the paper does not give them)


class Sampler:
    """The estimate for one VM; ``estimate`` is a share of its pages."""

    __slots__ = ("chance", "chosen", "fast", "fast_weight", "periods", "slow", "slow_weight")

    def __init__(
        self, pages: int, chance: np.random.Generator, sample: int = SAMPLE,
        slow_weight: float = SLOW, fast_weight: float = FAST,
    ) -> None:
        self.chance = chance
        self.chosen = np.zeros(min(sample, pages), np.int64)
        self.slow_weight = slow_weight
        self.fast_weight = fast_weight
        self.slow = self.fast = 0.0
        self.periods = 0

    def begin(self, touched: Bools) -> None:
        """Choose this period's pages and clear their marks in ``touched``."""
        self.chosen = self.chance.choice(len(touched), len(self.chosen), replace=False)
        touched[self.chosen] = False

    def count(self, touched: Bools) -> int:
        """How many of the chosen pages were touched since."""
        return int(np.count_nonzero(touched[self.chosen]))

    def end(self, touched: Bools) -> int:
        """Take this period into the averages; gives how many chosen pages were touched."""
        found = self.count(touched)
        share = found / len(self.chosen)
        weights = (self.slow_weight, self.fast_weight) if self.periods else (1.0, 1.0)
        self.slow += weights[0] * (share - self.slow)
        self.fast += weights[1] * (share - self.fast)
        self.periods += 1
        return found

    def estimate(self, touched: Bools) -> float:
        """The share of the VM's pages that is in use, as far as can be known now."""
        share = self.count(touched) / len(self.chosen)
        if not self.periods:
            return share
        present = self.fast + self.fast_weight * (share - self.fast)
        return max(self.slow, self.fast, present)
