"""Random guests, faults and interrupts and all, are equal under every technique at every step.

A guest is a row of slots of 64 bytes. Whatever a slot does, a fault in it is logged (vector, error
code, CR2, EIP) and the guest goes on with the next slot. The first slots are the kernel's, the
others a ring-3 program's. Instructions that are sensitive but do not trap are left out: for them
the techniques differ, and tests elsewhere say how.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.systems import BARE_METAL, MEMORIES, UNMODIFIED, Image, Options, build
from ringside.isa.assembler import Program
from ringside.vmm.lockstep import EVERY_STEP, Lockstep

USUAL = [(technique, MEMORIES[technique][0]) for technique in UNMODIFIED]
VIRTUAL = [(technique, memory) for technique in UNMODIFIED for memory in MEMORIES[technique]]
KERNEL_ONLY = (
    "cli", "sti", "sti\n hlt", "mov eax, cr3\n mov cr3, eax", "invlpg [0x300000]", "clts",
    "mov eax, cr0\n xor eax, 0x10000\n mov cr0, eax", "mov eax, cr2", "lidt [idt_pointer]",
    "lgdt [gdt_pointer]", "mov eax, dr7", "wbinvd", "mov ax, 0x10\n mov ss, ax",
    "mov ax, 0x23\n mov ss, ax", "xor dword [page(0x300)], 2\n invlpg [0x300000]",
    "xor dword [page(0x301)], 1\n invlpg [0x301000]", "and dword [page(0x302)], ~0x60\n invlpg [0x302000]",
    "xor dword [page(0x303)], 4\n invlpg [0x303000]", "mov ecx, 0x10\n rdmsr",
    "lmsw ax", "lldt [zero]", "mov byte [gdt + 0x23], 0", "xor word [gdt + 0x22], 0x1000",
    "mov dword [page(0x304)], 0x900003\n invlpg [0x304000]",
    # Its own segments, changed in the table they were loaded from: not accessed, elsewhere, smaller.
    "and byte [gdt + 0x0D], 0xFE", "and byte [gdt + 0x15], 0xFE", "xor word [gdt + 0x12], 0x1000",
    "xor byte [gdt + 0x0E], 1", "mov ax, 0x10\n mov fs, ax\n mov eax, [fs:0x300000]",
    "jmp CODE:.there\n.there: inc edi", "push dword 2\n push dword CODE\n push dword .back\n iret\n"
    ".back: nop", "push dword 0x202\n push dword CODE\n push dword .on\n iret\n.on: nop",
)  # fmt: skip
ANYBODY = (
    "hlt", "in al, 0x21", "out 0xE9, al", "mov al, 65\n out 0xE9, al", "in eax, 0x40",
    "int 0x30", "int 0x31", "int 0x77", "int3", "ud2", "rdtsc", "cpuid", "xor ecx, ecx\n div ecx",
    "mov eax, [0x300000]", "mov [0x300010], eax", "mov [0x301000], edi", "inc dword [0x302008]",
    "mov eax, [0x303000]", "mov [0x303004], esi", "mov eax, [0x304000]", "mov [0x304000], eax",
    "mov eax, [0xFFC00000]", "mov [0xFFFFFFFC], eax", "mov eax, [0x3FFFFE]", "mov [0x3FFFFE], eax",
    "mov ecx, 40\n.l: loop .l", "mov ecx, 9\n mov edi, 0x300FF0\n rep stosd",
    "mov esi, 0x302FFC\n mov edi, 0x300FFA\n mov ecx, 3\n rep movsd",
    "mov ax, 0x23\n mov fs, ax\n mov eax, [fs:0x300000]", "mov ax, 0x10\n mov gs, ax",
    "mov ax, 0x28\n mov fs, ax", "mov ax, 0x800\n mov fs, ax", "xor eax, eax\n mov gs, ax",
    "mov eax, [gs:0x300000]", "push fs\n pop gs", "mov ax, 0x1B\n mov fs, ax\n mov [fs:0], eax",
    "mov edx, 0x3FD\n in al, dx", "mov esi, 0x300000\n mov edx, 0xE9\n mov ecx, 3\n rep outsb",
    "mov edi, 0x300008\n mov edx, 0xE9\n mov ecx, 2\n rep insb", "bound eax, [0x300000]",
    "lock inc dword [0x300020]", "mov eax, 0x12345678\n imul eax, eax, 99", "pusha\n popa",
    "into", "mov ax, 8\n mov ds, ax\n mov eax, [0x300000]\n mov ax, 0x23\n mov ds, ax",
    "cli", "sti", "mov eax, cr0", "mov dr0, eax", "lgdt [0x300000]", "clc\n jc $",
    "stc\n sbb eax, eax",
)  # fmt: skip
# Sensitive and not privileged: only techniques that miss nothing get them right in the kernel.
SENSITIVE = (
    "pushf\n pop eax", "push dword 0x202\n popf", "push dword 2\n popf",
    "push dword 0x3202\n popf\n cli\n pushf\n pop edx\n push dword 2\n popf", "pushfw\n popfw",
    "pushf\n or dword [esp], 0x100\n popf\n nop\n nop\n pushf\n and dword [esp], ~0x100\n popf",
    "sgdt [0x300040]", "sidt [0x300048]", "smsw eax", "smsw bx", "str eax", "str ax", "sldt ecx",
    "mov eax, cs", "mov ax, ss", "push cs\n pop eax", "push ss\n pop ebx", "push gs\n pop fs",
    "mov ecx, 8\n lar eax, ecx", "mov ecx, 0x10\n lsl ebx, ecx", "mov ecx, 8\n verr cx",
    "mov ecx, 0x10\n verw cx\n setz al", "push cs\n pop ds\n mov ax, 0x23\n mov ds, ax",
    "sti\n nop\n cli", "sti\n sti\n nop", "sti\n mov ecx, 5\n.l: loop .l",
    "sti\n mov ecx, 3\n mov edi, 0x300100\n rep stosb", "mov eax, cr0\n mov ecx, cr4\n mov edx, cr3",
    "call .f\n jmp .g\n.f: ret\n.g: nop", "mov eax, .h\n jmp eax\n.h: inc edi",
    "mov dword [0x300200], .i\n jmp [0x300200]\n.i: inc edi",
    "mov eax, .j\n call eax\n.j: add esp, 4", "push dword 7\n push dword .k\n ret 4\n.k: nop",
    "mov byte [.m + 1], 0x90\n.m: db 0x90, 0xF4", "mov byte [.n], 0x43\n jmp .n\n.n: inc edi",
    "jecxz .o\n inc edi\n.o: xor ecx, ecx\n jecxz .p\n hlt\n.p: nop", "mov eax, [cs:main]",
    "jmp [cs:.t]\n.t: dd .u\n.u: nop", "mov ax, 0x10\n mov gs, ax\n mov [gs:0x300300], ax",
    "db 0xEB, 0xFF, 0xC0\n nop", "call $ + 5\n pop eax", "xor eax, eax\n mov ss, ax",
    # With an interrupt between the two, a processor may use what its TLB still holds, or look again.
    "cli\n mov eax, page(0x100)\n and dword [eax], ~0x20\n mov eax, cr3\n mov cr3, eax",
)  # fmt: skip
COMPLETE = [
    (technique, memory)
    for technique in ("emulation", "binary-translation", "hardware-assist")
    for memory in MEMORIES[technique]
]


def combined(pairs: list[tuple[str, str]]) -> pytest.MarkDecorator:
    names = ["-".join(pair) for pair in pairs]
    return pytest.mark.parametrize(("technique", "memory"), pairs, ids=names)


PROLOGUE = """
bits 32
org 0x100000
%include "pc.inc"
%define page(n) page_table + (n) * 4
LOG             equ 0x80000
LAST            equ 0x88000

%macro catch 1                  ; no error code
        gate %1, %%entry
        jmp %%over
%%entry: push dword 0
        push dword %1
        jmp caught
%%over:
%endmacro
%macro catch_error 1
        gate %1, %%entry
        jmp %%over
%%entry: push dword %1
        jmp caught
%%over:
%endmacro

main:   mov eax, USER_DATA
        mov ds, ax
        mov es, ax
        catch 0
        catch 1
        catch 3
        catch 4
        catch 5
        catch 6
        catch 7
        catch_error 10
        catch_error 11
        catch_error 12
        catch_error 13
        catch_error 14
        gate 0x20, tick
        user_gate 0x30, service
        gate 0x31, service
        user_gate 0x32, leave
        mov eax, PERIOD
        call timer_start
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        mov eax, [gdt]          ; its page is marked accessed: see the notes of the README
        jmp slots

caught: pusha
        mov eax, [log]
        mov ecx, [esp + 32]     ; vector
        mov [eax], ecx
        mov ecx, [esp + 36]     ; error code
        mov [eax + 4], ecx
        mov ecx, cr2
        mov [eax + 8], ecx
        mov ecx, [esp + 40]     ; EIP
        mov [eax + 12], ecx
        and dword [esp + 48], ~0x100    ; one single step is enough
        add eax, 16
        mov [log], eax
        cmp eax, LAST
        jae leave
        or ecx, 63              ; the next slot
        inc ecx
        mov [esp + 40], ecx
        mov eax, USER_DATA
        mov ds, ax
        mov es, ax
        popa
        add esp, 8
        iret
tick:   push eax
        inc dword [ss:ticks]
        cmp dword [ss:ticks], 200
        jae leave
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
service:
        inc ebx
        iret
leave:  mov eax, DATA
        mov ds, ax
        mov al, 0
        out 0xF4, al
log     dd LOG
ticks   dd 0
zero    dw 0

align 4096
page_directory: dd page_table + 7
        times 1023 dd 0
page_table:
%rep 1024
        dd ($ - page_table) * 1024 + 7
%endrep
align 64
slots:
"""
EPILOGUE = """
to_ring_3:
        mov esp, STACK
        push dword USER_DATA
        push dword 0x7F000
        push dword 0x202
        push dword USER_CODE
        push dword user
        iret
align 64
user:
"""
END = """
        xor esi, esi            ; compute for a while, so that the timer comes in ring 3 too
.again: inc esi
        cmp esi, 300
        jb .again
        int 0x32
align 64, 0x90
        int 0x32
"""


def guest(kernel: list[str], user: list[str], period: int) -> Program:
    text = [PROLOGUE]
    for part, slots, after in (("k", kernel, EPILOGUE), ("u", user, END)):
        for number, slot in enumerate(slots):
            text.append(f"{part}{number}:\n {slot}\nalign 64, 0x90\n")
        text.append(after)
    return guests.assemble_text("".join(text), defines={"PERIOD": period})


slots_of_kernel = st.lists(st.sampled_from(KERNEL_ONLY + ANYBODY), max_size=25)
slots_of_sensitive_kernel = st.lists(
    st.sampled_from(KERNEL_ONLY + ANYBODY + SENSITIVE * 2), max_size=25)
slots_of_user = st.lists(st.sampled_from(ANYBODY), max_size=20)


def compare(
    technique: str, memory: str, kernel: list[str], user: list[str], period: int
) -> None:
    image = Image(guest(kernel, user, period), "random", 4 << 20)
    subject = build(technique, image, Options(memory=memory))
    lockstep = Lockstep(build(BARE_METAL, image), subject, closely=EVERY_STEP)
    assert lockstep.advance(12_000) is None
    assert lockstep.subject.digest() == lockstep.reference.digest()


@combined(USUAL)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kernel=slots_of_kernel, user=slots_of_user, period=st.integers(10, 120))
def test_a_random_guest_is_equal_to_bare_metal_at_every_step(
    technique: str, memory: str, kernel: list[str], user: list[str], period: int
) -> None:
    compare(technique, memory, kernel, user, period)


@combined(COMPLETE)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kernel=slots_of_sensitive_kernel, user=slots_of_user, period=st.integers(10, 120))
def test_a_random_kernel_of_sensitive_instructions_is_equal_too(
    technique: str, memory: str, kernel: list[str], user: list[str], period: int
) -> None:
    compare(technique, memory, kernel, user, period)


def test_a_single_step_trap_whose_delivery_is_left_twice_is_one_step() -> None:
    """After a flush, stack and table of the delivery both need a shadow entry first."""
    step = next(slot for slot in SENSITIVE if "or dword [esp], 0x100" in slot)
    flush = next(slot for slot in SENSITIVE if "mov cr3, eax" in slot)
    for memory in MEMORIES["hardware-assist"]:
        compare("hardware-assist", memory, [flush, step], [], 10)


@pytest.mark.fuzz
@combined(VIRTUAL)
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kernel=slots_of_kernel, user=slots_of_user, period=st.integers(10, 120))
def test_two_thousand_random_guests_are_equal_to_bare_metal(
    technique: str, memory: str, kernel: list[str], user: list[str], period: int
) -> None:
    compare(technique, memory, kernel, user, period)


@pytest.mark.fuzz
@combined(COMPLETE)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kernel=slots_of_sensitive_kernel, user=slots_of_user, period=st.integers(10, 120))
def test_five_hundred_random_kernels_of_sensitive_instructions_are_equal_too(
    technique: str, memory: str, kernel: list[str], user: list[str], period: int
) -> None:
    compare(technique, memory, kernel, user, period)
