"""Paging as software meets it: faults and their codes, A and D, and a TLB that goes stale."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.isa.faults import Fault
from ringside.isa.registers import EAX, EBX, ESP, FLAG_AC
from ringside.isa.width import D, W
from ringside.machine.paging import PAE, THIRTY_TWO_BIT
from ringside.machine.tables import TableBuilder
from ringside.machine.tlb import Tlb
from ringside.trace.events import PageWalked, TlbFlushed

AC_FAULT, GP, PF = 17, 13, 14
P, RW, US, A, DIRTY, PS, G = 1, 2, 4, 0x20, 0x40, 0x80, 0x100
PG, WP = 1 << 31, 1 << 16
PSE, PAE_BIT, PGE = 0x10, 0x20, 0x80
PAGE = 0x40_0000  # the page the tests play with, frame 0x50
FRAME = 0x50


def paged(bench, format=THIRTY_TWO_BIT, cr4=0):
    """Turn paging on: the first 256 KiB identity-mapped for everybody."""
    frames = itertools.count(0x60)
    tables = TableBuilder(format, bench.memory, lambda: next(frames))
    if format is PAE:
        cr4 |= PAE_BIT
    tables.map_range(0, 0, 0x60)
    cpu = bench.cpu
    if cr4:
        cpu.write_control(4, cr4)
    cpu.write_control(3, tables.root)
    cpu.write_control(0, cpu.cr0 | PG)
    return tables


def pte(bench, tables, linear=PAGE):
    """Address of the page-table entry of ``linear`` (32-bit format)."""
    pde = bench.memory.read32(tables.root + (linear >> 22) * 4)
    return (pde & ~0xFFF) + (linear >> 12 & 0x3FF) * 4


@pytest.mark.parametrize("format", [THIRTY_TWO_BIT, PAE], ids=lambda format: format.name)
@pytest.mark.parametrize("rights", [0, P, P | RW, P | US, P | RW | US])
@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("wp", [False, True])
def test_every_mix_of_rights_faults_or_passes_with_the_right_code(
    bench, format, rights, write, ring, wp
):
    tables = paged(bench, format)
    tables.map(PAGE, FRAME, rights)
    if wp:
        bench.cpu.write_control(0, bench.cpu.cr0 | WP)
    bench.execute(f"mov [{PAGE}], ebx" if write else f"mov ebx, [{PAGE}]", ring)
    user = ring == 3
    allowed = bool(rights & P)
    if user:
        allowed = allowed and bool(rights & US) and (not write or bool(rights & RW))
    elif write and wp:
        allowed = allowed and bool(rights & RW)
    if allowed:
        assert bench.fault is None
    else:
        assert bench.fault == (PF, bool(rights & P) | write << 1 | user << 2)
        assert bench.cpu.cr2 == PAGE


def test_reading_sets_a_and_writing_sets_d(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    at = pte(bench, tables)
    bench.execute(f"mov eax, [{PAGE}]\nmov [{PAGE}], eax", steps=1)
    assert bench.memory.read32(at) & (A | DIRTY) == A
    assert bench.memory.read32(tables.root + 4) & A
    bench.step()
    assert bench.memory.read32(at) & (A | DIRTY) == A | DIRTY


def test_a_denied_access_sets_neither(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME, P)
    before = bench.memory.read32(pte(bench, tables))
    bench.execute(f"mov [{PAGE}], eax", 3)
    assert bench.fault == (PF, 7)
    assert bench.memory.read32(pte(bench, tables)) == before


@pytest.mark.parametrize(
    ("format", "bits"), [(THIRTY_TWO_BIT, 1 << 13), (PAE, 1 << 13), (PAE, 1 << 40), (PAE, 1 << 63)]
)
def test_reserved_bits_fault_with_rsvd(bench, format, bits):
    tables = paged(bench, format, PSE)
    size = format.levels[-2].page_size
    tables.map(PAGE, PAGE // 0x1000, P | RW | US | bits, level=2)
    bench.execute(f"mov eax, [{PAGE}]", 3)
    assert size in (2 << 20, 4 << 20)
    assert bench.fault == (PF, 8 | 4 | 1)


def test_without_pse_the_large_flag_means_nothing(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    pde = tables.root + 4
    bench.memory.write32(pde, bench.memory.read32(pde) | PS)
    bench.memory.write32(FRAME * 0x1000, 77)
    bench.execute(f"mov eax, [{PAGE}]")
    assert bench.cpu.regs[EAX] == 77


@pytest.mark.parametrize("format", [THIRTY_TWO_BIT, PAE], ids=lambda format: format.name)
def test_a_large_page_is_cached_as_small_ones(bench, format):
    tables = paged(bench, format, PSE)
    tables.map(PAGE, 0, P | RW | US, level=2)
    bench.memory.write32(0x4_0000, 99)
    bench.execute(f"mov eax, [{PAGE + 0x4_0000}]")
    assert bench.cpu.regs[EAX] == 99
    assert bench.cpu.tlb.lookup(PAGE + 0x4_0000 >> 12) is not None
    assert bench.cpu.tlb.lookup(PAGE >> 12) is None


def test_pae_reads_its_pdptes_only_when_cr3_is_loaded(bench):
    tables = paged(bench, PAE)
    tables.map(PAGE, FRAME)
    bench.memory.write64(tables.root, 0)
    bench.execute(f"mov eax, [{PAGE}]")
    assert bench.fault is None
    bench.cpu.write_control(3, tables.root)
    with pytest.raises(Fault):
        bench.cpu.translate(PAGE, False, False)


def test_bad_pdptes_make_the_cr3_load_fault(bench):
    tables = paged(bench, PAE)
    bench.memory.write64(tables.root, 1 | 1 << 5)
    before = bench.cpu.cr3
    bench.load("mov cr3, eax")
    bench.enter(0)
    bench.cpu.regs[EAX] = tables.root
    bench.step()
    assert bench.fault == (GP, 0)
    assert bench.cpu.cr3 == before


# -- staleness ----------------------------------------------------------------------------------


def test_a_changed_entry_stays_in_use_until_invlpg(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    bench.memory.write32(FRAME << 12, 1)
    bench.memory.write32(FRAME + 1 << 12, 2)
    bench.execute(f"mov eax, [{PAGE}]\nmov eax, [{PAGE}]\ninvlpg [{PAGE}]\nmov ebx, [{PAGE}]")
    tables.map(PAGE, FRAME + 1)
    bench.step()
    assert bench.cpu.regs[EAX] == 1
    bench.step(2)
    assert bench.cpu.regs[EBX] == 2


def test_a_withdrawn_right_stays_until_flushed_but_a_granted_one_is_found_by_the_walk(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    cpu = bench.cpu
    cpu.translate(PAGE, True, True)
    tables.map(PAGE, FRAME, P | A | DIRTY)
    cpu.translate(PAGE, True, True)  # stale, and allowed
    cpu.invalidate_page(PAGE)
    with pytest.raises(Fault) as caught:
        cpu.translate(PAGE, True, True)
    assert caught.value.error == 7
    cpu.translate(PAGE, False, False)
    tables.map(PAGE, FRAME, P | RW | US)
    cpu.translate(PAGE, True, True)  # a denial by cached rights asks the tables again


def test_clearing_d_in_memory_goes_unnoticed_until_the_entry_is_flushed(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    cpu = bench.cpu
    cpu.linear_write(PAGE, 5, 4, False)
    tables.map(PAGE, FRAME)
    cpu.linear_write(PAGE, 6, 4, False)
    assert not bench.memory.read32(pte(bench, tables)) & DIRTY
    cpu.invalidate_page(PAGE)
    cpu.linear_write(PAGE, 7, 4, False)
    assert bench.memory.read32(pte(bench, tables)) & DIRTY


@pytest.mark.parametrize("pge", [False, True])
def test_a_cr3_load_keeps_global_pages_only_under_pge(bench, pge):
    tables = paged(bench, cr4=PGE if pge else 0)
    tables.map(PAGE, FRAME, P | RW | G)
    tables.map(PAGE + 0x1000, FRAME, P | RW)
    cpu = bench.cpu
    cpu.translate(PAGE, False, False)
    cpu.translate(PAGE + 0x1000, False, False)
    events = bench.listen()
    cpu.write_control(3, cpu.cr3)
    assert (cpu.tlb.lookup(PAGE >> 12) is not None) == pge
    assert cpu.tlb.lookup((PAGE >> 12) + 1) is None
    flushed = [e.what for e in events if isinstance(e, TlbFlushed)]
    assert flushed == ["non-global" if pge else "all"]
    cpu.write_control(4, cpu.cr4 ^ PGE)
    assert len(cpu.tlb) == 0


def test_a_page_fault_drops_the_translation_it_is_about(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME, P)
    cpu = bench.cpu
    cpu.translate(PAGE, False, False)
    with pytest.raises(Fault):
        cpu.translate(PAGE, False, True)
    assert cpu.tlb.lookup(PAGE >> 12) is None
    assert PAGE >> 12 not in cpu.rd_super


def test_write_protect_takes_effect_at_once(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME, P)
    cpu = bench.cpu
    cpu.linear_write(PAGE, 1, 4, False)
    assert PAGE >> 12 in cpu.wr_super
    cpu.write_control(0, cpu.cr0 | WP)
    with pytest.raises(Fault):
        cpu.linear_write(PAGE, 2, 4, False)


def test_a_walk_is_told_with_its_references(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    events = bench.listen()
    bench.cpu.translate(PAGE, True, True)
    bench.cpu.translate(PAGE, True, True)
    walks = [e for e in events if isinstance(e, PageWalked)]
    assert [(e.linear, e.frame, e.refs, e.write, e.user) for e in walks] == [
        (PAGE, FRAME, 2, 1, 1)
    ]


# -- faults and crossings -----------------------------------------------------------------------


def test_an_access_across_pages_faults_at_the_second_and_changes_nothing(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    bench.memory.write32((FRAME << 12) + 0xFFC, 0)
    bench.execute(f"mov dword [{PAGE + 0xFFE}], -1")
    assert bench.fault == (PF, 2)
    assert bench.cpu.cr2 == PAGE + 0x1000
    assert bench.memory.read32((FRAME << 12) + 0xFFC) == 0


def test_an_access_across_pages_reaches_both_frames(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME + 1)
    tables.map(PAGE + 0x1000, FRAME)
    bench.execute(f"mov dword [{PAGE + 0xFFE}], 0x44332211\nmov eax, [{PAGE + 0xFFE}]", steps=2)
    assert bench.memory.read16((FRAME + 1 << 12) + 0xFFE) == 0x2211
    assert bench.memory.read16(FRAME << 12) == 0x4433
    assert bench.cpu.regs[EAX] == 0x44332211


def test_reading_to_change_faults_as_a_write(bench):
    paged(bench)
    bench.execute(f"inc dword [{PAGE}]", 3)
    assert bench.fault == (PF, 4 | 2)


def test_fetching_across_a_page_faults_at_the_second_page(bench):
    tables = paged(bench)
    tables.map(PAGE, FRAME)
    bench.memory.write_bytes((FRAME << 12) + 0xFFE, b"\xb8\x01")
    bench.enter(3, PAGE + 0xFFE)
    bench.step()
    assert bench.fault == (PF, 4)
    assert bench.cpu.cr2 == PAGE + 0x1000
    assert bench.top(1) == PAGE + 0xFFE


def test_a_fault_on_the_inner_stack_is_a_double_fault_and_then_a_shutdown(bench):
    paged(bench)
    bench.memory.write32(bench.TSS + 4, PAGE)  # ring 0's stack is not mapped
    bench.load("ud2")
    bench.enter(3)
    bench.step()
    # #UD is benign, the #PF of its delivery is not: delivering that one fails the same way.
    assert bench.cpu.shutdown
    assert bench.cpu.cr2 == PAGE - 4


def test_the_processors_own_reads_have_supervisor_rights(bench):
    tables = paged(bench)
    for page in (bench.GDT, bench.IDT, bench.TSS, bench.STACKS[0] - 0x1000):
        tables.map(page, page >> 12, P | RW)
    bench.cpu.write_control(3, tables.root)
    bench.execute("ud2", 3)
    assert bench.fault == (6, None)


def test_alignment_is_checked_only_in_ring_3_with_am_and_ac(bench):
    cpu = bench.cpu
    for ring, am, ac in itertools.product((0, 3), (0, 1), (0, 1)):
        bench.load("mov eax, [0x4001]")
        bench.enter(ring)
        cpu.write_control(0, cpu.cr0 & ~(1 << 18) | am << 18)
        cpu.set_eflags(FLAG_AC if ac else 0, FLAG_AC)
        bench.step()
        expected = (AC_FAULT, 0) if ring == 3 and am and ac else None
        assert bench.fault == expected


# -- the fast maps ------------------------------------------------------------------------------


def assert_maps_are_true(bench):
    """Every entry of a fast map is what a translation would give, and is in the TLB."""
    cpu = bench.cpu
    paging = cpu.cr0 & PG
    for reads, writes, user in (
        (cpu.rd_super, cpu.wr_super, False),
        (cpu.rd_user, cpu.wr_user, True),
    ):
        for write, entries in ((False, reads), (True, writes)):
            for page, delta in list(entries.items()):
                frame = page + (delta >> 12)
                assert bench.memory.is_plain(frame)
                assert not write or frame not in bench.memory.code_frames
                if paging:
                    cached = cpu.tlb.lookup(page)
                    assert cached is not None
                    assert cached[1] == frame
                    assert not user or cached[2] & 2
                    if write:
                        assert cached[2] & 4
                        assert cached[2] & 1 or not user and not cpu.cr0 & WP


actions = st.lists(
    st.tuples(
        st.sampled_from(["read", "write", "map", "invlpg", "cr3", "wp", "watch", "release"]),
        st.integers(0, 11),
        st.integers(0, 31),
        st.booleans(),
    ),
    max_size=60,
)


@given(actions)
@settings(max_examples=60, deadline=None)
def test_the_fast_maps_never_know_more_than_the_tlb(make_bench, script):
    bench = make_bench()
    cpu = bench.cpu
    tables = paged(bench, cr4=PGE)
    cpu.tlb = Tlb(4, 2)
    cpu.clear_maps()
    for action, number, rights, user in script:
        linear = PAGE + number * 0x1000
        if action in ("read", "write"):
            try:
                cpu.translate(linear, action == "write", user)
            except Fault as fault:
                assert fault.vector == PF
        elif action == "map":
            flags = rights & 7 | (G if rights & 8 else 0)
            frame = FRAME + number if rights & 16 else 0x200 + number  # beyond RAM
            tables.map(linear, frame, flags)
        elif action == "invlpg":
            cpu.invalidate_page(linear)
        elif action == "cr3":
            cpu.write_control(3, cpu.cr3)
        elif action == "wp":
            cpu.write_control(0, cpu.cr0 ^ WP)
        elif action == "watch":
            cpu.watch_frame(FRAME + number)
        else:
            cpu.release_frame(FRAME + number)
        assert_maps_are_true(bench)
        assert len(cpu.tlb) <= 8


def test_with_paging_off_the_maps_are_the_identity(bench):
    cpu = bench.cpu
    cpu.load(3, 0x4000, D)
    cpu.store(3, 0x5000, 1, W)
    assert cpu.rd_super[4] == 0
    assert cpu.wr_super[5] == 0
    assert_maps_are_true(bench)


def test_beyond_ram_the_bus_is_open(bench):
    cpu = bench.cpu
    assert cpu.load(3, 0x20_0000, D) == 0xFFFF_FFFF
    cpu.store(3, 0x20_0000, 5, D)
    assert cpu.load(3, 0x20_0000, D) == 0xFFFF_FFFF
    assert cpu.load(3, 0xF_FFFE, D) & 0xFFFF0000 == 0xFFFF0000
    assert 0x200 not in cpu.rd_super
    assert cpu.regs[ESP] == bench.STACKS[0]
