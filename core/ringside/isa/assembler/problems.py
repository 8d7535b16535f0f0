"""What the assembler says when it cannot go on: places in the source, problems, the final error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line of source comes from; ``via`` is the line that used the macro it stands in."""

    file: str
    line: int
    via: Origin | None = None
    macro: str = ""

    def outermost(self) -> Origin:
        """The line the reader wrote: the first use, when this line came out of a macro."""
        origin = self
        while origin.via is not None:
            origin = origin.via
        return origin


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the source; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str
    expected: str = ""

    def __str__(self) -> str:
        tail = f"; expected {self.expected}" if self.expected else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{tail}"


class AssemblyError(Exception):
    """The source cannot be assembled; ``problems`` says why, in the order of the source."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Mistake(Exception):
    """Raised where a mistake is found in a line; the line's reader turns it into a Problem."""

    def __init__(
        self, message: str, expected: str = "", column: int = 0, origin: Origin | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.column = column
        self.origin = origin


class GaveUp(Exception):
    """No more of the source is read: too many problems, or a bound was passed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name most like a misspelt one, or ""; swapped letters count as very like."""
    letters = sorted(word)
    near = get_close_matches(word, known, 6, 0.6)
    swapped = [name for name in near if sorted(name) == letters]
    return next(iter(swapped or get_close_matches(word, near, 1, 0.75)), "")


def span(bits: int) -> str:
    """The numbers that fit in ``bits``, signed or unsigned, in words."""
    low, high = -(1 << bits - 1), (1 << bits) - 1
    return f"{low} to {high}" if bits <= 16 else f"{low:#x} to {high:#x}"


def shown(value: int) -> str:
    """A number in a message: large ones in hexadecimal."""
    return str(value) if -100_000 < value < 100_000 else f"{value:#x}"


class Problems:
    """The problems found so far; gives up when there are more than a person would read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, mistake: Mistake, line: Origin) -> None:
        """Record a mistake found while the line ``line`` was read."""
        place = mistake.origin or line
        message = mistake.message
        if line.via is not None and (place.file, place.line) == (line.file, line.line):
            user = line.outermost()
            message += f" (in macro `{line.macro}` used at {user.file}:{user.line})"
        problem = Problem(place.file, place.line, max(mistake.column, 1), message, mistake.expected)
        if problem not in self.found:
            self.found.append(problem)
        if len(self.found) >= MAX_PROBLEMS:
            raise GaveUp

    def error(self) -> AssemblyError:
        """The exception that carries them all, file by file from top to bottom."""
        files = list(dict.fromkeys(problem.file for problem in self.found))
        order = sorted(self.found, key=lambda p: (files.index(p.file), p.line, p.column))
        return AssemblyError(order)
