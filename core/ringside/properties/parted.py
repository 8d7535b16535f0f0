"""How the first difference between two guests is told: its name, and the values."""

from __future__ import annotations

from ringside.vmm.visible import ENDS

NAMES = {
    "console": ("the console", "a konzol"),
    "outcome": ("the end", "a vége"),
    "steps": ("the number of steps", "a lépések száma"),
    "time": ("the time", "az idő"),
}
MEMORY = ("the byte at {address}", "a {address} című bájt")
PLACE = "memory at 0x"
COUNTED = ("cpl", "steps", "time")


def named(what: str, lang: str) -> str:
    """A part of the state as people call it: ``eflags.if`` is IF."""
    number = 1 if lang == "hu" else 0
    if what.startswith(PLACE):
        return MEMORY[number].format(address=what.removeprefix(PLACE).zfill(8))
    if what in NAMES:
        return NAMES[what][number]
    return what.removeprefix("eflags.").upper() if what.startswith("eflags.") else what


def amount(what: str, value: int) -> str:
    """A value of such a part: a bit or a count in decimal, a byte or a register in hexadecimal."""
    if what.startswith("eflags.") or what in COUNTED:
        return str(value)
    if what == "outcome":
        return f"exit {value}" if value >= 0 else ENDS[-1 - value]
    if what == "console":
        return repr(chr(value)) if value else "–"
    return f"{value:02x}" if what.startswith(PLACE) else f"{value:08x}"
