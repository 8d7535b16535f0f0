"""The instruction table: every row, in reading order. Opcode maps are derived in decode.py."""

from __future__ import annotations

from ringside.isa.row import Row
from ringside.isa.rows import (
    arithmetic,
    bits,
    conditions,
    control,
    decimal,
    flags,
    io,
    logic,
    moves,
    multiply,
    segments,
    shifts,
    stack,
    strings,
    system,
    vmx,
)

ROWS: tuple[Row, ...] = (
    moves.ROWS
    + stack.ROWS
    + arithmetic.ROWS
    + multiply.ROWS
    + decimal.ROWS
    + logic.ROWS
    + shifts.ROWS
    + bits.ROWS
    + conditions.ROWS
    + control.ROWS
    + strings.ROWS
    + flags.ROWS
    + segments.ROWS
    + io.ROWS
    + system.ROWS
    + vmx.ROWS
)

# Second spellings: name in the table and the operand size they ask for.
SIZED_SPELLINGS: dict[str, tuple[str, int]] = {
    name + suffix: (name, bits)
    for name in ("pushf", "popf", "pusha", "popa", "iret")
    for suffix, bits in (("w", 16), ("d", 32))
}
ALIASES: dict[str, str] = {
    "sal": "shl", "loopz": "loope", "loopnz": "loopne", "fwait": "wait", "retn": "ret",
    "xlatb": "xlat",
} | {
    stem + alias: stem + name
    for stem in ("j", "set", "cmov")
    for alias, name in conditions.ALIASES.items()
}  # fmt: skip


def rows_named(mnemonic: str) -> tuple[Row, ...]:
    """All rows of one mnemonic, preferred forms first."""
    return tuple(row for row in ROWS if row.mnemonic == mnemonic)
