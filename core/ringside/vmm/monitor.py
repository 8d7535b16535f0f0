"""The VMM's own ground in simulated memory: entry points, interrupt table, stack, page frames.

The VMM's code is Python, but everything the processor needs from it is real: an IDT whose gates
lead to entry points in ring 0, a TSS that names the ring-0 stack, that stack, and page tables.
All of it lies in the first ``WINDOW_SIZE`` bytes of the host's RAM and is seen, in every address
space, in the top 4 MiB of linear memory. Ring 1 counts as supervisor for paging (SDM vol. 3A,
5.11), so what keeps a guest's kernel out of the window are the limits of its segments, cut off
below it, exactly as VMMs of the time before VT-x did it.

====================  =======================================================
host-physical         what is there
====================  =======================================================
0x100000              IDT: 256 interrupt gates, DPL 0, one per entry point
0x100800              TSS: ss0 and esp0 only, no I/O permission bitmap
0x101000              entry points, 16 bytes each
0x102000-0x103FFF     the VMM's stack
0x104000              page table of the window
0x105000              page directory with nothing but the window
0x110000              tables of the virtual machines (``take``), then page frames
====================  =======================================================
"""

from __future__ import annotations

import struct
from typing import ClassVar

from ringside.isa.faults import ERROR_CODE_VECTORS
from ringside.isa.registers import CS, DS, ES, ESP, FLAG_ONE, FS, GS, SS
from ringside.isa.width import B, D
from ringside.machine import descriptors as layout
from ringside.machine.control import CR0_NE, CR0_PE, CR0_PG, CR0_WP, CR4_TSD
from ringside.machine.descriptors import (
    TSS32_FIELDS,
    TSS32_MIN_LIMIT,
    Descriptor,
    gate_descriptor,
    segment_descriptor,
    system_descriptor,
)
from ringside.machine.machine import Machine
from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.vmm.exits import CALLOUT, TIMER, Exit, reason_of

WINDOW = 0xFFC0_0000
"""Linear address where the VMM's memory begins, in every address space."""
WINDOW_SIZE = 4 << 20

IDT = 0x10_0000
TSS = 0x10_0800
ENTRIES = 0x10_1000
ENTRY_SIZE = 16
STACK_TOP = 0x10_4000
WINDOW_TABLE = 0x10_4000
EMPTY_DIRECTORY = 0x10_5000
FIRST_FREE = 0x11_0000

# The VMM's selectors are the last of a full GDT, where guests rarely look.
GDT_ENTRIES = 8192
CACHE_CODE = 8186 << 3  # these two are the translation cache's, where there is one
CACHE_DATA = 8187 << 3
FIRST_OWN = CACHE_CODE
MONITOR_CODE = 8188 << 3
MONITOR_DATA = 8189 << 3
MONITOR_TSS = 8190 << 3
MONITOR_LDT = 8191 << 3
GDT_BYTES = GDT_ENTRIES * 8

PRESENT_WRITABLE = 3  # page-table entry bits P and R/W; U/S stays clear

TIMER_LINE = 0  # the interrupt line of the host's PIC that the host's timer drives
TIMER_VECTOR = 0x20
CALLOUT_VECTOR = 0xFC  # of the INT by which translated code calls the VMM
REASONS = {TIMER_VECTOR: TIMER, CALLOUT_VECTOR: CALLOUT}

FRAME_LAYOUT = struct.Struct("<5I")  # EIP, CS, EFLAGS, ESP, SS: what a change of ring pushes

_DATA_TYPE = layout.WRITABLE | layout.ACCESSED
_CODE_TYPE = layout.CODE | layout.READABLE | layout.ACCESSED


class Monitor:
    """Ring 0 of the simulated machine, as the VMM has furnished it."""

    __slots__ = ("machine", "next_free")
    transient: ClassVar[frozenset[str]] = frozenset({"machine"})

    def __init__(self, machine: Machine) -> None:
        if machine.memory.size < WINDOW_SIZE:
            raise ValueError(f"the VMM needs {WINDOW_SIZE >> 20} MiB of RAM for itself")
        self.machine = machine
        self.next_free = FIRST_FREE
        self._furnish()
        self._take_over()

    # -- building ----------------------------------------------------------------------------

    def take(self, size: int) -> int:
        """Reserve ``size`` bytes, rounded up to frames; returns their host-physical address."""
        hpa = self.next_free
        self.next_free += -(-size // FRAME) * FRAME
        if self.next_free > WINDOW_SIZE:
            raise ValueError("the VMM's memory is used up: fewer virtual machines, please")
        return hpa

    def share_pool(self, shares: int) -> list[list[int]]:
        """Deal out all that was not taken as page frames (host-physical), the same to everybody."""
        frames = list(range(WINDOW_SIZE - FRAME, self.next_free - FRAME, -FRAME))
        self.next_free = WINDOW_SIZE
        each = len(frames) // shares
        if not each:
            raise ValueError("the VMM's memory is used up: fewer virtual machines, please")
        return [frames[n * each : (n + 1) * each] for n in range(shares)]

    def _furnish(self) -> None:
        memory = self.machine.memory
        for vector in range(256):
            entry = WINDOW + ENTRIES + vector * ENTRY_SIZE
            gate = gate_descriptor(MONITOR_CODE, entry, layout.INTERRUPT_GATE32)
            memory.write64(IDT + 8 * vector, gate.raw)
        for name, value in (("esp0", WINDOW + STACK_TOP), ("ss0", MONITOR_DATA),
                            ("io map base", TSS32_MIN_LIMIT + 1)):
            offset, size = TSS32_FIELDS[name]
            memory.write(TSS + offset, value, size)
        for number in range(WINDOW_SIZE >> FRAME_SHIFT):
            memory.write32(WINDOW_TABLE + 4 * number, number << FRAME_SHIFT | PRESENT_WRITABLE)
        self.map_window(EMPTY_DIRECTORY)

    def map_window(self, directory: int) -> None:
        """Show the VMM's memory in an address space; for ring 0 to 2 only."""
        self.machine.memory.write32(directory + 4 * (WINDOW >> 22), WINDOW_TABLE | PRESENT_WRITABLE)

    def furnish_gdt(self, hpa: int, ldt: int) -> None:
        """Write the VMM's own descriptors into a VM's GDT."""
        memory = self.machine.memory
        flat = 0xFFFF_FFFF
        own: tuple[tuple[int, Descriptor], ...] = (
            (MONITOR_CODE, segment_descriptor(0, flat, _CODE_TYPE)),
            (MONITOR_DATA, segment_descriptor(0, flat, _DATA_TYPE)),
            (MONITOR_TSS, system_descriptor(WINDOW + TSS, TSS32_MIN_LIMIT, layout.TSS32)),
            (MONITOR_LDT, system_descriptor(WINDOW + ldt, GDT_BYTES - 1, layout.LDT)),
        )
        for selector, descriptor in own:
            memory.write64(hpa + selector, descriptor.raw)

    def open_gate(self, vector: int, dpl: int) -> None:
        """Let INT ``vector`` of ring ``dpl`` and those inside it come to the VMM."""
        entry = WINDOW + ENTRIES + vector * ENTRY_SIZE
        gate = gate_descriptor(MONITOR_CODE, entry, layout.INTERRUPT_GATE32, dpl=dpl)
        self.machine.memory.write64(IDT + 8 * vector, gate.raw)

    def _take_over(self) -> None:
        """What a VMM's boot code does: own tables, paging on, ring 0 segments, the timer's line."""
        cpu = self.machine.cpu
        boot_gdt = self.take(GDT_BYTES)
        self.furnish_gdt(boot_gdt, boot_gdt)
        cpu.write_control(0, cpu.cr0 | CR0_PE)
        cpu.write_control(3, EMPTY_DIRECTORY)
        cpu.write_control(4, CR4_TSD)  # RDTSC traps, so that each VM can have its own time
        cpu.write_control(0, CR0_PE | CR0_PG | CR0_WP | CR0_NE | 0x10)
        cpu.load_gdt(WINDOW + boot_gdt, GDT_BYTES - 1)
        cpu.load_idt(WINDOW + IDT, 256 * 8 - 1)
        cpu.far_jump(MONITOR_CODE, WINDOW + ENTRIES, D)
        for seg in (SS, DS, ES, FS, GS):
            cpu.load_segment(seg, MONITOR_DATA)
        cpu.regs[ESP] = WINDOW + STACK_TOP
        cpu.load_task(MONITOR_TSS)
        cpu.eflags = FLAG_ONE
        for port, value in ((0x20, 0x11), (0x21, TIMER_VECTOR), (0x21, 4), (0x21, 3),
                            (0x21, 0xFF & ~(1 << TIMER_LINE))):
            cpu.port_out(port, value, B)  # ICW1-4 with automatic end of interrupt, then the mask
        cpu.context_override = "vmm"
        cpu.monitor = range(WINDOW + ENTRIES, WINDOW + ENTRIES + 256 * ENTRY_SIZE)

    # -- arriving and leaving ----------------------------------------------------------------

    def raise_timer(self) -> None:
        """The host's timer asks for the processor; it gets it when hardware rules allow."""
        self.machine.pic.raise_line(TIMER_LINE)

    def lower_timer(self) -> None:
        """The VMM has control: whatever the timer wanted is being looked after."""
        self.machine.pic.lower_line(TIMER_LINE)

    def read_frame(self) -> Exit:
        """Read what the processor pushed when it came here, and take it off the stack."""
        cpu, memory = self.machine.cpu, self.machine.memory
        vector = (cpu.eip - WINDOW - ENTRIES) // ENTRY_SIZE
        top = cpu.regs[ESP] - WINDOW
        error = -1
        if vector in ERROR_CODE_VECTORS:
            error = memory.read32(top)
            top += 4
        eip, cs, eflags, esp, ss = FRAME_LAYOUT.unpack_from(memory.ram, top)
        cpu.regs[ESP] = WINDOW + STACK_TOP
        cpu.context_override = "vmm"
        reason = REASONS.get(vector) or reason_of(vector)
        qualification = cpu.cr2 if vector == 14 else -1
        return Exit(reason, vector, error, qualification, eip, cs & 0xFFFF, eflags, esp,
                    ss & 0xFFFF)

    def leave(self, eip: int, cs: int, eflags: int, esp: int, ss: int) -> None:
        """Go to an outer ring with a real IRET."""
        cpu, memory = self.machine.cpu, self.machine.memory
        top = STACK_TOP - FRAME_LAYOUT.size
        memory.write_bytes(top, FRAME_LAYOUT.pack(eip, cs, eflags, esp, ss))
        cpu.regs[ESP] = WINDOW + top
        cpu.iret(D)
        cpu.context_override = ""

    @property
    def in_control(self) -> bool:
        """Whether the processor is in ring 0, where only the VMM lives."""
        return self.machine.cpu.segs[CS].selector & 3 == 0
