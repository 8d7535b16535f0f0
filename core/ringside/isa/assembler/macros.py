"""Macros and definitions as data, and how their tokens are filled in and joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringside.isa.assembler.lexer import (
    BAD,
    LOCAL,
    NAME,
    NUMBER,
    OP,
    PARAM,
    STRING,
    Token,
    tokens_of,
)
from ringside.isa.assembler.problems import Origin

MAX_TOKENS: Final = 20_000  # of one expanded line
MAX_WORD: Final = 200  # characters of a word made by joining

Line = tuple[list[Token], Origin]


@dataclass(frozen=True, slots=True)
class Define:
    """A ``%define``: its parameters (None without parentheses) and the tokens it stands for."""

    parameters: tuple[str, ...] | None
    body: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Macro:
    """A ``%macro``: how many parameters it takes, their defaults, its lines."""

    name: str
    least: int
    most: int
    greedy: bool
    defaults: tuple[list[Token], ...]
    body: list[Line]

    def accepts(self, count: int) -> bool:
        """Can it be used with this many parameters?"""
        return self.least <= count <= self.most or (self.greedy and count > self.most)


def takes(macro: Macro) -> str:
    if macro.greedy:
        return f"{macro.least} or more"
    if macro.least == macro.most:
        return f"exactly {macro.least}"
    return f"{macro.least} to {macro.most}" if macro.most < MAX_TOKENS else f"from {macro.least}"


def placed_at(token: Token, use: Token, index: int) -> Token:
    """``token`` of a definition, placed where the definition's name was used."""
    glued = token.glued if index else use.glued
    return Token(token.kind, token.text, token.value, use.column, glued, use.origin)


def split(tokens: list[Token], most: int, greedy: bool) -> list[list[Token]]:
    """A macro's parameters: separated by commas, ``{}`` keeps one together."""
    if not tokens:
        return []
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == OP:
            if token.text == "{":
                depth += 1
                if depth == 1:
                    continue
            elif token.text == "}":
                depth -= 1
                if depth == 0:
                    continue
            elif token.text == "," and depth <= 0 and not (greedy and len(parts) == most):
                parts.append([])
                continue
        parts[-1].append(token)
    return parts


def body_of(macro: Macro, arguments: list[list[Token]], use: Origin, number: int) -> Iterator[Line]:
    """The macro's lines with its parameters filled in."""
    for tokens, place in macro.body:
        origin = Origin(place.file, place.line, use, macro.name)
        out: list[Token] = []
        glue = False  # the token before came from a parameter
        for token in tokens:
            if token.kind == LOCAL:
                out.append(token.with_text(f"..@{number}.{token.text[2:]}"))
                glue = False
            elif token.kind == PARAM:
                filled = _argument(token, macro, arguments)
                if filled and token.glued and out and _wordlike(out[-1]) and _wordlike(filled[0]):
                    out[-1] = _join(out[-1], filled[0])
                    filled = filled[1:]
                out += filled
                glue = bool(out) and _wordlike(out[-1])
            elif glue and token.glued and _wordlike(token):
                out[-1] = _join(out[-1], token)
                glue = False
            else:
                out.append(token)
                glue = False
            if len(out) > MAX_TOKENS:
                why = "this line is too long after filling in the parameters"
                out = [Token(BAD, token.text, why, token.column, False, token.origin)]
                break
        yield out, origin


def _argument(token: Token, macro: Macro, arguments: list[list[Token]]) -> list[Token]:
    index = int(token.value)
    if index == 0:
        count = len(arguments)
        return [Token(NUMBER, str(count), count, token.column, token.glued, token.origin)]
    if index > len(arguments):
        if index <= macro.most:
            return []
        why = f"macro `{macro.name}` has no parameter {token.text}"
        return [Token(BAD, token.text, why, token.column, token.glued, token.origin)]
    return arguments[index - 1]


def _wordlike(token: Token) -> bool:
    return token.kind in (NAME, NUMBER) or (token.kind == BAD and token.text[:1].isalnum())


def _join(left: Token, right: Token) -> Token:
    """Two tokens written together become one: ``isr%1`` with 13 is ``isr13``."""
    if len(left.text) + len(right.text) > MAX_WORD:
        why = f"a joined word has at most {MAX_WORD} characters"
        return Token(BAD, left.text, why, left.column, left.glued, left.origin)
    pieces = tokens_of(left.text + right.text, left.origin)
    if len(pieces) != 1:
        why = f"`{left.text}` and `{right.text}` cannot be joined to one word"
        return Token(BAD, left.text, why, left.column, left.glued, left.origin)
    piece = pieces[0]
    return Token(piece.kind, piece.text, piece.value, left.column, left.glued, left.origin)


def pasted(tokens: list[Token]) -> list[Token]:
    """``a %+ b`` joined."""
    if not any(token.text == "%+" and token.kind == OP for token in tokens):
        return tokens
    out: list[Token] = []
    joining = False
    for token in tokens:
        if joining and out and token.kind != STRING:
            out[-1] = _join(out[-1], token)
        elif token.kind != OP or token.text != "%+":
            out.append(token)
        joining = token.kind == OP and token.text == "%+" and bool(out)
    return out
