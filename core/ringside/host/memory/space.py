"""A VM's "physical" memory as the host sees it: which page is where."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ringside.bulk.arrays import Bools, Ints, Small

UNTOUCHED, HERE, BALLOONED, SWAPPED = range(4)
"""Where a page is: nowhere yet, in a frame, given up by the guest, on the host's disk."""

NOWHERE = -1


class Space:
    """``frame[page]`` is the frame behind a page (the paper's pmap), ``place[page]`` where it is.

    ``shares`` and ``least`` (pages guaranteed) are the VM's entitlement; the most it can have is
    its size. ``touched`` is what an invalidated mapping would tell: set by each access, cleared
    by the sampler; ``used`` is the round of the last access, for spectators only.
    """

    __slots__ = ("disk", "frame", "least", "name", "place", "shares", "touched", "used")

    def __init__(self, name: str, pages: int, shares: int = 1000, least: int = 0) -> None:
        if not 0 <= least <= pages:
            raise ValueError(f"{name}: the least memory must lie between 0 and {pages} pages")
        if shares < 1:
            raise ValueError(f"{name}: shares must be positive")
        self.name = name
        self.shares = shares
        self.least = least
        self.frame: Ints = np.full(pages, NOWHERE, np.int64)
        self.place: Small = np.zeros(pages, np.int8)
        self.touched: Bools = np.zeros(pages, np.bool_)
        self.used: Ints = np.full(pages, NOWHERE, np.int64)
        self.disk: dict[int, bytes] = {}  # what the host swapped out

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def resident(self) -> int:
        """Pages that are in a frame, shared ones included."""
        return int(np.count_nonzero(self.place == HERE))

    def back(self, page: int, frame: int) -> None:
        """``page`` is in ``frame`` from now on."""
        self.frame[page] = frame
        self.place[page] = HERE

    def leave(self, page: int, place: int) -> int:
        """``page`` goes to ``place``; gives the frame it was in, or -1."""
        frame = int(self.frame[page])
        self.frame[page] = NOWHERE
        self.place[page] = place
        return frame


def faults(spaces: Iterable[Space], references: Ints, free: Iterable[int]) -> list[str]:
    """What is wrong with the books: an empty list, always, if the host keeps them well."""
    found = []
    count = np.zeros_like(references)
    for space in spaces:
        here = space.place == HERE
        if (space.frame[~here] != NOWHERE).any():
            found.append(f"{space.name} has a frame behind a page that is not here")
        np.add.at(count, space.frame[here], 1)
        if set(space.disk) != {int(page) for page in np.flatnonzero(space.place == SWAPPED)}:
            found.append(f"{space.name}: the host's disk and the books differ")
    idle = list(free)
    if len(set(idle)) != len(idle):
        found.append("a frame is free twice")
    if count[idle].any():
        found.append("a free frame is in use")
    if (count != references).any():
        found.append("references are miscounted")
    if len(idle) != int(np.count_nonzero(count == 0)):
        found.append("a frame is neither free nor in use")
    return found
