; Nanobenchmark: a page fault that is the guest's own.
;
; One of the seven of Adams and Agesen (ASPLOS 2006, section 6.3). The page is missing in the
; guest's tables and stays missing: a true page fault, which no monitor can take away. The handler
; steps over the load and returns. Between `measured` and `measured_end` is what is measured.

bits 32
org 0x100000

HOLE            equ 0x300000    ; the page that is missing

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

COUNT           equ 64          ; rounds: half of them to warm up, half measured

main:
        gate 14, page_fault
        mov dword [page_table + (HOLE >> 12) * 4], 0
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax            ; from here every address goes through the tables
        mov ebx, COUNT
        xor ecx, ecx
again:
measured:
        mov eax, [HOLE]
measured_end:
        dec ebx
        jnz again
        mov ebx, ecx
        mov esi, text
        call print
        mov eax, ebx
        call print_number
        call new_line
        xor eax, eax
        jmp finish

page_fault:                     ; on the stack: error code, EIP, CS, EFLAGS
        inc ecx
        add esp, 4              ; IRET does not take the error code away
        add dword [esp], measured_end - measured
        iret

text    db "page faults: ", 0

align 4096
page_directory: dd page_table + 3
                times 1023 dd 0
page_table:                     ; each entry: its own address, present, writable
%rep 1024
                dd ($ - page_table) * 1024 + 3
%endrep
