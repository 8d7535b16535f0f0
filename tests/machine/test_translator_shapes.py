"""The shapes that make translated code fast; losing one would show only in the benchmark."""

from __future__ import annotations

import ast

from ringside.isa.assembler import assemble
from ringside.isa.decode import decode
from ringside.machine.translator.graph import discover, plan
from ringside.machine.translator.mode import Mode, Shape
from ringside.machine.translator.region import Translator

FLAT = Mode(32, 0xFFFF_FFFF, 0, (Shape(0, 0, 0xFFFF_FFFF + 16, True, True),) * 6)


def written(source):
    """The text of the function made for ``source``, and its chunks' offsets by label."""
    program = assemble(f"bits 32\n{source}", origin=0x1000)
    names = {offset: name for name, offset in program.symbols.items()}

    def find(eip):
        code = program.image[eip - 0x1000 :]
        insn = decode(code, 32) if code else None
        return insn if insn and insn.row.kind != "system" else None

    translator = Translator(FLAT, frozenset())
    blocks = discover(program.entry, find, lambda target: True)
    region = translator.translate(program.entry, plan(program.entry, blocks))
    chunks = [names.get(offset, offset) for offset in region.entries]
    return ast.unparse(ast.fix_missing_locations(translator.module)), chunks


def test_a_loop_is_one_for_statement_over_the_budget():
    text, chunks = written("again: add eax, [esi]\nadd esi, 4\ndec ecx\njnz again\nhlt")
    assert chunks == ["again"]
    assert "for left in range(left - 4, -1, -4):" in text


def test_two_arms_that_meet_again_stay_in_one_chunk():
    text, chunks = written("again: shr eax, 1\njnc even\nxor eax, 5\neven: dec ecx\njnz again\nhlt")
    assert chunks == ["again"]
    assert "join" not in text


def test_flags_nobody_can_ask_for_are_not_kept():
    text, _ = written("start: add eax, ebx\nadd ecx, edx\ncmp ecx, 9\njne start\nhlt")
    assert "f1a = ecx" in text  # of the comparison: the two additions are no sites
    assert "f2" not in text


def test_a_conditional_jump_compares_the_operands_and_computes_no_flag():
    text, _ = written("start: inc eax\ncmp eax, ebx\njb start\nhlt")
    assert "if f1a < f1b:" in text


def test_a_stack_pointer_is_checked_for_alignment_once():
    text, _ = written("start: push eax\npush ebx\npop eax\npop ebx\nret")
    assert text.count("raise Retry") == 1


def test_a_call_and_its_return_stay_in_the_function():
    text, chunks = written("start: call twice\nagain: call twice\njmp start\ntwice: ret")
    assert sorted(map(str, chunks)) == ["4106", "again", "start", "twice"]
    assert "find(eip" in text


def test_a_sum_that_stays_in_range_is_not_masked():
    text, _ = written("start: mov al, [esi]\nmovzx ecx, al\nadd ecx, 7\nmov [edi], ecx\nret")
    assert "ecx + 7" in text.replace("ecx = (eax & 255) + 7", "ecx + 7")
    assert "ecx & 4294967295" not in text.split("regs[1]")[0].split("m32[edi")[0].split("ecx =")[-1]


def test_an_address_is_never_masked():
    text, _ = written("start: mov eax, [ebx + ecx*4 + 8]\nret")
    assert "rd[" in text
    assert "4294967295" not in text.split("find(")[0]
