"""The pool: several VMs over-committing one host, round by round.

A round is a second: every balloon driver asks for its target, every VM gets its turn, then the
host scans for equal pages, ends a sampling period when one is over, works out what each VM is
entitled to, and reclaims if too little is free. :meth:`Pool.run` gives the events of one happening
after another; between two of them the pool can be looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ringside.host.memory import events as ev
from ringside.host.memory import levels
from ringside.host.memory.paging import Host
from ringside.host.memory.sampling import FAST, PERIOD, SAMPLE, SLOW, Sampler
from ringside.host.memory.shares import DEFAULT_TAX, Claim, price, targets
from ringside.host.memory.sharing import Sharing
from ringside.host.memory.space import Space
from ringside.host.memory.vm import ROOM, PooledVm, Prices
from ringside.host.memory.workloads import Plan
from ringside.trace.events import Event

ROUND = 1000  # milliseconds
BALLOON_LIMIT = 0.65  # of a VM's memory: more than this its guest could not give (ESX)
ALMOST = 1e-6  # of a frame: three thirds are one
CALM = 4  # rounds without a shortage after which balloons shrink beyond what is due
BALLOON_STEP = 4  # pages: a smaller change is not worth the driver's while
ALONE = (ev.Worked, ev.GuestPaged)  # what a guest does without the host
SMALL: dict[type[Event], int] = {  # pages up to which an event is not a step of its own
    ev.FramesGiven: 4, ev.Copied: 4, ev.SwappedIn: 2, ev.PagesShared: 4,
}
SWAP_AT_ONCE = 8  # pages the host writes out when it has to free frames in the middle of a turn


@dataclass(frozen=True, slots=True)
class Settings:
    """The host, and which of its mechanisms are on.

    ``taxes`` are ``(round, tax)``: what the idle memory tax is from then on. ``budget`` is the
    time units of a VM in a round, ``slices`` the turns it is divided into, ``balloon_rate`` the
    pages a driver moves in a round, ``scan`` the pages looked at in a round for sharing,
    ``period`` the rounds of a sampling period.
    """

    frames: int
    balloon: bool = True
    sharing: bool = True
    swapping: bool = True
    taxes: tuple[tuple[int, float], ...] = ((0, DEFAULT_TAX),)
    rounds: int = 60
    budget: int = 200
    slices: int = 1
    balloon_rate: int = 16
    scan: int = 48
    sample: int = SAMPLE
    period: int = PERIOD
    smoothing: tuple[float, float] = (SLOW, FAST)
    prices: Prices = field(default_factory=Prices)
    seed: int = 2002

    def tax_at(self, moment: int) -> float:
        """The tax in round ``moment``."""
        return [tax for begun, tax in self.taxes if begun <= moment][-1]


class Pool:
    """``round``, ``level``, ``tax`` and ``targets`` are as of the last happening."""

    def __init__(self, plans: Sequence[Plan], settings: Settings) -> None:
        self.settings = settings
        least = sum(plan.least for plan in plans)
        if least > settings.frames:
            raise ValueError(
                f"the VMs are promised {least} pages at least, the host has {settings.frames}")
        if sum(plan.kernel for plan in plans) >= settings.frames:
            raise ValueError("the host is too small for the guests' kernels")
        self.chance = np.random.default_rng(settings.seed)
        spaces = [Space(plan.name, plan.pages, plan.shares, plan.least) for plan in plans]
        self.host = Host(settings.frames, spaces)
        self.sharing = Sharing(self.host, self.chance)
        self.vms = [
            PooledVm(
                plan, number, space, self.host,
                Sampler(plan.pages, self.chance, settings.sample, *settings.smoothing),
                settings.prices, settings.seed + number,
            )
            for number, (plan, space) in enumerate(zip(plans, spaces, strict=True))
        ]
        self.round = 0
        self.level = levels.HIGH
        self.tax = settings.tax_at(0)
        self.targets = [len(vm) for vm in self.vms]
        self._short = 0  # the last round in which memory was short

    @property
    def now(self) -> int:
        """Milliseconds since the beginning."""
        return self.round * ROUND

    def run(self) -> Iterator[list[Event]]:
        """Let it all happen; each list is one thing that happened, never empty."""
        for moment in range(self.settings.rounds):
            self.round = moment
            yield from filter(None, self._round())

    def _round(self) -> Iterator[list[Event]]:
        settings = self.settings
        tax = settings.tax_at(self.round)
        if tax != self.tax:
            before, self.tax = self.tax, tax
            yield [ev.TaxChanged(self.now, "vmm", round(100 * before), round(100 * tax))]
            yield from self._reclaim()
        quiet: list[Event] = []  # what is too small to be told by itself
        for vm in self.vms:
            yield vm.poll(self.now, settings.balloon_rate)
            yield from self._watch()
        for part in range(settings.slices):
            for vm in self.vms:
                if not self._must_wait(vm):
                    happened = _together(vm.work(
                        self.now, self.round, settings.budget, settings.slices, self._make_room))
                    if _is_quiet(happened):
                        quiet += happened
                    else:
                        yield happened
                    yield from self._watch()
                elif not part:
                    yield [ev.Stalled(self.now, "vmm", vm.name, "low")]
        found = self._scan() if settings.sharing else []
        if _is_quiet(found):
            quiet += found
            found = []
        yield _summed(quiet)
        yield found
        if (self.round + 1) % settings.period == 0:
            yield [self._sample(vm) for vm in self.vms]
        yield from self._reclaim()

    def _must_wait(self, vm: PooledVm) -> bool:
        """In the low state, VMs above their target are not run."""
        return self.level == levels.LOW and self.above_target(vm) > 0

    def above_target(self, vm: PooledVm) -> int:
        """The frames a VM uses beyond what it is entitled to; negative if it uses fewer."""
        return math.ceil(self.host.charge(vm.space) - ALMOST) - self.targets[vm.number]

    # -- what the host does in its turn ------------------------------------------------------

    def _scan(self) -> list[Event]:
        scan = self.sharing.scan(self.settings.scan)
        if not scan.merged:
            return []
        names = ", ".join(self.vms[number].name for number in sorted(scan.spaces))
        return [ev.PagesShared(
            self.now, "vmm", names, scan.merged, scan.scanned, scan.compared, scan.frames)]

    def _sample(self, vm: PooledVm) -> Event:
        touched = vm.sampler.end(vm.space.touched)
        event = ev.Sampled(
            self.now, "vmm", vm.name, round(max(vm.sampler.slow, vm.sampler.fast) * len(vm)),
            touched, len(vm.sampler.chosen))
        vm.sampler.begin(vm.space.touched)
        return event

    def claims(self) -> list[Claim]:
        """What the VMs are entitled to, with what is known of their activity."""
        return [
            Claim(vm.space.shares, vm.space.least, len(vm), float(vm.active)) for vm in self.vms]

    def price(self, vm: PooledVm) -> float:
        """Shares per page, adjusted for idle memory, at what the VM has now."""
        pages = max(self.host.charge(vm.space), 1.0)
        return price(vm.space.shares, pages, min(vm.active / pages, 1.0), self.tax)

    def _watch(self) -> Iterator[list[Event]]:
        """Free memory is counted all the time: a new level does not wait for the round's end."""
        if self.level != levels.next_level(self.level, self.host.free, len(self.host.frames)):
            yield from self._reclaim()

    def _reclaim(self) -> Iterator[list[Event]]:
        """See how much is free, and ask for more where it is needed."""
        frames, settings = len(self.host.frames), self.settings
        reserve = levels.threshold(levels.HIGH, frames)
        available = max(frames - reserve, sum(vm.space.least for vm in self.vms))
        self.targets = targets(self.claims(), available, self.tax)
        before, free = self.level, self.host.free
        self.level = levels.next_level(before, free, frames)
        if self.level != levels.HIGH:
            self._short = self.round
        calm = self.round - self._short >= CALM
        self._set_balloons(free - reserve if calm else 0)
        if self.level != before:
            yield [ev.LevelChanged(self.now, "vmm", before, self.level, free)]
        urgent = self.level in (levels.HARD, levels.LOW)
        if settings.swapping and (urgent or (self.level == levels.SOFT and not settings.balloon)):
            goal = levels.SOFT if urgent and settings.balloon else levels.HIGH
            yield self._swap_out(levels.threshold(goal, frames) - free)

    def _set_balloons(self, excess: int) -> None:
        """Tell the drivers what to give up: what a VM has above its target, while memory is
        short; once it is not, balloons only shrink, and all the more the more is free."""
        if not self.settings.balloon:
            return
        short = self.level != levels.HIGH
        for vm in sorted(self.vms, key=self.price, reverse=True):
            wanted = vm.balloon + self.above_target(vm)
            wanted = min(max(wanted, 0), int(BALLOON_LIMIT * len(vm)))
            if not short:
                wanted = min(wanted, vm.balloon)
                spare = min(max(excess, 0), wanted)
                wanted -= spare
                excess -= spare
            if abs(wanted - vm.balloon) >= BALLOON_STEP or not wanted:
                vm.balloon_target = wanted

    # -- the host's own swapping -------------------------------------------------------------

    def _victim(self) -> PooledVm | None:
        """Whose page goes next: who is furthest above its target, else who pays least."""
        host = self.host
        able = [vm for vm in self.vms
                if host.charge(vm.space) > vm.space.least and len(host.swappable(vm.space))]
        if not able:
            return None
        most = max(able, key=self.above_target)
        if self.above_target(most) > 0:
            return most
        return min(able, key=self.price)

    def _swap_out(self, count: int) -> list[Event]:
        """Free ``count`` frames by writing randomly chosen pages to the host's disk."""
        out: dict[str, int] = {}
        shared = 0
        while count > 0 and (vm := self._victim()) is not None:
            able = self.host.swappable(vm.space)
            page = int(able[self.chance.integers(len(able))])
            if self.settings.sharing:  # an equal page somewhere spares the disk
                scan = self.sharing.try_pages(np.array([vm.number]), np.array([page]))
                if scan.frames:
                    shared += scan.frames
                    count -= scan.frames
                    continue
            if self.host.swap_out(vm.space, page):
                count -= 1
            out[vm.name] = out.get(vm.name, 0) + 1
        events: list[Event] = [
            ev.SwappedOut(self.now, "vmm", name, pages) for name, pages in out.items()]
        if shared:
            events.append(ev.SparedDisk(self.now, "vmm", shared))
        return events

    def _make_room(self, vm: PooledVm) -> list[Event] | None:
        if not self.settings.swapping:
            return None
        events = self._swap_out(SWAP_AT_ONCE)
        return events if self.host.free >= ROOM else None


def _together(events: list[Event]) -> list[Event]:
    """The same, with what the host wrote out piece by piece during one turn added up."""
    result: list[Event] = []
    place: dict[tuple[type[Event], str], int] = {}
    for event in events:
        key = (type(event), getattr(event, "vm", ""))
        if isinstance(event, ev.SwappedOut | ev.SparedDisk) and key in place:
            old = result[place[key]]
            assert isinstance(old, ev.SwappedOut | ev.SparedDisk)
            result[place[key]] = replace(old, count=old.count + event.count)
        else:
            place[key] = len(result)
            result.append(event)
    return result


def _is_quiet(events: list[Event]) -> bool:
    """Whether the host had next to nothing to do with this."""
    return all(
        isinstance(event, ALONE) or getattr(event, "count", 1) <= SMALL.get(type(event), 0)
        for event in events)


def _summed(events: list[Event]) -> list[Event]:
    """One event of each kind for each VM."""
    result: dict[tuple[type[Event], str], Event] = {}
    for event in events:
        key = (type(event), getattr(event, "vm", ""))
        old = result.get(key)
        result[key] = event if old is None else _sum(old, event)
    return list(result.values())


def _sum(one: Event, other: Event) -> Event:
    added = {
        name: getattr(one, name) + getattr(other, name)
        for name in ("count", "spent", "written", "scanned", "compared", "frames")
        if hasattr(one, name)}
    return replace(one, **added)
