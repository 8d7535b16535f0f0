"""Where things are in a sampled state: a program, a kernel, and the tables, here or moved.

Everything a program is not to know about can lie in one of two places. Offsets inside a block are
the same in both, so results can be compared as block and offset.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringside.machine import descriptors as layout
from ringside.machine.descriptors import (
    Descriptor,
    gate_descriptor,
    segment_descriptor,
    system_descriptor,
)
from ringside.machine.memory import FRAME

RAM = 20 * FRAME  # the last two frames are free, for what only a VMM needs
VMM_FRAMES = (18 * FRAME, 19 * FRAME)

# The program's block: code, data and stack, all reached through its own segments.
CODE, DATA, STACK = 0x100, 0x800, 0x1800  # offsets
PROGRAM_SIZE = 0x2000
# The kernel's block: handlers, and the stacks of the inner rings.
HANDLERS, KERNEL_STACKS, KERNEL_SIZE = 0x100, (0x800, 0xA00, 0xC00), FRAME
GATES = 64
TSS_LIMIT = 0x67


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of memory that lies somewhere; ``linear`` differs from ``physical`` under paging."""

    name: str
    physical: int
    linear: int
    size: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything is, and which of two equal descriptors the task and LDT registers name."""

    program: Block
    kernel: Block
    gdt: Block
    ldt: Block
    idt: Block
    tss: Block
    directory: int
    ldt_selector: int
    tss_selector: int

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks."""
        return self.program, self.kernel, self.gdt, self.ldt, self.idt, self.tss

    def relative(self, linear: int) -> int:
        """A linear address as it would be in ``HERE``; others stay as they are."""
        for block, home in zip(self.blocks, HERE.blocks, strict=True):
            if block.linear <= linear < block.linear + block.size:
                return home.linear + linear - block.linear
        return linear


def selector(index: int, rpl: int = 0) -> int:
    """The selector of GDT entry ``index``."""
    return index << 3 | rpl


# GDT entries.
OWN_CODE, OWN_DATA, CODE_1, DATA_1, CODE_3, DATA_3 = range(1, 7)
CONFORMING_0, CONFORMING_3, WINDOW_3, KERNEL_WINDOW, READ_ONLY_3, ABSENT_3, EXECUTE_3 = range(7, 14)
LDT_A, LDT_B, TSS_A, TSS_B, TSS_FREE, GATE_3, GATE_0 = range(14, 21)
KERNEL_CODE, KERNEL_DATA, KERNEL_DATA_1, WINDOW_1 = range(21, 25)
GDT_ENTRIES = 25
LDT_ENTRIES = 3

RW, RO, CODE_READ, CODE_ONLY, CODE_CONFORMING = 0x3, 0x1, 0xB, 0x9, 0xF  # types, accessed

# Selectors worth having in a register or on a stack: every kind of descriptor, and none.
SELECTORS: tuple[int, ...] = (
    selector(WINDOW_3, 3), selector(KERNEL_WINDOW), selector(WINDOW_1, 1), selector(DATA_3, 3),
    selector(OWN_DATA), selector(CONFORMING_0, 3), selector(TSS_FREE), selector(LDT_A), 0,
    selector(DATA_1, 1), selector(CODE_3, 3), selector(OWN_CODE), selector(CODE_1, 1),
    selector(GATE_3, 3), selector(WINDOW_3), selector(READ_ONLY_3, 3), selector(GATE_0), 3,
    selector(CONFORMING_3, 3), selector(CONFORMING_0), selector(DATA_3), selector(EXECUTE_3, 3),
    selector(ABSENT_3, 3), selector(TSS_A), selector(KERNEL_CODE), selector(0, 3) | 4,
    selector(1) | 4, selector(2, 3) | 4, selector(GDT_ENTRIES + 3),
)  # fmt: skip
CODE_SELECTORS: tuple[int, ...] = (
    selector(CODE_3, 3), selector(OWN_CODE), selector(CODE_1, 1), selector(CONFORMING_0, 3),
)  # fmt: skip
STACK_SELECTORS = {0: selector(OWN_DATA), 1: selector(DATA_1, 1), 3: selector(DATA_3, 3)}


def place(
    program: int, kernel: int, gdt: int, ldt: int, idt: int, tss: int, directory: int,
    second: bool, like: Placement | None = None, tables_like: Placement | None = None,
) -> Placement:
    """A placement by physical addresses. Linear ones are the same, but for program and kernel
    those of ``like`` and for the tables those of ``tables_like``, if there are such."""
    same = tables_like
    return Placement(
        Block("program", program, like.program.linear if like else program, PROGRAM_SIZE),
        Block("kernel", kernel, like.kernel.linear if like else kernel, KERNEL_SIZE),
        Block("gdt", gdt, same.gdt.linear if same else gdt, GDT_ENTRIES * 8),
        Block("ldt", ldt, same.ldt.linear if same else ldt, LDT_ENTRIES * 8),
        Block("idt", idt, same.idt.linear if same else idt, GATES * 8),
        Block("tss", tss, same.tss.linear if same else tss, TSS_LIMIT + 1),
        directory,
        selector(LDT_B if second else LDT_A),
        selector(TSS_B if second else TSS_A),
    )  # fmt: skip


HERE = place(0x4000, 0x6000, 0x1000, 0x1400, 0x1800, 0x2000, 0x7000, False)
MOVED = place(0x9000, 0xC000, 0xE100, 0xE600, 0xEA00, 0xF300, 0x10000, True)
# Under paging program and kernel keep their linear addresses; their frames move.
REMAPPED = place(0x9000, 0xC000, 0xE100, 0xE600, 0xEA00, 0xF300, 0x10000, True, like=HERE)
# Every linear address stays; every frame moves.
OTHER_FRAMES = place(
    0x9000, 0xC000, 0xE000, 0xE400, 0xE800, 0xF000, 0x10000, False, like=HERE, tables_like=HERE
)


def global_descriptors(at: Placement) -> tuple[Descriptor, ...]:
    """The GDT, entry by entry."""
    base, kernel = at.program.linear, at.kernel.linear
    last, kernel_last = PROGRAM_SIZE - 1, KERNEL_SIZE - 1

    def code(dpl: int, kind: int = CODE_READ) -> Descriptor:
        return segment_descriptor(base, last, kind, dpl=dpl)

    def data(dpl: int, kind: int = RW) -> Descriptor:
        return segment_descriptor(base, last, kind, dpl=dpl)

    def window(dpl: int) -> Descriptor:
        return segment_descriptor(base + DATA, 0xFFF, RW, dpl=dpl)

    gate_target = selector(KERNEL_CODE)
    ldt = system_descriptor(at.ldt.linear, at.ldt.size - 1, layout.LDT)
    tss = system_descriptor(at.tss.linear, TSS_LIMIT, layout.TSS32_BUSY)
    return (
        Descriptor(0), code(0), data(0), code(1), data(1), code(3), data(3),
        code(0, CODE_CONFORMING), code(3, CODE_CONFORMING), window(3),
        segment_descriptor(kernel, kernel_last, RW), data(3, RO),
        segment_descriptor(base, last, RW, dpl=3, present=False), code(3, CODE_ONLY),
        ldt, ldt, tss, tss, system_descriptor(at.tss.linear, TSS_LIMIT, layout.TSS32),
        gate_descriptor(gate_target, HANDLERS, layout.CALL_GATE32, dpl=3),
        gate_descriptor(gate_target, HANDLERS + 8, layout.CALL_GATE32),
        segment_descriptor(kernel, kernel_last, CODE_READ),
        segment_descriptor(kernel, kernel_last, RW),
        segment_descriptor(kernel, kernel_last, RW, dpl=1),
        window(1),
    )  # fmt: skip


def local_descriptors(at: Placement) -> tuple[Descriptor, ...]:
    """The LDT."""
    base, last = at.program.linear, PROGRAM_SIZE - 1
    return (
        segment_descriptor(base + DATA, 0x7FF, RW, dpl=3),
        segment_descriptor(base + DATA, 0x7FF, RW),
        segment_descriptor(base, last, CODE_READ, dpl=3),
    )


def gate(vector: int) -> Descriptor:
    """The IDT entry of ``vector``: some for every ring, some for the innermost only."""
    for_all = vector in (3, 4) or 0x20 <= vector < 0x30
    kind = layout.TRAP_GATE32 if vector & 1 and vector > 4 else layout.INTERRUPT_GATE32
    return gate_descriptor(
        selector(KERNEL_CODE), HANDLERS + 8 * vector, kind, dpl=3 if for_all else 0
    )


def table_bytes(entries: tuple[Descriptor, ...]) -> bytes:
    """Descriptors as they lie in memory."""
    return b"".join(entry.raw.to_bytes(8, "little") for entry in entries)


def tss_bytes() -> bytes:
    """The task-state segment: the stacks of the inner rings, no I/O bitmap."""
    data = bytearray(TSS_LIMIT + 1)
    for ring, segment in enumerate((selector(KERNEL_DATA), selector(KERNEL_DATA_1, 1))):
        data[4 + 8 * ring : 8 + 8 * ring] = KERNEL_STACKS[ring].to_bytes(4, "little")
        data[8 + 8 * ring : 10 + 8 * ring] = segment.to_bytes(2, "little")
    data[102:104] = b"\xff\xff"
    return bytes(data)


PAGE = 0x67  # present, writable, user, accessed, dirty


def page_table_bytes(at: Placement) -> bytes:
    """A page directory and the one table it needs: everything at its own address but what moved."""
    frames = {page: page for page in range(RAM // FRAME)}
    for block in at.blocks:
        for page in range(-(-block.size // FRAME)):
            frames[block.linear // FRAME + page] = block.physical // FRAME + page
    directory = (at.directory + FRAME | PAGE).to_bytes(4, "little").ljust(FRAME, b"\0")
    entries = [frame * FRAME | PAGE for _, frame in sorted(frames.items())]
    table = b"".join(entry.to_bytes(4, "little") for entry in entries)
    return directory + table.ljust(FRAME, b"\0")


def build_memory(at: Placement, program: bytes) -> bytes:
    """All of physical memory; ``program`` fills the program's block."""
    ram = bytearray(RAM)

    def put(where: int, data: bytes) -> None:
        ram[where : where + len(data)] = data

    put(at.directory, page_table_bytes(at))
    put(at.gdt.physical, table_bytes(global_descriptors(at)))
    put(at.ldt.physical, table_bytes(local_descriptors(at)))
    put(at.idt.physical, table_bytes(tuple(gate(vector) for vector in range(GATES))))
    put(at.tss.physical, tss_bytes())
    put(at.kernel.physical + HANDLERS, b"\xf4" * (8 * GATES))
    put(at.program.physical, program)
    return bytes(ram)
