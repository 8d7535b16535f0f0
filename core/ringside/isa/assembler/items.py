"""What a source line puts into the image: each item knows its length now and, at last, its bytes.

Lengths are asked for again and again while labels settle (see layout.py), so ``measure`` makes
no bytes where it can avoid it. ``symbols`` maps names to values, with ``$`` for the item's own
address and ``$$`` for its section's start.
"""

from __future__ import annotations

from typing import Final, Protocol

from ringside.isa.assembler.encoder import Instruction
from ringside.isa.assembler.expressions import Expr
from ringside.isa.assembler.lexer import Token
from ringside.isa.assembler.problems import Origin, shown, span

MAX_IMAGE: Final = 16 << 20
MAX_JUMPS: Final = 1 << 16  # of one `times`; each is encoded anew
MAX_GROWTHS: Final = 4  # of an instruction, the first time included
HUGE: Final = 1 << 33  # lengths are cut here while labels settle; beyond every limit


class Symbols(dict[str, int]):
    """Values of the symbols; one not known yet is guessed to be right here."""

    __slots__ = ("changed",)

    def __init__(self) -> None:
        super().__init__()
        self.changed = False

    def __missing__(self, name: str) -> int:
        self.changed = True  # another pass is needed
        return self["$"]

    def define(self, name: str, value: int) -> None:
        """Give a symbol its value; notices if it moved."""
        if self.get(name) != value:
            self[name] = value
            self.changed = True


class Item(Protocol):
    """Something with an address. ``token`` is where it is written."""

    token: Token

    def measure(self, at: int, symbols: Symbols) -> int:
        """Its length in bytes if it stood at ``at``. Raises Mistake."""

    def emit(self, at: int, symbols: Symbols) -> bytes:
        """Its bytes; as long as measured. Raises Mistake."""


class Label:
    """A name for this address."""

    __slots__ = ("name", "token")

    def __init__(self, token: Token, name: str) -> None:
        self.token = token
        self.name = name

    def measure(self, at: int, symbols: Symbols) -> int:
        symbols.define(self.name, at)
        return 0

    def emit(self, at: int, symbols: Symbols) -> bytes:
        return b""


class Equate:
    """``name equ value``."""

    __slots__ = ("expr", "name", "token")

    def __init__(self, token: Token, name: str, expr: Expr) -> None:
        self.token = token
        self.name = name
        self.expr = expr

    def measure(self, at: int, symbols: Symbols) -> int:
        symbols.define(self.name, self.expr.value(symbols))
        return 0

    def emit(self, at: int, symbols: Symbols) -> bytes:
        self.expr.value(symbols)
        return b""


class Fixed:
    """Bytes that no label can change."""

    __slots__ = ("data", "token")

    def __init__(self, token: Token, data: bytes) -> None:
        self.token = token
        self.data = data

    def measure(self, at: int, symbols: Symbols) -> int:
        return len(self.data)

    def emit(self, at: int, symbols: Symbols) -> bytes:
        return self.data


class Code:
    """An instruction whose bytes depend on labels: short while it can, then wide for good.

    It may shrink from pass to pass but grow only a few times, so the passes come to an end.
    """

    __slots__ = ("growths", "instruction", "length", "token")

    def __init__(self, instruction: Instruction) -> None:
        self.token = instruction.token
        self.instruction = instruction
        self.length = 0
        self.growths = 0

    def measure(self, at: int, symbols: Symbols) -> int:
        instruction = self.instruction
        length = len(instruction.bytes_at(at, symbols))
        if length > self.length:
            self.growths += 1
            if self.growths > MAX_GROWTHS and not instruction.wide:
                instruction.wide = True
                length = len(instruction.bytes_at(at, symbols))
        if length != self.length:
            self.length = length
            symbols.changed = True
        return length

    def emit(self, at: int, symbols: Symbols) -> bytes:
        return self.instruction.bytes_at(at, symbols)


class Data:
    """``db dw dd dq``: values and strings, ``unit`` bytes each; strings are filled with zeros."""

    __slots__ = ("length", "parts", "token", "unit")

    def __init__(self, token: Token, unit: int, parts: list[Expr | bytes]) -> None:
        self.token = token
        self.unit = unit
        self.parts = parts
        self.length = sum(len(part) if isinstance(part, bytes) else unit for part in parts)

    def measure(self, at: int, symbols: Symbols) -> int:
        return self.length

    def emit(self, at: int, symbols: Symbols) -> bytes:
        out = bytearray()
        bits = self.unit * 8
        limit = 1 << bits
        for part in self.parts:
            if isinstance(part, bytes):
                out += part
                continue
            value = part.value(symbols)
            if not -limit <= value < limit:
                token = part.token or self.token
                raise token.mistake(f"{shown(value)} does not fit in {bits} bits", span(bits))
            out += (value & (limit - 1)).to_bytes(self.unit, "little")
        return bytes(out)


class Reserve:
    """``resb resw resd resq``: room, filled with zeros if it is ``stored`` in the image."""

    __slots__ = ("count", "stored", "token", "unit")

    def __init__(self, token: Token, unit: int, count: Expr, stored: bool) -> None:
        self.token = token
        self.unit = unit
        self.count = count
        self.stored = stored

    def measure(self, at: int, symbols: Symbols) -> int:
        return min(max(self.count.value(symbols), 0) * self.unit, HUGE)

    def emit(self, at: int, symbols: Symbols) -> bytes:
        count = self.count.value(symbols)
        if count < 0:
            raise self.token.mistake(f"{count} elements cannot be reserved", "a count from 0 up")
        return bytes(count * self.unit) if self.stored else b""


class Align:
    """``align n, fill``: bytes up to the next multiple of n, if ``stored`` in the image."""

    __slots__ = ("fill", "step", "stored", "token")

    def __init__(self, token: Token, step: Expr, fill: int, stored: bool) -> None:
        self.token = token
        self.step = step
        self.fill = fill
        self.stored = stored

    def measure(self, at: int, symbols: Symbols) -> int:
        step = self.step.value(symbols)
        return min(-at % step, HUGE) if step > 0 else 0

    def emit(self, at: int, symbols: Symbols) -> bytes:
        step = self.step.value(symbols)
        if step <= 0 or step & (step - 1):
            raise self.token.mistake(f"{step} is not a power of two", "1, 2, 4, 8, …")
        return bytes([self.fill]) * self.measure(at, symbols) if self.stored else b""


class Times:
    """``times n`` of another item. ``$`` stays at the first of them, as in NASM."""

    __slots__ = ("count", "item", "token")

    def __init__(self, token: Token, count: Expr, item: Item) -> None:
        self.token = token
        self.count = count
        self.item = item

    def measure(self, at: int, symbols: Symbols) -> int:
        count = min(max(self.count.value(symbols), 0), HUGE)
        item = self.item
        length = item.measure(at, symbols)
        if isinstance(item, Code) and count > 1 and length:
            last = item.measure(min(at + (count - 1) * length, HUGE * 64), symbols)
            if last != length:  # a jump that reaches from one end only
                item.instruction.wide = True
                length = item.measure(at, symbols)
        return min(count * length, HUGE)

    def emit(self, at: int, symbols: Symbols) -> bytes:
        count = self.count.value(symbols)
        if count < 0:
            raise self.token.mistake(
                f"`times` cannot repeat {count} times"
                + (f": there are {-count} bytes too many before it" if count > -MAX_IMAGE else ""),
                "a count from 0 up",
            )
        item = self.item
        if not isinstance(item, Code):
            return item.emit(at, symbols) * count
        if count > MAX_JUMPS:
            raise self.token.mistake(f"a jump can be repeated at most {MAX_JUMPS} times")
        out = bytearray()
        for _ in range(count):
            out += item.emit(at + len(out), symbols)
        return bytes(out)


class Section:
    """A named run of items. ``.bss`` has addresses but no bytes in the image."""

    __slots__ = ("items", "name", "origins", "start")

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: list[Item] = []
        self.origins: list[Origin] = []
        self.start = 0

    @property
    def has_bytes(self) -> bool:
        """Is it part of the image?"""
        return self.name != ".bss"

    def add(self, item: Item, origin: Origin) -> None:
        """Append an item written on the line ``origin``."""
        self.items.append(item)
        self.origins.append(origin)
