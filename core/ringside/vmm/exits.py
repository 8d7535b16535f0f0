"""Exits: every way the VMM gains control of the processor, as one kind of record.

An exit says what the hardware told the VMM and nothing more. ``reason`` is the key under which a
technique's handlers are found: the exception's name (``#GP``, ``#PF`` …), ``timer`` when the
host's timer interrupted the guest, or ``callout`` when translated code called the VMM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ringside.isa.faults import VECTOR_NAMES

TIMER = "timer"
CALLOUT = "callout"


@dataclass(frozen=True, slots=True)
class Exit:
    """Why the guest stopped, and where it was: the trap frame the processor pushed.

    ``error`` is -1 when the vector has none, ``qualification`` is CR2 for a page fault, else -1.
    ``cs``, ``ss``, ``eflags`` are the *real* ones, as pushed. Hardware assist tells more: the
    ``length`` of the instruction that left, the guest-``physical`` and the ``linear`` address of an
    EPT violation, and in ``detail`` why an entry failed; ``qualification`` is the VM exit's.
    """

    reason: str
    vector: int
    error: int
    qualification: int
    eip: int
    cs: int
    eflags: int
    esp: int
    ss: int
    length: int = 0
    physical: int = -1
    linear: int = 0
    detail: str = ""

    @property
    def ring(self) -> int:
        """The real ring the guest ran in."""
        return self.cs & 3


Handler = Callable[[Exit], None]


def reason_of(vector: int) -> str:
    """The exit reason of a hardware exception."""
    return VECTOR_NAMES.get(vector, f"vector {vector:#x}")


def merge_handlers(parts: Iterable[Mapping[str, Handler]]) -> dict[str, Handler]:
    """One table of handlers out of those of the techniques that make up a VM.

    Raises ValueError when two techniques claim the same exit reason.
    """
    merged: dict[str, Handler] = {}
    for part in parts:
        for reason, handler in part.items():
            if reason in merged:
                raise ValueError(f"two techniques handle the exit {reason!r}")
            merged[reason] = handler
    return merged
