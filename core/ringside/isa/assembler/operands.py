"""Operands as the source writes them: registers, addresses, numbers, far pointers."""

from __future__ import annotations

from typing import Final

from ringside.isa.assembler.expressions import Expr, Scope, parse_expression
from ringside.isa.assembler.lexer import NAME, OP, Cursor, Token
from ringside.isa.registers import (
    NAMES8,
    NAMES16,
    NAMES32,
    SEGMENT_NAMES,
)

REG: Final = "register"
SEG: Final = "segment register"
CTRL: Final = "control register"
DEBUG: Final = "debug register"
MEM: Final = "memory"
IMM: Final = "number"
FAR: Final = "far pointer"

# name -> (kind, number, bits)
REGISTERS: Final[dict[str, tuple[str, int, int]]] = {
    **{name: (REG, index, 8) for index, name in enumerate(NAMES8)},
    **{name: (REG, index, 16) for index, name in enumerate(NAMES16)},
    **{name: (REG, index, 32) for index, name in enumerate(NAMES32)},
    **{name: (SEG, index, 16) for index, name in enumerate(SEGMENT_NAMES)},
    **{f"cr{index}": (CTRL, index, 32) for index in range(8)},
    **{f"dr{index}": (DEBUG, index, 32) for index in range(8)},
}
REGISTER_NAMES: Final = frozenset(REGISTERS)
SEGMENTS: Final = {name: index for index, name in enumerate(SEGMENT_NAMES)}

SIZES: Final = {"byte": 8, "word": 16, "dword": 32, "qword": 64}
DISTANCES: Final = frozenset({"short", "near", "far"})
KEYWORDS: Final = frozenset(SIZES) | DISTANCES | {"strict", "ptr"}
EXPECTED: Final = "a register, a number or a memory operand like `[ebx+4]`"

# SDM vol. 2, table 2-1: the eight base/index pairs of 16-bit addressing, in ModRM order
PAIRS16: Final = ("bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx")

Shape = tuple[str, int, int, str]


class Operand:
    """One operand.

    ``kind`` and, for registers, ``number`` and ``bits``; for memory ``bits`` is 0 if unsaid.
    ``expr`` is the number, or the address' displacement; ``selector`` a far pointer's first half.
    ``distance`` is "", "short", "near" or "far"; ``strict`` keeps an immediate at full size.
    Memory: ``segment`` override or None; ``base`` ``index`` register numbers or None, ``scale``;
    in 16-bit addressing ``base`` is the row of PAIRS16. ``address_bits`` 0 means the default of
    the code; ``displacement_bits`` 0 means the shortest.
    """

    __slots__ = (
        "address_bits",
        "base",
        "bits",
        "displacement_bits",
        "distance",
        "expr",
        "index",
        "kind",
        "number",
        "scale",
        "segment",
        "selector",
        "strict",
        "token",
    )

    def __init__(self, kind: str, token: Token, number: int = 0, bits: int = 0) -> None:
        self.kind = kind
        self.token = token
        self.number = number
        self.bits = bits
        self.expr: Expr | None = None
        self.selector: Expr | None = None
        self.distance = ""
        self.strict = False
        self.segment: int | None = None
        self.base: int | None = None
        self.index: int | None = None
        self.scale = 1
        self.address_bits = 0
        self.displacement_bits = 0

    @property
    def shape(self) -> Shape:
        """Everything the choice of forms depends on, hashable."""
        if self.kind == MEM:
            direct = int(self.base is None and self.index is None)
            return (MEM, direct, self.bits, self.distance)
        return (self.kind, self.number, self.bits, self.distance)

    @property
    def is_fixed(self) -> bool:
        """Does it encode the same wherever the labels end up?"""
        return (self.expr is None or self.expr.const is not None) and (
            self.selector is None or self.selector.const is not None
        )


def parse_operand(cursor: Cursor, scope: Scope) -> Operand:
    """Parse one operand. Raises Mistake."""
    token = cursor.peek()
    if token is None:
        raise cursor.mistake("an operand is missing", EXPECTED)
    bits, distance, strict = 0, "", False
    start = token
    while token is not None and token.kind == NAME and token.word in KEYWORDS:
        word = token.word
        if word in SIZES:
            if bits:
                raise token.mistake("two sizes for one operand")
            bits = SIZES[word]
        elif word in DISTANCES:
            distance = word
        else:
            strict = strict or word == "strict"
        cursor.index += 1
        token = cursor.peek()
    if token is None:
        raise cursor.mistake("an operand is missing", EXPECTED)

    known = REGISTERS.get(token.word) if token.kind == NAME else None
    if known is not None:
        cursor.index += 1
        if known[0] == SEG and cursor.take(":"):  # es:[edi]
            if cursor.word() != "[":
                raise cursor.mistake("a memory operand is missing", "`[`")
            operand = _memory(cursor, scope, bits)
            operand.segment = known[1]
        else:
            operand = Operand(known[0], token, known[1], known[2])
            if bits and bits != known[2]:
                raise start.mistake(f"`{token.text}` is {known[2]} bits wide, not {bits}")
        operand.distance = distance
    elif token.kind == OP and token.text == "[":
        operand = _memory(cursor, scope, bits)
        operand.distance = distance
    else:
        operand = _number(cursor, scope, token, bits, distance)
        operand.strict = strict
    return operand


def _number(cursor: Cursor, scope: Scope, token: Token, bits: int, distance: str) -> Operand:
    expr = parse_expression(cursor, scope)
    if not cursor.take(":"):
        operand = Operand(IMM, token, 0, bits)
        operand.expr = expr
        operand.distance = distance
        return operand
    operand = Operand(FAR, token)
    operand.selector = expr
    inner = cursor.word()
    if inner in SIZES and not bits:
        bits = SIZES[inner]
        cursor.index += 1
    operand.expr = parse_expression(cursor, scope)
    operand.bits = bits
    return operand


def _memory(cursor: Cursor, scope: Scope, bits: int) -> Operand:
    opening = cursor.tokens[cursor.index]
    operand = Operand(MEM, opening, 0, bits)
    cursor.index += 1
    forced = 0
    if cursor.word() in SIZES:
        forced = SIZES[cursor.word()]
        cursor.index += 1
    token = cursor.peek()
    after = cursor.tokens[cursor.index + 1] if cursor.index + 1 < cursor.end else None
    if token is not None and token.word in SEGMENTS and after is not None and after.text == ":":
        operand.segment = SEGMENTS[token.word]
        cursor.index += 2
    if cursor.word() in SIZES and not forced:
        forced = SIZES[cursor.word()]
        cursor.index += 1
    expr = parse_expression(cursor, scope, registers=True)
    cursor.need("]", "`]` or an operator")
    operand.expr = Expr(expr.token, expr.const, expr.ops)
    if expr.regs:
        _address(operand, expr)
        operand.displacement_bits = forced
    else:
        operand.address_bits = forced
        if forced not in (0, 16, 32):
            raise opening.mistake("an address is 16 or 32 bits wide", "`word` or `dword`")
    return operand


def _address(operand: Operand, expr: Expr) -> None:
    token = operand.token
    factors: dict[str, int] = {}
    scaled: set[str] = set()
    widths: set[int] = set()
    for name, factor, written in expr.regs:
        kind, _, bits = REGISTERS[name]
        if kind != REG or bits == 8:
            raise token.mistake(
                f"`{name}` cannot be part of an address",
                "a 32-bit register, or bx, bp, si, di",
            )
        widths.add(bits)
        factors[name] = factors.get(name, 0) + factor
        if written:
            scaled.add(name)
    if len(widths) != 1:
        raise token.mistake("an address cannot mix 16-bit and 32-bit registers")
    factors = {name: factor for name, factor in factors.items() if factor}
    operand.address_bits = widths.pop()
    if operand.address_bits == 16:
        _address16(operand, factors)
    else:
        _address32(operand, factors, scaled)


def _address16(operand: Operand, factors: dict[str, int]) -> None:
    key = "+".join(sorted(factors))
    if any(factor != 1 for factor in factors.values()) or (key and key not in _SORTED16):
        raise operand.token.mistake(
            "16-bit addressing cannot combine these registers",
            "[bx], [bp], [si], [di] or one of bx, bp plus one of si, di",
        )
    operand.base = _SORTED16.get(key)


_SORTED16: Final = {"+".join(sorted(pair.split("+"))): row for row, pair in enumerate(PAIRS16)}


def _address32(operand: Operand, factors: dict[str, int], scaled: set[str]) -> None:
    """Choose base, index and scale; like NASM, ``[eax*2]`` becomes the shorter ``[eax+eax]``."""
    token = operand.token
    if len(factors) > 2:
        raise token.mistake("an address has at most two registers", "[base + index*scale + number]")
    if any(factor not in (1, 2, 3, 4, 5, 8, 9) for factor in factors.values()):
        raise token.mistake("a register can be multiplied only by 1, 2, 4 or 8")
    esp = 4
    if len(factors) == 1:
        ((name, factor),) = factors.items()
        number = REGISTERS[name][1]
        if factor == 1:
            operand.base = number
        elif factor in (2, 3, 5, 9):
            operand.base, operand.index, operand.scale = number, number, factor - 1
        else:
            operand.index, operand.scale = number, factor
    elif factors:
        # a factor, even a written `*1`, marks the index
        base, index = sorted(factors, key=lambda name: (factors[name] != 1, name in scaled))
        if index == "esp" and factors[index] == 1:
            base, index = index, base
        if factors[base] != 1:
            raise token.mistake("only one register of an address can be multiplied")
        operand.base, operand.index = REGISTERS[base][1], REGISTERS[index][1]
        operand.scale = factors[index]
    if operand.index == esp:
        raise token.mistake("`esp` cannot be the index of an address", "`esp` once, not multiplied")
    if operand.scale not in (1, 2, 4, 8):
        raise token.mistake("a register can be multiplied only by 1, 2, 4 or 8")
