"""The devices of one small PC and the wires between them: everything but processor and memory.

A machine has one; a virtual machine has another, made of the same models, whose ``int_pin`` and
clock lead to a virtual processor instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from ringside.isa.width import Width
from ringside.machine.bus import Bus
from ringside.machine.devices.debug import DebugPort, ExitPort
from ringside.machine.devices.ide import Ide
from ringside.machine.devices.keyboard import Keyboard
from ringside.machine.devices.pic import Pic
from ringside.machine.devices.pit import Pit
from ringside.machine.devices.port import Clock, Device, Line, Timed, unconnected
from ringside.machine.devices.rtc import Rtc
from ringside.machine.devices.serial import Serial
from ringside.machine.devices.system_control import SystemControl
from ringside.machine.devices.vga import Vga
from ringside.trace.events import ConsoleWritten

PIT_IRQ, KEYBOARD_IRQ, SERIAL_IRQ, IDE_IRQ = 0, 1, 4, 14


class Chipset:
    """The devices, their bus and what they wrote to the console.

    ``int_pin`` is driven with the interrupt controllers' output. ``end`` is called with an
    outcome's name and status when a guest asks for the end: ``("exit", status)`` or
    ``("reset", None)``.
    """

    __slots__ = (
        "_clock", "_timed", "bus", "debug", "end", "exit", "ide", "keyboard", "output",
        "pic", "pit", "plugged", "rtc", "serial", "system_control", "vga",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"_clock", "_timed", "bus", "end"})

    def __init__(
        self,
        clock: Clock,
        *,
        int_pin: Line = unconnected,
        end: Callable[[str, int | None], None] | None = None,
        memory_size: int = 8 << 20,
        disk: bytes | None = None,
    ) -> None:
        self._clock = clock
        self.end = end
        self.output = bytearray()  # the console: serial port and debug port, in order
        self.pic = Pic(int_pin)
        self.pit = Pit(clock, self.pic.line(PIT_IRQ))
        self.serial = Serial(self._show, self.pic.line(SERIAL_IRQ))
        self.keyboard = Keyboard(self.pic.line(KEYBOARD_IRQ), self._reset)
        self.ide = Ide(clock, self.pic.line(IDE_IRQ), disk)
        self.vga = Vga(clock)
        self.rtc = Rtc(clock, memory_size)
        self.system_control = SystemControl(clock, self.pit, self._reset)
        self.debug = DebugPort(self._show)
        self.exit = ExitPort(self._exit)
        self.plugged: list[Device] = []
        self._timed: tuple[tuple[Timed, int], ...] = ((self.pit, PIT_IRQ), (self.ide, IDE_IRQ))
        self.bus = Bus(
            clock,
            (
                self.pic, self.pit, self.serial, self.keyboard, self.ide, self.vga, self.rtc,
                self.system_control, self.debug, self.exit,
            ),
            timed=(self.pit, self.ide),
        )  # fmt: skip

    def plug(self, device: Device, irq: int | None = None) -> None:
        """Add a device to the bus; with ``irq``, a :class:`Timed` one that drives that line."""
        self.plugged.append(device)
        self.bus.connect(device, timed=irq is not None)
        if irq is not None:
            self._timed = (*self._timed, (cast(Timed, device), irq))

    # -- time ------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """The next tick at which a device changes by itself; call ``advance`` then."""
        now = self._clock.now()
        first = None
        for device, _ in self._timed:
            at = device.deadline(now)
            if at is not None and (first is None or at < first):
                first = at
        return first

    def next_wake(self) -> int | None:
        """The next tick at which a device by itself may interrupt the processor, if ever."""
        now = self._clock.now()
        due = [
            at
            for device, irq in self._timed
            if (at := device.next_request(now)) is not None and self.pic.wakes(irq)
        ]
        return min(due, default=None)

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        now = self._clock.now()
        for device, _ in self._timed:
            device.advance(now)

    # -- the processor's side --------------------------------------------------------------------

    def port_in(self, port: int, w: Width) -> int:
        """IN on this chipset's bus."""
        return self.bus.port_in(port, w)

    def port_out(self, port: int, value: int, w: Width) -> None:
        """OUT on this chipset's bus."""
        self.bus.port_out(port, value, w)

    def acknowledge(self) -> int:
        """INTA: the vector of the interrupt to take."""
        return self.pic.acknowledge()

    # -- the people's side -----------------------------------------------------------------------

    @property
    def console(self) -> str:
        """What the serial and debug ports have written."""
        return self.output.decode("utf-8", "replace")

    def type_text(self, text: str, device: str = "serial") -> None:
        """Someone types ``text`` at the serial terminal or at the ``keyboard``."""
        if device not in INPUTS:
            known = ", ".join(INPUTS)
            raise ValueError(f"nobody can type at {device!r}; choose one of: {known}")
        INPUTS[device](self, text)

    def _show(self, code: int) -> None:
        self.output.append(code)
        if self.bus.listener is not None:
            self.bus.listener(ConsoleWritten(self._clock.now(), "device", chr(code)))

    def _exit(self, status: int) -> None:
        if self.end is not None:
            self.end("exit", status)

    def _reset(self) -> None:
        if self.end is not None:
            self.end("reset", None)


def _at_serial(chipset: Chipset, text: str) -> None:
    chipset.serial.receive(text.encode())


def _at_keyboard(chipset: Chipset, text: str) -> None:
    chipset.keyboard.receive(text)


INPUTS: dict[str, Callable[[Chipset, str], None]] = {
    "serial": _at_serial,
    "keyboard": _at_keyboard,
}
