"""Descriptors, gates and the task-state segment: the bit layouts, as data.

Layouts are SDM vol. 3A: segment descriptors 3.4.5, system descriptor types table 3-2, gates 5.8.3
and 6.11, TSS 7.2.1 and 7.2.5. A descriptor is handled as one 64-bit integer, the low doubleword
first in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Field(NamedTuple):
    """A run of bits: ``bits`` of them from bit ``low`` up, and what they mean."""

    name: str
    low: int
    bits: int
    text: str

    def of(self, value: int) -> int:
        """Take this field out of ``value``."""
        return value >> self.low & (1 << self.bits) - 1


def split(value: int, fields: tuple[Field, ...]) -> dict[str, int]:
    """Take ``value`` apart by name."""
    return {field.name: field.of(value) for field in fields}


SEGMENT_FIELDS = (
    Field("limit 15:0", 0, 16, "last valid offset, low part"),
    Field("base 23:0", 16, 24, "linear address of offset 0, low part"),
    Field("type", 40, 4, "kind of segment; see CODE_DATA_TYPES and SYSTEM_TYPES"),
    Field("s", 44, 1, "1: code or data, 0: system"),
    Field("dpl", 45, 2, "descriptor privilege level"),
    Field("p", 47, 1, "present"),
    Field("limit 19:16", 48, 4, "last valid offset, high part"),
    Field("avl", 52, 1, "free for software"),
    Field("l", 53, 1, "64-bit code (not on IA-32)"),
    Field("d/b", 54, 1, "1: 32-bit code, stack or upper bound"),
    Field("g", 55, 1, "1: the limit counts 4 KiB units"),
    Field("base 31:24", 56, 8, "linear address of offset 0, high part"),
)

GATE_FIELDS = (
    Field("offset 15:0", 0, 16, "entry point, low part"),
    Field("selector", 16, 16, "code segment of the entry point"),
    Field("count", 32, 5, "parameters a call gate copies to the new stack"),
    Field("type", 40, 4, "kind of gate; see SYSTEM_TYPES"),
    Field("s", 44, 1, "0: system"),
    Field("dpl", 45, 2, "who may use the gate"),
    Field("p", 47, 1, "present"),
    Field("offset 31:16", 48, 16, "entry point, high part"),
)

CODE_DATA_TYPES = (
    "data, read", "data, read, accessed", "data, read/write", "data, read/write, accessed",
    "data, read, expand-down", "data, read, expand-down, accessed",
    "data, read/write, expand-down", "data, read/write, expand-down, accessed",
    "code, execute", "code, execute, accessed", "code, execute/read",
    "code, execute/read, accessed", "code, execute, conforming",
    "code, execute, conforming, accessed", "code, execute/read, conforming",
    "code, execute/read, conforming, accessed",
)  # fmt: skip

TSS16, LDT, TSS16_BUSY, CALL_GATE16, TASK_GATE, INTERRUPT_GATE16, TRAP_GATE16 = range(1, 8)
TSS32, TSS32_BUSY, CALL_GATE32, INTERRUPT_GATE32, TRAP_GATE32 = 9, 11, 12, 14, 15

SYSTEM_TYPES = {
    TSS16: "16-bit TSS, available",
    LDT: "LDT",
    TSS16_BUSY: "16-bit TSS, busy",
    CALL_GATE16: "16-bit call gate",
    TASK_GATE: "task gate",
    INTERRUPT_GATE16: "16-bit interrupt gate",
    TRAP_GATE16: "16-bit trap gate",
    TSS32: "32-bit TSS, available",
    TSS32_BUSY: "32-bit TSS, busy",
    CALL_GATE32: "32-bit call gate",
    INTERRUPT_GATE32: "32-bit interrupt gate",
    TRAP_GATE32: "32-bit trap gate",
}
TSS_BUSY = 2  # the type bit that tells a busy TSS from an available one
WIDE = 8  # the type bit that tells a 32-bit TSS or gate from a 16-bit one

# Code and data type bits.
ACCESSED = 1
WRITABLE = 2  # data
READABLE = 2  # code
EXPAND_DOWN = 4  # data
CONFORMING = 4  # code
CODE = 8

# Offsets in a 32-bit TSS (figure 7-2) and a 16-bit one (figure 7-10).
TSS32_FIELDS = {
    "link": (0, 2), "esp0": (4, 4), "ss0": (8, 2), "esp1": (12, 4), "ss1": (16, 2),
    "esp2": (20, 4), "ss2": (24, 2), "cr3": (28, 4), "eip": (32, 4), "eflags": (36, 4),
    "eax": (40, 4), "ecx": (44, 4), "edx": (48, 4), "ebx": (52, 4), "esp": (56, 4),
    "ebp": (60, 4), "esi": (64, 4), "edi": (68, 4), "es": (72, 2), "cs": (76, 2), "ss": (80, 2),
    "ds": (84, 2), "fs": (88, 2), "gs": (92, 2), "ldt": (96, 2), "trap": (100, 2),
    "io map base": (102, 2),
}  # fmt: skip
TSS32_MIN_LIMIT = 0x67


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One 8-byte entry of the GDT, an LDT or the IDT; ``raw`` is the whole of it."""

    raw: int

    @property
    def type(self) -> int:
        """The 4-bit type."""
        return self.raw >> 40 & 15

    @property
    def system(self) -> bool:
        """Whether this is a system segment or a gate."""
        return not self.raw >> 44 & 1

    @property
    def dpl(self) -> int:
        """Descriptor privilege level."""
        return self.raw >> 45 & 3

    @property
    def present(self) -> bool:
        """Whether P is set."""
        return bool(self.raw >> 47 & 1)

    @property
    def big(self) -> bool:
        """The D/B bit."""
        return bool(self.raw >> 54 & 1)

    @property
    def base(self) -> int:
        """Linear base address of the segment."""
        return self.raw >> 16 & 0xFF_FFFF | self.raw >> 32 & 0xFF00_0000

    @property
    def limit(self) -> int:
        """Limit in bytes, granularity applied."""
        limit = self.raw & 0xFFFF | self.raw >> 32 & 0xF_0000
        return limit << 12 | 0xFFF if self.raw >> 55 & 1 else limit

    @property
    def code(self) -> bool:
        """Whether this is a code segment."""
        return not self.system and self.type >= CODE

    @property
    def data(self) -> bool:
        """Whether this is a data segment."""
        return not self.system and self.type < CODE

    @property
    def conforming(self) -> bool:
        """Whether this is conforming code."""
        return self.code and bool(self.type & CONFORMING)

    @property
    def readable(self) -> bool:
        """Whether data can be read through it."""
        return self.data or self.code and bool(self.type & READABLE)

    @property
    def writable(self) -> bool:
        """Whether data can be written through it."""
        return self.data and bool(self.type & WRITABLE)

    @property
    def selector(self) -> int:
        """Of a gate: the selector of its target."""
        return self.raw >> 16 & 0xFFFF

    @property
    def offset(self) -> int:
        """Of a gate: its entry point, 16 bits of it if the gate is a 16-bit one."""
        low = self.raw & 0xFFFF
        return low | self.raw >> 32 & 0xFFFF_0000 if self.type & WIDE else low

    @property
    def count(self) -> int:
        """Of a call gate: parameters to copy."""
        return self.raw >> 32 & 31


def segment_descriptor(
    base: int, limit: int, type: int, *, dpl: int = 0, present: bool = True, big: bool = True
) -> Descriptor:
    """Build a code or data descriptor; ``limit`` in bytes, in 4 KiB units when it must be.

    Raises ValueError for a limit beyond 1 MiB that does not end on a page.
    """
    granular = limit > 0xF_FFFF
    if granular and limit & 0xFFF != 0xFFF:
        raise ValueError(f"limit {limit:#x} needs 4 KiB granularity and must end in FFF")
    units = limit >> 12 if granular else limit
    return Descriptor(
        units & 0xFFFF
        | (base & 0xFF_FFFF) << 16
        | type << 40
        | 1 << 44
        | dpl << 45
        | present << 47
        | (units >> 16) << 48
        | big << 54
        | granular << 55
        | (base >> 24) << 56
    )


def system_descriptor(
    base: int, limit: int, type: int, *, dpl: int = 0, present: bool = True
) -> Descriptor:
    """Build a TSS or LDT descriptor."""
    raw = segment_descriptor(base, limit, type, dpl=dpl, present=present, big=False).raw
    return Descriptor(raw & ~(1 << 44))


def gate_descriptor(
    selector: int, offset: int, type: int, *, dpl: int = 0, present: bool = True, count: int = 0
) -> Descriptor:
    """Build a call, interrupt, trap or task gate."""
    return Descriptor(
        offset & 0xFFFF
        | selector << 16
        | count << 32
        | type << 40
        | dpl << 45
        | present << 47
        | (offset >> 16) << 48
    )
