"""The lab "TLB": what is kept, what makes room, what a switch and a moved page do to it.

The models are those of the simulator (see ``tlb_model``); streams are made from a seed, or are a
real program's accesses from a trace file that was dropped onto the page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..scenes.scene import Scene
from ..scenes.tlb import Cell, Curve, Shelf, TlbView, draw
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .panels import bars
from .tlb_batch import run_tlb
from .tlb_model import WINDOW, Beat, Held, Plan, World, play, play_shootdown, play_trace
from .words.notes import ANSWERS, WORLD
from .words.say import Message, Segment, decimal, pick, plain, segments
from .words.tlb import TLB

ACCESSES = 480
TRACED = 2000  # accesses of a dropped trace
CONTEXTS = ("app", "kernel", "host", "device")  # one colour for each machine
GEOMETRIES = ("4x4", "16x1", "8x2", "1x16", "8x4", "16x4")
KINDS = {
    "miss": frozenset({"miss"}), "switch": frozenset({"flushed", "kept"}),
    "shootdown": frozenset({"remapped", "shot"}), "stale": frozenset({"stale"}),
}  # fmt: skip
HINT = "Type a page number in hexadecimal, 'invlpg PAGE' or 'switch'."


class TlbRun:
    """A position among the beats of a stream."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.plan = _plan(setup)
        self.world, self.beats = _play(setup, self.plan)
        # The same accesses with the other way of switching, for comparison.
        other = replace(self.plan, tagged=not self.plan.tagged)
        self.others = _play(setup, other)[1] if self.plan.machines > 1 else []
        self._step = 0
        self._typed: list[str] = []

    @property
    def step(self) -> int:
        """Beats shown so far."""
        return self._step

    @property
    def last(self) -> int:
        """Beats in all."""
        return len(self.beats)

    @property
    def ended(self) -> bool:
        """All is known from the start."""
        return True

    def seek(self, step: int) -> None:
        """Show the first ``step`` beats."""
        self._step = min(step, self.last)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next beat of a kind."""
        if kind not in KINDS and kind != "evicted":
            known = ", ".join([*KINDS, "evicted"])
            raise InputError(f"There is no kind {kind!r} here.", f"Choose one of: {known}.")
        step = self._step + direction
        while 1 <= step <= self.last:
            beat = self.beats[step - 1]
            if beat.evicted is not None if kind == "evicted" else beat.kind in KINDS[kind]:
                self._step = step
                return True
            step += direction
        return False

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        self.seek(self._step + steps)
        return self._step == self.last

    def receive(self, text: str) -> None:
        """One more access after the stream, an INVLPG, or a switch."""
        words = text.lower().split()
        world = self.world
        if words == ["switch"]:
            beat = world.switch(0, (world.running[0] + 1) % self.plan.machines)
            if beat is None:
                raise InputError("There is only one machine.", "Choose two machines.")
            self.beats.append(beat)
        elif len(words) == 1:
            self.beats.append(world.access(0, _page(words[0])))
        elif len(words) == 2 and words[0] == "invlpg":
            self.beats.append(world.invalidate(0, _page(words[1])))
        else:
            raise InputError(f"{text.strip()!r} is not understood.", HINT)
        self._typed.append(text.strip())
        self._step = self.last

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: there is nothing to break at."""
        if points:
            raise InputError("This lab has no breakpoints.")

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def _beat(self) -> Beat | None:
        return self.beats[self._step - 1] if self._step else None

    def picture(self, shape: str, lang: str) -> Scene:
        """The figure at this step."""
        return draw(self._view(lang), shape)

    def _view(self, lang: str) -> TlbView:
        beat, plan = self._beat, self.plan

        def words(name: str, **facts: object) -> str:
            return plain(TLB[name], lang, facts)

        empty: tuple[tuple[Held | None, ...], ...] = (
            ((None,) * (plan.sets * plan.ways),) * plan.processors)
        shelves = beat.shelves if beat else empty
        actor, verdict, tone = "", "", "muted"
        fields: tuple[tuple[str, str], ...] = ()
        context = "app"
        if beat is not None:
            context = CONTEXTS[beat.machine]
            actor = words("actor.vm", vm=beat.machine + 1)
            if plan.processors > 1:
                actor = words("actor.cpu", cpu=beat.processor + 1)
            verdict = words(f"verdict.{beat.kind}")
            tone = {"hit": "good", "kept": "good", "stale": "wrong", "flushed": "wrong"}.get(
                beat.kind, "muted")
            fields = self._fields(beat, lang)
        return TlbView(
            actor, context, "yes" if fields else "", fields, verdict, tone,
            tuple(self._shelf(number, held, beat, lang) for number, held in enumerate(shelves)),
            self._curves(lang), max(self._accesses(self.beats), 1),
            words("plot.title", window=WINDOW))

    @staticmethod
    def _accesses(beats: list[Beat]) -> int:
        return beats[-1].counters.accesses if beats else 0

    def _fields(self, beat: Beat, lang: str) -> tuple[tuple[str, str], ...]:
        if beat.page < 0:
            return ()
        fields = [
            (pick(TLB["field.page"], lang), f"{beat.page:x}"),
            (pick(TLB["field.set"], lang), str(beat.page & self.plan.sets - 1))]
        if self.plan.tagged and self.plan.machines > 1:
            fields.insert(0, (pick(TLB["field.tag"], lang), f"VM {beat.machine + 1}"))
        return tuple(fields)

    def _shelf(
        self, number: int, held: tuple[Held | None, ...], beat: Beat | None, lang: str
    ) -> Shelf:
        plan = self.plan
        here = beat is not None and beat.processor == number
        title = ""
        if plan.processors > 1:
            title = plain(TLB["shelf.cpu"], lang, {"cpu": number + 1})
        cells = [
            self._cell(one, slot, beat if here else None) for slot, one in enumerate(held)]
        rows = tuple(
            tuple(cells[at * plan.ways : (at + 1) * plan.ways]) for at in range(plan.sets))
        chosen = beat.page & plan.sets - 1 if here and beat and beat.page >= 0 else -1
        return Shelf(title, rows, chosen)

    def _cell(self, held: Held | None, slot: int, beat: Beat | None) -> Cell:
        if held is None:
            return Cell("", "", "", "", "", "")
        state = ""
        if beat is not None and beat.slot == slot:
            state = {"hit": "hit", "miss": "filled", "stale": "stale"}.get(beat.kind, "")
        tag = str(held.machine + 1) if self.plan.tagged and self.plan.machines > 1 else ""
        tip = f"VM {held.machine + 1}: {held.page:x} → {held.frame:x}"
        return Cell(
            tag, f"{held.page:x}", f"{held.frame:x}", CONTEXTS[held.machine], state, tip)

    def _curves(self, lang: str) -> tuple[Curve, ...]:
        own = [beat for beat in self.beats[: self._step] if beat.kind in ("hit", "miss", "stale")]
        name = "vpid" if self.plan.tagged else "flush"
        if not self.others:
            return (Curve("own", pick(TLB["curve.own"], lang), _rates(own), "app"),)
        rest = [beat for beat in self.others if beat.kind in ("hit", "miss", "stale")]
        other = "flush" if self.plan.tagged else "vpid"
        return (
            Curve("own", pick(TLB[f"curve.{name}"], lang), _rates(own), "app"),
            Curve("other", pick(TLB[f"curve.{other}"], lang), _rates(rest[: len(own)]), "vmm"),
        )

    def sentence(self, lang: str) -> list[Segment]:
        """What the last beat was."""
        beat, plan = self._beat, self.plan
        if beat is None:
            waiting = self.setup.guest == "trace" and self.setup.trace is None
            facts: dict[str, object] = {"sets": plan.sets, "ways": plan.ways}
            return segments(TLB["drop" if waiting else "start"], lang, facts)
        facts = {
            "vm": beat.machine + 1, "cpu": beat.processor + 1, "context": CONTEXTS[beat.machine],
            "page": f"{beat.page:x}", "frame": f"{beat.frame:x}", "count": beat.count,
            "set": beat.page & plan.sets - 1, "wanted": f"{beat.count:x}"}
        name = beat.kind
        if beat.evicted is not None:
            name = "miss.evicted"
            facts.update(whose=beat.evicted[0] + 1, gone=f"{beat.evicted[1]:x}")
        if plan.processors > 1 and f"{name}.cpu" in TLB:
            name += ".cpu"  # each has a TLB of its own, so it matters whose it was
        return segments(TLB[name], lang, facts)

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Counters, the place to type, and what was read of a dropped trace."""
        beat = self._beat
        panels = []
        if beat is not None:
            counters = beat.counters
            rows = [
                ("hits", counters.hits, "good"), ("misses", counters.misses, "vmm"),
                ("evictions", counters.evictions, "device"),
                ("flushed", counters.flushed, "host"),
                ("shootdowns", counters.shootdowns, "kernel"), ("stale", counters.stale, "wrong"),
            ]
            shown = [(key, pick(TLB[f"count.{key}"], lang), value, context)
                     for key, value, context in rows if value or key in ("hits", "misses")]
            panels.append(bars("counters", pick(TLB["panel.counters"], lang), shown,
                               self._note(beat, lang)))
        lines = [f"> {line}" for line in self._typed] or [pick(TLB["console.help"], lang)]
        panels.append({
            "id": "console", "kind": "console", "title": pick(TLB["panel.console"], lang),
            "text": "\n".join(lines)[-4000:], "input": True,
            "label": pick(TLB["panel.console"], lang)})
        return [*panels, *self._trace_panel(lang)]

    def _note(self, beat: Beat, lang: str) -> str:
        counters = beat.counters
        facts: dict[str, object] = {
            "accesses": counters.accesses, "rate": _percent(counters.hits, counters.accesses, lang)}
        same = [other.counters for other in self.others
                if other.counters.accesses == counters.accesses]
        if not same:
            return plain(TLB["count.alone"], lang, facts)
        facts["other"] = _percent(same[0].hits, same[0].accesses, lang)
        return plain(TLB["count.note"], lang, facts)

    def _trace_panel(self, lang: str) -> list[dict[str, Any]]:
        trace = self.setup.trace
        if self.setup.guest != "trace" or trace is None:
            return []
        return [trace_panel(
            trace.name, min(TRACED, trace.accesses), trace.accesses, trace.report, TLB, lang)]

    def timeline(self) -> dict[str, Any]:
        """Which machine runs, with misses and switches marked."""
        stretches: list[list[Any]] = []
        marks = []
        for step, beat in enumerate(self.beats, 1):
            context = CONTEXTS[beat.processor if self.plan.processors > 1 else beat.machine]
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
            if beat.kind not in ("hit", "miss"):
                marks.append([step, beat.kind])
        return {"total": self.last, "segments": stretches, "marks": marks}

    def outcome(self, lang: str) -> str:
        """A stream has no outcome."""
        return ""


def trace_panel(
    name: str, shown: int, accesses: int, report: Any, words: dict[str, Message], lang: str
) -> dict[str, Any]:
    """What was read of a dropped trace, with the first garbage lines."""
    text = segments(
        words["trace.name"], lang, {"name": name, "shown": shown, "accesses": accesses})
    if report.garbage:
        lines = "; ".join(f"{line}: {content}" for line, content in report.shown)
        text += [{"text": " "}, *segments(
            words["trace.garbage"], lang, {"count": report.garbage, "lines": lines})]
    return {"id": "trace", "kind": "text", "title": pick(words["panel.trace"], lang),
            "segments": text}


def _rates(beats: list[Beat]) -> list[float]:
    return [100 * beat.rate for beat in beats]


def _percent(part: int, whole: int, lang: str) -> str:
    return decimal(f"{100 * part / whole:.1f}" if whole else "–", lang)


def _page(word: str) -> int:
    try:
        page = int(word, 16)
    except ValueError:
        raise InputError(f"{word!r} is not a hexadecimal page number.", HINT) from None
    if not 0 <= page < 1 << 20:
        raise InputError(f"{word} is beyond a 32-bit address space.", "Pages go up to fffff.")
    return page


def _plan(setup: Setup) -> Plan:
    options = setup.options
    sets, ways = (int(part) for part in options["geometry"].split("x"))
    two = setup.guest == "shootdown"
    return Plan(
        stream=setup.guest, machines=1 if two else int(options["machines"]),
        turn=int(options["turn"]), pages=int(options["pages"]), sets=sets, ways=ways,
        policy=options["policy"], tagged=setup.technique == "vpid", processors=2 if two else 1,
        ipi=options["ipi"] == "sent")


def _play(setup: Setup, plan: Plan) -> tuple[World, list[Beat]]:
    if setup.guest == "shootdown":
        return play_shootdown(plan, ACCESSES // 2)
    if setup.guest == "trace":
        if setup.trace is None:
            return World(plan), []
        first = setup.trace.first(TRACED)
        turns = plan.machines > 1 and len({space for _, space in first}) == 1
        return play_trace(plan, [
            (address >> 12, number // plan.turn if turns else space)
            for number, (address, space) in enumerate(first)])
    return play(plan, ACCESSES)


def open_tlb(setup: Setup) -> Run:
    """Play the stream the setup names."""
    return TlbRun(setup)


def _menu(name: str, *values: str) -> Option:
    def title(value: str) -> Message:
        plain_title = value.replace("x", " × ")
        return TLB.get(f"{name}.{value}", (plain_title, plain_title))

    return Option(
        name, TLB[f"option.{name}"], tuple(Choice(value, title(value)) for value in values))


LAB = Lab(
    id="tlb",
    title=TLB["title"],
    question=TLB["question"],
    answer=ANSWERS["tlb"], world=WORLD["tlb"], tasks=TASKS["tlb"],
    topic="memory",
    guests=tuple(
        Choice(name, TLB[f"stream.{name}"])
        for name in ("zipf", "loop", "uniform", "shootdown", "trace")),
    techniques=tuple(
        Choice(name, TLB[f"tag.{name}"], TLB[f"tag.{name}.note"]) for name in ("vpid", "flush")),
    options=(
        _menu("geometry", *GEOMETRIES),
        _menu("policy", "fifo", "lru"),
        _menu("machines", "2", "1", "4"),
        _menu("turn", "24", "8", "120"),
        _menu("pages", "12", "6", "20", "40"),
        _menu("ipi", "sent", "forgotten"),
    ),
    kinds=tuple(
        Choice(name, TLB[f"kind.{name}"])
        for name in ("miss", "evicted", "switch", "shootdown", "stale")),
    drops="trace",
    open=open_tlb,
    batch=run_tlb,
)
