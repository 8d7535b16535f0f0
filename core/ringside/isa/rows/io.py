"""Port input and output (SDM vol. 1, 19). IOPL and the I/O bitmap are checked by the CPU's port
methods, because both belong to one decision."""

from __future__ import annotations

from ringside.isa.instruction import Insn
from ringside.isa.ports import Cpu
from ringside.isa.registers import DS, ECX, EDI, EDX, ES, ESI, FLAG_DF
from ringside.isa.row import Row


def in_(cpu: Cpu, insn: Insn) -> None:
    destination, port = insn.operands
    cpu.assign(destination, cpu.port_in(cpu.value(port), insn.width))


def out(cpu: Cpu, insn: Insn) -> None:
    port, source = insn.operands
    cpu.port_out(cpu.value(port), cpu.value(source), insn.width)


def address_mask(insn: Insn) -> int:
    return 0xFFFFFFFF if insn.addr_bits == 32 else 0xFFFF


def elements_left(cpu: Cpu, insn: Insn) -> bool:
    """False when REP has nothing (more) to do."""
    return not insn.rep or cpu.regs[ECX] & address_mask(insn) != 0


def count_down(cpu: Cpu, insn: Insn) -> None:
    """After one element of a REP: ECX minus one, and back to the instruction if any is left."""
    if insn.rep:
        mask = address_mask(insn)
        left = (cpu.regs[ECX] - 1) & mask
        cpu.regs[ECX] = (cpu.regs[ECX] & ~mask) | left
        if left:
            cpu.eip = (cpu.eip - insn.length) & 0xFFFFFFFF


def moved(cpu: Cpu, insn: Insn, register: int) -> int:
    """ESI or EDI after one element."""
    mask = address_mask(insn)
    step = -insn.width.bytes if cpu.eflags & FLAG_DF else insn.width.bytes
    value = cpu.regs[register]
    return (value & ~mask) | ((value + step) & mask)


def ins(cpu: Cpu, insn: Insn) -> None:
    if elements_left(cpu, insn):
        w = insn.width
        where = cpu.regs[EDI] & address_mask(insn)
        cpu.check_port(cpu.regs[EDX] & 0xFFFF, w)
        # Fault on the memory before the device is asked, so that a retry does not ask twice.
        cpu.check_store(ES, where, w)
        cpu.store(ES, where, cpu.port_in(cpu.regs[EDX] & 0xFFFF, w), w)
        cpu.regs[EDI] = moved(cpu, insn, EDI)
        count_down(cpu, insn)


def outs(cpu: Cpu, insn: Insn) -> None:
    if elements_left(cpu, insn):
        w = insn.width
        seg = DS if insn.seg is None else insn.seg
        cpu.check_port(cpu.regs[EDX] & 0xFFFF, w)  # before memory is touched (SDM "OUTS")
        value = cpu.load(seg, cpu.regs[ESI] & address_mask(insn), w)
        cpu.port_out(cpu.regs[EDX] & 0xFFFF, value, w)
        cpu.regs[ESI] = moved(cpu, insn, ESI)
        count_down(cpu, insn)


ROWS: tuple[Row, ...] = (
    Row(
        "in", ("E4 ib | AL Ib", "E5 ib | rAX Ib", "EC | AL DX", "ED | rAX DX"), in_,
        "Reads a port into the accumulator.", kind="system", privilege="iopl", exit="io",
    ),
    Row(
        "out", ("E6 ib | Ib AL", "E7 ib | Ib rAX", "EE | DX AL", "EF | DX rAX"), out,
        "Writes the accumulator to a port.", kind="system", privilege="iopl", exit="io",
    ),
    *(
        Row(
            name, (form,), ins, "Reads port DX to ES:EDI and moves EDI.",
            kind="system", privilege="iopl", exit="io", repeat="rep",
        )
        for name, form in (("insb", "6C | Yb"), ("insw", "o16 6D | Yv"), ("insd", "o32 6D | Yv"))
    ),
    *(
        Row(
            name, (form,), outs, "Writes DS:ESI to port DX and moves ESI.",
            kind="system", privilege="iopl", exit="io", repeat="rep",
        )
        for name, form in (("outsb", "6E | Xb"), ("outsw", "o16 6F | Xv"), ("outsd", "o32 6F | Xv"))
    ),
)  # fmt: skip
