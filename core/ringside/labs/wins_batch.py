"""The lab "Where nested wins" without pictures: the whole map as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .lab import InputError, Setup
from .wins_published import PUBLISHED, marks_of

if TYPE_CHECKING:
    from .nested_wins import Measured, WinsRun


class WinsBatch:
    """The map, one cell after the other: a step of a run is a cell."""

    inputs: frozenset[str] = frozenset()
    patient = False
    console = ""
    unit = "cells"  # what its progress counts

    def __init__(self, run: WinsRun) -> None:
        self.run = run
        self.limit = run.total

    @property
    def ended(self) -> bool:
        """Whether the map is complete."""
        return self.run.ended

    @property
    def instructions(self) -> int:
        """Cells measured; nothing here is an instruction."""
        return self.run.last

    def receive(self, text: str) -> None:
        """Nobody reads it."""

    def advance(self, steps: int) -> None:
        """Measure one cell: long enough for a moment's look at the keyboard."""
        self.run.seek(self.run.last + 1)

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """Each cell with its cycles per access; ``gain`` is by how much nested paging is faster."""
        run = self.run
        gains = [one.gain for one in run.measured]
        marks = marks_of(gains) if run.ended else {}
        lost = frozenset(run.losses)
        return {
            "lab": "where-nested-wins",
            "guest": run.setup.guest,
            "options": dict(run.setup.options),
            "cells": [
                self._cell(number, one, marks, lost) for number, one in enumerate(run.measured)],
            "of": run.total,
            "wins": sum(gain > 0.5 for gain in gains),
            "loses": sum(gain < -0.5 for gain in gains),
            "published": {name: gain for gain, name in PUBLISHED},
            "outcome": "stopped" if stopped else "done",
            "status": 130 if stopped else 0,
        }

    def _cell(
        self, number: int, one: Measured, marks: Mapping[int, str], lost: frozenset[int]
    ) -> dict[str, Any]:
        row, column = divmod(number, self.run.columns)
        return {
            "memory": self.run.row_names()[row],
            "load": self.run.column_names("en")[column].replace("\u202f", ","),
            "shadow": round(one.shadow.cycles_per_access, 1),
            "nested": round(one.nested.cycles_per_access, 1),
            "program": one.work,
            "gain %": round(one.gain, 1),
            "near": marks.get(number),  # the published figure this cell comes nearest to
            "loses as published": number in lost,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """A row of the map after the other."""
        cells = report["cells"]
        options = ", ".join(f"{name} {value}" for name, value in report["options"].items())
        wide = max((len(cell["load"]) for cell in cells), default=4)
        lines = [
            f"where nested wins  {report['guest']}; {options}",
            "modelled cycles per access for memory virtualization, and the gain of nested paging "
            "in the whole run",
        ]
        memory = ""
        for cell in cells:
            if cell["memory"] != memory:
                memory = cell["memory"]
                lines += ["", f"{memory:<{wide + 2}}{'shadow':>9}{'nested':>9}{'gain':>9}"]
            near = f"   near the published {cell['near']}" if cell["near"] else ""
            near += "   loses, as was published without a figure" * cell["loses as published"]
            lines.append(
                f"  {cell['load']:<{wide}}{cell['shadow']:>9.1f}{cell['nested']:>9.1f}"
                f"{cell['gain %']:>+7.0f} %{near}")
        return [
            *lines, "",
            f"nested paging wins in {report['wins']} and loses in {report['loses']} of "
            f"{len(cells)} cells"
            + (f"; stopped before the other {report['of'] - len(cells)}"
               if len(cells) < report["of"] else ""),
        ]


def map_all(setup: Setup, chosen: Mapping[str, str]) -> WinsBatch:
    """The empty map of the chosen kind."""
    from .nested_wins import WinsRun

    if setup.guest == "trace":
        raise InputError(
            "A trace file is dropped onto the page of this lab.",
            "Without the page, use 'ringside sweep file:TRACE --technique shadow,nested'.")
    return WinsBatch(WinsRun(setup))
