"""The panel that sets a ported guest beside the native one, source line by source line."""

from __future__ import annotations

from typing import Any

from ..guests.porting import Change, Side, difference
from .narrate import hexa
from .words.panels import PANELS
from .words.rings import RINGS
from .words.say import Segment, pick, segments

SHOWN = 24  # lines at once


def panel(lang: str, guest: str, eip: int) -> dict[str, Any]:
    """What porting changed, from the change on that the instruction at ``eip`` belongs to."""
    rows: list[dict[str, Any]] = []
    for change in _from(difference(guest).changes, eip):
        rows += _rows(change, eip)
        if len(rows) >= SHOWN:
            break
    return {"id": "porting", "kind": "table", "title": pick(PANELS["porting"], lang), "rows": rows}


def summary(lang: str, guest: str) -> list[Segment]:
    """How much of the guest porting changed."""
    found = difference(guest)
    return segments(RINGS["porting.note"], lang, {
        "lines": found.lines, "removed": found.removed_lines, "added": found.added_lines,
        "instructions": found.instructions, "gone": found.removed_instructions,
        "new": found.added_instructions})


def _from(changes: tuple[Change, ...], eip: int) -> tuple[Change, ...]:
    """The changes, those before the current instruction's left out."""
    for number, change in enumerate(changes):
        if any(address == eip for address, _, _ in change.ported.code):
            return changes[number:]
    return changes


def _rows(change: Change, eip: int) -> list[dict[str, Any]]:
    here = any(address == eip for address, _, _ in change.ported.code)
    tip = "\n".join((f"{change.file}:{change.line}", *_code("−", change.native),
                     *_code("+", change.ported)))
    lines = [*(f"− {text}" for text in _lines(change.native)),
             *(f"+ {text}" for text in _lines(change.ported))]
    # One below the other, as such differences are written: beside each other they need more room
    # than a panel has.
    return [
        {"key": f"porting:{change.file}:{change.line}:{number}", "name": text, "value": "",
         "changed": here, "tip": tip, "tone": "kernel" if text[0] == "+" else ""}
        for number, text in enumerate(lines)]


def _lines(side: Side) -> list[str]:
    """Source lines without their comments."""
    texts = [" ".join(text.split(";")[0].split()) for _, text in side.lines]
    return [text for text in texts if text]


def _code(sign: str, side: Side) -> list[str]:
    return [f"{sign} {hexa(address)} {text}" for address, _, text in side.code]
