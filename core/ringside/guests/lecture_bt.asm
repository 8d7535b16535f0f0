; The lecture's example of binary translation: five instructions of a kernel.
;
; CLI and STI guard something that must not be interrupted; in between a mask is applied and CR3
; is read. In ring 1 the first and the last would trap each time, and so would reading CR3. A
; binary translator runs none of it where it stands. It writes, once:
;
;       cli                     mov [virtual IF], 0
;       and ebx, 0xFFFFF000     and ebx, 0xFFFFF000     the same bytes: it is harmless
;       mov ebx, cr3            call the monitor's handler for CR3
;       sti                     mov [virtual IF], 1; does an interrupt wait? call the monitor
;       ret                     look the translation of the return address up, jump there
;
; and from then on the processor runs that, a thousand times. CLI and STI, which trapped each time,
; have become a few moves in memory. Only when the timer's interrupt came between them does STI
; call the monitor.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

ticks           equ 0x80000     ; on another page than the code: writes there are not watched

main:
        gate 0x20, tick
        mov eax, 119            ; about 100 microseconds
        call timer_start
        sti
        mov ecx, 1000
.again:
        mov ebx, 0x12345678
        call lecture
        loop .again
        cli
        mov esi, text_ticks
        call print
        mov eax, [ticks]
        call print_number
        call new_line
        xor eax, eax
        jmp finish

lecture:
        cli
        and ebx, 0xFFFFF000
        mov ebx, cr3
        sti
        ret

tick:
        push eax
        inc dword [ticks]
        mov al, 0x20            ; tell the controller that it was taken
        out 0x20, al
        pop eax
        iret

text_ticks      db "ticks meanwhile: ", 0
