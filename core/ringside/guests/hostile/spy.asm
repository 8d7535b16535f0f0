; Spy: looks for the VMM with instructions that anybody may run.
;
; It knows what it has loaded itself: where its tables are, its selectors, that interrupts are off.
; Wherever the processor answers something else, that is not its machine.

bits 32
org 0x100000

%include "pc.inc"
%include "hostile/crime.inc"

%macro expect 3                 ; value, what it should be, text
        mov eax, %1
        cmp eax, %2
        je %%same
        mov esi, %%text
        call print
        inc dword [found]
        jmp %%same
%%text  db %3, 10, 0
%%same:
%endmacro

main:
        catch
%ifndef PARAVIRT
        cli
%endif
        try_until .idt
        sgdt [store]
        expect [store + 2], gdt, "another GDT"
.idt:
        try_until .task
        sidt [store]
%ifdef PARAVIRT
        expect [store + 2], 0, "an IDT that it has not made"
%else
        expect [store + 2], idt, "another IDT"
%endif
.task:
        try_until .local
        xor ebx, ebx
        str bx
%ifdef PARAVIRT
        expect ebx, 0, "a task register that it has not loaded"
%else
        expect ebx, 0x28, "another task register"
%endif
.local:
        try_until .ring
        xor ebx, ebx
        sldt bx
        expect ebx, 0, "another LDT"
.ring:
        try_until .flag
        mov ebx, cs
        and ebx, 3
        expect ebx, RING, "another ring"
.flag:
%ifndef PARAVIRT
        try_until .status
        pushf
        pop ebx
        and ebx, 0x200
        expect ebx, 0, "interrupts that are not off"
%endif
.status:
        try_until .said
        smsw ebx
        and ebx, 0x80000000
        expect ebx, 0, "paging that it has not switched on"
.said:
        mov esi, text_found
        call print
        mov eax, [found]
        call print_number
        call new_line
        call say_stops
        mov eax, [found]
        jmp finish

store           dd 0, 0
found           dd 0
text_found      db "not its own: ", 0
