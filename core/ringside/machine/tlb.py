"""The translation lookaside buffer: what it holds stays in use until it is flushed.

One entry maps one 4 KiB page; the processor splits a large page into such entries as they are
used (SDM vol. 3A, 4.10.2.2 lets it) and forgets them together, whichever of them INVLPG or a page
fault names (4.10.4.1). Permissions and the dirty state are cached too, so a changed
page-table entry is not noticed while its translation is still here, as on hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ringside.machine.structure_caches import StructureCaches

# Flags of an entry: the logical AND of the R/W and U/S bits along the walk, and of the last entry
# D and (with CR4.PGE) G.
WRITABLE = 1
USER = 2
DIRTY = 4
GLOBAL = 8
LARGE = 32  # a piece of a large page
NO_EXECUTE = 16  # extended page tables (machine.vmx.ept) allow everything but fetching from it

# In VMX operation a page number carries a tag above its 20 bits: 16 bits of VPID, and above them
# the frame of the EPT root. So translations of several virtual machines can live side by side.
TAG_SHIFT = 20
VPID_MASK = 0xFFFF


def make_tag(vpid: int, root: int) -> int:
    """The tag of a virtual processor under the extended page tables at ``root`` (hpa, or 0)."""
    return (root >> 12 << 16 | vpid) << TAG_SHIFT


class Translation(NamedTuple):
    """What the TLB knows about one page (a number with its tag): its frame and its ``flags``."""

    page: int
    frame: int
    flags: int

    @property
    def vpid(self) -> int:
        """The virtual processor it belongs to; 0 is the host."""
        return self.page >> TAG_SHIFT & VPID_MASK

    @property
    def linear(self) -> int:
        """The linear address of the page."""
        return (self.page & (1 << TAG_SHIFT) - 1) << 12


class Tlb:
    """``sets`` times ``ways`` translations, replaced first in, first out within a set."""

    __slots__ = ("entries", "large", "queues", "sets", "slots", "structures", "ways")

    def __init__(self, sets: int = 64, ways: int = 4) -> None:
        if sets < 1 or sets & (sets - 1) or ways < 1:
            raise ValueError("a TLB needs a power of two of sets and at least one way")
        self.sets = sets
        self.ways = ways
        # page -> (page, frame, flags); the slot of a page never changes while it is cached.
        self.entries: dict[int, tuple[int, int, int]] = {}
        self.large: set[int] = set()  # pages that are pieces of large ones
        self.slots: list[int] = [-1] * (sets * ways)
        self.queues: list[list[int]] = [[] for _ in range(sets)]
        # Walk cache and nested TLB, if the processor has them: what flushes one flushes the others.
        self.structures: StructureCaches | None = None

    def lookup(self, page: int) -> tuple[int, int, int] | None:
        """Return ``(page, frame, flags)`` for the linear ``page`` number, or None."""
        return self.entries.get(page)

    def fill(self, page: int, frame: int, flags: int) -> int:
        """Cache a translation; return the page it pushed out, or -1."""
        evicted = -1
        if page not in self.entries:
            index = page & (self.sets - 1)
            queue = self.queues[index]
            if len(queue) == self.ways:
                slot = queue.pop(0)
                evicted = self.slots[slot]
                del self.entries[evicted]
                self.large.discard(evicted)
            else:
                first = index * self.ways
                slot = self.slots.index(-1, first, first + self.ways)
            self.slots[slot] = page
            queue.append(slot)
        self.entries[page] = (page, frame, flags)
        self.note_size(page, flags)
        return evicted

    def note_size(self, page: int, flags: int) -> None:
        """Remember whether ``page`` is a piece of a large page."""
        if flags & LARGE:
            self.large.add(page)
        elif self.large:
            self.large.discard(page)

    def pieces(self, page: int, span: int) -> list[int]:
        """Give ``page`` and what else is cached of its large page, which has ``span`` pages."""
        return [page, *(other for other in self.large if 0 < other ^ page < span)]

    def invalidate(self, page: int) -> bool:
        """Drop the translation of ``page``, global or not; tell whether there was one."""
        if self.structures is not None:
            self.structures.forget_ways()
        if page not in self.entries:
            return False
        del self.entries[page]
        self.large.discard(page)
        queue = self.queues[page & (self.sets - 1)]
        slot = next(slot for slot in queue if self.slots[slot] == page)
        queue.remove(slot)
        self.slots[slot] = -1
        return True

    def flush(
        self, *, keep_global: bool = False, vpid: int | None = None, root: int | None = None
    ) -> list[int]:
        """Drop every translation; return the pages dropped.

        ``keep_global`` spares the global ones; ``vpid`` and ``root`` (hpa of the extended page
        tables) limit it to those.
        """
        self._forget_structures(nested=root is not None)
        dropped = [
            page
            for page, (_, _, flags) in self.entries.items()
            if not (keep_global and flags & GLOBAL)
            and (vpid is None or page >> TAG_SHIFT & VPID_MASK == vpid)
            and (root is None or page >> TAG_SHIFT + 16 == root >> 12)
        ]
        self._drop(dropped)
        return dropped

    def write_protection_changed(self) -> None:
        """CR0.WP was switched. Entries hold R/W as it is in the tables, so they stay."""

    def flush_page(self, vpid: int, page: int) -> None:
        """Drop the translations of one page of a virtual processor, whatever tables made them."""
        self._forget_structures()
        low = (1 << TAG_SHIFT + 16) - 1
        self._drop([key for key in self.entries if key & low == vpid << TAG_SHIFT | page])

    def flush_guests(self) -> None:
        """Drop the translations of every virtual processor; the host's stay."""
        self._forget_structures()
        self._drop([key for key in self.entries if key >> TAG_SHIFT & VPID_MASK])

    def flush_nested(self) -> None:
        """Drop every translation made through extended page tables."""
        self._forget_structures(nested=True)
        self._drop([key for key in self.entries if key >> TAG_SHIFT + 16])

    def _forget_structures(self, *, nested: bool = False) -> None:
        if self.structures is not None:
            if nested:
                self.structures.forget()
            else:
                self.structures.forget_ways()

    def _drop(self, dropped: list[int]) -> None:
        """Drop these; quickly if they are all there are."""
        if not dropped:
            return
        if len(dropped) == len(self.entries):
            self.entries.clear()
            self.large.clear()
            self.slots[:] = [-1] * len(self.slots)
            for queue in self.queues:
                queue.clear()
        else:
            for page in dropped:
                self.invalidate(page)

    def __iter__(self) -> Iterator[tuple[int, Translation]]:
        """Yield ``(slot, translation)`` of what is cached, in slot order."""
        for slot, page in enumerate(self.slots):
            if page >= 0:
                yield slot, Translation(*self.entries[page])

    def __len__(self) -> int:
        return len(self.entries)
