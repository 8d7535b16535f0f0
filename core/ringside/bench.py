"""How fast the machine runs: guest instructions per second, with paging on and nobody listening.

The core has no clock, so :func:`run` is given one (``time.perf_counter``, or a browser's). A plain
Python loop is timed in the same process, so that figures from different computers can be
compared: ``per_loop`` is guest instructions in the time of one turn of that loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from math import prod
from typing import Any

from ringside.isa.assembler import assemble
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine

GUESTS = ("sum", "sort", "fib", "crc")
SLICE = 100_000  # steps between two looks at the clock
WARM_UP = 400_000  # steps that translate what is hot
ENDLESS = 0x7FFF_FFFF  # rounds a guest makes: more than anybody waits for
PAGING = 1 << 31  # CR0.PG

Clock = Callable[[], float]


def source(name: str) -> str:
    """The text of a benchmark guest, or of a file it includes."""
    return (resources.files("ringside.guests") / "bench" / name).read_text(encoding="utf-8")


def machine(guest: str, rounds: int = ENDLESS) -> Machine:
    """A machine about to run ``guest`` for ``rounds`` rounds."""
    program = assemble(
        source(f"{guest}.asm"), name=f"{guest}.asm", include=source, defines={"ROUNDS": rounds}
    )
    made = Machine(4 << 20)
    load_program(made, program)
    return made


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
    mean = prod(rates.values()) ** (1 / len(rates))
    return {
        "unit": "guest instructions per second",
        "guests": {guest: round(value) for guest, value in rates.items()},
        "geometric_mean": round(mean),
        "python_loop": round(loop),
        "per_loop": round(mean / loop, 3),
    }


def pretty(report: dict[str, Any]) -> str:
    """The report as a small table."""
    lines = [f"{guest:<16}{value / 1e6:8.2f} M/s" for guest, value in report["guests"].items()]
    lines.append(f"{'geometric mean':<16}{report['geometric_mean'] / 1e6:8.2f} M/s")
    lines.append(f"{'Python loop':<16}{report['python_loop'] / 1e6:8.2f} M/s")
    lines.append(f"{'ratio':<16}{report['per_loop']:8.2f}")
    return "\n".join(lines)
