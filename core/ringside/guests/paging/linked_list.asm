; Linked list: 24 nodes, each in a page of its own, followed twice.
;
; The kernel maps the first 4 MiB to itself with small pages. A node holds the address of the next
; one and a number; the nodes lie in no order. Almost every step needs another translation: the
; kind of program that a TLB helps least.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

NODES           equ 24
NODE            equ 0x200000    ; node n lies n pages and n lines of 64 bytes further
DISTANCE        equ 0x1040
STEP            equ 7           ; from node n to node n + 7, beyond the end from the start
DIRECTORY       equ 0x300000
TABLE           equ 0x301000

main:
        mov edi, TABLE          ; each entry: its page's own address, present, writable
        mov eax, 3
.entry:
        stosd
        add eax, 0x1000
        cmp eax, 0x400000
        jb .entry
        mov dword [DIRECTORY], TABLE + 3
        xor ecx, ecx            ; node ECX ...
        mov ebx, NODE           ; ... lies here
.node:
        lea eax, [ecx + STEP]
        cmp eax, NODES
        jb .inside
        sub eax, NODES
.inside:
        imul eax, eax, DISTANCE
        add eax, NODE
        mov [ebx], eax          ; the next one
        mov [ebx + 4], ecx      ; its number
        add ebx, DISTANCE
        inc ecx
        cmp ecx, NODES
        jb .node
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax            ; paging is on

        mov ecx, 2 * NODES
        mov esi, NODE
        xor eax, eax
.follow:
        add eax, [esi + 4]
        mov esi, [esi]
        loop .follow

        push eax
        mov esi, text
        call print
        pop eax
        call print_number
        call new_line
        xor eax, eax
        jmp finish
text            db "sum of the numbers: ", 0
