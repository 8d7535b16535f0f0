"""What traps is emulated on the virtual CPU; what does not trap goes wrong, as it must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ringside.host.systems import Virtualized
from ringside.isa.registers import CS, DS, EAX, EBX, ECX, ESP, FLAG_IF, SS
from ringside.machine.control import CR4_TSD
from ringside.trace.events import Emulated, FlagIgnored, Injected, Resumed, VmmEntered

RunUntil = Callable[[Virtualized, int], None]

FINISH = "\n mov al, 0\n out 0xF4, al\n"


def test_the_guest_kernel_runs_in_ring_1_and_believes_in_ring_0(bench: Any) -> None:
    system = bench.virtual("start: nop\n nop\n jmp start")
    system.run(20)
    assert system.vmm.in_guest
    assert system.machine.cpu.cpl == 1
    assert system.guest_cpu.cpl == 0
    assert system.guest_cpu.segs[CS].selector & 3 == 0


def test_cli_in_ring_1_traps_and_clears_only_the_virtual_if(
    bench: Any, run_until: RunUntil
) -> None:
    system = bench.virtual("start: sti\n nop\n cli\nafter: jmp after", listen=True)
    run_until(system, bench.at("after"))
    assert not system.vm.virtual_if
    assert system.machine.cpu.eflags & FLAG_IF
    (sti, cli) = [e for e in bench.heard("emulate") if isinstance(e, Emulated)]
    assert (sti.mnemonic, sti.register, sti.before, sti.after) == ("sti", "IF", 0, 1)
    assert (cli.mnemonic, cli.register, cli.before, cli.after) == ("cli", "IF", 1, 0)


def test_an_emulated_instruction_is_three_steps_trap_emulation_resumption(bench: Any) -> None:
    system = bench.virtual("start: nop\n cli\nafter: jmp after")
    kinds = []
    system.run(4)  # resumed, the page of the code filled in, NOP
    for _ in range(4):
        bench.events.clear()
        system.listener = bench.events.append
        system.step()
        kinds.append([e.kind for e in bench.events if e.kind in ("trap", "emulate", "resume")])
    assert [kind for kind in kinds if kind] == [["trap"], ["emulate"], ["resume"]]


def test_the_trap_frame_is_real_and_lies_on_the_ring_0_stack(bench: Any) -> None:
    system = bench.virtual("start: mov esp, 0x90000\n nop\nhere: hlt", listen=True)
    while not bench.heard("trap") or bench.heard("trap")[-1].reason != "#GP":
        system.step()
    entered = bench.heard("trap")[-1]
    assert isinstance(entered, VmmEntered)
    assert (entered.vector, entered.error, entered.ring) == (13, 0, 1)
    memory = system.machine.memory
    top = 0x10_4000  # vmm.monitor.STACK_TOP
    frame = [memory.read32(top - 24 + 4 * n) for n in range(6)]
    assert frame[0] == 0  # error code
    assert frame[1] == bench.at("here")
    assert frame[2] & 3 == frame[5] & 3 == 1  # CS and SS of ring 1
    assert frame[4] == 0x90000


def test_popf_loses_if_silently(bench: Any, run_until: RunUntil) -> None:
    text = "start: mov esp, 0x90000\n cli\n push dword 0x202\n popf\nafter: jmp after"
    system = bench.virtual(text, listen=True)
    run_until(system, bench.at("after"))
    assert not system.vm.virtual_if
    assert "#GP" in system.vm.exits and system.vm.emulated == {"cli": 1}


def test_popf_that_would_clear_if_is_reported_as_ignored(bench: Any, run_until: RunUntil) -> None:
    text = "start: mov esp, 0x90000\n sti\n push dword 2\n popf\nafter: jmp after"
    system = bench.virtual(text, listen=True)
    run_until(system, bench.at("after"))
    assert system.vm.virtual_if
    (ignored,) = bench.heard("silent")
    assert isinstance(ignored, FlagIgnored)
    assert (ignored.mnemonic, ignored.flag, ignored.wanted, ignored.kept) == ("popf", "if", 0, 1)


@pytest.mark.parametrize(
    ("code", "bare", "virtual"),
    [
        ("pushf\n pop eax\n and eax, 0x200", 0, 0x200),  # the real IF, which is always 1
        ("mov eax, cs", 0x08, 0x09),  # ring aliasing
        ("push cs\n pop eax", 0x08, 0x09),
        ("sgdt [0x80000]\n mov eax, [0x80002]", 0, 0xFFC30000),
        ("sidt [0x80000]\n mov eax, [0x80002]", 0, 0xFFD00000),
        ("str ax\n movzx eax, ax", 0, 0xFFF0),
    ],
)
def test_unprivileged_instructions_show_the_real_machine(
    bench: Any, code: str, bare: int, virtual: int
) -> None:
    text = f"start: mov esp, 0x90000\n cli\n {code}\nafter: jmp after"
    for system, expected in zip(bench.both(text), (bare, virtual), strict=True):
        system.run(200)
        value = system.guest_cpu.regs[EAX]
        if code.startswith(("sgdt", "sidt")) and expected:
            assert value >= 0xFFC0_0000
        else:
            assert value == expected


def test_smsw_shows_a_bit_of_the_real_cr0_that_mov_from_cr0_hides(bench: Any) -> None:
    text = "start: smsw ax\n movzx ebx, ax\n mov ecx, cr0\nafter: jmp after"
    bare, virtual = bench.both(text)
    bare.run(50)
    virtual.run(50)
    assert virtual.guest_cpu.regs[ECX] == bare.guest_cpu.regs[ECX]
    assert virtual.guest_cpu.regs[EBX] != bare.guest_cpu.regs[EBX]


def test_iret_to_the_same_ring_restores_the_virtual_if(bench: Any, run_until: RunUntil) -> None:
    text = """
main:   cli
        push dword 0x202
        push dword CODE
        push dword after
        iret
after:  jmp after
"""
    system = bench.virtual(text, tables=True)
    run_until(system, bench.at("after"))
    assert system.vm.virtual_if
    assert system.vm.emulated["iret"] == 1


def test_mov_ss_with_rpl_0_faults_in_ring_1_and_is_emulated(bench: Any) -> None:
    system = bench.virtual("main: mov eax, 0x10\n mov ss, ax\n nop" + FINISH, tables=True)
    assert system.run(5000) == "exit"
    assert system.guest_cpu.segs[SS].selector == 0x10


def test_privileged_instructions_of_ring_3_reach_the_guests_own_handler(bench: Any) -> None:
    text = """
main:   gate 13, protection
        ring_3 program
program:
        hlt
protection:
        mov ebx, [esp]
        mov ecx, [esp + 4]
        mov al, 0
        out 0xF4, al
"""
    system = bench.virtual(text, tables=True, listen=True)
    assert system.run(5000) == "exit"
    assert system.guest_cpu.regs[EBX] == 0
    assert system.guest_cpu.regs[ECX] == bench.at("program")
    injected = [e for e in bench.heard("inject") if isinstance(e, Injected)]
    assert [(e.vector, e.error, e.handler) for e in injected] == [(13, 0, bench.at("protection"))]


def test_the_gates_dpl_is_checked_against_the_virtual_ring(bench: Any) -> None:
    text = """
main:   gate 13, protection
        gate 0x30, closed
        int 0x30                ; the kernel may
        ring_3 program
closed: inc edi
        iret
program:
        int 0x30                ; a program may not: #GP(30h * 8 + 2)
protection:
        mov ebx, [esp]
        mov al, 0
        out 0xF4, al
"""
    for system in bench.both(text, tables=True):
        assert system.run(5000) == "exit"
        assert system.guest_cpu.regs[EBX] == 0x30 * 8 + 2
        assert system.guest_cpu.regs[7] == 1


def test_divide_error_is_reflected_through_the_guests_idt(bench: Any) -> None:
    text = """
main:   gate 0, divide
        xor ecx, ecx
        mov eax, 1
        cdq
there:  div ecx
divide: mov ebx, [esp]
        mov al, 0
        out 0xF4, al
"""
    for system in bench.both(text, tables=True):
        assert system.run(5000) == "exit"
        assert system.guest_cpu.regs[EBX] == bench.at("there")


def test_a_triple_fault_ends_that_virtual_machine_only(bench: Any) -> None:
    text = "start: mov esp, 0x90000\n ud2"  # no IDT at all
    other = "start: mov ecx, 3000\n.loop: loop .loop\n mov al, 7\n out 0xF4, al"
    system = bench.virtual(text, other)
    system.run(50_000)
    ended, well = system.vms
    assert ended.outcome is not None and ended.outcome.kind == "shutdown"
    assert well.outcome is not None and well.outcome.kind == "exit"


def test_rdtsc_reads_guest_time(bench: Any) -> None:
    text = "start: rdtsc\n mov ebx, eax\n cli\n cli\n rdtsc\n sub eax, ebx\nafter: jmp after"
    bare, virtual = bench.both(text)
    assert virtual.machine.cpu.cr4 & CR4_TSD
    bare.run(60)
    virtual.run(60)
    assert virtual.guest_cpu.regs[EAX] == bare.guest_cpu.regs[EAX] == 4


def test_a_guest_that_leaves_protected_mode_is_told_that_it_cannot(bench: Any) -> None:
    system = bench.virtual("start: mov eax, cr0\n and eax, ~1\n mov cr0, eax\n nop")
    assert system.run(100) == "not-modelled"
    assert "real mode" in str(system.outcome)


def test_string_output_with_a_repeat_prefix_counts_as_on_bare_metal(bench: Any) -> None:
    text = """
main:   mov esi, text
        mov ecx, 12
        mov edx, 0xE9
        rep outsb
        mov al, 0
        out 0xF4, al
text:   db "hello, world"
"""
    bare, virtual = bench.both(text, tables=True)
    bare.run(5000)
    virtual.run(5000)
    assert virtual.console == bare.console == "hello, world"
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.digest() == bare.digest()


def test_single_stepping_guests_see_every_instruction(bench: Any) -> None:
    text = """
main:   gate 1, step
        pushf
        or dword [esp], 0x100
        popf
        nop
        cli
        nop
        pushf
        and dword [esp], ~0x100
        popf
        mov al, 0
        out 0xF4, al
step:   inc edi
        mov ebx, [esp]
        iret
"""
    bare, virtual = bench.both(text, tables=True)
    assert bare.run(5000) == virtual.run(5000) == "exit"
    assert virtual.guest_cpu.regs[7] == bare.guest_cpu.regs[7] > 4
    assert virtual.guest_cpu.regs[EBX] == bare.guest_cpu.regs[EBX]


def test_resuming_says_which_ring_the_guest_is_in(bench: Any) -> None:
    text = """
main:   ring_3 program
program: jmp program
"""
    system = bench.virtual(text, tables=True, listen=True)
    system.run(200)
    rings = [e.ring for e in bench.heard("resume") if isinstance(e, Resumed)]
    assert set(rings) == {1, 3}
    assert system.machine.cpu.cpl == 3
    assert system.guest_cpu.cpl == 3


def test_real_data_segments_follow_the_virtual_ones(bench: Any, run_until: RunUntil) -> None:
    text = """
main:   mov eax, USER_DATA
        mov ds, ax
        mov es, ax
        mov fs, ax
        cli
after:  jmp after
"""
    system = bench.virtual(text, tables=True)
    run_until(system, bench.at("after"))
    assert system.machine.cpu.segs[DS].selector == system.guest_cpu.segs[DS].selector == 0x23
    assert system.machine.cpu.segs[DS].dpl == 3
    assert system.machine.cpu.segs[SS].dpl == 1
    assert system.guest_cpu.segs[SS].dpl == 0
    assert system.guest_cpu.regs[ESP] == 0x90000
