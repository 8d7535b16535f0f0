"""The panels of the lab "Walks"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .narrate import hexa
from .panels import bars
from .walk_beats import Beat, Tour
from .walk_tour import Journey
from .words.say import pick, plain
from .words.walks import WALKS


def reads_panel(
    tour: Tour, beat: Beat | None, steps: Mapping[int, int], lang: str, *, pae: bool,
) -> dict[str, Any]:
    """The references made so far, the last ones first; ``steps`` says when each was made."""
    done = beat.done if beat else 0
    rows = []
    for read in reversed(tour.reads):
        if read.skipped or read.number > done:
            continue
        ref = read.reference
        rows.append({
            "key": f"read:{read.number}",
            "name": f"{read.number} · {ref.name.upper()}[{ref.index}]",
            "value": f"{ref.entry:x}", "context": read.context,
            "changed": read.number == done,
            "go": steps.get(read.number),
            "tip": f"@ {hexa(ref.address)}"})
    panel: dict[str, Any] = {
        "id": "reads", "kind": "table", "title": pick(WALKS["panel.steps"], lang), "rows": rows}
    if pae:
        panel["note"] = pick(WALKS["note.pdpte"], lang)
    return panel


def tlb_panel(journey: Journey, at_end: bool, lang: str) -> list[dict[str, Any]]:
    """What the TLB holds when all has been done."""
    if journey.tlb is None or not at_end:
        return []
    rows = []
    for page, bits, tag, entry in journey.held:
        name = f"{page << bits:x}"
        if journey.features.tagged and journey.current + tag:
            name = f"VM {tag + 1} · {name}"
        rows.append({
            "key": f"tlb:{tag}:{bits}:{page}", "name": name,
            "value": f"{entry.hpa:x}", "changed": False,
            "tip": f"{1 << bits - 10} KiB"})
    return [{"id": "tlb", "kind": "table", "title": pick(WALKS["panel.tlb"], lang), "rows": rows}]


def sums_panel(tours: Sequence[Tour], lang: str) -> list[dict[str, Any]]:
    """Sums over the accesses made so far, when there are several."""
    if len(tours) < 2:
        return []
    saved = [read.skipped for tour in tours for read in tour.reads if read.skipped]
    rows = [
        ("made", "sum.made", sum(tour.made for tour in tours), "vmm"),
        ("walk", "sum.walk", saved.count("walk cache"), "good"),
        ("nested", "sum.nested", saved.count("nested walk cache"), "good"),
        ("ntlb", "sum.ntlb", saved.count("nested tlb"), "good"),
    ]
    hits = sum(tour.hit for tour in tours)
    note = plain(WALKS["sum.note"], lang, {"accesses": len(tours), "hits": hits})
    shown = [(key, pick(WALKS[name], lang), value, context) for key, name, value, context in rows
             if value or key == "made"]
    return [bars("sums", pick(WALKS["panel.sums"], lang), shown, note)]


def console_panel(journey: Journey, typed: Sequence[str], lang: str) -> dict[str, Any]:
    """The place to type an address, or click one that is mapped; it first says how."""
    shift = journey.geometry.page
    pages = sorted(journey.machine.mapped)
    lines = [f"> {line}" for line in typed] or [pick(WALKS["console.help"], lang)]
    return {
        "id": "console", "kind": "console", "title": pick(WALKS["panel.console"], lang),
        "text": "\n".join(lines)[-4000:], "input": True,
        "label": pick(WALKS["panel.console"], lang),
        "picks": [f"{page << shift:x}" for page in pages[:12]],
        "picks_title": pick(WALKS["console.pages"], lang)}
