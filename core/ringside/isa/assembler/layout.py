"""Addresses for items: passes over the program until no label and no length moves any more."""

from __future__ import annotations

from typing import Final

from ringside.isa.assembler.items import MAX_IMAGE, Item, Label, Section, Symbols
from ringside.isa.assembler.problems import GaveUp, Mistake, Origin, Problems

MAX_PASSES: Final = 50
SECTION_ALIGNMENT: Final = 4
MAX_ADDRESS: Final = 1 << 32

LineEntry = tuple[int, str, int, int]


class Layout:
    """Places sections one after the other from ``base``: .text first, .bss last."""

    def __init__(self, sections: dict[str, Section], base: int, problems: Problems) -> None:
        bodies = [section for section in sections.values() if section.has_bytes]
        self.sections = bodies + [s for s in sections.values() if not s.has_bytes]
        self.base = base
        self.problems = problems
        self.symbols = Symbols()
        self.end = base
        self._lengths: dict[str, list[int]] = {
            section.name: [0] * len(section.items) for section in self.sections
        }

    def settle(self) -> None:
        """Run passes until nothing changes."""
        for _ in range(MAX_PASSES):
            self.symbols.changed = False
            self._pass()
            if not self.symbols.changed:
                return
        item, origin = self._unsettled()
        self.problems.add(
            item.token.mistake("the addresses do not settle: this depends on itself"), origin
        )
        raise GaveUp

    def _pass(self) -> None:
        symbols = self.symbols
        at = self.base
        for section in self.sections:
            if section.items and at != self.base:
                at += -at % SECTION_ALIGNMENT
            section.start = at
            symbols["$$"] = at
            lengths = self._lengths[section.name]
            for index, item in enumerate(section.items):
                symbols["$"] = at
                try:
                    length = item.measure(at, symbols)
                except Mistake:  # said when the bytes are made, if it is still so
                    length = lengths[index]
                if length != lengths[index]:
                    lengths[index] = length
                    symbols.changed = True
                at += length
        self.end = at

    def _unsettled(self) -> tuple[Item, Origin]:
        """An item to blame: one whose value moves in one more pass."""
        symbols = self.symbols
        last: tuple[Item, Origin] | None = None
        for section in self.sections:
            symbols["$$"] = section.start
            at = section.start
            for item, origin in zip(section.items, section.origins, strict=True):
                symbols["$"] = at
                symbols.changed = False
                last = last or (item, origin)
                try:
                    at += item.measure(at, symbols)
                except Mistake:
                    continue
                if symbols.changed and not isinstance(item, Label):
                    return item, origin
        assert last is not None
        return last

    def image(self) -> tuple[bytes, list[LineEntry]]:
        """The bytes, and which line of source each piece came from. Call settle() first."""
        self._check_size()
        out = bytearray()
        lines: list[LineEntry] = []
        for section in self.sections:
            if not section.items:
                continue
            self.symbols["$$"] = section.start
            if section.has_bytes:
                out += bytes(section.start - self.base - len(out))
            at = section.start
            lengths = self._lengths[section.name]
            for item, origin, length in zip(section.items, section.origins, lengths, strict=True):
                self.symbols["$"] = at
                try:
                    data = item.emit(at, self.symbols)
                except Mistake as mistake:
                    self.problems.add(mistake, origin)
                    data = bytes(length) if section.has_bytes else b""
                out += data
                if length:
                    outer = origin.outermost()
                    lines.append((at, outer.file, outer.line, length))
                at += length
        return bytes(out), lines

    def _check_size(self) -> None:
        for section in self.sections:
            at = section.start
            image_end = self.base + MAX_IMAGE if section.has_bytes else MAX_ADDRESS
            lengths = self._lengths[section.name]
            for item, origin, length in zip(section.items, section.origins, lengths, strict=True):
                at += length
                if at > min(image_end, MAX_ADDRESS):
                    image = "the image is larger than 16 MiB"
                    what = image if at > image_end != MAX_ADDRESS else "the addresses pass 4 GiB"
                    self.problems.add(item.token.mistake(f"{what} from here on"), origin)
                    raise GaveUp
