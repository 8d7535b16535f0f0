"""Counters of a pool: nothing but sums over its events."""

from __future__ import annotations

from collections.abc import Iterable

from ringside.host.memory import events as ev
from ringside.trace.events import Event

COUNTED: tuple[type[Event], ...] = (
    ev.Worked, ev.FramesGiven, ev.Copied, ev.SwappedIn, ev.SwappedOut, ev.DoublePaged,
    ev.GuestPaged, ev.Stalled,
)
NAMES: dict[str, str] = {
    ev.Worked.kind: "accesses", ev.FramesGiven.kind: "frames given", ev.Copied.kind: "copied",
    ev.SwappedIn.kind: "read back", ev.SwappedOut.kind: "swapped out",
    ev.DoublePaged.kind: "double paged", ev.GuestPaged.kind: "guest's reads",
    ev.Stalled.kind: "stalled",
}


class Tally:
    """``counts[vm, kind]`` is the sum of the events' counts."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Count what happened."""
        for event in events:
            key = (getattr(event, "vm", ""), event.kind)
            self.counts[key] = self.counts.get(key, 0) + int(getattr(event, "count", 1))

    def of(self, vm: str) -> dict[str, int]:
        """One VM's counters by name."""
        return {
            NAMES[kind.kind]: self.counts.get((vm, kind.kind), 0) for kind in COUNTED}

    def copy(self) -> dict[tuple[str, str], int]:
        """The counters as they are now."""
        return dict(self.counts)
