; Nanobenchmark: changing a page-table entry.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). To the processor this is a store
; like any other. A monitor that keeps tables of its own, made from the guest's, must hear of it.
; Between `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

PAGE            equ 0x300000    ; the page whose entry changes
FRAMES          equ 0x200000    ; the two frames it shows in turn
TOGGLE          equ 0x1000

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax            ; from here every address goes through the tables
        mov dword [FRAMES], 1
        mov dword [FRAMES + TOGGLE], 2
        mov eax, [PAGE]         ; whoever keeps tables of his own has an entry for it now
        mov ebx, COUNT
        mov eax, FRAMES + 3     ; present, writable
again:
        xor eax, TOGGLE
measured:
        mov [entry], eax
measured_end:
        dec ebx
        jnz again
        invlpg [PAGE]           ; only now may the processor be asked what it shows
        mov esi, text
        call print
        mov eax, [PAGE]
        call print_number
        call new_line
        xor eax, eax
        jmp finish

entry   equ page_table + (PAGE >> 12) * 4
text    db "entry changed; the page shows frame ", 0

align 4096
page_directory: dd page_table + 3
                times 1023 dd 0
page_table:                     ; each entry: its own address, present, writable
%rep 1024
                dd ($ - page_table) * 1024 + 3
%endrep
