"""Announced page tables: the guest says what it changes, the VMM checks it and keeps its own copy.

A paravirtual kernel builds page tables in ordinary memory, has a directory *pinned* (the VMM
checks all of it), and announces every later change with a hypercall. The processor only ever
walks the VMM's tables, whose entries hold host frames. So nothing has to be write-protected or
found out by faults, and nothing a guest writes to its own tables means anything until it is
announced: a page fault that arrives is always the guest's own.

Checked is that each frame named belongs to the guest, that a frame is not directory and table at
once, that nothing is mapped where the VMM lives, and that bits are known. Tables that several
directories share are shared here too, so an update is one entry wherever it shows.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.vmm.exits import Handler
from ringside.vmm.monitor import WINDOW
from ringside.vmm.paravirt.abi import EBUSY, EINVAL, ENOMEM, EPERM, HypercallError

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor
    from ringside.vmm.vm import Vm

PRESENT, WRITABLE, USER = 1, 2, 4
KEPT = PRESENT | WRITABLE | USER | 0x18  # P, R/W, U/S, PWT, PCD
LARGE = 1 << 7  # PS in a directory; in a table it would be PAT, which this processor lacks
TABLE_RIGHTS = PRESENT | WRITABLE | USER
ENTRIES = 1024
WINDOW_INDEX = WINDOW >> 22
BOOT = -1  # the number under which the VMM's first tables of a guest go

WORDS = struct.Struct(f"<{ENTRIES}I")


class AnnouncedPaging:
    """One VM's real page tables, by the guest frames of the tables they were made from."""

    __slots__ = ("current", "directories", "free", "leads", "monitor", "tables", "users", "vm")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "vm"})

    def __init__(self, vm: Vm, monitor: Monitor) -> None:
        self.vm = vm
        self.monitor = monitor
        self.current = BOOT
        self.free: list[int] = []  # page frames, host-physical
        self.directories: dict[int, int] = {}  # gfn of a pinned directory -> hpa of the real one
        self.leads: dict[int, dict[int, int]] = {}  # directory's gfn -> entry's number -> table's
        self.tables: dict[int, int] = {}  # gfn of a table in use -> hpa of the real one
        self.users: dict[int, int] = {}  # gfn of a table -> directory entries that lead to it

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """None: page faults are the guest's own affair."""
        return {}

    def receive_frames(self, frames: list[int]) -> None:
        """Frames for tables; the first of them show the guest its memory one to one, to every
        ring, as it would be without paging."""
        self.free = frames
        directory = self._take()
        self.directories[BOOT] = directory
        self.monitor.map_window(directory)
        memory = self.monitor.machine.memory
        hfns = self.vm.allotment.hfns
        for first in range(0, len(hfns), ENTRIES):
            table = self._take()
            part = hfns[first : first + ENTRIES]
            entries = [hfn << FRAME_SHIFT | TABLE_RIGHTS for hfn in part]
            memory.write_bytes(table, WORDS.pack(*entries, *[0] * (ENTRIES - len(part))))
            memory.write32(directory + 4 * (first // ENTRIES), table | TABLE_RIGHTS)

    def load(self) -> None:
        """Make this VM's tables what the real processor walks (a world switch)."""
        self.monitor.machine.cpu.write_control(3, self.directories[self.current])

    # -- what the guest announces ------------------------------------------------------------

    def pin(self, gfn: int) -> None:
        """Check a page directory and everything under it, and make real tables of it."""
        if gfn in self.directories:
            raise HypercallError(EBUSY, f"frame {gfn:#x} is pinned already")
        if gfn in self.tables:
            raise HypercallError(EINVAL, f"frame {gfn:#x} is a page table, not a directory")
        entries = self._entries(gfn)
        wanted = {n: self._directory_entry(n, entry, gfn) for n, entry in enumerate(entries)}
        leading = {n: found for n, found in wanted.items() if found is not None}
        new = {table for table, _ in leading.values() if table not in self.tables}
        checked = {table: self._checked_table(table) for table in sorted(new)}
        if len(self.free) < len(checked) + 1:
            raise HypercallError(ENOMEM, "the VMM has no frames left for this guest's tables")
        memory = self.monitor.machine.memory
        for table, words in checked.items():
            self.tables[table] = self._take()
            self.users[table] = 0
            memory.write_bytes(self.tables[table], words)
        directory = self.directories[gfn] = self._take()
        self.monitor.map_window(directory)
        for number, (table, rights) in leading.items():
            memory.write32(directory + 4 * number, self.tables[table] | rights)
            self.users[table] += 1
        self.leads[gfn] = {number: table for number, (table, _) in leading.items()}

    def unpin(self, gfn: int) -> None:
        """Forget a directory, and tables that nobody uses then."""
        if gfn not in self.directories or gfn == BOOT:
            raise HypercallError(EINVAL, f"frame {gfn:#x} is not a pinned directory")
        if gfn == self.current:
            raise HypercallError(EBUSY, f"the directory in frame {gfn:#x} is in use")
        for table in self.leads.pop(gfn).values():
            self._release(table)
        self.free.append(self.directories.pop(gfn))

    def use(self, gfn: int) -> None:
        """Switch to another pinned directory (CR3)."""
        if gfn not in self.directories or gfn == BOOT:
            raise HypercallError(EINVAL, f"frame {gfn:#x} is not a pinned directory")
        self.current = gfn
        self.load()

    def update(self, gpa: int, value: int) -> None:
        """Change one entry of an announced directory or table."""
        gfn, number = gpa >> FRAME_SHIFT, (gpa & OFFSET_MASK) >> 2
        if gpa & 3:
            raise HypercallError(EINVAL, f"{gpa:#x} is not the address of an entry")
        memory = self.monitor.machine.memory
        if gfn in self.tables:
            memory.write32(self.tables[gfn] + 4 * number, self._table_entry(value))
        elif gfn in self.directories:
            self._update_directory(gfn, number, value)
        else:
            raise HypercallError(EINVAL, f"frame {gfn:#x} is not one of the announced tables")
        self.vm.memory.write32(gpa, value)

    def update_mapping(self, linear: int, value: int) -> None:
        """Change the entry that maps ``linear`` in the directory in use."""
        table = self.table_of(linear)
        if table is None:
            raise HypercallError(EINVAL, f"no table of the guest's is in charge of {linear:#x}")
        self.update(table << FRAME_SHIFT | linear >> 10 & 0xFFC, value)

    def table_of(self, linear: int) -> int | None:
        """The guest frame of the table that maps ``linear`` now."""
        return self.leads.get(self.current, {}).get(linear >> 22)

    # -- checking ----------------------------------------------------------------------------

    def _entries(self, gfn: int) -> tuple[int, ...]:
        self._own(gfn)
        return WORDS.unpack(self.vm.memory.read_bytes(gfn << FRAME_SHIFT, FRAME))

    def _own(self, gfn: int) -> int:
        hfn = self.vm.allotment.frame(gfn)
        if hfn is None:
            raise HypercallError(EPERM, f"frame {gfn:#x} is not this guest's")
        return hfn

    def _table_entry(self, entry: int) -> int:
        """The real entry for a guest's; raises HypercallError."""
        if not entry & PRESENT:
            return 0
        if entry & LARGE:
            raise HypercallError(EINVAL, f"entry {entry:#010x} has a bit this processor lacks")
        return self._own(entry >> FRAME_SHIFT) << FRAME_SHIFT | entry & KEPT

    def _directory_entry(self, number: int, entry: int, directory: int) -> tuple[int, int] | None:
        """The table's frame and the rights in a directory entry; None if it is not present."""
        if not entry & PRESENT:
            return None
        if number == WINDOW_INDEX:
            raise HypercallError(EPERM, "the top 4 MiB of every address space are the VMM's")
        if entry & LARGE:
            raise HypercallError(EINVAL, "large pages cannot be announced")
        gfn = entry >> FRAME_SHIFT
        self._own(gfn)
        if gfn in self.directories or gfn == directory:
            raise HypercallError(EINVAL, f"frame {gfn:#x} is a directory, not a page table")
        return gfn, entry & KEPT

    def _checked_table(self, gfn: int) -> bytes:
        """The real table's bytes for the guest's; raises HypercallError."""
        return WORDS.pack(*map(self._table_entry, self._entries(gfn)))

    def _update_directory(self, gfn: int, number: int, value: int) -> None:
        leads = self.leads[gfn]
        found = self._directory_entry(number, value, gfn)
        memory = self.monitor.machine.memory
        real = 0
        if found is not None:
            table, rights = found
            if table not in self.tables:
                words = self._checked_table(table)
                if not self.free:
                    raise HypercallError(ENOMEM, "the VMM has no frames left for tables")
                self.tables[table] = self._take()
                self.users[table] = 0
                memory.write_bytes(self.tables[table], words)
            self.users[table] += 1
            real = self.tables[table] | rights
        memory.write32(self.directories[gfn] + 4 * number, real)
        before = leads.pop(number, None)
        if found is not None:
            leads[number] = found[0]
        if before is not None:
            self._release(before)
            self.flush()

    def _release(self, table: int) -> None:
        """One directory entry less leads to a table."""
        self.users[table] -= 1
        if not self.users[table]:
            del self.users[table]
            self.free.append(self.tables.pop(table))

    def _take(self) -> int:
        frame = self.free.pop()
        self.monitor.machine.memory.write_bytes(frame, bytes(FRAME))
        return frame

    # -- the TLB -----------------------------------------------------------------------------

    def flush(self) -> None:
        """Drop every translation the real processor has cached of this guest."""
        self.monitor.machine.cpu.flush_tlb()

    def flush_page(self, linear: int) -> None:
        """Drop one page's."""
        self.monitor.machine.cpu.invalidate_page(linear & 0xFFFF_FFFF)

    # -- reading and writing what a pointer of the guest's means -----------------------------

    def translate(self, linear: int, write: bool) -> int | None:
        """The host-physical address the guest's kernel reaches at ``linear``; None if none."""
        if not 0 <= linear < WINDOW:
            return None
        memory = self.monitor.machine.memory
        entry = memory.read32(self.directories[self.current] + 4 * (linear >> 22))
        if not entry & PRESENT or (write and not entry & WRITABLE):
            return None
        entry = memory.read32((entry & ~OFFSET_MASK) + (linear >> 10 & 0xFFC))
        if not entry & PRESENT or (write and not entry & WRITABLE):
            return None
        return entry & ~OFFSET_MASK | linear & OFFSET_MASK

    def read(self, linear: int, count: int) -> bytes | None:
        """``count`` bytes of the guest's memory, None if any of them is out of its reach."""
        found = b""
        while len(found) < count:
            at = linear + len(found)
            hpa = self.translate(at, False)
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
