; Balloon: a small kernel with a balloon driver, and a program that would like to have WANT pages.
;
; The kernel hands out its pages from a free list. The driver asks the host, with every tick of
; the timer, how many pages its balloon shall hold. If it holds fewer, it takes pages off the free
; list like anybody else and tells the host their numbers: the kernel will not use them, so the
; host may take the frames behind them. If the free list is empty, the program gives up a page
; that it can make again. If the balloon holds too many, the driver asks for pages back.
; The program checks everything it wrote, round after round: what it still has must be untouched.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

TARGET          equ 0x560       ; read: pages the balloon shall hold; write: a page for the host
BACK            equ 0x564       ; write: a page to have again; read: 1 if that was granted
NO_HOST         equ -1          ; what an empty bus answers
FIRST           equ 0x200       ; the pages the kernel hands out begin at 2 MiB
PAGES           equ 128
AT_ONCE         equ 16          ; pages the driver moves at a tick
CHECKED         equ 4           ; dwords of a page that are written, and read in every round
PERIOD          equ 1193        ; of the timer: a millisecond
%ifndef WANT
%define WANT 32
%endif

main:
        gate 0x20, tick
        mov edi, free_list
        mov eax, FIRST + PAGES - 1
.fill:                          ; the lowest page on top
        stosd
        dec eax
        cmp eax, FIRST
        jae .fill
        mov eax, PERIOD
        call timer_start
.round:
        sti
        hlt                     ; the driver works
        cli
        call need               ; the program takes what it needs, while there is some
        call check
        inc dword [rounds]
        mov eax, [held]
        cmp eax, [told]
        je .round
        mov [told], eax
        mov esi, text_held
        call print
        mov eax, [held]
        call print_number
        mov esi, text_used
        call print
        mov eax, [used]
        call print_number
        call new_line
        jmp .round

; -- the program: each of its pages begins with the page's own number

need:
        cmp dword [used], WANT
        jae .done
        mov ecx, [free]
        jecxz .done
        dec ecx
        mov [free], ecx
        mov eax, [free_list + ecx * 4]
        mov ecx, [used]
        mov [used_list + ecx * 4], eax
        inc dword [used]
        mov edi, eax
        shl edi, 12
        mov ecx, CHECKED
        rep stosd               ; a frame is mapped when it is touched
        jmp need
.done:
        ret

check:
        mov ebx, [used]
.next:
        sub ebx, 1
        jb .done
        mov eax, [used_list + ebx * 4]
        mov edi, eax
        shl edi, 12
        mov ecx, CHECKED
        repe scasd
        je .next
        mov esi, text_broken
        call print
        mov al, 1
        jmp finish
.done:
        ret

; -- the balloon driver

tick:
        pusha
        mov edx, TARGET
        in eax, dx
        cmp eax, NO_HOST
        je .done
        mov ebx, AT_ONCE
        mov ebp, eax
.move:
        cmp [held], ebp
        je .done
        ja .shrink
        call page_to_spare      ; in EAX
        jc .done
        mov edx, TARGET
        out dx, eax             ; from here on the frame is the host's
        mov ecx, [held]
        mov [balloon + ecx * 4], eax
        inc dword [held]
        jmp .moved
.shrink:
        mov ecx, [held]
        dec ecx
        mov eax, [balloon + ecx * 4]
        mov edx, BACK
        out dx, eax
        xchg eax, esi
        in eax, dx
        cmp eax, 1
        jne .done               ; the host has none to give: ask again at the next tick
        mov [held], ecx
        mov ecx, [free]
        mov [free_list + ecx * 4], esi
        inc dword [free]
.moved:
        dec ebx
        jnz .move
.done:
        mov al, 0x20            ; interrupt taken
        out 0x20, al
        popa
        iret

page_to_spare:                  ; a page number in EAX, or carry: from the free list first
        mov ecx, [free]
        jecxz .program
        dec ecx
        mov [free], ecx
        mov eax, [free_list + ecx * 4]
        clc
        ret
.program:                       ; then the program's latest, which it can make again
        mov ecx, [used]
        jecxz .none
        dec ecx
        mov [used], ecx
        mov eax, [used_list + ecx * 4]
        clc
        ret
.none:
        stc
        ret

text_held       db "balloon: ", 0
text_used       db " pages, program: ", 0
text_broken     db "a page was changed by somebody else", 10, 0
align 4
free            dd PAGES
used            dd 0
held            dd 0
told            dd 0
rounds          dd 0
free_list:      resd PAGES
used_list:      resd PAGES
balloon:        resd PAGES
