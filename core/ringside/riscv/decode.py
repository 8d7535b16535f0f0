"""RV32 words to instructions, and back to text, from the rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from ringside.riscv.csr import NAMES as CSR_NAMES
from ringside.riscv.row import MASK, Insn, Row
from ringside.riscv.table import ROWS

# ABI names (vol. I, table 25.1).
REGISTER_NAMES = (
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
)  # fmt: skip

OPCODE = 0x7F


@cache
def rows_by_opcode() -> dict[int, tuple[Row, ...]]:
    """Rows by the low seven bits."""
    found: dict[int, list[Row]] = {}
    for row in ROWS:
        found.setdefault(row.form.match & OPCODE, []).append(row)
    return {opcode: tuple(rows) for opcode, rows in found.items()}


def sign_extend(value: int, bits: int) -> int:
    """``value`` of ``bits`` as an unsigned 32-bit number."""
    sign = 1 << bits - 1
    return (value ^ sign) - sign & MASK


@lru_cache(maxsize=4096)
def decode(word: int) -> Insn | None:
    """The instruction a word encodes; None if it is illegal."""
    for row in rows_by_opcode().get(word & OPCODE, ()):
        form = row.form
        if word & form.mask == form.match:
            fields = form.extract(word)
            if "imm" in fields:
                fields["imm"] = sign_extend(fields["imm"], form.bits("imm"))
            return Insn(row, word, fields)
    return None


# -- text -----------------------------------------------------------------------------------------


def signed(value: int) -> int:
    """An unsigned 32-bit number as a signed one."""
    return value - (1 << 32) if value & 1 << 31 else value


def format_operand(insn: Insn, name: str, address: int | None, names: Mapping[int, str]) -> str:
    """One word of a row's ``operands``."""
    fields = insn.fields
    if name in ("rd", "rs1", "rs2"):
        return REGISTER_NAMES[fields[name]]
    if name == "csr":
        return CSR_NAMES.get(fields["csr"], f"{fields['csr']:#x}")
    if name == "target":
        distance = signed(fields["imm"])
        if address is None:
            return f".{distance:+d}"
        target = address + distance & MASK
        return names.get(target, f"{target:#x}")
    if name == "imm" and insn.row.encoding.startswith("imm[31:12]"):
        return f"{fields['imm'] >> 12:#x}"
    return str(signed(fields[name]) if name == "imm" else fields[name])


def format_insn(
    insn: Insn, address: int | None = None, symbols: Mapping[int, str] | None = None
) -> str:
    """``addi sp, sp, -16``. ``address`` is that of the instruction, ``symbols`` address to name."""
    names = symbols or {}
    if not insn.row.operands:
        return insn.mnemonic
    parts = []
    for operand in insn.row.operands.split(", "):
        outside, bracket, inside = operand.partition("(")
        text = format_operand(insn, outside, address, names)
        if bracket:
            text += f"({format_operand(insn, inside.rstrip(')'), address, names)})"
        parts.append(text)
    return f"{insn.mnemonic} {', '.join(parts)}"


def disassemble(
    code: bytes, address: int = 0, symbols: Mapping[int, str] | None = None
) -> Iterator[tuple[int, Insn | None, str]]:
    """``(address, instruction, text)`` for each word of ``code``; an illegal one is ``.word``."""
    for at in range(0, len(code) - 3, 4):
        word = int.from_bytes(code[at : at + 4], "little")
        insn = decode(word)
        text = format_insn(insn, address + at, symbols) if insn else f".word {word:#010x}"
        yield address + at, insn, text
