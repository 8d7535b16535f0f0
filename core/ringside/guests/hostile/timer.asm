; Timer: programs the clock and shuts every interrupt out, as if it had them to itself.
;
; The shortest period there is, every line of both interrupt controllers masked; then it reads
; back what it has written.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

%macro put 2
        mov al, %2
        out %1, al
%endmacro

main:
        catch
        try_until .masked
        put 0x43, 0x34          ; channel 0, one pulse per count
        put 0x40, 1
        put 0x40, 0
.masked:
        try_until .back
        put 0x21, 0xFF
        put 0xA1, 0xFF
.back:
        mov dword [seen], 0
        try_until .said
        in al, 0x21
        mov [seen], al
        in al, 0xA1
        mov [seen + 1], al
.said:
        mov esi, text_seen
        call print
        mov eax, [seen]
        call print_number
        call new_line
        call say_stops
        xor eax, eax
        jmp finish

seen            dd 0
text_seen       db "masks read back: ", 0
