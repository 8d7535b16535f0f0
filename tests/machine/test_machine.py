"""The assembled machine: time, interrupts, halts, outcomes; run(n) is n times step()."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside.isa.assembler import assemble
from ringside.isa.width import B
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.trace.events import Event, InterruptDelivered, Woken
from ringside.trace.freeze import differences
from small_pc import PRELUDE

MEMORY = 2 << 20

COUNTING = """
main:   mov al, 0xFE
        out 0x21, al
        mov ebx, 60
        call timer
        sti
.again: inc ecx
        mov eax, [ticks]
        cmp eax, 20
        jb .again
        mov edi, buffer
        mov ecx, 300
        rep stosb
        mov al, [ticks]
        out 0xF4, al
buffer: resb 512
"""

SLEEPING = """
main:   mov al, 0xFE
        out 0x21, al
        mov ebx, 5000
        call timer
        sti
.again: hlt
        mov al, 'z'
        out 0xE9, al
        cmp dword [ticks], 5
        jb .again
        cli
        hlt
"""

ECHOING = """
main:   mov al, 0xEF
        out 0x21, al
        call serial
        sti
.again: hlt
        jmp .again
"""

MASKED = """
main:   mov al, 0xFF
        out 0x21, al
        mov ebx, 100
        call timer
        sti
        hlt
"""


@cache
def program(main: str) -> Any:
    return assemble(PRELUDE + main)


def machine(main: str) -> Machine:
    made = Machine(MEMORY)
    load_program(made, program(main))
    return made


def test_a_timer_interrupts_a_counting_guest_twenty_times() -> None:
    guest = machine(COUNTING)
    heard: list[Event] = []
    guest.listener = heard.append
    assert guest.run(1_000_000) == "exit"
    assert guest.outcome is not None and guest.outcome.status == 20 << 1 | 1
    ticks = [event.time for event in heard if isinstance(event, InterruptDelivered)]
    assert len(ticks) == 20
    # 60 timer clocks at 10 MHz are 502.9 ticks; each is taken at the next instruction boundary
    gaps = {after - before for before, after in pairwise(ticks)}
    assert gaps <= {502, 503}


def test_a_halted_guest_sleeps_exactly_to_the_next_tick() -> None:
    guest = machine(SLEEPING)
    heard: list[Event] = []
    guest.listener = heard.append
    assert guest.run(1_000_000) == "halted"
    assert guest.console == "zzzzz"
    assert guest.steps < 300 and guest.time > 5 * 5000 * 8
    naps = [event.idle for event in heard if isinstance(event, Woken)]
    assert len(naps) == 5 and sum(naps) == guest.cpu.idle


def test_a_guest_waiting_for_input_says_so_and_goes_on_when_typed_at() -> None:
    guest = machine(ECHOING)
    assert guest.run(1_000_000) == "waiting"
    before = guest.steps
    assert guest.run(1_000_000) == "waiting" and guest.steps == before
    guest.type_text("hello")
    assert guest.outcome is None
    assert guest.run(1_000_000) == "waiting"
    assert guest.console == "hello"


def test_halting_with_every_interrupt_masked_is_waiting_not_an_endless_loop() -> None:
    guest = machine(MASKED)
    assert guest.run(1_000_000) == "waiting"


def test_a_triple_fault_shuts_the_machine_down() -> None:
    guest = Machine(MEMORY)
    load_program(guest, assemble("bits 32\norg 0x100000\nud2\n"))
    assert guest.run(100) == "shutdown"
    assert guest.run(100) == "shutdown"


def test_the_guest_can_reset_the_machine() -> None:
    guest = Machine(MEMORY)
    load_program(guest, assemble("bits 32\norg 0x100000\nmov al, 0xFE\nout 0x64, al\n"))
    assert guest.run(100) == "reset"


def test_the_disk_answers_a_guest_that_sleeps_for_it() -> None:
    guest = Machine(MEMORY, disk=b"\0" * 512 + b"found it".ljust(512, b"\0"))
    load_program(
        guest,
        assemble("""
        bits 32
        org 0x100000
start:  mov dx, 0x1F2
        mov al, 1
        out dx, al
        inc dx
        out dx, al          ; LBA 1
        mov dx, 0x1F6
        mov al, 0xE0
        out dx, al
        inc dx
        mov al, 0x20
        out dx, al
.wait:  in al, dx
        test al, 8
        jz .wait
        mov dx, 0x1F0
        mov edi, 0x180000
        mov ecx, 128
        rep insd
        cli
        hlt
    """),
    )
    assert guest.run(100_000) == "halted"
    assert guest.memory.read_bytes(0x180000, 8) == b"found it"


def test_the_digest_changes_with_registers_memory_and_console() -> None:
    first = machine(COUNTING)
    digests = {first.digest()}
    first.cpu.regs[0] ^= 1
    digests.add(first.digest())
    first.memory.write8(0x1F0000, 1)
    digests.add(first.digest())
    first.bus.port_out(0xE9, 65, B)
    digests.add(first.digest())
    assert len(digests) == 4


@pytest.mark.parametrize("main", [COUNTING, SLEEPING, ECHOING, MASKED])
def test_running_in_one_stretch_and_stepping_singly_end_alike(main: str) -> None:
    whole, single = machine(main), machine(main)
    whole.run(3000)
    for _ in range(3000):
        single.step()
    assert whole.steps == single.steps and whole.time == single.time
    assert whole.outcome == single.outcome and whole.digest() == single.digest()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    main=st.sampled_from([COUNTING, SLEEPING, ECHOING, MASKED]),
    pieces=st.lists(st.integers(1, 700), min_size=1, max_size=8),
    text=st.text("abc\n", max_size=4),
)
def test_run_n_is_n_times_step(main: str, pieces: list[int], text: str) -> None:
    whole, single = machine(main), machine(main)
    for piece in pieces:
        whole.run(piece)
        for _ in range(piece):
            single.step()
        for guest in (whole, single):
            guest.type_text(text)
        assert (whole.steps, whole.time, whole.outcome) == (
            single.steps, single.time, single.outcome,
        )  # fmt: skip
        assert whole.digest() == single.digest()
    # Not only what a guest can see: TLB, controllers, timers and all (but the interpreter's notes)
    notes = (".cpu.at:", ".cpu.trapping:", ".cpu.last_segs:")
    found = differences(whole.freeze(), single.freeze())
    assert [where for where in found if not where.startswith(notes)] == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    main=st.sampled_from([COUNTING, SLEEPING, ECHOING]),
    before=st.integers(0, 4000),
    between=st.integers(1, 4000),
)
def test_thawing_what_was_frozen_changes_nothing_that_follows(
    main: str, before: int, between: int
) -> None:
    guest = machine(main)
    guest.run(before)
    guest.type_text("x")
    picture, digest = guest.freeze(), guest.digest()
    guest.run(between)
    later = (guest.steps, guest.time, guest.outcome, guest.digest(), guest.console)
    guest.thaw(picture)
    assert guest.digest() == digest
    guest.run(between)
    assert later == (guest.steps, guest.time, guest.outcome, guest.digest(), guest.console)
    other = Machine(MEMORY)
    other.thaw(picture)
    assert other.digest() == digest, "a picture also makes a new machine"
    other.run(between)
    assert other.digest() == later[3]
