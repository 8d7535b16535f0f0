"""The operating system in a VM: free list, page cache, programs' memory, its own disk, a balloon.

It thinks in *objects* (a block of a file, a page of a program's memory) and puts each into one of
its "physical" pages. It alone knows which pages hold nothing, which can be read from its disk
again, and which were used long ago: what a balloon asks of it, it gives up in that order.
"""

from __future__ import annotations

import numpy as np

from ringside.bulk.arrays import Bools, Ints
from ringside.host.memory.frames import WORDS, Words

FREE, KERNEL, BALLOON = -1, -2, -3
"""What a page can hold instead of an object."""

_STEPS: Words = np.arange(1, WORDS + 1, dtype=np.uint64) * np.uint64(0xD1B5_4A32_D192_ED03)
_NEVER = np.iinfo(np.int64).max


def contents(seed: int) -> Words:
    """The bytes of what is named by ``seed``: different for different seeds, zeros for 0."""
    if not seed:
        return np.zeros(WORDS, np.uint64)
    return _STEPS * np.uint64(2 * seed + 1)


class GuestOs:
    """``holds[page]`` is the object in a page, ``where[object]`` the page it is in, -1 if none.

    ``seeds`` name the objects' first contents, ``files`` those that can be read from disk. Pages
    below ``kernel`` belong to the kernel for ever. ``disk`` keeps what was changed and written
    out, whether to a file or to the guest's own swap space.
    """

    __slots__ = (
        "balloon", "clock", "dirty", "disk", "files", "free", "holds", "kernel", "seeds", "used",
        "where",
    )  # fmt: skip

    def __init__(self, pages: int, kernel: int, seeds: Ints, files: Bools) -> None:
        self.kernel = kernel
        self.seeds = seeds
        self.files = files
        self.holds: Ints = np.full(pages, FREE, np.int64)
        self.holds[:kernel] = KERNEL
        self.where: Ints = np.full(len(seeds), -1, np.int64)
        self.used: Ints = np.zeros(pages, np.int64)
        self.dirty: Bools = np.zeros(pages, np.bool_)
        self.free: list[int] = list(range(pages - 1, kernel - 1, -1))
        self.balloon: list[int] = []
        self.disk: dict[int, bytes] = {}
        self.clock = 0  # accesses so far

    def note_uses(self, pages: Ints, writes: Bools) -> None:
        """These pages were accessed, in this order."""
        self.used[pages] = np.arange(self.clock, self.clock + len(pages))
        self.clock += len(pages)
        self.dirty[pages[writes]] = True

    def oldest(self) -> int:
        """The page with an object that was not used for longest; -1 if no page has one."""
        ages = np.where(self.holds >= 0, self.used, _NEVER)
        page = int(ages.argmin())
        return page if self.holds[page] >= 0 else -1

    def put(self, thing: int, page: int, dirty: bool) -> None:
        """``thing`` is in ``page`` from now on."""
        self.holds[page] = thing
        self.where[thing] = page
        self.dirty[page] = dirty
        self.used[page] = self.clock

    def forget(self, page: int) -> int:
        """``page`` holds nothing any more; gives the object it held."""
        thing = int(self.holds[page])
        self.where[thing] = -1
        self.holds[page] = FREE
        self.dirty[page] = False
        return thing

    def pin(self, page: int) -> None:
        """The balloon driver keeps ``page``: it is nobody else's until it gives it back."""
        self.holds[page] = BALLOON
        self.balloon.append(page)

    def unpin(self) -> int:
        """The balloon driver gives a page back to the free list."""
        page = self.balloon.pop()
        self.holds[page] = FREE
        self.free.append(page)
        return page

    def stored(self, thing: int) -> Words:
        """What an object that is in no page consists of."""
        kept = self.disk.get(thing)
        if kept is None:
            return contents(int(self.seeds[thing]))
        return np.frombuffer(kept, np.uint64)
