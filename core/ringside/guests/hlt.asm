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
        sti                     ; works only after the next instruction, so that no
        hlt                     ; interrupt can come between the two
        cli
        mov esi, text_awake
        call print
        dec ebx
        jnz .sleep
        mov esi, text_end
        call print
        cli
        hlt

tick:
        push eax
        mov al, 0x20            ; tell the controller that it was taken
        out 0x20, al
        pop eax
        iret

text_sleep      db "sleeping ... ", 0
text_awake      db "awake", 10, 0
text_end        db "good night", 10, 0
