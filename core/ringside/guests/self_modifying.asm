; Code that is not what it seems: a test for whoever keeps copies of code.
;
; First a program that writes into its own instructions: the character that MOV AL loads is a byte
; of the code, and it is counted up between two calls. Then a jump into the middle of an
; instruction: from there on the same bytes are other instructions. In the end a jump to where no
; memory is: what is read there is FFh, which is no instruction, so the processor raises
; exception 6.
;
; A binary translator that kept its first copy would print "aaa". It has to notice the write,
; give the copy up, and translate what stands there now.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

nowhere         equ 0x4000000   ; 64 MiB: beyond the memory of any machine here

main:
        gate 6, invalid
        mov ecx, 3
.again:
        call say
        inc byte [say + 1]      ; the 'a' in the code of MOV AL, 'a'
        loop .again
        call new_line

        xor ebx, ebx
        mov ecx, 2
hidden: mov eax, 0x90909043     ; B8 43 90 90 90; from its second byte on: INC EBX, NOP, NOP, NOP
        loop hidden + 1
        mov esi, text_hidden
        call print
        mov eax, ebx
        call print_number
        call new_line

        jmp nowhere

say:    mov al, 'a'
        out 0xE9, al
        ret

invalid:                        ; exception 6
        mov esi, text_invalid
        call print
        xor eax, eax
        jmp finish

text_hidden     db "EBX, by a jump into the middle of an instruction: ", 0
text_invalid    db "no memory there, and no instruction: exception 6", 10, 0
