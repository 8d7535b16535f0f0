"""The lab "Compare": one guest under every technique, in lock-step by guest instruction."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any

from ..guests import NANO, SHELF, program
from ..guests import source as guest_source
from ..host.systems import BARE_METAL, DEFINES, ISAS, MEMORIES
from ..measure.comparison import Lane, SoFar
from ..properties.parted import amount, named
from ..scenes import lanes as figure
from ..scenes.scene import Scene
from ..trace.cost import DEVICE_PRICES, Bill
from ..trace.presets import preset
from ..vmm.lockstep import Difference
from ..vmm.registry import IA32, NESTED, SHADOW, VIRTUALIZABLE
from . import compare_panels as panels
from . import prices
from .compare_panels import title_of
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .lanes import Way, compare_guest, reader, techniques_for
from .listing import Listing
from .narrate import hexa
from .views import Reader
from .words.compare import COMPARE
from .words.notes import ANSWERS, WORLD
from .words.rings import RINGS
from .words.say import Segment, decimal, pick, plain, segments, thousands

PREVIEW = 400  # guest steps run when a guest is loaded
AHEAD = 2_000  # unknown guest steps one request goes through
LOOK = 200  # those a jump looks through before it says how far it came; asked again, it goes on
MARKS = 240
BOTH = "both"  # ways to page, side by side, where the processor has both
# Guests that need another setting, or VMX, which no virtual machine has.
NOT_HERE = frozenset({"phone_radio", "phone_rich", "boot_sector", "vmx_errors"})


def round_up(value: float) -> int:
    """The next of 10, 20, 50, 100, … that is not less."""
    scale = 10
    while True:
        for factor in (1, 2, 5):
            if factor * scale >= value:
                return factor * scale
        scale *= 10


def lanes_for(guest: str, isa: str) -> tuple[str, ...]:
    """What runs side by side. Where paging depends on the processor there is a lane for each kind,
    so that one processor can be exchanged for another without running again."""
    found: list[str] = []
    for technique in techniques_for(guest):
        if isa != IA32 and isa in ISAS.get(technique, ()):
            found.append(f"{technique}/{isa}")
        elif {NESTED, SHADOW} <= set(MEMORIES.get(technique, ())):
            found += [f"{technique}/{NESTED}", f"{technique}/{SHADOW}"]
        else:
            found.append(technique)
    return tuple(found)


class CompareRun:
    """A position in the common run of all lanes: ``step`` guest steps are behind each.

    ``lanes`` are those of the chosen processor, with EPT or without.
    """

    def __init__(self, setup: Setup) -> None:
        self.guest = setup.guest
        self.isa = setup.options["isa"]
        chosen = lanes_for(self.guest, self.isa)
        self.comparison = compare_guest(self.guest, chosen)
        self.readers: dict[str, Reader] = {
            lane.id: reader(lane) for lane in self.comparison.lanes}
        self.listing = Listing.of(program(self.guest, DEFINES[Way.of(chosen[0]).technique]))
        self._before: dict[str, SoFar] = {}
        self._insn = ""
        self._looked = -1  # the step that ``_before`` and ``_insn`` belong to
        self.reprice(setup)
        self.seek(PREVIEW)
        self.seek(0)

    def reprice(self, setup: Setup) -> None:
        """Take another processor, other prices, devices or not: what was counted stays."""
        self.published = preset(setup.options["preset"])
        self.processor = prices.priced(self.published, setup.options)
        self.with_devices = setup.options["devices"] == "with"
        absent = SHADOW if self.processor.ept else NESTED
        if self.processor.ept and setup.options["paging"] == BOTH:
            absent = ""
        self.lanes = tuple(
            lane for lane in self.comparison.lanes
            if NESTED not in MEMORIES.get(lane.technique, ()) or lane.memory != absent)
        self._twice = {lane.technique for lane, following in pairwise(self.lanes)
                       if lane.technique == following.technique}

    def key(self, lane: Lane) -> str:
        """What a lane is called among those shown: its technique, unless that is shown twice."""
        return lane.id if lane.technique in self._twice else lane.technique

    def name(self, lane: Lane, lang: str) -> str:
        """The same for people."""
        name = title_of(lane.technique, lang)
        return f"{name}, {_paging(lane, lang)}" if lane.technique in self._twice else name

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
        """Go to ``step``, or as near as the run, or ``AHEAD`` unknown steps, come."""
        comparison = self.comparison
        step = min(step, self.last + AHEAD)
        if step == self._looked == comparison.step:
            return
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
        self._looked = comparison.step
        if not comparison.running:
            self._end = comparison.last

    def _look(self) -> None:
        """Before a step is taken: what each lane has cost, and which instruction comes."""
        self._before = {lane.id: lane.so_far for lane in self.comparison.lanes}
        seen = self.leader
        self._insn = self.listing.text(seen.linear, seen.peek, seen.code_bits)

    @property
    def leader(self) -> Reader:
        """The first lane that goes on from here and is compared; whose code is shown."""
        lanes = self.lanes
        running = (lane for lane in lanes if lane.compared and lane.system.outcome is None)
        return self.readers[next(running, self.comparison.reference).id]

    def find(self, kind: str, direction: int) -> bool | None:
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
        start = self.step
        for unknown in (0, LOOK):
            if unknown and not self.ended:
                self.seek(self.last + unknown)
            known = self._known(kind)
            at = bisect_right(known, start)
            if at < len(known):
                self.seek(known[at])
                return True
        self.seek(self.last)
        return False if self.ended else None

    def _known(self, kind: str) -> list[int]:
        lanes = self.lanes
        if kind == "diverge":
            return sorted({lane.difference.guest_step for lane in lanes if lane.difference})
        return sorted({step + 1 for lane in lanes for step in lane.known_exits
                       if step < self.last})

    def advance(self, steps: int) -> bool:
        """Run up to ``steps`` further, at most ``AHEAD`` unknown ones at once; True at the end."""
        goal = min(self.step + steps, self.last + AHEAD)
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

    def bill(self, lane: Lane, so_far: SoFar | None = None) -> Bill:
        """What a lane costs at the chosen prices, now or when only that much had happened."""
        bill = lane.bill(self.processor, so_far)
        return bill if self.with_devices else bill.without(DEVICE_PRICES)

    def cycles(self, lane: Lane) -> tuple[float, float]:
        """What the guest took itself, and all of it."""
        bill = self.bill(lane)
        return lane.own(bill), sum(line.total for line in bill.lines)

    def _added(self, lane: Lane, without: float) -> float:
        """What the last step has added; ``without`` while none is behind."""
        before = self._before.get(lane.id)
        if before is None:
            return without
        spent = sum(line.total for line in self.bill(lane, before).lines)
        return self.cycles(lane)[1] - spent

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The lanes at this step."""
        return figure.draw(self.view(lang, short=shape == "tall"), shape)

    def view(self, lang: str, *, short: bool = False) -> figure.LanesView:
        """What the figure shows."""
        lanes = tuple(self._lane(lane, lang, short) for lane in self.lanes)
        scale = round_up(max(lane.cycles for lane in lanes))
        return figure.LanesView(
            title=plain(COMPARE["picture.short" if short else "picture"], lang, {
                "guest": self.guest, "preset": prices.title(self.processor, lang)}),
            step=plain(COMPARE["step"], lang, {"step": thousands(self.step)}),
            lanes=lanes,
            scale=scale,
            scale_text=plain(COMPARE["scale.end"], lang, {"cycles": thousands(scale)}),
            legend=(pick(COMPARE["legend.own"], lang), pick(COMPARE["legend.vmm"], lang)),
            note="" if short else pick(COMPARE["legend.next"], lang),
        )

    def _lane(self, lane: Lane, lang: str, short: bool) -> figure.LaneView:
        seen = self.readers[lane.id]
        now = seen.read()
        insn = self.listing.text(seen.linear, seen.peek, seen.code_bits)
        own, cycles = self.cycles(lane)
        facts: dict[str, object] = {
            "ring": now.ring, "address": hexa(seen.linear), "insn": insn}
        place = _place(now.ring, in_vmm=seen.context == "vmm")
        step = max(self.step, 1)
        ended = lane.system.outcome is not None and lane.guest_steps <= self.step
        return figure.LaneView(
            key=self.key(lane),
            title=self._title(lane, lang, short),
            ring=now.ring,
            context=seen.context,
            where=plain(COMPARE[f"{place}.short" if short else place], lang, facts),
            own=round(own),
            cycles=round(cycles),
            cycles_text=thousands(cycles),
            added=plain(COMPARE["added"], lang, {
                "added": thousands(self._added(lane, 0))}),
            facts=self._facts(lane, lang),
            ticks=tuple(min(before / step, 1.0) for before in lane.exit_steps),
            wrong=self._parted(lane, lang),
            wrong_now=lane.difference is not None and lane.difference.guest_step == self.step,
            ended=plain(COMPARE["ended"], lang, {"step": thousands(lane.guest_steps)})
            if ended else "",
            tip="" if lane.compared else pick(COMPARE["ported"], lang),
        )

    def _title(self, lane: Lane, lang: str, short: bool) -> str:
        """A technique's name; where its paging depends on the processor, that too."""
        name = self.name(lane, lang)
        if short or lane.technique in self._twice:
            return name
        if VIRTUALIZABLE in lane.id:
            return f"{name}, {pick(COMPARE['isa.title'], lang)}"
        if NESTED not in MEMORIES.get(lane.technique, ()):
            return name
        return f"{name}, {_paging(lane, lang)}"

    def _facts(self, lane: Lane, lang: str) -> str:
        if lane.id == BARE_METAL:
            return pick(COMPARE["facts.bare"], lang)
        if not lane.direct:
            return pick(COMPARE["facts.interpreted"], lang) if lane.guest_steps else "–"
        share = decimal(f"{100 * lane.direct:.1f}", lang)
        exits = sum(lane.exits.values())
        return plain(COMPARE["facts.one" if exits == 1 else "facts"], lang, {
            "exits": thousands(exits), "share": share})

    def difference(self, lane: Lane) -> Difference | None:
        """How a lane has parted from the first one by now."""
        found = lane.difference
        return found if found is not None and found.guest_step <= self.step else None

    def _parted(self, lane: Lane, lang: str) -> str:
        found = self.difference(lane)
        return "" if found is None else plain(COMPARE["parted"], lang, self.told(found, lang))

    def told(self, found: Difference, lang: str) -> dict[str, object]:
        """A difference as facts for a sentence."""
        return {
            "step": thousands(found.guest_step), "what": named(found.what, lang),
            "found": amount(found.what, found.found),
            "expected": amount(found.what, found.expected)}

    def sentence(self, lang: str) -> list[Segment]:
        """What the last guest step was and what it cost each; who parted in it."""
        lanes = self.lanes
        if self.step == 0:
            return segments(COMPARE["start"], lang, {"count": len(lanes)})
        parts = ", ".join(
            plain(COMPARE["part"], lang, {
                "lane": self.name(lane, lang),
                "added": thousands(self._added(lane, self.cycles(lane)[1]))})
            for lane in lanes if lane.compared and lane.guest_steps >= self.step)
        spoken = segments(COMPARE["said"], lang, {"insn": self._insn, "parts": parts})
        for lane in lanes:
            found = self.difference(lane)
            if found is not None and found.guest_step == self.step:
                facts = self.told(found, lang) | {"lane": self.name(lane, lang)}
                spoken = [*segments(COMPARE["parting"], lang, facts), {"text": " "}, *spoken]
        if self.step == self.last and self.ended:
            spoken += [{"text": " "}, *segments(COMPARE["end"], lang)]
        return spoken

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The first lane's code, whether all are equal, exits by kind, and each bill."""
        seen = self.leader
        code = self.listing.panel(
            lang, f"{self.guest}.asm", seen.linear, seen.peek, seen.code_bits)
        return [code, panels.equal(self, lang), panels.exits(self, lang),
                panels.bills(self, lang), panels.price_list(self, lang)]

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


def _paging(lane: Lane, lang: str) -> str:
    return pick(COMPARE["paging.ept" if lane.memory == NESTED else "paging.shadow"], lang)


def _place(ring: int, *, in_vmm: bool) -> str:
    """The message that says who is at work in a lane before its guest's next instruction: the
    guest in its ring, or the VMM, which in VMX root mode is outside the guest's rings."""
    if ring < 0:
        return "where.root"
    return "where.vmm" if in_vmm else "where"


KINDS = ("exit", "diverge")


def open_compare(setup: Setup) -> Run:
    """Start the guest under every technique that can run it."""
    return CompareRun(setup)


def reprice(run: Run, setup: Setup) -> Run | None:
    """The same run at other prices, if the lanes are the same."""
    assert isinstance(run, CompareRun)
    if (run.guest, run.isa) != (setup.guest, setup.options["isa"]):
        return None
    run.reprice(setup)
    return run


LAB = Lab(
    id="compare",
    title=COMPARE["title"],
    question=COMPARE["question"],
    answer=ANSWERS["compare"], world=WORLD["compare"], tasks=TASKS["compare"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for guest in (*SHELF, *NANO) if guest.id not in NOT_HERE),
    techniques=(),
    usual={"guest": "popf"},
    kinds=tuple(Choice(name, COMPARE[f"kind.{name}"]) for name in KINDS),
    options=(
        Option("preset", COMPARE["option.preset"], prices.PROCESSORS, keeps=True),
        Option("devices", COMPARE["option.devices"], (
            Choice("without", COMPARE["devices.without"]),
            Choice("with", COMPARE["devices.with"])), keeps=True),
        Option("paging", COMPARE["option.paging"], (
            Choice("processor", COMPARE["option.paging.processor"]),
            Choice(BOTH, COMPARE["option.paging.both"])), keeps=True),
        Option("isa", COMPARE["option.isa"], (
            Choice(IA32, RINGS["option.isa.ia32"]),
            Choice(VIRTUALIZABLE, RINGS["option.isa.virtualizable"]))),
        *prices.OPTIONS,
    ),
    open=open_compare,
    rearrange=reprice,
    source=guest_source,
)
