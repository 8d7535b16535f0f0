"""Shadow page tables kept across context switches: one root for each address space of the guest.

A plain shadow forgets everything when the guest loads CR3, and each process begins with a row of
hidden faults. Here the tables of the guest are traced (:mod:`.traced`), so a shadow is coherent
even while another one is in use, and a CR3 load only goes to the root made from that CR3, if there
is one. That is the third corner of Adams and Agesen's "three-way trade-off" between trace faults,
hidden faults and context switches (ASPLOS 2006, section 2.4).

Frames are short: when none is left, the root used longest ago is given up, and after the last of
them the shadow in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.machine.control import CR0_PG, CR0_WP, CR4_FLUSHES, CR4_PAE, CR4_PSE
from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.machine.paging import PAE, THIRTY_TWO_BIT
from ringside.machine.walker import walk
from ringside.vmm.memory.shadow import WRITE_BIT, slot_of
from ringside.vmm.memory.traced import TracedShadow

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor
    from ringside.vmm.vm import Vm

MOST_ROOTS = 8  # besides the one in use

Key = tuple[int, ...]
"""What a shadow depends on besides the guest's tables: CR3, paging and protection bits, PDPTEs."""


class KeptRoot:
    """A shadow that is not in use now: its directory, tables, mapped frames, and what from."""

    __slots__ = ("derived", "pages", "root", "tables")

    def __init__(
        self, root: int, tables: dict[int, int], pages: dict[int, set[int]],
        derived: dict[int, set[int]],
    ) -> None:  # fmt: skip
        self.root = root
        self.tables = tables
        self.pages = pages
        self.derived = derived


class CachedShadow(TracedShadow):
    """``kept_roots`` holds shadows by what they were made for, the one used longest ago first.

    ``switches`` counts CR3 loads that found their root, ``reclaimed`` roots given up.
    """

    __slots__ = ("active", "kept_roots", "reclaimed", "switches", "window")

    def __init__(self, vm: Vm, monitor: Monitor, *, window: bool = True) -> None:
        super().__init__(vm, monitor, window=window)
        self.window = window
        self.kept_roots: dict[Key, KeptRoot] = {}
        self.active: Key | None = None  # what the shadow in use was made for; None: nothing yet
        self.switches = 0
        self.reclaimed = 0

    def _key(self) -> Key:
        cpu = self.vm.vcpu
        if not cpu.cr0 & CR0_PG:
            return (0, 0, 0)
        pdptes = tuple(cpu.pdptes) if cpu.cr4 & CR4_PAE else ()
        return (cpu.cr3, cpu.cr0 & (CR0_PG | CR0_WP), cpu.cr4 & CR4_FLUSHES, *pdptes)

    # -- going from one address space to another -------------------------------------------------

    def drop_all(self) -> None:
        """The guest loaded CR3, or switched paging: use the shadow made for that, or a new one."""
        key = self._key()
        if self.active is None:  # nothing was made yet that could be kept
            super().drop_all()
            self.active = key
            return
        self.on_forget(-1)
        if key != self.active:
            self._change_to(key)
        self.monitor.machine.cpu.flush_tlb()

    def _change_to(self, key: Key) -> None:
        before = self.root
        assert self.active is not None
        self.kept_roots[self.active] = KeptRoot(before, self.tables, self.pages, self.derived)
        found = self.kept_roots.pop(key, None)
        if found is None:
            while len(self.kept_roots) > MOST_ROOTS:
                self._give_up_oldest()
            found = KeptRoot(self._new_root(), {}, {}, {})
        else:
            self.switches += 1
        self.active = key
        self.root, self.tables, self.pages = found.root, found.tables, found.pages
        self.derived = found.derived
        cpu = self.monitor.machine.cpu
        if cpu.cr3 == before:
            cpu.write_control(3, self.root)

    def _new_root(self) -> int:
        while not self.free:
            self._give_up_oldest()
        root = self.free.pop()
        self.monitor.machine.memory.write_bytes(root, bytes(FRAME))
        if self.window:
            self.monitor.map_window(root)
        return root

    # -- when frames run out ---------------------------------------------------------------------

    def reclaim(self) -> None:
        """Give up the root used longest ago; if there is none, what the one in use holds."""
        if self.kept_roots:
            self._give_up_oldest()
        else:
            super().drop_all()

    def _give_up_oldest(self) -> None:
        kept = self.kept_roots.pop(next(iter(self.kept_roots)))
        self.free += [*kept.tables.values(), kept.root]
        self.reclaimed += 1
        for gfn in {address >> FRAME_SHIFT for address in kept.derived}:
            self._free_trace(gfn)

    # -- coherence of all of them ----------------------------------------------------------------

    def fill(self, page: int, gfn: int, hfn: int, flags: int, kernel_write: bool = False) -> None:
        """Make an entry in the shadow in use."""
        if self.active is None:
            self.active = self._key()
        elif self.active != self._key():  # CR0.WP was switched, which flushes nothing
            self._change_to(self._key())
        super().fill(page, gfn, hfn, flags, kernel_write)

    def table_written(self, gpa: int, size: int) -> None:
        """The guest writes to a traced frame: forget what depends on it, in every shadow."""
        gfn = gpa >> FRAME_SHIFT
        if gfn not in self.tables_traced:
            return
        memory = self.monitor.machine.memory
        for address in self._entries(gpa, size):
            for kept in self.kept_roots.values():
                for page in kept.derived.pop(address, ()):
                    table = kept.tables.get(page >> 10)
                    if table is not None:
                        memory.write32(slot_of(table, page), 0)
        super().table_written(gpa, size)
        self._free_trace(gfn)

    def _free_trace(self, gfn: int) -> None:
        """Let the guest write to a frame again if no shadow was made from it any more."""
        first = gfn << FRAME_SHIFT
        entries = range(first, first + FRAME, 4)
        shadows = (self.derived, *(kept.derived for kept in self.kept_roots.values()))
        if gfn in self.tables_traced and not any(
            address in derived for derived in shadows for address in entries
        ):
            self.tables_traced.discard(gfn)
            self.kept.discard(gfn)
            self.untrace(gfn)

    def forget_frame(self, gfn: int) -> None:
        """Forget every translation to a guest frame, in every shadow."""
        for kept in self.kept_roots.values():
            for page in kept.pages.pop(gfn, ()):
                table = kept.tables.get(page >> 10)
                if table is not None:
                    self.monitor.machine.memory.write32(slot_of(table, page), 0)
        super().forget_frame(gfn)

    def trace(self, gfn: int) -> None:
        """Keep a guest frame read-only, wherever it is mapped."""
        if gfn in self.traced:
            return
        super().trace(gfn)
        memory = self.monitor.machine.memory
        for kept in self.kept_roots.values():
            for page in kept.pages.get(gfn, ()):
                table = kept.tables.get(page >> 10)
                if table is not None:
                    at = slot_of(table, page)
                    memory.write32(at, memory.read32(at) & ~WRITE_BIT)

    def _trace_tables(self, page: int) -> None:
        """As in the base class; the PDPTEs of PAE are those the processor loaded with CR3."""
        cpu, memory = self.vm.vcpu, self.vm.memory
        if not cpu.cr0 & CR0_PG:
            return
        pae = bool(cpu.cr4 & CR4_PAE)
        format = PAE if pae else THIRTY_TWO_BIT
        first = cpu.cr3 & PAE.root_mask

        def read_entry(address: int) -> int:
            if pae and first <= address < first + 32:
                return int(cpu.pdptes[address - first >> 3])
            return memory.read(address, format.entry_bytes)

        found = walk(
            format, cpu.cr3, page << FRAME_SHIFT, read_entry,
            large_pages=bool(cpu.cr4 & (CR4_PSE | CR4_PAE)),
        )
        for reference in found.refs[pae:]:
            table = reference.address >> FRAME_SHIFT
            self.derived.setdefault(reference.address, set()).add(page)
            if pae:
                self.wide.add(table)
            if table not in self.tables_traced:
                self.tables_traced.add(table)
                self.kept.add(table)
                self.trace(table)
