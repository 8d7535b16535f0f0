"""Counting a run that is gone through forwards and backwards."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from ringside.trace.counters import Tally
from ringside.trace.events import Event

Kept = tuple[dict[tuple[str, str], int], int]


class Counting(Tally):
    """A tally that also remembers after how many guest steps each exit came."""

    __slots__ = ("_now", "exits", "seen")

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__()
        self._now = now
        self.exits = array("q")
        self.seen = array("q")  # every guest step with an exit ever come to; not taken back

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if event.kind == "trap":
            now = self._now()
            self.exits.append(now)
            if not self.seen or now > self.seen[-1]:
                self.seen.append(now)

    def freeze(self) -> Kept:
        """What has been counted so far."""
        return dict(self.counts), len(self.exits)

    def thaw(self, kept: Kept) -> None:
        """Go back to what had been counted then."""
        counts, exits = kept
        self.counts = dict(counts)
        del self.exits[exits:]
