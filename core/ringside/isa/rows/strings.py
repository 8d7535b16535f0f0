"""String instructions: one element per meaning; REP is the processor's loop (SDM vol. 1, 7.3.9).

DS (or an override) is the segment of the source, ES always that of the destination. ``asz``
chooses SI/DI or ESI/EDI. The INS and OUTS rows are in ``io.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringside.isa.ports import MemoryPort
from ringside.isa.registers import ES
from ringside.isa.row import FlagTuple, Row
from ringside.isa.rows.after import STATUS, after_compare
from ringside.isa.width import B, Width


def movs(
    m: MemoryPort, seg: int, esi: int, edi: int, df: int, w: Width, asz: int
) -> tuple[int, int]:
    m.store(ES, edi & asz, m.load(seg, esi & asz, w), w)
    step = -w.bytes if df else w.bytes
    return (esi & ~asz) | ((esi + step) & asz), (edi & ~asz) | ((edi + step) & asz)


def cmps(
    m: MemoryPort, seg: int, esi: int, edi: int, df: int, w: Width, asz: int
) -> tuple[int, int, int, int, int]:
    left = m.load(seg, esi & asz, w)
    right = m.load(ES, edi & asz, w)
    step = -w.bytes if df else w.bytes
    source = (esi & ~asz) | ((esi + step) & asz)
    target = (edi & ~asz) | ((edi + step) & asz)
    return (left - right) & w.mask, left, right, source, target


def stos(m: MemoryPort, eax: int, edi: int, df: int, w: Width, asz: int) -> int:
    m.store(ES, edi & asz, eax & w.mask, w)
    return (edi & ~asz) | ((edi - w.bytes if df else edi + w.bytes) & asz)


def lods(
    m: MemoryPort, seg: int, eax: int, esi: int, df: int, w: Width, asz: int
) -> tuple[int, int]:
    value = m.load(seg, esi & asz, w)
    source = (esi & ~asz) | ((esi - w.bytes if df else esi + w.bytes) & asz)
    return (eax & ~w.mask) | value, source


def scas(
    m: MemoryPort, eax: int, edi: int, df: int, w: Width, asz: int
) -> tuple[int, int, int, int]:
    left = eax & w.mask
    right = m.load(ES, edi & asz, w)
    target = (edi & ~asz) | ((edi - w.bytes if df else edi + w.bytes) & asz)
    return (left - right) & w.mask, left, right, target


def xlat(m: MemoryPort, seg: int, eax: int, ebx: int, asz: int) -> int:
    return (eax & 0xFFFFFF00) | m.load(seg, (ebx + (eax & 0xFF)) & asz, B)


def three_sizes(
    name: str,
    opcode: int,
    operands: str,
    meaning: Callable[..., Any],
    text: str,
    gives: tuple[str, ...],
    flags: Callable[..., FlagTuple] | None = None,
) -> tuple[Row, ...]:
    """The byte, word and doubleword rows of one string operation."""
    sizes = (
        ("b", f"{opcode:02X} | {operands.replace('?', 'b')}"),
        ("w", f"o16 {opcode + 1:02X} | {operands.replace('?', 'v')}"),
        ("d", f"o32 {opcode + 1:02X} | {operands.replace('?', 'v')}"),
    )
    return tuple(
        Row(
            name + size, (form,), meaning, text, gives=gives, flags=flags, kind="string",
            writes_flags=STATUS if flags else (), repeat="repe" if flags else "rep",
        )
        for size, form in sizes
    )  # fmt: skip


ROWS: tuple[Row, ...] = (
    *three_sizes(
        "movs", 0xA4, "Y? X?", movs, "Copies one element from DS:ESI to ES:EDI, moves both.",
        ("esi", "edi"),
    ),
    *three_sizes(
        "cmps", 0xA6, "X? Y?", cmps, "Compares DS:ESI with ES:EDI and moves both.",
        ("temp", "left", "right", "esi", "edi"), after_compare,
    ),
    *three_sizes(
        "stos", 0xAA, "Y?", stos, "Stores the accumulator at ES:EDI and moves EDI.", ("edi",)
    ),
    *three_sizes(
        "lods", 0xAC, "X?", lods, "Loads the accumulator from DS:ESI and moves ESI.",
        ("eax", "esi"),
    ),
    *three_sizes(
        "scas", 0xAE, "Y?", scas, "Compares the accumulator with ES:EDI and moves EDI.",
        ("temp", "left", "right", "edi"), after_compare,
    ),
    Row("xlat", ("D7 |",), xlat, "Looks AL up in the byte table at DS:EBX.", gives=("eax",)),
)  # fmt: skip
