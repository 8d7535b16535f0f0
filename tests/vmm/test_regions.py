"""Hot code is translated again as regions, in which jumps are copies; the guest cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
from ringside import guests
from ringside.host.systems import BareMetal, Image, Virtualized, build
from ringside.isa.assembler import Program, assemble
from ringside.isa.registers import EBX, EDI, ESI
from ringside.trace.events import Translated
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.lockstep import Lockstep
from ringside.vmm.translation import hot
from ringside.vmm.translation.cache import ROOM
from ringside.vmm.translation.hot import HOT, is_direct_jump
from ringside.vmm.translation.readout import (
    Pair,
    UnitPicture,
    read_executed,
    read_statistics,
    read_units,
)
from ringside.vmm.translation.unit import CALLOUT, CONTROL, IDENT

TECHNIQUE = "binary-translation"
MEMORY = 4 << 20
VISIT = " in al, 0x21\n"  # so that the VMM looks at its counters


def small(text: str) -> Program:
    return assemble('bits 32\norg 0x100000\n%include "pc.inc"\n' + text, include=guests.include)


def compared(text: str, steps: int = 4000) -> tuple[Virtualized, BinaryTranslation, Program]:
    """Run next to bare metal, equal after every guest step and in the end."""
    program = small(text)
    image = Image(program, "g", MEMORY)
    bare, system = build("bare-metal", image), build(TECHNIQUE, image)
    assert isinstance(bare, BareMetal) and isinstance(system, Virtualized)
    assert Lockstep(bare, system).advance(steps) is None
    assert system.digest() == bare.digest()
    return system, translator(system), program


def translator(system: Virtualized) -> BinaryTranslation:
    technique = system.vmm.guests[0].cpu
    assert isinstance(technique, BinaryTranslation)
    return technique


def region_with(technique: BinaryTranslation, eip: int) -> UnitPicture:
    (region,) = [
        unit for unit in read_units(technique)
        if unit.region and any(pair.eip == eip for pair in unit.pairs)
    ]  # fmt: skip
    return region


def pair_at(region: UnitPicture, eip: int) -> Pair:
    return next(pair for pair in region.pairs if pair.eip == eip)


def jumps(region: UnitPicture) -> list[Pair]:
    return [pair for pair in region.pairs if is_direct_jump(pair)]


# -- what is copied ------------------------------------------------------------------------------


def test_jumps_within_a_hot_loop_become_identical_copies() -> None:
    text = f"""
main:   mov ecx, 40
.l:     test ecx, 1
        jz .even
        inc edi
        jmp .on
.even:  inc ebx
.on:    {VISIT}
        loop .l
after:  jmp after
"""
    _, technique, program = compared(text)
    region = region_with(technique, program.symbols["main.l"])
    assert [pair.kind for pair in jumps(region)][:3] == [IDENT] * 3
    for pair in jumps(region)[:3]:
        assert [written.code for written in pair.cache] == [pair.code]
        assert pair.cache[0].counts


def test_a_call_that_a_jump_leads_across_keeps_its_length_and_its_return_address() -> None:
    text = f"""
main:   mov ecx, 40
.l:     test ecx, 1
        jz .even
        call sub
.back:  inc ebx
.even:  {VISIT}
        loop .l
after:  jmp after
sub:    mov eax, [esp]
        ret
"""
    system, technique, program = compared(text)
    region = region_with(technique, program.symbols["main.l"])
    call = pair_at(region, program.symbols["main.back"] - 5)
    assert call.kind == CONTROL
    jmp, push, on = call.cache
    assert (len(jmp.code), push.text) == (5, f"push {program.symbols['main.back']:#x}")
    assert on.text.startswith("jmp 0x") and push.address > region.pairs[-1].cache[-1].address
    assert [pair.kind for pair in jumps(region)][:2] == [IDENT, IDENT]
    assert system.vm.exits["callout"] < 60  # the VISITs, and chaining


def test_a_callout_of_one_byte_is_an_int3_and_counts_as_any_other() -> None:
    text = "main: mov ecx, 40\n mov edx, 0x21\n.l: in al, dx\n inc ebx\n loop .l\nafter: jmp after"
    system, technique, program = compared(text)
    region = region_with(technique, program.symbols["main.l"])
    (short,) = pair_at(region, program.symbols["main.l"]).cache
    assert short.code == b"\xcc" and pair_at(region, program.symbols["main.l"]).kind == CALLOUT
    assert jumps(region)[0].kind == IDENT
    assert "#BP" not in system.vm.exits
    assert read_executed(technique).callouts >= 40


@pytest.mark.parametrize("many", [3, 12])
def test_what_cannot_keep_its_length_makes_jumps_across_it_branches(many: int) -> None:
    text = f"main: mov ecx, 40\n.l: {VISIT}" + " cli\n" * many + " loop .l\nafter: jmp after"
    _, technique, program = compared(text)
    before = read_executed(technique).branches
    region = region_with(technique, program.symbols["main.l"])
    loop = next(pair for pair in region.pairs if pair.text.startswith("loop"))
    assert loop.kind == CONTROL and before >= 38
    assert len(loop.cache) == (1 if many == 3 else 3)  # farther than a byte reaches: by two jumps
    within = [way for way in region.exits if way.eip == program.symbols["main.l"]]
    assert [way.target for way in within] == [region.pairs[1].cache[0].address]


@pytest.mark.parametrize("jump", ["jnz {to}", "jmp {to}", "jecxz {to}", "loopnz {to}"])
@pytest.mark.parametrize("middle", ["", " cli\n" * 14, " nop\n" * 60, " popf\n" * 3])
def test_every_kind_of_jump_is_right_across_anything(jump: str, middle: str) -> None:
    if "popf" in middle:
        middle = " pushf\n" * 3 + middle
    text = f"""
main:   mov esi, 30
.l:     mov ecx, esi
        and ecx, 1
        inc ecx
        dec ecx
        {jump.format(to=".over")}
        {middle}
.over:  {VISIT}
        dec esi
        jnz .l
after:  jmp after
"""
    _, technique, _ = compared(text, 6000)
    assert read_statistics(technique).regions


def test_sti_before_the_target_of_a_jump_is_left_to_the_vmm() -> None:
    text = "main: mov ecx, 40\n sti\n.l: inc ebx\n in al, 0x21\n loop .l\n jmp main"
    _, technique, program = compared(text, 3000)
    region = region_with(technique, program.symbols["main"])
    assert pair_at(region, program.symbols["main.l"] - 1).kind == CALLOUT


# -- taking the units' place -----------------------------------------------------------------------


def test_jumps_and_lookups_lead_to_the_region_without_asking_the_vmm_again() -> None:
    text = """
main:   mov esi, 400
.again: mov ecx, 2
.l:     inc ebx
        call sub
        loop .l
        cmp esi, 370
        jb .later
        in al, 0x21
.later: dec esi
        jnz .again
after:  jmp after
sub:    test ebx, 1
        jz .out
        inc edi
.out:   ret
"""
    program = small(text)
    system = build(TECHNIQUE, Image(program, "g", MEMORY))
    assert isinstance(system, Virtualized)
    technique = translator(system)
    while not 0 < system.guest_cpu.regs[ESI] <= 360:
        system.run(50)
    exits, lookups = sum(system.vm.exits.values()), read_statistics(technique).lookups
    system.run(1500)
    assert sum(system.vm.exits.values()) == exits
    assert read_statistics(technique).lookups > lookups + 50
    kept = [unit for unit in read_units(technique) if unit.region]
    assert kept and all(
        not other.region for other in read_units(technique) for region in kept
        if region.eip < other.eip < region.eip + sum(len(p.code) for p in region.pairs)
    )


def test_the_event_says_how_many_units_a_region_replaces(bench: Any) -> None:
    text = "main: mov ecx, 40\n.l: inc ebx\n in al, 0x21\n test bl, 1\n jz .n\n nop\n.n: loop .l\nafter: jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(2000)
    (first, *_) = [e for e in bench.events if isinstance(e, Translated) and e.replaced]
    assert first.eip <= bench.at("main.l") and first.replaced >= 2 and first.count >= 6


def test_a_unit_is_hot_when_it_has_run_so_often_and_not_before() -> None:
    text = "main: mov ecx, {n}\n.l: inc ebx\n in al, 0x21\n loop .l\n cli\nafter: hlt"
    regions = [
        compared(text.format(n=n), 300)[1].counts.get("regions", 0) for n in (HOT - 2, HOT + 2)
    ]
    assert regions == [0, 1]


# -- giving up -----------------------------------------------------------------------------------


def test_a_guest_that_keeps_writing_to_its_hot_code_gets_no_regions_any_more() -> None:
    text = f"""
main:   xor ebx, ebx
        mov esi, 40
.again: mov ecx, {HOT + 4}
.l:     in al, 0x21
.here:  add ebx, 1
        loop .l
        inc byte [.here + 2]
        dec esi
        jnz .again
after:  jmp after
"""
    system, technique, _ = compared(text, 8000)
    assert system.guest_cpu.regs[EBX] == sum((HOT + 4) * n for n in range(1, 41))
    assert 1 <= read_statistics(technique).regions <= 3


def test_a_region_is_made_again_at_once_when_an_instruction_is_adapted() -> None:
    text = """
main:   mov ecx, 60
.l:     in al, 0x21
        cmp ecx, 40
        ja .n
        inc dword [.count]
.n:     loop .l
after:  jmp after
.count: dd 0
"""
    _, technique, program = compared(text.replace(".count", "main.count"), 4000)
    statistics = read_statistics(technique)
    assert statistics.adapted == 1 and statistics.regions >= 2
    region = region_with(technique, program.symbols["main.l"])
    write = next(pair for pair in region.pairs if pair.text.startswith("inc dword"))
    assert write.kind == CALLOUT and len(write.code) == 6
    assert [pair.kind for pair in jumps(region)][:2] == [IDENT, IDENT]


def test_a_cache_without_room_for_regions_does_without() -> None:
    text = f"main: mov ecx, 60\n.l: {VISIT}" + " cli\n sti\n" * 40 + " loop .l\nafter: jmp after"
    program = small(text)
    image = Image(program, "g", MEMORY)
    bare, system = build("bare-metal", image), build(TECHNIQUE, image)
    assert isinstance(system, Virtualized)
    cache = translator(system).cache
    cache.end = cache.stubs = cache.start + ROOM + 600
    assert Lockstep(bare, system).advance(8000) is None
    assert system.digest() == bare.digest()
    assert read_statistics(translator(system)).regions == 0


# -- stopping and going back ---------------------------------------------------------------------

STOPPED = f"""
main:   mov ecx, 60
.l:     {VISIT}
        test ecx, 1
        jz .n
.odd:   inc edi
.n:     loop .l
after:  jmp after
"""


def test_a_breakpoint_inside_a_region_stops_there_every_time() -> None:
    program = small(STOPPED)
    system = build(TECHNIQUE, Image(program, "g", MEMORY))
    system.breakpoints = frozenset({program.symbols["main.odd"]})
    assert isinstance(system, Virtualized)
    seen = set()
    while system.run(2000) == "breakpoint":
        assert system.guest_cpu.eip == program.symbols["main.odd"]
        seen.add(system.guest_cpu.regs[EDI])
    assert seen == set(range(30))
    assert read_statistics(translator(system)).regions


def test_a_run_with_regions_can_be_stepped_and_frozen_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot, "HOT", 2)
    program = small(STOPPED)
    whole, parts = (build(TECHNIQUE, Image(program, "g", MEMORY)) for _ in range(2))
    whole.run(600)
    while parts.steps < 600:
        picture = parts.freeze()
        parts.run(7)
        parts.thaw(picture)
        parts.run(min(3, 600 - parts.steps))
    assert isinstance(whole, Virtualized) and isinstance(parts, Virtualized)
    assert whole.machine.digest() == parts.machine.digest()
    assert read_statistics(translator(whole)) == read_statistics(translator(parts))
    assert read_statistics(translator(whole)).regions


def test_a_real_interrupt_may_come_between_any_two_instructions_of_a_region() -> None:
    text = """
main:   gate 0x20, tick
        mov eax, {period}
        call timer_start
        sti
        mov esi, 60
.again: mov ecx, 3
.l:     test ecx, 1
        jz .n
        call sub
        cli
        inc edi
        sti
        jc .n
        inc ebx
.n:     loop .l
        dec esi
        jnz .again
        mov al, 0
        out 0xF4, al
sub:    test edi, 1
        jz .out
        inc ebx
.out:   ret
tick:   push eax
        add edx, edi
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
"""
    for period in range(23, 60, 3):
        _, technique, _ = compared(text.format(period=period), 6000)
        assert read_statistics(technique).regions
