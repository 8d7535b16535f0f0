"""Trap-and-emulate: the guest's kernel runs in ring 1, its applications in ring 3.

What a guest may not do in its ring faults; the processor comes to the VMM; the VMM carries the
instruction out on the virtual CPU and goes back with IRET. What *should* trap but does not
(POPF, PUSHF, SGDT, SMSW, PUSH CS, …) runs on the real processor and silently does the wrong
thing: that is a property of the instruction set, and nothing here hides it.

Between exits the truth about registers is in the real processor. ``observe`` brings the virtual
CPU up to date: general registers, EIP and flags as they are, with the virtual IF and IOPL in the
place of the real ones; segment registers with the ring the guest believes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import Fault, NotModelled
from ringside.isa.registers import (
    CS,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_RF,
    FLAG_VIF,
    FLAG_VIP,
    FLAG_VM,
    SS,
)
from ringside.machine.control import CR0_AM, CR0_EM, CR0_MP, CR0_TS, CR4_UMIP
from ringside.machine.segmentation import NULL, RPL, Segment, null_segment
from ringside.vmm.cpu.descriptor_shadow import (
    DATA_SEGMENTS,
    DescriptorShadow,
    compress,
    guest_ring,
)
from ringside.vmm.exits import TIMER, Exit, Handler
from ringside.vmm.in_place import RunsInPlace
from ringside.vmm.monitor import GDT_BYTES, MONITOR_LDT, WINDOW, Monitor

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.vmm.memory.shadow import ShadowPaging
    from ringside.vmm.vm import Vm

VIRTUAL_FLAGS = FLAG_IF | FLAG_IOPL  # of EFLAGS: what the VMM keeps for the guest
NEVER_REAL = FLAG_IOPL | FLAG_VM | FLAG_VIF | FLAG_VIP | FLAG_RF

SEGMENTS, BEYOND = "segments", "beyond"  # what keeps a guest from the real processor
TABLE_LOADS = frozenset({"lgdt", "lldt"})  # the guest may have changed the table under its segments

# What these bits forbid or fault, they must forbid and fault on the real processor too.
MIRRORED_CR0 = CR0_MP | CR0_EM | CR0_TS | CR0_AM
MIRRORED_CR4 = CR4_UMIP

# Faults that cannot have been caused by de-privileging: they are the guest's own.
GUEST_FAULTS = ("#DE", "#BR", "#NM", "#MF", "#AC")
# Faults that may have been: the instruction is tried on the virtual CPU, which knows. #UD is one
# for VMXON: CR4.VMXE is the virtual CPU's.
DOUBTFUL_FAULTS = ("#GP", "#SS", "#NP", "#TS", "#UD")


class TrapAndEmulate(RunsInPlace):
    """The de-privileged way to run one VM on the real processor."""

    __slots__ = ("descriptors", "given", "monitor", "own_gdt", "reversible", "seen", "vm")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "vm"})

    def __init__(self, vm: Vm, monitor: Monitor, shadow: ShadowPaging) -> None:
        self.vm = vm
        self.monitor = monitor
        self.descriptors = DescriptorShadow(vm, monitor, shadow)
        # The data segments as the real processor was last given them; None: not at all yet.
        self.given: list[Segment | None] = [None] * 6
        self.seen: tuple[int, ...] = ()  # the guest's GDTR and LDTR the shadow was made from
        self.reversible = True
        self.own_gdt = False  # the guest has executed LGDT

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What this technique does at which exit."""
        return {
            **dict.fromkeys(GUEST_FAULTS, self.reflect),
            **dict.fromkeys(DOUBTFUL_FAULTS, self.emulate),
            "#DB": self.debug,
            TIMER: self.timer,
        }

    @property
    def obstacle(self) -> str:
        """Why the next instruction is the VMM's to interpret; "" when the guest may go on.

        ``segments``: the guest's tables do not say, or not certainly, what CS and SS hold (see
        :meth:`DescriptorShadow.reversible`). ``beyond``: it lies
        beyond the guest's code segment, or in the part of it that is cut off for the VMM, and no
        IRET can lead there.
        """
        vcpu = self.vm.vcpu
        if not self.reversible:
            return SEGMENTS
        return "" if vcpu.eip <= compress(vcpu.segs[CS]).limit else BEYOND

    # -- handlers ----------------------------------------------------------------------------

    def reflect(self, exit: Exit) -> None:
        """The guest's own exception: hand it on as the trap frame tells it."""
        error = None if exit.error < 0 else exit.error
        self.vm.reflect(Fault(exit.vector, error))

    def emulate(self, exit: Exit) -> None:
        """Carry out the instruction on the virtual CPU."""
        self.vm.emulate()

    def debug(self, exit: Exit) -> None:
        """A single-step trap the guest asked for with TF."""
        self.vm.trap()

    def timer(self, exit: Exit) -> None:
        """The host's timer: a virtual interrupt may be due, or another VM's turn."""
        if self.vm.poll():
            self.vm.inject()

    # -- from the real processor -------------------------------------------------------------

    def load(self) -> None:
        """Make this VM the one whose tables the real processor uses (a world switch)."""
        cpu = self.monitor.machine.cpu
        cpu.load_gdt(WINDOW + self.descriptors.gdt, GDT_BYTES - 1)
        cpu.load_ldt(MONITOR_LDT if self.vm.vcpu.ldtr.present else 0)
        self.given = [None] * 6
        self._mirror()

    def leave_guest(self) -> Exit:
        """Take over from the guest: read the trap frame, bring the virtual CPU up to date."""
        exit = self.monitor.read_frame()
        self.take(exit.eip, exit.eflags, exit.esp)
        return exit

    def observe(self) -> None:
        """Bring the virtual CPU up to date while the guest runs; changes nothing else."""
        cpu = self.monitor.machine.cpu
        self.take(cpu.eip, cpu.eflags, cpu.regs[ESP])

    def take(
        self, eip: int, eflags: int, esp: int, segments: tuple[int, ...] = DATA_SEGMENTS
    ) -> None:
        """Bring the virtual CPU up to date: ``segments`` are the guest's own on the real one."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        vcpu.regs[:] = cpu.regs
        vcpu.regs[ESP] = esp
        vcpu.eip = eip
        kept = vcpu._eflags & VIRTUAL_FLAGS
        vcpu.eflags = eflags & ~(VIRTUAL_FLAGS | FLAG_RF) | kept
        for seg in segments:
            selector = cpu.segs[seg].selector
            if selector != vcpu.segs[seg].selector:
                self._adopt(seg, selector)

    def _adopt(self, seg: int, selector: int) -> None:
        """The guest loaded a data segment without a trap: find the hidden part it got."""
        vcpu = self.vm.vcpu
        if not selector & NULL:
            segment: Segment | None = null_segment(selector)
        else:
            segment = self.descriptors.as_loaded(selector)
        if segment is not None:
            vcpu.segs[seg] = segment
            self.given[seg] = segment

    # -- to the real processor ---------------------------------------------------------------

    def enter_guest(self) -> None:
        """Put the virtual CPU's state on the real one and go to the guest's ring with IRET."""
        vcpu = self.vm.vcpu
        self.give()
        self.go(vcpu.eip, vcpu.segs[CS].selector & ~RPL | guest_ring(vcpu.cpl))

    def give(self, segments: tuple[int, ...] = DATA_SEGMENTS) -> None:
        """Load the real segment registers with what the virtual CPU holds."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        self.descriptors.pin(vcpu.segs[CS], vcpu.segs[SS], self.own_gdt)
        for seg in segments:
            given = self.given[seg]
            if given is not vcpu.segs[seg] and given != vcpu.segs[seg]:
                self._give(cpu, seg, vcpu.segs[seg])

    def go(self, eip: int, cs: int) -> None:
        """Go to ``cs:eip`` with the virtual CPU's registers."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        cpu.regs[:] = vcpu.regs
        eflags = vcpu.eflags & ~NEVER_REAL | FLAG_IF
        ss = vcpu.segs[SS].selector & ~RPL | guest_ring(vcpu.cpl)
        self.monitor.leave(eip, cs, eflags, vcpu.regs[ESP], ss)

    def _give(self, cpu: Cpu, seg: int, segment: Segment) -> None:
        """Load a data segment register with what the virtual CPU holds."""
        if segment.present:
            before = self.descriptors.lend(segment)
            cpu.load_segment(seg, segment.selector)
            self.descriptors.give_back(segment, before)
        else:
            cpu.load_segment(seg, segment.selector & RPL)
        self.given[seg] = segment

    def settle(self) -> None:
        """After the virtual CPU was changed: bring everything derived from it up to date."""
        vcpu = self.vm.vcpu
        if not vcpu.protected:
            raise NotModelled(
                "the guest is in real mode, which cannot be run de-privileged; start it in "
                "protected mode, or choose bare metal"
            )
        self.own_gdt = self.own_gdt or vcpu.gdtr.limit > 0
        now = (vcpu.gdtr.base, vcpu.gdtr.limit, vcpu.ldtr.selector, vcpu.ldtr.base,
               vcpu.ldtr.limit)
        doubtful = not self.reversible or not self.descriptors.agreed()
        if now != self.seen or self.vm.last in TABLE_LOADS:
            doubtful = True
            if now[:2] != self.seen[:2] or self.vm.last == "lgdt":
                self.descriptors.reload(local=False)
            if now[2:] != self.seen[2:] or self.vm.last == "lldt":
                self.descriptors.reload(local=True)
                selector = MONITOR_LDT if vcpu.ldtr.present else 0
                self.monitor.machine.cpu.load_ldt(selector)
            self.seen = now
        if self.vm.tlb.flushed:
            doubtful = True
            self.vm.tlb.flushed = False
            self.descriptors.verify()
        if self.vm.memory.touched:
            if self.descriptors.contradicted():
                doubtful = True
                self.descriptors.rewrite()
            self.vm.memory.touched = False
            self.vm.memory.written.clear()
            self.descriptors.refresh()
        if doubtful:
            self.reversible = self.descriptors.reversible(self.own_gdt)
        for seg in self.vm.loaded:
            if seg in DATA_SEGMENTS and vcpu.segs[seg].present:
                self.descriptors.admit(vcpu.segs[seg].selector)
        self.vm.loaded = ()
        self.vm.last = ""
        self._mirror()

    def _mirror(self) -> None:
        """Give the real control registers what user code must feel of the virtual ones."""
        cpu, vcpu = self.monitor.machine.cpu, self.vm.vcpu
        cr0 = cpu.cr0 & ~MIRRORED_CR0 | vcpu.cr0 & MIRRORED_CR0
        if cr0 != cpu.cr0:
            cpu.write_control(0, cr0)
        cr4 = cpu.cr4 & ~MIRRORED_CR4 | vcpu.cr4 & MIRRORED_CR4
        if cr4 != cpu.cr4:
            cpu.write_control(4, cr4)
