; Page tables: everything a kernel does to them, once, on three pages.
;
; Each number printed is what a program reads at a page. The frames hold 1, 2, 3 ... at their
; beginning, so the number tells which frame the page led to.

bits 32
org 0x100000

FIRST           equ 0x300000    ; three pages ...
SECOND          equ 0x301000
THIRD           equ 0x302000    ; ... the last of which is missing at first
FRAMES          equ 0x200000    ; and the frames behind them

%include "pc.inc"

%macro show 1                   ; print the number the page leads to
        mov eax, [%1]
        add al, '0'
        out 0xE9, al
%endmacro
%ifdef PARAVIRT
%define page_directory START_DIRECTORY
%macro change 3                 ; page, frame, flush flag
        mov ebx, %1
        mov ecx, %2 + 3
        to_machine ecx, eax
        mov edx, %3
        hypercall H_UPDATE_VA_MAPPING
%endmacro
%macro use 1                    ; another address space
        machine_frame eax, %1
        mov [use_space + 4], eax
        mov ebx, use_space
        mov ecx, 1
        xor edx, edx
        hypercall H_MMUEXT_OP
%endmacro
%else
%macro change 3
        mov dword [page_table + (%1 >> 12) * 4], %2 + 3
%if %3
        invlpg [%1]
%endif
%endmacro
%macro use 1
        mov eax, %1
        mov cr3, eax
%endmacro
%endif

main:
        gate 14, page_fault
        mov ecx, 5
        mov eax, FRAMES
.number:
        inc byte [number]
        mov dl, [number]
        mov [eax], dl
        add eax, 0x1000
        loop .number
%ifdef PARAVIRT
        change FIRST, FRAMES, FLUSH_PAGE        ; the first tables are in use already
        change SECOND, FRAMES + 0x2000, FLUSH_PAGE
        mov ebx, THIRD
        xor ecx, ecx
        mov edx, FLUSH_PAGE
        hypercall H_UPDATE_VA_MAPPING
        mov esi, [START_DIRECTORY]              ; the other ones are like them ...
        and esi, -4096
        to_ours esi, eax
        mov edi, other_table
        mov ecx, 1024
        rep movsd
        mov eax, FRAMES + 0x4003                ; ... but for one page,
        to_machine eax, ecx
        mov [other_table + (FIRST >> 12) * 4], eax
        mov eax, other_table + 3
        to_machine eax, ecx
        mov [other_directory], eax
        and byte [other_table + (other_table >> 12) * 4], ~2    ; and can only be read in there
        and byte [other_table + (other_directory >> 12) * 4], ~2
        map other_table, other_table, 1         ; and from here
        map other_directory, other_directory, 1
        machine_frame eax, other_directory
        mov [pin + 4], eax
        mov ebx, pin                            ; the VMM shall check them
        mov ecx, 1
        xor edx, edx
        hypercall H_MMUEXT_OP
%else
        mov dword [page_table + (FIRST >> 12) * 4], FRAMES + 3
        mov dword [page_table + (SECOND >> 12) * 4], FRAMES + 0x2003
        mov dword [page_table + (THIRD >> 12) * 4], 0
        mov dword [other_table + (FIRST >> 12) * 4], FRAMES + 0x4003
        use page_directory
        mov eax, cr0
        or eax, 0x80010000      ; paging, and read-only for the kernel too
        mov cr0, eax
%endif
        show FIRST              ; 1
        change FIRST, FRAMES + 0x1000, 0
        show FIRST              ; 2, or still 1: nobody has told the TLB
        change FIRST, FRAMES + 0x1000, 2
        show FIRST              ; 2
        show SECOND             ; 3
        mov byte [SECOND + 8], 7        ; the first write: the page is dirty from now on
        show THIRD              ; faults; the kernel gives it a frame: 4
        mov ebp, 2
.turn:
        use other_directory     ; another process
        show FIRST              ; 5
        use page_directory      ; and back
        show FIRST              ; 2
        dec ebp
        jnz .turn
        call new_line
        xor eax, eax
        jmp finish

page_fault:                     ; on the stack: error code, EIP, CS, EFLAGS
        change THIRD, FRAMES + 0x3000, 2
        add esp, 4
%ifdef PARAVIRT
        return_from_trap

pin             dd PIN_L2, 0, 0
use_space       dd NEW_BASEPTR, 0, 0
%else
        iret
%endif
number  db 0

align 4096
%ifdef PARAVIRT
other_directory:
        times 1024 dd 0
other_table:
        times 1024 dd 0
%else
page_directory: dd page_table + 3
        times 1023 dd 0
page_table:                     ; each entry: its own address, present, writable
%rep 1024
        dd ($ - page_table) * 1024 + 3
%endrep
other_directory: dd other_table + 3
        times 1023 dd 0
other_table:
%rep 1024
        dd ($ - other_table) * 1024 + 3
%endrep
%endif
