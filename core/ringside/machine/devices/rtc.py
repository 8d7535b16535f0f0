"""The real-time clock and its CMOS memory (Motorola MC146818 data sheet, PC/AT's use of it).

Time starts at one fixed moment and runs with the machine's own clock, so a run repeats exactly.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ringside.machine.devices.port import Clock, Register

POWER_ON = datetime(2005, 11, 14, 9, 0, 0)  # the day the first processors with VT-x were sold

SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR = 0, 2, 4, 6, 7, 8, 9
STATUS_A, STATUS_B, STATUS_C, STATUS_D = 0x0A, 0x0B, 0x0C, 0x0D
STATUS_B_24H = 0x02
STATUS_D_VRT = 0x80  # battery good
BASE_LOW, BASE_HIGH, EXTENDED_LOW, EXTENDED_HIGH = 0x15, 0x16, 0x17, 0x18
CENTURY = 0x32
ABOVE_16M_LOW, ABOVE_16M_HIGH = 0x34, 0x35


class Rtc:
    """Ports 70h (index) and 71h (data)."""

    name = "rtc"
    registers = (Register(0x70, "", "index"), Register(0x71, "data", "data"))
    __slots__ = ("_clock", "cmos", "index")
    transient = frozenset({"_clock"})

    def __init__(self, clock: Clock, memory_size: int = 8 << 20) -> None:
        self._clock = clock
        self.index = 0
        self.cmos = bytearray(128)
        self.cmos[STATUS_A] = 0x26
        self.cmos[STATUS_B] = STATUS_B_24H
        self.cmos[STATUS_D] = STATUS_D_VRT
        self._word(BASE_LOW, 640)
        self._word(EXTENDED_LOW, min(0xFFFF, max(0, memory_size - (1 << 20)) >> 10))
        self._word(0x30, min(0xFFFF, max(0, memory_size - (1 << 20)) >> 10))
        self._word(ABOVE_16M_LOW, max(0, memory_size - (16 << 20)) >> 16)

    def _word(self, index: int, value: int) -> None:
        self.cmos[index : index + 2] = value.to_bytes(2, "little")

    def time(self) -> datetime:
        """The moment it is in the machine."""
        return POWER_ON + timedelta(seconds=self._clock.now() // self._clock.ticks_per_second)

    def read(self, port: int, size: int) -> int:
        if port == 0x70:
            return 0xFF
        now = self.time()
        fields = {
            SECONDS: now.second, MINUTES: now.minute, HOURS: now.hour,
            WEEKDAY: now.isoweekday() % 7 + 1, DAY: now.day, MONTH: now.month,
            YEAR: now.year % 100, CENTURY: now.year // 100,
        }  # fmt: skip
        if self.index in fields:
            return fields[self.index] // 10 << 4 | fields[self.index] % 10  # BCD
        return self.cmos[self.index]

    def write(self, port: int, value: int, size: int) -> None:
        if port == 0x70:
            self.index = value & 0x7F
        else:
            self.cmos[self.index] = value
