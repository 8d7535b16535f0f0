"""Traces of real programs, read piece by piece: any length, bounded memory.

Two text formats, plain or compressed by gzip, bzip2 or xz (told by their first bytes):

Valgrind's lackey, ``valgrind --tool=lackey --trace-mem=yes --log-file=out.trace program``: a line
for each access, ``I  04016d80,3`` for an instruction, `` L``, `` S`` and `` M`` for a load, a
store and both at once; the address in hexadecimal, then the bytes. Lines of Valgrind itself begin
with ``==`` or ``--``.

CSV with a line of names first: :data:`ringside.bulk.trace_format.CSV`. A byte-order mark of
UTF-8 before either is passed over.

An access that crosses into the next page counts as two, because it is translated twice.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol, cast

import numpy as np

from ringside.bulk.arrays import Bools
from ringside.bulk.csv_lines import Csv
from ringside.bulk.lines import MOST_GARBAGE, Format, Lackey, Parsed
from ringside.bulk.lines import Report as Report  # what reading gives
from ringside.bulk.traces import Accesses

BLOCK = 1 << 20
LONGEST_LINE = 1 << 12
FIRST_MUST_BE_WITHIN = 64 << 20  # bytes in which the first access must come
LIMIT = 100_000_000  # accesses read unless the caller says otherwise
PAGE = 4096
ZIP = b"PK"  # how a zip file begins, and so a packed trace
UTF_8_MARK = b"\xef\xbb\xbf"
# What other files begin with, and what to do about them
OTHERS = {
    ZIP: "this is a zip file: 'ringside sweep file:…' reads packed traces as they are; "
    "unpack any other first",
    b"\x28\xb5\x2f\xfd": "this is packed by zstd; unpack it first ('zstd -d'), or pack with gzip, "
    "bzip2 or xz",
    b"\x04\x22\x4d\x18": "this is packed by lz4; unpack it first ('lz4 -d'), or pack with gzip, "
    "bzip2 or xz",
    b"\xff\xfe": "this is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "this is UTF-16 text; save it as UTF-8",
}

Progress = Callable[[int, int | None, int], None]
"""Told bytes read so far, bytes in all if known (compressed ones, if compressed), accesses."""


class TraceError(ValueError):
    """This is no trace, or not one to the end; says what to do."""


class Stream(Protocol):
    """Something to read bytes from."""

    def read(self, count: int = -1, /) -> bytes:
        """Up to ``count`` bytes, none at the end."""


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
            if format is None:
                block = block.removeprefix(UTF_8_MARK)
                format, skipped = _recognise(block)
                if format is None:
                    raise TraceError(_what_it_is(block))
                report.lines += block.count(b"\n", 0, skipped)
                block = block[skipped:]
            found, rest = self._accesses(format, block)
            report.accesses += len(found)
            if len(found):
                yield found
            if self.progress is not None:
                self.progress(source.taken, total, report.accesses)
            if report.accesses >= self.limit:
                before = report.now()
                report.complete = not rest and next(blocks, None) is None
                report.go_back(before)
                return
            if report.garbage > MOST_GARBAGE:
                raise TraceError(f"more than {MOST_GARBAGE:,} lines are no accesses\n{report}")
            if not report.accesses and taken > FIRST_MUST_BE_WITHIN:
                raise TraceError(f"no access in the first {taken >> 20} MiB\n{report}")
        if not report.accesses:
            if isinstance(format, Csv):
                raise TraceError(f"no line of this CSV is an access\n{report}")
            raise TraceError(f"{NO_TRACE}\n{report}" if report.lines else "the file is empty")

    def _accesses(self, format: Format, block: bytes) -> tuple[Accesses, bool]:
        """The accesses of some lines, and whether there are more than the limit lets in.

        What comes after the last access that is let in is not even counted.
        """
        report = self.report
        room = self.limit - report.accesses
        before = report.now()
        parsed = format.parse(block, report.lines + 1, report)
        found = _split(parsed)
        if len(found) < room:
            report.lines += block.count(b"\n")
            return found, False
        report.go_back(before)
        made = np.cumsum(_crossing(parsed) + np.int64(1))
        last = int(parsed.line[np.searchsorted(made, room)])
        end = int((np.frombuffer(block, np.uint8) == ord("\n")).nonzero()[0][last]) + 1
        format.parse(block[:end], report.lines + 1, report)
        report.lines += last + 1
        return found[:room], len(found) > room

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
    "' L 1ffeffe7e0,8', or CSV whose first line names a column 'address', plain or packed by "
    "gzip, bzip2 or xz (see 'ringside trace import --help')"
)


def _what_it_is(block: bytes) -> str:
    """What to do about something that is no trace."""
    return next((text for start, text in OTHERS.items() if block.startswith(start)), NO_TRACE)


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
    if magic[:3] == b"BZh":
        import bz2

        return bz2.BZ2File(cast(IO[bytes], file))
    if magic == b"\xfd7zXZ\0":
        import lzma

        return lzma.LZMAFile(cast(IO[bytes], file))
    return file


def _crossing(parsed: Parsed) -> Bools:
    """Which accesses cross into the next page."""
    crossing: Bools = (parsed.address ^ parsed.address + (parsed.size - 1)) >> 12 != 0
    return crossing


def _split(parsed: Parsed) -> Accesses:
    """Make two accesses of one that crosses into the next page."""
    crossing = _crossing(parsed)
    if not crossing.any():
        return Accesses(parsed.address, parsed.write, parsed.space)
    times = crossing + np.int64(1)
    address = np.repeat(parsed.address, times)
    second = np.cumsum(times)[crossing] - 1
    last = parsed.address + (parsed.size - 1)
    address[second] = last[crossing] & -PAGE
    return Accesses(address, np.repeat(parsed.write, times), np.repeat(parsed.space, times))
