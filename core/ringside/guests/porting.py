"""One source, two guests: what is different about a guest that was ported to a VMM.

A guest is assembled as it is for the bare machine, or with ``PARAVIRT`` defined for a
paravirtualizing VMM. ``difference`` sets the two side by side, source lines and the instructions
they became; nothing else differs but addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ringside.guests import program
from ringside.isa.assembler import Program
from ringside.isa.disassemble import disassemble

PORT = "PARAVIRT"
PORTED: tuple[str, ...] = (
    "rings", "nanos", "cli_sti", "hlt", "popf", "page_fault", "system_call", "port_io", "sieve",
    "matrix", "sort",
)  # fmt: skip
"""The guests that run under a paravirtualizing VMM; some of them need no change of their own."""
LAYER = "pv.inc"  # what the ported source includes: names and numbers, no code of its own

_OPENS = re.compile(r"%\s*(ifdef|ifndef|if|ifnum|ifidn)\b\s*(\w*)", re.IGNORECASE)
_ELSE = re.compile(r"%\s*else\b", re.IGNORECASE)
_CLOSES = re.compile(r"%\s*endif\b", re.IGNORECASE)
_DATA = re.compile(
    r"^([.\w]+:?\s+)?((times\b.*?\s)?d[bwdq]|align|res[bwdq])\b", re.IGNORECASE
)
_NAMES = re.compile(r"(\.?\w+):|\s*%\s*macro\s+(\w+)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?0x[0-9a-f]+")

Code = tuple[int, bytes, str]  # address, bytes, text of one instruction
LOW_BITS = 0x0FFF_FFFF  # of an address: the same before and after a kernel has moved up
BEHIND = 64 << 10  # bytes behind the image that belong to the guest as well


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its source lines (number and text) and their instructions; ``origins`` are,
    for each instruction, the position in ``lines`` of the line it comes from."""

    lines: tuple[tuple[int, str], ...]
    code: tuple[Code, ...]
    origins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One place where the two differ; one side may be empty. ``line`` is where it begins.

    Where both sides have the same line, its instruction has another operand: a selector, a size.
    """

    file: str
    line: int
    native: Side
    ported: Side


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it, and how much it is: ``lines`` and ``instructions`` are those of the native guest,
    ``removed_*`` what the ported one does without, ``added_*`` what it has instead."""

    changes: tuple[Change, ...]
    lines: int
    removed_lines: int
    added_lines: int
    instructions: int
    removed_instructions: int
    added_instructions: int


@cache
def difference(id: str) -> Difference:
    """What is different about the ported guest; ``KeyError`` if there is no guest of that id."""
    native, ported = _Build(program(id)), _Build(program(id, {PORT: 1}))
    changes: list[Change] = []
    lines = removed = added = 0
    for file, text in {**ported.program.files, **native.program.files}.items():
        if file == LAYER:
            continue
        source = text.split("\n")
        lines += sum(map(_counts, source)) - sum(_counts(source[n]) for n in _only(source, True))
        blocks = _blocks(source)
        inside = {number for _, own, other in blocks for number in (*own, *other)}
        for first, own, other in blocks:
            for at, mine, theirs in _paired(source, first, own, other):
                sides = (_side(native, file, source, mine), _side(ported, file, source, theirs))
                if sides[0].lines or sides[1].lines:
                    changes.append(Change(file, at + 1, *sides))
        for number in range(len(source)):
            if number not in inside:
                changes += _same_line(native, ported, file, source, number)
        removed += sum(_counts(source[n]) for _, own, _ in blocks for n in own)
        added += sum(_counts(source[n]) for _, _, other in blocks for n in other)
    changes.sort(key=lambda change: (change.file, change.line))
    return Difference(
        tuple(changes), lines, removed, added,
        native.instructions(),
        sum(len(change.native.code) for change in changes),
        sum(len(change.ported.code) for change in changes),
    )  # fmt: skip


def native_source(text: str) -> str:
    """``text`` without what only the ported guest has."""
    source = text.split("\n")
    blocks = _blocks(source)
    dropped = {number for _, _, other in blocks for number in other} | _directives(source)
    return "\n".join(line for number, line in enumerate(source) if number not in dropped)


# -- source -------------------------------------------------------------------------------------


def _counts(line: str) -> bool:
    """Whether a line says anything to the assembler."""
    line = line.strip()
    return bool(line) and not line.startswith((";", "%"))


def _walk(source: list[str]) -> Iterator[tuple[int, int, int, bool]]:
    """For each line: its number, the start of the innermost block about porting (-1: none), the
    side it is on there (0 native, 1 ported), and whether it is one of the block's directives."""
    stack: list[tuple[int, int]] = []  # start of the block, or -1 for another condition; side
    for number, line in enumerate(source):
        text = line.strip()
        opened = _OPENS.match(text)
        if opened:
            mine = opened[2].upper() == PORT
            stack.append((number, int(opened[1].lower() == "ifdef")) if mine else (-1, 0))
            directive = mine
        elif _ELSE.match(text) and stack:
            start, side = stack[-1]
            directive = start >= 0
            stack[-1] = (start, 1 - side) if directive else stack[-1]
        elif _CLOSES.match(text) and stack:
            directive = stack.pop()[0] >= 0
        else:
            directive = False
        start, side = next(((s, d) for s, d in reversed(stack) if s >= 0), (-1, 0))
        yield number, start, side, directive


def _blocks(source: list[str]) -> list[tuple[int, list[int], list[int]]]:
    """The blocks about porting: where each begins, its native lines, its ported lines."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for number, start, side, directive in _walk(source):
        if start >= 0 and not directive:
            found.setdefault(start, ([], []))[side].append(number)
    return [(start, own, other) for start, (own, other) in found.items()]


def _paired(
    source: list[str], first: int, own: list[int], other: list[int]
) -> Iterator[tuple[int, list[int], list[int]]]:
    """A block cut into what belongs together: both sides begin anew at a name both of them have."""
    names = {name: at for at, name in enumerate(_name(source[n]) for n in own) if name}
    cut_own = cut_other = 0
    for at, number in enumerate(other):
        there = names.get(_name(source[number]), 0)
        if there > cut_own:
            yield first, own[cut_own:there], other[cut_other:at]
            first, cut_own, cut_other = number, there, at
    yield first, own[cut_own:], other[cut_other:]


def _name(line: str) -> str:
    """What a line names: a label, a macro; else empty."""
    found = _NAMES.match(line)
    return found[1] or found[2] if found else ""


def _only(source: list[str], ported: bool) -> list[int]:
    return [n for _, own, other in _blocks(source) for n in (other if ported else own)]


def _directives(source: list[str]) -> set[int]:
    return {number for number, _, _, directive in _walk(source) if directive}


# -- instructions -------------------------------------------------------------------------------


class _Build:
    """One of the two guests, assembled, with its instructions by source line."""

    __slots__ = ("_by_line", "high", "low", "program")

    def __init__(self, made: Program) -> None:
        self.program = made
        self.low = made.origin & LOW_BITS
        self.high = self.low + len(made.image) + BEHIND
        self._by_line: dict[tuple[str, int], list[tuple[int, bytes]]] = {}
        for address, file, line, length in made.lines:
            code = made.image[address - made.origin :][:length]
            self._by_line.setdefault((file, line), []).append((address, code))

    def code(self, file: str, number: int, line: str) -> tuple[Code, ...]:
        """The instructions a line became; none for data."""
        if _DATA.match(line.strip()):
            return ()
        found = []
        for address, code in self._by_line.get((file, number + 1), ()):
            _, insn, text = next(disassemble(code, address, self.program.bits))
            if insn is not None and insn.length == len(code):  # else it is data, out of a macro
                found.append((address, code, text))
        return tuple(found)

    def instructions(self) -> int:
        """How many there are in all."""
        return sum(
            len(self.code(file, number, line))
            for file, text in self.program.files.items()
            for number, line in enumerate(text.split("\n"))
        )

    def without_addresses(self, text: str) -> str:
        """Text with numbers that are addresses in the guest's own image, high or low, taken out."""

        def replaced(found: re.Match[str]) -> str:
            value = int(found[0], 16) & 0xFFFF_FFFF
            return "@" if self.low <= value & LOW_BITS < self.high else found[0]

        return _NUMBER.sub(replaced, text)


def _side(build: _Build, file: str, source: list[str], numbers: list[int]) -> Side:
    filled = [n for n in numbers if source[n].strip()]
    code = [(each, at) for at, n in enumerate(filled) for each in build.code(file, n, source[n])]
    return Side(
        tuple((n + 1, source[n].rstrip()) for n in filled),
        tuple(each for each, _ in code), tuple(at for _, at in code),
    )  # fmt: skip


def _same_line(
    native: _Build, ported: _Build, file: str, source: list[str], number: int
) -> list[Change]:
    """A change if a line both have became another instruction, addresses aside."""
    sides = [build.code(file, number, source[number]) for build in (native, ported)]
    texts = [
        [build.without_addresses(text) for _, _, text in side]
        for build, side in zip((native, ported), sides, strict=True)
    ]
    if texts[0] == texts[1] or len(texts[0]) != len(texts[1]):  # (those are data, by chance)
        return []
    line = ((number + 1, source[number].rstrip()),)
    return [Change(file, number + 1,
        Side(line, sides[0], (0,) * len(sides[0])), Side(line, sides[1], (0,) * len(sides[1])))]
