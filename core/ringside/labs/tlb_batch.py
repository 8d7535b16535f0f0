"""The lab "TLB" without pictures: what a whole stream came to, with and without tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .at_once import AtOnce
from .lab import InputError, Setup

if TYPE_CHECKING:
    from .tlb_model import Beat

OTHER = {"vpid": "flush", "flush": "vpid"}


class TlbBatch(AtOnce):
    """A stream through the TLBs: all known as soon as it is made."""

    def __init__(self, setup: Setup, beats: Sequence[Beat], others: Sequence[Beat]) -> None:
        self.setup = setup
        self.beats = beats
        self.others = others  # of the same stream, with the other way of switching

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """The counters; ``compared`` are those under the other technique, None if it is alike."""
        return {
            "lab": "tlb",
            "guest": self.setup.guest,
            "technique": self.setup.technique,
            "options": dict(self.setup.options),
            **_counted(self.beats),
            "compared": {"technique": OTHER[self.setup.technique], **_counted(self.others)}
            if self.others else None,
            "outcome": "stopped" if stopped else "done",
            "status": 130 if stopped else 0,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """The same to read."""
        options = ", ".join(f"{name} {value}" for name, value in report["options"].items())
        other = report["compared"]
        shown = [report, *([other] if other else [])]
        names = ("accesses", "hits", "misses", "hit rate %", "evictions", "switches", "flushed",
                 "shootdowns", "stale")
        return [
            f"TLB           {report['guest']}; {options}",
            f"{'':<14}" + "".join(f"{one['technique']:>10}" for one in shown),
            *(f"{name:<14}" + "".join(f"{one[name]:>10}" for one in shown) for name in names),
        ]


def _counted(beats: Sequence[Beat]) -> dict[str, Any]:
    """What a stream came to. ``stale`` are accesses that used a translation out of date."""
    counters = beats[-1].counters
    return {
        "accesses": counters.accesses,
        "hits": counters.hits,
        "misses": counters.misses,
        "hit rate %": round(100 * counters.hits / max(counters.accesses, 1), 1),
        "evictions": counters.evictions,
        "switches": sum(beat.kind in ("flushed", "kept") for beat in beats),
        "flushed": counters.flushed,
        "shootdowns": counters.shootdowns,
        "stale": counters.stale,
    }


def run_tlb(setup: Setup, chosen: Mapping[str, str]) -> TlbBatch:
    """Play the whole stream the setup names."""
    from .tlb import TlbRun

    if setup.guest == "trace":
        raise InputError(
            "A trace file is dropped onto the page of this lab.",
            "Without the page, use 'ringside sweep file:TRACE'.")
    run = TlbRun(setup)
    return TlbBatch(setup, run.beats, run.others)
