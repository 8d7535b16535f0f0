"""What a paravirtual guest uses each of its frames as, and what may therefore stand in its tables.

The guest's own page tables are what the processor walks, so the VMM has to vouch for every bit of
them. It does so with two numbers for each frame of the guest, as Xen does (Barham et al. 2003,
section 3.3.3): what the frame is used as, and how often. A frame is a page directory, or a page
table, or it may be mapped writable; never two of these at once. (Xen has two more kinds, GDT and
LDT; here the VMM keeps a copy of the one, and there is none of the other.) So nobody but the VMM
can write to a table from the moment it was checked, and each later change is checked like the
first.

Frames here are frames of the machine (``hfn``), as they stand in the entries.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.vmm.paravirt.abi import EBUSY, EINVAL, EPERM, HypercallError

if TYPE_CHECKING:
    from ringside.machine.memory import Memory

PRESENT, WRITABLE, USER, ACCESSED, DIRTY = 1, 2, 4, 0x20, 0x40
LARGE = 1 << 7  # PS in a directory; in a table it would be PAT, which this processor lacks
ENTRIES = 1024
WORDS = struct.Struct(f"<{ENTRIES}I")


class FrameTypes:
    """One guest's frames in use as something.

    ``writable`` and ``tables`` count, by frame, the entries that map it writable and the directory
    entries that lead to it; ``directories`` are pinned. ``barred`` may be neither table nor
    directory, since the VMM itself writes there. ``own`` are the VMM's entries in every directory,
    by number. ``looked`` measures the work so far: the entries of whole tables gone through.
    ``changed`` says that a frame came to be a table, a directory or neither: what a TLB
    holds of the time before must go, or it would lead around all checks.
    """

    __slots__ = (
        "barred", "changed", "directories", "gfns", "looked", "memory", "own", "tables",
        "writable",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"gfns", "memory", "own"})

    def __init__(
        self, memory: Memory, hfns: Sequence[int], own: Mapping[int, int], barred: frozenset[int]
    ) -> None:
        self.memory = memory
        self.gfns = {hfn: gfn for gfn, hfn in enumerate(hfns)}
        self.own = own
        self.barred = barred
        self.writable: dict[int, int] = {}
        self.tables: dict[int, int] = {}
        self.directories: set[int] = set()
        self.looked = 0
        self.changed = False

    # -- what the guest asks for -------------------------------------------------------------

    def pin(self, hfn: int) -> None:
        """Check a page directory and everything under it; nobody else can write to it then."""
        self._require_own(hfn)
        if hfn in self.directories:
            raise HypercallError(EBUSY, f"frame {hfn:#x} is pinned already")
        if hfn in self.tables:
            raise HypercallError(EINVAL, f"frame {hfn:#x} is a page table, not a directory")
        with self._all_or_nothing():
            self._require_unwritable(hfn)
            self.directories.add(hfn)
            for number, entry in enumerate(self.entries(hfn)):
                self._refer(number, entry)
        for number, entry in self.own.items():
            self._write(hfn, number, entry)
        self.changed = True

    def unpin(self, hfn: int) -> None:
        """Give a directory back to its guest, and the tables that only it led to."""
        if hfn not in self.directories:
            raise HypercallError(EINVAL, f"frame {hfn:#x} is not a pinned directory")
        self.directories.remove(hfn)
        for number in self.own:
            self._write(hfn, number, 0)
        for entry in self.entries(hfn):
            self._drop(entry)
        self.changed = True

    def update(self, hpa: int, value: int) -> None:
        """Change one entry of a directory or table, if the new one may stand there."""
        hfn, number = hpa >> FRAME_SHIFT, (hpa & FRAME - 1) >> 2
        if hpa & 3:
            raise HypercallError(EINVAL, f"{hpa:#x} is not the address of an entry")
        if hfn in self.tables:
            before = self.memory.read32(hpa)
            self._map(value)
            self._unmap(before)
        elif hfn in self.directories:
            if number in self.own:
                raise HypercallError(EPERM, "the top 8 MiB of every address space are the VMM's")
            before = self.memory.read32(hpa)
            with self._all_or_nothing():
                self._refer(number, value)
            self._drop(before)
        else:
            raise HypercallError(EINVAL, f"frame {hfn:#x} is not a page table in use")
        self.memory.write32(hpa, value)

    def entries(self, hfn: int) -> tuple[int, ...]:
        """The entries in a frame of the guest's."""
        self.looked += ENTRIES
        return WORDS.unpack(self.memory.read_bytes(hfn << FRAME_SHIFT, FRAME))

    # -- checking and counting ---------------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Put the books back to what they were if what is done with them is refused."""
        self.looked += len(self.writable) >> 3  # copying is work as well
        books = self.writable.copy(), self.tables.copy(), self.directories.copy(), self.changed
        try:
            yield
        except HypercallError:
            self.writable, self.tables, self.directories, self.changed = books
            raise

    def _write(self, hfn: int, number: int, entry: int) -> None:
        self.memory.write32((hfn << FRAME_SHIFT) + 4 * number, entry)

    def _require_own(self, hfn: int) -> None:
        if hfn not in self.gfns:
            raise HypercallError(EPERM, f"frame {hfn:#x} is not this guest's")

    def _require_unwritable(self, hfn: int) -> None:
        if hfn in self.barred:
            raise HypercallError(EPERM, f"frame {hfn:#x} is the page the VMM shares with the guest")
        if self.writable.get(hfn):
            raise HypercallError(
                EBUSY, f"frame {hfn:#x} is still mapped writable, which no page table may be"
            )

    def _map(self, entry: int) -> None:
        """Check a page table's entry and count what it maps."""
        if not entry & PRESENT:
            return
        if entry & LARGE:
            raise HypercallError(EINVAL, f"entry {entry:#010x} has a bit this processor lacks")
        hfn = entry >> FRAME_SHIFT
        self._require_own(hfn)
        if entry & WRITABLE:
            if hfn in self.tables or hfn in self.directories:
                raise HypercallError(
                    EPERM, f"frame {hfn:#x} is a page table and can be mapped for reading only"
                )
            self.writable[hfn] = self.writable.get(hfn, 0) + 1

    def _unmap(self, entry: int) -> None:
        if entry & PRESENT and entry & WRITABLE:
            hfn = entry >> FRAME_SHIFT
            self.writable[hfn] -= 1
            if not self.writable[hfn]:
                del self.writable[hfn]

    def _refer(self, number: int, entry: int) -> None:
        """Check a directory's entry and everything it leads to."""
        if not entry & PRESENT:
            return
        if number in self.own:
            if entry & ~(ACCESSED | DIRTY) != self.own[number]:
                raise HypercallError(EPERM, "the top 8 MiB of every address space are the VMM's")
            return
        if entry & LARGE:
            raise HypercallError(EINVAL, "the VMM does not hand out large pages")
        hfn = entry >> FRAME_SHIFT
        self._require_own(hfn)
        if hfn in self.directories:
            raise HypercallError(EINVAL, f"frame {hfn:#x} is a directory, not a page table")
        if hfn not in self.tables:
            self._require_unwritable(hfn)
            self.tables[hfn] = 0
            for mapped in self.entries(hfn):
                self._map(mapped)
            self.changed = True
        self.tables[hfn] += 1

    def _drop(self, entry: int) -> None:
        """One directory entry less leads to a table."""
        if not entry & PRESENT:
            return
        hfn = entry >> FRAME_SHIFT
        self.tables[hfn] -= 1
        if not self.tables[hfn]:
            del self.tables[hfn]
            for mapped in self.entries(hfn):
                self._unmap(mapped)
            self.changed = True
