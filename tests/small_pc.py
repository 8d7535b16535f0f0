"""The beginning of small guests that several tests write: tables, a timer, an echo of what is
typed; each test adds what comes at ``main``."""

from __future__ import annotations

PRELUDE = """
        bits 32
        org 0x100000
start:  lgdt [gdtr]
        lidt [idtr]
        jmp 0x08:.flat
.flat:  mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov eax, tick
        mov edi, idt + 0x20 * 8
        call gate
        mov eax, typed
        mov edi, idt + 0x24 * 8
        call gate
        jmp main

; EDI = a gate of the interrupt table, EAX = its handler
gate:   mov [edi], ax
        mov word [edi + 2], 0x08
        mov byte [edi + 5], 0x8E
        shr eax, 16
        mov [edi + 6], ax
        ret

tick:   push eax
        inc dword [ticks]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret

; what is typed is shown; q ends the run
typed:  push eax
        push edx
        mov dx, 0x3F8
        in al, dx
        out 0xE9, al
        cmp al, 'q'
        jne .no
        mov al, 1
        out 0xF4, al
.no:    mov al, 0x20
        out 0x20, al
        pop edx
        pop eax
        iret

; an interrupt every BX periods of the timer
timer:  mov al, 0x34
        out 0x43, al
        mov al, bl
        out 0x40, al
        mov al, bh
        out 0x40, al
        ret

; an interrupt for every byte that is typed
serial: mov dx, 0x3F9
        mov al, 1
        out dx, al
        mov dx, 0x3FC
        mov al, 8
        out dx, al
        ret

        align 8
gdt:    dq 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdtr:   dw 23
        dd gdt
idtr:   dw 0x7FF
        dd idt
ticks:  dd 0
        align 8
idt:    times 256 dq 0
"""
