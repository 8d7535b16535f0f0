"""Numbers in assembler source: symbols, arithmetic, ``%hi`` and ``%lo``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ringside.isa.assembler.problems import nearest

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+[bf]\b|\d+)|([A-Za-z_.$][\w.$]*)"
    r"|'((?:\\.|[^\\]))'|(%(?:hi|lo)\b|<<|>>|[-+*/%&|^~()]))"
)
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0}

PRECEDENCE: tuple[tuple[str, ...], ...] = (
    ("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip
OPERATORS: dict[str, Callable[[int, int], int]] = {
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "<<": lambda a, b: a << min(b, 64) if b >= 0 else a,
    ">>": lambda a, b: a >> min(b, 64) if b >= 0 else a,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
DEEPEST = 50  # brackets and signs inside each other


class Bad(Exception):
    """What is wrong with a piece of source, and what would be right."""

    def __init__(self, message: str, expected: str = "") -> None:
        super().__init__(message)
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Symbols:
    """What names mean at ``address`` (which is also what ``.`` means)."""

    named: Mapping[str, int]
    numeric: Mapping[str, Sequence[int]]
    address: int

    def value(self, name: str) -> int:
        """The value of a name, or of ``1b`` or ``1f``."""
        if name == ".":
            return self.address
        if name[0].isdigit():
            places = self.numeric.get(name[:-1], ())
            if name[-1] == "b":
                before = [place for place in places if place <= self.address]
                if before:
                    return before[-1]
            else:
                after = [place for place in places if place > self.address]
                if after:
                    return after[0]
            where = "before" if name[-1] == "b" else "after"
            raise Bad(f"there is no label `{name[:-1]}:` {where} this line")
        if name not in self.named:
            near = nearest(name, self.named)
            raise Bad(f"`{name}` is not defined", f"perhaps `{near}`" if near else "")
        return self.named[name]


def upper(value: int) -> int:
    """``%hi``: what LUI needs so that adding ``%lo`` gives the whole."""
    return value + 0x800 >> 12 & 0xF_FFFF


def lower(value: int) -> int:
    """``%lo``: the low twelve bits, signed."""
    return (value & 0xFFF ^ 0x800) - 0x800


def evaluate(text: str, symbols: Symbols) -> int:
    """The value of an expression; raises Bad."""
    tokens = tokenize(text)
    if not tokens:
        raise Bad("a number is missing")
    value, rest = operation(tokens, 0, symbols, 0)
    if rest:
        raise Bad(f"`{rest[0]}` does not belong here")
    return value


def tokenize(text: str) -> list[str]:
    """The words of an expression; a character becomes its number."""
    tokens: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            piece = re.split(r"[\s()]", text[at:].strip(), maxsplit=1)[0]
            raise Bad(f"`{piece}` is not a number or a name")
        digits, name, char, operator = found.groups()
        if char is not None:
            value = ord(char) if len(char) == 1 else _ESCAPES.get(char[1], ord(char[1]))
            tokens.append(str(value))
        else:
            tokens.append(digits or name or operator)
        at = found.end()
    return tokens


def operation(
    tokens: list[str], level: int, symbols: Symbols, depth: int
) -> tuple[int, list[str]]:
    """One level of precedence; gives the value and the tokens left over."""
    if level == len(PRECEDENCE):
        return operand(tokens, symbols, depth)
    value, tokens = operation(tokens, level + 1, symbols, depth)
    while tokens and tokens[0] in PRECEDENCE[level]:
        operator = tokens[0]
        right, tokens = operation(tokens[1:], level + 1, symbols, depth)
        if operator in "/%" and right == 0:
            raise Bad("division by zero")
        value = OPERATORS[operator](value, right)
    return value, tokens


def number(text: str) -> int:
    """Decimal, or hexadecimal or binary with their prefix."""
    return int(text, 10 if text.isdigit() else 0)


def operand(tokens: list[str], symbols: Symbols, depth: int) -> tuple[int, list[str]]:
    """A number, a name, a sign, ``%hi(…)``, or brackets."""
    if not tokens:
        raise Bad("a number is missing at the end")
    if depth > DEEPEST:
        raise Bad("there are too many brackets inside each other")
    first, rest = tokens[0], tokens[1:]
    if first in ("-", "~", "+"):
        value, rest = operand(rest, symbols, depth + 1)
        return -value if first == "-" else ~value if first == "~" else value, rest
    if first in ("%hi", "%lo"):
        value, rest = operand(rest, symbols, depth + 1)
        return upper(value) if first == "%hi" else lower(value), rest
    if first == "(":
        value, rest = operation(rest, 0, symbols, depth + 1)
        if not rest or rest[0] != ")":
            raise Bad("a closing bracket is missing")
        return value, rest[1:]
    if first[0].isdigit() and (first[-1] not in "bf" or first[:2].lower() == "0x"):
        return number(first), rest
    if first[0].isdigit() or first[0].isalpha() or first[0] in "_.$":
        return symbols.value(first), rest
    raise Bad(f"`{first}` does not belong here")
