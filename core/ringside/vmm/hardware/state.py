"""The guest's registers on their way between the VMCS and the virtual CPU.

The processor saves most of them in the guest-state area and loads them from there; general
registers, CR2 and the debug registers but DR7 it leaves to software. The virtual CPU is the VMM's
copy. After an exit it is brought up to date (:meth:`GuestState.take`); before an entry those
fields are written in which the copy has come to differ (:meth:`GuestState.changes`), and no others.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringside.isa.registers import ESP, FLAG_RF, SS
from ringside.machine.control import CR0_PG, CR4_PAE
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import TSS32_MIN_LIMIT
from ringside.machine.segmentation import Segment
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.entry import described_segment
from ringside.machine.vmx.exits import rights
from ringside.machine.vmx.vmcs import Vmcs
from ringside.vmm.hardware.settings import VmxMemory

SAVED_DEBUG = (0, 1, 2, 3, 6)  # the debug registers that software switches
HELD_BACK = bits.BY_STI | bits.BY_MOV_SS
Fields = tuple[int, int, int, int]  # selector, base, limit, access rights
# VM entry wants a task register that can be used; a guest that has loaded none has this one, as a
# real processor has after reset (SDM vol. 3A, table 9-1).
NO_TASK: Fields = (0, 0, TSS32_MIN_LIMIT, 0x8B)


def segment_fields(segment: Segment, number: int) -> Fields:
    """What the guest-state area holds of a segment register."""
    if number == f.TR and not segment.present:
        return NO_TASK
    return segment.selector, segment.base, segment.limit, rights(segment, number >= f.LDTR)


class GuestState:
    """What the guest-state area of one VMCS holds, as far as the VMM has to know."""

    __slots__ = ("held", "segments", "values")

    def __init__(self) -> None:
        self.segments: list[Fields | None] = [None] * 8
        self.values: dict[int, int] = {}
        self.held = 0  # of the interruptibility state: what holds interrupts back

    # -- from the processor ------------------------------------------------------------------

    def take(self, vcpu: Cpu, cpu: Cpu, vmcs: Vmcs, memory: VmxMemory) -> None:
        """After an exit: the virtual CPU becomes what the guest was when it left.

        All of it, so that whoever looks on sees the guest whole; what the VMM itself goes by it
        reads with VMREAD (see ``handlers.READS``).
        """
        regime, values = memory.regime, self.values
        take_unsaved(vcpu, cpu)
        vcpu.regs[ESP] = values[f.GUEST_ESP] = vmcs[f.GUEST_ESP]
        vcpu.eip = values[f.GUEST_EIP] = vmcs[f.GUEST_EIP]
        vcpu.eflags = values[f.GUEST_EFLAGS] = vmcs[f.GUEST_EFLAGS] & ~FLAG_RF
        vcpu.dr[7] = values[f.GUEST_DR7] = vmcs[f.GUEST_DR7]
        cr0 = values[f.GUEST_CR0] = vmcs[f.GUEST_CR0]
        cr4 = values[f.GUEST_CR4] = vmcs[f.GUEST_CR4]
        vcpu.cr0 = regime.cr0.believed(cr0, vcpu.cr0)
        vcpu.cr4 = regime.cr4.believed(cr4, vcpu.cr4)
        values[f.GUEST_CR3] = vmcs[f.GUEST_CR3]
        if regime.own_cr3:
            vcpu.cr3 = vmcs[f.GUEST_CR3]
            vcpu.pdptes = tuple(vmcs[f.GUEST_PDPTE + 2 * n] for n in range(4))
            for n, entry in enumerate(vcpu.pdptes):
                values[f.GUEST_PDPTE + 2 * n] = entry
        for number in range(8):
            at = 2 * number
            fields = (vmcs[f.GUEST_SELECTOR + at], vmcs[f.GUEST_BASE + at],
                      vmcs[f.GUEST_LIMIT + at], vmcs[f.GUEST_RIGHTS + at])  # fmt: skip
            self.segments[number] = fields
            self._set(vcpu, number, fields)
        vcpu.gdtr.base = values[f.GUEST_GDTR_BASE] = vmcs[f.GUEST_GDTR_BASE]
        vcpu.gdtr.limit = values[f.GUEST_GDTR_LIMIT] = vmcs[f.GUEST_GDTR_LIMIT]
        vcpu.idtr.base = values[f.GUEST_IDTR_BASE] = vmcs[f.GUEST_IDTR_BASE]
        vcpu.idtr.limit = values[f.GUEST_IDTR_LIMIT] = vmcs[f.GUEST_IDTR_LIMIT]
        self.held = values[f.INTERRUPTIBILITY] = vmcs[f.INTERRUPTIBILITY]
        values[f.PENDING_DEBUG] = vmcs[f.PENDING_DEBUG]
        vcpu.inhibit = bool(self.held & HELD_BACK)
        vcpu.set_cpl(vmcs[f.GUEST_RIGHTS + 2 * SS] >> 5 & 3)

    def _set(self, vcpu: Cpu, number: int, fields: Fields) -> None:
        if number == f.TR:
            if fields != NO_TASK or vcpu.tr.present:
                vcpu.tr = described_segment(*fields)
        elif number == f.LDTR:
            vcpu.ldtr = described_segment(*fields)
        else:
            vcpu.segs[number] = described_segment(*fields)

    # -- to the processor --------------------------------------------------------------------

    def changes(self, vcpu: Cpu, memory: VmxMemory) -> Iterator[tuple[int, int]]:
        """The fields to be written before the next entry, with their values."""
        for number, segment in enumerate((*vcpu.segs, vcpu.ldtr, vcpu.tr)):
            wanted = segment_fields(segment, number)
            known = self.segments[number]
            if wanted != known:
                self.segments[number] = wanted
                for part, base in enumerate(SEGMENT_PARTS):
                    if known is None or known[part] != wanted[part]:
                        yield base + 2 * number, wanted[part]
        values = self.values
        for field, value in self._scalars(vcpu, memory):
            if values.get(field) != value:
                values[field] = value
                yield field, value & 0xFFFF_FFFF
                if value >> 32:
                    yield field + 1, value >> 32

    def _scalars(self, vcpu: Cpu, memory: VmxMemory) -> Iterator[tuple[int, int]]:
        regime = memory.regime
        blocked = self.held if vcpu.inhibit else self.held & ~HELD_BACK
        yield f.GUEST_EIP, vcpu.eip
        yield f.GUEST_ESP, vcpu.regs[ESP]
        yield f.GUEST_EFLAGS, vcpu.eflags & ~FLAG_RF
        yield f.GUEST_CR0, regime.cr0.real(vcpu.cr0)
        yield f.CR0_SHADOW, vcpu.cr0 & regime.cr0.mask
        yield f.GUEST_CR3, memory.guest_cr3(vcpu.cr3)
        yield f.GUEST_CR4, regime.cr4.real(vcpu.cr4)
        yield f.CR4_SHADOW, vcpu.cr4 & regime.cr4.mask
        if regime.own_cr3 and vcpu.cr0 & CR0_PG and vcpu.cr4 & CR4_PAE:
            for n, entry in enumerate(vcpu.pdptes):
                yield f.GUEST_PDPTE + 2 * n, entry
        yield f.GUEST_GDTR_BASE, vcpu.gdtr.base
        yield f.GUEST_GDTR_LIMIT, vcpu.gdtr.limit
        yield f.GUEST_IDTR_BASE, vcpu.idtr.base
        yield f.GUEST_IDTR_LIMIT, vcpu.idtr.limit
        yield f.GUEST_DR7, vcpu.dr[7]
        yield f.INTERRUPTIBILITY, blocked
        yield f.PENDING_DEBUG, self.values.get(f.PENDING_DEBUG, 0) if vcpu.inhibit else 0


SEGMENT_PARTS = (f.GUEST_SELECTOR, f.GUEST_BASE, f.GUEST_LIMIT, f.GUEST_RIGHTS)


def take_unsaved(vcpu: Cpu, cpu: Cpu) -> None:
    """Save what the processor leaves to software."""
    vcpu.regs[:] = cpu.regs
    vcpu.cr2 = cpu.cr2
    for number in SAVED_DEBUG:
        vcpu.dr[number] = cpu.dr[number]


def give_unsaved(vcpu: Cpu, cpu: Cpu) -> None:
    """Load what the processor leaves to software."""
    cpu.regs[:] = vcpu.regs
    cpu.cr2 = vcpu.cr2
    for number in SAVED_DEBUG:
        cpu.dr[number] = vcpu.dr[number]


def mirror(vcpu: Cpu, cpu: Cpu, memory: VmxMemory) -> None:
    """While the guest has the processor: what is in the registers now, for whoever looks on."""
    regime = memory.regime
    take_unsaved(vcpu, cpu)
    vcpu.eip = cpu.eip
    vcpu.eflags = cpu.eflags
    vcpu.dr[7] = cpu.dr[7]
    vcpu.segs[:] = cpu.segs
    vcpu.ldtr = cpu.ldtr
    if vcpu.tr.present or cpu.tr.selector:
        vcpu.tr = cpu.tr
    vcpu.cr0 = regime.cr0.believed(cpu.cr0, vcpu.cr0)
    vcpu.cr4 = regime.cr4.believed(cpu.cr4, vcpu.cr4)
    if regime.own_cr3:
        vcpu.cr3, vcpu.pdptes = cpu.cr3, cpu.pdptes
    vcpu.gdtr.base, vcpu.gdtr.limit = cpu.gdtr.base, cpu.gdtr.limit
    vcpu.idtr.base, vcpu.idtr.limit = cpu.idtr.base, cpu.idtr.limit
    vcpu.inhibit = cpu.inhibit
    vcpu.set_cpl(cpu.cpl)
