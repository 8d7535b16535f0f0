"""The formats of exit qualification and instruction information (SDM vol. 3C, 28.2.1, 28.2.5)."""

from __future__ import annotations

from ringside.isa.instruction import Insn, Mem, Operand, Reg
from ringside.isa.registers import DS

SCALES = {1: 0, 2: 1, 4: 2, 8: 3}

# CR accesses (table 28-3).
TO_CR, FROM_CR, CLTS, LMSW = range(4)


def cr_access(number: int, kind: int, register: int = 0) -> int:
    """Qualification of a control-register access."""
    return number | kind << 4 | register << 8


def lmsw_access(value: int, memory: bool) -> int:
    """Qualification of LMSW with its source operand."""
    return LMSW << 4 | int(memory) << 6 | (value & 0xFFFF) << 16


def dr_access(number: int, read: bool, register: int) -> int:
    """Qualification of MOV DR (table 28-4)."""
    return number | int(read) << 4 | register << 8


def io_access(size: int, read: bool, string: bool, rep: bool, immediate: bool, port: int) -> int:
    """Qualification of an I/O instruction (table 28-5); ``size`` in bytes."""
    return (
        size - 1 | int(read) << 3 | int(string) << 4 | int(rep) << 5 | int(immediate) << 6
        | port << 16
    )  # fmt: skip


def task_switch(selector: int, source: int) -> int:
    """Qualification of a task switch (table 28-2)."""
    return selector | source << 30



def displacement(insn: Insn) -> int:
    """Qualification of an instruction with a memory operand: its displacement."""
    for operand in insn.operands:
        if type(operand) is Mem:
            return operand.disp & 0xFFFF_FFFF
    return 0


def memory_info(operand: Operand) -> int:
    """Address size, segment, base and index of a memory operand, or the register of one."""
    if type(operand) is Reg:
        return operand.index << 3 | 1 << 10
    assert type(operand) is Mem
    found = SCALES[operand.scale] if operand.index is not None else 0
    found |= (0 if operand.addr_bits == 16 else 1) << 7 | operand.seg << 15
    found |= 1 << 22 if operand.index is None else operand.index << 18
    found |= 1 << 27 if operand.base is None else operand.base << 23
    return found


TABLE_IDENTITY = {"sgdt": 0, "sidt": 1, "lgdt": 2, "lidt": 3}
SELECTOR_IDENTITY = {"sldt": 0, "str": 1, "lldt": 2, "ltr": 3}
WITH_MEMORY = frozenset({"vmclear", "vmptrld", "vmptrst", "vmxon"})


def table_info(insn: Insn) -> int:
    """Of LGDT, LIDT, SGDT, SIDT (table 28-10)."""
    size = 1 if insn.operand_bits == 32 else 0
    return memory_info(insn.operands[0]) | size << 11 | TABLE_IDENTITY[insn.mnemonic] << 28


def selector_info(insn: Insn) -> int:
    """Of LLDT, LTR, SLDT, STR (table 28-11)."""
    return memory_info(insn.operands[0]) | SELECTOR_IDENTITY[insn.mnemonic] << 28


def vmx_info(insn: Insn) -> int:
    """Of the VMX instructions that have operands (tables 28-9, 28-13, 28-14)."""
    operands = insn.operands
    if insn.mnemonic in WITH_MEMORY:
        return memory_info(operands[0])
    if insn.mnemonic in ("vmread", "vmwrite"):
        other, field = operands if insn.mnemonic == "vmread" else operands[::-1]
        assert type(field) is Reg
        return memory_info(other) | field.index << 28
    if insn.mnemonic in ("invept", "invvpid"):
        register, memory = operands
        assert type(register) is Reg
        return memory_info(memory) | register.index << 28
    return 0


def string_info(insn: Insn) -> int:
    """Of INS and OUTS (table 28-8): address size and, of OUTS, the segment."""
    seg = 0
    if insn.mnemonic.startswith("outs"):
        seg = DS if insn.seg is None else insn.seg
    return (0 if insn.addr_bits == 16 else 1) << 7 | seg << 15
