"""A guest and its paravirtual version: one source, and every difference between them shown."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.guests.porting import PORT, PORTED, Change, difference, native_source
from ringside.isa.assembler import assemble
from ringside.isa.decode import decode
from ringside.isa.disassemble import disassemble
from ringside.isa.row import classify

TROUBLE = {"cli", "sti", "hlt", "lgdt", "lidt", "ltr", "invlpg", "iret", "popf"}


def mnemonics(changes: tuple[Change, ...], ported: bool) -> list[str]:
    sides = [change.ported if ported else change.native for change in changes]
    return [decode(code).mnemonic for side in sides for _, code, _ in side.code]


def test_what_nanos_gives_up_is_what_de_privileging_breaks() -> None:
    found = difference("nanos")
    removed = mnemonics(found.changes, ported=False)
    assert {"cli", "sti", "hlt", "lgdt", "lidt", "ltr", "invlpg", "iret"} <= set(removed)
    added = mnemonics(found.changes, ported=True)
    assert added.count("int") >= 13, "hypercalls"
    assert not TROUBLE & set(added)


def test_outside_the_changes_the_two_have_the_same_instructions() -> None:
    found = difference("nanos")
    programs = []
    for built in (guests.program("nanos"), guests.program("nanos", {PORT: 1})):
        at = built.symbols["user_image"] - built.origin
        programs.append(built.image[at : at + 4096])
    assert programs[0] == programs[1], "programs need no porting"
    assert found.instructions - found.removed_instructions > 400


def test_the_kernel_keeps_no_privileged_instruction_but_port_io() -> None:
    program = guests.program("nanos", {PORT: 1})
    kernel = range(program.origin, program.symbols["user_image"])
    left = set()
    for address, file, line, length in program.lines:
        code = program.image[address - program.origin :][:length]
        text = set(program.files[file].split("\n")[line - 1].split(";")[0].split())
        data = text & {"db", "dd", "dq", "dw", "row", "times"}
        if address not in kernel or not length or data:
            continue
        _, insn, _ = next(disassemble(code, address, 32))
        if insn is not None and insn.length == length and classify(insn.row) != "innocuous":
            left.add(insn.mnemonic)
    assert {"in", "out"} <= left
    assert not left & (TROUBLE | {"pushf", "sgdt", "sidt", "str", "smsw"})


@pytest.mark.parametrize("guest", PORTED)
def test_the_native_source_is_the_native_guest(guest: str) -> None:
    bare = assemble(
        native_source(guests.source(guest)), name=f"{guest}.asm",
        include=lambda name: native_source(guests.include(name)),
    )  # fmt: skip
    assert bare.image == guests.program(guest).image


def test_a_change_of_operand_only_is_shown_too() -> None:
    changes = difference("nanos").changes
    texts = [
        (change.native.code[0][2], change.ported.code[0][2])
        for change in changes
        if change.native.lines == change.ported.lines and change.native.code
    ]
    assert ("mov eax, 0x10", "mov eax, 0x11") in texts, "the kernel's selectors name ring 1"
    assert all(one.split()[0] == other.split()[0] for one, other in texts)


def test_porting_nanos_changes_a_tenth_of_its_lines() -> None:
    found = difference("nanos")
    assert 0.05 < found.removed_lines / found.lines < 0.12
    assert found.added_lines < 130


def test_a_guest_that_needs_no_change_has_none() -> None:
    assert difference("port_io").changes == ()
