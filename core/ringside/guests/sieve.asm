; Sieve: compute, and nothing else.
;
; The sieve of Eratosthenes counts the primes below 10000. After the start no instruction is
; privileged or sensitive: all of it is innocuous, and every technique may let it run directly.
; A measure of what virtualization costs a program that asks for nothing.

bits 32
org 0x100000

LIMIT           equ 10000
FLAGS           equ 0x200000    ; one byte for each number: 1 = not prime

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        mov edi, FLAGS
        mov ecx, LIMIT
        xor eax, eax
        rep stosb
        mov ecx, 2
        xor ebx, ebx            ; how many primes
.next:
        cmp byte [FLAGS + ecx], 0
        jne .not_prime
        inc ebx
        lea eax, [ecx + ecx]
.strike:
        cmp eax, LIMIT
        jae .not_prime
        mov byte [FLAGS + eax], 1
        add eax, ecx
        jmp .strike
.not_prime:
        inc ecx
        cmp ecx, LIMIT
        jb .next
        mov esi, text
        call print
        mov eax, ebx
        call print_number
        call new_line
        xor eax, eax
        jmp finish

text            db "primes below 10000: ", 0
