"""The lab "Emulation": a RISC-V guest, with nothing of it on the real processor."""

from __future__ import annotations

import json

import pytest
from ringside.cli import main
from ringside.guests.riscv import SHELF, program
from ringside.labs.emulated import LAB
from ringside.labs.foreign import ForeignRun
from ringside.riscv.decode import REGISTER_NAMES
from ringside.riscv.machine import RiscvMachine
from ringside.session import Session
from ringside.vmm.foreign import ForeignGuest


def open_run(guest: str = "tour") -> ForeignRun:
    run = LAB.open(LAB.setup(guest, None, None, None))
    assert isinstance(run, ForeignRun)
    return run


def words(run: ForeignRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


@pytest.mark.parametrize("guest", SHELF)
def test_inside_a_vmm_it_does_what_it_does_on_a_machine_of_its_own(guest: str) -> None:
    own = RiscvMachine()
    own.load(program(guest))
    own.run(1_000_000)
    inside = ForeignGuest(program(guest))
    inside.run(1_000_000)
    assert inside.console == own.console
    assert (inside.digest(), inside.steps) == (own.digest(), own.steps)


def test_the_real_processor_runs_nothing_and_stays_in_ring_0() -> None:
    system = ForeignGuest(program("tour"))
    before = system.machine.cpu.linear_eip
    system.run(3000)
    assert system.guest.hart.x[2]  # the guest has a stack by now
    assert system.direct == 0
    assert system.machine.cpu.cpl == 0 and system.machine.cpu.linear_eip == before
    assert system.time == system.guest.time


def test_the_guests_memory_is_the_hosts() -> None:
    system = ForeignGuest(program("tour"))
    image = program("tour").image
    ram = system.machine.memory.ram
    assert bytes(ram[4 << 20 : (4 << 20) + len(image)]) == image


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_the_picture_shows_the_stored_registers(shape: str) -> None:
    run = open_run()
    run.seek(300)
    scene = run.picture(shape, "en")
    hart = run._foreign.guest.hart
    for number, name in enumerate(REGISTER_NAMES):
        assert scene[f"reg:{name}"]["text"] == f"{hart.x[number]:08x}"
    assert scene["csr:mepc"]["text"] == f"{hart.mepc:08x}"
    assert scene["real:direct"]["text"] == "0"


def test_a_system_call_is_a_change_of_mode_without_a_trap_of_the_real_processor() -> None:
    run = open_run()
    assert run.find("syscall", 1)
    assert run.insn == "ecall"
    assert "system call 1" in words(run)
    scene = run.picture("wide", "en")
    assert "token:was" in scene and scene["chip"]["text"] == "environment call from user mode"
    assert scene["insn"]["text"] == "ecall" and scene["insn:raw"]["text"] == "73 00 00 00"
    assert scene["insn:other"]["text"].startswith("jae")  # what an IA-32 would make of it
    assert run.find("ring", 1) and "MRET" in words(run)


def test_stepping_back_gives_the_very_same_picture() -> None:
    run = open_run()
    run.seek(178)
    before = run.picture("wide", "en").as_dict(), words(run), run.panels("hu")
    run.seek(1500)
    run.seek(179)
    run.seek(178)
    assert (run.picture("wide", "en").as_dict(), words(run), run.panels("hu")) == before


def test_what_the_program_may_not_do_traps_to_its_own_kernel() -> None:
    run = open_run()
    causes = []
    while run.find("exception", 1):
        causes.append(run.picture("wide", "en")["chip"]["text"])
    assert "illegal instruction" in causes and "store access fault" in causes


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("guest", SHELF)
def test_every_kind_of_step_is_spoken_of(guest: str, lang: str) -> None:
    run = open_run(guest)
    for step in [*range(0, 400, 7), run.last]:
        run.seek(step)
        assert len(words(run, lang)) > 20


def test_the_run_ends_with_what_the_guest_said() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "emulated", "guest": "tour"})
    frame = session.handle({"op": "run", "steps": 100_000})["frame"]
    console = next(panel for panel in frame["panels"] if panel["id"] == "console")
    assert frame["ended"] and "program ended, timer interrupts: 2" in console["text"]
    assert "exit status" in frame["outcome"]


def test_the_command_line_runs_it_without_pictures(capsys) -> None:
    assert main(["run", "emulated", "--guest", "primes", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["console"] == "430\n" and report["outcome"] == "exit 0"
    assert report["technique"] == "emulation" and report["exits"] == {}


def test_a_breakpoint_stops_before_an_address_of_the_guests() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "emulated", "guest": "tour"})
    at = program("tour").symbols["trap"]
    answer = session.handle({"op": "breakpoints", "list": [{"address": at}]})
    if not answer["ok"]:
        answer = session.handle({"op": "breakpoints", "list": [{"kind": "address", "value": at}]})
    assert answer["ok"], answer
    frame = session.handle({"op": "run", "steps": 50_000})["frame"]
    code = next(panel for panel in frame["panels"] if panel["id"] == "code")
    current = next(row for row in code["rows"] if row["current"])
    assert current["address"] == f"{at:08x}"
