"""The nanobenchmarks are real guests: the same everywhere, with a measured loop that is warm."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, Image, build
from ringside.machine.machine import Machine
from ringside.measure.nano import SUBJECTS, measure
from ringside.measure.published import BENCHMARKS, HARDWARE, NATIVE, SOFTWARE
from ringside.vmm.translation.replacements import OPEN_PORTS

NAMES = [guest.id for guest in guests.NANO]
OUTPUT = {
    "nano_syscall": "system calls: 64\n",
    "nano_in": "bytes from port 80h: 64\n",
    "nano_cr8wr": "interrupts off and on: 64\n",
    "nano_callret": "calls: 64\n",
    "nano_pgfault": "page faults: 64\n",
    "nano_divzero": "divisions by zero: 64\n",
    "nano_ptemod": "entry changed; the page shows frame 1\n",
}


def test_there_are_seven_in_the_order_of_the_paper() -> None:
    assert [f"nano_{name}" for name in BENCHMARKS] == NAMES


@pytest.mark.parametrize("guest", NAMES)
def test_it_does_its_one_thing_64_times_and_says_so(guest: str) -> None:
    alone = build(BARE_METAL, Image(guests.program(guest), guest))
    alone.run(100_000)
    assert (str(alone.outcome), alone.console) == ("exit 1", OUTPUT[guest])


@pytest.mark.parametrize("guest", NAMES)
def test_it_is_short_described_and_begins_with_an_explanation(guest: str) -> None:
    row = guests.guest(guest)
    assert all([*row.title.values(), *row.purpose.values()])
    lines = guests.source(guest).splitlines()
    assert lines[0].startswith("; Nanobenchmark: ") and lines[1] == ";"
    assert "ASPLOS 2006" in lines[2]
    assert sum(1 for line in lines if line.strip()) <= 60
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("system", SUBJECTS)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_measured_round_is_like_the_others(benchmark: str, system: str) -> None:
    """Warm: whatever happens, happens in each of the rounds."""
    found = measure(benchmark, system)
    assert found.rounds == 32
    assert found.instructions % found.rounds == 0
    assert all(count % found.rounds == 0 for count in found.counts.values()), found.counts


def per_round(benchmark: str, system: str) -> dict[tuple[str, str], int]:
    found = measure(benchmark, system)
    return {key: count // found.rounds for key, count in found.counts.items() if count}


def test_what_happens_in_a_round_is_what_the_paper_says_happens() -> None:
    """Adams and Agesen, 6.3: who has to hear of what."""
    for quiet in ("syscall", "cr8wr", "callret", "divzero"):  # "without VMM intervention"
        assert not any(kind == "trap" for kind, _ in per_round(quiet, HARDWARE))
    assert per_round("in", HARDWARE)["vmexit", "30"] == 1  # "a vmm/guest round trip"
    assert ("trap", "callout") not in per_round("in", SOFTWARE)  # "a short sequence"
    assert per_round("in", SOFTWARE)["translation", "device"] == 1
    assert ("trap", "callout") not in per_round("cr8wr", SOFTWARE)
    assert not any(kind == "trap" for kind, _ in per_round("callret", SOFTWARE))
    for system, reason in ((SOFTWARE, "#PF"), (HARDWARE, "#PF")):  # both interpose
        assert per_round("pgfault", system)["trap", reason] == 1
        assert per_round("pgfault", system)["inject", "#PF"] == 1
    assert per_round("ptemod", SOFTWARE)["trap", "adapted callout"] == 1  # "adaptively"
    assert ("fault", "#PF") not in per_round("ptemod", SOFTWARE)
    assert per_round("ptemod", HARDWARE)["vmexit", "0"] == 1  # "enters and exits repeatedly"
    assert per_round("ptemod", NATIVE) == {("retired", "mov"): 1}


def test_no_device_answers_the_ports_the_translator_takes_for_open() -> None:
    bus = Machine(1 << 20).bus
    assert OPEN_PORTS and not any(bus.device_at(port) for port in OPEN_PORTS)
