"""Operand widths: the three sizes IA-32 integer instructions work in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Width:
    """An operand width, with the constants arithmetic at that width needs.

    ``bits`` and ``bytes`` are the size, ``mask`` has every bit of it set, ``sign`` only the top
    one, and ``name`` is the assembler's size keyword.
    """

    bits: int
    bytes: int
    mask: int
    sign: int
    name: str


B = Width(8, 1, 0xFF, 0x80, "byte")
W = Width(16, 2, 0xFFFF, 0x8000, "word")
D = Width(32, 4, 0xFFFF_FFFF, 0x8000_0000, "dword")

BY_BITS = {8: B, 16: W, 32: D}
