"""Once a guest is warm nothing more is translated, however often it traps or changes its tables."""

from __future__ import annotations

import pytest
from ringside.guests import assemble_text
from ringside.host.systems import Image, System, build
from ringside.isa.registers import ECX
from ringside.machine import engine
from ringside.machine.engine import TOUCHY, Engine, Entry
from ringside.machine.translator.body import Retry

# A kernel with a timer: each tick it counts in memory beside its code, loads CR3 again, so that
# every translation of an address is gone, and writes to a page that nobody has touched since.
GUEST = """
bits 32
org 0x100000
%include "pc.inc"
DIRECTORY equ 0x200000
TABLE     equ 0x201000

main:   mov dword [DIRECTORY], TABLE + 3
        mov edi, TABLE
        mov eax, 3
.entry: mov [edi], eax
        add edi, 4
        add eax, 0x1000
        cmp eax, 0x400000 + 3
        jb .entry
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        gate 0x20, tick
        mov eax, 239
        call timer_start
        sti
.idle:  hlt
        mov ecx, 40
.work:  add [0x300000 + ecx * 4], ecx
        inc dword [work]
        dec ecx
        jnz .work
        jmp .idle

tick:   push eax
        inc dword [ticks]
        mov eax, cr3
        mov cr3, eax
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
ticks   dd 0
work    dd 0
"""


@pytest.mark.parametrize(
    "technique", ["bare-metal", "trap-and-emulate", "emulation"]
)
def test_a_warm_guest_translates_nothing_more(
    technique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = assemble_text(GUEST)
    system = build(technique, Image(program))
    at = program.symbols["ticks"]

    def ticks(system: System) -> int:
        machine = system.vms[0].hardware if system.vms else system.machine
        return machine.memory.read32(at)

    while ticks(system) < 600:
        system.run(5_000)
    made: list[int] = []
    translate = engine.translate

    def counted(eip: int, *rest: object) -> object:
        region = translate(eip, *rest)  # type: ignore[arg-type]
        if region is not None:
            made.append(eip)
        return region

    monkeypatch.setattr(engine, "translate", counted)
    while ticks(system) < 900:
        system.run(5_000)
    assert not made


def test_an_instruction_no_translation_helps_is_translated_anew_only_once(bench) -> None:
    """Its frame holds code and its page may not be written yet: both are the interpreter's."""
    symbols = bench.load("""
        again: inc dword [data]
        dec ecx
        jnz again
        hlt
        data: dd 0
        """)
    bench.enter(0)
    bench.cpu.regs[ECX] = 20 * TOUCHY
    made: list[int] = []

    class Counting(Engine):
        def translate(self, delta: int, eip: int) -> Entry | None:
            made.append(eip)
            return super().translate(delta, eip)

        def beside_code(self, page: int, offset: int, size: int) -> int:
            raise Retry  # as where the page is not dirty

    counting = Counting(bench.cpu, hot=2)
    while not bench.cpu.halted:
        counting.run(1000)
    assert bench.cpu.memory.read32(symbols["data"]) == 20 * TOUCHY
    assert 1 <= len(made) <= 3
