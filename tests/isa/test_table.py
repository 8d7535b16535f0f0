"""The table keeps its own promises: inlinable meanings, complete columns, no ambiguous encoding."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from ringside.isa import registers
from ringside.isa.decode import PREFIXES, decode, filed, fits
from ringside.isa.row import (
    DERIVED_FLAGS,
    FLAG_NAMES,
    INTERRUPT_FLAG,
    PROTECTION_SYSTEM,
    ROBIN_IRVINE_COUNT,
    SENSITIVE_REGISTER,
    TEMPORARIES,
    UNLISTED,
    Form,
    Row,
    classify,
    parse_form,
)
from ringside.isa.table import ALIASES, ROWS, SIZED_SPELLINGS
from ringside.isa.width import D

REGISTERS = set(registers.NAMES32)
TAKEN = (
    {"a", "b", "c", "w", "ea", "seg", "m", "s", "asz", "df", "eip_next", "target"}
    | REGISTERS
    | set(FLAG_NAMES)
    | set(DERIVED_FLAGS)
)
GIVEN = {"1", "2", "3", "eip", "df"} | REGISTERS | TEMPORARIES
VALUE_ROWS = [row for row in ROWS if row.kind != "system"]
ids = [f"{row.mnemonic} {row.forms[0]}" for row in VALUE_ROWS]


def body_of(function: Callable[..., Any]) -> list[ast.stmt]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    first = definition.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return definition.body[1:] if has_docstring else definition.body


@pytest.mark.parametrize("row", VALUE_ROWS, ids=ids)
def test_meanings_can_be_inlined(row: Row) -> None:
    allowed = (
        ast.Assign, ast.If, ast.Raise, ast.Expr, ast.Return,
        ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple,
        ast.Name, ast.Constant, ast.Attribute, ast.Call,
        ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
    )  # fmt: skip
    for function in (row.meaning, row.flags):
        if function is None:
            continue
        body = body_of(function)
        nodes = [node for statement in body for node in ast.walk(statement)]
        assert all(isinstance(node, allowed) for node in nodes)
        returns = [node for node in nodes if isinstance(node, ast.Return)]
        assert returns in ([], [body[-1]]), "one return, at the end"
        for node in nodes:
            if isinstance(node, ast.Assign):
                assert all(isinstance(target, ast.Name) for target in node.targets)
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called in ("m.load", "m.store", "DE", "BR")
            if isinstance(node, ast.Attribute):
                assert ast.unparse(node) in (
                    "m.load", "m.store", "w.mask", "w.sign", "w.bits", "w.bytes",
                    "D.mask", "D.bytes",
                )  # fmt: skip


def test_columns_use_known_names() -> None:
    for row in VALUE_ROWS:
        assert set(row.takes) <= TAKEN, row
        assert set(row.gives) <= GIVEN, row
        assert set(row.flags_take) <= TAKEN | TEMPORARIES | {"r", "r2", "r3"}, row
        assert set(row.flags_take) & TEMPORARIES <= set(row.gives), row
        assert not row.flags_if or row.flags_if in row.gives, row
        read = {name for name in row.takes + row.flags_take if name in FLAG_NAMES}
        derived = {flag for name in row.takes for flag in DERIVED_FLAGS.get(name, ())}
        assert set(row.reads_flags) == read | derived, row
        assert bool(row.repeat) == (row.kind == "string"), row


def test_flag_functions_change_exactly_the_flags_of_their_column() -> None:
    for row in VALUE_ROWS:
        if row.flags is None:
            assert row.writes_flags == (), row
            continue
        values = row.flags(*[D if name == "w" else 1 for name in row.flags_take])
        changed = {
            name for name, value in zip(FLAG_NAMES, values, strict=True) if value is not None}
        assert changed == set(row.writes_flags), row
        assert all(value in (0, 1, None) for value in values), row


def test_every_row_has_one_plain_sentence() -> None:
    for row in ROWS:
        assert row.text.endswith(".") and row.text[0].isupper(), row.mnemonic
        assert len(row.text) < 100, row.mnemonic


def test_the_sensitive_unprivileged_instructions_are_those_of_robin_and_irvine() -> None:
    def named(group: str) -> set[str]:
        return {row.mnemonic for row in ROWS if row.sensitive == group}

    assert named(SENSITIVE_REGISTER) == {"sgdt", "sidt", "sldt", "smsw", "pushf", "popf"}
    assert named(PROTECTION_SYSTEM) == {
        "lar", "lsl", "verr", "verw", "pop", "push", "call", "jmp", "int", "retf", "str", "mov",
    }  # fmt: skip
    assert named(INTERRUPT_FLAG) == {"iret"}
    assert named(UNLISTED) == {"lds", "les", "lss", "lfs", "lgs", "int3", "into"}
    assert ROBIN_IRVINE_COUNT == 17  # their count; the list they are quoted with has 18 names
    assert all(classify(row) == "sensitive" for row in ROWS if row.sensitive)


def test_the_privileged_instructions_are_those_of_the_manual() -> None:
    # SDM vol. 3A, 5.9, as far as this processor has them
    assert {row.mnemonic for row in ROWS if row.privilege == "cpl0"} == {
        "lgdt", "lldt", "ltr", "lidt", "mov", "lmsw", "clts", "invd", "wbinvd", "invlpg", "hlt",
        "rdmsr", "wrmsr",
    }  # fmt: skip
    assert {row.mnemonic for row in ROWS if row.privilege == "iopl"} == {
        "cli", "sti", "in", "out", "insb", "insw", "insd", "outsb", "outsw", "outsd",
    }  # fmt: skip


def sample(form: Form) -> bytes:
    """Bytes that mean this form, in 32-bit code."""
    code = b""
    if form.operand_bits == 16:
        code += b"\x66"
    if form.address_bits == 16:
        code += b"\x67"
    if form.prefix is not None:
        code += bytes([form.prefix])
    opcode = form.opcode
    if form.plus:
        opcode = opcode[:-1] + bytes([opcode[-1] + 3])
    code += opcode
    if form.modrm is not None:
        digit = 2 if form.modrm == "r" else int(form.modrm)
        letters = {spec[0] for spec in form.operands if len(spec) < 3}
        code += bytes([(0xC1 if "R" in letters else 0x01) | digit << 3])
    return code + bytes(15 - len(code))


def test_every_form_decodes_to_its_own_row() -> None:
    for row in ROWS:
        for form in row.encodings:
            insn = decode(sample(form))
            assert (insn.row, insn.form) == (row, form), form.text


def test_no_encoding_has_two_meanings() -> None:
    for opcode, entries in filed().items():
        for modrm in range(256):
            for bits in (16, 32):
                fitting = [
                    (row, form)
                    for row, form in entries
                    if fits(form, bits, bits, False, modrm) and not form.plus
                ]
                assert len(fitting) <= 1, (hex(opcode), [form.text for _, form in fitting])


def test_no_prefix_byte_is_an_opcode() -> None:
    assert not set(filed()) & set(PREFIXES)
    assert 0x0F not in filed()


def test_second_spellings_name_rows_and_are_no_rows_themselves() -> None:
    names = {row.mnemonic for row in ROWS}
    assert set(ALIASES.values()) <= names
    assert {name for name, _ in SIZED_SPELLINGS.values()} <= names
    assert not names & (set(ALIASES) | set(SIZED_SPELLINGS))


def test_a_misspelt_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no '\\|'"):
        parse_form("90")
    with pytest.raises(ValueError):
        parse_form("9X | Eb")
