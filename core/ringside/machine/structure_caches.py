"""Two features a processor may have beside its TLB, to make a page walk shorter.

The *walk cache* (paging-structure cache, SDM vol. 3A, 4.10.3) remembers for the large region around
a linear address where the last level's table lies and which rights lead there: a walk then reads
one entry. The *nested TLB* (Bhargava and others, ASPLOS 2008; guest-physical mappings, SDM vol. 3C,
29.4.1) remembers where a guest frame lies in the host: the nested walk of a guest's entry is saved.

Both stay in use until they are flushed, as on hardware: a way that software has changed without a
flush can still lead to a stale translation, or to a page fault that a second try does not meet
again, for the fault drops it. What a place's rights forbid is asked of the tables. A walk without
these features is the ordinary one, and nothing here costs it anything.
"""

from __future__ import annotations

Way = tuple[int, int]
"""Where the table of the last level lies, and the rights on the way to it."""
Place = tuple[int, int, int]
"""A host frame, what the extended page tables allow there, and the TLB flags that follow."""


class StructureCaches:
    """``walks`` and ``frames`` entries, 0 for a feature the processor has not.

    Both replace what was used longest ago. ``saved`` counts walks each made shorter.
    """

    __slots__ = ("frames", "most_frames", "most_walks", "saved", "walks")

    def __init__(self, walks: int = 0, frames: int = 0) -> None:
        self.most_walks = walks
        self.most_frames = frames
        self.walks: dict[int, Way] = {}  # region of linear addresses, with its tag
        self.frames: dict[tuple[int, int], Place] = {}  # root of the EPT, guest frame
        self.saved = 0

    def way(self, region: int) -> Way | None:
        """Where a walk of ``region`` can begin, if that is known."""
        found = self.walks.pop(region, None)
        if found is not None:
            self.walks[region] = found
        return found

    def note_way(self, region: int, way: Way) -> None:
        """A walk came this way."""
        self.walks[region] = way
        if len(self.walks) > self.most_walks:
            del self.walks[next(iter(self.walks))]

    def place(self, root: int, gfn: int) -> Place | None:
        """Where a guest frame lies, if that is known."""
        found = self.frames.pop((root, gfn), None)
        if found is not None:
            self.frames[root, gfn] = found
        return found

    def note_place(self, root: int, gfn: int, place: Place) -> None:
        """A nested walk found this."""
        self.frames[root, gfn] = place
        if len(self.frames) > self.most_frames:
            del self.frames[next(iter(self.frames))]

    def forget_ways(self) -> None:
        """INVLPG, a CR3 load, a page fault: they may forget every way, whatever address they name
        (SDM vol. 3A, 4.10.4.1)."""
        self.walks.clear()

    def forget(self) -> None:
        """INVEPT: guest-physical mappings as well."""
        self.walks.clear()
        self.frames.clear()
