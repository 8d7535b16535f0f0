; The harness of the Bochs oracle for VMX: a small VMM that runs each case in a virtual machine
; (or in root operation) and reports on the debug port how it ended. The same bytes run on Bochs
; and on our machine.
;
; bochs_vmx.py appends the cases. A row of `cases` holds: what to prepare (a routine, called with
; the VMCS filled with defaults), the guest's code (0: the case is the routine `root` instead), a
; routine to call after each exit (0: none; it resumes the guest by returning with carry clear).

bits 32
org 0x100000

KCODE           equ 0x08
KDATA           equ 0x10
CODE3           equ 0x18 + 3
DATA3           equ 0x20 + 3
TSS             equ 0x28
GUEST_TSS       equ 0x30
LDT             equ 0x38
CODE1           equ 0x40 + 1
DATA1           equ 0x48 + 1
TASK            equ 0x50        ; another TSS, to switch to
TASK_GATE       equ 0x58
GDT_SLOTS       equ 12

VMXON_REGION    equ 0x20000
VMCS            equ 0x21000
OTHER_VMCS      equ 0x22000
IO_A            equ 0x23000
IO_B            equ 0x24000
MSR_MAP         equ 0x25000
MSR_LIST        equ 0x26000
POINTER         equ 0x27000     ; quadwords for pointers
EPT             equ 0x30000     ; eight pages of tables
DIRECTORY       equ 0x40000
TABLE           equ 0x41000     ; 0 .. 4 MiB: always mapped
GUEST_DIRECTORY equ 0x42000
GUEST_TABLE     equ 0x43000     ; 4 .. 8 MiB of the guest: eight pages
OTHER_DIRECTORY equ 0x44000
WINDOW          equ 0x400000
SCRATCH         equ 0x50000
TSS_PLACE       equ 0x50200
IDT_PLACE       equ 0x51000
GUEST_IDT       equ 0x52000
GUEST_TSS_PLACE equ 0x53000
GUEST_TSS_LIMIT equ 0x68 + 32
TASK_PLACE      equ 0x53200
HOST_STACK      equ 0x90000
GUEST_STACK     equ 0x80000
STACK3          equ 0x70000

%macro put 2                    ; FIELD, VALUE
        mov edx, %1
        mov eax, %2
        vmwrite edx, eax
%endmacro
%macro set 2                    ; FIELD, BITS
        mov edx, %1
        vmread eax, edx
        or eax, %2
        vmwrite edx, eax
%endmacro
%macro unset 2                  ; FIELD, BITS
        mov edx, %1
        vmread eax, edx
        and eax, ~(%2)
        vmwrite edx, eax
%endmacro
%macro pointer 1                ; VALUE: a quadword at POINTER
        mov dword [POINTER], %1
        mov dword [POINTER + 4], 0
%endmacro
; guest_gate VECTOR, LABEL, ACCESS
%macro guest_gate 3
        mov eax, %2
        mov [GUEST_IDT + (%1) * 8], ax
        mov word [GUEST_IDT + (%1) * 8 + 2], KCODE
        mov word [GUEST_IDT + (%1) * 8 + 4], (%3) << 8
        shr eax, 16
        mov [GUEST_IDT + (%1) * 8 + 6], ax
%endmacro

start:
        cli
        cld
        mov esp, HOST_STACK
        mov edi, TABLE
        mov eax, 7
        mov ecx, 1024
.map:
        stosd
        add eax, 4096
        loop .map
        mov edi, 0x20000        ; VMX regions, tables, everything up to TABLE
        xor eax, eax
        mov ecx, (TABLE - 0x20000) / 4
        rep stosd
        mov dword [DIRECTORY], TABLE + 7
        lgdt [gdt_pointer]
        jmp KCODE:.segments
.segments:
        mov eax, KDATA
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        xor eax, eax
        lldt ax
        mov edi, TSS_PLACE
        mov ecx, 26
        rep stosd
        mov dword [TSS_PLACE + 4], HOST_STACK
        mov dword [TSS_PLACE + 8], KDATA
        mov dword [TSS_PLACE + 100], 0x7FFF0000
        mov eax, TSS
        ltr ax
        mov edi, IDT_PLACE
        mov edx, doors
        mov ecx, 32
        call gates
        lidt [idt_pointer]
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, 0x80000031     ; PG, NE, ET, PE
        mov cr0, eax
        jmp .paged
.paged:
        mov eax, 0x2000         ; VMXE
        mov cr4, eax
        mov ecx, 0x3A
        rdmsr
        test al, 1
        jnz .allowed
        or al, 5
        wrmsr
.allowed:
        mov ecx, 0x480
        rdmsr
        mov [revision], eax
        mov [VMXON_REGION], eax
        pointer VMXON_REGION
        vmxon [POINTER]
        mov esi, cases

next_case:
        mov esp, HOST_STACK
        push dword 2                    ; IRET: an NMI injected before blocks no more
        push dword KCODE
        push dword .unblocked
        iret
.unblocked:
        mov [case], esi
        mov dword [count], 0
        mov dword [entered_at], -1
        cmp dword [esi], 0
        je the_end
        cld
        ; Devices silent, tables as they were.
        mov al, 0x11
        out 0x20, al
        out 0xA0, al
        mov al, 0x20
        out 0x21, al
        mov al, 0x28
        out 0xA1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xA1, al
        mov al, 1
        out 0x21, al
        out 0xA1, al
        mov al, 0xFF
        out 0x21, al
        out 0xA1, al
        xor eax, eax            ; bitmaps, lists, tables: as much as cases write
        mov edi, IO_A
        mov ecx, 8
        rep stosd
        mov edi, IO_B
        mov ecx, 0x210 / 4
        rep stosd
        mov edi, MSR_MAP
        mov ecx, 0x20 / 4
        rep stosd
        mov edi, MSR_MAP + 0x410
        stosd
        mov edi, MSR_MAP + 0x800
        stosd
        mov edi, MSR_MAP + 0xC10
        stosd
        mov edi, MSR_LIST
        mov ecx, 16
        rep stosd
        mov edi, SCRATCH
        mov ecx, 64
        rep stosd
        mov edi, GUEST_DIRECTORY
        mov ecx, 16
        rep stosd
        mov dword [GUEST_DIRECTORY], TABLE + 7
        mov dword [GUEST_DIRECTORY + 4], GUEST_TABLE + 7
        mov dword [OTHER_DIRECTORY], TABLE + 7
        mov edi, GUEST_TABLE
        mov eax, 0x300007
        mov ecx, 8
.window:
        stosd
        add eax, 4096
        loop .window
        mov edi, GUEST_TSS_PLACE
        xor eax, eax
        mov ecx, 26
        rep stosd
        mov dword [GUEST_TSS_PLACE + 4], GUEST_STACK
        mov dword [GUEST_TSS_PLACE + 8], KDATA
        mov dword [GUEST_TSS_PLACE + 100], 0x00680000
        mov edi, GUEST_TSS_PLACE + 0x68
        mov eax, -1
        mov ecx, 10
        rep stosd
        mov edi, GUEST_IDT
        mov edx, guest_doors
        mov ecx, 64
        call gates
        mov byte [gdt + GUEST_TSS + 5], 0x8B
        mov byte [gdt + TSS + 5], 0x8B
        ; A fresh VMCS with defaults.
        mov eax, [revision]
        mov [VMCS], eax
        mov [OTHER_VMCS], eax
        pointer OTHER_VMCS
        vmclear [POINTER]
        pointer VMCS
        vmclear [POINTER]
        vmptrld [POINTER]
        mov esi, defaults
.fill:
        mov edx, [esi]
        cmp edx, -1
        je .filled
        vmwrite edx, [esi + 4]
        add esi, 8
        jmp .fill
.filled:
        mov ecx, 0x48D          ; controls: what must be 1, and 0 else
        mov edi, 0x4000
        call must
        mov edi, 0x4002
        call must
        mov edi, 0x400C
        call must
        mov edi, 0x4012
        call must
        mov esi, [case]
        call [esi]              ; what this case wants different
        mov esi, [case]
        cmp dword [esi + 4], 0
        je root_case
        mov edx, 0x681E
        mov eax, [esi + 4]
        cmp dword [entered_at], -1
        je .own_code
        mov eax, [entered_at]
.own_code:
        vmwrite edx, eax
        call registers
        vmlaunch
        jmp failed

; A case in root operation: what the routine leaves in the flags.
root_case:
        call registers
        call [esi + 12]
failed:
        pushf
        pusha
        mov al, 'F'
        call begin_line
        mov eax, [esp + 32]
        and eax, 0x8D5
        call hex
        mov edx, 0x4400
        mov eax, 0xFFFFFFFF
        vmread eax, edx
        call hex
        mov eax, [esp + 28]     ; EAX as it was
        call hex
        jmp end_line

registers:
        mov eax, 0x11111111
        mov ebx, 0x22222222
        mov ecx, 0x33333333
        mov edx, 0x44444444
        mov edi, 0x66666666
        mov ebp, 0x77777777
        ret

; The bits of control field EDI that must be 1, from MSR ECX, which is counted up.
must:
        rdmsr
        vmwrite edi, eax
        inc ecx
        ret

; ECX gates at EDI for doors of 8 bytes from EDX.
gates:
        mov [edi], dx
        mov word [edi + 2], KCODE
        mov word [edi + 4], 0x8E00
        mov eax, edx
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        add edx, DOOR
        loop gates
        ret

; A virtual machine was left.
exited:
        pusha
        cld
        mov al, 'X'
        call begin_line
        mov esi, shown
.field:
        mov edx, [esi]
        cmp edx, -1
        je .registers
        mov eax, 0xEEEEEEEE
        vmread eax, edx
        call hex
        add esi, 4
        jmp .field
.registers:
        mov eax, [esp + 28]     ; EAX
        call hex
        mov eax, [esp + 16]     ; EBX
        call hex
        mov al, 10
        out 0xE9, al
        mov esi, [case]
        cmp dword [esi + 8], 0
        je .done
        inc dword [count]
        cmp dword [count], 12
        ja .done
        mov eax, [count]
        call [esi + 8]
        jc .done
        popa
        vmresume
        jmp failed
.done:
        mov esi, [case]
        add esi, 16
        jmp next_case

begin_line:                     ; AL: what kind of line
        push eax
        mov eax, [case]
        call hex
        pop eax
        out 0xE9, al
        mov al, ' '
        out 0xE9, al
        ret

; Every door pushes its vector; a fault in root operation ends here.
doors:
%assign vector 0
%rep 32
        push dword vector
        jmp near fault
%assign vector vector + 1
%endrep
doors_end:
DOOR            equ (doors_end - doors) / 32
fault:
        mov al, 'V'
        call begin_line
        mov eax, [esp]
        call hex
        mov eax, [esp + 4]
        call hex
end_line:
        mov al, 10
        out 0xE9, al
        mov esi, [case]
        add esi, 16
        jmp next_case

; The guest's doors: the vector and what was pushed go to EAX and EBX, then a hypercall tells.
guest_doors:
%assign vector 0
%rep 64
        push dword vector
        jmp near guest_door
%assign vector vector + 1
%endrep
guest_door:
        pop eax
        mov ebx, [esp]
        vmcall
        cmp eax, 0x20           ; an interrupt: acknowledge it and go on
        jb .stay
        push eax
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
.stay:
        jmp .stay

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

; The guest goes on behind the instruction that left it.
skip:
        mov edx, 0x440C
        vmread ebx, edx
        mov edx, 0x681E
        vmread eax, edx
        add eax, ebx
        vmwrite edx, eax
        clc
        ret

; The guest starts in ring 3, or in ring 1.
ring_3:
        put 0x0802, CODE3
        put 0x4816, 0xC0FB
        put 0x0804, DATA3
        put 0x4818, 0xC0F3
        put 0x0806, DATA3
        put 0x481A, 0xC0F3
        put 0x681C, STACK3
        ret
ring_1:
        put 0x0802, CODE1
        put 0x4816, 0xC0BB
        put 0x0804, DATA1
        put 0x4818, 0xC0B3
        put 0x681C, STACK3
        ret

; One interrupt from the timer, soon (line 0, vector 20h).
timer_soon:
        mov al, 0x30                    ; counter 0, mode 0: once
        out 0x43, al
        mov al, 100
        out 0x40, al
        xor al, al
        out 0x40, al
        mov al, 0xFE
        out 0x21, al
        ret

; Identity of 0 .. 8 MiB through EPT: 4 KiB pages for the first 2 MiB, then large ones. 37h: RWX, WB.
identity_ept:
        mov edi, EPT
        xor eax, eax
        mov ecx, 0x4000 / 4
        rep stosd
        mov dword [EPT], EPT + 0x1000 + 7
        mov dword [EPT + 0x1000], EPT + 0x2000 + 7
        mov dword [EPT + 0x2000], EPT + 0x3000 + 7
        mov dword [EPT + 0x2008], 0x200000 + 0xB7
        mov dword [EPT + 0x2010], 0x400000 + 0xB7
        mov dword [EPT + 0x2018], 0x600000 + 0xB7
        mov edi, EPT + 0x3000
        mov eax, 0x37
        mov ecx, 512
.next:
        stosd
        mov dword [edi], 0
        add edi, 4
        add eax, 4096
        loop .next
        set 0x4002, 0x80000000
        set 0x401E, 2
        put 0x201A, EPT + 0x1E          ; 4 levels, write-back
        put 0x201B, 0
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
count           dd 0
entered_at      dd 0            ; where the guest starts, if not at the case's code
revision        dd 0
digits          db "0123456789abcdef"
text_end        db "END", 10, 0
text_shutdown   db "Shutdown", 0
align 8
gdt_pointer:    dw GDT_SLOTS * 8 - 1
                dd gdt
idt_pointer:    dw 32 * 8 - 1
                dd IDT_PLACE
align 8
gdt:            dq 0
                dq 0x00CF9B000000FFFF, 0x00CF93000000FFFF
                dq 0x00CFFB000000FFFF, 0x00CFF3000000FFFF
                dw 0x67, TSS_PLACE & 0xFFFF, 0x8900 + (TSS_PLACE >> 16), 0
                dw GUEST_TSS_LIMIT, GUEST_TSS_PLACE & 0xFFFF, 0x8B00 + (GUEST_TSS_PLACE >> 16), 0
                dw 7, SCRATCH & 0xFFFF, 0x8200 + (SCRATCH >> 16), 0
                dq 0x00CFBB000000FFFF, 0x00CFB3000000FFFF
                dw 0x67, TASK_PLACE & 0xFFFF, 0x8900 + (TASK_PLACE >> 16), 0
                dw 0, TASK, 0xE500, 0

; What a line shows, in this order.
shown:          dd 0x4402, 0x6400, 0x4404, 0x4406, 0x4408, 0x440A, 0x440C, 0x440E, 0x640A, 0x2400
                dd 0x681E, 0x6820, 0x681C, 0x0802, 0x4824, 0x4826, 0x6822, 0x6800, 0x6802, 0x482E
                dd 0x4818, 0x681A, -1

defaults:
                dd 0x0800, KDATA, 0x0802, KCODE, 0x0804, KDATA, 0x0806, KDATA, 0x0808, KDATA
                dd 0x080A, KDATA, 0x080C, 0, 0x080E, GUEST_TSS
                dd 0x0C00, KDATA, 0x0C02, KCODE, 0x0C04, KDATA, 0x0C06, KDATA, 0x0C08, KDATA
                dd 0x0C0A, KDATA, 0x0C0C, TSS
                dd 0x2000, IO_A, 0x2001, 0, 0x2002, IO_B, 0x2003, 0, 0x2004, MSR_MAP, 0x2005, 0
                dd 0x2006, MSR_LIST, 0x2007, 0, 0x2008, MSR_LIST, 0x2009, 0, 0x200A, MSR_LIST
                dd 0x200B, 0, 0x2010, 0, 0x2011, 0
                dd 0x2800, -1, 0x2801, -1, 0x2802, 0, 0x2803, 0
                dd 0x4004, 0, 0x4006, 0, 0x4008, 0, 0x400A, 0, 0x400E, 0, 0x4010, 0, 0x4014, 0
                dd 0x4016, 0, 0x4018, 0, 0x401A, 0, 0x401E, 0
                dd 0x4800, -1, 0x4802, -1, 0x4804, -1, 0x4806, -1, 0x4808, -1, 0x480A, -1
                dd 0x480C, 0, 0x480E, GUEST_TSS_LIMIT, 0x4810, GDT_SLOTS * 8 - 1
                dd 0x4812, 64 * 8 - 1
                dd 0x4814, 0xC093, 0x4816, 0xC09B, 0x4818, 0xC093, 0x481A, 0xC093, 0x481C, 0xC093
                dd 0x481E, 0xC093, 0x4820, 0x10000, 0x4822, 0x8B
                dd 0x4824, 0, 0x4826, 0, 0x482A, 0, 0x482E, 0, 0x4C00, 0
                dd 0x6000, 0, 0x6002, 0, 0x6004, 0, 0x6006, 0
                dd 0x6008, 0, 0x600A, 0, 0x600C, 0, 0x600E, 0
                dd 0x6800, 0x80000031, 0x6802, GUEST_DIRECTORY, 0x6804, 0x2000
                dd 0x6806, 0, 0x6808, 0, 0x680A, 0, 0x680C, 0, 0x680E, 0, 0x6810, 0, 0x6812, 0
                dd 0x6814, GUEST_TSS_PLACE, 0x6816, gdt, 0x6818, GUEST_IDT, 0x681A, 0x400
                dd 0x681C, GUEST_STACK, 0x6820, 2, 0x6822, 0, 0x6824, 0, 0x6826, 0
                dd 0x6C00, 0x80000031, 0x6C02, DIRECTORY, 0x6C04, 0x2000
                dd 0x6C06, 0, 0x6C08, 0, 0x6C0A, TSS_PLACE, 0x6C0C, gdt, 0x6C0E, IDT_PLACE
                dd 0x6C10, 0, 0x6C12, 0, 0x6C14, HOST_STACK, 0x6C16, exited
                dd -1
