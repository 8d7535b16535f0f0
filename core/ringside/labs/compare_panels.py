"""The panels of the lab "Compare": whether all are equal, exits, what is paid, and the prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..trace.cost import DEVICE_PRICES, Line, charged
from ..trace.own_prices import written
from ..vmm.registry import TECHNIQUES
from . import prices
from .words.compare import COMPARE
from .words.price_list import LIST
from .words.prices import PRICES
from .words.rings import RINGS
from .words.say import Segment, pick, plain, segments, thousands
from .words.sources import source_in

if TYPE_CHECKING:
    from .compare import CompareRun

MOST_LINES = 8  # of one bill


def title_of(technique: str, lang: str) -> str:
    """A technique's name."""
    titles = {entry.id: entry.title for entry in TECHNIQUES}
    message = RINGS.get(f"technique.{technique}")
    return pick(message, lang) if message else titles[technique]


def equal(run: CompareRun, lang: str) -> dict[str, Any]:
    """Whether all lanes that are compared hold the same state, and which has parted how."""
    parted = [(lane, found) for lane in run.lanes if (found := run.difference(lane)) is not None]
    apart = [run.name(lane, lang) for lane in run.lanes if not lane.compared]
    spoken: list[Segment] = []
    seen = run.readers[run.comparison.reference.id]
    for lane, found in parted:
        insn = run.listing.text(found.eip, seen.peek, seen.code_bits)
        facts = run.told(found, lang) | {"lane": run.name(lane, lang), "insn": insn}
        spoken += [*segments(COMPARE["unequal"], lang, facts), {"text": " "}]
    if not parted:
        key = {0: "equal.none", 1: "equal.one"}.get(run.step, "equal")
        spoken = segments(COMPARE[key], lang, {
            "steps": thousands(run.step),
            "who": pick(COMPARE["who.compared" if apart else "who.all"], lang)})
    if apart:
        spoken = [*spoken, {"text": " "}, *segments(
            COMPARE["apart"], lang, {"lanes": ", ".join(apart)})]
    return {
        "id": "equivalence", "kind": "text", "title": pick(COMPARE["panel.equal"], lang),
        "tone": "wrong" if parted else "good" if run.step else "", "segments": spoken}


def exits(run: CompareRun, lang: str) -> dict[str, Any]:
    """How often each VMM got control, and why."""
    rows = []
    for lane in run.lanes[1:]:
        total = sum(lane.exits.values())
        key = f"exits:{run.key(lane)}"
        rows.append(_row(key, run.name(lane, lang),
                         thousands(total) if total else pick(COMPARE["no.exits"], lang)))
        rows += [_row(f"{key}:{name}", f"· {name}", thousands(count))
                 for name, count in lane.exits.items()]
    return {"id": "exits", "kind": "table", "title": pick(COMPARE["panel.exits"], lang),
            "rows": rows}


def bills(run: CompareRun, lang: str) -> dict[str, Any]:
    """What each lane's cycles are made of, the dearest first."""
    tip = plain(COMPARE["modelled"], lang, {"preset": prices.title(run.processor, lang)})
    rows = []
    for lane in run.lanes:
        key = f"bill:{run.key(lane)}"
        rows.append(_row(key, run.name(lane, lang), thousands(run.cycles(lane)[1]), tip))
        rows += [_row(f"{key}:{line.name}", f"· {pick(PRICES[line.name], lang)}",
                      thousands(line.total), _source(line, lang))
                 for line in run.bill(lane).lines[:MOST_LINES]]
    return {"id": "bills", "kind": "table", "title": pick(COMPARE["panel.bills"], lang),
            "rows": rows}


def _source(line: Line, lang: str) -> str:
    sure = pick(LIST[f"confidence.{line.confidence}"], lang)
    source = source_in(line.source, lang)
    return f"{thousands(line.count)} × {written(line.cycles)} · {sure}: {source}"


def price_list(run: CompareRun, lang: str) -> dict[str, Any]:
    """What these lanes can be charged, each price to be changed."""
    names = {name for lane in run.lanes for name in charged(lane.charges)}
    if not run.with_devices:
        names -= DEVICE_PRICES
    return prices.panel(names, run.processor, run.published, lang, LIST["single"])


def _row(key: str, name: str, value: str, tip: str = "") -> dict[str, Any]:
    return {"key": key.replace(" ", "-"), "name": name, "value": value, "changed": False,
            "tip": tip}
