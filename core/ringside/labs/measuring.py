"""A run of the lab "Three properties": each step is one measurement, made when it is come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..guests import guest as shelf_guest
from ..properties.control import Attack, attack
from ..properties.efficiency import Efficiency, efficiency
from ..properties.equivalence import Comparing, Equivalence, equivalence
from ..properties.parted import amount, named
from ..properties.report import stopped
from ..properties.subjects import HOSTILE, PROCESSOR, SUBJECTS, Subject
from ..scenes import properties as figure
from ..scenes.scene import Scene
from ..vmm.registry import IA32
from ..vmm.registry import technique as technique_of
from . import panels
from .lab import InputError
from .narrate import outcome_words
from .words.properties import PROPERTIES
from .words.rings import RINGS
from .words.say import Segment, decimal, pick, plain, segments, thousands

EQUAL, EFFICIENT = "equivalence", "efficiency"
KINDS = ("technique", "attack", "wrong")
LOOK = 2  # new measurements for one request; asked again, it goes on
Found = Equivalence | Attack | Efficiency


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is measured in a step: a subject's equivalence, efficiency, or one attack on it."""

    subject: Subject
    what: str

    def make(self, guest: str) -> Found:
        """Measure it; the same every time."""
        if self.what == EQUAL:
            return equivalence(self.subject, guest)
        if self.what == EFFICIENT:
            return efficiency(self.subject, guest)
        return attack(self.subject, self.what)


PLAN: tuple[Measurement, ...] = tuple(
    Measurement(subject, what)
    for subject in SUBJECTS for what in (EQUAL, *HOSTILE, EFFICIENT)
)


def state_of(found: Found) -> str:
    """The mark a measurement gets."""
    if isinstance(found, Attack):
        return "wrong" if not found.holds else "seen" if found.seen else "good"
    if isinstance(found, Equivalence):
        return "good" if found.holds else "wrong"
    return "good" if found.direct else "wrong"


class PropertiesRun:
    """A position among the measurements."""

    def __init__(self, guest: str) -> None:
        self.guest = guest
        self._step = self._seen = 0
        self._comparing: dict[str, Comparing] = {}  # by subject, where that was gone on with

    @property
    def step(self) -> int:
        """Measurements made so far."""
        return self._step

    @property
    def last(self) -> int:
        """Measurements in all."""
        return len(PLAN)

    @property
    def ended(self) -> bool:
        """What is to be measured is known from the start."""
        return True

    def seek(self, step: int) -> None:
        """Go to a measurement; those before it are made when they are shown."""
        self._step = max(0, min(step, self.last))
        self._seen = max(self._seen, self._step)

    def unfinished(self, lang: str) -> str:
        """How far a long guest has been compared after every step; the rest, now and then."""
        now = self.measurement
        found = self._found(now) if now else None
        if not isinstance(found, Equivalence) or found.steps >= found.total:
            return ""
        return f"{thousands(found.steps)} / {thousands(found.total)}"

    def go_on(self, steps: int) -> None:
        """Compare after each of so many further guest steps."""
        now = self.measurement
        if now is None or now.what != EQUAL:
            return
        known = self._comparing
        for id, other in known.items():
            if id != now.subject.id:
                other.rest()
        if now.subject.id not in known:
            known[now.subject.id] = Comparing(now.subject, self.guest)
        if not known[now.subject.id].finished:
            known[now.subject.id].go_on(steps)

    def _found(self, measurement: Measurement) -> Found:
        """What was measured; of equivalence, as much as has been compared by now."""
        compared = self._comparing.get(measurement.subject.id)
        if compared is not None and measurement.what == EQUAL:
            return compared.found
        return measurement.make(self.guest)

    def find(self, kind: str, direction: int) -> bool | None:
        """Go to the next or previous step of ``kind``."""
        if kind not in KINDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(KINDS)}.")
        end = min(self._step + LOOK, self.last) if kind == "wrong" else self.last
        ahead = range(self._step + 1, end + 1)
        behind = range(self._step - 1, 0, -1)  # what was measured there is known
        for step in ahead if direction > 0 else behind:
            if self._is(PLAN[step - 1], kind):
                self._step = step
                return True
        if direction < 0 or end == self.last:
            return False
        self._step = end
        return None

    def _is(self, measurement: Measurement, kind: str) -> bool:
        if kind == "wrong":
            return state_of(self._found(measurement)) == "wrong"
        return (measurement.what in HOSTILE) == (kind == "attack") and measurement.what != EFFICIENT

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on, but make no more than ``LOOK`` new measurements; True at the end."""
        self.seek(min(self._step + steps, max(self._seen, self._step) + LOOK))
        return self._step == self.last

    def receive(self, text: str) -> None:
        """Refuse: nobody reads a console here."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    @property
    def measurement(self) -> Measurement | None:
        """What this step measured."""
        return PLAN[self._step - 1] if self._step else None

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The table, and the evidence."""
        return figure.draw(self._view(shape, lang), shape)

    def _view(self, shape: str, lang: str) -> figure.PropertiesView:
        control = "head.control" if shape == "wide" else "head.control.short"
        heads = [pick(PROPERTIES[key], lang)
                 for key in ("head.equivalence", control, "head.efficiency")]
        now = self.measurement
        found = self._found(now) if now else None
        state = state_of(found) if found else ""
        return figure.PropertiesView(
            heads=(heads[0], heads[1], heads[2]),
            crimes=[(pick(PROPERTIES[f"crime.{crime}"], lang), _purpose(crime, lang))
                    for crime in HOSTILE],
            lines=[self._line(subject, lang) for subject in SUBJECTS],
            title=self._title(now, shape, lang) if now else "",
            tone=figure.TONES[state] if state else "",
            facts=self._facts(found, lang) if found else (),
        )

    def _line(self, subject: Subject, lang: str) -> figure.Line:
        marks: dict[str, figure.Mark] = {}
        share, text = -1.0, ""
        for step, measurement in enumerate(PLAN, 1):
            if measurement.subject is not subject:
                continue
            key = f"mark:{subject.id}:{measurement.what}"
            mark = figure.Mark(key, "waits")
            if step <= self._step:
                found = self._found(measurement)
                mark = figure.Mark(
                    key, state_of(found), self._tip(found, lang), step == self._step)
                if isinstance(found, Efficiency):
                    share = found.share
                    text = _decimal(100 * share, lang) + ("%" if lang == "hu" else " %")
            marks[measurement.what] = mark
        note = "" if subject.isa == IA32 else pick(PROPERTIES[f"isa.{subject.isa}"], lang)
        return figure.Line(
            subject.id, _name(subject, lang), note, marks[EQUAL],
            [marks[crime] for crime in HOSTILE], marks[EFFICIENT], share, text,
            "wrong" if marks[EFFICIENT].state == "wrong" else "app")

    def _tip(self, found: Found, lang: str) -> str:
        return "; ".join(f"{fact.name}: {fact.value}" for fact in self._facts(found, lang))

    def _title(self, now: Measurement, shape: str, lang: str) -> str:
        """What was measured, and in the wide picture of which technique."""
        if now.what in HOSTILE:
            parts = [shelf_guest(now.what).title[lang]]
        else:
            head = {EQUAL: "head.equivalence", EFFICIENT: "head.efficiency"}[now.what]
            parts = [pick(PROPERTIES[head], lang), shelf_guest(self.guest).title[lang]]
        if shape == "wide":
            parts.insert(0, _name(now.subject, lang))
        return " · ".join(parts)

    def _facts(self, found: Found, lang: str) -> tuple[figure.Fact, ...]:
        if isinstance(found, Equivalence):
            return tuple(self._equal_facts(found, lang))
        if isinstance(found, Attack):
            return tuple(self._attack_facts(found, lang))
        return tuple(self._efficiency_facts(found, lang))

    def _equal_facts(self, found: Equivalence, lang: str) -> list[figure.Fact]:
        compared = plain(
            PROPERTIES[f"fact.compared.{found.by}"], lang, {"steps": thousands(found.steps)})
        facts = [_fact("compared", compared, lang)]
        if found.total > found.steps:
            facts.append(_fact("further", plain(PROPERTIES["fact.further.now.and.again"], lang, {
                "total": thousands(found.total)}), lang))
        if found.holds:
            return [*facts, _fact("difference", pick(PROPERTIES["fact.none"], lang), lang, "good")]
        difference = plain(PROPERTIES["fact.difference.value"], lang, {
            "what": named(found.what, lang), "found": amount(found.what, found.found),
            "expected": amount(found.what, found.expected)})
        facts.append(_fact("difference", difference, lang, "wrong"))
        if found.instruction:
            facts.append(_fact("instruction", f"{found.instruction} @ {found.eip:08x}", lang))
        return facts

    def _attack_facts(self, found: Attack, lang: str) -> list[figure.Fact]:
        how = "good" if found.neighbour_unharmed else "harmed"
        if not found.neighbour_finished:
            how = "slow"
        outcome = pick(PROPERTIES["fact.runs"], lang)
        if found.outcome:
            outcome = outcome_words(
                found.outcome, lang, status=found.status, detail=found.detail)
        tone = "good" if how == "good" else "wrong"
        return [
            _fact("saw" if found.seen else "stopped", stopped(found, lang), lang,
                  "kernel" if found.seen else "vmm"),
            _fact("neighbour", pick(PROPERTIES[f"fact.neighbour.{how}"], lang), lang, tone),
            _untouched("vmm", found.tables_unharmed, lang),
            _untouched("clock", found.devices_unharmed, lang),
            _fact("culprit", plain(PROPERTIES["fact.culprit.value"], lang, {
                "steps": thousands(found.steps), "outcome": outcome}), lang),
        ]

    def _efficiency_facts(self, found: Efficiency, lang: str) -> list[figure.Fact]:
        return [
            _fact("direct", plain(PROPERTIES["fact.direct.value"], lang, {
                "direct": thousands(found.direct), "steps": thousands(found.steps)}), lang,
                "app"),
            _fact("exits", thousands(found.exits), lang, "vmm"),
            _fact("cycles", plain(PROPERTIES["fact.cycles.value"], lang, {
                "cycles": thousands(found.work), "bare": thousands(found.bare_work)}), lang),
        ]

    def sentence(self, lang: str) -> list[Segment]:
        """What this step measured, and what came of it."""
        now = self.measurement
        if now is None:
            return segments(PROPERTIES["start"], lang)
        key, facts = self._spoken(self._found(now), lang)
        name = _full_name(now.subject, lang)
        spoken = segments(PROPERTIES[key], lang, {
            **facts, "technique": name, "guest": shelf_guest(self.guest).title[lang]})
        if now.what == EFFICIENT:
            equal = self._found(Measurement(now.subject, EQUAL))
            if isinstance(equal, Equivalence) and not equal.holds:
                spoken += [{"text": " "}, *segments(PROPERTIES["say.other.work"], lang)]
        return spoken

    def _spoken(self, found: Found, lang: str) -> tuple[str, dict[str, object]]:
        if isinstance(found, Equivalence):
            said = f"{'equal' if found.holds else 'parts'}.{found.by}"
            if found.holds and found.total > found.steps:
                said = "equal.further"
            return f"say.{said}", {
                "steps": thousands(found.steps), "step": thousands(found.step),
                "total": thousands(found.total),
                "what": named(found.what, lang), "found": amount(found.what, found.found),
                "expected": amount(found.what, found.expected),
                "instruction": found.instruction.upper()}
        if isinstance(found, Attack):
            key = {"good": "say.attack", "seen": "say.attack.seen", "wrong": "say.attack.harm"}
            purpose = _purpose(found.guest, lang)
            return key[state_of(found)], {
                "purpose": purpose[:1].lower() + purpose[1:], "stopped": stopped(found, lang),
                "times": found.times}
        return "say.efficient" if found.direct else "say.inefficient", {
            "share": _decimal(100 * found.share, lang), "steps": thousands(found.steps),
            "exits": thousands(found.exits),
            "slowdown": _decimal(found.slowdown_without_devices, lang)}

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The definition, and the exits there were."""
        now = self.measurement
        what = "equivalence" if now is None or now.what == EQUAL else (
            "efficiency" if now.what == EFFICIENT else "control")
        shown: list[dict[str, Any]] = [{
            "id": "definition", "kind": "text",
            "title": pick(PROPERTIES["panel.definition"], lang),
            "segments": segments(
                PROPERTIES[f"define.{what}"], lang, {"preset": PROCESSOR.title})}]
        found = self._found(now) if now else None
        if isinstance(found, Attack):
            ranked = sorted(found.exits.items(), key=lambda item: (-item[1], item[0]))
            shown.append(panels.bars(
                "exits", pick(PROPERTIES["panel.exits"], lang),
                [(reason, reason, count, "vmm") for reason, count in ranked]))
        return [*shown, self._done(lang)]

    def _done(self, lang: str) -> dict[str, Any]:
        """How many of the measurements so far went well, by technique."""
        rows = []
        for subject in SUBJECTS:
            made = [measurement.make(self.guest) for measurement in PLAN[: self._step]
                    if measurement.subject is subject and measurement.what in HOSTILE]
            held = sum(1 for found in made if isinstance(found, Attack) and found.holds)
            rows.append({
                "key": f"done:{subject.id}", "name": _full_name(subject, lang),
                "value": f"{held} / {len(made)}", "changed": False})
        title = f"{pick(PROPERTIES['panel.done'], lang)}: {pick(PROPERTIES['done.attacks'], lang)}"
        return {"id": "done", "kind": "table", "title": title, "rows": rows}

    # -- the whole ---------------------------------------------------------------------------

    def timeline(self) -> dict[str, Any]:
        """The properties in turn: guests that run, attacks on the VMM, counting."""
        stretches: list[list[Any]] = []
        for step, measurement in enumerate(PLAN, 1):
            context = {EQUAL: "kernel", EFFICIENT: "app"}.get(measurement.what, "vmm")
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
        marks = [[step, "technique"] for step, each in enumerate(PLAN, 1) if each.what == EQUAL]
        return {"total": self.last, "segments": stretches, "marks": marks}

    def outcome(self, lang: str) -> str:
        """A table has no end."""
        return ""


def _name(subject: Subject, lang: str) -> str:
    known = RINGS.get(f"technique.{subject.technique}")
    return pick(known, lang) if known else technique_of(subject.technique).title


def _full_name(subject: Subject, lang: str) -> str:
    """With the instruction set, where that is not plain IA-32."""
    name = _name(subject, lang)
    if subject.isa == IA32:
        return name
    return f"{name} ({pick(PROPERTIES[f'isa.{subject.isa}'], lang)})"


def _purpose(guest: str, lang: str) -> str:
    return shelf_guest(guest).purpose[lang]


def _fact(key: str, value: str, lang: str, tone: str = "") -> figure.Fact:
    return figure.Fact(key, pick(PROPERTIES[f"fact.{key}"], lang), value, tone)


def _untouched(key: str, good: bool, lang: str) -> figure.Fact:
    word = pick(PROPERTIES["fact.untouched" if good else "fact.touched"], lang)
    return _fact(key, word, lang, "good" if good else "wrong")


def _decimal(value: float, lang: str) -> str:
    return decimal(f"{value:.1f}", lang)
