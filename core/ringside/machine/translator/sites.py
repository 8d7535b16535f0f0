"""Flags of a translated region: who set them last, and how to tell the CPU when it is asked.

Every instruction that sets flags is a *site*. Its inputs are kept in locals of the generated
function (``f3a``, ``f3r`` …); two more locals, ``fk`` and ``ck``, number the site that gave the
status flags and the one that gave CF. Site 0 means the CPU's own record. Nothing is computed
until :func:`settle` hands the inputs to :mod:`ringside.machine.flags`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(slots=True)
class Site:
    """One flag-setting instruction: its flag function and where each argument is."""

    number: int
    row: Row
    width: Width
    needed: tuple[str, ...]  # names kept, in the order of ``locals``
    local: dict[str, str | int]  # name -> local of the generated function, or a constant

    def arguments(self, found: dict[str, int] | dict[str, Any]) -> tuple[Any, ...]:
        """The flag function's arguments, from the generated function's locals."""
        given: dict[str, Any] = {"w": self.width}
        for name in self.needed:
            where = self.local[name]
            value = found[where] if isinstance(where, str) else where
            given[name] = value & 0xFFFF_FFFF if self.wraps(name) else value
        if recomputes(self.row):
            result = self.row.meaning(*(given[name] for name in self.row.takes))
            given["r"] = given["temp"] = result
        assert self.row.flags is not None
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

