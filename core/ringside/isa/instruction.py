"""A decoded instruction and its operands: what decoder, disassembler and CPU pass around.

Nothing in an :class:`Insn` depends on where it was found (branches keep their displacement), so
the same bytes always decode to equal instructions.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringside.isa.row import Form, Row
from ringside.isa.width import Width


@dataclass(frozen=True, slots=True)
class Reg:
    """A general register: ``index`` as encoded (for bytes 4..7 are AH CH DH BH)."""

    index: int
    width: Width


@dataclass(frozen=True, slots=True)
class Seg:
    """A segment register."""

    index: int


@dataclass(frozen=True, slots=True)
class Ctrl:
    """A control register CRn."""

    index: int


@dataclass(frozen=True, slots=True)
class Debug:
    """A debug register DRn."""

    index: int


@dataclass(frozen=True, slots=True)
class Mem:
    """A memory operand at ``seg:(base + index*scale + disp) & address mask``.

    ``seg`` is already resolved (default or override); ``base``/``index`` are register numbers or
    None. ``disp`` is what the hardware adds; ``shown`` is the encoded displacement, which differs
    only for POP to an ESP-based address (the address is formed after ESP moved, SDM "POP").
    """

    seg: int
    base: int | None
    index: int | None
    scale: int
    disp: int
    width: Width
    addr_bits: int
    shown: int


@dataclass(frozen=True, slots=True)
class Imm:
    """An immediate, unsigned at ``width`` (sign extension already done)."""

    value: int
    width: Width


@dataclass(frozen=True, slots=True)
class Rel:
    """A branch displacement, signed, relative to the next instruction."""

    displacement: int


@dataclass(frozen=True, slots=True)
class Far:
    """A far pointer in the instruction."""

    selector: int
    offset: int


Operand = Reg | Seg | Ctrl | Debug | Mem | Imm | Rel | Far


@dataclass(frozen=True, slots=True)
class Insn:
    """One decoded instruction.

    ``width`` is the operation's width: that of the first sized operand, else the operand size.
    ``operand_bits``/``addr_bits`` are 16 or 32 after prefixes; ``seg`` the override or None;
    ``rep`` is "", "rep" (F3) or "repne" (F2), set only where the row repeats.
    """

    row: Row
    mnemonic: str
    form: Form
    length: int
    operands: tuple[Operand, ...]
    width: Width
    operand_bits: int
    addr_bits: int
    seg: int | None
    rep: str
    lock: bool
    raw: bytes
    code_bits: int
