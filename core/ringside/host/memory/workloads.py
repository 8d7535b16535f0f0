"""What runs in a VM: objects with contents, and phases of accesses to them.

The accesses are made by ``bulk.traces``, from a seed; the same plan always gives the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ringside.bulk.arrays import Bools, Ints
from ringside.bulk.traces import BASE, FRAME_BITS, Shape, stream

IMAGE, FILE, COPIES, ZERO, MEMORY = "image", "file", "copies", "zero", "memory"


@dataclass(frozen=True, slots=True)
class Area:
    """``pages`` objects of one kind.

    ``image``: blocks of the disk image the VM was installed from, the same in every VM with that
    image. ``file``: blocks of its own files. ``copies``: each content twice. ``zero``: memory
    that was cleared and is not used yet. ``memory``: what its programs have written.
    """

    kind: str
    pages: int
    number: int = 0  # of the image


@dataclass(frozen=True, slots=True)
class Phase:
    """``rounds`` long, at most ``rate`` accesses a round to ``pages`` objects from ``first`` on.

    ``stream`` is a name of ``bulk.traces``; ``skew`` the exponent of a Zipf stream.
    """

    rounds: int
    stream: str
    first: int
    pages: int
    rate: int
    writes: float = 0.3
    skew: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A VM to be: its size and guarantees in pages, its kernel's pages, and its work.

    Raises ValueError for one that could not run.
    """

    name: str
    pages: int
    areas: tuple[Area, ...]
    phases: tuple[Phase, ...]
    shares: int = 1000
    least: int = 0
    kernel: int = 8
    ballooned: int = 0  # pages the balloon takes before anything runs
    note: str = field(default="")  # key of the words that say what it does

    def __post_init__(self) -> None:
        if not self.phases:
            raise ValueError(f"the VM {self.name!r} has no phase: give it at least one to work in")
        if not self.areas:
            raise ValueError(f"the VM {self.name!r} has no area: give its phases objects to use")
        have = sum(area.pages for area in self.areas)
        need = max(phase.first + phase.pages for phase in self.phases)
        if need > have:
            raise ValueError(
                f"a phase of the VM {self.name!r} uses {need} objects, its areas have {have}: "
                "enlarge an area")
        if not 0 <= self.kernel < self.pages:
            raise ValueError(
                f"the VM {self.name!r} has {self.pages} pages, its kernel alone takes "
                f"{self.kernel}: give it more pages or a smaller kernel")
        if not 0 <= self.least <= self.pages:
            raise ValueError(
                f"the VM {self.name!r} cannot be promised {self.least} of its {self.pages} pages")


_SEEDS_EACH = 1 << 32


def objects(plan: Plan, number: int) -> tuple[Ints, Bools]:
    """The seeds of the contents of VM ``number``'s objects, and which of them are files."""
    seeds: list[Ints] = []
    files: list[Bools] = []
    own = (number + 1) * _SEEDS_EACH
    for area in plan.areas:
        count = np.arange(area.pages, dtype=np.int64)
        if area.kind == IMAGE:
            seed = 1 + area.number * (_SEEDS_EACH >> 8) + count
        elif area.kind == COPIES:
            seed = own + count // 2
        elif area.kind == ZERO:
            seed = np.zeros(area.pages, np.int64)
        elif area.kind in (FILE, MEMORY):
            seed = own + count
        else:
            raise ValueError(f"there is no area {area.kind!r}")
        own += area.pages
        seeds.append(seed)
        files.append(np.full(area.pages, area.kind in (IMAGE, FILE, COPIES)))
    return np.concatenate(seeds), np.concatenate(files)


class Workload:
    """A VM's accesses, taken as it comes to them: a slow VM has done less when a phase ends."""

    __slots__ = ("_objects", "_phase", "_position", "_writes", "number", "phases", "seed")

    def __init__(self, phases: tuple[Phase, ...], seed: int) -> None:
        self.phases = phases
        self.seed = seed
        self.number = -1  # of the present phase
        self._position = 0
        self._objects: Ints = np.zeros(0, np.int64)
        self._writes: Bools = np.zeros(0, np.bool_)

    def phase_at(self, moment: int) -> int:
        """The number of the phase of round ``moment``; the last one goes on for ever."""
        begun = 0
        for number, phase in enumerate(self.phases):
            begun += phase.rounds
            if moment < begun:
                return number
        return len(self.phases) - 1

    def next(self, moment: int, slices: int = 1) -> tuple[Ints, Bools]:
        """The accesses for one of ``slices`` parts of round ``moment``: objects, and which are
        writes."""
        number = self.phase_at(moment)
        phase = self.phases[number]
        if number != self.number:
            self.number = number
            self._position = 0
            self._make(phase)
        here = self._position
        if here + phase.rate > len(self._objects) > 0:  # the last phase begins anew
            here = self._position = 0
        end = here - (-phase.rate // slices)
        return self._objects[here:end], self._writes[here:end]

    def done(self, count: int) -> None:
        """``count`` of the accesses ``next`` gave were made."""
        self._position += count

    @property
    def serial(self) -> int:
        """A number for the next access, never used twice in this VM."""
        return (self.number + 1 << 32) + self._position

    def _make(self, phase: Phase) -> None:
        count = phase.rounds * phase.rate
        if not count:
            self._objects, self._writes = np.zeros(0, np.int64), np.zeros(0, np.bool_)
            return
        shape = Shape(
            pages=phase.pages, writes=phase.writes, skew=phase.skew, life=max(count // 4, 1)
        )
        pieces = list(stream(phase.stream, count, shape, self.seed * 64 + self.number))
        address = np.concatenate([piece.address for piece in pieces])
        page = address - BASE >> FRAME_BITS
        self._objects = phase.first + page % phase.pages
        self._writes = np.concatenate([piece.write for piece in pieces])
