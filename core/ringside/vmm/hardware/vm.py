"""A virtual machine in VMX non-root operation: the event it is to be given, and how it is told.

Nothing is delivered here by software. What the guest is to be interrupted by is one pending
:class:`Event`, written into the VM-entry interruption-information field; the processor delivers it
through the guest's own IDT as part of the VM entry, and only then has the guest taken that step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ringside.isa.faults import ERROR_CODE_VECTORS, Fault
from ringside.isa.registers import FLAG_TF
from ringside.machine.interrupts import (
    CONTRIBUTORY,
    DEBUG,
    DOUBLE_FAULT,
    DR6_SINGLE_STEP,
    EXTERNAL,
    PAGE_FAULT,
    deliver_chain,
    escalates,
)
from ringside.machine.outcome import SHUTDOWN
from ringside.machine.vmx import controls as bits
from ringside.trace.events import Emulated
from ringside.vmm.vm import Vm, changed_register, watched

SOFTWARE_EVENTS = frozenset(
    {bits.SOFTWARE, bits.PRIVILEGED_SOFTWARE, bits.SOFTWARE_EXCEPTION}
)
Change = tuple[str, int, int]  # a name, the value before and after


@dataclass(frozen=True, slots=True)
class Event:
    """Interruption information (SDM vol. 3C, table 25-17) and error code.

    ``completes`` says that with its delivery an instruction is done, one that was carried out with
    the single-step flag on. Else the delivery is a step of its own.
    """

    info: int
    error: int = 0
    completes: bool = False

    @property
    def vector(self) -> int:
        """The vector of the guest's IDT."""
        return self.info & 0xFF

    @property
    def kind(self) -> int:
        """The type of event: external interrupt, hardware exception, software interrupt …"""
        return self.info >> 8 & 7

    @property
    def is_exception(self) -> bool:
        """Whether the processor itself raised it."""
        return self.kind == bits.HARDWARE


def exception(vector: int, error: int | None, completes: bool = False) -> Event:
    """A hardware exception."""
    info = vector | bits.HARDWARE << 8 | bits.VALID
    if vector in ERROR_CODE_VECTORS:
        return Event(info | bits.ERROR_VALID, error or 0, completes=completes)
    return Event(info, completes=completes)


class HardwareVm(Vm):
    """``pending`` is what the next entry delivers; ``vectoring`` is what was being delivered when
    the guest left, as the IDT-vectoring field tells."""

    __slots__ = ("look_closer", "pending", "vectoring")
    transient: ClassVar[frozenset[str]] = Vm.transient | {"look_closer"}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.pending: Event | None = None
        self.vectoring: Event | None = None
        self.look_closer: Callable[[], None] = _nothing  # VMREAD what the emulator must know
        self.told_pending = False  # whether interrupt-window exiting is on

    # -- events for the guest ----------------------------------------------------------------

    def catch_up(self) -> None:
        """Let the virtual devices do what is due by the guest's time."""
        chipset = self.hardware.chipset
        due = chipset.deadline()
        if due is not None and due <= self.now:
            chipset.advance()

    def poll(self) -> bool:
        """Whether an interrupt can be taken; not while something else is to be delivered."""
        return super().poll() and self.pending is None and self.vectoring is None

    def inject(self) -> None:
        """Have the next entry deliver what the virtual PIC asks for, sleeping till it does."""
        vcpu = self.vcpu
        if not self.poll():
            self.hardware._sleep()
        vector = vcpu.acknowledge()
        vcpu.wake()
        self.pending = Event(vector | bits.EXTERNAL << 8 | bits.VALID)

    def reflect(self, fault: Fault) -> None:
        """Have the next entry deliver an exception.

        If the guest left while another was on its way, the two make a double or triple fault as
        table 6-5 of SDM vol. 3A says, for the processor did not see both.
        """
        vector, error = fault.vector, fault.error
        first, self.vectoring = self.vectoring, None
        if vector == PAGE_FAULT and fault.address is not None:
            self.vcpu.cr2 = fault.address
        if first is not None and first.is_exception:
            if first.vector == DOUBLE_FAULT and (vector in CONTRIBUTORY or vector == PAGE_FAULT):
                self.shut_down()
                return
            if escalates(first.vector, vector):
                vector, error = DOUBLE_FAULT, 0
        self.pending = exception(vector, error)

    def trap(self) -> None:
        """Have the next entry deliver the single-step trap of an instruction just carried out."""
        self.vcpu.dr[6] |= DR6_SINGLE_STEP
        self.pending = exception(DEBUG, None, completes=True)

    def shut_down(self) -> None:
        """The guest could not even be given a double fault."""
        self.vcpu.deliveries += 1
        self.vcpu.shutdown = True
        self.hardware.outcome = SHUTDOWN

    def entered_with(self, event: Event) -> None:
        """The processor has delivered ``event``: a step of the guest's."""
        self._count(event)
        self.injections += 1
        error = event.error if event.info & bits.ERROR_VALID else -1
        self.tell_delivery(event.vector, error)

    def _count(self, event: Event) -> None:
        if event.completes:
            self.vcpu.time += 1
        else:
            self.vcpu.deliveries += 1

    def deliver(self, event: Event) -> None:
        """Deliver ``event`` in software, where the processor cannot: its way through the guest's
        IDT touches memory that is a device or not there."""
        vcpu = self.vcpu
        if event.is_exception:
            error = event.error if event.info & bits.ERROR_VALID else None
            deliver_chain(vcpu, Fault(event.vector, error))
        else:
            try:
                vcpu.deliver(event.vector, external=EXTERNAL)
            except Fault as fault:
                deliver_chain(vcpu, fault)
        self._count(event)
        if vcpu.shutdown:
            self.hardware.outcome = SHUTDOWN

    # -- instructions ------------------------------------------------------------------------

    def complete(self, mnemonic: str, length: int, before: tuple[tuple[str, int], ...],
                 change: Change | None = None) -> None:
        """The VMM has done what the instruction of ``length`` bytes at EIP asked for."""
        vcpu = self.vcpu
        eip = vcpu.eip
        vcpu.eip = eip + length & 0xFFFF_FFFF
        self.retire(mnemonic, eip, before, change)

    def retire(self, mnemonic: str, eip: int, before: tuple[tuple[str, int], ...],
               change: Change | None = None) -> None:
        """One instruction of the guest's is behind it."""
        vcpu = self.vcpu
        self.last = mnemonic
        self.emulated[mnemonic] = self.emulated.get(mnemonic, 0) + 1
        if self.listener is not None:
            seen = change or changed_register(before, watched(vcpu))
            self.emit(Emulated(self.time, "vmm", self.name, mnemonic, *seen, eip))
        if vcpu._eflags & FLAG_TF:
            self.trap()
        else:
            vcpu.time += 1
        self.hardware._settle()

    def emulate(self, why: str = "") -> None:
        """Fetch, decode and carry out the instruction at the guest's CS:EIP in software.

        Needed where the exit does not say enough: memory that is a device or not there at all, and
        string I/O. A fault of the instruction becomes the guest's.
        """
        vcpu = self.vcpu
        event, self.vectoring = self.vectoring, None
        if event is not None:
            self.deliver(event)
            return
        self.look_closer()
        before = watched(vcpu)
        eip = vcpu.eip
        vcpu.decoded.clear()  # the guest may have changed its code since
        vcpu.inhibit = False
        vcpu.at = eip
        try:
            prepared = vcpu.fetch()
            prepared.run(vcpu)
        except Fault as fault:
            self.reflect(fault)
            return
        self.retire(prepared.mnemonic, eip, before)


def _nothing() -> None:
    """Stand in until there is a VMCS to look into."""
