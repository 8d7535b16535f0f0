"""Words of the price list, wherever cycles are modelled."""

from __future__ import annotations

from .say import Message

LIST: dict[str, Message] = {
    "option": ("Prices of", "Árak"),
    "panel": ("Prices in cycles · {preset}", "Árak ciklusban · {preset}"),
    "how": (
        "Write another figure: everything is priced anew, nothing runs again. Empty the field for "
        "the published one.",
        "Írj be más értéket: minden új árat kap, semmi sem fut újra. Ha kiüríted a mezőt, a közölt "
        "érték érvényes."),
    "own": ("{preset}, your prices", "{preset}, saját árakkal"),
    "instead": ("yours, instead of {cycles} ({said})", "a tiéd, {cycles} helyett ({said})"),
    "single": (
        "CLI, STI, CALL and RET are charged as one cycle here, for nobody counts single "
        "instructions in so long a run; the labs about one trap know which instruction it is and "
        "charge its own price.",
        "A CLI, STI, CALL és RET ára itt egy ciklus, mert ilyen hosszú futásban senki sem számolja "
        "az egyes utasításokat; az egy csapdáról szóló laborok tudják, melyik utasítás az, és a "
        "saját árát veszik."),
    "everywhere": (
        "A price of yours holds on every processor.", "A saját ár minden processzoron érvényes."),
    "confidence.measured": ("measured", "mért"),
    "confidence.reported": ("reported", "közölt"),
    "confidence.derived": ("derived", "levezetett"),
    "confidence.assumed": ("assumed", "feltételezett"),
    "confidence.yours": ("yours", "a tiéd"),
}
