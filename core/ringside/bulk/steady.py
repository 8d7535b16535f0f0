"""What a technique costs in the long run: the first touches of a program's start are left out.

:mod:`.sweep` counts everything from the first access on, in which starting up weighs much. Here
every page is touched once before counting begins. What the guest then maps anew it puts into
frames it has used before, so nested paging pays no further EPT violations, while a shadow pays for
every new entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ringside.bulk.caches import Prices, Totals, Translation
from ringside.bulk.sweep import PAGE_BITS, PAYS, TECHNIQUES, Point, check, event_cycles, hardware
from ringside.bulk.traces import BASE, FRAME_BITS, PIECE, Accesses, Shape, stream
from ringside.bulk.turns import Turns
from ringside.trace.presets import preset


@dataclass(frozen=True, slots=True)
class Steady:
    """Counted events of the measured part, and modelled cycles for them.

    ``touched``: pages mapped anew. ``refills``: entries that a shadow had already had and that
    hidden faults make again, because a switch of address spaces dropped it; nothing but a shadow
    that is dropped pays for them. ``walk_cycles`` are of page walks and second-level TLB hits,
    ``event_cycles`` of faults and exits.
    """

    accesses: int
    hit_rate: float
    walks: int
    references: int
    touched: int
    switches: int
    refills: int
    walk_cycles: float
    event_cycles: float

    @property
    def cycles_per_access(self) -> float:
        """Cycles for memory virtualization, of an average access."""
        return (self.walk_cycles + self.event_cycles) / self.accesses if self.accesses else 0.0


def warm_up(point: Point) -> Iterator[Accesses]:
    """Every page of every address space once; the one that a stream begins with comes last."""
    step = 1 << max(PAGE_BITS[point.page] - FRAME_BITS, 0)
    pages = np.arange(0, point.pages, step)
    for space in reversed(range(point.spaces)):
        for first in range(0, len(pages), PIECE):
            some = pages[first : first + PIECE]
            yield Accesses(
                BASE + (some << FRAME_BITS), np.ones(len(some), np.bool_),
                np.full(len(some), space),
            )


def measure_steady(point: Point) -> Steady:
    """Warm up, then count ``point.accesses`` of its made-up stream."""
    shape = Shape(pages=point.pages, spaces=point.spaces, turn=point.turn, life=point.life,
                  skew=point.skew)
    pieces = stream(point.stream, point.accesses, shape, point.seed)
    return measure_pieces(point, pieces, warm_up(point))


def measure_pieces(
    point: Point, pieces: Iterable[Accesses], warm: Iterable[Accesses] | None = None
) -> Steady:
    """Count a stream, after a warm-up or (None) from a program's very first access on."""
    check(point)
    world = TECHNIQUES[point.technique](point)
    translation = Translation(world.walked, hardware(point))
    turns = Turns(world.fine_bits)
    for piece in warm or ():
        world.meet(piece)
        translation.run(piece)
        turns.add(piece)
    before = world.first_touches, world.first_frames, turns.touched, turns.switches
    prices = preset(point.preset)
    walk_prices = Prices(reference=prices.prices["walk reference"])
    totals = Totals()
    for piece in pieces:
        world.meet(piece)
        totals.add(translation.run(piece), walk_prices)
        turns.add(piece)
    after = world.first_touches, world.first_frames, turns.touched, turns.switches
    touched, frames, entries, switches = (
        now - then for now, then in zip(after, before, strict=True))
    refills = entries - frames if "refill" in PAYS[point.technique] else 0
    if warm is not None and point.technique == "nested":
        frames = 0  # the guest uses again what its host has backed
    events = {
        "first touch": touched, "first frame": frames, "switch": switches, "refill": refills}
    return Steady(
        totals.accesses, totals.hit_rate, totals.walks, totals.references, touched, switches,
        refills, totals.cycles, event_cycles(point.technique, events, prices),
    )
