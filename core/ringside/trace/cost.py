"""Cycles: counted events times what each costs on a chosen processor.

A run is counted once and priced as often as one likes: nothing here runs a machine. Which event
pays for what depends on where the guest runs, so it is data too: :data:`BARE` for real hardware,
:data:`DEPRIVILEGED` for a guest under a VMM that owns ring 0, where devices are software.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringside.trace.counters import Counts
from ringside.trace.presets import EPT_EXIT, PRESETS, Preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTRUCTION = "instruction"
FREE = ""
Charges = Mapping[tuple[str, str | None], str]
"""From an event's kind and detail (None: any other) to the price it pays."""

_HARDWARE: dict[tuple[str, str | None], str] = {
    ("fault", "#PF"): "page fault",
    ("fault", None): "exception",
    ("interrupt", None): "exception",
    ("walk", None): "walk reference",  # as often as the walk has references
}
BARE: Charges = _HARDWARE | {
    ("syscall", None): "system call",
    ("port", None): "port access",
}
DEVICE_PRICES = frozenset({"port access", "virtual device"})
"""What devices take. A real port is slower than a virtual device, so a guest that does much I/O is
cheaper where its devices are software; who compares techniques leaves these out."""
NATIVE_INSTRUCTIONS: Charges = {
    ("retired", "call"): "call or return",
    ("retired", "ret"): "call or return",
    ("retired", "cli"): "interrupt flag",
    ("retired", "sti"): "interrupt flag",
}
"""Instructions dearer than one cycle where the processor itself carries them out; only who counts
them (:class:`ringside.trace.counters.InstructionTally`) can charge them."""
DEPRIVILEGED: Charges = _HARDWARE | {
    ("fault", "INT"): "system call",  # refused to a program, it leads to the VMM by the same way
    ("trap", None): "vmm dispatch",
    ("inject", None): "injection",
    ("shadow", None): "shadow fill",
    ("port", None): "virtual device",
}
TRANSLATED: Charges = {
    **DEPRIVILEGED,
    ("trap", "callout"): "callout",
    ("trap", "adapted callout"): "adapted callout",
    ("translation", "overhead"): "translation overhead",
    ("translation", "device"): "in-line device",
}
ASSISTED: Charges = _HARDWARE | {
    ("syscall", None): "system call",
    ("trap", None): "vmm dispatch",
    ("inject", None): "exception",  # delivered by the processor, as part of the VM entry
    ("inject", "#PF"): "page fault",
    ("shadow", None): "shadow fill",
    ("port", None): "virtual device",
    ("nested", None): "shadow fill",  # an entry of the nested tables costs as much to make
    ("vmentry", "launch"): "vmlaunch",
    ("vmentry", None): "vmresume",
    ("vmexit", "0"): "exit #PF",  # an exception; by the basic exit reasons of the SDM
    ("vmexit", "10"): "exit cpuid",
    ("vmexit", "30"): "exit io",
    ("vmexit", "48"): "exit ept violation",
    ("vmexit", None): "exit vmcall",
    ("vmcs", "read"): "vmread",
    ("vmcs", "write"): "vmwrite",
}
ASSISTED_SHADOW: Charges = {
    **ASSISTED,
    ("fault", "#PF"): FREE,  # never delivered: the VM exit that comes instead is paid
}
EMULATED: Charges = {
    (INSTRUCTION, None): "interpreted instruction",
    ("inject", None): "injection",
    ("port", None): "virtual device",
}
PARAVIRTUAL: Charges = _HARDWARE | {
    ("trap", None): "vmm dispatch",
    ("hypercall", None): "hypercall",
    ("inject", None): "injection",
    ("upcall", None): "injection",
    ("port", None): "virtual device",
    ("syscall", None): "system call",  # straight into the guest kernel, without the VMM
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: ``count`` times ``cycles``."""

    name: str
    count: int
    cycles: float
    source: str
    confidence: str

    @property
    def total(self) -> float:
        """Cycles of the whole line."""
        return self.count * self.cycles


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run costs on one processor, the dearest line first."""

    preset: Preset
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """Cycles in all."""
        return round(sum(line.total for line in self.lines))

    @property
    def assumed(self) -> float:
        """Cycles at assumed prices, besides the one of each ordinary instruction."""
        return sum(line.total for line in self.lines
                   if line.confidence == "assumed" and line.name != INSTRUCTION)

    @property
    def note(self) -> str:
        """What is to be said beside a bill for nested paging on a processor without it."""
        if not self.preset.stands_in or all(line.name != EPT_EXIT for line in self.lines):
            return ""
        return (f"{self.preset.title} has no EPT: an EPT violation is counted like its exit for "
                "#PF")

    def without(self, names: frozenset[str]) -> Bill:
        """The same bill less the prices named."""
        return Bill(self.preset, tuple(line for line in self.lines if line.name not in names))


def charged(charges: Charges) -> frozenset[str]:
    """The prices a bill under these charges can hold."""
    own = {} if (INSTRUCTION, None) in charges else {INSTRUCTION}
    return frozenset({*own, *charges.values()}) - {FREE}


def purchases(counts: Counts, instructions: int, charges: Charges) -> dict[str, int]:
    """How many of each price a run has to pay."""
    price = charges.get((INSTRUCTION, None), INSTRUCTION)
    bought = {price: instructions} if instructions else {}
    for (kind, name), count in counts.items():
        item = charges.get((kind, name), charges.get((kind, None), FREE))
        if item is not FREE:
            times = int(name) if kind == "walk" else 1
            bought[item] = bought.get(item, 0) + count * times
            if kind == "retired":
                bought[price] -= count  # not one of the ordinary ones
    return bought


class CostModel:
    """Prices of one processor applied to what happened."""

    __slots__ = ("charges", "preset")

    def __init__(self, preset: Preset = PRESETS[0], charges: Charges = BARE) -> None:
        self.preset = preset
        self.charges = charges

    def bill(self, counts: Counts, instructions: int) -> Bill:
        """Price a run's event counts and retired instructions."""
        prices = self.preset.prices
        lines = [
            Line(item, count, prices[item].cycles, prices[item].source, prices[item].confidence)
            for item, count in purchases(counts, instructions, self.charges).items()
            if count
        ]
        return Bill(self.preset, tuple(sorted(lines, key=lambda line: (-line.total, line.name))))


def reprice(
    runs: Sequence[tuple[Counts, int]],
    presets: Iterable[Preset] = PRESETS,
    charges: Charges = BARE,
) -> NDArray[np.float64]:
    """Cycles of many runs (counts and instructions) on many processors: one row for each run."""
    import numpy as np

    bought = [purchases(counts, instructions, charges) for counts, instructions in runs]
    items = sorted({item for run in bought for item in run})
    amounts = np.array([[run.get(item, 0) for item in items] for run in bought], dtype=float)
    costs = np.array([[p.prices[item].cycles for item in items] for p in presets], dtype=float)
    product: NDArray[np.float64] = amounts @ costs.T
    return product
