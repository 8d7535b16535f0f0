"""Extended page tables and tagged translations, beyond what Bochs can be asked."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from ringside.isa.registers import EAX, EBX
from ringside.machine.memory import Memory
from ringside.machine.nested import expected_references, nested_walk
from ringside.machine.paging import EPT_FOUR_LEVEL, PAE, THIRTY_TWO_BIT
from ringside.machine.tlb import NO_EXECUTE, Tlb, make_tag
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import reasons
from ringside.machine.vmx.ept import FETCH, FINAL, READ, WRITE, Nested
from ringside.machine.vmx.reasons import VmExit
from ringside.machine.walker import walk
from ringside.trace.events import PageWalked

sys.path.insert(0, str(Path(__file__).parent))

from vmx_bench import CODE, EPT, VmxBench

PAGE = 0x18_0000
DATA = 0x37  # read, write, execute; write-back
ACCESSED, DIRTY = 1 << 8, 1 << 9


@pytest.fixture
def bench() -> VmxBench:
    bench = VmxBench()
    bench.identity_ept()
    return bench


# -- the walk itself ------------------------------------------------------------------------------


def test_the_lean_walk_of_ept_agrees_with_the_explained_one() -> None:
    rng = random.Random(29)
    memory = Memory(1 << 20)
    for _ in range(400):
        table = 0x1000
        gpa = rng.getrandbits(34)
        for level in EPT_FOUR_LEVEL.levels:
            entry = rng.choice((0, 1, 3, 5, 7, 7, 7, 7, 7))
            address = table + level.index(gpa) * 8
            table += 0x1000
            if level.name == "ept pde" and rng.randrange(4) == 0:
                entry |= 0x80 | 6 << 3 | 0x20_0000 * rng.randrange(100)
            else:
                entry |= table | (6 << 3 if level.name == "ept pte" else 0)
            memory.write64(address, entry)
        access = rng.choice((READ, WRITE, FETCH))
        explained = walk(
            EPT_FOUR_LEVEL, 0x1000, gpa, lambda hpa: memory.read(hpa, 8), write=access == WRITE,
            user=True,
        )  # fmt: skip
        rights = 7
        for ref in explained.refs:
            rights &= ref.entry
        try:
            frame, flags = Nested(memory, 0x1000 | 0x1E).translate(gpa, access, FINAL)
        except VmExit as exit:
            assert exit.reason == reasons.EPT_VIOLATION and exit.physical == gpa
            assert explained.fault is not None or not access & rights
            assert exit.qualification >> 3 & 7 == rights
        else:
            assert explained.fault is None and frame == explained.frame
            assert bool(flags & NO_EXECUTE) == (not rights & FETCH)


def test_execute_only_is_a_misconfiguration_here() -> None:
    # IA32_VMX_EPT_VPID_CAP bit 0 is clear
    assert not bits.EPT_VPID & 1
    memory = Memory(1 << 20)
    for level in range(4):
        memory.write64(0x1000 * (level + 1), 0x1000 * (level + 2) | (7 if level < 3 else 0x34))
    with pytest.raises(VmExit) as told:
        Nested(memory, 0x1000 | 0x1E).translate(0, FETCH, FINAL)
    assert told.value.reason == reasons.EPT_MISCONFIGURATION


@pytest.mark.parametrize("pae", [False, True])
def test_a_tlb_miss_makes_the_references_of_two_dimensions(bench: VmxBench, pae: bool) -> None:
    guest = THIRTY_TWO_BIT
    levels = 2
    if pae:
        guest = PAE
        bench[f.GUEST_CR4] = 0x2030
        bench[f.GUEST_PDPTE] = 0x6_0001
        bench.memory.write64(0x6_0000, 0x6_1007)
        for page in range(512):
            bench.memory.write64(0x6_1000 + 8 * page, page << 12 | 7)
    else:
        bench.memory.write32(0x4_0000, 0x6_1007)
        for page in range(1024):
            bench.memory.write32(0x6_1000 + 4 * page, page << 12 | 7)
    events = bench.listen()
    bench.run(f"mov eax, [{PAGE}]\nvmcall")
    walked = [e for e in events if type(e) is PageWalked and e.linear == PAGE]
    assert [e.refs for e in walked] == [expected_references(levels, 4)] == [14]
    if guest is THIRTY_TWO_BIT:
        memory = bench.memory
        explained = nested_walk(guest, 0x4_0000, EPT_FOUR_LEVEL, EPT, PAGE, memory.read)
        assert explained.hpa == PAGE and len(explained.refs) == 14
        assert walked[0].frame == PAGE >> 12


# -- rights ---------------------------------------------------------------------------------------


def test_a_page_that_may_not_be_fetched_from_may_be_read_and_written(bench: VmxBench) -> None:
    bench.map(PAGE, PAGE | 0x33)
    bench.guest(f"mov dword [{PAGE}], 0x90909090\nmov eax, [{PAGE}]\nmov ebx, {PAGE}\njmp ebx")
    assert bench.run() == reasons.EPT_VIOLATION
    assert bench.cpu.regs[EAX] == 0x90909090
    assert bench[f.QUALIFICATION] == FETCH | 3 << 3 | 1 << 7 | FINAL
    assert bench[f.GUEST_EIP] == PAGE == bench[f.GUEST_PHYSICAL]


def test_translated_code_meets_violations_too(bench: VmxBench) -> None:
    bench.guest(f"""
        mov esi, {PAGE}
        mov ecx, 4000
again:  mov [esi], ecx
        add esi, 4
        loop again
        vmcall
    """)
    bench.map(PAGE + 0x2000, (PAGE + 0x2000) | 0x35)
    assert bench.run(limit=100_000) == reasons.EPT_VIOLATION
    assert bench[f.GUEST_PHYSICAL] == PAGE + 0x2000
    assert bench.memory.read32(PAGE + 0x1FFC) == 4000 - 0x7FF
    bench.map(PAGE + 0x2000, (PAGE + 0x2000) | DATA)
    bench.vmx.invept(2, 0, 0)
    assert bench.run(limit=100_000) == reasons.VMCALL


def test_accessed_and_dirty_are_kept_if_the_pointer_asks(bench: VmxBench) -> None:
    bench[f.EPT_POINTER] = bench[f.EPT_POINTER] | 1 << 6
    entry = EPT + 0x3000 + 8 * (PAGE >> 12)
    bench.run(f"mov eax, [{PAGE}]\nvmcall\nmov [{PAGE}], eax\nvmcall")
    assert bench.memory.read64(entry) == PAGE | DATA | ACCESSED
    assert bench.memory.read64(EPT) & ACCESSED
    bench.skip()
    bench.run()
    assert bench.memory.read64(entry) == PAGE | DATA | ACCESSED | DIRTY


def test_accessed_is_kept_for_a_page_that_may_only_be_read_too(bench: VmxBench) -> None:
    bench[f.EPT_POINTER] = bench[f.EPT_POINTER] | 1 << 6
    bench.map(PAGE, PAGE | 0x35)
    bench.run(f"mov eax, [{PAGE}]\nvmcall")
    assert bench.memory.read64(EPT + 0x3000 + 8 * (PAGE >> 12)) == PAGE | 0x35 | ACCESSED
    assert bench.memory.read64(EPT) & ACCESSED


def test_no_flag_is_kept_if_it_does_not(bench: VmxBench) -> None:
    bench.run(f"mov [{PAGE}], eax\nvmcall")
    assert bench.memory.read64(EPT + 0x3000 + 8 * (PAGE >> 12)) == PAGE | DATA


def test_with_accessed_flags_reading_a_guests_entry_counts_as_a_write(bench: VmxBench) -> None:
    bench[f.EPT_POINTER] = bench[f.EPT_POINTER] | 1 << 6
    bench.map(0x4_0000, 0x4_0000 | 0x35)  # the guest's page directory
    assert bench.run("nop") == reasons.EPT_VIOLATION
    assert bench[f.QUALIFICATION] == READ | WRITE | 5 << 3 | 1 << 7
    assert bench[f.GUEST_LINEAR] == CODE


# -- translations that stay -----------------------------------------------------------------------


def test_without_ept_and_vpid_entry_and_exit_drop_everything() -> None:
    bench = VmxBench()
    bench.run("mov eax, [0x3000]\nvmcall")
    assert len(bench.machine.tlb) == 0


def test_with_a_vpid_translations_stay(bench: VmxBench) -> None:
    bench.secondary(bits.ENABLE_VPID)
    bench[f.VPID] = 5
    bench.run(f"mov eax, [{PAGE}]\nvmcall")
    assert {entry.vpid for _, entry in bench.machine.tlb} == {5}
    events = bench.listen()
    bench[f.GUEST_EIP] = CODE
    bench.run()
    assert not [event for event in events if type(event) is PageWalked]


def test_two_vpids_do_not_see_each_others_translations(bench: VmxBench) -> None:
    bench.secondary(bits.ENABLE_VPID)
    bench.memory.write32(0x5_0000, 0x87)  # another guest directory: 4 MiB at 0 …
    bench.memory.write32(0x5_0004, 0x87)  # … and 0 again at 4 MiB
    bench.guest(f"mov eax, [{0x40_0000 + 0x10_0000}]\nvmcall")
    bench.memory.write32(0x10_0000, 0xAAAA)
    bench.identity_ept()
    for page in range(1024, 1536):
        bench.memory.write64(EPT + 0x3000 + 8 * page, page << 12 | DATA)
    bench.memory.write64(EPT + 0x2010, EPT + 0x5000 | 7)
    bench.memory.write32(0x50_0000, 0xBBBB)
    found = []
    for vpid, directory in ((1, 0x4_0000), (2, 0x5_0000), (1, 0x4_0000)):
        bench[f.VPID], bench[f.GUEST_CR3], bench[f.GUEST_EIP] = vpid, directory, CODE
        assert bench.run() == reasons.VMCALL
        found.append(bench.cpu.regs[EAX])
    assert found == [0xBBBB, 0xAAAA, 0xBBBB]


def test_a_changed_table_is_seen_after_invept_only(bench: VmxBench) -> None:
    bench.secondary(bits.ENABLE_VPID)
    bench[f.VPID] = 3
    bench.memory.write32(PAGE, 1)
    bench.memory.write32(PAGE + 0x1000, 2)
    bench.guest(f"mov ebx, [{PAGE}]\nvmcall")

    def look() -> int:
        bench[f.GUEST_EIP] = CODE
        bench.run()
        return bench.cpu.regs[EBX]

    assert look() == 1
    bench.map(PAGE, PAGE + 0x1000 | DATA)
    assert look() == 1  # the stale translation is still there, as on hardware
    bench.vmx.invept(1, EPT | 0x1E, 0)
    assert look() == 2
    bench.map(PAGE, PAGE | DATA)
    bench.vmx.invvpid(1, 3, 0, 0)
    assert look() == 1


def test_invvpid_drops_what_it_names() -> None:
    tlb = Tlb()
    for vpid in (0, 1, 2):
        for page, flags in ((7, 0), (8, 8)):
            tlb.fill(page | make_tag(vpid, 0x9000 * (vpid > 0)), page, flags)
    tlb.flush_page(1, 7)
    assert [(entry.vpid, entry.linear >> 12) for _, entry in tlb].count((1, 7)) == 0
    assert len(tlb) == 5
    tlb.flush(vpid=2, keep_global=True)
    assert len(tlb) == 4
    tlb.flush_guests()
    assert {entry.vpid for _, entry in tlb} == {0} and len(tlb) == 2


def test_a_guests_cr3_load_drops_its_own_translations_only(bench: VmxBench) -> None:
    bench.secondary(bits.ENABLE_VPID)
    for vpid in (1, 2):
        bench[f.VPID], bench[f.GUEST_EIP] = vpid, CODE
        bench.run(f"mov eax, [{PAGE}]\nvmcall")
    bench[f.GUEST_EIP] = CODE
    bench.run("mov eax, cr3\nmov cr3, eax\nvmcall")  # as VPID 2
    pages = [(entry.vpid, entry.linear) for _, entry in bench.machine.tlb]
    assert (1, PAGE) in pages and (2, PAGE) not in pages


def test_a_thaw_finds_the_extended_tables_again(bench: VmxBench) -> None:
    bench.guest(f"mov eax, 1\nmov eax, [{PAGE}]\nvmcall")
    bench.map(PAGE, 0)
    bench.enter()
    bench.machine.step()
    picture = bench.machine.freeze()
    assert bench.machine.run(100) == "entry"
    bench.machine.thaw(picture)
    assert bench.cpu.nested is not None
    assert bench.machine.run(100) == "entry"
    assert bench[f.EXIT_REASON] == reasons.EPT_VIOLATION
