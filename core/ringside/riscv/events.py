"""What only a RISC-V machine has to tell; the rest is in :mod:`ringside.trace.events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringside.trace.events import Event


@dataclass(frozen=True, slots=True)
class ExceptionTaken(Event):
    """An instruction trapped: ``cause`` as in mcause, ``name`` in words, ``value`` as in mtval."""

    kind: ClassVar[str] = "exception"
    cause: int
    name: str
    value: int
    eip: int
    mnemonic: str
