"""Guests of another instruction set: RISC-V programs, as assembler a student can read."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringside.isa.assembler.program import Program

SHELF: dict[str, dict[str, str]] = {
    "tour": {
        "en": "A RISC-V kernel and its program",
        "hu": "Egy RISC-V kernel és programja",
    },
    "primes": {
        "en": "Primes on RISC-V",
        "hu": "Prímek RISC-V-n",
    },
}
"""Title of each guest by language."""


def source(id: str) -> str:
    """The assembler text of the guest with this id; ``KeyError`` if there is none."""
    if id not in SHELF:
        raise KeyError(id)
    data = pkgutil.get_data(__name__, f"{id}.s")
    assert data is not None
    return data.decode("utf-8")


def program(id: str) -> Program:
    """The guest, assembled; ``KeyError`` if there is none with this id."""
    from ringside.riscv.assembler import assemble

    return assemble(source(id), name=f"{id}.s")
