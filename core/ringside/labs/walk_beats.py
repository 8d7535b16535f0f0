"""The pieces a walk of the lab "Walks" is told in: references, beats, accesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..machine.paging import PagingFormat
from ..machine.walker import Reference

HITS = frozenset({"hit", "stale"})  # beats in which the TLB answers


@dataclass(frozen=True, slots=True)
class Features:
    """Which caches the processor has; ``tagged``: they tell virtual machines apart (VPID)."""

    tlb: bool = False
    walk: bool = False
    nested_tlb: bool = False
    tagged: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """One memory reference. ``number`` counts those of its access that were really made.

    ``skipped`` says which cache made it needless (then it has no number). ``after`` is what the
    reference led to, if anything; ``error`` a page fault's error code or an exit qualification.
    ``oddity`` is what is strange about the entry itself: that its table was met before in the
    same walk (a loop), or that no memory answered (ones).
    """

    number: int
    row: int
    column: int
    context: str
    message: str
    reference: Reference
    format: PagingFormat
    gpa: int = -1
    skipped: str = ""
    after: str = ""
    error: int = 0
    oddity: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """One step of the lab: a reference, or what happened between references."""

    kind: str  # kept, flushed, hit, stale, miss, clean, rights, read, invalidated, emptied
    done: int = 0  # references of the access made up to now
    read: Read | None = None
    count: int = 0  # translations flushed or dropped


@dataclass(frozen=True, slots=True)
class Origin:
    """What made an access: an instruction of a program that was run, or a line of a trace.

    ``kind``: fetch, read, write; gate, descriptor, task, stack (what the processor touches by
    itself); invlpg, cr3 (no accesses, but flushes); traced read, traced write. ``address`` is
    what was touched, ``eip`` where the instruction lies, both linear.
    """

    kind: str
    address: int
    eip: int = -1
    text: str = ""  # the instruction
    ring: int = 0
    file: str = ""
    line: int = 0
    source: str = ""  # that line

    @property
    def context(self) -> str:
        """Whose instruction it is."""
        return "app" if self.ring == 3 else "kernel"


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of the walk. ``user``: with the rights of ring 3."""

    gva: int
    write: bool = False
    user: bool = True
    fetch: bool = False


@dataclass(frozen=True, slots=True)
class Tour:
    """One access from beginning to end."""

    machine: int
    gva: int
    write: bool
    beats: tuple[Beat, ...]
    reads: tuple[Read, ...]  # made and skipped, in the order of the full walk
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    formula: str
    facts: Mapping[str, int]
    done: str
    gpa: int = -1
    hpa: int = -1
    fault: int | None = None  # the guest's page-fault error code
    exit: str = ""  # violation, misconfiguration or denied
    origin: Origin | None = None

    @property
    def made(self) -> int:
        """References really made."""
        return sum(not read.skipped for read in self.reads)

    @property
    def hit(self) -> bool:
        """Whether the TLB answered."""
        return any(beat.kind in HITS for beat in self.beats)

    @property
    def stale(self) -> bool:
        """Whether its answer is one that the tables no longer give."""
        return any(beat.kind == "stale" for beat in self.beats)


NOTHING = Tour(0, 0, False, (), (), (), (), "formula.hit", {}, "done")
"""What is shown while there is no access at all: a trace is awaited."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a technique's walk came to."""

    reads: tuple[Read, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    formula: str
    facts: Mapping[str, int]
    gpa: int = -1
    hpa: int = -1
    fault: int | None = None
    exit: str = ""
    size: int = 0  # of the page a TLB may hold
    writable: bool = False
    user: bool = False
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A translation in the TLB."""

    hpa: int
    gpa: int
    writable: bool
    user: bool
    executable: bool
    dirty: bool
