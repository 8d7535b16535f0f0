"""Source text to tokens. Total: a piece that is no token becomes one of kind BAD that says why."""

from __future__ import annotations

import re
from typing import Final

from ringside.isa.assembler.problems import Mistake, Origin

NAME: Final = "name"  # a symbol, mnemonic, register, keyword; also $ and $$
NUMBER: Final = "number"  # value: int
STRING: Final = "string"  # value: bytes
OP: Final = "op"  # punctuation and operators
PARAM: Final = "param"  # %1, %{1}; value: int
LOCAL: Final = "local"  # %%name
DIRECTIVE: Final = "directive"  # %define and its kin, first on a line
BAD: Final = "bad"  # value: why, as text

LIMIT: Final = 1 << 64  # numbers are 64 bits wide


class Token:
    """One token: ``text`` as written, ``word`` its lower case, ``glued`` if nothing stands before.

    ``column`` counts from 1 in the line ``origin``.
    """

    __slots__ = ("column", "glued", "kind", "origin", "text", "value", "word")

    def __init__(
        self, kind: str, text: str, value: int | bytes | str, column: int, glued: bool, line: Origin
    ) -> None:
        self.kind = kind
        self.text = text
        self.word = text.lower()
        self.value = value
        self.column = column
        self.glued = glued
        self.origin = line

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.text!r}, column {self.column})"

    def with_text(self, text: str, kind: str = NAME) -> Token:
        """This token's place with another text."""
        return Token(kind, text, 0, self.column, self.glued, self.origin)

    def mistake(self, message: str, expected: str = "") -> Mistake:
        """A mistake at this token; a BAD token knows better what is wrong."""
        if self.kind == BAD:
            return Mistake(str(self.value), "", self.column, self.origin)
        return Mistake(message, expected, self.column, self.origin)


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v]+)
  | (?P<comment>;.*)
  | (?P<name>\$?[A-Za-z_.@][A-Za-z0-9_.@$\#~]* | \$\$)
  | (?P<number>\$?[0-9][A-Za-z0-9_.]*)
  | (?P<here>\$)
  | (?P<string>'[^']*'|"[^"]*"|`(?:[^`\\]|\\.)*`)
  | (?P<param>%\d+|%\{\s*\d+\s*\})
  | (?P<local>%%[A-Za-z_.@][A-Za-z0-9_.@$\#~]*)
  | (?P<directive>%[A-Za-z]+)
  | (?P<op><<|>>|==|!=|<>|<=|>=|&&|\|\||//|%%|%\+|[-+*/%&|^~!()\[\]:,<>=?{}])
  | (?P<bad>.)
    """,
    re.VERBOSE | re.ASCII,
)

_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "e": 27, "a": 7, "b": 8, "\\": 92, "`": 96}
_ESCAPES |= {"'": 39, '"': 34}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|.)")

_DIGITS = {"b": (2, "01"), "y": (2, "01"), "o": (8, "01234567"), "q": (8, "01234567")}
_DIGITS |= {"d": (10, "0123456789"), "t": (10, "0123456789")}
_DIGITS |= {"h": (16, "0123456789abcdef"), "x": (16, "0123456789abcdef")}


def number(text: str) -> int | None:
    """The value of an integer literal (0x1F 1Fh $1F 0b101 101b 17o 10d 1_000), or None."""
    word = text.lower().replace("_", "")
    if len(word) > 80:
        return None
    if word.startswith("$"):
        return _in_base(word[1:], "h")
    if word.isdigit():
        return int(word)
    if len(word) > 2 and word[0] == "0" and word[1] in _DIGITS:
        value = _in_base(word[2:], word[1])
        if value is not None:
            return value
    if word[-1] in _DIGITS and word[-1] != "x":
        return _in_base(word[:-1], word[-1])
    return None


def _in_base(digits: str, letter: str) -> int | None:
    base, allowed = _DIGITS[letter]
    if not digits or any(digit not in allowed for digit in digits):
        return None
    return int(digits, base)


def _unescape(body: str) -> bytes:
    out = bytearray()
    end = 0
    for match in _ESCAPE.finditer(body):
        out += body[end : match.start()].encode("utf-8", "replace")
        code = match.group(1)
        if code[0] == "x" and len(code) > 1:
            out.append(int(code[1:], 16))
        elif code in _ESCAPES:
            out.append(_ESCAPES[code])
        else:
            out += code.encode("utf-8", "replace")
        end = match.end()
    return bytes(out + body[end:].encode("utf-8", "replace"))


def _bad(text: str) -> str:
    if text in "'\"`":
        return f"this string has no closing {text}"
    if text == "\\":
        return "`\\` continues a line only as its last character"
    if not text.isprintable() or not text.isascii():
        return f"the character U+{ord(text):04X} may stand only in strings and comments"
    return f"`{text}` has no meaning here"


def tokens_of(text: str, line: Origin) -> list[Token]:
    """All tokens of one line of source; comments and blanks leave none."""
    tokens: list[Token] = []
    add = tokens.append
    end = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "comment":
            break
        piece = match.group()
        start = match.start()
        glued = start == end
        end = match.end()
        column = start + 1
        if kind == "name" or kind == "op" or kind == "local":
            add(Token(kind, piece, 0, column, glued, line))
        elif kind == "number":
            value = number(piece)
            if value is None:
                why = f"`{piece[:40]}{'…' * (len(piece) > 40)}` is not a whole number"
                add(Token(BAD, piece, why, column, glued, line))
            elif value >= LIMIT:
                add(Token(BAD, piece, "this number is wider than 64 bits", column, glued, line))
            else:
                add(Token(NUMBER, piece, value, column, glued, line))
        elif kind == "string":
            body = piece[1:-1]
            data = _unescape(body) if piece[0] == "`" else body.encode("utf-8", "replace")
            add(Token(STRING, piece, data, column, glued, line))
        elif kind == "here":
            add(Token(NAME, piece, 0, column, glued, line))
        elif kind == "param":
            index = piece.strip("%{} \t")
            if len(index) > 4:
                add(Token(BAD, piece, "no macro has so many parameters", column, glued, line))
            else:
                add(Token(PARAM, piece, int(index), column, glued, line))
        elif kind == "directive":
            if not tokens:
                add(Token(DIRECTIVE, piece, 0, column, glued, line))
            else:  # `a %b` is a remainder
                add(Token(OP, "%", 0, column, glued, line))
                add(Token(NAME, piece[1:], 0, column + 1, True, line))
        else:
            add(Token(BAD, piece, _bad(piece), column, glued, line))
    return tokens


def text_of(tokens: list[Token]) -> str:
    """The tokens as text again, for messages."""
    return "".join(
        token.text if token.glued or index == 0 else " " + token.text
        for index, token in enumerate(tokens)
    )


class Cursor:
    """Reads the tokens of one line from left to right."""

    __slots__ = ("end", "index", "line", "tokens")

    def __init__(self, tokens: list[Token], line: Origin) -> None:
        self.tokens = tokens
        self.index = 0
        self.end = len(tokens)
        self.line = line

    def peek(self) -> Token | None:
        """The next token, or None at the end."""
        return self.tokens[self.index] if self.index < self.end else None

    def word(self) -> str:
        """The next token's lower-case text, or "" at the end."""
        return self.tokens[self.index].word if self.index < self.end else ""

    def done(self) -> bool:
        """Nothing is left."""
        return self.index >= self.end

    def take(self, text: str) -> bool:
        """Step over the next token if it is this operator."""
        if self.index < self.end:
            token = self.tokens[self.index]
            if token.kind == OP and token.text == text:
                self.index += 1
                return True
        return False

    def need(self, text: str, expected: str = "") -> None:
        """Step over this operator, or complain."""
        if not self.take(text):
            raise self.mistake(f"`{text}` is missing", expected or f"`{text}`")

    def mistake(self, message: str = "", expected: str = "") -> Mistake:
        """A mistake at the next token, or behind the last one."""
        token = self.peek()
        if token is not None:
            return token.mistake(message or f"`{token.text}` does not fit here", expected)
        if self.tokens:
            last = self.tokens[-1]
            column, origin = last.column + len(last.text), last.origin
        else:
            column, origin = 1, self.line
        return Mistake(message or "the line ends too early", expected, column, origin)

    def finish(self, expected: str = "the end of the line") -> None:
        """Complain about anything left over."""
        if self.index < self.end:
            raise self.mistake(expected=expected)
