"""The small guests: each tells its one story, and ends."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from ringside import guests
from ringside.guests.porting import native_source
from ringside.host.systems import BARE_METAL, UNMODIFIED, Image, System, build
from ringside.isa.assembler import assemble
from ringside.trace.events import (
    Event,
    FaultRaised,
    Halted,
    InterruptDelivered,
    PortRead,
    PortWritten,
    Retired,
    SystemCalled,
    VmExited,
    VmxFailed,
)

FOLDER = Path(guests.__file__).parent
TRAP_AND_EMULATE = "trap-and-emulate"
ENDS = {
    "rings": ("exit 1", "kuft"),
    "cli_sti": ("exit 1", "IF = 1, ticks: 1\nIF = 0, ticks: 0\nIF = 1, ticks: 1\n"),
    "hlt": ("halted", "sleeping ... awake\n" * 3 + "good night\n"),
    "popf": ("exit 1", "POPF set IF: the interrupt arrived\n"),
    "self_modifying": (
        "exit 1",
        "abc\nEBX, by a jump into the middle of an instruction: 1\n"
        "no memory there, and no instruction: exception 6\n",
    ),
    "page_fault": ("exit 1", "page fault: filling in the entry\nread 42\n"),
    "system_call": ("exit 1", "hello from ring 3\n"),
    "vtx_tour": ("exit 1", "the tour is over\n"),
    "vmx_errors": ("exit 1", "5\n7\n12\n33\n"),
    "port_io": ("exit 1", "sent through port 3F8\n"),
    "sieve": ("exit 1", "primes below 10000: 1229\n"),
    "matrix": ("exit 1", "sum of all elements: 662400\n"),
    "sort": ("exit 1", "sorted\n"),
    "boot_sector": ("exit 1", "real mode\nprotected mode\n"),
}
POPFS = ("popf", "vtx_tour", "boot_sector")  # trap-and-emulate does them no justice
NO_VMX = ("vmx_errors",)  # a virtual machine has no VMX, and so they can tell
SMALL = [guest.id for guest in guests.SHELF if guest.id not in ("nanos", "rings", "phone_rich")]


@cache
def finished(guest: str, technique: str = BARE_METAL) -> System:
    """The guest, run to its end."""
    system = build(technique, Image(guests.program(guest)))
    system.run(1_000_000)
    return system


@pytest.mark.parametrize("guest", ENDS)
def test_it_prints_its_result_and_ends(guest: str) -> None:
    system = finished(guest)
    assert (str(system.outcome), system.console) == ENDS[guest]


@pytest.mark.parametrize("guest", [g for g in ENDS if g not in (*POPFS, *NO_VMX)])
@pytest.mark.parametrize("technique", UNMODIFIED)
def test_it_cannot_tell_that_it_is_virtualized(guest: str, technique: str) -> None:
    alone, other = finished(guest), finished(guest, technique)
    assert other.console == alone.console
    assert other.guest_steps == alone.guest_steps
    assert other.digest() == alone.digest()


@pytest.mark.parametrize("technique", UNMODIFIED)
def test_no_virtual_machine_has_vmx(technique: str) -> None:
    system = finished("vmx_errors", technique)
    assert system.console == "" and str(system.outcome) not in ("exit 1", "shutdown")
    assert system.digest() == finished("vmx_errors", UNMODIFIED[0]).digest()


def test_every_failure_of_a_vmx_instruction_is_an_event_with_its_number_and_reason() -> None:
    heard: list[Event] = []
    system = build(BARE_METAL, Image(guests.program("vmx_errors")))
    system.listener = heard.append
    system.run(1_000_000)
    failed = [(e.mnemonic, e.error) for e in heard if isinstance(e, VmxFailed)]
    assert failed == [("vmlaunch", 0), ("vmresume", 5), ("vmlaunch", 7), ("vmread", 12)]
    (left,) = (e for e in heard if isinstance(e, VmExited))
    assert left.reason == 1 << 31 | 33 and "CR0" in left.why


def test_popf_goes_wrong_silently_under_trap_and_emulate() -> None:
    system = finished("popf", TRAP_AND_EMULATE)
    assert str(system.outcome) == "exit 3"
    assert system.console == "POPF did nothing: no interrupt, and no exception either\n"


@pytest.mark.parametrize("guest", [guest for guest in SMALL if guest != "vtx_tour"])
def test_it_is_short_and_begins_with_an_explanation(guest: str) -> None:
    lines = native_source(guests.source(guest)).splitlines()
    assert len(lines) < 60
    assert lines[0].startswith("; ") and lines[1] == ";"


@pytest.mark.parametrize(
    "file", sorted(p.name for p in FOLDER.iterdir() if p.suffix in (".asm", ".inc"))
)
def test_no_line_is_too_long_to_show(file: str) -> None:
    assert all(len(line) <= 100 for line in guests.include(file).splitlines())


def test_every_guest_is_described_in_both_languages_and_has_its_file() -> None:
    shelf = (*guests.SHELF, *guests.PARAVIRTUAL)
    for guest in shelf:
        assert set(guest.title) == set(guest.purpose) == {"en", "hu"}
        assert all([*guest.title.values(), *guest.purpose.values()])
        assert guests.source(guest.id)
    assert {guest.file for guest in shelf} == {p.name for p in FOLDER.glob("*.asm")}


@pytest.mark.parametrize("name", ["../guests/pc.inc", "/etc/hosts", "missing.inc", "__init__.py"])
def test_only_files_of_the_shelf_can_be_included(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        guests.include(name)


def test_rings_is_a_short_story_with_everything_in_it() -> None:
    heard: list[Event] = []
    system = build(BARE_METAL, Image(guests.program("rings")))
    system.listener = heard.append
    system.run(1_000_000)
    retired = [e for e in heard if isinstance(e, Retired)]
    assert 60 <= len(retired) <= 120
    assert {"cli", "sti", "hlt", "lgdt", "lidt", "ltr", "iret", "int", "in", "out", "invlpg"} <= {
        e.mnemonic for e in retired
    }
    assert {e.context for e in retired} == {"kernel", "app"}
    for kind in (FaultRaised, InterruptDelivered, SystemCalled, Halted, PortRead, PortWritten):
        assert any(isinstance(e, kind) for e in heard), kind.__name__


def test_the_boot_sector_is_one_sector_with_its_mark() -> None:
    image = guests.program("boot_sector").image
    assert len(image) == 512 and image[510:] == b"\x55\xaa"


@pytest.mark.skipif(shutil.which("nasm") is None, reason="nasm is not installed")
@pytest.mark.parametrize("guest", [guest.id for guest in guests.SHELF])
def test_nasm_makes_the_same_bytes_of_it(guest: str, tmp_path: Path) -> None:
    out = tmp_path / "image"
    subprocess.run(
        ["nasm", "-f", "bin", "-i", f"{FOLDER}/", "-o", out, FOLDER / f"{guest}.asm"], check=True
    )
    assert assemble(guests.source(guest), include=guests.include).image == out.read_bytes()
