; Matrix: multiply two 24 x 24 matrices and add up the product.
;
; A[i][j] = i + j, B[i][j] = i - j. Many loads and one multiplication in the inner loop: work
; that no technique should slow down, as nothing in it is privileged.

bits 32
org 0x100000
N               equ 24
A               equ 0x200000
B               equ A + N * N * 4
ROW             equ N * 4       ; bytes
%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        xor ecx, ecx            ; fill: ECX = row, EDX = column
        mov edi, A
.fill_row:
        xor edx, edx
.fill:
        mov eax, ecx
        sub eax, edx
        mov [edi + B - A], eax
        lea eax, [ecx + edx]
        stosd
        inc edx
        cmp edx, N
        jb .fill
        inc ecx
        cmp ecx, N
        jb .fill_row
        xor ebp, ebp            ; the sum
        mov esi, A              ; a row of A
.row:
        mov edi, B              ; a column of B
.column:
        xor ecx, ecx
        mov ebx, edi
.inner:
        mov eax, [esi + ecx * 4]
        imul eax, [ebx]
        add ebp, eax
        add ebx, ROW
        inc ecx
        cmp ecx, N
        jb .inner
        add edi, 4
        cmp edi, B + ROW
        jb .column
        add esi, ROW
        cmp esi, B
        jb .row
        mov esi, text
        call print
        mov eax, ebp
        call print_number
        call new_line
        xor eax, eax
        jmp finish
text            db "sum of all elements: ", 0
