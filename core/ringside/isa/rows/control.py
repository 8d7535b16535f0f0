"""Control transfer: JMP, loops, far jumps, software interrupts, BOUND (SDM vol. 1, 6 and 7.3.8).

Conditional jumps are in ``conditions.py``, CALL and RET near in ``stack.py``.
"""

from __future__ import annotations

from ringside.isa.faults import BR, UD
from ringside.isa.instruction import Far, Insn, Mem
from ringside.isa.ports import Cpu, MemoryPort
from ringside.isa.registers import FLAG_OF
from ringside.isa.row import INTERRUPT_FLAG, PROTECTION_SYSTEM, UNLISTED, Row
from ringside.isa.width import W, Width


def jump(target: int) -> int:
    return target


def jump_indirect(a: int) -> int:
    return a


def jump_if_cx_zero(ecx: int, asz: int, target: int, eip_next: int) -> int:
    return eip_next if ecx & asz else target


def loop(ecx: int, asz: int, target: int, eip_next: int) -> tuple[int, int]:
    count = (ecx - 1) & asz
    return (ecx & ~asz) | count, target if count else eip_next


def loop_while_equal(ecx: int, asz: int, zf: int, target: int, eip_next: int) -> tuple[int, int]:
    count = (ecx - 1) & asz
    return (ecx & ~asz) | count, target if count and zf else eip_next


def loop_while_not_equal(
    ecx: int, asz: int, zf: int, target: int, eip_next: int
) -> tuple[int, int]:
    count = (ecx - 1) & asz
    return (ecx & ~asz) | count, target if count and not zf else eip_next


def bound(m: MemoryPort, seg: int, ea: int, a: int, w: Width, asz: int) -> None:
    low = m.load(seg, ea, w)
    high = m.load(seg, (ea + w.bytes) & asz, w)
    if (a ^ w.sign) < (low ^ w.sign) or (a ^ w.sign) > (high ^ w.sign):
        raise BR()


def far_pointer(cpu: Cpu, insn: Insn) -> tuple[int, int]:
    """Selector and offset of the far operand, immediate or in memory."""
    operand = insn.operands[-1]
    if type(operand) is Far:
        return operand.selector, operand.offset
    assert type(operand) is Mem
    where = cpu.address(operand)
    mask = 0xFFFFFFFF if operand.addr_bits == 32 else 0xFFFF
    offset = cpu.load(operand.seg, where, insn.width)
    return cpu.load(operand.seg, (where + insn.width.bytes) & mask, W), offset


def jump_far(cpu: Cpu, insn: Insn) -> None:
    selector, offset = far_pointer(cpu, insn)
    cpu.far_jump(selector, offset, insn.width)


def call_far(cpu: Cpu, insn: Insn) -> None:
    selector, offset = far_pointer(cpu, insn)
    cpu.far_call(selector, offset, insn.width)


def ret_far(cpu: Cpu, insn: Insn) -> None:
    cpu.far_return(0, insn.width)


def ret_far_and_drop(cpu: Cpu, insn: Insn) -> None:
    cpu.far_return(cpu.value(insn.operands[0]), insn.width)


def interrupt(cpu: Cpu, insn: Insn) -> None:
    cpu.interrupt(cpu.value(insn.operands[0]))


def breakpoint_(cpu: Cpu, insn: Insn) -> None:
    cpu.interrupt(3)


def interrupt_on_overflow(cpu: Cpu, insn: Insn) -> None:
    if cpu.eflags & FLAG_OF:
        cpu.interrupt(4)


def iret(cpu: Cpu, insn: Insn) -> None:
    # What EFLAGS may change is part of the return itself (CPL of the code returning decides),
    # so the CPU's iret notes what it ignored.
    cpu.iret(insn.width)


def undefined(cpu: Cpu, insn: Insn) -> None:
    raise UD()


ROWS: tuple[Row, ...] = (
    Row("jmp", ("EB cb | Jb", "E9 cz | Jz"), jump, "Jumps.", gives=("eip",), kind="branch"),
    Row(
        "jmp", ("FF /4 | Ev",), jump_indirect, "Jumps to the address in the operand.",
        gives=("eip",), kind="branch",
    ),
    Row(
        "jcxz", ("a16 E3 cb | Jb",), jump_if_cx_zero, "Jumps if CX is zero.",
        gives=("eip",), kind="branch",
    ),
    Row(
        "jecxz", ("a32 E3 cb | Jb",), jump_if_cx_zero, "Jumps if ECX is zero.",
        gives=("eip",), kind="branch",
    ),
    Row(
        "loop", ("E2 cb | Jb",), loop, "Counts ECX down and jumps until it is zero.",
        gives=("ecx", "eip"), kind="branch",
    ),
    Row(
        "loope", ("E1 cb | Jb",), loop_while_equal,
        "Counts ECX down and jumps while it is not zero and ZF is set.",
        gives=("ecx", "eip"), reads_flags=("zf",), kind="branch",
    ),
    Row(
        "loopne", ("E0 cb | Jb",), loop_while_not_equal,
        "Counts ECX down and jumps while it is not zero and ZF is clear.",
        gives=("ecx", "eip"), reads_flags=("zf",), kind="branch",
    ),
    Row(
        "bound", ("62 /r | Gv Ma",), bound,
        "Raises #BR unless the signed index lies between the two bounds in memory.",
    ),
    Row(
        "jmp", ("EA ap | Ap", "FF /5 | Mp"), jump_far,
        "Loads CS and EIP; descriptor and privilege are checked against the real CPL.",
        exit="far", kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "call", ("9A ap | Ap", "FF /3 | Mp"), call_far,
        "Pushes CS and EIP and jumps far, through a call gate to an inner ring if asked.",
        exit="far", kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "retf", ("CB |",), ret_far, "Pops EIP and CS; may return to an outer ring.",
        kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "retf", ("CA iw | Iw",), ret_far_and_drop,
        "Pops EIP and CS and drops that many bytes of arguments.",
        kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "int", ("CD ib | Ib",), interrupt,
        "Calls the handler in the IDT; the gate's DPL is checked against the real CPL.",
        exit="int", kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "int3", ("CC |",), breakpoint_, "Breakpoint: calls handler 3.", exit="int3", kind="system",
        sensitive=UNLISTED,
    ),
    Row(
        "into", ("CE |",), interrupt_on_overflow, "Calls handler 4 if OF is set.",
        reads_flags=("of",), exit="into", kind="system", sensitive=UNLISTED,
    ),
    Row(
        "iret", ("CF |",), iret,
        "Pops EIP, CS and EFLAGS, and the outer stack; keeps IF silently if CPL exceeds IOPL.",
        exit="iret", kind="system", sensitive=INTERRUPT_FLAG,
    ),
    Row("ud2", ("0F 0B |",), undefined, "Raises #UD, guaranteed.", kind="system"),
)  # fmt: skip
