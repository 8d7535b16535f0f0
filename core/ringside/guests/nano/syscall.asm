; Nanobenchmark: a system call and its return.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). Theirs is SYSCALL and SYSRET;
; here INT 80h and IRET take the same way: a program in ring 3 asks, the kernel answers at once.
; Between `measured` and `measured_end` is what is measured, when the loop has run warm.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        user_gate 0x80, system_call
        push dword USER_DATA            ; SS, ESP, EFLAGS, CS, EIP of the program
        push dword 0x80000
        push dword 0x202
        push dword USER_CODE
        push dword program
        mov eax, USER_DATA
        mov ds, ax
        mov es, ax
        iret

program:                        ; ring 3
        mov ebx, COUNT
        xor ecx, ecx
        xor eax, eax
again:
measured:
        int 0x80
measured_end:
        dec ebx
        jnz again
        mov eax, 1
        int 0x80

align 16
system_call:                    ; ring 0
        inc ecx
        test eax, eax
        jnz .end
        iret
.end:
        mov esi, text
        call print
        lea eax, [ecx - 1]
        call print_number
        call new_line
        xor eax, eax
        jmp finish

text    db "system calls: ", 0
