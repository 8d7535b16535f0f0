; Hostile hypercalls: a paravirtual kernel that asks for what is not its own.
;
; Everything a hypercall is given comes from the guest, and may be a lie: a pointer into the VMM's
; memory, a frame of somebody else's, a descriptor for ring 0. Each attempt here is answered with
; an error (negative: -1 not permitted, -14 bad address, -16 in use, -22 invalid, -38 no such call),
; nothing has happened, and other guests never hear of it. At the end the kernel just writes to the
; VMM's memory: the processor itself stops that, by the limit of the kernel's segment.
;
; This guest exists only as a paravirtual one.

bits 32
org 0x100000

%define PARAVIRT 1
%include "pc.inc"

%macro try 2+                   ; hypercall, text; its arguments are in the registers
        hypercall %1
        call answer
        jmp %%after
        db %2, 0
%%after:
%endmacro
; Behind the CALL comes the JMP over the text, two bytes, and the text.
answer:
        pusha
        mov edi, eax
        mov esi, [esp + 32]
        add esi, 2
        call print
        mov al, '-'
        out 0xE9, al
        mov eax, edi
        neg eax
        call print_number
        call new_line
        popa
        ret

VMM             equ 0xFFC00000  ; where the VMM's memory begins, in every address space
FOREIGN         equ 0xFFFFF     ; a frame far beyond what this machine has

main:
        gate 13, forbidden
        try 99, "a hypercall that does not exist: "
        mov ebx, VMM + 0x1000
        try H_SET_TRAP_TABLE, "traps read from the VMM's memory: "
        mov ebx, bad_traps
        try H_SET_TRAP_TABLE, "a trap that leads into ring 0: "
        mov ebx, ring_0
        mov ecx, 2
        try H_SET_GDT, "a code segment of ring 0: "
        mov ebx, call_gate
        mov ecx, 2
        try H_SET_GDT, "a call gate: "
        mov ebx, gdt
        mov ecx, 0x10000000
        try H_SET_GDT, "a table of endless length: "
        mov ebx, 0xFFE8         ; the VMM's own data segment
        mov ecx, VMM + 0x4000
        try H_STACK_SWITCH, "the VMM's stack as mine: "
        mov ebx, pin_foreign
        mov ecx, 1
        xor edx, edx
        try H_MMUEXT_OP, "page tables in a foreign frame: "
        machine_frame eax, main
        mov [use_plain + 4], eax
        mov ebx, use_plain
        try H_MMUEXT_OP, "page tables that nobody has checked: "
        machine_frame eax, window_directory
        mov [pin_window + 4], eax
        mov ebx, pin_window
        try H_MMUEXT_OP, "page tables I can still write to: "
        map window_directory, window_directory, 1
        mov ebx, pin_window
        mov ecx, 1
        xor edx, edx
        try H_MMUEXT_OP, "tables that map the VMM's memory: "
        mov ebx, 0x300000
        mov ecx, FOREIGN << 12 | 3
        mov edx, FLUSH_PAGE
        try H_UPDATE_VA_MAPPING, "a foreign frame in my tables: "
        mov ebx, START_DIRECTORY
        mov ecx, START_DIRECTORY + 3
        to_machine ecx, eax
        mov edx, FLUSH_PAGE
        try H_UPDATE_VA_MAPPING, "a page table of mine to write to: "
        mov ebx, VMM
        mov ecx, 0x300003
        to_machine ecx, eax
        mov edx, FLUSH_PAGE
        try H_UPDATE_VA_MAPPING, "a page of mine over the VMM's: "
        mov ebx, no_table
        mov ecx, 1
        xor edx, edx
        try H_MMU_UPDATE, "an entry where there is no table: "
        mov ebx, CONSOLE_READ
        mov ecx, 16
        mov edx, VMM
        try H_CONSOLE_IO, "input put into the VMM's memory: "
        mov ebx, CONSOLE_WRITE
        mov ecx, 0x40000000
        mov edx, main
        try H_CONSOLE_IO, "a gigabyte for the console: "
        push dword 2            ; EFLAGS, CS of the VMM, EIP, EAX
        push dword 0xFFE0
        push dword VMM + 0x1000
        push dword 0
        try H_IRET, "a return into ring 0: "
        add esp, 16
        mov esi, text_write
        call print
        mov dword [VMM + 0x104000], 0
        mov esi, text_done
        call print
        xor eax, eax
        jmp finish

forbidden:                      ; exception 13: skip the instruction
        mov esi, text_stopped
        call print
        add esp, 4              ; its error code
        add dword [esp], 10     ; its length
        return_from_trap

align 8
bad_traps       dw 0x0003, 0xFFE0       ; vector 3, the VMM's code segment
                dd main, 0, 0
ring_0          dq 0, 0x00CF9A000000FFFF
call_gate       dq 0, 0x0000EC000008FFFF
pin_foreign     dd PIN_L2, FOREIGN, 0
use_plain       dd NEW_BASEPTR, 0, 0
pin_window      dd PIN_L2, 0, 0
no_table        dq 0x200000, 0
text_write      db "a plain write to the VMM's memory: ", 0
text_stopped    db "exception 13", 10, 0
text_done       db "still here", 10, 0

align 4096
window_directory:
                times 1023 dd 0
                dd 0x105003
