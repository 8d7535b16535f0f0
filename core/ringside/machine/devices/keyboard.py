"""The 8042 keyboard controller and the keyboard behind it (IBM PC/AT technical reference).

Typing is given as text and becomes scan code set 1, the set a PC's software sees after the
controller's translation: a make code when a key goes down, the same with bit 7 when it comes up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ringside.machine.devices.port import Line, Register, unconnected

STATUS_OBF, STATUS_SYS, STATUS_COMMAND = 1 << 0, 1 << 2, 1 << 3
CONFIG_IRQ1, CONFIG_SYS, CONFIG_DISABLE, CONFIG_TRANSLATE = 1 << 0, 1 << 2, 1 << 4, 1 << 6
ACK = 0xFA

BREAK = 0x80
LEFT_SHIFT = 0x2A

# Rows of the US layout: the make code of the first key, then the keys without and with shift
_ROWS = (
    (0x02, "1234567890-=\b\tqwertyuiop[]\n", '!@#$%^&*()_+\b\tQWERTYUIOP{}\n'),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (0x39, " ", " "),
    (0x01, "\x1b", "\x1b"),
)  # fmt: skip


def _layout() -> dict[str, tuple[int, bool]]:
    keys: dict[str, tuple[int, bool]] = {}
    for first, plain, shifted in _ROWS:
        for n, (low, high) in enumerate(zip(plain, shifted, strict=True)):
            keys.setdefault(low, (first + n, False))
            keys.setdefault(high, (first + n, True))
    return keys


LAYOUT = _layout()


def scan_codes(text: str) -> bytes:
    """The scan codes of typing ``text``; characters the layout lacks are left out."""
    codes = bytearray()
    for character in text.replace("\r\n", "\n").replace("\r", "\n"):
        if character in LAYOUT:
            code, shift = LAYOUT[character]
            stroke = (code, code | BREAK)
            codes += bytes((LEFT_SHIFT, *stroke, LEFT_SHIFT | BREAK) if shift else stroke)
    return bytes(codes)


class Keyboard:
    """Ports 60h and 64h. ``reset`` is the wire to the processor's RESET pin."""

    name = "keyboard"
    registers = (
        Register(0x60, "output buffer", "input buffer"),
        Register(0x64, "status", "command"),
    )
    __slots__ = ("_irq", "_reset", "command", "config", "parameter", "queue", "scanning")
    transient = frozenset({"_irq", "_reset"})

    def __init__(self, irq: Line = unconnected, reset: Callable[[], None] | None = None) -> None:
        self._irq = irq
        self._reset = reset
        self.config = CONFIG_IRQ1 | CONFIG_SYS | CONFIG_TRANSLATE
        self.queue: deque[int] = deque()  # what the output buffer will show, in order
        self.command = 0  # a controller command waiting for its byte on port 60h
        self.parameter = 0  # a keyboard command waiting for its byte
        self.scanning = True

    def receive(self, text: str) -> None:
        """Someone types ``text``."""
        if self.scanning:
            self._answer(*scan_codes(text))

    def read(self, port: int, size: int) -> int:
        if port == 0x64:
            waiting = STATUS_OBF if self.queue else 0
            return waiting | STATUS_SYS | (STATUS_COMMAND if self.command else 0)
        value = self.queue.popleft() if self.queue else 0
        self._irq(False)  # each byte is an edge of its own
        self._update()
        return value

    def write(self, port: int, value: int, size: int) -> None:
        if port == 0x64:
            self._controller(value)
        elif self.command:
            command, self.command = self.command, 0
            if command == 0x60:
                self.config = value
                self._update()
        elif self.parameter:
            self.parameter = 0  # LEDs, typing rate, scan code set: nothing here depends on them
            self._answer(ACK)
        else:
            self._keyboard(value)

    def _answer(self, *codes: int) -> None:
        self.queue.extend(codes)
        self._update()

    def _update(self) -> None:
        self._irq(bool(self.queue) and bool(self.config & CONFIG_IRQ1))

    def _controller(self, value: int) -> None:
        if value in (0x60, 0xD1, 0xD2, 0xD3, 0xD4):  # a byte for port 60h follows
            self.command = value
        elif value == 0xFE:  # pulse the processor's RESET
            if self._reset is not None:
                self._reset()
        elif value in (0xAD, 0xAE):
            self.config = self.config & ~CONFIG_DISABLE | (CONFIG_DISABLE if value == 0xAD else 0)
        elif value in _CONTROLLER_ANSWERS:
            self._answer(_CONTROLLER_ANSWERS[value](self))

    def _keyboard(self, value: int) -> None:
        if value in (0xED, 0xF0, 0xF3):
            self.parameter = value
        elif value in (0xF4, 0xF5, 0xF6, 0xFF):
            self.scanning = value != 0xF5
        self._answer(*_KEYBOARD_ANSWERS.get(value, (ACK,)))


_CONTROLLER_ANSWERS: dict[int, Callable[[Keyboard], int]] = {
    0x20: lambda k: k.config,
    0xAA: lambda k: 0x55,  # self test passed
    0xAB: lambda k: 0x00,  # keyboard lines good
    0xD0: lambda k: 0x03 | (0x10 if k.queue else 0),  # output port: not in reset, A20 on
}
_KEYBOARD_ANSWERS: dict[int, tuple[int, ...]] = {
    0xEE: (0xEE,),  # echo
    0xF2: (ACK, 0xAB, 0x83),  # identify: MF2
    0xFF: (ACK, 0xAA),  # reset, self test passed
}
