"""One case of the Bochs oracle."""

from __future__ import annotations

from dataclasses import dataclass

IOPL1, IOPL2, IOPL3 = 0x1000, 0x2000, 0x3000
IF = 0x200


@dataclass(frozen=True, slots=True)
class Case:
    """``code`` runs at ``ring`` with ``flags`` and falls into INT 30h when nothing stops it.

    ``setup`` runs before in ring 0, on the harness's own tables (``bochs_harness.asm`` has its
    names and macros). ``section`` is the part of the Intel SDM that decides.
    """

    name: str
    ring: int
    code: str
    setup: str = ""
    flags: int = 2
    section: str = ""
