"""Direct page tables: the processor walks the guest's own, and the VMM vouches for what is in them.

A paravirtual kernel knows which frames of the machine it has (two lists tell it: from its own
numbers to the machine's, and back) and writes those into its page tables. Before a table is used
the VMM checks it, and from then on the guest can only read it: changes are asked for by hypercall,
one or many at once, checked, and made in place (:mod:`.frame_types`). There is no second set of
tables, nothing to be found out by faults, and a page fault is always the guest's own. Accessed and
dirty flags appear where the guest can read them.

A domain begins with paging on, as Xen's do: the VMM, building it, makes a first directory in the
guest's own memory that shows all of it one to one, and puts both lists where it can read them.

Source: Barham et al. 2003, sections 2.1.1 and 3.3.3; Xen's public header ``arch-x86/xen-x86_32.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from ringside.machine.control import CR0_PG, CR0_WP
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.trace.events import ControlWritten, EntryChanged, TablesChecked
from ringside.vmm.exits import Handler
from ringside.vmm.memory.frame_types import (
    ACCESSED,
    DIRTY,
    ENTRIES,
    PRESENT,
    USER,
    WORDS,
    WRITABLE,
    FrameTypes,
)
from ringside.vmm.monitor import PRESENT_WRITABLE, WINDOW, WINDOW_TABLE
from ringside.vmm.paravirt.abi import (
    EBUSY,
    EINVAL,
    MACHINE_TO_PHYSICAL,
    NO_FRAME,
    PHYSICAL_TO_MACHINE,
    SHARED_INFO,
    START_DIRECTORY,
    START_TABLES_END,
    HypercallError,
)

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor
    from ringside.vmm.vm import Vm

SEEN = PRESENT | WRITABLE | USER  # by every ring, as it would be without paging


class DirectPaging:
    """One VM's page tables, which are its own. ``current`` is the frame of the directory in use."""

    __slots__ = ("current", "monitor", "types", "vm")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "vm"})

    types: FrameTypes

    def __init__(self, vm: Vm, monitor: Monitor) -> None:
        self.vm = vm
        self.monitor = monitor
        self.current = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """None: page faults are the guest's own affair."""
        return {}

    # -- building ----------------------------------------------------------------------------

    def receive_frames(self, frames: list[int]) -> None:
        """Frames of the VMM's, for the list that leads from the machine's frames to the guest's;
        then the guest's first tables are made and pinned like any others."""
        hfns = self.vm.allotment.hfns
        own = {
            WINDOW >> 22: WINDOW_TABLE | PRESENT_WRITABLE,
            MACHINE_TO_PHYSICAL >> 22: self._list_machine_frames(frames) | PRESENT,
        }
        shared = frozenset({hfns[SHARED_INFO >> FRAME_SHIFT]})
        self.types = FrameTypes(self.monitor.machine.memory, hfns, own, shared)
        memory = self.vm.memory
        memory.write_bytes(PHYSICAL_TO_MACHINE, struct.pack(f"<{len(hfns)}I", *hfns))
        memory.write_bytes(START_DIRECTORY, bytes(FRAME))
        parts = range(0, len(hfns), ENTRIES)
        tables = [START_TABLES_END - FRAME * (number + 1) for number in range(len(parts))]
        read_only = {gpa >> FRAME_SHIFT for gpa in (START_DIRECTORY, *tables)}
        for number, (first, table) in enumerate(zip(parts, tables, strict=True)):
            part = [
                hfn << FRAME_SHIFT | (SEEN & ~WRITABLE if gfn in read_only else SEEN)
                for gfn, hfn in enumerate(hfns[first : first + ENTRIES], first)
            ]
            memory.write_bytes(table, WORDS.pack(*part, *[0] * (ENTRIES - len(part))))
            entry = hfns[table >> FRAME_SHIFT] << FRAME_SHIFT | SEEN
            memory.write32(START_DIRECTORY + 4 * number, entry)
        self.current = hfns[START_DIRECTORY >> FRAME_SHIFT]
        self.types.pin(self.current)
        self.types.changed = False  # nothing is in the TLB yet
        self.vm.vcpu.cr0 |= CR0_PG | CR0_WP  # what the real processor has
        self.vm.vcpu.cr3 = self.current << FRAME_SHIFT

    def _list_machine_frames(self, frames: list[int]) -> int:
        """Make the list, and the page table that shows it; gives the table's address."""
        memory = self.monitor.machine.memory
        gfns = [NO_FRAME] * (-(-(memory.size >> FRAME_SHIFT) // ENTRIES) * ENTRIES)
        for gfn, hfn in enumerate(self.vm.allotment.hfns):
            gfns[hfn] = gfn
        pages = len(gfns) // ENTRIES
        if len(frames) < pages + 2:
            raise ValueError("the VMM's memory is used up: fewer virtual machines, please")
        table, nobody, *listed = (frames.pop() for _ in range(pages + 2))
        for number, page in enumerate(listed):
            part = gfns[number * ENTRIES : (number + 1) * ENTRIES]
            memory.write_bytes(page, WORDS.pack(*part))
        memory.write_bytes(nobody, WORDS.pack(*[NO_FRAME] * ENTRIES))  # beyond the machine's end
        entries = [page | PRESENT for page in listed] + [nobody | PRESENT] * (ENTRIES - pages)
        memory.write_bytes(table, WORDS.pack(*entries))
        return table

    def load(self) -> None:
        """Make this VM's tables what the real processor walks (a world switch)."""
        self.monitor.machine.cpu.write_control(3, self.current << FRAME_SHIFT)

    # -- what the guest asks for -------------------------------------------------------------

    def pin(self, hfn: int) -> None:
        """Check a page directory and everything under it, and let the guest use it."""
        vm, before = self.vm, len(self.types.tables)
        self.types.pin(hfn)
        self._forget_old_types()
        vm.emit(TablesChecked(vm.time, "vmm", vm.name, hfn, len(self.types.tables) - before))

    def unpin(self, hfn: int) -> None:
        """Give a directory back, and the tables that nobody uses then."""
        if hfn == self.current:
            raise HypercallError(EBUSY, f"the directory in frame {hfn:#x} is in use")
        self.types.unpin(hfn)
        self._forget_old_types()

    def use(self, hfn: int) -> None:
        """Switch to another pinned directory (CR3)."""
        if hfn not in self.types.directories:
            raise HypercallError(EINVAL, f"frame {hfn:#x} is not a pinned directory")
        vm, before = self.vm, self.current << FRAME_SHIFT
        self.current = hfn
        vm.vcpu.cr3 = hfn << FRAME_SHIFT
        self.load()
        vm.emit(ControlWritten(vm.time, "vmm", "cr3", before, vm.vcpu.cr3))

    def update(self, hpa: int, value: int) -> None:
        """Change one entry of a directory or table in use, at a machine address."""
        vm, memory = self.vm, self.monitor.machine.memory
        before = memory.read32(hpa)
        self.types.update(hpa, value)
        self._forget_old_types()
        vm.emit(EntryChanged(vm.time, "vmm", vm.name, hpa, before, value))

    def update_mapping(self, linear: int, value: int) -> None:
        """Change the entry that maps ``linear`` in the directory in use."""
        number = linear >> 22
        entry = self._directory_entry(linear)
        if not entry & PRESENT or number in self.types.own:
            raise HypercallError(EINVAL, f"no table of the guest's is in charge of {linear:#x}")
        self.update(entry & ~OFFSET_MASK | linear >> 10 & 0xFFC, value)

    def _directory_entry(self, linear: int) -> int:
        memory = self.monitor.machine.memory
        return memory.read32((self.current << FRAME_SHIFT) + 4 * (linear >> 22))

    # -- the TLB -----------------------------------------------------------------------------

    def _forget_old_types(self) -> None:
        """A frame that has become a table may still be writable by way of the TLB, and one that
        is none any more may still be walked by way of what the processor keeps of directories."""
        if self.types.changed:
            self.types.changed = False
            self.flush()

    def flush(self) -> None:
        """Drop every translation the real processor has cached of this guest."""
        self.monitor.machine.cpu.flush_tlb()

    def flush_page(self, linear: int) -> None:
        """Drop one page's."""
        self.monitor.machine.cpu.invalidate_page(linear & 0xFFFF_FFFF)

    # -- reading and writing what a pointer of the guest's means -----------------------------

    def translate(self, linear: int, write: bool, mark: bool = True) -> int | None:
        """The machine address the guest's kernel reaches at ``linear``; None if none.

        Unless told not to ``mark``, it leaves accessed and dirty flags as the kernel would.
        """
        if not 0 <= linear < MACHINE_TO_PHYSICAL:
            return None
        memory = self.monitor.machine.memory
        upper_at = (self.current << FRAME_SHIFT) + 4 * (linear >> 22)
        upper = memory.read32(upper_at)
        if not upper & PRESENT or (write and not upper & WRITABLE):
            return None
        lower_at = (upper & ~OFFSET_MASK) + (linear >> 10 & 0xFFC)
        lower = memory.read32(lower_at)
        if not lower & PRESENT or (write and not lower & WRITABLE):
            return None
        if mark:
            memory.write32(upper_at, upper | ACCESSED)
            memory.write32(lower_at, lower | ACCESSED | (DIRTY if write else 0))
        return lower & ~OFFSET_MASK | linear & OFFSET_MASK

    def read(self, linear: int, count: int, mark: bool = True) -> bytes | None:
        """``count`` bytes of the guest's memory, None if any of them is out of its reach."""
        found = b""
        while len(found) < count:
            at = linear + len(found)
            hpa = self.translate(at, False, mark)
            if hpa is None:
                return None
            part = min(count - len(found), FRAME - (at & OFFSET_MASK))
            found += self.monitor.machine.memory.read_bytes(hpa, part)
        return found

    def write(self, linear: int, data: bytes) -> bool:
        """Store ``data`` in the guest's memory; False, and nothing stored, if it may not."""
        pieces: list[tuple[int, int, int]] = []
        done = 0
        while done < len(data):
            at = linear + done
            hpa = self.translate(at, True)
            if hpa is None:
                return False
            part = min(len(data) - done, FRAME - (at & OFFSET_MASK))
            pieces.append((hpa, done, part))
            done += part
        for hpa, start, part in pieces:
            self.monitor.machine.memory.write_bytes(hpa, data[start : start + part])
        return True

    # -- for whoever compares two guests -----------------------------------------------------

    def in_own_terms(self, root: int, pages: Iterable[bytes]) -> tuple[int, Iterator[bytes]]:
        """A guest's CR3 and pages, with its own numbers for frames where the machine's stand."""
        gfns, types, hfns = self.types.gfns, self.types, self.vm.allotment.hfns
        lists = range(
            PHYSICAL_TO_MACHINE >> FRAME_SHIFT,
            (PHYSICAL_TO_MACHINE + 4 * len(hfns) - 1 >> FRAME_SHIFT) + 1,
        )

        def own(entry: int) -> int:
            gfn = gfns.get(entry >> FRAME_SHIFT)
            if gfn is None or not entry & PRESENT:
                return entry
            return gfn << FRAME_SHIFT | entry & OFFSET_MASK

        def canonical() -> Iterator[bytes]:
            for gfn, page in enumerate(pages):
                if hfns[gfn] in types.directories or hfns[gfn] in types.tables:
                    words = [own(entry) for entry in WORDS.unpack(page)]
                    if hfns[gfn] in types.directories:
                        for number in types.own:
                            words[number] = 0
                    yield WORDS.pack(*words)
                elif gfn in lists:
                    yield WORDS.pack(*(gfns.get(word, word) for word in WORDS.unpack(page)))
                else:
                    yield page

        return gfns[root >> FRAME_SHIFT] << FRAME_SHIFT, canonical()
