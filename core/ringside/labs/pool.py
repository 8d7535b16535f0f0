"""The lab "Memory pool": several VMs, one host with too little memory for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..scenes import pool as figure
from ..scenes.scene import Scene
from . import pool_narrate
from .exercises import TASKS
from .lab import Batch, Choice, InputError, Lab, Option, Run, Setup
from .words.notes import ANSWERS, WORLD
from .words.pool import POOL
from .words.say import Segment, decimal, pick, plain, segments

if TYPE_CHECKING:  # these need numpy, which is fetched when the lab is opened
    from ..host.memory.pool import Settings
    from ..host.memory.scenarios import Scenario
    from .pool_moments import Moment, Recorder, VmMoment

SCENARIOS = ("turns", "idle", "like")
OVERCOMMIT = ("1.5", "1.25", "2", "1")
SWITCHES = ("balloon", "sharing", "swapping")
SHARES: dict[str, tuple[str, int]] = {  # whose are multiplied, and by how much
    "equal": ("", 1), "a": ("A", 2), "b": ("B", 2), "b4": ("B", 4)}
LEAST = ("25", "0", "10", "50")  # per cent of a VM's memory that nobody may take from it
TAXES = ("75", "0", "50", "90", "later")
LATER = 22  # the round in which a tax is introduced "later"
KINDS = (
    "level", "inflate", "deflate", "share", "copy", "swapout", "swapin", "double", "allocate",
    "sample", "stall", "tax",
)
MARKS = {"swapout": "swapout", "stall": "stall", "tax": "tax"}
PREVIEW = 60  # steps known when the lab is opened
THRESHOLDS = ((6.0, "high"), (4.0, "soft"), (2.0, "hard"), (1.0, "low"))
ROWS = (
    ("has", "row.has", "tip.has"), ("target", "row.target", "tip.target"),
    ("active", "row.active", "tip.active"), ("shares", "row.shares", "tip.shares"),
    ("least", "row.least", "tip.least"), ("price", "row.price", "tip.price"),
    ("balloon", "row.balloon", ""), ("disk", "row.disk", ""),
)
COUNTS = (
    ("frames given", "row.given"), ("copied", "row.copied"), ("read back", "row.back"),
    ("double paged", "row.double"), ("guest's reads", "row.reads"),
)


class PoolRun:
    """A position among the moments of a pool; each step is one thing that happened."""

    def __init__(self, recorder: Recorder, guest: str, ballooning: bool, most: int) -> None:
        self.recorder = recorder
        self._guest = guest
        self._ballooning = ballooning
        self._step = 0
        self._most = most  # accesses that fill the plot of work
        self._reach(PREVIEW)

    @property
    def moment(self) -> Moment:
        """What is shown."""
        return self.recorder.moments[self._step]

    def _reach(self, step: int) -> None:
        while self.last < step and self.recorder.advance():
            pass

    # -- where and going ---------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Happenings behind the present moment."""
        return self._step

    @property
    def last(self) -> int:
        """Happenings known so far."""
        return len(self.recorder.moments) - 1

    @property
    def ended(self) -> bool:
        """Whether ``last`` is the end of the story."""
        return self.recorder.ended

    def seek(self, step: int) -> None:
        """Go to ``step``, letting the pool run on where nobody has been."""
        self._reach(step + 1)  # one more: the end is known when it is reached
        self._step = max(0, min(step, self.last))

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next or previous step with an event of ``kind``."""
        if kind not in KINDS:
            raise InputError(
                f"There is no kind {kind!r} here.", f"Choose one of: {', '.join(KINDS)}.")
        at = self._step + direction
        while at >= 0:
            self._reach(at)
            if at > self.last:
                return False
            if any(event.kind == kind for event in self.recorder.moments[at].events):
                self.seek(at)
                return True
            at += direction
        return False

    def advance(self, steps: int) -> bool:
        """Go ``steps`` on; True at the end."""
        goal = self._step + steps
        self.seek(goal)
        return self._step < goal

    def receive(self, text: str) -> None:
        """Refuse: these guests read no console."""
        raise InputError("The guests of this lab do not read their consoles.")

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Refuse: jump by kind instead."""
        if points:
            raise InputError("This lab has no breakpoints.", "Jump by kind of event instead.")

    # -- showing -----------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The pool at this moment."""
        return figure.draw(self._view(shape, lang), shape)

    def _view(self, shape: str, lang: str) -> figure.PoolView:
        now = self.moment
        pages = sum(len(vm.tiles) for vm in now.vms)

        def say(key: str, **facts: object) -> str:
            return plain(POOL[key], lang, facts)

        parts = [
            figure.Part(f"part:{vm.name}", vm.name, vm.alone, "bar app",
                        say("part.own", vm=vm.name, count=vm.alone))
            for vm in now.vms]
        parts.append(figure.Part("part:common", say("part.common"), now.common, "bar vmm", say(
            "part.common.tip", count=now.common, saved=now.saved)))
        parts.append(figure.Part("part:free", say("part.free"), now.free, "box", say(
            "part.free.tip", count=now.free)))
        return figure.PoolView(
            title=say("host.tall" if shape == "tall" else "host", total=now.total, pages=pages),
            parts=tuple(parts),
            free_title=say("free", count=now.free),
            free=100 * now.free / now.total,
            level=now.level,
            level_text=say(f"level.{now.level}"),
            thresholds=THRESHOLDS,
            vms=tuple(self._vm(vm, lang) for vm in now.vms),
            legend=tuple((state, say(f"tile.{state}")) for state in (1, 2, 3, 4, 5, 0)),
        )

    def _vm(self, vm: VmMoment, lang: str) -> figure.VmView:
        pages, most = len(vm.tiles), self._most
        others = [other.shares for other in self.moment.vms]
        mine = [event for event in self.moment.events if getattr(event, "vm", "") == vm.name]
        kinds = {event.kind for event in mine}
        state = (
            "waiting" if "stall" in kinds else "off" if not any(vm.work)
            else "working" if max(vm.work[-2:]) > most // 12 else "idle")

        def say(key: str, **facts: object) -> str:
            return plain(POOL[key], lang, facts)

        return figure.VmView(
            name=vm.name,
            state=say(f"state.{state}"),
            note=say(f"note.{vm.note}") if vm.shares == min(others) else say(
                "note.shares", factor=vm.shares // min(others)),
            tiles=vm.tiles,
            tips=_tips(vm, lang),
            has=vm.charge / pages,
            target=vm.target / pages,
            active=vm.active / pages,
            has_text=say("has", count=round(vm.charge), pages=pages),
            target_text=say("target", count=vm.target),
            work=tuple(done / most for done in vm.work),
            work_text=say("work"),
            flows=self._flows(mine, vm.name, lang),
            current=bool(kinds),
            stalled="stall" in kinds,
        )

    def _flows(self, events: list[Any], name: str, lang: str) -> tuple[figure.Flow, ...]:
        """What moves between the host and this VM in this step."""
        found: list[figure.Flow] = []
        for event in events:
            if event.kind in _FLOWS:
                down, key, context = _FLOWS[event.kind]
                found.append(figure.Flow(event.kind, down, plain(
                    POOL[key], lang, {"count": event.count}), context))
        for event in self.moment.events:
            if event.kind == "share" and name in getattr(event, "vms", "").split(", "):
                found.append(figure.Flow("share", False, plain(POOL["flow.share"], lang), "vmm"))
        return tuple(found)

    def sentence(self, lang: str) -> list[Segment]:
        """What this step was."""
        now = self.moment
        if not self._step:
            pages = sum(len(vm.tiles) for vm in now.vms)
            return segments(POOL["start"], lang, {"pages": pages, "total": now.total})
        return pool_narrate.sentence(now.events, lang, self._ballooning, now.total)

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The host, and each VM, in numbers; and what was published of such a story."""
        from .pool_published import published_panel

        now = self.moment
        before = self.recorder.moments[max(self._step - 1, 0)]
        pages = sum(len(vm.tiles) for vm in now.vms)
        over = decimal(f"{pages / now.total:.2f}", lang)
        host = _table("host", pick(POOL["panel.host"], lang), lang, (
            ("round", "row.round", "", now.round + 1, before.round + 1),
            ("free", "row.free", "", now.free, before.free),
            ("common", "row.common", "", now.common, before.common),
            ("saved", "row.saved", "", now.saved, before.saved),
            ("overcommit", "row.overcommit", "", f"{over} ×", f"{over} ×"),
            ("tax", "row.tax", "", f"{100 * now.tax:.0f} %", f"{100 * before.tax:.0f} %"),
        ))
        host["note"] = pick(POOL["model"], lang)
        return [host, *(
            _table(f"vm:{vm.name}", plain(POOL["panel.vm"], lang, {"vm": vm.name}), lang, [
                *((name, row, tip, _figure(vm, name, lang), _figure(old, name, lang))
                  for name, row, tip in ROWS),
                *((name, row, "", vm.counts[name], old.counts[name]) for name, row in COUNTS),
            ])
            for vm, old in zip(now.vms, before.vms, strict=True)),
            *published_panel(self._guest, self.recorder.moments[: self._step + 1], lang)]

    def timeline(self) -> dict[str, Any]:
        """The happenings in a row, coloured by who acted."""
        stretches: list[list[Any]] = []
        marks: list[list[Any]] = []
        for step, moment in enumerate(self.recorder.moments[1:], 1):
            context = moment.events[0].context
            if stretches and stretches[-1][2] == context:
                stretches[-1][1] = step
            else:
                stretches.append([step - 1, step, context])
            shown = {event.kind for event in moment.events} & set(MARKS)
            marks += [[step, MARKS[kind]] for kind in sorted(shown)]
        return {"total": self.last, "segments": stretches, "marks": marks}

    def outcome(self, lang: str) -> str:
        """At the end of the story, that it is the end."""
        return pick(POOL["ended"], lang) if self.ended and self._step == self.last else ""


_FLOWS: dict[str, tuple[bool, str, str]] = {
    "allocate": (True, "flow.given", "app"),
    "inflate": (False, "flow.balloon", "kernel"),
    "deflate": (True, "flow.deflate", "kernel"),
    "swapout": (False, "flow.out", "host"),
    "swapin": (True, "flow.in", "host"),
    "copy": (True, "flow.copy", "vmm"),
}


def _tips(vm: VmMoment, lang: str) -> tuple[str, ...]:
    """What each tile says when it is pointed at."""
    states = [pick(POOL[f"tile.{state}"], lang) for state in range(6)]
    plainly, framed, shared = (
        pick(POOL[key], lang) for key in ("tip", "tip.frame", "tip.shared"))
    return tuple(
        (shared if sharers > 1 else framed if sharers else plainly).format(
            vm=vm.name, page=page, state=states[state], frame=frame, sharers=sharers)
        for page, (state, frame, sharers) in enumerate(
            zip(vm.tiles, vm.frames, vm.sharers, strict=True)))


def _figure(vm: VmMoment, name: str, lang: str) -> str:
    values: dict[str, str] = {
        "has": f"{vm.charge:.1f}".removesuffix(".0"), "target": str(vm.target),
        "active": str(vm.active), "shares": str(vm.shares), "least": str(vm.least),
        "price": f"{vm.price:.1f}", "balloon": str(vm.balloon),
        "disk": str(vm.disk)}
    return decimal(values[name], lang)


def _table(panel: str, title: str, lang: str, rows: Any) -> dict[str, Any]:
    made = []
    for name, key, tip, now, before in rows:
        row: dict[str, Any] = {
            "key": f"{panel}:{name}", "name": pick(POOL[key], lang), "value": str(now),
            "changed": now != before}
        if now != before:
            row["before"] = str(before)
        if tip:
            row["tip"] = pick(POOL[tip], lang)
        made.append(row)
    return {"id": panel, "kind": "table", "title": title, "rows": made}


def _plan(setup: Setup) -> tuple[Scenario, Settings]:
    """What the setup stands for; needs numpy."""
    from ..host.memory.scenarios import SCENARIOS as planned

    options = setup.options
    scenario = planned[setup.guest]()
    favoured, factor = SHARES[options["shares"]]
    scenario = replace(scenario, plans=tuple(
        replace(
            plan, shares=plan.shares * (factor if plan.name == favoured else 1),
            least=plan.pages * int(options["least"]) // 100)
        for plan in scenario.plans))
    tax = options["tax"]
    taxes = ((0, 0.0), (LATER, 0.75)) if tax == "later" else ((0, int(tax) / 100),)
    return scenario, scenario.settings(
        float(options["overcommit"]), taxes=taxes,
        **{name: options[name] == "on" for name in SWITCHES})


def open_pool(setup: Setup) -> Run:
    """Set the pool up; needs numpy."""
    from ..host.memory.pool import Pool
    from .pool_moments import Recorder

    scenario, settings = _plan(setup)
    most = max(phase.rate for plan in scenario.plans for phase in plan.phases)
    return PoolRun(
        Recorder(Pool(scenario.plans, settings)), setup.guest, settings.balloon, most)


def run_pool(setup: Setup, options: Mapping[str, str]) -> Batch:
    """The whole story without pictures."""
    from .pool_batch import PoolBatch

    return PoolBatch(setup, *_plan(setup))


LAB = Lab(
    id="pool",
    title=POOL["title"],
    question=POOL["question"],
    answer=ANSWERS["pool"], world=WORLD["pool"], tasks=TASKS["pool"],
    topic="memory",
    guests=tuple(
        Choice(name, POOL[f"guest.{name}"], POOL[f"guest.{name}.note"]) for name in SCENARIOS),
    techniques=(),
    options=(
        Option("overcommit", POOL["option.overcommit"], tuple(
            Choice(value, POOL[f"overcommit.{value}"]) for value in OVERCOMMIT)),
        *(Option(name, POOL[f"option.{name}"], tuple(
            Choice(value, POOL[f"{name}.{value}"]) for value in ("on", "off")))
          for name in SWITCHES),
        *(Option(name, POOL[f"option.{name}"], tuple(
            Choice(value, POOL[f"{name}.{value}"]) for value in values))
          for name, values in (("tax", TAXES), ("shares", tuple(SHARES)), ("least", LEAST))),
    ),
    kinds=tuple(Choice(kind, POOL[f"kind.{kind}"]) for kind in KINDS),
    open=open_pool,
    batch=run_pool,
)
