"""The guest's code as a list of lines, with each instruction's class."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..isa.assembler import Program
from ..isa.decode import Truncated, decode
from ..isa.disassemble import format_insn
from ..isa.faults import Fault
from ..isa.instruction import Insn
from ..isa.row import classify
from .narrate import hexa
from .words.panels import CLASS_TIPS, CLASSES, PANELS
from .words.say import pick

Peek = Callable[[int, int], bytes | None]  # linear address, length -> bytes, None if unmapped

LONGEST = 15  # bytes in an instruction
INVALID_OPCODE = 6

BEFORE, AFTER = 6, 14  # lines shown before the current one, and from it on
HIGH = 0xC000_0000  # a kernel linked here first runs this much lower


class Listing:
    """Code around the current instruction.

    ``starts`` are the addresses where the assembler put instructions, so that lines before the
    current one can be told from data; elsewhere only the lines after it are shown.
    """

    def __init__(
        self, starts: Sequence[int] = (), labels: Mapping[int, str] | None = None
    ) -> None:
        self._starts = sorted(set(starts))
        self._labels = dict(labels or {})

    @classmethod
    def of(cls, program: Program | None) -> Listing:
        """The listing of an assembled program; an empty one for a bare binary."""
        if program is None:
            return cls()
        labels: dict[int, str] = {}
        for name in program.labels:
            if "@" not in name:
                labels.setdefault(program.symbols[name], "." + name.rpartition(".")[2]
                                  if "." in name else name)
        return cls(_instruction_starts(program), labels)

    def text(self, address: int, peek: Peek, bits: int) -> str:
        """The instruction at ``address`` as text, or an empty one."""
        insn = _decode(address, peek, bits)
        return format_insn(insn, address) if insn else ""

    def missing(self, address: int, peek: Peek, bits: int) -> str:
        """Why there is no instruction at ``address``: its ``bytes`` are none, or it is too
        ``long``; empty if there is one, or nothing to look at."""
        code = peek(address, LONGEST)
        if not code:
            return ""
        try:
            decode(code, bits)
        except Fault as fault:
            return "bytes" if fault.vector == INVALID_OPCODE else "long"
        except Truncated:
            return "bytes" if len(code) < LONGEST else "long"
        return ""

    def kind(self, address: int, peek: Peek, bits: int) -> str:
        """Popek and Goldberg's class of the instruction at ``address``; empty if there is none."""
        insn = _decode(address, peek, bits)
        return classify(insn.row) if insn else ""

    def panel(
        self, lang: str, title: str, current: int, peek: Peek, bits: int = 32
    ) -> dict[str, Any]:
        """The code panel, the instruction at linear address ``current`` marked."""
        rows = [
            self._row(address, address == current, peek, bits, lang)
            for address in self._around(current, peek, bits)
        ]
        return {
            "id": "code", "kind": "code", "title": pick(PANELS["code"], lang).format(name=title),
            "rows": rows,
        }

    def _around(self, current: int, peek: Peek, bits: int) -> list[int]:
        starts = self._starts
        moved = HIGH if starts and starts[0] >= HIGH > current else 0
        at = bisect_left(starts, current + moved)
        if at < len(starts) and starts[at] == current + moved:
            # A window that moves in half pages, so that the marked line wanders, not the text.
            first = max(at - at % BEFORE - BEFORE, 0)
            return [start - moved for start in starts[first : first + BEFORE + AFTER]]
        addresses = []
        address = current
        for _ in range(AFTER):
            addresses.append(address)
            insn = _decode(address, peek, bits)
            address += insn.length if insn else 1
        return addresses

    def _row(
        self, address: int, current: bool, peek: Peek, bits: int, lang: str
    ) -> dict[str, Any]:
        row: dict[str, Any] = {
            "key": f"code:{address:08x}", "address": hexa(address), "current": current,
            "bytes": "", "text": "??", "class": ""}
        label = self._labels.get(address) or self._labels.get(address + HIGH)
        if label:
            row["label"] = label
        insn = _decode(address, peek, bits)
        if insn is None:
            code = peek(address, 1)
            if code:
                row.update(bytes=code.hex(), text=f"db {code[0]:#04x}")
            return row
        kind = classify(insn.row)
        row.update(bytes=insn.raw.hex(), text=format_insn(insn, address))
        row["class"] = kind
        if kind != "innocuous":
            row["badge"] = pick(CLASSES[kind], lang)
            row["tip"] = pick(CLASS_TIPS[kind], lang)
        return row


def _decode(address: int, peek: Peek, bits: int) -> Insn | None:
    code = peek(address, LONGEST)
    if not code:
        return None
    try:
        return decode(code, bits)
    except (Fault, Truncated):
        return None


DATA_WORDS = frozenset({
    "db", "dw", "dd", "dq", "times", "resb", "resw", "resd", "resq", "align", "org", "bits",
    "section",
})  # fmt: skip


def _instruction_starts(program: Program) -> list[int]:
    """Where instructions begin: the lines of the source that are not data."""
    texts = {file: text.split("\n") for file, text in program.files.items()}
    starts: list[int] = []
    for address, file, line, length in program.lines:
        lines = texts.get(file, [])
        source = lines[line - 1] if line <= len(lines) else ""
        if _is_data(source):
            continue
        offset = address - program.origin
        end = offset + length
        while offset < end:
            try:
                insn = decode(program.image[offset : offset + 15], program.bits)
            except (Fault, Truncated):
                break
            starts.append(program.origin + offset)
            offset += insn.length
    return starts


def _is_data(source: str) -> bool:
    words = source.partition(";")[0].replace(":", ": ").split()
    while words and words[0].endswith(":"):
        words = words[1:]
    return any(word.lower() in DATA_WORDS for word in words[:2])
