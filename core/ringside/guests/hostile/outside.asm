; Outside: reads and writes wherever it has no memory.
;
; Every 64 MiB of the linear address space it tries one word; the last one is where a VMM that
; lives in the top 4 MiB has its interrupt table. On the bare machine there is nothing: reads give
; ones, writes are lost.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

main:
        catch
        mov edi, 0x03D00000
        mov ebx, MARK
        not ebx
.next:
        try_until .on
        mov eax, [edi]          ; a look ...
        mov [edi], ebx          ; ... and a mark
.on:
        add edi, 0x04000000
        jnc .next
        call say_stops
        xor eax, eax
        jmp finish
