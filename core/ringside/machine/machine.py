"""The assembled PC: processor, memory and chipset, advanced together and exactly.

A *step* is one instruction retired (a repeated string instruction: one iteration) or one event
delivered through the IDT. ``run(n)`` is ``n`` times ``step()``, however the processor executes
them: devices act only at their deadlines and at port accesses, and both are exact in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from ringside.isa.faults import NotModelled
from ringside.machine.bus import Bus
from ringside.machine.chipset import Chipset
from ringside.machine.cpu import Cpu
from ringside.machine.devices.ide import Ide
from ringside.machine.devices.keyboard import Keyboard
from ringside.machine.devices.pic import Pic
from ringside.machine.devices.pit import Pit
from ringside.machine.devices.serial import Serial
from ringside.machine.devices.vga import MEMORY, MEMORY_SIZE, Vga
from ringside.machine.digest import digest
from ringside.machine.memory import Memory
from ringside.machine.outcome import (
    HALTED,
    RESET,
    SHUTDOWN,
    WAITING,
    Outcome,
    exited,
    not_modelled,
)
from ringside.machine.tlb import Tlb
from ringside.trace.events import Event
from ringside.trace.freeze import freeze, thaw

if TYPE_CHECKING:
    from ringside.machine.engine import Engine

TICKS_PER_SECOND = 10_000_000
Listener = Callable[[Event], None]
Run = Callable[[int], str]


class CpuClock:
    """Device time is the processor's: one tick per instruction, plus the ticks it slept."""

    __slots__ = ("_cpu", "ticks_per_second")

    def __init__(self, cpu: Cpu, ticks_per_second: int) -> None:
        self._cpu = cpu
        self.ticks_per_second = ticks_per_second

    def now(self) -> int:
        return self._cpu.time


class Machine:
    """One PC. ``run`` and ``step`` go forwards; ``freeze`` and ``thaw`` to any other moment."""

    __slots__ = (
        "_due", "_engine", "_last_picture", "_listener", "chipset", "clock", "cpu", "memory",
        "outcome", "tlb",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"_due", "_engine", "_last_picture", "_listener", "clock"}
    )
    processor: ClassVar[type[Cpu]] = Cpu

    def __init__(
        self,
        memory_size: int = 8 << 20,
        *,
        disk: bytes | None = None,
        ticks_per_second: int = TICKS_PER_SECOND,
        memory: Memory | None = None,
        tlb: Tlb | None = None,
    ) -> None:
        # A virtual machine brings memory and TLB of its own kind.
        self.memory = Memory(memory_size) if memory is None else memory
        memory_size = self.memory.size
        self.cpu = self.processor(self.memory, tlb)
        self.tlb = self.cpu.tlb
        self.clock = CpuClock(self.cpu, ticks_per_second)
        self.chipset = Chipset(
            self.clock, int_pin=self._interrupt, end=self._end, memory_size=memory_size, disk=disk
        )
        self.cpu.bus = self.chipset.bus
        self.cpu.acknowledge = self.chipset.acknowledge
        self.chipset.bus.context = lambda: self.cpu.context
        self.chipset.bus.after_timed = self._touched
        self._due: int | None = None
        self.outcome: Outcome | None = None
        self._engine: Engine | None = None  # made when it is first needed
        self._listener: Listener | None = None
        self._last_picture: Any = None

    # -- going forwards --------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps taken since power-on; within a listener, those completed before this one."""
        return self.cpu.steps

    @property
    def time(self) -> int:
        """Ticks since power-on: instructions retired plus ticks slept."""
        return self.cpu.time

    @property
    def pc(self) -> int:
        """Linear address of the next instruction."""
        return self.cpu.linear_eip

    def step(self) -> None:
        """Take one step; none when the run has ended or only waits."""
        self._go(1, self._one)

    def run(self, limit: int) -> str:
        """Take up to ``limit`` steps and say why it stopped.

        ``"limit"``: all were taken; ``"entry"``: control reached the monitor; ``"breakpoint"``:
        the next instruction lies at one of ``breakpoints``; otherwise the kind of ``outcome``:
        ``"exit"``, ``"halted"``, ``"shutdown"``, ``"reset"``, ``"waiting"``, ``"not-modelled"``.
        """
        if self._engine is None:
            from ringside.machine.engine import Engine

            self._engine = Engine(self.cpu)
        return self._go(limit, self._engine.run)

    def run_awake(self, limit: int) -> str:
        """Like ``run``, but stop after a HLT with ``"halt"`` instead of sleeping through it."""
        self.cpu.stops_at_halt = True
        try:
            return self.run(limit)
        finally:
            self.cpu.stops_at_halt = False

    def _go(self, limit: int, run: Run) -> str:
        cpu, chipset = self.cpu, self.chipset
        end = cpu.steps + limit
        while self.outcome is None:
            left = end - cpu.steps
            if left <= 0:
                return "limit"
            if cpu.halted and cpu.stops_at_halt:
                return "halt"
            if cpu.halted and not cpu.ready:
                self._sleep()
            self._due = chipset.deadline()
            if self._due is not None and self._due <= cpu.time:
                chipset.advance()
                self._due = chipset.deadline()
            cpu.stop = ""
            try:
                reason = run(left if self._due is None else min(left, self._due - cpu.time))
            except NotModelled as missing:
                self.outcome = not_modelled(str(missing))
                cpu.deliveries += 1  # a step of its own, so that the state before it has none
                break
            if reason == "shutdown":
                self.outcome = SHUTDOWN
            self._settle()
            if reason == "entry":
                return reason
            if cpu.breakpoints and cpu.at_breakpoint:
                return "breakpoint"
        return self.outcome.kind

    def _settle(self) -> None:
        """See at once whether a halt can ever end, so that each step has only one state."""
        cpu = self.cpu
        if self.outcome is None and cpu.halted and not cpu.ready and cpu.alarm is None:
            if not cpu.wakeable:
                self.outcome = HALTED
            elif self.chipset.next_wake() is None:
                self.outcome = WAITING

    def _sleep(self) -> None:
        """Let time pass to the device event that ends the halt."""
        wakes = (self.chipset.next_wake(), self.cpu.alarm)
        wake = min((at for at in wakes if at is not None), default=None)
        assert wake is not None, "a halt without end is an outcome"
        self.cpu.sleep(max(0, wake - self.cpu.time))
        self.chipset.advance()

    def _one(self, limit: int) -> str:
        return self.cpu.step()

    def _interrupt(self, level: bool) -> None:
        self.cpu.interrupt_line = level

    def _touched(self) -> None:
        """A device may have an earlier deadline now: stop the processor to look."""
        if self.chipset.deadline() != self._due:
            self.cpu.stop = "limit"

    def _end(self, kind: str, status: int | None) -> None:
        self.outcome = RESET if status is None else exited(status)
        self.cpu.stop = kind

    # -- parts -----------------------------------------------------------------------------------

    @property
    def bus(self) -> Bus:
        """The I/O ports."""
        return self.chipset.bus

    @property
    def pic(self) -> Pic:
        """The interrupt controllers."""
        return self.chipset.pic

    @property
    def pit(self) -> Pit:
        """The interval timer."""
        return self.chipset.pit

    @property
    def serial(self) -> Serial:
        """The serial port COM1."""
        return self.chipset.serial

    @property
    def keyboard(self) -> Keyboard:
        """The keyboard controller."""
        return self.chipset.keyboard

    @property
    def vga(self) -> Vga:
        """The text screen."""
        return self.chipset.vga

    @property
    def ide(self) -> Ide:
        """The disk."""
        return self.chipset.ide

    # -- people ----------------------------------------------------------------------------------

    @property
    def console(self) -> str:
        """What the guest wrote to the serial and debug ports."""
        return self.chipset.console

    @property
    def screen(self) -> list[str]:
        """The 25 lines of the VGA text screen."""
        return self.chipset.vga.text(self.memory.read_bytes(MEMORY, MEMORY_SIZE))

    def type_text(self, text: str, device: str = "serial") -> None:
        """Type at the ``serial`` terminal or the ``keyboard``; a waiting machine goes on."""
        self.chipset.type_text(text, device)
        if self.outcome is WAITING:
            self.outcome = None
            self._settle()

    @property
    def breakpoints(self) -> frozenset[int]:
        """Linear addresses ``run`` stops before, once it has taken a step."""
        return self.cpu.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: frozenset[int]) -> None:
        if addresses != self.cpu.breakpoints:
            self.cpu.breakpoints = addresses
            if self._engine is not None:
                self._engine.drop_all()  # what it translated may run through them

    # -- other moments ---------------------------------------------------------------------------

    @property
    def listener(self) -> Listener | None:
        """Who hears what happens; None is fastest.

        A listener whose attribute ``every_instruction`` is false hears everything but
        ``Retired``, and the machine runs at full speed between events.
        """
        return self._listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._listener = self.cpu.listener = self.chipset.bus.listener = listener
        self.cpu.tracer = listener if getattr(listener, "every_instruction", True) else None

    def freeze(self) -> Any:
        """A picture of the whole state; what did not change is shared with the last one."""
        self.cpu.materialise_flags()
        self._last_picture = freeze(self, self._last_picture)
        return self._last_picture

    def thaw(self, picture: Any) -> list[int]:
        """Go back, or forwards, to the moment of ``picture``; gives the frames it had to write."""
        changed: list[int] = []
        thaw(self, picture, changed)
        self.cpu.memory_replaced(changed)  # code cached of those frames is no longer there
        self._last_picture = picture
        return changed

    def digest(self) -> str:
        """SHA-256 of the guest-visible state; see :func:`ringside.machine.digest.digest`."""
        cpu = self.cpu
        return digest(
            (*cpu.regs, cpu.eip, cpu.eflags),
            [segment.selector for segment in (*cpu.segs, cpu.ldtr, cpu.tr)],
            (
                cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, cpu.gdtr.base, cpu.gdtr.limit, cpu.idtr.base,
                cpu.idtr.limit,
            ),
            (self.memory.ram,),
            self.console,
        )  # fmt: skip
