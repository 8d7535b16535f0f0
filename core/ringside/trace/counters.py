"""Counting what happened: a listener for whole runs, and cheap counts from the parts' own state.

Within a timeline no listener is needed: its marks count exactly for every step
(:meth:`ringside.trace.timeline.Timeline.counts`). :class:`Tally` counts the same without
remembering when, for runs nobody travels in.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringside.trace.events import Event
from ringside.trace.marks import detail

Counts = Mapping[tuple[str, str], int]


class Tally:
    """A listener that counts events by ``(kind, detail)``; single instructions are left out."""

    __slots__ = ("counts",)
    every_instruction = False

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def __call__(self, event: Event) -> None:
        if event.kind != "retired":
            key = (event.kind, detail(event))
            self.counts[key] = self.counts.get(key, 0) + 1


def total(counts: Counts, kind: str) -> int:
    """Events of ``kind``, whatever their detail."""
    return sum(count for (other, _), count in counts.items() if other == kind)


def by_detail(counts: Counts, kind: str) -> dict[str, int]:
    """Events of ``kind`` by detail, the most frequent first: exits by reason, faults by vector."""
    found = {name: count for (other, name), count in counts.items() if other == kind}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def difference(after: Counts, before: Counts) -> dict[tuple[str, str], int]:
    """What happened between two counts of the same run."""
    return {
        key: count - before.get(key, 0)
        for key, count in after.items()
        if count != before.get(key, 0)
    }
