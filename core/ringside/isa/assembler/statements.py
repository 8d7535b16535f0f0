"""Lines to items: labels, directives and instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ringside.isa.assembler.encoder import SEGMENT_PREFIX, Instruction
from ringside.isa.assembler.expressions import Expr, Scope, parse_expression
from ringside.isa.assembler.forms import mnemonics
from ringside.isa.assembler.items import (
    Align,
    Code,
    Data,
    Equate,
    Fixed,
    Item,
    Label,
    Reserve,
    Section,
    Symbols,
    Times,
)
from ringside.isa.assembler.lexer import NAME, OP, STRING, Cursor, Token
from ringside.isa.assembler.operands import (
    KEYWORDS,
    REGISTER_NAMES,
    SEGMENTS,
    parse_operand,
)
from ringside.isa.assembler.problems import Mistake, Origin, nearest

UNITS: Final = {"b": 1, "w": 2, "d": 4, "q": 8}
MAX_ADDRESS: Final = 1 << 32
NOP: Final = 0x90

PREFIXES: Final = {
    "lock": 0xF0,
    "rep": 0xF3,
    "repe": 0xF3,
    "repz": 0xF3,
    "repne": 0xF2,
    "repnz": 0xF2,
    **{name: SEGMENT_PREFIX[number] for name, number in SEGMENTS.items()},
}
SIZE_PREFIXES: Final = {"o16": (16, 0), "o32": (32, 0), "a16": (0, 16), "a32": (0, 32)}
LEFT_OUT: Final = {
    "extern": "there is no linker here: the program is one piece",
    "incbin": "binary files cannot be included",
    "struc": "`struc` is not part of this assembler; use `equ` for the offsets",
    "absolute": "`absolute` is not part of this assembler; use `equ`",
    "dt": "floating point is not part of this assembler",
}


class Statements:
    """Collects the items of a program, line by line."""

    def __init__(self, scope: Scope, origin: int) -> None:
        self.scope = scope
        self.base = origin
        self.base_set = False
        self.bits = 32
        self.bits_at_start = 0  # of the first instruction
        self.section = Section(".text")
        self.sections = {".text": self.section}
        self.defined: dict[str, Token] = {}
        self.labels: set[str] = set()
        self._equates: dict[str, tuple[Token, frozenset[str]]] = {}  # and the names each needs
        self._data = {f"d{letter}": unit for letter, unit in UNITS.items()}
        self._room = {f"res{letter}": unit for letter, unit in UNITS.items()}
        self._directives: dict[str, Callable[[Cursor, Token, Origin], None]] = {
            "bits": self._bits,
            "use16": self._use,
            "use32": self._use,
            "org": self._org,
            "section": self._section,
            "segment": self._section,
            "global": self._ignored,
            "cpu": self._ignored,
            "default": self._ignored,
            **dict.fromkeys(LEFT_OUT, self._left_out),
        }
        self._starters = (
            frozenset(self._data)
            | frozenset(self._room)
            | frozenset(self._directives)
            | frozenset(PREFIXES)
            | frozenset(SIZE_PREFIXES)
            | {"times", "align", "alignb", "equ"}
            | mnemonics()
        )

    # -- one line ----------------------------------------------------------------------------

    def line(self, tokens: list[Token], origin: Origin) -> None:
        """Read one line. Raises Mistake; a label before the mistake is kept."""
        cursor = Cursor(tokens, origin)
        self._label(cursor, origin)
        token = cursor.peek()
        if token is None:
            return
        if token.kind == OP and token.text == "[" and tokens[-1].text == "]":
            inner = Cursor(tokens[cursor.index + 1 : -1], origin)  # NASM's [bits 32]
            word = inner.peek()
            if word is None or word.word not in self._directives:
                raise token.mistake("only a directive can stand in `[ ]`", "`[bits 32]`")
            inner.index = 1
            self._directives[word.word](inner, word, origin)
            return
        if token.kind != NAME:
            raise token.mistake(
                f"`{token.text}` cannot start a statement", "a label, an instruction or a directive"
            )
        directive = self._directives.get(token.word)
        if directive is not None:
            cursor.index += 1
            directive(cursor, token, origin)
            return
        item = self._item(cursor, token)
        if not self.section.has_bytes and not isinstance(item, Reserve | Align):
            raise token.mistake("`.bss` has no bytes in the image", "resb, resw, resd or align")
        self.section.add(item, origin)

    def _label(self, cursor: Cursor, origin: Origin) -> None:
        if cursor.done():
            return
        token = cursor.tokens[0]
        if token.kind != NAME:
            return
        after = cursor.tokens[1] if cursor.end > 1 else None
        if after is not None and after.kind == OP and after.text == ":":
            if token.word in SEGMENTS:
                raise token.mistake(
                    f"`{token.text}:` is no label", f"the segment inside, `[{token.text}:…]`"
                )
            cursor.index = 2
            if cursor.word() != "equ":
                self._define(token, origin)
                return
        elif token.word not in self._starters and after is not None and after.kind == NAME:
            if after.word not in self._starters:
                return
            cursor.index = 1
            if after.word != "equ":
                self._define(token, origin)
                return
        if cursor.word() == "equ":
            cursor.index += 1
            name = self._name(token)
            expr = self._whole(cursor)
            cursor.finish("an operator or the end of the line")
            self.defined[name] = token
            if expr.const is not None:
                self.scope.constants[name] = expr.const
            needs = frozenset(op for op in expr.ops if isinstance(op, str))
            self._equates[name] = token, needs
            self.section.add(Equate(token, name, expr), origin)

    def _name(self, token: Token) -> str:
        word = token.word
        if word in REGISTER_NAMES or word in KEYWORDS:
            raise token.mistake(f"`{token.text}` already has a meaning", "another name")
        if token.text in ("$", "$$"):
            raise token.mistake(f"`{token.text}` cannot be a name", "a name")
        name = self.scope.full_name(token)
        first = self.defined.get(name)
        if first is not None:
            place = f"{first.origin.file}:{first.origin.line}"
            raise token.mistake(f"`{name}` is already defined at {place}", "another name")
        return name

    def _define(self, token: Token, origin: Origin) -> None:
        name = self._name(token)
        self.defined[name] = token
        self.labels.add(name)
        if token.text[0] != "." and not token.text.startswith("..@"):
            self.scope.label = name
        self.section.add(Label(token, name), origin)

    def _whole(self, cursor: Cursor) -> Expr:
        return parse_expression(cursor, self.scope)

    def _item(self, cursor: Cursor, token: Token) -> Item:
        """What the statement at the cursor puts into the image."""
        word = token.word
        cursor.index += 1
        if word in self._data:
            return self._values(cursor, token, self._data[word])
        if word in self._room:
            count = self._whole(cursor)
            cursor.finish("an operator or the end of the line")
            return Reserve(token, self._room[word], count, self.section.has_bytes)
        if word == "times":
            return self._times(cursor, token)
        if word in ("align", "alignb"):
            return self._align(cursor, token)
        return self._instruction(cursor, token)

    # -- data --------------------------------------------------------------------------------

    def _values(self, cursor: Cursor, token: Token, unit: int) -> Item:
        parts: list[Expr | bytes] = []
        while True:
            part = cursor.peek()
            if part is None:
                raise cursor.mistake(f"`{token.text}` needs a value", "a number, string or label")
            if part.kind == OP and part.text == "?":
                cursor.index += 1
                parts.append(bytes(unit))
            elif part.kind == STRING and self._stands_alone(cursor):
                cursor.index += 1
                assert isinstance(part.value, bytes)
                parts.append(part.value + bytes(-len(part.value) % unit))
            else:
                parts.append(self._whole(cursor))
            if cursor.done():
                break
            cursor.need(",", "`,` or an operator")
        data = Data(token, unit, parts)
        if all(isinstance(part, bytes) or part.const is not None for part in parts):
            return Fixed(token, data.emit(0, Symbols()))
        return data

    @staticmethod
    def _stands_alone(cursor: Cursor) -> bool:
        after = cursor.tokens[cursor.index + 1] if cursor.index + 1 < cursor.end else None
        return after is None or (after.kind == OP and after.text == ",")

    def _times(self, cursor: Cursor, token: Token) -> Item:
        count = self._whole(cursor)
        inner = cursor.peek()
        if inner is None or inner.kind != NAME or inner.word not in self._starters:
            raise cursor.mistake(expected="an instruction or data to repeat")
        if inner.word in self._directives or inner.word in ("times", "equ"):
            raise inner.mistake(f"`{inner.text}` cannot be repeated", "an instruction or data")
        return Times(token, count, self._item(cursor, inner))

    def _align(self, cursor: Cursor, token: Token) -> Item:
        step = self._whole(cursor)
        fill = NOP if token.word == "align" and self.section.name == ".text" else 0
        if cursor.take(","):
            inner = cursor.word()
            if inner == "nop":
                cursor.index += 1
                fill = NOP
            else:
                cursor.index += inner == "db"
                value = self._whole(cursor)
                if value.const is None or not -256 <= value.const < 256:
                    place = value.token or token
                    raise place.mistake("the filling must be a known byte", "a number up to 255")
                fill = value.const & 0xFF
        cursor.finish()
        return Align(token, step, fill, self.section.has_bytes)

    # -- instructions ------------------------------------------------------------------------

    def _instruction(self, cursor: Cursor, token: Token) -> Item:
        prefixes = bytearray()
        operand_size = address_size = 0
        while token.word in PREFIXES or token.word in SIZE_PREFIXES:
            if token.word in PREFIXES:
                prefixes.append(PREFIXES[token.word])
            else:
                o, a = SIZE_PREFIXES[token.word]
                operand_size, address_size = operand_size or o, address_size or a
            following = cursor.peek()
            if following is None:  # a prefix alone is a byte like any other
                return Fixed(token, bytes(prefixes)) if prefixes else self._unknown(token)
            token = following
            cursor.index += 1
        if token.kind != NAME or token.word not in mnemonics():
            return self._unknown(token)
        operands = []
        if not cursor.done():
            operands.append(parse_operand(cursor, self.scope))
            while cursor.take(","):
                operands.append(parse_operand(cursor, self.scope))
            cursor.finish("`,`, an operator or the end of the line")
        self.bits_at_start = self.bits_at_start or self.bits
        instruction = Instruction(
            token, operands, self.bits, bytes(prefixes), operand_size, address_size
        )
        if 0xF0 in prefixes and not all(e.row.lock for e in instruction.encodings):
            raise token.mistake(f"`lock` cannot stand before `{token.text}`")
        if instruction.is_fixed:
            return Fixed(token, instruction.bytes_at(0, {}))
        return Code(instruction)

    def _unknown(self, token: Token) -> Item:
        if token.kind != NAME:
            raise token.mistake(f"`{token.text}` does not fit here", "an instruction")
        near = nearest(token.word, sorted(self._starters))
        expected = f"`{near}`, or " if near else "an instruction, or "
        raise token.mistake(
            f"`{token.text}` is not an instruction", expected + f"`{token.text}:` for a label"
        )

    # -- directives --------------------------------------------------------------------------

    def _known(self, cursor: Cursor, token: Token, expected: str) -> int:
        expr = self._whole(cursor)
        cursor.finish()
        if expr.const is None:
            raise (expr.token or token).mistake(f"`{token.text}` needs a known number", expected)
        return expr.const

    def _bits(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        bits = self._known(cursor, token, "16 or 32")
        if bits not in (16, 32):
            raise token.mistake(f"there is no {bits}-bit code here", "`bits 16` or `bits 32`")
        self.bits = bits

    def _use(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        cursor.finish()
        self.bits = int(token.word[3:])

    def _org(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        base = self._known(cursor, token, "an address such as 0x100000")
        if self.base_set:
            raise token.mistake("`org` may be given only once")
        if not 0 <= base < MAX_ADDRESS:
            raise token.mistake(f"{base:#x} is no 32-bit address", "0 to 0xffffffff")
        self.base, self.base_set = base, True

    def _section(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        name = cursor.peek()
        if name is None or name.kind != NAME:
            raise cursor.mistake("the section's name is missing", ".text, .data or .bss")
        if name.text not in self.sections:  # attributes after the name are for linkers
            self.sections[name.text] = Section(name.text)
        self.section = self.sections[name.text]

    def _ignored(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        """A directive for linkers; one flat image needs none of them."""

    def _left_out(self, cursor: Cursor, token: Token, origin: Origin) -> None:
        raise token.mistake(LEFT_OUT[token.word])

    # -- the end -----------------------------------------------------------------------------

    def unknown_symbols(self) -> Iterator[tuple[Mistake, Origin]]:
        """A mistake for every symbol used but never defined; made one by one, as it takes time."""
        for name, token in self.scope.references.items():
            if name in self.defined:
                continue
            near = nearest(name, self.defined)
            expected = f"`{near}`" if near else "a label or `equ` of the program"
            yield token.mistake(f"`{name}` is not defined", expected), token.origin

    def circular_equates(self) -> Iterator[tuple[Mistake, Origin]]:
        """A mistake for every `equ` that needs itself, or one that does."""
        left = {name: needs & self._equates.keys() for name, (_, needs) in self._equates.items()}
        while known := {name for name, needs in left.items() if not needs}:
            left = {name: needs - known for name, needs in left.items() if name not in known}
        for name in left:
            token = self._equates[name][0]
            yield token.mistake(f"`{name}` is defined by itself", "a value"), token.origin
