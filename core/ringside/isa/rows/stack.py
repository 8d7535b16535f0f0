"""PUSH, POP, CALL and RET near, and the rest of the stack's data instructions (SDM vol. 1, 6)."""

from __future__ import annotations

from ringside.isa.instruction import Insn
from ringside.isa.ports import Cpu, MemoryPort
from ringside.isa.registers import EBP, ESP, SS
from ringside.isa.row import PROTECTION_SYSTEM, Row
from ringside.isa.width import Width


def push(m: MemoryPort, a: int, esp: int, w: Width, s: int) -> int:
    top = (esp - w.bytes) & s
    m.store(SS, top, a, w)
    return (esp & ~s) | top


def pop(m: MemoryPort, esp: int, w: Width, s: int) -> tuple[int, int]:
    value = m.load(SS, esp & s, w)
    return (esp & ~s) | ((esp + w.bytes) & s), value


def call(m: MemoryPort, target: int, eip_next: int, esp: int, w: Width, s: int) -> tuple[int, int]:
    top = (esp - w.bytes) & s
    m.store(SS, top, eip_next & w.mask, w)
    return (esp & ~s) | top, target


def call_indirect(
    m: MemoryPort, a: int, eip_next: int, esp: int, w: Width, s: int
) -> tuple[int, int]:
    top = (esp - w.bytes) & s
    m.store(SS, top, eip_next & w.mask, w)
    return (esp & ~s) | top, a


def ret(m: MemoryPort, esp: int, w: Width, s: int) -> tuple[int, int]:
    eip = m.load(SS, esp & s, w)
    return (esp & ~s) | ((esp + w.bytes) & s), eip


def ret_and_drop(m: MemoryPort, a: int, esp: int, w: Width, s: int) -> tuple[int, int]:
    eip = m.load(SS, esp & s, w)
    return (esp & ~s) | ((esp + w.bytes + a) & s), eip


def push_all(
    m: MemoryPort, eax: int, ecx: int, edx: int, ebx: int, esp: int, ebp: int, esi: int, edi: int,
    w: Width, s: int,
) -> int:  # fmt: skip
    m.store(SS, (esp - w.bytes) & s, eax & w.mask, w)
    m.store(SS, (esp - w.bytes * 2) & s, ecx & w.mask, w)
    m.store(SS, (esp - w.bytes * 3) & s, edx & w.mask, w)
    m.store(SS, (esp - w.bytes * 4) & s, ebx & w.mask, w)
    m.store(SS, (esp - w.bytes * 5) & s, esp & w.mask, w)
    m.store(SS, (esp - w.bytes * 6) & s, ebp & w.mask, w)
    m.store(SS, (esp - w.bytes * 7) & s, esi & w.mask, w)
    m.store(SS, (esp - w.bytes * 8) & s, edi & w.mask, w)
    return (esp & ~s) | ((esp - w.bytes * 8) & s)


def pop_all(
    m: MemoryPort, eax: int, ecx: int, edx: int, ebx: int, esp: int, ebp: int, esi: int, edi: int,
    w: Width, s: int,
) -> tuple[int, int, int, int, int, int, int, int]:  # fmt: skip
    keep = ~w.mask
    di = (edi & keep) | m.load(SS, esp & s, w)
    si = (esi & keep) | m.load(SS, (esp + w.bytes) & s, w)
    bp = (ebp & keep) | m.load(SS, (esp + w.bytes * 2) & s, w)
    bx = (ebx & keep) | m.load(SS, (esp + w.bytes * 4) & s, w)
    dx = (edx & keep) | m.load(SS, (esp + w.bytes * 5) & s, w)
    cx = (ecx & keep) | m.load(SS, (esp + w.bytes * 6) & s, w)
    ax = (eax & keep) | m.load(SS, (esp + w.bytes * 7) & s, w)
    sp = (esp & ~s) | ((esp + w.bytes * 8) & s)
    return di, si, bp, bx, dx, cx, ax, sp


def leave(m: MemoryPort, esp: int, ebp: int, w: Width, s: int) -> tuple[int, int]:
    frame = m.load(SS, ebp & s, w)
    return (esp & ~s) | ((ebp + w.bytes) & s), (ebp & ~w.mask) | frame


def enter(cpu: Cpu, insn: Insn) -> None:
    """SDM vol. 2, "ENTER": the only data instruction with a loop, so the CPU calls it."""
    size = cpu.value(insn.operands[0])
    level = cpu.value(insn.operands[1]) & 31
    w = insn.width
    s = cpu.stack_mask
    ebp = cpu.regs[EBP]
    cpu.push(ebp & w.mask, w)
    frame = cpu.regs[ESP]
    link = ebp
    for _ in range(level - 1):
        link -= w.bytes
        cpu.push(cpu.load(SS, link & s, w), w)
    if level:
        cpu.push(frame & w.mask, w)
    esp = cpu.regs[ESP]
    top = (esp & ~s) | ((esp - size) & s)
    cpu.check_store(SS, top & s, w)  # faults now if the new top of the stack would
    cpu.regs[ESP] = top
    cpu.regs[EBP] = (ebp & ~w.mask) | (frame & w.mask)


ROWS: tuple[Row, ...] = (
    Row(
        "push", ("50+r | Zv", "6A ib | Ibs", "68 iz | Iz", "FF /6 | Ev"), push,
        "Stores the operand below the top of the stack and moves ESP down.", gives=("esp",),
    ),
    Row(
        "push",
        ("06 | ES", "0E | CS", "16 | SS", "1E | DS", "0F A0 | FS", "0F A8 | GS"),
        push, "Pushes a segment selector; for CS its low bits show the real privilege level.",
        gives=("esp",), sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "pop", ("58+r | Zv", "8F /0 | Ev"), pop,
        "Takes the value at the top of the stack and moves ESP up.", gives=("esp", "1"),
    ),
    Row(
        "call", ("E8 cz | Jz",), call, "Pushes the return address and jumps.",
        gives=("esp", "eip"), kind="branch",
    ),
    Row(
        "call", ("FF /2 | Ev",), call_indirect,
        "Pushes the return address and jumps to the address in the operand.",
        gives=("esp", "eip"), kind="branch",
    ),
    Row(
        "ret", ("C3 |",), ret, "Pops the return address and jumps to it.",
        gives=("esp", "eip"), kind="branch",
    ),
    Row(
        "ret", ("C2 iw | Iw",), ret_and_drop,
        "Pops the return address, jumps to it and drops that many bytes of arguments.",
        gives=("esp", "eip"), kind="branch",
    ),
    Row(
        "pusha", ("60 |",), push_all, "Pushes the eight general registers.", gives=("esp",),
    ),
    Row(
        "popa", ("61 |",), pop_all, "Pops seven general registers and skips the saved ESP.",
        gives=("edi", "esi", "ebp", "ebx", "edx", "ecx", "eax", "esp"),
    ),
    Row(
        "enter", ("C8 iw ib | Iw Ib",), enter, "Makes a stack frame for a procedure.",
        kind="system",
    ),
    Row(
        "leave", ("C9 |",), leave, "Drops the stack frame: ESP from EBP, then pops EBP.",
        gives=("esp", "ebp"),
    ),
)  # fmt: skip
