"""Random kernels that go round and round, translated again as regions at the first occasion.

A kernel is a row of slots of 64 bytes that it runs a dozen times, with jumps across slots, loops,
calls, self-modifying code and a timer. Whatever faults is logged, and the kernel goes on with the
next slot. What counts as hot is set as low as it can be.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.systems import BARE_METAL, MEMORIES, Image, Options, Virtualized, build
from ringside.isa.assembler import Program, assemble
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.lockstep import EVERY_STEP, Lockstep
from ringside.vmm.translation import hot

TECHNIQUE = "binary-translation"
# {f} is a slot further on, {t} one of the subroutines.
PLAIN = (
    "inc edi", "add eax, edi", "mov [0x300000], eax", "nop", "xor ebx, edi", "cmp edi, 7", "clc",
    "test edi, 1", "dec esi", "lea ebx, [ebx + edi]", "push edi\n pop edx", "mov edx, ss:[0x300000]",
)  # fmt: skip
SHORT = (
    "cli", "sti", "pushf\n pop edx", "pushf\n popf", "push dword 0x202\n popf", "mov eax, cr2",
    "in al, 0x80", "out dx, al", "in al, dx", "call {t}", "mov eax, cs", "smsw eax", "push ss\n pop eax",
    "inc dword [near_by]", "mov eax, {t}\n call eax", "call [table]", "hlt", "int 0x31", "ud2",
    "mov eax, [0x500000]", "xor edx, edx\n div edx", "int3",
)  # fmt: skip
WHOLE = (
    "test edi, 1\n jz {f}", "cmp edi, 9\n ja {f}", "test edi, 2\n jnz {f}", "jmp {f}",
    "push dword {f}\n ret", "mov eax, {f}\n jmp eax", "call {t}\n jz {f}", "xor ecx, ecx\n jecxz .x\n hlt\n.x: nop",
    "xor byte [.x], 7\n.x: inc ebx", "xor byte [{f}], 0\n inc dword [near_by]",
    "mov eax, cr3\n mov cr3, eax", "invlpg [slots]", "db 0xEB, 0xFF, 0xC0\n nop",
    "mov ecx, 3\n sti\n.x: dec ecx\n jnz .x", "sti\n jmp .x\n inc edi\n.x: inc ebx",
    "sti\n test edi, 1\n jz .x\n inc ebx\n.x: inc edx", "cli\n sti\n mov ecx, 2\n mov edi, 0x300100\n rep stosb",
    "mov ecx, 4\n.x: call {t}\n test ecx, 1\n jz .y\n ret_or_not\n.y: loop .x",
    "mov ecx, 70\n.x: loop .x", "jmp .y\n.x: inc ebx\n jmp {f}\n.y: test edi, 4\n jz .x",
    "sti\n jc .x\n nop\n.x: jnc .y\n nop\n.y: cli",
)  # fmt: skip
LOOP = """mov ecx, {times}
.again: {one}
 test ecx, 1
 jz .over
 {two}
.over: {three}
 {back}"""
BACK = ("loop .again", "dec ecx\n jnz .again", "sub ecx, 1\n ja .again", "dec ecx\n jecxz .end\n jmp .again\n.end:")

PROLOGUE = """
bits 32
org 0x100000
%include "pc.inc"
LOG             equ 0x80000
LAST            equ 0x86000
%define ret_or_not xor ebx, 1

%macro catch 2                  ; vector, whether the processor pushes an error code
        gate %1, %%entry
        jmp %%over
%%entry:
%if %2 == 0
        push dword 0
%endif
        push dword %1
        jmp caught
%%over:
%endmacro

main:   mov eax, USER_DATA
        mov ds, ax
        mov es, ax
        catch 0, 0
        catch 3, 0
        catch 6, 0
        catch 13, 1
        catch 14, 1
        gate 0x20, tick
        gate 0x31, service
        mov eax, PERIOD
        call timer_start
        mov edi, 0x200000
        mov eax, 3
        mov ecx, 0x400
.map:   stosd
        add eax, 0x1000
        loop .map
        mov dword [0x201000], 0x200003
        mov dword [0x200000 + 4 * 0x500], 0
        and dword [0x2007FC], 0
        mov eax, 0x201000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        xor edi, edi
        jmp slots

caught: pusha
        mov eax, [log]
        mov ecx, [esp + 32]
        mov [eax], ecx
        mov ecx, [esp + 36]
        mov [eax + 4], ecx
        mov ecx, [esp + 40]
        mov [eax + 8], ecx
        mov ecx, [esp + 48]
        mov [eax + 12], ecx
        add eax, 16
        mov [log], eax
        cmp eax, LAST
        jae leave
        mov ecx, [esp + 40]
        or ecx, 63
        inc ecx
        cmp ecx, done
        jbe .back
        mov ecx, done
.back:  mov [esp + 40], ecx
        popa
        add esp, 8
        iret
tick:   push eax
        inc dword [ss:ticks]
        cmp dword [ss:ticks], 150
        jae leave
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
service:
        inc ebx
        iret
leave:  mov al, 0
        out 0xF4, al
log     dd LOG
ticks   dd 0
rounds  dd 12
table   dd first

align 4096
slots:
"""
EPILOGUE = """
done:   mov esp, STACK
        dec dword [rounds]
        jz leave
        jmp slots
near_by dd 0
first:  inc edi
        test edi, 3
        jz .out
        inc ebx
        ret
.out:   dec ebx
        ret
second: push ecx
        mov ecx, 2
.l:     inc ebx
        test bl, 1
        jz .n
        cli
        sti
.n:     loop .l
        pop ecx
        ret
"""


@st.composite
def kernels(draw: st.DrawFn) -> list[str]:
    """Bodies of slots."""
    bodies = []
    count = draw(st.integers(1, 10))
    short = st.sampled_from(PLAIN * 3 + SHORT)
    for number in range(count):
        if draw(st.booleans()):
            body = LOOP.format(
                times=draw(st.integers(1, 6)), one=draw(short), two=draw(short),
                three=draw(st.sampled_from(PLAIN)), back=draw(st.sampled_from(BACK)))
        else:
            body = draw(st.sampled_from(WHOLE))
        ahead = min(count, number + draw(st.integers(1, 4)))
        to = f"s{ahead}" if ahead < count else "done"
        bodies.append(body.replace("{f}", to).replace(
            "{t}", draw(st.sampled_from(("first", "second")))))
    return bodies


def kernel(bodies: list[str], period: int) -> Program:
    text = [PROLOGUE]
    for number, body in enumerate(bodies):
        text.append(f"s{number}:\n {body}\n")
        text.append("align 64, 0x90\n" if number % 3 else f"jmp over{number}\nalign 64, 0xCC\nover{number}:\n")
    text.append(EPILOGUE)
    return assemble("".join(text), include=guests.include, defines={"PERIOD": period})


def regions_of(bodies: list[str], period: int, memory: str, freeze: bool = False) -> int:
    """Compare with bare metal; gives how many regions were made."""
    image = Image(kernel(bodies, period), "random", 6 << 20)
    subject = build(TECHNIQUE, image, Options(memory=memory))
    lockstep = Lockstep(build(BARE_METAL, image), subject, closely=EVERY_STEP)
    assert lockstep.advance(7_000) is None
    assert lockstep.subject.digest() == lockstep.reference.digest()
    assert isinstance(subject, Virtualized)
    technique = subject.vmm.guests[0].cpu
    assert isinstance(technique, BinaryTranslation)
    return technique.counts.get("regions", 0)


@pytest.fixture(scope="module", autouse=True)
def _everything_is_hot() -> object:
    usual, hot.HOT = hot.HOT, 1
    yield
    hot.HOT = usual


def test_such_kernels_are_made_of_regions() -> None:
    assert regions_of([LOOP.format(times=5, one="nop", two="cli", three="sti", back=BACK[0])], 50, "") > 1


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies=kernels(), period=st.integers(12, 90), memory=st.sampled_from(MEMORIES[TECHNIQUE]))
def test_a_random_kernel_full_of_regions_is_equal_to_bare_metal(
    bodies: list[str], period: int, memory: str
) -> None:
    regions_of(bodies, period, memory)


@pytest.mark.fuzz
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies=kernels(), period=st.integers(12, 90), memory=st.sampled_from(MEMORIES[TECHNIQUE]))
def test_a_thousand_random_kernels_full_of_regions_are_equal(
    bodies: list[str], period: int, memory: str
) -> None:
    regions_of(bodies, period, memory)
