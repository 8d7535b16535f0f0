"""A guest made for another processor: emulation's one advantage.

The host is the IA-32 machine with the VMM in its ring 0, as for every technique. The guest is a
RISC-V program; its memory is a piece of the host's RAM, and its processor is nothing but numbers
that the VMM keeps and changes, instruction by instruction. Like the VMM's other code, the emulator
itself is Python; what it works on is the host's memory and the stored state, and the host's
processor runs none of the guest's instructions: it could not even decode them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ringside.machine.machine import Machine
from ringside.machine.memory import FRAME_SHIFT
from ringside.riscv.machine import RiscvMachine
from ringside.trace.events import Event
from ringside.vmm.allotment import Allotment
from ringside.vmm.cpu.emulation import GuestWindow
from ringside.vmm.monitor import WINDOW_SIZE, Monitor

if TYPE_CHECKING:
    from ringside.isa.assembler.program import Program
    from ringside.machine.outcome import Outcome
    from ringside.vmm.vm import Vm

MEMORY = 1 << 20


class ForeignGuest:
    """The host, its VMM, and one RISC-V machine in the VMM's hands.

    A step is one instruction of the guest's carried out, or one trap taken; it takes a tick of
    the host's time for each of the guest's.
    """

    technique = "emulation"

    def __init__(self, program: Program, memory_size: int = MEMORY) -> None:
        self.machine = Machine(WINDOW_SIZE + memory_size)
        self.monitor = Monitor(self.machine)
        first = WINDOW_SIZE >> FRAME_SHIFT
        frames = list(range(first, first + (memory_size >> FRAME_SHIFT)))
        self.guest = RiscvMachine(memory=GuestWindow(self.machine.memory, Allotment(frames)))
        self.guest.load(program)
        self.vms: list[Vm] = []
        self.breakpoints: frozenset[int] = frozenset()

    # -- read-outs ---------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps of the guest."""
        return self.guest.steps

    @property
    def guest_steps(self) -> int:
        """The same: the VMM takes no steps of its own."""
        return self.guest.steps

    @property
    def direct(self) -> int:
        """Instructions the host's processor has retired since the VMM owns it."""
        cpu = self.machine.cpu
        return cpu.time - cpu.idle

    @property
    def time(self) -> int:
        """Host ticks."""
        return self.machine.time

    @property
    def pc(self) -> int:
        """Address of the guest's next instruction."""
        return self.guest.pc

    @property
    def console(self) -> str:
        """What the guest wrote."""
        return self.guest.console

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended."""
        return self.guest.outcome

    @property
    def context(self) -> str:
        """Whose code is being emulated: ``app`` or ``kernel``."""
        return self.guest.context

    @property
    def listener(self) -> Callable[[Event], None] | None:
        """Who hears what happens to the guest."""
        return self.guest.listener

    @listener.setter
    def listener(self, listener: Callable[[Event], None] | None) -> None:
        self.guest.listener = listener

    # -- going -------------------------------------------------------------------------------

    def step(self) -> None:
        """One step of the guest."""
        self.run(1)

    def run(self, limit: int) -> str:
        """Up to ``limit`` steps; it stops before a breakpoint once it has taken one."""
        guest = self.guest
        before = guest.time
        try:
            if not self.breakpoints:
                return guest.run(limit)
            for number in range(limit):
                if number and guest.pc in self.breakpoints:
                    return "breakpoint"
                reason = guest.run(1)
                if guest.outcome is not None:
                    return reason
            return "limit"
        finally:
            self.machine.cpu.sleep(guest.time - before)

    def type_text(self, text: str, device: str = "serial") -> None:
        """Type at the guest's console."""
        self.guest.type_text(text, device)

    # -- other moments -----------------------------------------------------------------------

    def freeze(self) -> Any:
        """A picture of the host and of the stored processor."""
        return self.machine.freeze(), self.guest.freeze()

    def thaw(self, picture: Any) -> None:
        """Go to the moment of ``picture``."""
        host, guest = picture
        self.machine.thaw(host)
        self.guest.thaw(guest)

    def digest(self) -> str:
        """SHA-256 of what the guest can see; the same as on a RISC-V machine of its own."""
        return self.guest.digest()
