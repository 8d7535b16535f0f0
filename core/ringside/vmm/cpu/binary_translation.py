"""Binary translation: the guest's kernel runs as code the VMM has written for it, in ring 1.

The guest's applications run directly, exactly as under trap-and-emulate, which this technique uses
for them. Code of the virtual ring 0 never runs
itself: the VMM reads it where the guest has it, translates it as it is reached, a dozen
instructions at a time (:mod:`ringside.vmm.translation`), and the processor runs the translation.
What has run often is translated again, as one region (:mod:`ringside.vmm.translation.hot`).
So the instructions that should trap and do not are simply not there any more. (Adams and Agesen,
"A comparison of software and hardware techniques for x86 virtualization", ASPLOS 2006.)

The guest sees only its own addresses: the return addresses on its stack, the EIP of its faults.
While translated code runs, CS is a flat segment of the VMM's, for the cache lies in its window,
and GS is the VMM's way to the virtual CPU; the guest's other segments are as always cut off below.

Real mode, 16-bit code and single-stepping in the guest's kernel are interpreted, and so is what
a guest runs in rings 1 and 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import Fault
from ringside.isa.registers import (
    CS,
    DS,
    ECX,
    EDX,
    ES,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_TF,
    FS,
    GS,
    SS,
)
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.memory import FRAME_SHIFT, OFFSET_MASK
from ringside.trace.events import (
    Chained,
    Discarded,
    Event,
    FaultRaised,
    FlagIgnored,
    InterruptDelivered,
    Revealed,
    Translated,
)
from ringside.vmm.cpu.trap_and_emulate import DOUBTFUL_FAULTS, SEGMENTS, TrapAndEmulate
from ringside.vmm.exits import CALLOUT, Exit, Handler
from ringside.vmm.monitor import CACHE_CODE, CACHE_DATA, CALLOUT_VECTOR, WINDOW, Monitor
from ringside.vmm.translation import hot
from ringside.vmm.translation.cache import CACHE_SIZE, TranslationCache
from ringside.vmm.translation.layout import (
    DATA_SIZE,
    IF_BEFORE,
    SAVE_ECX,
    SAVE_EDX,
    VIRTUAL_IF,
    WANTED,
)
from ringside.vmm.translation.unit import EMULATE, GO, LINK, RESTORE_IF, RETURN, Key, Spot, Unit

if TYPE_CHECKING:
    from ringside.vmm.memory.shadow import ShadowPaging
    from ringside.vmm.vm import Vm

MASK = 0xFFFF_FFFF
OWN_SEGMENTS = (ES, DS, FS)  # that are the guest's while translated code runs
RING_1 = 1
BREAKPOINT = 3  # the vector of INT3
TOO_OFTEN = 8  # trapped writes to traced memory before an instruction becomes a callout
INTS = {CALLOUT_VECTOR: 2, BREAKPOINT: 1}  # by which translated code calls, and their bytes
NO_GDT_ENTRY = 0
OPEN_BUS_VALUE = MASK

_CODE = segment_descriptor(
    0, 0xFFFF_FFFF, layout.CODE | layout.READABLE | layout.ACCESSED, dpl=RING_1
)


class BinaryTranslation:
    """The translating way to run one VM on the real processor."""

    __slots__ = (
        "cache", "counts", "data", "direct", "entered", "in_cache", "kernel_ticks", "monitor",
        "pages", "running", "shadow", "space", "spot", "stale", "trapped", "vm", "watched",
        "wish",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "shadow", "vm", "watched"})

    def __init__(
        self, vm: Vm, monitor: Monitor, shadow: ShadowPaging, cache_size: int = CACHE_SIZE
    ) -> None:
        self.vm = vm
        self.monitor = monitor
        self.shadow = shadow
        self.direct = TrapAndEmulate(vm, monitor, shadow)
        self.data = monitor.take(DATA_SIZE)
        self.cache = TranslationCache(
            monitor.machine.cpu, monitor.machine.memory, monitor.take(cache_size), cache_size,
            self.data,
        )  # fmt: skip
        self.in_cache = False  # whether the guest was left running translated code
        self.running = False  # whether it has the processor
        self.entered = (0, False)  # guest time and virtual inhibition when it was entered
        self.spot: Spot | None = None  # where it was left
        self.space = (0, 0)  # base and limit of the CS the hash table is for
        self.pages: dict[int, int] = {}  # code pages the guest has fetched from since it flushed
        self.stale: dict[int, int] = {}  # those before it flushed
        self.wish: tuple[str, int, int] | None = None  # a branch to be finished: action, EIP, jump
        self.trapped: dict[tuple[int, int], int] = {}  # (linear, gfn) -> trapped writes
        self.kernel_ticks = 0  # guest instructions translated code had retired when it was entered
        self.counts: dict[str, int] = {}
        self.watched: frozenset[int] = frozenset()  # guest addresses somebody wants to stop at
        vm.told_pending = False
        monitor.open_gate(CALLOUT_VECTOR, RING_1)
        monitor.open_gate(BREAKPOINT, RING_1)  # INT3, for callouts of one byte
        self.cache.on_discard = self._discarded
        shadow.on_forget = self._forget_pages
        shadow.on_kept_write = self._write_trapped

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What this technique does at which exit."""
        return {
            **self.direct.handlers,
            **dict.fromkeys(DOUBTFUL_FAULTS, self.emulate),
            CALLOUT: self.callout,
        }

    # -- what the VMM's loop asks --------------------------------------------------------------

    @property
    def obstacle(self) -> str:
        """Why the processor may not go on with the guest's code or its translation; "": it may.

        ``real``: the guest is in real mode. ``ring``: in ring 1 or 2. ``single``: its kernel
        steps itself with TF. ``narrow``: its kernel is in 16-bit segments. For others see
        :class:`TrapAndEmulate`.
        """
        vcpu = self.vm.vcpu
        if not vcpu.protected:
            return "real"
        if vcpu.cpl:
            return self.direct.obstacle if vcpu.cpl == 3 else "ring"
        if not self.direct.reversible:
            return SEGMENTS
        if vcpu._eflags & FLAG_TF:
            return "single"
        return "" if vcpu.segs[CS].big and vcpu.segs[SS].big else "narrow"

    @property
    def overhead(self) -> int:
        """Instructions of the cache that stand for none of the guest's."""
        return self.monitor.machine.cpu.tally[self.cache.counters.overhead]

    @property
    def retired(self) -> int:
        """Guest instructions that translated code has carried out."""
        under_way = self.vm.vcpu.time - self.entered[0] if self.running and self.in_cache else 0
        return self.kernel_ticks + under_way

    @property
    def interruptible(self) -> bool:
        """Whether the processor is between two instructions of the guest's."""
        return not self.in_cache or self.cache.spots[self.monitor.machine.cpu.eip].boundary

    def places(self, addresses: frozenset[int]) -> frozenset[int]:
        """Where in the cache the guest is about to execute this code."""
        self.watched = addresses
        return frozenset(
            place for unit in self.cache.units.values() for place in self._watched_in(unit)
        )

    def _watched_in(self, unit: Unit) -> list[int]:
        base, spots = unit.key.base, self.cache.spots
        return [
            at for at in unit.spots
            if at in spots and spots[at].boundary and base + spots[at].eip & MASK in self.watched
        ]

    def heard(self, event: Event) -> Event | None:
        """What happens in the cache happens to the guest at its own addresses. That the processor
        ignores or reveals something there is made good by the translation."""
        if not self.in_cache:
            return event
        if isinstance(event, FlagIgnored | Revealed):
            return None
        if isinstance(event, FaultRaised | InterruptDelivered):
            spot = self.cache.spots.get(event.eip)
            return event if spot is None else replace(event, eip=spot.eip)
        return event

    # -- to the real processor -----------------------------------------------------------------

    def load(self) -> None:
        """Make this VM the one whose tables the real processor uses (a world switch)."""
        self.direct.load()

    def enter_guest(self) -> None:
        """Go to the guest: to its code, or to the translation of its kernel's."""
        vcpu = self.vm.vcpu
        self.in_cache = vcpu.cpl == 0
        self.entered = (vcpu.time, vcpu.inhibit)
        self.running = True
        self.vm.told_pending = vcpu.interrupt_line and not vcpu._eflags & FLAG_IF
        if not self.in_cache:
            self._write_gdt(CACHE_CODE, NO_GDT_ENTRY)  # other rings have no business there
            self.direct.enter_guest()
            return
        address = self._translation()
        self._tell_virtual_cpu()
        self.direct.give(OWN_SEGMENTS)
        self._take_gs()
        self._write_gdt(CACHE_CODE, _CODE.raw)
        self.direct.go(address, CACHE_CODE | RING_1)

    def _write_gdt(self, selector: int, raw: int) -> None:
        self.monitor.machine.memory.write64(self.direct.descriptors.gdt + selector, raw)

    def _take_gs(self) -> None:
        """Load the real GS with the VMM's data. The descriptor is there for that moment only, so
        the guest cannot load it too."""
        self.direct.given[GS] = None
        data = segment_descriptor(
            WINDOW + self.data, DATA_SIZE - 1, layout.WRITABLE | layout.ACCESSED, dpl=RING_1
        )
        self._write_gdt(CACHE_DATA, data.raw)
        self.monitor.machine.cpu.load_segment(GS, CACHE_DATA | RING_1)
        self._write_gdt(CACHE_DATA, NO_GDT_ENTRY)

    def _tell_virtual_cpu(self) -> None:
        """Write what translated code needs of the virtual CPU where it finds it."""
        vcpu = self.vm.vcpu
        flags = vcpu._eflags
        segs = vcpu.segs
        cells = struct.pack(
            "<14I",
            flags & FLAG_IF, FLAG_IF if vcpu.interrupt_line else 0, flags & FLAG_IOPL, 0,
            vcpu.cr0, vcpu.cr2, vcpu.cr3, vcpu.cr4,
            segs[CS].selector, segs[SS].selector, segs[GS].selector,
            vcpu.ldtr.selector, vcpu.tr.selector, OPEN_BUS_VALUE,
        )  # fmt: skip
        self.monitor.machine.memory.write_bytes(self.data, cells)

    # -- from the real processor ---------------------------------------------------------------

    def leave_guest(self) -> Exit:
        """Take over from the guest. What it sees of this is an exit at its own EIP."""
        exit = self.monitor.read_frame()
        self.spot = None
        if not self.in_cache:
            self.running = False
            self.direct.take(exit.eip, exit.eflags, exit.esp)
            return exit
        size = INTS.get(exit.vector, 0)
        called = size > 0
        spot = self.spot = self.cache.spots[exit.eip - size]
        if called and spot.action != RETURN:
            self.vm.vcpu.time -= 1  # the INT was not the guest's
        self._take(spot, exit.eflags, exit.esp)
        self.kernel_ticks = self.retired
        self.running = False
        if called:
            exit = replace(exit, reason=CALLOUT, vector=CALLOUT_VECTOR)
        return replace(exit, eip=self.vm.vcpu.eip)

    def observe(self) -> None:
        """Bring the virtual CPU up to date while the guest runs; changes nothing else."""
        cpu = self.monitor.machine.cpu
        if self.in_cache:
            self._take(self.cache.spots[cpu.eip], cpu.eflags, cpu.regs[ESP])
        else:
            self.direct.observe()

    def _take(self, spot: Spot, eflags: int, esp: int) -> None:
        """Bring the virtual CPU up to date: the guest was in the cache, at ``spot``."""
        vcpu = self.vm.vcpu
        eip = spot.eip
        saved = spot.saved
        if spot.action in (RETURN, GO):
            eip, saved = self._cell(WANTED), (ECX, SAVE_ECX, EDX, SAVE_EDX)
        elif eip < 0:
            eip = vcpu.eip  # the pad: nothing has happened
        vcpu._eflags = vcpu._eflags & ~FLAG_IF | self._cell(VIRTUAL_IF)
        self.direct.take(eip, eflags, esp, OWN_SEGMENTS)
        for register, cell in zip(saved[::2], saved[1::2], strict=True):
            if register == RESTORE_IF:
                vcpu._eflags = vcpu._eflags & ~FLAG_IF | self._cell(cell)
            else:
                vcpu.regs[register] = self._cell(cell)
        time, inhibited = self.entered
        if vcpu.time == time:
            vcpu.inhibit = inhibited
        else:
            vcpu.inhibit = spot.after_sti and not self._cell(IF_BEFORE)

    def _cell(self, offset: int) -> int:
        return self.monitor.machine.memory.read32(self.data + offset)

    # -- handlers ------------------------------------------------------------------------------

    def emulate(self, exit: Exit) -> None:
        """Carry out the instruction on the virtual CPU."""
        if self.in_cache:
            self._count("trapped")
        self.vm.emulate()

    def callout(self, exit: Exit) -> None:
        """Translated code has called: do what the place it called from is for."""
        spot = self.spot
        action = EMULATE if spot is None else spot.action
        self._count(action)
        ACTIONS[action](self, spot)

    def _emulate(self, spot: Spot | None) -> None:
        linear = self.vm.vcpu.linear_eip
        adapted = (linear, self.pages.get(linear >> FRAME_SHIFT, -1)) in self.cache.adapted
        if adapted:
            self._count("adapted callout")
        self.vm.emulate("adapted" if adapted else "")

    def _finish_branch(self, spot: Spot | None) -> None:
        """The branch is finished when the guest gets to its target: an interrupt may come first."""
        assert spot is not None
        self.wish = (spot.action, self.vm.vcpu.eip, spot.jump)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # -- translations --------------------------------------------------------------------------

    def _translation(self) -> int:
        """The cache address of the guest's next instruction; translates it if need be."""
        vcpu = self.vm.vcpu
        cs = vcpu.segs[CS]
        wish, self.wish = self.wish, None
        if self.space != (cs.base, cs.limit):
            self.space = (cs.base, cs.limit)
            self.cache.table.clear()
        self._verify_pages()
        self._remake_hot()
        linear = vcpu.linear_eip
        gfn = self._fetch(linear)
        if gfn is None:
            return self.cache.pad
        key = Key(cs.base, cs.limit, vcpu.eip, gfn)
        if wish is None or wish[1] != vcpu.eip:
            found = self.cache.find(key)
            return self._translate(key, linear, -1) if found is None else found
        action, _, jump = wish
        address = self.cache.entries.get(key)
        if address is None:
            address = self._translate(key, linear, jump)
        way = self.cache.ways.get(jump)
        if action != LINK:
            self.cache.table.insert(vcpu.eip, address)
        elif way is not None and way.eip == vcpu.eip:  # else its unit was given up meanwhile
            if jump not in self.cache.linked:
                self.cache.link(jump, address)
            self._tell_chained(jump, vcpu.eip, address)
        return address

    def _fetch(self, linear: int) -> int | None:
        """The guest frame of a code page, found as an instruction fetch finds it; None where the
        guest's next fetch faults, or where translating makes no sense."""
        page = linear >> FRAME_SHIFT
        gfn = self.pages.get(page)
        if gfn is None:
            try:
                gfn = self.vm.vcpu.translate(linear, False, False) >> FRAME_SHIFT
            except Fault:
                return None
            if self.vm.allotment.frame(gfn) is None or gfn in self.vm.memory.windows:
                return None
            self.pages[page] = gfn
        return gfn

    def _translate(self, key: Key, linear: int, jump: int) -> int:
        """Make a unit, and have the guest's writes to its frame trapped from now on. Gives its
        address."""
        gpa = key.gfn << FRAME_SHIFT | linear & OFFSET_MASK
        code = self.vm.memory.read_bytes(gpa, (OFFSET_MASK + 1) - (gpa & OFFSET_MASK))
        unit = self.cache.translate(key, gpa, code, self.cache.ways.get(jump))
        self._trace_code(key.gfn)
        self._tell_translated(unit, 0)
        return unit.address

    def _trace_code(self, gfn: int) -> None:
        self.shadow.code.add(gfn)
        self.shadow.trace(gfn)

    def _remake_hot(self) -> None:
        """Translate code that has become hot again, as regions laid out as the guest has it."""
        for made in hot.remake_hot(self.cache, self._page):
            self._trace_code(made.unit.key.gfn)
            self._count("regions")
            self._tell_translated(made.unit, made.replaced)

    def _page(self, gfn: int) -> bytes | None:
        """What a guest frame holds; None if the host has taken it away."""
        if self.vm.allotment.frame(gfn) is None:
            return None
        return self.vm.memory.read_bytes(gfn << FRAME_SHIFT, OFFSET_MASK + 1)

    def _tell_translated(self, unit: Unit, replaced: int) -> None:
        if self.watched:
            machine = self.monitor.machine
            machine.breakpoints = machine.breakpoints.union(self._watched_in(unit))
        self._count("translated")
        for line in unit.lines:
            self._count(f"lines {line.kind}")
        self.vm.emit(Translated(
            self.vm.time, "vmm", self.vm.name, unit.key.eip, unit.address, len(unit.lines),
            unit.end - unit.address, replaced,
        ))  # fmt: skip

    def _tell_chained(self, jump: int, eip: int, address: int) -> None:
        elided = jump in self.cache.elided
        self._count("elided" if elided else "chained")
        self.vm.emit(Chained(
            self.vm.time, "vmm", self.vm.name, eip, jump, address, int(elided)
        ))  # fmt: skip

    # -- what makes translations wrong ---------------------------------------------------------

    def settle(self) -> None:
        """After the virtual CPU was changed: bring everything derived from it up to date."""
        written = self.vm.memory.written
        for gpa, size in written:
            self.cache.overwritten(gpa, size)
        if self.vm.vcpu.protected:
            self.direct.settle()
        elif written:
            self.direct.reversible = False  # to be found out when the segments count again
        written.clear()

    def _forget_pages(self, page: int) -> None:
        """The guest has flushed a page from its TLB, or all (-1)."""
        for forgotten in list(self.pages) if page < 0 else [page]:
            gfn = self.pages.pop(forgotten, None)
            if gfn is not None:
                self.stale[forgotten] = gfn

    def _verify_pages(self) -> None:
        """Before the guest goes on after a flush: which code pages are where they were?

        The others, and those whose next fetch would leave an accessed flag behind, have to be
        fetched from anew, so the hash table must not lead to them.
        """
        memory, gone = self.vm.memory, False
        for page, gfn in self.stale.items():
            memory.lost = False
            gpa = self.vm.where(page << FRAME_SHIFT)
            if gpa is not None and gpa >> FRAME_SHIFT == gfn and not memory.lost:
                self.pages[page] = gfn
            else:
                gone = True
        self.stale.clear()
        if gone:
            self.cache.table.clear()

    def _write_trapped(self, gfn: int) -> None:
        """A write to a frame with translated code has trapped. What does so again and again is
        translated to a callout, which is cheaper than a fault."""
        if not self.in_cache:
            return
        self._count("trapped")
        linear = self.vm.vcpu.linear_eip
        code = self.pages.get(linear >> FRAME_SHIFT)
        if code is None:
            return
        place = (linear, code)
        self.trapped[place] = self.trapped.get(place, 0) + 1
        if self.trapped[place] == TOO_OFTEN:
            self.cache.adapted.add(place)
            self._count("adapted")
            gpa = code << FRAME_SHIFT | linear & OFFSET_MASK
            for unit in list(self.cache.made_from(gpa, 1)):
                self.cache.discard(unit, "adapted")

    def _discarded(self, unit: Unit, why: str) -> None:
        self._count(f"discarded {why}")
        if why == "hot":
            return  # a region takes its place at once, and that is told
        gfn = unit.key.gfn
        if gfn not in self.cache.frames:
            self.shadow.code.discard(gfn)
            if gfn not in self.direct.descriptors.live.values():
                self.shadow.untrace(gfn)
        self.vm.emit(Discarded(self.vm.time, "vmm", self.vm.name, unit.key.eip, why))


ACTIONS: dict[str, Callable[[BinaryTranslation, Spot | None], None]] = {
    EMULATE: BinaryTranslation._emulate,
    LINK: BinaryTranslation._finish_branch,
    RETURN: BinaryTranslation._finish_branch,
    GO: BinaryTranslation._finish_branch,
}
