"""VGA in its colour text mode, as far as a kernel's console needs it (IBM VGA reference).

The screen is memory at B8000h, two bytes a cell, and plain RAM to the machine; the ports are the
CRT controller's (cursor, start address) and the input status whose retrace bit programs poll.
"""

from __future__ import annotations

from ringside.machine.devices.port import Clock, Register

COLUMNS, ROWS = 80, 25
MEMORY, MEMORY_SIZE = 0xB8000, 0x8000

# CRT controller registers
START_HIGH, START_LOW, CURSOR_HIGH, CURSOR_LOW = 0x0C, 0x0D, 0x0E, 0x0F
CRTC_REGISTERS = 0x19
STATUS_DISPLAY_OFF, STATUS_RETRACE = 1 << 0, 1 << 3
REFRESH = 70  # Hz, 400 lines of which 449 are scanned

# Code page 437 shows these for the codes other places keep for control characters
_LOW = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
GLYPHS = _LOW + bytes(range(32, 256)).decode("cp437").replace("\x7f", "⌂")


class Vga:
    """The ports of the text screen; ``text`` reads a screen out of the memory behind it."""

    name = "vga"
    registers = (
        Register(0x3D4, "CRTC index", "CRTC index"),
        Register(0x3D5, "CRTC data", "CRTC data"),
        Register(0x3DA, "input status 1", "feature control"),
    )
    __slots__ = ("_clock", "crtc", "index")
    transient = frozenset({"_clock"})

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.index = 0
        self.crtc = bytearray(CRTC_REGISTERS)

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor on the visible screen."""
        start = self.crtc[START_HIGH] << 8 | self.crtc[START_LOW]
        cell = (self.crtc[CURSOR_HIGH] << 8 | self.crtc[CURSOR_LOW]) - start
        return cell // COLUMNS, cell % COLUMNS

    def cells(self, memory: bytes) -> bytes:
        """The 80 by 25 visible cells of the text memory, character and attribute alternating."""
        start = 2 * (self.crtc[START_HIGH] << 8 | self.crtc[START_LOW]) % MEMORY_SIZE
        size = 2 * COLUMNS * ROWS
        return (memory + memory)[start : start + size]

    def text(self, memory: bytes) -> list[str]:
        """The 25 lines on screen, given the memory at B8000h; blanks at line ends dropped."""
        characters = self.cells(memory)[::2]
        lines = (characters[n : n + COLUMNS] for n in range(0, len(characters), COLUMNS))
        return ["".join(GLYPHS[code] for code in line).rstrip() for line in lines]

    def read(self, port: int, size: int) -> int:
        if port == 0x3D4:
            return self.index
        if port == 0x3D5:
            return self.crtc[self.index] if self.index < CRTC_REGISTERS else 0
        line = self._clock.now() * REFRESH * 449 // self._clock.ticks_per_second % 449
        return STATUS_RETRACE | STATUS_DISPLAY_OFF if line >= 400 else 0

    def write(self, port: int, value: int, size: int) -> None:
        if port == 0x3D4:
            self.index = value & 0x1F
        elif port == 0x3D5 and self.index < CRTC_REGISTERS:
            self.crtc[self.index] = value
