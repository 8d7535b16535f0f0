; Adds up an array of 16384 doublewords, again and again. EAX: the sum of the last pass.

ARRAY  equ 0x200000
LENGTH equ 16384
%ifndef ROUNDS
ROUNDS equ 60
%endif

start:
    call enable_paging
    mov edi, ARRAY
    mov ecx, LENGTH
    mov eax, 12345
.fill:
    imul eax, eax, 1103515245
    add eax, 12345
    mov edx, eax
    shr edx, 16
    mov [edi], edx
    add edi, 4
    dec ecx
    jnz .fill

    mov ebx, ROUNDS
.round:
    mov esi, ARRAY
    mov ecx, LENGTH
    xor eax, eax
.next:
    add eax, [esi]
    add esi, 4
    dec ecx
    jnz .next
    dec ebx
    jnz .round
    cli
    hlt

%include "paging.inc"
