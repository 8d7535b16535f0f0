"""An assembled program: bytes, symbols, and where each byte was written."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Program:
    """One flat image to be loaded at ``origin``.

    ``symbols`` has every label and ``equ``; ``labels`` only those that are addresses.
    ``lines`` are (address, file, line, length) in order of address; a macro's bytes belong to the
    line that used it. ``entry`` is where to start, ``bits`` the size of its code (16 or 32).
    ``end`` is the first address after everything, ``.bss`` included. ``files`` are the sources.
    """

    origin: int
    image: bytes
    symbols: dict[str, int]
    lines: list[tuple[int, str, int, int]]
    entry: int
    labels: frozenset[str] = frozenset()
    bits: int = 32
    end: int = 0
    files: dict[str, str] = field(default_factory=dict)

    def source_line(self, address: int) -> tuple[str, int] | None:
        """File and line the byte at ``address`` was written on, or None outside the program."""
        index = bisect_right(self.lines, address, key=lambda entry: entry[0]) - 1
        if index < 0:
            return None
        start, file, line, length = self.lines[index]
        return (file, line) if address < start + length else None

    def address_of(self, file: str, line: int) -> int | None:
        """The first address written on a line, or None if it made no bytes."""
        return next((a for a, f, n, _ in self.lines if (f, n) == (file, line)), None)

    def listing(self, width: int = 8) -> str:
        """Address, bytes and source side by side; ``width`` bytes to a row."""
        rows: list[str] = []
        texts = {file: text.split("\n") for file, text in self.files.items()}
        before = ("", 0)
        for address, file, line, length in self.lines:
            data = self.image[address - self.origin : address - self.origin + length]
            if (file, line) == before:
                source = ""
            else:
                source = texts.get(file, [""] * line)[line - 1].rstrip()
                source = f"{file}:{line}".ljust(18) + source
            before = (file, line)
            for start in range(0, max(len(data), 1), width):
                if start >= 4 * width:
                    rows.append(f"{'':10}{'…':<{2 * width}}  {length} bytes in all")
                    break
                part = data[start : start + width].hex().upper()
                text = source if start == 0 else ""
                rows.append(f"{address + start:08X}  {part:<{2 * width}}  {text}".rstrip())
        return "\n".join(rows) + "\n" if rows else ""
