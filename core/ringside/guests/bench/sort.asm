; Fills an array with pseudo-random signed numbers and sorts it by insertion, again and again.
; EAX: how many neighbours are out of order at the end (0).

ARRAY  equ 0x200000
LENGTH equ 300
%ifndef ROUNDS
ROUNDS equ 25
%endif

start:
    call enable_paging
    mov ebp, 12345                  ; state of the generator
    mov ebx, ROUNDS
.round:
    xor ecx, ecx
.fill:
    imul ebp, ebp, 1103515245
    add ebp, 12345
    mov eax, ebp
    sar eax, 8
    mov [ARRAY + ecx*4], eax
    inc ecx
    cmp ecx, LENGTH
    jb .fill
    call sort
    dec ebx
    jnz .round

    xor eax, eax
    mov ecx, 1
.check:
    mov edx, [ARRAY + ecx*4]
    cmp edx, [ARRAY + ecx*4 - 4]
    jge .ordered
    inc eax
.ordered:
    inc ecx
    cmp ecx, LENGTH
    jb .check
    cli
    hlt

sort:
    mov edi, 1                      ; what lies before element EDI is sorted
.element:
    mov eax, [ARRAY + edi*4]
    mov ecx, edi
.shift:
    mov edx, [ARRAY + ecx*4 - 4]
    cmp edx, eax
    jle .place
    mov [ARRAY + ecx*4], edx
    dec ecx
    jnz .shift
.place:
    mov [ARRAY + ecx*4], eax
    inc edi
    cmp edi, LENGTH
    jb .element
    ret

%include "paging.inc"
