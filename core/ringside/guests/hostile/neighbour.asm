; Neighbour: minds its own business, and its own memory.
;
; It fills a page, reads it again and again, and says in the end whether every word was still what
; it had written. Whoever shares the machine with it must not be able to change that.

bits 32
org 0x100000

%include "pc.inc"

PAGE            equ 0x180000
WORDS           equ 1024
ROUNDS          equ 4
GOOD            equ 0x600DF00D

main:
        mov edi, PAGE
        mov ecx, WORDS
        mov eax, GOOD
        rep stosd
        mov ebx, ROUNDS
.round:
        mov esi, PAGE
        mov ecx, WORDS
.next:
        lodsd
        cmp eax, GOOD
        jne .harmed
        loop .next
        dec ebx
        jnz .round
        mov esi, text_good
        call print
        xor eax, eax
        jmp finish
.harmed:
        mov esi, text_harmed
        call print
        mov eax, 1
        jmp finish

text_good       db "all mine", 10, 0
text_harmed     db "somebody was here", 10, 0
