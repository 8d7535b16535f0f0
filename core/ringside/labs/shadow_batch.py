"""The lab "Shadow paging" without pictures: faults by kind, what was read wrong, and the same guest
under the other memory techniques."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..host.virtualized import Virtualized
from ..trace.counters import by_detail
from .guest_batch import GuestBatch
from .lab import Setup


class ShadowBatch(GuestBatch):
    """A guest under a shadow."""

    inputs = frozenset({"limit"})

    def __init__(self, system: Virtualized, cpu: str, setup: Setup) -> None:
        super().__init__(system, cpu, setup.guest, setup.technique)

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened; ``wrong`` counts the numbers read by a stale translation."""
        from .shadow import BESIDE, fresh_console, paging_exits, shadow_of

        assert isinstance(self.system, Virtualized)
        told = super().report(stopped=stopped)
        hidden = by_detail(self._tally.counts, "shadow").get("hidden", 0)
        true = shadow_of(self.system).true_faults
        fresh = fresh_console(self.name, self.technique)
        read = [letter for letter in self.console if letter.isdigit()]
        return {
            **told,
            "lab": "shadow",
            "memory": self.memory,
            "page_faults": {
                "hidden": hidden, "true": true,
                "traced": max(told["exits"].get("#PF", 0) - hidden - true, 0)},
            "read": "".join(read),
            "wrong": sum(one != right for one, right in zip(read, fresh, strict=False)),
            "paging_exits": {
                key: paging_exits(self.name, cpu or self.technique, memory)
                for key, _, _, cpu, memory in BESIDE},
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        faults = report["page_faults"]
        return [
            *super().lines(report),
            "page faults   "
            + ", ".join(f"{faults[kind]:,} {kind}" for kind in ("hidden", "traced", "true")),
            f"numbers read  {report['read'] or 'none'}"
            + (f", {report['wrong']:,} by a stale translation" if report["wrong"] else ""),
            "exits for page tables, the whole run of the same guest:",
            *(f"  {name:<12}{sum(exits.values()):>5}  "
              + ", ".join(f"{count:,} {kind}" for kind, count in exits.items())
              for name, exits in report["paging_exits"].items()),
        ]


def run_shadow(setup: Setup, chosen: Mapping[str, str]) -> ShadowBatch:
    """The guest under the chosen shadow and processor technique."""
    from .shadow import system_of

    cpu = setup.options["cpu"]
    return ShadowBatch(system_of(setup.guest, cpu, setup.technique), cpu, setup)
