"""Segment registers and the checks made when they are loaded (SDM vol. 3A, chapters 3.4 and 5).

A :class:`Segment` is the register with its hidden part: a copy of the descriptor, taken when the
selector was loaded. Changing the descriptor in memory afterwards changes nothing, as on hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ringside.isa.faults import GP, NP
from ringside.isa.faults import SS as STACK_FAULT
from ringside.isa.registers import CS, SS
from ringside.isa.width import B
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import Descriptor

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

UNBOUNDED = 0xFFFF_FFFF + 16  # a 4 GiB segment: addresses wrap around instead of faulting
REMEMBERED = lru_cache(maxsize=1024)
"""For checks that are functions of numbers alone. A kernel uses few descriptors, very often."""

RPL = 3
NULL = 0xFFFC  # selector bits that are all clear in a null selector


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment register, replaced as a whole when it is loaded.

    Bytes ``low`` to ``high`` (offsets, inclusive) may be touched; ``flat`` says that the segment
    checks nothing at all: base 0, 4 GiB, readable and writable.
    """

    selector: int
    base: int
    limit: int
    type: int
    dpl: int
    present: bool
    big: bool
    readable: bool
    writable: bool
    low: int
    high: int
    flat: bool
    spare: int = 0  # the descriptor's G and AVL, in bits 3 and 0: only VMX shows them

    @property
    def is_null(self) -> bool:
        """Whether nothing can be reached through it."""
        return not self.present

    @property
    def conforming(self) -> bool:
        """Whether this is conforming code."""
        return self.type & (layout.CODE | layout.CONFORMING) == layout.CODE | layout.CONFORMING


def cached(selector: int, descriptor: Descriptor) -> Segment:
    """Make the segment register that ``descriptor`` gives under ``selector``.

    The same two give the same object: whoever asks whether segments changed sees at a glance.
    """
    return _hidden_part(selector, descriptor.raw)


@REMEMBERED
def _hidden_part(selector: int, raw: int) -> Segment:
    descriptor = Descriptor(raw)
    limit = descriptor.limit
    low, high = 0, limit
    if descriptor.data and descriptor.type & layout.EXPAND_DOWN:
        low, high = limit + 1, 0xFFFF_FFFF if descriptor.big else 0xFFFF
    if low == 0 and high == 0xFFFF_FFFF:
        high = UNBOUNDED
    readable, writable = descriptor.readable, descriptor.writable
    flat = readable and writable and descriptor.base == 0 and low == 0 and high == UNBOUNDED
    return Segment(
        selector, descriptor.base, limit, descriptor.type, descriptor.dpl, True, descriptor.big,
        readable, writable, low, high, flat, raw >> 52 & 9,
    )  # fmt: skip


@lru_cache(maxsize=64)
def null_segment(selector: int) -> Segment:
    """Make a segment register that holds a null selector."""
    return Segment(selector, 0, 0, 0, 0, False, False, False, False, 1, 0, False)


def real_segment(selector: int, before: Segment | None = None) -> Segment:
    """Make the segment a real-mode load gives: base from the selector, limit as it was."""
    limit = before.limit if before is not None and before.present else 0xFFFF
    big = before.big if before is not None else False
    high = UNBOUNDED if limit == 0xFFFF_FFFF else limit
    kind = layout.WRITABLE | layout.ACCESSED
    return Segment(selector, selector << 4, limit, kind, 0, True, big, True, True, 0, high, False)


def entry_address(cpu: Cpu, selector: int) -> int | None:
    """Find the linear address of a descriptor; None beyond its table's limit."""
    if selector & 4:
        if not cpu.ldtr.present:
            return None
        base, limit = cpu.ldtr.base, cpu.ldtr.limit
    else:
        base, limit = cpu.gdtr.base, cpu.gdtr.limit
    offset = selector & 0xFFF8
    return None if offset + 7 > limit else (base + offset) & 0xFFFF_FFFF


def read_descriptor(cpu: Cpu, selector: int) -> Descriptor | None:
    """Read the descriptor ``selector`` names, or None beyond the table's limit."""
    raw = read_raw(cpu, selector)
    return None if raw is None else Descriptor(raw)


def read_raw(cpu: Cpu, selector: int) -> int | None:
    """Read the 8 bytes of a descriptor, or None beyond the table's limit."""
    address = entry_address(cpu, selector)
    return None if address is None else cpu.system_read(address, 8)


def required_descriptor(cpu: Cpu, selector: int) -> Descriptor:
    """Read the descriptor ``selector`` names; #GP(selector) beyond the table's limit."""
    return Descriptor(required_raw(cpu, selector))


def required_raw(cpu: Cpu, selector: int) -> int:
    """Read the 8 bytes of a descriptor; #GP(selector) beyond the table's limit."""
    raw = read_raw(cpu, selector)
    if raw is None:
        raise GP(selector & NULL)
    return raw


def mark_accessed(cpu: Cpu, selector: int, descriptor: Descriptor) -> Descriptor:
    """Set the accessed bit in memory and give the descriptor with it set."""
    if descriptor.type & layout.ACCESSED:
        return descriptor
    address = entry_address(cpu, selector)
    assert address is not None
    descriptor = Descriptor(descriptor.raw | layout.ACCESSED << 40)
    cpu.system_write((address + 5) & 0xFFFF_FFFF, descriptor.raw >> 40 & 0xFF, B.bytes)
    return descriptor


def touch(cpu: Cpu, selector: int, raw: int) -> None:
    """Set the accessed bit in memory where the descriptor ``raw`` does not have it."""
    if not raw >> 40 & layout.ACCESSED:
        mark_accessed(cpu, selector, Descriptor(raw))


def stack_segment(cpu: Cpu, selector: int, cpl: int) -> Segment:
    """Check ``selector`` as the SS of ring ``cpl`` and give the segment (SDM "MOV", "IRET")."""
    if not selector & NULL:
        raise GP(0)
    raw = required_raw(cpu, selector)
    segment = _as_stack(selector, raw, cpl)
    touch(cpu, selector, raw)
    return segment


@REMEMBERED
def _as_stack(selector: int, raw: int, cpl: int) -> Segment:
    descriptor = Descriptor(raw)
    error = selector & NULL
    if selector & RPL != cpl or not descriptor.writable or descriptor.dpl != cpl:
        raise GP(error)
    if not descriptor.present:
        raise STACK_FAULT(error)
    return accessed(selector, raw)


def accessed(selector: int, raw: int) -> Segment:
    """Make the segment register that ``raw`` gives once its accessed bit is set."""
    return _hidden_part(selector, raw | layout.ACCESSED << 40)


def data_segment(cpu: Cpu, selector: int) -> Segment:
    """Check ``selector`` for DS, ES, FS or GS and give the segment (SDM "MOV")."""
    if not selector & NULL:
        return null_segment(selector)
    raw = required_raw(cpu, selector)
    segment = _as_data(selector, raw, cpu.cpl)
    touch(cpu, selector, raw)
    return segment


@REMEMBERED
def _as_data(selector: int, raw: int, cpl: int) -> Segment:
    descriptor = Descriptor(raw)
    error = selector & NULL
    if not descriptor.readable:
        raise GP(error)
    if not descriptor.conforming and max(cpl, selector & RPL) > descriptor.dpl:
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    return accessed(selector, raw)


def load_segment(cpu: Cpu, seg: int, selector: int) -> None:
    """Load a segment register other than CS with every check."""
    assert seg != CS, "CS changes only by a transfer"
    selector &= 0xFFFF
    if not cpu.protected:
        cpu.segs[seg] = real_segment(selector, cpu.segs[seg])
    elif seg == SS:
        cpu.segs[seg] = stack_segment(cpu, selector, cpu.cpl)
    else:
        cpu.segs[seg] = data_segment(cpu, selector)


def load_ldt(cpu: Cpu, selector: int) -> None:
    """LLDT: a null selector leaves no LDT (SDM "LLDT")."""
    selector &= 0xFFFF
    if not selector & NULL:
        cpu.ldtr = null_segment(selector)
        return
    error = selector & NULL
    if selector & 4:
        raise GP(error)
    descriptor = required_descriptor(cpu, selector)
    if not descriptor.system or descriptor.type != layout.LDT:
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    cpu.ldtr = cached(selector, descriptor)


# -- looking without loading (SDM "LAR", "LSL", "VERR/VERW") ------------------------------------

LAR_TYPES = frozenset(
    {
        layout.TSS16, layout.LDT, layout.TSS16_BUSY, layout.CALL_GATE16, layout.TASK_GATE,
        layout.TSS32, layout.TSS32_BUSY, layout.CALL_GATE32,
    }
)  # fmt: skip
LSL_TYPES = LAR_TYPES - {layout.CALL_GATE16, layout.TASK_GATE, layout.CALL_GATE32}


def visible_descriptor(
    cpu: Cpu, selector: int, system_types: frozenset[int] = frozenset()
) -> Descriptor | None:
    """Give the descriptor if CPL and RPL may know of it, else None."""
    if not selector & NULL:
        return None
    descriptor = read_descriptor(cpu, selector)
    if descriptor is None:
        return None
    if descriptor.system and descriptor.type not in system_types:
        return None
    if not descriptor.conforming and max(cpu.cpl, selector & RPL) > descriptor.dpl:
        return None
    return descriptor


def access_rights(cpu: Cpu, selector: int) -> int | None:
    """LAR: the second doubleword of the descriptor, or None."""
    descriptor = visible_descriptor(cpu, selector & 0xFFFF, LAR_TYPES)
    return None if descriptor is None else descriptor.raw >> 32


def segment_limit(cpu: Cpu, selector: int) -> int | None:
    """LSL: the limit in bytes, or None."""
    descriptor = visible_descriptor(cpu, selector & 0xFFFF, LSL_TYPES)
    return None if descriptor is None else descriptor.limit


def may_read(cpu: Cpu, selector: int) -> bool:
    """VERR: whether the segment could be read from here."""
    descriptor = visible_descriptor(cpu, selector & 0xFFFF)
    return descriptor is not None and descriptor.readable


def may_write(cpu: Cpu, selector: int) -> bool:
    """VERW: whether the segment could be written from here."""
    descriptor = visible_descriptor(cpu, selector & 0xFFFF)
    return descriptor is not None and descriptor.writable
