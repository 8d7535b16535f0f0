"""Shadow page tables: the virtual TLB of a VM, built fault by fault.

The processor walks the tables of this module, never the guest's. They begin empty. Every page
fault comes to the VMM, which asks the guest's own tables (with the virtual CPU's walker, so A and
D are set where hardware would set them): if they deny the access the fault is *true* and goes to
the guest; if they allow it the fault was *hidden* and one shadow entry is made. What the guest
does to its TLB (MOV CR3, INVLPG, paging switched) drops shadow entries, so a guest that forgets
to flush sees stale translations here as on hardware.

Entries are in the 32-bit format whatever the guest uses, and always 4 KiB. An entry is writable
only once the guest's own entry is dirty, so that the first write is noticed. A guest kernel that
writes to read-only pages with CR0.WP clear gets a writable entry that ring 3 cannot use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from ringside.isa.faults import Fault
from ringside.machine.control import CR0_PG
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.paging import ERROR_USER, ERROR_WRITE
from ringside.machine.tlb import DIRTY, USER, WRITABLE, Tlb
from ringside.trace.events import ShadowFilled
from ringside.vmm.exits import Exit, Handler

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor
    from ringside.vmm.vm import Vm

PRESENT, WRITE_BIT, USER_BIT = 1, 2, 4
TABLE_BITS = PRESENT | WRITE_BIT | USER_BIT  # a directory entry denies nothing by itself

ALL_RIGHTS = WRITABLE | USER | DIRTY


class Flushed(Protocol):
    """What a flush of the virtual CPU's TLB has to reach."""

    def drop_page(self, page: int) -> None:
        """Forget one translation."""

    def drop_all(self) -> None:
        """Forget every translation."""


class VirtualTlb(Tlb):
    """The virtual CPU's TLB. It holds nothing: the shadow is what the guest's flushes act on.

    Every translation the VMM makes for the guest is therefore a fresh walk, and ``last`` keeps
    the flags of the one just made. ``kernel_writes`` are linear pages the shadow lets the kernel
    write only because CR0.WP is clear. ``flushed`` is set by every flush, for whoever derives
    something else from translations.
    """

    __slots__ = ("flushed", "kernel_writes", "last", "shadow")
    transient: ClassVar[frozenset[str]] = frozenset({"shadow"})

    def __init__(self) -> None:
        super().__init__(1, 1)
        self.last = 0
        self.flushed = False
        self.kernel_writes: set[int] = set()
        self.shadow: Flushed | None = None

    def fill(self, page: int, frame: int, flags: int) -> int:
        """Remember the flags only, and the pieces of large pages."""
        self.last = flags
        self.note_size(page, flags)
        return -1

    def invalidate(self, page: int) -> bool:
        """INVLPG on the virtual CPU."""
        self.flushed = True
        self.large.discard(page)
        if self.shadow is not None:
            self.shadow.drop_page(page)
        return False

    def write_protection_changed(self) -> None:
        """The shadow has CR0.WP folded into its entries."""
        pages, self.kernel_writes = self.kernel_writes, set()
        if self.shadow is not None:
            for page in sorted(pages):
                self.shadow.drop_page(page)

    def flush(
        self, *, keep_global: bool = False, vpid: int | None = None, root: int | None = None
    ) -> list[int]:
        """MOV CR3 and the like on the virtual CPU; dropping global pages too is allowed."""
        self.flushed = True
        self.large.clear()
        if self.shadow is not None:
            self.shadow.drop_all()
        return []


class ShadowPaging:
    """One VM's shadow tables, under the root the real CR3 holds while the VM runs."""

    __slots__ = (
        "code", "fills", "free", "kept", "monitor", "on_forget", "on_kept_write", "on_trace_write",
        "pages", "root", "segments", "tables", "traced", "true_faults", "vm",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"monitor", "on_forget", "on_kept_write", "on_trace_write", "traced", "vm"}
    )

    def __init__(self, vm: Vm, monitor: Monitor, *, window: bool = True) -> None:
        """``window``: whether the VMM's own memory is in this address space, as it must be where
        traps lead to it through the guest's linear addresses."""
        self.vm = vm
        self.monitor = monitor
        self.root = monitor.take(FRAME)
        if window:
            monitor.map_window(self.root)
        self.free: list[int] = []  # page frames for tables, host-physical; see Monitor.share_pool
        self.tables: dict[int, int] = {}  # directory index -> hpa of the table
        self.pages: dict[int, set[int]] = {}  # gfn -> linear pages that are mapped to it
        self.traced = vm.memory.traced  # gfns kept read-only: something was derived from them
        self.on_trace_write: Callable[[int], None] = _nobody
        # gfns whose trace stays through a write: the VMM carries each write out itself.
        self.kept: set[int] = set()
        self.code: set[int] = set()  # the same for frames whose code has been translated
        self.segments: set[int] = set()  # and for those the descriptors of CS and SS lie in
        self.on_kept_write: Callable[[int], None] = _nobody
        self.on_forget: Callable[[int], None] = _nobody  # hears linear pages; -1 for all
        self.fills = 0
        self.true_faults = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What this technique does at which exit."""
        return {"#PF": self.page_fault}

    def load(self) -> None:
        """Make this VM's shadow what the real processor walks (a world switch)."""
        self.monitor.machine.cpu.write_control(3, self.root)

    def receive_frames(self, frames: list[int]) -> None:
        """Frames for tables."""
        self.free = frames

    def page_fault(self, exit: Exit) -> None:
        """Sort a page fault: the guest's own, or one the guest must never hear of."""
        vm = self.vm
        linear = exit.qualification
        write, user = bool(exit.error & ERROR_WRITE), bool(exit.error & ERROR_USER)
        virtual = vm.vcpu
        try:
            gpa = virtual.translate(linear, write, user)
        except Fault as fault:
            self.true_faults += 1
            vm.reflect(fault)
            return
        flags = vm.tlb.last if virtual.cr0 & CR0_PG else ALL_RIGHTS
        gfn = gpa >> FRAME_SHIFT
        hfn = vm.allotment.frame(gfn)
        if gfn in vm.memory.windows:  # a virtual device answers there: never mapped
            vm.emulate()
            return
        if hfn is None:
            vm.deny(linear, gpa, "it is beyond this machine's memory")
            vm.emulate()
            return
        if write and self._stays(gfn):
            why = self._derived_from(gfn)
            self.on_kept_write(gfn)
            vm.emulate(why)
            return
        if write and gfn in self.traced:
            self.untrace(gfn)
            self.on_trace_write(gfn)
        self.fill(linear >> FRAME_SHIFT, gfn, hfn, flags, write and not user)
        vm.emit(ShadowFilled(
            vm.time, "vmm", vm.name, linear & ~OFFSET_MASK, gfn << FRAME_SHIFT,
            hfn << FRAME_SHIFT, 1,
        ))  # fmt: skip

    # -- entries -----------------------------------------------------------------------------

    def fill(self, page: int, gfn: int, hfn: int, flags: int, kernel_write: bool = False) -> None:
        """Make the entry of ``page``; ``flags`` are the rights the guest's tables give."""
        entry = hfn << FRAME_SHIFT | PRESENT
        if flags & USER:
            entry |= USER_BIT
        if flags & DIRTY and gfn not in self.traced:
            if flags & WRITABLE:
                entry |= WRITE_BIT
            elif kernel_write:  # allowed by CR0.WP = 0, and only to the guest's kernel
                entry = entry & ~USER_BIT | WRITE_BIT
                self.vm.tlb.kernel_writes.add(page)
        self._write(page, entry)
        self.pages.setdefault(gfn, set()).add(page)
        self.fills += 1

    def entry(self, page: int) -> int:
        """The shadow entry of a linear page; 0 when there is none."""
        table = self.tables.get(page >> 10)
        return 0 if table is None else self.monitor.machine.memory.read32(slot_of(table, page))

    def _write(self, page: int, entry: int) -> None:
        memory = self.monitor.machine.memory
        index = page >> 10
        table = self.tables.get(index)
        if table is None:
            if not self.free:
                self.reclaim()
            table = self.free.pop()
            memory.write_bytes(table, bytes(FRAME))
            self.tables[index] = table
            memory.write32(self.root + 4 * index, table | TABLE_BITS)
        memory.write32(slot_of(table, page), entry)
        self.monitor.machine.cpu.invalidate_page(page << FRAME_SHIFT)

    def reclaim(self) -> None:
        """Win back frames for tables; forgetting is always allowed: a shadow is a TLB."""
        self.drop_all()

    def drop_page(self, page: int) -> None:
        """Forget one translation."""
        self.on_forget(page)
        table = self.tables.get(page >> 10)
        if table is not None:
            self.monitor.machine.memory.write32(slot_of(table, page), 0)
            self.monitor.machine.cpu.invalidate_page(page << FRAME_SHIFT)

    def drop_all(self) -> None:
        """Forget every translation; the table frames go back to the pool."""
        self.on_forget(-1)
        memory = self.monitor.machine.memory
        for index, table in self.tables.items():
            memory.write32(self.root + 4 * index, 0)
            self.free.append(table)
        self.tables.clear()
        self.pages.clear()
        self.monitor.machine.cpu.flush_tlb()

    def forget_frame(self, gfn: int) -> None:
        """Forget every translation to guest frame ``gfn``: what is behind it has changed."""
        for page in sorted(self.pages.pop(gfn, ())):
            self.drop_page(page)

    # -- traces ------------------------------------------------------------------------------

    def trace(self, gfn: int) -> None:
        """Keep a guest frame read-only: the next write to it is told to ``on_trace_write``."""
        if gfn in self.traced:
            return
        self.traced.add(gfn)
        memory = self.monitor.machine.memory
        hfn = self.vm.allotment.frame(gfn)
        for page in self.pages.get(gfn, ()):
            entry = self.entry(page)
            if entry & WRITE_BIT and entry >> FRAME_SHIFT == hfn:
                memory.write32(slot_of(self.tables[page >> 10], page), entry & ~WRITE_BIT)
                self.monitor.machine.cpu.invalidate_page(page << FRAME_SHIFT)

    def untrace(self, gfn: int) -> None:
        """Let the guest write to the frame again, unless its trace is kept."""
        if not self._stays(gfn):
            self.traced.discard(gfn)

    def _stays(self, gfn: int) -> bool:
        """Whether the trace of a frame is kept through writes."""
        return gfn in self.kept or gfn in self.code or gfn in self.segments

    def _derived_from(self, gfn: int) -> str:
        """What makes the VMM carry out the writes to a frame itself, in a word."""
        if gfn in self.segments:
            return "descriptors"
        return "tables" if gfn in self.kept else "code"


def slot_of(table: int, page: int) -> int:
    """Where the entry of a linear page lies in its table."""
    return table + 4 * (page & 0x3FF)


def _nobody(gfn: int) -> None:
    """Stand in until something derives from guest frames."""
