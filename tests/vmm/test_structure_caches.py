"""Walk cache and nested TLB in the processor: fewer references, the same guest, lawful staleness."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import Image, Options, System, build
from ringside.trace.counters import Tally
from ringside.trace.timeline import Timeline

NONE, WALK, NESTED, BOTH = (0, 0), (8, 0), (0, 16), (8, 16)
PLACES = [
    ("bare-metal", ""), ("trap-and-emulate", "shadow"), ("binary-translation", "traced"),
    ("hardware-assist", "nested"), ("hardware-assist", "untagged"), ("hardware-assist", "shadow"),
]  # fmt: skip


def system(technique: str, memory: str, caches: tuple[int, int], guest: str = "nanos") -> System:
    image = Image(guests.program(guest), guest, 8 << 20)
    return build(
        technique, image, Options(memory=memory, walk_cache=caches[0], nested_tlb=caches[1])
    )


def walked(made: System, steps: int = 12_000) -> tuple[int, int]:
    """Walks and references of a run."""
    tally = Tally()
    made.listener = tally
    made.run(steps)
    found = {int(name): count for (kind, name), count in tally.counts.items() if kind == "walk"}
    return sum(found.values()), sum(refs * count for refs, count in found.items())


@pytest.mark.parametrize(("technique", "memory"), PLACES)
def test_a_guest_is_the_same_on_a_processor_that_has_them(technique: str, memory: str) -> None:
    plain, cached = system(technique, memory, NONE), system(technique, memory, BOTH)
    walks, references = walked(plain)
    shorter = walked(cached)
    assert shorter[0] == walks and shorter[1] < references
    assert cached.guest_steps == plain.guest_steps and cached.console == plain.console
    assert cached.digest() == plain.digest()


def test_each_feature_saves_its_own_references_and_both_together_most() -> None:
    found = {
        caches: walked(system("hardware-assist", "nested", caches))
        for caches in (NONE, WALK, NESTED, BOTH)
    }
    walks = {count for count, _ in found.values()}
    assert len(walks) == 1
    most = 14 * walks.pop()  # two levels over four: 3 * 5 - 1; 4 before the guest pages
    assert most - 20 < found[NONE][1] <= most
    assert found[BOTH][1] < found[NESTED][1] < found[WALK][1] < found[NONE][1]


def test_without_vpids_the_tlb_is_empty_after_each_exit_and_nothing_else_changes() -> None:
    tagged, untagged = (system("hardware-assist", name, NONE) for name in ("nested", "untagged"))
    assert walked(untagged)[0] > 2 * walked(tagged)[0]
    assert untagged.digest() == tagged.digest()


MOVED = """bits 32
org 0x100000
%include "pc.inc"
main:   mov dword [0x380000], 1
        mov dword [0x381000], 2
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        mov eax, [0x1000000]            ; the table of page 0x1000 is known now
        mov dword [page_directory + 16], second + 3
        mov ebx, [0x1001000]            ; another page of the same table: not in the TLB
        {flush}
        mov ecx, [0x1002000]
        mov al, 0
        out 0xF4, al
align 4096
page_directory: dd page_table + 3, 0, 0, 0, first + 3
        times 1019 dd 0
page_table:
%rep 1024
        dd ($ - page_table) * 1024 + 3
%endrep
first:  times 1024 dd 0x380003
second: times 1024 dd 0x381003
"""


@pytest.mark.parametrize("flush", ["invlpg [0x5000]", "mov eax, cr3\n mov cr3, eax"])
@pytest.mark.parametrize(("technique", "memory"), [("bare-metal", ""), ("hardware-assist", "nested")])
def test_a_changed_directory_entry_may_stay_in_use_until_any_page_is_flushed(
    technique: str, memory: str, flush: str
) -> None:
    """SDM vol. 3A, 4.10.3 and 4.10.4.1: INVLPG drops what is cached of the upper levels for every
    address."""
    program = guests.assemble_text(MOVED.format(flush=flush))
    seen = []
    for caches in (NONE, WALK):
        options = Options(memory=memory, walk_cache=caches[0])
        made = build(technique, Image(program, "g", 8 << 20), options)
        made.run(100_000)
        assert made.outcome is not None
        regs = made.guest_cpu.regs
        seen.append((regs[3], regs[1]))
    assert seen == [(2, 2), (1, 2)]


def test_time_travel_finds_the_caches_as_they_were() -> None:
    made = system("hardware-assist", "nested", BOTH)
    timeline = Timeline(made)
    timeline.seek(4_000)
    structures = made.machine.tlb.structures
    assert structures is not None and structures.saved > 50
    timeline.seek(3_000)
    there = (dict(structures.walks), dict(structures.frames), structures.saved, made.digest())
    timeline.seek(3_900)
    timeline.seek(3_000)
    assert (structures.walks, structures.frames, structures.saved, made.digest()) == there
