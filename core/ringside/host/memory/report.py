"""A pool's story as numbers: run to its end, counted by its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringside.host.memory.pool import Pool, Settings
from ringside.host.memory.scenarios import Scenario
from ringside.host.memory.tally import Tally


def run_scenario(name: str, scenario: Scenario, settings: Settings) -> dict[str, Any]:
    """Run ``scenario`` to its end; the report, JSON-ready. Memory in pages and frames."""
    pool = Pool(scenario.plans, settings)
    tally = Tally()
    for happening in pool.run():
        tally.add(happening)
    return {
        "scenario": name, "frames": settings.frames, "pages": scenario.pages,
        "rounds": settings.rounds, "free": pool.host.free, "level": pool.level,
        "saved by sharing": pool.host.saved,
        "vms": [
            {"name": vm.name, "pages": len(vm), "in frames": vm.space.resident,
             "balloon": vm.balloon, "on the host's disk": len(vm.space.disk),
             "target": pool.targets[vm.number], **tally.of(vm.name)}
            for vm in pool.vms],
    }


def lines(report: dict[str, Any]) -> list[str]:
    """The report to read."""
    vms = report["vms"]
    names = list(vms[0])
    return [
        f"{report['pages']} pages of virtual machines on {report['frames']} frames, "
        f"{report['rounds']} rounds; {report['free']} frames free ({report['level']}), "
        f"{report['saved by sharing']} saved by sharing",
        *table(names, [[str(vm[name]) for name in names] for vm in vms]),
    ]


def table(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns as wide as they need to be."""
    widths = [max(len(name), *(len(row[at]) for row in cells)) for at, name in enumerate(names)]
    return ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
            for row in (names, *cells)]
