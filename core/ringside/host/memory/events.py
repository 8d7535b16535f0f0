"""What happens in a pool of memory. Counts are of pages; all counters are sums over these events.

The context says who acted: ``app`` for a VM's programs, ``kernel`` for its operating system,
``vmm`` for the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringside.trace.events import Event


@dataclass(frozen=True, slots=True)
class Worked(Event):
    """A VM had its turn: it made ``count`` accesses in ``spent`` units of time."""

    kind: ClassVar[str] = "work"
    vm: str
    count: int
    spent: int


@dataclass(frozen=True, slots=True)
class FramesGiven(Event):
    """Pages touched for the first time, or again after the balloon: each got a zeroed frame."""

    kind: ClassVar[str] = "allocate"
    vm: str
    count: int


@dataclass(frozen=True, slots=True)
class Copied(Event):
    """Writes to shared pages: each got a copy of its own first."""

    kind: ClassVar[str] = "copy"
    vm: str
    count: int


@dataclass(frozen=True, slots=True)
class SwappedIn(Event):
    """Accesses to pages the host had put on its disk: each waited until it was read back."""

    kind: ClassVar[str] = "swapin"
    vm: str
    count: int


@dataclass(frozen=True, slots=True)
class DoublePaged(Event):
    """Pages the host read from its disk only because the guest wrote them to its own."""

    kind: ClassVar[str] = "double"
    vm: str
    count: int


@dataclass(frozen=True, slots=True)
class GuestPaged(Event):
    """The guest's own paging: ``count`` objects read from its disk, ``written`` written to it."""

    kind: ClassVar[str] = "guestdisk"
    vm: str
    count: int
    written: int


@dataclass(frozen=True, slots=True)
class Inflated(Event):
    """The balloon driver got ``count`` pages from its kernel, and the host takes their frames.

    ``free`` of them were on the guest's free list; for the others it gave up contents that it can
    read again (``dropped``) or had to write to its own disk (``written``). ``frames`` came back to
    the host: a page never touched had none. ``size`` is the balloon afterwards.
    """

    kind: ClassVar[str] = "inflate"
    vm: str
    count: int
    free: int
    dropped: int
    written: int
    frames: int
    size: int


@dataclass(frozen=True, slots=True)
class Deflated(Event):
    """The balloon driver gave ``count`` pages back to its kernel."""

    kind: ClassVar[str] = "deflate"
    vm: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class PagesShared(Event):
    """A scan of ``scanned`` pages: ``count`` were equal to others, ``frames`` became free.

    ``compared`` pages had an equal hash and were compared byte by byte; ``vms`` names whose.
    """

    kind: ClassVar[str] = "share"
    vms: str
    count: int
    scanned: int
    compared: int
    frames: int


@dataclass(frozen=True, slots=True)
class SwappedOut(Event):
    """The host wrote ``count`` randomly chosen pages of a VM to its disk, without asking."""

    kind: ClassVar[str] = "swapout"
    vm: str
    count: int


@dataclass(frozen=True, slots=True)
class SparedDisk(Event):
    """Pages about to be written to the host's disk turned out to be equal to others: shared."""

    kind: ClassVar[str] = "spared"
    count: int


@dataclass(frozen=True, slots=True)
class Sampled(Event):
    """A sampling period ended: ``touched`` of ``sampled`` pages; ``count`` is the estimate of the
    VM's active pages after smoothing."""

    kind: ClassVar[str] = "sample"
    vm: str
    count: int
    touched: int
    sampled: int


@dataclass(frozen=True, slots=True)
class LevelChanged(Event):
    """Free memory crossed a threshold; ``count`` frames are free."""

    kind: ClassVar[str] = "level"
    before: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class Stalled(Event):
    """A VM had to wait: ``why`` is ``full`` (no frame to be had) or ``low`` (above its target
    while hardly a frame is free)."""

    kind: ClassVar[str] = "stall"
    vm: str
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class TaxChanged(Event):
    """The idle memory tax was set to ``count`` percent."""

    kind: ClassVar[str] = "tax"
    before: int
    count: int
