"""What a translation takes for granted: code size, stack size, segments, direction of strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ringside.isa.registers import CS, SS


class Shape(NamedTuple):
    """How a segment treats an access: bytes ``low`` to ``high`` of it are there."""

    base: int
    low: int
    high: int
    readable: bool
    writable: bool


class SegmentRegister(Protocol):
    """A segment register with its hidden part."""

    @property
    def base(self) -> int: ...
    @property
    def big(self) -> bool: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...
    @property
    def readable(self) -> bool: ...
    @property
    def writable(self) -> bool: ...


class Mode(NamedTuple):
    """The key under which translations are kept."""

    code_bits: int
    stack_mask: int
    df: int
    shapes: tuple[Shape, ...]


def mode_of(segs: Sequence[SegmentRegister], df: int) -> Mode:
    """The mode the segment registers and the direction flag put the processor in."""
    return Mode(
        32 if segs[CS].big else 16,
        0xFFFF_FFFF if segs[SS].big else 0xFFFF,
        df,
        tuple(Shape(s.base, s.low, s.high, s.readable, s.writable) for s in segs),
    )
