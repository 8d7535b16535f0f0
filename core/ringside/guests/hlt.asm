; HLT: sleep until something happens.
;
; A machine with nothing to do stops its processor; the next interrupt wakes it behind the HLT.
; That is right when the machine is alone. When it shares its processor with others, HLT must
; stop this guest only: so HLT is privileged, traps, and the monitor runs somebody else.
;
; The last HLT comes with IF = 0: nothing can wake it, and the machine has come to its end.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        gate 0x20, tick
        mov eax, 1193           ; about a millisecond
        call timer_start
        mov ebx, 3
.sleep:
        mov esi, text_sleep
        call print
%ifdef PARAVIRT
        push ebx
        mov ebx, BLOCK          ; lets events in, and comes back after one
        hypercall H_SCHED_OP
        pop ebx
        mov byte [EVENTS_OFF], 1
%else
        sti                     ; works only after the next instruction, so that no
        hlt                     ; interrupt can come between the two
        cli
%endif
        mov esi, text_awake
        call print
        dec ebx
        jnz .sleep
        mov esi, text_end
        call print
%ifdef PARAVIRT
        mov ebx, SHUTDOWN
        mov ecx, shutdown_reason
        hypercall H_SCHED_OP
shutdown_reason dd 0
%else
        cli
        hlt
%endif

tick:
        push eax
%ifdef PARAVIRT
        events_taken
%else
        mov al, 0x20            ; tell the controller that it was taken
        out 0x20, al
%endif
        pop eax
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif

text_sleep      db "sleeping ... ", 0
text_awake      db "awake", 10, 0
text_end        db "good night", 10, 0
