"""Traces as CSV, line by line; what the columns mean is told in ``trace_format``."""

from __future__ import annotations

import numpy as np

from ringside.bulk.lines import MOST_GARBAGE, Parsed, Report
from ringside.bulk.trace_format import IS_WRITE, MOST_BYTES, MOST_SPACES, READS, SEPARATORS


class Csv:
    """Comma-separated, with a first line that names the columns."""

    COLUMNS = ("address", "kind", "size", "space")

    def __init__(self, names: bytes) -> None:
        found = _names(names)
        self.separator = _separator(names)
        self.columns = [found.index(name) if name in found else -1 for name in self.COLUMNS]
        self.width = len(found)

    @staticmethod
    def knows(line: bytes) -> bool:
        """Tell whether this line names the columns."""
        return "address" in _names(line)

    def parse(self, block: bytes, first_line: int, report: Report) -> Parsed:
        """Read line by line."""
        rows: list[tuple[int, int, bool, int, int]] = []
        for number, line in enumerate(block.split(b"\n")):
            line = line.strip()
            if not line:
                continue
            try:
                rows.append((*self._row(line.decode("ascii").split(self.separator)), number))
            except UnicodeDecodeError:
                report.refuse(first_line + number, line, "not plain ASCII text")
            except ValueError as error:
                report.refuse(first_line + number, line, str(error))
            if report.garbage > MOST_GARBAGE:
                break
        address = np.array([row[0] for row in rows], np.uint64).view(np.int64)
        size, write, space, numbers = (
            np.array([row[column] for row in rows], np.int64) for column in (1, 2, 3, 4)
        )
        return Parsed(address, size, write != 0, space, numbers)

    def _row(self, cells: list[str]) -> tuple[int, int, bool, int]:
        if len(cells) != self.width:
            raise ValueError(f"{len(cells)} columns, not {self.width}")
        address, kind, size, space = (
            cells[at].strip().strip('"').strip() if at >= 0 else "" for at in self.columns
        )
        write = IS_WRITE.get(kind.lower() or READS[0])
        if write is None:
            raise ValueError(f"kind {kind!r}; allowed: {', '.join(IS_WRITE)}")
        return (
            _number("address", address, 0, (1 << 64) - 1),
            _number("size", size or "1", 1, MOST_BYTES),
            write,
            _number("space", space or "0", 0, MOST_SPACES - 1),
        )


def _number(name: str, text: str, low: int, high: int) -> int:
    try:
        value = int(text, 0) if name == "address" else int(text)
    except ValueError:
        hint = ": hexadecimal begins with 0x" if name == "address" else ""
        raise ValueError(f"{name} {text[:40]!r} is no number{hint}") from None
    if not low <= value <= high:
        limits = "0 to 2^64 - 1" if high >> 63 else f"{low} to {high}"
        raise ValueError(f"{name} {text[:40]} is out of range: {limits}")
    return value


def _separator(line: bytes) -> str:
    return next((each for each in SEPARATORS if each.encode() in line), ",")


def _names(line: bytes) -> list[str]:
    """The columns a line of names names."""
    if not line.isascii():
        return []
    cells = line.decode("ascii").strip().split(_separator(line))
    return [cell.strip().strip('"').strip().lower() for cell in cells]
