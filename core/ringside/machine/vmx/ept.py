"""Extended page tables: the guest's physical addresses walk once more (SDM vol. 3C, 29.3).

:class:`Nested` is guest-physical memory as the processor's own walk sees it: it reads and writes at
guest-physical addresses (gpa), each of which goes through the EPT first. So the two-dimensional
walk is the ordinary one over this memory, and its (n+1)(m+1)-1 references fall out of it. An access
the tables do not allow is an EPT violation, one with an impossible entry a misconfiguration: both
leave the virtual machine.
"""

from __future__ import annotations

from ringside.machine.memory import FRAME_SHIFT, OFFSET_MASK, Memory
from ringside.machine.paging import EPT_BITS, EPT_FOUR_LEVEL
from ringside.machine.structure_caches import StructureCaches
from ringside.machine.tlb import DIRTY, NO_EXECUTE
from ringside.machine.vmx import reasons
from ringside.machine.vmx.reasons import VmExit
from ringside.machine.walker import lean_steps

READ, WRITE, FETCH = 1, 2, 4  # an access; the same bits of an entry allow it
LINEAR_VALID, FINAL = 1 << 7, 1 << 8  # exit qualification (table 28-7)
WRITE_ONLY, WRITE_EXECUTE, EXECUTE_ONLY = 2, 6, 4  # rights no entry may have here
IMPOSSIBLE = frozenset({WRITE_ONLY, WRITE_EXECUTE, EXECUTE_ONLY})
MEMORY_TYPES = frozenset({0, 1, 4, 5, 6})
LARGE = EPT_BITS.large

# The EPT pointer (table 25-9): memory type 2:0, walk length less one 5:3, bit 6 switches A and D.
POINTER_TYPES = frozenset({0, 6})
POINTER_LEVELS = len(EPT_FOUR_LEVEL.levels) - 1
POINTER_AD = 1 << 6
POINTER_RESERVED = 0xF80
ROOT = ~OFFSET_MASK


def pointer_problem(pointer: int) -> str:
    """What is wrong with an EPT pointer, or ""."""
    if pointer & 7 not in POINTER_TYPES:
        return "the EPT pointer has an unknown memory type"
    if pointer >> 3 & 7 != POINTER_LEVELS:
        return "the EPT pointer asks for another number of levels than 4"
    if pointer & POINTER_RESERVED or pointer >> 32:
        return "reserved bits of the EPT pointer are set"
    return ""


class Nested:
    """Guest-physical memory. ``linear`` is the address being translated, -1 if there is none."""

    __slots__ = ("caches", "linear", "marks", "memory", "refs", "root")

    def __init__(
        self, memory: Memory, pointer: int, caches: StructureCaches | None = None
    ) -> None:
        self.memory = memory
        self.caches = caches if caches is not None and caches.most_frames else None
        self.root = pointer & ROOT
        self.marks = bool(pointer & POINTER_AD)  # whether A and D are kept
        self.linear = -1
        self.refs = 0  # references made since the translation began

    def final(self, gpa: int, write: bool, fetch: bool) -> tuple[int, int]:
        """Translate the access a walk was made for."""
        return self.translate(gpa, FETCH if fetch else WRITE if write else READ, FINAL)

    def read(self, gpa: int, size: int) -> int:
        """Read a guest paging-structure entry. With A and D kept that counts as a write too."""
        access = READ | WRITE if self.marks else READ
        frame, _ = self.translate(gpa, access, 0)
        self.refs += 1
        return self.memory.read(frame << FRAME_SHIFT | gpa & OFFSET_MASK, size)

    def write(self, gpa: int, value: int, size: int) -> None:
        """Set A or D in a guest paging-structure entry, whose place is known from reading it."""
        refs = self.refs
        frame, _ = self.translate(gpa, READ | WRITE, 0)
        self.refs = refs
        self.memory.write(frame << FRAME_SHIFT | gpa & OFFSET_MASK, value, size)

    def translate(self, gpa: int, access: int, final: int) -> tuple[int, int]:
        """Give the frame of ``gpa`` and what the TLB must remember: NO_EXECUTE, no DIRTY.

        ``final`` is FINAL for the access itself, 0 for those of the guest's page walk.
        """
        caches = self.caches
        if caches is not None:
            known = caches.place(self.root, gpa >> FRAME_SHIFT)
            if known is not None:
                frame, rights, flags = known
                if not access & ~rights and (flags & DIRTY or not access & WRITE):
                    caches.saved += 1
                    return frame, flags
        memory = self.memory
        table, rights = self.root, 7
        seen: list[tuple[int, int]] = []
        for shift, mask, large, reserved, large_reserved in STEPS:
            address = table + (gpa >> shift & mask) * 8
            entry = memory.read(address, 8)
            self.refs += 1
            seen.append((address, entry))
            rights &= entry
            if not entry & 7:
                raise self.violation(gpa, access, 0, final)
            leaf = shift == FRAME_SHIFT or bool(entry & large)
            if (
                entry & 7 in IMPOSSIBLE
                or entry & (large_reserved if entry & large else reserved)
                or (leaf and entry >> 3 & 7 not in MEMORY_TYPES)
            ):
                raise VmExit(reasons.EPT_MISCONFIGURATION, physical=gpa)
            table = entry & EPT_FOUR_LEVEL.address_mask
            if leaf:
                break
        if access & ~rights:
            raise self.violation(gpa, access, rights, final)
        flags = 0 if rights & FETCH else NO_EXECUTE
        dirty = not self.marks or self.mark(seen, access)
        if rights & WRITE and dirty:
            flags |= DIRTY
        size = 1 << shift
        frame = (table & ~(size - 1) | gpa & (size - 1)) >> FRAME_SHIFT
        if caches is not None:
            caches.note_place(self.root, gpa >> FRAME_SHIFT, (frame, rights & 7, flags))
        return frame, flags

    def mark(self, seen: list[tuple[int, int]], access: int) -> bool:
        """Set A on the way and D on a write; tell whether the page is dirty now."""
        last, leaf = seen[-1]
        for address, entry in seen:
            wanted = EPT_BITS.accessed
            if address == last and access & WRITE:
                wanted |= EPT_BITS.dirty
            if entry & wanted != wanted:
                self.memory.write(address, entry | wanted, 8)
        return bool(access & WRITE or leaf & EPT_BITS.dirty)

    def violation(self, gpa: int, access: int, rights: int, final: int) -> VmExit:
        """Make the exit for an access that is not allowed; the rights are in its qualification."""
        qualification = access | rights << 3
        linear = 0
        if self.linear >= 0:
            linear = self.linear
            qualification |= LINEAR_VALID | final
        return VmExit(reasons.EPT_VIOLATION, qualification, linear=linear, physical=gpa)


STEPS = lean_steps(EPT_FOUR_LEVEL, True)
