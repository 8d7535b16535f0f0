"""Traces of real programs, read piece by piece: any length, bounded memory.

Two text formats, plain or compressed by gzip or xz (told by their first bytes):

Valgrind's lackey, ``valgrind --tool=lackey --trace-mem=yes --log-file=out.trace program``: a line
for each access, ``I  04016d80,3`` for an instruction, `` L``, `` S`` and `` M`` for a load, a
store and both at once; the address in hexadecimal, then the bytes. Lines of Valgrind itself begin
with ``==`` or ``--``.

CSV with a line of names first: ``address`` (``0x…`` or decimal), and if there are such columns
``kind`` (``r``, ``w`` or ``x``), ``size`` (bytes) and ``space`` (0 to 65535, whose memory it is).

An access that crosses into the next page counts as two, because it is translated twice.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

import numpy as np

from ringside.bulk.arrays import Bools, Bytes, Ints
from ringside.bulk.traces import Accesses

BLOCK = 1 << 20
LONGEST_LINE = 1 << 12
SHOWN = 10  # garbage lines kept for showing
MOST_GARBAGE = 1_000_000  # lines
FIRST_MUST_BE_WITHIN = 64 << 20  # bytes in which the first access must come
LIMIT = 100_000_000  # accesses read unless the caller says otherwise
MOST_BYTES = 64  # of one access: a cache line, more than any instruction moves at once
PAGE = 4096
ZIP = b"PK"  # how a zip file begins, and so a packed trace

Progress = Callable[[int, int | None, int], None]
"""Told bytes read so far, bytes in all if known (compressed ones, if compressed), accesses."""


class TraceError(ValueError):
    """This is no trace, or not one to the end; says what to do."""


@dataclass(slots=True)
class Report:
    """What reading a trace came to. ``shown`` are the first garbage lines with their numbers."""

    lines: int = 0
    accesses: int = 0
    garbage: int = 0
    shown: list[tuple[int, str]] = field(default_factory=list)
    complete: bool = True

    def refuse(self, line: int, text: bytes) -> None:
        """Count a line that says nothing."""
        self.garbage += 1
        if len(self.shown) < SHOWN:
            self.shown.append((line, text[:80].decode("ascii", "backslashreplace")))

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
    """Accesses of some lines: address, bytes, whether written, whose."""

    address: Ints
    size: Ints
    write: Bools
    space: Ints


class Stream(Protocol):
    """Something to read bytes from."""

    def read(self, count: int = -1, /) -> bytes:
        """Up to ``count`` bytes, none at the end."""


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
            address[chosen], size[chosen], write[chosen], np.zeros(len(chosen), np.int64)
        )


# -- CSV ----------------------------------------------------------------------------------------


class Csv:
    """Comma-separated, with a first line that names the columns."""

    COLUMNS = ("address", "kind", "size", "space")

    def __init__(self, names: bytes) -> None:
        found = [name.strip().strip('"').lower() for name in names.decode("ascii").split(",")]
        self.columns = [found.index(name) if name in found else -1 for name in self.COLUMNS]
        self.width = len(found)

    @staticmethod
    def knows(line: bytes) -> bool:
        """Tell whether this line names the columns."""
        names = line.lower().replace(b'"', b"").split(b",")
        return line.isascii() and b"address" in [name.strip() for name in names]

    def parse(self, block: bytes, first_line: int, report: Report) -> Parsed:
        """Read line by line."""
        rows: list[tuple[int, int, bool, int]] = []
        for number, line in enumerate(block.splitlines(), first_line):
            if not line.strip():
                continue
            try:
                rows.append(self._row(line.decode("ascii").split(",")))
            except ValueError:
                report.refuse(number, line)
                if report.garbage > MOST_GARBAGE:
                    break
        table = np.array([row[0] for row in rows], np.uint64).view(np.int64)
        sizes, writes, spaces = (
            np.array([row[column] for row in rows], np.int64) for column in (1, 2, 3)
        )
        return Parsed(table, sizes, writes != 0, spaces)

    def _row(self, cells: list[str]) -> tuple[int, int, bool, int]:
        if len(cells) != self.width:
            raise ValueError("another number of columns")
        cell = [cells[at].strip().strip('"') if at >= 0 else "" for at in self.columns]
        address = int(cell[0], 0)
        size = int(cell[2] or "1")
        space = int(cell[3] or "0")
        if cell[1].lower() not in ("", "r", "w", "x"):
            raise ValueError("an unknown kind")
        if address >> 64 or not 1 <= size <= MOST_BYTES or not 0 <= space < 1 << 16:
            raise ValueError("out of range")
        return address, size, cell[1].lower() == "w", space


# -- the file -----------------------------------------------------------------------------------


class TraceReader:
    """Reads a trace from a path or an open binary file; iterate over it once.

    ``limit`` accesses are read at most. ``report`` grows while reading. Raises
    :class:`TraceError` for what is no trace or is damaged.
    """

    def __init__(
        self,
        source: str | Path | IO[bytes],
        *,
        limit: int = LIMIT,
        progress: Progress | None = None,
        block: int = BLOCK,
    ) -> None:
        self.source = source
        self.limit = limit
        self.progress = progress
        self.block = block
        self.report = Report()

    def __iter__(self) -> Iterator[Accesses]:
        if isinstance(self.source, str | Path):
            with Path(self.source).open("rb") as file:
                yield from self._pieces(file, Path(self.source).stat().st_size or None)
        else:
            yield from self._pieces(self.source, None)

    def _pieces(self, file: IO[bytes], total: int | None) -> Iterator[Accesses]:
        report = self.report
        format: Format | None = None
        taken = 0
        source = _Again(file)
        blocks = self._lines(source)
        for block in blocks:
            taken += len(block)
            first_line = report.lines + 1
            report.lines += block.count(b"\n")
            if format is None:
                format, skipped = _recognise(block)
                if format is None:
                    raise TraceError(ZIPPED if block.startswith(ZIP) else NO_TRACE)
                first_line += block.count(b"\n", 0, skipped)
                block = block[skipped:]
            if block:
                found = _split(format.parse(block, first_line, report))
                room = self.limit - report.accesses
                if len(found) > room:
                    found = found[:room]
                    report.complete = False
                report.accesses += len(found)
                if len(found):
                    yield found
            if self.progress is not None:
                self.progress(source.taken, total, report.accesses)
            if report.accesses >= self.limit:
                report.complete = report.complete and next(blocks, None) is None
                return
            if report.garbage > MOST_GARBAGE:
                raise TraceError(f"more than {MOST_GARBAGE:,} lines are no accesses\n{report}")
            if not report.accesses and taken > FIRST_MUST_BE_WITHIN:
                raise TraceError(f"no access in the first {taken >> 20} MiB\n{report}")
        if not report.accesses:
            raise TraceError(f"{NO_TRACE}\n{report}" if report.lines else "the file is empty")

    def _lines(self, source: _Again) -> Iterator[bytes]:
        """Cut the file into blocks of whole lines; overlong lines are garbage."""
        stream = _opened(source)
        rest = b""
        dropping = False
        dropped = 0
        while True:
            try:
                more = stream.read(self.block)
            except Exception as error:
                if not isinstance(error, EOFError | OSError | ValueError) and (
                    type(error).__name__ not in ("LZMAError", "error")
                ):
                    raise
                raise TraceError(
                    f"the compressed file is damaged after {self.report.accesses:,} accesses: "
                    f"{error}"
                ) from error
            if dropping:
                cut = more.find(b"\n") + 1
                dropped += cut or len(more)
                if more and not cut:
                    if dropped > FIRST_MUST_BE_WITHIN:
                        raise TraceError(f"a line of more than {dropped >> 20} MiB is no access")
                    continue
                self.report.lines += 1
                more = more[cut:]
                dropping = False
            block = rest + more
            cut = block.rfind(b"\n") + 1
            if not more:
                if block:
                    yield block + b"\n"
                return
            if cut:
                yield block[:cut]
            rest = block[cut:]
            if len(rest) > LONGEST_LINE:
                self.report.refuse(self.report.lines + 1, rest)
                rest, dropping, dropped = b"", True, 0


NO_TRACE = (
    "this is no trace: expected lines of 'valgrind --tool=lackey --trace-mem=yes', such as "
    "' L 1ffeffe7e0,8', or CSV whose first line names a column 'address'"
)


ZIPPED = (
    "this is a zip file: 'ringside sweep file:…' reads packed traces as they are; "
    "unpack any other first"
)


def _recognise(block: bytes) -> tuple[Format | None, int]:
    """Tell the format by the first lines; with how many bytes of them are not accesses."""
    position = 0
    for line in block.splitlines(keepends=True)[:1000]:
        if Lackey.knows(line):
            return Lackey(), position
        position += len(line)
        if Csv.knows(line):
            return Csv(line.strip()), position
    return None, 0


class _Again(io.RawIOBase):
    """A binary file, or a pipe, whose first bytes can be looked at before they are read.

    ``taken``: bytes the file gave so far.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.ahead = b""
        self.taken = 0

    def _more(self, count: int) -> bytes:
        more = self.file.read(count) or b""
        self.taken += len(more)
        return more

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay unread."""
        while len(self.ahead) < count and (more := self._more(count - len(self.ahead))):
            self.ahead += more
        return self.ahead

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        """Up to ``count`` bytes, fewer only at the end."""
        if 0 <= count <= len(self.ahead):
            found, self.ahead = self.ahead[:count], self.ahead[count:]
            return found
        ahead, self.ahead = self.ahead, b""
        return ahead + self._more(count - len(ahead) if count >= 0 else -1)


def _opened(file: _Again) -> Stream:
    """The file's text, taken out of its compression if it has one."""
    magic = file.peek(6)
    if magic[:2] == b"\x1f\x8b":
        import gzip

        return gzip.GzipFile(fileobj=file)
    if magic == b"\xfd7zXZ\0":
        import lzma

        return lzma.LZMAFile(cast(IO[bytes], file))
    return file


def _split(parsed: Parsed) -> Accesses:
    """Make two accesses of one that crosses into the next page."""
    last = parsed.address + (parsed.size - 1)
    crossing = (parsed.address ^ last) >> 12 != 0
    if not crossing.any():
        return Accesses(parsed.address, parsed.write, parsed.space)
    times = crossing + np.int64(1)
    address = np.repeat(parsed.address, times)
    second = np.cumsum(times)[crossing] - 1
    address[second] = last[crossing] & -PAGE
    return Accesses(address, np.repeat(parsed.write, times), np.repeat(parsed.space, times))
