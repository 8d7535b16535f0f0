"""Flag functions: EFLAGS after an operation, from its inputs and result (SDM vol. 1, 3.4.3.1).

Each is shared by many rows and sliced by the translator one flag at a time, so every flag is one
expression of the parameters. ``lt le be`` are shortcuts for the conditions L, LE and BE.
PF counts the low byte's set bits: 0x9669 has bit n set when n (0..15) has an even number of them.
"""

# ruff: noqa: F841  (a flag nobody returns is still read by name: the translator slices it)

from __future__ import annotations

from ringside.isa.row import FlagTuple
from ringside.isa.width import Width

STATUS = ("cf", "pf", "af", "zf", "sf", "of")
NOT_CARRY = ("pf", "af", "zf", "sf", "of")


def after_add(a: int, b: int, r: int, w: Width) -> FlagTuple:
    """ADD."""
    cf = 1 if r < a else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (a ^ b ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a ^ r) & (b ^ r)) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_adc(a: int, b: int, r: int, w: Width) -> FlagTuple:
    """ADC: the carry out of the top bit is the majority of a, b and not r."""
    cf = ((a & b) | ((a | b) & ~r)) >> (w.bits - 1)
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (a ^ b ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a ^ r) & (b ^ r)) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_sub(a: int, b: int, r: int, w: Width) -> FlagTuple:
    """SUB and CMP."""
    cf = 1 if a < b else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (a ^ b ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a ^ b) & (a ^ r)) >> (w.bits - 1)
    lt = 1 if (a ^ w.sign) < (b ^ w.sign) else 0
    le = 1 if (a ^ w.sign) <= (b ^ w.sign) else 0
    be = 1 if a <= b else 0
    return cf, pf, af, zf, sf, of


def after_sbb(a: int, b: int, r: int, w: Width) -> FlagTuple:
    """SBB: the borrow is the majority of not a, b and r."""
    cf = ((~a & (b | r)) | (b & r)) >> (w.bits - 1)
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (a ^ b ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a ^ b) & (a ^ r)) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_logic(r: int, w: Width) -> FlagTuple:
    """AND, OR, XOR, TEST (AF is undefined; hardware clears it)."""
    cf = 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = 0
    lt = r >> (w.bits - 1)
    le = 0 if 0 < r < w.sign else 1
    be = 0 if r else 1
    return cf, pf, af, zf, sf, of


def after_inc(r: int, w: Width) -> FlagTuple:
    """INC leaves CF alone."""
    cf = None
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0 if r & 15 else 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = 1 if r == w.sign else 0
    return cf, pf, af, zf, sf, of


def after_dec(r: int, w: Width) -> FlagTuple:
    """DEC leaves CF alone."""
    cf = None
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 1 if r & 15 == 15 else 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = 1 if r == w.sign - 1 else 0
    return cf, pf, af, zf, sf, of


def after_neg(a: int, r: int, w: Width) -> FlagTuple:
    """NEG: CF says the operand was not zero."""
    cf = 1 if a else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (a ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = 1 if r == w.sign else 0
    return cf, pf, af, zf, sf, of


def after_shl(a: int, n: int, r: int, w: Width) -> FlagTuple:
    """SHL by n > 0: CF is the last bit out; OF is defined for n = 1 only."""
    cf = (a << n) >> w.bits & 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a << n) >> w.bits ^ r >> (w.bits - 1)) & 1
    return cf, pf, af, zf, sf, of


def after_shr(a: int, n: int, r: int, w: Width) -> FlagTuple:
    """SHR by n > 0."""
    cf = a >> (n - 1) & 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = (a >> (n - 1) ^ r) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_sar(a: int, n: int, r: int, w: Width) -> FlagTuple:
    """SAR by n > 0."""
    cf = ((a ^ w.sign) - w.sign) >> (n - 1) & 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = 0
    return cf, pf, af, zf, sf, of


def after_rol(r: int, w: Width) -> FlagTuple:
    """ROL changes CF and OF only."""
    cf = r & 1
    pf = af = zf = sf = None
    of = (r >> (w.bits - 1)) ^ (r & 1)
    return cf, pf, af, zf, sf, of


def after_ror(r: int, w: Width) -> FlagTuple:
    """ROR changes CF and OF only."""
    cf = r >> (w.bits - 1)
    pf = af = zf = sf = None
    of = (r >> (w.bits - 1)) ^ (r >> (w.bits - 2) & 1)
    return cf, pf, af, zf, sf, of


def after_rotate_carry(a: int, r: int, carry: int, w: Width) -> FlagTuple:
    """RCL and RCR: CF is the bit that ended there, OF (n = 1) says the sign changed."""
    cf = carry
    pf = af = zf = sf = None
    of = (a ^ r) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_shld(a: int, b: int, n: int, r: int, w: Width) -> FlagTuple:
    """SHLD by n > 0."""
    cf = (a << w.bits | b) << n >> (w.bits * 2) & 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((a << w.bits | b) << n >> (w.bits * 2) ^ r >> (w.bits - 1)) & 1
    return cf, pf, af, zf, sf, of


def after_shrd(a: int, b: int, n: int, r: int, w: Width) -> FlagTuple:
    """SHRD by n > 0."""
    cf = (b << w.bits | a) >> (n - 1) & 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((b << w.bits | a) >> (n - 1) ^ r) >> (w.bits - 1) & 1
    return cf, pf, af, zf, sf, of


def after_mul(r: int, w: Width) -> FlagTuple:
    """MUL: CF and OF say the upper half is in use; ``r`` is the whole product."""
    cf = 1 if r >> w.bits else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r & w.mask else 1
    sf = r >> (w.bits - 1) & 1
    of = 1 if r >> w.bits else 0
    return cf, pf, af, zf, sf, of


def after_imul(r: int, w: Width) -> FlagTuple:
    """IMUL: CF and OF say the signed product ``r`` does not fit."""
    cf = 0 if -w.sign <= r < w.sign else 1
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r & w.mask else 1
    sf = r >> (w.bits - 1) & 1
    of = 0 if -w.sign <= r < w.sign else 1
    return cf, pf, af, zf, sf, of


def after_bit(temp: int) -> FlagTuple:
    """BT and its family: CF is the bit tested; the rest is kept."""
    cf = temp
    pf = af = zf = sf = of = None
    return cf, pf, af, zf, sf, of


def after_scan(b: int, w: Width) -> FlagTuple:
    """BSF and BSR: ZF says the source was zero; the rest is undefined."""
    cf = 0
    pf = 0x9669 >> ((b ^ (b >> 4)) & 15) & 1
    af = 0
    zf = 0 if b else 1
    sf = b >> (w.bits - 1)
    of = 0
    return cf, pf, af, zf, sf, of


def after_zero(temp: int) -> FlagTuple:
    """Only ZF changes: CMPXCHG8B."""
    cf = pf = af = sf = of = None
    zf = temp
    return cf, pf, af, zf, sf, of


def after_xadd(a: int, b: int, r2: int, w: Width) -> FlagTuple:
    """XADD: as ADD, whose sum is the second value given."""
    cf = 1 if r2 < a else 0
    pf = 0x9669 >> ((r2 ^ (r2 >> 4)) & 15) & 1
    af = (a ^ b ^ r2) >> 4 & 1
    zf = 0 if r2 else 1
    sf = r2 >> (w.bits - 1)
    of = ((a ^ r2) & (b ^ r2)) >> (w.bits - 1)
    return cf, pf, af, zf, sf, of


def after_compare(left: int, right: int, r: int, w: Width) -> FlagTuple:
    """CMPS, SCAS and CMPXCHG: as CMP of two values the meaning found itself."""
    cf = 1 if left < right else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = (left ^ right ^ r) >> 4 & 1
    zf = 0 if r else 1
    sf = r >> (w.bits - 1)
    of = ((left ^ right) & (left ^ r)) >> (w.bits - 1)
    lt = 1 if (left ^ w.sign) < (right ^ w.sign) else 0
    le = 1 if (left ^ w.sign) <= (right ^ w.sign) else 0
    be = 1 if left <= right else 0
    return cf, pf, af, zf, sf, of
