"""Efficiency: how much of the guest the processor runs by itself, and what the rest costs.

Cycles are modelled: counted events times the prices of :mod:`ringside.trace.presets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from ringside.host.systems import BARE_METAL, CHARGES, System, Virtualized, charges_of
from ringside.labs.views import reader_of
from ringside.properties.subjects import PROCESSOR, Subject, bare
from ringside.trace.cost import DEVICE_PRICES, Bill, CostModel
from ringside.trace.counters import Counts, Tally, together
from ringside.vmm.registry import technique

LONGEST_RUN = 400_000  # steps of the system


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Of ``steps`` guest steps ``direct`` were run by the processor itself. ``exits`` counts how
    often the VMM got control, ``cycles`` and ``bare_cycles`` are modelled; of these, devices take
    ``device_cycles`` and ``bare_device_cycles``."""

    steps: int
    direct: int
    exits: int
    cycles: int
    bare_cycles: int
    device_cycles: int
    bare_device_cycles: int

    @property
    def share(self) -> float:
        """The share of guest steps that were direct, 0 to 1."""
        return self.direct / self.steps if self.steps else 0.0

    @property
    def slowdown(self) -> float:
        """Modelled cycles over those of the bare machine."""
        return self.cycles / self.bare_cycles if self.bare_cycles else 0.0

    @property
    def slowdown_without_devices(self) -> float:
        """The same without what devices take: a real port is slower than a virtual device."""
        bare = self.bare_work
        return self.work / bare if bare else 0.0

    @property
    def work(self) -> int:
        """Modelled cycles of the processor and the VMM, without what devices take."""
        return self.cycles - self.device_cycles

    @property
    def bare_work(self) -> int:
        """The same on the bare machine."""
        return self.bare_cycles - self.bare_device_cycles


def run(system: System) -> Counts:
    """Run to the end, or for long enough; what happened."""
    tally = Tally()
    system.listener = tally
    system.run(LONGEST_RUN)
    return tally.counts


@cache
def bare_bill(guest: str) -> Bill:
    """What the guest alone on the machine costs."""
    system = bare(guest)
    counts = run(system)
    return CostModel(PROCESSOR, CHARGES[BARE_METAL]).bill(counts, system.guest_steps)


def device_cycles(bill: Bill) -> int:
    """What devices take of a bill."""
    return bill.total - bill.without(DEVICE_PRICES).total


@cache
def efficiency(subject: Subject, guest: str) -> Efficiency:
    """Run a guest alone; raises :class:`~ringside.properties.subjects.CannotRun`."""
    system = cast(Virtualized, subject.build(guest))
    counts = run(system)
    figures = reader_of(system).figures(counts, system.guest_steps)
    work = technique(subject.technique).work(system.vmm.guests[0].cpu)
    paid = together(counts, work)
    charges = charges_of(subject.technique, subject.memory)
    bill = CostModel(PROCESSOR, charges).bill(paid, system.guest_steps)
    alone = bare_bill(guest)
    return Efficiency(
        system.guest_steps, figures.direct or 0, sum(system.vm.exits.values()), bill.total,
        alone.total, device_cycles(bill), device_cycles(alone))
