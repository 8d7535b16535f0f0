"""The lab "Three properties": every technique tried, one measurement a step."""

from __future__ import annotations

from ..guests import SHELF
from .exercises import TASKS
from .lab import Choice, Lab, Run, Setup
from .words.notes import ANSWERS, WORLD
from .words.properties import PROPERTIES

GUESTS = (
    "popf", "rings", "system_call", "page_fault", "cli_sti", "port_io", "sieve", "matrix", "sort",
)  # fmt: skip
"""Those that run under every technique and come to their end soon."""


def open_properties(setup: Setup) -> Run:
    """Before the first measurement; imported when somebody goes there."""
    from .measuring import PropertiesRun

    return PropertiesRun(setup.guest)


LAB = Lab(
    id="properties",
    title=PROPERTIES["title"],
    question=PROPERTIES["question"],
    answer=ANSWERS["properties"], world=WORLD["properties"], tasks=TASKS["properties"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for name in GUESTS for guest in SHELF if guest.id == name),
    techniques=(),
    contexts={
        "kernel": PROPERTIES["head.equivalence"], "vmm": PROPERTIES["head.control"],
        "app": PROPERTIES["head.efficiency"]},
    kinds=tuple(Choice(name, PROPERTIES[f"kind.{name}"]) for name in (
        "technique", "attack", "wrong")),
    open=open_properties,
)
