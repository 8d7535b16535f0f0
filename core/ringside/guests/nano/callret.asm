; Nanobenchmark: CALL and RET.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). Nothing here is privileged.
; Only who moves code about has work with it: the return address on the stack is the guest's,
; and its translation must be found. Between `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        mov ebx, COUNT
        xor ecx, ecx
again:
measured:
        call nothing
measured_end:
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

nothing:
        ret

text    db "calls: ", 0
