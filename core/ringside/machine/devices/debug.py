"""Two ports that exist on no board but in every emulator: debug output and ending the run.

Port E9h shows a character (Bochs and QEMU have it); port F4h is QEMU's ``isa-debug-exit``: a
write of ``value`` ends the run with the status ``(value << 1) | 1``.
"""

from __future__ import annotations

from collections.abc import Callable

from ringside.machine.devices.port import Register


class DebugPort:
    """Port E9h; reading it gives E9h, which tells a program that it is there."""

    name = "debug"
    registers = (Register(0xE9, "present", "character"),)
    __slots__ = ("_show",)
    transient = frozenset({"_show"})

    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show

    def read(self, port: int, size: int) -> int:
        return 0xE9

    def write(self, port: int, value: int, size: int) -> None:
        self._show(value)


class ExitPort:
    """Port F4h, up to a dword wide."""

    name = "exit"
    registers = (Register(0xF4, "", "value", 4),)
    __slots__ = ("_leave",)
    transient = frozenset({"_leave"})

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave

    def read(self, port: int, size: int) -> int:
        return 0

    def write(self, port: int, value: int, size: int) -> None:
        self._leave(value << 1 | 1)
