"""A virtual machine: its memory, its virtual hardware, and the techniques that make it go.

``hardware`` is a whole :class:`~ringside.machine.machine.Machine` of the same models as the real
one: a virtual CPU (``vcpu``: the registers, control registers, descriptor caches, IF and IOPL the
guest believes in) and virtual devices. It runs nothing by itself. The guest's instructions run on
the real processor as far as they can; what cannot is carried out here, one instruction at a time,
by the very definition the real processor uses. ``vcpu.time`` is guest time: an instruction counts
one tick whether the processor ran it or the VMM did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from ringside.isa.decode import Truncated
from ringside.isa.faults import Fault
from ringside.isa.instruction import Imm, Insn, Seg
from ringside.isa.registers import (
    CS,
    DS,
    EAX,
    EDX,
    ES,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_TF,
    FS,
    GS,
    SS,
)
from ringside.machine.access import LONGEST
from ringside.machine.control import FEATURE_CONTROL_LOCKED
from ringside.machine.cpu import Cpu
from ringside.machine.digest import digest
from ringside.machine.interpreter import prepare
from ringside.machine.machine import Machine
from ringside.machine.memory import FRAME, OFFSET_MASK
from ringside.machine.outcome import SHUTDOWN, Outcome
from ringside.machine.tlb import Tlb
from ringside.trace.events import (
    ConsoleWritten,
    ControlWritten,
    Denied,
    Emulated,
    Event,
    FaultRaised,
    Halted,
    Injected,
    InterruptDelivered,
    PortRead,
    PortWritten,
    SystemCalled,
)
from ringside.vmm.allotment import Allotment, GuestMemory
from ringside.vmm.memory.shadow import VirtualTlb

T = TypeVar("T")

# What the virtual hardware does that a spectator wants to hear of. Its retirements, faults and
# ring changes are told in the VMM's own words (Emulated, Injected).
PASSED = frozenset({ConsoleWritten, ControlWritten, Halted, PortRead, PortWritten, SystemCalled})

# How to tell from an event of the virtual CPU what it delivered: vector and error code.
VECTORS: dict[type[Event], Callable[[Any], tuple[int, int]]] = {
    FaultRaised: lambda event: (event.vector, event.error),
    InterruptDelivered: lambda event: (event.vector, -1),
    SystemCalled: lambda event: (event.vector, -1),
}
NO_VECTOR = (-1, -1)
SOFTWARE_INTERRUPTS = {"int": (0, -1), "int3": (3, -1), "into": (4, -1)}
IO_MNEMONICS = frozenset({"in", "out"})


class Vm:
    """One virtual machine. ``exits`` counts by exit reason, ``emulated`` by mnemonic."""

    __slots__ = (
        "_vector", "allotment", "denials", "emulated", "exits", "hardware", "host", "injections",
        "last", "listener", "loaded", "memory", "name", "tlb", "told_pending", "yields",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"_vector", "host", "listener", "memory", "tlb"}
    )

    def __init__(
        self,
        name: str,
        host: Machine,
        allotment: Allotment,
        *,
        disk: bytes | None = None,
        ticks_per_second: int | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.allotment = allotment
        self.tlb = VirtualTlb()
        self.memory = self.make_memory()
        self.hardware = Machine(
            memory=self.memory,
            tlb=self.make_tlb(),
            disk=disk,
            ticks_per_second=ticks_per_second or host.clock.ticks_per_second,
        )
        # No VMX for guests: as on a machine whose firmware has locked it off (SDM vol. 3C, 24.7).
        self.hardware.cpu.feature_control = FEATURE_CONTROL_LOCKED
        self.listener: Callable[[Event], None] | None = None
        self.exits: dict[str, int] = {}
        self.emulated: dict[str, int] = {}
        self.injections = 0
        self.denials = 0
        self.last = ""  # mnemonic of the last emulated instruction
        self.loaded: tuple[int, ...] = ()  # segment registers the last emulated instruction loaded
        # Where the guest's code changes the virtual IF without the VMM: whether it knows that an
        # interrupt is pending and will call. None: the VMM is there whenever IF changes.
        self.told_pending: bool | None = None
        self.yields = False  # it would have another VM use the processor now
        self._vector = NO_VECTOR  # what was delivered last on the virtual CPU: vector, error code

    def make_memory(self) -> GuestMemory:
        """Guest-physical memory as the virtual hardware reaches it."""
        return GuestMemory(self.host.memory, self.allotment)

    def make_tlb(self) -> Tlb:
        """The TLB of the virtual CPU."""
        return self.tlb

    # -- what the guest is -------------------------------------------------------------------

    @property
    def vcpu(self) -> Cpu:
        """The virtual CPU."""
        return self.hardware.cpu

    @property
    def now(self) -> int:
        """Guest time in ticks."""
        return self.vcpu.time

    @property
    def time(self) -> int:
        """Host time in ticks: the clock of every event."""
        return self.host.cpu.time

    @property
    def guest_steps(self) -> int:
        """Steps of the guest as bare metal counts them: instructions retired and deliveries."""
        return self.vcpu.steps

    @property
    def virtual_if(self) -> bool:
        """Whether the guest accepts interrupts, as it believes."""
        return bool(self.vcpu._eflags & FLAG_IF)

    @property
    def virtual_iopl(self) -> int:
        """The I/O privilege level the guest believes in."""
        return (self.vcpu._eflags & FLAG_IOPL) >> 12

    @property
    def halted(self) -> bool:
        """Whether the virtual CPU waits for an interrupt."""
        return self.vcpu.halted

    @property
    def outcome(self) -> Outcome | None:
        """How this VM ended; None while it lives."""
        return self.hardware.outcome

    @property
    def console(self) -> str:
        """What the guest wrote to its serial and debug ports."""
        return self.hardware.console

    def digest(self) -> str:
        """SHA-256 of the guest-visible state, comparable with bare metal's."""
        cpu = self.vcpu
        root, pages = self.own_terms()
        return digest(
            (*cpu.regs, cpu.eip, cpu.eflags),
            [segment.selector for segment in (*cpu.segs, cpu.ldtr, cpu.tr)],
            (
                cpu.cr0, cpu.cr2, root, cpu.cr4, cpu.gdtr.base, cpu.gdtr.limit, cpu.idtr.base,
                cpu.idtr.limit,
            ),
            pages,
            self.console,
        )  # fmt: skip

    def own_terms(self) -> tuple[int, Iterable[bytes]]:
        """CR3 and the guest's memory, page by page, without a frame number of the host's."""
        memory, count = self.memory, len(self.allotment.hfns)
        return self.vcpu.cr3, (memory.read_bytes(gfn * FRAME, FRAME) for gfn in range(count))

    @property
    def under_way(self) -> int:
        """Steps of the ``interpret`` that is going on, without the one that is happening."""
        return 0

    # -- what the VMM does to it -------------------------------------------------------------

    def interpret(self, limit: int, exit_cost: int, why: str) -> tuple[int, int]:
        """Carry out up to ``limit`` instructions in software, while the guest cannot run directly.

        Gives how many steps that was and the host ticks it took; ``exit_cost`` is what a visit
        to the VMM takes, ``why`` what is in the guest's way (``Technique.obstacle``).
        """
        self.emulate(why)
        return 1, exit_cost

    def emulate(self, why: str = "") -> None:
        """Carry out the instruction at the virtual CS:EIP on the virtual hardware.

        If it faults there, the guest gets that fault through its own IDT. ``why`` tells what
        kept it from the real processor where that was not the instruction itself.
        """
        vcpu = self.vcpu
        told = self.listener is not None
        insn = self.current_instruction() if told else None
        before = watched(vcpu) if told else ()
        eip, deliveries, flags = vcpu.eip, vcpu.deliveries, vcpu._eflags
        self._vector = NO_VECTOR
        if insn is not None:
            self._vector = SOFTWARE_INTERRUPTS.get(insn.mnemonic, NO_VECTOR)
            if insn.mnemonic == "int":
                self._vector = (vcpu.value(insn.operands[0]), -1)
        segments = vcpu.segs[:]
        vcpu.fetched = None
        self.hardware.step()
        done = vcpu.fetched
        mnemonic = done.mnemonic if done is not None else "?"
        self.last = mnemonic
        delivered = vcpu.deliveries != deliveries
        changed = [n for n, old in enumerate(segments) if vcpu.segs[n] is not old]
        if delivered or flags & FLAG_TF:
            changed.append(CS)
        elif done is not None and done.transfers:
            changed += reloads(done.insn)
        self.loaded = tuple(sorted(set(changed))) if changed else ()
        self.emulated[mnemonic] = self.emulated.get(mnemonic, 0) + 1
        if not told:
            return
        if delivered:
            self._tell_injected()
            return
        register, old, new = _change(insn, before, vcpu)
        self.emit(Emulated(self.time, "vmm", self.name, mnemonic, register, old, new, eip, why))
        if self._vector is not NO_VECTOR and insn is not None and vcpu.eip != eip + insn.length:
            self._tell_injected()

    def reflect(self, fault: Fault) -> None:
        """Give the guest an exception through its own IDT; it shuts down if that cannot be."""
        self.vcpu.take_fault(fault)
        self._delivered()

    def trap(self) -> None:
        """Give the guest the single-step trap of an instruction that has just completed."""
        self.vcpu.take_trap()
        self._delivered()

    def _delivered(self) -> None:
        if self.vcpu.shutdown:
            self.hardware.outcome = SHUTDOWN
        self.injections += 1
        self._tell_injected()

    def inject(self) -> None:
        """Let the virtual CPU take the interrupt its virtual PIC asks for, sleeping till then."""
        self.hardware.step()
        self.injections += 1
        self._tell_injected()

    def poll(self) -> bool:
        """Let virtual devices catch up with guest time; tell whether an interrupt can be taken."""
        chipset = self.hardware.chipset
        due = chipset.deadline()
        if due is not None and due <= self.now:
            chipset.advance()
        return self.vcpu.ready

    def deny(self, gva: int, gpa: int, why: str) -> None:
        """Record an access to something that is not the guest's."""
        self.denials += 1
        self.emit(Denied(self.time, "vmm", self.name, gva, gpa, why))

    def current_instruction(self) -> Insn | None:
        """The instruction at the virtual CS:EIP, read through the guest's own mapping."""
        linear = self.vcpu.linear_eip
        code = b""
        while len(code) < LONGEST:
            at = (linear + len(code)) & 0xFFFF_FFFF
            part = min(LONGEST - len(code), FRAME - (at & OFFSET_MASK))
            gpa = self.where(at)
            if gpa is None:
                break  # what was read so far may be the whole instruction
            code += self.memory.read_bytes(gpa, part)
        try:
            return prepare(code, self.vcpu.code_bits, self.vcpu.trap_sensitive).insn
        except (Fault, Truncated):
            return None

    def look(self, read: Callable[[], T]) -> T | None:
        """Have the virtual CPU read guest memory without a trace; None where it would fault."""
        memory = self.memory
        memory.sealed = True
        try:
            return read()
        except Fault:
            return None
        finally:
            memory.sealed = False

    def where(self, linear: int) -> int | None:
        """The guest-physical address of a linear one, by the guest's own tables; None if none."""
        return self.look(lambda: self.vcpu.translate(linear, False, False))

    # -- other moments -----------------------------------------------------------------------

    def memory_replaced(self, hfns: list[int]) -> None:
        """Frames of the host were put back by a thaw: forget what was derived from their bytes."""

    # -- events ------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Tell the spectator, if there is one."""
        if self.listener is not None:
            self.listener(event)

    def listen(self, listener: Callable[[Event], None] | None) -> None:
        """Have what happens in this VM told to ``listener``."""
        self.listener = listener
        self.hardware.listener = None if listener is None else self._hear

    def _hear(self, event: Event) -> None:
        vector = VECTORS.get(type(event))
        if vector is not None:
            self._vector = vector(event)
        if type(event) in PASSED:
            self.emit(event)

    def _tell_injected(self) -> None:
        self.tell_delivery(*self._vector)

    def tell_delivery(self, vector: int, error: int) -> None:
        """Tell the spectator of a delivery through the guest's IDT."""
        if self.listener is not None:
            self.listener(
                Injected(self.time, "vmm", self.name, vector, error, self.vcpu.linear_eip)
            )


# The segment registers that instructions load besides one they name; a far transfer loads CS.
RELOADS = {
    "lds": (DS,), "les": (ES,), "lfs": (FS,), "lgs": (GS,), "lss": (SS,),
    **dict.fromkeys(("call", "int", "int3", "into", "iret", "jmp", "ret", "retf"), (CS,)),
}  # fmt: skip


def reloads(insn: Insn) -> tuple[int, ...]:
    """The segment registers a system instruction loads, though perhaps with what they held."""
    first = insn.operands[0] if insn.operands else None
    if isinstance(first, Seg):
        return (first.index,)
    return RELOADS.get(insn.mnemonic, ())


def watched(vcpu: Cpu) -> tuple[tuple[str, int], ...]:
    """The parts of the virtual state an emulated instruction is usually about."""
    return (
        ("IF", int(bool(vcpu._eflags & FLAG_IF))),
        ("cr0", vcpu.cr0),
        ("cr2", vcpu.cr2),
        ("cr3", vcpu.cr3),
        ("cr4", vcpu.cr4),
        ("cpl", vcpu.cpl),
        ("gdtr", vcpu.gdtr.base),
        ("idtr", vcpu.idtr.base),
        ("ldtr", vcpu.ldtr.selector),
        ("tr", vcpu.tr.selector),
        *((name, vcpu.segs[n].selector) for n, name in enumerate(("es", "cs", "ss", "ds"))),
        ("fs", vcpu.segs[4].selector),
        ("gs", vcpu.segs[5].selector),
        *((name, vcpu.regs[n]) for n, name in enumerate(("eax", "ecx", "edx", "ebx"))),
        ("ebp", vcpu.regs[5]),
        ("esi", vcpu.regs[6]),
        ("edi", vcpu.regs[7]),
        ("esp", vcpu.regs[4]),
    )


def changed_register(
    before: tuple[tuple[str, int], ...], after: tuple[tuple[str, int], ...]
) -> tuple[str, int, int]:
    """The first of the ``watched`` parts that changed: a name, the value before and after."""
    for (name, old), (_, new) in zip(before, after, strict=True):
        if old != new:
            return name, old, new
    return "", 0, 0


def _change(
    insn: Insn | None, before: tuple[tuple[str, int], ...], vcpu: Cpu
) -> tuple[str, int, int]:
    """What the instruction changed: a name, the value before and after; empty for nothing."""
    if insn is not None and insn.mnemonic in IO_MNEMONICS:
        port = next((op.value for op in insn.operands if isinstance(op, Imm)), None)
        if port is None:
            port = vcpu.regs[EDX] & 0xFFFF
        value = vcpu.regs[EAX] & insn.width.mask
        return f"port {port:#x}", value, value
    if insn is not None and insn.mnemonic in ("cli", "sti"):
        return "IF", before[0][1], int(bool(vcpu._eflags & FLAG_IF))
    return changed_register(before, watched(vcpu))
