; Boots the harness from a floppy on Bochs: reads SECTORS sectors behind this one, enters
; protected mode, moves them to 1 MiB and jumps there, as a multiboot loader would.
bits 16
org 0x7C00
start:
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7C00
        mov [drive], dl
        sti
        mov ax, 0x1000          ; to 10000h
        mov es, ax
        mov si, 1               ; sector, counted from 0
.next:
        mov ax, si              ; 18 sectors in a track, 2 heads
        xor dx, dx
        mov cx, 18
        div cx
        mov cl, dl
        inc cl
        mov dh, al
        and dh, 1
        shr ax, 1
        mov ch, al
        mov dl, [drive]
        xor bx, bx
        mov ax, 0x0201
        int 0x13
        jc .failed
        mov ax, es
        add ax, 32
        mov es, ax
        inc si
        cmp si, SECTORS
        jbe .next
        cli
        in al, 0x92             ; address line 20
        or al, 2
        out 0x92, al
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x08:protected
.failed:
        hlt
        jmp .failed
bits 32
protected:
        mov eax, 0x10
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov esi, 0x10000
        mov edi, 0x100000
        mov ecx, SECTORS * 128
        cld
        rep movsd
        mov esp, 0x100000
        mov eax, 0x100000
        jmp eax
drive           db 0
align 8
gdt:            dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdt_pointer:    dw 23
                dd gdt
                times 510 - ($ - $$) db 0
                dw 0xAA55
