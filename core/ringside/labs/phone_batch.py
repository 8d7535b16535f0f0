"""The lab "Phone" without pictures: frames met and missed, what it cost, who was refused what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..host.phone import EXIT_COST, TICKS_PER_SECOND, Phone
from ..host.systems import CHARGES
from ..trace import events as ev
from ..trace.cost import CostModel
from ..trace.counters import Tally, by_detail, total
from .guest_batch import exit_lines
from .narrate import outcome_words

MILLISECOND = TICKS_PER_SECOND / 1000


class _Listener(Tally):
    """Counts, and keeps the accesses that were refused."""

    __slots__ = ("denied",)

    def __init__(self) -> None:
        super().__init__()
        self.denied: list[ev.Denied] = []

    def __call__(self, event: ev.Event) -> None:
        super().__call__(event)
        if type(event) is ev.Denied:
            self.denied.append(event)


class PhoneBatch:
    """A phone that is left alone for a while."""

    inputs = frozenset({"limit"})
    patient = False
    brief = 8  # lines of the console that are enough to see who writes
    limit = 2_000_000  # about two seconds of a phone with a million instructions a second

    def __init__(self, phone: Phone, options: Mapping[str, str]) -> None:
        self.phone = phone
        self.options = dict(options)
        self._heard = _Listener()
        self._shown = [0 for _ in phone.vms]
        self._console = ""
        phone.listener = self._heard

    @property
    def ended(self) -> bool:
        """A phone goes on unless both worlds have stopped for good."""
        return self.phone.outcome is not None

    @property
    def instructions(self) -> int:
        """Those of both worlds."""
        return sum(vm.guest_steps for vm in self.phone.vms)

    @property
    def console(self) -> str:
        """Whole lines of both worlds, in the order in which they were noticed."""
        return self._console

    def receive(self, text: str) -> None:
        """Nobody reads it."""

    def advance(self, steps: int) -> None:
        """Run up to ``steps`` steps: of the guests, or phases of the VMM."""
        self.phone.run(max(steps, 1))
        for number, vm in enumerate(self.phone.vms):
            end = vm.console.rfind("\n") + 1
            self._console += vm.console[self._shown[number] : end]
            self._shown[number] = max(end, self._shown[number])

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """Times are in ticks of the host: one is a microsecond. Cycles are modelled."""
        phone, counts = self.phone, self._heard.counts
        radio, outcome = phone.radio, phone.outcome
        begun = phone.time // radio.period
        settled = radio.met + radio.missed  # the first ones: frames are settled in their order
        in_time = sum(
            number * radio.period + radio.budget >= phone.time
            for number in range(settled + 1, begun + 1))
        model = CostModel(charges=CHARGES[phone.technique])
        return {
            "lab": "phone",
            "technique": phone.settings.policy,
            "options": self.options,
            "outcome": str(outcome) if outcome else "stopped" if stopped else "limit reached",
            "status": 130 if stopped else 0,
            "ticks": phone.time,
            "ticks_per_second": TICKS_PER_SECOND,
            "exit_cost": EXIT_COST,
            "frames": {
                "period": radio.period,
                "deadline": radio.budget,
                "met": radio.met,
                "missed": radio.missed,
                "open": begun - settled,
                "overdue": begun - settled - in_time,
                "worst_latency": radio.worst if radio.worst >= 0 else None,
            },
            "instructions": self.instructions,
            "worlds": [
                {
                    "name": vm.name,
                    "instructions": vm.guest_steps,
                    "exits": dict(sorted(vm.exits.items(), key=lambda item: (-item[1], item[0]))),
                    "digest": vm.digest(),
                    "console": vm.console,
                }
                for vm in phone.vms
            ],
            "switches": total(counts, "schedule"),
            "exits": by_detail(counts, "trap"),
            "refused": [
                {"world": event.vm, "tick": event.time, "gva": f"{event.gva:#x}",
                 "gpa": f"{event.gpa:#x}", "why": event.why}
                for event in self._heard.denied
            ],
            "cycles": model.bill(counts, self.instructions).total,
            "preset": model.preset.title,
            "digest": phone.digest(),
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        frames = report["frames"]
        worst = frames["worst_latency"]
        options = ", ".join(f"{name} {value}" for name, value in report["options"].items())
        lines = [
            f"outcome       {outcome_words(report['outcome'], 'en')}",
            f"scheduler     {report['technique']} ({options})",
            f"time          {_ms(report['ticks'])} of the phone",
            f"frames        {frames['met']:,} met, {frames['missed']:,} missed, "
            f"{frames['open']:,} still open ({frames['overdue']:,} of them past the deadline)",
            "slowest reply " + (
                "none: the radio has answered no frame" if worst is None
                else f"the radio's, {_ms(worst)} after its frame began: "
                     f"{against(worst, frames['deadline'])}; frames never answered do not count"),
            f"switches      {report['switches']:,} from world to world",
        ]
        for world in report["worlds"]:
            lines.append(
                f"instructions  {world['name']:<24} {world['instructions']:,} "
                f"({sum(world['exits'].values()):,} exits)")
        lines += exit_lines(report["exits"])
        for refused in report["refused"]:
            lines.append(
                f"refused       {refused['world']} at {refused['gpa']} after "
                f"{_ms(refused['tick'])}: {refused['why']}")
        return [
            *lines,
            f"cycles        {report['cycles']:,} (modelled, devices included: {report['preset']})",
            f"digest        {report['digest']}",
        ]


def against(answer: int, deadline: int) -> str:
    """How an answer's time compares with the deadline."""
    early = deadline - answer
    side = f"{_ms(early)} before" if early >= 0 else f"{_ms(-early)} past"
    return f"{side} the deadline of {_ms(deadline)}"


def _ms(ticks: int) -> str:
    return f"{ticks / MILLISECOND:,.3f} ms"
