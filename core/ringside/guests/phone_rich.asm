; Rich: the part of a phone with the pictures and the games.
;
; It computes all the time, in rounds; now and then it forbids interrupts for a while, as
; drivers do, and says how far it has come. In round 3 it tries something it should not: it
; maps a page of physical memory that lies beyond its own, where the radio's memory might be,
; and reads it. Its page table says that this is allowed; whether anything comes of it is
; decided below, by the one who owns the real tables.

bits 32
org 0x100000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

WINDOW          equ 0x300000    ; the page through which it looks
BEYOND          equ 0x400000    ; the first physical address that is not its own memory

main:
        gate 13, stopped
        gate 14, stopped
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        xor ebx, ebx            ; rounds
.round:
        inc ebx
        mov ecx, 4000           ; play
.play:
        imul eax, eax, 69069
        loop .play
        cli                     ; a driver's critical section: the virtual IF is 0,
        mov ecx, 200            ; the real one is not
.driver:
        loop .driver
        sti
        mov esi, text_round
        call print
        mov eax, ebx
        call print_number
        call new_line
        cmp ebx, 3
        jne .round
        mov esi, text_look
        call print
        mov dword [page_table + (WINDOW >> 12) * 4], BEYOND + 3
        invlpg [WINDOW]
        mov edi, [WINDOW]       ; where nothing answers, all ones are read: 4294967295
        mov esi, text_got
        call print
        mov eax, edi
        call print_number
        call new_line
        jmp .round

stopped:                        ; the attempt ended in an exception: go on behind it
        mov esi, text_stopped
        call print
        mov dword [esp + 4], main.round ; error code, EIP, CS, EFLAGS
        add esp, 4
        iret

text_round      db "rich: round ", 0
text_look       db "rich: looking beyond my memory", 10, 0
text_got        db "rich: I read ", 0
text_stopped    db "rich: stopped by an exception", 10, 0

align 4096
page_directory: dd page_table + 3
                times 1023 dd 0
page_table:                     ; each entry: its own address, present, writable
%rep 1024
                dd ($ - page_table) * 1024 + 3
%endrep
