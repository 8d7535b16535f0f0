"""Random page tables and accesses, walked by our walkers and by Unicorn's processor.

Three formats: 32-bit and PAE in protected mode, 4-level in 64-bit mode, where pages can forbid
execution (EFER.NXE) and some accesses are instruction fetches. Compared are fault or not, CR2, the value read, and A and D after accesses that succeed (Unicorn sets A in upper entries even
where the walk then faults; the SDM leaves that open, vol. 3A, 4.8).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ringside.machine.descriptors import segment_descriptor
from ringside.machine.memory import FRAME, Memory
from ringside.machine.paging import FOUR_LEVEL, PAE, THIRTY_TWO_BIT, PagingFormat
from ringside.machine.tables import TableBuilder
from ringside.machine.walker import Walk, marks, walk

SIZE = 1 << 21
GDT, CODE, STACK = 0x1000, 0x2000, 0x3000
FIRST_TABLE, FIRST_DATA = 0x80, 0x140  # frames
PE, ET, WP, PG = 1, 0x10, 1 << 16, 1 << 31
CR4_PSE, CR4_PAE = 0x10, 0x20
EFER, LME, NXE, XD = 0xC000_0080, 1 << 8, 1 << 11, 1 << 63
RESERVED = {"pae": (40, 51, 62), "4-level": (40, 47, 51)}  # above any physical width
OUTSIDE = ("outside", 0)  # the page lies where there is no memory
SKIPPED = ("skipped", 0)  # a table lies where there is none: a bus without answer is no oracle
FREE = (9, 10, 11)  # bits software may use

MOV_AL = 0xB0  # fetched anywhere, the data are a MOV AL, imm8
DATA = b"".join(struct.pack("<I", at * 2654435761 & 0xFFFF_FF00 | MOV_AL)
                for at in range(FIRST_DATA * FRAME, SIZE, 4))  # nearly every dword is another
FORMATS = {format.name: format for format in (THIRTY_TWO_BIT, PAE, FOUR_LEVEL)}


@dataclass(frozen=True, slots=True)
class Access:
    """One access to random tables."""

    linear: int
    write: bool
    user: bool
    wp: bool
    large_pages: bool
    fetch: bool = False


class World:
    """Random tables in RAM: the low pages are for Unicorn's code, the others are spoiled."""

    def __init__(self, rng: random.Random, format: PagingFormat) -> None:
        self.rng, self.format = rng, format
        self.memory = Memory(SIZE)
        self.memory.ram[FIRST_DATA * FRAME :] = DATA
        self._next = FIRST_TABLE - 1
        self.tables = TableBuilder(format, self.memory, self._take)
        for frame in range(4):
            self.tables.map(frame * FRAME, frame)
        kept = set(self.tables.tables)
        self.low = kept - {self.tables.root}  # used by the code that makes the accesses
        self.pages = self._map()
        for table in self.tables.tables:
            if table not in kept or table == self.tables.root:
                self._spoil(table)

    def _take(self) -> int:
        self._next += 1
        if self._next >= FIRST_DATA:
            raise ValueError("too many tables")
        return self._next

    def _map(self) -> list[int]:
        rng, format = self.rng, self.format
        root = format.levels[0]
        bases = [rng.randrange(1, 1 << root.index_bits) << root.shift
                 | rng.getrandbits(root.shift) & -FRAME for _ in range(3)]
        pages = []
        for _ in range(10):
            low = rng.choice(format.levels[1:]).shift + rng.randrange(1, 4)
            linear = (rng.choice(bases) >> low << low | rng.getrandbits(low)) & -FRAME
            level = rng.choice([1, 1, 1, 1, 2, 3])
            depth = len(format.levels) - level
            if depth < 0 or level > 1 and not format.levels[depth].large:
                level = 1
            frame = rng.randrange(FIRST_DATA, SIZE // FRAME)
            size = format.levels[len(format.levels) - level].page_size
            if level > 1:  # there is one aligned frame in RAM: the first
                frame, linear = 0, linear & -size | rng.randrange(FIRST_DATA, 512) * FRAME
            try:
                self.tables.map(linear & -size, frame, level=level)
            except ValueError:
                continue
            pages += [linear, linear, linear ^ FRAME]
        return pages

    def _spoil(self, table: int) -> None:
        rng, size = self.rng, self.format.entry_bytes
        top = table == self.tables.root
        for at in range(table, table + FRAME, size):
            entry = self.memory.read(at, size)
            if not entry or at == table and top or rng.random() < 0.6:
                continue
            choice = rng.random()
            if top and self.format is PAE:
                entry &= ~1 if choice < 0.3 else -1
            elif choice < 0.6:
                entry ^= rng.choice([2, 4, 4, 0x20, 0x40, 1 << rng.choice(FREE)])
            elif choice < 0.75:
                entry &= ~1
            elif choice < 0.9 and self.format.name in RESERVED:
                entry |= 1 << rng.choice(RESERVED[self.format.name])
            elif choice < 0.93 and self.format is FOUR_LEVEL:
                entry |= XD
            elif choice < 0.95 and entry & 0x80:
                # Unicorn has PSE-36: in 32-bit paging only bit 21 is reserved there too.
                entry |= 1 << (21 if size == 4 else 13)
            self.memory.write(at, entry, size)

    def spans(self) -> list[tuple[int, int]]:
        """Where the tables lie whose A and D are compared: begin and end."""
        root = self.tables.root
        own = [(table, table + FRAME) for table in self.tables.tables
               if table not in self.low and table != root]
        return [(root + self.format.entry_bytes, root + FRAME), *own]

    def access(self) -> Access:
        """An address that is mapped, or near one; canonical where that matters."""
        rng = self.rng
        linear = rng.choice(self.pages) + rng.choice([0, 4, 0x800, 0xFF8])
        access = Access(linear, rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5,
                        self.format is not THIRTY_TWO_BIT or rng.random() < 0.7)
        if self.format is FOUR_LEVEL and rng.random() < 0.3:
            # Not near the page's end: Unicorn would read on into the next page.
            return replace(access, linear=linear & ~0x7FF, write=False, fetch=True)
        return access

    def ours(self, access: Access) -> tuple[str, int]:
        """What our walker finds; A and D are written when it succeeds."""
        memory, format = self.memory, self.format
        result = self._walk(access, access.write)
        if result.fault is not None and access.write:
            read = self._walk(access, False)  # Unicorn reads before it writes
            if read.fault is None and read.address >= SIZE:
                return OUTSIDE
        if any(ref.address >= SIZE for ref in result.refs):
            return SKIPPED
        if result.fault is not None:
            return "fault", canonical(format, access.linear)
        if result.address >= SIZE:
            return OUTSIDE
        if result.address < FIRST_DATA * FRAME:  # a large page over Unicorn's own code and tables
            return SKIPPED
        for at, entry in marks(format, result, access.write):
            memory.write(at, entry, format.entry_bytes)
        found = memory.read32(result.address)
        return "value", found >> 8 & 0xFF if access.fetch else found

    def _walk(self, access: Access, write: bool) -> Walk:
        format, memory = self.format, self.memory
        return walk(
            format, self.tables.root, access.linear,
            lambda at: memory.read(at, format.entry_bytes), write=write, user=access.user,
            fetch=access.fetch, wp=access.wp, large_pages=access.large_pages)


def canonical(format: PagingFormat, linear: int) -> int:
    """The address as a register has it: the highest bit of a 48-bit one fills those above."""
    if format.address_bits > 32 and linear >> format.address_bits - 1:
        return linear | (1 << 64) - (1 << format.address_bits)
    return linear


class Theirs:
    """A Unicorn processor, set up once for a format."""

    def __init__(self, format: PagingFormat) -> None:
        import unicorn
        import unicorn.x86_const as x86

        self.x86, self.format = x86, format
        self.long = format is FOUR_LEVEL
        mode = unicorn.UC_MODE_64 if self.long else unicorn.UC_MODE_32
        self.error = unicorn.UcError
        self.unmapped = (
            unicorn.UC_ERR_READ_UNMAPPED, unicorn.UC_ERR_WRITE_UNMAPPED,
            unicorn.UC_ERR_FETCH_UNMAPPED)
        self.uc: Any = unicorn.Uc(unicorn.UC_ARCH_X86, mode)
        self.uc.mem_map(0, SIZE)
        self.vectors: list[int] = []
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self.fresh = self.uc.context_save()  # in ring 0

    def _interrupt(self, uc: Any, vector: int, _: object) -> None:
        self.vectors.append(vector)
        uc.emu_stop()

    def load(self, world: World) -> None:
        """Take over a world's RAM."""
        uc, x86 = self.uc, self.x86
        uc.mem_write(0, bytes(world.memory.ram))
        long = 0x20_0000_0000_0000 if self.long else 0  # L instead of D
        for index, (kind, ring) in enumerate(((0xB, 0), (0x3, 0), (0xB, 3), (0x3, 3)), 1):
            raw = segment_descriptor(0, 0xFFFF_FFFF, kind, dpl=ring).raw
            if long and kind == 0xB:
                raw = raw & ~(1 << 54) | long
            uc.mem_write(GDT + 8 * index, raw.to_bytes(8, "little"))
        uc.reg_write(x86.UC_X86_REG_GDTR, (0, GDT, 0x27, 0))
        self.iret = b"\x48\xcf" if self.long else b"\xcf"
        self.saved = bytes(world.memory.ram)

    def access(self, world: World, access: Access) -> tuple[str, int]:
        """Make one access, by ``mov eax, [ebx]``, ``lock or dword [ebx], 0`` or ``jmp rbx``."""
        uc, x86 = self.uc, self.x86
        uc.context_restore(self.fresh)
        uc.reg_write(x86.UC_X86_REG_GDTR, (0, GDT, 0x27, 0))
        move = b"\xf0\x83\x0b\x00" if access.write else b"\x8b\x03"
        if access.fetch:
            move = b"\xff\xe3"
        code = self.iret + move
        uc.mem_write(CODE, code)
        first = CODE + len(self.iret)
        frame = (first, 0x1B, 2, STACK + 0x800, 0x23)
        uc.mem_write(STACK, struct.pack("<5Q" if self.long else "<5I", *frame))
        cr0 = PE | ET | (WP if access.wp else 0)
        cr4 = CR4_PAE if self.format is not THIRTY_TWO_BIT else (
            CR4_PSE if access.large_pages else 0)
        uc.reg_write(x86.UC_X86_REG_CR0, cr0)
        uc.reg_write(x86.UC_X86_REG_CR4, cr4)
        uc.reg_write(x86.UC_X86_REG_CR3, world.tables.root)
        if self.long:
            uc.reg_write(x86.UC_X86_REG_MSR, (EFER, LME | NXE))
        uc.reg_write(x86.UC_X86_REG_CR0, cr0 | PG)
        for register, selector in (
            (x86.UC_X86_REG_CS, 0x08), (x86.UC_X86_REG_SS, 0x10), (x86.UC_X86_REG_DS, 0x23),
            (x86.UC_X86_REG_ES, 0x23),
        ):  # fmt: skip
            uc.reg_write(register, selector)
        names = ("RSP", "RBX") if self.long else ("ESP", "EBX")
        uc.reg_write(getattr(x86, f"UC_X86_REG_{names[0]}"), STACK)
        uc.reg_write(
            getattr(x86, f"UC_X86_REG_{names[1]}"), canonical(self.format, access.linear))
        self.vectors.clear()
        begin = CODE if access.user else first
        try:
            uc.emu_start(
                begin, CODE + len(code), count=1 + int(access.user) + int(access.fetch))
        except self.error as error:
            if not self.vectors:
                if error.errno in self.unmapped:
                    return OUTSIDE
                raise
        if self.vectors:
            return "fault", uc.reg_read(x86.UC_X86_REG_CR2)
        if access.write:
            return "value", struct.unpack("<I", self._at(world, access))[0]
        found = uc.reg_read(x86.UC_X86_REG_EAX)
        return "value", found & 0xFF if access.fetch else found

    def _at(self, world: World, access: Access) -> bytes:
        """Four bytes at the address a write went to, which it left as they were."""
        format = self.format
        result = walk(
            format, world.tables.root, access.linear,
            lambda at: world.memory.read(at, format.entry_bytes),
            large_pages=access.large_pages)
        return bytes(self.uc.mem_read(result.address, 4))


def differences(format: PagingFormat, cases: int, seed: int) -> Iterator[str]:
    """Run random cases, 40 to a world; yield one line for each that differs."""
    theirs = Theirs(format)
    rng = random.Random(f"{seed} {format.name}")
    done = 0
    while done < cases:
        world = World(rng, format)
        theirs.load(world)
        spans = world.spans()
        for _ in range(min(40, cases - done)):
            done += 1
            access = world.access()
            mine = world.ours(access)
            if mine == SKIPPED:
                done -= 1
                continue
            reference = theirs.access(world, access)
            ram, uc = world.memory.ram, theirs.uc
            same = mine == reference
            if mine[0] != "value" or reference[0] != "value":
                for begin, end in spans:
                    uc.mem_write(begin, bytes(ram[begin:end]))
            else:
                same = same and all(
                    ram[begin:end] == uc.mem_read(begin, end - begin) for begin, end in spans)
            if not same:
                yield f"{format.name} case {done}: {access}: ours {mine}, Unicorn's {reference}"
                theirs.load(world)
