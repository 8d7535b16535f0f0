"""One row of the RV32 instruction table, in the spirit of :mod:`ringside.isa.row`.

The *encoding* is the line of the manual's listing (vol. I, chapter 24), most significant bits
first: ``"imm[11:0] rs1 000 rd 0010011"``. Decoder, disassembler and assembler are read from it.

The *meaning* is a plain function of values; the names of its parameters say which, registers
before constants:

====================  ======================================================================
``a`` ``b``           the registers rs1 and rs2, unsigned
``imm`` ``shamt``     the immediate, sign-extended, as an unsigned 32-bit number; a shift count
``pc`` ``pc_next``    address of this instruction and of the one after it
``target``            ``pc + imm``
``m``                 memory: ``load8 load16 load32``, ``store8 store16 store32``
====================  ======================================================================

It returns what ``gives`` names: ``rd``, ``pc``, both, or nothing, and changes nothing else but
through ``m``. A *system* row's meaning is ``meaning(hart, insn)`` instead; ``hart.pc`` already
names the next instruction, and a Trap puts it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

MASK = 0xFFFF_FFFF

FIELD_BITS = {"rd": 5, "rs1": 5, "rs2": 5, "shamt": 5, "uimm": 5, "csr": 12, "fm": 4, "pred": 4,
              "succ": 4}  # fmt: skip
REGISTERS = ("a", "b")


@dataclass(frozen=True, slots=True)
class Piece:
    """``width`` bits of the word from bit ``low`` up are bits ``to`` and up of field ``name``."""

    name: str
    low: int
    width: int
    to: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """A parsed encoding: the fixed bits under ``mask`` equal ``match``; the rest are fields."""

    mask: int
    match: int
    pieces: tuple[Piece, ...]

    def extract(self, word: int) -> dict[str, int]:
        """The fields of an instruction word, unsigned."""
        fields: dict[str, int] = {}
        for piece in self.pieces:
            bits = word >> piece.low & (1 << piece.width) - 1
            fields[piece.name] = fields.get(piece.name, 0) | bits << piece.to
        return fields

    def insert(self, fields: dict[str, int]) -> int:
        """The instruction word with these fields; those not named are 0."""
        word = self.match
        for piece in self.pieces:
            word |= (fields.get(piece.name, 0) >> piece.to & (1 << piece.width) - 1) << piece.low
        return word

    def bits(self, name: str) -> int:
        """How wide a field is, the bits an immediate leaves out (they are 0) included."""
        return max(piece.to + piece.width for piece in self.pieces if piece.name == name)

    def unit(self, name: str) -> int:
        """What a field counts: its lowest encoded bit as a number."""
        return 1 << min(piece.to for piece in self.pieces if piece.name == name)


@cache
def parse_encoding(text: str) -> Encoding:
    """Read one line of the manual's listing. Raises ValueError unless it has 32 bits."""
    at, mask, match = 32, 0, 0
    pieces: list[Piece] = []
    for token in text.split():
        immediate = re.fullmatch(r"imm\[([0-9:|]+)\]", token)
        if immediate:
            for run in immediate[1].split("|"):
                high, _, low = run.partition(":")
                width = int(high) - int(low or high) + 1
                at -= width
                pieces.append(Piece("imm", at, width, int(low or high)))
        elif token in FIELD_BITS:
            at -= FIELD_BITS[token]
            pieces.append(Piece(token, at, FIELD_BITS[token], 0))
        else:
            at -= len(token)
            mask |= (1 << len(token)) - 1 << at
            match |= int(token, 2) << at
    if at:
        raise ValueError(f"encoding {text!r} has {32 - at} bits instead of 32")
    return Encoding(mask, match, tuple(pieces))


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction.

    ``operands`` is its assembler syntax: ``"rd, imm(rs1)"``. ``kind`` is ``data``, ``branch`` or
    ``system``. ``privilege``: who may execute it without a trap: ``any``, ``machine``, ``csr``
    (the register decides) or ``wait`` (mstatus.TW decides).
    """

    mnemonic: str
    encoding: str
    operands: str
    meaning: Callable[..., Any]
    text: str
    gives: tuple[str, ...] = ()
    kind: str = "data"
    privilege: str = "any"

    @property
    def takes(self) -> tuple[str, ...]:
        """The names the meaning asks for."""
        code = self.meaning.__code__
        return code.co_varnames[: code.co_argcount]

    @property
    def form(self) -> Encoding:
        """The parsed encoding."""
        return parse_encoding(self.encoding)


@dataclass(frozen=True, slots=True)
class Insn:
    """A decoded instruction. ``fields`` are as encoded but ``imm``, which is sign-extended."""

    row: Row
    word: int
    fields: dict[str, int]

    @property
    def mnemonic(self) -> str:
        """Its name."""
        return self.row.mnemonic
