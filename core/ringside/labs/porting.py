"""The panel that sets a ported guest beside the native one, source line by source line."""

from __future__ import annotations

from itertools import zip_longest
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
    rows = []
    pairs = zip_longest(_lines(change.native), _lines(change.ported), fillvalue="")
    for number, (native, ported) in enumerate(pairs):
        rows.append({
            "key": f"porting:{change.file}:{change.line}:{number}", "name": native or "\u2003",
            "value": ported, "changed": here, "tip": tip})
    return rows


def _lines(side: Side) -> list[str]:
    """Source lines without their comments."""
    texts = [" ".join(text.split(";")[0].split()) for _, text in side.lines]
    return [text for text in texts if text]


def _code(sign: str, side: Side) -> list[str]:
    return [f"{sign} {hexa(address)} {text}" for address, _, text in side.code]
