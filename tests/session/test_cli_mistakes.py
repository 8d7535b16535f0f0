"""Names, files and ports that are mistaken: what the command line says to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ringside.cli import main


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said; both ways to refuse have the exit status 2."""
    try:
        assert main(arguments) == 2
    except SystemExit as end:
        assert end.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "compare"])
def test_an_unknown_name_gets_short_lines_and_the_nearest_names(command: str, capsys) -> None:
    said = refused(capsys, command, "nanso")
    assert "did you mean nanos" in said
    assert max(map(len, said.splitlines())) <= 90


def test_each_command_lists_only_what_it_can_do(capsys) -> None:
    to_run, to_compare = refused(capsys, "run", "foo"), refused(capsys, "compare", "foo")
    assert "  labs: " in to_run and "pv_hostile" in to_run
    assert "labs" not in to_compare and "pv_hostile" not in to_compare and "popf" in to_compare
    assert "did you mean" not in to_run


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_text_named_elf_is_not_run_as_code(command: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "bad.elf"
    path.write_text("hello\n")
    said = refused(capsys, command, str(path))
    assert "is not an ELF file" in said and "ld -m elf_i386" in said


def test_an_elf_without_a_multiboot_header_is_told_so(tmp_path: Path, capsys) -> None:
    path = tmp_path / "plain.elf"
    path.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(200))
    assert "No multiboot header" in refused(capsys, "run", str(path))


def test_a_bin_stays_flat_whatever_it_holds(tmp_path: Path, capsys) -> None:
    path = tmp_path / "k.bin"
    path.write_bytes(bytes.fromhex("b002 e6f4"))  # mov al, 2; out 0xF4, al
    assert main(["run", str(path)]) == 5


@pytest.mark.parametrize("port", ["99999", "abc", "-1", "65536"])
def test_what_is_no_port_is_refused(port: str, capsys) -> None:
    said = refused(capsys, "serve", f"--port={port}")
    assert "is not a port" in said and "65535" in said


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [(["pool", "foo"], "usage: ringside pool "), (["bench", "--foo"], "usage: ringside bench ")],
)
def test_what_a_command_has_no_use_for_shows_its_own_usage(
    arguments: list[str], usage: str, capsys
) -> None:
    said = refused(capsys, *arguments)
    assert said.startswith(usage) and arguments[-1] in said.splitlines()[-1]
