"""The lab "Compare": one guest under every technique, in lock-step by guest instruction."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from ..guests import NANO, SHELF, program
from ..guests import source as guest_source
from ..measure.comparison import Comparison, Lane
from ..scenes import lanes as figure
from ..scenes.scene import Scene
from ..trace.cost import DEVICE_PRICES, Bill
from ..trace.presets import PRESETS, preset
from ..vmm.lockstep import Difference
from ..vmm.registry import NESTED, TECHNIQUES
from . import panels
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .lanes import compare_guest, reader, techniques_for
from .listing import Listing
from .narrate import hexa
from .systems import BARE_METAL, DEFINES, MEMORIES
from .views import Reader
from .words.compare import COMPARE
from .words.prices import PRICES
from .words.rings import RINGS
from .words.say import Segment, decimal, pick, plain, segments

PREVIEW = 400  # guest steps run when a guest is loaded
SEARCH = 20_000  # unknown guest steps gone through for one request; asked again, it goes on
MARKS = 240
NOT_HERE = frozenset({"phone_radio", "phone_rich", "boot_sector"})


def thousands(value: float) -> str:
    """A whole number in groups of three digits."""
    return f"{round(value):,}".replace(",", "\u202f")


def named(what: str) -> str:
    """A part of the state as people call it: ``eflags.if`` is IF."""
    return what.removeprefix("eflags.").upper() if what.startswith("eflags.") else what


def amount(what: str, value: int) -> str:
    """A value of such a part."""
    return str(value) if what.startswith("eflags.") or what in ("cpl", "steps", "time") else (
        hexa(value))


def round_up(value: float) -> int:
    """The next of 10, 20, 50, 100, … that is not less."""
    scale = 10
    while True:
        for factor in (1, 2, 5):
            if factor * scale >= value:
                return factor * scale
        scale *= 10


class CompareRun:
    """A position in the common run of all lanes: ``step`` guest steps are behind each."""

    def __init__(self, setup: Setup, comparison: Comparison | None = None) -> None:
        """``comparison`` is one of the same guest that has run already."""
        self.guest = setup.guest
        self.processor = preset(setup.options["preset"])
        self.with_devices = setup.options["devices"] == "with"
        chosen = techniques_for(self.guest)
        self.comparison = comparison or compare_guest(
            self.guest, chosen, ept=self.processor.ept)
        self.readers: dict[str, Reader] = {
            lane.id: reader(lane) for lane in self.comparison.lanes}
        self.listing = Listing.of(program(self.guest, DEFINES[chosen[0]]))
        self._before: dict[str, float] = {}
        self._insn = ""
        self.seek(max(PREVIEW, self.last))
        self.seek(0)

    # -- where and going ---------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Guest steps behind every lane."""
        return self.comparison.step

    @property
    def last(self) -> int:
        """The furthest step seen so far."""
        return self.comparison.last

    @property
    def ended(self) -> bool:
        """Whether no lane is known to go further than ``last``."""
        return self._end == self.last

    _end = -1

    def seek(self, step: int) -> None:
        """Go to ``step``, or as near as the run, or ``SEARCH`` unknown steps, come."""
        comparison = self.comparison
        step = min(step, self.last + SEARCH)
        if step > 0:
            comparison.seek(step - 1)
            self._look()
            before = comparison.step
            comparison.seek(step)
            if comparison.step == before and before > 0:  # it was the end: show its last step
                comparison.seek(before - 1)
                self._look()
                comparison.seek(before)
        else:
            comparison.seek(0)
            self._before, self._insn = {}, ""
        if not comparison.running:
            self._end = comparison.last

    def _look(self) -> None:
        """Before a step is taken: what each lane has cost, and which instruction comes."""
        self._before = {lane.id: self._cycles(lane)[1] for lane in self.comparison.lanes}
        seen = self.readers[self.comparison.reference.id]
        self._insn = self.listing.text(seen.linear, seen.peek, seen.code_bits)

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next or previous step with an exit in any lane, or to the next divergence."""
        if kind not in KINDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(KINDS)}.")
        known = self._known(kind)
        if direction < 0:
            at = bisect_left(known, self.step)
            if at:
                self.seek(known[at - 1])
            return at > 0
        limit = self.last + SEARCH
        start = self.step
        while True:
            known = self._known(kind)
            at = bisect_right(known, start)
            if at < len(known):
                self.seek(known[at])
                return True
            if self.ended or self.last >= limit:
                self.seek(self.last)
                return False
            self.seek(self.last + PREVIEW)

    def _known(self, kind: str) -> list[int]:
        lanes = self.comparison.lanes
        if kind == "diverge":
            return sorted({lane.difference.guest_step for lane in lanes if lane.difference})
        return sorted({step + 1 for lane in lanes for step in lane.known_exits
                       if step < self.last})

    def advance(self, steps: int) -> bool:
        """Run up to ``steps`` further, at most ``SEARCH`` at once; True at the end."""
        goal = min(self.step + steps, self.last + SEARCH)
        self.seek(goal)
        return self.step < goal

    def receive(self, text: str) -> None:
        """Refuse: nobody types at five guests at once."""
        raise InputError("This lab has no console.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: the lanes are stopped by guest steps only."""
        if points:
            raise InputError("This lab has no breakpoints.")

    # -- prices ------------------------------------------------------------------------------

    def _bill(self, lane: Lane) -> Bill:
        bill = lane.bill(self.processor)
        return bill if self.with_devices else bill.without(DEVICE_PRICES)

    def _cycles(self, lane: Lane) -> tuple[float, float]:
        """What the guest took itself, and all of it."""
        bill = self._bill(lane)
        return lane.own(bill), sum(line.total for line in bill.lines)

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The lanes at this step."""
        return figure.draw(self.view(lang, short=shape == "tall"), shape)

    def view(self, lang: str, *, short: bool = False) -> figure.LanesView:
        """What the figure shows."""
        lanes = tuple(self._lane(lane, lang, short) for lane in self.comparison.lanes)
        scale = round_up(max(lane.cycles for lane in lanes))
        return figure.LanesView(
            title=plain(COMPARE["picture.short" if short else "picture"], lang, {
                "guest": self.guest, "preset": self.processor.title}),
            step=plain(COMPARE["step"], lang, {"step": thousands(self.step)}),
            lanes=lanes,
            scale=scale,
            scale_text=plain(COMPARE["scale.end"], lang, {"cycles": thousands(scale)}),
            legend=(pick(COMPARE["legend.own"], lang), pick(COMPARE["legend.vmm"], lang)),
        )

    def _lane(self, lane: Lane, lang: str, short: bool) -> figure.LaneView:
        seen = self.readers[lane.id]
        now = seen.read()
        insn = self.listing.text(seen.linear, seen.peek, seen.code_bits)
        own, cycles = self._cycles(lane)
        facts: dict[str, object] = {
            "ring": now.ring, "address": hexa(seen.linear), "insn": insn}
        step = max(self.step, 1)
        ended = lane.system.outcome is not None and lane.guest_steps <= self.step
        return figure.LaneView(
            key=lane.id,
            title=self._title(lane, lang, short),
            ring=now.ring,
            context=seen.context,
            where=plain(COMPARE[_place(now.ring, short)], lang, facts),
            own=round(own),
            cycles=round(cycles),
            cycles_text=thousands(cycles),
            added=plain(COMPARE["added"], lang, {
                "added": thousands(cycles - self._before.get(lane.id, cycles))}),
            facts=self._facts(lane, lang),
            ticks=tuple(min(before / step, 1.0) for before in lane.exit_steps),
            wrong=self._parted(lane, lang),
            ended=plain(COMPARE["ended"], lang, {"step": thousands(lane.guest_steps)})
            if ended else "",
            tip="" if lane.compared else pick(COMPARE["ported"], lang),
        )

    def _title(self, lane: Lane, lang: str, short: bool) -> str:
        """A technique's name; where its paging depends on the processor, that too."""
        name = title_of(lane.id, lang)
        if short or NESTED not in MEMORIES.get(lane.id, ()):
            return name
        paging = pick(COMPARE["paging.ept" if self.processor.ept else "paging.shadow"], lang)
        return f"{name}, {paging}"

    def _facts(self, lane: Lane, lang: str) -> str:
        if lane.id == BARE_METAL:
            return pick(COMPARE["facts.bare"], lang)
        if not lane.direct:
            return pick(COMPARE["facts.interpreted"], lang)
        share = decimal(f"{100 * lane.direct:.1f}", lang)
        exits = thousands(sum(lane.exits.values()))
        return plain(COMPARE["facts"], lang, {"exits": exits, "share": share})

    def _difference(self, lane: Lane) -> Difference | None:
        """How a lane has parted from the first one by now."""
        found = lane.difference
        return found if found is not None and found.guest_step <= self.step else None

    def _parted(self, lane: Lane, lang: str) -> str:
        found = self._difference(lane)
        return "" if found is None else plain(COMPARE["parted"], lang, self._told(found))

    def _told(self, found: Difference) -> dict[str, object]:
        return {
            "step": thousands(found.guest_step), "what": named(found.what),
            "found": amount(found.what, found.found),
            "expected": amount(found.what, found.expected)}

    def sentence(self, lang: str) -> list[Segment]:
        """What the last guest step was and what it cost each; who parted in it."""
        lanes = self.comparison.lanes
        if self.step == 0:
            return segments(COMPARE["start"], lang, {"count": len(lanes)})
        parts = ", ".join(
            plain(COMPARE["part"], lang, {
                "lane": title_of(lane.id, lang),
                "added": thousands(self._cycles(lane)[1] - self._before.get(lane.id, 0))})
            for lane in lanes if lane.guest_steps >= self.step)
        spoken = segments(COMPARE["said"], lang, {"insn": self._insn, "parts": parts})
        for lane in lanes:
            found = self._difference(lane)
            if found is not None and found.guest_step == self.step:
                facts = self._told(found) | {"lane": title_of(lane.id, lang)}
                spoken = [*segments(COMPARE["parting"], lang, facts), {"text": " "}, *spoken]
        if self.step == self.last and self.ended:
            spoken += [{"text": " "}, *segments(COMPARE["end"], lang)]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The first lane's code, whether all are equal, exits by kind, and each bill."""
        seen = self.readers[self.comparison.reference.id]
        code = self.listing.panel(
            lang, f"{self.guest}.asm", seen.linear, seen.peek, seen.code_bits)
        return [code, self._equal(lang), self._exits(lang),
                *(self._bill_panel(lane, lang) for lane in self.comparison.lanes)]

    def _equal(self, lang: str) -> dict[str, Any]:
        parted = [(lane, found) for lane in self.comparison.lanes
                  if (found := self._difference(lane)) is not None]
        apart = [title_of(lane.id, lang) for lane in self.comparison.lanes if not lane.compared]
        spoken: list[Segment] = []
        seen = self.readers[self.comparison.reference.id]
        for lane, found in parted:
            insn = self.listing.text(found.eip, seen.peek, seen.code_bits)
            facts = self._told(found) | {"lane": title_of(lane.id, lang), "insn": insn}
            spoken += [*segments(COMPARE["unequal"], lang, facts), {"text": " "}]
        if not parted:
            spoken = segments(COMPARE["equal.one" if self.step == 1 else "equal"], lang, {
                "steps": thousands(self.step),
                "who": pick(COMPARE["who.compared" if apart else "who.all"], lang)})
        if apart:
            spoken = [*spoken, {"text": " "}, *segments(
                COMPARE["apart"], lang, {"lanes": ", ".join(apart)})]
        return {
            "id": "equivalence", "kind": "text", "title": pick(COMPARE["panel.equal"], lang),
            "tone": "wrong" if parted else "good", "segments": spoken}

    def _exits(self, lang: str) -> dict[str, Any]:
        rows = []
        for lane in self.comparison.lanes[1:]:
            kinds = " · ".join(f"{name} {thousands(count)}" for name, count in lane.exits.items())
            rows.append({
                "key": f"exits:{lane.id}", "name": title_of(lane.id, lang),
                "value": kinds or pick(COMPARE["no.exits"], lang), "changed": False})
        return {"id": "exits", "kind": "table", "title": pick(COMPARE["panel.exits"], lang),
                "rows": rows}

    def _bill_panel(self, lane: Lane, lang: str) -> dict[str, Any]:
        bill = self._bill(lane)
        mine = lane.own_names
        rows = [(line.name.replace(" ", "-"), pick(PRICES[line.name], lang), round(line.total),
                 "kernel" if line.name in mine else "vmm") for line in bill.lines[:8]]
        note = plain(COMPARE["modelled"], lang, {"preset": self.processor.title})
        title = plain(COMPARE["panel.bill"], lang, {"lane": title_of(lane.id, lang)})
        return panels.bars(f"bill-{lane.id}", title, rows, note)

    def timeline(self) -> dict[str, Any]:
        """Steps with an exit in some lane, and divergences."""
        marks = [[step, "diverge"] for step in self._known("diverge")]
        exits = self._known("exit")
        marks += [[step, "exit"] for step in exits[::max(1, len(exits) // MARKS)]]
        return {"total": self.last, "segments": [[0, self.last, "kernel"]],
                "marks": sorted(marks)}

    def outcome(self, lang: str) -> str:
        """That all lanes have ended."""
        return pick(COMPARE["finished"], lang) if self.ended else ""


def _place(ring: int, short: bool) -> str:
    """The message that says where a lane is: outside the guest's rings in VMX root mode."""
    name = "where" if ring >= 0 else "where.root"
    return f"{name}.short" if short else name


KINDS = ("exit", "diverge")


def title_of(technique: str, lang: str) -> str:
    """A technique's name."""
    titles = {entry.id: entry.title for entry in TECHNIQUES}
    message = RINGS.get(f"technique.{technique}")
    return pick(message, lang) if message else titles[technique]


def open_compare(setup: Setup) -> Run:
    """Start the guest under every technique that can run it."""
    return CompareRun(setup)


def reprice(run: Run, setup: Setup) -> Run | None:
    """The same run at other prices: what has been counted stays, if paging stays the same."""
    assert isinstance(run, CompareRun)
    same = run.processor.ept == preset(setup.options["preset"]).ept
    return CompareRun(setup, run.comparison) if same and run.guest == setup.guest else None


LAB = Lab(
    id="compare",
    title=COMPARE["title"],
    question=COMPARE["question"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for guest in (*SHELF, *NANO) if guest.id not in NOT_HERE),
    techniques=(),
    usual={"guest": "popf"},
    kinds=tuple(Choice(name, COMPARE[f"kind.{name}"]) for name in KINDS),
    options=(
        Option("preset", COMPARE["option.preset"], tuple(
            Choice(one.id, (f"{one.title}, {one.year}", f"{one.title}, {one.year}"))
            for one in PRESETS)),
        Option("devices", COMPARE["option.devices"], (
            Choice("without", COMPARE["devices.without"]),
            Choice("with", COMPARE["devices.with"]))),
    ),
    open=open_compare,
    rearrange=reprice,
    source=guest_source,
)
