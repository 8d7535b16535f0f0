"""What ``ringside compare`` prints: a line for each technique, then what is to be known of them."""

from __future__ import annotations

from typing import Any

from ..labs.words.say import decimal, plain
from ..measure.comparison import STRETCH
from ..properties.parted import amount, named
from ..properties.report import counted
from ..trace.presets import MEASURED_ON, preset

WORDS: dict[str, tuple[str, str]] = {
    "head": (
        "{guest}, each after {steps} guest steps or at its end (cycles modelled: {preset})",
        "{guest}, mindegyik {steps} vendéglépés után vagy a végén (modellezett ciklusok: "
        "{preset})"),
    "devices.without": (
        "cycles count the processor and the VMM with all its exits, not what devices take "
        "(--devices with adds that)",
        "a ciklusok a processzort és a VMM-et számolják minden kilépésével, az eszközök idejét nem "
        "(a --devices with hozzáadja)"),
    "devices.with": (
        "cycles count devices too: a real port is slower than a virtual device, so a guest that "
        "does much I/O seems cheaper without hardware",
        "a ciklusokban az eszközök ideje is benne van: egy valódi port lassabb, mint egy virtuális "
        "eszköz, ezért a sok be- és kivitel hardver nélkül olcsóbbnak látszik"),
    "single": (
        "CLI, STI, CALL and RET count as one cycle: nobody counts single instructions here",
        "a CLI, az STI, a CALL és a RET egy-egy ciklus: itt senki sem számol egyes utasításokat"),
    "yours": ("your price: {name} {cycles}", "saját ár: {name} {cycles}"),
    "technique": ("technique", "technika"),
    "ring": ("ring", "gyűrű"),
    "at": ("at", "hol"),
    "steps": ("steps", "lépés"),
    "cycles": ("cycles", "ciklus"),
    "assumed": ("assumed*", "feltételezett*"),
    "exits": ("exits", "kilépés"),
    "direct": ("direct", "közvetlen"),
    "assumed.note": (
        "* so much of the cycles is at assumed prices (not counting one cycle an instruction)",
        "* a ciklusok ekkora része feltételezett áron (az utasításonkénti egy ciklus nélkül)"),
    "taken.over": (
        ": where no figure of the {preset} is known, those of the {measured} stand in",
        ": amire a(z) {preset} száma nem ismert, ott a(z) {measured} ára áll"),
    "ring.note": (
        "ring: the real one the guest's code runs in; -: the processor runs none of it",
        "gyűrű: az a valódi, amelyben a vendég kódja fut; -: a processzor semmit sem futtat "
        "belőle"),
    "parts": (
        "{lane} parts at guest step {step}, at {address}{insn}: {what} is {found}, not {expected}",
        "{lane} a(z) {step}. vendéglépésben válik el, itt: {address}{insn}: {what} = {found}, nem "
        "{expected}"),
    "other.work": (
        "what it cost to go on from there may be for other work than the first did: {lanes}",
        "onnan kezdve nem feltétlenül azt végezte, amit az első, a költsége sem csak azé: {lanes}"),
    "ported": (
        "{lane} runs the ported guest: its state is not compared",
        "{lane} az átírt vendéget futtatja: az állapotát nem vetjük össze"),
    "equal": (
        "equal to the first after every guest step: {what}",
        "minden vendéglépés után egyezik az elsővel: {what}"),
    "equal.quick": (
        "equal to the first whenever they were compared: {what}",
        "valahányszor összevetettük, egyezett az elsővel: {what}"),
    "quick": (
        "compared after each of the first {each} guest steps, then after every {stretch}: what "
        "differed for a while only may have been missed",
        "az első {each} vendéglépés mindegyike után vetettük össze, onnan {stretch} lépésenként: "
        "ami közben csak egy ideig tért el, észrevétlen maradhatott"),
    "compared": (
        "registers, flags, segments, control registers, output, memory",
        "regiszterek, jelzőbitek, szegmensek, vezérlőregiszterek, kimenet, memória"),
    "refused": ("{lane} cannot run it: {why}", "{lane} nem tudja futtatni: {why}"),
}


def lines(report: dict[str, Any], lang: str) -> list[str]:
    """The report of ``ringside compare`` as a table, with what differs under it."""
    measured = preset(MEASURED_ON).title
    wide = max(20, 2 + max(len(lane["technique"]) for lane in report["lanes"]))
    shown = [
        _say("head", lang, guest=report["guest"], steps=counted(report["guest_steps"], lang),
             preset=report["preset"]),
        _say(f"devices.{report['devices']}", lang),
        _say("single", lang),
        *(_say("yours", lang, name=name, cycles=decimal(f"{cycles:g}", lang))
          for name, cycles in report["own_prices"].items()),
        _heading(lang, wide),
    ]
    notes = [_say("assumed.note", lang), _say("ring.note", lang)]
    if report["preset"] != measured:
        notes[0] += _say("taken.over", lang, preset=report["preset"], measured=measured)
    notes += dict.fromkeys(lane["price_note"] for lane in report["lanes"] if lane["price_note"])
    for lane in report["lanes"]:
        shown += _row(lane, lang, wide)
        notes += _differs(lane, lang)
    compared = [lane for lane in report["lanes"][1:] if lane["compared"]]
    quick = report["compared_each"] < report["guest_steps"]
    if report["guest_steps"] and compared and not any(lane["difference"] for lane in compared):
        key = "equal.quick" if quick else "equal"
        notes.append(_say(key, lang, what=_say("compared", lang)))
    if quick:
        notes.append(_say("quick", lang, each=counted(report["compared_each"], lang),
                          stretch=counted(STRETCH, lang)))
    gone_on = [lane["technique"] for lane in compared if _gone_on(lane)]
    if gone_on:
        notes.append(_say("other.work", lang, lanes=", ".join(gone_on)))
    notes += [_say("refused", lang, lane=id, why=why) for id, why in report["refused"].items()]
    return [*shown, *notes]


def _heading(lang: str, wide: int) -> str:
    word = {name: _say(name, lang) for name in (
        "technique", "ring", "at", "steps", "cycles", "assumed", "exits", "direct")}
    return (f"{word['technique']:<{wide}}{word['ring']:>5}  {word['at']:<10}{word['steps']:>9}"
            f"{word['cycles']:>14}{word['assumed']:>{_wide(lang)}}{word['exits']:>9}"
            f"{word['direct']:>10}")


def _row(lane: dict[str, Any], lang: str, wide: int) -> list[str]:
    """A lane's line, and under it its exits by kind."""
    share = decimal(f"{100 * lane['direct']:.1f}", lang)
    row = (
        f"{lane['technique']:<{wide}}{'-' if lane['ring'] is None else lane['ring']:>5}  "
        f"{lane['address']:08x}  {counted(lane['guest_steps'], lang):>9}"
        f"{counted(lane['cycles'], lang):>14}{_assumed(lane):>{_wide(lang)}}"
        f"{counted(sum(lane['exits'].values()), lang):>9}{share:>9}%  "
        f"{lane['outcome'] or lane['instruction']}")
    kinds = ", ".join(f"{name} {counted(count, lang)}" for name, count in lane["exits"].items())
    return [row, f"{'':<{wide + 7}}{kinds}"] if kinds else [row]


def _differs(lane: dict[str, Any], lang: str) -> list[str]:
    """How a lane has parted, or that nobody looked."""
    found = lane["difference"]
    if found is None:
        return [] if lane["compared"] else [_say("ported", lang, lane=lane["technique"])]
    what = found["what"]
    return [_say(
        "parts", lang, lane=lane["technique"], step=counted(found["guest_step"], lang),
        address=f"{found['address']:08x}", what=named(what, lang),
        insn=f", {found['instruction']}" if found["instruction"] else "",
        found=amount(what, found["found"]), expected=amount(what, found["expected"]))]


def _gone_on(lane: dict[str, Any]) -> bool:
    """Whether a lane has parted from the first and run on."""
    found = lane["difference"]
    return found is not None and lane["guest_steps"] > found["guest_step"]


def _wide(lang: str) -> int:
    """Room for the share at assumed prices, and the word above it."""
    return max(10, 2 + len(_say("assumed", lang)))


def _assumed(lane: dict[str, Any]) -> str:
    """How much of a lane's cycles rests on assumed prices."""
    share = lane["assumed_cycles"] / lane["cycles"] if lane["cycles"] else 0.0
    return f"{100 * share:.0f}%*" if lane["assumed_cycles"] else "-"


def _say(key: str, lang: str, **facts: object) -> str:
    return plain(WORDS[key], lang, facts)
