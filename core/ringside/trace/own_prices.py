"""Prices of the user's own in place of a processor's: by name, checked, and marked as such."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ringside.trace.cost import (
    ASSISTED,
    ASSISTED_SHADOW,
    BARE,
    DEPRIVILEGED,
    EMULATED,
    FREE,
    INSTRUCTION,
    NATIVE_INSTRUCTIONS,
    PARAVIRTUAL,
    TRANSLATED,
)
from ringside.trace.presets import Preset, Price

YOURS = "yours"
"""The confidence of such a price."""
MOST = 1_000_000  # cycles
NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")
CHARGED: tuple[str, ...] = tuple(dict.fromkeys(
    name for charges in (
        {("", None): INSTRUCTION}, BARE, NATIVE_INSTRUCTIONS, DEPRIVILEGED, TRANSLATED,
        PARAVIRTUAL, EMULATED, ASSISTED, ASSISTED_SHADOW)
    for name in charges.values() if name != FREE))
"""The prices some bill can hold. The round trip of a VM exit is none of them: it is the sum of an
exit and an entry, each with a price of its own."""

ROUND_TRIP = frozenset({"vmresume", "exit vmcall"})


def slug(name: str) -> str:
    """A price's name as it stands in an address: ``exit #PF`` is ``exit-pf``."""
    return name.lower().replace("#", "").replace(" ", "-")


def named(text: str) -> str:
    """The price of this name or slug; raises ValueError naming those there are."""
    for name in CHARGED:
        if slug(text.strip()) == slug(name):
            return name
    if slug(text.strip()) == "vm-round-trip":
        raise ValueError(
            "the VM round trip is an exit and an entry, each with a price of its own: set "
            "'exit vmcall' and 'vmresume'")
    raise ValueError(f"there is no price {text!r}; choose one of: {', '.join(CHARGED)}")


def amount(text: str) -> float:
    """Cycles as somebody wrote them, from 0 to ``MOST``; raises ValueError."""
    if NUMBER.fullmatch(text) and float(text) <= MOST:
        return float(text)
    raise ValueError(f"{text!r} is not a number of cycles from 0 to {MOST}")


def written(cycles: float) -> str:
    """A price with no more digits than it has."""
    return f"{cycles:.3f}".rstrip("0").rstrip(".")


def with_prices(processor: Preset, own: Mapping[str, float]) -> Preset:
    """The same processor at prices of one's own, by name; the source says what each replaces."""
    if not own:
        return processor
    prices = dict(processor.prices)
    for name, cycles in own.items():
        known = prices[name]
        prices[name] = Price(cycles, f"instead of {written(known.cycles)} ({known.source})", YOURS)
    if not ROUND_TRIP.isdisjoint(own):
        prices["vm round trip"] = Price(
            sum(prices[name].cycles for name in ROUND_TRIP), "your VM exit and VMRESUME", YOURS)
    return replace(processor, prices=prices, own=frozenset(own))
