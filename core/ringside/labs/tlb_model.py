"""What the lab "TLB" plays: processors with a TLB each, and the machines that use them.

The first-in-first-out model is ``machine.tlb``, the TLB of the simulated processor; the
least-recently-used one is ``machine.walk_caches``, the scalar model of the bulk engine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from ..classify.dice import Dice
from ..machine.tlb import TAG_SHIFT, Tlb, make_tag
from ..machine.walk_caches import LruCache

FIRST_PAGE = 0x80
FRAME_OF = 0x400  # frame of the first page of machine 0
ZIPF = 1 << 32
WINDOW = 32  # accesses a point of the hit-rate curve looks back on


@dataclass(frozen=True, slots=True)
class Held:
    """A translation in a slot: whose, which page, and the frame it leads to."""

    machine: int
    page: int
    frame: int


class Model(Protocol):
    """A TLB as the lab needs it. Keys are page numbers with the tag above them."""

    sets: int
    ways: int

    def find(self, key: int) -> int | None:
        """The frame, or None."""

    def fill(self, key: int, frame: int) -> int:
        """Keep a translation; the key it pushed out, or -1."""

    def drop(self, key: int) -> bool:
        """Forget one; whether it was there."""

    def flush(self) -> int:
        """Forget all; how many there were."""

    def slots(self) -> list[tuple[int, int] | None]:
        """Key and frame in each slot, set by set."""


class FirstIn:
    """The simulated processor's TLB: what was filled first makes room."""

    def __init__(self, sets: int, ways: int) -> None:
        self.sets, self.ways = sets, ways
        self.tlb = Tlb(sets, ways)

    def find(self, key: int) -> int | None:
        """See :class:`Model`."""
        found = self.tlb.lookup(key)
        return None if found is None else found[1]

    def fill(self, key: int, frame: int) -> int:
        """See :class:`Model`."""
        return self.tlb.fill(key, frame, 0)

    def drop(self, key: int) -> bool:
        """See :class:`Model`."""
        return self.tlb.invalidate(key)

    def flush(self) -> int:
        """See :class:`Model`."""
        return len(self.tlb.flush())

    def slots(self) -> list[tuple[int, int] | None]:
        """See :class:`Model`."""
        return [None if key < 0 else (key, self.tlb.entries[key][1]) for key in self.tlb.slots]


class LeastRecent:
    """What was used longest ago makes room. A translation keeps its slot while it is held."""

    def __init__(self, sets: int, ways: int) -> None:
        self.sets, self.ways = sets, ways
        self.cache = LruCache(sets, ways)
        self.places: list[int] = [-1] * (sets * ways)

    def find(self, key: int) -> int | None:
        """See :class:`Model`."""
        frame = self.cache.get(key, key)
        return frame if isinstance(frame, int) else None

    def fill(self, key: int, frame: int) -> int:
        """See :class:`Model`."""
        self.cache.use(key, key, frame)
        first = (key & self.sets - 1) * self.ways
        held = self.cache.sets[key & self.sets - 1]
        places = self.places[first : first + self.ways]
        if key in places:
            return -1
        gone = next((other for other in places if other >= 0 and other not in held), -1)
        self.places[first + places.index(gone)] = key
        return gone

    def drop(self, key: int) -> bool:
        """See :class:`Model`."""
        there = self.cache.drop(key, key)
        if there:
            self.places[self.places.index(key)] = -1
        return there

    def flush(self) -> int:
        """See :class:`Model`."""
        count = len(self.cache)
        self.cache.flush()
        self.places = [-1] * len(self.places)
        return count

    def slots(self) -> list[tuple[int, int] | None]:
        """See :class:`Model`."""
        return [
            None if key < 0 else (key, int(str(self.cache.sets[key & self.sets - 1][key])))
            for key in self.places
        ]


POLICIES: dict[str, Callable[[int, int], Model]] = {"fifo": FirstIn, "lru": LeastRecent}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: the stream's name, how many machines, turns, pages, and the hardware."""

    stream: str
    machines: int
    turn: int
    pages: int
    sets: int
    ways: int
    policy: str
    tagged: bool
    processors: int = 1
    ipi: bool = True


@dataclass(slots=True)
class Counters:
    """Sums of one processor set-up."""

    accesses: int = 0
    hits: int = 0
    evictions: int = 0
    flushes: int = 0
    flushed: int = 0
    shootdowns: int = 0
    stale: int = 0

    @property
    def misses(self) -> int:
        """Accesses that had to walk."""
        return self.accesses - self.hits


@dataclass(frozen=True, slots=True)
class Beat:
    """One step: an access (hit, miss, stale), a switch, or a part of a shootdown.

    ``slot`` is where it happened; ``evicted`` the page (with its machine) that made room.
    """

    kind: str
    processor: int
    machine: int
    page: int = -1
    frame: int = -1
    slot: int = -1
    evicted: tuple[int, int] | None = None
    count: int = 0
    shelves: tuple[tuple[Held | None, ...], ...] = ()
    counters: Counters = field(default_factory=Counters)
    rate: float = 0.0


class World:
    """Processors with their TLBs, and the page tables (page to frame) of the machines."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.models: list[Model] = [
            POLICIES[plan.policy](plan.sets, plan.ways) for _ in range(plan.processors)]
        self.tables: list[dict[int, int]] = [{} for _ in range(plan.machines)]
        self.running = [0] * plan.processors
        self.counters = Counters()
        self._recent: list[bool] = []
        self._next_frame = FRAME_OF
        self._shelves = [self._shelf(number) for number in range(plan.processors)]

    def key(self, machine: int, page: int) -> int:
        """What the TLB compares: the page, with the machine's tag if there are tags."""
        return page | (make_tag(machine + 1, 0) if self.plan.tagged else 0)

    def frame(self, machine: int, page: int) -> int:
        """What the page tables say now; a page gets a frame when it is first used."""
        table = self.tables[machine]
        if page not in table:
            table[page] = self._take()
        return table[page]

    def _take(self) -> int:
        self._next_frame += 1
        return self._next_frame

    def switch(self, processor: int, machine: int) -> Beat | None:
        """Let a machine run on a processor; without tags everything there is flushed."""
        if self.running[processor] == machine:
            return None
        self.running[processor] = machine
        if self.plan.tagged:
            held = sum(slot is not None for slot in self.models[processor].slots())
            return self._beat("kept", processor, machine, count=held)
        count = self.models[processor].flush()
        self.counters.flushes += 1
        self.counters.flushed += count
        return self._beat("flushed", processor, machine, count=count)

    def access(self, processor: int, page: int) -> Beat:
        """Translate; a translation the page tables no longer have is used all the same."""
        machine = self.running[processor]
        model = self.models[processor]
        key = self.key(machine, page)
        frame = model.find(key)
        wanted = self.frame(machine, page)
        counters = self.counters
        counters.accesses += 1
        self._recent.append(frame is not None)
        if frame is not None:
            counters.hits += 1
            stale = frame != wanted
            counters.stale += stale
            slot = self._slot(model, key)
            return self._beat(
                "stale" if stale else "hit", processor, machine, page, frame, slot,
                count=wanted)
        evicted = model.fill(key, wanted)
        pushed = None
        if evicted >= 0:
            counters.evictions += 1
            pushed = (self._machine(evicted, processor), evicted & (1 << TAG_SHIFT) - 1)
        return self._beat(
            "miss", processor, machine, page, wanted, self._slot(model, key), pushed)

    def remap(self, processor: int, page: int) -> Beat:
        """The kernel moves a page to another frame and drops its own translation (INVLPG)."""
        machine = self.running[processor]
        self.tables[machine][page] = self._take()
        self.models[processor].drop(self.key(machine, page))
        return self._beat("remapped", processor, machine, page, self.tables[machine][page])

    def interrupt(self, processor: int, page: int) -> Beat:
        """The other processor asks this one to drop the page: an inter-processor interrupt."""
        machine = self.running[processor]
        self.counters.shootdowns += 1
        there = self.models[processor].drop(self.key(machine, page))
        return self._beat("shot", processor, machine, page, count=int(there))

    def invalidate(self, processor: int, page: int) -> Beat:
        """INVLPG of the machine that runs."""
        machine = self.running[processor]
        there = self.models[processor].drop(self.key(machine, page))
        return self._beat("invalidated", processor, machine, page, count=int(there))

    # -- what a beat shows -----------------------------------------------------------------------

    @staticmethod
    def _slot(model: Model, key: int) -> int:
        return next(
            (at for at, slot in enumerate(model.slots()) if slot and slot[0] == key), -1)

    def _machine(self, key: int, processor: int) -> int:
        return (key >> TAG_SHIFT) - 1 if self.plan.tagged else self.running[processor]

    def _shelf(self, processor: int) -> tuple[Held | None, ...]:
        return tuple(
            None if held is None else Held(
                self._machine(held[0], processor), held[0] & (1 << TAG_SHIFT) - 1, held[1])
            for held in self.models[processor].slots())

    def _beat(
        self, kind: str, processor: int, machine: int, page: int = -1, frame: int = -1,
        slot: int = -1, evicted: tuple[int, int] | None = None, count: int = 0,
    ) -> Beat:
        if kind not in ("hit", "stale"):
            self._shelves[processor] = self._shelf(processor)
        recent = self._recent[-WINDOW:]
        counters = self.counters
        copy = Counters(*(getattr(counters, name) for name in Counters.__slots__))
        return Beat(
            kind, processor, machine, page, frame, slot, evicted, count, tuple(self._shelves), copy,
            sum(recent) / len(recent) if recent else 0.0)


# -- streams -------------------------------------------------------------------------------------


def pages(stream: str, count: int, span: int, seed: int) -> Iterator[int]:
    """Page numbers from 0 to ``span``: uniform, zipf or loop; the same seed gives the same."""
    dice = Dice(seed)
    order = list(range(span))
    for last in range(span - 1, 0, -1):
        other = dice.below(last + 1)
        order[last], order[other] = order[other], order[last]
    # Shares of Zipf's law, each with the more used ones before it, in parts of a whole number.
    shares = list(accumulate(ZIPF // rank for rank in range(1, span + 1)))
    for number in range(count):
        if stream == "loop":
            yield number % span
        elif stream == "zipf":
            yield order[bisect_right(shares, dice.below(shares[-1]))]
        else:
            yield dice.below(span)


def play(plan: Plan, count: int) -> tuple[World, list[Beat]]:
    """A made-up stream: machines by turns on one processor."""
    world = World(plan)
    streams = [pages(plan.stream, count, plan.pages, seed + 1) for seed in range(plan.machines)]
    beats: list[Beat] = []
    for number in range(count):
        machine = number // plan.turn % plan.machines
        switched = world.switch(0, machine)
        if switched:
            beats.append(switched)
        beats.append(world.access(0, FIRST_PAGE + next(streams[machine])))
    return world, beats


def play_shootdown(plan: Plan, count: int) -> tuple[World, list[Beat]]:
    """Two processors run one machine; now and then the kernel on the first moves a page."""
    world = World(plan)
    streams = [pages("zipf", count, plan.pages, seed + 1) for seed in range(2)]
    beats: list[Beat] = []
    victim = FIRST_PAGE + next(pages("zipf", 1, plan.pages, 1))
    for number in range(count):
        processor = number % 2
        beats.append(world.access(processor, FIRST_PAGE + next(streams[processor])))
        if number % 24 == 15:
            beats.append(world.access(1, victim))
            beats.append(world.remap(0, victim))
            if plan.ipi:
                beats.append(world.interrupt(1, victim))
            beats.append(world.access(1, victim))
    return world, beats


def play_trace(plan: Plan, accesses: list[tuple[int, int]]) -> tuple[World, list[Beat]]:
    """A real program's accesses: pairs of page and machine."""
    world = World(plan)
    beats: list[Beat] = []
    for page, machine in accesses:
        switched = world.switch(0, machine % plan.machines)
        if switched:
            beats.append(switched)
        beats.append(world.access(0, page & (1 << TAG_SHIFT) - 1))
    return world, beats
