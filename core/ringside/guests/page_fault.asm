; Page fault: an address with nothing behind it, until the kernel puts something there.
;
; All memory up to 4 MiB is mapped to itself, except one page. Touching that page raises
; exception 14: CR2 holds the address, the error code says what kind of access it was. The
; handler fills in the missing entry and returns; the very same instruction runs again, and
; now succeeds. Demand paging, swapping and copy-on-write all work like this.

bits 32
org 0x100000

HOLE            equ 0x300000    ; the page that is missing
FRAME           equ 0x200000    ; the memory it will get

%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:
        gate 14, page_fault
%ifdef PARAVIRT
        mov ebx, HOLE           ; paging is on already; only the hole has to be made
        xor ecx, ecx
        mov edx, FLUSH_PAGE
        hypercall H_UPDATE_VA_MAPPING
%else
        mov dword [hole_entry], 0
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax            ; from here every address goes through the tables
%endif
        mov dword [FRAME], 42
        mov eax, [HOLE]         ; faults, and then reads 42
        mov ebx, eax
        mov esi, text_read
        call print
        mov eax, ebx
        call print_number
        call new_line
        xor eax, eax
        jmp finish

page_fault:                     ; on the stack: error code, EIP, CS, EFLAGS
        mov esi, text_fault
        call print
%ifdef PARAVIRT
        map [FAULT_ADDRESS], FRAME, 3   ; present, writable
%else
        mov dword [hole_entry], FRAME + 3    ; present, writable
        mov eax, cr2
        invlpg [eax]            ; the TLB must not keep what it knew about this page
%endif
        add esp, 4              ; IRET does not take the error code away
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif

text_fault      db "page fault: filling in the entry", 10, 0
text_read       db "read ", 0

%ifndef PARAVIRT
hole_entry      equ page_table + (HOLE >> 12) * 4
align 4096
page_directory: dd page_table + 3
                times 1023 dd 0
page_table:                     ; each entry: its own address, present, writable
%rep 1024
                dd ($ - page_table) * 1024 + 3
%endrep
%endif
