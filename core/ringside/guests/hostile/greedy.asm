; Greedy: forbids interrupts and never gives the processor back.
;
; On the bare machine this is the end: nothing can take the processor away from it any more.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

main:
        catch
        try_until .stay
        cli
.stay:
        inc dword [turns]
        jmp .stay

turns           equ 0x180000    ; on a page without code
