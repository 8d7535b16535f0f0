"""Small pools to watch: what their VMs do, and how much too small the host is for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringside.host.memory.pool import Settings
from ringside.host.memory.workloads import FILE, IMAGE, MEMORY, ZERO, Area, Phase, Plan

SAMPLE, PERIOD = 48, 2  # small VMs, and somebody who waits: a shorter period than ESX's 30 s
SMOOTHING = (0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Some VMs, and how many rounds they are interesting for."""

    plans: tuple[Plan, ...]
    rounds: int

    @property
    def pages(self) -> int:
        """Memory of all VMs together."""
        return sum(plan.pages for plan in self.plans)

    @property
    def least(self) -> int:
        """What the VMs are promised together: no host may have fewer frames."""
        return sum(plan.least for plan in self.plans)

    @property
    def most_overcommit(self) -> float:
        """How many times too small a host may be that still keeps its promises."""
        return self.pages / max(self.least, 1)

    def settings(self, overcommit: float, **switches: bool | tuple[tuple[int, float], ...]
                 ) -> Settings:
        """A host with ``pages / overcommit`` frames."""
        return Settings(
            frames=round(self.pages / overcommit), rounds=self.rounds, sample=SAMPLE,
            period=PERIOD, smoothing=SMOOTHING, balloon_rate=40, budget=400,
            **switches)  # type: ignore[arg-type]


OS, CLEARED, FILES, PROGRAMS = 40, 8, 50, 130  # objects of an ordinary VM
AREAS = (Area(IMAGE, OS), Area(ZERO, CLEARED), Area(FILE, FILES), Area(MEMORY, PROGRAMS))


def _boot(rounds: int = 2, rate: int = 30) -> Phase:
    return Phase(rounds, "loop", 0, OS + CLEARED, rate, writes=0)


def _busy(rounds: int, pages: int = 170) -> tuple[Phase, Phase]:
    """It needs more and more, then everything, again and again."""
    return (
        Phase(4, "zipf", OS + CLEARED, pages, 75, writes=0.3, skew=0.7),
        Phase(rounds - 4, "zipf", OS + CLEARED, pages, 320, writes=0.3, skew=0.7),
    )


def _idle(rounds: int) -> Phase:
    return Phase(rounds, "zipf", 0, 16, 6, writes=0)


def _steady(rounds: int) -> Phase:
    return Phase(rounds, "zipf", 8, 70, 40, writes=0.1)


def turns() -> Scenario:
    """Two VMs are busy in turn, a third one works quietly all the time."""
    return Scenario((
        Plan("A", 192, AREAS, (_boot(), *_busy(13), _idle(15), *_busy(16)), least=48, note="first"),
        Plan("B", 192, AREAS, (_boot(), _idle(14), *_busy(14), _idle(16)), least=48, note="then"),
        Plan("C", 192, AREAS, (_boot(), _steady(44)), least=48, note="steady"),
    ), 46)


def idle_and_busy() -> Scenario:
    """One VM has touched all its memory and idles; the other could use more than it has."""
    areas = (Area(IMAGE, OS), Area(ZERO, 200), Area(MEMORY, 40))
    hoarder = (Phase(6, "loop", 0, 270, 60, writes=0.2), _idle(38))
    number_two = (Area(IMAGE, OS, 1), Area(ZERO, CLEARED), Area(FILE, 200), Area(MEMORY, 60))
    busy = (_boot(), Phase(42, "zipf", OS + CLEARED, 240, 380, writes=0.3, skew=0.7))
    return Scenario((
        Plan("A", 288, areas, hoarder, least=72, note="hoarder"),
        Plan("B", 288, number_two, busy, least=72, note="busy"),
    ), 44)


def like() -> Scenario:
    """Four VMs installed from one image run the same programs."""
    areas = (Area(IMAGE, 80), Area(ZERO, 12), Area(MEMORY, 40))
    phases = (Phase(4, "loop", 0, 132, 40, writes=0), Phase(26, "zipf", 0, 132, 40, writes=0.04))
    return Scenario(
        tuple(Plan(name, 144, areas, phases, least=36, note="same") for name in "ABCD"), 30)


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "turns": turns,
    "idle": idle_and_busy,
    "like": like,
}
