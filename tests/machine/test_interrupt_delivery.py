"""Through the IDT and back: frames, flags, gates, double and triple faults, and single steps."""

from __future__ import annotations

import pytest
from ringside.isa.assembler import assemble
from ringside.isa.faults import NotModelled
from ringside.isa.registers import (
    CS,
    EAX,
    EBX,
    ECX,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_NT,
    FLAG_RF,
    FLAG_TF,
    FLAG_ZF,
    SS,
)
from ringside.isa.width import D
from ringside.machine import descriptors as layout
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import gate_descriptor, segment_descriptor
from ringside.machine.segmentation import real_segment
from ringside.trace.events import FaultRaised, InterruptDelivered, RingChanged, SystemCalled, Woken

FLAT = 0xFFFF_FFFF
DB, UD, DF, TS, NP, SS_FAULT, GP, PF = 1, 6, 8, 10, 11, 12, 13, 14
FREE = 0x50


def gate(bench, vector, **fields):
    kind = fields.pop("type", layout.INTERRUPT_GATE32)
    target = fields.pop("selector", bench.code(0))
    bench.gate(vector, gate_descriptor(target, bench.handler(vector), kind, **fields))


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("dpl", range(4))
def test_int_n_needs_a_gate_whose_dpl_is_not_below_cpl(bench, ring, dpl):
    gate(bench, 0x80, dpl=dpl)
    bench.execute("int 0x80", ring)
    if ring <= dpl:
        assert bench.fault == (0x80, None)
    else:
        assert bench.fault == (GP, 0x80 * 8 + 2)
        assert bench.top(1) == bench.CODE


def test_exceptions_and_interrupts_ignore_the_gates_dpl(bench):
    bench.execute("ud2", 3)
    assert bench.fault == (UD, None)


@pytest.mark.parametrize("ring", [1, 2, 3])
def test_an_outer_ring_finds_its_stack_under_the_frame(bench, ring):
    events = bench.listen()
    gate(bench, 0x80, dpl=3)
    bench.load("nop\nint 0x80")
    bench.enter(ring)
    bench.cpu.set_eflags(FLAG_IF | FLAG_ZF, FLAG_IF | FLAG_ZF)
    bench.cpu.regs[EAX] = 4
    bench.step(2)
    frame = [bench.top(n) for n in range(5)]
    flags = 2 | FLAG_IF | FLAG_ZF
    assert frame == [
        bench.CODE + 3, bench.code(ring), flags, bench.STACKS[ring], bench.data(ring)
    ]  # fmt: skip
    assert bench.cpu.segs[SS].selector == bench.data(0)
    assert bench.cpu.regs[ESP] == bench.STACKS[0] - 20
    assert [e.after for e in events if isinstance(e, RingChanged)] == [0]
    calls = [(e.vector, e.number, e.eip) for e in events if isinstance(e, SystemCalled)]
    assert calls == ([(0x80, 4, bench.CODE + 1)] if ring == 3 else [])


def test_the_same_ring_keeps_its_stack(bench):
    bench.execute("int 0x20")
    assert bench.cpu.regs[ESP] == bench.STACKS[0] - 12
    assert [bench.top(n) for n in range(3)] == [bench.CODE + 2, bench.code(0), 2]


def test_a_handler_may_live_in_ring_1(bench):
    gate(bench, 0x80, dpl=3, selector=bench.code(1))
    bench.execute("int 0x80", 3)
    assert (bench.cpu.cpl, bench.cpu.segs[SS].selector) == (1, bench.data(1))


def test_a_handler_never_lives_in_an_outer_ring(bench):
    gate(bench, 0x80, dpl=3, selector=bench.code(2))
    bench.execute("int 0x80", 1)
    assert bench.fault == (GP, bench.code(2) & ~3)


@pytest.mark.parametrize(
    ("kind", "cleared"),
    [
        (layout.INTERRUPT_GATE32, FLAG_IF | FLAG_NT | FLAG_TF),
        (layout.TRAP_GATE32, FLAG_NT | FLAG_TF),
    ],
)
def test_an_interrupt_gate_clears_if_and_a_trap_gate_does_not(bench, kind, cleared):
    gate(bench, 0x80, type=kind)
    bench.load("int 0x80")
    bench.enter(0)
    everything = FLAG_IF | FLAG_NT | FLAG_TF
    bench.cpu.set_eflags(everything, everything)
    bench.step()
    assert bench.fault == (0x80, None)  # and no single-step trap inside the handler
    assert bench.cpu.eflags & everything == everything & ~cleared
    assert bench.top(2) & everything == everything


def test_a_16_bit_gate_pushes_words(bench):
    gate(bench, 0x80, dpl=3, type=layout.INTERRUPT_GATE16)
    bench.execute("int 0x80", 3)
    cpu = bench.cpu
    assert cpu.regs[ESP] == bench.STACKS[0] - 10
    words = [bench.memory.read16(cpu.regs[ESP] + 2 * n) for n in range(5)]
    assert words == [bench.CODE + 2, bench.code(3), 2, bench.STACKS[3], bench.data(3)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"present": False}, (NP, 0x80 * 8 + 2)),
        ({"type": layout.CALL_GATE32}, (GP, 0x80 * 8 + 2)),
        ({"selector": 0}, (GP, 0)),
        ({"selector": 0xFFF8}, (GP, 0xFFF8)),
        ({"selector": 0x10}, (GP, 0x10)),
        ({"selector": FREE}, (NP, FREE)),
    ],
)
def test_a_bad_gate_names_what_is_wrong(bench, change, fault):
    bench.descriptor(FREE, segment_descriptor(0, FLAT, 0xB, present=False))
    gate(bench, 0x80, dpl=3, **change)
    bench.execute("int 0x80", 3)
    assert bench.fault == fault


def test_a_vector_beyond_the_idt_is_gp(bench):
    bench.cpu.load_idt(bench.IDT, 0x80 * 8 + 6)
    bench.execute("int 0x80")
    assert bench.fault == (GP, 0x80 * 8 + 2)


def test_a_task_gate_says_that_it_is_not_modelled(bench):
    bench.gate(0x80, gate_descriptor(bench.TSS_SELECTOR, 0, layout.TASK_GATE, dpl=3))
    bench.load("int 0x80")
    bench.enter(3)
    with pytest.raises(NotModelled, match="vector 128"):
        bench.step()


def test_a_fault_saves_its_own_instruction_and_sets_rf_in_the_image(bench):
    bench.execute("nop\nud2", 3, steps=2)
    assert bench.top(0) == bench.CODE + 1
    assert bench.top(2) & FLAG_RF


@pytest.mark.parametrize(("source", "vector", "after"), [("int3", 3, 1), ("int 3", 3, 2)])
def test_breakpoints_save_the_next_instruction(bench, source, vector, after):
    gate(bench, vector, dpl=3)
    bench.load("db 0xcc" if source == "int3" else "db 0xcd, 3")
    bench.enter(3)
    bench.step()
    assert bench.fault == (vector, None)
    assert bench.top(0) == bench.CODE + after
    assert not bench.top(2) & FLAG_RF


def test_error_codes_are_pushed_last(bench):
    bench.execute("mov ax, 0x10\nmov ds, ax", 3, steps=2)
    assert bench.fault == (GP, 0x10)
    assert bench.top(1) == bench.CODE + 4
    assert bench.top(2) == bench.code(3)


# -- faults within faults -----------------------------------------------------------------------


def test_a_contributory_fault_during_a_contributory_fault_is_a_double_fault(bench):
    gate(bench, GP, present=False)  # delivering #GP raises #NP
    bench.execute("mov ax, 0x10\nmov ds, ax", 3, steps=2)
    assert bench.fault == (DF, 0)
    assert bench.top(1) == bench.CODE + 4


def test_a_fault_during_a_benign_exception_is_just_that_fault_with_ext(bench):
    gate(bench, UD, present=False)
    bench.execute("ud2", 3)
    assert bench.fault == (NP, UD * 8 + 2 + 1)


def test_a_fault_during_an_external_interrupt_has_ext(bench):
    cpu = bench.cpu
    gate(bench, 0x20, present=False)
    bench.load("nop")
    bench.enter(3)
    cpu.set_eflags(FLAG_IF, FLAG_IF)
    cpu.interrupt_line, cpu.acknowledge = True, lambda: 0x20
    bench.step()
    assert bench.fault == (NP, 0x20 * 8 + 2 + 1)


def test_a_fault_during_a_double_fault_shuts_the_processor_down(bench):
    events = bench.listen()
    bench.cpu.load_idt(0, 0)
    bench.execute("ud2")
    assert bench.cpu.shutdown
    assert bench.step() == "shutdown"
    vectors = [e.vector for e in events if isinstance(e, FaultRaised)]
    assert vectors == [UD, GP, GP, DF, GP]


# -- external interrupts ------------------------------------------------------------------------


def raise_line(bench, vector=0x20):
    def acknowledge():
        bench.cpu.interrupt_line = False
        return vector

    bench.cpu.interrupt_line, bench.cpu.acknowledge = True, acknowledge


def test_an_interrupt_is_a_step_of_its_own_between_instructions(bench):
    events = bench.listen()
    bench.load("nop\nnop")
    bench.enter(0)
    bench.cpu.set_eflags(FLAG_IF, FLAG_IF)
    bench.step()
    raise_line(bench)
    before = bench.cpu.time, bench.cpu.steps
    bench.step()
    assert bench.fault == (0x20, None)
    assert bench.top(0) == bench.CODE + 1
    assert (bench.cpu.time, bench.cpu.steps) == (before[0], before[1] + 1)
    assert [e.vector for e in events if isinstance(e, InterruptDelivered)] == [0x20]


def test_with_if_clear_an_interrupt_waits(bench):
    bench.load("nop\nnop")
    bench.enter(0)
    raise_line(bench)
    bench.step(2)
    assert bench.fault is None
    assert bench.cpu.interrupt_line


@pytest.mark.parametrize("guard", ["sti", "mov ss, ax", "pop ss"])
def test_sti_and_loading_ss_hold_interrupts_for_one_instruction(bench, guard):
    cpu = bench.cpu
    bench.load(f"{guard}\nnop\nnop")
    bench.enter(0)
    cpu.regs[EAX] = bench.data(0)
    bench.memory.write32(cpu.regs[ESP], bench.data(0))
    if guard != "sti":
        cpu.set_eflags(FLAG_IF, FLAG_IF)
    bench.step()
    raise_line(bench)
    bench.step()  # the instruction under protection
    assert bench.fault is None
    bench.step()
    assert bench.fault == (0x20, None)


def test_sti_with_if_already_set_holds_nothing(bench):
    bench.load("sti\nnop")
    bench.enter(0)
    bench.cpu.set_eflags(FLAG_IF, FLAG_IF)
    bench.step()
    raise_line(bench)
    bench.step()
    assert bench.fault == (0x20, None)


def test_hlt_waits_and_an_interrupt_wakes_it(bench):
    cpu = bench.cpu
    bench.load("hlt\nnop")
    bench.enter(0)
    cpu.set_eflags(FLAG_IF, FLAG_IF)
    bench.step()
    assert cpu.halted
    assert bench.step() == "halt"
    raise_line(bench)
    assert bench.step() == ""
    assert not cpu.halted
    assert bench.top(0) == bench.CODE + 1


def test_waking_tells_how_long_this_halt_was(bench):
    cpu = bench.cpu
    events = bench.listen()
    for ticks in (100, 7):
        bench.load("hlt")
        bench.enter(0)
        cpu.set_eflags(FLAG_IF, FLAG_IF)
        bench.step()
        cpu.sleep(ticks)
        raise_line(bench)
        bench.step()
    assert [e.idle for e in events if isinstance(e, Woken)] == [100, 7]
    assert cpu.time == 109
    assert cpu.steps == 4


def test_a_rep_can_be_interrupted_between_elements(bench):
    cpu = bench.cpu
    bench.load("rep stosb")
    bench.enter(0)
    cpu.set_eflags(FLAG_IF, FLAG_IF)
    cpu.regs[ECX], cpu.regs[7] = 3, 0x4000
    bench.step()
    raise_line(bench)
    bench.step()
    assert bench.top(0) == bench.CODE  # back to the instruction itself
    assert cpu.regs[ECX] == 2


# -- single steps -------------------------------------------------------------------------------


def test_tf_traps_after_the_next_instruction(bench):
    bench.execute("pushf\nor dword [esp], 0x100\npopf\nmov ebx, 1\nmov ebx, 2", 0, steps=3)
    assert bench.fault is None
    bench.step()
    assert bench.fault == (DB, None)
    assert bench.cpu.regs[EBX] == 1
    assert bench.top(0) == bench.CODE + 1 + 7 + 1 + 5
    assert bench.cpu.dr[6] & 1 << 14
    assert not bench.cpu.eflags & FLAG_TF


def test_loading_ss_defers_the_trap(bench):
    bench.load("mov ss, ax\nmov ebx, 1")
    bench.enter(0)
    bench.cpu.regs[EAX] = bench.data(0)
    bench.cpu.set_eflags(FLAG_TF, FLAG_TF)
    bench.step()
    assert bench.fault is None
    bench.step()
    assert bench.fault == (DB, None)


def test_a_fault_comes_instead_of_the_trap(bench):
    bench.load("ud2")
    bench.enter(0)
    bench.cpu.set_eflags(FLAG_TF, FLAG_TF)
    bench.step()
    assert bench.fault == (UD, None)


# -- IRET ---------------------------------------------------------------------------------------


def iret(bench, ring, cs, flags, outer=()):
    pushes = [*reversed(outer), flags, cs, 0x9000]
    source = "\n".join(f"push dword {value}" for value in pushes) + "\niret"
    bench.load(source)
    bench.enter(ring)
    bench.step(len(pushes) + 1)


@pytest.mark.parametrize("iopl", range(4))
@pytest.mark.parametrize("ring", range(4))
def test_iret_changes_if_up_to_iopl_and_iopl_only_in_ring_0(bench, ring, iopl):
    bench.cpu.set_eflags(iopl << 12, FLAG_IOPL)
    iret(bench, ring, bench.code(ring), FLAG_IF | FLAG_IOPL | FLAG_ZF)
    flags = bench.cpu.eflags
    assert bench.cpu.eip == 0x9000
    assert flags & FLAG_ZF
    assert bool(flags & FLAG_IF) == (ring <= iopl)
    assert (flags & FLAG_IOPL) >> 12 == (3 if ring == 0 else iopl)


def test_iret_with_nt_is_a_task_switch_and_not_modelled(bench):
    bench.load("iret")
    bench.enter(0)
    bench.cpu.set_eflags(FLAG_NT, FLAG_NT)
    with pytest.raises(NotModelled, match="NT"):
        bench.step()


def test_iret_to_virtual_8086_mode_is_not_modelled(bench):
    with pytest.raises(NotModelled, match="8086"):
        iret(bench, 0, bench.code(0), 0x20002)


def test_an_interrupt_and_iret_are_inverse_in_every_ring(bench):
    gate(bench, 0x80, dpl=3)
    bench.memory.write8(bench.handler(0x80), 0xCF)
    for ring in range(4):
        bench.load("int 0x80")
        bench.enter(ring)
        cpu = bench.cpu
        before = (cpu.regs[:], cpu.segs[CS].selector, cpu.segs[SS].selector, cpu.eflags)
        bench.step(2)
        after = (cpu.regs[:], cpu.segs[CS].selector, cpu.segs[SS].selector, cpu.eflags)
        assert after == before
        assert cpu.eip == bench.CODE + 2


# -- the monitor's seam -------------------------------------------------------------------------


def test_reaching_the_monitor_in_ring_0_stops_with_entry(bench):
    bench.cpu.monitor = range(bench.HANDLERS, bench.HANDLERS + 0x400)
    bench.load("ud2")
    bench.enter(3)
    assert bench.step() == "entry"
    bench.load("jmp $", at=bench.handler(7))
    bench.enter(3, bench.handler(7))
    assert bench.step() == ""  # the same addresses in another ring are nobody's entry


def test_the_monitor_leaves_with_iret(bench):
    cpu = bench.cpu
    cpu.monitor = range(bench.HANDLERS, bench.HANDLERS + 0x400)
    bench.load("ud2\nmov ebx, 5")
    bench.enter(1)
    assert bench.step() == "entry"
    bench.memory.write32(cpu.regs[ESP], bench.CODE + 2)  # skip the instruction
    cpu.iret(D)
    assert (cpu.cpl, cpu.eip) == (1, bench.CODE + 2)
    assert bench.step() == ""
    assert cpu.regs[EBX] == 5


# -- real mode ----------------------------------------------------------------------------------


def test_real_mode_goes_through_the_vector_table(bench):
    cpu = bench.cpu
    cpu.cr0 = 0x10
    cpu.load_idt(0, 0x3FF)
    bench.memory.write32(0x21 * 4, 0x0500_0010)
    bench.memory.write8(0x5010, 0xCF)
    cpu.segs = [real_segment(0) for _ in range(6)]
    bench.load("int 0x21", bits=16)
    cpu.eip, cpu.regs[ESP] = bench.CODE, 0x7000
    cpu.set_eflags(FLAG_IF, FLAG_IF)
    bench.step()
    assert (cpu.segs[CS].selector, cpu.eip) == (0x500, 0x10)
    assert not cpu.eflags & FLAG_IF
    assert [bench.memory.read16(0x6FFA + 2 * n) for n in range(3)] == [bench.CODE + 2, 0, 0x202]
    bench.step()
    assert (cpu.segs[CS].selector, cpu.eip, cpu.regs[ESP]) == (0, bench.CODE + 2, 0x7000)
    assert cpu.eflags & FLAG_IF


def test_a_boot_sector_can_enter_protected_mode(bench):
    memory = bench.memory
    cpu = Cpu(memory)
    cpu.segs = [real_segment(0) for _ in range(6)]
    cpu.eip = 0x7C00
    program = assemble(
        """
        bits 16
        cli
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:inside
        bits 32
inside: mov ax, 16
        mov ds, ax
        mov ss, ax
        mov esp, 0x9000
        mov dword [0x8000], 0x12345678
        push dword 7
        hlt
        align 8
gdt:    dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:   dw 23
        dd gdt
        """,
        origin=0x7C00,
    )
    memory.write_bytes(0x7C00, program.image)
    assert cpu.run(100) == "halt"
    assert memory.read32(0x8000) == 0x12345678
    assert memory.read32(0x8FFC) == 7
    assert cpu.time == 13
