"""The parts of the figure "Walks": the address in pieces, the grid's dots, the accesses below."""

from __future__ import annotations

from ..scenes.walk import Dot, Past, Slice
from .narrate import hexa
from .walk_beats import Beat, Read, Tour
from .walk_origin import origin_title
from .walk_tour import Journey
from .words.say import pick
from .words.walks import WALKS

ENDS = frozenset({
    "fault", "fault.denied", "fault.reserved", "violation", "misconfiguration", "npf", "denied",
})  # fmt: skip


def past(at: int, tour: Tour, number: int, gva: str, lang: str, go: int | None = None) -> Past:
    """An access in the row below the grid; ``number`` is the one shown now, ``go`` its step."""
    state = "current" if at == number else "done" if at < number else "ahead"
    bad = tour.fault is not None or tour.exit or tour.stale
    context = "wrong" if bad else "good" if tour.hit else ("app", "kernel")[tour.machine % 2]
    text = "–" if not tour.reads and not tour.hit else str(tour.made)
    tip = origin_title(tour.origin, lang) if tour.origin else gva
    return Past(at + 1, text if state != "ahead" else "", context, state, tip, go)


def slices(journey: Journey, tour: Tour, read: Read | None, lang: str) -> tuple[Slice, ...]:
    """The address cut into its indices; the one just used is marked."""
    format, shift = journey.geometry.guest, journey.geometry.page
    guest = [other for other in tour.reads if other.format is format]
    deepest = min((other.reference.level for other in guest), default=0)
    found = []
    for depth, level in enumerate(format.levels):
        if level.shift < shift and format.level_number(depth) < (deepest or 9):
            continue
        shift = min(shift, level.shift) if level.shift < shift else shift
        high = level.shift + level.index_bits - 1
        current = read is not None and read.format is format and (
            read.reference.name == level.name)
        found.append(Slice(
            f"slice:{level.name}", level.name.upper(), f"{high}:{level.shift}",
            str(level.index(tour.gva)), current))
        low = level.shift
    found.append(Slice(
        "slice:offset", pick(WALKS["offset"], lang), f"{low - 1}:0",
        hexa(tour.gva & (1 << low) - 1, (low + 3) // 4), False))
    return tuple(found)


def dot(read: Read, beat: Beat | None, go: int | None = None) -> Dot:
    """A reference in the grid, once the walk has come to ``beat``; made at the step ``go``."""
    done = beat.done if beat else 0
    state = "ahead"
    if read.number < done:
        state = "done"
    elif read.number == done:
        state = "current wrong" if read.after in ENDS else "current"
    ref = read.reference
    tip = f"{ref.name.upper()}[{ref.index}] @ {hexa(ref.address)}"
    tip = f"{read.number}: {tip}" if read.number else f"{tip} · {read.skipped}"
    return Dot(read.number, read.row, read.column, read.context, state, tip, go)


def entry_title(read: Read) -> str:
    """Which entry was read."""
    ref = read.reference
    return f"{ref.name.upper()} {ref.index} @ {hexa(ref.address)}"
