"""The translation cache to look at: guest code and its translation side by side, and counts.

Everything here is read from the cache's memory and the processor's counters at the moment of
asking; nothing is kept for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn, Mem, Rel
from ringside.isa.registers import GS
from ringside.vmm.monitor import FRAME_LAYOUT, STACK_TOP, WINDOW
from ringside.vmm.translation.layout import CELLS
from ringside.vmm.translation.unit import CONTROL, LINK, Line, Unit, Way

if TYPE_CHECKING:
    from ringside.vmm.cpu.binary_translation import BinaryTranslation
    from ringside.vmm.translation.cache import TranslationCache

MASK = 0xFFFF_FFFF
JMP_SIZE = 5
LONGEST = 15  # bytes in an instruction
CALL_SIZES = (2, 1)  # of the INT and the INT3 that call the VMM
CELL_NAMES = {offset: name for name, offset in CELLS.items()}


@dataclass(frozen=True, slots=True)
class Written:
    """One instruction in the cache. ``counts`` is false for those that stand for none of the
    guest's: they are the translation's overhead."""

    address: int
    code: bytes
    text: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """One guest instruction and what it became. ``kind`` as in :mod:`.unit`. In a region, the last
    instructions of ``cache`` may lie elsewhere."""

    eip: int
    code: bytes
    text: str
    kind: str
    cache: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    """A direct way out of a unit, or within a region: ``target`` is the cache address it leads to,
    -1 while it still leads to the VMM; ``elided`` if there is no jump any more, for the target
    follows."""

    name: str
    eip: int
    jump: int
    target: int
    elided: bool


@dataclass(frozen=True, slots=True)
class UnitPicture:
    """A translation unit. ``runs`` is how often its last instruction was executed; ``tail`` goes
    on where the unit ends without a branch; ``stubs`` lie apart and call the VMM for branches that
    are not chained. A ``region`` is hot code, translated again."""

    eip: int
    linear: int
    gpa: int
    address: int
    size: int
    runs: int
    pairs: tuple[Pair, ...]
    tail: tuple[Written, ...]
    stubs: tuple[Written, ...]
    exits: tuple[Exit, ...]
    region: bool = False


@dataclass(frozen=True, slots=True)
class Routine:
    """A piece of the translator's own code in the cache."""

    name: str
    cache: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class Executed:
    """Instructions of the guest's virtual ring 0, by how they were carried out.

    ``identical``: copies, jumps within a region among them. ``branches``: direct jumps that are the
    guest's own but for their displacement.
    ``calls``: calls, returns and indirect jumps. ``inline``: on the virtual CPU in memory.
    ``callouts``: by the VMM, called. ``trapped``: by the VMM, after a fault. ``overhead`` are the
    instructions the processor retired in addition to all these.
    """

    identical: int
    branches: int
    calls: int
    inline: int
    callouts: int
    trapped: int
    overhead: int

    @property
    def total(self) -> int:
        """All of the guest's."""
        return self.in_cache + self.callouts + self.trapped

    @property
    def in_cache(self) -> int:
        """Those the VMM had nothing to do with."""
        return self.identical + self.branches + self.calls + self.inline

    def share(self, count: int) -> float:
        """``count`` as a part of all, 0 to 1."""
        return count / self.total if self.total else 0.0

    def since(self, before: Executed) -> Executed:
        """What was executed after ``before`` was read."""
        return Executed(
            self.identical - before.identical, self.branches - before.branches,
            self.calls - before.calls, self.inline - before.inline,
            self.callouts - before.callouts, self.trapped - before.trapped,
            self.overhead - before.overhead,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the translator has done so far, and what is in the cache now (``units``, the bytes)."""

    units: int
    guest_bytes: int
    cache_bytes: int
    units_bytes: int  # of the cache: the rest of ``cache_bytes`` was given up
    translated: int  # units ever made
    lines: dict[str, int]  # guest instructions ever translated, by kind
    discarded: dict[str, int]  # units given up, by reason
    links: int  # times a branch called the VMM for its target
    chained: int
    elided: int
    lookups: int  # hash lookups that found their target
    misses: int
    adapted: int  # instructions turned into callouts because they trapped too often
    regions: int  # made of hot units
    executed: Executed

    @property
    def expansion(self) -> float:
        """Bytes of translations for each byte of guest code."""
        return self.units_bytes / self.guest_bytes if self.guest_bytes else 0.0

    @property
    def hit_rate(self) -> float:
        """The part of hash lookups that found their target."""
        lookups = self.lookups + self.misses
        return self.lookups / lookups if lookups else 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the processor is in the cache: at ``address``, in the unit that begins at ``unit``
    (-1 in a routine), on behalf of the guest instruction at ``eip`` (-1 in a routine)."""

    address: int
    unit: int
    eip: int


def read_place(technique: BinaryTranslation) -> Place | None:
    """Where the guest's kernel is being executed now; None while anything else is."""
    if not (technique.running and technique.in_cache):
        return None
    cache = technique.cache
    address = cache.cpu.eip
    unit = cache.unit_at(address)
    return Place(address, -1 if unit is None else unit.address, cache.spots[address].eip)


def read_left(technique: BinaryTranslation) -> int | None:
    """The cache address at which the guest's kernel was left, while the VMM works; None if it
    was not left there."""
    if technique.running or not technique.in_cache or technique.spot is None:
        return None
    frame = STACK_TOP - FRAME_LAYOUT.size  # what the processor pushed last
    eip: int = FRAME_LAYOUT.unpack_from(technique.monitor.machine.memory.ram, frame)[0]
    if not technique.spot.action:
        return eip
    spots = technique.cache.spots
    return next(eip - size for size in CALL_SIZES if spots.get(eip - size) is technique.spot)


def read_units(technique: BinaryTranslation) -> tuple[UnitPicture, ...]:
    """All units in the cache, in the order they lie there."""
    cache = technique.cache
    units = sorted(cache.units.values(), key=lambda unit: unit.address)
    return tuple(read_unit(cache, unit) for unit in units)


def read_unit(cache: TranslationCache, unit: Unit) -> UnitPicture:
    """One unit, guest and cache side by side."""
    rests = [line.away for line in unit.lines if line.away]
    return UnitPicture(
        unit.key.eip,
        unit.key.base + unit.key.eip & 0xFFFF_FFFF,
        unit.gpa,
        unit.address,
        unit.end - unit.address,
        cache.cpu.tally[unit.counter],
        tuple(_pair(cache, line, unit) for line in unit.lines),
        _part(cache, unit.lines[-1].end, min(rests, default=unit.end), unit.address),
        _stubs(cache, unit),
        (*(_exit(cache, way) for way in unit.ways), *_within(cache, unit)),
        unit.region,
    )


def read_given_up(cache: TranslationCache, unit: Unit) -> UnitPicture:
    """A unit that is no longer in use: its bytes stay in the cache until they are written over."""
    known = frozenset(unit.spots)
    pairs = []
    for line in unit.lines:
        written = []
        for at, end in ((line.start, line.end), (line.away, line.away_end)):
            while at < end and at in known:
                written.append(_written(cache, at))
                at += len(written[-1].code)
        pairs.append(Pair(line.eip, line.code, _guest_text(line), line.kind, tuple(written)))
    linear = unit.key.base + unit.key.eip & 0xFFFF_FFFF
    return UnitPicture(
        unit.key.eip, linear, unit.gpa, unit.address, unit.end - unit.address, 0, tuple(pairs),
        (), (), (), unit.region,
    )  # fmt: skip


def _pair(cache: TranslationCache, line: Line, unit: Unit) -> Pair:
    written = _part(cache, line.start, line.end, unit.address)
    written += _part(cache, line.away, line.away_end, unit.address)
    return Pair(line.eip, line.code, _guest_text(line), line.kind, written)


def _guest_text(line: Line) -> str:
    try:
        return format_insn(decode(line.code), line.eip)
    except (Truncated, Fault):
        return "(no instruction)"


def _part(cache: TranslationCache, start: int, end: int, unit: int) -> tuple[Written, ...]:
    """The instructions from ``start`` to ``end`` that still belong to the unit beginning at
    ``unit``: not those that another unit has been written over."""
    found = []
    while start in cache.spots and start < end and (start not in cache.elided or start == unit):
        written = _written(cache, start)
        found.append(written)
        start += len(written.code)
    return tuple(found)


def _exit(cache: TranslationCache, way: Way) -> Exit:
    target = cache.linked.get(way.jump, -1)
    return Exit(way.name, way.eip, way.jump, target, way.jump in cache.elided)


def _within(cache: TranslationCache, unit: Unit) -> Iterator[Exit]:
    """The jumps of a region to lines of its own that have another displacement than the guest's."""
    eips = {line.start: line.eip for line in unit.lines} if unit.region else {}
    for line in unit.lines if unit.region else ():
        for written in _part(cache, line.start, line.end, unit.address):
            insn = decode(written.code)
            way = next((o for o in insn.operands if isinstance(o, Rel)), None)
            goal = -1 if way is None else written.address + insn.length + way.displacement & MASK
            if line.kind == CONTROL and goal in eips:
                yield Exit("taken", eips[goal], written.address, goal, False)


def _stubs(cache: TranslationCache, unit: Unit) -> tuple[Written, ...]:
    away = [at for at in unit.spots if not unit.address <= at < unit.end]
    return tuple(_written(cache, at) for at in sorted(away))


def read_routines(cache: TranslationCache) -> tuple[Routine, ...]:
    """The lookups and the pad, at the beginning of the cache."""
    starts = [*sorted(cache.routine_names), cache.start]
    return tuple(
        Routine(cache.routine_names[start], _part(cache, start, end, start))
        for start, end in pairwise(starts)
    )


def _written(cache: TranslationCache, at: int) -> Written:
    insn = decode(cache.memory.read_bytes(at - WINDOW, LONGEST))
    spot = cache.spots.get(at)
    called = spot is not None and bool(spot.action)
    counts = not called and cache.counters.overhead not in cache.cpu.marks.get(at, ())
    return Written(at, insn.raw, _text(cache, insn, at), counts)


def _text(cache: TranslationCache, insn: Insn, at: int) -> str:
    """Cells by their names, targets that are routines too."""
    names = dict(cache.routine_names)
    if any(isinstance(o, Mem) and o.seg == GS and o.base is None for o in insn.operands):
        names |= CELL_NAMES
    return format_insn(insn, at, names)


def read_executed(technique: BinaryTranslation) -> Executed:
    """How the guest's kernel instructions were carried out so far."""
    counts, counters = technique.counts, technique.cache.counters
    tally = technique.cache.cpu.tally
    missed = counts.get("return", 0)  # the VMM finished these returns
    branches, inline = tally[counters.branch], tally[counters.inline]
    calls = tally[counters.call] + missed
    return Executed(
        technique.retired - branches - calls - inline,
        branches,
        calls,
        inline,
        counts.get("emulate", 0),
        counts.get("trapped", 0),
        tally[counters.overhead],
    )


def read_statistics(technique: BinaryTranslation) -> Statistics:
    """Everything there is to count."""
    counts, cache = technique.counts, technique.cache
    units = cache.units.values()

    def begin(prefix: str) -> dict[str, int]:
        return {
            name.removeprefix(prefix): count
            for name, count in counts.items()
            if name.startswith(prefix)
        }

    return Statistics(
        len(cache.units),
        sum(unit.length for unit in units),
        cache.next - cache.start + cache.end - cache.stubs,
        sum(unit.size for unit in units) - JMP_SIZE * len(cache.elided),
        counts.get("translated", 0),
        begin("lines "),
        begin("discarded "),
        counts.get(LINK, 0),
        counts.get("chained", 0),
        counts.get("elided", 0),
        cache.cpu.tally[cache.counters.lookup],
        counts.get("return", 0) + counts.get("go", 0),
        counts.get("adapted", 0),
        counts.get("regions", 0),
        read_executed(technique),
    )


def read_work(technique: BinaryTranslation) -> dict[tuple[str, str], int]:
    """What no event tells and yet costs time, as counts to be added to those of the events."""
    counters, tally = technique.cache.counters, technique.cache.cpu.tally
    adapted = technique.counts.get("adapted callout", 0)
    return {
        ("translation", "overhead"): tally[counters.overhead],
        ("translation", "device"): tally[counters.device],
        ("trap", "adapted callout"): adapted,
        ("trap", "callout"): -adapted,  # told as any other
    }
