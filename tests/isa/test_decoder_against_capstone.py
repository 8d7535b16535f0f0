"""The decoder agrees with Capstone on length, mnemonic and operands, but for the tables below."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

capstone = pytest.importorskip("capstone")

from capstone.x86 import X86_OP_IMM, X86_OP_MEM, X86_OP_REG
from ringside.isa.decode import PREFIXES, Truncated, decode
from ringside.isa.disassemble import REGISTER_NAMES
from ringside.isa.faults import Fault
from ringside.isa.instruction import Ctrl, Debug, Far, Imm, Insn, Mem, Reg, Rel, Seg
from ringside.isa.registers import SEGMENT_NAMES

ADDRESS = 0x1000

# Same instruction, another name. Capstone names far transfers, and sizes of some, apart.
OTHER_NAMES = {
    "call": {"lcall"}, "jmp": {"ljmp"}, "shl": {"sal"}, "xlat": {"xlatb"},
    "pusha": {"pushal", "pushaw"}, "popa": {"popal", "popaw"},
    "pushf": {"pushfd"}, "popf": {"popfd"}, "iret": {"iretd"},
    # With F3 later processors made these other instructions; a Pentium ignores the prefix.
    "bsf": {"tzcnt"}, "bsr": {"lzcnt"}, "wbinvd": {"wbnoinvd"},
}  # fmt: skip
# Capstone names these by opcode alone in 16-bit code (SDM vol. 2, "CBW/CWDE": AL to AX there).
WRONG_IN_16_BITS = {"cbw": "cwde", "cwd": "cdq"}

# Two-byte opcodes this processor does not have: later additions, MMX, SSE and beyond.
ABSENT_0F = frozenset(
    {0x04, 0x05, 0x07, 0x0A, *range(0x0C, 0x1F), *range(0x24, 0x30), *range(0x33, 0x40)}
    | {*range(0x50, 0x80), 0xA6, 0xA7, 0xAA, 0xAE, 0xB8, 0xB9, *range(0xC2, 0xC7)}
    | set(range(0xD0, 0x100))
) - {0x0B}
ABSENT_ONE_BYTE = {0xD6: "SALC", 0xF1: "INT1", 0xC6: "XABORT", 0xC7: "XBEGIN"}
# Register forms of memory-only opcodes, which later became VEX, EVEX and XOP prefixes.
PREFIXES_BY_NOW = {0x62, 0xC4, 0xC5, 0x8F}
GROUPS_EXTENDED_SINCE = {0x00, 0x01, 0x1F, 0xC7}  # 0F opcodes with digits not used here


def samples(rng: random.Random, every: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(opcode 0..511, prefixes, code): every opcode with ModRM bytes ``every`` apart."""
    prefixes = [b"", b"", b"\x66", b"\x67", b"\x66\x67", b"\xf3", b"\xf2", b"\xf0", b"\x64\x2e"]
    for opcode in range(512):
        if opcode in PREFIXES or opcode == 0x0F:
            continue
        head = bytes([0x0F, opcode - 256]) if opcode >= 256 else bytes([opcode])
        for modrm in range(rng.randrange(every), 256, every):
            before = rng.choice(prefixes)
            yield opcode, before, (before + head + bytes([modrm]) + rng.randbytes(12))[:15]


def may_be_absent(opcode: int, prefixes: bytes) -> bool:
    """Whether Capstone may know an instruction here that this processor lacks."""
    if b"\xf0" in prefixes:  # Capstone accepts LOCK with a register destination
        return True
    if opcode >= 256:
        return opcode - 256 in ABSENT_0F or opcode - 256 in GROUPS_EXTENDED_SINCE
    return opcode in ABSENT_ONE_BYTE or opcode in PREFIXES_BY_NOW


def ours(code: bytes, bits: int) -> Insn | None:
    try:
        return decode(code, bits)
    except Fault:
        return None


@pytest.mark.parametrize(("bits", "every"), [(32, 3), (16, 11)])
def test_lengths_and_mnemonics_are_capstones(bits: int, every: int) -> None:
    oracle = capstone.Cs(
        capstone.CS_ARCH_X86, capstone.CS_MODE_32 if bits == 32 else capstone.CS_MODE_16
    )
    wrong = []
    for opcode, prefixes, code in samples(random.Random(bits), every):
        insn = ours(code, bits)
        theirs = next(oracle.disasm_lite(code, ADDRESS, 1), None)
        if insn is None:
            if theirs is not None and not may_be_absent(opcode, prefixes):
                wrong.append((code.hex(), "#UD", theirs))
            continue
        if insn.mnemonic == "fpu":  # one row stands for all of x87
            if theirs is not None and theirs[1] != insn.length:
                wrong.append((code.hex(), "fpu", theirs))
            continue
        if theirs is None:
            # Capstone rejects F2 before BSF and BSR.
            if not (insn.mnemonic in ("bsf", "bsr") and b"\xf2" in prefixes):
                wrong.append((code.hex(), insn.mnemonic, None))
            continue
        name = theirs[2].split()[-1]
        if bits == 16 and WRONG_IN_16_BITS.get(insn.mnemonic) == name:
            continue
        if insn.length != theirs[1] or (
            name != insn.mnemonic and name not in OTHER_NAMES.get(insn.mnemonic, ())
        ):
            wrong.append((code.hex(), f"{insn.mnemonic} ({insn.length})", theirs))
    assert not wrong, "\n".join(map(str, wrong[:40]))


# Rows whose operands Capstone shows in another way: implicit ones named (XLAT, x87, ENTER's level
# as a word), the whole register where only its low word counts, BSWAP with 66 as 16-bit.
SHOWN_DIFFERENTLY = {"xlat", "fpu", "cmpxchg8b", "enter", "lar", "lsl", "bswap"}


def misread_by_capstone(insn: Insn) -> bool:
    """Capstone takes 67 before a near Jcc for a 16-bit displacement, at the right length."""
    return insn.form.text.endswith("| Jz") and insn.addr_bits == 16


def shape_of_ours(insn: Insn) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for operand in insn.operands:
        if type(operand) is Reg:
            found.append(("reg", REGISTER_NAMES[operand.width.bits][operand.index]))
        elif type(operand) is Seg:
            found.append(("reg", SEGMENT_NAMES[operand.index]))
        elif type(operand) is Ctrl:
            found.append(("reg", f"cr{operand.index}"))
        elif type(operand) is Debug:
            found.append(("reg", f"dr{operand.index}"))
        elif type(operand) is Imm:
            found.append(("imm", operand.value))
        elif type(operand) is Rel:
            mask = (1 << insn.operand_bits) - 1
            found.append(("imm", (ADDRESS + insn.length + operand.displacement) & mask))
        elif type(operand) is Far:
            found += [("imm", operand.selector), ("imm", operand.offset)]
        elif type(operand) is Mem:
            names = REGISTER_NAMES[operand.addr_bits]
            base = "" if operand.base is None else names[operand.base]
            index = "" if operand.index is None else names[operand.index]
            mask = (1 << operand.addr_bits) - 1
            found.append(("mem", base, index, operand.scale, operand.shown & mask))
    return found


def shape_of_theirs(theirs: capstone.CsInsn, insn: Insn) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    immediates = [operand for operand in insn.operands if type(operand) in (Imm, Rel, Far)]
    mask = 0xFFFFFFFF
    if immediates and type(immediates[0]) is Imm:
        mask = immediates[0].width.mask
    elif immediates and type(immediates[0]) is Rel:
        mask = (1 << insn.operand_bits) - 1
    address_mask = (1 << insn.addr_bits) - 1
    for operand in theirs.operands:
        if operand.type == X86_OP_REG:
            found.append(("reg", theirs.reg_name(operand.reg)))
        elif operand.type == X86_OP_IMM:
            found.append(("imm", operand.imm & mask))
        elif operand.type == X86_OP_MEM:
            mem = operand.mem
            base = theirs.reg_name(mem.base) or ""
            index = theirs.reg_name(mem.index) or ""
            index = "" if index in ("eiz", "riz") else index
            scale = mem.scale if index else 1  # Capstone keeps the unused scale of SIB
            found.append(("mem", base, index, scale, mem.disp & address_mask))
    if insn.form.text.startswith("90+r"):  # XCHG: which operand is the accumulator is taste
        found.reverse()
    elif insn.form.operands == ("Sw", "Ew") and found[1][0] == "reg":  # shows the whole register
        found[1] = ("reg", str(found[1][1]).removeprefix("e"))
    return found


def test_operands_are_capstones() -> None:
    oracle = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    oracle.detail = True
    wrong = []
    for _, _, code in samples(random.Random(7), 17):
        insn = ours(code, 32)
        if insn is None or insn.row.kind == "string" or insn.row.repeat:
            continue
        if insn.mnemonic in SHOWN_DIFFERENTLY or misread_by_capstone(insn):
            continue
        theirs = next(oracle.disasm(code, ADDRESS, 1), None)
        if theirs is None or theirs.size != insn.length:
            continue
        mine, others = shape_of_ours(insn), shape_of_theirs(theirs, insn)
        if mine != others:
            wrong.append((code.hex(), theirs.mnemonic, theirs.op_str, mine, others))
    assert not wrong, "\n".join(map(str, wrong[:40]))


def test_truncated_code_asks_for_more_until_it_decodes() -> None:
    rng = random.Random(3)
    for _, _, code in samples(rng, 97):
        insn = ours(code, 32)
        if insn is not None:
            for length in range(insn.length):
                with pytest.raises(Truncated):
                    decode(code[:length])
            assert decode(code[: insn.length]) == insn
