"""Bad source gets a clear problem at the right place; no input crashes or hangs the assembler."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.isa.assembler import AssemblyError, Problem, assemble
from ringside.isa.assembler.problems import MAX_PROBLEMS


def problems(source: str, **options: object) -> list[Problem]:
    with pytest.raises(AssemblyError) as caught:
        assemble(source, **options)  # type: ignore[arg-type]
    return caught.value.problems


def only(source: str, **options: object) -> Problem:
    found = problems(source, **options)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


@pytest.mark.parametrize(
    ("source", "column", "message", "expected"),
    [
        ("mvo eax, 5", 1, "`mvo` is not an instruction", "`mov`, or `mvo:` for a label"),
        ("mov eax", 1, "`mov` takes 2 operands, not 1", ""),
        ("hlt 5", 5, "`hlt` takes no operands, not 1", ""),
        ("mov 5, eax", 5, "operand 1 of `mov` cannot be a number", "a register, a memory operand"),
        ("lgdt eax", 6, "operand 1 of `lgdt` cannot be a register", "a memory operand"),
        ("mov eax, bl", 10, "the operands differ in size: `eax` 32 bits, `bl` 8 bits", ""),
        ("mov [ebx], 5", 5, "the size of this memory operand is not known", "`byte`, `word` or"),
        ("mov cr0, ax", 10, "`mov` cannot take `ax` as operand 2", "a register of 32 bits"),
        ("in eax, cx", 9, "`in` cannot take `cx` as operand 2", "`dx` or a number of 8 bits"),
        ("mov al, 300", 9, "300 does not fit in 8 bits", "-128 to 255"),
        ("dw 70000", 4, "70000 does not fit in 16 bits", "-32768 to 65535"),
        ("mov eax, [esp*2]", 10, "`esp` cannot be the index", "`esp` once"),
        ("mov eax, [al]", 10, "`al` cannot be part of an address", "a 32-bit register"),
        ("mov eax, [ebx+si]", 10, "an address cannot mix 16-bit and 32-bit registers", ""),
        ("mov eax, [ebx-ecx]", 14, "a register cannot be subtracted in an address", ""),
        ("mov eax, (1+2", 14, "`)` is missing", "`)` or an operator"),
        ("mov eax, 1 +", 13, "the expression ends too early", "a number, a symbol or `(`"),
        ("mov eax, 5 5", 12, "`5` does not fit here", "`,`, an operator or the end"),
        ("push eax,", 10, "an operand is missing", "a register, a number or a memory"),
        ("dd eax", 4, "register `eax` cannot be used here", "a number, a symbol or `(`"),
        ("db", 3, "`db` needs a value", "a number, string or label"),
        ("db 'abc", 4, "this string has no closing '", ""),
        ("db 0x", 4, "`0x` is not a whole number", ""),
        ("dd 1.5", 4, "`1.5` is not a whole number", ""),
        ("dd 1 / 0", 6, "division by zero", ""),
        ("dd 0x1_0000_0000_0000_0000", 4, "this number is wider than 64 bits", ""),
        ("add é, 1", 5, "the character U+00E9 may stand only in strings and comments", ""),
        ("lock mov eax, 1", 6, "`lock` cannot stand before `mov`", ""),
        ("eax: nop", 1, "`eax` already has a meaning", "another name"),
        ("jmp short $+200", 11, "the target is 200 bytes away", "no `short`"),
        ("loop $+200", 6, "the target is 200 bytes away; a short `loop`", "a nearer label"),
        ("bits 64", 1, "there is no 64-bit code here", "`bits 16` or `bits 32`"),
        ("times -1 nop", 1, "`times` cannot repeat -1 times", "a count from 0 up"),
        ("align 3", 1, "3 is not a power of two", "1, 2, 4, 8"),
        ("bits 16\nmov eax, [0x12345]", 10, "the address 0x12345 does not", "`[dword 0x12345]`"),
        ("x equ y\ny equ x + 1", 1, "`x` is defined by itself", "a value"),
        ("a equ b\nb equ a", 1, "`a` is defined by itself", "a value"),
        ("mov eax, 0x" + "f" * 500 + "g", 10, "`0x" + "f" * 38 + "…`", ""),
        ("%foo", 1, "`%foo` is not a directive", "%define, %macro"),
        ("%if nothing\n%endif", 5, "`%if` needs a value known while reading", "numbers"),
        ("%if 1", 1, "`%if` has no `%endif`", ""),
        ("%endif", 1, "`%endif` without an `%if`", ""),
        ("%macro x 0", 1, "`%macro` has no `%endmacro`", ""),
        ("%macro x\n%endmacro", 9, "the number of parameters is missing", "the number of"),
        ("%macro x 1\n%endmacro\nx 1, 2", 1, "macro `x` got 2 parameters", "exactly 1"),
        ("%define f(a) a\ndd f(1", 4, "`f(` has no `)`", "`)`"),
        ("%error stop here", 1, "stop here", ""),
        ('%include "x"', 10, "`x` cannot be included", ""),
        ("extern puts", 1, "there is no linker here", ""),
        ("section .bss\nnop", 1, "`.bss` has no bytes in the image", "resb"),
        ("org 1\norg 2", 1, "`org` may be given only once", ""),
    ],
)
def test_a_mistake_is_named_at_its_column_with_what_was_expected(
    source: str, column: int, message: str, expected: str
) -> None:
    problem = problems(source)[0]
    assert problem.message.startswith(message)
    assert problem.expected.startswith(expected) and bool(expected) <= bool(problem.expected)
    assert problem.column == column


def test_an_unknown_symbol_is_reported_with_the_name_that_was_meant() -> None:
    problem = only("start: jmp strat", name="lab.asm")
    assert str(problem) == "lab.asm:1:12: `strat` is not defined; expected `start`"


def test_a_name_defined_twice_tells_where_it_was_first() -> None:
    assert only("x: nop\nx: nop").message == "`x` is already defined at guest.asm:1"


def test_all_mistakes_are_reported_in_the_order_of_the_source() -> None:
    found = problems("jmp nowhere\nmvo eax, 1\nnop\npush\n")
    assert [problem.line for problem in found] == [1, 2, 4]


def test_no_more_problems_are_reported_than_a_person_reads() -> None:
    assert len(problems("bad line\n" * 1000)) == MAX_PROBLEMS


def test_a_mistake_inside_a_macro_names_the_line_that_used_it() -> None:
    problem = only("%macro m 0\nmvo eax, 1\n%endmacro\n\nm")
    assert problem.line == 2 and "in macro `m` used at guest.asm:5" in problem.message


def test_a_bad_parameter_is_reported_where_it_was_given() -> None:
    problem = only("%macro m 1\nmov eax, %1\n%endmacro\n\nm bl")
    assert (problem.line, problem.column) == (5, 3)


def test_a_missing_file_is_reported_where_it_is_included() -> None:
    problem = only('nop\n%include "gone.inc"', include={}.__getitem__)
    assert (problem.line, problem.column, problem.message) == (2, 10, "there is no file `gone.inc`")


def test_a_mistake_in_an_included_file_names_that_file() -> None:
    problem = only('%include "a.inc"', include={"a.inc": "nop\n push"}.__getitem__)
    assert (problem.file, problem.line) == ("a.inc", 2)


BOUNDS = {
    "times": ("times 1000000000 nop", "larger than 16 MiB"),
    "times of a jump": ("times 10000000 jmp $", "larger than 16 MiB"),
    "resb": ("resb 1 << 40", "larger than 16 MiB"),
    "bss at its end": ("section .bss\nresb 1 << 32", "pass 4 GiB"),
    "bss": ("section .bss\nresb 1 << 40", "pass 4 GiB"),
    "end of memory": ("org 0xfffffff0\ntimes 20 nop", "pass 4 GiB"),
    "macro that uses itself": ("%macro m 0\nm\nm\n%endmacro\nm", "uses itself without end"),
    "growing parameters": ("%macro m 1+\nm %1, %1\n%endmacro\nm a, b", "line is too long"),
    "growing words": ("%macro m 1\nm %1%1\n%endmacro\nm a", "uses itself without end"),
    "endless repetition": ("%rep 1 << 40\nnop\n%endrep", "more than 100000 lines"),
    "empty repetitions": ("%rep 1 << 40\n%rep 1 << 40\n%endrep\n%endrep", "more than 100000"),
    "doubling definitions": (
        "\n".join(f"%define a{i} a{i + 1} a{i + 1}" for i in range(60)) + "\ndd a0",
        "too long after expanding",
    ),
    "nested definitions": ("%define f(x) x\ndd " + "f(" * 5000 + "1" + ")" * 5000, "too deeply"),
    "nested parentheses": ("dd " + "(" * 100_000, "nested deeper"),
    "nested signs": ("dd " + "-" * 100_000 + "1", "nested deeper"),
    "long sum": ("x: dd " + "x + " * 100_000 + "1", "too long"),
    "include cycle": ('%include "self"', "does it include itself?"),
    "jumps": ("times 100000 jmp $", "at most 65536"),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_what_would_never_end_ends_with_a_clear_problem_within_seconds(case: str) -> None:
    source, message = BOUNDS[case]
    begin = time.perf_counter()
    found = problems(source, include=lambda name: '%include "self"')
    assert any(message in problem.message for problem in found), [str(p) for p in found]
    assert time.perf_counter() - begin < 10


WORDS = r"""
mov add jmp push lgdt in shl imul xchg loop movsb rep lock es o16 times align equ org bits db dd dq
resb resd section .bss .data .text global %define %macro %endmacro %rep %endrep %if %ifdef %elif
%else %endif %include %assign %undef %xdefine eax bl cx ds cr0 dr7 [ ] ( ) , : + - * / % << >> & |
^ ~ ! == && ? { } %1 %0 %{2} %%x %+ $ $$ .l x y x: .l: y: 0 1 -1 2 255 300 0x1000 1 << 31 ; \
0xffffffffff 'a' "abc" `\\n` ' byte word dword short near far strict word
"""
PIECES = st.sampled_from([*WORDS.split(), *"\n\n\n\n\n\n"])


def total(source: str) -> None:
    try:
        program = assemble(source, include={"abc": "x: nop\n%macro y 1"}.__getitem__)
    except AssemblyError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.line >= 1 and problem.column >= 1 and problem.message
    else:
        assert sum(length for *_, length in program.lines) <= len(program.image) + 2**32
        program.listing()


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=40))
def test_any_mixture_of_words_assembles_or_raises_an_assembly_error(pieces: list[str]) -> None:
    total(" ".join(pieces))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
def test_any_text_assembles_or_raises_an_assembly_error(text: str) -> None:
    total(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="%macrod efin12x()[]+*-,:\n 'ebp$.0", max_size=200))
def test_any_text_of_the_assemblers_letters_assembles_or_raises(text: str) -> None:
    total(text)
