"""Time travel over any deterministic system: record once, then go to any step exactly.

Going forwards into unknown ground records marks (:mod:`ringside.trace.marks`) and now and then a
keyframe. Going anywhere else thaws the last keyframe before the goal and runs to it unheard: the
system is deterministic, so the state at step ``n`` is the same however ``n`` is reached. What
people typed is the only thing that comes from outside; it is logged by step and typed again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringside.trace.breakpoints import AtAddress, AtEvent, Breakpoint
from ringside.trace.events import Event
from ringside.trace.keyframes import Keyframe, Keyframes
from ringside.trace.marks import BARE_RINGS, Marks, Segments

KEYFRAME_EVERY = 100_000
EVENT_STEPS = 200
"""Steps between keyframes, and how many steps an event counts for.

Measured on CPython 3.11 with nanos: a keyframe takes 0.2 ms and a thaw 0.4 ms on bare metal,
under a VMM 0.9 and 1.1 ms. The engine runs 100 000 plain steps in 5 to 10 ms. Events are where it
steps aside and a VMM works: some tens of microseconds for each, as long as hundreds of plain
steps. Counting them so, a seek costs some tens of milliseconds wherever it goes, without a clock in
here. Recording the first 400 000 steps of nanos takes 7 % longer than running them on bare metal,
and a third to a half longer under a VMM, where far more happens in a step.
"""
EARLY = 250  # steps between the first keyframes
KEYFRAMES = 300  # each holds only the frames that changed: tens to hundreds of KiB
NEAR = (1000, 150, 25)
"""A jump backwards leaves keyframes these many steps before its goal, so that stepping further
back, which people do next, replays tens of steps and not tens of thousands. Where every third
step is an exit, 1000 steps take a VMM 30 ms; as each keyframe is passed, the one before it
replays once and leaves new ones."""
NEVER = 1 << 62  # a step no run comes to
SLICE = 20_000  # steps run between two looks at breakpoints


class System(Protocol):
    """What a timeline can travel over: a machine, or a VMM with everything on it.

    ``run(n)`` must be ``n`` times ``step()``, but stops early, after a step or more, before an
    instruction at one of ``breakpoints``; ``steps`` counts up, and within a listener names
    the steps completed before the one that is happening. ``outcome`` is None while it can go on.
    """

    listener: Callable[[Event], None] | None
    breakpoints: frozenset[int]

    @property
    def steps(self) -> int: ...
    @property
    def outcome(self) -> object | None: ...
    @property
    def pc(self) -> int:
        """Linear address of the next instruction."""

    def step(self) -> object: ...
    def run(self, limit: int) -> object: ...
    def freeze(self) -> Any: ...
    def thaw(self, picture: Any) -> object: ...
    def type_text(self, text: str, device: str = "serial") -> None: ...


@dataclass(frozen=True, slots=True)
class Input:
    """``text`` was typed at ``device`` when ``step`` steps had been taken."""

    step: int
    text: str
    device: str


class _Recorder:
    """Listens while new ground is covered; single instructions are not marked."""

    __slots__ = ("heard", "marks", "segments", "system")
    every_instruction = False

    def __init__(self, system: System, marks: Marks, segments: Segments) -> None:
        self.system = system
        self.marks = marks
        self.segments = segments
        self.heard = 0

    def __call__(self, event: Event) -> None:
        if event.kind != "retired":  # a system may tell more than was asked for
            self.heard += 1
            step = self.system.steps + 1
            self.marks.add(step, event)
            self.segments.note(step, event)


class Timeline:
    """A position in a system's run, and everything known of that run.

    ``position`` is the present step, ``last`` the furthest one seen. ``events`` are those of the
    step that led here.
    """

    def __init__(
        self,
        system: System,
        keyframe_every: int = KEYFRAME_EVERY,
        keyframes: int = KEYFRAMES,
        rings: tuple[str, str, str, str] = BARE_RINGS,
        context: str = "kernel",
    ) -> None:
        self.system = system
        self.first = self.last = system.steps
        self.marks = Marks()
        self.segments = Segments(rings, self.first + 1, context)
        self.inputs: list[Input] = []
        self.events: tuple[Event, ...] = ()
        self._recorder = _Recorder(system, self.marks, self.segments)
        self._every = keyframe_every
        self._stride = max(1, keyframe_every // 2000)  # new ground covered at one go
        self._kept = self.last  # steps and events recorded when a keyframe was last due
        self._keyframes = Keyframes(keyframes)
        self._summary: tuple[object, dict[str, Any]] | None = None
        self._typed = 0  # inputs the present state includes
        self._keep()

    # -- where -----------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """The number of steps the present state has behind it."""
        return self.system.steps

    @property
    def ended(self) -> bool:
        """Whether the run goes no further than ``last``, as far as is known."""
        return self.position == self.last and self.system.outcome is not None

    @property
    def keyframes(self) -> tuple[int, ...]:
        """The steps of the keyframes there are."""
        return self._keyframes.steps

    def counts(self, step: int | None = None) -> dict[tuple[str, str], int]:
        """How often each ``(kind, detail)`` of event had happened by ``step``."""
        return self.marks.counts(self.position if step is None else step)

    def summary(self, kinds: Sequence[str], columns: int = 600) -> dict[str, Any]:
        """The whole run for a strip ``columns`` wide: who ran when, and marks of ``kinds``."""
        first, last = self.first + 1, self.last
        key = (last, tuple(kinds), columns)
        if self._summary is None or self._summary[0] != key:
            marks = [
                [step, kind]
                for kind in kinds
                for step in self.marks.sample(kind, first, last, columns)
            ]
            segments = self.segments.overview(first, last, columns) if last >= first else []
            self._summary = (
                key,
                {
                    "total": last - self.first,
                    "segments": [list(run) for run in segments],
                    "marks": sorted(marks),
                },
            )
        return self._summary[1]

    # -- going -----------------------------------------------------------------------------------

    def seek(self, step: int) -> int:
        """Go to ``step``, or as near as the run comes; returns the position reached."""
        step = max(step, self.first)
        if step != self.position:
            self._approach(min(step - 1, self.last))
            self._advance(step - 1)
            end = self.position
            if end < step - 1:  # the run is shorter: show how it ended
                self._approach(end - 1)
                self._advance(end - 1)
                step = end
            self._arrive(step)
        return self.position

    def forward(self, steps: int = 1) -> int:
        """Go ``steps`` further."""
        return self.seek(self.position + steps)

    def back(self, steps: int = 1) -> int:
        """Go ``steps`` back."""
        return self.seek(self.position - steps)

    def next(self, kind: str, detail: str | None = None, limit: int = 5_000_000) -> bool:
        """Go to the next step with an event of ``kind``; False, and no move, if there is none.

        Up to ``limit`` steps of unknown ground are searched; asking again goes on behind them.
        """
        start, known = self.position, self.last
        while (found := self.marks.after(start, kind, detail)) is None:
            here = self.last
            if here - known >= limit or self.seek(here + SLICE) == here:
                self.seek(start)
                return False
        self.seek(found)
        return True

    def previous(self, kind: str, detail: str | None = None) -> bool:
        """Go to the last step before this one with an event of ``kind``, if there is one."""
        found = self.marks.before(self.position, kind, detail)
        if found is None:
            return False
        self.seek(found)
        return True

    def run_until(self, breakpoints: Iterable[Breakpoint], limit: int) -> Breakpoint | None:
        """Go up to ``limit`` steps on, but stop at the first breakpoint met, and return it.

        An address stops before its instruction, an event after its step.
        """
        points = tuple(breakpoints)
        addresses = {p.address: p for p in points if isinstance(p, AtAddress)}
        events = [p for p in points if isinstance(p, AtEvent)]
        self.system.breakpoints = frozenset(addresses)
        end = self.position + limit
        while self.position < end:
            here = self.position
            goal = min(end, here + SLICE)
            at = self._run_to(goal, addresses) if addresses else self.seek(goal)
            met = [
                (found, n)
                for n, point in enumerate(events)
                if (found := self.marks.after(here, point.kind, point.detail)) is not None
                and found <= at
            ]
            if met:
                found, n = min(met)
                self.seek(found)
                return events[n]
            if at > here and self.system.pc in addresses:
                self._hear_again()
                return addresses[self.system.pc]
            if at < goal:
                break
        if addresses:
            self._hear_again()
        return None

    def type(self, text: str, device: str = "serial") -> None:
        """Type ``text`` now. What was known of the time after this step is forgotten."""
        here = self.position
        self.system.type_text(text, device)
        del self.inputs[self._typed :]
        self.inputs.append(Input(here, text, device))
        self._typed = len(self.inputs)
        self.last = here
        self._summary = None
        self.marks.forget_after(here)
        self.segments.forget_after(here)
        self._keyframes.forget_after(here)
        self._keep()

    def events_at(self, step: int) -> tuple[Event, ...]:
        """The events of ``step``; the position stays where it is."""
        here = self.position
        if step == here:
            return self.events
        if not self.first < step <= self.last:
            return ()
        self.seek(step)
        events = self.events
        self.seek(here)
        return events

    # -- how -------------------------------------------------------------------------------------

    def _approach(self, step: int) -> None:
        """Make the present state one at or before ``step``, as near as there is."""
        step = max(step, self.first)
        here = self.position
        frame = self._keyframes.before(step)
        if here > step or frame.step > here:
            self.system.thaw(frame.picture)
            self._typed = frame.inputs
            if here > step:
                for near in NEAR:
                    if step - self.position > near:
                        self._advance(step - near)
                        self._keep()

    def _advance(self, step: int) -> None:
        """Run to ``step``, or to the end."""
        while self.position < step and self._stretch(step):
            pass

    def _stretch(self, step: int) -> bool:
        """Run towards ``step``: unheard over known ground, recording over new.

        False when there was no getting on.
        """
        here = self.position
        goal = min(step, self._next_input())
        if here < self.last:
            self.system.listener = None
            self.system.run(min(goal, self.last) - here)
        else:
            self.system.listener = self._recorder
            heard = self._recorder.heard
            due = self._kept + self._gap - here - EVENT_STEPS * heard
            self.system.run(min(goal - here, self._stride, max(1, due)))
            self.system.listener = None
            work = self.position - here + EVENT_STEPS * (self._recorder.heard - heard)
            if work > self._every:
                self._stride = max(1, self._stride // 2)
            elif 4 * work < self._every:
                self._stride = min(2 * self._stride, max(1, self._every // 10))
            self._covered()
        self._type_again()
        return self.position > here

    def _arrive(self, step: int) -> None:
        """Take the last step to ``step`` singly and keep its events."""
        self.events = ()
        if self.position != step - 1:
            return
        heard: list[Event] = []
        new = self.position == self.last

        def listen(event: Event) -> None:
            heard.append(event)
            if new:
                self._recorder(event)

        self.system.listener = listen
        self.system.step()
        self.system.listener = None
        self.events = tuple(heard)
        if new:
            self._covered()
        self._type_again()

    def _covered(self) -> None:
        """New ground up to here: keep a keyframe when one is due."""
        self.last = self.position
        work = self.last + EVENT_STEPS * self._recorder.heard
        if work - self._kept >= self._gap:
            self._kept = work
            self._keep()

    @property
    def _gap(self) -> int:
        """Steps and events to the next keyframe. Early ones are close together: there people
        step by hand, and nothing is translated yet."""
        return min(self._every, max(EARLY, (self.last - self.first) // 4))

    def _run_to(self, goal: int, addresses: Container[int]) -> int:
        """Run to ``goal`` or before the first instruction at one of ``addresses``."""
        while self.position < goal and self._stretch(goal):
            if self.system.pc in addresses:
                break
        return self.position

    def _hear_again(self) -> None:
        """Take the last step once more, for its events."""
        here = self.position
        self.seek(here - 1)
        self.seek(here)

    def _next_input(self) -> int:
        return self.inputs[self._typed].step if self._typed < len(self.inputs) else NEVER

    def _type_again(self) -> None:
        """Type what the log has for the present step."""
        while self._next_input() == self.position:
            entry = self.inputs[self._typed]
            self.system.type_text(entry.text, entry.device)
            self._typed += 1

    def _keep(self) -> None:
        self._keyframes.keep(Keyframe(self.position, self.system.freeze(), self._typed))
