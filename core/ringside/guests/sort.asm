; Sort: put 200 numbers in order by insertion.
;
; The numbers come from a linear congruential generator, so every run is the same. At the end
; the guest checks the order itself. Branches and memory, nothing privileged.

bits 32
org 0x100000

N               equ 200
TABLE           equ 0x200000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        mov eax, 2000           ; seed
        xor ecx, ecx
.fill:
        imul eax, eax, 1103515245
        add eax, 12345
        mov edx, eax
        shr edx, 16
        mov [TABLE + ecx * 4], edx
        inc ecx
        cmp ecx, N
        jb .fill

        mov ecx, 1
.insert:
        mov eax, [TABLE + ecx * 4]
        mov edx, ecx            ; everything before ECX is in order: make room for EAX there
.shift:
        mov ebx, [TABLE + edx * 4 - 4]
        cmp ebx, eax
        jbe .place
        mov [TABLE + edx * 4], ebx
        dec edx
        jnz .shift
.place:
        mov [TABLE + edx * 4], eax
        inc ecx
        cmp ecx, N
        jb .insert

        mov esi, text_sorted
        mov ecx, N - 1
.check:
        mov eax, [TABLE + ecx * 4 - 4]
        cmp eax, [TABLE + ecx * 4]
        ja .wrong
        loop .check
        jmp .say
.wrong:
        mov esi, text_wrong
.say:
        call print
        xor eax, eax
        jmp finish
text_sorted     db "sorted", 10, 0
text_wrong      db "not sorted", 10, 0
