"""Setting up a comparison: which techniques can run a guest, and a lane for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from ..guests import HOSTILE, PARAVIRTUAL, disk, program
from ..guests.porting import PORTED
from ..host.systems import (
    BUILDERS,
    DEFINES,
    ISAS,
    MEMORIES,
    Image,
    Options,
    System,
    build,
    charges_of,
    memory_on,
    work,
)
from ..isa.assembler import Program
from ..isa.faults import NotModelled
from ..measure.comparison import Comparison, Lane
from ..vmm.registry import IA32, NESTED, UNTAGGED
from .views import Reader, reader_of

MEMORY = 8 << 20
Assembled = Callable[[dict[str, int]], Program | bytes]
"""Makes the guest with the defines of a technique."""
_ONLY_PORTED = frozenset(guest.id for guest in PARAVIRTUAL)
_PORTED = _ONLY_PORTED.union(PORTED, (guest.id for guest in HOSTILE))
NO_EPT = frozenset({NESTED, UNTAGGED})  # what a processor without EPT cannot offer


@dataclass(frozen=True, slots=True)
class Way:
    """A technique, and how it pages or on which instruction set, where that was said."""

    technique: str
    memory: str = ""
    isa: str = IA32

    @classmethod
    def of(cls, text: str) -> Way:
        """``technique`` or ``technique/variant``; raises ValueError naming what there is."""
        technique, slash, variant = text.partition("/")
        if technique not in BUILDERS:
            raise ValueError(
                f"there is no technique {technique!r}; choose among: {', '.join(BUILDERS)}")
        if not slash:
            return cls(technique)
        if variant in MEMORIES.get(technique, ()):
            return cls(technique, memory=variant)
        if variant in ISAS.get(technique, ()):
            return cls(technique, isa=variant)
        known = variants(technique)
        raise ValueError(
            f"{technique} has no variant {variant!r}; "
            + (f"choose among: {', '.join(known)}" if known else f"say {technique} alone"))


def variants(technique: str) -> tuple[str, ...]:
    """A technique's variants as they are written, where there is more than one of a kind."""
    return tuple(
        f"{technique}/{name}"
        for offered in (MEMORIES.get(technique, ()), ISAS.get(technique, ()))
        if len(offered) > 1 for name in offered)


def techniques_for(guest: str) -> tuple[str, ...]:
    """The techniques that can run a guest of the shelf, bare metal first where it can."""
    return tuple(
        id for id in BUILDERS
        if (guest in _PORTED if DEFINES[id] else guest not in _ONLY_PORTED)
    )


def compare_guest(guest: str, lanes: Sequence[str], *, ept: bool = True) -> Comparison:
    """A guest of the shelf under several techniques."""
    return compare(
        guest, lambda defines: program(guest, defines), lanes, disk(guest), ept=ept)


def compare(
    name: str, assembled: Assembled, lanes: Sequence[str],
    image: bytes | None = None, *, ept: bool = True, refused: dict[str, str] | None = None,
) -> Comparison:
    """A program under several techniques, or variants of them (see :class:`Way`); the first one is
    what the others are held against.

    On a processor without ``ept`` nobody pages in two dimensions: shadow tables stand in where
    nothing else was asked for. With ``refused`` given, techniques that cannot run the program are
    left out and say there why not; else ``NotModelled`` is raised.
    """
    ways = {id: Way.of(id) for id in lanes}
    defines = {id: DEFINES[way.technique] for id, way in ways.items()}
    found, made = [], {}
    for id, way in ways.items():
        version = tuple(defines[id])
        if version not in made:
            made[version] = Image(assembled(defines[id]), name, MEMORY, disk=image)
        memory = way.memory or memory_on(way.technique, ept)
        try:
            system = build(way.technique, made[version], Options(memory=memory, isa=way.isa))
        except NotModelled as why:
            if refused is None:
                raise
            refused[id] = str(why)
            continue
        usual = MEMORIES.get(way.technique, ("",))[0]
        found.append(Lane(
            id, system, charges_of(way.technique, memory), partial(work, system),
            compared=defines[id] == defines[lanes[0]], technique=way.technique,
            memory=memory or usual))
    return Comparison(found)


def reader(lane: Lane) -> Reader:
    """How to look at a lane's system."""
    return reader_of(cast(System, lane.system))


def find_guest(what: str) -> tuple[Assembled, bytes | None]:
    """A guest of the shelf or a file, and its disk; raises ``BatchError`` if there is neither."""
    from .batch import find

    def assembled(defines: dict[str, int]) -> Program | bytes:
        return find(what, None, None, defines)[1]

    return assembled, find(what, None, None, {})[2]
