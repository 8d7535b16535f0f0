"""Several virtual machines on one processor: what one does never stops another."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.host.policies import FixedPriority, RoundRobin
from ringside.host.systems import Options
from ringside.isa.registers import EDI
from ringside.trace.events import Scheduled
from ringside.vmm.clock import HostClock

COUNT = "start: mov ecx, {n}\n.loop: inc edi\n loop .loop\n mov al, 0\n out 0xF4, al"
FOREVER = "start: inc edi\n jmp start"
SLEEPER = """
main:   gate 0x20, tick
        mov eax, 120                    ; about a thousand ticks
        call timer_start
.sleep: sti
        hlt
        jmp .sleep
tick:   inc edi
        mov al, 0x20
        out 0x20, al
        iret
"""


def test_hlt_of_one_machine_lets_the_other_run(bench: Any) -> None:
    system = bench.virtual("start: cli\n hlt", COUNT.format(n=500))
    system.run(20_000)
    halted, other = system.vms
    assert str(halted.outcome) == "halted"
    assert str(other.outcome) == "exit 1"
    assert other.vcpu.regs[EDI] == 500


def test_a_sleeping_machine_wakes_although_the_other_never_stops(bench: Any) -> None:
    system = bench.virtual(SLEEPER, '%define m main\n' + "main: inc edi\n jmp main", tables=True)
    system.run(20_000)
    sleeper, busy = system.vms
    assert sleeper.vcpu.regs[EDI] == 0  # nobody interrupts a machine that was asked not to share

    shared = bench.virtual(
        SLEEPER, "main: inc edi\n jmp main", tables=True,
        options=Options(policy=FixedPriority((0, 1))),
    )
    shared.run(20_000)
    sleeper, busy = shared.vms
    assert sleeper.vcpu.regs[EDI] >= 10
    assert busy.vcpu.regs[EDI] > 5000


def test_an_endless_loop_with_interrupts_off_does_not_keep_the_processor(bench: Any) -> None:
    options = Options(policy=RoundRobin(500))
    system = bench.virtual(
        "start: cli\nhere: jmp here", COUNT.format(n=3000), options=options
    )
    system.run(40_000)
    assert str(system.vms[1].outcome) == "exit 1"


def test_round_robin_gives_equal_shares(bench: Any) -> None:
    system = bench.virtual(
        FOREVER, FOREVER, FOREVER, options=Options(policy=RoundRobin(300)), listen=True
    )
    system.run(30_000)
    done = [vm.vcpu.regs[EDI] for vm in system.vms]
    assert max(done) - min(done) <= 300
    order = [e.vm for e in bench.heard("schedule") if isinstance(e, Scheduled)]
    assert order[:6] == ["b", "c", "a", "b", "c", "a"]


def test_machines_see_only_their_own_registers_after_switches(bench: Any) -> None:
    one = "start: mov ebx, 0x11111111\n.loop: cmp ebx, 0x11111111\n je .loop\n ud2"
    two = "start: mov ebx, 0x22222222\n.loop: cmp ebx, 0x22222222\n je .loop\n ud2"
    system = bench.virtual(one, two, options=Options(policy=RoundRobin(7)))
    system.run(5000)
    assert all(vm.outcome is None for vm in system.vms)
    assert system.vmm.switches > 100


def test_each_machine_keeps_its_own_tables(bench: Any) -> None:
    text = """
main:   mov eax, USER_DATA
        mov fs, ax
        ring_3 program
program: mov esi, 1
.loop:  mov eax, fs
        inc edi
        jmp .loop
"""
    local = """
main:   lgdt [other]
        mov eax, 0x28
        mov fs, ax
.loop:  mov eax, [fs:0]
        inc edi
        jmp .loop
align 8
own:    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0, 0, 0x0040921000000FFF
other:  dw 6 * 8 - 1
        dd own
"""
    system = bench.virtual(text, local, tables=True, options=Options(policy=RoundRobin(50)))
    system.run(8000)
    first, second = system.vms
    assert first.vcpu.segs[4].selector == 0x23 and first.vcpu.cpl == 3
    assert second.vcpu.segs[4].base == 0x100000 and second.vcpu.cpl == 0
    assert first.vcpu.regs[EDI] > 500 and second.vcpu.regs[EDI] > 500


@pytest.mark.parametrize("clock", [HostClock])
def test_with_the_hosts_clock_time_used_by_others_is_gone(bench: Any, clock: Any) -> None:
    options = Options(policy=RoundRobin(500), clock=clock)
    system = bench.virtual(FOREVER, FOREVER, options=options)
    system.run(10_000)
    first, second = system.vms
    assert abs(first.now - system.time) <= 600
    assert first.vcpu.idle + first.vcpu.regs[EDI] * 2 <= system.time
    assert second.vcpu.idle > 3000


def test_a_policy_must_know_its_slice() -> None:
    with pytest.raises(ValueError, match="at least one tick"):
        RoundRobin(0)
