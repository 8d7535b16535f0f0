; Nanobenchmark: IN from port 80h.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). On a PC port 80h is the
; diagnostic port, far from the processor on a slow bus. Nothing answers it in this machine, so
; all bits read 1. Between `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        mov ebx, COUNT
        xor ecx, ecx
again:
measured:
        in al, 0x80
measured_end:
        inc al                  ; all ones, and so 0 now
        jnz finish
        inc ecx
        dec ebx
        jnz again
        mov ebx, ecx
        mov esi, text
        call print
        mov eax, ebx
        call print_number
        call new_line
        xor eax, eax
        jmp finish

text    db "bytes from port 80h: ", 0
