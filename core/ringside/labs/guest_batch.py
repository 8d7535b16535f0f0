"""One guest on one system without pictures, run to its end or to a limit."""

from __future__ import annotations

from typing import Any

from ..host.systems import System, charges_of, work
from ..machine.outcome import WAITING
from ..trace.cost import CostModel
from ..trace.counters import Tally, by_detail, together, total
from ..trace.own_prices import written
from ..trace.presets import PRESETS, Preset
from .narrate import outcome_words
from .patience import PATIENCE, Patience

READY = PATIENCE // 10  # ticks in which a guest only waits before the next line is typed
CHUNK = 10_000  # steps between two looks whether the guest only waits
WAITS = ("the guest waits for input, and none is left; type to it with --input, or give "
         "--max-instructions to let it wait")
SLEEPS = "the guest sleeps, and nothing it listens to can wake it"


class GuestBatch:
    """A system and a count of everything that happens in it.

    With ``patient`` it runs on even when the guest only waits for input that cannot come.
    ``processor`` is the one whose prices its cycles are modelled at.
    """

    inputs = frozenset({"limit", "keys", "disk"})
    limit = 100_000_000
    patient = False

    def __init__(
        self, system: System, technique: str, name: str, memory: str = "",
        processor: Preset = PRESETS[0],
    ) -> None:
        self.processor = processor
        self.system = system
        self.technique = technique
        self.name = name
        self.memory = memory
        self._tally = Tally()
        self._stuck = self._waits = False
        self._lines: list[str] = []  # what is still to be typed ...
        self._typed = ""  # ... and what was last
        self._lost = 0  # characters the guest has thrown away unread
        self._patience = Patience(system, self._tally.counts)
        system.listener = self._tally

    @property
    def ended(self) -> bool:
        """Whether the guest can go no further by itself."""
        return self._stuck or self._waits or self.system.outcome is not None

    @property
    def instructions(self) -> int:
        """Guest steps so far: instructions retired and events delivered."""
        return self.system.guest_steps

    @property
    def console(self) -> str:
        """What the guest has written."""
        return self.system.console

    def receive(self, text: str) -> None:
        """Type ``text`` at the serial console, as somebody would who sits there: the first line
        now, each other when the guest waits for one, and again what it threw away as it set the
        port up."""
        self._lines += text.splitlines(keepends=True)
        if not self._typed:
            self._type()

    def _type(self) -> None:
        self._typed = self._lines.pop(0)
        self.system.type_text(self._typed)

    def _typing(self) -> bool:
        """Type on if the guest is ready; tell whether there was something left to type."""
        port, patience = self._patience.hardware.serial, self._patience
        if port.lost != self._lost:
            self._lost = port.lost
            self._lines.insert(0, self._typed)
        if not self._lines:
            return False
        if patience.waited(READY) if patience.listens() else not port.rx:
            self._type()
        return True

    def advance(self, steps: int) -> None:
        """Run up to ``steps`` steps of the system."""
        system = self.system
        end = system.steps + max(steps, 1)
        while system.steps < end and not self.ended:
            before = system.steps
            # Looks are at multiples of CHUNK, so that the run ends at one place however it is cut.
            system.run(min(end - before, CHUNK - before % CHUNK))
            self._stuck = system.steps == before
            if system.steps % CHUNK == 0 and not self._typing() and not self.patient:
                self._waits = self._patience.ends()

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened. Cycles are modelled: see ``trace.presets``."""
        system, counts = self.system, together(self._tally.counts, work(self.system))
        outcome = WAITING if self._waits else system.outcome
        model = CostModel(self.processor, charges_of(self.technique, self.memory))
        bill = model.bill(counts, self.instructions)
        status = outcome.status if outcome and outcome.status is not None else 0
        return {
            "guest": self.name,
            "technique": self.technique,
            "outcome": str(outcome) if outcome else "stopped" if stopped else "limit reached",
            "status": status if not stopped else 130,
            "instructions": self.instructions,
            "steps": system.steps,
            "exits": by_detail(self._tally.counts, "trap"),
            "faults": by_detail(counts, "fault"),
            "walks": total(counts, "walk"),
            "walk_references": sum(
                int(name) * count for (kind, name), count in counts.items() if kind == "walk"),
            "cycles": bill.total,
            "preset": model.preset.title,
            "price_note": bill.note,
            "own_prices": {name: model.preset.prices[name].cycles
                           for name in sorted(model.preset.own)},
            "digest": system.digest(),
            "console": system.console,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        ended = report["outcome"]
        words = {WAITING.kind: WAITS if self._patience.listens() else SLEEPS}
        kind, _, why = ended.partition(": ")
        said = words.get(ended) or (
            outcome_words(kind, "en", detail=why) if why else outcome_words(ended, "en"))
        return [
            f"outcome       {said}",
            f"technique     {report['technique']}",
            *([f"memory        {self.memory}"] if self.memory else []),
            f"instructions  {report['instructions']:,}",
            f"cycles        {report['cycles']:,} (modelled, devices included: {report['preset']})",
            *([f"note          {report['price_note']}"] if report["price_note"] else []),
            *own_price_lines(report["own_prices"]),
            *walk_lines(report["walks"], report["walk_references"]),
            *exit_lines(report["exits"]),
            f"digest        {report['digest']}",
        ]


def own_price_lines(own: dict[str, float]) -> list[str]:
    """A line for each price that is the user's."""
    return [f"price         {name:<24} {written(cycles)} (yours)" for name, cycles in own.items()]


def walk_lines(walks: int, references: int) -> list[str]:
    """How often the processor walked page tables, and what it read there."""
    return [f"page walks    {walks:,}, {references:,} references"] if walks else []


def exit_lines(exits: dict[str, int]) -> list[str]:
    """A line for each reason to leave a guest."""
    return [f"exit          {reason:<24} {count:,}" for reason, count in exits.items()]
