"""The lab "Emulation": a RISC-V guest on the IA-32 host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..guests.riscv import SHELF, source
from .exercises import TASKS
from .lab import Batch, Choice, Lab, Run, Setup
from .words.emulated import EMULATED
from .words.notes import ANSWERS, WORLD


def open_emulated(setup: Setup) -> Run:
    """The guest before its first instruction; imported when somebody goes there."""
    from .foreign import ForeignRun

    return ForeignRun(setup)


def batch_emulated(setup: Setup, chosen: Mapping[str, str]) -> Batch:
    """The guest, run without pictures."""
    from ..guests.riscv import program
    from ..vmm.foreign import ForeignGuest
    from .guest_batch import GuestBatch

    system = ForeignGuest(program(setup.guest))
    return GuestBatch(cast(Any, system), system.technique, setup.guest)


LAB = Lab(
    id="emulated",
    title=EMULATED["title"],
    question=EMULATED["question"],
    answer=ANSWERS["emulated"], world=WORLD["emulated"], tasks=TASKS["emulated"],
    guests=tuple(
        Choice(id, (title["en"], title["hu"]), EMULATED[f"guest.{id}"])
        for id, title in SHELF.items()),
    techniques=(),
    kinds=tuple(Choice(name, EMULATED[f"kind.{name}"]) for name in (
        "exception", "syscall", "interrupt", "ring", "control", "console", "halt")),
    open=open_emulated,
    batch=batch_emulated,
    editable=False,
    source=source,
)
