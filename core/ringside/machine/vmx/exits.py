"""VM exit: the way back to the host (SDM vol. 3C, chapter 28)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ringside.isa.faults import Fault
from ringside.isa.registers import CS, DS, ES, ESP, FLAG_ONE, FLAG_RF, FLAG_TF, FS, GS, SS
from ringside.machine import descriptors as layout
from ringside.machine.control import CR0_PG, CR4_PAE, read_pdptes
from ringside.machine.descriptors import segment_descriptor, system_descriptor
from ringside.machine.segmentation import Segment, cached, null_segment
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.msrs import load_list, store_list
from ringside.machine.vmx.reasons import (
    EPT_MISCONFIGURATION,
    EPT_VIOLATION,
    EXCEPTION,
    TASK_SWITCH,
    TRIPLE_FAULT,
    VmExit,
)
from ringside.machine.vmx.vmcs import ABORT, Vmcs
from ringside.trace.events import VmExited

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.machine.vmx.execution import Intercepts

# VMX aborts (28.7): the processor shuts down and leaves this in the VMCS region.
ABORT_SAVING_MSRS, ABORT_HOST_PDPTES, ABORT_LOADING_MSRS = 1, 2, 4

TRAPS = frozenset({1, 3, 4})  # exceptions that leave RF alone (of #DB, single step is modelled)

HOST_CODE = layout.CODE | layout.READABLE | layout.ACCESSED
HOST_DATA = layout.WRITABLE | layout.ACCESSED
PENDING_SINGLE_STEP = 1 << 14


def leave(cpu: Cpu, exit: VmExit) -> None:
    """Leave the virtual machine: exit information, guest state, then the host."""
    guest = cpu.intercepts
    assert guest is not None
    vmcs = guest.vmcs
    vmcs[f.EXIT_REASON] = exit.reason
    vmcs[f.QUALIFICATION] = exit.qualification
    vmcs[f.GUEST_LINEAR] = exit.linear
    vmcs[f.GUEST_PHYSICAL] = exit.physical
    vmcs[f.EXIT_INTERRUPTION] = exit.event
    vmcs[f.EXIT_ERROR] = exit.error
    vmcs[f.VECTORING] = guest.delivering
    vmcs[f.VECTORING_ERROR] = guest.delivering_error
    vmcs[f.EXIT_LENGTH] = exit.length or guest.delivering_length
    vmcs[f.EXIT_INSTRUCTION] = exit.info
    vmcs[f.ENTRY_INTERRUPTION] &= ~bits.VALID
    if cpu.listener is not None:
        cpu.listener(
            VmExited(
                cpu.time, cpu.context, vmcs.pointer, exit.reason, exit.qualification, cpu.eip,
                cpu.cpl, exit.event,
            )
        )  # fmt: skip
    save_guest(cpu, guest)
    vmcs[f.GUEST_EFLAGS] = resume_flag(cpu, guest, exit) | vmcs[f.GUEST_EFLAGS] & ~FLAG_RF
    if not store_list(cpu, vmcs[f.EXIT_MSR_STORE], vmcs[f.EXIT_MSR_STORE_COUNT]):
        abort(cpu, vmcs, ABORT_SAVING_MSRS)
        return
    load_host(cpu, vmcs)


def save_guest(cpu: Cpu, guest: Intercepts) -> None:
    """Save registers and non-register state in the guest-state area (28.3)."""
    vmcs = guest.vmcs
    vmcs[f.GUEST_CR0] = cpu.cr0
    vmcs[f.GUEST_CR3] = cpu.cr3
    vmcs[f.GUEST_CR4] = cpu.cr4
    exit_controls = vmcs[f.EXIT_CONTROLS]
    if exit_controls & bits.SAVE_DEBUG:
        vmcs[f.GUEST_DR7] = cpu.dr[7]
    for number, segment in enumerate((*cpu.segs, cpu.ldtr, cpu.tr)):
        vmcs[f.GUEST_SELECTOR + 2 * number] = segment.selector
        vmcs[f.GUEST_LIMIT + 2 * number] = segment.limit
        vmcs[f.GUEST_RIGHTS + 2 * number] = rights(segment, number >= f.LDTR)
        vmcs[f.GUEST_BASE + 2 * number] = segment.base
    vmcs[f.GUEST_GDTR_BASE], vmcs[f.GUEST_GDTR_LIMIT] = cpu.gdtr.base, cpu.gdtr.limit
    vmcs[f.GUEST_IDTR_BASE], vmcs[f.GUEST_IDTR_LIMIT] = cpu.idtr.base, cpu.idtr.limit
    vmcs[f.GUEST_ESP] = cpu.regs[ESP]
    vmcs[f.GUEST_EIP] = cpu.eip
    flags = cpu.eflags
    vmcs[f.GUEST_EFLAGS] = flags
    vmcs[f.ACTIVITY] = bits.HALTED if cpu.halted else bits.ACTIVE
    blocked = (bits.BY_MOV_SS if cpu.inhibits_traps else bits.BY_STI) if cpu.inhibit else 0
    vmcs[f.INTERRUPTIBILITY] = blocked | (bits.BY_NMI if guest.nmi_blocked else 0)
    vmcs[f.PENDING_DEBUG] = PENDING_SINGLE_STEP if blocked and flags & FLAG_TF else 0
    if exit_controls & bits.SAVE_TIMER:
        vmcs[f.TIMER_VALUE] = guest.timer_left(cpu)
    if guest.secondary & bits.ENABLE_EPT:
        for number, entry in enumerate(cpu.pdptes):
            vmcs[f.GUEST_PDPTE + 2 * number] = entry


def resume_flag(cpu: Cpu, guest: Intercepts, exit: VmExit) -> int:
    """RF as it is saved (28.3.3): so that an instruction breakpoint does not stop it again."""
    during = guest.delivering or exit.event
    fault = during & bits.VALID and during >> 8 & 7 == bits.HARDWARE and during & 0xFF not in TRAPS
    if exit.reason in (EXCEPTION, TASK_SWITCH):
        return FLAG_RF if fault else 0
    if exit.reason in (EPT_VIOLATION, EPT_MISCONFIGURATION):
        return FLAG_RF if fault or not guest.delivering else 0
    if exit.reason == TRIPLE_FAULT:
        return FLAG_RF
    # It is loaded with the guest and cleared by the first instruction, but an instruction that
    # leaves has saved it clear.
    return guest.resume_flag if cpu.steps == guest.began and not exit.length else 0


def rights(segment: Segment, system: bool) -> int:
    """The access-rights format."""
    if not segment.present:
        return bits.UNUSABLE
    return (
        segment.type | (0 if system else 1 << 4) | segment.dpl << 5 | 1 << 7
        | int(segment.big) << 14 | segment.spare << 12
    )  # fmt: skip


# -- the host -------------------------------------------------------------------------------------


def load_host(cpu: Cpu, vmcs: Vmcs) -> None:
    """Load the host-state area (28.5); PDPTEs that are wrong are a VMX abort."""
    vmx = cpu.vmx
    assert vmx is not None
    vmx.leave_translations(cpu.intercepts)
    cpu.intercepts = None
    cpu.halted = cpu.inhibit = cpu.trapping = False
    kept = bits.CR0_NOT_SWITCHED
    cpu.cr0 = cpu.cr0 & kept | vmcs[f.HOST_CR0] & ~kept
    cpu.cr3 = vmcs[f.HOST_CR3]
    cpu.cr4 = vmcs[f.HOST_CR4]
    cpu.dr[7] = 0x400
    cpu.eflags = FLAG_ONE

    selector = {seg: vmcs[f.HOST_SELECTOR + 2 * seg] for seg in (ES, CS, SS, DS, FS, GS)}
    for seg in (ES, SS, DS):
        cpu.segs[seg] = host_data(selector[seg], 0)
    cpu.segs[FS] = host_data(selector[FS], vmcs[f.HOST_FS_BASE])
    cpu.segs[GS] = host_data(selector[GS], vmcs[f.HOST_GS_BASE])
    cpu.segs[CS] = host_code(selector[CS])
    cpu.tr = host_task(vmcs[f.HOST_SELECTOR + 2 * 6], vmcs[f.HOST_TR_BASE])
    cpu.ldtr = null_segment(0)
    cpu.gdtr.base, cpu.gdtr.limit = vmcs[f.HOST_GDTR_BASE], 0xFFFF
    cpu.idtr.base, cpu.idtr.limit = vmcs[f.HOST_IDTR_BASE], 0xFFFF
    cpu.regs[ESP] = vmcs[f.HOST_ESP]
    cpu.eip = vmcs[f.HOST_EIP]
    cpu.cpl = 0
    cpu.select_maps()

    if cpu.cr0 & CR0_PG and cpu.cr4 & CR4_PAE:
        try:
            cpu.pdptes = read_pdptes(cpu, cpu.cr3)
        except Fault:
            abort(cpu, vmcs, ABORT_HOST_PDPTES)
            return
    if load_list(cpu, vmcs[f.EXIT_MSR_LOAD], vmcs[f.EXIT_MSR_LOAD_COUNT]):
        abort(cpu, vmcs, ABORT_LOADING_MSRS)


@lru_cache(maxsize=64)
def host_data(selector: int, base: int) -> Segment:
    """A data segment of the host; a null selector makes it unusable."""
    if not selector:
        return null_segment(0)
    return cached(selector, segment_descriptor(base, 0xFFFF_FFFF, HOST_DATA))


@lru_cache(maxsize=8)
def host_code(selector: int) -> Segment:
    """The code segment of the host: flat, ring 0."""
    return cached(selector, segment_descriptor(0, 0xFFFF_FFFF, HOST_CODE))


@lru_cache(maxsize=8)
def host_task(selector: int, base: int) -> Segment:
    """The task register of the host: the smallest 32-bit TSS, busy."""
    return cached(selector, system_descriptor(base, layout.TSS32_MIN_LIMIT, layout.TSS32_BUSY))


def abort(cpu: Cpu, vmcs: Vmcs, indicator: int) -> None:
    """VMX abort: the processor shuts down (28.7)."""
    cpu.memory.write32(vmcs.pointer + ABORT, indicator)
    cpu.intercepts = None
    cpu.shutdown = True
