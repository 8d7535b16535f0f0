"""The lab "Memory pool" without pictures: what each VM got, gave and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .at_once import AtOnce
from .lab import Setup

if TYPE_CHECKING:
    from ..host.memory.pool import Settings
    from ..host.memory.scenarios import Scenario


class PoolBatch(AtOnce):
    """A pool's whole story, known as soon as this is made."""

    def __init__(self, setup: Setup, scenario: Scenario, settings: Settings) -> None:
        from ..host.memory.report import run_scenario

        self.setup = setup
        self._report = run_scenario(setup.guest, scenario, settings)

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """The counters of the host and of each VM."""
        return {
            "lab": "pool",
            "options": dict(self.setup.options),
            **self._report,
            "outcome": "stopped" if stopped else "done",
            "status": 130 if stopped else 0,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """The same to read."""
        from ..host.memory.report import lines

        return lines(report)
