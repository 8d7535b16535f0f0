; Crash: takes its own interrupt table away, and then needs it.
;
; The exception cannot be delivered, nor the double fault that follows: the processor shuts down.
; The bare machine stands still; a virtual one must stand still alone.

bits 32
org 0x100000

%include "pc.inc"

main:
%ifdef PARAVIRT
        mov ebx, STACK          ; an exception will find no stack any more
        xor esp, esp
%else
        lidt [nothing]
%endif
        ud2

nothing         dw 0
                dd 0
