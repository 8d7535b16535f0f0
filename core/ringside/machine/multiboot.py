"""Reading a multiboot-1 image (Multiboot Specification 0.6.96, section 3.1; ELF32, TIS 1.2).

Nothing here touches a machine: an image of bytes becomes a :class:`Kernel`, a list of pieces with
physical addresses, or an :class:`ImageError` that says what is wrong and what to do about it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER_MAGIC = 0x1BADB002
LOADER_MAGIC = 0x2BADB002  # EAX at entry
SEARCH = 8192  # the header lies in the first 8 KiB, aligned to 4 bytes

# Header flags; of bits 0 to 15 a loader must refuse the ones it does not know
PAGE_ALIGN, MEMORY_INFO, VIDEO_MODE, ADDRESSES = 1 << 0, 1 << 1, 1 << 2, 1 << 16
REQUIREMENTS = 0xFFFF
TEXT_MODE = 1  # mode_type

ELF_MAGIC = b"\x7fELF"
ELFCLASS32, ELFDATA2LSB, EM_386, ET_EXEC, PT_LOAD = 1, 1, 3, 2, 1


class ImageError(ValueError):
    """An image that cannot be loaded; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to place at a physical address, then zeros up to ``size``."""

    address: int
    data: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """What to place where, and the physical address to enter at."""

    pieces: tuple[Piece, ...]
    entry: int
    page_align: bool = False

    @property
    def end(self) -> int:
        """The first address after every piece."""
        return max((piece.address + piece.size for piece in self.pieces), default=0)


def find_header(image: bytes) -> int | None:
    """The offset of the multiboot header, or None."""
    for at in range(0, min(SEARCH, len(image)) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<III", image, at)
        if magic == HEADER_MAGIC and magic + flags + checksum & 0xFFFF_FFFF == 0:
            return at
    return None


def read_kernel(image: bytes) -> Kernel:
    """Read a multiboot image: ELF32, or any file whose header gives the addresses itself."""
    header = find_header(image)
    if header is None:
        raise ImageError(
            "No multiboot header in the first 8 KiB. Put the dwords 0x1BADB002, flags and "
            "-(0x1BADB002 + flags) near the start of the image, aligned to 4 bytes."
        )
    flags = int.from_bytes(image[header + 4 : header + 8], "little")
    unknown = flags & REQUIREMENTS & ~(PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE)
    if unknown:
        raise ImageError(
            f"The multiboot header requires features {unknown:#x} that multiboot 1 does not "
            "define. Clear those flag bits."
        )
    if flags & VIDEO_MODE and _dword(image, header + 32, "video mode") != TEXT_MODE:
        raise ImageError(
            "The multiboot header asks for a graphics mode; this machine has only 80x25 text. "
            "Clear flag bit 2 or set mode_type to 1."
        )
    read = _addressed if flags & ADDRESSES else _elf
    pieces, entry = read(image, header)
    return Kernel(pieces, entry, bool(flags & PAGE_ALIGN))


def _dword(image: bytes, at: int, what: str) -> int:
    if at + 4 > len(image):
        raise ImageError(f"The image ends inside its {what}; it is truncated. Build it again.")
    return int.from_bytes(image[at : at + 4], "little")


def _addressed(image: bytes, header: int) -> tuple[tuple[Piece, ...], int]:
    """The a.out kludge: load addresses in the header, for images in any format."""
    header_addr, load_addr, load_end, bss_end, entry = (
        _dword(image, header + 12 + 4 * n, "multiboot address fields") for n in range(5)
    )
    start = header - (header_addr - load_addr)
    if load_addr > header_addr or start < 0:
        raise ImageError(
            f"The multiboot header says it is loaded at {header_addr:#x}, but the image loaded "
            f"from {load_addr:#x} starts before the file. Check header_addr and load_addr."
        )
    size = load_end - load_addr if load_end else len(image) - start
    if size < 0 or start + size > len(image):
        raise ImageError(
            f"The multiboot header wants {size} bytes from offset {start}, but the file has only "
            f"{len(image)}: it is truncated, or load_end_addr is wrong."
        )
    whole = max(size, bss_end - load_addr if bss_end else 0)
    return (Piece(load_addr, image[start : start + size], whole),), entry


def _elf(image: bytes, header: int) -> tuple[tuple[Piece, ...], int]:
    if image[:4] != ELF_MAGIC:
        raise ImageError(
            "The image has a multiboot header but is not ELF. Link it as ELF32 "
            "(ld -m elf_i386), or set flag bit 16 and give the load addresses in the header."
        )
    return read_elf(image)


def read_elf(image: bytes) -> tuple[tuple[Piece, ...], int]:
    """The loadable segments of an ELF32 i386 executable and its physical entry address."""
    if len(image) < 52:
        raise ImageError("The ELF header is truncated. Build the image again.")
    if image[4] != ELFCLASS32 or image[5] != ELFDATA2LSB:
        raise ImageError("This is not a 32-bit little-endian ELF file. Compile it with -m32.")
    kind, machine = struct.unpack_from("<HH", image, 16)
    if machine != EM_386:
        raise ImageError(
            f"This ELF file is for machine {machine}, not for i386 (3). Compile it with -m32."
        )
    if kind != ET_EXEC:
        raise ImageError(
            "This ELF file is not an executable (it may be an object file or a shared one). "
            "Link it with ld -m elf_i386 -no-pie and a fixed address."
        )
    entry, table = struct.unpack_from("<II", image, 24)
    entry_size, count = struct.unpack_from("<HH", image, 42)
    if count == 0 or entry_size < 32:
        raise ImageError("The ELF file has no program headers, so nothing says what to load.")
    pieces: list[Piece] = []
    physical_entry = entry
    for n in range(count):
        at = table + n * entry_size
        if at + 32 > len(image):
            raise ImageError("The ELF program headers are truncated. Build the image again.")
        fields = struct.unpack_from("<8I", image, at)
        segment, offset, vaddr, paddr, filesz, memsz = fields[:6]
        if segment != PT_LOAD or memsz == 0:
            continue
        if offset + filesz > len(image):
            raise ImageError(
                f"Segment {n} needs bytes {offset:#x} to {offset + filesz:#x} of the file, which "
                f"has only {len(image):#x}: it is truncated. Build or copy it again."
            )
        if filesz > memsz:
            raise ImageError(f"Segment {n} is larger in the file than in memory: a broken link.")
        pieces.append(Piece(paddr, image[offset : offset + filesz], memsz))
        if vaddr <= entry < vaddr + memsz:  # linked high, loaded low: enter where it was put
            physical_entry = entry - vaddr + paddr
    if not pieces:
        raise ImageError("The ELF file has nothing to load: no segment of type LOAD.")
    return tuple(pieces), physical_entry
