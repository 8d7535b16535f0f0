; Tables: a forged page-table entries for frames that are not its own.
;
; One page of its address space is mapped to every 64th frame behind the end of its memory, where
; the neighbours and the VMM might be, and written to. Paravirtual it has to ask for each entry.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

WINDOW          equ 0x300000    ; the page that is mapped everywhere
%ifdef PARAVIRT
FIRST           equ 0           ; its tables hold the machine's numbers: it can try them all
%else
FIRST           equ 0x400000    ; behind the end of its memory
%endif
LAST            equ 0x1400000

main:
        catch
%ifndef PARAVIRT                        ; (else paging is on already)
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
%endif
        mov edi, FIRST
        mov ebp, MARK
        not ebp
.next:
        try_until .on
%ifdef PARAVIRT
        mov eax, edi
        shr eax, 12
        cmp dword [TO_OURS + eax * 4], -1
        jne .on                 ; that one is its own
        mov ebx, WINDOW
        lea ecx, [edi + 3]
        mov edx, FLUSH_PAGE
        hypercall H_UPDATE_VA_MAPPING
        test eax, eax
        jns .write
        inc dword [refused]
        jmp .on
.write:
%else
        lea eax, [edi + 3]      ; present, writable
        mov [table + WINDOW / 1024], eax
        invlpg [WINDOW]
%endif
        mov eax, [WINDOW]
        mov [WINDOW], ebp
.on:
        add edi, 0x40000
        cmp edi, LAST
        jb .next
        mov esi, text_refused
        call print
        mov eax, [refused]
        call print_number
        call new_line
        call say_stops
        xor eax, eax
        jmp finish

refused         dd 0
text_refused    db "entries refused: ", 0

%ifndef PARAVIRT
align 4096
directory:      dd table + 3
                times 1023 dd 0
table:                          ; each entry: its own address, present, writable
%rep 1024
                dd ($ - table) * 1024 + 3
%endrep
%endif
