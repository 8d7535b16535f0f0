"""Bochs as an oracle for VMX: small virtual machines run there and here, exit by exit.

``python tests/oracles/bochs_vmx.py`` (with ``core`` in PYTHONPATH) shows where the two differ;
``--write`` stores what Bochs said in ``bochs_vmx_expected.txt``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bochs
from bochs_vmx_case import DOOR, NAMES, VmxCase, parse_line
from bochs_vmx_cases import CASES, MANUAL

HERE = Path(__file__).parent
EXPECTED = HERE / "bochs_vmx_expected.txt"
MODEL = "corei5_arrandale_m520"  # the first processor with all that is modelled


def source() -> str:
    """The harness with its cases, as one assembler text."""
    parts = [(HERE / "bochs_vmx_harness.asm").read_text(), "\nalign 4\ncases:\n"]
    for n, case in enumerate(CASES):
        rows = (f"code_{n}" if case.code else "0", f"again_{n}" if case.again else "0",
                f"root_{n}" if case.root else "0")  # fmt: skip
        parts.append(f"dd setup_{n}, {', '.join(rows)}\n")
    parts.append("dd 0\n")
    for n, case in enumerate(CASES):
        parts.append(f"setup_{n}:\n{case.setup}\nret\n")
        if case.code:
            parts.append(f"align 16\ncode_{n}:\n{case.code}\nvmcall\n")
        if case.again:
            parts.append(f"again_{n}:\n{case.again}\n.stop:\nstc\nret\n")
        if case.root:
            parts.append(f"root_{n}:\n{case.root}\nret\n")
    return "".join(parts)


def assemble_image() -> tuple[bytes, dict[str, int]]:
    """The bytes for 1 MiB, and the symbols."""
    from ringside.isa.assembler import assemble

    program = assemble(source(), name="bochs_vmx_harness.asm")
    return program.image, program.symbols


def reports(output: str, symbols: dict[str, int]) -> dict[str, list[str]]:
    """Case name to its reports, in order."""
    rows = {symbols["cases"] + 16 * n: case for n, case in enumerate(CASES)}
    places = {symbols["cases"] + 16 * n: symbols.get(f"code_{n}", 0) for n in range(len(CASES))}
    places[DOOR] = symbols["guest_door"]
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        head = line.partition(" ")[0]
        if len(head) == 8 and int(head, 16) in rows:
            case = rows[int(head, 16)]
            found.setdefault(case.name, []).append(parse_line(line, places))
    return found


def ask_bochs() -> dict[str, list[str]]:
    """Boot the image on Bochs."""
    image, symbols = assemble_image()
    return reports(bochs.boot(image, model=MODEL), symbols)


def ask_machine(*, by_steps: bool = False) -> dict[str, list[str]]:
    """Run the same bytes on our machine: in one stretch, or instruction by instruction."""
    from ringside.machine.loader import load
    from ringside.machine.machine import Machine

    image, symbols = assemble_image()
    machine = Machine()
    load(machine, image)
    if by_steps:
        while machine.outcome is None:
            machine.step()
    else:
        machine.run(20_000_000)
    return reports(machine.console, symbols)


def expected() -> dict[str, list[str]]:
    """The committed table: case name to its reports."""
    found: dict[str, list[str]] = {}
    for line in EXPECTED.read_text().splitlines():
        name, _, report = line.partition(" = ")
        found.setdefault(name, []).append(report)
    return found


def differences(mine: list[str], theirs: list[str]) -> str:
    """Where two lists of reports differ, for a person."""
    parts = []
    for number, (one, other) in enumerate(zip(mine, theirs, strict=False), 1):
        if one != other:
            left, right = one.split(), other.split()
            if len(left) == len(right) == len(NAMES):
                words = [
                    f"{name} {a} / {b}"
                    for name, a, b in zip(NAMES, left, right, strict=True)
                    if a != b
                ]
                parts.append(f"exit {number}: " + ", ".join(words))
            else:
                parts.append(f"exit {number}: {one} / {other}")
    if len(mine) != len(theirs):
        parts.append(f"{len(mine)} / {len(theirs)} reports")
    return "; ".join(parts)


def main() -> None:
    """Compare, and with ``--write`` store Bochs's answers."""
    theirs = ask_bochs()
    print(f"{len(CASES)} cases, Bochs answered {len(theirs)}")
    if "--write" in sys.argv:
        lines = [f"{case.name} = {report}" for case in CASES for report in theirs[case.name]]
        EXPECTED.write_text("\n".join(lines) + "\n")
        return
    ours = ask_machine()
    print(f"our machine answered {len(ours)}")
    for case in CASES:
        mine, other = ours.get(case.name, []), theirs.get(case.name, [])
        if mine != other:
            known = "known: " + MANUAL[case.name].why if case.name in MANUAL else case.section
            print(f"{case.name}: ours / Bochs: {differences(mine, other)} [{known}]")


__all__ = ["VmxCase", "ask_bochs", "ask_machine", "expected"]

if __name__ == "__main__":
    main()
