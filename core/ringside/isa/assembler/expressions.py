"""Expressions: parsed once into postfix, evaluated whenever the layout has moved.

Numbers are 64 bits wide. ``/`` and ``%`` truncate toward zero, ``>>`` keeps the sign: this is
where we leave NASM, whose unsigned division of negative numbers surprises people.
Inside ``[ ]`` an expression may add registers; they are kept beside the number as a linear sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ringside.isa.assembler.lexer import (
    BAD,
    LOCAL,
    NAME,
    NUMBER,
    OP,
    PARAM,
    STRING,
    Cursor,
    Token,
)

MAX_DEPTH: Final = 60  # of parentheses and signs
MAX_TERMS: Final = 1000
EXPECTED: Final = "a number, a symbol or `(`"

_LOW = -(1 << 63)
_HIGH = 1 << 64


def wrap(value: int) -> int:
    """``value`` cut to 64 bits, left alone when it fits as signed or unsigned."""
    if _LOW <= value < _HIGH:
        return value
    return ((value - _LOW) & (_HIGH - 1)) + _LOW


def _quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _shift_left(a: int, b: int) -> int:
    return a << b if 0 <= b < 64 else 0


def _shift_right(a: int, b: int) -> int:
    return a >> b if 0 <= b < 64 else (-1 if a < 0 <= b else 0)


Binary = Callable[[int, int], int]

# operator: (precedence, meaning); a higher precedence binds tighter
BINARY: Final[dict[str, tuple[int, Binary]]] = {
    "||": (1, lambda a, b: int(bool(a) or bool(b))),
    "&&": (2, lambda a, b: int(bool(a) and bool(b))),
    "=": (3, lambda a, b: int(a == b)),
    "==": (3, lambda a, b: int(a == b)),
    "!=": (3, lambda a, b: int(a != b)),
    "<>": (3, lambda a, b: int(a != b)),
    "<": (3, lambda a, b: int(a < b)),
    "<=": (3, lambda a, b: int(a <= b)),
    ">": (3, lambda a, b: int(a > b)),
    ">=": (3, lambda a, b: int(a >= b)),
    "|": (4, lambda a, b: a | b),
    "^": (5, lambda a, b: a ^ b),
    "&": (6, lambda a, b: a & b),
    "<<": (7, _shift_left),
    ">>": (7, _shift_right),
    "+": (8, lambda a, b: a + b),
    "-": (8, lambda a, b: a - b),
    "*": (9, lambda a, b: a * b),
    "/": (9, _quotient),
    "//": (9, _quotient),
    "%": (9, lambda a, b: a - b * _quotient(a, b)),
    "%%": (9, lambda a, b: a - b * _quotient(a, b)),
}
DIVISIONS: Final = frozenset({"/", "//", "%", "%%"})

UNARY: Final[dict[str, Callable[[int], int]]] = {
    "-": lambda a: -a,
    "+": lambda a: a,
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}


class _Apply2:
    """A binary operator in postfix, with its place for the division by zero."""

    __slots__ = ("function", "token")

    def __init__(self, token: Token, function: Binary) -> None:
        self.token = token
        self.function = function

    def __call__(self, stack: list[int]) -> None:
        b = stack.pop()
        if not b and self.token.text in DIVISIONS:
            raise self.token.mistake("division by zero")
        stack[-1] = wrap(self.function(stack[-1], b))


class _Apply1:
    """A unary operator in postfix."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[int], int]) -> None:
        self.function = function

    def __call__(self, stack: list[int]) -> None:
        stack[-1] = wrap(self.function(stack[-1]))


Operation = int | str | _Apply1 | _Apply2  # push a number, push a symbol's value, apply


class Expr:
    """An expression: ``const`` when its value is known already, else ``ops`` in postfix.

    ``regs`` are the registers added to it: (name, factor, was the factor written). Only
    addresses have them.
    """

    __slots__ = ("const", "ops", "regs", "token")

    def __init__(
        self,
        token: Token | None,
        const: int | None,
        ops: tuple[Operation, ...] = (),
        regs: tuple[tuple[str, int, bool], ...] = (),
    ) -> None:
        self.token = token
        self.const = const
        self.ops = ops
        self.regs = regs

    def postfix(self) -> tuple[Operation, ...]:
        """The expression as operations, also when it is constant."""
        return self.ops if self.const is None else (self.const,)

    def value(self, symbols: Mapping[str, int]) -> int:
        """Its value now; ``symbols`` has ``$`` and ``$$`` too. Raises Mistake on x/0."""
        if self.const is not None:
            return self.const
        stack: list[int] = []
        for op in self.ops:
            if type(op) is str:
                stack.append(symbols[op])
            elif type(op) is int:
                stack.append(op)
            else:
                op(stack)  # type: ignore[operator]
        return stack[0]


class Scope:
    """What names mean while a line is parsed: the label ``.local`` names hang on, and references.

    ``references`` collects every symbol used, with its place, so that unknown ones are reported.
    """

    __slots__ = ("constants", "label", "references", "registers")

    def __init__(self, registers: frozenset[str]) -> None:
        self.label = ""
        self.references: dict[str, Token] = {}
        self.registers = registers
        self.constants: dict[str, int] = {}

    def full_name(self, token: Token) -> str:
        """The symbol a name stands for: ``.x`` belongs to the last label without a dot."""
        name = token.text
        if name[0] == "$" and len(name) > 1 and name != "$$":
            return name[1:]
        if name[0] == "." and not name.startswith("..@"):
            return self.label + name
        return name


def parse_expression(cursor: Cursor, scope: Scope, registers: bool = False) -> Expr:
    """Parse one expression; ``registers`` allows an address such as ``ebx + 4*ecx + 8``."""
    return _binary(cursor, scope, registers, 1, 0)


def _operator(cursor: Cursor) -> tuple[str, Token] | None:
    token = cursor.peek()
    if token is None:
        return None
    if token.kind == OP:
        return token.text, token
    if token.kind in (PARAM, LOCAL):  # `10 %3` is a remainder, not a macro's parameter
        return "%", token
    return None


def _binary(cursor: Cursor, scope: Scope, registers: bool, lowest: int, depth: int) -> Expr:
    left = _unary(cursor, scope, registers, depth)
    while True:
        found = _operator(cursor)
        if found is None or found[0] not in BINARY or BINARY[found[0]][0] < lowest:
            return left
        text, token = found
        precedence, function = BINARY[text]
        if token.kind == PARAM:
            cursor.index += 1
            right = Expr(token, int(token.value))
        elif token.kind == LOCAL:
            raise token.mistake(f"`{token.text}` is known only inside a macro")
        else:
            cursor.index += 1
            right = _binary(cursor, scope, registers, precedence + 1, depth)
        left = _combine(left, token, text, function, right)


def _combine(left: Expr, token: Token, text: str, function: Binary, right: Expr) -> Expr:
    if len(left.ops) + len(left.regs) > MAX_TERMS:
        raise token.mistake("this expression is too long")
    if left.regs or right.regs:
        return _combine_address(left, token, text, function, right)
    a, b = left.const, right.const
    if a is not None and b is not None:
        if not b and text in DIVISIONS:
            raise token.mistake("division by zero")
        return Expr(left.token, wrap(function(a, b)))
    ops = (*left.postfix(), *right.postfix(), _Apply2(token, function))
    return Expr(left.token, None, ops)


def _combine_address(left: Expr, token: Token, text: str, function: Binary, right: Expr) -> Expr:
    if text == "*":
        scaled, factor = (left, right) if left.regs else (right, left)
        if factor.regs or factor.const is None:
            raise token.mistake("a register can be multiplied only by 1, 2, 4 or 8")
        regs = tuple((name, times * factor.const, True) for name, times, _ in scaled.regs)
    elif text == "+" or (text == "-" and not right.regs):
        regs = left.regs + right.regs
    elif text == "-":
        raise token.mistake("a register cannot be subtracted in an address")
    else:
        raise token.mistake(f"`{text}` cannot be used with a register in an address")
    number = _combine(_number(left), token, text, function, _number(right))
    return Expr(left.token, number.const, number.ops, regs)


def _number(expr: Expr) -> Expr:
    return Expr(expr.token, expr.const, expr.ops) if expr.regs else expr


def _unary(cursor: Cursor, scope: Scope, registers: bool, depth: int) -> Expr:
    token = cursor.peek()
    if token is None:
        raise cursor.mistake("the expression ends too early", EXPECTED)
    if depth > MAX_DEPTH:
        raise token.mistake(f"nested deeper than {MAX_DEPTH}")
    kind = token.kind
    if kind == NUMBER:
        cursor.index += 1
        return Expr(token, int(token.value))
    if kind == NAME:
        return _named(cursor, scope, registers, token)
    if kind == STRING:
        cursor.index += 1
        data = token.value
        assert isinstance(data, bytes)
        if len(data) > 8:
            raise token.mistake("a string used as a number has at most 8 characters")
        return Expr(token, int.from_bytes(data, "little"))
    if kind == OP and token.text == "(":
        cursor.index += 1
        inner = _binary(cursor, scope, registers, 1, depth + 1)
        cursor.need(")", "`)` or an operator")
        return Expr(token, inner.const, inner.ops, inner.regs)
    if kind == OP and token.text in UNARY:
        cursor.index += 1
        inner = _unary(cursor, scope, registers, depth + 1)
        if inner.regs:
            raise token.mistake(f"`{token.text}` cannot be used on a register")
        function = UNARY[token.text]
        if inner.const is not None:
            return Expr(token, wrap(function(inner.const)))
        return Expr(token, None, (*inner.postfix(), _Apply1(function)))
    if kind in (PARAM, LOCAL):
        raise token.mistake(f"`{token.text}` is known only inside a macro", EXPECTED)
    if kind == BAD:
        raise token.mistake("")
    raise token.mistake(f"`{token.text}` cannot start an expression", EXPECTED)


def _named(cursor: Cursor, scope: Scope, registers: bool, token: Token) -> Expr:
    if token.word in scope.registers:
        if not registers:
            raise token.mistake(f"register `{token.text}` cannot be used here", EXPECTED)
        cursor.index += 1
        return Expr(token, 0, (), ((token.word, 1, False),))
    cursor.index += 1
    name = scope.full_name(token)
    if name in scope.constants:
        return Expr(token, scope.constants[name])
    if name != "$" and name != "$$":
        scope.references.setdefault(name, token)
    return Expr(token, None, (name,))
