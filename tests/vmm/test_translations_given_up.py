"""Translations given up while others, written over their last jump, go on being used."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import BareMetal, Image, Options, Virtualized, build
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.registry import CACHED, TRACED
from ringside.vmm.translation.readout import read_statistics

MEMORY = 4 << 20
WHOLE = 4000  # steps: more than any of the runs has

# The loop's first unit writes beside the code, so it is given up and made anew; the unit behind
# its JE, written over the jump to it, stays.
DATA_BESIDE_CODE = """
main:   mov ecx, 30
.loop:  inc dword [.count]
        cmp ecx, 99
        je .never
        inc edi
        add esi, edi
        loop .loop
        mov al, 0
        out 0xF4, al
.never: jmp .loop
.count: dd 0
"""

# The unit behind the JA begins with a jump of its own, and is written over at the end.
JUMP_BEHIND_JUMP = """
main:   mov ecx, 30
.loop:  inc dword [.count]
        cmp ecx, 99
        ja .never
.equal: je .never
        inc edi
        cmp ecx, 9
        jne .next
        xor byte [.equal], 1            ; JNE
        xor byte [.equal], 1
.next:  loop .loop
        mov al, 0
        out 0xF4, al
.never: jmp .loop
.count: dd 0
"""


def image(text: str, name: str) -> Image:
    program = guests.assemble_text(f'bits 32\norg 0x100000\n%include "pc.inc"\n{text}')
    return Image(program, name, MEMORY)


def two(text: str, time_slice: int, memory: str = "") -> Virtualized:
    options = Options(policy=RoundRobin(time_slice), memory=memory)
    system = build("binary-translation", [image(text, "a"), image(text, "b")], options)
    assert isinstance(system, Virtualized)
    return system


def ends_as_on_bare_metal(system: Virtualized, text: str) -> bool:
    bare = build("bare-metal", image(text, "a"))
    assert isinstance(bare, BareMetal)
    bare.run(WHOLE)
    assert str(bare.outcome) == "exit 1"
    end = (str(bare.outcome), bare.time, bare.digest())
    return all((str(vm.outcome), vm.now, vm.digest()) == end for vm in system.vms)


@pytest.mark.parametrize("text", [DATA_BESIDE_CODE, JUMP_BEHIND_JUMP], ids=["data", "jump"])
@pytest.mark.parametrize(
    ("time_slice", "memory"),
    [(1, ""), (3, ""), (7, ""), (11, ""), (20_000, ""), (7, TRACED), (7, CACHED)],
)
def test_a_world_switch_may_come_wherever_a_translation_was_given_up(
    text: str, time_slice: int, memory: str
) -> None:
    system = two(text, time_slice, memory)
    system.run(WHOLE)
    assert ends_as_on_bare_metal(system, text)


@pytest.mark.parametrize("text", [DATA_BESIDE_CODE, JUMP_BEHIND_JUMP], ids=["data", "jump"])
def test_the_guests_place_is_known_at_every_step_although_translations_are_given_up(
    text: str,
) -> None:
    system = two(text, 20_000)
    while system.outcome is None:
        system.step()  # and look where the guest is
    assert ends_as_on_bare_metal(system, text)
    statistics = [read_statistics(cpu) for cpu in techniques(system)]
    assert all(s.elided and sum(s.discarded.values()) for s in statistics)


@pytest.mark.parametrize("text", [DATA_BESIDE_CODE, JUMP_BEHIND_JUMP], ids=["data", "jump"])
def test_a_system_thawed_after_translations_were_given_up_goes_on_as_it_did(text: str) -> None:
    system = two(text, 7)
    while system.outcome is None:
        picture = system.freeze()
        system.run(40)
        system.thaw(picture)
        system.run(23)
    assert ends_as_on_bare_metal(system, text)


def test_each_jump_of_the_cache_belongs_to_one_unit() -> None:
    system = two(JUMP_BEHIND_JUMP, 20_000)
    while system.outcome is None:
        system.run(5)
        for technique in techniques(system):
            cache = technique.cache
            jumps = [way.jump for unit in cache.units.values() for way in unit.ways]
            assert len(jumps) == len(set(jumps)) == len(cache.ways)
            assert all(unit.address in cache.spots for unit in cache.units.values())


def techniques(system: Virtualized) -> list[BinaryTranslation]:
    found = [guest.cpu for guest in system.vmm.guests]
    assert all(isinstance(cpu, BinaryTranslation) for cpu in found)
    return [cpu for cpu in found if isinstance(cpu, BinaryTranslation)]
