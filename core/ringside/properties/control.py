"""Resource control: what a hostile guest can do to its neighbour and to the VMM, and who stops it.

Two virtual machines share the processor in turn: one does harm as well as it can, the other
checks its own memory. Afterwards the neighbour must be what it is when it runs alone, to the last
byte, and the VMM's tables and the real devices must be as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from ringside.host.policies import RoundRobin
from ringside.host.systems import Options, Virtualized
from ringside.properties.subjects import NEIGHBOUR, Subject
from ringside.trace import events as ev
from ringside.trace.freeze import freeze
from ringside.vmm.monitor import ENTRIES, IDT, TSS

SLICE = 1000  # host ticks each has in turn
BUDGET = 300_000  # steps for both to come to their end, if they ever do
ENDING = 30_000  # steps after the neighbour has finished, for what has an end of its own
CLOCK_PORTS = frozenset({0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0xA0, 0xA1})  # PIC and PIT
TABLES = ((IDT, TSS), (ENTRIES, ENTRIES + 0x1000))  # the VMM's, which nobody ever has to change

DENIED, REFUSED, EXCEPTIONS, DEVICES, PREEMPTED, SAW, ALONE, BOUNDS, BLIND = (
    "denied", "refused", "exceptions", "devices", "preempted", "saw", "alone", "bounds", "blind",
)  # fmt: skip
MATTERS: Mapping[str, tuple[str, ...]] = {
    "hostile_outside": (DENIED, EXCEPTIONS),
    "hostile_tables": (DENIED, REFUSED, EXCEPTIONS),
    "hostile_descriptors": (EXCEPTIONS, DENIED),
    "hostile_timer": (DEVICES, EXCEPTIONS),
    "hostile_greedy": (PREEMPTED,),
    "hostile_spy": (SAW, BLIND),
    "hostile_crash": (ALONE,),
}
"""What to say first of each: the first of these that happened, else that there was no way out."""


class Watch:
    """A listener that counts what the VMM and the processor did about one virtual machine."""

    every_instruction = False

    def __init__(self, system: Virtualized, name: str) -> None:
        self.vmm = system.vmm
        self.name = name
        self.counts: dict[str, int] = {}
        self.reasons: dict[str, int] = {}
        self.why = ""

    def __call__(self, event: ev.Event) -> None:
        about = getattr(event, "vm", None) or self.vmm.vm.name
        kind = type(event)
        if kind is ev.Scheduled:
            if cast(ev.Scheduled, event).before == self.name:
                self._count(PREEMPTED)
        elif about != self.name:
            return
        elif kind is ev.Denied:
            self._count(DENIED)
            self.why = self.why or cast(ev.Denied, event).why
        elif kind is ev.Hypercalled and cast(ev.Hypercalled, event).result < 0:
            self._count(REFUSED)
            self.why = self.why or cast(ev.Hypercalled, event).why
        elif kind is ev.Crashed:
            self.why = self.why or cast(ev.Crashed, event).why
        elif kind in (ev.PortRead, ev.PortWritten) and (
                cast(ev.PortWritten, event).port in CLOCK_PORTS):
            self._count(DEVICES)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of one hostile guest. ``stopped`` names what stopped it, ``times`` how often.

    ``seen`` counts what it could see of the VMM: no harm to others, but it knows.
    """

    guest: str
    neighbour_finished: bool
    neighbour_unharmed: bool
    tables_unharmed: bool
    devices_unharmed: bool
    stopped: str
    times: int
    seen: int
    outcome: str  # how the hostile guest ended; empty while it still runs
    status: int | None
    detail: str
    steps: int
    exits: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether the VMM kept control of everything."""
        return (self.neighbour_finished and self.neighbour_unharmed and self.tables_unharmed
                and self.devices_unharmed)


@cache
def alone(subject: Subject) -> tuple[str, str, str]:
    """What the neighbour is at its end when nobody shares the machine: outcome, digest, console."""
    system = subject.build(NEIGHBOUR)
    system.run(BUDGET)
    return str(system.outcome), system.digest(), system.console


def tables(system: Virtualized) -> bytes:
    """The VMM's interrupt table and entry points as they lie in the host's memory."""
    ram = system.machine.memory.ram
    return b"".join(bytes(ram[first:end]) for first, end in TABLES)


def devices(system: Virtualized) -> Any:
    """The real machine's timer, as it has been programmed."""
    return freeze(system.machine.chipset.pit)


@cache
def attack(subject: Subject, guest: str) -> Attack:
    """Let one hostile guest loose beside a neighbour.

    Raises :class:`~ringside.properties.subjects.CannotRun`.
    """
    options = Options(policy=RoundRobin(SLICE))
    system = cast(Virtualized, subject.build(guest, NEIGHBOUR, options=options))
    culprit, neighbour = system.vms
    watch = Watch(system, culprit.name)
    system.listener = watch
    before, clock = tables(system), parts(devices(system))
    while neighbour.outcome is None and system.steps < BUDGET:
        if system.run(10_000) != "limit" and system.outcome is not None:
            break
    if culprit.outcome is None:  # what has an end of its own may come to it
        system.run(ENDING)
    outcome, digest, console = alone(subject)
    found = dict(watch.counts)
    image = subject.image(guest).program
    symbols = getattr(image, "symbols", {})
    for name, label in ((EXCEPTIONS, "stops"), (SAW, "found")):
        if label in symbols:
            found[name] = culprit.memory.read(symbols[label], 4)
    end = culprit.outcome
    if end is not None and end.kind in ("shutdown", "crashed"):
        found[ALONE] = 1
    found[BLIND] = int(end is not None and not found.get(SAW))
    stopped = next((name for name in MATTERS.get(guest, ()) if found.get(name)), BOUNDS)
    return Attack(
        guest, neighbour.outcome is not None,
        (str(neighbour.outcome), neighbour.digest(), neighbour.console)
        == (outcome, digest, console),
        tables(system) == before, parts(devices(system)) == clock, stopped,
        found.get(stopped, 0), found.get(SAW, 0),
        end.kind if end else "", end.status if end else None, end.detail if end else "",
        culprit.guest_steps, dict(culprit.exits), watch.why,
    )


def parts(picture: Any) -> Any:
    """A picture as something that can be compared by value."""
    inner = getattr(picture, "parts", None)
    return tuple(map(parts, inner)) if inner is not None else picture
