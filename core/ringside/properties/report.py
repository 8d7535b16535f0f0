"""Measured properties as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

from ringside.properties.control import Attack
from ringside.properties.efficiency import Efficiency
from ringside.properties.equivalence import Equivalence
from ringside.properties.measure import Properties
from ringside.properties.words import say


def equal(found: Equivalence, lang: str) -> str:
    """Whether the guest is equal to bare metal, or where it parts."""
    key = f"{'equal' if found.holds else 'parts'}.{found.by}"
    return say(
        key, lang, steps=found.steps, step=found.step, what=found.what,
        expected=f"{found.expected:x}", found=f"{found.found:x}", instruction=found.instruction)


def stopped(found: Attack, lang: str) -> str:
    """Who stopped a hostile guest."""
    return say(f"stopped.{found.stopped}", lang, times=found.times)


def efficient(found: Efficiency, lang: str) -> str:
    """Share, exits, cycles."""
    slowdown = f"{found.slowdown:.1f}"
    share = f"{100 * found.share:.1f}"
    if lang == "hu":
        slowdown, share = slowdown.replace(".", ","), share.replace(".", ",")
    return say(
        "efficient", lang, share=share, exits=found.exits,
        cycles=f"{found.cycles:,}".replace(",", "\u202f"), slowdown=slowdown)


def lines(found: Properties, lang: str = "en") -> Iterator[str]:
    """All of one technique."""
    mark = {True: "+", False: "-"}
    yield f"{found.technique} · {found.guest}"
    held = found.equivalence.holds
    yield f"  {mark[held]} {say('equivalence', lang)}: {equal(found.equivalence, lang)}"
    for attack in found.control:
        harm = say("unharmed" if attack.holds else "harm", lang)
        yield (f"  {mark[attack.holds]} {say('control', lang)}: {attack.guest}: "
               f"{stopped(attack, lang)}; {harm}")
    yield f"    {say('efficiency', lang)}: {efficient(found.efficiency, lang)}"
