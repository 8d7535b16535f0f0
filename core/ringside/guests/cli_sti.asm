; CLI and STI: who may decide whether interrupts come?
;
; The timer interrupts every hundred microseconds and its handler counts. The guest first lets
; it, then forbids it with CLI for a while, then lets it again with STI. While IF is 0 nothing
; is counted; one interrupt waits in the controller and arrives right after STI.
;
; In ring 0 both simply change IF. In ring 1 both are privileged (IOPL is 0): they trap, and
; the monitor changes the virtual IF instead. The guest sees no difference.
;
; Paravirtual (PARAVIRT), it knows better: CLI becomes one MOV, and no trap at all.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        gate 0x20, tick
        mov eax, 119            ; 119 / 1193182 s: about 100 microseconds
        call timer_start
%ifdef PARAVIRT
        events_on
%else
        sti
%endif
        mov esi, text_open
        call watch
%ifdef PARAVIRT
        mov byte [EVENTS_OFF], 1
%else
        cli                     ; from here ...
%endif
        mov esi, text_shut
        call watch
%ifdef PARAVIRT
        events_on
%else
        sti                     ; ... to here no interrupt gets through
%endif
        mov esi, text_open
        call watch
%ifdef PARAVIRT
        mov byte [EVENTS_OFF], 1
%else
        cli
%endif
        xor eax, eax
        jmp finish

watch:                          ; say ESI, compute for a while, say how many ticks came
        call print
        mov dword [ticks], 0
        mov ecx, 1500
.compute:
        loop .compute
        mov eax, [ticks]
        call print_number
        jmp new_line

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
text_open       db "IF = 1, ticks: ", 0
text_shut       db "IF = 0, ticks: ", 0
