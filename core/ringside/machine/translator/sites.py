"""Flags of a translated region: who set them last, and how to tell the CPU when it is asked.

Every instruction that sets flags is a *site*. Its inputs are kept in locals of the generated
function (``f3a``, ``f3r`` …); two more locals, ``fk`` and ``ck``, number the site that gave the
status flags and the one that gave CF. Site 0 means the CPU's own record. Nothing is computed
until :func:`settle` hands the inputs to :mod:`ringside.machine.flags`.
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

    def __init__(
        self, number: int, row: Row, width: Width, local: dict[str, str | int]
    ) -> None:
        self.number = number
        self.row = row
        self.width = width
        self.local = local  # name -> local of the generated function, or a constant
        self.needed = tuple(local)
        self.remake = recomputes(row)
        self.after = row.flags
        self.takes = row.takes if self.remake else row.flags_take
        # For each argument: a local or a constant, and what it is masked with.
        self.places: list[tuple[str | None, Any, int]] = []

    def arrange(self) -> None:
        """Note where the arguments are, once all of ``local`` is known."""
        for name in self.takes:
            where: Any = self.width if name == "w" else self.local[name]
            mask = 0xFFFF_FFFF if self.wraps(name) else -1
            self.places.append((where, None, mask) if type(where) is str else (None, where, 0))

    def arguments(self, found: dict[str, Any]) -> tuple[Any, ...]:
        """The flag function's arguments, from the generated function's locals."""
        values = [
            constant if where is None else found[where] & mask
            for where, constant, mask in self.places
        ]
        if not self.remake:
            return tuple(values)
        given: dict[str, Any] = {"w": self.width, **dict(zip(self.takes, values, strict=True))}
        given["r"] = given["temp"] = self.row.meaning(*values)
        return tuple(given[name] for name in self.row.flags_take)

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


def settle(
    cpu: Any, sites: list[Site | None], fk: int, ck: int, found: dict[str, Any]
) -> None:
    """Make sites ``fk`` and ``ck`` the CPU's pending flags."""
    if fk == ck:
        if fk:
            site = sites[fk]
            assert site is not None
            flags.defer(cpu, site.row.flags, site.arguments(found))  # type: ignore[arg-type]
        return
    if not fk or not ck:
        flags.materialise(cpu)
    first, carry = sites[fk], sites[ck]
    if first is not None:
        after: Any = first.row.flags
        arguments = first.arguments(found)
        if "cf" not in changes(after):
            cpu.flag_fn, cpu.flag_args = after, arguments
            cpu.carry_fn = None
            if carry is not None:
                cpu.carry_fn, cpu.carry_args = carry.row.flags, carry.arguments(found)
            return
        cpu.flag_fn = None
        values = after(*arguments)
        if not ck:
            values = (None, *values[1:])
        cpu._eflags = flags.pack(cpu._eflags, values)
    if carry is not None:
        after = carry.row.flags
        value = after(*carry.arguments(found))[0]
        flags.settle(cpu, (value, None, None, None, None, None))

