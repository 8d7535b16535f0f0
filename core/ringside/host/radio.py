"""The radio of a phone, as its virtual machine sees it: frames that want an answer in time.

Frames begin every ``period`` ticks and are numbered from 1. Each raises the device's interrupt
line; the guest reads the number of the frame from port 500h and answers by writing the number
back. An answer is in time if it comes within ``budget`` ticks of the frame's beginning. What is
kept of each frame is what really happened: when it began, when the guest's handler first looked,
when the answer came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from ringside.machine.devices.port import Clock, Line, Register, unconnected
from ringside.trace.events import DeadlineMet, DeadlineMissed, Event

PORT = 0x500
IRQ = 5
LONGEST_LOG = 256  # frames remembered; keyframes copy them all


OPEN, MET, MISSED = "open", "met", "missed"


@dataclass(frozen=True, slots=True)
class RadioFrame:
    """One frame: when it began, when the handler first looked, when the answer came (ticks, -1
    while it has not), and its ``state``: ``open``, ``met`` or ``missed``."""

    number: int
    begun: int
    seen: int = -1
    answered: int = -1
    state: str = OPEN

    @property
    def latency(self) -> int:
        """Ticks from beginning to answer, -1 while there is none."""
        return -1 if self.answered < 0 else self.answered - self.begun


class Radio:
    """The device. ``frames`` holds the latest frames, the oldest first."""

    name = "radio"
    registers = (Register(PORT, "number of the frame", "number of the frame answered", 4),)
    __slots__ = (
        "_clock", "_irq", "budget", "frames", "listener", "met", "missed", "number", "period", "vm",
        "worst",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"_clock", "_irq", "listener"})

    def __init__(
        self,
        clock: Clock,
        irq: Line = unconnected,
        *,
        period: int,
        budget: int | None = None,
        vm: str = "radio",
    ) -> None:
        if period <= 0:
            raise ValueError("a radio frame must be at least one tick long")
        self._clock = clock
        self._irq = irq
        self.period = period
        self.budget = period if budget is None else budget
        self.vm = vm
        self.number = 0  # of the frame that is on the air; 0 before the first
        self.frames: list[RadioFrame] = []
        self.met = 0
        self.missed = 0
        self.worst = -1  # the longest an answer took, in ticks; -1 before the first
        self.listener: Callable[[Event], None] | None = None

    # -- time ------------------------------------------------------------------------------------

    def deadline(self, now: int) -> int | None:
        """The beginning of the next frame."""
        return (self.number + 1) * self.period

    def next_request(self, now: int) -> int | None:
        """Every frame interrupts."""
        return self.deadline(now)

    def advance(self, now: int) -> None:
        """Begin the frames whose time has come."""
        while (begun := (self.number + 1) * self.period) <= now:
            self.number += 1
            self.frames.append(RadioFrame(self.number, begun))
            del self.frames[:-LONGEST_LOG]
            self._irq(False)
            self._irq(True)

    # -- ports -----------------------------------------------------------------------------------

    def read(self, port: int, size: int) -> int:
        """The number of the frame on the air."""
        now = self._clock.now()
        self.advance(now)
        if self.frames and self.frames[-1].seen < 0:
            self.frames[-1] = replace(self.frames[-1], seen=now)
        return self.number & (1 << 8 * size) - 1

    def write(self, port: int, value: int, size: int) -> None:
        """The guest answers frame ``value``: open ones before it will never be answered."""
        now = self._clock.now()
        self.advance(now)
        at = len(self.frames)
        while at and self.frames[at - 1].state == OPEN:
            at -= 1
        while at < len(self.frames) and self.frames[at].number <= value:
            self._close(at, now, self.frames[at].number == value)
            at += 1

    def _close(self, at: int, now: int, answered: bool) -> None:
        frame = self.frames[at]
        late = now - frame.begun
        if answered:
            self.worst = max(self.worst, late)
        if answered and late <= self.budget:
            self.met += 1
            self.frames[at] = replace(frame, answered=now, state=MET)
            self._tell(DeadlineMet(now, "device", self.vm, frame.number, late))
        else:
            self.missed += 1
            self.frames[at] = replace(frame, answered=now if answered else -1, state=MISSED)
            self._tell(DeadlineMissed(now, "device", self.vm, frame.number, late))

    def _tell(self, event: Event) -> None:
        if self.listener is not None:
            self.listener(event)
