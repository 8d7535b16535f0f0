"""Shadow paging in its modes: lazily in step like a TLB, traced, and with roots kept."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ringside import guests
from ringside.host.systems import (
    BARE_METAL,
    MEMORIES,
    UNMODIFIED,
    Image,
    Options,
    Virtualized,
    build,
)
from ringside.vmm.memory.cached import CachedShadow
from ringside.vmm.memory.shadow import WRITE_BIT, ShadowPaging
from ringside.vmm.memory.traced import TracedShadow

# Two address spaces with the first 4 MiB one to one; `page N` and `other N` are entries of linear
# page N in each. Frames 0x380.. hold their own number at offset 0.
PROLOGUE = """bits 32
org 0x100000
%include "pc.inc"
%define page(n) page_table + (n) * 4
%define other(n) other_table + (n) * 4
results equ 0x3F0000
main:   gate 14, fault
        mov edi, results
        mov ecx, 8
        mov eax, 0x380
.mark:  mov edx, eax
        shl edx, 12
        mov [edx], eax
        inc eax
        loop .mark
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        jmp body
fault:  mov eax, 0xFA
        stosd
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
other_directory: dd other_table + 7
        times 1023 dd 0
other_table:
%rep 1024
        dd ($ - other_table) * 1024 + 3
%endrep
body:
"""
MODES = ("shadow", "traced", "cached")
TECHNIQUES = ("trap-and-emulate", "binary-translation", "hardware-assist")
RESULTS = 0x3F0000


def run(body: str, technique: str, memory: str, steps: int = 200_000) -> Virtualized | Any:
    program = guests.assemble_text(PROLOGUE + body + "\n jmp leave\n")
    system: Any = build(technique, Image(program, "g", 4 << 20), Options(memory=memory))
    system.run(steps)
    assert system.outcome is not None, (technique, memory)
    return system


def shadow_of(system: Any) -> ShadowPaging:
    memory = system.vmm.guests[0].memory
    return getattr(memory, "shadow", memory)


def results(system: Any, count: int) -> list[int]:
    memory = system.vms[0].memory if system.vms else system.machine.memory
    return [memory.read(RESULTS + 4 * n, 4) for n in range(count)]


# -- staleness --------------------------------------------------------------------------------


def remap(table: str, page: int, frame: int) -> str:
    return f" mov dword [{table}(0x{page:x})], 0x{frame:x}003"


def read(page: int) -> str:
    return f" mov eax, [0x{page:x}000]\n stosd"


STALE = "\n".join([read(0x300), remap("page", 0x300, 0x381), read(0x300)])


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_shadow_in_step_only_at_flushes_reads_the_stale_frame(technique: str) -> None:
    body = remap("page", 0x300, 0x380) + "\n" + STALE
    assert results(run(body, technique, "shadow"), 2) == [0x380, 0x380]
    flushed = body.replace(read(0x300), "\n invlpg [0x300000]\n" + read(0x300))
    assert results(run(flushed, technique, "shadow"), 2) == [0x380, 0x381]


@pytest.mark.parametrize("mode", ["traced", "cached"])
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_traced_shadow_follows_the_guests_write_at_once(technique: str, mode: str) -> None:
    body = remap("page", 0x300, 0x380) + "\n" + STALE
    assert results(run(body, technique, mode), 2) == [0x380, 0x381]


@pytest.mark.parametrize("mode", ["traced", "cached"])
def test_the_write_to_a_traced_table_traps_and_is_carried_out_by_the_vmm(mode: str) -> None:
    body = read(0x300) + "\n" + remap("page", 0x300, 0x381)
    lazy, traced = (run(body, "trap-and-emulate", name) for name in ("shadow", mode))
    assert traced.vms[0].emulated.get("mov", 0) > lazy.vms[0].emulated.get("mov", 0)
    table = guests.assemble_text(PROLOGUE).symbols["page_table"]
    assert traced.vms[0].memory.read(table + 4 * 0x300, 4) & ~0x60 == 0x381003


PAGES, FRAMES = (0x300, 0x301, 0x302, 0x303), (0x380, 0x381, 0x382, 0x383)


def careless(seed: int, length: int = 40) -> tuple[str, list[set[int]]]:
    """A guest that remaps and reads pages and seldom flushes, and what each read may give.

    A translation may be any the entry has held since the page was last flushed, for it may have
    been cached then (SDM vol. 3A, 4.10.2.3): what it held before must not be seen.
    """
    rng = random.Random(seed)
    lines = [remap("page", page, page + 0x80) for page in PAGES]
    lines.append(" mov eax, cr3\n mov cr3, eax")
    now = {page: page + 0x80 for page in PAGES}
    may = {page: {frame} for page, frame in now.items()}
    allowed: list[set[int]] = []
    for _ in range(length):
        page = rng.choice(PAGES)
        choice = rng.random()
        if choice < 0.35:
            now[page] = rng.choice(FRAMES)
            may[page].add(now[page])
            lines.append(remap("page", page, now[page]))
        elif choice < 0.85:
            allowed.append(set(may[page]))
            lines.append(read(page))
        elif choice < 0.95:
            may[page] = {now[page]}
            lines.append(f" invlpg [0x{page:x}000]")
        else:
            may = {other: {frame} for other, frame in now.items()}
            lines.append(" mov eax, cr3\n mov cr3, eax")
    return "\n".join(lines), allowed


SYSTEMS = [(BARE_METAL, ""), *((technique, memory) for technique in UNMODIFIED
                                 for memory in MEMORIES[technique])]


@pytest.mark.parametrize(("technique", "memory"), SYSTEMS)
def test_a_guest_without_invlpg_sees_stale_translations_only_where_hardware_may_show_them(
    technique: str, memory: str
) -> None:
    seen_stale = False
    for seed in range(4):
        body, allowed = careless(seed)
        found = results(run(body, technique, memory), len(allowed))
        for number, (value, may) in enumerate(zip(found, allowed, strict=True)):
            assert value in may, (seed, number, hex(value), may)
        seen_stale = seen_stale or found != results(
            run(_diligent(body), technique, memory), len(allowed))
    # The traced modes are never stale; the TLB and the shadow that stands for it are.
    assert seen_stale == (memory not in ("traced", "cached"))


def _diligent(body: str) -> str:
    """The same guest with a flush before every read."""
    return body.replace(" mov eax, [0x30", " mov eax, cr3\n mov cr3, eax\n mov eax, [0x30")


# -- large pages and eight-byte entries ---------------------------------------------------------

PSE_ON = " mov eax, cr4\n or eax, 0x10\n mov cr4, eax"
LARGE_ENTRY = "[page_directory + 4 * 8]"  # the entry of linear 0x2000000


@pytest.mark.parametrize(("technique", "memory"), SYSTEMS)
def test_invlpg_anywhere_in_a_large_page_forgets_all_of_it(technique: str, memory: str) -> None:
    """SDM vol. 3A, 4.10.4.1: however many entries a TLB or a shadow has made of it."""
    withdrawn = f"""{PSE_ON}
        mov dword {LARGE_ENTRY}, 0x83
        mov dword [0x2380000], 1
        mov dword [0x2381000], 1
        mov dword {LARGE_ENTRY}, 0x81
        invlpg [0x2380000]
        mov eax, 0x77
        stosd
        mov dword [0x2381000], 9
        stosd"""
    assert results(run(withdrawn, technique, memory), 2) == [0x77, 0xFA]
    in_pieces = f"""{PSE_ON}
        mov dword {LARGE_ENTRY}, 0x83
        mov eax, [0x2380000]
        mov eax, [0x2381000]
        mov dword {LARGE_ENTRY}, other_table + 7
        mov dword [other_table + 4 * 0x380], 0x384003
        mov dword [other_table + 4 * 0x381], 0x385003
        invlpg [0x2380000]
        mov eax, [0x2380000]
        stosd
        mov eax, [0x2381000]
        stosd"""
    assert results(run(in_pieces, technique, memory), 2) == [0x384, 0x385]


PAE_TABLES = """
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        mov dword [0x200000], 0x201001
        mov dword [0x201000], 0x202007
        mov dword [0x201008], 0x203007
        mov esi, 0x202000
        mov eax, 3
.entry: mov [esi], eax
        add eax, 0x1000
        add esi, 8
        cmp esi, 0x204000
        jb .entry
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, 0x200000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
"""


@pytest.mark.parametrize(("technique", "memory"), SYSTEMS)
def test_a_write_to_the_upper_half_of_an_entry_is_heard_of(technique: str, memory: str) -> None:
    body = PAE_TABLES + """
        mov eax, [0x380000]
        stosd
        mov dword [0x202000 + 8 * 0x380 + 4], 0x100000      ; a reserved bit
        mov eax, cr3
        mov cr3, eax
        mov eax, [0x380000]
        stosd"""
    assert results(run(body, technique, memory), 2) == [0x380, 0xFA]


# -- kept roots -------------------------------------------------------------------------------

SWITCHING = """
        mov ebp, 12
.turn:  mov eax, page_directory
        mov cr3, eax
        mov eax, [0x300000]
        mov eax, [0x301000]
        mov eax, other_directory
        mov cr3, eax
        mov eax, [0x300000]
        mov eax, [0x302000]
        dec ebp
        jnz .turn
"""


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_kept_roots_save_the_hidden_faults_after_a_context_switch(technique: str) -> None:
    systems = {mode: run(SWITCHING, technique, mode) for mode in MODES}
    fills = {mode: shadow_of(system).fills for mode, system in systems.items()}
    assert fills["cached"] * 4 < fills["shadow"] <= fills["traced"]
    kept = shadow_of(systems["cached"])
    assert isinstance(kept, CachedShadow) and kept.switches >= 20


def test_a_write_to_the_other_address_spaces_table_is_seen_when_its_root_is_used_again() -> None:
    body = "\n".join([
        remap("page", 0x300, 0x380), read(0x300), " mov eax, other_directory\n mov cr3, eax",
        remap("page", 0x300, 0x381), " mov eax, page_directory\n mov cr3, eax", read(0x300)])
    for mode in MODES:
        assert results(run(body, "trap-and-emulate", mode), 2) == [0x380, 0x381]


def test_frames_of_kept_roots_are_won_back_when_shadow_memory_runs_out() -> None:
    program = guests.assemble_text(PROLOGUE + SWITCHING + "\n jmp leave\n")
    system: Any = build("trap-and-emulate", Image(program, "g", 4 << 20), Options(memory="cached"))
    shadow = shadow_of(system)
    assert isinstance(shadow, CachedShadow)
    del shadow.free[2:]  # room for one directory and one table more
    system.run(200_000)
    assert system.outcome == run(SWITCHING, "trap-and-emulate", "shadow").outcome
    assert shadow.reclaimed > 5


@pytest.mark.parametrize("mode", MODES)
def test_with_a_single_frame_for_tables_the_guest_still_runs_the_same(mode: str) -> None:
    body = " mov dword [0x300000], 7\n" + read(0x300) + "\n" + read(0x301)
    program = guests.assemble_text(PROLOGUE + body + "\n jmp leave\n")
    system: Any = build("trap-and-emulate", Image(program, "g", 4 << 20), Options(memory=mode))
    shadow = shadow_of(system)
    del shadow.free[2:]
    system.run(200_000)
    assert system.outcome is not None and results(system, 1) == [7]


# -- accessed and dirty, protection -----------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_accessed_and_dirty_come_to_the_guests_tables(technique: str, mode: str) -> None:
    body = """
        mov eax, [page(0x300)]
        stosd
        mov eax, [0x300000]
        mov eax, [page(0x300)]
        stosd
        mov dword [0x300000], 1
        mov eax, [page(0x300)]
        stosd
"""
    found = results(run(body, technique, mode), 3)
    assert [value & 0x60 for value in found] == [0, 0x20, 0x60]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("technique", ["bare-metal", *TECHNIQUES])
def test_write_protection_is_back_when_cr0_wp_is_set_again(technique: str, mode: str) -> None:
    body = """
        mov dword [page(0x300)], 0x300001
        invlpg [0x300000]
        mov eax, cr0
        and eax, 0xFFFEFFFF
        mov cr0, eax
        mov dword [0x300000], 5         ; allowed: WP is clear
        mov eax, cr0
        or eax, 0x10000
        mov cr0, eax
        mov dword [0x300000], 6         ; not allowed any more
"""
    system = run(body, technique, mode if technique != "bare-metal" else "")
    assert results(system, 1) == [0xFA]


LARGE = """
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov dword [page_directory + 4 * 8], 0x83
        mov eax, [0x2380000]
        stosd
        mov dword [0x2381004], 9
        mov eax, [0x381004]
        stosd
"""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_large_page_of_the_guest_is_made_of_small_host_frames(technique: str, mode: str) -> None:
    system = run(LARGE, technique, mode)
    assert results(system, 2) == [0x380, 9]
    shadow = shadow_of(system)
    entries = {page: shadow.entry(page) >> 12 for page in (0x2380, 0x2381)}
    hfns = system.vms[0].allotment.hfns
    # Setting D in the guest's entry may have dropped the page that was not written.
    assert entries[0x2380] in (0, hfns[0x380]) and entries[0x2381] == hfns[0x381]


def test_a_traced_table_is_mapped_read_only_in_every_shadow() -> None:
    system = run(SWITCHING, "trap-and-emulate", "cached")
    shadow = shadow_of(system)
    assert isinstance(shadow, TracedShadow) and len(shadow.tables_traced) >= 4
    assert isinstance(shadow, CachedShadow)
    memory = system.machine.memory
    for tables in (shadow.tables, *(kept.tables for kept in shadow.kept_roots.values())):
        for index, table in tables.items():
            for slot in range(1024):
                entry = memory.read32(table + 4 * slot)
                gfn = index * 1024 + slot
                if entry and gfn in shadow.tables_traced and not index:
                    assert not entry & WRITE_BIT


@pytest.mark.parametrize("mode", MODES)
def test_going_back_in_time_gives_the_same_run_again(mode: str) -> None:
    program = guests.assemble_text(PROLOGUE + SWITCHING + "\n jmp leave\n")
    system: Any = build("trap-and-emulate", Image(program, "g", 4 << 20), Options(memory=mode))
    system.run(300)
    picture = system.freeze()
    system.run(100_000)
    first = system.digest(), shadow_of(system).fills
    system.thaw(picture)
    system.run(100_000)
    assert (system.digest(), shadow_of(system).fills) == first
