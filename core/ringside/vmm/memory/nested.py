"""Nested paging: the guest's own tables, and under them one more set that the VMM keeps.

The processor walks both (SDM vol. 3C, 29.3): what the guest's tables give is a guest-physical
address, and the extended page tables (EPT) say where that lies in the host. They begin empty; the
first touch of each guest frame is an EPT violation, after which the frame stays mapped. The guest
has its CR3, its page faults and its INVLPG to itself: nothing it does to its tables comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.outcome import Outcome
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.machine.vmx.ept import LINEAR_VALID
from ringside.trace.events import NestedFilled
from ringside.vmm.exits import Exit, Handler
from ringside.vmm.hardware.root import vmx_of
from ringside.vmm.hardware.settings import Regime

if TYPE_CHECKING:
    from ringside.vmm.hardware.vm import HardwareVm
    from ringside.vmm.monitor import Monitor

LEVELS = (39, 30, 21, 12)  # how far the index of each level is shifted
INDEX_MASK = 0x1FF
ADDRESS = 0xFFFF_F000
ALL_RIGHTS = 7  # read, write, execute
WRITE_BACK = 6  # memory type, in bits 5:3 of an entry and 2:0 of the pointer
FOUR_LEVELS = len(LEVELS) - 1 << 3  # of the pointer
SINGLE_CONTEXT, ONE_ADDRESS = 1, 0  # types of INVVPID


class NestedPaging:
    """One VM's extended page tables, and the VPID its TLB entries are tagged with (0: none are)."""

    __slots__ = ("fills", "free", "monitor", "root", "tables", "violations", "vm", "vpid")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "vm"})

    untagged = Regime(
        secondary=bits.ENABLE_EPT | bits.UNRESTRICTED_GUEST, unrestricted=True, own_cr3=True
    )
    tagged = replace(untagged, secondary=untagged.secondary | bits.ENABLE_VPID)

    def __init__(self, vm: HardwareVm, monitor: Monitor, vpid: int) -> None:
        self.vm = vm
        self.monitor = monitor
        self.vpid = vpid
        self.root = monitor.take(FRAME)
        self.free: list[int] = []  # page frames for tables, host-physical
        self.tables = 1
        self.fills = 0
        self.violations = 0

    @property
    def regime(self) -> Regime:
        """What the VMCS has to say of it."""
        return self.tagged if self.vpid else self.untagged

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What this technique does at which exit."""
        return {
            reasons.REASONS[reasons.EPT_VIOLATION]: self.violation,
            reasons.REASONS[reasons.EPT_MISCONFIGURATION]: self.misconfiguration,
        }

    @property
    def pointer(self) -> int:
        """The EPT pointer: root, number of levels, memory type."""
        return self.root | FOUR_LEVELS | WRITE_BACK

    def fields(self) -> Iterable[tuple[int, int]]:
        """What the VMCS must know."""
        return ((f.EPT_POINTER, self.pointer), (f.VPID, self.vpid))

    def guest_cr3(self, believed: int) -> int:
        """The guest's own."""
        return believed

    def load(self) -> None:
        """Nothing: the pointer is in the VMCS."""

    def receive_frames(self, frames: list[int]) -> None:
        """Frames for tables."""
        self.free = frames

    # -- exits -------------------------------------------------------------------------------

    def violation(self, exit: Exit) -> None:
        """The guest's access reached a guest-physical page that the EPT do not map."""
        vm, gpa = self.vm, exit.physical
        self.violations += 1
        gfn = gpa >> FRAME_SHIFT
        hfn = vm.allotment.frame(gfn)
        if gfn in vm.memory.windows:  # a virtual device answers there: never mapped
            vm.emulate()
            return
        if hfn is None:
            linear = exit.linear if exit.qualification & LINEAR_VALID else 0
            vm.deny(linear, gpa, "it is beyond this machine's memory")
            vm.emulate()
            return
        self.map(gfn, hfn)
        vm.emit(NestedFilled(
            vm.time, "vmm", vm.name, gpa & ~OFFSET_MASK, hfn << FRAME_SHIFT, exit.qualification
        ))  # fmt: skip

    def misconfiguration(self, exit: Exit) -> None:
        """An impossible entry: this VMM writes none, so the VM's tables are damaged; it ends."""
        self.vm.hardware.outcome = Outcome(
            "crashed", None,
            "EPT misconfiguration: an extended page-table entry on the way to guest-physical "
            f"{exit.physical:#x} is impossible",
        )

    # -- tables ------------------------------------------------------------------------------

    def map(self, gfn: int, hfn: int) -> None:
        """Map a guest frame, all rights, in a 4 KiB page."""
        memory = self.monitor.machine.memory
        table, gpa = self.root, gfn << FRAME_SHIFT
        for shift in LEVELS[:-1]:
            at = table + 8 * (gpa >> shift & INDEX_MASK)
            entry = memory.read64(at)
            if not entry:
                entry = self._new_table() | ALL_RIGHTS
                memory.write64(at, entry)
            table = entry & ADDRESS
        leaf = hfn << FRAME_SHIFT | WRITE_BACK << 3 | ALL_RIGHTS
        memory.write64(table + 8 * (gfn & INDEX_MASK), leaf)
        self.fills += 1

    def _new_table(self) -> int:
        if not self.free:
            raise ValueError("the VMM's memory is used up: smaller virtual machines, please")
        table = self.free.pop()
        self.monitor.machine.memory.write_bytes(table, bytes(FRAME))
        self.tables += 1
        return table

    def entry(self, gpa: int) -> int:
        """The last entry of the walk for ``gpa``; 0 where there is none."""
        memory = self.monitor.machine.memory
        table = self.root
        for shift in LEVELS:
            entry = memory.read64(table + 8 * (gpa >> shift & INDEX_MASK))
            if not entry:
                return 0
            table = entry & ADDRESS
        return entry

    # -- what the virtual CPU flushes when the VMM acts for it ----------------------------------

    def drop_page(self, page: int) -> None:
        """INVLPG, carried out for the guest."""
        if self.vpid:  # without one the coming entry flushes
            vmx_of(self.monitor.machine).invvpid(ONE_ADDRESS, self.vpid, 0, page << FRAME_SHIFT)

    def drop_all(self) -> None:
        """A change of CR0, CR3 or CR4, carried out for the guest."""
        if self.vpid:
            vmx_of(self.monitor.machine).invvpid(SINGLE_CONTEXT, self.vpid, 0, 0)
