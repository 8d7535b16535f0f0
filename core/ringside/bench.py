"""How fast the machine runs: guest instructions per second, with paging on and nobody listening.

Besides: the same while a timeline records, what a visit to a virtual machine monitor costs, and
how long nanos takes to its prompt. The core has no clock, so :func:`run` is given one
(``time.perf_counter``, or a browser's). A plain Python loop is timed in the same process, so that
figures from different computers can be compared: ``per_loop`` is guest instructions in the time
of one turn of that loop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from importlib import resources
from math import prod
from typing import Any

from ringside import guests as shelf
from ringside.isa.assembler import Program, assemble
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.trace.timeline import Timeline
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.registry import TECHNIQUES
from ringside.vmm.vmm import Vmm

GUESTS = ("sum", "sort", "fib", "crc")
SLICE = 100_000  # steps between two looks at the clock
WARM_UP = 400_000  # steps that translate what is hot
ENDLESS = 0x7FFF_FFFF  # rounds a guest makes: more than anybody waits for
PAGING = 1 << 31  # CR0.PG
EXITS = 1_000  # exits of the guest between two looks at the clock
MONITOR = "trap-and-emulate"
PROMPT = "nanos>"
LONGEST_BOOT = 2_000_000  # steps

Clock = Callable[[], float]


def source(name: str) -> str:
    """The text of a benchmark guest, or of a file it includes."""
    return (resources.files("ringside.guests") / "bench" / name).read_text(encoding="utf-8")


def machine(guest: str, rounds: int = ENDLESS) -> Machine:
    """A machine about to run ``guest`` for ``rounds`` rounds."""
    made = Machine(4 << 20)
    load_program(made, program(guest, rounds))
    return made


def program(guest: str, rounds: int = ENDLESS) -> Program:
    """A benchmark guest, assembled."""
    name = f"{guest}.asm"
    return assemble(source(name), name=name, include=source, defines={"ROUNDS": rounds})


def under_monitor(guest: Program, size: int, disk: bytes | None = None) -> Vmm:
    """``guest`` in a virtual machine with ``size`` bytes of memory, de-privileged."""
    technique = next(technique for technique in TECHNIQUES if technique.id == MONITOR)
    plan = VmPlan("guest", size, lambda machine: load_program(machine, guest), disk)
    return assemble_vmm(technique, [plan])


def rate(guest: str, clock: Clock, seconds: float) -> float:
    """Guest instructions per second once the guest is warm."""
    bench = machine(guest)
    bench.run(WARM_UP)
    assert bench.cpu.cr0 & PAGING, "the benchmark guests turn paging on"
    before = bench.steps
    start = now = clock()
    while bench.steps == before or now < start + seconds:
        bench.run(SLICE)
        now = clock()
    return (bench.steps - before) / (now - start)


def recorded_rate(guest: str, clock: Clock, seconds: float) -> float:
    """Guest instructions per second while a timeline records them."""
    timeline = Timeline(machine(guest))
    timeline.seek(WARM_UP)
    before = timeline.position
    start = now = clock()
    while timeline.position == before or now < start + seconds:
        timeline.forward(SLICE)
        now = clock()
    return (timeline.position - before) / (now - start)


def exit_cost(clock: Clock, seconds: float) -> float:
    """Seconds an exit takes: arriving at the monitor, emulating CLI there, going back."""
    vmm = under_monitor(program("exits"), 4 << 20)
    vmm.run(20 * EXITS)
    exits = vmm.vms[0].exits
    before = sum(exits.values())
    start = now = clock()
    while now < start + seconds or sum(exits.values()) == before:
        vmm.run(EXITS)
        now = clock()
    return (now - start) / (sum(exits.values()) - before)


def boot_times(clock: Clock) -> dict[str, float]:
    """Seconds from the first instruction of nanos to its prompt, bare and under the monitor."""
    nanos, disk = shelf.program("nanos"), shelf.disk("nanos")
    bare = Machine(disk=disk)
    load_program(bare, nanos)
    vmm = under_monitor(nanos, bare.memory.size, disk)

    def boot(system: Machine | Vmm, console: Callable[[], str]) -> float:
        start = clock()
        while PROMPT not in console() and system.steps < LONGEST_BOOT:
            system.run(2_000)
        assert PROMPT in console(), "nanos comes to its prompt"
        return clock() - start

    return {
        "bare-metal": boot(bare, lambda: bare.console),
        MONITOR: boot(vmm, lambda: vmm.vms[0].console),
    }


def loop_rate(clock: Clock, seconds: float) -> float:
    """Turns per second of ``while count: count -= 1``."""
    turns = 0
    start = now = clock()
    while not turns or now < start + seconds:
        count = SLICE
        while count:
            count -= 1
        turns += SLICE
        now = clock()
    return turns / (now - start)


def run(clock: Clock, *, seconds: float = 1.0, guests: Sequence[str] = GUESTS) -> dict[str, Any]:
    """Time every guest for ``seconds``; give the figures as plain data."""
    loop = loop_rate(clock, seconds / 4)
    rates = {guest: rate(guest, clock, seconds) for guest in guests}
    mean = geometric_mean(rates.values())
    recorded = geometric_mean([recorded_rate(guest, clock, seconds / 3) for guest in guests])
    return {
        "unit": "guest instructions per second",
        "guests": {guest: round(value) for guest, value in rates.items()},
        "geometric_mean": round(mean),
        "recorded": round(recorded),
        "recorded_share": round(recorded / mean, 3),
        "exit_microseconds": round(exit_cost(clock, seconds / 2) * 1e6, 1),
        "boot_milliseconds": {
            name: round(value * 1e3) for name, value in boot_times(clock).items()
        },
        "python_loop": round(loop),
        "per_loop": round(mean / loop, 3),
    }


def geometric_mean(values: Collection[float]) -> float:
    """The mean for figures that are ratios at heart."""
    return prod(values) ** (1 / len(values))


def pretty(report: dict[str, Any]) -> str:
    """The report as a small table."""
    lines = [f"{guest:<16}{value / 1e6:8.2f} M/s" for guest, value in report["guests"].items()]
    lines.append(f"{'geometric mean':<16}{report['geometric_mean'] / 1e6:8.2f} M/s")
    share = f"{100 * report['recorded_share']:.0f} %"
    lines.append(f"{'recording':<16}{report['recorded'] / 1e6:8.2f} M/s  {share}")
    lines.append(f"{'an exit':<16}{report['exit_microseconds']:8.1f} us")
    for name, value in report["boot_milliseconds"].items():
        lines.append(f"{'boot of nanos':<16}{value:8} ms   {name}")
    lines.append(f"{'Python loop':<16}{report['python_loop'] / 1e6:8.2f} M/s")
    lines.append(f"{'ratio':<16}{report['per_loop']:8.2f}")
    return "\n".join(lines)
