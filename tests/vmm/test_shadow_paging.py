"""Shadow page tables: hidden faults are filled in, true ones reflected, the rest is denied."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.host.systems import System, Virtualized
from ringside.trace.events import Denied, ShadowFilled
from ringside.vmm.memory.shadow import PRESENT, USER_BIT, WRITE_BIT, ShadowPaging

# Page tables for the first 4 MiB, everything present and writable for ring 0; `page N` is the
# entry of linear page N. A fault handler stores error code and CR2 in EBX and ECX and ends the run.
PAGING = """
%define page(n) page_table + (n) * 4
main:   gate 14, fault
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        jmp body
fault:  mov ebx, [esp]
        mov ecx, cr2
        mov al, 1
        out 0xF4, al
leave:  mov al, 0
        out 0xF4, al
align 4096
page_directory: dd page_table + 7
        times 1023 dd 0
page_table:
%rep 1024
        dd ($ - page_table) * 1024 + 3
%endrep
"""


def shadow_of(system: Virtualized) -> ShadowPaging:
    memory = system.vmm.guests[0].memory
    assert isinstance(memory, ShadowPaging)
    return memory


def outcomes(bench: Any, body: str, steps: int = 20_000) -> tuple[System, Virtualized]:
    bare, virtual = bench.both(PAGING + "body:\n" + body, tables=True)
    bare.run(steps)
    virtual.run(steps)
    for name in ("outcome", "console", "guest_steps"):
        assert getattr(virtual, name) == getattr(bare, name)
    assert virtual.guest_cpu.regs == bare.guest_cpu.regs
    assert virtual.guest_cpu.cr2 == bare.guest_cpu.cr2
    assert virtual.digest() == bare.digest()
    return bare, virtual


def test_a_hidden_fault_fills_one_entry_and_the_guest_never_hears_of_it(bench: Any) -> None:
    system = bench.virtual("start: mov eax, [0x200000]\nafter: jmp after", listen=True)
    system.run(40)
    fills = [e for e in bench.heard("shadow") if isinstance(e, ShadowFilled)]
    assert [fill.gva for fill in fills] == [0x100000, 0x200000]
    assert all(fill.hpa == (4 << 20) + fill.gpa for fill in fills)
    assert bench.heard("inject") == []


def test_a_guest_physical_address_is_not_the_host_physical_one(bench: Any) -> None:
    system = bench.virtual("start: mov dword [0x200000], 0x12345678\nafter: jmp after")
    system.run(40)
    assert system.machine.memory.read32((4 << 20) + 0x200000) == 0x12345678
    assert system.machine.memory.read32(0x200000) != 0x12345678


def test_an_access_the_guests_tables_deny_is_the_guests_own_fault(bench: Any) -> None:
    body = "mov dword [page(0x300)], 0\n invlpg [0x300000]\n mov eax, [0x300010]\n jmp leave"
    _, virtual = outcomes(bench, body)
    assert virtual.guest_cpu.regs[3] == 0  # not present, read, supervisor
    assert virtual.guest_cpu.regs[1] == 0x300010


def test_write_protection_holds_for_the_kernel_while_cr0_wp_is_set(bench: Any) -> None:
    body = """
        mov dword [page(0x300)], 0x300001
        mov eax, [0x300000]
        mov dword [0x300004], 5
        jmp leave
"""
    _, virtual = outcomes(bench, body)
    assert virtual.guest_cpu.regs[3] == 3  # present, write


def test_with_cr0_wp_clear_the_kernel_writes_read_only_pages_and_ring_3_still_may_not(
    bench: Any,
) -> None:
    body = """
        mov eax, cr0
        and eax, 0xFFFEFFFF
        mov cr0, eax
        or dword [page(program >> 12)], 4 ; the code is ring 3's too
        mov dword [page(0x80)], 0x80007
        mov dword [page(0x300)], 0x300005
        invlpg [0x300000]
        mov dword [0x300004], 5         ; allowed: WP is clear
        mov edi, [0x300004]
        mov eax, USER_DATA
        mov ds, ax
        ring_3 program
align 4096
program:
        mov esi, [0x300004]             ; allowed: the page is ring 3's
        mov dword [0x300004], 6         ; not allowed
"""
    bare, virtual = bench.both(PAGING + "body:\n" + body, tables=True)
    bare.run(5000)
    virtual.run(5000)
    for system in (bare, virtual):
        assert system.guest_cpu.regs[7] == system.guest_cpu.regs[6] == 5
        assert system.guest_cpu.regs[3] == 7  # present, write, user
        assert system.guest_cpu.regs[1] == 0x300004
    assert virtual.digest() == bare.digest()


def test_accessed_and_dirty_are_set_in_the_guests_tables_when_hardware_would(bench: Any) -> None:
    body = """
        mov eax, [0x300000]
        mov edi, [page(0x300)]
        mov [0x300000], eax
        mov esi, [page(0x300)]
        jmp leave
"""
    _, virtual = outcomes(bench, body)
    assert virtual.guest_cpu.regs[7] & 0x60 == 0x20
    assert virtual.guest_cpu.regs[6] & 0x60 == 0x60


def test_a_shadow_entry_is_writable_only_once_the_guests_entry_is_dirty(bench: Any) -> None:
    text = PAGING + "body: mov eax, [0x300000]\n nop\nhere: jmp here"
    system = bench.virtual(text, tables=True)
    system.run(500)
    entry = shadow_of(system).entry(0x300)
    assert entry & PRESENT and not entry & WRITE_BIT and not entry & USER_BIT


def test_a_changed_entry_stays_in_use_until_the_guest_flushes_it(bench: Any) -> None:
    body = """
        mov dword [0x300000], 0x33
        mov dword [0x301000], 0x44
        mov dword [page(0x300)], 0x301003
        mov edi, [0x300000]             ; stale, as on hardware
        invlpg [0x300000]
        mov esi, [0x300000]
        jmp leave
"""
    _, virtual = outcomes(bench, body)
    assert virtual.guest_cpu.regs[7] == 0x33
    assert virtual.guest_cpu.regs[6] == 0x44


def test_loading_cr3_drops_the_shadow(bench: Any) -> None:
    text = PAGING + "body: mov eax, [0x300000]\n mov eax, cr3\n mov cr3, eax\nhere: jmp here"
    system = bench.virtual(text, tables=True)
    system.run(600)
    shadow = shadow_of(system)
    assert shadow.entry(0x300) == 0
    assert shadow.entry(bench.at("here") >> 12) & PRESENT


def test_large_pages_and_physical_address_extension_are_shadowed(bench: Any) -> None:
    large = """
main:   mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov dword [directory], 0x83
        mov dword [directory + 4], 0x83         ; 4 MiB more, the same memory again
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov dword [0x3FF000], 0x77
        mov edi, [0x7FF000]
        mov ebx, [directory]
        mov al, 0
        out 0xF4, al
align 4096
directory: times 1024 dd 0
"""
    extended = """
main:   mov dword [pointers], directory + 1
        mov dword [directory], 0x83             ; 2 MiB pages
        mov dword [directory + 8], 0x200083
        mov dword [directory + 16], table + 3
        mov dword [table], 0x300003             ; and one of 4 KiB at 4 MiB
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, pointers
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov dword [0x300000], 0x77
        mov edi, [0x400000]
        mov ebx, [table]
        mov al, 0
        out 0xF4, al
align 4096
pointers: times 1024 dd 0
directory: times 1024 dd 0
table:  times 1024 dd 0
"""
    for text in (large, extended):
        bare, virtual = bench.both(text, tables=True)
        assert bare.run(5000) == virtual.run(5000) == "exit"
        assert virtual.guest_cpu.regs[7] == 0x77
        assert virtual.guest_cpu.regs[3] == bare.guest_cpu.regs[3]
        assert virtual.digest() == bare.digest()


def test_memory_beyond_the_allotment_is_an_open_bus_and_the_access_is_denied(bench: Any) -> None:
    text = """
start:  mov dword [0x800000], 0x1234            ; the machine has only 4 MiB
        mov eax, [0x800000]
after:  jmp after
"""
    bare = bench.bare(text)
    virtual = bench.virtual(text, listen=True)
    bare.run(50)
    virtual.run(50)
    assert virtual.guest_cpu.regs[0] == bare.guest_cpu.regs[0] == 0xFFFF_FFFF
    denied = [e for e in bench.heard("denied") if isinstance(e, Denied)]
    assert [(e.gva, e.gpa) for e in denied] == [(0x800000, 0x800000)] * 2


@pytest.mark.parametrize("address", [0xFFC00000, 0xFFD00000, 0xFFFFFFF0])
def test_the_vmms_own_memory_cannot_be_reached_through_any_segment(
    bench: Any, address: int
) -> None:
    text = f"start: mov dword [{address:#x}], 0x66666666\n mov eax, [{address:#x}]\nhere: jmp here"
    system = bench.virtual(text)
    system.run(50)
    assert system.guest_cpu.regs[0] == 0xFFFF_FFFF
    assert 0x66666666 not in memoryview(system.machine.memory.ram).cast("I")


def test_self_modifying_code_runs_as_on_bare_metal(bench: Any) -> None:
    text = """
main:   mov ecx, 300
.loop:  inc byte [.patch + 1]
.patch: mov al, 0
        add ebx, eax
        loop .loop
        mov al, 0
        out 0xF4, al
"""
    bare, virtual = bench.both(text, tables=True)
    bare.run(5000)
    virtual.run(5000)
    assert virtual.guest_cpu.regs[3] == bare.guest_cpu.regs[3] != 0
    assert virtual.digest() == bare.digest()


def test_running_out_of_table_frames_only_makes_the_vmm_forget(bench: Any) -> None:
    body = """
        mov ecx, 40
        mov edi, 0x300000
.loop:  mov eax, [edi]
        add edi, 0x1000
        loop .loop
        jmp leave
"""
    text = PAGING + "body:\n" + body
    bare, virtual = bench.both(text, tables=True)
    shadow_of(virtual).free = shadow_of(virtual).free[:1]
    assert bare.run(20_000) == virtual.run(20_000) == "exit"
    assert virtual.digest() == bare.digest()


def test_memory_mapped_devices_are_emulated_and_never_mapped(bench: Any) -> None:
    class Lamp:
        """A device of one register."""

        def __init__(self) -> None:
            self.value = 0

        def read(self, hpa: int, size: int) -> int:
            return self.value

        def write(self, hpa: int, value: int, size: int) -> None:
            self.value = value + 1

    text = "start: mov dword [0x3F0000], 41\n mov edi, [0x3F0000]\nafter: jmp after"
    system = bench.virtual(text)
    lamp = Lamp()
    system.vm.memory.windows[0x3F0] = lamp
    system.run(60)
    assert system.guest_cpu.regs[7] == lamp.value == 42
    assert shadow_of(system).entry(0x3F0) == 0
    assert system.vm.denials == 0
