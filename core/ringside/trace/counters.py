"""Counting what happened: a listener for whole runs, and cheap counts from the parts' own state.

Within a timeline no listener is needed: its marks count exactly for every step
(:meth:`ringside.trace.timeline.Timeline.counts`). :class:`Tally` counts the same without
remembering when, for runs nobody travels in.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringside.trace.events import Event, FaultRaised, PageWalked, Retired
from ringside.trace.marks import detail

Counts = Mapping[tuple[str, str], int]


class InstructionTally:
    """As :class:`Tally`, and single instructions by their mnemonic: slow, for short stretches."""

    __slots__ = ("counts",)
    every_instruction = True

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def __call__(self, event: Event) -> None:
        key = (event.kind, _closely(event))
        self.counts[key] = self.counts.get(key, 0) + 1


def _closely(event: Event) -> str:
    if isinstance(event, Retired):
        return event.mnemonic
    if isinstance(event, FaultRaised) and event.mnemonic == "int":
        return "INT"  # refused, and so on the way into the VMM
    if isinstance(event, PageWalked) and event.frame < 0:
        return "0"  # its references are part of what the page fault costs
    return detail(event)


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


def together(*parts: Counts) -> dict[tuple[str, str], int]:
    """The sum of several counts."""
    found: dict[tuple[str, str], int] = {}
    for part in parts:
        for key, count in part.items():
            found[key] = found.get(key, 0) + count
    return found


def difference(after: Counts, before: Counts) -> dict[tuple[str, str], int]:
    """What happened between two counts of the same run."""
    return {
        key: count - before.get(key, 0)
        for key, count in after.items()
        if count != before.get(key, 0)
    }
