"""A virtual machine of the pool: its guest at work, its balloon driver, its pages.

A turn is a budget of time units. An access costs one; what waits for a disk costs many, so a VM
without enough memory gets less done. The prices are modelled (:class:`Prices`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ringside.bulk.arrays import Bools, Ints
from ringside.host.memory import events as ev
from ringside.host.memory import space as places
from ringside.host.memory.frames import WORDS
from ringside.host.memory.guest import GuestOs, contents
from ringside.host.memory.paging import COPIED, GIVEN, READ_BACK, Host
from ringside.host.memory.sampling import Sampler
from ringside.host.memory.space import Space
from ringside.host.memory.workloads import Plan, Workload, objects
from ringside.trace.events import Event

ROOM = 2  # frames that must be free before an access that may need some
KERNEL_SEED = 1 << 60

Room = Callable[["PooledVm"], list[Event] | None]
"""Asked when frames run out: what it did to free some, or None if it could not."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Time units, modelled: one access to memory stands for a burst of work on a page."""

    read: int = 10  # waiting for a page from either disk
    write: int = 1  # a page to either disk: mostly in the background
    copy: int = 1


class PooledVm:
    """``balloon_target`` is what the host asks of the driver; ``counts`` are of this turn."""

    __slots__ = (
        "balloon_target", "counts", "debt", "guest", "host", "name", "note", "number", "prices",
        "sampler", "space", "workload",
    )  # fmt: skip

    def __init__(
        self, plan: Plan, number: int, space: Space, host: Host, sampler: Sampler, prices: Prices,
        seed: int,
    ) -> None:
        self.name = plan.name
        self.note = plan.note
        self.number = number
        self.space = space
        self.host = host
        self.sampler = sampler
        self.prices = prices
        self.guest = GuestOs(plan.pages, plan.kernel, *objects(plan, number))
        self.workload = Workload(plan.phases, seed)
        self.balloon_target = plan.ballooned
        self.debt = 0  # time units its own disk still owes from the balloon's last growth
        self.counts: dict[str, int] = {}
        sampler.begin(space.touched)
        for page in range(plan.kernel):  # the kernel is loaded
            host.open_page(space, page, True)
            host.frames.words[int(space.frame[page])] = contents(
                KERNEL_SEED + (number << 32) + page)

    def __len__(self) -> int:
        return len(self.space)

    @property
    def balloon(self) -> int:
        """Pages in the balloon."""
        return len(self.guest.balloon)

    @property
    def active(self) -> int:
        """The estimate of its active pages."""
        return round(self.sampler.estimate(self.space.touched) * len(self))

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # -- the balloon -------------------------------------------------------------------------

    def poll(self, now: int, most: int) -> list[Event]:
        """The driver asks for its target and moves at most ``most`` pages towards it."""
        change = self.balloon_target - self.balloon
        if change > 0:
            return self._inflate(now, min(change, most))
        if change < 0:
            count = min(-change, most)
            for _ in range(count):
                self.host.give(self.space, self.guest.unpin())
            return [ev.Deflated(now, "kernel", self.name, count, self.balloon)]
        return []

    def _inflate(self, now: int, most: int) -> list[Event]:
        guest, host = self.guest, self.host
        self.counts = {}
        before = self.balloon
        free = frames = 0
        for _ in range(most):
            if guest.free:
                page = guest.free.pop()
                free += 1
            else:
                page = guest.oldest()
                if page < 0 or not host.free:
                    break
                self.debt += self._evict(page)
            guest.pin(page)
            frames += host.take(self.space, page)
        grown = self.balloon - before
        if not grown:
            return []
        written = self.counts.get("written", 0)
        events: list[Event] = [ev.Inflated(
            now, "kernel", self.name, grown, free, grown - free - written, written, frames,
            self.balloon)]
        return events + self._told(now, ("swapin", "double"))

    # -- the guest at work -------------------------------------------------------------------

    def work(
        self, now: int, moment: int, budget: int, slices: int, room: Room
    ) -> list[Event]:
        """One of ``slices`` turns in round ``moment``, which has ``budget`` for all of them.

        Gives what happened, :class:`~.events.Worked` last.
        """
        self.counts = {}
        things, writes = self.workload.next(moment, slices)
        budget = -(-budget // slices)
        left = budget - self.debt
        at = 0
        events: list[Event] = []
        while at < len(things) and left > 0:
            swift = self._swift(things[at : at + left], writes[at : at + left], moment)
            at += swift
            left -= swift
            self.workload.done(swift)
            if at == len(things) or left <= 0:
                break
            if self.host.free < ROOM:
                made = room(self)
                if made is None:
                    events.append(ev.Stalled(now, "vmm", self.name, "full"))
                    break
                events += made
                left -= self.prices.write * sum(
                    event.count for event in made if isinstance(event, ev.SwappedOut))
            left -= self._slow(int(things[at]), bool(writes[at]))
        self.debt = max(-left, 0)
        told = self._told(now, ("allocate", "copy", "swapin", "double", "guestdisk"))
        spent = min(budget - left, budget)
        return [*events, *told, ev.Worked(now, "app", self.name, at, spent)]

    def _swift(self, things: Ints, writes: Bools, moment: int) -> int:
        """Make the accesses that need nobody's help; how many they are."""
        space, frames = self.space, self.host.frames
        pages = self.guest.where[things]
        frame = np.where(pages >= 0, space.frame[pages], -1)
        stuck = (frame < 0) | (writes & frames.common[frame])
        count = int(stuck.argmax()) if stuck.any() else len(things)
        if not count:
            return 0
        pages, frame, writes = pages[:count], frame[:count], writes[:count]
        self.guest.note_uses(pages, writes)
        space.touched[pages] = True
        space.used[pages] = moment
        written = np.flatnonzero(writes).astype(np.int64)  # 32 bits wide in a browser
        stamp = (self.number + 1 << 48) + self.workload.serial + written
        frames.words[frame[written], things[:count][written] % WORDS] = stamp
        return count

    def _slow(self, thing: int, write: bool) -> int:
        """Do what the next access waits for; what it costs."""
        page = int(self.guest.where[thing])
        return self._bring(thing) if page < 0 else self._open(page, write)

    def _open(self, page: int, write: bool) -> int:
        took = self.host.open_page(self.space, page, write)
        if took == GIVEN:
            self._count("allocate")
        elif took == COPIED:
            self._count("copy")
            return self.prices.copy
        elif took == READ_BACK:
            self._count("swapin")
            return self.prices.read
        return 0

    def _bring(self, thing: int) -> int:
        """The guest's own page fault: find a page for an object and fill it."""
        guest = self.guest
        cost = 0
        if guest.free:
            page = guest.free.pop()
        else:
            page = guest.oldest()
            if page < 0:
                raise MemoryError(f"the guest in {self.name} has no page to work with")
            cost += self._evict(page)
        cost += self._open(page, True)
        on_disk = thing in guest.disk
        if on_disk or guest.files[thing]:
            self._count("read")
            cost += self.prices.read
        self.host.frames.words[int(self.space.frame[page])] = guest.stored(thing)
        guest.put(thing, page, dirty=not (on_disk or guest.files[thing]))
        return cost

    def _evict(self, page: int) -> int:
        """Empty a page for something else; what was changed goes to the guest's disk first."""
        guest, space = self.guest, self.space
        cost = 0
        if guest.dirty[page]:
            if space.place[page] == places.SWAPPED:
                self._count("double")
            cost += self._open(page, False) + self.prices.write
            guest.disk[int(guest.holds[page])] = self.host.read(space, page)
            self._count("written")
        guest.forget(page)
        return cost

    def _told(self, now: int, kinds: tuple[str, ...]) -> list[Event]:
        """The counts as events."""
        n = self.counts.get
        made: dict[str, Event] = {
            "allocate": ev.FramesGiven(now, "vmm", self.name, n("allocate", 0)),
            "copy": ev.Copied(now, "vmm", self.name, n("copy", 0)),
            "swapin": ev.SwappedIn(now, "vmm", self.name, n("swapin", 0)),
            "double": ev.DoublePaged(now, "vmm", self.name, n("double", 0)),
            "guestdisk": ev.GuestPaged(
                now, "kernel", self.name, n("read", 0), n("written", 0)),
        }
        happened = {
            "guestdisk": n("read", 0) + n("written", 0),
            **{kind: n(kind, 0) for kind in made if kind != "guestdisk"},
        }
        return [made[kind] for kind in kinds if happened[kind]]

    # -- looking -----------------------------------------------------------------------------

    def contents_of(self, thing: int) -> bytes:
        """The bytes of an object as its guest would read them, wherever they are."""
        page = int(self.guest.where[thing])
        if page >= 0:
            return self.host.read(self.space, page)
        return self.guest.stored(thing).tobytes()
