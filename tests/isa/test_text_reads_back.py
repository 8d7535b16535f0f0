"""What the disassembler writes, the assembler reads: the same instruction comes back."""

from __future__ import annotations

import random

import pytest
from ringside.isa.assembler import assemble
from ringside.isa.decode import decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn, Mem, Rel
from ringside.isa.row import Form, Row
from ringside.isa.table import ROWS

ORIGIN = 0x1000
DRAWS = 8


def draw(rng: random.Random, form: Form, bits: int) -> bytes:
    """Bytes of the form with random operands and, at times, the other operand size."""
    code = bytearray()
    if form.operand_bits not in (None, bits) or (
        form.operand_bits is None and rng.randrange(4) == 0
    ):
        code.append(0x66)
    if form.address_bits not in (None, bits):
        code.append(0x67)
    if form.prefix is not None:
        code.append(form.prefix)
    code += form.opcode
    if form.plus:
        code[-1] += rng.randrange(8)
    if form.modrm is not None:
        modrm = rng.getrandbits(8)
        if form.modrm != "r":
            modrm = modrm & ~0x38 | int(form.modrm) << 3
        code.append(modrm)
    return bytes(code + rng.randbytes(10))[:15]


def essence(insn: Insn) -> tuple[object, ...]:
    """What the instruction does: addresses as sums, so ``[ecx*2]`` equals ``[ecx+ecx]``."""
    operands: list[object] = []
    for operand, spec in zip(insn.operands, insn.form.operands, strict=False):
        if type(operand) is Mem:
            terms: dict[int, int] = {}
            for register, scale in ((operand.base, 1), (operand.index, operand.scale)):
                if register is not None:
                    terms[register] = terms.get(register, 0) + scale
            disp = operand.disp & (1 << operand.addr_bits) - 1
            width = None if spec == "M" else operand.width  # a bare address has no size
            operands.append((operand.seg, terms, disp, width, operand.addr_bits))
        elif type(operand) is Rel:  # the target, as the assembler may find a shorter form
            operands.append((insn.length + operand.displacement) & (1 << insn.operand_bits) - 1)
        else:
            operands.append(operand)
    if insn.mnemonic == "xchg":  # the two operands are equals
        operands.sort(key=repr)
    return insn.row, operands, insn.rep, insn.lock


@pytest.mark.parametrize("bits", [16, 32])
def test_the_assembler_reads_every_instruction_the_disassembler_writes(bits: int) -> None:
    rng = random.Random(bits)
    forms: list[tuple[Row, Form]] = [(row, form) for row in ROWS for form in row.encodings]
    read = set()
    for row, form in forms:
        for _ in range(DRAWS):
            try:
                insn = decode(draw(rng, form, bits), bits)
            except Fault:
                continue
            if insn.mnemonic == "fpu":  # stands for all of x87, and is no mnemonic
                continue
            text = format_insn(insn, ORIGIN)
            image = assemble(f"bits {bits}\norg {ORIGIN}\n{text}").image
            assert essence(decode(image, bits)) == essence(insn), text
            read.add(row.mnemonic)
    assert read == {row.mnemonic for row in ROWS} - {"fpu"}
