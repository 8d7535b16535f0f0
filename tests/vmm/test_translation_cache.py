"""The translation cache: what is put into it, how it is joined, and when it must be given up."""

from __future__ import annotations

from typing import Any

import pytest
from ringside import guests
from ringside.host.systems import BareMetal, Image, Options, Virtualized, build
from ringside.isa.assembler import Program
from ringside.isa.decode import decode
from ringside.isa.registers import EAX, EBX, ECX, EDI
from ringside.trace.events import Chained, Discarded, Translated
from ringside.vmm.cpu.binary_translation import TOO_OFTEN, BinaryTranslation
from ringside.vmm.lockstep import Lockstep
from ringside.vmm.registry import TRACED
from ringside.vmm.translation.cache import LONGEST_UNIT, ROOM
from ringside.vmm.translation.layout import SLOTS, slot_of
from ringside.vmm.translation.readout import (
    Executed,
    Pair,
    UnitPicture,
    read_place,
    read_routines,
    read_statistics,
    read_units,
)
from ringside.vmm.translation.replacements import INLINE_TEXTS, assembled, plan
from ringside.vmm.translation.unit import CALLOUT, CONTROL, IDENT, INLINE

TECHNIQUE = "binary-translation"
MEMORY = 4 << 20
FINISH = "\n mov al, 0\n out 0xF4, al\n"


def small(text: str) -> Program:
    return guests.assemble_text('bits 32\norg 0x100000\n%include "pc.inc"\n' + text)


def virtual(program: Program) -> tuple[Virtualized, BinaryTranslation]:
    system = build(TECHNIQUE, Image(program, "g", MEMORY))
    assert isinstance(system, Virtualized)
    technique = system.vmm.guests[0].cpu
    assert isinstance(technique, BinaryTranslation)
    return system, technique


def compared(program: Program, steps: int = 30_000) -> tuple[Virtualized, BinaryTranslation]:
    """Run next to bare metal, equal after every guest step and in the end."""
    bare = build("bare-metal", Image(program, "g", MEMORY))
    assert isinstance(bare, BareMetal)
    system, technique = virtual(program)
    assert Lockstep(bare, system).advance(steps) is None
    assert system.digest() == bare.digest()
    return system, technique


def unit_of(technique: BinaryTranslation, eip: int) -> UnitPicture:
    (unit,) = [unit for unit in read_units(technique) if unit.eip == eip]
    return unit


def texts(pair: Pair) -> list[str]:
    return [written.text for written in pair.cache]


# -- what becomes of instructions --------------------------------------------------------------


def test_the_lectures_five_instructions_look_as_in_the_lecture() -> None:
    program = guests.program("lecture_bt")
    system, technique = virtual(program)
    assert system.run(100_000) == "exit"
    unit = unit_of(technique, program.symbols["lecture"])
    cli, mask, cr3, sti, ret = unit.pairs
    assert [pair.text for pair in unit.pairs] == [
        "cli", "and ebx, 0xfffff000", "mov ebx, cr3", "sti", "ret",
    ]  # fmt: skip
    assert [pair.kind for pair in unit.pairs] == [INLINE, IDENT, CALLOUT, INLINE, CONTROL]
    assert texts(cli) == ["mov dword [gs:virtual_if], 0"]
    assert mask.cache[0].code == mask.code
    assert texts(cr3) == ["int 0xfc"]
    assert "mov dword [gs:virtual_if], 0x200" in texts(sti)
    assert texts(sti).index("mov ecx, [gs:pending]") < texts(sti).index("int 0xfc")
    assert texts(ret) == ["mov [gs:save_ecx], ecx", "pop ecx", "jmp lookup"]
    assert unit.runs == 1000
    assert "cli" not in system.vm.emulated
    # Only where the timer came between CLI and STI did STI call.
    assert 0 < system.vm.emulated["sti"] <= int(system.console.split()[-1]) == 8


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("01d8", IDENT), ("f3a5", IDENT), ("8ed8", IDENT), ("1f", IDENT), ("06", IDENT),
        ("6501d8", CALLOUT), ("65a100000000", CALLOUT), ("2ea100000000", CALLOUT), ("f0ff00", IDENT),
        ("fa", INLINE), ("fb", INLINE), ("9c", INLINE), ("9d", INLINE), ("669c", CALLOUT),
        ("0f20d8", CALLOUT), ("0f20d0", INLINE), ("0f22d8", CALLOUT), ("0e", INLINE), ("16", INLINE), ("8cc8", INLINE),
        ("8ed0", CALLOUT), ("17", CALLOUT), ("8ee8", CALLOUT), ("0fa9", CALLOUT), ("0fb200", CALLOUT),
        ("f4", CALLOUT), ("cf", CALLOUT), ("cb", CALLOUT), ("cd80", CALLOUT), ("cc", CALLOUT),
        ("ec", CALLOUT), ("e620", CALLOUT), ("6c", CALLOUT), ("0f0100", CALLOUT), ("0f01e0", INLINE),
        ("0f0110", CALLOUT), ("0f0138", CALLOUT), ("0f02c1", CALLOUT), ("0f31", CALLOUT),
        ("0fa2", CALLOUT), ("ea000000000800", CALLOUT), ("0f0b", IDENT), ("0f01c1", CALLOUT),
        ("eb00", CONTROL), ("74fe", CONTROL), ("e2fe", CONTROL), ("e800000000", CONTROL),
        ("c3", CONTROL), ("c20400", CONTROL), ("ffe0", CONTROL), ("ff10", CONTROL),
        ("66c3", CALLOUT), ("65ff20", CALLOUT),
    ],
)  # fmt: skip
def test_each_kind_of_instruction_becomes_what_its_class_asks_for(code: str, kind: str) -> None:
    assert plan(decode(bytes.fromhex(code))).kind == kind


def test_replacements_leave_the_guests_flags_alone() -> None:
    for code in ("fa", "fb", "9c", "0f20d8", "0e", "8cc8", "0f01e0"):  # all but POPF
        insn = decode(bytes.fromhex(code))
        text = assembled(INLINE_TEXTS[insn.mnemonic](insn))
        at = 0
        while at < len(text):
            piece = decode(text[at:])
            assert not piece.row.writes_flags and piece.row.flags is None, piece.mnemonic
            at += piece.length


def test_a_unit_ends_after_twelve_instructions_or_with_a_branch() -> None:
    program = small("main:" + "\n nop" * 30 + "\nafter: jmp after")
    system, technique = virtual(program)
    system.run(500)
    main = program.symbols["main"]
    lengths = [len(unit_of(technique, main + n).pairs) for n in (0, 12, 24)]
    assert lengths == [LONGEST_UNIT, LONGEST_UNIT, 7]


@pytest.mark.parametrize("before", range(8, 14))
def test_sti_does_not_make_a_unit_longer_and_the_one_after_it_still_runs_first(
    before: int,
) -> None:
    program = small("main:\n cli" + "\n nop" * before + "\n sti\n inc ebx\nafter: jmp after")
    system, technique = compared(program, 200)
    assert system.guest_cpu.eflags & 0x200
    assert max(len(unit.pairs) for unit in read_units(technique)) == LONGEST_UNIT


def test_every_instruction_in_the_cache_is_known(bench: Any) -> None:
    program = guests.program("rings")
    system, technique = virtual(program)
    while system.outcome is None:
        system.step()
        cpu = system.machine.cpu
        if system.vmm.in_guest and cpu.cpl == 1:
            assert technique.cache.spots[cpu.eip].boundary  # a step ends between instructions
    for unit in technique.cache.units.values():
        assert all(at in technique.cache.spots or at in technique.cache.elided for at in unit.spots)


# -- joining -----------------------------------------------------------------------------------


def test_direct_branches_are_chained_and_what_follows_needs_no_jump(bench: Any) -> None:
    text = "main: mov ecx, 6\n.l: dec ecx\n jnz .l\nafter: inc edi\n jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(3000)
    technique = system.vmm.guests[0].cpu
    loop = unit_of(technique, bench.at("main.l"))
    ways = {way.name: way for way in loop.exits}
    assert ways["taken"].target == loop.address
    after = unit_of(technique, bench.at("after"))
    assert ways["next"].target == after.address == loop.address + loop.size - 5
    assert ways["next"].elided and loop.tail == ()
    assert len([e for e in bench.events if isinstance(e, Chained)]) == len(
        [way for unit in read_units(technique) for way in unit.exits if way.target >= 0]
    )
    assert loop.runs == 5  # the first turn was part of the unit that begins with MOV


def test_chained_code_calls_the_vmm_no_more() -> None:
    program = small("main: mov ecx, 5000\n.l: dec ecx\n call sub\n jnz .l" + FINISH + "sub: nop\n ret")
    system, _ = virtual(program)
    system.run(2000)
    before = dict(system.vm.exits)
    system.run(10_000)
    assert system.vm.exits == before


def test_returns_find_their_way_in_the_hash_table() -> None:
    text = "main: mov ecx, 100\n.l: call sub\n loop .l\nafter: jmp after\nsub: ret"
    system, technique = virtual(small(text))
    system.run(3000)
    statistics = read_statistics(technique)
    assert statistics.lookups == 99
    assert statistics.misses == 2  # the first return, and the jump to main's page


def test_two_return_addresses_in_one_slot_take_turns() -> None:
    text = """
main:   mov ecx, 50
again:  call down
first:  jmp yonder
back:   loop again
after:  jmp after
down:   ret
        times {} nop
yonder: call down
second: jmp back
"""
    symbols = small(text.format(200)).symbols
    first, second = symbols["first"], symbols["second"]
    more = next(n for n in range(4096) if slot_of(second + n) == slot_of(first))
    _, technique = compared(small(text.format(200 + more)), 400)
    assert read_statistics(technique).misses > 90
    assert slot_of(0xFFFF_FFFF) == SLOTS - 1


def test_a_jump_to_another_page_goes_through_the_hash_table() -> None:
    text = """
main:   mov ecx, 40
again:  jmp beyond
back:   loop again
after:  jmp after
align 4096, 0x90
beyond: inc edi
        jmp back
"""
    system, technique = compared(small(text), 500)
    assert system.guest_cpu.regs[EDI] == 40
    assert not unit_of(technique, small(text).symbols["again"]).exits


# -- giving up ---------------------------------------------------------------------------------


def test_a_guest_that_writes_its_own_code_runs_what_it_wrote(bench: Any) -> None:
    text = """
main:   mov ecx, 20
.l:     call sub
        inc byte [sub + 1]      ; MOV AL, imm8
        loop .l
after:  jmp after
sub:    mov al, 5
        add ebx, eax
        ret
"""
    system, _ = compared(small(text), 1000)
    assert system.guest_cpu.regs[EAX] & 0xFF == 24
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(3000)
    dropped = [e for e in bench.events if isinstance(e, Discarded) and e.why == "written"]
    assert {e.eip for e in dropped} == {bench.at("sub")}
    assert len(dropped) == 20 - 1 + 1


def test_an_instruction_may_change_the_very_next_one() -> None:
    text = "main: mov byte [there], 0x43\nthere: nop\n inc edi\nafter: jmp after"  # INC EBX
    before = "xor ebx, ebx\n"
    system, _ = compared(small(text.replace("main: ", f"main: {before}")), 200)
    assert system.guest_cpu.regs[EBX] == 1


def test_a_unit_that_was_joined_behind_another_can_be_given_up() -> None:
    text = """
main:   mov ecx, 6
.l:     dec ecx
        jz done
next:   mov eax, 1              ; elided behind JZ
        mov [next + 1], ecx
        jmp main.l
done:   jmp done
"""
    system, technique = compared(small(text), 400)
    assert system.guest_cpu.regs[EAX] == 2
    assert read_statistics(technique).discarded["written"] >= 5


def test_data_beside_code_costs_no_translation_but_becomes_a_callout() -> None:
    text = """
main:   mov ecx, 50
.l:     inc dword [count]
        loop .l
after:  jmp after
count:  dd 0
"""
    system, technique = compared(small(text), 1000)
    statistics = read_statistics(technique)
    assert statistics.adapted == 1
    assert set(statistics.discarded) == {"adapted", "hot"}  # that is, none was written to
    assert statistics.executed.trapped <= TOO_OFTEN + 2  # the prologue writes a descriptor
    assert system.vm.exits["#PF"] < 20 < system.vm.exits["callout"]
    unit = unit_of(technique, small(text).symbols["main.l"])
    assert [pair.kind for pair in unit.pairs] == [CALLOUT, CONTROL] or unit.pairs[0].kind == CALLOUT


def test_code_that_keeps_writing_a_traced_page_table_is_translated_to_a_callout() -> None:
    table = 0x300000
    text = f"""
main:   mov ecx, 50
.l:     mov eax, ecx
        shl eax, 12
        or eax, 3
        mov [{table} + ecx * 4], eax
        loop .l
after:  jmp after
"""
    system, technique = virtual(small(text))
    technique.shadow.kept.add(table >> 12)  # what a VMM does that watches the guest's tables
    technique.shadow.trace(table >> 12)
    system.run(2000)
    assert system.guest_cpu.regs[ECX] == 0
    assert system.vm.memory.read32(table + 4 * 17) == 17 << 12 | 3
    statistics = read_statistics(technique)
    assert statistics.adapted == 1 and statistics.executed.trapped <= TOO_OFTEN + 2
    writes = [
        pair.kind for unit in read_units(technique) for pair in unit.pairs
        if f"+ecx*4+{table:#x}" in pair.text or f"[ecx*4+{table:#x}]" in pair.text
    ]  # fmt: skip
    assert writes and set(writes) == {CALLOUT}


def test_code_in_a_frame_that_is_a_page_table_too_is_watched_as_long_as_it_is_translated() -> None:
    table, directory, second = 0x120000, 0x121000, 0x122000
    sub = 0x400800  # in the first table's frame, but mapped by the second one
    text = f"""
main:   mov edi, {table + 4 * 0x80}
        mov eax, 0x80003
        mov ecx, 0xB0
.l:     stosd
        add eax, 0x1000
        loop .l
        mov dword [{directory}], {table + 3}
        mov dword [{directory + 4}], {second + 3}
        mov dword [{second}], {table + 3}
        mov dword [{table + 0x800}], 0x00C305B0 ; MOV AL, 5; RET
        mov eax, {directory}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        call {sub}
        mov eax, {directory}
        mov cr3, eax                            ; the table need not be watched any longer
        mov byte [{sub + 1}], 7
        call {sub}
        movzx ebx, al
after:  jmp after
"""
    image = Image(small(text), "g", MEMORY)
    bare, system = build("bare-metal", image), build(TECHNIQUE, image, Options(memory=TRACED))
    assert Lockstep(bare, system).advance(2000) is None
    assert system.guest_cpu.regs[EBX] == 7
    assert system.digest() == bare.digest()


def test_a_jump_into_the_middle_of_an_instruction_is_another_instruction() -> None:
    text = """
main:   mov ecx, 3
.l:     mov eax, 0x90909043     ; 43h is INC EBX
        loop .in
after:  jmp after
.in:    jmp main.l + 1
"""
    text = text.replace(".in:", "main.in:").replace("loop .in", "loop main.in").replace(".l:", "main.l:")
    text = text.replace("main:   mov", "main: xor ebx, ebx\n mov")
    system, technique = compared(small(text), 300)
    assert system.guest_cpu.regs[EBX] == 2
    middle = small(text).symbols["main.l"] + 1
    assert unit_of(technique, middle).pairs[0].text == "inc ebx"


def test_code_that_runs_off_the_end_of_memory_faults_as_on_bare_metal() -> None:
    text = f"main: gate 6, caught\n gate 13, caught\n jmp {MEMORY - 3:#x}\ncaught: jmp caught"
    compared(small(text), 300)


def test_an_instruction_across_two_pages_is_carried_out_by_the_vmm() -> None:
    text = """
main:   mov ecx, 5
        jmp across
align 4096, 0x90
        times 4096 - 3 nop
across: mov eax, 0x12345678
        loop across
after:  jmp after
"""
    system, technique = compared(small(text), 200)
    assert system.guest_cpu.regs[EAX] == 0x12345678
    assert unit_of(technique, small(text).symbols["across"]).pairs[0].kind == CALLOUT


def test_code_that_is_mapped_elsewhere_is_translated_anew() -> None:
    text = """
main:   mov edi, table
        mov eax, 3
        mov ecx, 0x400
.map:   stosd
        add eax, 0x1000
        loop .map
        mov dword [directory], table + 3
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov dword [0x180000], 0xC3434343        ; INC EBX three times, RET
        mov dword [0x181000], 0xC3474747        ; INC EDI
        xor ebx, ebx
        xor edi, edi
        mov eax, 0x180000
        call eax
        mov dword [table + 0x180 * 4], 0x181003
        invlpg [0x180000]
        call eax
        mov dword [table + 0x180 * 4], 0x180003
        mov ecx, cr3
        mov cr3, ecx
        call eax
after:  jmp after
directory equ 0x200000
table equ 0x201000
"""
    system, technique = compared(small(text), 6000)
    assert (system.guest_cpu.regs[EBX], system.guest_cpu.regs[EDI]) == (6, 3)
    assert len([unit for unit in read_units(technique) if unit.eip == 0x180000]) == 2


def test_a_full_cache_is_emptied_and_filled_again() -> None:
    program = guests.program("lecture_bt")
    bare = build("bare-metal", Image(program, "g", MEMORY))
    system, technique = virtual(program)
    cache = technique.cache
    cache.end = cache.stubs = cache.start + ROOM + 200
    assert Lockstep(bare, system).advance(40_000) is None
    assert bare.outcome is not None and system.outcome == bare.outcome
    assert system.digest() == bare.digest()
    assert read_statistics(technique).discarded["full"] > 10


# -- read-outs ---------------------------------------------------------------------------------


def test_the_counts_add_up() -> None:
    program = guests.program("lecture_bt")
    system, technique = virtual(program)
    system.run(3000)
    early = read_statistics(technique).executed
    system.run(100_000)
    statistics = read_statistics(technique)
    executed = statistics.executed
    delivered = system.vm.injections
    assert executed.total + delivered == system.guest_steps
    assert executed.since(early).total + early.total == executed.total
    assert executed.calls >= statistics.lookups
    assert statistics.units == statistics.translated - sum(statistics.discarded.values())
    assert 1 < statistics.expansion < 4
    assert 0.98 < statistics.hit_rate < 1
    assert isinstance(executed, Executed)


def test_the_routines_of_the_translator_can_be_read() -> None:
    _, technique = virtual(guests.program("hlt"))
    routines = {routine.name: routine for routine in read_routines(technique.cache)}
    assert list(routines) == ["lookup", "lookup_retired", "pad"]
    assert routines["lookup"].cache[-1].text == "jmp dword [gs:target]"
    assert routines["lookup"].cache[-1].counts
    assert not routines["lookup_retired"].cache[-1].counts


def test_the_place_in_the_cache_is_told_while_the_kernel_runs_there(bench: Any) -> None:
    system = bench.virtual("start: nop\n nop\n jmp start", technique=TECHNIQUE)
    technique = system.vmm.guests[0].cpu
    assert read_place(technique) is None
    system.run(20)
    place = read_place(technique)
    assert place is not None and place.address == system.machine.cpu.eip
    assert place.eip == system.guest_cpu.eip
    assert place.unit in {unit.address for unit in read_units(technique)}


def test_translation_happens_on_demand_only(bench: Any) -> None:
    text = "main: xor ecx, ecx\n jecxz there\nnever: cli\n hlt\nthere: jmp there"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(400)
    made = [e.eip for e in bench.events if isinstance(e, Translated)]
    assert bench.at("never") not in made and bench.at("there") in made
    assert system.guest_cpu.regs[ECX] == 0
