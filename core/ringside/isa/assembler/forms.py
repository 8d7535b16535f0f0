"""Which encodings of the instruction table fit a mnemonic and its operands.

Nothing here knows an opcode: the rows' forms, in the SDM's notation, are expanded once per
operand size and matched against the operands' shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from ringside.isa.assembler.lexer import Token
from ringside.isa.assembler.operands import (
    CTRL,
    DEBUG,
    FAR,
    IMM,
    MEM,
    REG,
    SEG,
    SEGMENTS,
    Operand,
    Shape,
)
from ringside.isa.assembler.problems import Mistake
from ringside.isa.row import Form, Row
from ringside.isa.table import ALIASES, ROWS, SIZED_SPELLINGS

# Fixed registers of the notation; None stands for the operand size.
_FIXED: Final[dict[str, tuple[str, int, int | None]]] = {
    "AL": (REG, 0, 8),
    "CL": (REG, 1, 8),
    "DX": (REG, 2, 16),
    "AX": (REG, 0, 16),
    "rAX": (REG, 0, None),
    "eAX": (REG, 0, None),
    **{name.upper(): (SEG, number, 16) for name, number in SEGMENTS.items()},
}
_KINDS: Final = {
    "E": (REG, MEM),
    "G": (REG,),
    "R": (REG,),
    "Z": (REG,),
    "M": (MEM,),
    "O": (MEM,),
    "S": (SEG,),
    "C": (CTRL,),
    "D": (DEBUG,),
    "I": (IMM,),
    "J": (IMM,),
    "A": (FAR,),
}
_WORDS: Final = {
    REG: "a register",
    MEM: "a memory operand",
    SEG: "a segment register",
    CTRL: "a control register",
    DEBUG: "a debug register",
    IMM: "a number",
    FAR: "a far pointer `selector:offset`",
}
_BITS: Final = {"b": 8, "w": 16, "d": 32, "q": 64, "bs": 8}
_IMMEDIATE_LETTERS: Final = frozenset("IJAO")


class Spec:
    """One operand letter of a form at one operand size.

    ``kinds`` of operands it takes; ``bits`` its size, 0 if any; ``number`` of a fixed register,
    else None; ``constant`` of a fixed number (the 1 of shifts), else None.
    """

    __slots__ = ("bits", "constant", "kinds", "letter", "number", "size", "text")

    def __init__(self, text: str, operand_bits: int) -> None:
        self.text = text
        self.number: int | None = None
        self.constant: int | None = None
        self.size = ""
        fixed = _FIXED.get(text)
        if fixed is not None:
            kind, self.number, bits = fixed
            self.letter = "fixed"
            self.kinds: tuple[str, ...] = (kind,)
            self.bits = operand_bits if bits is None else bits
        elif text.isdigit():
            self.letter = "constant"
            self.kinds = (IMM,)
            self.constant = int(text)
            self.bits = 8
        else:
            self.letter, self.size = text[0], text[1:]
            self.kinds = _KINDS[self.letter]
            self.bits = _BITS.get(self.size, operand_bits if self.size in ("v", "z") else 0)

    def takes(self, shape: Shape, first: bool, operand_bits: int, system: bool) -> bool:
        """Does an operand of this shape fit?"""
        kind, number, bits, distance = shape
        if kind not in self.kinds:
            return False
        if kind in (REG, SEG):
            if distance not in ("", "near"):
                return False
            if self.number is not None and number != self.number:
                return False
            if kind == SEG or bits == self.bits or self.bits == 0:
                return True
            # NASM's leniency: `ltr eax`, `mov ds, eax` use the low word
            return system and self.size == "w" and bits == 32
        if kind == MEM:
            return self._takes_memory(number, bits, distance, first, operand_bits)
        if kind == IMM:
            if self.letter == "J":
                if self.size == "b":
                    return distance in ("", "short") and not bits
                return distance in ("", "near") and bits in (0, operand_bits)
            if self.size == "bs" and bits == operand_bits:
                return not distance
            return not distance and bits in (0, self.bits)
        if kind == FAR:
            return distance in ("", "far") and bits in (0, operand_bits)
        return True

    def _takes_memory(
        self, direct: int, bits: int, distance: str, first: bool, operand_bits: int
    ) -> bool:
        if self.letter == "O" and not direct:
            return False
        if self.size == "p":
            if first and distance != "far":
                return False
            return bits in (0, operand_bits)
        if distance not in ("", "near"):
            return False
        return bits == 0 or self.bits in (0, bits)


class Encoding:
    """One form at one operand size (None: it has only one), ready to be filled in.

    ``specs`` are the operands the source writes; ``rm`` ``reg`` ``plus`` say which of them goes
    into ModRM.rm, ModRM.reg and the opcode byte (-1: none); ``immediates`` pairs each immediate
    field with its operand. ``short``: it has fields that not every value fits.
    """

    __slots__ = (
        "form",
        "immediates",
        "operand_bits",
        "plus",
        "reg",
        "rm",
        "row",
        "short",
        "specs",
    )

    def __init__(self, row: Row, form: Form, operand_bits: int | None) -> None:
        self.row = row
        self.form = form
        self.operand_bits = operand_bits
        texts = [text for text in form.operands if text[0] not in "XY"]
        self.specs = tuple(Spec(text, operand_bits or 32) for text in texts)
        self.rm = self.reg = self.plus = -1
        fields: list[tuple[str, int]] = []
        waiting = list(form.immediates)
        for index, spec in enumerate(self.specs):
            if spec.letter in "EMR":
                self.rm = index
            elif spec.letter in "GSCD":
                self.reg = index
            elif spec.letter == "Z":
                self.plus = index
            elif spec.letter in _IMMEDIATE_LETTERS and waiting:
                fields.append((waiting.pop(0), index))
        self.immediates = tuple(fields)
        self.short = any(
            spec.size == "bs" or spec.constant is not None or (spec.letter + spec.size) == "Jb"
            for spec in self.specs
        )

    def takes(self, shapes: Sequence[Shape], forced: int) -> bool:
        """Do operands of these shapes fit? ``forced`` is the size of an o16/o32 prefix, or 0."""
        if len(shapes) != len(self.specs):
            return False
        if forced and self.operand_bits not in (None, forced):
            return False
        bits = self.operand_bits or 32
        system = self.row.kind == "system"
        return all(
            spec.takes(shape, index == 0, bits, system)
            for index, (spec, shape) in enumerate(zip(self.specs, shapes, strict=True))
        )

    def takes_first(self, operands: Sequence[Operand]) -> bool:
        """Do these operands fit as the first ones?"""
        return all(
            spec.takes(operand.shape, index == 0, self.operand_bits or 32, False)
            for index, (spec, operand) in enumerate(zip(self.specs, operands, strict=False))
        )


def _sized(form: Form) -> bool:
    """Does the operand size change what this form means?"""
    return any(
        text[1:] in ("v", "z", "p", "a", "bs") or text in ("rAX", "eAX") for text in form.operands
    ) or any(field in ("iz", "cz", "ap") for field in form.immediates)


@cache
def _by_mnemonic() -> dict[str, list[Encoding]]:
    table: dict[str, list[Encoding]] = {}
    for row in ROWS:
        for form in row.encodings:
            sizes: tuple[int | None, ...] = (None,)
            if form.operand_bits is not None:
                sizes = (form.operand_bits,)
            elif "Zd" in form.operands:  # BSWAP: needs the 32-bit operand size
                sizes = (32,)
            elif _sized(form):
                sizes = (32, 16)
            for size in sizes:
                table.setdefault(row.mnemonic, []).append(Encoding(row, form, size))
    return table


def lookup(mnemonic: str) -> tuple[list[Encoding], int]:
    """All encodings of a mnemonic or synonym (none if unknown), and the size its name asks for."""
    table = _by_mnemonic()
    if mnemonic in table:
        return table[mnemonic], 0
    name, bits = SIZED_SPELLINGS.get(mnemonic, (ALIASES.get(mnemonic, ""), 0))
    return table.get(name, []), bits


@cache
def mnemonics() -> frozenset[str]:
    """Every name an instruction may have."""
    return frozenset(_by_mnemonic()) | frozenset(SIZED_SPELLINGS) | frozenset(ALIASES)


@lru_cache(maxsize=4096)
def select(
    mnemonic: str, shapes: tuple[Shape, ...], bits: int, forced: int
) -> tuple[Encoding, ...] | int:
    """The encodings that fit, in the table's order, none if the operands are wrong.

    ``bits`` is the code's size, ``forced`` that of an o16/o32 prefix or 0. A number instead of
    encodings is the index of a memory operand whose size has to be written.
    """
    encodings, named = lookup(mnemonic)
    forced = forced or named
    fitting = [encoding for encoding in encodings if encoding.takes(shapes, forced)]
    unsized = next((i for i, s in enumerate(shapes) if s[0] == MEM and not s[2]), None)
    if unsized is not None:
        branch = all(encoding.row.kind == "branch" for encoding in fitting)
        if not branch and len({encoding.specs[unsized].bits for encoding in fitting}) > 1:
            return unsized
    if {16, 32} <= {encoding.operand_bits for encoding in fitting}:
        fitting = [e for e in fitting if e.operand_bits in (None, bits)]
    return tuple(fitting)


def mismatch(token: Token, operands: Sequence[Operand]) -> Mistake:
    """Why no form fits, in words: found by asking operand by operand how far the forms agree."""
    mnemonic = token.word
    encodings, _ = lookup(mnemonic)
    same = [encoding for encoding in encodings if len(encoding.specs) == len(operands)]
    if not same:
        counts = sorted({len(encoding.specs) for encoding in encodings})
        words = " or ".join(str(count) for count in counts)
        noun = "operand" if counts == [1] else "operands"
        text = f"`{mnemonic}` takes {words if counts != [0] else 'no'} {noun}, not {len(operands)}"
        surplus = operands[counts[-1]].token if counts[-1] < len(operands) else token
        return surplus.mistake(text)
    possible = same
    for index, operand in enumerate(operands):
        agreeing = [e for e in same if operand.kind in e.specs[index].kinds]
        if not agreeing:
            kinds = dict.fromkeys(kind for e in same for kind in e.specs[index].kinds)
            return operand.token.mistake(
                f"operand {index + 1} of `{mnemonic}` cannot be {_WORDS[operand.kind]}",
                _either([_WORDS[kind] for kind in kinds]),
            )
        same = agreeing
    for index, operand in enumerate(operands):
        shape = operand.shape
        if any(e.specs[index].takes(shape, index == 0, e.operand_bits or 32, False) for e in same):
            continue
        others = operands[:index]
        fitting = [e for e in possible if e.takes_first(others)] or same
        return operand.token.mistake(
            f"`{mnemonic}` cannot take `{_written(operand)}` as operand {index + 1}",
            _either(sorted({_exact(e.specs[index]) for e in fitting})),
        )
    sized = [o for o in operands if o.bits and o.kind in (REG, MEM)]
    widths = {operand.bits for operand in sized}
    if len(widths) > 1:
        names = ", ".join(f"`{_written(o)}` {o.bits} bits" for o in sized)
        return sized[-1].token.mistake(f"the operands differ in size: {names}")
    return token.mistake(f"`{mnemonic}` has no form for these operands together")


def _written(operand: Operand) -> str:
    return "[…]" if operand.kind == MEM else operand.token.text


def _exact(spec: Spec) -> str:
    if spec.letter in ("fixed", "constant"):
        return f"`{spec.text.replace('rAX', 'eax').lower()}`"
    if spec.letter == "J":
        return "a label in reach" if spec.size == "b" else "a label"
    if spec.size == "p":
        return "`far [address]`"
    words = _either([_WORDS[kind] for kind in spec.kinds])
    return f"{words} of {spec.bits} bits" if spec.bits else words


def _either(words: Sequence[str]) -> str:
    words = list(dict.fromkeys(words))
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
