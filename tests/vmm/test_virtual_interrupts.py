"""Virtual devices keep guest time; interrupts come when the virtual CPU would take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringside.host.systems import Virtualized
from ringside.trace.events import Blocked, Injected, VmmEntered

TICKING = """
main:   gate 0x20, tick
        mov eax, 20                     ; about 168 ticks of the machine
        call timer_start
        {body}
tick:   inc edi
        mov [0x80000 + edi * 4], esi    ; how far the program had come
        push eax
        mov al, 0x20
        out 0x20, al
        pop eax
        cmp edi, 12
        je leave
        iret
leave:  mov al, 0
        out 0xF4, al
"""


def test_preemption_hits_the_same_instruction_as_on_bare_metal(bench: Any) -> None:
    text = TICKING.format(body="sti\n.loop: inc esi\n jmp .loop")
    bare, virtual = bench.both(text, tables=True)
    assert bare.run(10_000) == virtual.run(10_000) == "exit"
    assert virtual.guest_steps == bare.guest_steps
    assert virtual.guest_cpu.time == bare.guest_cpu.time
    assert virtual.digest() == bare.digest()
    assert virtual.vm.exits["timer"] >= 12


def test_nothing_is_injected_while_the_virtual_if_is_clear(bench: Any) -> None:
    text = TICKING.format(body="cli\n mov ecx, 2000\n.loop: loop .loop\n jmp leave")
    system = bench.virtual(text, tables=True, listen=True)
    assert system.run(10_000) == "exit"
    assert system.guest_cpu.regs[7] == 0
    assert bench.heard("inject") == []
    assert "timer" not in system.vm.exits


def test_the_instruction_after_sti_runs_before_the_interrupt(bench: Any) -> None:
    body = """
        mov ecx, 300
.wait:  loop .wait                      ; the request is waiting by now
        sti
        inc esi
.more:  inc esi
        jmp .more
"""
    bare, virtual = bench.both(TICKING.format(body=body), tables=True)
    bare.run(10_000)
    virtual.run(10_000)
    for system in (bare, virtual):
        memory = system.machine.memory if system is bare else virtual.vm.memory
        assert memory.read32(0x80004) == 1
    assert virtual.digest() == bare.digest()


def test_a_load_of_ss_holds_interrupts_back_on_the_real_processor_too(bench: Any) -> None:
    # SS read in ring 1 has RPL 1 and loads without a trap: the real inhibition counts.
    body = """
        mov eax, ss
        sti
.loop:  mov ss, ax
        inc esi
        jmp .loop
"""
    system = bench.virtual(TICKING.format(body=body), tables=True)
    assert system.run(20_000) == "exit"
    assert system.guest_cpu.regs[7] == 12


def test_hlt_sleeps_exactly_to_the_interrupt(bench: Any) -> None:
    text = TICKING.format(body=".loop: sti\n hlt\n inc esi\n jmp .loop")
    bare = bench.bare(text, tables=True)
    virtual = bench.virtual(text, tables=True, listen=True)
    assert bare.run(10_000) == virtual.run(10_000) == "exit"
    assert virtual.guest_cpu.time == bare.guest_cpu.time
    assert virtual.guest_cpu.idle == bare.guest_cpu.idle > 1000
    assert virtual.digest() == bare.digest()
    assert len([e for e in bench.heard("block") if isinstance(e, Blocked)]) == 12


def test_a_due_interrupt_arrives_by_a_real_interrupt_of_the_host(
    bench: Any, run_until: Callable[[Virtualized, int], None]
) -> None:
    system = bench.virtual(TICKING.format(body="sti\nhere: jmp here"), tables=True, listen=True)
    system.run(2000)
    timers = [e for e in bench.heard("trap") if isinstance(e, VmmEntered) and e.reason == "timer"]
    assert timers and all(e.vector == 0x20 and e.eip == bench.at("here") for e in timers)
    injected = [e for e in bench.heard("inject") if isinstance(e, Injected)]
    assert injected[0].vector == 0x20
    assert injected[0].handler == bench.at("tick")


def test_typing_wakes_a_guest_that_waits_for_input(bench: Any) -> None:
    text = """
main:   gate 0x24, arrived
        mov al, 0xEF                    ; only line 4
        call interrupts_start
        mov dx, 0x3F9
        mov al, 1                       ; the serial port may interrupt
        out dx, al
        mov dx, 0x3FC
        mov al, 8
        out dx, al
.sleep: sti
        hlt
        jmp .sleep
arrived:
        mov dx, 0x3F8
        in al, dx
        out dx, al
        mov al, 0x20
        out 0x20, al
        iret
"""
    system = bench.virtual(text, tables=True)
    assert system.run(10_000) == "waiting"
    system.type_text("x")
    assert system.run(10_000) == "waiting"
    assert system.console == "x"
