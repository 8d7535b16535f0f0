"""``ringside run`` with a guest that listens, sleeps and is only woken by its timer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ringside.cli import main
from ringside.labs.batch import open_batch
from ringside.labs.patience import PATIENCE

# A kernel that answers IRQ 0 at 100 Hz and the serial port's IRQ 4; DONE is what the timer does.
LISTENER = """
org 0x100000
start:  mov esp, 0x90000
        lgdt [gdtr]
        mov edi, idt
        mov eax, timer
        call gate
        mov edi, idt + 4 * 8
        mov eax, key
        call gate
        lidt [idtr]
        mov al, 0x11
        out 0x20, al
        mov al, 32
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, MASK
        out 0x21, al
        mov al, 0x34
        out 0x43, al
        mov al, 0x9C
        out 0x40, al
        mov al, 0x2E
        out 0x40, al
        mov dx, 0x3FC
        mov al, 8               ; OUT2 lets the port's interrupts through
        out dx, al
        mov dx, 0x3F9
        mov al, 1
        out dx, al
idle:   sti
        hlt
        jmp idle
gate:   mov [edi + 32 * 8], ax
        mov word [edi + 32 * 8 + 2], 8
        mov word [edi + 32 * 8 + 4], 0x8E00
        shr eax, 16
        mov [edi + 32 * 8 + 6], ax
        ret
timer:  mov al, 0x20
        out 0x20, al
        inc dword [ticks]
        cmp dword [ticks], 50
        jb .done
        mov dword [ticks], 0
        WORK
.done:  iret
key:    mov dx, 0x3F8
        in al, dx
        out 0xE9, al
        mov al, 0
        out 0xF4, al
ticks:  dd 0
align 8
gdt:    dq 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdtr:   dw 23
        dd gdt
idtr:   dw 40 * 8 - 1
        dd idt
align 8
idt:    times 40 dq 0
"""
SERIAL_TOO, TIMER_ONLY = "0xEE", "0xFE"
LIMIT = "300_000"


def kernel(folder: Path, *, mask: str = SERIAL_TOO, work: str = "nop") -> str:
    path = folder / "listener.asm"
    path.write_text(LISTENER.replace("MASK", mask).replace("WORK", work))
    return str(path)


@pytest.mark.parametrize("technique", ["bare-metal", "emulation", "hardware-assist"])
def test_a_guest_that_only_waits_for_input_ends_the_run(
    technique: str, tmp_path: Path, capsys
) -> None:
    assert main(["run", kernel(tmp_path), "--cpu", technique, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "waiting" and report["status"] == 0
    assert report["instructions"] < 200_000


def test_the_report_says_that_it_waits_and_what_to_do(tmp_path: Path, capsys) -> None:
    assert main(["run", kernel(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "waits for input" in out and "--input" in out


def test_input_that_was_given_is_read_before_anybody_loses_patience(tmp_path: Path, capsys) -> None:
    assert main(["run", kernel(tmp_path), "--input", "k", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["console"], report["outcome"]) == ("k", "exit 1")


def test_a_limit_that_was_asked_for_wins(tmp_path: Path, capsys) -> None:
    main(["run", kernel(tmp_path), "--max-instructions", LIMIT, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "limit reached" and report["instructions"] >= 300_000


@pytest.mark.parametrize(
    "how",
    [{"mask": TIMER_ONLY}, {"work": "out 0xE9, al"}, {"work": "in al, 0x71"}],
    ids=["does not listen", "writes now and then", "looks at a clock"],
)
def test_a_guest_that_does_something_else_is_not_taken_for_waiting(
    how: dict[str, str], tmp_path: Path
) -> None:
    batch = open_batch(kernel(tmp_path, **how))
    while batch.system.time < 4 * PATIENCE:  # type: ignore[attr-defined]
        batch.advance(10_000)
        assert not batch.ended


def test_a_guest_that_computes_is_not_taken_for_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringside.labs.patience.PATIENCE", 100_000)  # steps here: keep them few
    path = Path(kernel(tmp_path))
    path.write_text(path.read_text().replace("        hlt\n", ""))
    batch = open_batch(str(path))
    batch.advance(500_000)
    assert not batch.ended and batch.instructions == 500_000


def test_the_end_does_not_depend_on_the_slices(tmp_path: Path) -> None:
    ends = set()
    for size in (777, 50_000):
        batch = open_batch(kernel(tmp_path))
        while not batch.ended:
            batch.advance(size)
        report = batch.report(stopped=False)
        ends.add((report["instructions"], report["digest"]))
    assert len(ends) == 1


@pytest.mark.parametrize("technique", ["bare-metal", "paravirtualization", "hardware-assist"])
def test_what_the_readme_types_to_nanos_is_read_line_by_line(technique: str, capsys) -> None:
    """nanos clears what came before it set the port up, and takes a line when its shell waits."""
    typed = "run primes\nhalt\n"
    assert main(["run", "nanos", "--technique", technique, "--input", typed, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["console"].count("primes below 32768: 3512") == 2
    assert report["console"].rstrip().endswith("halt")
    assert report["outcome"] == "exit 1"


def test_a_guest_that_sleeps_and_listens_to_nothing_is_not_said_to_wait_for_input(
    tmp_path: Path, capsys
) -> None:
    guest = tmp_path / "sleeper.asm"
    guest.write_text("org 0x100000\nsti\nhlt\n")
    main(["run", str(guest)])
    assert "nothing it listens to can wake it" in capsys.readouterr().out


def test_a_nested_tlb_is_refused_where_nothing_is_nested(capsys) -> None:
    assert main(["run", "sort", "--option", "caches=nested"]) == 2
    assert "only nested paging uses" in capsys.readouterr().err
