"""Images are entered in the state their convention promises, or refused with a reason."""

from __future__ import annotations

import struct

import pytest
from ringside.isa.registers import CS, EAX, EBX, EDX, ESP
from ringside.machine.loader import ImageError, Module, load
from ringside.machine.machine import Machine

MAGIC = 0x1BADB002


def header(flags: int = 3, *fields: int) -> bytes:
    return struct.pack(f"<III{len(fields)}I", MAGIC, flags, -(MAGIC + flags) & 0xFFFF_FFFF, *fields)


def elf(
    code: bytes, *, paddr: int = 0x100000, vaddr: int | None = None, entry: int | None = None,
    memsz: int = 0, machine: int = 3, kind: int = 2, bits: int = 1,
) -> bytes:  # fmt: skip
    vaddr = paddr if vaddr is None else vaddr
    entry = vaddr if entry is None else entry
    ident = b"\x7fELF" + bytes((bits, 1, 1)) + bytes(9)
    head = struct.pack("<HHIIIIIHHHHHH", kind, machine, 1, entry, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    size = len(code)
    segment = struct.pack("<8I", 1, 0x1000, vaddr, paddr, size, max(size, memsz), 5, 0x1000)
    return (ident + head + segment).ljust(0x1000, b"\0") + code


def test_a_flat_image_is_entered_at_1_mib_in_multiboot_s_state() -> None:
    machine = Machine(4 << 20)
    loaded = load(machine, b"\x90\xf4")
    cpu = machine.cpu
    assert (loaded.kind, cpu.eip, cpu.regs[ESP]) == ("flat", 0x100000, 0x100000)
    assert cpu.cr0 & 0x8000_0001 == 1 and not cpu.eflags & 0x200
    assert cpu.code_bits == 32 and cpu.segs[CS].base == 0 and cpu.segs[CS].limit == 0xFFFF_FFFF
    assert machine.memory.read_bytes(0x100000, 2) == b"\x90\xf4"
    machine.run(10)
    assert str(machine.outcome) == "halted"


def test_a_multiboot_elf_gets_magic_memory_map_command_line_and_modules() -> None:
    machine = Machine(8 << 20)
    image = elf(header() + b"\xf4", entry=0x10000C, memsz=0x3000)
    loaded = load(machine, image, command_line="quiet", modules=[Module(b"data", "first")])
    cpu, memory = machine.cpu, machine.memory
    assert loaded.kind == "multiboot" and cpu.eip == 0x10000C and cpu.regs[EAX] == 0x2BADB002
    info = cpu.regs[EBX]
    assert memory.read32(info) & 0x4D == 0x4D
    assert (memory.read32(info + 4), memory.read32(info + 8)) == (640, 7 * 1024)
    line = memory.read32(info + 16)
    assert memory.read_bytes(line, 6) == b"quiet\0"
    assert memory.read32(info + 20) == 1
    mods = memory.read32(info + 24)
    start, end, string = (memory.read32(mods + 4 * n) for n in range(3))
    assert start == 0x103000 and memory.read_bytes(start, end - start) == b"data"
    assert memory.read_bytes(string, 6) == b"first\0"
    length, at = memory.read32(info + 44), memory.read32(info + 48)
    usable = 0
    for entry in range(at, at + length, 24):
        assert memory.read32(entry) == 20
        if memory.read32(entry + 20) == 1:
            usable += memory.read64(entry + 12)
    assert usable == 0xA0000 + (7 << 20)
    assert memory.read_bytes(0x101000, 0x2000) == bytes(0x2000), "bss is zero"


def test_a_kernel_linked_high_is_entered_where_it_was_loaded() -> None:
    machine = Machine(4 << 20)
    load(machine, elf(header() + b"\xf4", vaddr=0xC0100000, entry=0xC010000C))
    assert machine.cpu.eip == 0x10000C


def test_the_header_s_own_addresses_load_any_format() -> None:
    machine = Machine(4 << 20)
    fields = (0x100004, 0x100000, 0, 0x102000, 0x100024)
    image = b"\x90" * 4 + header(1 << 16, *fields) + b"\xf4"
    load(machine, image)
    assert machine.cpu.eip == 0x100024
    assert machine.memory.read_bytes(0x100000, len(image)) == image


def test_a_boot_sector_starts_in_real_mode_with_its_disk_attached() -> None:
    machine = Machine(2 << 20)
    image = b"\xf4".ljust(510, b"\0") + b"\x55\xaa" + b"second".ljust(512, b"\0")
    loaded = load(machine, image)
    cpu = machine.cpu
    assert loaded.kind == "boot sector"
    assert not cpu.protected and cpu.linear_eip == 0x7C00 and cpu.regs[EDX] == 0x80
    assert machine.ide.sector(1)[:6] == b"second"
    machine.run(5)
    assert str(machine.outcome) == "halted"


def test_a_boot_sector_that_calls_the_bios_is_stopped() -> None:
    machine = Machine(2 << 20)
    load(machine, b"\xcd\x10".ljust(510, b"\x90") + b"\x55\xaa")
    machine.run(100)
    assert str(machine.outcome) == "halted" and machine.steps < 10


GOOD = elf(header() + b"\xf4")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "empty"),
        (bytes(9 << 20), "Make the image smaller or the memory"),
        (elf(b"\xf4"), "No multiboot header"),
        (elf(header(), bits=2), "-m32"),
        (elf(header(), machine=62), "machine 62"),
        (elf(header(), kind=1), "not an executable"),
        (elf(header() + b"\xf4" * 100)[:-50], "truncated"),
        (GOOD[:40] + b"\0\0" * 2 + header() + GOOD[56:], "no program headers"),
        (header() + b"\xf4" * 100, "not ELF"),
        (elf(header(1 << 5)), "0x20"),
        (elf(header(4, 0, 0, 0, 0, 0, 0)), "graphics mode"),
        (header(1 << 16, 0x100000, 0x100000, 0x200000, 0, 0x100000), "truncated"),
        (header(1 << 16, 0x100000, 0x100010, 0, 0, 0x100000), "header_addr"),
        (header(1 << 16), "truncated"),
        (elf(header(), paddr=0xFFFF_F000), "only 0x800000 bytes"),
    ],
)
def test_a_bad_image_is_refused_with_what_to_do(image: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        load(Machine(8 << 20), image)
