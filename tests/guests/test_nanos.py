"""The guest operating system: boots, preempts, gives memory on demand, answers its shell."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from ringside import guests
from ringside.guests.porting import native_source
from ringside.host.systems import BARE_METAL, BUILDERS, DEFINES, UNMODIFIED, Image, System, build
from ringside.isa.disassemble import disassemble
from ringside.trace.events import (
    ControlWritten,
    Event,
    FaultRaised,
    InterruptDelivered,
    RingChanged,
)

E = TypeVar("E", bound=Event)
LIMIT = 4_000_000
PROMPT = "nanos> "
TEXT = b"The disk says: a sector has 512 bytes."
DISK = TEXT.ljust(512, b"\0") + b"second sector".ljust(512, b"\0")
# Robin and Irvine's instructions that read or change privileged state without a trap.
SILENT = {
    "pushf", "pushfd", "popf", "popfd", "sgdt", "sidt", "sldt", "str", "smsw", "lar", "lsl",
    "verr", "verw",
}  # fmt: skip


class Recorder:
    """Keeps every event but the single instructions, which would slow the machine down."""

    every_instruction = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)


def nanos(technique: str = BARE_METAL, *, autohalt: bool = True, disk: bytes = DISK) -> System:
    """The system, ready to start."""
    defines = {"NANOS_AUTOHALT": 1} if autohalt else {}
    defines |= DEFINES[technique]
    return build(technique, Image(guests.program("nanos", defines), disk=disk))


@cache
def finished(technique: str = BARE_METAL) -> tuple[System, list[Event]]:
    """A run to its end, and what happened in it."""
    system, recorder = nanos(technique), Recorder()
    system.listener = recorder
    system.run(LIMIT)
    return system, recorder.events


def happened(kind: type[E]) -> list[E]:
    """The events of one kind on bare metal."""
    return [event for event in finished()[1] if isinstance(event, kind)]


def answers(lines: list[str], technique: str = BARE_METAL) -> str:
    """Type lines at the shell, each when the one before is answered; give what it said."""
    system = nanos(technique, autohalt=False)
    while "3512" not in system.console or "count 4" not in system.console:
        system.run(50_000)
    before = len(system.console)
    for line in lines:
        prompts = system.console.count(PROMPT) + line.count("\n") + 1
        system.type_text(line + "\n")
        for _ in range(50):
            system.run(10_000)
            if system.console.count(PROMPT) == prompts:
                break
    return system.console[before:]


def test_its_programs_compute_what_they_should() -> None:
    system, _ = finished()
    assert system.outcome is not None and str(system.outcome) == "exit 1"
    said = system.console.split(PROMPT)[1].splitlines()
    assert sorted(said) == [
        "count 1", "count 2", "count 3", "count 4", "primes below 32768: 3512",
    ]  # fmt: skip


def test_console_and_screen_show_the_same() -> None:
    system, _ = finished()
    shown = [line.rstrip() for line in system.machine.screen]
    assert "\n".join(shown).rstrip() == system.console.rstrip()


def test_it_shows_the_text_of_the_disk() -> None:
    assert TEXT.decode() in finished()[0].console


def test_it_says_so_when_there_is_no_disk() -> None:
    system = build(BARE_METAL, Image(guests.program("nanos", {"NANOS_AUTOHALT": 1})))
    system.run(50_000)
    assert "disk: none" in system.console


@pytest.mark.parametrize("technique", UNMODIFIED)
def test_console_and_state_are_those_of_bare_metal_under(technique: str) -> None:
    (alone, _), (other, _) = finished(), finished(technique)
    assert other.console == alone.console
    assert other.guest_steps == alone.guest_steps
    assert other.digest() == alone.digest()


def test_the_first_program_speaks_within_15_000_instructions() -> None:
    system = nanos()
    system.run(15_000)
    assert "count 1" in system.console


def test_the_timer_takes_the_processor_from_a_program_that_never_yields() -> None:
    taken = [e for e in happened(InterruptDelivered) if e.context == "app"]
    assert len(taken) >= 3


def test_memory_comes_by_page_faults_of_programs_only() -> None:
    faults = happened(FaultRaised)
    assert {e.vector for e in faults} == {14}
    assert all(e.error & 1 == 0 for e in faults), "only pages that are not there"
    assert all(0x500000 <= e.address < 0x800000 for e in faults)


def test_programs_run_in_ring_3_and_the_kernel_in_ring_0() -> None:
    rings = happened(RingChanged)
    assert {(e.before, e.after) for e in rings} == {(0, 3), (3, 0)}


def test_it_avoids_what_does_not_trap() -> None:
    image = guests.program("nanos")
    code = {
        insn.mnemonic
        for start, _, _, length in image.lines
        for _, insn, _ in disassemble(image.image[start - image.origin :][:length], start, 32)
        if insn is not None
    }
    assert "iret" in code
    assert not code & SILENT


def test_a_program_that_breaks_the_rules_is_ended_and_nobody_else() -> None:
    said = answers(["run spin", "run crash", "ps"])
    assert re.search(r"crash +: exception 13 at 4000", said)
    assert re.search(r"^R \d+ ticks spin", said, re.MULTILINE)
    assert not re.search(r"ticks crash", said)


def test_the_shell_answers_while_a_program_computes_for_ever() -> None:
    said = answers(["run spin", "mem", "cat 1"])
    assert re.search(r"free frames \d+", said)
    assert "second sector" in said


def test_memory_of_ended_programs_comes_back() -> None:
    said = answers(["mem", "run count", "run primes", *[""] * 8, "mem"])
    assert said.count("count 4") == 1 and "3512" in said
    free = re.findall(r"free frames (\d+)", said)
    assert len(free) == 2 and free[0] == free[1]


def test_an_unknown_command_is_answered_with_help() -> None:
    assert "help, ps, mem" in answers(["dance"])


def test_halt_ends_the_run() -> None:
    system = nanos(autohalt=False)
    system.run(50_000)
    system.type_text("halt\n")
    system.run(500_000)
    assert str(system.outcome) == "exit 1"


@pytest.mark.parametrize("technique", BUILDERS)
def test_lines_typed_ahead_are_all_answered_under(technique: str) -> None:
    said = answers(["help\nmem\nps"], technique)
    assert said.count(PROMPT) == 3
    assert "kernel" in said


def test_a_student_can_read_it_in_an_hour() -> None:
    folder = Path(guests.__file__).parent
    lines = [
        line.strip()
        for part in ("nanos.asm", *(p.name for p in folder.glob("nanos_*.inc")))
        for line in native_source(guests.include(part)).splitlines()
    ]
    code = [line for line in lines if line and not line.startswith(";")]
    assert len(code) < 750 and len(lines) < 950


def test_its_first_page_gives_the_reading_order_and_the_minutes_make_an_hour() -> None:
    page = guests.include("nanos.asm")
    order = re.findall(r"^; +(nanos\S+) .* (\d+)(?: minutes)?$", page, re.MULTILINE)
    included = re.findall(r'^%include "(nanos_\w+\.inc)"', page, re.MULTILINE)
    assert [name for name, _ in order] == ["nanos.asm", *included]
    assert sum(int(minutes) for _, minutes in order) == 60


def test_the_kernel_ends_below_the_memory_it_calls_free() -> None:
    program = guests.program("nanos")
    symbols = program.symbols
    assert program.origin + len(program.image) <= symbols["KERNEL_END"] - symbols["FRAME"]


def test_tables_and_paging_are_there_within_thirty_instructions() -> None:
    system, recorder = nanos(), Recorder()
    system.listener = recorder
    system.run(30)
    loaded = [e.register for e in recorder.events if isinstance(e, ControlWritten)]
    assert loaded == ["cr3", "cr0", "gdtr", "idtr", "cr3"]


def test_it_greets_within_its_first_thousand_instructions() -> None:
    system = nanos()
    system.run(1_000)
    assert "hello from ring 0" in system.console
