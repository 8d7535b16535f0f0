; Nanobenchmark: raising and lowering what may interrupt; stands for a write to CR8.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). Theirs writes CR8, the priority
; below which interrupts wait; it exists in 64-bit mode only. A 32-bit kernel does the same with
; CLI and STI. As in theirs no interrupt ever waits, so nobody has to hear of it. Between
; `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        mov ebx, COUNT
        xor ecx, ecx
again:
measured:
        cli
        sti
measured_end:
        inc ecx
        dec ebx
        jnz again
        cli
        mov ebx, ecx
        mov esi, text
        call print
        mov eax, ebx
        call print_number
        call new_line
        xor eax, eax
        jmp finish

text    db "interrupts off and on: ", 0
