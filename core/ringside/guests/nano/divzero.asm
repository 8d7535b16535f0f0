; Nanobenchmark: a fault that has nothing to do with memory, division by zero.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). The handler steps over the
; division and returns. Between `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        gate 0, divide_error
        mov ebx, COUNT
        xor ecx, ecx
        xor edx, edx
        mov eax, 1
again:
measured:
        div edx                 ; EDX is 0
measured_end:
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

divide_error:                   ; on the stack: EIP, CS, EFLAGS
        inc ecx
        add dword [esp], measured_end - measured
        iret

text    db "divisions by zero: ", 0
