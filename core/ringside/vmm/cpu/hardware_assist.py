"""Hardware assist: the guest runs in all its own rings, in VMX non-root operation (Intel VT-x).

The processor has two modes orthogonal to the rings. In root mode it is the machine it always was,
and the VMM has it to itself. VM entry loads the guest from a control structure in memory, the
VMCS, and from then on the guest's kernel really is in ring 0: POPF, SGDT, IRET and the guest's own
page faults and system calls just work. What the VMM asked for in the VMCS, and a few things always,
leave by a VM exit, which saves the guest, says why, and loads the host.

This VMM is a client of ``cpu.vmx`` and of guest memory and uses nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import NotModelled, VmFail
from ringside.isa.registers import CS, ESP, SS
from ringside.machine.interrupts import DEBUG
from ringside.machine.outcome import Outcome
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.vmm.exits import Exit, Handler, reason_of
from ringside.vmm.hardware import settings
from ringside.vmm.hardware.handlers import (
    ALWAYS,
    ENTRY_FAILED,
    FOR_THE_EMULATOR,
    READS,
    ExitHandlers,
    reason_name,
)
from ringside.vmm.hardware.root import vmx_of
from ringside.vmm.hardware.state import GuestState, give_unsaved, mirror
from ringside.vmm.hardware.vm import SOFTWARE_EVENTS, Event, HardwareVm
from ringside.vmm.in_place import RunsInPlace

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.machine.vmx.operation import Vmx
    from ringside.vmm.monitor import Monitor

REASON_MASK = 0xFFFF
REAL_MODE = (
    "the guest is in real mode, and without an unrestricted guest VMX runs only paged protected "
    "mode; choose nested paging, or start it in protected mode"
)


class HardwareAssist(RunsInPlace):
    """One VM on the real processor by VM entries and exits."""

    __slots__ = (
        "asked", "bounced", "exit_handlers", "launched", "memory", "monitor", "seen", "state",
        "vm", "vmcs",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"exit_handlers", "memory", "monitor", "vm"})
    obstacle = ""

    def __init__(
        self, vm: HardwareVm, monitor: Monitor, memory: settings.VmxMemory, vmcs: int,
        interprets_io: bool = False,
    ) -> None:
        self.vm = vm
        self.monitor = monitor
        self.memory = memory
        self.vmcs = vmcs
        self.launched = False
        self.asked = False  # whether the entry field asks for the pending event already
        self.bounced = False  # the last entry led straight to an exit
        self.seen = 0  # deliveries of the real processor that have been counted
        self.state = GuestState()
        self.exit_handlers = ExitHandlers(vm, interprets_io)
        vm.look_closer = self._look_closer
        self._vmx.clear(vmcs)
        self._vmx.load_pointer(vmcs)
        settings.furnish(self._vmx, monitor, memory)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What this technique does at which exit; exceptions are the memory technique's."""
        return self.exit_handlers.table

    @property
    def _cpu(self) -> Cpu:
        return self.monitor.machine.cpu

    @property
    def _vmx(self) -> Vmx:
        return vmx_of(self.monitor.machine)

    # -- to the guest ------------------------------------------------------------------------

    def load(self) -> None:
        """Make this VM's VMCS the current one (a world switch)."""
        self._vmx.load_pointer(self.vmcs)

    def settle(self) -> None:
        """What was being delivered when the guest left still is, unless a handler took its place;
        and the guest must be in a mode that an entry can go to."""
        vm = self.vm
        if not vm.vcpu.protected and not self.memory.regime.unrestricted:
            raise NotModelled(REAL_MODE)
        if vm.pending is None:
            vm.pending = vm.vectoring
        vm.vectoring = None
        vm.memory.written.clear()  # nothing was derived from it that does not know
        if self.launched:
            self._write()

    def _write(self) -> None:
        """VMWRITE what has changed: guest state, the event to deliver, the interrupt window."""
        vm, vmx = self.vm, self._vmx
        for field, value in self.state.changes(vm.vcpu, self.memory):
            vmx.write(field, value)
        if vm.pending is not None and not self.asked:
            self._ask_for(vmx, vm.pending)
            self.asked = True
        self._watch_window(vmx)

    def enter_guest(self) -> None:
        """VM entry, with the event the guest is to be given.

        The guest may be left again at once: the processor is at the VMM's entry point then.
        """
        vm, cpu, vmx = self.vm, self._cpu, self._vmx
        self._write()
        event, vm.pending, self.asked = vm.pending, None, False
        give_unsaved(vm.vcpu, cpu)
        self.seen = cpu.deliveries
        try:
            entered = vmx.resume() if self.launched else vmx.launch()
        except VmFail as failure:
            vm.hardware.outcome = Outcome("entry-failed", None, str(failure))
            return
        self.bounced = not entered
        if not entered:
            self.seen -= 1  # this exit was no step of the processor's own
            return
        self.launched = True
        cpu.context_override = ""
        if event is not None:
            mirror(vm.vcpu, cpu, self.memory)
            vm.entered_with(event)

    def _ask_for(self, vmx: Vmx, event: Event) -> None:
        """Event injection: SDM vol. 3C, 25.8.3."""
        if event.info & bits.ERROR_VALID:
            vmx.write(f.ENTRY_ERROR, event.error)
        vmx.write(f.ENTRY_INTERRUPTION, event.info)

    def _watch_window(self, vmx: Vmx) -> None:
        """Interrupt-window exiting, while an interrupt waits that the guest cannot take yet."""
        vm = self.vm
        waits = vm.vcpu.interrupt_line
        if waits != vm.told_pending:
            vm.told_pending = waits
            controls = settings.PRIMARY | self.memory.regime.primary | bits.allowed("primary")[0]
            vmx.write(f.PRIMARY_CONTROLS, controls | (bits.INTERRUPT_WINDOW if waits else 0))

    # -- from the guest ----------------------------------------------------------------------

    def leave_guest(self) -> Exit:
        """A VM exit: read why, and what the handler of that reason asks for."""
        vm, cpu, vmx = self.vm, self._cpu, self._vmx
        cpu.context_override = "vmm"
        reason = vmx.read(f.EXIT_REASON)
        number = reason & REASON_MASK
        if reason & reasons.ENTRY_FAILED:
            return self._entry_failed(vmx, number)
        told = {field: vmx.read(field) for field in (*ALWAYS, *READS.get(number, ()))}
        assert vmx.vmcs is not None
        self.state.take(vm.vcpu, cpu, vmx.vmcs, self.memory)
        vm.vcpu.deliveries += cpu.deliveries - self.seen - 1
        if told.get(f.VECTORING, 0) & bits.VALID:
            self._note_vectoring(vmx, told[f.VECTORING])
        vector, error = -1, -1
        name = reason_name(number)
        event = told.get(f.EXIT_INTERRUPTION, 0)
        if event & bits.VALID:
            vector = event & 0xFF
            if event & bits.ERROR_VALID:
                error = told[f.EXIT_ERROR]
        if number == reasons.EXCEPTION:
            name = reason_of(vector)
        vcpu = vm.vcpu
        return Exit(
            name, vector, error, told.get(f.QUALIFICATION, -1), vcpu.eip,
            vcpu.segs[CS].selector & ~3 | vcpu.cpl, vcpu.eflags, vcpu.regs[ESP],
            vcpu.segs[SS].selector, told.get(f.EXIT_LENGTH, 0), told.get(f.GUEST_PHYSICAL, -1),
            told.get(f.GUEST_LINEAR, 0),
        )  # fmt: skip

    def _look_closer(self) -> None:
        for field in FOR_THE_EMULATOR:
            self._vmx.read(field)

    def _note_vectoring(self, vmx: Vmx, info: int) -> None:
        """The guest left in the middle of a delivery, which the next entry must begin anew.

        But for INT n and its kin: their instruction has done nothing yet and is just run again.
        """
        vm = self.vm
        event = Event(info & ~bits.NMI_UNBLOCKED, vmx.read(f.VECTORING_ERROR))
        if event.kind in SOFTWARE_EVENTS:
            return
        if event.is_exception and event.vector == DEBUG:
            # A single-step trap is part of its instruction's step, which is counted already,
            # unless the exit came in the midst of an entry that was to deliver the trap.
            if not self.bounced:
                vm.vcpu.deliveries += 1
                vm.vcpu.time -= 1
            event = Event(event.info, completes=True)
        vm.vectoring = event

    def _entry_failed(self, vmx: Vmx, number: int) -> Exit:
        qualification = vmx.read(f.QUALIFICATION)
        vcpu = self.vm.vcpu
        detail = f"{reason_name(number)} (exit reason {number}, bit 31 set): {vmx.problem}"
        return Exit(
            ENTRY_FAILED, -1, -1, qualification, vcpu.eip, vcpu.segs[CS].selector, vcpu.eflags,
            vcpu.regs[ESP], vcpu.segs[SS].selector, detail=detail,
        )  # fmt: skip

    def observe(self) -> None:
        """Bring the virtual CPU up to date while the guest runs; changes nothing else."""
        cpu = self._cpu
        self.vm.vcpu.deliveries += cpu.deliveries - self.seen
        self.seen = cpu.deliveries
        mirror(self.vm.vcpu, cpu, self.memory)
