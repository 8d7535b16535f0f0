"""The I/O bus: port numbers to devices, wide accesses split as ISA splits them.

A word access to two byte-wide ports becomes two byte accesses, low byte first; a port nobody
answers reads all ones, because the bus floats high, and swallows what is written to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from ringside.isa.width import Width
from ringside.machine.devices.port import Clock, Device
from ringside.trace.events import Event, PortRead, PortWritten

PORTS = 0x10000


def _device_context() -> str:
    return "device"


def _nothing() -> None:
    """Nobody waits for deadlines."""


class Bus:
    """Port space.

    ``listener`` hears every access and ``context`` says who is making it; ``after_timed`` is
    called after an access to one of the ``timed`` devices, whose deadlines may have moved.
    """

    __slots__ = ("_clock", "_routes", "_timed", "after_timed", "context", "devices", "listener")
    transient: ClassVar[frozenset[str]] = frozenset(__slots__)  # the chipset owns the state

    def __init__(
        self, clock: Clock, devices: Iterable[Device], timed: Iterable[object] = ()
    ) -> None:
        self._clock = clock
        self.devices: tuple[Device, ...] = ()
        self._routes: dict[int, tuple[Device, int]] = {}
        self._timed: set[int] = set()
        self.listener: Callable[[Event], None] | None = None
        self.context: Callable[[], str] = _device_context
        self.after_timed: Callable[[], None] = _nothing
        timed = tuple(timed)
        for device in devices:
            self.connect(device, device in timed)

    def connect(self, device: Device, timed: bool = False) -> None:
        """Let ``device`` answer its ports; raises ValueError if another does already."""
        for register in device.registers:
            if register.port in self._routes:
                taken = self._routes[register.port][0].name
                raise ValueError(f"port {register.port:#x} is both {taken} and {device.name}")
            self._routes[register.port] = (device, register.size)
            if timed:
                self._timed.add(register.port)
        self.devices = (*self.devices, device)

    def device_at(self, port: int) -> str:
        """The name of the device that answers ``port``, or an empty string."""
        route = self._routes.get(port)
        return route[0].name if route else ""

    def port_in(self, port: int, w: Width) -> int:
        """IN: read ``w`` at ``port``."""
        value = self._read(port, w.bytes)
        if port in self._timed:
            self.after_timed()
        if self.listener is not None:
            now, context = self._clock.now(), self.context()
            self.listener(PortRead(now, context, port, w.bits, value, self.device_at(port)))
        return value

    def port_out(self, port: int, value: int, w: Width) -> None:
        """OUT: write the low ``w`` of ``value`` to ``port``."""
        value &= w.mask
        if self.listener is not None:
            now, context = self._clock.now(), self.context()
            self.listener(PortWritten(now, context, port, w.bits, value, self.device_at(port)))
        self._write(port, value, w.bytes)
        if port in self._timed:
            self.after_timed()

    def _read(self, port: int, size: int) -> int:
        route = self._routes.get(port % PORTS)
        if route is None:
            part, low = 1, 0xFF
        else:
            part = min(size, route[1])
            low = route[0].read(port % PORTS, part)
        if part == size:
            return low
        return low | self._read(port + part, size - part) << 8 * part

    def _write(self, port: int, value: int, size: int) -> None:
        route = self._routes.get(port % PORTS)
        part = 1 if route is None else min(size, route[1])
        if route is not None:
            route[0].write(port % PORTS, value & (1 << 8 * part) - 1, part)
        if part < size:
            self._write(port + part, value >> 8 * part, size - part)
