"""The lab "Phone": a radio with deadlines beside a busy system, under two schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from ..guests import program
from ..host.phone import (
    EXIT_COST,
    POLICIES,
    RADIO,
    RICH,
    TICKS_PER_SECOND,
    Phone,
    Settings,
)
from ..machine.loader import load_program
from ..scenes import phone as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.counters import total
from ..trace.marks import DEPRIVILEGED_RINGS
from ..trace.timeline import Timeline
from . import panels
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .narrate import hexa, reason, sentence
from .phone_batch import PhoneBatch
from .words.notes import ANSWERS, WORLD
from .words.phone import PHONE
from .words.say import Message, Segment, decimal, pick, plain, segments

MILLISECOND = TICKS_PER_SECOND // 1000
KINDS = ("schedule", "inject", "deadline", "missed", "block", "denied")
WORLDS = ("radio", "rich")
# What makes a step, and which details tell apart: world switches by who gets the processor.
MARKED = (
    *(("schedule", world) for world in WORLDS),
    *((kind, None) for kind in KINDS if kind != "schedule"),
)
CONTEXTS = {"radio": "device", "rich": "app"}
FRAME_TICKS = {"gsm": 4_615, "lte": 1_000, "slow": 20_000}
SLICES = {"30": 30_000, "5": 5_000, "1": 1_000}
STRIP_FRAMES = 12  # radio frames the strip shows, however long they are
BARS = 40  # frames whose answers are drawn as bars
# Steps run when the lab is opened: so many frames, but not before the rich system has done all it
# does, and not longer than a reader would wait. A step is about a tick.
PREVIEW_FRAMES, PREVIEW_LEAST, PREVIEW_MOST = 48, 80_000, 300_000
STRETCH = 200_000  # steps run at a time after that
STRETCHES = 10  # stretches one request runs at most
COLUMNS = 400  # marks of one kind the timeline shows at most


class PhoneRun:
    """A position among the events of the phone: each step is one thing that happened."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._timeline = Timeline(phone, rings=DEPRIVILEGED_RINGS, context="vmm")
        self._points: list[int] = [self._timeline.first]
        self._marked: list[list[str]] = [[]]  # what happened at each point
        self._step = 0
        wanted = PREVIEW_FRAMES * phone.radio.period
        self._cover(min(max(wanted, PREVIEW_LEAST), PREVIEW_MOST))
        self.seek(0)

    def _cover(self, steps: int) -> None:
        """Run ``steps`` further than anybody has been, and note where things happened."""
        timeline = self._timeline
        before = timeline.last
        timeline.seek(before + steps)
        found: dict[int, list[str]] = {}
        for kind, detail in MARKED:
            at = before
            while (mark := timeline.marks.after(at, kind, detail)) is not None:
                found.setdefault(mark, []).append(detail or kind)
                at = mark
        for mark in sorted(found):
            self._points.append(mark)
            self._marked.append(found[mark])

    def _reach(self, there: Callable[[], bool]) -> None:
        """Run the phone further until ``there``, or as far as one request may."""
        for _ in range(STRETCHES):
            if there():
                return
            self._cover(STRETCH)

    # -- where and going ---------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Events behind the present moment."""
        return self._step

    @property
    def last(self) -> int:
        """Events known so far."""
        return len(self._points) - 1

    @property
    def ended(self) -> bool:
        """A phone goes on for ever; what was looked at so far is the run."""
        return False

    @property
    def events(self) -> tuple[ev.Event, ...]:
        """What happened in the step that led here."""
        return self._timeline.events

    def seek(self, step: int) -> None:
        """Go to the ``step``-th event, running the phone further when it is not known yet."""
        self._reach(lambda: self.last >= step)
        self._step = max(0, min(step, self.last))
        self._timeline.seek(self._points[self._step])

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next or previous event of ``kind``."""
        if kind not in KINDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(KINDS)}.")
        marks, here = self._timeline.marks, self._points[self._step]
        if direction > 0:
            self._reach(lambda: marks.after(here, kind) is not None)
        found = marks.after(here, kind) if direction > 0 else marks.before(here, kind)
        if found is None:
            self.seek(self._step)
            return False
        self.seek(bisect_right(self._points, found) - 1)
        return True

    def advance(self, steps: int) -> bool:
        """Go ``steps`` events on, or as many as one request may take."""
        goal = self._step + steps
        self.seek(goal)
        return self._step < goal

    def receive(self, text: str) -> None:
        """Refuse: neither guest reads a console."""
        raise InputError("The guests of this lab do not read their consoles.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: jump by kind instead."""
        if points:
            raise InputError("This lab has no breakpoints.", "Jump by kind of event instead.")

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The phone at this moment."""
        return figure.draw(self._view(lang), shape)

    def _view(self, lang: str) -> figure.PhoneView:
        phone, settings = self.phone, self.phone.settings
        now, strip = phone.time, self._strip
        start = max(now - strip, 0)

        def say(key: str, **facts: object) -> str:
            return plain(PHONE[key], lang, facts)

        denied = any(isinstance(event, ev.Denied) for event in self._timeline.events)
        policy = say(f"policy.{settings.policy}")
        note = say(f"policy.{settings.policy}.note", slice=_ms(settings.slice_ticks, lang))
        return figure.PhoneView(
            worlds=(self._world(RADIO, "radio", lang), self._world(RICH, "rich", lang)),
            policy=(policy, note),
            spans=self._spans(start, lang),
            frames=self._frames(start, lang),
            latencies=tuple(
                (frame.number, frame.latency / phone.radio.budget if frame.latency >= 0 else -1.0,
                 frame.state == "met")
                for frame in phone.radio.frames[-BARS:] if frame.state != "open"),
            met=phone.radio.met,
            missed=phone.radio.missed,
            met_label=say("met"),
            missed_label=say("missed"),
            strip_label=say("strip", ms=_ms(strip, lang)),
            strip_ends=(f"{_ms(start, lang)} ms", f"{_ms(start + strip, lang)} ms"),
            frames_label=say("frames"),
            latency_label=say("latency"),
            deadline_label=say("deadline", ms=_ms(phone.radio.budget, lang)),
            denied=say("denied") if denied else "",
            hypervisor=say("vmm"),
            switching=not phone.vmm.in_guest,
        )

    @property
    def _strip(self) -> int:
        """Ticks from one end of the strip to the other."""
        return STRIP_FRAMES * self.phone.radio.period

    def _world(self, number: int, key: str, lang: str) -> figure.World:
        vmm, vm = self.phone.vmm, self.phone.vms[number]
        running = vmm.in_guest and vmm.vm is vm
        state = "running" if running else "asleep" if vm.halted else "ready"
        if vm.outcome is not None and vm.outcome.final:
            state = "stopped"
        lines = [line for line in vm.console.split("\n") if line][-4:]
        return figure.World(
            key, pick(PHONE[key], lang), pick(PHONE[f"{key}.detail"], lang), CONTEXTS[key],
            running, pick(PHONE[f"state.{state}"], lang), tuple(lines))

    def _spans(self, start: int, lang: str) -> tuple[figure.Span, ...]:
        """Who had the processor when, from the host's own log of world switches."""
        now, strip = self.phone.time, self._strip
        spans = []
        log = [*self.phone.vmm.log, (now, -1)]
        for (begun, who), (end, _) in pairwise(log):
            if who < 0 or end <= start or end == begun:
                continue
            first = max(begun, start)
            spans.append(figure.Span(
                f"span:{begun}", (first - start) / strip, (end - start) / strip,
                CONTEXTS[WORLDS[who]],
                f"{pick(PHONE[WORLDS[who]], lang)}: {_ms(end - begun, lang)} ms"))
        return tuple(spans)

    def _frames(self, start: int, lang: str) -> tuple[figure.Frame, ...]:
        tones = {"met": "good", "missed": "wrong", "open": "open"}
        radio, now, strip = self.phone.radio, self.phone.time, self._strip
        shown = []
        for frame in radio.frames:
            if frame.begun + radio.budget <= start:
                continue
            answered = (frame.answered - start) / strip if frame.answered >= start else -1.0
            deadline = min((frame.begun + radio.budget - start) / strip, 1.0)
            # Nobody has noticed yet, but an open frame past its deadline is lost.
            lost = frame.state == "open" and now > frame.begun + radio.budget
            latency = f"{_ms(frame.latency, lang)} ms" if frame.latency >= 0 else "–"
            begun = max(frame.begun - start, 0) / strip
            shown.append(figure.Frame(
                f"frame:{frame.number}", frame.number, begun, answered, deadline,
                "wrong" if lost else tones[frame.state], f"{frame.number}: {latency}"))
        return tuple(shown)

    def sentence(self, lang: str) -> list[Segment]:
        """What this event was."""
        if self._step == 0:
            return segments(PHONE["start"], lang)
        events = self._timeline.events
        missed = [event for event in events if isinstance(event, ev.DeadlineMissed)]
        met = [event for event in events if isinstance(event, ev.DeadlineMet)]
        if missed or met:
            return self._deadlines(missed, met, lang)
        for kind, speak in _SPEAKERS.items():
            for event in events:
                if type(event) is kind:
                    message, facts = speak(self, event, lang)
                    return segments(message, lang, facts)
        return sentence(events, lang)

    def _deadlines(
        self, missed: list[ev.DeadlineMissed], met: list[ev.DeadlineMet], lang: str
    ) -> list[Segment]:
        """The frames an answer settled: those nobody answered in time, and the one it met."""
        answered = {f.number for f in self.phone.radio.frames if f.answered >= 0}
        silent = [event.number for event in missed if event.number not in answered]
        spoken: list[tuple[str, dict[str, object]]] = []
        if silent:
            key = "missed" if all(map(self._was_away, silent)) else "passed"
            many = ".many" if len(silent) > 1 else ""
            facts: dict[str, object] = {
                "number": silent[0], "first": silent[0], "last": silent[-1]}
            spoken.append((f"deadline.{key}{many}", facts))
        for key, events in (("deadline.late", missed), ("deadline.met", met)):
            spoken += [
                (key, {"number": event.number, "ms": _ms(event.latency, lang)})
                for event in events if event.number in answered
            ]
        parts = [segments(PHONE[key], lang, facts) for key, facts in spoken]
        return [part for nth, words in enumerate(parts)
                for part in ([{"text": " "}, *words] if nth else words)]

    def _was_away(self, number: int) -> bool:
        """Whether the rich system had the processor when the frame's deadline passed."""
        radio, log = self.phone.radio, self.phone.vmm.log
        deadline = number * radio.period + radio.budget
        at = bisect_right(log, deadline, key=lambda entry: entry[0]) - 1
        return at >= 0 and log[at][1] == RICH

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Numbers and the two consoles."""
        phone, counts = self.phone, self._timeline.counts()
        radio, rich = phone.vms
        share = [_share(vm.vcpu.time - vm.vcpu.idle, phone.time) for vm in (radio, rich)]
        facts = (
            ("time", f"{_ms(phone.time, lang)} ms"),
            ("switches", str(total(counts, "schedule"))),
            ("exits", str(total(counts, "trap"))),
            ("cpu.radio", share[0]),
            ("cpu.rich", share[1]),
        )
        rows = [
            {"key": f"fact:{key}", "name": pick(PHONE[f"fact.{key}"], lang), "value": value,
             "changed": False}
            for key, value in facts
        ]
        numbers = {
            "id": "facts", "kind": "table", "title": pick(PHONE["panel.facts"], lang),
            "rows": rows, "note": plain(PHONE["model"], lang, {"cost": EXIT_COST})}
        consoles = []
        for vm in (radio, rich):
            panel = panels.console(lang, vm.console, accepts_input=False)
            panel.update(id=f"console:{vm.name}", title=pick(PHONE[f"console.{vm.name}"], lang))
            consoles.append(panel)
        return [numbers, *consoles]

    def timeline(self) -> dict[str, Any]:
        """The events in a row, coloured by whose they are."""
        stretches: list[list[Any]] = []
        shown: dict[tuple[str, int], list[Any]] = {}  # one mark of a kind in each column
        context = CONTEXTS[WORLDS[0]]
        for step in range(1, self.last + 1):
            here = self._marked[step]
            context = next((CONTEXTS[name] for name in here if name in CONTEXTS), context)
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
            for kind in here:
                if kind in ("deadline", "missed", "denied"):
                    shown.setdefault((kind, step * COLUMNS // self.last), [step, kind])
        return {"total": self.last, "segments": stretches, "marks": list(shown.values())}

    def outcome(self, lang: str) -> str:
        """A phone does not end."""
        return ""


def _ms(ticks: int, lang: str) -> str:
    places = 2 if 0 < ticks < MILLISECOND else 1
    return decimal(f"{ticks / MILLISECOND:.{places}f}".removesuffix(".0"), lang)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


Spoken = tuple[Message, dict[str, object]]


def _about(event: Any, lang: str) -> dict[str, object]:
    return {
        "vm": pick(PHONE[f"{event.vm}.inside"], lang), "to": pick(PHONE[f"{event.vm}.to"], lang),
        "context": CONTEXTS[event.vm]}


def _schedule(run: PhoneRun, event: Any, lang: str) -> Spoken:
    return PHONE["schedule"], {**_about(event, lang), "why": reason(event.why, lang)}


def _refused(run: PhoneRun, event: Any, lang: str) -> Spoken:
    found = run.phone.vms[WORLDS.index(event.vm)].hardware.memory.read(event.gpa, 4)
    return PHONE["refused"], {"gpa": hexa(event.gpa), "value": hexa(found)}


def _inject(run: PhoneRun, event: Any, lang: str) -> Spoken:
    if event.vm != "radio":
        return PHONE["inject.other"], _about(event, lang)
    frames = run.phone.radio.frames
    late = run.phone.time - frames[-1].begun if frames else 0
    return PHONE["inject.radio"], {"late": _ms(late, lang)}


_SPEAKERS: dict[type[ev.Event], Any] = {
    ev.Denied: _refused,
    ev.Injected: _inject,
    ev.Scheduled: _schedule,
    ev.Blocked: lambda run, event, lang: (PHONE["block"], _about(event, lang)),
}


def _phone(setup: Setup) -> Phone:
    """Assemble both guests and switch the phone on."""
    radio, rich = program("phone_radio"), program("phone_rich")
    settings = Settings(
        policy=setup.technique,
        frame_ticks=FRAME_TICKS[setup.options["frame"]],
        slice_ticks=SLICES[setup.options["slice"]],
    )
    return Phone(
        lambda machine: load_program(machine, radio),
        lambda machine: load_program(machine, rich),
        settings)


def open_phone(setup: Setup) -> Run:
    """A phone to look at."""
    return PhoneRun(_phone(setup))


def batch_phone(setup: Setup, chosen: Mapping[str, str]) -> PhoneBatch:
    """A phone to run without pictures."""
    return PhoneBatch(_phone(setup), setup.options)


LAB = Lab(
    id="phone",
    title=PHONE["title"],
    question=PHONE["question"],
    answer=ANSWERS["phone"], world=WORLD["phone"], tasks=TASKS["phone"],
    topic="worlds",
    guests=(Choice("pair", PHONE["guest.pair"]),),
    techniques=tuple(Choice(policy, PHONE[f"policy.{policy}"]) for policy in POLICIES),
    options=(
        Option("frame", PHONE["option.frame"], tuple(
            Choice(name, PHONE[f"frame.{name}"]) for name in FRAME_TICKS)),
        Option("slice", PHONE["option.slice"], tuple(
            Choice(name, PHONE[f"slice.{name}"]) for name in SLICES)),
    ),
    kinds=tuple(Choice(kind, PHONE[f"kind.{kind}"]) for kind in KINDS),
    open=open_phone,
    batch=batch_phone,
)
