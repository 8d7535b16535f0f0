"""Decimal arithmetic: AAA AAS AAM AAD DAA DAS (SDM vol. 1, 7.3.2.5 and vol. 2)."""

from __future__ import annotations

from ringside.isa.faults import DE
from ringside.isa.row import FlagTuple, Row
from ringside.isa.rows.after import STATUS


def aaa(eax: int, af: int) -> int:
    ax = (eax + 0x106 if (eax & 15) > 9 or af else eax) & 0xFF0F
    return (eax & 0xFFFF0000) | ax


def aas(eax: int, af: int) -> int:
    ax = (eax - 0x106 if (eax & 15) > 9 or af else eax) & 0xFF0F
    return (eax & 0xFFFF0000) | ax


def aam(eax: int, a: int) -> int:
    if a == 0:
        raise DE()
    al = eax & 0xFF
    return (eax & 0xFFFF0000) | (al // a) << 8 | al % a


def aad(eax: int, a: int) -> int:
    return (eax & 0xFFFF0000) | ((eax & 0xFF) + (eax >> 8 & 0xFF) * a & 0xFF)


def daa(eax: int, cf: int, af: int) -> int:
    al = eax & 0xFF
    low = 6 if (al & 15) > 9 or af else 0
    high = 0x60 if al > 0x99 or cf else 0
    return (eax & 0xFFFFFF00) | (al + low + high & 0xFF)


def das(eax: int, cf: int, af: int) -> int:
    al = eax & 0xFF
    low = 6 if (al & 15) > 9 or af else 0
    high = 0x60 if al > 0x99 or cf else 0
    return (eax & 0xFFFFFF00) | (al - low - high & 0xFF)


def after_ascii(eax: int, af: int) -> FlagTuple:
    """AAA and AAS: CF and AF say that the digit was adjusted."""
    cf = 1 if (eax & 15) > 9 or af else 0
    pf = zf = sf = of = None
    af = 1 if (eax & 15) > 9 or af else 0
    return cf, pf, af, zf, sf, of


def after_al(r: int) -> FlagTuple:
    """AAM and AAD: SF ZF PF from AL; ``r`` is the whole of EAX."""
    cf = 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 0
    zf = 0 if r & 0xFF else 1
    sf = r >> 7 & 1
    of = 0
    return cf, pf, af, zf, sf, of


def after_daa(eax: int, cf: int, af: int, r: int) -> FlagTuple:
    """DAA."""
    cf = 1 if (eax & 0xFF) > 0x99 or cf else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 1 if (eax & 15) > 9 or af else 0
    zf = 0 if r & 0xFF else 1
    sf = r >> 7 & 1
    of = 0
    return cf, pf, af, zf, sf, of


def after_das(eax: int, cf: int, af: int, r: int) -> FlagTuple:
    """DAS also carries when the low digit's 6 does not fit into AL."""
    cf = 1 if (eax & 0xFF) > 0x99 or cf or (af and (eax & 0xFF) < 6) else 0
    pf = 0x9669 >> ((r ^ (r >> 4)) & 15) & 1
    af = 1 if (eax & 15) > 9 or af else 0
    zf = 0 if r & 0xFF else 1
    sf = r >> 7 & 1
    of = 0
    return cf, pf, af, zf, sf, of


ROWS: tuple[Row, ...] = (
    Row(
        "aaa", ("37 |",), aaa, "Makes AL one decimal digit after an addition, carry to AH.",
        gives=("eax",), flags=after_ascii, writes_flags=("cf", "af"), reads_flags=("af",),
        undefined=("pf", "zf", "sf", "of"),
    ),
    Row(
        "aas", ("3F |",), aas, "Makes AL one decimal digit after a subtraction, borrow from AH.",
        gives=("eax",), flags=after_ascii, writes_flags=("cf", "af"), reads_flags=("af",),
        undefined=("pf", "zf", "sf", "of"),
    ),
    Row(
        "aam", ("D4 ib | Ib",), aam, "Splits AL into digits: quotient to AH, remainder to AL.",
        gives=("eax",), flags=after_al, writes_flags=STATUS, undefined=("cf", "af", "of"),
    ),
    Row(
        "aad", ("D5 ib | Ib",), aad, "Joins two digits: AL gets AH times the base plus AL.",
        gives=("eax",), flags=after_al, writes_flags=STATUS, undefined=("cf", "af", "of"),
    ),
    Row(
        "daa", ("27 |",), daa, "Corrects AL to two decimal digits after an addition.",
        gives=("eax",), flags=after_daa, writes_flags=STATUS, reads_flags=("cf", "af"),
        undefined=("of",),
    ),
    Row(
        "das", ("2F |",), das, "Corrects AL to two decimal digits after a subtraction.",
        gives=("eax",), flags=after_das, writes_flags=STATUS, reads_flags=("cf", "af"),
        undefined=("of",),
    ),
)  # fmt: skip
