"""The processor's counters: the same whether code is interpreted or translated, faults included."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.isa.assembler import assemble
from ringside.isa.decode import decode
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine

PROGRAM = assemble("""
bits 32
org 0x100000
start:  mov esp, 0x90000
        mov ecx, 700
outer:  mov eax, ecx
        and eax, 7
        jz even
        push ecx
        call work
        pop ecx
        jmp next
even:   lea edi, [ecx + 0x80000]        ; some of these cross a page
        mov [edi + 0x7FE], eax
        mov edi, 0x80000
        mov ecx, ecx
        stosd
next:   loop outer
        mov al, 0
        out 0xF4, al
work:   xor edx, edx
        mov ebx, [table + eax * 4 - 4]
        jmp ebx
one:    inc edx
two:    add edx, 2
        cmp edx, 2
        je three
        inc edx
three:  ret
table   dd one, two, three, one, two, three, one
""")


def addresses() -> list[int]:
    found, at, end = [], PROGRAM.origin, PROGRAM.symbols["table"]
    while at < end:
        found.append(at)
        at += decode(PROGRAM.image[at - PROGRAM.origin :][:15]).length
    return found


def machine(marks: dict[int, tuple[int, ...]]) -> Machine:
    made = Machine(2 << 20)
    load_program(made, PROGRAM)
    made.cpu.tally = [0] * 4
    made.cpu.marks = marks
    return made


@settings(max_examples=25, deadline=None)
@given(
    marks=st.dictionaries(
        st.sampled_from(addresses()),
        st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
    ),
    lengths=st.lists(st.integers(1, 4000), max_size=4),
)
def test_counters_are_the_same_however_the_code_is_run(
    marks: dict[int, tuple[int, ...]], lengths: list[int]
) -> None:
    fast, slow = machine(marks), machine(marks)
    for length in (*lengths, 6000):
        fast.run(length)
        for _ in range(length):
            slow.step()
        assert fast.cpu.tally == slow.cpu.tally
        assert fast.cpu.regs == slow.cpu.regs


def test_a_counter_counts_every_retirement_and_no_other() -> None:
    loop = PROGRAM.symbols["outer"]
    counted = machine({loop: (1,)})
    counted.run(100_000)
    assert counted.cpu.tally == [0, 700, 0, 0]
