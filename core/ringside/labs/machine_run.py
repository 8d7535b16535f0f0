"""A run of a real guest: a timeline over a system, with what the page shows at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..host.systems import System
from ..isa.assembler import Program
from ..machine.outcome import Outcome
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.breakpoints import Breakpoint, read_breakpoint
from ..trace.timeline import Timeline
from . import panels
from .lab import Choice, InputError
from .listing import Listing
from .narrate import hexa, outcome_words, sentence
from .views import Reader, Reading, reader_of
from .words.say import Segment, plain, segments
from .words.steps import NOTHING, STEPS

PREVIEW = 4_000  # steps run when a guest is loaded, so that a short one is known to its end
COLUMNS = 240  # columns of the strip under the figure
SHOWN_BYTES = 4  # of what stands where there should be an instruction
SEARCH = 500_000  # unknown steps a jump to the next kind looks through; asked again, it goes on


class MachineRun:
    """A position in the run of a guest on some system."""

    doubles_codes = True  # the PC's exit port makes of a guest's code twice that and one

    def __init__(
        self, system: System, program: Program | None, name: str, kinds: Sequence[Choice]
    ) -> None:
        self._open(system, reader_of(system), Listing.of(program), name, kinds)

    def _open(
        self, system: System, reader: Reader, listing: Listing, name: str,
        kinds: Sequence[Choice],
    ) -> None:
        """Begin a run of ``system``, looked at by ``reader``."""
        self.system = system
        self.reader = reader
        self.name = name
        self.listing = listing
        self._kinds = [kind.id for kind in kinds]
        self.timeline_ = Timeline(
            system, rings=reader.ring_contexts, context=reader.context)
        self._first = self.timeline_.first
        self._breakpoints: tuple[Breakpoint, ...] = ()
        self.before: Reading | None = None
        self.insn = ""  # the instruction the last step was about
        self._missing = ("", "", "")  # or why there was none, where, and what stood there
        self._outcome: Outcome | None = None
        self._outcome_at = -1
        self.seek(PREVIEW)
        self.seek(0)

    # -- where -------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Steps from the start of the run."""
        return self.timeline_.position - self._first

    @property
    def last(self) -> int:
        """The furthest step seen so far."""
        return self.timeline_.last - self._first

    @property
    def ended(self) -> bool:
        """Whether the guest is known to go no further than ``last``."""
        return self._end is not None

    @property
    def _end(self) -> Outcome | None:
        """How the run ended at ``last``; None while that is not known to be its end."""
        return self._outcome if self._outcome_at == self.timeline_.last else None

    def _note_end(self) -> None:
        """Remember the outcome while the run stands at the furthest step."""
        timeline = self.timeline_
        if timeline.position == timeline.last:
            self._outcome_at, self._outcome = timeline.last, self.system.outcome

    @property
    def events(self) -> tuple[ev.Event, ...]:
        """The events of the step that led here."""
        return self.timeline_.events

    # -- going -------------------------------------------------------------------------------

    def seek(self, step: int) -> None:
        """Go to ``step``, or as near as the run comes."""
        timeline = self.timeline_
        goal = max(step, 0) + self._first
        if goal > timeline.first:
            timeline.seek(goal - 1)
            self._look()
        timeline.seek(goal)
        if timeline.position < goal and timeline.position > timeline.first:
            end = timeline.position  # the run is shorter: show its last step
            timeline.seek(end - 1)
            self._look()
            timeline.seek(end)
        if timeline.position == timeline.first:
            self.before, self.insn = None, ""
        self._note_end()

    def _look(self) -> None:
        """Before a step is taken: what the registers are, and which instruction comes."""
        reader = self.reader
        self.before = reader.read()
        at = reader.linear
        self.insn = self.listing.text(at, reader.peek, reader.code_bits)
        why = "" if self.insn else self.listing.missing(at, reader.peek, reader.code_bits)
        if why and not reader.backed(at):
            why = "memory"
        code = reader.peek(at, SHOWN_BYTES) if why else None
        self._missing = (why, hexa(at), (code or b"").hex(" "))

    def find(self, kind: str, direction: int) -> bool | None:
        """Go to the next or previous step with an event of ``kind``."""
        known = self.extra_marks().get(kind)
        if known is not None:
            reached = known > self.step if direction > 0 else known < self.step
            if reached:
                self.seek(known)
            return reached
        if kind not in self._kinds:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(self._kinds)}.")
        timeline = self.timeline_
        ahead = direction > 0
        found = timeline.next(kind, limit=SEARCH) if ahead else timeline.previous(kind)
        self._note_end()
        self.seek(self.step)
        return found

    def advance(self, steps: int) -> bool:
        """Run up to ``steps`` further; True when a breakpoint or the end stopped it."""
        goal = self.step + steps
        if not self._breakpoints:
            self.seek(goal)
            return self.step < goal
        met = self.timeline_.run_until(self._breakpoints, steps)
        self._note_end()
        self.seek(self.step)
        return met is not None or self.step < goal

    def receive(self, text: str) -> None:
        """Type ``text`` at the guest's serial console, now."""
        self.timeline_.type(text)

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Replace the breakpoints."""
        try:
            self._breakpoints = tuple(read_breakpoint(point) for point in points)
        except ValueError as error:
            raise InputError(str(error)) from None

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The figure; each lab has its own."""
        raise NotImplementedError

    def sentence(self, lang: str) -> list[Segment]:
        """What the last step did; how the run ended, at its end."""
        if self.step == 0:
            return segments(STEPS[self.reader.opening], lang)
        spoken = self._told(lang)
        if self.step == self.last and self._end is not None:
            ending = segments(STEPS["end"], lang, {"outcome": self.outcome(lang)})
            return [*spoken, {"text": " "}, *ending]
        return spoken

    def _told(self, lang: str) -> list[Segment]:
        """What the step did."""
        end = self._end if self.step == self.last else None
        paging = self.before is None or bool(self.before.registers["cr0"] >> 31)
        return sentence(
            self.events, lang, insn=self.insn, nothing=self._nothing(lang), paging=paging,
            shutdown=end is not None and end.kind == "shutdown",
            eax=self.before.registers["eax"] if self.before else 0)

    def _nothing(self, lang: str) -> str:
        """Why there was no instruction, if there was none."""
        why, at, code = self._missing
        return plain(NOTHING[why], lang, {"eip": at, "bytes": code}) if why else ""

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, registers and console; labs add theirs."""
        reader = self.reader
        now = reader.read()
        code = self.listing.panel(lang, self.name, reader.linear, reader.peek, reader.code_bits)
        before = self.before.registers if self.before else None
        return [
            code,
            panels.registers(lang, now.registers, before),
            panels.console(lang, self.system.console),
        ]

    def timeline(self) -> dict[str, Any]:
        """Who ran when, and where the marks are."""
        summary = self.timeline_.summary(self._kinds, COLUMNS)
        extra = [[step, kind] for kind, step in self.extra_marks().items() if step <= self.last]
        summary["marks"] = sorted(summary["marks"] + extra)
        return summary

    def extra_marks(self) -> dict[str, int]:
        """Steps a lab knows of besides those of events, by kind."""
        return {}

    def outcome(self, lang: str) -> str:
        """How the run ended, in words; empty while it can go on."""
        end = self._end
        if end is None:
            return ""
        if end.kind == "exit" and self.doubles_codes and end.status is not None:
            code = end.status >> 1
            kind = "exit.code" if code else "exit.success"
            return outcome_words(kind, lang, code=code, status=end.status)
        return outcome_words(end.kind, lang, status=end.status, detail=end.detail)
