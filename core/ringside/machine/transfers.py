"""Far jumps, calls and returns, through code segments and call gates (SDM vol. 3A, 5.8).

Each function works out the whole transfer first and changes registers last, so a fault on the way
leaves them as they were. Values to be pushed are laid out by :class:`StackPlan`, which checks every
byte before it writes the first. ``cpu.eip`` already names the next instruction.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from ringside.isa.faults import GP, NP
from ringside.isa.faults import SS as STACK_FAULT
from ringside.isa.registers import CS, DS, ES, ESP, FS, GS, SS
from ringside.isa.width import D, W, Width
from ringside.machine import descriptors as layout
from ringside.machine.access import MASK, probe
from ringside.machine.descriptors import Descriptor
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.segmentation import (
    NULL,
    REMEMBERED,
    RPL,
    Segment,
    accessed,
    cached,
    mark_accessed,
    null_segment,
    real_segment,
    required_descriptor,
    required_raw,
    stack_segment,
    touch,
)
from ringside.machine.tasks import BY_CALL, BY_JMP, inner_stack, no_task_switch

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

DWORDS = [Struct(f"<{count}I") for count in range(6)]

TASKS = frozenset({layout.TSS16, layout.TSS16_BUSY, layout.TSS32, layout.TSS32_BUSY})
CALL_GATES = frozenset({layout.CALL_GATE16, layout.CALL_GATE32})


class StackPlan:
    """Pushes onto a stack that may not be the current one yet.

    ``error`` is the error code of the #SS raised when they do not fit; ``user`` says whether the
    pages are written with ring 3's rights.
    """

    __slots__ = ("cpu", "error", "esp", "mask", "segment", "user", "writes")

    def __init__(self, cpu: Cpu, segment: Segment, esp: int, error: int, user: bool) -> None:
        self.cpu = cpu
        self.segment = segment
        self.mask = 0xFFFF_FFFF if segment.big else 0xFFFF
        self.esp = esp
        self.error = error
        self.user = user
        self.writes: list[tuple[int, int, int]] = []

    def push(self, value: int, w: Width) -> None:
        """Plan one push; #SS if it leaves the segment, #PF if its page cannot be written."""
        offset = (self.esp - w.bytes) & self.mask
        segment = self.segment
        if not (segment.writable and segment.low <= offset <= segment.high - w.bytes + 1):
            raise STACK_FAULT(self.error)
        linear = (segment.base + offset) & MASK
        probe(self.cpu, linear, w.bytes, True, self.user)
        self.writes.append((linear, value & w.mask, w.bytes))
        self.esp = self.esp & ~self.mask | offset

    def push_all(self, values: tuple[int, ...], w: Width) -> None:
        """Plan several pushes; at one go where they surely fit."""
        size, segment = w.bytes * len(values), self.segment
        top = self.esp - size
        if (
            self.mask == MASK
            and segment.writable
            and top >= 0
            and top >= segment.low
            and self.esp - 1 <= segment.high
        ):
            linear = (segment.base + top) & MASK
            known = self.cpu.wr_user if self.user else self.cpu.wr_super
            if (linear & OFFSET_MASK) + size <= FRAME and linear >> FRAME_SHIFT in known:
                block, bits, mask = 0, w.bits, w.mask
                for value in values:  # the first one ends up highest
                    block = block << bits | value & mask
                self.writes.append((linear, block, size))
                self.esp = top
                return
        for value in values:
            self.push(value, w)

    def commit(self) -> None:
        """Write it all. Nothing can fault any more."""
        for linear, value, size in self.writes:
            self.cpu.linear_write(linear, value, size, self.user)


class StackReader:
    """Pops from the current stack without moving ESP until the transfer is certain."""

    __slots__ = ("cpu", "esp", "mask")

    def __init__(self, cpu: Cpu) -> None:
        self.cpu = cpu
        self.mask = cpu.stack_mask
        self.esp = cpu.regs[ESP]

    def pop(self, w: Width) -> int:
        """Read the next value up."""
        value = self.cpu.load(SS, self.esp & self.mask, w)
        self.skip(w.bytes)
        return value

    def pop_all(self, count: int, w: Width) -> tuple[int, ...]:
        """Read the next ``count`` values up."""
        cpu, esp, size = self.cpu, self.esp, 4 * count
        segment = cpu.segs[SS]
        if w is D and self.mask == MASK and (
            segment.flat
            or segment.readable and segment.low <= esp and esp + size - 1 <= segment.high
        ):
            linear = (segment.base + esp) & MASK
            delta = cpu.rd.get(linear >> FRAME_SHIFT)
            if delta is not None and (linear & OFFSET_MASK) + size <= FRAME:
                self.esp = (esp + size) & MASK
                return DWORDS[count].unpack_from(cpu.memory.ram, linear + delta)
        return tuple([self.pop(w) for _ in range(count)])

    def skip(self, count: int) -> None:
        """Pass over ``count`` bytes."""
        self.esp = self.esp & ~self.mask | (self.esp + count) & self.mask


def enter_code(cpu: Cpu, segment: Segment, eip: int, cause: str) -> None:
    """Commit a transfer: CS, EIP and, with CS's RPL, the ring."""
    cpu.segs[CS] = segment
    cpu.eip = eip
    if cpu.protected:
        cpu.set_cpl(segment.selector & RPL, cause)


def check_offset(limit: int, eip: int, error: int = 0) -> None:
    """#GP if the entry point lies beyond the code segment's limit."""
    if eip > limit:
        raise GP(error)


def direct_code(cpu: Cpu, selector: int, descriptor: Descriptor) -> Segment:
    """Check a code segment as the direct target of JMP or CALL; the ring stays (5.8.1)."""
    error = selector & NULL
    if descriptor.conforming:
        if descriptor.dpl > cpu.cpl:
            raise GP(error)
    elif selector & RPL > cpu.cpl or descriptor.dpl != cpu.cpl:
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    return cached(error | cpu.cpl, mark_accessed(cpu, selector, descriptor))


def check_task(cpu: Cpu, selector: int, descriptor: Descriptor, source: int) -> None:
    """Refuse a TSS or task gate as the hardware would, else say that it is not modelled."""
    error = selector & NULL
    if descriptor.dpl < max(cpu.cpl, selector & RPL):
        raise GP(error)
    if descriptor.type in (layout.TSS16_BUSY, layout.TSS32_BUSY):
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    name = layout.SYSTEM_TYPES[descriptor.type]
    task = descriptor.selector if descriptor.type == layout.TASK_GATE else selector
    raise no_task_switch(
        cpu, task, source, f"a far transfer to selector {selector:#06x} ({name})"
    )


def open_gate(cpu: Cpu, selector: int, gate: Descriptor) -> tuple[int, Descriptor]:
    """Check that CPL and RPL may use a call gate; give its target selector and descriptor."""
    error = selector & NULL
    if gate.dpl < max(cpu.cpl, selector & RPL):
        raise GP(error)
    if not gate.present:
        raise NP(error)
    if not gate.selector & NULL:
        raise GP(0)
    target = required_descriptor(cpu, gate.selector)
    if not target.code or target.dpl > cpu.cpl:
        raise GP(gate.selector & NULL)
    return gate.selector, target


def transfer_target(cpu: Cpu, selector: int) -> Descriptor:
    """Read the descriptor a far pointer names; #GP if there is none to speak of."""
    if not selector & NULL:
        raise GP(0)
    return required_descriptor(cpu, selector)


def far_jump(cpu: Cpu, selector: int, offset: int, w: Width) -> None:
    """JMP far: to a code segment, or through a call gate without changing ring."""
    selector &= 0xFFFF
    if not cpu.protected:
        check_offset(cpu.segs[CS].limit, offset)
        enter_code(cpu, real_segment(selector, cpu.segs[CS]), offset, "")
        return
    descriptor = transfer_target(cpu, selector)
    if descriptor.code:
        segment = direct_code(cpu, selector, descriptor)
    elif descriptor.system and descriptor.type in CALL_GATES:
        offset = descriptor.offset
        selector, target = open_gate(cpu, selector, descriptor)
        if not target.conforming and target.dpl != cpu.cpl:
            raise GP(selector & NULL)
        if not target.present:
            raise NP(selector & NULL)
        segment = cached(selector & NULL | cpu.cpl, mark_accessed(cpu, selector, target))
    elif descriptor.system and (descriptor.type in TASKS or descriptor.type == layout.TASK_GATE):
        check_task(cpu, selector, descriptor, BY_JMP)
    else:
        raise GP(selector & NULL)
    check_offset(segment.limit, offset)
    enter_code(cpu, segment, offset, "")


def far_call(cpu: Cpu, selector: int, offset: int, w: Width) -> None:
    """CALL far: to a code segment, or through a call gate, perhaps to an inner ring."""
    selector &= 0xFFFF
    plan = StackPlan(cpu, cpu.segs[SS], cpu.regs[ESP], 0, cpu.cpl == 3)
    if not cpu.protected:
        check_offset(cpu.segs[CS].limit, offset)
        segment = real_segment(selector, cpu.segs[CS])
    else:
        descriptor = transfer_target(cpu, selector)
        if descriptor.code:
            segment = direct_code(cpu, selector, descriptor)
        elif descriptor.system and descriptor.type in CALL_GATES:
            call_gate(cpu, selector, descriptor)
            return
        elif descriptor.system and (
            descriptor.type in TASKS or descriptor.type == layout.TASK_GATE
        ):
            check_task(cpu, selector, descriptor, BY_CALL)
        else:
            raise GP(selector & NULL)
        check_offset(segment.limit, offset)
    plan.push(cpu.segs[CS].selector, w)
    plan.push(cpu.eip, w)
    plan.commit()
    cpu.regs[ESP] = plan.esp
    enter_code(cpu, segment, offset, "")


def call_gate(cpu: Cpu, selector: int, gate: Descriptor) -> None:
    """CALL through a call gate (SDM "CALL", call-gate cases)."""
    w = D if gate.type & layout.WIDE else W
    selector, target = open_gate(cpu, selector, gate)
    if not target.present:
        raise NP(selector & NULL)
    offset = gate.offset
    old_ss, old_esp = cpu.segs[SS], cpu.regs[ESP]
    if target.conforming or target.dpl == cpu.cpl:
        segment = cached(selector & NULL | cpu.cpl, mark_accessed(cpu, selector, target))
        check_offset(segment.limit, offset)
        plan = StackPlan(cpu, old_ss, old_esp, 0, cpu.cpl == 3)
    else:
        ring = target.dpl
        stack, esp = inner_stack(cpu, ring, 0)
        segment = cached(selector & NULL | ring, mark_accessed(cpu, selector, target))
        check_offset(segment.limit, offset)
        plan = StackPlan(cpu, stack, esp, stack.selector & NULL, ring == 3)
        mask = cpu.stack_mask
        parameters = [
            cpu.load(SS, (old_esp + number * w.bytes) & mask, w) for number in range(gate.count)
        ]
        plan.push(old_ss.selector, w)
        plan.push(old_esp, w)
        for value in reversed(parameters):
            plan.push(value, w)
    plan.push(cpu.segs[CS].selector, w)
    plan.push(cpu.eip, w)
    plan.commit()
    cpu.segs[SS] = plan.segment
    cpu.regs[ESP] = plan.esp
    enter_code(cpu, segment, offset, "call")


def return_code(cpu: Cpu, selector: int) -> Segment:
    """Check the CS a far return or IRET found on the stack (SDM "RET", "IRET")."""
    if not selector & NULL:
        raise GP(0)
    raw = required_raw(cpu, selector)
    segment = _as_return(selector, raw, cpu.cpl)
    touch(cpu, selector, raw)
    return segment


@REMEMBERED
def _as_return(selector: int, raw: int, cpl: int) -> Segment:
    descriptor = Descriptor(raw)
    error = selector & NULL
    rpl = selector & RPL
    if not descriptor.code or rpl < cpl:
        raise GP(error)
    if descriptor.conforming:
        if descriptor.dpl > rpl:
            raise GP(error)
    elif descriptor.dpl != rpl:
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    return accessed(selector, raw)


def leave_inner_data(cpu: Cpu) -> None:
    """Null the data segments the ring just entered may not have (SDM vol. 3A, 5.8.6)."""
    for seg in (ES, DS, FS, GS):
        segment = cpu.segs[seg]
        if segment.present and segment.dpl < cpu.cpl and not segment.conforming:
            cpu.segs[seg] = null_segment(0)


def return_outward(
    cpu: Cpu, code: Segment, eip: int, reader: StackReader, extra: int, w: Width, cause: str
) -> None:
    """Finish a return to an outer ring: its SS and ESP come from the stack too."""
    ring = code.selector & RPL
    esp, selector = reader.pop_all(2, w)
    selector &= 0xFFFF
    stack = stack_segment(cpu, selector, ring)
    check_offset(code.limit, eip)
    mask = 0xFFFF_FFFF if stack.big else 0xFFFF
    cpu.segs[SS] = stack
    # A 16-bit stack takes only SP; the upper half of ESP keeps the inner ring's bits.
    cpu.regs[ESP] = cpu.regs[ESP] & ~mask & MASK | (esp + extra) & mask
    enter_code(cpu, code, eip, cause)
    leave_inner_data(cpu)


def far_return(cpu: Cpu, extra_bytes: int, w: Width) -> None:
    """RET far, dropping ``extra_bytes`` of parameters from the stack (or from both stacks)."""
    reader = StackReader(cpu)
    eip = reader.pop(w)
    selector = reader.pop(w) & 0xFFFF
    if not cpu.protected:
        check_offset(cpu.segs[CS].limit, eip)
        reader.skip(extra_bytes)
        cpu.regs[ESP] = reader.esp
        enter_code(cpu, real_segment(selector, cpu.segs[CS]), eip, "")
        return
    code = return_code(cpu, selector)
    reader.skip(extra_bytes)
    if selector & RPL == cpu.cpl:
        check_offset(code.limit, eip)
        cpu.regs[ESP] = reader.esp
        enter_code(cpu, code, eip, "")
    else:
        return_outward(cpu, code, eip, reader, extra_bytes, w, "ret")
