; POPF: the instruction that loses its effect without a word.
;
; Here interrupts are switched on not by STI but by POPF, from a flags image in which IF is 1.
; In ring 0 that works: the timer's next interrupt is taken. In ring 1 the processor leaves IF
; as it was (IOPL is lower than the ring) and raises no exception. So a monitor that waits for
; traps is never told, its virtual IF stays 0, and the interrupt never comes: the same program
; gives another result. This is one of the 17 reasons why IA-32 could not be virtualized by
; trap and emulate alone (Robin and Irvine, 2000).

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        gate 0x20, tick
        mov eax, 119            ; about 100 microseconds
        call timer_start
%ifdef PARAVIRT
        mov byte [EVENTS_OFF], 1
        events_on               ; nothing to lose: the flag is a byte that both can see
%else
        cli                     ; traps in ring 1: the monitor knows that IF is 0
        push dword 0x202        ; flags with IF = 1 ...
        popf                    ; ... does not trap: the monitor does not know that it is 1
%endif
        mov ecx, 3000           ; far longer than until the next tick
.wait:
        cmp dword [ticks], 0
        jne .arrived
        loop .wait
        mov esi, text_lost
        call print
        mov eax, 1
        jmp finish
.arrived:
        mov esi, text_arrived
        call print
        xor eax, eax
        jmp finish

tick:
        push eax
        inc dword [ticks]
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

ticks           dd 0
text_arrived    db "POPF set IF: the interrupt arrived", 10, 0
text_lost       db "POPF did nothing: no interrupt, and no exception either", 10, 0
