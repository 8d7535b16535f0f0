"""Streams of memory accesses: made up here from a seed, or read from a trace.

A stream is an iterator of :class:`Accesses`, so it may be of any length. What it is made of is
in :data:`STREAMS`; ``reading`` reads the traces of real programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ringside.bulk.arrays import CHUNK, Bools, Ints

FRAME_BITS = 12
PIECE = 4 * CHUNK  # accesses of one piece of a made-up stream
BASE = 0x1000_0000  # where made-up pages begin


@dataclass(frozen=True, slots=True)
class Accesses:
    """A piece of a stream: linear addresses, which are writes, and in whose address space.

    ``space`` is a small number, the same for all accesses of one process.
    """

    address: Ints
    write: Bools
    space: Ints

    def __len__(self) -> int:
        return len(self.address)

    def __getitem__(self, chosen: slice | Ints) -> Accesses:
        return Accesses(self.address[chosen], self.write[chosen], self.space[chosen])


@dataclass(frozen=True, slots=True)
class Shape:
    """What a made-up stream looks like.

    ``pages``: of 4 KiB in each address space. ``writes``: their share of the accesses.
    ``spaces``: address spaces taking turns of ``turn`` accesses. ``skew``: the exponent of a Zipf
    stream. ``stride``: bytes from one access of a strided stream to the next. ``life``: accesses
    until a page of a churning stream is replaced by a new one, on average.
    """

    pages: int = 1 << 14
    writes: float = 0.3
    spaces: int = 1
    turn: int = 10_000
    skew: float = 1.0
    stride: int = 64
    life: int = 200_000

    def __post_init__(self) -> None:
        for name, low, high in (
            ("pages", 1, 1 << 24), ("spaces", 1, 1 << 10), ("turn", 1, 1 << 40),
            ("stride", 1, 1 << 30), ("life", 1, 1 << 40), ("writes", 0, 1), ("skew", 0, 10),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}")


Chance = np.random.Generator
Pages = Callable[[Chance, Shape, int, int], Ints]
"""From chance, shape, the number of the first access and how many, to page numbers."""


def uniform(chance: Chance, shape: Shape, first: int, count: int) -> Ints:
    """Any page as likely as any other."""
    return chance.integers(0, shape.pages, count)


@lru_cache(maxsize=4)
def _zipf_pages(shape: Shape) -> tuple[Ints, NDArray[np.float64]]:
    """Which page is the n-th most used, and the share of the first n."""
    weights = np.arange(1, shape.pages + 1, dtype=np.float64) ** -shape.skew
    order = np.random.default_rng(shape.pages).permutation(shape.pages)
    return order, np.cumsum(weights) / weights.sum()


def zipf(chance: Chance, shape: Shape, first: int, count: int) -> Ints:
    """The n-th most used page with a probability as 1/n (to the power ``skew``)."""
    order, shares = _zipf_pages(shape)
    rank = np.searchsorted(shares, chance.random(count))
    return order.take(rank, mode="clip")


def loop(chance: Chance, shape: Shape, first: int, count: int) -> Ints:
    """All pages in turn, again and again: the worst case of LRU."""
    return np.arange(first, first + count) % shape.pages


def strided(chance: Chance, shape: Shape, first: int, count: int) -> Ints:
    """A walk through all pages in equal steps."""
    return np.arange(first, first + count) * shape.stride // 4096 % shape.pages


def churn(chance: Chance, shape: Shape, first: int, count: int) -> Ints:
    """A set of pages that is always being replaced: processes come and go, files are mapped.

    Page n is replaced every ``life`` accesses, each page at its own moment; what replaces it has
    a page number never used before.
    """
    slot = chance.integers(0, shape.pages, count)
    born = slot * shape.life // shape.pages
    generation = (np.arange(first, first + count) + born) // shape.life
    return generation * shape.pages + slot


STREAMS: dict[str, Pages] = {
    "uniform": uniform,
    "zipf": zipf,
    "loop": loop,
    "strided": strided,
    "churn": churn,
}


def stream(kind: str, count: int, shape: Shape | None = None, seed: int = 1) -> Iterator[Accesses]:
    """Make up ``count`` accesses; the same seed gives the same ones."""
    if kind not in STREAMS:
        raise ValueError(f"there is no stream {kind!r}; choose one of: {', '.join(STREAMS)}")
    form = shape or Shape()
    chance = np.random.default_rng(seed)
    for first in range(0, count, PIECE):
        size = min(PIECE, count - first)
        now = np.arange(first, first + size)
        page = STREAMS[kind](chance, form, first, size)
        if kind == "strided":
            offset = now * form.stride % 4096
        else:
            offset = chance.integers(0, 512, size) * 8
        yield Accesses(
            BASE + (page << FRAME_BITS) + offset,
            chance.random(size) < form.writes,
            now // form.turn % form.spaces,
        )
