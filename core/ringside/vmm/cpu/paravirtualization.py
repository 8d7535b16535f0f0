"""Paravirtualization: the guest's kernel was written to run in ring 1 and to ask the VMM.

Where a kernel would use an instruction that de-privileging breaks, this one makes a hypercall, or
writes a byte of the page it shares with the VMM. So the VMM keeps no virtual state behind the
guest's back: the registers, selectors and rings the guest sees are the real ones. Applications in
ring 3 run as ever, and their system calls go straight into their kernel: the gate for ``INT 80h``
in the VMM's interrupt table leads to ring 1, not to the VMM.

Exits are hypercalls, each under its own name; exceptions, which the VMM passes on to the handlers
the guest has announced; port I/O of the kernel, which is done on virtual devices (all but the
interrupt controller, which is the VMM's); and the timer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import Fault
from ringside.isa.instruction import Imm, Insn
from ringside.isa.registers import (
    CS,
    DS,
    EAX,
    EBP,
    EBX,
    ECX,
    EDI,
    EDX,
    ES,
    ESI,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_NT,
    FLAG_RF,
    FLAG_TF,
    FLAG_VIF,
    FLAG_VIP,
    FLAG_VM,
    FS,
    GS,
    SS,
)
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import TSS32_FIELDS, gate_descriptor
from ringside.trace.events import Emulated, Hypercalled
from ringside.vmm.exits import TIMER, Exit, Handler
from ringside.vmm.in_place import RunsInPlace
from ringside.vmm.monitor import (
    ENTRIES,
    ENTRY_SIZE,
    GDT_BYTES,
    IDT,
    MONITOR_CODE,
    TSS,
    WINDOW,
    Monitor,
)
from ringside.vmm.paravirt import abi
from ringside.vmm.paravirt.calls import Calls
from ringside.vmm.paravirt.segments import Segments

if TYPE_CHECKING:
    from ringside.vmm.paravirt.domain import Domain

DATA_SEGMENTS = (ES, DS, FS, GS)
ARGUMENTS = (EBX, ECX, EDX, ESI, EDI, EBP)
NEVER_REAL = FLAG_IOPL | FLAG_VM | FLAG_VIF | FLAG_VIP | FLAG_RF | FLAG_NT
GUEST_FAULTS = ("#DE", "#DB", "#BR", "#UD", "#NM", "#MF", "#AC", "#NP", "#SS", "#TS")
IDT_ERROR = 2  # of an error code: it names a gate of the interrupt table
PORT_MNEMONICS = frozenset({"in", "out"})
INTERRUPT_CONTROLLER = "pic"  # the device whose ports are the VMM's: events come in by it


class Paravirtualization(RunsInPlace):
    """One paravirtual VM on the real processor."""

    __slots__ = ("calls", "monitor", "segments", "vm")
    transient: ClassVar[frozenset[str]] = frozenset({"calls", "monitor", "vm"})
    obstacle = ""

    def __init__(self, vm: Domain, monitor: Monitor) -> None:
        self.vm = vm
        self.monitor = monitor
        self.segments = Segments(monitor)
        self.calls = Calls(vm, self)
        entry = WINDOW + ENTRIES + abi.HYPERCALL_VECTOR * ENTRY_SIZE
        self._write_gate(
            abi.HYPERCALL_VECTOR, MONITOR_CODE, entry, layout.INTERRUPT_GATE32, abi.KERNEL_RING
        )

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What happens at which exit; every hypercall is an exit reason of its own."""
        return {
            **{abi.exit_reason(number): self.hypercall for number in (*abi.NAMES, -1)},
            **dict.fromkeys(GUEST_FAULTS, self.reflect),
            "#PF": self.page_fault,
            "#GP": self.protection_fault,
            TIMER: self.timer,
        }

    # -- handlers ----------------------------------------------------------------------------

    def hypercall(self, exit: Exit) -> None:
        """Do what the kernel asks for, or refuse; then let in an event it was waiting for."""
        vm, regs = self.vm, self.vm.vcpu.regs
        number, args = regs[EAX], tuple(regs[register] for register in ARGUMENTS)
        result, why = self.calls.call(number, args)
        vm.answer(result)
        if result < 0:
            vm.refusals += 1
        vm.emit(Hypercalled(
            vm.time, "vmm", vm.name, number, abi.call_name(number), args[0], result, why
        ))  # fmt: skip
        vm.upcall()

    def reflect(self, exit: Exit) -> None:
        """The guest's own exception."""
        self.vm.give_exception(exit.vector, None if exit.error < 0 else exit.error)

    def page_fault(self, exit: Exit) -> None:
        """The guest's own: the tables are its own."""
        self.vm.give_exception(exit.vector, exit.error, exit.qualification)

    def protection_fault(self, exit: Exit) -> None:
        """INT n without a gate for it, port I/O of the kernel, or the guest's own mistake."""
        insn = self.vm.current_instruction()
        if exit.error & IDT_ERROR and insn is not None:
            trap = self.vm.traps.get(exit.error >> 3)
            if trap is not None and trap.dpl >= exit.ring:
                self.vm.vcpu.eip = exit.eip + insn.length & 0xFFFF_FFFF
                self.vm.give_exception(exit.error >> 3, None)
                return
        elif exit.ring == abi.KERNEL_RING and insn is not None and insn.mnemonic in PORT_MNEMONICS:
            port = self._port_of(insn)
            if not self._is_the_vmms(port, insn):
                self._port(insn, port)
                return
        self.reflect(exit)

    def timer(self, exit: Exit) -> None:
        """The host's timer: an event may be due, or another VM's turn."""
        if self.vm.poll():
            self.vm.inject()

    def _port_of(self, insn: Insn) -> int:
        first, second = insn.operands
        where = second if insn.mnemonic == "in" else first
        return where.value if isinstance(where, Imm) else self.vm.vcpu.regs[EDX] & 0xFFFF

    def _is_the_vmms(self, port: int, insn: Insn) -> bool:
        """Whether any byte of the access would go to the device only the VMM talks to."""
        bus = self.vm.hardware.bus
        return any(
            bus.device_at(port + n & 0xFFFF) == INTERRUPT_CONTROLLER
            for n in range(insn.width.bytes)
        )

    def _port(self, insn: Insn, port: int) -> None:
        """Port I/O of the guest's kernel, on the VM's virtual devices."""
        vm, vcpu, w = self.vm, self.vm.vcpu, insn.width
        first, second = insn.operands
        if insn.mnemonic == "in":
            value = vm.hardware.bus.port_in(port, w)
            vcpu.assign(first, value)
        else:
            value = vcpu.value(second)
            vm.hardware.bus.port_out(port, value, w)
        eip = vcpu.eip
        vcpu.eip = eip + insn.length & 0xFFFF_FFFF
        vcpu.time += 1
        vm.emulated[insn.mnemonic] = vm.emulated.get(insn.mnemonic, 0) + 1
        vm.emit(Emulated(
            vm.time, "vmm", vm.name, insn.mnemonic, f"port {port:#x}", value, value, eip
        ))  # fmt: skip
        if vcpu.eflags & FLAG_TF:
            vm.give_exception(1, None)

    # -- from the real processor -------------------------------------------------------------

    def places(self, addresses: frozenset[int]) -> frozenset[int]:
        """Nowhere else: the guest's code runs where it is."""
        return frozenset()

    def load(self) -> None:
        """Make this VM the one whose tables the real processor uses (a world switch)."""
        cpu = self.monitor.machine.cpu
        cpu.load_gdt(WINDOW + self.segments.gdt, GDT_BYTES - 1)
        cpu.load_ldt(0)
        self.show_stack()
        self.show_system_call()

    def leave_guest(self) -> Exit:
        """Take over from the guest."""
        exit = self.monitor.read_frame()
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        self._take(exit.eip, exit.eflags, exit.esp)
        for seg, selector in ((CS, exit.cs), (SS, exit.ss)):
            if vcpu.segs[seg].selector != selector:
                vcpu.segs[seg] = self.segments.segment(selector)
        vcpu.set_cpl(exit.ring)
        if exit.vector == abi.HYPERCALL_VECTOR:
            return replace(exit, reason=abi.exit_reason(cpu.regs[EAX]))
        return exit

    def observe(self) -> None:
        """Bring the virtual CPU up to date while the guest runs."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        self._take(cpu.eip, cpu.eflags, cpu.regs[ESP])
        vcpu.segs[CS], vcpu.segs[SS] = cpu.segs[CS], cpu.segs[SS]
        vcpu.set_cpl(cpu.cpl)

    def _take(self, eip: int, eflags: int, esp: int) -> None:
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        vcpu.regs[:] = cpu.regs
        vcpu.regs[ESP] = esp
        vcpu.eip = eip
        vcpu.eflags = eflags & ~(FLAG_IOPL | FLAG_RF) | FLAG_IF
        for seg in DATA_SEGMENTS:
            vcpu.segs[seg] = cpu.segs[seg]

    # -- to the real processor ---------------------------------------------------------------

    def enter_guest(self) -> None:
        """Put the guest's registers on the processor and go to its ring with IRET."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        for seg in DATA_SEGMENTS:
            if cpu.segs[seg] != vcpu.segs[seg]:
                try:
                    cpu.load_segment(seg, vcpu.segs[seg].selector)
                except Fault:  # the guest has changed the descriptor under its own register
                    cpu.load_segment(seg, 0)
                vcpu.segs[seg] = cpu.segs[seg]
        cpu.regs[:] = vcpu.regs
        self.monitor.leave(
            vcpu.eip, vcpu.segs[CS].selector, vcpu.eflags & ~NEVER_REAL | FLAG_IF, vcpu.regs[ESP],
            vcpu.segs[SS].selector,
        )  # fmt: skip

    def settle(self) -> None:
        """See that the processor can go where the guest is to go on; if not, it cannot go on."""
        vm, vcpu, segments = self.vm, self.vm.vcpu, self.segments
        code, stack = (vcpu.segs[seg].selector for seg in (CS, SS))
        if vm.outcome is not None:
            return
        if not segments.is_code(code, vcpu.cpl) or not segments.is_stack(stack, vcpu.cpl):
            vm.crash(f"its own segments {code:#x} and {stack:#x} can no longer be run with")
            return
        vcpu.segs[CS], vcpu.segs[SS] = segments.segment(code), segments.segment(stack)
        if vcpu.eip > vcpu.segs[CS].limit:
            vm.give_exception(13, 0)
            if vm.outcome is None and vcpu.eip > vcpu.segs[CS].limit:
                vm.crash(f"its handler at {vcpu.eip:#x} lies beyond its code segment")

    def show_stack(self) -> None:
        """Write the kernel's stack where the processor looks when it comes from ring 3."""
        ss, esp = self.vm.stack
        memory = self.monitor.machine.memory
        for name, value in (("ss1", ss), ("esp1", esp)):
            offset, size = TSS32_FIELDS[name]
            memory.write(TSS + offset, value, size)

    def show_system_call(self) -> None:
        """Let INT 80h lead straight into the guest's kernel, if its handler can begin with events
        as they are: a trap gate leaves the real IF alone, and cannot touch the guest's mask."""
        vector = abi.SYSTEM_CALL_VECTOR
        trap = self.vm.traps.get(vector)
        if trap is not None and trap.dpl == 3 and not trap.masks_events:
            self._write_gate(vector, trap.cs, trap.address, layout.TRAP_GATE32, 3)
        else:
            entry = WINDOW + ENTRIES + vector * ENTRY_SIZE
            self._write_gate(vector, MONITOR_CODE, entry, layout.INTERRUPT_GATE32, 0)

    def _write_gate(self, vector: int, selector: int, address: int, kind: int, dpl: int) -> None:
        gate = gate_descriptor(selector, address, kind, dpl=dpl)
        self.monitor.machine.memory.write64(IDT + 8 * vector, gate.raw)
