"""Direct page tables: the processor walks the paravirtual guest's own, and nothing slips past the
VMM's check."""

from __future__ import annotations

import struct
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.guests.porting import PORT
from ringside.host.systems import Image, Options, Virtualized, build
from ringside.isa.assembler import Program, assemble
from ringside.machine.memory import FRAME
from ringside.trace.events import Hypercalled
from ringside.vmm.cpu.paravirtualization import Paravirtualization
from ringside.vmm.memory.frame_types import WORDS
from ringside.vmm.paravirt import abi
from ringside.vmm.paravirt.domain import Domain

from .test_paravirtualization import MEMORY, check_tables, heard, ported, pv

HEAD = 'bits 32\norg 0x100000\n%include "pc.inc"\nmain:\n'
FREE = 0x300  # a frame nobody uses


def small(text: str) -> Program:
    return assemble(HEAD + text, include=guests.include, defines={PORT: 1})


def answers(text: str, count: int) -> list[tuple[int, str]]:
    """The last results of the hypercalls a small guest makes, and why they were refused."""
    events = heard(pv(small(text)), 10**5)
    calls = [event for event in events if isinstance(event, Hypercalled)]
    return [(call.result, call.why) for call in calls[-count:]]


def test_the_processor_walks_tables_in_the_guests_own_frames() -> None:
    system = pv(ported("nanos"))
    owned = set(system.vms[0].allotment.hfns)
    for _ in range(40):
        system.run(5_000)
        cr3 = system.machine.cpu.cr3
        assert cr3 >> 12 in owned
        directory = struct.unpack("<1024I", system.machine.memory.read_bytes(cr3, FRAME))
        assert all(not entry & 1 or entry >> 12 in owned for entry in directory[:1022])


def test_what_a_kernel_does_to_its_tables_has_the_effect_it_has_on_bare_metal() -> None:
    native = guests.program("page_tables")
    bare = build("bare-metal", Image(native, "page_tables", MEMORY))
    bare.run(10**5)
    system = pv(ported("page_tables"))
    system.run(10**5)
    assert system.console == bare.console != ""
    assert system.outcome == bare.outcome


def test_the_two_lists_of_frames_are_each_others_inverse() -> None:
    system = pv(ported("sort"), ported("sort"))
    memory, vm = system.machine.memory, system.vms[1]
    hfns = struct.unpack("<1024I", vm.memory.read_bytes(abi.PHYSICAL_TO_MACHINE, 4096))
    assert list(hfns) == vm.allotment.hfns
    paging = cast(Domain, vm).paging
    table = memory.read32((paging.current << 12) + 4 * (abi.MACHINE_TO_PHYSICAL >> 22)) & ~0xFFF

    def back(hfn: int) -> int:
        page = memory.read32(table + 4 * (hfn >> 10))
        assert page & 7 == 1, "nobody but the VMM may write to it, ring 3 not even read it"
        return memory.read32((page & ~0xFFF) + 4 * (hfn & 1023))

    assert [back(hfn) for hfn in hfns] == list(range(1024))
    others = [*system.vms[0].allotment.hfns[::50], *range(0, 1024, 50), 0xFFFFF]
    assert {back(hfn) for hfn in others} == {abi.NO_FRAME}


def test_the_guest_finds_accessed_and_dirty_flags_in_its_own_table() -> None:
    system = pv(small(f"""
        mov esi, [START_DIRECTORY]
        and esi, -4096
        to_ours esi, eax
        mov ebp, [esi + {FREE} * 4]
        mov al, [{FREE << 12:#x}]
        mov ecx, [esi + {FREE} * 4]
        mov [{FREE << 12:#x}], al
        mov edx, [esi + {FREE} * 4]
        jmp finish
    """))
    program_end = system.vms[0].vcpu
    while system.outcome is None:
        system.step()
        if system.vmm.in_guest and program_end.regs[2] & 0x67 == 0x67:
            break
    ebp, ecx, edx = (system.guest_cpu.regs[n] for n in (5, 1, 2))
    assert (ebp & 0x60, ecx & 0x60, edx & 0x60) == (0, 0x20, 0x60)


def test_a_plain_write_to_a_page_table_is_the_guests_own_page_fault() -> None:
    system = pv(small("""
        gate 14, caught
        mov dword [START_DIRECTORY], 0
        jmp finish
    caught:
        mov eax, 77
        jmp finish
    """))
    system.run(10**5)
    assert str(system.outcome) == f"exit {77 << 1 | 1}"
    assert system.vms[0].memory.read32(abi.START_DIRECTORY) & 1


@pytest.mark.parametrize(("text", "why"), [
    ("machine_frame eax, 0x300000\n mov [op + 4], eax\n", "still mapped writable"),
    ("map 0x9F000, 0x9F000, 1\n machine_frame eax, 0x9F000\n mov [op + 4], eax\n", "shares"),
    ("mov dword [op + 4], 0x100\n", "not this guest's"),
    ("map 0x300000, 0x300000, 1\n machine_frame eax, 0x300000\n mov [op + 4], eax\n", ""),
])  # fmt: skip
def test_what_may_become_a_directory(text: str, why: str) -> None:
    ((result, found),) = answers(f"""
        mov edi, 0x300000
        mov ecx, 1024
        xor eax, eax
        rep stosd
        {text}
        mov ebx, op
        mov ecx, 1
        xor edx, edx
        hypercall H_MMUEXT_OP
        jmp finish
    op: dd PIN_L2, 0, 0
    """, 1)
    assert (why in found and result < 0) if why else (result, found) == (0, "")


def test_what_the_tlb_kept_is_gone_when_a_frame_becomes_a_table() -> None:
    system = pv(small("""
        gate 14, caught
        mov edi, 0x300000
        mov ecx, 1024
        xor eax, eax
        rep stosd                       ; the page is in the TLB, writable
        mov ebx, 0x300000
        mov ecx, 0x300000
        to_machine ecx, eax
        or ecx, 1
        xor edx, edx                    ; no flush
        hypercall H_UPDATE_VA_MAPPING
        mov dword [0x300004], 2         ; so this still works,
        machine_frame eax, 0x300000
        mov [op + 4], eax
        mov ebx, op
        mov ecx, 1
        xor edx, edx
        hypercall H_MMUEXT_OP
        test eax, eax
        jnz finish
        mov dword [0x300008], 3         ; and this no more
        jmp finish
    caught:
        mov eax, 77
        jmp finish
    op: dd PIN_L2, 0, 0
    """))
    system.run(10**5)
    assert str(system.outcome) == f"exit {77 << 1 | 1}"
    assert system.vms[0].memory.read32(0x300004) == 2


def test_what_the_walk_cache_kept_of_a_table_is_gone_when_it_is_one_no_more() -> None:
    """Else the guest could write what it likes where the processor still walks."""
    system = pv(small("""
        gate 14, caught
        mov edi, 0x300000
        mov ecx, 1024
        xor eax, eax
        rep stosd
        mov eax, 0x301003
        to_machine eax, ecx
        mov [0x300000], eax             ; a table for 4 MiB: one page of it is there
        map 0x300000, 0x300000, 1
        mov eax, 0x300003
        to_machine eax, ecx
        mov [entry + 8], eax
        machine_frame eax, START_DIRECTORY
        shl eax, 12
        add eax, 4
        mov [entry], eax
        call change
        mov eax, [0x400000]             ; the processor keeps the way to the table
        mov dword [entry + 8], 0
        call change                     ; nothing leads there any more
        mov ebx, 0x300000
        mov ecx, 0x300003
        to_machine ecx, eax
        xor edx, edx                    ; no flush
        hypercall H_UPDATE_VA_MAPPING
        mov dword [0x300004], 0x104003  ; the page table of the VMM's own memory
        mov eax, [0x401000]
        jmp finish
    change:
        mov ebx, entry
        mov ecx, 1
        xor edx, edx
        hypercall H_MMU_UPDATE
        test eax, eax
        jnz finish
        ret
    caught:
        mov eax, [FAULT_ADDRESS]
        cmp eax, 0x401000
        jne finish
        mov al, 77
        jmp finish
    align 8
    entry: dq 0, 0
    """), options=Options(walk_cache=8))
    system.run(10**5)
    assert str(system.outcome) == f"exit {77 << 1 | 1}"


def test_an_unpinned_directory_is_ordinary_memory_again() -> None:
    results = answers("""
        mov edi, 0x300000
        mov ecx, 1024
        xor eax, eax
        rep stosd
        mov eax, [START_DIRECTORY]
        mov [0x300000], eax
        map 0x300000, 0x300000, 1
        machine_frame eax, 0x300000
        mov [op + 4], eax
        mov [op + 16], eax
        mov ebx, op
        mov ecx, 2
        xor edx, edx
        hypercall H_MMUEXT_OP
        map 0x300000, 0x300000, 3
        jmp finish
    op: dd PIN_L2, 0, 0, UNPIN, 0, 0
    UNPIN equ 4
    """, 2)
    assert results == [(0, ""), (0, "")]


def test_a_guest_is_the_same_in_its_own_terms_wherever_its_frames_are() -> None:
    first = pv(ported("page_fault"))
    second = cast(Virtualized, build("paravirtualization", [
        Image(ported("sort"), "sort", MEMORY), Image(ported("page_fault"), "fault", MEMORY)]))
    vms = first.vms[0], second.vms[1]
    assert vms[0].allotment.hfns[0] != vms[1].allotment.hfns[0]
    assert vms[0].digest() == vms[1].digest()


@pytest.fixture(scope="module")
def running() -> Virtualized:
    system = pv(guests.program("nanos", {PORT: 1}), ported("sort"))
    system.run(150_000)
    return system


def interesting(vm: Domain) -> list[int]:
    """Frames worth naming: tables, directories, the guest's others, the neighbour's, nobody's."""
    types = vm.paging.types
    known = [*types.directories, *types.tables, *vm.allotment.hfns[::97]]
    return [*known, *range(0, 4096, 511), 0xFFFFF]


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_row_of_page_table_requests_gets_past_the_books(
    running: Virtualized, data: st.DataObject
) -> None:
    picture = running.freeze()
    vm = cast(Domain, running.vms[0])
    calls = cast(Paravirtualization, running.vmm.guests[0].cpu).calls
    hfns = interesting(vm)
    frame, bits = st.sampled_from(hfns), st.sampled_from([0, 1, 3, 5, 7, 0x67, 0x87, 2])
    at = 0x9A000 + 0xC000_0000  # where the requests lie: memory nobody uses
    try:
        for _ in range(data.draw(st.integers(1, 12))):
            if data.draw(st.booleans()):
                number = st.sampled_from([0, 1, 2, 768, 1022, 1023])
                where = (data.draw(frame) << 12) + 4 * data.draw(number)
                value = data.draw(frame) << 12 | data.draw(bits)
                request = struct.pack("<QQ", where, value)
                call = abi.MMU_UPDATE
            else:
                operation = st.sampled_from([abi.PIN_L2, abi.UNPIN, abi.NEW_BASEPTR])
                request = struct.pack("<III", data.draw(operation), data.draw(frame), 0)
                call = abi.MMUEXT_OP
            if not vm.paging.write(at, request):
                break  # it has unmapped its own page: no more requests
            calls.call(call, (at, 1, 0, 0, 0, 0))
            check_tables(vm)
    finally:
        running.thaw(picture)


def test_a_refused_request_leaves_no_trace_in_the_books() -> None:
    system = pv(ported("sort"))
    paging = cast(Domain, system.vms[0]).paging
    hfns, memory = system.vms[0].allotment.hfns, system.machine.memory
    paging.update_mapping(FREE << 12, hfns[FREE] << 12 | 1)
    # As a table it would be good up to its last entry.
    memory.write_bytes(hfns[FREE] << 12, WORDS.pack(*[hfns[FREE + 1] << 12 | 3] * 1023, 0xFFFFF003))
    types = paging.types
    before = dict(types.writable), dict(types.tables), types.changed
    with pytest.raises(abi.HypercallError, match="not this guest's"):
        paging.update((paging.current << 12) + 4, hfns[FREE] << 12 | 3)
    assert (types.writable, types.tables, types.changed) == before


def test_one_trap_cannot_keep_the_vmm_busy() -> None:
    system = pv(ported("sort"))
    vm = cast(Domain, system.vms[0])
    calls = cast(Paravirtualization, system.vmm.guests[0].cpu).calls
    at, batch, done = 0x200000, 0x210000, 0x220000
    frame = vm.allotment.hfns[FREE]
    pair = struct.pack("<6I", abi.PIN_L2, frame, 0, abi.UNPIN, frame, 0)
    vm.paging.update_mapping(FREE << 12, frame << 12 | 1)
    vm.paging.write(at, pair * 128)
    entry = struct.pack("<II6I", abi.MMUEXT_OP, 0, at, 256, done, 0, 0, 0)
    vm.paging.write(batch, entry * 256)
    before = vm.paging.types.looked
    result, why = calls.call(abi.MULTICALL, (batch, 256, 0, 0, 0, 0))
    assert result == -abi.EAGAIN and "ask again" in why
    assert vm.paging.types.looked - before <= abi.MOST_WORK + 4096
    (count,) = struct.unpack("<I", vm.paging.read(done, 4) or b"")
    assert 0 < count < 256
    rest = (at + 12 * count, 256 - count, done, 0, 0, 0)
    assert calls.call(abi.MMUEXT_OP, rest)[0] in (0, -abi.EAGAIN), "the next trap has time again"
    check_tables(vm)
