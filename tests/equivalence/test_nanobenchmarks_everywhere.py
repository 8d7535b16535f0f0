"""The nanobenchmarks under every technique and memory technique: the same at every guest step."""

from __future__ import annotations

from functools import cache

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, MEMORIES, UNMODIFIED, Image, Options, System, build
from ringside.isa.assembler import Program
from ringside.vmm.lockstep import EVERY_STEP, Lockstep

NAMES = [guest.id for guest in guests.NANO]
VIRTUAL = [(technique, memory) for technique in UNMODIFIED for memory in MEMORIES[technique]]


def system(guest: str, technique: str, memory: str = "") -> System:
    image = Image(program(guest), guest, 4 << 20)
    return build(technique, image, Options(memory=memory))


@cache
def program(guest: str) -> Program:
    return guests.program(guest)


@cache
def alone(guest: str) -> System:
    bare = system(guest, BARE_METAL)
    bare.run(100_000)
    return bare


@pytest.mark.parametrize("guest", NAMES)
@pytest.mark.parametrize(("technique", "memory"), VIRTUAL)
def test_it_is_the_same_under_every_technique(guest: str, technique: str, memory: str) -> None:
    virtual = system(guest, technique, memory)
    assert Lockstep(system(guest, BARE_METAL), virtual, closely=EVERY_STEP).advance(2_000) is None
    assert virtual.outcome == alone(guest).outcome
    assert virtual.console == alone(guest).console
    assert virtual.guest_steps == alone(guest).guest_steps
    assert virtual.digest() == alone(guest).digest()
