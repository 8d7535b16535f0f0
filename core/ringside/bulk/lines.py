"""The lines of a trace: the formats there are, and what reading lines came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ringside.bulk.arrays import Bools, Bytes, Ints
from ringside.bulk.trace_format import MOST_BYTES

SHOWN = 10  # garbage lines kept for showing
MOST_GARBAGE = 1_000_000  # lines


@dataclass(slots=True)
class Report:
    """What reading a trace came to. ``shown`` are the first garbage lines with their numbers."""

    lines: int = 0
    accesses: int = 0
    garbage: int = 0
    shown: list[tuple[int, str]] = field(default_factory=list)
    complete: bool = True

    def refuse(self, line: int, text: bytes, reason: str = "") -> None:
        """Count a line that says nothing, and perhaps why it does not."""
        self.garbage += 1
        if len(self.shown) < SHOWN:
            shown = text[:80].decode("ascii", "backslashreplace")
            self.shown.append((line, f"{shown}  ({reason})" if reason else shown))

    def now(self) -> tuple[int, int, int]:
        """Where counting is, to :meth:`go_back` to."""
        return self.lines, self.garbage, len(self.shown)

    def go_back(self, to: tuple[int, int, int]) -> None:
        """Forget the lines counted since ``to``."""
        self.lines, self.garbage, shown = to
        del self.shown[shown:]

    def __str__(self) -> str:
        lines = [f"{self.accesses:,} accesses in {self.lines:,} lines"]
        if not self.complete:
            lines.append("stopped at the limit, before the end of the trace")
        if self.garbage:
            lines.append(f"{self.garbage:,} lines could not be read:")
            lines += [f"  line {number}: {text}" for number, text in self.shown]
            if self.garbage > len(self.shown):
                lines.append(f"  and {self.garbage - len(self.shown):,} more")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Accesses of some lines: address, bytes, whether written, whose; ``line`` counts from 0."""

    address: Ints
    size: Ints
    write: Bools
    space: Ints
    line: Ints


class Format(Protocol):
    """A text format: turns whole lines into accesses."""

    def parse(self, block: bytes, first_line: int, report: Report) -> Parsed:
        """Read ``block``, which ends with a newline; tell ``report`` what is garbage."""


# -- lackey -------------------------------------------------------------------------------------

HEX = np.full(256, 99, np.int64)
for _digit, _character in enumerate(b"0123456789abcdef"):
    HEX[_character] = _digit
for _digit, _character in enumerate(b"ABCDEF", 10):
    HEX[_character] = _digit
NEWLINE, RETURN, SPACE, COMMA = b"\n\r ,"


class Lackey:
    """``I  04016d80,3``: two columns for the kind, one blank, address, comma, size."""

    @staticmethod
    def knows(line: bytes) -> bool:
        """Tell whether this looks like a line of such a trace."""
        return line[:3] in (b"I  ", b" L ", b" S ", b" M ") or line[:2] in (b"==", b"--")

    def parse(self, block: bytes, first_line: int, report: Report) -> Parsed:
        """Read all lines side by side."""
        text = np.frombuffer(block, np.uint8)
        ends = (text == NEWLINE).nonzero()[0]
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        stops = ends - (text[np.maximum(ends - 1, starts)] == RETURN)
        length = stops - starts

        def at(position: Ints) -> Bytes:
            """Characters at these positions; positions beyond a line belong to bad lines."""
            return text.take(position, mode="clip")

        kind, second, third = at(starts), at(starts + 1), at(starts + 2)
        data = (kind == SPACE) & np.isin(second, np.frombuffer(b"LSM", np.uint8))
        good = (data | (kind == ord("I")) & (second == SPACE)) & (third == SPACE) & (length >= 6)
        short = at(stops - 2) == COMMA
        comma = stops - np.where(short, 2, 3)
        good &= at(comma) == COMMA
        tens = np.where(short, 0, HEX[at(stops - 2)])
        ones = HEX[at(stops - 1)]
        size = tens * 10 + ones
        good &= (tens < 10) & (ones < 10) & (size >= 1) & (size <= MOST_BYTES)
        digits = comma - starts - 3
        good &= (digits >= 1) & (digits <= 16)
        address = np.zeros(len(starts), np.int64)
        for place in range(int(digits[good].max(initial=0))):
            digit = HEX[at(comma - 1 - place)]
            inside = place < digits
            good &= ~inside | (digit < 16)
            address |= np.where(inside, digit & 15, 0) << 4 * place

        if not good.all():
            own = (kind == second) & ((kind == ord("=")) | (kind == ord("-"))) | (length == 0)
            for number in (~good & ~own).nonzero()[0].tolist():
                report.refuse(first_line + number, block[starts[number] : stops[number]])
                if report.garbage > MOST_GARBAGE:
                    break
        write = (second != ord("L")) & (kind == SPACE)
        chosen = good.nonzero()[0]
        return Parsed(
            address[chosen], size[chosen], write[chosen], np.zeros(len(chosen), np.int64), chosen
        )
