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


@pytest.mark.parametrize(("command", "typed"), [
    (["ask", "popf"], "ringside ask rings"),
    (["figure", "popf", "-o", "x.svg"], "ringside figure rings --guest popf -o x.svg"),
])
def test_who_names_a_guest_for_a_lab_hears_what_to_type(command, typed: str, capsys) -> None:
    said = refused(capsys, *command)
    assert "'popf' is a guest, not a lab" in said and typed in said


@pytest.mark.parametrize("command", [
    ["ask", "walks"], ["classify"], ["sweep", "uniform"]])
def test_a_seed_below_0_is_told_what_is_allowed(command: list[str], capsys) -> None:
    assert "not a whole number of 0 or more" in refused(capsys, *command, "--seed", "-1")


def test_an_empty_file_has_nothing_to_disassemble(tmp_path: Path, capsys) -> None:
    path = tmp_path / "none.bin"
    path.write_bytes(b"")
    assert "is empty" in refused(capsys, "disasm", str(path))


@pytest.mark.parametrize(("begin", "kind"), [
    (b'<svg xmlns="http://www.w3.org/2000/svg">', "an SVG picture"),
    (b'<?xml version="1.0"?>\n<svg>', "an SVG picture"),
    (b'<?xml version="1.0"?>\n<note/>', "an XML text"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"), (b"%PDF-1.7", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"), (b"start: mov eax, 1\n hlt\n", "a text"),
])
@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_picture_or_a_text_is_not_run_as_machine_code(
    command: str, begin: bytes, kind: str, tmp_path: Path, capsys,
) -> None:
    path = tmp_path / "popf.svg"
    path.write_bytes(begin)
    said = refused(capsys, command, str(path))
    assert f"is {kind}, not machine code" in said and ".asm" in said


def test_a_boot_sector_is_code_whatever_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "boot.img"
    path.write_bytes(b"MZ\xeb\x00\xb0\x02\xe6\xf4".ljust(510, b"\0") + b"\x55\xaa")
    assert main(["run", str(path)]) == 5


def test_reference_prints_one_entry_by_any_of_its_names(capsys) -> None:
    told = []
    for name in ("popf", "POPFD"):
        assert main(["reference", name]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] and told[0].startswith("## POPF\n") and told[0].count("## ") == 1
    assert "did you mean" in refused(capsys, "reference", "popff")


def test_a_sweep_refuses_an_impossible_tlb_before_it_measures_any(monkeypatch, capsys) -> None:
    from ringside.bulk import sweep

    monkeypatch.setattr(sweep, "measure", None)
    said = refused(capsys, "sweep", "uniform", "--tlb", "16x4,3x4", "--jobs", "1")
    assert "power of two of sets and at least one way, not 3x4" in said


def test_a_sweep_over_a_trace_leaves_out_what_only_made_up_streams_have(tmp_path: Path, capsys) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("address\n0x1000\n0x2000\n")
    stream = f"file:{trace}"
    assert main(["sweep", stream, "--jobs", "1", "--quiet"]) == 0
    names, row = capsys.readouterr().out.splitlines()
    told = dict(zip(names.split(","), row.split(","), strict=True))
    assert {told[name] for name in ("pages", "spaces", "turn", "life", "skew", "seed")} == {""}
    assert told["accesses"] == "2" and told["tlb"] == "16x4"
    assert "has no use for --pages" in refused(capsys, "sweep", stream, "--pages", "5")
