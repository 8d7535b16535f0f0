"""Bochs as an oracle for rings, gates, limits and faults.

``image`` builds the harness with all cases; ``ask_bochs`` and ``ask_machine`` run it and give
each case's report. ``python tests/oracles/bochs.py`` (with ``core`` in PYTHONPATH) runs both,
shows where they differ; ``--write`` stores what Bochs said in ``bochs_expected.txt``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bochs_case import Case
from bochs_cases import CASES, MANUAL

__all__ = ["Case", "Report", "ask_bochs", "ask_machine", "assemble_image", "expected", "roms"]

HERE = Path(__file__).parent
EXPECTED = HERE / "bochs_expected.txt"
ENTER = {
    0: ("KCODE", "KDATA", "STACK0"),
    1: ("CODE1", "DATA1", "STACK1"),
    2: ("CODE2", "DATA2", "STACK2"),
    3: ("CODE3", "DATA3", "STACK3"),
}
CONFIGURATION = """\
display_library: rfb, options="timeout=0"
romimage: file={roms}/BIOS-bochs-legacy
vgaromimage: file={roms}/VGABIOS-lgpl-latest
megs: 16
cpu: model={model}, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
floppya: 1_44="{floppy}", status=inserted
boot: floppy
port_e9_hack: enabled=1
log: {folder}/log.txt
panic: action=fatal
error: action=report
info: action=ignore
sound: driver=dummy
"""


NAMES = (
    "vector", "cr2", "handler flags",
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "ds", "es", "fs", "gs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What arrived, field by field; ``stack`` is what the processor pushed, lowest first.

    Values are hexadecimal; addresses near the case's code are written ``case+3`` and as offsets
    in a segment based at 1 MiB ``off+3``, so that a report does not depend on where it lies.
    """

    fields: tuple[str, ...]

    def text(self) -> str:
        """One line for the table of expected values."""
        return " ".join(self.fields)

    @classmethod
    def of(cls, text: str) -> Report:
        """The inverse of ``text``."""
        return cls(tuple(text.split()))

    def differences(self, other: Report) -> str:
        """Which fields are not the same, for a person."""
        names = NAMES + tuple(f"stack[{n}]" for n in range(16))
        pairs = [
            f"{name} {mine} / {theirs}"
            for name, mine, theirs in zip(names, self.fields, other.fields, strict=False)
            if mine != theirs
        ]
        if len(self.fields) != len(other.fields):
            pairs.append(f"{len(self.fields) - 15} / {len(other.fields) - 15} words on the stack")
        return ", ".join(pairs)


def _near(value: int, case: int) -> str:
    for name, base in (("case", case), ("off", case - 0x100000)):
        if -64 <= value - base < 128:
            return f"{name}{value - base:+x}"
    return f"{value:x}"


def parse(line: str) -> Report:
    """A line of the harness as a report."""
    numbers, _, words = line.partition("|")
    case, vector, cr2, flags, *registers = (int(part, 16) for part in numbers.split())
    halves = [int(words[n : n + 4], 16) for n in range(0, len(words), 4)]
    stack = [low | high << 16 for low, high in zip(halves[::2], halves[1::2], strict=True)]
    # ESP in PUSHA's place is the harness's own; the frame has the case's.
    registers[4] = 0
    shown = [_near(value, case) for value in [*registers, *stack]]
    return Report((f"{vector:x}", f"{cr2:x}" if vector in (8, 14) else "-", f"{flags:x}", *shown))


def parse_all(output: str) -> list[Report]:
    """All reports of a run; a run that ended early gives fewer."""
    return [parse(line) for line in output.splitlines() if line.count("|") == 1]


def source() -> str:
    """The harness with its cases, as one assembler text."""
    parts = [(HERE / "bochs_harness.asm").read_text(), "\nalign 4\ncases:\n"]
    for number, case in enumerate(CASES):
        cs, ss, esp = ENTER[case.ring]
        parts.append(f"dd setup_{number}, case_{number}, 0x{case.flags | 2:x}, {cs}, {ss}, {esp}\n")
    parts.append("dd 0\n")
    for number, case in enumerate(CASES):
        # Local labels of a case belong to its set-up or to its code, whichever names them.
        parts.append(f"setup_{number}:\n{case.setup}\nret\n")
        parts.append(f"align 16\ncase_{number}:\n{case.code}\nint 0x30\n")
    return "".join(parts)


def assemble_image() -> bytes:
    """The harness with all cases as bytes for 1 MiB."""
    from ringside.isa.assembler import assemble

    return assemble(source(), name="bochs_harness.asm").image


def floppy(image: bytes) -> bytes:
    """A disk that boots ``image`` at 1 MiB."""
    from ringside.isa.assembler import assemble

    sectors = -(-len(image) // 512)
    boot = assemble(
        (HERE / "bochs_boot.asm").read_text(), name="bochs_boot.asm", defines={"SECTORS": sectors}
    ).image
    return (boot + image).ljust(1474560, b"\0")


def roms() -> Path | None:
    """Where the BIOS images of Debian's package are, if Bochs is installed."""
    folder = Path("/usr/share/bochs")
    return folder if shutil.which("bochs") and (folder / "BIOS-bochs-legacy").exists() else None


def boot(image: bytes, model: str = "p4_willamette", seconds: float = 60) -> str:
    """Boot the image on Bochs, without a window, and read its debug port."""
    found = roms()
    if found is None:
        raise FileNotFoundError("bochs is not installed (Debian: apt-get install bochs)")
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder, "floppy.img")
        disk.write_bytes(floppy(image))
        rc = Path(folder, "bochsrc")
        rc.write_text(CONFIGURATION.format(roms=found, floppy=disk, folder=folder, model=model))
        commands = Path(folder, "commands")  # Debian's Bochs starts in its debugger
        commands.write_text("c\nq\n")
        done = subprocess.run(
            ["bochs", "-q", "-f", str(rc), "-rc", str(commands)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            cwd=folder,
            check=False,
        )
    return done.stdout.decode("latin-1")


def ask_bochs(image: bytes) -> list[Report]:
    """Boot the image on Bochs and read its reports."""
    return parse_all(boot(image))


def ask_machine(image: bytes, *, by_steps: bool = False) -> list[Report]:
    """Run the same bytes on our machine: in one stretch, or instruction by instruction."""
    from ringside.machine.loader import load
    from ringside.machine.machine import Machine

    machine = Machine()
    load(machine, image)
    if by_steps:
        while machine.outcome is None:
            machine.step()
    else:
        machine.run(20_000_000)
    return parse_all(machine.console)


def expected() -> dict[str, str]:
    """The committed table: case name to report."""
    rows = (line.partition(" = ") for line in EXPECTED.read_text().splitlines() if " = " in line)
    return {name: report for name, _, report in rows}


def main() -> None:
    """Compare, and with ``--write`` store Bochs's answers."""
    image = assemble_image()
    theirs = ask_bochs(image)
    print(f"{len(CASES)} cases, {len(image)} bytes, Bochs answered {len(theirs)}")
    if "--write" in sys.argv:
        lines = [
            f"{case.name} = {report.text()}" for case, report in zip(CASES, theirs, strict=True)
        ]
        EXPECTED.write_text("\n".join(lines) + "\n")
        return
    ours = ask_machine(image)
    print(f"our machine answered {len(ours)}")
    for case, mine, other in zip(CASES, ours, theirs, strict=True):
        if mine != other:
            known = MANUAL[case.name].why if case.name in MANUAL else case.section
            print(f"{case.name}: ours / Bochs: {mine.differences(other)} [{known}]")


if __name__ == "__main__":
    main()
