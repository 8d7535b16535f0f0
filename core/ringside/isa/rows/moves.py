"""Moving data: MOV, LEA, XCHG, MOVZX, CMOVcc's plain cousins (SDM vol. 1, 7.3.1)."""

from __future__ import annotations

from ringside.isa.row import PROTECTION_SYSTEM, Row
from ringside.isa.width import Width


def mov(b: int) -> int:
    return b


def lea(ea: int, w: Width) -> int:
    return ea & w.mask


def exchange(a: int, b: int) -> tuple[int, int]:
    return b, a


def sign_extend_byte(b: int, w: Width) -> int:
    return ((b ^ 0x80) - 0x80) & w.mask


def sign_extend_word(b: int, w: Width) -> int:
    return ((b ^ 0x8000) - 0x8000) & w.mask


ROWS: tuple[Row, ...] = (
    Row(
        "mov",
        (
            "88 /r | Eb Gb", "89 /r | Ev Gv", "8A /r | Gb Eb", "8B /r | Gv Ev",
            "A0 mo | AL Ob", "A1 mo | rAX Ov", "A2 mo | Ob AL", "A3 mo | Ov rAX",
            "B0+r ib | Zb Ib", "B8+r iz | Zv Iz", "C6 /0 ib | Eb Ib", "C7 /0 iz | Ev Iz",
        ),
        mov, "Copies the source to the destination.", gives=("1",),
    ),
    Row(
        "mov", ("8C /r | Rv Sw", "8C /r | Mw Sw"), mov,
        "Copies a segment selector; its low two bits may show the real privilege level.",
        gives=("1",), sensitive=PROTECTION_SYSTEM,
    ),
    Row("lea", ("8D /r | Gv M",), lea, "Computes an address and keeps it.", gives=("1",)),
    Row(
        "xchg", ("90+r | rAX Zv", "86 /r | Eb Gb", "87 /r | Ev Gv"), exchange,
        "Swaps the operands; with memory it is always atomic.", gives=("1", "2"), lock=True,
    ),
    Row(
        "movzx", ("0F B6 /r | Gv Eb", "0F B7 /r | Gv Ew"), mov,
        "Copies the narrower source, upper bits zero.", gives=("1",),
    ),
    Row(
        "movsx", ("0F BE /r | Gv Eb",), sign_extend_byte,
        "Copies the byte, its sign in the upper bits.", gives=("1",),
    ),
    Row(
        "movsx", ("0F BF /r | Gv Ew",), sign_extend_word,
        "Copies the word, its sign in the upper bits.", gives=("1",),
    ),
)  # fmt: skip
