"""The system rows on a real processor: who may, what happens, and what stays silent."""

from __future__ import annotations

import pytest
from ringside.isa.registers import (
    EAX,
    EBP,
    ECX,
    EDI,
    EDX,
    ESI,
    ESP,
    FLAG_CF,
    FLAG_ID,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_NT,
    FLAG_OF,
    FLAG_TF,
    FLAG_VIF,
    FLAG_VIP,
    FLAG_VM,
    FLAG_ZF,
    IOPL_SHIFT,
)
from ringside.isa.table import ROWS
from ringside.isa.width import D
from ringside.trace.events import FlagIgnored, Revealed

GP0 = (13, 0)
DATA = 0x9000

# One spelling of every row with privilege "cpl0"; a test holds the list to the table.
PRIVILEGED = {
    "lgdt": "lgdt [0x9000]", "lidt": "lidt [0x9000]", "lldt": "lldt ax", "ltr": "ltr ax",
    "lmsw": "lmsw ax", "clts": "clts", "invlpg": "invlpg [0x9000]", "invd": "invd",
    "wbinvd": "wbinvd", "hlt": "hlt", "rdmsr": "rdmsr", "wrmsr": "wrmsr",
    "mov to cr": "mov cr0, eax", "mov from cr": "mov eax, cr3", "mov to dr": "mov dr0, eax",
    "mov from dr": "mov eax, dr7",
}  # fmt: skip
BY_IOPL = ("cli", "sti", "in al, 0x80", "out 0x80, al", "insb", "outsb")
SENSITIVE_READS = ("sgdt [0x9000]", "sidt [0x9000]", "sldt eax", "str eax", "smsw eax")


def test_the_list_of_privileged_instructions_is_the_tables() -> None:
    listed = {name.split()[0] for name in PRIVILEGED}
    assert listed == {row.mnemonic for row in ROWS if row.privilege == "cpl0"}
    by_iopl = {row.mnemonic.rstrip("bwd") for row in ROWS if row.privilege == "iopl"}
    assert {text.split()[0].rstrip("b") for text in BY_IOPL} == by_iopl


@pytest.mark.parametrize("ring", [1, 2, 3])
@pytest.mark.parametrize("source", PRIVILEGED.values(), ids=PRIVILEGED)
def test_privileged_instructions_trap_in_every_outer_ring(bench, source, ring):
    bench.cpu.eflags |= FLAG_IOPL  # IOPL is no help
    bench.execute(source, ring)
    assert bench.fault == GP0


@pytest.mark.parametrize("source", BY_IOPL)
@pytest.mark.parametrize("iopl", range(4))
@pytest.mark.parametrize("ring", range(4))
def test_interrupt_flag_and_ports_need_cpl_not_above_iopl(bench, source, ring, iopl):
    bench.cpu.eflags = iopl << IOPL_SHIFT
    bench.load(source)
    bench.enter(ring)
    bench.cpu.regs[EDI] = bench.cpu.regs[ESI] = DATA
    bench.step()
    assert bench.fault == (None if ring <= iopl else GP0)


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("iopl", range(4))
@pytest.mark.parametrize("width", ["", "w"])
def test_popf_changes_what_the_manual_says_and_tells_what_it_kept(bench, ring, iopl, width):
    wanted = FLAG_IF | (3 - iopl) << IOPL_SHIFT | FLAG_NT | FLAG_ID | FLAG_CF | FLAG_OF
    wanted |= FLAG_VM | FLAG_VIF | FLAG_VIP  # never from the stack
    before = iopl << IOPL_SHIFT | 2
    bench.load(f"popf{width}")
    bench.enter(ring)
    bench.cpu.eflags = before
    bench.cpu.push(wanted, D)
    events = bench.listen()
    bench.step()
    assert bench.fault is None
    after = bench.cpu.eflags
    assert after & FLAG_NT and after & FLAG_CF and after & FLAG_OF
    assert bool(after & FLAG_ID) == (width == "")
    assert not after & (FLAG_VM | FLAG_VIF | FLAG_VIP)
    assert bool(after & FLAG_IF) == (ring <= iopl)
    assert after & FLAG_IOPL == (wanted if ring == 0 else before) & FLAG_IOPL
    kept = {event.flag for event in events if isinstance(event, FlagIgnored)}
    assert ("if" in kept, "iopl" in kept) == (ring > iopl, ring > 0)


def test_pushf_shows_the_real_flags_outside_ring_0(bench):
    bench.load("pushf")
    bench.enter(3)
    bench.cpu.eflags = FLAG_IF | 2
    events = bench.listen()
    bench.step()
    assert bench.top(0) == FLAG_IF | 2
    assert [event.value for event in events if isinstance(event, Revealed)] == [FLAG_IF | 2]


@pytest.mark.parametrize("source", SENSITIVE_READS)
@pytest.mark.parametrize("ring", range(4))
def test_umip_makes_the_sensitive_reads_trap_outside_ring_0(bench, source, ring):
    bench.cpu.cr4 |= 1 << 11
    bench.execute(source, ring)
    assert bench.fault == (GP0 if ring else None)


def test_sgdt_gives_back_what_lgdt_took(bench):
    bench.memory.write_bytes(DATA, bytes.fromhex("ff00785634120000"))
    bench.execute("lgdt [0x9000]\nsgdt [0x9010]", steps=2)
    assert bench.memory.read_bytes(DATA + 0x10, 6) == bytes.fromhex("ff0078563412")


def test_lgdt_with_a_word_operand_takes_24_bits_of_the_base(bench):
    bench.memory.write_bytes(DATA, bytes.fromhex("ff00785634120000"))
    bench.execute("o16 lgdt [0x9000]")
    assert bench.cpu.gdtr.base == 0x345678


def test_lmsw_sets_pe_but_never_clears_it(bench):
    bench.load("lmsw ax")
    bench.enter(0)
    bench.cpu.regs[EAX] = 0xFFFE
    bench.step()
    assert bench.cpu.cr0 & 0xF == 0xF
    assert bench.cpu.cr0 & ~0xF == 0x10


def test_clts_clears_the_task_switched_bit(bench):
    bench.cpu.cr0 |= 8
    bench.execute("clts")
    assert not bench.cpu.cr0 & 8


@pytest.mark.parametrize("bit", [1 << 2, 1 << 3])
def test_x87_instructions_are_nm_when_cr0_asks_and_else_ud(bench, bit):
    bench.execute("db 0xd9, 0xc0")
    assert bench.fault == (6, None)
    bench.cpu.cr0 |= bit
    bench.execute("db 0xd9, 0xc0")
    assert bench.fault == (7, None)


def test_wait_is_nm_only_with_mp_and_ts(bench):
    for bits in range(4):
        bench.cpu.cr0 = 0x11 | (bits & 1) << 1 | (bits >> 1) << 3
        bench.execute("wait")
        assert bench.fault == ((7, None) if bits == 3 else None)


def test_mov_to_cs_is_undefined(bench):
    bench.execute("db 0x8e, 0xc8")
    assert bench.fault == (6, None)


def test_protected_mode_instructions_are_undefined_in_real_mode(bench):
    for source in ("sldt ax", "str ax", "lar ax, bx", "lsl ax, bx", "verr ax", "arpl ax, bx"):
        bench.load(source, bits=32)
        bench.enter(0)
        bench.cpu.cr0 &= ~1
        code = bench.cpu.fetch()
        with pytest.raises(Exception, match="#UD"):
            code.run(bench.cpu)
        bench.cpu.cr0 |= 1


@pytest.mark.parametrize(
    ("selector", "other", "after", "zf"),
    [(0x10, 0x23, 0x13, True), (0x13, 0x20, 0x13, False), (0x11, 0x02, 0x12, True)],
)
def test_arpl_raises_the_requested_level(bench, selector, other, after, zf):
    bench.load("arpl ax, bx")
    bench.enter(3)
    bench.cpu.regs[EAX], bench.cpu.regs[3] = selector, other
    bench.step()
    assert bench.cpu.regs[EAX] == after
    assert bool(bench.cpu.eflags & FLAG_ZF) == zf


def test_enter_builds_the_frames_that_leave_takes_down(bench):
    bench.execute("enter 16, 0", 3)
    top = bench.STACKS[3] - 4
    assert (bench.cpu.regs[EBP], bench.cpu.regs[ESP]) == (top, top - 16)
    bench.load("leave")
    bench.cpu.eip = bench.CODE
    bench.step()
    assert bench.cpu.regs[ESP] == bench.STACKS[3]


def test_enter_copies_the_display_of_the_outer_procedures(bench):
    bench.load("enter 8, 3")
    bench.enter(3)
    bench.cpu.regs[EBP] = DATA + 0x40
    for back in range(1, 4):
        bench.memory.write32(DATA + 0x40 - 4 * back, 0x1110 + back)
    bench.step()
    frame = bench.STACKS[3] - 4
    stored = [bench.memory.read32(frame - 4 * n) for n in range(4)]
    assert stored == [DATA + 0x40, 0x1111, 0x1112, frame]
    assert (bench.cpu.regs[EBP], bench.cpu.regs[ESP]) == (frame, frame - 12 - 8)


@pytest.mark.parametrize("flags", [0, FLAG_OF])
def test_into_calls_handler_4_only_on_overflow(bench, flags):
    bench.load("into")
    bench.enter(0)
    bench.cpu.eflags = flags | 2
    bench.step()
    assert bench.fault == ((4, None) if flags else None)


def test_a_repeated_ins_and_outs_count_down_one_element_a_step(bench):
    bench.load("rep outsd\nrep insd")
    bench.enter(0)
    cpu = bench.cpu
    cpu.regs[EDX], cpu.regs[ECX], cpu.regs[ESI], cpu.regs[EDI] = 0x80, 3, DATA, DATA
    for left in (2, 1, 0):
        bench.step()
        assert cpu.regs[ECX] == left
    assert cpu.regs[ESI] == DATA + 12
    assert cpu.eip == bench.CODE + 2
    cpu.regs[ECX] = 2
    bench.step(2)
    assert bench.memory.read_bytes(DATA, 12) == b"\xff" * 8 + b"\0" * 4
    assert cpu.regs[EDI] == DATA + 8
    assert cpu.eip == bench.CODE + 4


def test_a_repeated_ins_with_nothing_to_do_touches_nothing(bench):
    bench.load("rep insb\nnop")
    bench.enter(3)  # not even the port is asked, so there is nothing to forbid
    bench.cpu.regs[ECX] = 0
    bench.step()
    assert bench.fault is None
    assert bench.cpu.eip == bench.CODE + 2


def test_popf_with_tf_traps_after_the_next_instruction(bench):
    bench.execute(f"push dword {FLAG_TF | 2}\npopf\nnop", steps=3)
    assert bench.fault == (1, None)
