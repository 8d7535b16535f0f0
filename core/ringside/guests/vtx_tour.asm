; A tour of VM exits: what leaves a guest under hardware assist, and what does not.
;
; Each paragraph does one thing that the control structure (VMCS) makes leave for the monitor,
; and after it something sensitive that stays in the guest, although de-privileged it would have
; to trap, or would go wrong without a word. On the bare machine it all just works.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        gate 0x20, tick
        gate 6, undefined

        xor eax, eax            ; CPUID always leaves: the monitor says what processor this is
        cpuid
        smsw ecx                ; stays, and reads what the guest believes

        rdtsc                   ; leaves: the guest has a clock of its own
        sgdt [table]            ; stays, and reads the guest's own table

        mov eax, cr0            ; stays
        or eax, 0x20            ; NE belongs to the monitor while VMX is on ...
        mov cr0, eax            ; ... so a write that changes it leaves
        and eax, ~0x20
        mov cr0, eax

        mov ecx, 0x10
        rdmsr                   ; leaves: the MSR bitmap says so

        vmcall                  ; leaves; this monitor answers as if there were no such thing

        mov eax, 119            ; the timer: 100 microseconds
        call timer_start        ; every port leaves: the I/O bitmap says so
        push dword 0x202
        popf                    ; stays, and really sets IF
        hlt                     ; leaves, so that the real processor can serve others
        cli                     ; stays

        mov ecx, 1500           ; the timer comes, but nobody takes it:
.compute:
        loop .compute
        sti                     ; the window opens after the next instruction
        nop
        cli

        mov esi, text
        call print
        xor eax, eax
        jmp finish

tick:
        push eax
        mov al, 0x20            ; tell the controller that it was taken
        out 0x20, al
        pop eax
        iret

undefined:
        add dword [esp], 3      ; go on behind VMCALL
        iret

align 4
table   dd 0, 0
text    db "the tour is over", 10, 0
