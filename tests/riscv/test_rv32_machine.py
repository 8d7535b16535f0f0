"""The RISC-V machine: traps, modes, protection, devices, and travelling in time."""

from __future__ import annotations

import pytest
from ringside.guests.riscv import SHELF, program
from ringside.riscv.assembler import assemble
from ringside.riscv.csr import MACHINE, MIE, MPIE, MPP, MPRV, TW, USER
from ringside.riscv.events import ExceptionTaken
from ringside.riscv.machine import RAM, RINGS, ImageError, RiscvMachine
from ringside.riscv.traps import (
    BREAKPOINT,
    CALL_FROM_MACHINE,
    CALL_FROM_USER,
    EXTERNAL,
    FETCH_FAULT,
    ILLEGAL,
    INTERRUPT,
    LOAD_FAULT,
    MISALIGNED_FETCH,
    MISALIGNED_LOAD,
    MISALIGNED_STORE,
    STORE_FAULT,
    TIMER,
)
from ringside.trace.events import ConsoleWritten, Event, Retired, SystemCalled
from ringside.trace.timeline import Timeline
from ringside.vmm.foreign import ForeignGuest

HANDLER = RAM + 0x800
EVERYTHING = "li t0, -1\ncsrw pmpaddr0, t0\nli t0, 0x1f\ncsrw pmpcfg0, t0\n"
TO_USER = "la t0, user\ncsrw mepc, t0\nli t0, 0x1800\ncsrc mstatus, t0\nmret\nuser:\n"
SET_HANDLER = f"li t0, {HANDLER}\ncsrw mtvec, t0\n"


def machine(source: str) -> RiscvMachine:
    """A machine with ``source`` and a handler that only waits."""
    made = RiscvMachine()
    made.load(assemble(SET_HANDLER + source))
    made.memory.write_bytes(HANDLER - RAM, (0x0000006F).to_bytes(4, "little"))  # j .
    return made


def trapped(source: str, limit: int = 100) -> RiscvMachine:
    """Run until the handler."""
    made = machine(source)
    for _ in range(limit):
        if made.pc == HANDLER:
            return made
        made.step()
    raise AssertionError(f"no trap in {limit} steps; pc is {made.pc:#x}")


@pytest.mark.parametrize(
    ("source", "cause", "value"),
    [
        ("ecall", CALL_FROM_MACHINE, 0),
        ("ebreak", BREAKPOINT, RAM + 12),
        (".word 0", ILLEGAL, 0),
        ("csrw mhartid, zero", ILLEGAL, 0xF1401073),
        ("csrr a0, 0x123", ILLEGAL, 0x12302573),
        ("li a0, 2\nlw a1, 0(a0)", MISALIGNED_LOAD, 2),
        ("li a0, 0x80000001\nsh a1, 0(a0)", MISALIGNED_STORE, 0x80000001),
        ("lw a1, 64(zero)", LOAD_FAULT, 64),
        ("sw a1, 64(zero)", STORE_FAULT, 64),
        ("li a0, 0x80000102\njr a0", MISALIGNED_FETCH, 0x80000102),
        ("li a0, 0x4000\njr a0", FETCH_FAULT, 0x4000),
        ("li a0, 0x10000000\njr a0", FETCH_FAULT, 0x10000000),  # code does not run from a device
        (EVERYTHING + TO_USER + "ecall", CALL_FROM_USER, 0),
        (EVERYTHING + TO_USER + "csrr a0, mstatus", ILLEGAL, 0x30002573),
        (EVERYTHING + TO_USER + "mret", ILLEGAL, 0x30200073),
        (EVERYTHING + TO_USER + "csrr a0, cycle", ILLEGAL, 0xC0002573),
        (TO_USER + "nop", FETCH_FAULT, RAM + 40),  # no region: user mode may touch nothing
    ],
)
def test_each_exception_has_its_cause_and_value(source: str, cause: int, value: int) -> None:
    hart = trapped(source).hart
    assert (hart.mcause, hart.mtval, hart.mode) == (cause, value, MACHINE)


def test_a_trap_saves_the_interrupt_enable_and_mode_and_mret_brings_them_back() -> None:
    made = trapped(EVERYTHING + f"csrsi mstatus, {MIE}\n" + TO_USER + "ecall")
    hart = made.hart
    # MRET took MIE from MPIE, which was 0; the trap then saved that 0.
    assert hart.mstatus & (MIE | MPP) == 0 and hart.mepc == made.hart.mepc & ~3
    hart.mstatus |= MPIE
    hart.return_from_trap()
    assert hart.mode == USER and hart.mstatus & MIE and hart.mstatus & MPIE
    assert hart.mstatus & MPP == 0


def test_a_trap_changes_no_register() -> None:
    made = machine("li a0, 5\nlw a0, 64(zero)")
    made.run(4)
    before = made.hart.x[:]
    made.step()
    assert made.hart.mcause == LOAD_FAULT and made.hart.x == before


def test_mprv_lends_the_rights_of_the_mode_before() -> None:
    hart = trapped(f"li t0, {MPRV}\ncsrs mstatus, t0\nlw a0, 0(t1)\nli t1, 0").hart
    assert hart.mcause == LOAD_FAULT and hart.mode == MACHINE


def test_wfi_in_user_mode_traps_only_with_tw() -> None:
    assert trapped(EVERYTHING + f"li t0, {TW}\ncsrs mstatus, t0\n" + TO_USER + "wfi"
                   ).hart.mcause == ILLEGAL
    made = machine(EVERYTHING + TO_USER + "wfi")
    assert made.run(100) == "halted"


@pytest.mark.parametrize("vectored", [0, 1])
def test_the_timer_interrupts_when_the_clock_reaches_it(vectored: int) -> None:
    made = machine(
        f"li t0, {HANDLER + vectored}\ncsrw mtvec, t0\nli t0, 0x2004000\nli t1, 40\n"
        "sw zero, 4(t0)\nsw t1, 0(t0)\nli t0, 0x80\ncsrw mie, t0\ncsrsi mstatus, 8\n1: j 1b")
    seen = -1
    for _ in range(80):
        made.step()
        if made.hart.mcause:
            seen = made.time
            break
    assert seen == 40
    assert made.hart.mcause == INTERRUPT | TIMER
    assert made.pc == HANDLER + 4 * TIMER * vectored


def test_typing_interrupts_a_guest_that_listens() -> None:
    made = machine(
        "li t0, 0x10000000\nli t1, 1\nsb t1, 1(t0)\nli t1, 0x800\ncsrw mie, t1\n"
        "csrsi mstatus, 8\nwfi\n1: j 1b")
    assert made.run(1000) == "waiting"
    made.type_text("k")
    made.step()
    assert made.hart.mcause == INTERRUPT | EXTERNAL and made.outcome is None
    assert made.uart.read(0, 1) == ord("k")


def test_a_wait_nothing_can_end_is_the_end() -> None:
    assert machine("wfi").run(100) == "halted"


def test_a_store_to_code_is_seen_by_the_next_fetch() -> None:
    made = machine(
        "li s0, 2\nla t0, 1f\nlw t1, new\n1: li a0, 1\nsw t1, 0(t0)\naddi s0, s0, -1\n"
        "bnez s0, 1b\nebreak\nnew: li a0, 7".replace("lw t1, new", "la t2, new\nlw t1, 0(t2)"))
    made.run(20)
    assert made.hart.mcause == BREAKPOINT and made.hart.x[10] == 7


@pytest.mark.parametrize("guest", SHELF)
def test_run_is_step_by_step_and_ends_well(guest: str) -> None:
    whole, single = RiscvMachine(), RiscvMachine()
    for made in (whole, single):
        made.load(program(guest))
    assert whole.run(10**6) == "exit" and whole.outcome is not None and whole.outcome.status == 0
    for _ in range(3000):
        single.step()
    other = RiscvMachine()
    other.load(program(guest))
    other.run(1234)
    other.run(3000 - 1234)
    assert single.digest() == other.digest() and single.steps == other.steps
    single.run(10**6)
    assert (single.steps, single.digest()) == (whole.steps, whole.digest())


def test_the_tour_prints_what_it_should() -> None:
    made = RiscvMachine()
    made.load(program("tour"))
    made.run(10**6)
    assert made.console.splitlines() == [
        "kernel: machine mode", "program: user mode", "42925", "kernel: denied, cause 2",
        "kernel: denied, cause 7", "144", "kernel: program ended, timer interrupts: 2",
    ]  # fmt: skip


def test_the_sieve_counts_the_primes() -> None:
    made = RiscvMachine()
    made.load(program("primes"))
    made.run(10**6)
    composite = {m for n in range(2, 3000) for m in range(2 * n, 3000, n)}
    assert made.console == f"{2998 - len(composite)}\n"


def test_a_timeline_goes_to_any_step_and_finds_events() -> None:
    made = RiscvMachine()
    made.load(program("tour"))
    timeline = Timeline(made, rings=RINGS, keyframe_every=500)
    end = timeline.seek(10**6)
    last = made.digest()
    states = {}
    for step in (4000, 700, 2345, 1):
        timeline.seek(step)
        states[step] = made.digest()
    fresh = RiscvMachine()
    fresh.load(program("tour"))
    for step in sorted(states):
        fresh.run(step - fresh.steps)
        assert fresh.digest() == states[step]
    assert timeline.next("syscall") and any(type(e) is SystemCalled for e in timeline.events)
    assert timeline.next("exception") and any(type(e) is ExceptionTaken for e in timeline.events)
    assert timeline.seek(end) == end and made.digest() == last
    segments = timeline.summary(["syscall"])["segments"]
    assert {context for _, _, context in segments} == {"kernel", "app"}


def test_the_listener_hears_instructions_and_the_console() -> None:
    heard: list[Event] = []
    made = machine("li t0, 0x10000000\nli t1, 'A'\nsb t1, 0(t0)")
    made.listener = heard.append
    made.run(6)
    texts = [event.text for event in heard if type(event) is Retired]
    assert texts[-1] == "sb t1, 0(t0)" and len(texts) == 6
    assert [event.text for event in heard if type(event) is ConsoleWritten] == ["A"]


def test_a_program_outside_ram_is_refused_with_the_remedy() -> None:
    with pytest.raises(ImageError, match=r"\.org 0x80000000"):
        RiscvMachine().load(assemble(".org 0x1000\nnop"))


@pytest.mark.parametrize("steps", [1, 77, 1000, 3000])
def test_the_emulated_guest_is_the_same_after_time_travel(steps: int) -> None:
    straight, travelled = (ForeignGuest(program("tour")) for _ in range(2))
    timeline = Timeline(travelled)  # type: ignore[arg-type]
    timeline.seek(4000)
    timeline.seek(0)
    timeline.seek(steps)
    straight.run(steps)
    assert travelled.digest() == straight.digest()
