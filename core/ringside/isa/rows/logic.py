"""Bitwise logic and the single-flag instructions (SDM vol. 1, 7.3.3 and 7.3.13)."""

from __future__ import annotations

from ringside.isa.row import FlagTuple, Row
from ringside.isa.rows.after import STATUS, after_logic
from ringside.isa.rows.arithmetic import eight_forms


def and_(a: int, b: int) -> int:
    return a & b


def or_(a: int, b: int) -> int:
    return a | b


def xor(a: int, b: int) -> int:
    return a ^ b


def nothing() -> None:
    return None


def clear_df() -> int:
    return 0


def set_df() -> int:
    return 1


def lahf(eax: int, cf: int, pf: int, af: int, zf: int, sf: int) -> int:
    return (eax & 0xFFFF00FF) | (sf << 7 | zf << 6 | af << 4 | pf << 2 | 2 | cf) << 8


def after_clc() -> FlagTuple:
    """CF = 0."""
    cf = 0
    pf = af = zf = sf = of = None
    return cf, pf, af, zf, sf, of


def after_stc() -> FlagTuple:
    """CF = 1."""
    cf = 1
    pf = af = zf = sf = of = None
    return cf, pf, af, zf, sf, of


def after_cmc(cf: int) -> FlagTuple:
    """CF inverted."""
    cf = cf ^ 1
    pf = af = zf = sf = of = None
    return cf, pf, af, zf, sf, of


def after_sahf(eax: int) -> FlagTuple:
    """Five flags from AH."""
    cf = eax >> 8 & 1
    pf = eax >> 10 & 1
    af = eax >> 12 & 1
    zf = eax >> 14 & 1
    sf = eax >> 15 & 1
    of = None
    return cf, pf, af, zf, sf, of


ROWS: tuple[Row, ...] = (
    Row(
        "and", eight_forms(0x20, 4), and_, "Bitwise AND into the destination.",
        gives=("1",), flags=after_logic, writes_flags=STATUS, undefined=("af",), lock=True,
    ),
    Row(
        "or", eight_forms(0x08, 1), or_, "Bitwise OR into the destination.",
        gives=("1",), flags=after_logic, writes_flags=STATUS, undefined=("af",), lock=True,
    ),
    Row(
        "xor", eight_forms(0x30, 6), xor, "Bitwise exclusive OR into the destination.",
        gives=("1",), flags=after_logic, writes_flags=STATUS, undefined=("af",), lock=True,
    ),
    Row(
        "test",
        (
            "84 /r | Eb Gb", "85 /r | Ev Gv", "A8 ib | AL Ib", "A9 iz | rAX Iz",
            "F6 /0 ib | Eb Ib", "F7 /0 iz | Ev Iz", "F6 /1 ib | Eb Ib", "F7 /1 iz | Ev Iz",
        ),
        and_, "Sets the flags as AND would and keeps the operands.",
        gives=("temp",), flags=after_logic, writes_flags=STATUS, undefined=("af",),
    ),
    Row("clc", ("F8 |",), nothing, "Clears CF.", flags=after_clc, writes_flags=("cf",)),
    Row("stc", ("F9 |",), nothing, "Sets CF.", flags=after_stc, writes_flags=("cf",)),
    Row(
        "cmc", ("F5 |",), nothing, "Inverts CF.",
        flags=after_cmc, writes_flags=("cf",), reads_flags=("cf",),
    ),
    Row("cld", ("FC |",), clear_df, "Clears DF: string instructions go up.", gives=("df",)),
    Row("std", ("FD |",), set_df, "Sets DF: string instructions go down.", gives=("df",)),
    Row(
        "sahf", ("9E |",), nothing, "Loads SF ZF AF PF CF from AH.",
        flags=after_sahf, writes_flags=("cf", "pf", "af", "zf", "sf"),
    ),
    Row(
        "lahf", ("9F |",), lahf, "Stores SF ZF AF PF CF in AH.",
        gives=("eax",), reads_flags=("cf", "pf", "af", "zf", "sf"),
    ),
    Row("nop", ("90 |", "0F 1F /0 | Ev"), nothing, "Does nothing."),
)  # fmt: skip
