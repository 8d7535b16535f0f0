"""Measured properties as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

from ringside.properties.control import Attack
from ringside.properties.efficiency import Efficiency
from ringside.properties.equivalence import STATE, Equivalence
from ringside.properties.measure import Properties
from ringside.properties.parted import amount, named
from ringside.properties.words import say


def equal(found: Equivalence, lang: str) -> str:
    """Whether the guest is equal to bare metal, or where it parts."""
    key = f"{'equal' if found.holds else 'parts'}.{found.by}"
    if found.by == STATE and found.total > found.steps:
        key = "equal.further" if found.holds else "parts.further"
    return say(
        key, lang, steps=counted(found.steps, lang), step=counted(found.step, lang),
        what=named(found.what, lang),
        expected=amount(found.what, found.expected), found=amount(found.what, found.found),
        instruction=found.instruction, total=counted(found.total, lang))


def counted(value: int, lang: str) -> str:
    """A count in groups of three digits: with commas in English, narrow spaces in Hungarian."""
    return f"{value:,}".replace(",", "\u202f") if lang == "hu" else f"{value:,}"


def stopped(found: Attack, lang: str) -> str:
    """Who stopped a hostile guest."""
    return say(f"stopped.{found.stopped}", lang, times=found.times)


def came_of(found: Attack, lang: str) -> str:
    """Who stopped a hostile guest, and whether it did harm or at least saw the VMM."""
    how = stopped(found, lang)
    if found.holds and found.seen:
        return say("seen", lang, how=how)
    return f"{how}; {say('unharmed' if found.holds else 'harm', lang)}"


def efficient(found: Efficiency, lang: str) -> str:
    """Share, exits, cycles without what devices take."""
    slowdown = f"{found.slowdown_without_devices:.1f}"
    share = f"{100 * found.share:.1f}"
    if lang == "hu":
        slowdown, share = slowdown.replace(".", ","), share.replace(".", ",")
    return say(
        "efficient", lang, share=share, exits=counted(found.exits, lang),
        cycles=counted(found.work, lang), slowdown=slowdown)


def lines(found: Properties, lang: str = "en") -> Iterator[str]:
    """All of one technique: + holds, - is lost, ~ holds, but the guest could see the VMM."""
    mark = {True: "+", False: "-"}
    yield f"{found.technique} · {found.guest}"
    held = found.equivalence.holds
    yield f"  {mark[held]} {say('equivalence', lang)}: {equal(found.equivalence, lang)}"
    for attack in found.control:
        sign = "~" if attack.holds and attack.seen else mark[attack.holds]
        yield f"  {sign} {say('control', lang)}: {attack.guest}: {came_of(attack, lang)}"
    other = "" if held else say("other", lang)
    yield f"    {say('efficiency', lang)}: {efficient(found.efficiency, lang)}{other}"
