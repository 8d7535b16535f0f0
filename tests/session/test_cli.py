"""The command line: every command works, and every refusal is plain and exits with an error."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ringside.cli import main

ASM = "org 0x100000\nstart: mov al, 'k'\nout 0xE9, al\nmov al, 2\nout 0xF4, al\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "k.asm"
    path.write_text(ASM)
    return path


def test_labs_lists_every_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labs"]) == 0
    out = capsys.readouterr().out
    assert "rings" in out and "walks" in out and "phone" in out


def test_run_reports_console_outcome_and_digest(source: Path, capsys) -> None:
    assert main(["run", str(source), "--json"]) == 5  # (2 << 1) | 1
    report = json.loads(capsys.readouterr().out)
    assert report["console"] == "k" and report["outcome"] == "exit 5"
    assert report["instructions"] == 4 and len(report["digest"]) == 64


@pytest.mark.parametrize("technique", ["bare-metal", "trap-and-emulate"])
def test_run_counts_exits_by_reason(technique: str, capsys) -> None:
    main(["run", "cli_sti", "--cpu", technique, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert bool(report["exits"]) == (technique != "bare-metal")


def test_both_techniques_give_the_same_digest(capsys) -> None:
    digests = set()
    for technique in ("bare-metal", "trap-and-emulate"):
        main(["run", "system_call", "--cpu", technique, "--json"])
        digests.add(json.loads(capsys.readouterr().out)["digest"])
    assert len(digests) == 1


def test_a_flat_binary_runs_like_its_source(source: Path, tmp_path: Path, capsys) -> None:
    binary = tmp_path / "k.bin"
    assert main(["asm", str(source), "-o", str(binary)]) == 0
    capsys.readouterr()
    assert main(["run", str(binary), "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["console"] == "k"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_multiboot_elf_made_by_gcc_runs(tmp_path: Path, capsys) -> None:
    code = tmp_path / "k.S"
    code.write_text(
        ".section .multiboot\n.align 4\n.long 0x1BADB002, 0, -0x1BADB002\n"
        ".text\n.globl _start\n_start: cmp $0x2BADB002, %eax\n jne 1f\n"
        " mov $'m', %al\n outb %al, $0xE9\n1: xor %al, %al\n outb %al, $0xF4\n"
    )
    elf = tmp_path / "k.elf"
    built = subprocess.run(
        ["gcc", "-m32", "-ffreestanding", "-nostdlib", "-static", "-no-pie",
         "-Wl,-Ttext=0x100000,--build-id=none,-z,noexecstack", str(code), "-o", str(elf)],
        capture_output=True)
    if built.returncode:
        pytest.skip("this C compiler cannot make 32-bit programs")
    assert main(["run", str(elf), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["console"] == "m"


def test_asm_points_at_the_line_and_says_what_was_expected(tmp_path: Path, capsys) -> None:
    bad = tmp_path / "bad.asm"
    bad.write_text("mov eax, 1\nmov eax\n")
    assert main(["asm", str(bad)]) == 1
    assert "bad.asm:2:" in capsys.readouterr().err


def test_asm_says_where_it_cannot_write(source: Path, capsys) -> None:
    assert main(["asm", str(source), "-o", "/nonexistent-folder/k.bin"]) == 2
    assert capsys.readouterr().err.startswith("ringside: cannot write")


def test_a_figure_beyond_the_end_says_which_step_it_shows(tmp_path: Path, capsys) -> None:
    out = tmp_path / "f.svg"
    assert main(["figure", "walks", "--step", "9999", "-o", str(out)]) == 0
    assert out.exists() and "only 24 steps" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "soon"])
def test_bench_refuses_a_time_that_is_none(seconds: str, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--seconds", seconds])
    assert "seconds" in capsys.readouterr().err


def test_disasm_reads_back_what_asm_wrote(source: Path, tmp_path: Path, capsys) -> None:
    binary = tmp_path / "k.bin"
    main(["asm", str(source), "-o", str(binary)])
    capsys.readouterr()
    assert main(["disasm", str(binary)]) == 0
    assert "out 0xf4, al" in capsys.readouterr().out


@pytest.mark.parametrize("lab", ["rings", "walks", "phone"])
def test_figure_writes_a_stand_alone_svg(lab: str, tmp_path: Path) -> None:
    out = tmp_path / "f.svg"
    assert main(["figure", lab, "--step", "5", "-o", str(out)]) == 0
    root = ElementTree.fromstring(out.read_text(encoding="utf-8"))
    assert any(element.tag.endswith("style") and "fill" in (element.text or "") for element in root)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nothing-like-this"], ["run", "rings", "--cpu", "magic"],
        ["run", "rings", "--guest", "nope"], ["figure", "nope", "-o", "x.svg"],
        ["figure", "walks", "--option", "nope=1", "-o", "x.svg"],
        ["figure", "walks", "-o", "/nonexistent-folder/x.svg"], ["disasm", "/nonexistent.bin"],
        ["run", "walks", "--input", "x"], ["run", "walks", "--max-instructions", "5"],
        ["run", "walks", "--option", "address=nowhere"], ["run", "walks", "--guest", "9-level"],
        ["run", "phone", "--technique", "bare-metal"], ["run", "phone", "--option", "frame"],
        ["run", "phone", "--option", "colour=red"], ["run", "phone", "--disk", __file__],
        ["run", "hlt", "--guest", "popf"], ["run", "hlt", "--option", "isa=virtualizable"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_refusals_are_plain_and_exit_with_an_error(arguments: list[str], capsys) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("ringside: ") and "Traceback" not in err


@pytest.mark.parametrize("content", [b"", b"\x7fELF junk", b"\x00" * (20 << 20)],
                         ids=["empty", "malformed ELF", "larger than memory"])
def test_bad_images_are_refused(content: bytes, tmp_path: Path, capsys) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(content)
    assert main(["run", str(image)]) == 2
    assert capsys.readouterr().err.startswith("ringside: ")


def test_an_endless_guest_stops_at_the_limit(tmp_path: Path, capsys) -> None:
    loop = tmp_path / "loop.asm"
    loop.write_text("org 0x100000\nstart: jmp start\n")
    assert main(["run", str(loop), "--max-instructions", "1000000", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "limit reached"


def test_ctrl_c_stops_an_endless_guest_with_a_report(tmp_path: Path) -> None:
    loop = tmp_path / "loop.asm"
    loop.write_text("org 0x100000\nstart: mov al, 'r'\nout 0xE9, al\nwait: jmp wait\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "ringside", "run", str(loop), "--max-instructions", "10000000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.read(1) == "r"  # it is running
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped" in out and "digest" in out
