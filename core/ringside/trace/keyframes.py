"""Keyframes: pictures of the state at some steps, dense near the end and sparse far back."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Keyframe:
    """The state after ``step`` steps, the first ``inputs`` entries of the input log included."""

    step: int
    picture: Any = field(compare=False)
    inputs: int = field(compare=False)


class Keyframes:
    """At most ``limit`` keyframes, the first one always among them.

    When there are too many, the one goes whose absence makes the gap it leaves smallest in
    proportion to its distance from the end: so gaps grow geometrically into the past, and going
    back a little is cheap wherever the end is.
    """

    __slots__ = ("_frames", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = max(3, limit)
        self._frames: list[Keyframe] = []

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have one."""
        return tuple(frame.step for frame in self._frames)

    def before(self, step: int) -> Keyframe:
        """The last keyframe at or before ``step``."""
        at = bisect_right(self._frames, step, key=lambda frame: frame.step)
        return self._frames[max(0, at - 1)]

    def keep(self, frame: Keyframe) -> None:
        """Add ``frame``, in place of one at the same step."""
        at = bisect_right(self._frames, frame.step, key=lambda other: other.step)
        if at and self._frames[at - 1].step == frame.step:
            self._frames[at - 1] = frame
            return
        insort(self._frames, frame)
        if len(self._frames) > self.limit:
            self._thin()

    def forget_after(self, step: int) -> None:
        """Drop the keyframes after ``step``."""
        at = bisect_right(self._frames, step, key=lambda frame: frame.step)
        del self._frames[max(1, at) :]

    def _thin(self) -> None:
        frames = self._frames
        end = frames[-1].step + 1

        def cost(n: int) -> float:
            return (frames[n + 1].step - frames[n - 1].step) / (end - frames[n].step)

        del frames[min(range(1, len(frames) - 1), key=cost)]
