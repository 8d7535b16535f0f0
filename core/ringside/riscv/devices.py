"""The devices of the board: console, timer, and the register that ends a run.

Addresses and registers are those of QEMU's ``virt`` board, so a guest for this machine is an
ordinary bare-metal RISC-V program: a 16550 UART (its first six registers), a core-local
interruptor (CLINT) and SiFive's test finisher. The UART's interrupt goes straight to the hart:
there is no interrupt controller between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Protocol

FINISHER = 0x0010_0000
CLINT = 0x0200_0000
UART = 0x1000_0000

NEVER = 1 << 62  # a timer set beyond this never rings


class Device(Protocol):
    """Registers at consecutive addresses; None or False where there is no register."""

    def read(self, offset: int, size: int) -> int | None: ...
    def write(self, offset: int, value: int, size: int) -> bool: ...


class Uart:
    """The console. Sending takes no time; what people type waits in a queue."""

    __slots__ = ("enabled", "received", "sent", "tell")
    transient: ClassVar[frozenset[str]] = frozenset({"tell"})

    DATA, ENABLE, IDENTITY, LINE_CONTROL, MODEM, STATUS = range(6)
    READY, EMPTY = 0x01, 0x60  # status: a byte has come; the transmitter is idle

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.sent: list[str] = []
        self.received: deque[int] = deque()
        self.enabled = 0
        self.tell = tell

    @property
    def line(self) -> bool:
        """Whether it asks for an interrupt: a byte has come and the guest wants to know."""
        return bool(self.received and self.enabled & 1)

    def read(self, offset: int, size: int) -> int | None:
        """Read a register; all are one byte."""
        if size != 1 or offset > self.STATUS:
            return None
        if offset == self.DATA:
            return self.received.popleft() if self.received else 0
        if offset == self.STATUS:
            return self.EMPTY | (self.READY if self.received else 0)
        return self.enabled if offset == self.ENABLE else 0

    def write(self, offset: int, value: int, size: int) -> bool:
        """Write a register."""
        if size != 1 or offset > self.STATUS:
            return False
        if offset == self.DATA:
            text = chr(value) if value < 0x80 else "\N{REPLACEMENT CHARACTER}"
            self.sent.append(text)
            self.tell(text)
        elif offset == self.ENABLE:
            self.enabled = value & 0xF
        return True


class Clint:
    """The clock, the timer's comparator, and the software interrupt. Registers are words."""

    __slots__ = ("compare", "now", "software")
    transient: ClassVar[frozenset[str]] = frozenset({"now"})

    SOFTWARE, COMPARE, TIME = 0x0000, 0x4000, 0xBFF8

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.compare = (1 << 64) - 1
        self.software = 0

    @property
    def timer(self) -> bool:
        """Whether the timer's interrupt is pending (vol. II, 3.2.1)."""
        return self.now() >= self.compare

    def read(self, offset: int, size: int) -> int | None:
        """Read half of a register."""
        values = {self.SOFTWARE: self.software, self.COMPARE: self.compare, self.TIME: self.now()}
        register = offset & ~4
        if size != 4 or register not in values:
            return None
        return values[register] >> 8 * (offset & 4) & 0xFFFF_FFFF

    def write(self, offset: int, value: int, size: int) -> bool:
        """Write half of a register; the clock itself cannot be set."""
        if size != 4:
            return False
        if offset == self.SOFTWARE:
            self.software = value & 1
        elif offset == self.COMPARE:
            self.compare = self.compare & ~0xFFFF_FFFF | value
        elif offset == self.COMPARE + 4:
            self.compare = self.compare & 0xFFFF_FFFF | value << 32
        else:
            return offset & ~4 in (self.SOFTWARE, self.TIME)
        return True


class Finisher:
    """A word written here ends the run."""

    __slots__ = ("end",)
    transient: ClassVar[frozenset[str]] = frozenset({"end"})

    PASS, FAIL, RESET = 0x5555, 0x3333, 0x7777

    def __init__(self, end: Callable[[int | None], None]) -> None:
        self.end = end

    def read(self, offset: int, size: int) -> int | None:
        """Read as zero."""
        return 0 if offset == 0 and size == 4 else None

    def write(self, offset: int, value: int, size: int) -> bool:
        """PASS, FAIL with a status in the upper half, or RESET."""
        if offset or size != 4:
            return False
        code = value & 0xFFFF
        if code == self.PASS:
            self.end(0)
        elif code == self.FAIL:
            self.end(value >> 16)
        elif code == self.RESET:
            self.end(None)
        return True
