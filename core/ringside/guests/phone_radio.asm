; Radio: the part of a phone that may not be late.
;
; A frame of the air interface begins with interrupt 5. The guest reads the number of the frame
; from port 500h, prepares its answer, and writes the number back to port 500h: only then has it
; met the frame's deadline. Between frames it sleeps, and wants nothing from the processor.
; Whether it wakes in time is up to whoever schedules the virtual machines.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

RADIO           equ 0x500
WORK            equ 60          ; rounds of computing that an answer takes

main:
        gate 0x25, frame
        mov al, 0xDF            ; only line 5
        call interrupts_start
        mov esi, text_ready
        call print
.sleep:
        sti
        hlt                     ; the frame's interrupt does the rest
        cli
        jmp .sleep

frame:
        pusha
        mov edx, RADIO
        in eax, dx              ; which frame is it?
        mov ebx, eax
        mov ecx, WORK
.compute:                       ; what a real one would decode and encode here
        imul eax, eax, 69069
        inc eax
        loop .compute
        mov [answer], eax
        mov eax, ebx
        out dx, eax             ; answered
        mov al, 0x20            ; interrupt taken
        out 0x20, al
        popa
        iret

answer          dd 0
text_ready      db "radio: ready", 10, 0
