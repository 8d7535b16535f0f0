"""What the measurements say in words; English and Hungarian."""

from __future__ import annotations

from ringside.labs.words.say import plain

WORDS: dict[str, tuple[str, str]] = {
    "equivalence": ("equivalence", "ekvivalencia"),
    "control": ("resource control", "erőforrás-felügyelet"),
    "efficiency": ("efficiency", "hatékonyság"),
    "equal.state": (
        "equal to bare metal after each of {steps} steps",
        "mind a(z) {steps} lépés után egyezik a csupasz géppel"),
    "equal.further": (
        "equal to bare metal after each of {steps} steps, and now and then up to step {total}",
        "mind a(z) {steps} lépés után egyezik a csupasz géppel, onnan időnként a(z) {total}. "
        "lépésig"),
    "equal.console": (
        "says the same {steps} characters as bare metal (its source was changed)",
        "ugyanazt a {steps} karaktert írja, mint csupasz gépen (a forrását módosították)"),
    "parts.state": (
        "parts at step {step}: {what} is {found} instead of {expected} ({instruction})",
        "eltér a(z) {step}. lépésben: {what} = {found}, nem {expected} ({instruction})"),
    "parts.further": (
        "parts at step {step}: {what} is {found} instead of {expected} ({instruction}); compared "
        "after each of the first {steps} steps, then now and then",
        "eltér a(z) {step}. lépésben: {what} = {found}, nem {expected} ({instruction}); az első "
        "{steps} lépés mindegyike után vetettük össze, onnan időnként"),
    "parts.console": (
        "its console differs from bare metal's at character {step}",
        "a konzolja a(z) {step}. karakternél eltér a csupasz gépétől"),
    "stopped.denied": (
        "the VMM refused {times} accesses", "a VMM {times} hozzáférést utasított el"),
    "stopped.refused": (
        "the VMM refused {times} hypercalls", "a VMM {times} hiperhívást utasított el"),
    "stopped.exceptions": (
        "{times} exceptions of the processor stopped it",
        "a processzor {times} kivétele megállította"),
    "stopped.devices": (
        "{times} port accesses went to devices of its own, not to the real ones",
        "{times} portművelet a saját eszközeihez jutott, nem a valódiakhoz"),
    "stopped.preempted": (
        "the VMM took the processor away {times} times",
        "a VMM {times} alkalommal elvette a processzort"),
    "stopped.saw": (
        "{times} answers showed it the VMM, not its own machine",
        "{times} válaszból a VMM-et látta meg a saját gépe helyett"),
    "stopped.alone": ("it stopped nobody but itself", "csak önmagát állította meg"),
    "stopped.bounds": (
        "no address it can name lies outside its machine",
        "nincs olyan cím, amely a gépéből kivezetne"),
    "stopped.blind": (
        "it saw nothing but its own machine", "semmi mást nem látott, csak a saját gépét"),
    "harm": ("HARM DONE", "KÁRT OKOZOTT"),
    "seen": ("it harmed nobody, but {how}", "senkinek sem ártott, de {how}"),
    "unharmed": ("nobody harmed", "senkinek sem ártott"),
    "efficient": (
        "{share} % direct, {exits} exits, {cycles} cycles modelled ({slowdown} × bare metal)",
        "{share}% közvetlen, {exits} kilépés, {cycles} modellezett ciklus ({slowdown} × csupasz)"),
    "other": (
        "; the guest had parted, so some of it may be other work",
        "; a vendég eltért, ezért egy része más munka lehet"),
    "counted": (
        "Cycles count the processor and the VMM with all its exits, not what devices take: a real "
        "port is slower than a virtual device. Paging and prices are those of the {preset}, which "
        "has no EPT: hardware assist pages with shadow tables there.",
        "A ciklusok a processzort és a VMM-et számolják minden kilépésével, az eszközök idejét "
        "nem: egy valódi port lassabb, mint egy virtuális eszköz. A lapozás és az árak a {preset} "
        "processzoréi; EPT nincs benne, ezért a hardveres technika ott árnyéktáblákkal lapoz."),
}


def say(key: str, lang: str, **facts: object) -> str:
    """One of the sentences above."""
    return plain(WORDS[key], lang, facts)
