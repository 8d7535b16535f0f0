"""A run of the lab "Classification": the classes found by experiment before one's eyes.

A step is one deciding experiment of :mod:`ringside.classify.experiments`; they are made when
somebody comes to them, and the last step is the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..classify import published
from ..classify.experiments import NEVER, Examination, Experiment
from ..classify.laboratory import Laboratory
from ..classify.model import (
    CONTROL,
    ESCAPES,
    LOCATION,
    MODE,
    PRIVILEGED,
    Classification,
    Finding,
    Value,
    Witness,
)
from ..classify.variants import variant
from ..scenes import classes as figure
from ..scenes.scene import Scene
from .chip_labels import chip_label
from .lab import InputError
from .words.classification import CLASSES
from .words.say import Segment, pick, plain, segments

ROWS = 4  # lines on the card of a run
LOOK = 120  # experiments one jump may make; asked again, it goes on
ENDS = {"offender", "privileged", "encoding", "verdict"}
SEGMENTS = frozenset({"ES", "CS", "SS", "DS", "FS", "GS", "Sw"})
FAR = frozenset({"Ap", "Mp"})
SIZED = frozenset({"b", "w", "d"})  # string instructions come in sizes

_LABORATORIES: list[Laboratory] = []


def laboratory() -> Laboratory:
    """The one all runs share: what one has found, the next need not find again."""
    if not _LABORATORIES:
        _LABORATORIES.append(Laboratory())
    return _LABORATORIES[0]


def name_of(finding: Finding) -> str:
    """What the encoding's chip is called: its mnemonic, and what sets it apart from others."""
    operands = set(finding.form.partition("|")[2].split())
    mnemonic = finding.mnemonic
    if finding.part:
        return f"{mnemonic} {finding.part.rstrip('0123456789')}"
    if operands & SEGMENTS:
        return f"{mnemonic} sreg"
    if operands & FAR and mnemonic in ("call", "jmp"):
        return f"{mnemonic} far"
    if mnemonic[:-1] in ("ins", "outs") and mnemonic[-1] in SIZED:
        return mnemonic[:-1]
    return mnemonic


def kind_of(control: bool, behaviour: bool) -> str:
    """The region of a sensitive encoding."""
    if control:
        return "both" if behaviour else "control"
    return "behaviour"


def region_of(experiment: Experiment) -> str:
    """Where an encoding stands after an experiment, e.g. ``p:control``."""
    if not experiment.sensitive:
        return "p:plain" if experiment.privileged else "innocuous"
    side = "p" if experiment.privileged else "o"
    return f"{side}:{kind_of(experiment.control, experiment.behaviour)}"


def amount(value: Value) -> str:
    """A value as the figure shows it: hexadecimal; of a segment or a table its first two parts."""
    if isinstance(value, tuple):
        first = [f"{part:x}" for part in value[:2]]
        return ":".join(first)
    return "–" if value == -1 else f"{value:x}" if value > 9 else str(value)


def place(what: str, state: Any) -> str:
    """A byte of the program's memory by the address register it is near."""
    if not what.startswith("program+"):
        return what
    offset = int(what.removeprefix("program+"), 16)
    for register in ("esp", "ebx", "edi", "esi"):
        away = offset - state.get(register, -(1 << 32))
        if -64 <= away < 64:
            return f"[{register}{away:+d}]"
    return what


@dataclass(frozen=True, slots=True)
class Place:
    """Where an encoding stands after an experiment: its chip's name, the region, its form."""

    name: str
    region: str
    form: str

    @classmethod
    def after(cls, experiment: Experiment) -> Place:
        """Read it off the experiment."""
        finding = experiment.finding
        form = f"{finding.mnemonic} {finding.form} {finding.part}".strip()
        return cls(name_of(finding), region_of(experiment), form)


class ClassificationRun:
    """A position among the experiments on one instruction set."""

    def __init__(self, id: str) -> None:
        self.variant = variant(id)
        self.examination = Examination(laboratory(), id)
        self._step = 0
        self._last = 0
        self._places: dict[int, Place] = {}  # by the number of the experiment
        self._strip: tuple[list[list[Any]], list[list[Any]]] = ([], [])  # of the timeline
        self._stripped = 0  # the last step in it

    # -- going -------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Experiments made so far; the one after the last is the verdict."""
        return self._step

    @property
    def last(self) -> int:
        """The furthest step seen, or the verdict's once everything is examined."""
        return self._verdict_at or self._last

    @property
    def _verdict_at(self) -> int:
        """The step of the verdict; 0 while it is not known."""
        examination = self.examination
        return len(examination.experiments) + 1 if examination.complete else 0

    @property
    def ended(self) -> bool:
        """Whether everything has been examined."""
        return self.examination.complete

    def seek(self, step: int) -> None:
        """Make the experiments up to ``step``, if they are not made yet."""
        self.examination.reach(step)
        self._step = max(0, min(step, self._verdict_at or step))
        self._last = max(self._last, self._step)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next or previous step of ``kind``."""
        if kind not in ENDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(sorted(ENDS))}.")
        furthest = len(self.examination.experiments) + LOOK
        if kind == "verdict" and direction > 0:
            self.examination.reach(furthest)
        step = self._step + direction
        while 1 <= step <= furthest:
            self.examination.reach(step)
            if self._verdict_at and step > self._verdict_at:
                return False
            if kind in self._marks(step):
                self.seek(step)
                return True
            step += direction
        if direction > 0:
            self.seek(furthest)
        return False

    def _marks(self, step: int) -> tuple[str, ...]:
        """The kinds of a step."""
        if step == self._verdict_at:
            return ("verdict",)
        made = self.examination.experiments
        experiment = made[step - 1]
        kinds = []
        if step == 1 or made[step - 2].group != experiment.group:
            kinds.append("encoding")
        if experiment.claim == PRIVILEGED:
            kinds.append("privileged")
        if experiment.final and experiment.sensitive and not experiment.privileged:
            kinds.append("offender")
        return tuple(kinds)

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        goal = self._step + steps
        self.seek(goal)
        return self._step < goal

    def receive(self, text: str) -> None:
        """Refuse: nobody reads a console here."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    # -- what is known -----------------------------------------------------------------------

    @property
    def experiment(self) -> Experiment | None:
        """The experiment of this step; None before the first and at the verdict."""
        made = self.examination.experiments
        return made[self._step - 1] if 0 < self._step <= len(made) else None

    @property
    def over(self) -> bool:
        """Whether this step is the verdict."""
        return bool(self._step) and self._step == self._verdict_at

    def known(self) -> dict[int, Experiment]:
        """The last experiment made on each encoding by now."""
        return {each.group: each for each in self.examination.experiments[: self._step]}

    def _offenders(self, known: Iterable[Experiment], user: bool) -> list[str]:
        """The names of what is sensitive (in user mode itself) and does not trap."""
        return list(dict.fromkeys(
            each.finding.mnemonic for each in known
            if each.sensitive and not each.privileged
            and (not user or each.finding.user_sensitive)))

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The sets, and the experiment."""
        return figure.draw(self._view(lang), shape)

    def _view(self, lang: str) -> figure.ClassesView:
        known, now = self.known(), self.experiment
        regions = self._regions(now)
        finished = sum(1 for each in known.values() if each.final)
        total = len(self.examination.groups)
        offenders = self._offenders(known.values(), False)
        names = {kind: pick(CLASSES[f"kind.{kind}.set"], lang) for kind in figure.KINDS}
        open_set = "set.open.none" if self.over and not offenders else "set.open"
        names.update(
            {"privileged": pick(CLASSES["set.privileged"], lang),
             "privileged.tip": pick(CLASSES["set.privileged.tip"], lang),
             "sensitive": pick(CLASSES[open_set], lang),
             "sensitive.tip": pick(CLASSES["set.sensitive.tip"], lang)})
        innocuous = sum(
            1 for each in known.values() if each.final and region_of(each) == "innocuous")
        facts: dict[str, object] = {
            "isa": self.variant.title[lang], "done": finished, "total": total}
        return figure.ClassesView(
            title=plain(CLASSES["all"], lang, facts),
            names=names,
            privileged={kind: regions.get(f"p:{kind}", ()) for kind in figure.KINDS},
            open={kind: regions.get(f"o:{kind}", ()) for kind in figure.KINDS},
            plain=regions.get("p:plain", ()),
            dots=regions.get("innocuous", ()),
            innocuous=plain(CLASSES["innocuous"], lang, {"count": innocuous}),
            done=finished / total,
            theorems=(
                self._theorem("theorem.1", offenders, lang),
                self._theorem("theorem.3", self._offenders(known.values(), True), lang)),
            holds=self.over and not offenders,
            sums=self._sums(known.values(), lang),
            **(self._probe(now, lang) if now else {}),
        )

    def _latest(self) -> Iterable[int]:
        """The number of the last experiment made on each encoding by now."""
        latest: dict[int, int] = {}
        for number, each in enumerate(self.examination.experiments[: self._step]):
            latest[each.group] = number
        return latest.values()

    def _place(self, number: int) -> Place:
        """Where the encoding stands after experiment ``number``."""
        if number not in self._places:
            self._places[number] = Place.after(self.examination.experiments[number])
        return self._places[number]

    def _regions(self, now: Experiment | None) -> dict[str, Sequence[figure.Chip]]:
        """The chips of each region: encodings of one name there are one chip."""
        groups: dict[tuple[str, str], list[str]] = {}
        here = None
        for number in self._latest():
            place = self._place(number)
            home = place.name, place.region
            groups.setdefault(home, []).append(place.form)
            if number == self._step - 1 and now is not None:
                here = home
        homes: dict[str, int] = {}
        for name, _ in groups:
            homes[name] = homes.get(name, 0) + 1
        regions: dict[str, list[figure.Chip]] = {}
        for (name, region), forms in groups.items():
            # Alone, a name keeps its key wherever it stands: so its chip moves with the evidence.
            key = f"chip:{name}" if homes[name] == 1 else f"chip:{name}:{region}"
            elsewhere = [form for (other, place), group in groups.items()
                         if other == name and place != region for form in group]
            label = chip_label(name, forms, elsewhere) if elsewhere else name
            regions.setdefault(region, []).append(figure.Chip(
                key, label, f"{label}: {'; '.join(dict.fromkeys(forms))}",
                here == (name, region)))
        return {region: tuple(chips) for region, chips in regions.items()}

    def _theorem(self, key: str, offenders: list[str], lang: str) -> tuple[str, str, str, str]:
        verdict, tone = ("theorem.fails", "wrong") if offenders else (
            ("theorem.holds", "good") if self.over else ("theorem.open", ""))
        return (
            pick(CLASSES[key], lang), pick(CLASSES[f"{key}.condition"], lang),
            plain(CLASSES[verdict], lang, {"count": len(offenders)}), tone)

    def _sums(
        self, known: Iterable[Experiment], lang: str
    ) -> tuple[tuple[str, int, str], ...]:
        """How many encodings there are of each class so far."""
        kinds = [each.finding.kind for each in known if each.final]
        return tuple(
            (pick(CLASSES[f"sum.{name}"], lang), kinds.count(kind), tone)
            for name, kind, tone in (
                ("privileged", "privileged", "vmm"), ("open", "sensitive", "wrong"),
                ("innocuous", "innocuous", "app")))

    def _probe(self, now: Experiment, lang: str) -> dict[str, Any]:
        """The experiment, for the figure."""
        case, witness = self.examination.case(now), now.witness
        shows, tone = self._shows(now)
        number = {"number": witness.number if witness else 0}
        return {
            "instruction": case.text, "code": case.code.hex(" "),
            "state": plain(CLASSES["state"], lang, number),
            "tone": tone, "shows": pick(CLASSES[f"shows.{shows}"], lang),
            "sides": self._sides(now, lang),
        }

    def _shows(self, now: Experiment) -> tuple[str, str]:
        """What the experiment shows, and the colour of that."""
        if now.claim in (ESCAPES, NEVER) and now.final:
            return ("innocuous" if now.claim == ESCAPES else NEVER), "app"
        if now.claim == ESCAPES:
            return ESCAPES, "kernel"
        return now.claim, "vmm" if now.privileged else "wrong"

    def _sides(self, now: Experiment, lang: str) -> tuple[figure.Side, ...]:
        witness = now.witness
        if witness is None:
            modes = (now.finding.supervisor, self.examination.laboratory.isa(
                self.examination.id).modes[1])
            row = figure.Row(
                "never", pick(CLASSES["row.never"], lang), pick(CLASSES["row.never.value"], lang))
            return tuple(
                figure.Side(self._mode(mode, lang), "", True, (row,)) for mode in modes)
        if now.claim == CONTROL:
            return self._before_after(witness, lang)
        sides = []
        for number, side in enumerate(witness.sides):
            trapped = side.end != "done"
            end = plain(CLASSES["end.trap" if trapped else "end.done"], lang, {
                "trap": side.trap.partition(" (")[0]})
            title = "side.moved" if side.moved else "side.here"
            rows = self._rows(witness, number, lang)
            if now.claim == ESCAPES and now.final:
                rows = (figure.Row(
                    "equal", pick(CLASSES["row.equal"], lang),
                    pick(CLASSES["row.equal.value"], lang)), *rows)
            sides.append(figure.Side(
                plain(CLASSES[title], lang, {"mode": self._mode(side.mode, lang)}), end, trapped,
                rows[:ROWS]))
        return tuple(sides)

    def _before_after(self, witness: Witness, lang: str) -> tuple[figure.Side, ...]:
        mode = {"mode": self._mode(witness.sides[0].mode, lang)}
        end = pick(CLASSES["end.done"], lang)
        return (
            figure.Side(plain(CLASSES["side.before"], lang, mode), "", False,
                        self._rows(witness, 0, lang)),
            figure.Side(plain(CLASSES["side.after"], lang, mode), end, False,
                        self._rows(witness, 1, lang)))

    def _rows(self, witness: Witness, side: int, lang: str) -> tuple[figure.Row, ...]:
        """What differs, and of the state before what instructions look at most."""
        state = witness.sides[min(side, len(witness.sides) - 1)].state
        rows = [
            figure.Row(
                f"diff:{difference.what}", place(difference.what, state),
                amount(difference.right if side else difference.left), True)
            for difference in witness.differences if difference.what != "end"
        ][: ROWS - 1]
        for name in ("eflags", "eax", "cpl", "cr0", "mstatus", "a0", "a1", "pc"):
            if name in state and len(rows) < ROWS:
                label = plain(CLASSES["row.was"], lang, {"name": name})
                rows.append(figure.Row(f"was:{name}", label, amount(state[name])))
        return tuple(rows)

    def _mode(self, mode: str, lang: str) -> str:
        return pick(CLASSES[f"mode.{mode}"], lang) if f"mode.{mode}" in CLASSES else mode

    def _at(self, mode: str, lang: str) -> str:
        """The mode as a sentence needs it: in it."""
        return pick(CLASSES[f"at.{mode}"], lang) if f"at.{mode}" in CLASSES else mode

    def _what(self, what: str, lang: str) -> str:
        """A part of the state as a sentence names it."""
        known = CLASSES.get(f"what.{what}")
        return pick(known, lang) if known else what.upper()

    def sentence(self, lang: str) -> list[Segment]:
        """What the experiment shows, from its own evidence."""
        now = self.experiment
        if now is None:
            return self._opening_or_verdict(lang)
        shows, _ = self._shows(now)
        plain_privileged = now.claim == PRIVILEGED and now.final
        key = "say.privileged.plain" if plain_privileged else f"say.{shows}"
        spoken = segments(CLASSES[key], lang, self._facts(now, lang))
        if now.final and now.sensitive and not now.privileged:
            spoken += [{"text": " "}, *segments(CLASSES["say.offends"], lang)]
        return spoken

    def _facts(self, now: Experiment, lang: str) -> dict[str, object]:
        facts: dict[str, object] = {
            "insn": self.examination.case(now).text.upper(), "count": now.finding.runs}
        witness = now.witness
        if witness is None:
            return facts
        sides = witness.sides
        facts.update(
            first=self._at(sides[0].mode, lang), second=self._at(sides[-1].mode, lang),
            trap=sides[-1].trap)
        difference = next((each for each in witness.differences if each.what != "end"), None)
        if difference is not None:
            facts.update(
                what=self._what(place(difference.what, sides[0].state), lang),
                left=amount(difference.left), right=amount(difference.right))
        return facts

    def _opening_or_verdict(self, lang: str) -> list[Segment]:
        if not self.over:
            return segments(CLASSES["start"], lang)
        offenders = self._offenders(self.known().values(), False)
        facts: dict[str, object] = {
            "total": len(self.examination.groups), "count": len(offenders)}
        return segments(
            CLASSES["verdict.fails" if offenders else "verdict.holds"], lang, facts)

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The definition, the differences, and for IA-32 the published list."""
        shown = [self._definition(lang), self._evidence(lang)]
        if self.variant.id.startswith("ia32"):
            shown += self._paper(lang)
        return shown

    def _definition(self, lang: str) -> dict[str, Any]:
        now = self.experiment
        key = {PRIVILEGED: "privileged", ESCAPES: "privileged", CONTROL: CONTROL,
               LOCATION: LOCATION, MODE: MODE, NEVER: "innocuous"}
        name = "theorem" if now is None else key[now.claim]
        if now is not None and self._shows(now)[0] == "innocuous":
            name = "innocuous"
        return {
            "id": "definition", "kind": "text", "title": pick(CLASSES["panel.definition"], lang),
            "segments": segments(CLASSES[f"define.{name}"], lang)}

    def _evidence(self, lang: str) -> dict[str, Any]:
        now = self.experiment
        rows = []
        if now is not None and now.witness is not None:
            state = now.witness.sides[0].state
            for difference in now.witness.differences[:24]:
                if difference.what != "end":
                    rows.append({
                        "key": f"evidence:{difference.what}",
                        "name": place(difference.what, state),
                        "value": f"{amount(difference.left)} | {amount(difference.right)}",
                        "changed": False})
        panel: dict[str, Any] = {
            "id": "evidence", "kind": "table", "title": pick(CLASSES["panel.evidence"], lang),
            "rows": rows}
        if now is not None and not rows:
            panel["note"] = pick(CLASSES["panel.evidence.none"], lang)
        return panel

    # -- Robin and Irvine --------------------------------------------------------------------

    @cached_property
    def _listed(self) -> dict[int, int]:
        """Which entry of the paper means an encoding, by the encoding's number."""
        found = {}
        for group, cases in enumerate(self.examination.groups):
            for entry, listed in enumerate(published.PAPER):
                if listed.covers(cases[0].mnemonic, cases[0].form):
                    found[group] = entry
        return found

    @cached_property
    def _compared(self) -> published.Comparison:
        """The comparison at the end."""
        lab, id = self.examination.laboratory, self.variant.id
        findings = tuple(lab.finding(id, n) for n in range(len(self.examination.groups)))
        return published.compare(Classification(
            id, lab.samples, lab.seed, lab.isa(id).modes, findings))

    def _paper(self, lang: str) -> list[dict[str, Any]]:
        known = self.known()
        done = {group: each for group, each in known.items() if each.final}
        rows, agreed = [], 0
        reasons: dict[str, list[str]] = {}
        for entry, listed in enumerate(published.PAPER):
            means = [group for group, other in self._listed.items() if other == entry]
            offends = any(group in done and done[group].finding.offends for group in means)
            started = any(group in done for group in means)
            agreed += offends
            ended = all(group in done for group in means)
            key = "found" if offends else "not" if ended else "part" if started else "waits"
            note = published.NOTES.get(listed.mnemonic, {}).get(lang, "")
            rows.append({
                "key": f"paper:{listed.name}", "name": f"{listed.name} ({listed.group})",
                "value": pick(CLASSES[f"paper.{key}"], lang), "changed": False, "tip": note})
            if key == "not" and self.over:
                why = next(row.reason.get(lang, "") for row in self._compared.rows
                           if row.name == listed.name)
                reasons.setdefault(why, []).append(listed.name)
        for mnemonic in dict.fromkeys(
                each.finding.mnemonic for group, each in done.items()
                if each.finding.offends and group not in self._listed):
            why = published.REASONS.get(mnemonic, {}).get(lang, "")
            rows.append({
                "key": f"paper:besides:{mnemonic}", "name": mnemonic.upper(),
                "value": pick(CLASSES["paper.besides"], lang), "changed": False, "tip": why})
            reasons.setdefault(why, []).append(mnemonic.upper())
        facts: dict[str, object] = {
            "agreed": agreed, "listed": len(published.PAPER), "count": published.PAPER_COUNT}
        table = {
            "id": "paper", "kind": "table", "title": pick(CLASSES["panel.paper"], lang),
            "rows": rows, "note": plain(CLASSES["paper.note"], lang, facts)}
        words: list[Segment] = []
        for why, names in reasons.items():
            words += [{"text": ", ".join(names), "context": "kernel"}, {"text": f": {why} "}]
        return [table, {
            "id": "reasons", "kind": "text", "title": pick(CLASSES["panel.reasons"], lang),
            "segments": words or segments(CLASSES["reasons.none"], lang)}]

    # -- the whole ---------------------------------------------------------------------------

    def timeline(self) -> dict[str, Any]:
        """What each experiment was about: innocuous, privileged, or neither."""
        stretches, marks = self._strip
        for step in range(self._stripped + 1, self.last + 1):
            if step == self._verdict_at:
                marks.append([step, "verdict"])
                context = "host"
            else:
                each = self.examination.experiments[step - 1]
                context = ("vmm" if each.finding.privileged else
                           "kernel" if each.finding.sensitive else "app")
                marks += [[step, kind] for kind in self._marks(step) if kind == "offender"]
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
        self._stripped = self.last
        # Only the last stretch can still grow.
        shown = [*stretches[:-1], *(part[:] for part in stretches[-1:])]
        return {"total": self.last, "segments": shown, "marks": marks[:]}

    def outcome(self, lang: str) -> str:
        """The verdict, once it is known."""
        if not self.over:
            return ""
        offenders = self._offenders(self.known().values(), False)
        return self._theorem("theorem.1", offenders, lang)[2]
