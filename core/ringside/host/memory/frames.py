"""The machine's memory: frames of real bytes, who refers to them, and which are free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ringside.bulk.arrays import Bools, Ints

FRAME = 4096
WORDS = FRAME // 8

Words = NDArray[np.uint64]


class OutOfFrames(Exception):
    """No frame is free."""


class Frames:
    """``words[n]`` are the bytes of frame ``n``, ``references[n]`` the pages that refer to it.

    A frame in ``common`` may be read by all of them and written by none: a write copies first.
    """

    __slots__ = ("common", "free", "references", "words")

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError("a host needs at least one frame")
        self.words: Words = np.zeros((count, WORDS), np.uint64)
        self.references: Ints = np.zeros(count, np.int64)
        self.common: Bools = np.zeros(count, np.bool_)
        self.free: list[int] = list(range(count - 1, -1, -1))

    def __len__(self) -> int:
        return len(self.words)

    def allocate(self) -> int:
        """Take a free frame, zeroed so that nobody reads what another VM left there.

        Raises :class:`OutOfFrames`.
        """
        if not self.free:
            raise OutOfFrames
        frame = self.free.pop()
        self.words[frame] = 0
        self.references[frame] = 1
        return frame

    def refer(self, frame: int) -> None:
        """One more page refers to ``frame``, which nobody may write from now on."""
        self.references[frame] += 1
        self.common[frame] = True

    def release(self, frame: int) -> bool:
        """One page fewer refers to ``frame``; tells whether it became free."""
        left = int(self.references[frame]) - 1
        if left < 0:
            raise ValueError(f"frame {frame} is free already")
        self.references[frame] = left
        if left:
            return False
        self.common[frame] = False
        self.free.append(frame)
        return True


HASH_WEIGHTS: Words = (
    np.arange(1, WORDS + 1, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
) | np.uint64(1)
_MIX = np.uint64(0xBF58_476D_1CE4_E5B9)
_HALF = np.uint64(32)


def hashes(pages: Words) -> Words:
    """A 64-bit hash of each page (a row of words): a weighted sum modulo 2^64, well mixed.

    Two different pages may have the same hash: who relies on equality must compare the bytes.
    """
    mixed = (pages ^ (pages >> _HALF)) * _MIX
    total: Words = (mixed * HASH_WEIGHTS).sum(axis=1, dtype=np.uint64)
    return (total ^ (total >> _HALF)) * _MIX
