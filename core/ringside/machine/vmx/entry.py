"""VM entry: checks in order, loading the guest, event injection (SDM vol. 3C, chapter 27)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ringside.isa.faults import Fault, NotModelled, VmFail
from ringside.isa.registers import ESP, FLAG_RF, FLAG_VM, SS
from ringside.machine.descriptors import Descriptor
from ringside.machine.interrupts import EXTERNAL as EXT
from ringside.machine.interrupts import TRAPS, deliver_chain
from ringside.machine.paging import PAE
from ringside.machine.segmentation import Segment, cached, null_segment
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.machine.vmx.checks import control_problem, host_problem
from ringside.machine.vmx.execution import Intercepts
from ringside.machine.vmx.exits import leave, load_host
from ringside.machine.vmx.guest import Problem, guest_problem, pdpte_problem, uses_pae
from ringside.machine.vmx.msrs import load_list
from ringside.machine.vmx.reasons import VmExit
from ringside.machine.vmx.vmcs import Vmcs
from ringside.trace.events import VmEntered, VmExited

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

INVALID_CONTROLS, INVALID_HOST = 7, 8
RESTARTS = frozenset({bits.SOFTWARE, bits.PRIVILEGED_SOFTWARE, bits.SOFTWARE_EXCEPTION})


def enter(cpu: Cpu, vmcs: Vmcs, ticks: int, launching: bool) -> None:
    """Enter the virtual machine of ``vmcs``.

    Wrong controls or host state make the instruction fail; wrong guest state is found later and
    looks like an exit, with bit 31 of the reason set: the host goes on at its entry point.
    """
    problem = control_problem(vmcs)
    if problem:
        raise VmFail(INVALID_CONTROLS, problem)
    problem = host_problem(vmcs)
    if problem:
        raise VmFail(INVALID_HOST, problem)
    vmx = cpu.vmx
    assert vmx is not None
    wrong = guest_problem(vmcs, cpu.memory)
    if wrong is not None:
        fail(cpu, vmcs, reasons.INVALID_GUEST, wrong)
        return
    if vmcs[f.GUEST_EFLAGS] & FLAG_VM:
        raise NotModelled("VM entry to virtual-8086 mode (SDM vol. 3B, 20.2), not modelled")
    guest = Intercepts(vmcs, cpu.time + ticks, cpu.steps + ticks)
    pdptes = guest_pdptes(cpu, vmcs, guest)
    wrong = pdpte_problem(pdptes) if uses_pae(vmcs) else None
    if wrong is not None:
        fail(cpu, vmcs, reasons.INVALID_GUEST, wrong)
        return
    load_guest(cpu, vmcs, guest)
    cpu.pdptes = pdptes
    bad = load_list(cpu, vmcs[f.ENTRY_MSR_LOAD], vmcs[f.ENTRY_MSR_LOAD_COUNT])
    if bad:
        problem = f"entry {bad} of the MSR-load list cannot be loaded"
        fail(cpu, vmcs, reasons.MSR_LOADING, Problem(problem, bad))
        return
    if launching:
        vmcs.launched = True
    cpu.intercepts = guest
    vmx.enter_translations(guest)
    vmx.problem = ""
    if cpu.listener is not None:
        cpu.listener(
            VmEntered(
                cpu.time, cpu.context, vmcs.pointer, cpu.eip, cpu.cpl,
                vmcs[f.ENTRY_INTERRUPTION], int(launching),
            )
        )  # fmt: skip
    if vmcs[f.ENTRY_INTERRUPTION] & bits.VALID:
        inject(cpu, guest)


def fail(cpu: Cpu, vmcs: Vmcs, reason: int, problem: Problem) -> None:
    """A VM entry that failed after its checks of the host (27.8): only these two fields tell."""
    vmx = cpu.vmx
    assert vmx is not None
    vmx.problem = problem.text
    vmcs[f.EXIT_REASON] = reason | reasons.ENTRY_FAILED
    vmcs[f.QUALIFICATION] = problem.qualification
    if cpu.listener is not None:
        cpu.listener(
            VmExited(
                cpu.time, cpu.context, vmcs.pointer, reason | reasons.ENTRY_FAILED,
                problem.qualification, vmcs[f.GUEST_EIP], 0, 0, problem.text,
            )
        )  # fmt: skip
    load_host(cpu, vmcs)


def guest_pdptes(cpu: Cpu, vmcs: Vmcs, guest: Intercepts) -> tuple[int, ...]:
    """The PDPTEs the guest starts with: from the VMCS under EPT, else from memory at CR3."""
    if not uses_pae(vmcs):
        return (0, 0, 0, 0)
    if guest.secondary & bits.ENABLE_EPT:
        return tuple(vmcs[f.GUEST_PDPTE + 2 * number] for number in range(4))
    table = vmcs[f.GUEST_CR3] & PAE.root_mask
    return tuple(cpu.memory.read64(table + 8 * number) for number in range(4))


def load_guest(cpu: Cpu, vmcs: Vmcs, guest: Intercepts) -> None:
    """Load the guest-state area (27.3.2). CR2 and the general registers are left to software."""
    kept = bits.CR0_NOT_SWITCHED
    cpu.cr0 = cpu.cr0 & kept | vmcs[f.GUEST_CR0] & ~kept & 0xFFFF_FFFF
    cpu.cr3 = vmcs[f.GUEST_CR3]
    cpu.cr4 = vmcs[f.GUEST_CR4]
    if vmcs[f.ENTRY_CONTROLS] & bits.LOAD_DEBUG:
        cpu.dr[7] = vmcs[f.GUEST_DR7] & 0xFFFF_2BFF | 0x400
    for number in range(6):
        cpu.segs[number] = guest_segment(vmcs, number)
    cpu.ldtr = guest_segment(vmcs, f.LDTR)
    cpu.tr = guest_segment(vmcs, f.TR)
    cpu.gdtr.base, cpu.gdtr.limit = vmcs[f.GUEST_GDTR_BASE], vmcs[f.GUEST_GDTR_LIMIT]
    cpu.idtr.base, cpu.idtr.limit = vmcs[f.GUEST_IDTR_BASE], vmcs[f.GUEST_IDTR_LIMIT]
    cpu.regs[ESP] = vmcs[f.GUEST_ESP]
    cpu.eip = vmcs[f.GUEST_EIP]
    cpu.eflags = vmcs[f.GUEST_EFLAGS] & ~FLAG_RF
    guest.resume_flag = vmcs[f.GUEST_EFLAGS] & FLAG_RF
    cpu.cpl = vmcs[f.GUEST_RIGHTS + 2 * SS] >> 5 & 3
    held = vmcs[f.INTERRUPTIBILITY]
    cpu.inhibit = bool(held & (bits.BY_STI | bits.BY_MOV_SS))
    if held & bits.BY_MOV_SS:
        cpu.ss_loaded = guest.began - 1
    cpu.halted = vmcs[f.ACTIVITY] == bits.HALTED
    cpu.slept = 0
    cpu.trapping = False
    cpu.select_maps()
    guest.pending_debug = vmcs[f.PENDING_DEBUG]


def guest_segment(vmcs: Vmcs, number: int) -> Segment:
    """A segment register with its hidden part, from the guest-state area."""
    return described_segment(
        vmcs[f.GUEST_SELECTOR + 2 * number], vmcs[f.GUEST_BASE + 2 * number],
        vmcs[f.GUEST_LIMIT + 2 * number], vmcs[f.GUEST_RIGHTS + 2 * number],
    )  # fmt: skip


@lru_cache(maxsize=256)
def described_segment(selector: int, base: int, limit: int, rights: int) -> Segment:
    """The segment register of these four fields. Most entries load the same few again."""
    if rights & bits.UNUSABLE:
        return null_segment(selector)
    units = limit >> 12 if rights & 0x8000 else limit
    raw = (
        units & 0xFFFF | (base & 0xFF_FFFF) << 16 | (rights & 0xFF) << 40
        | (units >> 16 & 15) << 48 | (rights >> 12 & 15) << 52 | base >> 24 << 56
    )  # fmt: skip
    return cached(selector, Descriptor(raw))


# -- events ---------------------------------------------------------------------------------------


def inject(cpu: Cpu, guest: Intercepts) -> None:
    """Deliver the event the VMCS asks for through the guest's IDT (27.6.1).

    The event itself is not asked about by the exception bitmap; what its delivery raises is.
    """
    vmcs = guest.vmcs
    event = vmcs[f.ENTRY_INTERRUPTION]
    vector, kind = event & 0xFF, event >> 8 & 7
    if kind == bits.OTHER:  # a pending monitor trap: an exit before the first instruction
        guest.primary |= bits.MONITOR_TRAP
        guest.began -= 1
        return
    if guest.primary & bits.MONITOR_TRAP:
        guest.began -= 1
    error = vmcs[f.ENTRY_ERROR] if event & bits.ERROR_VALID else None
    software = kind in (bits.SOFTWARE, bits.SOFTWARE_EXCEPTION)
    length = vmcs[f.ENTRY_LENGTH] if kind in RESTARTS else 0
    eip = cpu.eip
    cpu.wake()
    cpu.inhibit = False
    guest.deliver(kind, vector, error, length)
    try:
        cpu.eip = (eip + length) & 0xFFFF_FFFF
        cpu.deliver(
            vector, error=error, software=software, external=0 if software else EXT,
            fault=kind == bits.HARDWARE and vector not in TRAPS,
        )  # fmt: skip
    except Fault as fault:
        cpu.eip = eip
        deliver_chain(cpu, fault, first=vector if kind == bits.HARDWARE else None)
    except VmExit as exit:
        cpu.eip = eip
        leave(cpu, exit)
    if kind == bits.NMI:
        guest.nmi_blocked = True
    guest.end_delivery()
