"""The programs of the lab "Walks": small streams of accesses, named."""

from __future__ import annotations

from collections.abc import Callable

from .walk_cases import address
from .walk_tour import Journey

Stream = Callable[[Journey, str, str], object]
"""Makes accesses: of an address of this kind, by this kind of access (read, write or fetch)."""

ARRAY = 12  # elements
STRIDE = 0x400  # bytes from one to the next: four to a small page
NODES = (3, 0, 5, 2, 4, 1)  # the order of a linked list in memory
NODE_STRIDE = 0x20_0000 + 0x1000 + 0x40  # nodes lie in pages of their own, small or large


def one(journey: Journey, case: str, how: str) -> object:
    """The chosen address, once."""
    gva = address(journey.machine, case)
    return journey.access(0, gva, write=how == "write", fetch=how == "fetch")


def twice(journey: Journey, case: str, how: str) -> object:
    """The chosen address, and again."""
    one(journey, case, how)
    return one(journey, case, how)


def array(journey: Journey, case: str, how: str) -> object:
    """The elements of an array, one after the other."""
    machine = journey.machine
    start = machine.page(16)
    for number in range(ARRAY):
        gva = start + number * STRIDE
        machine.map(gva)
        journey.access(0, gva, write=how == "write", fetch=how == "fetch")
    return None


def chain(journey: Journey, case: str, how: str) -> object:
    """A linked list, followed twice."""
    machine = journey.machine
    start = machine.page(16)
    for number in NODES * 2:
        gva = start + number * NODE_STRIDE
        machine.map(gva)
        journey.access(0, gva, write=how == "write", fetch=how == "fetch")
    return None


def turns(journey: Journey, case: str, how: str) -> object:
    """Two machines take turns of three accesses to a few pages each."""
    for turn in range(6):
        machine = journey.machines[turn % 2]
        for number in range(3):
            gva = machine.page(16 + number) + 8 * turn
            machine.map(gva)
            journey.access(turn % 2, gva, write=how == "write", fetch=how == "fetch")
    return None


STREAMS: dict[str, Stream] = {
    "one": one,
    "twice": twice,
    "array": array,
    "chain": chain,
    "turns": turns,
}
