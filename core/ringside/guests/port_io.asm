; Ports: how the processor talks to devices.
;
; IN and OUT reach an address space of their own, 65536 ports wide, in which every device has
; a few. This guest drives the serial line (16550, ports 3F8-3FF): sets it up, and sends each
; character when the status says that there is room.
;
; Ports are a resource that a monitor must control: in ring 1 each IN and OUT traps, and the
; monitor asks a device of its own, one that exists only in its memory.

bits 32
org 0x100000

start:
        mov edx, 0x3F8 + 3      ; line control
        mov al, 0x83            ; 8 bits, no parity; bit 7: the divisor is next
        out dx, al
        mov edx, 0x3F8
        mov ax, 1               ; 115200 bits per second
        out dx, al
        mov al, ah
        inc edx
        out dx, al
        mov edx, 0x3F8 + 3
        mov al, 0x03
        out dx, al

        mov esi, text
.next:
        lodsb
        test al, al
        jz .done
        mov ah, al
        mov edx, 0x3F8 + 5      ; line status
.wait:
        in al, dx
        test al, 0x20           ; room for the next one?
        jz .wait
        mov al, ah
        mov edx, 0x3F8          ; data
        out dx, al
        jmp .next
.done:
        xor eax, eax
        out 0xF4, al
        cli
        hlt

text    db "sent through port 3F8", 10, 0
