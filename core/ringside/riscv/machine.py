"""The whole RISC-V machine, with the read-outs and controls of every system.

It is emulated in every instruction: nothing of its guest ever runs on the simulated IA-32
processor, which could not even decode it. Inside a VMM (:mod:`ringside.vmm.foreign`) ``memory`` is
a piece of the host's RAM. A *step* is one instruction retired or one trap taken;
``run(n)`` is ``n`` times ``step()``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from ringside.machine.memory import FRAME_SHIFT, Memory
from ringside.machine.outcome import HALTED, RESET, WAITING, Outcome, exited
from ringside.riscv.decode import decode, format_insn
from ringside.riscv.devices import CLINT, FINISHER, NEVER, UART, Clint, Device, Finisher, Uart
from ringside.riscv.hart import Hart
from ringside.riscv.traps import EXTERNAL, SOFTWARE, TIMER
from ringside.trace.events import ConsoleWritten, Event, Retired
from ringside.trace.freeze import freeze, thaw

if TYPE_CHECKING:
    from ringside.isa.assembler.program import Program

RAM = 0x8000_0000
DEVICE_SPAN = 0x1_0000  # bytes of address space each device has
RINGS = ("app", "app", "app", "kernel")
"""Who runs in privilege mode 0 to 3: what ``Timeline(rings=…)`` wants to know. (IA-32's rings
count the other way.)"""

Listener = Callable[[Event], None]


class ImageError(Exception):
    """A program that cannot be loaded; the text says what to do."""


class Board:
    """Physical addresses: RAM and devices."""

    __slots__ = ("devices", "ram", "size", "touched")
    transient: ClassVar[frozenset[str]] = frozenset({"devices", "ram", "touched"})

    def __init__(
        self, ram: Memory, devices: dict[int, Device], touched: Callable[[], None]
    ) -> None:
        self.ram = ram
        self.size = ram.size
        self.devices = {base // DEVICE_SPAN: device for base, device in devices.items()}
        self.touched = touched

    def fetch(self, address: int) -> int | None:
        """The instruction word there; None outside RAM: code does not run from devices."""
        offset = address - RAM
        return self.ram.m32[offset >> 2] if 0 <= offset <= self.size - 4 else None

    def read(self, address: int, size: int) -> int | None:
        """Read; None where nothing answers."""
        offset = address - RAM
        if 0 <= offset <= self.size - size:
            if size == 4 and not offset & 3:
                return self.ram.m32[offset >> 2]
            return int.from_bytes(self.ram.ram[offset : offset + size], "little")
        device = self.devices.get(address // DEVICE_SPAN)
        if device is None:
            return None
        self.touched()
        return device.read(address % DEVICE_SPAN, size)

    def write(self, address: int, value: int, size: int) -> bool:
        """Write; False where nothing answers."""
        offset = address - RAM
        if 0 <= offset <= self.size - size:
            if size == 4 and not offset & 3:
                self.ram.m32[offset >> 2] = value
            else:
                self.ram.ram[offset : offset + size] = value.to_bytes(size, "little")
            return True
        device = self.devices.get(address // DEVICE_SPAN)
        if device is None:
            return False
        self.touched()
        return device.write(address % DEVICE_SPAN, value, size)


class RiscvMachine:
    """One hart, its RAM and its board."""

    __slots__ = (
        "_last_picture", "_listener", "_trace", "board", "clint", "finisher", "hart", "memory",
        "outcome", "uart",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"_last_picture", "_listener", "_trace"})
    technique = "emulation"

    def __init__(self, memory_size: int = 1 << 20, memory: Memory | None = None) -> None:
        self.memory = memory or Memory(memory_size)
        self.uart = Uart(self._written)
        self.clint = Clint(self._now)
        self.finisher = Finisher(self._end)
        devices: dict[int, Device] = {UART: self.uart, CLINT: self.clint, FINISHER: self.finisher}
        self.board = Board(self.memory, devices, self._touched)
        frames = range(self.memory.size >> FRAME_SHIFT)
        self.memory.add_writer(lambda: frames)  # the board stores past it, anywhere
        self.hart = Hart(self.board, RAM)
        self.hart.pending = self._pending
        self.outcome: Outcome | None = None
        self._listener: Listener | None = None
        self._trace = False  # the listener wants every instruction
        self._last_picture: Any = None

    def load(self, program: Program | bytes) -> None:
        """Put a program into RAM and go to its entry; raises ImageError."""
        if isinstance(program, bytes):
            origin, image, entry = RAM, program, RAM
        else:
            origin, image, entry = program.origin, program.image, program.entry
        end = origin + len(image)
        if origin < RAM or end > RAM + self.memory.size:
            raise ImageError(
                f"the program lies at {origin:#x} to {end:#x}, but this machine's RAM is at "
                f"{RAM:#x} to {RAM + self.memory.size:#x}; assemble it with .org {RAM:#x}"
            )
        self.memory.write_bytes(origin - RAM, image)
        self.hart.forget_code()
        self.hart.pc = entry

    # -- going forwards --------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps taken since power-on; within a listener, those completed before this one."""
        return self.hart.steps

    @property
    def guest_steps(self) -> int:
        """The same: there is only the guest."""
        return self.hart.steps

    @property
    def time(self) -> int:
        """Ticks since power-on: instructions retired plus ticks slept."""
        return self.hart.time

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self.hart.pc

    @property
    def context(self) -> str:
        """Who is running: ``kernel`` in machine mode, ``app`` in user mode."""
        return self.hart.context

    def step(self) -> None:
        """Take one step; none when the run has ended or only waits."""
        self._go(1)

    def run(self, limit: int) -> str:
        """Take up to ``limit`` steps; ``"limit"`` if all were taken, else the outcome's kind."""
        return self._go(limit)

    def _go(self, limit: int) -> str:
        hart = self.hart
        end = hart.steps + limit
        while self.outcome is None:
            left = end - hart.steps
            if left <= 0:
                return "limit"
            if hart.waiting:
                self._sleep()
            if hart.ready:
                hart.take_interrupt()
            elif self._trace:
                self._run_traced()
            else:
                hart.run(hart.time + min(left, self._room()))
            self._settle()
        return self.outcome.kind

    def _room(self) -> int:
        """Ticks until the timer may have something to say."""
        left = self.clint.compare - self.hart.time
        return left if left > 0 else NEVER

    def _run_traced(self) -> None:
        """One instruction, told to the listener when it has retired."""
        hart = self.hart
        pc, context, before = hart.pc, hart.context, hart.time
        word = self.board.fetch(pc)
        insn = None if word is None else decode(word)
        hart.run(before + 1)
        if hart.time > before and insn is not None and self._listener is not None:
            text = format_insn(insn, pc)
            self._listener(Retired(before, context, pc, pc, insn.mnemonic, text))

    def _sleep(self) -> None:
        """Let time pass to the interrupt that ends the wait (vol. II, 3.3.3)."""
        hart = self.hart
        if not self._pending() & hart.mie:
            assert self.clint.compare < NEVER, "a wait without end is an outcome"
            hart.sleep(max(0, self.clint.compare - hart.time))
        if not hart.ready:
            hart.wake()  # pending but masked by mstatus.MIE: just go on

    def _settle(self) -> None:
        """See at once whether a wait can ever end, so that each step has only one state."""
        hart = self.hart
        if self.outcome is not None or not hart.waiting or self._pending() & hart.mie:
            return
        if hart.mie >> TIMER & 1 and self.clint.compare < NEVER:
            return
        listens = hart.mie >> EXTERNAL & 1 and self.uart.enabled & 1
        self.outcome = WAITING if listens else HALTED

    # -- wiring ----------------------------------------------------------------------------------

    def _pending(self) -> int:
        """The register mip."""
        return (
            self.clint.software << SOFTWARE
            | self.clint.timer << TIMER
            | self.uart.line << EXTERNAL
        )

    def _now(self) -> int:
        return self.hart.time

    def _touched(self) -> None:
        self.hart.until = 0

    def _written(self, text: str) -> None:
        if self._listener is not None:
            self._listener(ConsoleWritten(self.hart.time, "device", text))

    def _end(self, status: int | None) -> None:
        self.outcome = RESET if status is None else exited(status)

    # -- people ----------------------------------------------------------------------------------

    @property
    def console(self) -> str:
        """What the guest wrote."""
        return "".join(self.uart.sent)

    def type_text(self, text: str, device: str = "serial") -> None:
        """Type at the console; a waiting machine goes on."""
        self.uart.received.extend(text.encode("ascii", "replace"))
        if self.outcome is WAITING:
            self.outcome = None
            self._settle()

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
        self._listener = self.hart.listener = listener
        self._trace = listener is not None and getattr(listener, "every_instruction", True)

    def freeze(self) -> Any:
        """A picture of the whole state; what did not change is shared with the last one."""
        self._last_picture = freeze(self, self._last_picture)
        return self._last_picture

    def thaw(self, picture: Any) -> None:
        """Go back, or forwards, to the moment of ``picture``."""
        thaw(self, picture)
        self._last_picture = picture

    def digest(self) -> str:
        """SHA-256 of what the guest can see."""
        total = hashlib.sha256()
        numbers = self.hart.state()
        total.update(struct.pack(f"<{len(numbers)}I", *numbers))
        total.update(self.memory.ram)
        total.update(self.console.encode())
        return total.hexdigest()
