"""Who runs next when several virtual machines share the processor: the seam, and the plainest rule.

Policies with more to them (time slices, priorities) are in ``ringside.host.policies``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Policy(Protocol):
    """A scheduling rule. VMs are known by their index; times are host ticks."""

    def choose(self, ready: Sequence[int], current: int | None, now: int) -> tuple[int, str]:
        """The VM to run among those that can (never empty), and the rule that chose it."""

    def until(self, now: int) -> int | None:
        """When the rule wants to choose again while nothing else happens; None for never."""


class OneAfterAnother:
    """Keep running the same VM until it sleeps, then take the next."""

    __slots__ = ()

    def choose(self, ready: Sequence[int], current: int | None, now: int) -> tuple[int, str]:
        """Stay, or take the first that can run."""
        if current is not None and current in ready:
            return current, "it was running"
        return ready[0], "it can run"

    def until(self, now: int) -> int | None:
        """Never."""
        return None
