"""A trace of a real program that the user gave, and what reading it came to."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lab import InputError

if TYPE_CHECKING:
    from ..bulk.reading import Report
    from ..bulk.traces import Accesses

MOST_BYTES = 16 << 20  # of the file, as it was given
MOST_ACCESSES = 400_000


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """The accesses as the bulk engine has them, and the report on garbage lines."""

    name: str
    pieces: tuple[Accesses, ...]
    report: Report

    @property
    def accesses(self) -> int:
        """How many there are."""
        return sum(len(piece) for piece in self.pieces)

    def first(self, count: int) -> list[tuple[int, int]]:
        """The first accesses, in plain numbers: address and space."""
        return [(address, space) for address, space, _ in self.first_accesses(count)]

    def first_accesses(self, count: int) -> list[tuple[int, int, bool]]:
        """The first accesses, in plain numbers: address, space, and whether they write."""
        found: list[tuple[int, int, bool]] = []
        for piece in self.pieces:
            rest = count - len(found)
            found += zip(
                piece.address[:rest].tolist(), piece.space[:rest].tolist(),
                piece.write[:rest].tolist(), strict=True)
        return found


def read_dropped(name: str, content: bytes) -> Dropped:
    """Read a trace (lackey, CSV, plain or compressed); raises :class:`InputError`."""
    from ..bulk.reading import TraceError, TraceReader

    if len(content) > MOST_BYTES:
        raise InputError(
            f"{name} is larger than {MOST_BYTES >> 20} MiB.",
            "Use 'ringside sweep file:TRACE' for long traces, or drop the beginning of it.")
    reader = TraceReader(io.BytesIO(content), limit=MOST_ACCESSES)
    try:
        pieces = tuple(reader)
    except (TraceError, OSError, EOFError) as error:
        raise InputError(f"{name}: {error}", "") from None
    if not any(len(piece) for piece in pieces):
        raise InputError(f"{name} holds no access.", "See 'ringside trace import --help'.")
    return Dropped(name, pieces, reader.report)
