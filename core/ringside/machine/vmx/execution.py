"""VMX non-root operation: what makes the processor leave the virtual machine (SDM vol. 3C, ch. 26).

``cpu.intercepts`` is an :class:`Intercepts` while a virtual machine runs and None otherwise. The
interpreter asks it on its slow paths only: ``take_event`` at the boundary before an instruction,
``consider`` before an instruction whose row has an ``exit``, ``refuses`` before an exception is
delivered. Everything else runs as if there were no VMX at all: that is the point of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ringside.isa.faults import UD, Fault
from ringside.isa.instruction import Ctrl, Debug, Insn, Mem, Reg
from ringside.isa.registers import DS, ECX, EDI, EDX, ES, ESI, FLAG_IF, FLAG_OF
from ringside.machine.control import CR4_TSD
from ringside.machine.tasks import check_port
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import info, reasons
from ringside.machine.vmx.reasons import VmExit
from ringside.machine.vmx.vmcs import Vmcs

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

DEBUG, NMI_VECTOR, BREAKPOINT, OVERFLOW, DOUBLE_FAULT, PAGE_FAULT = 1, 2, 3, 4, 8, 14
DEBUG_STEP = 1 << 14  # BS, in the qualification of #DB
CR0_TS = 1 << 3
MSR_HIGH = 0xC000_0000
MSR_RANGE = 0x2000


class Intercepts:
    """The controls of the virtual machine that runs, and what is going on in it.

    ``started`` is the tick its first instruction begins at, ``began`` the step; ``delivering``
    (with error code and instruction length) is the interruption information of an event on its
    way through the IDT, 0 if there is none.
    """

    __slots__ = (
        "began", "cr0_mask", "cr0_shadow", "cr3_targets", "cr4_mask", "cr4_shadow", "delivering",
        "delivering_error", "delivering_length", "exceptions", "io_bitmaps", "length", "msr_bitmap",
        "nmi_blocked", "pending_debug", "pf_mask", "pf_match", "pin", "primary", "resume_flag",
        "secondary", "software", "started", "timer", "tsc_offset", "unblocked_at", "vmcs",
    )  # fmt: skip
    transient = frozenset({"vmcs"})  # a view of memory; Cpu.after_thaw makes it anew

    def __init__(self, vmcs: Vmcs, started: int, began: int) -> None:
        self.vmcs = vmcs
        self.started = started
        self.began = began
        self.pin = vmcs[f.PIN_CONTROLS]
        self.primary = primary = vmcs[f.PRIMARY_CONTROLS]
        self.secondary = vmcs[f.SECONDARY_CONTROLS] if primary & bits.ACTIVATE_SECONDARY else 0
        self.exceptions = vmcs[f.EXCEPTION_BITMAP]
        self.pf_mask, self.pf_match = vmcs[f.PF_MASK], vmcs[f.PF_MATCH]
        self.cr0_mask, self.cr0_shadow = vmcs[f.CR0_MASK], vmcs[f.CR0_SHADOW]
        self.cr4_mask, self.cr4_shadow = vmcs[f.CR4_MASK], vmcs[f.CR4_SHADOW]
        self.cr3_targets = tuple(
            vmcs[f.CR3_TARGET + 2 * number] for number in range(vmcs[f.CR3_TARGET_COUNT])
        )
        self.io_bitmaps = (vmcs[f.IO_BITMAP_A], vmcs[f.IO_BITMAP_B])
        self.msr_bitmap = vmcs[f.MSR_BITMAP]
        self.tsc_offset = vmcs[f.TSC_OFFSET] if primary & bits.USE_TSC_OFFSET else 0
        self.timer = vmcs[f.TIMER_VALUE] if self.pin & bits.PREEMPTION_TIMER else -1
        self.nmi_blocked = bool(vmcs[f.INTERRUPTIBILITY] & bits.BY_NMI)
        self.pending_debug = 0
        self.delivering = self.delivering_error = self.delivering_length = 0
        self.software, self.length = bits.SOFTWARE, 0
        self.unblocked_at = -1
        self.resume_flag = 0

    # -- before an instruction --------------------------------------------------------------------

    def due(self, cpu: Cpu) -> Callable[[Intercepts, Cpu], None] | None:
        """What happens before the next instruction, if anything, by priority (table 7-2, 26.2).

        The monitor trap flag, a pending debug exception, the preemption timer, the NMI window,
        the interrupt window, an external interrupt.
        """
        primary, inhibit = self.primary, cpu.inhibit
        if primary & bits.MONITOR_TRAP and cpu.steps > self.began:
            return trap_monitor
        if self.pending_debug and not (inhibit and cpu.inhibits_traps):
            return take_pending_debug
        if self.timer >= 0 and not self.timer_left(cpu):
            return expire
        if primary & bits.NMI_WINDOW and not self.nmi_blocked and not inhibit:
            return open_nmi_window
        if inhibit:
            return None
        interruptible = cpu._eflags & FLAG_IF
        if primary & bits.INTERRUPT_WINDOW and interruptible:
            return open_interrupt_window
        if cpu.interrupt_line:
            if self.pin & bits.EXTERNAL_INTERRUPT:
                return leave_by_interrupt
            if interruptible:
                return take_interrupt
        return None

    def take_event(self, cpu: Cpu) -> bool:
        """Do what is due, and tell whether there was anything."""
        act = self.due(cpu)
        if act is None:
            return False
        act(self, cpu)
        return True

    @property
    def wakes_without_if(self) -> bool:
        """Whether an external interrupt ends a halt even while EFLAGS.IF is clear."""
        return bool(self.pin & bits.EXTERNAL_INTERRUPT)

    def deadline(self, cpu: Cpu) -> int | None:
        """The tick at which the preemption timer runs out, None without one.

        It counts down whenever bit TIMER_RATE of the time-stamp counter changes (26.5.1).
        """
        if self.timer < 0:
            return None
        start = self.started + cpu.tsc_offset >> bits.TIMER_RATE
        return (start + self.timer << bits.TIMER_RATE) - cpu.tsc_offset

    def timer_left(self, cpu: Cpu) -> int:
        """What the preemption timer still has to count."""
        gone = (cpu.time + cpu.tsc_offset >> bits.TIMER_RATE) - (
            self.started + cpu.tsc_offset >> bits.TIMER_RATE
        )
        return max(self.timer - gone, 0)

    def room(self, cpu: Cpu, limit: int) -> int:
        """How many of ``limit`` plain instructions may run before the next question.

        At least one: the engine asks this when nothing is due before the next.
        """
        if self.primary & bits.MONITOR_TRAP:
            return 1
        deadline = self.deadline(cpu)
        return limit if deadline is None else min(limit, max(deadline - cpu.time, 1))

    # -- instructions -----------------------------------------------------------------------------

    def consider(self, cpu: Cpu, insn: Insn) -> None:
        """Raise VmExit if ``insn`` leaves the virtual machine.

        Faults of privilege come before (26.1.1), so an instruction that will fault for its ring
        is let through to do so; the VMX instructions and MOV DR leave in any ring.
        """
        row = insn.row
        if cpu.cpl and row.privilege == "cpl0" and row.exit != "mov dr":
            return
        self.software, self.length = bits.SOFTWARE, insn.length
        QUESTIONS[row.exit](self, cpu, insn)

    # -- exceptions -------------------------------------------------------------------------------

    def refuses(self, vector: int, error: int | None) -> bool:
        """Whether the exception leaves the virtual machine (26.2)."""
        wanted = bool(self.exceptions >> vector & 1)
        if vector == PAGE_FAULT and error is not None:
            return wanted == (error & self.pf_mask == self.pf_match)
        return wanted

    def exception_exit(self, cpu: Cpu, fault: Fault) -> VmExit:
        """Make the exit for an exception; CR2 and DR6 stay, the qualification has their news."""
        vector, error = fault.vector, fault.error
        qualification = 0
        if vector == PAGE_FAULT and fault.address is not None:
            qualification = fault.address
        elif vector == DEBUG:
            qualification = DEBUG_STEP
        event = vector | bits.HARDWARE << 8 | bits.VALID
        if error is not None:
            event |= bits.ERROR_VALID
        if self.unblocked_at == cpu.steps:
            event |= bits.NMI_UNBLOCKED
        if vector == DOUBLE_FAULT:  # it does not count as raised during a delivery (28.2.4)
            self.delivering = self.delivering_error = self.delivering_length = 0
        return VmExit(reasons.EXCEPTION, qualification, event=event, error=error or 0)

    def triple_fault(self) -> VmExit:
        """Make the exit for a triple fault."""
        self.delivering = self.delivering_error = self.delivering_length = 0
        return VmExit(reasons.TRIPLE_FAULT)

    def deliver(self, kind: int, vector: int, error: int | None = None, length: int = 0) -> None:
        """An event starts its way through the IDT."""
        self.delivering = vector | kind << 8 | bits.VALID
        self.delivering_error = error or 0
        self.delivering_length = length
        if error is not None:
            self.delivering |= bits.ERROR_VALID

    def deliver_exception(self, vector: int, error: int | None) -> None:
        """An exception of the guest's starts its way."""
        self.deliver(bits.HARDWARE, vector, error)

    def deliver_interrupt(self, vector: int) -> None:
        """An external interrupt that does not exit starts its way."""
        self.deliver(bits.EXTERNAL, vector)

    def deliver_software(self, vector: int) -> None:
        """INT n, INT3 or INTO starts its way."""
        self.deliver(self.software, vector, None, self.length)

    def end_delivery(self) -> None:
        """The event has arrived."""
        self.delivering = self.delivering_error = self.delivering_length = 0

    def task_switch(self, selector: int, source: int) -> VmExit:
        """Make the exit every attempt to switch tasks in hardware is (26.4.2)."""
        qualification = info.task_switch(selector, source)
        return VmExit(reasons.TASK_SWITCH, qualification, self.length)

    # -- control registers ------------------------------------------------------------------------

    def cr0_read(self, value: int) -> int:
        """CR0 as the guest reads it: host-owned bits from the shadow (26.3)."""
        return value & ~self.cr0_mask | self.cr0_shadow & self.cr0_mask

    def cr4_read(self, value: int) -> int:
        """CR4 as the guest reads it."""
        return value & ~self.cr4_mask | self.cr4_shadow & self.cr4_mask

    def cr0_write(self, value: int, before: int) -> int:
        """CR0 as a guest's write leaves it: host-owned bits stay."""
        return before & self.cr0_mask | value & ~self.cr0_mask

    def cr4_write(self, value: int, before: int) -> int:
        """CR4 as a guest's write leaves it."""
        return before & self.cr4_mask | value & ~self.cr4_mask


# -- what happens between instructions -----------------------------------------------------------


def trap_monitor(guest: Intercepts, cpu: Cpu) -> None:
    cpu.take_exit(VmExit(reasons.MONITOR_TRAP))


def take_pending_debug(guest: Intercepts, cpu: Cpu) -> None:
    cpu.inhibit = False
    cpu.take_trap()
    cpu.deliveries += 1


def expire(guest: Intercepts, cpu: Cpu) -> None:
    cpu.take_exit(VmExit(reasons.TIMER))


def open_nmi_window(guest: Intercepts, cpu: Cpu) -> None:
    cpu.take_exit(VmExit(reasons.NMI_WINDOW))


def open_interrupt_window(guest: Intercepts, cpu: Cpu) -> None:
    cpu.take_exit(VmExit(reasons.INTERRUPT_WINDOW))


def leave_by_interrupt(guest: Intercepts, cpu: Cpu) -> None:
    """The interrupt stays pending for the host unless the exit controls say to acknowledge it."""
    event = 0
    if guest.vmcs[f.EXIT_CONTROLS] & bits.ACKNOWLEDGE_INTERRUPT:
        event = cpu.acknowledge() | bits.EXTERNAL << 8 | bits.VALID
    cpu.take_exit(VmExit(reasons.EXTERNAL_INTERRUPT, event=event))


def take_interrupt(guest: Intercepts, cpu: Cpu) -> None:
    cpu.take_interrupt()


# -- the questions, by the column ``exit`` of the instruction table -------------------------------

Question = Callable[[Intercepts, "Cpu", Insn], None]


def always(reason: int) -> Question:
    def ask(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
        raise VmExit(reason, length=insn.length)

    return ask


def if_primary(control: int, reason: int) -> Question:
    def ask(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
        if guest.primary & control:
            raise VmExit(reason, length=insn.length)

    return ask


def ask_wbinvd(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.secondary & bits.WBINVD_EXITING:
        raise VmExit(reasons.WBINVD, length=insn.length)


def ask_rdtsc(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.primary & bits.RDTSC_EXITING and not (cpu.cpl and cpu.cr4 & CR4_TSD):
        raise VmExit(reasons.RDTSC, length=insn.length)


def ask_invlpg(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.primary & bits.INVLPG_EXITING:
        operand = insn.operands[0]
        assert type(operand) is Mem
        linear = cpu.linear(operand.seg, cpu.address(operand))
        raise VmExit(reasons.INVLPG, linear, insn.length)


def ask_vmx(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if not cpu.protected and insn.mnemonic != "vmcall":
        raise UD()
    reason = VMX_REASONS[insn.mnemonic]
    raise VmExit(reason, info.displacement(insn), insn.length, info.vmx_info(insn))


VMX_REASONS = {
    "vmcall": reasons.VMCALL, "vmclear": reasons.VMCLEAR, "vmlaunch": reasons.VMLAUNCH,
    "vmptrld": reasons.VMPTRLD, "vmptrst": reasons.VMPTRST, "vmread": reasons.VMREAD,
    "vmresume": reasons.VMRESUME, "vmwrite": reasons.VMWRITE, "vmxoff": reasons.VMXOFF,
    "vmxon": reasons.VMXON, "invept": reasons.INVEPT, "invvpid": reasons.INVVPID,
}  # fmt: skip


def ask_table(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.secondary & bits.DESCRIPTOR_TABLE_EXITING and not barred_by_umip(cpu, insn):
        where = info.displacement(insn)
        raise VmExit(reasons.TABLE_ACCESS, where, insn.length, info.table_info(insn))


def ask_selector(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if (
        guest.secondary & bits.DESCRIPTOR_TABLE_EXITING
        and cpu.protected
        and not barred_by_umip(cpu, insn)
    ):
        where = info.displacement(insn)
        raise VmExit(reasons.SELECTOR_ACCESS, where, insn.length, info.selector_info(insn))


def barred_by_umip(cpu: Cpu, insn: Insn) -> bool:
    """Whether CR4.UMIP makes this store of a system register a #GP anyway."""
    return bool(cpu.cpl and cpu.cr4 & 1 << 11 and insn.mnemonic[0] == "s")


def ask_mov_to_cr(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    control, source = insn.operands
    assert type(control) is Ctrl and type(source) is Reg
    value, number = cpu.regs[source.index], control.index
    if number == 0:
        leaves = (value ^ guest.cr0_shadow) & guest.cr0_mask != 0
    elif number == 4:
        leaves = (value ^ guest.cr4_shadow) & guest.cr4_mask != 0
    else:
        leaves = (
            number == 3
            and guest.primary & bits.CR3_LOAD_EXITING != 0
            and value not in guest.cr3_targets
        )
    if leaves:
        access = info.cr_access(number, info.TO_CR, source.index)
        raise VmExit(reasons.CR_ACCESS, access, insn.length)


def ask_mov_from_cr(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    destination, control = insn.operands
    assert type(control) is Ctrl and type(destination) is Reg
    if control.index == 3 and guest.primary & bits.CR3_STORE_EXITING:
        access = info.cr_access(3, info.FROM_CR, destination.index)
        raise VmExit(reasons.CR_ACCESS, access, insn.length)


def ask_clts(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.cr0_mask & guest.cr0_shadow & CR0_TS:
        raise VmExit(reasons.CR_ACCESS, info.cr_access(0, info.CLTS), insn.length)


def ask_lmsw(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    """LMSW cannot clear PE, so only setting it counts (26.1.3)."""
    operand = insn.operands[0]
    value = cpu.value(operand)
    changed = (value ^ guest.cr0_shadow) & guest.cr0_mask
    if changed & 0xE or changed & value & 1:
        linear = 0
        if type(operand) is Mem:
            linear = cpu.linear(operand.seg, cpu.address(operand))
        access = info.lmsw_access(value, type(operand) is Mem)
        raise VmExit(reasons.CR_ACCESS, access, insn.length, linear=linear)


def ask_mov_dr(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    if guest.primary & bits.MOV_DR_EXITING:
        first, second = insn.operands
        read = type(first) is Reg
        register, debug = (first, second) if read else (second, first)
        assert type(register) is Reg and type(debug) is Debug
        access = info.dr_access(debug.index, read, register.index)
        raise VmExit(reasons.DR_ACCESS, access, insn.length)


def ask_msr(write: bool) -> Question:
    reason = reasons.WRMSR if write else reasons.RDMSR

    def ask(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
        if not guest.primary & bits.USE_MSR_BITMAPS or msr_denied(guest, cpu, write):
            raise VmExit(reason, length=insn.length)

    return ask


def msr_denied(guest: Intercepts, cpu: Cpu, write: bool) -> bool:
    """Look ECX up in the MSR bitmap: 1 KiB each for read low, read high, write low, write high."""
    number = cpu.regs[ECX]
    high = number >= MSR_HIGH
    bit = number - MSR_HIGH if high else number
    if bit >= MSR_RANGE:
        return True
    at = guest.msr_bitmap + (0x400 if high else 0) + (0x800 if write else 0)
    return bool(cpu.memory.read8(at + (bit >> 3)) >> (bit & 7) & 1)


def ask_io(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    """IN, OUT, INS, OUTS. The I/O permission bitmap of the TSS comes first (26.1.1)."""
    primary = guest.primary
    if not primary & (bits.IO_EXITING | bits.USE_IO_BITMAPS):
        return
    mask = 0xFFFF_FFFF if insn.addr_bits == 32 else 0xFFFF
    if insn.rep and not cpu.regs[ECX] & mask:
        return
    name, width = insn.mnemonic, insn.width
    string = name.startswith(("ins", "outs"))
    read = name[0] == "i"
    port = cpu.regs[EDX] & 0xFFFF
    immediate = False
    if not string:
        operand = insn.operands[1 if read else 0]
        immediate = type(operand) is not Reg
        port = cpu.value(operand)
    check_port(cpu, port, width)
    if primary & bits.USE_IO_BITMAPS and not port_denied(guest, cpu, port, width.bytes):
        return
    linear = 0
    if string:
        seg = ES if read else DS if insn.seg is None else insn.seg
        linear = cpu.linear(seg, cpu.regs[EDI if read else ESI] & mask)
    access = info.io_access(width.bytes, read, string, bool(insn.rep), immediate, port)
    detail = info.string_info(insn) if string else 0
    raise VmExit(reasons.IO_INSTRUCTION, access, insn.length, detail, linear=linear)


def port_denied(guest: Intercepts, cpu: Cpu, port: int, size: int) -> bool:
    """Look every byte of the access up; one that wraps around past FFFF leaves too (26.1.3)."""
    if port + size > 0x1_0000:
        return True
    for number in range(port, port + size):
        bitmap = guest.io_bitmaps[number >> 15]
        if cpu.memory.read8(bitmap + (number >> 3 & 0xFFF)) >> (number & 7) & 1:
            return True
    return False


def software_exception(vector: int) -> Question:
    """INT3 and INTO raise exceptions that the bitmap is asked about; INT n does not."""

    def ask(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
        if vector == OVERFLOW and not cpu.eflags & FLAG_OF:
            return
        guest.software = bits.SOFTWARE_EXCEPTION
        if guest.refuses(vector, None):
            event = vector | bits.SOFTWARE_EXCEPTION << 8 | bits.VALID
            raise VmExit(reasons.EXCEPTION, length=insn.length, event=event)

    return ask


def ask_iret(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    """IRET ends the blocking of NMIs, unless they exit and are not virtual (26.3)."""
    if not guest.pin & bits.NMI_EXITING or guest.pin & bits.VIRTUAL_NMIS:
        if guest.nmi_blocked:
            guest.unblocked_at = cpu.steps
        guest.nmi_blocked = False


def nobody(guest: Intercepts, cpu: Cpu, insn: Insn) -> None:
    """INT n and far jumps and calls leave in the middle, if at all; their length is noted."""


QUESTIONS: dict[str, Question] = {
    "cpuid": always(reasons.CPUID),
    "invd": always(reasons.INVD),
    "hlt": if_primary(bits.HLT_EXITING, reasons.HLT),
    "pause": if_primary(bits.PAUSE_EXITING, reasons.PAUSE),
    "wbinvd": ask_wbinvd,
    "invlpg": ask_invlpg,
    "rdtsc": ask_rdtsc,
    "rdmsr": ask_msr(False),
    "wrmsr": ask_msr(True),
    "io": ask_io,
    "table": ask_table,
    "selector": ask_selector,
    "mov to cr": ask_mov_to_cr,
    "mov from cr": ask_mov_from_cr,
    "clts": ask_clts,
    "lmsw": ask_lmsw,
    "mov dr": ask_mov_dr,
    "far": nobody,
    "int": nobody,
    "int3": software_exception(BREAKPOINT),
    "into": software_exception(OVERFLOW),
    "iret": ask_iret,
    "vmx": ask_vmx,
}
