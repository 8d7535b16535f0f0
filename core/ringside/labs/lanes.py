"""Setting up a comparison: which techniques can run a guest, and a lane for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from ..guests import PARAVIRTUAL, disk, program
from ..guests.porting import PORTED
from ..isa.assembler import Program
from ..isa.faults import NotModelled
from ..measure.comparison import Comparison, Lane
from ..trace.cost import ASSISTED_SHADOW
from ..vmm.registry import NESTED, SHADOW
from .systems import BUILDERS, CHARGES, DEFINES, MEMORIES, Image, Options, System, build, work
from .views import Reader, reader_of

MEMORY = 8 << 20
Assembled = Callable[[dict[str, int]], Program | bytes]
"""Makes the guest with the defines of a technique."""
_ONLY_PORTED = frozenset(guest.id for guest in PARAVIRTUAL)
_PORTED = _ONLY_PORTED.union(PORTED)


def techniques_for(guest: str) -> tuple[str, ...]:
    """The techniques that can run a guest of the shelf, bare metal first where it can."""
    return tuple(
        id for id in BUILDERS
        if (guest in _PORTED if DEFINES[id] else guest not in _ONLY_PORTED)
    )


def compare_guest(guest: str, techniques: Sequence[str], *, ept: bool = True) -> Comparison:
    """A guest of the shelf under several techniques."""
    return compare(
        guest, lambda defines: program(guest, defines), techniques, disk(guest), ept=ept)


def compare(
    name: str, assembled: Assembled, techniques: Sequence[str],
    image: bytes | None = None, *, ept: bool = True, refused: dict[str, str] | None = None,
) -> Comparison:
    """A program under several techniques; the first one is what the others are held against.

    On a processor without ``ept`` nobody pages in two dimensions: shadow tables stand in. With
    ``refused`` given, techniques that cannot run the program are left out and say there why not;
    else ``NotModelled`` is raised.
    """
    lanes, made = [], {}
    for id in techniques:
        version = tuple(DEFINES[id])
        if version not in made:
            made[version] = Image(assembled(DEFINES[id]), name, MEMORY, disk=image)
        plain = not ept and NESTED in MEMORIES.get(id, ())
        try:
            system = build(id, made[version], Options(memory=SHADOW if plain else ""))
        except NotModelled as why:
            if refused is None:
                raise
            refused[id] = str(why)
            continue
        charges = ASSISTED_SHADOW if plain else CHARGES[id]
        same = DEFINES[id] == DEFINES[techniques[0]]
        lanes.append(Lane(id, system, charges, partial(work, system), compared=same))
    return Comparison(lanes)


def reader(lane: Lane) -> Reader:
    """How to look at a lane's system."""
    return reader_of(cast(System, lane.system))


def find_guest(what: str) -> tuple[Assembled, bytes | None]:
    """A guest of the shelf or a file, and its disk; raises ``BatchError`` if there is neither."""
    from .batch import find

    def assembled(defines: dict[str, int]) -> Program | bytes:
        return find(what, None, None, defines)[1]

    return assembled, find(what, None, None, {})[2]
