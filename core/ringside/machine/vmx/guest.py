"""What VM entry demands of guest state (SDM vol. 3C, 27.3.1). Failing makes exit reason 33.

Like ``checks``: each generator says in words what is wrong; the processor reports the exit
qualification, which is 0 but for the problems that :class:`Problem` gives another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ringside.isa.registers import CS, DS, ES, FLAG_IF, FLAG_TF, FLAG_VM, FS, GS, SS
from ringside.machine import descriptors as layout
from ringside.machine.control import CR0_PG, CR4_PAE
from ringside.machine.memory import Memory
from ringside.machine.paging import PAE
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.checks import fixed_problem, misplaced, secondary_controls
from ringside.machine.vmx.vmcs import Vmcs, revision

PDPTES, LINK = 2, 4  # exit qualifications
NO_LINK = 0xFFFF_FFFF_FFFF_FFFF
EFLAGS_RESERVED, EFLAGS_ONE = 0xFFC0_8028, 2
DATA_SEGMENTS = (ES, DS, FS, GS)
STEP = 1 << 14
MACHINE_CHECK = 18


class Problem(NamedTuple):
    """What is wrong, and the exit qualification that tells so."""

    text: str
    qualification: int = 0


class Rights(NamedTuple):
    """Access rights of one segment register, taken apart."""

    type: int
    code_or_data: bool
    dpl: int
    present: bool
    granular: bool
    usable: bool

    @classmethod
    def of(cls, value: int) -> Rights:
        """Read the access-rights format."""
        return cls(
            value & 15, bool(value & 0x10), value >> 5 & 3, bool(value & 0x80),
            bool(value & 0x8000), not value & bits.UNUSABLE,
        )  # fmt: skip


def guest_problem(vmcs: Vmcs, memory: Memory) -> Problem | None:
    """The first thing wrong with the guest-state area, or None."""
    for text in (*control_registers(vmcs), *segments(vmcs), *tables_and_flags(vmcs)):
        return Problem(text)
    for problem in (*activity(vmcs), *link(vmcs, memory)):
        return problem
    return None


def control_registers(vmcs: Vmcs) -> Iterator[str]:
    """27.3.1.1."""
    unrestricted = bool(secondary_controls(vmcs) & bits.UNRESTRICTED_GUEST)
    cr0, cr4 = vmcs[f.GUEST_CR0], vmcs[f.GUEST_CR4]
    problem = fixed_problem(cr0, cr4, unrestricted)
    if problem:
        yield "guest " + problem
    if cr0 & CR0_PG and not cr0 & 1:
        yield "guest CR0 has PG without PE"


def segments(vmcs: Vmcs) -> Iterator[str]:
    """27.3.1.2, for a guest that is not in virtual-8086 mode."""
    unrestricted = bool(secondary_controls(vmcs) & bits.UNRESTRICTED_GUEST)
    rights = [Rights.of(vmcs[f.GUEST_RIGHTS + 2 * n]) for n in range(8)]
    selector = [vmcs[f.GUEST_SELECTOR + 2 * n] for n in range(8)]
    cs, ss = rights[CS], rights[SS]
    if selector[f.TR] & 4:
        yield "TR names the LDT"
    if rights[f.LDTR].usable and selector[f.LDTR] & 4:
        yield "LDTR names the LDT"
    if not unrestricted and (selector[SS] ^ selector[CS]) & 3:
        yield "SS and CS have different RPLs"

    if cs.type not in (9, 11, 13, 15) and not (unrestricted and cs.type == 3):
        yield f"CS has type {cs.type}"
    if ss.usable and ss.type not in (3, 7):
        yield f"SS has type {ss.type}"
    for number in DATA_SEGMENTS:
        segment = rights[number]
        if segment.usable:
            name = f.SEGMENTS[number].upper()
            if not segment.type & layout.ACCESSED:
                yield f"{name} is not marked accessed"
            if segment.type & layout.CODE and not segment.type & layout.READABLE:
                yield f"{name} is code that cannot be read"
            if not unrestricted and segment.type < 12 and segment.dpl < selector[number] & 3:
                yield f"{name} has an RPL greater than its DPL"
    if cs.type == 3 and cs.dpl:
        yield "CS is a data segment and has DPL > 0"
    if cs.type in (9, 11) and cs.dpl != ss.dpl:
        yield "CS and SS have different DPLs"
    if cs.type in (13, 15) and cs.dpl > ss.dpl:
        yield "conforming CS has a DPL greater than SS's"
    if not unrestricted and ss.dpl != selector[SS] & 3:
        yield "SS has an RPL other than its DPL"
    if (cs.type == 3 or not vmcs[f.GUEST_CR0] & 1) and ss.dpl:
        yield "SS has DPL > 0 outside protected mode"

    if rights[f.TR].type not in (layout.TSS16_BUSY, layout.TSS32_BUSY):
        yield f"TR has type {rights[f.TR].type}, not that of a busy TSS"
    if rights[f.LDTR].usable and rights[f.LDTR].type != layout.LDT:
        yield f"LDTR has type {rights[f.LDTR].type}"
    if not rights[f.TR].usable:
        yield "TR is unusable"
    for number, segment in enumerate(rights):
        if segment.usable or number == CS:
            yield from common_rights(vmcs, number, segment)


def common_rights(vmcs: Vmcs, number: int, segment: Rights) -> Iterator[str]:
    """What holds for every usable segment: S, P, reserved bits, and G as the limit asks."""
    name = f.SEGMENTS[number].upper()
    value, limit = vmcs[f.GUEST_RIGHTS + 2 * number], vmcs[f.GUEST_LIMIT + 2 * number]
    if segment.code_or_data == (number >= f.LDTR):
        yield f"{name} has the wrong S bit"
    if not segment.present:
        yield f"{name} is not present"
    if value & 0xFFFE_0F00:
        yield f"{name} has reserved access rights set"
    if (segment.granular and limit & 0xFFF != 0xFFF) or (not segment.granular and limit >> 20):
        yield f"{name} has a G bit that its limit does not allow"


def tables_and_flags(vmcs: Vmcs) -> Iterator[str]:
    """27.3.1.3 and 27.3.1.4."""
    if vmcs[f.GUEST_GDTR_LIMIT] >> 16 or vmcs[f.GUEST_IDTR_LIMIT] >> 16:
        yield "a limit of GDTR or IDTR has more than 16 bits"
    flags, event = vmcs[f.GUEST_EFLAGS], vmcs[f.ENTRY_INTERRUPTION]
    if flags & EFLAGS_RESERVED or not flags & EFLAGS_ONE:
        yield "a reserved bit of EFLAGS is wrong"
    if flags & FLAG_VM and not vmcs[f.GUEST_CR0] & 1:
        yield "EFLAGS.VM outside protected mode"
    if event & bits.VALID and event >> 8 & 7 == bits.EXTERNAL and not flags & FLAG_IF:
        yield "an external interrupt is injected while EFLAGS.IF is clear"


def activity(vmcs: Vmcs) -> Iterator[Problem]:
    """27.3.1.5: activity, interruptibility, pending debug exceptions."""
    state, held = vmcs[f.ACTIVITY], vmcs[f.INTERRUPTIBILITY]
    flags, event = vmcs[f.GUEST_EFLAGS], vmcs[f.ENTRY_INTERRUPTION]
    kind = event >> 8 & 7 if event & bits.VALID else -1
    if state not in (bits.ACTIVE, bits.HALTED):
        yield Problem(f"activity state {state} is not supported")
    halted = state == bits.HALTED
    if halted and Rights.of(vmcs[f.GUEST_RIGHTS + 2 * SS]).dpl:
        yield Problem("halted outside ring 0")
    if halted and held & (bits.BY_STI | bits.BY_MOV_SS):
        yield Problem("halted while interrupts are held back by STI or MOV SS")
    if halted and kind in (bits.SOFTWARE, bits.PRIVILEGED_SOFTWARE, bits.SOFTWARE_EXCEPTION):
        yield Problem("a halted processor raises no software interrupt")
    if halted and kind == bits.HARDWARE and event & 0xFF not in (1, MACHINE_CHECK):
        yield Problem("this exception cannot be raised while halted")
    if held & ~0xF or held & bits.BY_SMI:
        yield Problem("reserved bits of the interruptibility state are set")
    if held & bits.BY_STI and held & bits.BY_MOV_SS:
        yield Problem("both STI and MOV SS hold interrupts back")
    if held & bits.BY_STI and not flags & FLAG_IF:
        yield Problem("STI holds interrupts back but EFLAGS.IF is clear")
    if kind == bits.EXTERNAL and held & (bits.BY_STI | bits.BY_MOV_SS):
        yield Problem("an external interrupt is injected while interrupts are held back")
    if kind == bits.NMI and held & bits.BY_MOV_SS:
        yield Problem("an NMI is injected while MOV SS holds it back")
    if kind == bits.NMI and held & bits.BY_NMI and vmcs[f.PIN_CONTROLS] & bits.VIRTUAL_NMIS:
        yield Problem("a virtual NMI is injected while NMIs are blocked")
    pending = vmcs[f.PENDING_DEBUG]
    if pending & 0xFFFE_AFF0:
        yield Problem("reserved bits of the pending debug exceptions are set")
    if (held & (bits.BY_STI | bits.BY_MOV_SS) or halted) and bool(pending & STEP) != bool(
        flags & FLAG_TF
    ):
        yield Problem("the pending single step does not go with EFLAGS.TF")


def link(vmcs: Vmcs, memory: Memory) -> Iterator[Problem]:
    """27.3.1.5, the VMCS link pointer."""
    pointer = vmcs[f.LINK_POINTER]
    if pointer != NO_LINK and (misplaced(pointer) or revision(memory, pointer) != bits.REVISION):
        yield Problem("the VMCS link pointer is neither all ones nor a VMCS", LINK)


def pdpte_problem(entries: tuple[int, ...]) -> Problem | None:
    """27.3.1.6."""
    if any(entry & 1 and entry & PAE.levels[0].reserved for entry in entries):
        return Problem("a PDPTE has reserved bits set", PDPTES)
    return None


def uses_pae(vmcs: Vmcs) -> bool:
    """Whether the guest's paging needs PDPTEs."""
    return bool(vmcs[f.GUEST_CR0] & CR0_PG and vmcs[f.GUEST_CR4] & CR4_PAE)
