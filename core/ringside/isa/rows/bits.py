"""Single bits: BT BTS BTR BTC, BSF BSR, BSWAP (SDM vol. 1, 7.3.7).

With a register bit number and a memory operand the number reaches beyond the operand: it is a
signed offset into a bit string that starts there. So those are rows of their own.
"""

from __future__ import annotations

from ringside.isa.ports import MemoryPort
from ringside.isa.row import Row
from ringside.isa.rows.after import STATUS, after_bit, after_scan
from ringside.isa.width import Width


def bt(a: int, b: int, w: Width) -> int:
    return a >> (b & (w.bits - 1)) & 1


def bts(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & (w.bits - 1)
    return a | 1 << n, a >> n & 1


def btr(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & (w.bits - 1)
    return a & ~(1 << n), a >> n & 1


def btc(a: int, b: int, w: Width) -> tuple[int, int]:
    n = b & (w.bits - 1)
    return a ^ 1 << n, a >> n & 1


def bt_string(m: MemoryPort, seg: int, ea: int, b: int, w: Width, asz: int) -> int:
    where = (ea + ((b ^ w.sign) - w.sign) // w.bits * w.bytes) & asz
    return m.load(seg, where, w) >> (b & (w.bits - 1)) & 1


def bts_string(m: MemoryPort, seg: int, ea: int, b: int, w: Width, asz: int) -> int:
    where = (ea + ((b ^ w.sign) - w.sign) // w.bits * w.bytes) & asz
    before = m.load(seg, where, w)
    m.store(seg, where, before | 1 << (b & (w.bits - 1)), w)
    return before >> (b & (w.bits - 1)) & 1


def btr_string(m: MemoryPort, seg: int, ea: int, b: int, w: Width, asz: int) -> int:
    where = (ea + ((b ^ w.sign) - w.sign) // w.bits * w.bytes) & asz
    before = m.load(seg, where, w)
    m.store(seg, where, before & ~(1 << (b & (w.bits - 1))), w)
    return before >> (b & (w.bits - 1)) & 1


def btc_string(m: MemoryPort, seg: int, ea: int, b: int, w: Width, asz: int) -> int:
    where = (ea + ((b ^ w.sign) - w.sign) // w.bits * w.bytes) & asz
    before = m.load(seg, where, w)
    m.store(seg, where, before ^ 1 << (b & (w.bits - 1)), w)
    return before >> (b & (w.bits - 1)) & 1


def bsf(a: int, b: int) -> int:
    if b:
        x = b & -b
        n = 16 if x & 0xFFFF0000 else 0
        if x & 0xFF00FF00:
            n = n + 8
        if x & 0xF0F0F0F0:
            n = n + 4
        if x & 0xCCCCCCCC:
            n = n + 2
        if x & 0xAAAAAAAA:
            n = n + 1
    else:
        n = a
    return n


def bsr(a: int, b: int) -> int:
    if b:
        n = 16 if b >> 16 else 0
        x = b >> n
        if x >> 8:
            n = n + 8
            x = x >> 8
        if x >> 4:
            n = n + 4
            x = x >> 4
        if x >> 2:
            n = n + 2
            x = x >> 2
        if x >> 1:
            n = n + 1
    else:
        n = a
    return n


def bswap(a: int) -> int:
    return (a & 0xFF) << 24 | (a & 0xFF00) << 8 | a >> 8 & 0xFF00 | a >> 24


UNDEFINED = ("pf", "af", "sf", "of")

ROWS: tuple[Row, ...] = (
    Row(
        "bt", ("0F A3 /r | Rv Gv", "0F BA /4 ib | Ev Ib"), bt, "Copies one bit to CF.",
        gives=("temp",), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED,
    ),
    Row(
        "bt", ("0F A3 /r | Mv Gv",), bt_string, "Copies one bit of a bit string to CF.",
        gives=("temp",), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED,
    ),
    Row(
        "bts", ("0F AB /r | Rv Gv", "0F BA /5 ib | Ev Ib"), bts,
        "Copies one bit to CF and sets it.",
        gives=("1", "temp"), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "bts", ("0F AB /r | Mv Gv",), bts_string,
        "Copies one bit of a bit string to CF and sets it.",
        gives=("temp",), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "btr", ("0F B3 /r | Rv Gv", "0F BA /6 ib | Ev Ib"), btr,
        "Copies one bit to CF and clears it.",
        gives=("1", "temp"), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "btr", ("0F B3 /r | Mv Gv",), btr_string,
        "Copies one bit of a bit string to CF and clears it.",
        gives=("temp",), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "btc", ("0F BB /r | Rv Gv", "0F BA /7 ib | Ev Ib"), btc,
        "Copies one bit to CF and inverts it.",
        gives=("1", "temp"), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "btc", ("0F BB /r | Mv Gv",), btc_string,
        "Copies one bit of a bit string to CF and inverts it.",
        gives=("temp",), flags=after_bit, writes_flags=("cf",), undefined=UNDEFINED, lock=True,
    ),
    Row(
        "bsf", ("0F BC /r | Gv Ev",), bsf,
        "Finds the lowest set bit; with none it sets ZF and keeps the destination.",
        gives=("1",), flags=after_scan, writes_flags=STATUS, undefined=("cf", *UNDEFINED),
    ),
    Row(
        "bsr", ("0F BD /r | Gv Ev",), bsr,
        "Finds the highest set bit; with none it sets ZF and keeps the destination.",
        gives=("1",), flags=after_scan, writes_flags=STATUS, undefined=("cf", *UNDEFINED),
    ),
    Row("bswap", ("0F C8+r | Zd",), bswap, "Reverses the four bytes.", gives=("1",)),
)  # fmt: skip
