"""The host's paging: frames for pages when they are touched, taken back, moved to disk."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import numpy as np

from ringside.host.memory import space as places
from ringside.host.memory.frames import FRAME, Frames
from ringside.host.memory.space import Space, faults

NOTHING, GIVEN, COPIED, READ_BACK = range(4)
"""What it took to make a page accessible."""


class Host:
    """The frames, and the spaces of all VMs that share them."""

    __slots__ = ("frames", "spaces")

    def __init__(self, frames: int, spaces: Sequence[Space]) -> None:
        self.frames = Frames(frames)
        self.spaces = list(spaces)

    @property
    def free(self) -> int:
        """Free frames."""
        return len(self.frames.free)

    @property
    def saved(self) -> int:
        """Frames that sharing saves now: pages in frames less the frames."""
        used = len(self.frames) - self.free
        return int(self.frames.references.sum()) - used

    def charge(self, space: Space) -> float:
        """The frames ``space`` uses; of one shared by n pages, each pays for the n-th part."""
        here = space.frame[space.frame >= 0]
        # Added exactly, so that the order, which differs from processor to processor, is nothing.
        return fsum((1 / self.frames.references[here]).tolist())

    def open_page(self, space: Space, page: int, write: bool) -> int:
        """Make ``page`` accessible; tells what it took. May raise ``OutOfFrames``.

        A page touched for the first time, or given up through the balloon, begins as zeros.
        """
        frames = self.frames
        place = int(space.place[page])
        if place == places.HERE:
            frame = int(space.frame[page])
            if not (write and frames.common[frame]):
                return NOTHING
            if frames.references[frame] == 1:  # the others have gone: no copy is needed
                frames.common[frame] = False
                return NOTHING
            own = frames.allocate()
            frames.words[own] = frames.words[frame]
            frames.release(frame)
            space.back(page, own)
            return COPIED
        frame = frames.allocate()
        space.back(page, frame)
        if place == places.SWAPPED:
            frames.words[frame] = np.frombuffer(space.disk.pop(page), np.uint64)
            return READ_BACK
        return GIVEN

    def take(self, space: Space, page: int) -> bool:
        """The guest gave ``page`` up: its contents are gone. Tells whether a frame became free."""
        place = int(space.place[page])
        frame = space.leave(page, places.BALLOONED)
        if place == places.SWAPPED:
            del space.disk[page]
        return place == places.HERE and self.frames.release(frame)

    def give(self, space: Space, page: int) -> None:
        """The guest may use ``page`` again; it gets a frame when it touches it."""
        if space.place[page] == places.BALLOONED:
            space.place[page] = places.UNTOUCHED

    def swap_out(self, space: Space, page: int) -> bool:
        """Write ``page`` to the host's disk. Tells whether a frame became free."""
        frame = int(space.frame[page])
        if frame < 0:
            raise ValueError(f"page {page} of {space.name} is in no frame")
        space.disk[page] = self.frames.words[frame].tobytes()
        space.leave(page, places.SWAPPED)
        return self.frames.release(frame)

    def swappable(self, space: Space) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Pages whose frame would become free: shared ones would not."""
        here = np.flatnonzero(space.place == places.HERE)
        return here[~self.frames.common[space.frame[here]]]

    def read(self, space: Space, page: int) -> bytes:
        """The contents of ``page`` as its guest would read them, wherever they are."""
        place = int(space.place[page])
        if place == places.HERE:
            return bytes(self.frames.words[int(space.frame[page])].tobytes())
        return space.disk[page] if place == places.SWAPPED else bytes(FRAME)

    def faults(self) -> list[str]:
        """What is wrong with the books; empty if nothing is."""
        return faults(self.spaces, self.frames.references, self.frames.free)
