"""Why a prediction is not what was published; English and Hungarian."""

from __future__ import annotations

from ringside.measure.published import HARDWARE, NATIVE, NESTED_PAGING, SOFTWARE

REASONS: dict[tuple[str, str], tuple[str, str]] = {
    ("cr8wr", SOFTWARE): (
        "Another instruction: CR8 exists in 64-bit mode only, so CLI and STI stand for it. Their "
        "translation is 8 simple instructions; that the Pentium 4 waits for each load from a cell "
        "just stored is not modelled.",
        "Más utasítás: CR8 csak 64 bites módban van, ezért CLI és STI áll a helyén. Fordításuk 8 "
        "egyszerű utasítás; hogy a Pentium 4 megvárja az éppen tárolt cellák visszaolvasását, azt "
        "a modell nem tudja."),
}
"""For every prediction further from the published figure than a factor of two."""

NOTES: dict[tuple[str, str], tuple[str, str]] = {
    ("syscall", NATIVE): (
        "INT 80h stands for SYSCALL and is charged as such.",
        "INT 80h áll a SYSCALL helyén, és annak az árán számoljuk."),
    ("cr8wr", NATIVE): (
        "CLI and STI stand for the write to CR8.",
        "CLI és STI áll a CR8 írása helyén."),
    ("in", SOFTWARE): (
        "Charged what another virtual device, the clock, costs in line.",
        "Annyit számolunk érte, amennyibe egy másik virtuális eszköz, az óra kerül helyben."),
    ("in", HARDWARE): (
        "How their VMM carried out the access is not published. This one does it in the "
        "interpreter it needs for page-table writes; going by the exit qualification alone would "
        "take 7322.",
        "Hogy az ő VMM-jük hogyan hajtotta végre, nincs közölve. Ez az értelmezőjével teszi, amely "
        "a laptáblaírásokhoz úgyis kell; csupán a kilépés minősítése alapján 7322 lenne."),
    ("ptemod", SOFTWARE): (
        "The traced write has become a callout; \"a few hundred cycles\" is all that is known of "
        "its price.",
        "A figyelt írásból VMM-hívás lett; az áráról csak annyi ismert, hogy „néhány száz "
        "ciklus”."),
}
"""Worth knowing besides."""


def remark(key: tuple[str, str], lang: str) -> str:
    """The reason or note for a prediction; empty if there is none."""
    found = REASONS.get(key) or NOTES.get(key)
    return "" if found is None else found[lang == "hu"]


TITLES: dict[str, tuple[str, str]] = {
    "syscall": ("system call", "rendszerhívás"),
    "in": ("port read", "portolvasás"),
    "cr8wr": ("interrupts off, on", "megszakítás ki, be"),
    "callret": ("call and return", "hívás, visszatérés"),
    "pgfault": ("true page fault", "valódi laphiba"),
    "divzero": ("division by zero", "nullával osztás"),
    "ptemod": ("page-table write", "laptáblaírás"),
    NATIVE: ("bare metal", "csupasz gép"),
    SOFTWARE: ("software VMM", "szoftveres VMM"),
    HARDWARE: ("hardware VMM", "hardveres VMM"),
    NESTED_PAGING: ("hardware, EPT", "hardver, EPT"),
}
