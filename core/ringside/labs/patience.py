"""When a run without people has nothing more to show: the guest only waits for input.

A guest whose timer ticks is never stuck, so it has no outcome of its own; it would idle for ever.
It is held to wait for input when for ``PATIENCE`` ticks it has listened to the serial port or the
keyboard, nothing was left to read there, it wrote nothing, made no system call and touched no
device but its timer and interrupt controllers, and the processor slept for nearly all of that time.
"""

from __future__ import annotations

from ..host.systems import System
from ..machine.chipset import KEYBOARD_IRQ, SERIAL_IRQ
from ..machine.devices.keyboard import CONFIG_IRQ1
from ..machine.devices.serial import IER_RX, MCR_OUT2
from ..machine.machine import TICKS_PER_SECOND, Machine
from ..trace.counters import Counts, by_detail, total

PATIENCE = TICKS_PER_SECOND  # a second of the machine's time
IDLE = 10  # ticks that pass for each step taken, at least, while the processor mostly sleeps
OF_TIMERS = frozenset({"pit", "pic"})


class Patience:
    """Looks at a system now and then; ``counts`` is what has been counted of its events."""

    def __init__(self, system: System, counts: Counts) -> None:
        self._system = system
        self._counts = counts
        self._since = (0, 0, 0)  # time, steps and deeds when it last did something

    def ends(self) -> bool:
        """Whether the guest has only waited for long enough by now."""
        return self.waited(PATIENCE)

    def waited(self, ticks: int) -> bool:
        """Whether the guest has only waited for so long by now."""
        system = self._system
        now = (system.time, system.steps, self._deeds())
        time, steps, deeds = (new - old for new, old in zip(now, self._since, strict=True))
        if deeds or time < IDLE * steps or not self.listens():
            self._since = now
            return False
        return time >= ticks

    def _deeds(self) -> int:
        """How often it wrote, called the system, or used a device other than its timers."""
        ports = by_detail(self._counts, "port")
        return (total(self._counts, "console") + total(self._counts, "syscall")
                + sum(count for name, count in ports.items() if name not in OF_TIMERS))

    @property
    def hardware(self) -> Machine:
        """The machine the guest believes it has."""
        vms = self._system.vms
        return vms[0].hardware if vms else self._system.machine

    def listens(self) -> bool:
        """Whether a key would interrupt it, and none is left for it to read."""
        hardware = self.hardware
        if hardware.serial.rx or hardware.keyboard.queue:
            return False
        masked = hardware.pic.master.imr
        port = hardware.serial
        serial = port.ier & IER_RX and port.mcr & MCR_OUT2 and not masked >> SERIAL_IRQ & 1
        keyboard = hardware.keyboard.config & CONFIG_IRQ1 and not masked >> KEYBOARD_IRQ & 1
        return bool(serial or keyboard)
