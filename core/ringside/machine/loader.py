"""Putting an image into a machine and the processor at its first instruction.

The conventions are QEMU's, so that one file runs on both:

=============  =====================================================================================
multiboot-1    entered as the specification says: 32-bit protected mode, flat segments, paging and
               interrupts off, EAX the magic, EBX the information structure
flat, program  a ``.bin`` or an assembled program at 1 MiB, entered at its first byte (a program at
               its entry) in the same state, ESP at 1 MiB; a program whose origin is at 3 GiB or
               above is a kernel that will map itself there: it is loaded and entered 3 GiB lower
boot sector    512 bytes ending in 55h AAh, at 7C00h in real mode, DL 80h, the whole image on disk
=============  =====================================================================================

There is no firmware: GDTR and IDTR are empty in the first two, as multiboot allows, and a boot
sector that calls the BIOS is stopped.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringside.isa.registers import CS, DS, EAX, EBX, EDX, ES, ESP, FLAG_ONE, FS, GS, SS
from ringside.machine.descriptors import Descriptor
from ringside.machine.machine import Machine
from ringside.machine.multiboot import (
    ELF_MAGIC,
    LOADER_MAGIC,
    ImageError,
    Piece,
    find_header,
    read_kernel,
)
from ringside.machine.segmentation import cached, real_segment

__all__ = ["ImageError", "Loaded", "Module", "load", "load_program"]

MIB = 1 << 20
LOAD_ADDRESS = MIB
STACK = MIB
HIGH_KERNEL = 0xC000_0000
FRAME = 4096
LOW_MEMORY_END = 0xA0000

CODE_SELECTOR, DATA_SELECTOR = 0x08, 0x10
FLAT_CODE = Descriptor(0x00CF_9B00_0000_FFFF)  # 4 GiB, 32-bit, ring 0, execute and read
FLAT_DATA = Descriptor(0x00CF_9300_0000_FFFF)  # 4 GiB, ring 0, read and write

BOOT_ADDRESS = 0x7C00
BOOT_SIGNATURE = b"\x55\xaa"
FIRST_DISK = 0x80  # DL as a BIOS leaves it
NO_BIOS = 0x500  # every interrupt vector of real mode leads to CLI, HLT here

# The information structure (section 3.3)
INFO = 0x9000
INFO_MEMORY, INFO_CMDLINE, INFO_MODS, INFO_MMAP, INFO_LOADER = 1, 4, 8, 64, 512


@dataclass(frozen=True, slots=True)
class Module:
    """A file handed to the kernel beside its own image."""

    data: bytes
    string: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: ``kind`` (multiboot, flat, program, boot sector), entry, end of it all."""

    kind: str
    entry: int
    end: int


class Program(Protocol):
    """What the assembler makes."""

    @property
    def origin(self) -> int: ...
    @property
    def image(self) -> bytes: ...
    @property
    def entry(self) -> int: ...


def load(
    machine: Machine,
    image: bytes,
    *,
    command_line: str = "",
    modules: Sequence[Module] = (),
) -> Loaded:
    """Load ``image``, whatever kind it is; raises :class:`ImageError` if it cannot be."""
    if not image:
        raise ImageError(
            "The image is empty. Give a flat binary, a multiboot ELF or a boot sector."
        )
    if find_header(image) is not None:
        return _multiboot(machine, image, command_line, modules)
    if image[:4] == ELF_MAGIC:
        read_kernel(image)  # says that the header is missing
    if image[510:512] == BOOT_SIGNATURE and len(image) % 512 == 0:
        return _boot_sector(machine, image)
    return _flat(machine, "flat", Piece(LOAD_ADDRESS, image, len(image)), LOAD_ADDRESS)


def load_program(machine: Machine, program: Program) -> Loaded:
    """Load an assembled program at its origin; at 7C00h it is a boot sector."""
    if not program.image:
        raise ImageError("The program is empty: it assembles to no bytes at all.")
    if program.origin == BOOT_ADDRESS:
        image = program.image.ljust(-(-len(program.image) // 512) * 512, b"\0")
        return _boot_sector(machine, image)
    lower = HIGH_KERNEL if program.origin >= HIGH_KERNEL else 0
    piece = Piece(program.origin - lower, program.image, len(program.image))
    return _flat(machine, "program", piece, program.entry - lower)


def _flat(machine: Machine, kind: str, piece: Piece, entry: int) -> Loaded:
    _place(machine, piece)
    end = _enter_informed(machine, entry, [piece], piece.address + piece.size)
    return Loaded(kind, entry, end)


def _place(machine: Machine, piece: Piece) -> None:
    size = machine.memory.size
    if piece.address + piece.size > size:
        raise ImageError(
            f"The image needs memory up to {piece.address + piece.size:#x}, but the machine has "
            f"only {size:#x} bytes ({size // MIB} MiB). Make the image smaller or the memory "
            "larger."
        )
    zeros = bytes(piece.size - len(piece.data))
    machine.memory.write_bytes(piece.address, piece.data + zeros)


def _enter_protected(machine: Machine, entry: int) -> None:
    """The machine state of multiboot section 3.2, which flat images share."""
    cpu = machine.cpu
    cpu.write_control(0, cpu.cr0 & 0x10 | 1)  # ET and PE: protected, no paging, caches on
    cpu.segs[CS] = cached(CODE_SELECTOR, FLAT_CODE)
    for seg in (ES, SS, DS, FS, GS):
        cpu.segs[seg] = cached(DATA_SELECTOR, FLAT_DATA)
    cpu.load_gdt(0, 0)
    cpu.load_idt(0, 0)
    cpu.regs[:] = [0] * 8
    cpu.regs[EAX] = LOADER_MAGIC
    cpu.regs[ESP] = STACK
    cpu.eflags = FLAG_ONE
    cpu.eip = entry
    cpu.select_maps()


def _boot_sector(machine: Machine, image: bytes) -> Loaded:
    """Real mode at 0000:7C00 with the image as the first disk."""
    first = image[:512]
    if first[510:512] != BOOT_SIGNATURE:
        raise ImageError(
            "A boot sector must end in the bytes 55h AAh at offset 510. End the source with "
            "'times 510-($-$$) db 0' and 'dw 0xAA55'."
        )
    _place(machine, Piece(BOOT_ADDRESS, first, 512))
    machine.memory.write_bytes(NO_BIOS, b"\xfa\xf4")
    machine.memory.write_bytes(0, struct.pack("<HH", NO_BIOS, 0) * 256)
    machine.ide.attach(image)
    cpu = machine.cpu
    for seg in (ES, CS, SS, DS, FS, GS):
        cpu.segs[seg] = real_segment(0)
    cpu.load_idt(0, 0x3FF)
    cpu.regs[:] = [0] * 8
    cpu.regs[EDX] = FIRST_DISK
    cpu.regs[ESP] = BOOT_ADDRESS
    cpu.eflags = FLAG_ONE
    cpu.eip = BOOT_ADDRESS
    cpu.select_maps()
    return Loaded("boot sector", BOOT_ADDRESS, BOOT_ADDRESS + 512)


def _multiboot(
    machine: Machine, image: bytes, command_line: str, modules: Sequence[Module]
) -> Loaded:
    kernel = read_kernel(image)
    for piece in kernel.pieces:
        _place(machine, piece)
    end = kernel.end
    placed: list[tuple[int, int, str]] = []
    for module in modules:
        start = -(-end // FRAME) * FRAME
        end = start + len(module.data)
        _place(machine, Piece(start, module.data, len(module.data)))
        placed.append((start, end, module.string))
    end = _enter_informed(machine, kernel.entry, kernel.pieces, end, command_line, placed)
    return Loaded("multiboot", kernel.entry, max(end, kernel.end))


def _enter_informed(
    machine: Machine,
    entry: int,
    pieces: Sequence[Piece],
    end: int,
    command_line: str = "",
    modules: Sequence[tuple[int, int, str]] = (),
) -> int:
    """Enter with the information structure in EBX; gives the end of all that was loaded."""
    info = _information(machine.memory.size, command_line, modules)
    at = INFO
    if any(p.address < at + info.size and at < p.address + p.size for p in pieces):
        at = end = -(-end // FRAME) * FRAME  # the image lies where the structure usually does
    data = info.at(at)
    _place(machine, Piece(at, data, len(data)))
    _enter_protected(machine, entry)
    machine.cpu.regs[EBX] = at
    return end


class _Information:
    """The multiboot information and what it points to, at an address yet to be chosen."""

    __slots__ = ("_build", "size")

    def __init__(self, build: Callable[[int], bytes]) -> None:
        self._build = build
        self.size = len(build(0))

    def at(self, address: int) -> bytes:
        return self._build(address)


def _information(
    memory_size: int, command_line: str, modules: Sequence[tuple[int, int, str]]
) -> _Information:
    upper = memory_size - MIB
    regions = [(0, min(LOW_MEMORY_END, memory_size), 1), (LOW_MEMORY_END, MIB - LOW_MEMORY_END, 2)]
    if upper > 0:
        regions.append((MIB, upper, 1))
    flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP | INFO_LOADER

    def build(address: int) -> bytes:
        tail = bytearray()

        def put(data: bytes) -> int:
            tail.extend(b"\0" * (-len(tail) % 4))
            at = address + 88 + len(tail)
            tail.extend(data)
            return at

        line = put(command_line.encode() + b"\0")
        name = put(b"Ringside\0")
        strings = [put(text.encode() + b"\0") for _, _, text in modules]
        mods = put(b"".join(
            struct.pack("<IIII", start, end, string, 0)
            for (start, end, _), string in zip(modules, strings, strict=True)
        ))  # fmt: skip
        memory_map = b"".join(struct.pack("<IQQI", 20, *region) for region in regions)
        mmap = put(memory_map)
        head = struct.pack(
            "<22I",
            flags, LOW_MEMORY_END // 1024, max(0, upper) // 1024, 0, line, len(modules), mods,
            0, 0, 0, 0, len(memory_map), mmap, 0, 0, 0, name, 0, 0, 0, 0, 0,
        )  # fmt: skip
        return head + bytes(tail)

    return _Information(build)
