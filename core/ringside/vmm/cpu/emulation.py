"""Pure emulation: every guest instruction is carried out by software, none by the processor.

The emulator works on the stored state of the virtual hardware (``Vm.hardware``): its registers are
numbers in the VMM's memory, its devices are models, and each instruction is fetched, taken apart
and done to them. Nothing can slip through, POPF included, and no instruction needs to trap: so
equivalence and resource control are complete, and efficiency, the third of Popek and Goldberg's
properties, is given up altogether. The guest need not even be made for the host's processor.

The emulator is the same interpreter and translator of blocks that plays the processor itself,
pointed at the virtual hardware. That is why it is as fast here as "direct" execution is; what it
would cost on a real host is in the price list (``trace.presets``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ringside.machine.memory import FRAME_SHIFT, Memory
from ringside.machine.tlb import Tlb
from ringside.trace.events import Event, Interpreted, Retired
from ringside.vmm.allotment import Allotment, GuestMemory
from ringside.vmm.exits import Exit, Handler
from ringside.vmm.in_place import RunsInPlace
from ringside.vmm.vm import PASSED, VECTORS, Vm, changed_register, watched

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor

Listener = Callable[[Event], None]


class GuestWindow(GuestMemory):
    """A VM's memory as one piece of the host's RAM, reached as fast as a machine's own.

    Only the virtual CPU runs code from it, so only it hears of writes to code.
    """

    __slots__ = ()

    def __init__(self, host: Memory, allotment: Allotment) -> None:
        super().__init__(host, allotment)
        first = allotment.hfns[0]
        if allotment.hfns != list(range(first, first + len(allotment.hfns))):
            raise ValueError("an emulated VM needs its memory in one piece of the host's")
        start = first << FRAME_SHIFT
        self.m8 = memoryview(host.ram)[start : start + self.size]
        self.m16 = self.m8.cast("H")
        self.m32 = self.m8.cast("I")
        self.ram = self.m8  # type: ignore[assignment]  # the same operations, in place

    read = Memory.read
    read_bytes = Memory.read_bytes
    is_plain = Memory.is_plain

    def add_writer(self, frames: Callable[[], Iterable[int]]) -> None:
        """The virtual CPU writes straight to the host's RAM."""
        first = self.allotment.hfns[0]
        self.host.add_writer(lambda: [first + frame for frame in frames()])

    def note_writable(self, frame: int) -> None:
        """The same frame is another one of the host's."""
        self.host.changed.add(self.allotment.hfns[0] + frame)

    def pin(self, frame: int) -> None:
        """As ``note_writable``, for ever."""
        self.host.pin(self.allotment.hfns[0] + frame)

    def write(self, hpa: int, value: int, size: int) -> None:
        """Store the low ``size`` bytes of ``value``; lost while sealed."""
        if not self.sealed:
            Memory.write(self, hpa, value, size)

    def write_bytes(self, hpa: int, data: bytes) -> None:
        """Store ``data``; lost while sealed, and beyond the end."""
        if not self.sealed:
            Memory.write_bytes(self, hpa, data)
            first = self.allotment.hfns[0]
            self.host.changed.update(first + frame for frame in self.changed)
            self.changed.clear()

    def after_thaw(self) -> None:
        """Nothing: ``EmulatedVm.memory_replaced`` looks after cached code."""


class Hearing:
    """What an emulated VM's hardware tells, told on: faults and interrupts as deliveries, device
    and control events as they are. Changes of the virtual ring are left out: the processor stays
    in the VMM's."""

    __slots__ = ("every_instruction", "held", "retired", "vectors", "vm")

    def __init__(self, vm: EmulatedVm, every_instruction: bool) -> None:
        self.vm = vm
        self.every_instruction = every_instruction
        self.held = False  # whether deliveries are kept in ``vectors`` until the step is over
        self.vectors: list[tuple[int, int]] = []
        self.retired: Retired | None = None

    def __call__(self, event: Event) -> None:
        kind = type(event)
        if isinstance(event, Retired):
            self.retired = event
        elif kind in PASSED:
            self.vm.emit(event)
        elif kind in VECTORS:
            vector = VECTORS[kind](event)
            if self.held:
                self.vectors.append(vector)
            else:
                self.vm.tell_delivery(*vector)


class EmulatedVm(Vm):
    """A virtual machine whose virtual CPU is the only one it ever runs on."""

    __slots__ = ("_began", "_hearing", "_told")
    transient: ClassVar[frozenset[str]] = Vm.transient | {"_began", "_hearing", "_told"}

    def __init__(self, *args: Any, **named: Any) -> None:
        self._began = -1  # the virtual CPU's steps when the present stretch began
        self._told = 0  # steps of the present stretch whose events are all out
        self._hearing: Hearing | None = None
        super().__init__(*args, **named)

    def make_memory(self) -> GuestMemory:
        """The host's RAM itself."""
        return GuestWindow(self.host.memory, self.allotment)

    def make_tlb(self) -> Tlb:
        """One like the machine's: stale translations are as stale as there."""
        return Tlb()

    @property
    def under_way(self) -> int:
        """Steps of the present stretch that are complete."""
        return self._told if self._began < 0 else self.vcpu.steps - self._began

    # -- running -----------------------------------------------------------------------------

    def interpret(self, limit: int, exit_cost: int, why: str) -> tuple[int, int]:
        """Carry out up to ``limit`` steps; it stops early at a halt. A step takes a host tick."""
        vcpu, time, steps = self.vcpu, self.now, self.guest_steps
        self.hardware.breakpoints = self.host.breakpoints
        if self._hearing is not None and self._hearing.every_instruction:
            while self._told < limit and not vcpu.halted and self.outcome is None:
                if self._told and vcpu.breakpoints and vcpu.at_breakpoint:
                    break
                self._tell_step()
                self._told += 1
            self._told = 0
        else:
            self._began = steps
            try:
                self.hardware.run_awake(limit)
            finally:
                self._began = -1
        taken = self.guest_steps - steps
        # A delivery retires nothing, but the emulator works on it all the same: a guest that only
        # faults must not have the processor for ever.
        return taken, max(taken, self.now - time)

    def poll(self) -> bool:
        """Never: the virtual CPU takes its interrupts by itself as it goes."""
        return False

    def inject(self) -> None:
        """End a halt: sleep to the interrupt and take it."""
        self._tell_step()
        self.injections += 1

    def _tell_step(self) -> None:
        """One step of the hardware, with what it changed."""
        hearing, vcpu = self._hearing, self.vcpu
        if hearing is None:
            self.hardware.step()
            return
        hearing.held = True
        before = watched(vcpu)
        try:
            self.hardware.step()
        finally:
            hearing.held = False
        retired, hearing.retired = hearing.retired, None
        if retired is not None and hearing.every_instruction:
            register, old, new = changed_register(before, watched(vcpu))
            self.emit(Interpreted(
                self.time, "vmm", self.name, retired.eip, retired.mnemonic, retired.text,
                register, old, new,
            ))  # fmt: skip
        for vector in hearing.vectors:
            self.tell_delivery(*vector)
        hearing.vectors.clear()

    def listen(self, listener: Listener | None) -> None:
        """Have what happens in this VM told to ``listener``."""
        self.listener = listener
        self._hearing = None
        if listener is not None:
            self._hearing = Hearing(self, getattr(listener, "every_instruction", True))
        self.hardware.listener = self._hearing

    def memory_replaced(self, hfns: list[int]) -> None:
        """Drop code cached of frames that a thaw has changed."""
        first = self.allotment.hfns[0]
        self.vcpu.memory_replaced([hfn - first for hfn in hfns])


class Emulation(RunsInPlace):
    """The technique: the processor stays with the VMM, so there is nothing to load or to take."""

    __slots__ = ()
    obstacle = "emulation"

    def __init__(self, vm: Vm, monitor: Monitor) -> None:
        """Nothing is kept: all of the VM is in its virtual hardware."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """No exits: the guest is never in."""
        return {}

    def load(self) -> None:
        """The processor's tables stay the VMM's."""

    def enter_guest(self) -> None:
        """Refuse: an emulated guest never gets the processor."""
        raise RuntimeError("an emulated guest was to be run on the processor")

    def leave_guest(self) -> Exit:
        """Refuse: there is nothing to come back from."""
        raise RuntimeError("an emulated guest was to be taken off the processor")

    def observe(self) -> None:
        """The virtual CPU is always up to date."""

    def settle(self) -> None:
        """Nothing is derived from the virtual CPU."""


class NoTables:
    """The memory technique that goes with it: the emulator walks the guest's own tables."""

    __slots__ = ()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """No exits."""
        return {}

    def load(self) -> None:
        """The processor keeps the VMM's tables."""

    def receive_frames(self, frames: list[int]) -> None:
        """None are needed."""
