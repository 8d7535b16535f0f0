"""The task-state segment: inner stacks and the I/O permission bitmap (SDM vol. 3A, ch. 7).

Switching tasks in hardware is not modelled; a guest that asks gets ``NotModelled``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.isa.faults import GP, NP, TS, NotModelled
from ringside.isa.faults import SS as STACK_FAULT
from ringside.isa.width import Width
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import Descriptor
from ringside.machine.segmentation import (
    NULL,
    REMEMBERED,
    RPL,
    Segment,
    accessed,
    cached,
    entry_address,
    read_raw,
    required_descriptor,
    touch,
)

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

IO_MAP_BASE = layout.TSS32_FIELDS["io map base"][0]


# How a task switch came about, in the numbers of a VM exit's qualification.
BY_CALL, BY_IRET, BY_JMP, BY_GATE = range(4)


def no_task_switch(cpu: Cpu, selector: int, source: int, what: str) -> Exception:
    """Make the VM exit a task switch always is; outside a virtual machine, say it is missing."""
    if cpu.intercepts is not None:
        return cpu.intercepts.task_switch(selector, source)
    return missing(what)


def missing(what: str) -> NotModelled:
    """What a guest hears that asks for a task switch, by ``what``."""
    return NotModelled(
        f"{what} asks for a hardware task switch (SDM vol. 3A, 7.3), which Ringside does not "
        "model; switch stacks and registers in software instead, as every common system does"
    )


def load_task(cpu: Cpu, selector: int) -> None:
    """LTR: load the task register and mark the TSS busy (SDM "LTR")."""
    selector &= 0xFFFF
    error = selector & NULL
    if not error:
        raise GP(0)
    if selector & 4:
        raise GP(error)
    descriptor = required_descriptor(cpu, selector)
    if not descriptor.system or descriptor.type not in (layout.TSS16, layout.TSS32):
        raise GP(error)
    if not descriptor.present:
        raise NP(error)
    address = entry_address(cpu, selector)
    assert address is not None
    busy = Descriptor(descriptor.raw | layout.TSS_BUSY << 40)
    cpu.system_write(address + 5, busy.raw >> 40 & 0xFF, 1)
    cpu.tr = cached(selector, busy)


def inner_stack(cpu: Cpu, ring: int, external: int) -> tuple[Segment, int]:
    """Find and check the stack of an inner ``ring`` in the TSS: its SS and ESP.

    ``external`` is the EXT bit of the error codes. Raises #TS or #SS (SDM "INT n", "CALL").
    """
    tr = cpu.tr
    wide = tr.type & layout.WIDE
    size, first = (4, 4) if wide else (2, 2)
    at = first + ring * 2 * size
    if not tr.present or at + size + 1 > tr.limit:
        raise TS(tr.selector & NULL | external)
    esp = cpu.system_read(tr.base + at, size)
    selector = cpu.system_read(tr.base + at + size, 2)
    error = selector & NULL | external
    if not selector & NULL:
        raise TS(external)
    raw = read_raw(cpu, selector)
    if raw is None or selector & RPL != ring:
        raise TS(error)
    segment = _as_inner_stack(selector, raw, ring, external)
    touch(cpu, selector, raw)
    return segment, esp


@REMEMBERED
def _as_inner_stack(selector: int, raw: int, ring: int, external: int) -> Segment:
    descriptor, error = Descriptor(raw), selector & NULL | external
    if descriptor.dpl != ring or not descriptor.writable:
        raise TS(error)
    if not descriptor.present:
        raise STACK_FAULT(error)
    return accessed(selector, raw)


def check_port(cpu: Cpu, port: int, w: Width) -> None:
    """#GP unless CPL <= IOPL or the TSS's bitmap allows every byte of the access.

    SDM vol. 1, 19.5. The processor reads two bytes of the bitmap, so both must lie inside the
    segment; that is why the bitmap ends with a byte of ones.
    """
    if not cpu.protected or cpu.cpl <= cpu.iopl:
        return
    tr = cpu.tr
    if not tr.present or not tr.type & layout.WIDE or tr.limit < layout.TSS32_MIN_LIMIT:
        raise GP(0)
    at = cpu.system_read(tr.base + IO_MAP_BASE, 2) + (port >> 3)
    if at + 1 > tr.limit:
        raise GP(0)
    bitmap = cpu.system_read(tr.base + at, 2)
    if bitmap >> (port & 7) & (1 << w.bytes) - 1:
        raise GP(0)


def port_in(cpu: Cpu, port: int, w: Width) -> int:
    """IN, if the ring or the bitmap allows it."""
    check_port(cpu, port, w)
    return cpu.bus.port_in(port, w)


def port_out(cpu: Cpu, port: int, value: int, w: Width) -> None:
    """OUT, if the ring or the bitmap allows it."""
    check_port(cpu, port, w)
    cpu.bus.port_out(port, value, w)
