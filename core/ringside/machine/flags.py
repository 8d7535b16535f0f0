"""Lazy arithmetic flags: most results nobody reads, so the CPU keeps the question, not the answer.

A CPU holds the six status flags as a pending call: ``flag_fn(*flag_args)`` gives
``(cf, pf, af, zf, sf, of)``, each 0 or 1, or ``None`` for a flag it leaves as it is in
``_eflags``. ``flag_fn is None`` means that ``_eflags`` already holds the truth.

INC and DEC change every status flag except CF. So that a chain of them costs nothing, CF may have
its own pending call, ``carry_fn(*carry_args)[0]``. It is consulted only when ``flag_fn`` gives
``None`` for CF, and ``carry_fn is None`` again means "as in ``_eflags``".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ringside.isa.registers import FLAG_AF, FLAG_CF, FLAG_OF, FLAG_PF, FLAG_SF, FLAG_ZF

After = Callable[..., tuple[int | None, ...]]

ORDER = (FLAG_CF, FLAG_PF, FLAG_AF, FLAG_ZF, FLAG_SF, FLAG_OF)


class HasFlags(Protocol):
    """The five fields of a CPU that keep its flags."""

    _eflags: int
    flag_fn: After | None
    flag_args: tuple[Any, ...]
    carry_fn: After | None
    carry_args: tuple[Any, ...]


def pack(before: int, values: tuple[int | None, ...]) -> int:
    """EFLAGS ``before`` with the status flags an after-function gave."""
    for bit, value in zip(ORDER, values, strict=True):
        if value is not None:
            before = before | bit if value else before & ~bit
    return before


def materialise(cpu: HasFlags) -> int:
    """Turn the pending calls into bits of ``_eflags`` and return it."""
    after = cpu.flag_fn
    if after is not None:
        values = after(*cpu.flag_args)
        if values[0] is None and cpu.carry_fn is not None:
            values = (cpu.carry_fn(*cpu.carry_args)[0], *values[1:])
        cpu._eflags = pack(cpu._eflags, values)
        cpu.flag_fn = cpu.carry_fn = None
        cpu.flag_args = cpu.carry_args = ()
    return cpu._eflags


def defer(cpu: HasFlags, after: After, args: tuple[Any, ...]) -> None:
    """Make ``after(*args)`` the pending status flags; it must give all six."""
    cpu.flag_fn = after
    cpu.flag_args = args
    cpu.carry_fn = None


def settle(cpu: HasFlags, values: tuple[int | None, ...]) -> None:
    """Take the flags an after-function has already given (the interpreter's way)."""
    cpu._eflags = pack(materialise(cpu), values)
