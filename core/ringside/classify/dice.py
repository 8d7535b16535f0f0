"""Seeded chance: the same seed always gives the same numbers, on every machine.

SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
MASK = (1 << 64) - 1


class Dice:
    """A stream of numbers that depends on the seeds alone."""

    __slots__ = ("_state",)

    def __init__(self, *seeds: int) -> None:
        self._state = 0
        for seed in seeds:
            self._state = self.bits(64) ^ seed & MASK

    def bits(self, count: int) -> int:
        """A number of up to ``count`` bits, at most 64."""
        self._state = self._state + 0x9E37_79B9_7F4A_7C15 & MASK
        value = self._state
        value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9 & MASK
        value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB & MASK
        return (value ^ value >> 31) >> 64 - count

    def below(self, end: int) -> int:
        """A number from 0 to ``end - 1``."""
        return self.bits(48) * end >> 48

    def one_of(self, things: Sequence[T]) -> T:
        """One of ``things``."""
        return things[self.below(len(things))]

    def chance(self, one_in: int) -> bool:
        """True once in ``one_in`` times."""
        return self.below(one_in) == 0
