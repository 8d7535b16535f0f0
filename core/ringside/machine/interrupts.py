"""Exceptions and interrupts: delivery through the IDT, and the way back.

SDM vol. 3A, chapter 6 (delivery, 6.12; error codes, 6.13; double fault, table 6-5) and vol. 2,
"INT n", "IRET". In real mode the IDTR points to the interrupt vector table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ringside.isa.faults import GP, NP, Fault, NotModelled
from ringside.isa.registers import (
    CS,
    EAX,
    ESP,
    FLAG_AC,
    FLAG_IF,
    FLAG_NT,
    FLAG_RF,
    FLAG_TF,
    FLAG_VM,
    SS,
)
from ringside.isa.rows.flags import changeable_flags
from ringside.isa.width import D, W, Width
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import Descriptor
from ringside.machine.segmentation import (
    NULL,
    REMEMBERED,
    RPL,
    Segment,
    accessed,
    read_raw,
    real_segment,
    touch,
)
from ringside.machine.tasks import BY_GATE, BY_IRET, inner_stack, no_task_switch
from ringside.machine.transfers import (
    StackPlan,
    StackReader,
    check_offset,
    enter_code,
    return_code,
    return_outward,
)
from ringside.machine.vmx.reasons import VmExit
from ringside.trace.events import FaultRaised, InterruptDelivered, SystemCalled

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

DEBUG, DOUBLE_FAULT, PAGE_FAULT = 1, 8, 14
DR6_SINGLE_STEP = 1 << 14
CONTRIBUTORY = frozenset({0, 10, 11, 12, 13})

IDT_BIT = 2  # error code: the selector part indexes the IDT
EXTERNAL = 1  # error code: the event was not the program's own instruction

# Traps report the next instruction and leave RF alone; everything else is a fault.
TRAPS = frozenset({DEBUG, 3, 4})

GATE_TYPES = frozenset(
    {
        layout.INTERRUPT_GATE16,
        layout.TRAP_GATE16,
        layout.INTERRUPT_GATE32,
        layout.TRAP_GATE32,
    }
)
INTERRUPT_GATES = frozenset({layout.INTERRUPT_GATE16, layout.INTERRUPT_GATE32})


# -- the ways in --------------------------------------------------------------------------------


def interrupt(cpu: Cpu, vector: int) -> None:
    """INT n, INT3, INTO: a software interrupt, so the gate's DPL is checked against CPL."""
    caller, number = cpu.cpl, cpu.regs[EAX]
    guest = cpu.intercepts
    if guest is not None:
        guest.deliver_software(vector)
    cpu.deliver(vector, software=True)
    if guest is not None:
        guest.end_delivery()
    cpu.trapping = False  # the handler runs with TF clear, and so is not stepped into
    if cpu.listener is not None and caller == 3 and cpu.cpl < 3:
        cpu.listener(SystemCalled(cpu.time, "app", vector, number, cpu.at))


def take_interrupt(cpu: Cpu) -> None:
    """Take the external interrupt that is pending. The caller has checked that it may."""
    vector = cpu.acknowledge()
    cpu.wake()
    if cpu.listener is not None:
        cpu.listener(InterruptDelivered(cpu.time, cpu.context, vector, cpu.eip))
    guest = cpu.intercepts
    if guest is not None:
        guest.deliver_interrupt(vector)
    try:
        cpu.deliver(vector, external=EXTERNAL)
    except Fault as fault:
        deliver_chain(cpu, fault)
    except VmExit as exit:
        leave_guest(cpu, exit)
    if guest is not None:
        guest.end_delivery()
    cpu.deliveries += 1


def take_fault(cpu: Cpu, fault: Fault, mnemonic: str = "") -> None:
    """Deliver the exception an instruction raised; ``cpu.eip`` names that instruction."""
    deliver_chain(cpu, fault, mnemonic)
    cpu.deliveries += 1


def take_trap(cpu: Cpu) -> None:
    """Deliver the single-step #DB that follows a completed instruction, as part of its step."""
    guest = cpu.intercepts
    if guest is not None:
        guest.pending_debug = 0  # this is it
    if guest is None or not guest.refuses(DEBUG, None):
        cpu.dr[6] |= DR6_SINGLE_STEP
    deliver_chain(cpu, Fault(DEBUG))


def deliver_chain(cpu: Cpu, fault: Fault, mnemonic: str = "", first: int | None = None) -> None:
    """Deliver ``fault``, and what its delivery raises, until one arrives or the CPU shuts down.

    ``first`` is the vector whose delivery raised ``fault``, if it was an exception. In a virtual
    machine any of them may leave it instead.
    """
    guest = cpu.intercepts
    while True:
        vector, error = fault.vector, fault.error
        if guest is not None and guest.refuses(vector, error):
            report(cpu, fault, mnemonic)
            leave_guest(cpu, guest.exception_exit(cpu, fault))
            return
        if vector == PAGE_FAULT and fault.address is not None:
            cpu.cr2 = fault.address
        report(cpu, fault, mnemonic)
        if first is not None:
            if first == DOUBLE_FAULT and (vector in CONTRIBUTORY or vector == PAGE_FAULT):
                if guest is not None:
                    leave_guest(cpu, guest.triple_fault())
                else:
                    cpu.shutdown = True
                return
            if escalates(first, vector):
                vector, error = DOUBLE_FAULT, 0
                report(cpu, Fault(DOUBLE_FAULT, 0), mnemonic)
                if guest is not None and guest.refuses(vector, error):
                    leave_guest(cpu, guest.exception_exit(cpu, Fault(DOUBLE_FAULT, 0)))
                    return
        # Faults met while delivering an exception are not the program's own: EXT is set.
        if guest is not None:
            guest.deliver_exception(vector, error)
        try:
            cpu.deliver(vector, error=error, external=EXTERNAL, fault=vector not in TRAPS)
        except Fault as next_fault:
            first, fault = vector, next_fault
            continue
        except VmExit as exit:
            leave_guest(cpu, exit)
        if guest is not None:
            guest.end_delivery()
        return


def leave_guest(cpu: Cpu, exit: VmExit) -> None:
    """Leave the virtual machine in the middle of a delivery."""
    from ringside.machine.vmx.exits import leave  # most runs never need it

    leave(cpu, exit)


def escalates(first: int, second: int) -> bool:
    """Tell whether ``second``, raised while delivering ``first``, makes a double fault (6-5)."""
    if first in CONTRIBUTORY:
        return second in CONTRIBUTORY
    return first == PAGE_FAULT and (second in CONTRIBUTORY or second == PAGE_FAULT)


def report(cpu: Cpu, fault: Fault, mnemonic: str) -> None:
    """Tell the listener about an exception."""
    if cpu.listener is not None:
        error = -1 if fault.error is None else fault.error
        address = -1 if fault.address is None else fault.address
        cpu.listener(
            FaultRaised(
                cpu.time, cpu.context, fault.vector, error, cpu.eip, address, mnemonic
            )
        )


# -- delivery -----------------------------------------------------------------------------------


def deliver(
    cpu: Cpu,
    vector: int,
    *,
    error: int | None = None,
    software: bool = False,
    external: int = 0,
    fault: bool = False,
) -> None:
    """Go through the IDT once; raises the Fault that stops it, with nothing changed.

    ``external`` is the EXT bit of error codes raised on the way, ``software`` says that the
    gate's DPL counts, ``fault`` that the saved EFLAGS image has RF set (SDM vol. 3B, 17.3.1.1).
    """
    flags = cpu.eflags
    if not cpu.protected:
        deliver_real(cpu, vector, flags)
        return
    gate = idt_gate(cpu, vector, software, external)
    w, selector = gate.width, gate.selector
    if not selector & NULL:
        raise GP(external)
    raw = read_raw(cpu, selector)
    if raw is None:
        raise GP(selector & NULL | external)
    segment, same_ring = _as_entry(selector, raw, cpu.cpl, external)

    image = flags | FLAG_RF if fault else flags
    old_ss, old_esp = cpu.segs[SS], cpu.regs[ESP]
    frame: tuple[int, ...] = (image, cpu.segs[CS].selector, cpu.eip)
    if error is not None:
        frame = (*frame, error)
    if same_ring:
        plan = StackPlan(cpu, old_ss, old_esp, external, cpu.cpl == 3)
    else:
        stack, esp = inner_stack(cpu, segment.selector & RPL, external)
        plan = StackPlan(cpu, stack, esp, stack.selector & NULL | external, False)
        before = (old_ss.selector, old_esp)
        if gate.offset > segment.limit or not raw >> 40 & layout.ACCESSED:
            plan.push_all(before, w)  # the faults of these come first
        else:
            frame = before + frame
    touch(cpu, selector, raw)
    check_offset(segment.limit, gate.offset, external)
    plan.push_all(frame, w)
    plan.commit()

    cpu.segs[SS] = plan.segment
    cpu.regs[ESP] = plan.esp
    cpu.eflags = flags & ~gate.cleared
    enter_code(cpu, segment, gate.offset, "interrupt")


@REMEMBERED
def _as_entry(selector: int, raw: int, cpl: int, external: int) -> tuple[Segment, bool]:
    """Check a gate's target; give CS as it will be, and whether the ring stays."""
    target, error = Descriptor(raw), selector & NULL | external
    if not target.code or target.dpl > cpl:
        raise GP(error)
    if not target.present:
        raise NP(error)
    stays = target.conforming or target.dpl == cpl
    return accessed(selector & NULL | (cpl if stays else target.dpl), raw), stays


class Gate(NamedTuple):
    """An interrupt or trap gate that may be used."""

    selector: int
    offset: int
    width: Width
    cleared: int  # the flags the handler runs without


def idt_gate(cpu: Cpu, vector: int, software: bool, external: int) -> Gate:
    """Read and check the gate of ``vector``."""
    error = vector * 8 | IDT_BIT | external
    if vector * 8 + 7 > cpu.idtr.limit:
        raise GP(error)
    raw = cpu.system_read(cpu.idtr.base + vector * 8, 8)
    gate = _as_gate(raw, cpu.cpl if software else 0, error)
    if gate is None:
        task = Descriptor(raw).selector
        raise no_task_switch(cpu, task, BY_GATE, f"vector {vector}'s task gate")
    return gate


@REMEMBERED
def _as_gate(raw: int, cpl: int, error: int) -> Gate | None:
    """Check a gate for use by ring ``cpl``; None for a task gate."""
    gate = Descriptor(raw)
    if not gate.system or gate.type not in GATE_TYPES and gate.type != layout.TASK_GATE:
        raise GP(error)
    if gate.dpl < cpl:
        raise GP(error)
    if not gate.present:
        raise NP(error)
    if gate.type == layout.TASK_GATE:
        return None
    cleared = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM
    if gate.type in INTERRUPT_GATES:
        cleared |= FLAG_IF
    return Gate(gate.selector, gate.offset, D if gate.type & layout.WIDE else W, cleared)


def deliver_real(cpu: Cpu, vector: int, flags: int) -> None:
    """Real mode: a far call through the vector table, FLAGS pushed first (SDM vol. 3B, 20.1.4)."""
    if vector * 4 + 3 > cpu.idtr.limit:
        raise GP(0)
    entry = cpu.system_read(cpu.idtr.base + vector * 4, 4)
    plan = StackPlan(cpu, cpu.segs[SS], cpu.regs[ESP], 0, False)
    plan.push(flags, W)
    plan.push(cpu.segs[CS].selector, W)
    plan.push(cpu.eip, W)
    plan.commit()
    cpu.regs[ESP] = plan.esp
    cpu.eflags = flags & ~(FLAG_IF | FLAG_TF | FLAG_AC)
    enter_code(cpu, real_segment(entry >> 16, cpu.segs[CS]), entry & 0xFFFF, "")


# -- the way back -------------------------------------------------------------------------------

def iret(cpu: Cpu, w: Width) -> None:
    """IRET: to the same or an outer ring. IF and IOPL change only if the old ring may."""
    if not cpu.protected:
        iret_real(cpu, w)
        return
    flags = cpu.eflags
    if flags & FLAG_NT:
        link = cpu.system_read(cpu.tr.base, 2)
        raise no_task_switch(cpu, link, BY_IRET, "IRET with EFLAGS.NT set")
    reader = StackReader(cpu)
    eip, selector, image = reader.pop_all(3, w)
    selector &= 0xFFFF
    if image & FLAG_VM and w is D and cpu.cpl == 0:
        raise NotModelled("IRET to virtual-8086 mode (SDM vol. 3B, 20.2), not modelled")
    code = return_code(cpu, selector)

    mask = changeable_flags(cpu.cpl, cpu.iopl) & w.mask
    if (image ^ flags) & FLAG_IF & ~mask:
        cpu.note_ignored("iret", "if", int(bool(image & FLAG_IF)), int(bool(flags & FLAG_IF)))
    if selector & RPL == cpu.cpl:
        check_offset(code.limit, eip)
        cpu.regs[ESP] = reader.esp
        enter_code(cpu, code, eip, "")
    else:
        return_outward(cpu, code, eip, reader, 0, w, "iret")
    cpu.set_eflags(image, mask)


def iret_real(cpu: Cpu, w: Width) -> None:
    """IRET in real mode."""
    reader = StackReader(cpu)
    eip = reader.pop(w)
    selector = reader.pop(w) & 0xFFFF
    image = reader.pop(w)
    check_offset(cpu.segs[CS].limit, eip)
    cpu.regs[ESP] = reader.esp
    enter_code(cpu, real_segment(selector, cpu.segs[CS]), eip, "")
    cpu.set_eflags(image, changeable_flags(0, 0) & w.mask)
