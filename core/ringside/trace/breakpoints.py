"""Breakpoints: conditions a run stops at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringside.trace import events

EVENT_KINDS: tuple[str, ...] = tuple(sorted({
    value.kind
    for value in vars(events).values()
    if isinstance(value, type) and issubclass(value, events.Event) and value is not events.Event
}))  # fmt: skip


@dataclass(frozen=True, slots=True)
class AtAddress:
    """Stop before the instruction at linear ``address`` runs."""

    address: int


@dataclass(frozen=True, slots=True)
class AtEvent:
    """Stop after an event of ``kind``; with a ``detail``, only that one (see trace.marks)."""

    kind: str
    detail: str | None = None


Breakpoint = AtAddress | AtEvent


def at_exit(reason: str) -> AtEvent:
    """Stop when the VMM has been entered for ``reason``."""
    return AtEvent("trap", reason)


def read_breakpoint(data: Mapping[str, Any]) -> Breakpoint:
    """Read ``{"address": 0x100000}``, ``{"kind": "fault", "detail": "#PF"}`` or ``{"exit": …}``.

    Raises ValueError saying what a breakpoint may be.
    """
    address, kind, reason = data.get("address"), data.get("kind"), data.get("exit")
    if isinstance(address, int) and not isinstance(address, bool) and 0 <= address < 1 << 32:
        return AtAddress(address)
    if isinstance(reason, str):
        return at_exit(reason)
    detail = data.get("detail")
    if kind in EVENT_KINDS and (detail is None or isinstance(detail, str)):
        return AtEvent(str(kind), detail)
    raise ValueError(
        "A breakpoint is an 'address' from 0 to 0xFFFFFFFF, an 'exit' reason, or a 'kind' of "
        f"event: {', '.join(EVENT_KINDS)}."
    )
