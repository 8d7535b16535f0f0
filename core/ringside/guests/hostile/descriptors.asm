; Descriptors: forged ones, and the VMM's own.
;
; A segment that begins in the VMM's memory, a data segment of the VMM's, a jump to one of its
; entry points, and a return into ring 0 there. The bare machine has nothing at those addresses
; and no such selectors.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

VMM_CODE        equ 0xFFE0      ; where a VMM of this kind has its selectors ...
VMM_DATA        equ 0xFFE8
VMM_ENTRY       equ 0xFFD01000  ; ... and its entry points

main:
        catch
        mov ebx, MARK
        not ebx
        try_until .forged
%ifdef PARAVIRT
        push ebx
        mov ebx, forged
        mov ecx, 5
        hypercall H_SET_GDT
        pop ebx
        test eax, eax
        js .forged              ; refused
%else
        lgdt [forged_pointer]
%endif
        mov eax, 0x18 + RING    ; its base: the beginning of the VMM's memory
        mov fs, ax
        mov [fs:0], ebx
        mov [fs:0x100000], ebx  ; the VMM's interrupt table
.forged:
        try_until .own
        mov eax, VMM_DATA
        mov gs, ax
        mov [gs:0xFFD00000], ebx
.own:
        try_until .jump
        jmp VMM_CODE:VMM_ENTRY
.jump:
        mov [saved], esp
        try_until .return
        push dword VMM_DATA
        push dword STACK
        push dword 0x3202       ; IF, and IOPL 3
        push dword VMM_CODE
        push dword VMM_ENTRY
        iret
.return:
        mov esp, [saved]
        call say_stops
        xor eax, eax
        jmp finish

saved           dd 0
align 8
forged:         dq 0, 0x00CF9B000000FFFF + (RING << 45), 0x00CF93000000FFFF + (RING << 45)
                dq 0xFFCF92C000000FFF + (RING << 45)    ; base FFC00000, 16 MiB
                dq 0
forged_pointer: dw 5 * 8 - 1
                dd forged
