"""Flags of a translated region: who set them last, and how to tell the CPU when it is asked.

Every instruction that sets flags is a *site*. Its inputs are kept in locals of the generated
function (``f3a``, ``f3r`` …); two more locals, ``fk`` and ``ck``, number the site that gave the
status flags and the one that gave CF. Site 0 means the CPU's own record. Nothing is computed: a
region hands ``fk``, ``ck`` and all it kept to the CPU as one more pending call (see
:mod:`ringside.machine.flags`), and :meth:`Sites.late` answers if somebody ever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringside.isa.row import Row
from ringside.isa.width import Width
from ringside.machine import flags
from ringside.machine.translator.inline import Slicer

ALL = frozenset({"cf", "pf", "af", "zf", "sf", "of"})
NOT_CARRY = ALL - {"cf"}
CARRY = frozenset({"cf"})


def recomputes(row: Row) -> bool:
    """Whether the result is kept nowhere (CMP, TEST), so that it is cheaper made again."""
    return row.gives == ("temp",) and "m" not in row.takes and "r" in row.flags_take


_CHANGES: dict[Callable[..., Any], frozenset[str]] = {}


def changes(function: Callable[..., Any]) -> frozenset[str]:
    """The flags a flag function sets."""
    found = _CHANGES.get(function)
    if found is None:
        slicer = Slicer(None, function, {})  # type: ignore[arg-type]
        found = _CHANGES[function] = frozenset(flag for flag in ALL if slicer.has(flag))
    return found


class Site:
    """One flag-setting instruction: its flag function and where each argument is."""

    __slots__ = ("after", "local", "needed", "number", "places", "remake", "row", "takes", "width")

    def __init__(self, number: int, row: Row, width: Width, local: dict[str, str | int]) -> None:
        self.number = number
        self.row = row
        self.width = width
        self.local = local  # name -> local of the generated function, or a constant
        self.needed = tuple(local)
        self.remake = recomputes(row)
        self.after = row.flags
        self.takes = row.takes if self.remake else row.flags_take
        # For each argument: which kept local with what mask, or -1 and a constant.
        self.places: list[tuple[int, Any, int]] = []

    def arrange(self, kept: list[str]) -> None:
        """Note where the arguments are; new locals are added to ``kept``."""
        for name in self.takes:
            where: Any = self.width if name == "w" else self.local[name]
            if isinstance(where, str):
                self.places.append((len(kept), None, 0xFFFF_FFFF if self.wraps(name) else -1))
                kept.append(where)
            else:
                self.places.append((-1, where, 0))

    def flags(self, found: tuple[int, ...]) -> tuple[int | None, ...]:
        """All six flags, from the values of the kept locals."""
        values = [
            constant if where < 0 else found[where] & mask for where, constant, mask in self.places
        ]
        assert self.after is not None
        if not self.remake:
            return self.after(*values)
        given: dict[str, Any] = {"w": self.width, **dict(zip(self.takes, values, strict=True))}
        given["r"] = given["temp"] = self.row.meaning(*values)
        return self.after(*(given[name] for name in self.row.flags_take))

    def wraps(self, name: str) -> bool:
        """Whether the kept value counts modulo 2**32: it came from, or went to, a register."""
        if name in ("a", "b", "c") or name in REGISTERS:
            return True
        if name in ("r", "r2", "r3"):
            position = 0 if name == "r" else int(name[1:]) - 1
            return self.row.gives[position] in ("1", "2", "3", *REGISTERS)
        return False


REGISTERS = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")


def needed_names(row: Row) -> tuple[str, ...]:
    """The inputs a site keeps."""
    names = row.takes if recomputes(row) else row.flags_take
    return tuple(name for name in names if name != "w")


class Sites:
    """The sites of one region."""

    __slots__ = ("kept", "numbered")

    def __init__(self) -> None:
        self.numbered: list[Site | None] = [None]
        self.kept: list[str] = []  # their locals, in the order they are handed over

    def add(self, site: Site) -> None:
        """File a new site."""
        site.arrange(self.kept)
        self.numbered.append(site)

    def late(self, fk: int, ck: int, *found: int) -> tuple[int | None, ...]:
        """The flags that sites ``fk`` and ``ck`` gave; None for those the CPU has itself."""
        status, carry = self.numbered[fk], self.numbered[ck]
        values = (None,) * 6 if status is None else status.flags(found)
        if fk == ck:
            return values
        return (None if carry is None else carry.flags(found)[0], *values[1:])

    def hand_over(self, cpu: Any, fk: int, ck: int, found: tuple[int, ...]) -> int:
        """Make the region's flags the CPU's pending ones; give 0, the CPU's own number."""
        if fk or ck:
            if not fk or not ck:
                flags.materialise(cpu)
            cpu.flag_fn, cpu.flag_args, cpu.carry_fn = self.late, (fk, ck, *found), None
        return 0
