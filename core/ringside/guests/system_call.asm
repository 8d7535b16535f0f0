; System call: the one door from a program into its kernel.
;
; The kernel goes to ring 3 by IRET: it builds the stack that an interrupt from there would
; have left, and "returns". The program may not print (ports are not for ring 3), so it asks:
; INT 80h goes through a gate to the kernel, on the stack that the task state segment names.
; Service 1 prints the character in EBX, service 2 ends the run.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

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
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif

program:                        ; ring 3
        mov esi, text_hello
.next:
        movzx ebx, byte [esi]
        test ebx, ebx
        jz .done
        mov eax, 1
        int 0x80
        inc esi
        jmp .next
.done:
        mov eax, 2
        int 0x80

system_call:                    ; ring 0
        cmp eax, 2
        je .end
        mov eax, ebx
        out 0xE9, al
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif
.end:
        xor eax, eax
        jmp finish

text_hello      db "hello from ring 3", 10, 0
