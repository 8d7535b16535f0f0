"""The RISC-V assembler: what it makes, and what it says when it cannot."""

from __future__ import annotations

import random

import pytest
from ringside.isa.assembler.problems import AssemblyError
from ringside.riscv.assembler import assemble
from ringside.riscv.decode import decode, disassemble, format_insn
from ringside.riscv.machine import RAM
from ringside.riscv.table import ROWS


def words(source: str) -> list[int]:
    image = assemble(source).image
    return [int.from_bytes(image[at : at + 4], "little") for at in range(0, len(image), 4)]


def test_text_of_every_row_assembles_back_to_its_word() -> None:
    rng = random.Random(9)
    for row in ROWS:
        for _ in range(20):
            fields = {
                piece.name: rng.getrandbits(row.form.bits(piece.name)) for piece in row.form.pieces
            }
            if row.mnemonic in ("fence", "fence.i"):
                fields = {"pred": 15, "succ": 15} if row.mnemonic == "fence" else {}
            word = row.form.insert(fields)
            insn = decode(word)
            assert insn is not None
            text = format_insn(insn, RAM)
            assert words(f"{text}\n")[0] == word, text


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("li a0, 5", ["addi a0, zero, 5"]),
        ("li a0, -2048", ["addi a0, zero, -2048"]),
        ("li a0, 0x12345000", ["lui a0, 0x12345"]),
        ("li a0, 0xFFFFFFFF", ["addi a0, zero, -1"]),
        ("li a0, 0x12345FFF", ["lui a0, 0x12346", "addi a0, a0, -1"]),
        ("ret", ["jalr zero, 0(ra)"]),
        ("1: j 1b\nj 1f\n1:", ["jal zero, 0x80000000", "jal zero, 0x80000008"]),
        ("bgtu a0, a1, .", ["bltu a1, a0, 0x80000000"]),
        ("csrw mtvec, t0 # comment\nsw a0, -4(sp) // another",
         ["csrrw zero, mtvec, t0", "sw a0, -4(sp)"]),
        ("addi a0, a0, (1 << 3 | 1) + 'A' - 60", ["addi a0, a0, 14"]),
    ],
)  # fmt: skip
def test_short_forms_and_expressions(source: str, texts: list[str]) -> None:
    program = assemble(source)
    assert [text for _, _, text in disassemble(program.image, program.origin)] == texts


@pytest.mark.parametrize("value", [0, 1, -1, 0x7FF, 0x800, 0x12345678, 0x80000000, 0xFFFFF800])
def test_li_gives_the_value(value: int) -> None:
    total = 0
    for word in words(f"li a0, {value}"):
        insn = decode(word)
        assert insn is not None
        total = (insn.fields["imm"] + (total if insn.mnemonic == "addi" else 0)) & 0xFFFFFFFF
    assert total == value & 0xFFFFFFFF


def test_data_directives() -> None:
    program = assemble(
        ".byte 1, 2\n.balign 4\n.half 0x1234\n.space 2\n.word end\n.asciz \"a\\n\"\nend:")
    assert program.image == b"\1\2\0\0\x34\x12\0\0" + (RAM + 15).to_bytes(4, "little") + b"a\n\0"
    assert program.source_line(RAM + 8) == ("guest.s", 5)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("adi a0, a0, 1", "there is no instruction `adi`; expected perhaps"),
        ("addi a0, a0, 4096", "4096 does not fit in a constant; expected -2048 to 2047"),
        ("addi a0, a00, 1", "`a00` is not a register"),
        ("addi a0, a0", "`addi` takes 3 operands, not 2"),
        ("beq a0, a1, nowhere", "`nowhere` is not defined"),
        ("lw a0, 4", "`4` is not an address"),
        ("x: nop\nx: nop", "the label `x` is already defined"),
        (".wrd 1", "there is no directive `.wrd`; expected perhaps `.word`"),
        ("j 1f", "there is no label `1:` after this line"),
        (".word 1 +", "a number is missing at the end"),
        (".word 4/0", "division by zero"),
        (".space -1", "-1 is not a number of bytes"),
        ("li a0, @", "`@` is not a number or a name"),
    ],
)
def test_mistakes_are_explained_with_their_place(source: str, message: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(f"nop\n{source}\n")
    problem = caught.value.problems[0]
    assert message in str(problem)
    assert problem.line == source.count("\n") + 2


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("foo\nnop\nbar a0\naddi a0, a0, nowhere")
    assert [problem.line for problem in caught.value.problems] == [1, 3, 4]
