"""Shadow page tables with traces: the VMM hears of every write to a page table of the guest's.

The plain shadow (:mod:`.shadow`) learns of changes when the guest flushes its TLB, as it has to.
The VMMs of Adams and Agesen ("A comparison of software and hardware techniques for x86
virtualization", ASPLOS 2006, section 2.4) learn at once: the frames of the guest's tables are
kept read-only, so a write traps, is carried out by the VMM, and what was made from the entry is
dropped. That makes a store to a page table dear, and is what their nanobenchmark ``ptemod``
measures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.machine.control import CR0_PG, CR4_PAE, CR4_PSE
from ringside.machine.memory import FRAME_SHIFT
from ringside.machine.paging import PAE, THIRTY_TWO_BIT
from ringside.machine.walker import walk
from ringside.vmm.memory.shadow import ShadowPaging

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor
    from ringside.vmm.vm import Vm


class TracedShadow(ShadowPaging):
    """A shadow that is coherent with the guest's tables at every moment.

    ``derived`` tells for each entry of the guest's tables (guest-physical address) which linear
    pages have shadow entries made from it. Frames in ``wide`` hold entries of 8 bytes.
    """

    __slots__ = ("derived", "tables_traced", "wide")

    def __init__(self, vm: Vm, monitor: Monitor, *, window: bool = True) -> None:
        super().__init__(vm, monitor, window=window)
        self.derived: dict[int, set[int]] = {}
        self.tables_traced: set[int] = set()  # gfns
        self.wide: set[int] = set()  # gfns
        vm.memory.on_traced_write = self.table_written

    def fill(self, page: int, gfn: int, hfn: int, flags: int, kernel_write: bool = False) -> None:
        """Make the entry, and trace the guest's tables it was made from."""
        super().fill(page, gfn, hfn, flags, kernel_write)  # may drop all, and so comes first
        self._trace_tables(page)

    def _trace_tables(self, page: int) -> None:
        cpu, memory = self.vm.vcpu, self.vm.memory
        if not cpu.cr0 & CR0_PG:
            return
        format = PAE if cpu.cr4 & CR4_PAE else THIRTY_TWO_BIT
        found = walk(
            format, cpu.cr3, page << FRAME_SHIFT,
            lambda address: memory.read(address, format.entry_bytes),
            large_pages=bool(cpu.cr4 & (CR4_PSE | CR4_PAE)),
        )  # fmt: skip
        for reference in found.refs:
            table = reference.address >> FRAME_SHIFT
            self.derived.setdefault(reference.address, set()).add(page)
            if format is PAE:
                self.wide.add(table)
            if table not in self.tables_traced:
                self.tables_traced.add(table)
                self.kept.add(table)
                self.trace(table)

    def table_written(self, gpa: int, size: int) -> None:
        """The guest (or the VMM for it) writes to a traced frame: forget what depends on it."""
        if gpa >> FRAME_SHIFT not in self.tables_traced:
            return
        for address in self._entries(gpa, size):
            for page in self.derived.pop(address, ()):
                self.drop_page(page)

    def _entries(self, gpa: int, size: int) -> range:
        """Where the entries begin that a write changes."""
        first = gpa & (~7 if gpa >> FRAME_SHIFT in self.wide else ~3)
        return range(first, gpa + size, 4)

    def drop_all(self) -> None:
        """Forget every translation, and with them the traces."""
        super().drop_all()
        self.derived.clear()
        for gfn in self.tables_traced:
            self.kept.discard(gfn)
            self.untrace(gfn)
        self.tables_traced.clear()
        self.wide.clear()
