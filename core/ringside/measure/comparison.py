"""One guest under several techniques at once, side by side, all after the same guest step.

The first lane is the one the others are held against, bare metal as a rule. A guest step is an
instruction retired or a delivery through the guest's IDT (:mod:`ringside.vmm.lockstep`), so it
means the same in every lane that runs the guest as it is. A ported guest has other instructions:
its lane is taken along by their number and not compared.

All lanes first run a stretch in one go, as they would alone, and then once more step by step, with
a look at everything the guest can know after each: so a difference that leaves no trace is seen.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ringside.measure.counting import Counting
from ringside.trace.cost import Bill, Charges, CostModel
from ringside.trace.counters import Counts, by_detail, together, total
from ringside.trace.events import Event
from ringside.trace.keyframes import Keyframe, Keyframes
from ringside.trace.presets import Preset
from ringside.vmm.lockstep import (
    EVERY_STEP,
    FEW,
    Difference,
    Running,
    difference,
    run_to,
    written,
)
from ringside.vmm.visible import Found

STRETCH = 2048  # guest steps between two keyframes; beyond ``closely``, between two looks
KEPT = 48  # keyframes
OWN = frozenset({"instruction", "system call", "walk reference", "port access"})
OWN_EVENTS = frozenset({"exception", "page fault"})  # where they need no VMM


SoFar = tuple[Counts, int]
"""What happened in a lane, counted, and its guest steps."""


class Listened(Running, Protocol):
    """A system that can be compared and tells what happens in it."""

    listener: Callable[[Event], None] | None


class Lane:
    """One technique: its system, and what has happened in it.

    ``work`` counts what no event tells; ``compared`` says whether the guest is the very same as
    in the first lane; ``technique`` and ``memory`` name what the system is, where ``id`` says more.
    """

    def __init__(
        self, id: str, system: Listened, charges: Charges, work: Callable[[], Counts],
        *, compared: bool = True, technique: str = "", memory: str = "",
    ) -> None:  # fmt: skip
        self.id = id
        self.technique = technique or id
        self.memory = memory
        self.system = system
        self.charges = charges
        self.compared = compared
        self.difference: Difference | None = None
        self._work = work
        self._counting = Counting(lambda: system.guest_steps)
        system.listener = self._counting

    @property
    def guest_steps(self) -> int:
        """Guest steps taken; fewer than the others' when the guest has ended here."""
        return self.system.guest_steps

    @property
    def counts(self) -> Counts:
        """Everything that happened."""
        return together(self._counting.counts, self._work())

    @property
    def exits(self) -> dict[str, int]:
        """How often the VMM got control, by reason, the most frequent first."""
        return by_detail(self._counting.counts, "trap")

    @property
    def exit_steps(self) -> array[int]:
        """The guest steps before which the VMM got control."""
        return self._counting.exits

    @property
    def known_exits(self) -> array[int]:
        """The same for the whole run as far as it has been seen, each step once."""
        return self._counting.seen

    @property
    def emulated(self) -> int:
        """Guest instructions that software carried out."""
        if "interpreted instruction" in self.charges.values():
            return self.guest_steps
        return min(total(self._counting.counts, "emulate"), self.guest_steps)

    @property
    def direct(self) -> float:
        """The share of guest steps that the processor itself took, 0 to 1 (efficiency)."""
        steps = self.guest_steps
        return (steps - self.emulated) / steps if steps else 0.0

    def bill(self, processor: Preset, so_far: SoFar | None = None) -> Bill:
        """What it has cost on a processor, now or when that much had happened; nothing runs."""
        return CostModel(processor, self.charges).bill(*(so_far or self.so_far))

    @property
    def so_far(self) -> SoFar:
        """What a bill is made of, to be priced later."""
        return dict(self.counts), self.guest_steps

    def own(self, bill: Bill) -> float:
        """The cycles of a bill that the guest takes itself; the others are the VMM's."""
        return sum(line.total for line in bill.lines if line.name in self.own_names)

    @property
    def own_names(self) -> frozenset[str]:
        """The prices that the guest itself pays; faults only where it gets them without a VMM."""
        alone = ("syscall", None) in self.charges and ("hypercall", None) not in self.charges
        return OWN | OWN_EVENTS if alone else OWN

    def freeze(self) -> tuple[Any, Any]:
        """A picture of the system and of what was counted."""
        return self.system.freeze(), self._counting.freeze()

    def thaw(self, picture: tuple[Any, Any]) -> None:
        """Go to the moment of ``picture``."""
        self.system.thaw(picture[0])
        self._counting.thaw(picture[1])


class Comparison:
    """Several lanes at the same guest step; ``step`` can be changed both ways.

    They are compared after each of the first ``closely`` guest steps, then after every stretch.
    """

    def __init__(self, lanes: Sequence[Lane], *, closely: int = EVERY_STEP) -> None:
        self.lanes = tuple(lanes)
        self.closely = closely
        self.step = 0
        self.last = 0  # the furthest step seen
        self._keyframes = Keyframes(KEPT)
        self._keep()

    @property
    def reference(self) -> Lane:
        """The lane the others are held against."""
        return self.lanes[0]

    @property
    def running(self) -> bool:
        """Whether any lane can go on from here."""
        return any(lane.system.outcome is None for lane in self.lanes)

    def seek(self, step: int) -> None:
        """Go to a step, or to the last one if all lanes end before."""
        if step < self.step:
            frame = self._keyframes.before(step)
            self._thaw(frame.picture)
            self.step = frame.step
        while self.step < step and self.running:
            if not self._forward(self._next(step)):
                return

    def _next(self, step: int) -> int:
        """How far towards ``step`` one stretch goes: it ends where keyframes are kept, where the
        unknown begins, and where looking closely ends."""
        ends = (step, (self.step // STRETCH + 1) * STRETCH, self.last, self.closely)
        return min(end for end in ends if end > self.step)

    def _forward(self, goal: int) -> bool:
        """Run all lanes to ``goal``; False if none got there."""
        start = self.step
        undecided = [lane for lane in self.lanes[1:]
                     if lane.compared and lane.difference is None and goal > self.last]
        closely = goal <= self.closely
        if not undecided:
            self._run_to(goal)
        elif closely and goal - start <= FEW:
            self._search(start, goal, undecided)
        else:
            self._compare(start, goal, undecided, closely=closely)
        furthest = max(lane.guest_steps for lane in self.lanes)
        self.step = min(goal, max(furthest, start))
        self.last = max(self.last, self.step)
        if self.step == goal and goal % STRETCH == 0:
            self._keep()
        return self.step == goal

    def _compare(self, start: int, goal: int, lanes: Sequence[Lane], *, closely: bool) -> None:
        """Run to ``goal`` in one go; then, where it differs or ``closely``, again step by step."""
        before = self._pictures()
        self._run_to(goal)
        parted = [lane for lane in lanes if self._differs(lane)]
        sought = lanes if closely else parted
        if not sought:
            return
        self._thaw(before)
        self._search(start, goal, sought)
        if not all(lane.difference for lane in parted):
            raise RuntimeError("it differed once and not again: a system is not deterministic")

    def _search(self, start: int, goal: int, lanes: Sequence[Lane]) -> None:
        """Go to ``goal``, step by step until each of these lanes is known to differ somewhere."""
        for step in range(start + 1, goal + 1):
            left = [lane for lane in lanes if lane.difference is None]
            if not left or not self.running:
                break
            places = {lane.id: lane.system.guest_cpu.eip for lane in left}
            self._run_to(step)
            for lane in left:
                found = self._differs(lane)
                if found is not None:
                    lane.difference = Difference(
                        step, lane.system.steps, places[lane.id], *found)
        self._run_to(goal)

    def _differs(self, lane: Lane) -> Found | None:
        one, other = self.reference.system, lane.system
        return difference(one, other, None if not self.running else written(one, other))

    def _run_to(self, step: int) -> None:
        for lane in self.lanes:
            run_to(lane.system, step)

    def _pictures(self) -> list[tuple[Any, Any]]:
        known = self._keyframes.before(self.step)
        if known.step == self.step:
            pictures: list[tuple[Any, Any]] = known.picture
            return pictures
        return [lane.freeze() for lane in self.lanes]

    def _keep(self) -> None:
        self._keyframes.keep(Keyframe(self.step, [lane.freeze() for lane in self.lanes], 0))

    def _thaw(self, pictures: Sequence[Any]) -> None:
        for lane, picture in zip(self.lanes, pictures, strict=True):
            lane.thaw(picture)
