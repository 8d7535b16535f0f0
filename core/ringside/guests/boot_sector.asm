; Boot sector: how a PC begins.
;
; The first 512 bytes of a disk are loaded to 7C00 and entered in real mode: 16-bit code,
; an address is segment * 16 + offset, there are no rings and no protection. From here on
; everything is up to the program: it describes segments in a table, sets bit 0 of CR0, and a
; far jump makes the processor a 32-bit machine with protection.

bits 16
org 0x7C00

start:
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7C00
        mov si, text_real
.next:
        lodsb
        test al, al
        jz .protect
        out 0xE9, al
        jmp .next
.protect:
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x08:protected      ; CS gets a descriptor: only now 32-bit code

bits 32
protected:
        mov eax, 0x10
        mov ds, ax
        mov ss, ax
        mov esp, 0x7C00
        mov esi, text_protected
.next:
        lodsb
        test al, al
        jz .end
        out 0xE9, al
        jmp .next
.end:
        out 0xF4, al            ; AL is 0
        hlt

text_real       db "real mode", 10, 0
text_protected  db "protected mode", 10, 0
align 8
gdt:            dq 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdt_pointer:    dw 3 * 8 - 1
                dd gdt
                times 510 - ($ - $$) db 0
                dw 0xAA55       ; the mark of a boot sector
