"""The published gains of nested paging, on the map of the lab "Where nested wins" and beside it."""

from __future__ import annotations

from collections.abc import Sequence

from .words.nested_wins import WINS
from .words.say import Segment, segments

# Gains of nested paging over shadow paging in per cent, and what to call them.
PUBLISHED = ((42.0, "RVI 42 %"), (48.0, "EPT 48 %"), (500.0, "RVI µ 500 %"), (600.0, "EPT µ 600 %"))
NEAR = 0.1  # how near to it, in parts of it, a cell must come


def marks_of(gains: Sequence[float]) -> dict[int, str]:
    """The published figures at the cells that come nearest to them, one at a cell."""
    found: dict[int, tuple[float, str]] = {}
    for figure, name in PUBLISHED:
        off, at = _nearest(gains, figure)
        if off <= NEAR and off < found.get(at, (1.0, ""))[0]:
            found[at] = off, name
    return {at: name for at, (_, name) in found.items()}


def losses_of(gains: Sequence[float], columns: int) -> list[int]:
    """The cells where nested paging loses as was published: no change, and most accesses miss.

    The first of each row's ``columns`` is the workload that changes nothing. VMware's guide and
    papers tell the direction for small pages, without a figure.
    """
    return [at for at in range(0, len(gains), columns) if gains[at] < -0.5]


def compared(gains: Sequence[float], lang: str) -> list[Segment]:
    """How a whole map compares with what was published, figure by figure."""
    low = {"low": signed(min(gains)), "high": signed(max(gains))}
    spoken = segments(WINS["compared"], lang, low)
    for figure, name in PUBLISHED:
        key = ("compared.near" if _nearest(gains, figure)[0] <= NEAR
               else "compared.between" if max(gains) > figure else "compared.beyond")
        spoken += [{"text": " "}, *segments(WINS[key], lang, {"name": name})]
    key = "compared.loses" if min(gains) < -0.5 else "compared.never"
    return [*spoken, {"text": " "}, *segments(WINS[key], lang, low)]


def signed(gain: float) -> str:
    """A gain in whole per cent, with its sign."""
    return f"{gain:+.0f} %".replace("-", "−")


def _nearest(gains: Sequence[float], figure: float) -> tuple[float, int]:
    """How far the nearest cell is from a figure, in parts of it, and which it is."""
    return min((abs(gain - figure) / figure, at) for at, gain in enumerate(gains))
