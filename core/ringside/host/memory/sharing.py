"""Content-based page sharing: equal pages of any VMs share one frame until somebody writes.

Waldspurger 2002, section 4. One table, by hash of the contents. A *shared frame* cannot change,
so its hash stays right. A page that was hashed but is equal to nothing yet leaves a *hint*: its
VM, page and hash; it stays writable, so when another page has the same hash, the hinted page is
hashed again first. An equal hash is never enough: all bytes are compared before two pages become
one.
"""

from __future__ import annotations

import numpy as np

from ringside.bulk.arrays import Ints
from ringside.host.memory import space as places
from ringside.host.memory.frames import Words, hashes
from ringside.host.memory.paging import Host


class Scan:
    """What one scan did: pages looked at, compared, merged, and frames that became free."""

    __slots__ = ("compared", "frames", "merged", "scanned", "spaces")

    def __init__(self) -> None:
        self.scanned = self.compared = self.merged = self.frames = 0
        self.spaces: set[int] = set()


class Sharing:
    """``shared`` leads from a hash to a frame, ``hints`` from a hash to a VM's page."""

    __slots__ = ("chance", "hashed", "hints", "host", "shared")

    def __init__(self, host: Host, chance: np.random.Generator) -> None:
        self.host = host
        self.chance = chance
        self.shared: dict[int, int] = {}
        self.hashed: dict[int, int] = {}  # frame -> the hash it is known under
        self.hints: dict[int, tuple[int, int]] = {}

    def scan(self, count: int) -> Scan:
        """Look at ``count`` randomly chosen pages."""
        spaces = self.host.spaces
        owner = np.repeat(np.arange(len(spaces)), [len(space) for space in spaces])
        page = np.concatenate([np.arange(len(space)) for space in spaces])
        frame = np.concatenate([space.frame for space in spaces])
        here = np.flatnonzero(frame >= 0)
        here = here[~self.host.frames.common[frame[here]]]
        if len(here) > count:
            here = np.sort(self.chance.choice(here, count, replace=False))
        return self.try_pages(owner[here], page[here])

    def try_pages(self, owners: Ints, pages: Ints) -> Scan:
        """Share these pages (VM number, page) with whatever is equal to them, if anything is."""
        result = Scan()
        result.scanned = len(pages)
        if not len(pages):
            return result
        spaces, frames = self.host.spaces, self.host.frames
        frame = np.fromiter(
            (spaces[owner].frame[page] for owner, page in zip(owners, pages, strict=True)),
            np.int64, len(pages),
        )
        found = hashes(frames.words[frame]).tolist()
        for owner, page, value in zip(owners.tolist(), pages.tolist(), found, strict=True):
            if not frames.common[spaces[owner].frame[page]]:  # a moment ago it was not
                self._try(owner, page, value, result)
        return result

    def _try(self, owner: int, page: int, value: int, result: Scan) -> None:
        frames = self.host.frames
        known = self.shared.get(value)
        if known is not None and frames.common[known] and self.hashed.get(known) == value:
            self._merge(owner, page, known, result)
            return
        hint = self.hints.get(value)
        if hint is None or hint == (owner, page):
            self.hints[value] = (owner, page)
            return
        other = self.host.spaces[hint[0]]
        if other.place[hint[1]] != places.HERE:
            self.hints[value] = (owner, page)
            return
        frame = int(other.frame[hint[1]])
        if int(hashes(frames.words[frame : frame + 1])[0]) != value:  # written since
            self.hints[value] = (owner, page)
            return
        if self._merge(owner, page, frame, result):
            del self.hints[value]
            self.shared[value] = frame
            self.hashed[frame] = value
            result.merged += 1  # the hinted page is shared now, too
            result.spaces.add(hint[0])

    def _merge(self, owner: int, page: int, frame: int, result: Scan) -> bool:
        """Let the page refer to ``frame`` if all bytes are equal."""
        space, frames = self.host.spaces[owner], self.host.frames
        own = int(space.frame[page])
        result.compared += 1
        if not _equal(frames.words[own], frames.words[frame]):
            return False
        frames.refer(frame)
        space.back(page, frame)
        result.frames += frames.release(own)
        result.merged += 1
        result.spaces.add(owner)
        return True


def _equal(one: Words, other: Words) -> bool:
    return bool((one == other).all())
