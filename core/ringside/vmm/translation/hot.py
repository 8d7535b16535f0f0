"""Hot code: which of it is translated again as a region, and how the region takes its units' place.

A unit is hot when it has run ``HOT`` times. The processor's counters tell, and the VMM looks at
them whenever it is about to enter translated code. A region goes on behind a hot unit as far as
the function does; it takes in the code before it too, where a loop leads back there or where hot
code falls through into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ringside.isa.decode import Truncated, decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Rel
from ringside.vmm.translation.cache import ROOM, TranslationCache
from ringside.vmm.translation.region import NO_WAY_ON, Layout, Step, read_steps
from ringside.vmm.translation.unit import IDENT, Line, Unit

HOT = 8  # runs of a unit


class HasCode(Protocol):
    """A guest instruction."""

    @property
    def code(self) -> bytes:
        """Its bytes."""


@dataclass(frozen=True, slots=True)
class Remade:
    """A new region, and how many units it has replaced."""

    unit: Unit
    replaced: int


def remake_hot(
    cache: TranslationCache, page_of: Callable[[int], bytes | None]
) -> Iterator[Remade]:
    """Replace what is hot by regions; ``page_of`` gives what is in a guest frame."""
    for unit in _hot_units(cache):
        taken_in = cache.units.get(unit.key) is not unit and not unit.region
        page = None if taken_in else page_of(unit.key.gfn)
        made = None if page is None else _remake(cache, unit, page)
        if made is not None:
            yield made


def _hot_units(cache: TranslationCache) -> list[Unit]:
    """Units that have become hot and may be worth a region, in the order of their making; before
    them the regions that were given up only to be made anew."""
    tally, lost = cache.cpu.tally, cache.lost
    if lost:
        cache.lost = []
    return lost + [
        unit for unit in cache.units.values()
        if tally[unit.counter] >= HOT and not unit.region and unit.address not in cache.settled
    ]  # fmt: skip


def _remake(cache: TranslationCache, seed: Unit, page: bytes) -> Remade | None:
    """Replace a hot unit and its neighbours by a region; ``page`` is the guest's page around it.

    None if that cannot be done, or if no jump would become an identical copy by it.
    """
    made = _made(cache, seed, page)
    if made is None and not seed.region:
        cache.settled.add(seed.address)
    return made


def _made(cache: TranslationCache, seed: Unit, page: bytes) -> Remade | None:
    steps = _around(cache, seed, page)
    if not _covers(steps, seed):
        return None
    key = seed.key._replace(eip=steps[0].eip)
    gpa = seed.gpa + steps[0].eip - seed.key.eip
    slot = cache.take_slot()
    written = Layout.of(key, gpa, steps).write(
        cache.next, cache.stubs, cache.counters, cache.routines, slot, _counted(seed)
    )
    unit = written.unit
    entries = {
        line.eip: line.start for line in unit.lines if not written.spots[line.start].after_sti
    }
    copied = any(line.kind == IDENT and is_direct_jump(line) for line in unit.lines)
    if not copied or seed.key.eip not in entries or written.stubs - unit.end < ROOM:
        cache.retired_slots.append(slot)
        return None
    old = [
        found for eip in entries if (found := cache.units.get(key._replace(eip=eip))) is not None
    ]
    jumps = [
        jump for found in old for line in found.lines for jump in cache.incoming.get(line.start, ())
    ]
    looked_up = [
        line.eip for found in old for line in found.lines
        if line.eip in entries and cache.table.leads_to(line.eip, line.start)
    ]  # fmt: skip
    for found in old:
        cache.discard(found, "hot")
    cache.place(written)
    for jump in jumps:
        if jump in cache.ways and cache.ways[jump].eip in entries:
            cache.link(jump, entries[cache.ways[jump].eip])
    for eip in looked_up:
        cache.table.insert(eip, entries[eip])
    return Remade(unit, len(old))


def is_direct_jump(line: HasCode) -> bool:
    """Whether it is a direct jump, which a region may copy."""
    try:
        insn = decode(line.code)
    except (Truncated, Fault):
        return False
    return insn.mnemonic != "call" and any(isinstance(o, Rel) for o in insn.operands)


# -- how far it goes ------------------------------------------------------------------------------


def _around(cache: TranslationCache, seed: Unit, page: bytes) -> tuple[Step, ...]:
    """The guest code a region for ``seed`` is made from."""

    def read(start: int) -> tuple[Step, ...]:
        return read_steps(seed.key, page, start, cache.adapted, cache.changing)

    units = [
        cache.units[key] for key in cache.frames.get(seed.key.gfn, ())
        if key._replace(eip=0) == seed.key._replace(eip=0)
    ]  # fmt: skip
    starts = {unit.key.eip for unit in units}
    before: dict[int, list[int]] = {}  # EIP -> hot units that fall through to it
    for unit in units:
        warm = unit.region or cache.cpu.tally[unit.counter] >= HOT
        if warm and _goes_on(unit.lines[-1]):
            before.setdefault(unit.key.eip + unit.length, []).append(unit.key.eip)
    steps = read(seed.key.eip)
    while steps:
        start = steps[0].eip
        earlier = [*before.get(start, ()), *(eip for eip in _loops(steps) if eip in starts)]
        longer = (read(eip) for eip in sorted(earlier) if eip < start)
        found = next((more for more in longer if _covers(more, seed)), None)
        if found is None:
            break
        steps = found
    return steps


def _loops(steps: tuple[Step, ...]) -> Iterator[int]:
    """Where jumps lead back to from here: not those to another function, at its end."""
    for step in steps:
        near = step.goes_on or step.insn.length == 2
        if near and step.target is not None and step.target < steps[0].eip:
            yield step.target


def _covers(steps: tuple[Step, ...], seed: Unit) -> bool:
    """Whether the same instructions as the unit's are among these."""
    return {line.eip for line in seed.lines} <= {step.eip for step in steps}


def _goes_on(line: Line) -> bool:
    try:
        insn = decode(line.code)
    except (Truncated, Fault):
        return False
    return insn.mnemonic not in NO_WAY_ON


def _counted(seed: Unit) -> int:
    """The instruction whose runs tell how often the unit ran."""
    plain = [line.eip for line in seed.lines if not decode(line.code).rep]
    return plain[-1] if plain else seed.key.eip
