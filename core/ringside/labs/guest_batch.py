"""One guest on one system without pictures, run to its end or to a limit."""

from __future__ import annotations

from typing import Any

from ..trace.cost import CostModel
from ..trace.counters import Tally, by_detail, together
from .narrate import outcome_words
from .systems import System, charges_of, work


class GuestBatch:
    """A system and a count of everything that happens in it."""

    inputs = frozenset({"limit", "keys", "disk"})
    limit = 100_000_000

    def __init__(self, system: System, technique: str, name: str, memory: str = "") -> None:
        self.system = system
        self.technique = technique
        self.name = name
        self.memory = memory
        self._tally = Tally()
        self._stuck = False
        system.listener = self._tally

    @property
    def ended(self) -> bool:
        """Whether the guest can go no further by itself."""
        return self._stuck or self.system.outcome is not None

    @property
    def instructions(self) -> int:
        """Guest steps so far: instructions retired and events delivered."""
        return self.system.guest_steps

    @property
    def console(self) -> str:
        """What the guest has written."""
        return self.system.console

    def receive(self, text: str) -> None:
        """Type ``text`` at the serial console."""
        self.system.type_text(text)

    def advance(self, steps: int) -> None:
        """Run up to ``steps`` steps of the system."""
        before = self.system.steps
        self.system.run(max(steps, 1))
        self._stuck = self.system.steps == before

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened. Cycles are modelled: see ``trace.presets``."""
        system, counts = self.system, together(self._tally.counts, work(self.system))
        outcome = system.outcome
        model = CostModel(charges=charges_of(self.technique, self.memory))
        status = outcome.status if outcome and outcome.status is not None else 0
        return {
            "guest": self.name,
            "technique": self.technique,
            "outcome": str(outcome) if outcome else "stopped" if stopped else "limit reached",
            "status": status if not stopped else 130,
            "instructions": self.instructions,
            "steps": system.steps,
            "exits": by_detail(self._tally.counts, "trap"),
            "faults": by_detail(counts, "fault"),
            "cycles": model.bill(counts, self.instructions).total,
            "preset": model.preset.title,
            "digest": system.digest(),
            "console": system.console,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        return [
            f"outcome       {outcome_words(report['outcome'], 'en')}",
            f"technique     {report['technique']}",
            f"instructions  {report['instructions']:,}",
            f"cycles        {report['cycles']:,} (modelled: {report['preset']})",
            *exit_lines(report["exits"]),
            f"digest        {report['digest']}",
        ]


def exit_lines(exits: dict[str, int]) -> list[str]:
    """A line for each reason to leave a guest."""
    return [f"exit          {reason:<24} {count:,}" for reason, count in exits.items()]
