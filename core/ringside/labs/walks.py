"""The lab "Walks": one address, reference by reference, in one or two dimensions.

Real tables are built in simulated memory with the formats of ``machine.paging``; every reference
and every count comes from the walkers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..machine.memory import FRAME, FRAME_SHIFT, Memory
from ..machine.nested import expected_references, nested_walk
from ..machine.paging import BY_NAME, EPT_FOUR_LEVEL, PagingFormat
from ..machine.tables import TableBuilder
from ..machine.walker import Reference, Walk, walk
from ..scenes.scene import Scene
from ..scenes.walk import BitField, Dot, Slice, WalkView, draw
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .narrate import hexa
from .words.say import Segment, pick, plain, segments
from .words.walks import WALKS

GUEST_FRAMES = 256
HOST_FRAMES = 1024
FIRST_FREE_HOST = 640  # host frames from here on hold the VMM's own tables
DATA_GFN = 0x2A


@dataclass(frozen=True, slots=True)
class Read:
    """One memory reference as the lab shows it."""

    number: int
    row: int
    column: int
    context: str
    message: str
    reference: Reference
    format: PagingFormat
    gpa: int = -1
    after: str = ""  # what the reference led to
    error: int = 0


@dataclass(frozen=True, slots=True)
class Tour:
    """A whole walk: its references, the grid's labels, and how it ended."""

    gva: int
    reads: tuple[Read, ...]
    rows: tuple[str, ...]  # message keys or level names
    columns: tuple[str, ...]
    formula: str
    facts: dict[str, int]
    done: str
    gpa: int
    hpa: int
    fault: int | None


class World:
    """Simulated memory with a guest's tables in it, and the guest's frames spread over it."""

    def __init__(self, format: PagingFormat) -> None:
        self.format = format
        self.memory = Memory(HOST_FRAMES * FRAME)
        self._next_guest = 1
        self._next_host = FIRST_FREE_HOST
        self.tables = TableBuilder(format, self.memory, self._guest_frame, self.to_host)
        # The upper half of a 48- or 57-bit space is the kernel's; stay in the lower one there.
        space = format.address_bits - (format.address_bits > 32)
        top = (1 << space) - (3 << 22)
        half = 1 << space - 1
        self.addresses = {
            "mapped": half + 0x0020_3123,
            "high": top + 0x5ABC,
            "unmapped": half + 0x0020_4010,
        }
        for number, name in enumerate(("mapped", "high")):
            self.tables.map(self.addresses[name] & ~(FRAME - 1), DATA_GFN + number)

    def to_host(self, gpa: int) -> int:
        """Where a guest-physical address really lies: the guest's frames are scattered."""
        gfn = gpa >> FRAME_SHIFT
        return (gfn * 37 + 11) % GUEST_FRAMES << FRAME_SHIFT | gpa & FRAME - 1

    def nested_tables(self) -> TableBuilder:
        """Extended page tables for the whole guest memory."""
        tables = TableBuilder(EPT_FOUR_LEVEL, self.memory, self._host_frame)
        for gfn in range(GUEST_FRAMES):
            tables.map(gfn << FRAME_SHIFT, self.to_host(gfn << FRAME_SHIFT) >> FRAME_SHIFT)
        return tables

    def shadow_tables(self) -> TableBuilder:
        """An empty shadow in the guest's own format."""
        return TableBuilder(self.format, self.memory, self._host_frame)

    def _guest_frame(self) -> int:
        self._next_guest += 1
        return self._next_guest

    def _host_frame(self) -> int:
        self._next_host += 1
        return self._next_host


def bare(world: World, gva: int) -> Tour:
    """The processor's own walk of one set of tables."""
    size = world.format.entry_bytes

    def read_entry(address: int) -> int:
        return world.memory.read(world.to_host(address), size)

    result = walk(world.format, world.tables.root, gva, read_entry, user=True)
    reads = _row(result, 0, "kernel", "read", world.format, 1)
    return Tour(
        gva, reads, ("row.table",), _names(world.format), "formula.bare",
        {"n": len(world.format.levels)}, "done", -1, result.address, result.fault)


def nested(world: World, gva: int) -> Tour:
    """The two-dimensional walk of guest tables and extended page tables."""
    tables = world.nested_tables()
    result = nested_walk(
        world.format, world.tables.root, EPT_FOUR_LEVEL, tables.root, gva, world.memory.read,
        user=True)
    reads = []
    for ref in result.refs:
        own = ref.dimension == "guest"
        reads.append(Read(
            ref.number, ref.row, ref.column, "kernel" if own else "vmm",
            "read.guest" if own else "read.nested", ref.reference,
            world.format if own else EPT_FOUR_LEVEL, ref.gpa))
    n, m = len(world.format.levels), len(EPT_FOUR_LEVEL.levels)
    fault = result.guest.fault if result.guest else None
    return Tour(
        gva, _mark_fault(reads, fault), (*_names(world.format), "row.data"),
        (*_names(EPT_FOUR_LEVEL), "column.guest"), "formula.nested",
        {"n": n, "m": m, "total": expected_references(n, m)}, "done.nested", result.gpa,
        result.hpa, fault)


def shadow(world: World, gva: int) -> Tour:
    """A first access under shadow paging: the miss, the VMM's look, the fill, the second try."""
    tables = world.shadow_tables()
    size = world.format.entry_bytes

    def read_shadow(address: int) -> int:
        return world.memory.read(address, size)

    def read_guest(address: int) -> int:
        return world.memory.read(world.to_host(address), size)

    miss = walk(world.format, tables.root, gva, read_shadow, user=True)
    first = list(_row(miss, 0, "vmm", "read.shadow", world.format, 1, after="hidden"))
    look = walk(world.format, world.tables.root, gva, read_guest, user=True)
    reads = [*first, *_row(look, 1, "kernel", "read.software", world.format, len(first) + 1)]
    hpa = -1
    if look.fault is None:
        hpa = world.to_host(look.address)
        tables.map(gva & ~(FRAME - 1), hpa >> FRAME_SHIFT)
        reads[-1] = _with(reads[-1], after="filled")
        again = walk(world.format, tables.root, gva, read_shadow, user=True)
        reads += _row(again, 2, "vmm", "read.shadow", world.format, len(reads) + 1)
    return Tour(
        gva, tuple(reads), ("row.miss", "row.guest", "row.retry"), _names(world.format),
        "formula.shadow", {"n": len(world.format.levels), "total": len(reads)}, "done.nested",
        look.address, hpa, look.fault)


def _names(format: PagingFormat) -> tuple[str, ...]:
    return tuple(level.name for level in format.levels)


def _row(
    result: Walk, row: int, context: str, message: str, format: PagingFormat, number: int,
    after: str = "",
) -> tuple[Read, ...]:
    reads = [
        Read(number + column, row, column, context, message, reference, format)
        for column, reference in enumerate(result.refs)
    ]
    if result.fault is not None and after:
        reads[-1] = _with(reads[-1], after=after)
        return tuple(reads)
    return _mark_fault(reads, result.fault)


def _mark_fault(reads: list[Read], fault: int | None) -> tuple[Read, ...]:
    if fault is not None:
        reads[-1] = _with(reads[-1], after="fault", error=fault)
    return tuple(reads)


def _with(read: Read, after: str, error: int = 0) -> Read:
    return Read(
        read.number, read.row, read.column, read.context, read.message, read.reference,
        read.format, read.gpa, after, error)


TOURS = {"none": bare, "shadow": shadow, "nested": nested}


class WalkRun:
    """A position among the references of one tour: step k shows the first k of them."""

    def __init__(self, tour: Tour, second: str, format: PagingFormat) -> None:
        self._tour = tour
        self._second = second
        self._format = format
        self._step = 0

    @property
    def step(self) -> int:
        """References made so far."""
        return self._step

    @property
    def last(self) -> int:
        """References in all."""
        return len(self._tour.reads)

    @property
    def ended(self) -> bool:
        """The whole walk is known from the start."""
        return True

    def seek(self, step: int) -> None:
        """Show the first ``step`` references."""
        self._step = min(step, self.last)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next reference that begins a row, or that reads the guest's own entry."""
        reads = self._tour.reads
        step = self._step + direction
        while 1 <= step <= self.last:
            read = reads[step - 1]
            previous = reads[step - 2] if step > 1 else None
            wanted = {
                "row": previous is None or previous.row != read.row,
                "guest": read.context == "kernel",
            }
            if kind not in wanted:
                raise InputError(f"There is no kind {kind!r} here.", "Choose row or guest.")
            if wanted[kind]:
                self._step = step
                return True
            step += direction
        return False

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        self.seek(self._step + steps)
        return self._step == self.last

    def receive(self, text: str) -> None:
        """Refuse: nobody reads a console here."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    @property
    def _read(self) -> Read | None:
        return self._tour.reads[self._step - 1] if self._step else None

    def picture(self, shape: str, lang: str) -> Scene:
        """The figure at this step."""
        return draw(self._view(lang), shape)

    @property
    def _gva(self) -> str:
        return hexa(self._tour.gva, (self._format.address_bits + 3) // 4)

    def _view(self, lang: str) -> WalkView:
        tour, read = self._tour, self._read

        def label(name: str) -> str:
            return pick(WALKS[name], lang) if name in WALKS else name.removeprefix("ept ").upper()

        at_end = self._step == self.last
        result, tone, result_label = "", "good", ""
        if at_end and tour.fault is not None:
            result, tone, result_label = f"#PF({tour.fault:x})", "wrong", label("result.fault")
        elif at_end:
            result, result_label = hexa(tour.hpa), label("result.ok")
        return WalkView(
            address=self._gva,
            slices=self._slices(read),
            rows=tuple(label(name) for name in tour.rows),
            columns=tuple(label(name) for name in tour.columns),
            dots=tuple(self._dot(other) for other in tour.reads),
            done=self._step,
            total=self.last,
            formula=plain(WALKS[tour.formula], lang, tour.facts),
            entry_title=self._entry_title(read, lang) if read else "",
            entry_value=hexa(read.reference.entry, read.format.entry_bytes * 2) if read else "",
            entry_context=read.context if read else "kernel",
            fields=self._fields(read) if read else (),
            result=result,
            result_label=result_label,
            result_tone=tone,
            captions=(
                label("caption.address"), label("caption.references"), label("caption.entry")),
        )

    def _slices(self, read: Read | None) -> tuple[Slice, ...]:
        format, gva = self._format, self._tour.gva
        slices = []
        for level in format.levels:
            high = level.shift + level.index_bits - 1
            current = read is not None and read.format is format and (
                read.reference.name == level.name)
            slices.append(Slice(
                f"slice:{level.name}", level.name.upper(), f"{high}:{level.shift}",
                str(level.index(gva)), current))
        slices.append(Slice("slice:offset", "offset", "11:0", hexa(gva & FRAME - 1, 3), False))
        return tuple(slices)

    def _dot(self, read: Read) -> Dot:
        state = "ahead"
        if read.number < self._step:
            state = "done"
        elif read.number == self._step:
            state = "current wrong" if read.after == "fault" else "current"
        ref = read.reference
        tip = f"{read.number}: {ref.name.upper()}[{ref.index}] @ {hexa(ref.address)}"
        return Dot(read.number, read.row, read.column, read.context, state, tip)

    def _entry_title(self, read: Read, lang: str) -> str:
        ref = read.reference
        return f"{ref.name.upper()} {ref.index} @ {hexa(ref.address)}"

    def _fields(self, read: Read) -> tuple[BitField, ...]:
        entry = read.reference.entry
        fields = []
        for field in read.format.fields:
            value = field.of(entry)
            text = str(value) if field.bits == 1 else hexa(value, (field.bits + 3) // 4)
            high = field.low + field.bits - 1
            place = str(field.low) if field.bits == 1 else f"{high}:{field.low}"
            fields.append(BitField(
                f"field:{field.low}", field.name, text, value != 0, f"{place} · {field.text}"))
        return tuple(fields)

    def sentence(self, lang: str) -> list[Segment]:
        """What the last reference was, and what it led to."""
        tour, read = self._tour, self._read
        if read is None:
            return segments(WALKS[f"start.{self._second}"], lang, {"gva": self._gva})
        ref = read.reference
        facts: dict[str, object] = {
            "number": read.number, "index": ref.index, "name": ref.name.upper(),
            "address": hexa(ref.address), "gpa": hexa(read.gpa), "gva": self._gva,
        }
        spoken = segments(WALKS[read.message], lang, facts)
        if read.after:
            facts.update(error=read.error, address=hexa(tour.hpa))
            spoken += [{"text": " "}, *segments(WALKS[read.after], lang, facts)]
        elif self._step == self.last and tour.fault is None:
            facts.update(total=self.last, address=hexa(tour.hpa), gpa=hexa(tour.gpa))
            spoken += [{"text": " "}, *segments(WALKS[tour.done], lang, facts)]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The references made so far, the last ones first."""
        rows = []
        for read in reversed(self._tour.reads[: self._step]):
            ref = read.reference
            rows.append({
                "key": f"read:{read.number}",
                "name": f"{read.number} · {ref.name.upper()}[{ref.index}]",
                "value": f"{ref.entry:x}", "context": read.context,
                "changed": read.number == self._step,
                "tip": f"@ {hexa(ref.address)}"})
        panel: dict[str, Any] = {
            "id": "reads", "kind": "table", "title": pick(WALKS["panel.steps"], lang),
            "rows": rows}
        if self._format.name == "pae":
            panel["note"] = pick(WALKS["note.pdpte"], lang)
        return [panel]

    def timeline(self) -> dict[str, Any]:
        """Guest references and nested or shadow ones, as stretches of colour."""
        stretches: list[list[Any]] = []
        for read in self._tour.reads:
            if stretches and stretches[-1][2] == read.context:
                stretches[-1][1] = read.number
            else:
                stretches.append([read.number - 1, read.number, read.context])
        marks = [[read.number, read.after] for read in self._tour.reads if read.after]
        return {"total": self.last, "segments": stretches, "marks": marks}

    def outcome(self, lang: str) -> str:
        """Nothing ends here but the walk."""
        return ""


def open_walk(setup: Setup) -> Run:
    """Build the tables and take the walk the setup names."""
    format = BY_NAME[setup.guest]
    world = World(format)
    tour = TOURS[setup.technique](world, world.addresses[setup.options["address"]])
    return WalkRun(tour, setup.technique, format)


LAB = Lab(
    id="walks",
    title=WALKS["title"],
    question=WALKS["question"],
    guests=tuple(
        Choice(name, WALKS[f"format.{name}"]) for name in ("4-level", "5-level", "pae", "32-bit")),
    techniques=tuple(
        Choice(name, WALKS[f"second.{name}"]) for name in ("nested", "shadow", "none")),
    options=(
        Option("address", WALKS["option.address"], tuple(
            Choice(name, WALKS[f"address.{name}"]) for name in ("mapped", "high", "unmapped"))),
    ),
    kinds=tuple(Choice(name, WALKS[f"kind.{name}"]) for name in ("row", "guest")),
    open=open_walk,
)
