"""The geometry of page tables, as data (SDM vol. 3A, 4.3-4.5; EPT: vol. 3C, 29.3).

A :class:`PagingFormat` says how many levels there are, which bits of an address index each, how
wide an entry is and what its bits mean. The walkers, the table builder, the lab and the pictures
all read it from here. ``walker`` walks one format, ``nested`` two at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ringside.machine.descriptors import Field

PAGE_SHIFT = 12

# Page-fault error code (SDM vol. 3A, 4.7)
ERROR_PRESENT = 1
ERROR_WRITE = 2
ERROR_USER = 4
ERROR_RESERVED = 8
ERROR_FETCH = 16  # of an instruction, where the format can forbid that

MAX_PHYSICAL_BITS = 36  # of a Pentium Pro; the long formats use it too


def bits(high: int, low: int) -> int:
    """Make a mask of bits ``high`` down to ``low``."""
    return (1 << high + 1) - (1 << low)


@dataclass(frozen=True, slots=True)
class EntryBits:
    """Where an entry keeps its flags, as masks; 0 where the format has no such flag.

    An entry is present if *any* bit of ``present`` is set; it can be used by user code (or
    written) if *all* bits of ``user`` (``write``) are; instructions may be fetched if all bits of
    ``execute`` and none of ``no_execute`` are set. A present entry without ``needed`` is as
    wrong as one with a reserved bit: extended page tables that allow writes or fetches but no
    reads (SDM vol. 3C, 29.3.3.1).
    """

    present: int
    write: int
    user: int
    accessed: int
    dirty: int
    large: int
    global_: int
    needed: int = 1
    execute: int = 0
    no_execute: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a walk.

    ``shift``: lowest address bit of this level's index, which has ``index_bits`` bits.
    ``large``: the large-page flag is understood here. ``reserved``: bits that must be clear in
    an entry that points on; ``large_reserved``: in one that maps a large page. ``checked``: the
    entry has permissions and an accessed flag (the PDPTE of PAE has neither).
    """

    name: str
    shift: int
    index_bits: int
    large: bool
    reserved: int
    large_reserved: int
    checked: bool = True

    @property
    def page_size(self) -> int:
        """Bytes mapped by one entry of this level."""
        return 1 << self.shift

    def index(self, address: int) -> int:
        """Take this level's index out of an address."""
        return address >> self.shift & (1 << self.index_bits) - 1


@dataclass(frozen=True, slots=True)
class PagingFormat:
    """A page-table format: ``levels`` from the root down, entries of ``entry_bytes`` bytes.

    ``root_mask`` takes the root table's address out of CR3 (or the EPT pointer),
    ``address_mask`` the next table's or the page's address out of an entry.
    """

    name: str
    title: str
    entry_bytes: int
    address_bits: int
    levels: tuple[Level, ...]
    root_mask: int
    address_mask: int
    bits: EntryBits
    fields: tuple[Field, ...]

    def level_number(self, depth: int) -> int:
        """Number levels as the literature does: the leaf level is 1."""
        return len(self.levels) - depth


IA32_BITS = EntryBits(
    present=1, write=2, user=4, accessed=0x20, dirty=0x40, large=0x80, global_=0x100
)
LONG_BITS = replace(IA32_BITS, no_execute=1 << 63)  # with EFER.NXE, as every 64-bit system has it
EPT_BITS = EntryBits(
    present=7, write=2, user=0, accessed=0x100, dirty=0x200, large=0x80, global_=0, execute=4
)

IA32_FLAG_FIELDS = (
    Field("p", 0, 1, "present"),
    Field("r/w", 1, 1, "writes allowed"),
    Field("u/s", 2, 1, "user (ring 3) access allowed"),
    Field("pwt", 3, 1, "write-through"),
    Field("pcd", 4, 1, "cache disable"),
    Field("a", 5, 1, "accessed: set by the processor"),
    Field("d", 6, 1, "dirty: set by the processor on a write (last level)"),
    Field("ps/pat", 7, 1, "large page, or memory type in the last level"),
    Field("g", 8, 1, "global: survives a CR3 load (last level)"),
    Field("available", 9, 3, "free for software"),
)
FIELDS32 = (*IA32_FLAG_FIELDS, Field("address", 12, 20, "frame number"))
FIELDS64 = (
    *IA32_FLAG_FIELDS,
    Field("address", 12, 40, "frame number"),
    Field("available", 52, 11, "free for software"),
    Field("xd", 63, 1, "execute disable"),
)
EPT_FIELDS = (
    Field("r", 0, 1, "reads allowed"),
    Field("w", 1, 1, "writes allowed"),
    Field("x", 2, 1, "execution allowed"),
    Field("memory type", 3, 3, "caching of the page (last level)"),
    Field("ignore pat", 6, 1, "the guest's PAT is ignored (last level)"),
    Field("large", 7, 1, "maps a large page"),
    Field("a", 8, 1, "accessed: set by the processor"),
    Field("d", 9, 1, "dirty: set by the processor on a write (last level)"),
    Field("address", 12, 40, "frame number"),
)

# Address bits above the machine's physical width are reserved.
HIGH64 = bits(51, MAX_PHYSICAL_BITS)
PAE_HIGH = bits(63, MAX_PHYSICAL_BITS)  # XD too: there is no EFER.NXE here

THIRTY_TWO_BIT = PagingFormat(
    name="32-bit",
    title="32-bit paging",
    entry_bytes=4,
    address_bits=32,
    levels=(
        # Without PSE-36 bits 21:13 of a 4 MiB entry are reserved.
        Level("pde", 22, 10, True, 0, bits(21, 13)),
        Level("pte", 12, 10, False, 0, 0),
    ),
    root_mask=0xFFFF_F000,
    address_mask=0xFFFF_F000,
    bits=IA32_BITS,
    fields=FIELDS32,
)

PAE = PagingFormat(
    name="pae",
    title="PAE paging",
    entry_bytes=8,
    address_bits=32,
    levels=(
        Level("pdpte", 30, 2, False, PAE_HIGH | bits(8, 5) | bits(2, 1), 0, checked=False),
        Level("pde", 21, 9, True, PAE_HIGH, PAE_HIGH | bits(20, 13)),
        Level("pte", 12, 9, False, PAE_HIGH, 0),
    ),
    root_mask=0xFFFF_FFE0,
    address_mask=bits(51, 12),
    bits=IA32_BITS,
    fields=FIELDS64,
)

PAGE_LEVELS = (
    Level("pml4e", 39, 9, False, HIGH64 | 0x80, 0),
    Level("pdpte", 30, 9, True, HIGH64, HIGH64 | bits(29, 13)),
    Level("pde", 21, 9, True, HIGH64, HIGH64 | bits(20, 13)),
    Level("pte", 12, 9, False, HIGH64, 0),
)

FOUR_LEVEL = PagingFormat(
    name="4-level",
    title="4-level paging",
    entry_bytes=8,
    address_bits=48,
    levels=PAGE_LEVELS,
    root_mask=bits(51, 12),
    address_mask=bits(51, 12),
    bits=LONG_BITS,
    fields=FIELDS64,
)

FIVE_LEVEL = PagingFormat(
    name="5-level",
    title="5-level paging",
    entry_bytes=8,
    address_bits=57,
    levels=(Level("pml5e", 48, 9, False, HIGH64 | 0x80, 0), *PAGE_LEVELS),
    root_mask=bits(51, 12),
    address_mask=bits(51, 12),
    bits=LONG_BITS,
    fields=FIELDS64,
)

EPT_LEVELS = (
    Level("ept pml4e", 39, 9, False, HIGH64 | bits(7, 3), 0),
    Level("ept pdpte", 30, 9, True, HIGH64 | bits(6, 3), HIGH64 | bits(29, 12)),
    Level("ept pde", 21, 9, True, HIGH64 | bits(6, 3), HIGH64 | bits(20, 12)),
    Level("ept pte", 12, 9, False, HIGH64, 0),
)

EPT_FOUR_LEVEL = PagingFormat(
    name="ept-4",
    title="4-level extended page tables",
    entry_bytes=8,
    address_bits=48,
    levels=EPT_LEVELS,
    root_mask=bits(51, 12),
    address_mask=bits(51, 12),
    bits=EPT_BITS,
    fields=EPT_FIELDS,
)

EPT_FIVE_LEVEL = PagingFormat(
    name="ept-5",
    title="5-level extended page tables",
    entry_bytes=8,
    address_bits=57,
    levels=(Level("ept pml5e", 48, 9, False, HIGH64 | bits(7, 3), 0), *EPT_LEVELS),
    root_mask=bits(51, 12),
    address_mask=bits(51, 12),
    bits=EPT_BITS,
    fields=EPT_FIELDS,
)

FORMATS: tuple[PagingFormat, ...] = (
    THIRTY_TWO_BIT,
    PAE,
    FOUR_LEVEL,
    FIVE_LEVEL,
    EPT_FOUR_LEVEL,
    EPT_FIVE_LEVEL,
)
BY_NAME = {format.name: format for format in FORMATS}
