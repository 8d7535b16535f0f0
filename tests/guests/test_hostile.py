"""The hostile guests: each is a program like any other, and on the bare machine it gets its way."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, Image, build

FOLDER = Path(guests.__file__).parent / "hostile"
EVERY = [guest.id for guest in (*guests.HOSTILE, guests.NEIGHBOUR)]
ENDS = {
    "hostile_outside": ("exit 1", "stopped by an exception: 0\n"),
    "hostile_tables": ("exit 1", "entries refused: 0\nstopped by an exception: 0\n"),
    "hostile_descriptors": ("exit 1", "stopped by an exception: 3\n"),
    "hostile_timer": ("exit 1", "masks read back: 65535\nstopped by an exception: 0\n"),
    "hostile_spy": ("exit 1", "not its own: 0\nstopped by an exception: 0\n"),
    "hostile_crash": ("shutdown", ""),
    "neighbour": ("exit 1", "all mine\n"),
}


@pytest.mark.parametrize("guest", ENDS)
def test_on_the_bare_machine_it_ends_as_its_text_says(guest: str) -> None:
    system = build(BARE_METAL, Image(guests.program(guest), guest, 4 << 20))
    system.run(1_000_000)
    assert (str(system.outcome), system.console) == ENDS[guest]


def test_nobody_takes_the_bare_machine_from_the_greedy_one() -> None:
    system = build(BARE_METAL, Image(guests.program("hostile_greedy"), "g", 4 << 20))
    system.run(200_000)
    assert system.outcome is None and system.guest_steps == 200_000
    assert not system.guest_cpu.eflags & 0x200


def test_every_one_is_described_and_has_its_file() -> None:
    for id in EVERY:
        guest = guests.guest(id)
        assert set(guest.title) == set(guest.purpose) == {"en", "hu"}
        assert all(len(line) <= 100 for line in guests.source(id).splitlines())
    files = {guests.guest(id).file.removeprefix("hostile/") for id in EVERY}
    assert files == {path.name for path in FOLDER.glob("*.asm")}


def test_each_can_be_ported_by_its_own_source() -> None:
    for id in EVERY:
        assert guests.program(id, {"PARAVIRT": 1}).image != guests.program(id).image


@pytest.mark.skipif(shutil.which("nasm") is None, reason="nasm is not installed")
@pytest.mark.parametrize("guest", EVERY)
def test_nasm_makes_the_same_bytes_of_it(guest: str, tmp_path: Path) -> None:
    out = tmp_path / "image"
    subprocess.run(
        ["nasm", "-f", "bin", "-I", f"{FOLDER.parent}/", "-o", str(out),
         str(FOLDER.parent / guests.guest(guest).file)],
        check=True, capture_output=True)
    assert guests.program(guest).image == out.read_bytes()
