"""What a chip says when encodings of one name stand in several regions: which of them it holds."""

from __future__ import annotations

from collections.abc import Sequence

SPECIAL = {"C": "cr", "D": "dr", "S": "sreg"}  # first letter of an operand: a register's kind


def chip_label(name: str, forms: Sequence[str], elsewhere: Sequence[str]) -> str:
    """The chip's label: with the direction of a move ("mov r,cr"), and with the registers
    ("mov cr3,r") where the same direction also stands in another region."""
    mnemonic, _, kind = name.partition(" ")
    if mnemonic in ("push", "pop") and kind == "sreg":
        registers = "/".join(_operands(form)[0].lower() for form in forms)
        return f"{mnemonic} {registers}"
    if mnemonic != "mov" or kind not in SPECIAL.values():
        return name
    ways = dict.fromkeys(_into(form) for form in forms)
    labels = []
    for into in ways:
        register = kind
        if any(_into(form) == into for form in elsewhere):
            numbers = [_number(form, kind) for form in forms if _into(form) == into]
            register = kind + "/".join(dict.fromkeys(filter(None, numbers)))
        labels.append(f"mov {register},r" if into else f"mov r,{register}")
    return labels[0] if len(labels) == 1 else name


def _operands(form: str) -> list[str]:
    return form.partition("|")[2].split() or [""]


def _into(form: str) -> bool:
    """Whether the move loads the special register."""
    return _operands(form)[0][:1] in SPECIAL


def _number(form: str, kind: str) -> str:
    """The number of the special register an encoding was examined with, if one is said."""
    last = form.split()[-1]
    return last.removeprefix(kind) if last.startswith(kind) else ""
