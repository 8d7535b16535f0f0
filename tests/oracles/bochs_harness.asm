; The harness of the Bochs oracle: runs each case at its ring and reports on the debug port
; what arrived. The same bytes run on Bochs and on our machine.
;
; bochs.py appends the cases: for each a row in `cases`, a routine that prepares it in ring 0,
; and the code to run. A case ends in whatever vector it ends in; INT 30h is "nothing happened".

bits 32
org 0x100000

KCODE           equ 0x08
KDATA           equ 0x10
CODE1           equ 0x18 + 1
DATA1           equ 0x20 + 1
CODE3           equ 0x28 + 3
DATA3           equ 0x30 + 3
TSS             equ 0x38
LDT             equ 0x40
A               equ 0x48        ; four descriptors for the cases
B               equ 0x50
C               equ 0x58
D               equ 0x60
CODE2           equ 0x68 + 2
DATA2           equ 0x70 + 2
GDT_SLOTS       equ 15
L0              equ 0x04        ; two in the local table
L1              equ 0x0C
LDT_LIMIT       equ 15

STACK0          equ 0x90000     ; where each ring's stack begins
STACK1          equ 0x80000
STACK2          equ 0x70000
STACK3          equ 0x60000
SCRATCH         equ 0x50000     ; 64 bytes, zeroed before each case
DIRECTORY       equ 0x40000
TABLE           equ 0x41000     ; 0 .. 4 MiB: always mapped
WINDOW_TABLE    equ 0x42000     ; 4 .. 8 MiB: the first eight pages are for the cases
WINDOW          equ 0x400000
PAE_TABLES      equ 0x48000     ; cases about PAE build theirs here
TSS_PLACE       equ 0x50200
TSS_LIMIT       equ 0x68 + 32   ; bitmap for ports 00-FF, and the byte of ones behind it
IDT_PLACE       equ 0x50800

; descriptor SELECTOR, BASE, LIMIT (20 bits), ACCESS byte, FLAGS (G and D: 0xC, or 0)
%macro descriptor 5
        mov dword [gdt + (%1 & ~7)], ((%2 & 0xFFFF) << 16) + (%3 & 0xFFFF)
        mov dword [gdt + (%1 & ~7) + 4], (%2 & 0xFF000000) + (%5 << 20) + (%3 & 0xF0000) + (%4 << 8) + ((%2 >> 16) & 0xFF)
%endmacro
; local SELECTOR, BASE, LIMIT, ACCESS, FLAGS
%macro local 5
        mov dword [ldt + (%1 & ~7)], ((%2 & 0xFFFF) << 16) + (%3 & 0xFFFF)
        mov dword [ldt + (%1 & ~7) + 4], (%2 & 0xFF000000) + (%5 << 20) + (%3 & 0xF0000) + (%4 << 8) + ((%2 >> 16) & 0xFF)
%endmacro
; call_gate SELECTOR, CODE SELECTOR, LABEL, PARAMETERS, ACCESS
%macro call_gate 5
        mov eax, %3
        mov [gdt + (%1 & ~7)], ax
        mov word [gdt + (%1 & ~7) + 2], %2
        mov word [gdt + (%1 & ~7) + 4], (%5 << 8) + %4
        shr eax, 16
        mov [gdt + (%1 & ~7) + 6], ax
%endmacro
; int_gate VECTOR, CODE SELECTOR, LABEL, ACCESS
%macro int_gate 4
        mov eax, %3
        mov [IDT_PLACE + %1 * 8], ax
        mov word [IDT_PLACE + %1 * 8 + 2], %2
        mov word [IDT_PLACE + %1 * 8 + 4], %4 << 8
        shr eax, 16
        mov [IDT_PLACE + %1 * 8 + 6], ax
%endmacro
; gate_access VECTOR, ACCESS: keep the handler
%macro gate_access 2
        mov byte [IDT_PLACE + %1 * 8 + 5], %2
%endmacro
; page NUMBER, FLAGS: window page NUMBER gets frame 0x300000 + NUMBER * 4096
%macro page 2
        mov dword [WINDOW_TABLE + %1 * 4], 0x300000 + %1 * 4096 + (%2)
%endmacro

start:
        cli
        cld
        mov esp, STACK0
        mov al, 0xFF            ; no device may disturb
        out 0x21, al
        out 0xA1, al
        mov edi, TABLE
        mov eax, 7
        mov ecx, 1024
.map:
        stosd
        add eax, 4096
        loop .map
        mov edi, DIRECTORY
        xor eax, eax
        mov ecx, 1024
        rep stosd
        mov edi, WINDOW_TABLE
        mov ecx, 1024
        rep stosd
        mov esi, gdt_0
        mov edi, gdt
        mov ecx, GDT_SLOTS * 2
        rep movsd
        lgdt [gdt_pointer]
        jmp KCODE:.segments
.segments:
        mov eax, KDATA
        mov ss, ax
        mov esi, cases

next_case:
        mov esp, STACK0
        mov eax, KDATA
        mov ds, ax
        mov es, ax
        mov [case], esi
        cmp dword [esi], 0
        je the_end
        ; Everything back to how it was.
        cld
        mov eax, 0x11           ; paging off; PE, ET
        mov cr0, eax
        xor eax, eax
        mov cr4, eax
        mov dr7, eax
        mov eax, 0x400
        mov dr7, eax
        mov eax, 0xFFFF0FF0
        mov dr6, eax
        mov esi, gdt_0
        mov edi, gdt
        mov ecx, GDT_SLOTS * 2
        rep movsd
        mov esi, ldt_0
        mov edi, ldt
        mov ecx, 4
        rep movsd
        mov edi, SCRATCH
        xor eax, eax
        mov ecx, 16
        rep stosd
        mov edi, TSS_PLACE
        mov ecx, 64
        rep stosd
        mov dword [TSS_PLACE + 4], STACK0
        mov dword [TSS_PLACE + 8], KDATA
        mov dword [TSS_PLACE + 12], STACK1
        mov dword [TSS_PLACE + 16], DATA1
        mov dword [TSS_PLACE + 20], STACK2
        mov dword [TSS_PLACE + 24], DATA2
        mov dword [TSS_PLACE + 100], 0x00680000 ; bitmap at 0x68
        mov edi, TSS_PLACE + 0x68
        mov eax, -1
        mov ecx, 10
        rep stosd                       ; all ports denied
        mov edi, IDT_PLACE
        mov edx, doors
        mov ecx, 64
.gates:
        mov [edi], dx
        mov word [edi + 2], KCODE
        mov word [edi + 4], 0x8E00
        mov eax, edx
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        add edx, DOOR
        loop .gates
        gate_access 0x30, 0xEE
        mov dword [DIRECTORY], TABLE + 7
        mov dword [DIRECTORY + 4], WINDOW_TABLE + 7
        mov dword [DIRECTORY + 8], 0
        mov dword [DIRECTORY + 12], 0
        mov edi, WINDOW_TABLE
        mov eax, 0x300007
        mov ecx, 8
.window:
        stosd
        add eax, 4096
        loop .window
        mov eax, DIRECTORY
        mov cr3, eax
        lgdt [gdt_pointer]
        lidt [idt_pointer]
        mov eax, LDT
        lldt ax
        mov eax, TSS
        ltr ax
        mov eax, 0x80000011
        mov cr0, eax
        jmp .paged
.paged:
        xor eax, eax
        mov cr2, eax
        mov fs, ax
        mov gs, ax
        mov esi, [case]
        call [esi]              ; what this case wants different
        ; Enter it by IRET: the row holds setup, code, EFLAGS, CS, SS, ESP.
        mov esi, [case]
        mov esp, STACK0
        mov edx, [esi + 16]
        test dword [esi + 12], 3
        jz .same_ring
        push edx
        push dword [esi + 20]
        jmp .flags
.same_ring:
.flags:
        push dword [esi + 8]
        push dword [esi + 12]
        push dword [esi + 4]
        mov ds, dx
        mov es, dx
        mov eax, 0x11111111
        mov ebx, 0x22222222
        mov ecx, 0x33333333
        mov edx, 0x44444444
        mov esi, 0x55555555
        mov edi, 0x66666666
        mov ebp, 0x77777777
        iret

; One door for each vector.
doors:
%assign vector 0
%rep 64
        push dword vector
        jmp near report
%assign vector vector + 1
%endrep
doors_end:
DOOR            equ (doors_end - doors) / 64

; Report: vector, CR2, the handler's EFLAGS, registers, DS ES FS GS, the stack from what the
; processor pushed up to where it began.
report:
        pushf
        pusha
        push ds
        push es
        push fs
        push gs
        mov eax, KDATA
        mov ds, ax
        mov es, ax
        cld
        mov ebp, esp
        mov eax, [case]
        mov eax, [eax + 4]
        call hex
        mov eax, [ebp + 52]             ; vector
        call hex
        mov eax, cr2
        call hex
        mov eax, [ebp + 48]             ; EFLAGS in the handler
        call hex
        lea esi, [ebp + 44]             ; EAX ECX EDX EBX ESP EBP ESI EDI
        mov ecx, 8
.registers:
        mov eax, [esi]
        sub esi, 4
        call hex
        loop .registers
        lea esi, [ebp + 12]
        mov ecx, 4
.segments:
        movzx eax, word [esi]
        sub esi, 4
        call hex
        loop .segments
        mov al, '|'
        out 0xE9, al
        lea esi, [ebp + 56]
.stack:
        cmp esi, STACK0
        jae .done
        movzx eax, word [esi]
        call hex4
        add esi, 2
        jmp .stack
.done:
        mov al, 10
        out 0xE9, al
        mov esi, [case]
        add esi, 24
        jmp next_case

hex:                                    ; EAX and a space
        push eax
        shr eax, 16
        call hex4
        pop eax
        call hex4
        mov al, ' '
        out 0xE9, al
        ret
hex4:                                   ; AX
        push ecx
        push ebx
        mov ebx, eax
        mov ecx, 4
.digit:
        rol bx, 4
        mov eax, ebx
        and eax, 15
        mov al, [digits + eax]
        out 0xE9, al
        loop .digit
        pop ebx
        pop ecx
        ret

the_end:
        mov esi, text_end
.next:
        lodsb
        test al, al
        jz .shutdown
        out 0xE9, al
        jmp .next
.shutdown:                              ; Bochs leaves when it reads this at port 8900
        mov edx, 0x8900
        mov esi, text_shutdown
.letter:
        lodsb
        test al, al
        jz .exit
        out dx, al
        jmp .letter
.exit:
        xor eax, eax
        out 0xF4, al                    ; our machine, and QEMU, here
        cli
        hlt

case            dd 0
digits          db "0123456789abcdef"
text_end        db "END", 10, 0
text_shutdown   db "Shutdown", 0
gdt_pointer:    dw GDT_SLOTS * 8 - 1
                dd gdt
idt_pointer:    dw 64 * 8 - 1
                dd IDT_PLACE
align 8
gdt_0:          dq 0
                dq 0x00CF9A000000FFFF, 0x00CF92000000FFFF
                dq 0x00CFBA000000FFFF, 0x00CFB2000000FFFF
                dq 0x00CFFA000000FFFF, 0x00CFF2000000FFFF
                dw TSS_LIMIT, TSS_PLACE & 0xFFFF, 0x8900 + (TSS_PLACE >> 16), 0
                dw LDT_LIMIT, ldt - start, 0x8210, 0    ; (1 MiB + an offset below 64 KiB)
                dq 0, 0, 0, 0
                dq 0x00CFDA000000FFFF, 0x00CFD2000000FFFF
ldt_0:          dq 0x00CFF2000000FFFF, 0x00CFF2000000FFFF
gdt:            times GDT_SLOTS dq 0
ldt:            dq 0, 0
