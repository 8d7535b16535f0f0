"""Which instruction of a real program made an access, told in a sentence, a title and a panel."""

from __future__ import annotations

from typing import Any

from .narrate import hexa
from .walk_beats import Origin
from .words.say import Segment, pick, plain, segments
from .words.walk_programs import PROGRAMS

TITLE = 50  # characters that fit under the grid


def origin_sentence(origin: Origin, lang: str) -> list[Segment]:
    """One sentence: which instruction, where, and what it does to memory."""
    place = ""
    if origin.line:
        place = plain(PROGRAMS["place"], lang, {"file": origin.file, "line": origin.line})
    return segments(PROGRAMS[origin.kind], lang, {
        "text": origin.text, "context": origin.context,
        "eip": hexa(origin.eip), "address": f"{origin.address:08x}", "place": place})


def origin_title(origin: Origin, lang: str) -> str:
    """The access in a line, for the picture."""
    kind = pick(PROGRAMS[f"kind.{origin.kind}"], lang)
    title = f"{kind} {origin.address:08x}" if origin.kind != "cr3" else kind
    title = f"{title} · {origin.text}" if origin.text else title
    return title if len(title) <= TITLE else title[: TITLE - 1] + "…"


def origin_panel(origin: Origin, count: int, paged: bool | None, lang: str) -> dict[str, Any]:
    """The same in a table; ``count`` accesses were recorded, with the guest's tables or not."""
    def row(name: str, value: str, title: str = "") -> dict[str, Any]:
        return {"key": f"access:{name}", "name": title or pick(PROGRAMS[f"row.{name}"], lang),
                "value": value, "context": origin.context, "changed": False}

    rows = [row("kind", pick(PROGRAMS[f"kind.{origin.kind}"], lang))]
    if origin.text:
        rows += [row("instruction", origin.text), row("eip", hexa(origin.eip)),
                 row("ring", str(origin.ring))]
    if origin.line:
        facts = {"file": origin.file, "line": origin.line}
        rows.append(row("line", origin.source, plain(PROGRAMS["row.line"], lang, facts)))
    panel: dict[str, Any] = {
        "id": "access", "kind": "table", "title": pick(PROGRAMS["panel.access"], lang),
        "rows": rows}
    if paged is not None:
        how = pick(PROGRAMS["note.mirrored" if paged else "note.unpaged"], lang)
        panel["note"] = f"{plain(PROGRAMS['note.guest'], lang, {'count': count})} {how}"
    return panel
