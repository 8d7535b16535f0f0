"""What is kept of a pool at every step, so that any of them can be shown again at once.

A pool only runs forwards. A moment holds everything a picture, a sentence or a panel may say, as
plain numbers; so going back is looking back, and is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ringside.host.memory import events as ev
from ringside.host.memory import space as places
from ringside.host.memory.pool import Pool
from ringside.host.memory.tally import Tally
from ringside.host.memory.vm import PooledVm
from ringside.trace.events import Event

UNTOUCHED, ACTIVE, IDLE, SHARED, BALLOON, DISK = range(6)
"""What a tile shows of a page."""

RECENT = 1  # rounds: a page used in this round or the one before is active
HISTORY = 24  # rounds of work shown

_STATES = {places.UNTOUCHED: UNTOUCHED, places.BALLOONED: BALLOON, places.SWAPPED: DISK}


@dataclass(frozen=True, slots=True)
class VmMoment:
    """One VM. Memory in pages; ``charge`` in frames, of shared ones its part.

    ``tiles`` holds a state for each page, ``frames`` the frame behind it or -1, ``sharers`` how
    many pages use that frame. ``work`` are the accesses of the latest rounds, the newest last.
    """

    name: str
    note: str
    tiles: bytes
    frames: tuple[int, ...]
    sharers: tuple[int, ...]
    charge: float
    alone: int  # frames nobody else uses
    target: int
    active: int
    balloon: int
    disk: int
    shares: int
    least: int
    price: float
    work: tuple[int, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """The pool after one happening; ``events`` are what happened."""

    events: tuple[Event, ...]
    round: int
    level: str
    tax: float
    free: int
    total: int
    common: int  # frames that several pages share
    saved: int
    vms: tuple[VmMoment, ...]


class Recorder:
    """Runs a pool and keeps its moments."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.moments: list[Moment] = []
        self.ended = False
        self._tally = Tally()
        self._work: dict[str, list[int]] = {vm.name: [0] for vm in pool.vms}
        self._round = 0
        self._happenings: Iterator[list[Event]] = pool.run()
        self._keep(())

    def advance(self) -> bool:
        """Let one thing happen; False at the end."""
        happening = next(self._happenings, None)
        if happening is None:
            self.ended = True
            return False
        self._tally.add(happening)
        if self.pool.round != self._round:
            self._round = self.pool.round
            for work in self._work.values():
                work.append(0)
        for event in happening:
            if isinstance(event, ev.Worked):
                self._work[event.vm][-1] += event.count
        self._keep(tuple(happening))
        return True

    def _keep(self, events: tuple[Event, ...]) -> None:
        pool = self.pool
        frames = pool.host.frames
        self.moments.append(Moment(
            events=events, round=pool.round, level=pool.level, tax=pool.tax, free=pool.host.free,
            total=len(frames), common=int(np.count_nonzero(frames.references > 1)),
            saved=pool.host.saved, vms=tuple(self._vm(vm) for vm in pool.vms)))

    def _vm(self, vm: PooledVm) -> VmMoment:
        pool, space = self.pool, vm.space
        references = pool.host.frames.references
        here = space.frame >= 0
        sharers = np.where(here, references[space.frame], 0)
        recent = space.used >= pool.round - RECENT
        tiles = np.zeros(len(space), np.uint8)
        for place, state in _STATES.items():
            tiles[space.place == place] = state
        tiles[here] = np.where(sharers > 1, SHARED, np.where(recent, ACTIVE, IDLE))[here]
        return VmMoment(
            name=vm.name, note=vm.note, tiles=tiles.tobytes(),
            frames=tuple(space.frame.tolist()), sharers=tuple(sharers.tolist()),
            charge=pool.host.charge(space), alone=int(np.count_nonzero(sharers == 1)),
            target=pool.targets[vm.number], active=vm.active, balloon=vm.balloon,
            disk=len(space.disk), shares=space.shares, least=space.least, price=pool.price(vm),
            work=tuple(self._work[vm.name][-HISTORY:]),
            counts=self._tally.of(vm.name))
