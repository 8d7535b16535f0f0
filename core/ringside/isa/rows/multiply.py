"""MUL IMUL DIV IDIV, sign extension of the accumulator, CMPXCHG and XADD (SDM vol. 1, 7.3.2)."""

from __future__ import annotations

from ringside.isa.faults import DE
from ringside.isa.ports import MemoryPort
from ringside.isa.row import Row
from ringside.isa.rows.after import (
    STATUS,
    after_compare,
    after_imul,
    after_mul,
    after_xadd,
    after_zero,
)
from ringside.isa.width import D, Width


def mul_byte(eax: int, a: int) -> tuple[int, int]:
    product = (eax & 0xFF) * a
    return product, (eax & 0xFFFF0000) | product


def mul(eax: int, edx: int, a: int, w: Width) -> tuple[int, int, int]:
    product = (eax & w.mask) * a
    low = (eax & ~w.mask) | (product & w.mask)
    return product, low, (edx & ~w.mask) | product >> w.bits


def imul_byte(eax: int, a: int) -> tuple[int, int]:
    product = (((eax & 0xFF) ^ 0x80) - 0x80) * ((a ^ 0x80) - 0x80)
    return product, (eax & 0xFFFF0000) | (product & 0xFFFF)


def imul(eax: int, edx: int, a: int, w: Width) -> tuple[int, int, int]:
    product = (((eax & w.mask) ^ w.sign) - w.sign) * ((a ^ w.sign) - w.sign)
    low = (eax & ~w.mask) | (product & w.mask)
    return product, low, (edx & ~w.mask) | (product >> w.bits & w.mask)


def imul_two(a: int, b: int, w: Width) -> tuple[int, int]:
    product = ((a ^ w.sign) - w.sign) * ((b ^ w.sign) - w.sign)
    return product, product & w.mask


def imul_three(b: int, c: int, w: Width) -> tuple[int, int]:
    product = ((b ^ w.sign) - w.sign) * ((c ^ w.sign) - w.sign)
    return product, product & w.mask


def div_byte(eax: int, a: int) -> int:
    if a == 0:
        raise DE()
    dividend = eax & 0xFFFF
    quotient = dividend // a
    if quotient > 0xFF:
        raise DE()
    return (eax & 0xFFFF0000) | (dividend - quotient * a) << 8 | quotient


def div(eax: int, edx: int, a: int, w: Width) -> tuple[int, int]:
    if a == 0:
        raise DE()
    dividend = (edx & w.mask) << w.bits | (eax & w.mask)
    quotient = dividend // a
    if quotient > w.mask:
        raise DE()
    return (eax & ~w.mask) | quotient, (edx & ~w.mask) | (dividend - quotient * a)


def idiv_byte(eax: int, a: int) -> int:
    if a == 0:
        raise DE()
    dividend = ((eax & 0xFFFF) ^ 0x8000) - 0x8000
    divisor = (a ^ 0x80) - 0x80
    quotient = (dividend if dividend >= 0 else -dividend) // (divisor if divisor > 0 else -divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    if quotient < -0x80 or quotient > 0x7F:
        raise DE()
    remainder = dividend - quotient * divisor
    return (eax & 0xFFFF0000) | (remainder & 0xFF) << 8 | (quotient & 0xFF)


def idiv(eax: int, edx: int, a: int, w: Width) -> tuple[int, int]:
    if a == 0:
        raise DE()
    dividend = (((edx & w.mask) ^ w.sign) - w.sign) * (w.mask + 1) + (eax & w.mask)
    divisor = (a ^ w.sign) - w.sign
    quotient = (dividend if dividend >= 0 else -dividend) // (divisor if divisor > 0 else -divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    if quotient < -w.sign or quotient >= w.sign:
        raise DE()
    remainder = dividend - quotient * divisor
    return (eax & ~w.mask) | (quotient & w.mask), (edx & ~w.mask) | (remainder & w.mask)


def cbw(eax: int) -> int:
    return (eax & 0xFFFF0000) | (((eax & 0xFF) ^ 0x80) - 0x80 & 0xFFFF)


def cwde(eax: int) -> int:
    return ((eax & 0xFFFF) ^ 0x8000) - 0x8000 & 0xFFFFFFFF


def cwd(eax: int, edx: int) -> int:
    return (edx & 0xFFFF0000) | (0xFFFF if eax & 0x8000 else 0)


def cdq(eax: int) -> int:
    return 0xFFFFFFFF if eax & 0x80000000 else 0


def cmpxchg(eax: int, a: int, b: int, w: Width) -> tuple[int, int, int, int, int]:
    accumulator = eax & w.mask
    if accumulator == a:
        kept = eax
        result = b
    else:
        kept = (eax & ~w.mask) | a
        result = a
    return (accumulator - a) & w.mask, accumulator, a, kept, result


def cmpxchg8b(
    m: MemoryPort, seg: int, ea: int, asz: int, eax: int, edx: int, ecx: int, ebx: int
) -> tuple[int, int, int]:
    low = m.load(seg, ea, D)
    high = m.load(seg, (ea + 4) & asz, D)
    same = 1 if low == eax and high == edx else 0
    # Hardware always writes, so a read-only operand faults either way.
    m.store(seg, (ea + 4) & asz, ecx if same else high, D)
    m.store(seg, ea, ebx if same else low, D)
    return same, low, high


def xadd(a: int, b: int, w: Width) -> tuple[int, int]:
    return a, (a + b) & w.mask


SIGN_ZERO = ("pf", "af", "zf", "sf")

ROWS: tuple[Row, ...] = (
    Row(
        "mul", ("F6 /4 | Eb",), mul_byte, "Unsigned AL times the operand to AX.",
        gives=("temp", "eax"), flags=after_mul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "mul", ("F7 /4 | Ev",), mul, "Unsigned product of EAX and the operand to EDX:EAX.",
        gives=("temp", "eax", "edx"), flags=after_mul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "imul", ("F6 /5 | Eb",), imul_byte, "Signed AL times the operand to AX.",
        gives=("temp", "eax"), flags=after_imul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "imul", ("F7 /5 | Ev",), imul, "Signed product of EAX and the operand to EDX:EAX.",
        gives=("temp", "eax", "edx"), flags=after_imul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "imul", ("0F AF /r | Gv Ev",), imul_two, "Signed product, kept at operand size.",
        gives=("temp", "1"), flags=after_imul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "imul", ("6B /r ib | Gv Ev Ibs", "69 /r iz | Gv Ev Iz"), imul_three,
        "Signed product of the last two operands, kept at operand size.",
        gives=("temp", "1"), flags=after_imul, writes_flags=STATUS, undefined=SIGN_ZERO,
    ),
    Row(
        "div", ("F6 /6 | Eb",), div_byte,
        "Unsigned AX by the operand: quotient to AL, remainder to AH; #DE if it does not fit.",
        gives=("eax",), undefined=STATUS,
    ),
    Row(
        "div", ("F7 /6 | Ev",), div,
        "Unsigned EDX:EAX by the operand: quotient to EAX, remainder to EDX; #DE if too big.",
        gives=("eax", "edx"), undefined=STATUS,
    ),
    Row(
        "idiv", ("F6 /7 | Eb",), idiv_byte,
        "Signed AX by the operand: quotient to AL, remainder to AH; #DE if it does not fit.",
        gives=("eax",), undefined=STATUS,
    ),
    Row(
        "idiv", ("F7 /7 | Ev",), idiv,
        "Signed EDX:EAX by the operand: quotient to EAX, remainder to EDX; #DE if too big.",
        gives=("eax", "edx"), undefined=STATUS,
    ),
    Row("cbw", ("o16 98 |",), cbw, "Extends AL with its sign to AX.", gives=("eax",)),
    Row("cwde", ("o32 98 |",), cwde, "Extends AX with its sign to EAX.", gives=("eax",)),
    Row("cwd", ("o16 99 |",), cwd, "Fills DX with the sign of AX.", gives=("edx",)),
    Row("cdq", ("o32 99 |",), cdq, "Fills EDX with the sign of EAX.", gives=("edx",)),
    Row(
        "cmpxchg", ("0F B0 /r | Eb Gb", "0F B1 /r | Ev Gv"), cmpxchg,
        "If the destination equals the accumulator, stores the source there, else loads it.",
        gives=("temp", "left", "right", "eax", "1"), flags=after_compare, writes_flags=STATUS,
        lock=True,
    ),
    Row(
        "cmpxchg8b", ("0F C7 /1 | Mq",), cmpxchg8b,
        "If the eight bytes equal EDX:EAX, stores ECX:EBX there, else loads them.",
        gives=("temp", "eax", "edx"), flags=after_zero, writes_flags=("zf",), lock=True,
    ),
    Row(
        "xadd", ("0F C0 /r | Eb Gb", "0F C1 /r | Ev Gv"), xadd,
        "Stores the sum in the destination and the old destination in the source.",
        gives=("2", "1"), flags=after_xadd, writes_flags=STATUS, lock=True,
    ),
)  # fmt: skip
