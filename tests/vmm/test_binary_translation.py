"""A guest under binary translation cannot tell: not by its flags, its faults, or its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.policies import RoundRobin
from ringside.host.systems import BareMetal, Image, Options, System, Virtualized, build
from ringside.isa.assembler import Program
from ringside.isa.registers import CS, EAX, EBX, ECX, EDI, FLAG_IF, GS
from ringside.trace.events import Emulated, FaultRaised, FlagIgnored, Injected, Revealed, VmmEntered
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.lockstep import Lockstep
from ringside.vmm.translation import hot
from ringside.vmm.translation.readout import Executed, read_executed, read_statistics

TECHNIQUE = "binary-translation"
MEMORY = 4 << 20
FINISH = "\n mov al, 0\n out 0xF4, al\n"
RunUntil = Callable[[Virtualized, int], None]


def small(text: str) -> Program:
    return guests.assemble_text('bits 32\norg 0x100000\n%include "pc.inc"\n' + text)


def pair(program: Program, disk: bytes | None = None) -> tuple[BareMetal, Virtualized]:
    image = Image(program, "g", MEMORY, disk)
    bare, virtual = build("bare-metal", image), build(TECHNIQUE, image)
    assert isinstance(bare, BareMetal) and isinstance(virtual, Virtualized)
    return bare, virtual


def translator(system: System) -> BinaryTranslation:
    assert isinstance(system, Virtualized)
    technique = system.vmm.guests[0].cpu
    assert isinstance(technique, BinaryTranslation)
    return technique


def assert_equal(program: Program, steps: int = 30_000) -> Virtualized:
    """Equal after every guest step and in the end."""
    bare, virtual = pair(program)
    assert Lockstep(bare, virtual).advance(steps) is None
    assert virtual.digest() == bare.digest()
    return virtual


# -- equivalence ------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", ["popf", "lecture_bt", "boot_sector"])
def test_guests_that_trap_and_emulate_gets_wrong_or_slow_are_equal_too(guest: str) -> None:
    bare, virtual = pair(guests.program(guest))
    assert Lockstep(bare, virtual).advance(40_000) is None
    assert bare.outcome is not None and virtual.outcome == bare.outcome
    assert virtual.console == bare.console
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.digest() == bare.digest()


def test_nanos_is_equal_from_its_first_instruction_to_its_last() -> None:
    program = guests.program("nanos", {"NANOS_AUTOHALT": 1})
    bare, virtual = pair(program, guests.disk("nanos"))
    lockstep = Lockstep(bare, virtual)
    assert lockstep.advance(50_000) is None
    bare.run(5_000_000)
    virtual.run(5_000_000)
    assert bare.outcome is not None and virtual.outcome == bare.outcome
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.console == bare.console
    assert virtual.digest() == bare.digest()


@pytest.mark.parametrize(
    "code",
    [
        "pushf\n pop eax", "cli\n pushf\n pop eax", "push dword 0x3246\n popf\n pushf\n pop eax",
        "smsw eax", "smsw ax", "str ax", "sldt eax", "mov eax, cs", "mov ax, ss", "push cs\n pop eax",
        "sgdt [0x80000]\n mov eax, [0x80002]", "sidt [0x80000]\n mov eax, [0x80002]",
        "mov ecx, 8\n lar eax, ecx", "mov ecx, 8\n lsl eax, ecx", "mov ecx, 0x10\n verw cx\n setz al",
        "mov ax, 0x10\n mov gs, ax\n mov eax, [gs:main]", "mov eax, [cs:main]", "mov eax, cr0",
    ],
)  # fmt: skip
def test_every_sensitive_instruction_gives_what_bare_metal_gives(code: str) -> None:
    assert_equal(small(f"main: xor eax, eax\n {code}\nafter: jmp after"), 200)


def test_popf_sets_the_virtual_if_without_a_trap(bench: Any) -> None:
    text = "main: push dword 0x202\n popf\n nop\n nop\nafter: jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE)
    system.run(400)
    assert system.vm.virtual_if
    assert "popf" not in system.vm.emulated


def test_what_the_processor_ignores_in_the_cache_is_not_told_as_if_it_mattered(bench: Any) -> None:
    text = "main: cli\n push dword 0x002\n popf\n pushf\n pop eax\nafter: jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(400)
    assert not [e for e in bench.events if isinstance(e, FlagIgnored | Revealed)]


def test_flags_survive_every_replacement() -> None:
    # All six status flags, set by one instruction and read after the replaced one.
    text = "main:\n mov edi, 0x80000\n sti\n"
    replaced = ("cli", "sti", "pushf\n add esp, 4", "mov eax, cr3", "call .f{n}\n.f{n}: pop eax",
                "call .g{n}\n jmp .h{n}\n.g{n}: ret\n.h{n}:", "mov eax, .i{n}\n jmp eax\n.i{n}:",
                "mov ax, cs", "push ss\n pop eax", "in al, 0x21")  # fmt: skip
    for n, code in enumerate(replaced):
        for a, b in ((0, 0), (1, 0xFFFFFFFF), (0x7FFFFFFF, 1), (0x80000000, 0x80000000)):
            label = f"{n}_{a:x}_{b:x}"
            text += f" mov edx, {a}\n add edx, {b}\n {code.format(n=label)}\n lahf\n seto al\n stosd\n"
    assert_equal(small(text + FINISH), 3000)


# -- what the guest sees of itself -------------------------------------------------------------


def test_the_kernel_runs_in_ring_1_from_the_cache_and_believes_to_be_where_it_is(
    bench: Any,
) -> None:
    system = bench.virtual("start: nop\n nop\n jmp start", technique=TECHNIQUE)
    system.run(20)
    real = system.machine.cpu
    assert system.vmm.in_guest
    assert real.cpl == 1 and real.eip >= 0xFFC0_0000
    assert system.guest_cpu.cpl == 0
    assert bench.at("start") <= system.guest_cpu.eip < bench.at("start") + 4
    assert system.guest_cpu.segs[CS].selector & 3 == 0


def test_calls_push_the_guests_own_return_address(bench: Any) -> None:
    text = "main: call down\nback: jmp back\ndown: mov eax, [esp]\n ret"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE)
    system.run(200)
    assert system.guest_cpu.regs[EAX] == bench.at("back")


@pytest.mark.parametrize(
    ("code", "vector"),
    [
        ("xor ecx, ecx\nthere: div ecx", 0), ("there: ud2", 6), ("there: mov eax, [0x500000]", 14),
        ("there: mov [0x500000], eax", 14), ("mov esp, 0x500000\nthere: call main", 14),
        ("mov esp, 0x500000\nthere: ret", 14), ("mov esp, 0x500000\nthere: pushf", 14),
        ("mov esp, 0x500000\nthere: popf", 14), ("there: call [0x500000]", 14),
        ("mov ecx, 0x500000\nthere: jmp [ecx]", 14), ("mov eax, 0x500000\nthere: push dword [eax]", 14),
        ("mov esi, 0x500000\n mov ecx, 2\nthere: rep lodsd", 14),
    ],
)  # fmt: skip
def test_faults_in_the_cache_are_precise_faults_of_the_guest(code: str, vector: int) -> None:
    text = f"""
main:   gate {vector}, fault
        mov eax, 0x1111
        mov ebx, 0x2222
        mov edx, 0x3333
        mov dword [directory], table + 3
        mov edi, table
        mov eax, 3
        mov ecx, 0x400
.map:   stosd
        add eax, 0x1000
        loop .map
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov ecx, 0x4444
        mov eax, 0x5555
        {code}
fault:  mov esp, 0x8F000
        pushf
        pusha
        mov eax, cr2
        mov al, 0
        out 0xF4, al
directory equ 0x200000
table equ 0x201000
"""
    bare, virtual = pair(small(text))
    assert Lockstep(bare, virtual).advance(40_000) is None
    assert bare.outcome is not None  # without a stack the fault cannot be delivered: shutdown
    assert virtual.outcome == bare.outcome
    assert virtual.digest() == bare.digest()


def test_a_fault_is_told_at_the_guests_address(bench: Any) -> None:
    text = "main: gate 6, caught\n nop\nthere: ud2\ncaught: jmp caught"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    system.run(300)
    faults = [e for e in bench.events if isinstance(e, FaultRaised) and e.vector == 6]
    entered = [e for e in bench.events if isinstance(e, VmmEntered) and e.reason == "#UD"]
    assert [e.eip for e in faults] == [e.eip for e in entered] == [bench.at("there")]


def test_a_pending_interrupt_is_taken_one_instruction_after_sti(bench: Any) -> None:
    text = """
main:   gate 0x20, tick
        mov eax, 119
        call timer_start
        cli
        mov ecx, 2000
.wait:  loop .wait
        sti
        inc edi
after:  inc edi
        jmp after
tick:   mov ebx, edi
        mov al, 0
        out 0xF4, al
"""
    system = bench.virtual(text, tables=True, technique=TECHNIQUE, listen=True)
    assert system.run(50_000) == "exit"
    assert system.guest_cpu.regs[EBX] == system.guest_cpu.regs[EDI] == 1
    (sti,) = [e for e in bench.events if isinstance(e, Emulated) and e.mnemonic == "sti"]
    assert (sti.register, sti.before, sti.after) == ("IF", 0, 1)
    assert [e.vector for e in bench.events if isinstance(e, Injected)] == [0x20]


def test_the_shadow_of_sti_ends_with_the_jump_that_follows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # .next is translated first, so the way there from JZ is a jump of the translator's own.
    monkeypatch.setattr(hot, "HOT", 1 << 30)
    text = """
main:   gate 0x20, tick
        mov eax, {period}
        call timer_start
        sti
        xor edi, edi
        mov ecx, 100
        jmp .next
.l:     cli
        test ecx, ecx
        sti
        jz .never
.next:  inc edi
        nop
        loop .l
.never: mov al, 0
        out 0xF4, al
tick:   push eax
        add edx, [esp + 4]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
"""
    for period in range(31, 61, 3):
        assert_equal(small(text.format(period=period)), 2000)


def test_sti_without_a_pending_interrupt_calls_nobody(bench: Any) -> None:
    text = "main: mov ecx, 500\n.l: cli\n sti\n loop .l\nafter: jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE)
    system.run(20_000)
    assert system.guest_cpu.regs[ECX] == 0
    assert not {"cli", "sti"} & system.vm.emulated.keys()
    assert system.guest_cpu.eflags & FLAG_IF


def test_the_guests_gs_is_its_own_though_the_translator_uses_gs(bench: Any) -> None:
    text = "main: mov eax, USER_DATA\n mov gs, ax\n xor eax, eax\n mov ax, gs\nafter: jmp after"
    system = bench.virtual(text, tables=True, technique=TECHNIQUE)
    system.run(400)
    assert system.guest_cpu.regs[EAX] == 0x23
    assert system.guest_cpu.segs[GS].selector == 0x23
    assert system.machine.cpu.segs[GS].selector != 0x23


def test_the_guest_cannot_reach_the_cache_or_the_virtual_cpu_in_memory(bench: Any) -> None:
    text = """
main:   gate 13, caught
        mov edi, {address}
        mov eax, 0xDEAD
there:  mov [{segment}:edi], eax
caught: jmp caught
"""
    for segment in ("ds", "es", "ss", "fs"):
        code = text.format(address=0xFFD4_0000, segment=segment)
        system = bench.virtual(code, tables=True, technique=TECHNIQUE)
        memory = system.machine.memory
        system.run(50)
        before = memory.read_bytes(0x14_0000, 0x1000)
        system.run(300)
        assert memory.read_bytes(0x14_0000, 0x1000) == before


def test_the_translators_selectors_mean_nothing_to_the_guest(bench: Any) -> None:
    for selector in (8186 << 3, 8187 << 3, 8188 << 3):
        text = f"main: gate 13, caught\n mov ax, {selector | 1}\n mov fs, ax\n hlt\ncaught: jmp caught"
        system = bench.virtual(text, tables=True, technique=TECHNIQUE)
        system.run(300)
        assert system.guest_cpu.eip == bench.at("caught")


# -- steps and time ----------------------------------------------------------------------------


def one(guest: str = "rings") -> System:
    return build(TECHNIQUE, Image(guests.program(guest), guest, MEMORY))


def two() -> System:
    images = [Image(guests.program(guest), guest, MEMORY) for guest in ("lecture_bt", "system_call")]
    return build(TECHNIQUE, images, Options(policy=RoundRobin(40)))


def state(system: System) -> tuple[Any, ...]:
    return (
        system.steps, system.time, system.context, system.outcome, system.machine.digest(),
        *((vm.name, vm.digest(), vm.now, vm.exits, vm.emulated, vm.halted) for vm in system.vms),
        read_statistics(translator(system)),
    )  # fmt: skip


@pytest.mark.parametrize("guest", ["rings", "cli_sti", "page_fault", "lecture_bt"])
def test_run_is_so_many_steps(guest: str) -> None:
    ran, stepped = one(guest), one(guest)
    for length in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        ran.run(length)
        for _ in range(length):
            stepped.step()
        assert state(ran) == state(stepped)


@settings(max_examples=6, deadline=None)
@given(at=st.integers(0, 1500), further=st.integers(1, 800))
def test_a_thawed_moment_continues_as_before(at: int, further: int) -> None:
    system = two()
    system.run(at)
    picture = system.freeze()
    then = state(system)
    system.run(further)
    later = state(system)
    system.thaw(picture)
    assert state(system) == then
    system.run(further)
    assert state(system) == later


def test_two_guests_keep_out_of_each_others_caches() -> None:
    system = two()
    system.run(60_000)
    assert [str(vm.outcome) for vm in system.vms] == ["exit 1", "exit 1"]
    for vm, guest in zip(system.vms, ("lecture_bt", "system_call"), strict=True):
        alone = build("bare-metal", Image(guests.program(guest), guest, MEMORY))
        alone.run(60_000)
        assert vm.digest() == alone.digest()


def test_listening_changes_nothing() -> None:
    deaf, heard = one("lecture_bt"), one("lecture_bt")
    heard.listener = lambda event: None
    for system in (deaf, heard):
        system.run(6000)
    assert state(deaf) == state(heard)


def test_the_processors_time_counts_the_translations_overhead_and_the_guests_does_not() -> None:
    bare, virtual = pair(guests.program("lecture_bt"))
    bare.run(5000)
    while virtual.guest_steps < bare.guest_steps:
        virtual.step()
    executed = read_executed(translator(virtual))
    assert virtual.guest_cpu.time == bare.time
    assert executed.overhead > executed.in_cache  # this guest does little but call and return
    assert virtual.machine.cpu.steps >= executed.in_cache + executed.overhead


# -- efficiency --------------------------------------------------------------------------------


def test_nanos_kernel_runs_as_identical_copies() -> None:
    """Counted by the processor as it runs. A direct jump is one of them where hot code has been
    translated again as a region; calls, returns and indirect jumps never are."""
    program = guests.program("nanos", {"NANOS_AUTOHALT": 1})
    system = build(TECHNIQUE, Image(program, "g", 8 << 20, guests.disk("nanos")))
    technique = translator(system)
    system.run(40_000)
    settled = read_executed(technique)
    assert isinstance(settled, Executed)
    system.run(5_000_000)
    whole = read_executed(technique)
    steady = whole.since(settled)
    assert steady.total > 15_000
    assert steady.share(steady.identical) >= 0.95
    assert whole.share(whole.identical) >= 0.9  # booting is much port I/O
    assert min(executed.share(executed.in_cache) for executed in (whole, steady)) >= 0.95
    statistics = read_statistics(technique)
    assert statistics.hit_rate >= 0.85
    assert 1 < statistics.expansion < 3
