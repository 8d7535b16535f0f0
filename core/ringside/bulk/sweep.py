"""Sweeps: one stream through many configurations, by whatever executor there is.

A :class:`Point` is one configuration, plain data that can be sent anywhere; :func:`measure` runs
it; :func:`sweep` hands points to an executor with the interface of ``concurrent.futures``: a pool
of processes unless another is given (Dask's and MPI's have the same interface).

What a technique pays besides its walks is in :data:`PAYS`: events of the run and the prices of
``trace.presets`` they cost. All techniques see the same accesses, first touches and switches.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TextIO

from ringside.bulk.caches import Hardware, Prices, Totals, Translation
from ringside.bulk.packed import open_trace
from ringside.bulk.tlb import check_shape
from ringside.bulk.traces import STREAMS, Accesses, Shape, stream
from ringside.bulk.turns import Turns
from ringside.bulk.worlds import OneDimension, TwoDimensions, World, page_level
from ringside.machine.paging import BY_NAME
from ringside.trace.presets import Preset, preset

PAGE_BITS = {"4K": 12, "2M": 21, "4M": 22, "1G": 30}
DASK_PATIENCE = "10s"  # until a scheduler must have answered
FILE = "file:"  # a stream's name beginning so is a trace file
MADE_UP_ONLY = ("pages", "spaces", "turn", "life", "skew", "seed")  # nothing of a trace file's


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration of a sweep.

    ``stream`` names a made-up stream or ``file:PATH``; ``accesses`` of it are taken, or as many as
    a file has. ``page`` is the guest's page size,
    ``host_page`` the host's; a shadow's is the smaller of the two. TLBs are written ``16x4``:
    sets, ways; an empty second one is none. ``walk_cache``: entries at each level of
    page-walk caches; ``nested_tlb``: entries; 0 is none.
    """

    technique: str = "native"
    stream: str = "uniform"
    accesses: int = 1_000_000
    pages: int = 1 << 14
    spaces: int = 1
    turn: int = 10_000
    life: int = 200_000
    skew: float = 1.0
    seed: int = 1
    format: str = "4-level"
    nested_format: str = "ept-4"
    page: str = "4K"
    host_page: str = "4K"
    tlb: str = "16x4"
    second_tlb: str = "128x12"
    walk_cache: int = 0
    nested_tlb: int = 0
    tagged: bool = True
    preset: str = "haswell"


@dataclass(frozen=True, slots=True)
class Result:
    """What a point came to; ``cycles`` are for memory virtualization, in all.

    ``refills``: entries that a dropped shadow had to get once more. ``whole``: False if a trace
    file has more than the accesses that were asked for.
    """

    point: Point
    accesses: int
    hit_rate: float
    walks: int
    references: int
    references_per_walk: float
    first_touches: int
    first_frames: int
    switches: int
    refills: int
    walk_cycles: float
    event_cycles: float
    cycles: float
    cycles_per_access: float
    whole: bool = True

    def row(self) -> dict[str, Any]:
        """One flat line: the point's fields, then the figures."""
        figures = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "point"
        }
        asked = asdict(self.point)
        if self.point.stream.startswith(FILE):
            asked |= dict.fromkeys(MADE_UP_ONLY, "")
        asked["asked"] = asked.pop("accesses")
        return asked | figures


# Events and what each costs. The guest's own page fault on a first touch is the same everywhere.
# Shadow: that fault goes to the VMM and is injected, the guest's write of the entry traps, and the
# second try is a hidden fault that fills the shadow; each CR3 load traps. A shadow that is dropped
# at each CR3 load need not notice that write, but is filled again by hidden faults after it.
# Nested: the host backs a guest frame at its first violation. (Adams and Agesen, ASPLOS 2006,
# sections 2.4, the "three-way trade-off", and 6.3.)
TRAP = ("vm round trip", "vmm dispatch")
PAYS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "native": {"first touch": ("page fault",)},
    "shadow": {
        "first touch": (*TRAP, "injection", "page fault", *TRAP),
        "first frame": (*TRAP, "shadow fill"),
        "switch": TRAP,
    },
    "nested": {"first touch": ("page fault",), "first frame": TRAP},
    "shadow-dropped": {
        "first touch": (*TRAP, "injection", "page fault"),
        "first frame": (*TRAP, "shadow fill"),
        "refill": (*TRAP, "shadow fill"),
        "switch": TRAP,
    },
}


def _pair(text: str) -> tuple[int, int]:
    try:
        sets, ways = (int(part) for part in text.split("x"))
    except ValueError:
        raise ValueError(f"a TLB is written SETSxWAYS, such as 16x4, not {text!r}") from None
    check_shape(sets, ways)
    return sets, ways


def hardware(point: Point) -> Hardware:
    """The caches a point asks for."""
    levels = range(2, len(BY_NAME[point.format].levels) + 1)
    nested = range(2, len(BY_NAME[point.nested_format].levels) + 1)
    return Hardware(
        first=_pair(point.tlb),
        second=_pair(point.second_tlb) if point.second_tlb else None,
        walk_cache=dict.fromkeys(levels, point.walk_cache) if point.walk_cache else {},
        nested_walk_cache=dict.fromkeys(nested, point.walk_cache) if point.walk_cache else {},
        nested_tlb=point.nested_tlb,
        tagged=point.tagged,
    )


def _native(point: Point) -> World:
    bits = PAGE_BITS[point.page]
    return OneDimension(BY_NAME[point.format], bits, bits, hardware(point))


def _shadow(point: Point) -> World:
    return OneDimension(
        BY_NAME[point.format], PAGE_BITS[point.page], PAGE_BITS[_smaller(point)], hardware(point)
    )


def _nested(point: Point) -> World:
    return TwoDimensions(
        BY_NAME[point.format], PAGE_BITS[point.page],
        BY_NAME[point.nested_format], PAGE_BITS[point.host_page], hardware(point),
    )  # fmt: skip


TECHNIQUES: Mapping[str, Callable[[Point], World]] = {
    "native": _native,
    "shadow": _shadow,
    "nested": _nested,
    "shadow-dropped": _shadow,
}


# The page sizes of a technique, each with the format whose tables must have it.
SIZES: Mapping[str, Callable[[Point], Sequence[tuple[str, str]]]] = {
    "native": lambda point: [(point.format, point.page)],
    "shadow": lambda point: [(point.format, point.page), (point.format, _smaller(point))],
    "nested": lambda point: [
        (point.format, point.page), (point.nested_format, point.host_page)],
    "shadow-dropped": lambda point: [
        (point.format, point.page), (point.format, _smaller(point))],
}


def _smaller(point: Point) -> str:
    return min(point.page, point.host_page, key=PAGE_BITS.__getitem__)


def check(point: Point) -> None:
    """Raise ValueError, saying what would do, for a point that cannot be run."""
    for what, value, names in (
        ("technique", point.technique, TECHNIQUES),
        ("format", point.format, BY_NAME),
        ("nested format", point.nested_format, BY_NAME),
        ("page size", point.page, PAGE_BITS),
        ("host page size", point.host_page, PAGE_BITS),
    ):
        if value not in names:
            raise ValueError(f"there is no {what} {value!r}; choose one of: {', '.join(names)}")
    if not point.stream.startswith(FILE) and point.stream not in STREAMS:
        known = ", ".join(STREAMS)
        raise ValueError(
            f"there is no stream {point.stream!r}; choose {FILE}PATH or one of: {known}"
        )
    if point.accesses < 1:
        raise ValueError("at least one access is needed")
    for name in ("walk_cache", "nested_tlb"):
        if getattr(point, name) < 0:
            raise ValueError(f"{name} cannot have {getattr(point, name)} entries; 0 is none")
    for format, page in SIZES[point.technique](point):
        page_level(BY_NAME[format], PAGE_BITS[page])
    preset(point.preset)
    hardware(point)
    _shape(point)


def _shape(point: Point) -> Shape:
    return Shape(
        pages=point.pages, spaces=point.spaces, turn=point.turn, life=point.life, skew=point.skew
    )


def _pieces(point: Point) -> Iterator[Accesses]:
    """The accesses of a point; of a file one more, if it has more than were asked for."""
    if point.stream.startswith(FILE):
        return open_trace(point.stream.removeprefix(FILE), limit=point.accesses + 1)
    return stream(point.stream, point.accesses, _shape(point), point.seed)


def measure(point: Point) -> Result:
    """Run one point from beginning to end."""
    check(point)
    world = TECHNIQUES[point.technique](point)
    translation = Translation(world.walked, hardware(point))
    prices = preset(point.preset)
    walk_prices = Prices(reference=prices.prices["walk reference"])
    totals = Totals()
    turns = Turns(world.fine_bits)
    whole = True
    for piece in _pieces(point):
        room = point.accesses - totals.accesses
        if len(piece) > room:
            whole, piece = False, piece[:room]
        world.meet(piece)
        totals.add(translation.run(piece), walk_prices)
        turns.add(piece)
    refills = turns.touched - world.first_frames if "refill" in PAYS[point.technique] else 0
    events = {
        "first touch": world.first_touches,
        "first frame": world.first_frames,
        "switch": turns.switches,
        "refill": refills,
    }
    paid = event_cycles(point.technique, events, prices)
    cycles = totals.cycles + paid
    return Result(
        point, totals.accesses, totals.hit_rate, totals.walks, totals.references,
        totals.references_per_walk, world.first_touches, world.first_frames, turns.switches,
        refills, totals.cycles, paid, cycles,
        cycles / totals.accesses if totals.accesses else 0.0, whole,
    )  # fmt: skip


def event_cycles(technique: str, events: Mapping[str, int], prices: Preset) -> float:
    """Cycles a technique pays for what happened besides walks."""
    return sum(
        events.get(event, 0) * sum(prices.prices[name].cycles for name in names)
        for event, names in PAYS[technique].items()
    )


def points(base: Point, choices: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Every combination of the ``choices`` for some of a point's fields."""
    names = {field.name for field in fields(Point)}
    for name in choices:
        if name not in names:
            raise ValueError(f"a point has no {name!r}; it has: {', '.join(sorted(names))}")
    made = [
        replace(base, **dict(zip(choices, values, strict=True)))
        for values in itertools.product(*choices.values())
    ]
    for point in made:
        check(point)
    return made


# -- executors -----------------------------------------------------------------------------------


class Inline(Executor):
    """Runs each call at once, here: one job, or a browser, where there are no processes."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call and wrap the outcome."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Closing(Executor):
    """Another executor, whose connection ends with it."""

    def __init__(self, inner: Executor, client: Any) -> None:
        self.inner = inner
        self.client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand the call on."""
        return self.inner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what runs and close the connection (and a cluster made for it)."""
        self.inner.shutdown(wait)
        self.client.close()


def _end_when_interrupted() -> None:
    """Ctrl-C ends a process of a pool at once, with nothing more to say than the command has."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)


def executor(where: str = "", jobs: int = 0) -> Executor:
    """Make an executor: ``jobs`` processes (0: one for each CPU), or ``dask://`` one of Dask's.

    ``dask://host:port`` is a running scheduler, ``dask://`` alone a cluster on this computer.
    Raises ValueError if it cannot be had.
    """
    if not where:
        if jobs == 1:
            return Inline()
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        return ProcessPoolExecutor(
            jobs or None, mp_context=get_context("spawn"), initializer=_end_when_interrupted
        )
    scheme, _, address = where.partition("://")
    if scheme != "dask":
        raise ValueError(f"there is no executor {where!r}; leave it out or use dask://host:port")
    from importlib import import_module

    try:
        distributed = import_module("dask.distributed")
    except ModuleNotFoundError:
        raise ValueError("Dask is not installed; install 'dask[distributed]'") from None
    try:
        client = (
            distributed.Client(f"tcp://{address}", timeout=DASK_PATIENCE)
            if address
            else distributed.Client(
                n_workers=jobs or 2, threads_per_worker=1, dashboard_address=None
            )
        )
    except OSError as error:
        raise ValueError(f"no Dask scheduler answers at {address or 'this computer'}") from error
    return _Closing(client.get_executor(), client)


def sweep(
    asked: Sequence[Point],
    using: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Measure every point; results come in the order of the points.

    A point that cannot be measured raises its error after the others were asked for. When this
    is stopped, points not yet begun are not measured any more.
    """
    own = using is None
    pool = executor() if using is None else using
    futures: list[Future[Result]] = []
    try:
        futures += [pool.submit(measure, point) for point in asked]
        for done, _ in enumerate(as_completed(futures), 1):
            if progress is not None:
                progress(done, len(futures))
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
        if own:
            pool.shutdown()


def write_csv(results: Iterable[Result], file: TextIO) -> None:
    """Write one line for each result, with a line of names first."""
    rows = [result.row() for result in results]
    if not rows:
        return
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
