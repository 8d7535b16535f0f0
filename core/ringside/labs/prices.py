"""Prices of one's own in the labs: an option for each, and the panel that lists them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..trace.own_prices import CHARGED, MOST, YOURS, slug, with_prices, written
from ..trace.presets import PRESETS, Preset, Price
from .lab import Choice, Option
from .words.price_list import LIST
from .words.prices import PRICES
from .words.say import Message, pick, plain
from .words.sources import source_in

OWN: Mapping[str, str] = {f"price.{slug(name)}": name for name in CHARGED}
"""From an option's id to the price it changes."""
OPTIONS: tuple[Option, ...] = tuple(
    Option(id, PRICES[name], most=MOST, keeps=True) for id, name in OWN.items())
PROCESSORS: tuple[Choice, ...] = tuple(
    Choice(one.id, (f"{one.title}, {one.year}", f"{one.title}, {one.year}")) for one in PRESETS)


def own(options: Mapping[str, str]) -> dict[str, float]:
    """The prices chosen in a lab's options, by name."""
    return {OWN[id]: float(value) for id, value in options.items() if id in OWN}


def priced(processor: Preset, options: Mapping[str, str]) -> Preset:
    """The processor at the prices chosen in a lab's options."""
    return with_prices(processor, own(options))


def title(processor: Preset, lang: str) -> str:
    """The processor's name, and whether some of its prices are the user's."""
    return plain(LIST["own"], lang, {"preset": processor.title}) if processor.own else (
        processor.title)


def panel(
    shown: Iterable[str], processor: Preset, published: Preset, lang: str, note: Message
) -> dict[str, Any]:
    """The prices of these names, and all that were changed, with their sources; each can be
    changed. ``published`` is the processor as it is without the user's prices."""
    names = {*shown, *processor.own}
    return {
        "id": "prices", "kind": "inputs",
        "title": plain(LIST["panel"], lang, {"preset": published.title}),
        "note": f"{pick(LIST['how'], lang)} {pick(note, lang)}".strip(),
        "rows": [_row(id, name, processor, published.prices[name], lang)
                 for id, name in OWN.items() if name in names]}


def _row(id: str, name: str, processor: Preset, known: Price, lang: str) -> dict[str, Any]:
    sure = pick(LIST[f"confidence.{known.confidence}"], lang)
    said = f"{sure}: {source_in(known.source, lang)}"
    changed = name in processor.own
    if changed:
        facts = {"cycles": written(known.cycles), "said": said}
        said = plain(LIST["instead"], lang, facts)
    return {
        "key": id, "option": id, "name": pick(PRICES[name], lang), "most": MOST,
        "usual": written(known.cycles),
        "value": written(processor.prices[name].cycles) if changed else "",
        "note": said, "tone": YOURS if changed else ""}
