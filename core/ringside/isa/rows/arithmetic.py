"""Binary integer arithmetic: ADD ADC SUB SBB CMP INC DEC NEG and friends (SDM vol. 1, 7.3.2)."""

from __future__ import annotations

from ringside.isa.row import Row
from ringside.isa.rows.after import (
    NOT_CARRY,
    STATUS,
    after_adc,
    after_add,
    after_dec,
    after_inc,
    after_neg,
    after_sbb,
    after_sub,
)
from ringside.isa.width import Width


def eight_forms(base: int, digit: int) -> tuple[str, ...]:
    """The encodings the eight classic ALU operations share; 82 is an alias of 80."""
    return (
        f"{base:02X} /r | Eb Gb",
        f"{base + 1:02X} /r | Ev Gv",
        f"{base + 2:02X} /r | Gb Eb",
        f"{base + 3:02X} /r | Gv Ev",
        f"{base + 4:02X} ib | AL Ib",
        f"83 /{digit} ib | Ev Ibs",
        f"{base + 5:02X} iz | rAX Iz",
        f"80 /{digit} ib | Eb Ib",
        f"81 /{digit} iz | Ev Iz",
        f"82 /{digit} ib | Eb Ib",
    )


def add(a: int, b: int, w: Width) -> int:
    return (a + b) & w.mask


def adc(a: int, b: int, cf: int, w: Width) -> int:
    return (a + b + cf) & w.mask


def sub(a: int, b: int, w: Width) -> int:
    return (a - b) & w.mask


def sbb(a: int, b: int, cf: int, w: Width) -> int:
    return (a - b - cf) & w.mask


def inc(a: int, w: Width) -> int:
    return (a + 1) & w.mask


def dec(a: int, w: Width) -> int:
    return (a - 1) & w.mask


def neg(a: int, w: Width) -> int:
    return -a & w.mask


def not_(a: int, w: Width) -> int:
    return a ^ w.mask


ROWS: tuple[Row, ...] = (
    Row(
        "add", eight_forms(0x00, 0), add, "Adds the source to the destination.",
        gives=("1",), flags=after_add, writes_flags=STATUS, lock=True,
    ),
    Row(
        "adc", eight_forms(0x10, 2), adc, "Adds the source and CF to the destination.",
        gives=("1",), flags=after_adc, writes_flags=STATUS, reads_flags=("cf",), lock=True,
    ),
    Row(
        "sub", eight_forms(0x28, 5), sub, "Subtracts the source from the destination.",
        gives=("1",), flags=after_sub, writes_flags=STATUS, lock=True,
    ),
    Row(
        "sbb", eight_forms(0x18, 3), sbb, "Subtracts the source and CF from the destination.",
        gives=("1",), flags=after_sbb, writes_flags=STATUS, reads_flags=("cf",), lock=True,
    ),
    Row(
        "cmp", eight_forms(0x38, 7), sub, "Sets the flags as SUB would and keeps the operands.",
        gives=("temp",), flags=after_sub, writes_flags=STATUS,
    ),
    Row(
        "inc", ("40+r | Zv", "FE /0 | Eb", "FF /0 | Ev"), inc, "Adds 1; CF keeps its value.",
        gives=("1",), flags=after_inc, writes_flags=NOT_CARRY, lock=True,
    ),
    Row(
        "dec", ("48+r | Zv", "FE /1 | Eb", "FF /1 | Ev"), dec, "Subtracts 1; CF keeps its value.",
        gives=("1",), flags=after_dec, writes_flags=NOT_CARRY, lock=True,
    ),
    Row(
        "neg", ("F6 /3 | Eb", "F7 /3 | Ev"), neg, "Replaces the operand by its two's complement.",
        gives=("1",), flags=after_neg, writes_flags=STATUS, lock=True,
    ),
    Row(
        "not", ("F6 /2 | Eb", "F7 /2 | Ev"), not_, "Inverts every bit; no flag changes.",
        gives=("1",), lock=True,
    ),
)  # fmt: skip
