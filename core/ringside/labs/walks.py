"""The lab "Walks": a program's accesses, reference by reference, in one or two dimensions.

Real tables are built in simulated memory with the formats of ``machine.paging``; every reference
and every count comes from the walkers, see ``walk_tour``.
"""

from __future__ import annotations

from typing import Any

from ..scenes.scene import Scene
from ..scenes.walk import WalkView, draw
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .narrate import hexa
from .tlb import trace_panel
from .walk_beats import HITS, NOTHING, Beat, Read, Tour
from .walk_cases import MAKERS, address
from .walk_fields import entry_fields
from .walk_origin import origin_panel, origin_sentence, origin_title
from .walk_panels import console_panel, reads_panel, sums_panel, tlb_panel
from .walk_record import FETCH, GUESTS, record
from .walk_setup import PROGRAMS as PLAYED
from .walk_setup import TRACE, make_accesses, make_journey
from .walk_tour import Journey
from .walk_view import ENDS, dot, entry_title, past, slices
from .walk_world import GUEST_SIZE
from .walks_batch import walk_all
from .words.notes import ANSWERS, WORLD
from .words.say import Segment, pick, plain, segments
from .words.tlb import TLB
from .words.walk_programs import PROGRAMS
from .words.walks import WALKS

MOST = 400  # accesses of one run; typing further ones ends there
LONG = 600  # beats; the timeline of a longer run shows accesses instead of references
WORDS = WALKS | PROGRAMS


class WalkRun:
    """A position among the beats of a journey: step k shows the first k of them."""

    def __init__(self, journey: Journey, setup: Setup) -> None:
        self.journey = journey
        self.setup = setup
        self._format = journey.geometry.guest
        self._step = 0
        self._beats: list[tuple[int, Beat]] = []
        self._typed: list[str] = []
        self._note()
        self._made = sum(tour.beats[0].kind not in FLUSHES for tour in self.tours)

    def _note(self) -> None:
        """Take the beats of the tours that are new."""
        known = self._beats[-1][0] + 1 if self._beats else 0
        for number, tour in enumerate(self.tours[known:], known):
            self._beats += [(number, beat) for beat in tour.beats]

        self._first = {
            number: step for step, (number, _) in reversed(list(enumerate(self._beats, 1)))}

    def _steps(self, number: int) -> dict[int, int]:
        """The step at which each reference of an access is made, by the reference's number."""
        found = {}
        for step in range(self._first.get(number, self.last + 1), self.last + 1):
            owner, beat = self._beats[step - 1]
            if owner != number:
                break
            if beat.read is not None and beat.read.number:
                found[beat.read.number] = step
        return found

    @property
    def tours(self) -> list[Tour]:
        """The accesses, each with all its references."""
        return self.journey.tours

    @property
    def step(self) -> int:
        """Beats shown so far."""
        return self._step

    @property
    def last(self) -> int:
        """Beats in all."""
        return len(self._beats)

    @property
    def ended(self) -> bool:
        """All of it is known from the start."""
        return True

    def seek(self, step: int) -> None:
        """Show the first ``step`` beats."""
        self._step = min(step, self.last)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next beat of a kind: a row's or access's first, a guest entry, an end."""
        if kind not in KINDS:
            raise InputError(f"There is no kind {kind!r} here.", f"Choose one of: {KINDS}.")
        step = self._step + direction
        while 1 <= step <= self.last:
            if self._is(kind, step):
                self._step = step
                return True
            step += direction
        return False

    def _is(self, kind: str, step: int) -> bool:
        number, beat = self._beats[step - 1]
        before, previous = self._beats[step - 2] if step > 1 else (-1, None)
        read = beat.read
        if kind in ("access", "data"):
            origin = self.tours[number].origin
            fetched = origin is not None and origin.kind == FETCH
            return number != before and not (kind == "data" and fetched)
        if kind == "hit":
            return beat.kind in HITS
        if kind == "fault":
            return read is not None and read.after in ENDS
        if read is None:
            return False
        if kind == "guest":
            return read.context == "kernel"
        return (number != before or previous is None or previous.read is None
                or previous.read.row != read.row)

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        self.seek(self._step + steps)
        return self._step == self.last

    def receive(self, text: str) -> None:
        """Another access: an address, ``w`` or ``x`` and one, ``invlpg`` and one, or ``switch``."""
        words = text.split()
        if not words:
            raise InputError("Nothing was typed.", HINT)
        if len(self.tours) >= MOST:
            raise InputError(f"A run has at most {MOST} accesses.", "Choose an option anew.")
        verb = words[0].lower() if words[0].lower() in ("w", "r", "x", "invlpg", "switch") else ""
        rest = words[1:] if verb else words
        journey = self.journey
        running = journey.current
        if verb == "switch" and not rest:
            gva = address(journey.machines[1 - running], "mapped")
            journey.access(1 - running, gva)
        elif len(rest) == 1 and verb != "switch":
            gva = self._parse(rest[0])
            if verb == "invlpg":
                journey.invalidate(gva)
            else:
                journey.access(running, gva, write=verb == "w", fetch=verb == "x")
        else:
            raise InputError(f"{text.strip()!r} is not understood.", HINT)
        self._typed.append(text.strip())
        first = self.last + 1
        self._note()
        self._step = first

    def _parse(self, word: str) -> int:
        try:
            gva = int(word, 16)
        except ValueError:
            raise InputError(f"{word!r} is not a hexadecimal address.", HINT) from None
        bits = self._format.address_bits
        if bits > 32 and gva >> bits - 1 == (1 << 65 - bits) - 1:
            gva &= (1 << bits) - 1
        elif gva < 0 or gva >> bits or bits > 32 and gva >> bits - 1:
            what = "canonical, which a processor refuses with #GP before any walk"
            raise InputError(
                f"{word} is not {what if bits > 32 else 'a 32-bit address'}.",
                f"The addresses of this format have {bits} bits.")
        return gva

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def _place(self) -> tuple[int, Tour, Beat | None]:
        """The access at this step, its tour, and the beat; before the first there is none."""
        if not self._step:
            return 0, self.tours[0] if self.tours else NOTHING, None
        number, beat = self._beats[self._step - 1]
        return number, self.tours[number], beat

    def _read(self) -> Read | None:
        beat = self._place[2]
        return beat.read if beat else None

    def _at_end(self) -> bool:
        """Whether this is the last beat of its access."""
        number = self._place[0]
        return bool(self._step) and (
            self._step == self.last or self._beats[self._step][0] != number)

    def picture(self, shape: str, lang: str) -> Scene:
        """The figure at this step."""
        return draw(self._view(lang), shape)

    def _gva(self, tour: Tour) -> str:
        return hexa(tour.gva, (self._format.address_bits + 3) // 4)

    def _view(self, lang: str) -> WalkView:
        number, tour, beat = self._place
        read = beat.read if beat else None

        def label(name: str) -> str:
            return pick(WORDS[name], lang) if name in WORDS else name.removeprefix("ept ").upper()

        result, tone, result_label = "", "good", ""
        if self._at_end() and beat is not None and beat.kind not in FLUSHES:
            if tour.fault is not None:
                result, tone, result_label = f"#PF({tour.fault:x})", "wrong", label("result.fault")
            elif tour.exit:
                result, tone, result_label = (
                    label(f"result.{tour.exit}"), "wrong", label("result.exit"))
            else:
                result, result_label = hexa(tour.hpa), label("result.ok")
        facts = {**tour.facts, "skipped": len(tour.reads) - tour.made}
        facts["made"] = tour.made
        short = len(tour.reads) < facts.get("whole", 0)  # an end before the grid's
        key = ".".join(part for part, there in (
            ("formula", True), ("skipped", facts["skipped"]), ("short", short)) if there)
        saved = plain(WALKS[key], lang, facts) if key in WALKS else ""
        steps = self._steps(number)
        program = self.tours if len(self.tours) > 1 else []
        return WalkView(
            address=self._gva(tour),
            slices=slices(self.journey, tour, read, lang),
            rows=tuple(label(name) for name in tour.rows),
            columns=tuple(label(name) for name in tour.columns),
            dots=tuple(dot(other, beat, steps.get(other.number)) for other in tour.reads),
            done=beat.done if beat else 0,
            total=tour.made,
            formula=plain(WALKS[tour.formula], lang, facts),
            saved=saved,
            entry_title=entry_title(read) if read else "",
            entry_value=hexa(read.reference.entry, read.format.entry_bytes * 2) if read else "",
            entry_context=read.context if read else "kernel",
            fields=entry_fields(read.format, read.reference, lang) if read else (),
            result=result,
            result_label=result_label,
            result_tone=tone,
            captions=(
                label("caption.address"), label("caption.references"), label("caption.entry")),
            accesses=tuple(
                past(at, other, number, self._gva(other), lang, self._first.get(at))
                for at, other in enumerate(program)),
            accesses_title=(
                origin_title(tour.origin, lang) if tour.origin and beat
                else label("caption.accesses")),
            notice=label(f"notice.{beat.kind}") if beat and beat.kind in HITS else "",
        )

    def sentence(self, lang: str) -> list[Segment]:
        """What the last beat was, and what it led to; at an access's first, what made it."""
        number, tour, beat = self._place
        if beat is None:
            waiting = self.setup.options["program"] == TRACE and self.setup.trace is None
            start = "drop" if waiting else f"start.{self.journey.technique}"
            return segments(WORDS[start], lang, {"gva": self._gva(tour)})
        spoken = self._told(number, tour, beat, lang)
        first = self._step == 1 or self._beats[self._step - 2][0] != number
        if first and tour.origin is not None:
            spoken = [*origin_sentence(tour.origin, lang), {"text": " "}, *spoken]
        return spoken

    def _told(self, number: int, tour: Tour, beat: Beat, lang: str) -> list[Segment]:
        """What a beat was."""
        facts: dict[str, object] = {
            "gva": self._gva(tour), "vm": tour.machine + 1, "access": number + 1}
        read = beat.read
        if read is None:
            facts.update(count=beat.count, address=hexa(tour.hpa))
            return segments(WORDS[f"beat.{beat.kind}"], lang, facts)
        ref = read.reference
        facts.update(
            number=read.number, index=ref.index, name=ref.name.upper(), address=hexa(ref.address),
            gpa=hexa(read.gpa))
        spoken = segments(WALKS[read.message], lang, facts)
        if read.oddity:
            own = ref.table + ref.index * read.format.entry_bytes
            target = ref.entry & read.format.address_mask
            facts.update(table=hexa(target), at=hexa(own))
            spoken += [{"text": " "}, *segments(WALKS[read.oddity], lang, facts)]
        if read.after:
            facts.update(
                error=f"{read.error:#x}", address=hexa(tour.hpa), final=hexa(tour.gpa),
                rights=_rights(read.error >> 3 & 7))
            spoken += [{"text": " "}, *segments(WORDS[self._why(read)], lang, facts)]
        elif self._at_end() and tour.fault is None:
            facts.update(total=tour.made, address=hexa(tour.hpa), gpa=hexa(tour.gpa))
            spoken += [{"text": " "}, *segments(WALKS[tour.done], lang, facts)]
            if not read.oddity and any(other.oddity == "loop.end" for other in tour.reads):
                spoken += [{"text": " "}, *segments(WALKS["done.loop"], lang, facts)]
        return spoken

    def _why(self, read: Read) -> str:
        """The words for what a reference led to."""
        if read.after in ("violation", "npf") and read.gpa >= GUEST_SIZE:
            return f"{read.after}.beyond"
        if read.after == "violation" and not read.error >> 3 & 7:
            return "violation.absent"
        return read.after

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The references made so far, what the caches hold, sums, and the place to type."""
        number, tour, beat = self._place
        return [
            *self._origin_panels(tour, lang),
            reads_panel(tour, beat, self._steps(number), lang, pae=self._format.name == "pae"),
            *tlb_panel(self.journey, self._step == self.last, lang),
            *sums_panel(self.tours[: number + 1], lang),
            console_panel(self.journey, self._typed, lang),
        ]

    def _origin_panels(self, tour: Tour, lang: str) -> list[dict[str, Any]]:
        """Which instruction made the access, and what was read of a dropped trace."""
        panels = []
        program, trace = self.setup.options["program"], self.setup.trace
        if tour.origin is not None:
            paged = record(program).paged if program in GUESTS else None
            panels.append(origin_panel(tour.origin, self._made, paged, lang))
        if program == TRACE and trace is not None:
            panels.append(trace_panel(
                trace.name, self._made, trace.accesses, trace.report, TLB, lang))
        return panels

    def timeline(self) -> dict[str, Any]:
        """Guest references and nested or shadow ones, as stretches of colour."""
        stretches: list[list[Any]] = []
        marks = []
        brief = self.last > LONG
        for step, (number, beat) in enumerate(self._beats, 1):
            origin = self.tours[number].origin if brief else None
            context = origin.context if origin else beat.read.context if beat.read else "device"
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
            after = beat.kind if beat.kind in HITS else ""
            if beat.read:
                after = beat.read.after or beat.read.oddity
            if after and not (brief and after not in ENDS):
                marks.append([step, after])
        return {"total": self.last, "segments": stretches, "marks": marks}

    def outcome(self, lang: str) -> str:
        """Nothing ends here but the walk."""
        return ""


KINDS = ("row", "guest", "access", "data", "hit", "fault")
FLUSHES = frozenset({"invalidated", "emptied"})  # what is no access
HINT = "Type an address such as 80203123 (in hexadecimal), 'w ADDRESS', 'x ADDRESS', " \
    "'invlpg ADDRESS' or 'switch'."


def _rights(bits: int) -> str:
    return "".join(name for name, bit in (("R", 1), ("W", 2), ("X", 4)) if bits & bit) or "–"


def open_walk(setup: Setup) -> Run:
    """Build the tables and make the accesses the setup names."""
    journey = make_journey(setup)
    make_accesses(journey, setup, setup.options["address"])
    return WalkRun(journey, setup)


def _menu(name: str, *values: str) -> Option:
    return Option(name, WALKS[f"option.{name}"], tuple(
        Choice(value, WORDS[f"{name}.{value}"]) for value in values))


LAB = Lab(
    id="walks",
    title=WALKS["title"],
    question=WALKS["question"],
    answer=ANSWERS["walks"], world=WORLD["walks"], tasks=TASKS["walks"],
    topic="memory",
    guests=tuple(
        Choice(name, WALKS[f"format.{name}"]) for name in ("4-level", "5-level", "pae", "32-bit")),
    techniques=tuple(
        Choice(name, WALKS[f"second.{name}"]) for name in ("nested", "shadow", "none")),
    options=(
        _menu("address", *MAKERS),
        _menu("access", "read", "write", "fetch"),
        _menu("program", *PLAYED),
        _menu("page", "4K", "2M", "1G"),
        _menu("host", "4K", "2M", "1G"),
        _menu("nested", "ept-4", "ept-5", "4-level", "pae", "32-bit"),
        _menu("caches", "none", "tlb", "walk", "ntlb", "walk+ntlb", "tlb+walk", "tlb+walk+ntlb"),
        _menu("vpid", "on", "off"),
    ),
    kinds=tuple(Choice(name, WALKS[f"kind.{name}"]) for name in KINDS),
    open=open_walk,
    drops=f"program={TRACE}",
    batch=walk_all,
)
