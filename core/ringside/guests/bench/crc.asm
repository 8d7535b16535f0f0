; CRC-32 of a buffer, bit by bit, again and again. EAX: the CRC of the buffer.

BUFFER equ 0x200000
LENGTH equ 4096
%ifndef ROUNDS
ROUNDS equ 25
%endif

start:
    call enable_paging
    xor ecx, ecx
.fill:
    mov eax, ecx
    imul eax, ecx
    shr eax, 3
    mov [BUFFER + ecx], al
    inc ecx
    cmp ecx, LENGTH
    jb .fill

    mov ebx, ROUNDS
.round:
    mov esi, BUFFER
    mov edi, LENGTH
    mov eax, 0xFFFFFFFF
.byte:
    movzx edx, byte [esi]
    inc esi
    xor eax, edx
    mov ecx, 8
.bit:
    shr eax, 1
    jnc .zero
    xor eax, 0xEDB88320
.zero:
    dec ecx
    jnz .bit
    dec edi
    jnz .byte
    not eax
    dec ebx
    jnz .round
    cli
    hlt

%include "paging.inc"
