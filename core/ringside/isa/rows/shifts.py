"""Shifts and rotates (SDM vol. 1, 7.3.6). The count is taken modulo 32; 0 changes no flag."""

from __future__ import annotations

from ringside.isa.row import Row
from ringside.isa.rows.after import (
    STATUS,
    after_rol,
    after_ror,
    after_rotate_carry,
    after_sar,
    after_shl,
    after_shld,
    after_shr,
    after_shrd,
)
from ringside.isa.width import Width


def six_forms(digit: int) -> tuple[str, ...]:
    """By one, by an immediate, by CL; bytes and words."""
    return (
        f"D0 /{digit} | Eb 1",
        f"D1 /{digit} | Ev 1",
        f"C0 /{digit} ib | Eb Ib",
        f"C1 /{digit} ib | Ev Ib",
        f"D2 /{digit} | Eb CL",
        f"D3 /{digit} | Ev CL",
    )


def shl(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & 31
    return (a << n) & w.mask, n


def shr(a: int, b: int) -> tuple[int, int]:
    n = b & 31
    return a >> n, n


def sar(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & 31
    return ((a ^ w.sign) - w.sign) >> n & w.mask, n


def rol(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & 31
    k = n & (w.bits - 1)
    return (a << k | a >> (w.bits - k)) & w.mask, n


def ror(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & 31
    k = n & (w.bits - 1)
    return (a >> k | a << (w.bits - k)) & w.mask, n


def rcl(a: int, b: int, cf: int, w: Width) -> tuple[int, int, int]:
    n = (b & 31) % (w.bits + 1)
    ring = cf << w.bits | a
    ring = ring << n | ring >> (w.bits + 1 - n)
    return ring & w.mask, n, ring >> w.bits & 1


def rcr(a: int, b: int, cf: int, w: Width) -> tuple[int, int, int]:
    n = (b & 31) % (w.bits + 1)
    ring = cf << w.bits | a
    ring = ring >> n | ring << (w.bits + 1 - n)
    return ring & w.mask, n, ring >> w.bits & 1


def shld(a: int, b: int, c: int, w: Width) -> tuple[int, int]:
    # The third copy is what hardware shifts in when a 16-bit operand moves by more than 16.
    n = c & 31
    return ((a << w.bits | b) << w.bits | a) << n >> (2 * w.bits) & w.mask, n


def shrd(a: int, b: int, c: int, w: Width) -> tuple[int, int]:
    n = c & 31
    return ((a << w.bits | b) << w.bits | a) >> n & w.mask, n


ROTATE_FLAGS = ("cf", "of")

ROWS: tuple[Row, ...] = (
    Row(
        "shl", six_forms(4) + six_forms(6), shl, "Shifts left, zeros come in from the right.",
        gives=("1", "n"), flags=after_shl, writes_flags=STATUS, flags_if="n",
        undefined=("af", "of"),
    ),
    Row(
        "shr", six_forms(5), shr, "Shifts right, zeros come in from the left.",
        gives=("1", "n"), flags=after_shr, writes_flags=STATUS, flags_if="n",
        undefined=("af", "of"),
    ),
    Row(
        "sar", six_forms(7), sar, "Shifts right, copies of the sign come in from the left.",
        gives=("1", "n"), flags=after_sar, writes_flags=STATUS, flags_if="n",
        undefined=("af", "of"),
    ),
    Row(
        "rol", six_forms(0), rol, "Rotates left.",
        gives=("1", "n"), flags=after_rol, writes_flags=ROTATE_FLAGS, flags_if="n",
        undefined=("of",),
    ),
    Row(
        "ror", six_forms(1), ror, "Rotates right.",
        gives=("1", "n"), flags=after_ror, writes_flags=ROTATE_FLAGS, flags_if="n",
        undefined=("of",),
    ),
    Row(
        "rcl", six_forms(2), rcl, "Rotates left through CF.",
        gives=("1", "n", "carry"), flags=after_rotate_carry, writes_flags=ROTATE_FLAGS,
        reads_flags=("cf",), flags_if="n", undefined=("of",),
    ),
    Row(
        "rcr", six_forms(3), rcr, "Rotates right through CF.",
        gives=("1", "n", "carry"), flags=after_rotate_carry, writes_flags=ROTATE_FLAGS,
        reads_flags=("cf",), flags_if="n", undefined=("of",),
    ),
    Row(
        "shld", ("0F A4 /r ib | Ev Gv Ib", "0F A5 /r | Ev Gv CL"), shld,
        "Shifts left, the top bits of the second operand come in from the right.",
        gives=("1", "n"), flags=after_shld, writes_flags=STATUS, flags_if="n",
        undefined=("af", "of"),
    ),
    Row(
        "shrd", ("0F AC /r ib | Ev Gv Ib", "0F AD /r | Ev Gv CL"), shrd,
        "Shifts right, the low bits of the second operand come in from the left.",
        gives=("1", "n"), flags=after_shrd, writes_flags=STATUS, flags_if="n",
        undefined=("af", "of"),
    ),
)  # fmt: skip
