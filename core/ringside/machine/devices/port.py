"""What a device is to the rest of the machine: a register map, a clock and a wire.

Devices know neither the processor nor each other: they read time from a :class:`Clock`, drive an
interrupt request through a :data:`Line`, and are reached through the ports in their ``registers``.
That is why a VMM can own instances of the very same models as the virtual devices of a VM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Line = Callable[[bool], None]
"""An interrupt request wire: called with the new level, true for raised."""


@dataclass(frozen=True, slots=True)
class Register:
    """One port of a device, with the data sheet's names for what a read and a write reach.

    An empty name means the direction is not connected. ``size`` is the widest access in bytes
    the device answers in one piece; the bus splits anything wider into the following ports.
    """

    port: int
    read: str
    write: str
    size: int = 1


class Clock(Protocol):
    """Deterministic time: ``now()`` in ticks since power-on."""

    @property
    def ticks_per_second(self) -> int: ...

    def now(self) -> int: ...


class Device(Protocol):
    """Something that answers ports."""

    @property
    def name(self) -> str: ...

    @property
    def registers(self) -> tuple[Register, ...]: ...

    def read(self, port: int, size: int) -> int:
        """The value at ``port``; ``size`` is 1, 2 or 4 bytes, at most the register's."""

    def write(self, port: int, value: int, size: int) -> None:
        """Store ``value`` at ``port``."""


class Timed(Protocol):
    """A device in which something will happen by itself."""

    def deadline(self, now: int) -> int | None:
        """The first tick after ``now`` at which the device changes by itself, if any."""

    def next_request(self, now: int) -> int | None:
        """The first tick after ``now`` at which its interrupt request rises by itself, if any."""

    def advance(self, now: int) -> None:
        """Let everything due up to and including tick ``now`` happen."""


class ManualClock:
    """A clock driven from outside: whoever owns the devices moves ``time``."""

    __slots__ = ("ticks_per_second", "time")

    def __init__(self, ticks_per_second: int = 10_000_000, time: int = 0) -> None:
        self.ticks_per_second = ticks_per_second
        self.time = time

    def now(self) -> int:
        return self.time


def unconnected(level: bool) -> None:
    """An interrupt request wire that leads nowhere."""
