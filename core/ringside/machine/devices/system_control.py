"""System control ports B (61h) and A (92h) of the PC/AT: timer gate, speaker, A20, reset."""

from __future__ import annotations

from collections.abc import Callable

from ringside.machine.devices.pit import Pit
from ringside.machine.devices.port import Clock, Register

GATE2, SPEAKER, REFRESH, OUT2 = 1 << 0, 1 << 1, 1 << 4, 1 << 5
RESET, A20 = 1 << 0, 1 << 1
REFRESH_FREQUENCY = 66_287  # Hz: the refresh request toggles about every 15 microseconds


class SystemControl:
    """Port 61h opens counter 2's gate and shows its output; A20 is always on here."""

    name = "system control"
    registers = (
        Register(0x61, "port B", "port B"),
        Register(0x92, "port A", "port A"),
    )
    __slots__ = ("_clock", "_pit", "_reset", "latch")
    transient = frozenset({"_clock", "_pit", "_reset"})

    def __init__(self, clock: Clock, pit: Pit, reset: Callable[[], None] | None = None) -> None:
        self._clock = clock
        self._pit = pit
        self._reset = reset
        self.latch = 0

    def read(self, port: int, size: int) -> int:
        if port == 0x92:
            return A20
        toggles = self._clock.now() * REFRESH_FREQUENCY // self._clock.ticks_per_second
        refresh = REFRESH if toggles & 1 else 0
        return self.latch | refresh | (OUT2 if self._pit.out2() else 0)

    def write(self, port: int, value: int, size: int) -> None:
        if port == 0x61:
            self.latch = value & 0xF
            self._pit.set_gate2(bool(value & GATE2))
        elif value & RESET and self._reset is not None:
            self._reset()
