; Rings: a kernel, a program, and everything that can happen between them, once.
;
; The kernel (ring 0) sets up its tables, turns paging on and starts a program in ring 3. The
; program asks the kernel for a service, touches a page that is not there, and asks to end.
; The kernel sleeps until the timer wakes it, and the run is over.
; Each of them prints a letter on its way: k (kernel), u (user), f (fault), t (timer).
;
; Paravirtual (PARAVIRT) it runs in ring 1 and asks a VMM for what only ring 0 may do.

bits 32
org 0x100000

%ifdef PARAVIRT
%include "pv.inc"
PHYSICAL_AT equ 0
%else
RING    equ 0
%endif
CODE    equ 0x08 + RING
DATA    equ 0x10 + RING

%macro letter 1
        mov al, %1
        out 0xE9, al
%endmacro
%macro set_port 2
        mov al, %2
        out %1, al
%endmacro

start:
%ifdef PARAVIRT
        mov byte [EVENTS_OFF], 1        ; no events before there are handlers
        mov esp, 0x90000
        mov ebx, gdt                    ; segments: a ring each for code and data
        mov ecx, 5
        hypercall H_SET_GDT
%else
        cli                             ; no interrupts before there are handlers
        mov esp, 0x90000
        lgdt [gdt_pointer]              ; segments: a ring each for code and data
%endif
        mov eax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        jmp CODE:.segments
.segments:
%ifdef PARAVIRT
        mov ebx, traps                  ; who answers exceptions, system calls,
        hypercall H_SET_TRAP_TABLE
        mov ebx, CODE                   ; and events
        mov ecx, timer
        hypercall H_SET_CALLBACKS
        mov ebx, DATA                   ; which stack to take when they come from ring 3
        mov ecx, 0x90000
        hypercall H_STACK_SWITCH
        mov eax, [START_DIRECTORY]      ; paging is on already: the VMM has made a first table
        mov [page_directory], eax       ; a directory of our own leads to it as well;
        map page_directory, page_directory, 5   ; from now on we can only read it (ring 3 too)
        machine_frame eax, page_directory
        mov [use_directory + 4], eax
        mov [use_directory + 16], eax
        mov ebx, use_directory          ; the VMM checks it; then the processor uses it
        mov ecx, 2
        xor edx, edx
        hypercall H_MMUEXT_OP
        mov ebx, page                   ; one page shall be missing
        xor ecx, ecx
        mov edx, FLUSH_PAGE
        hypercall H_UPDATE_VA_MAPPING
%else
        lidt [idt_pointer]              ; who answers exceptions, interrupts, system calls
        mov eax, 0x28
        ltr ax                          ; which stack to take when they come from ring 3
        mov eax, page_directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax                    ; paging is on
%endif
        in al, 0xE9                     ; does anybody listen at the debug port?
        cmp al, 0xE9
        jne .quiet
        letter 'k'
.quiet:
        mov eax, 0x23                   ; the program's data segment, in ring 3
        mov ds, ax
        push dword 0x23                 ; to ring 3: IRET takes SS, ESP, EFLAGS, CS, EIP
        push dword 0x80000
        push dword 0x202
        push dword 0x1B
        push dword program
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif

program:                                ; ring 3
        mov ecx, 3
        xor eax, eax
.add:   add eax, ecx                    ; innocuous: runs directly, whatever is below
        loop .add
        mov ebx, 'u'
        mov eax, 1
        int 0x80                        ; service 1: print BL
        mov [page], ebx                 ; a page fault, the first time
        mov eax, 2
        int 0x80                        ; service 2: end

page    equ 0x3FF000                    ; not mapped until somebody touches it

system_call:                            ; ring 0 again, on the kernel's stack
        cmp eax, 2
        je .end
        mov al, bl
        out 0xE9, al
%ifdef PARAVIRT
        return_from_trap
%else
        iret
%endif
.end:
%ifdef PARAVIRT
        mov ebx, BIND_VIRQ              ; the timer: an event a hundred times a second
        mov ecx, timer_event
        hypercall H_EVENT_CHANNEL_OP
        mov ebx, BLOCK                  ; sleep until it comes
        hypercall H_SCHED_OP
        mov ebx, SHUTDOWN               ; and off
        mov ecx, shutdown_reason
        hypercall H_SCHED_OP
%else
        set_port 0x20, 0x11             ; interrupt controller: begin,
        set_port 0x21, 0x20             ; vectors from 20h,
        set_port 0x21, 0x04
        set_port 0x21, 0x01
        set_port 0x21, 0xFE             ; only line 0, the timer
        set_port 0x43, 0x30             ; timer: one interrupt, after
        set_port 0x40, 100              ; 100 periods
        set_port 0x40, 0
        sti
        hlt                             ; sleep until it comes
        cli
        set_port 0xF4, 0                ; and off
        hlt
%endif

page_fault:
        push eax
        letter 'f'
%ifdef PARAVIRT
        push ebx
        push ecx
        push edx
        map [FAULT_ADDRESS], page, 7    ; present, writable, ring 3 too
        pop edx
        pop ecx
        pop ebx
        pop eax
        add esp, 4                      ; the error code
        return_from_trap                ; and the same MOV once more
%else
        mov dword [page_table + (page >> 12) * 4], page + 7     ; present, writable, ring 3 too
        mov eax, cr2
        invlpg [eax]
        pop eax
        add esp, 4                      ; the error code
        iret                            ; and the same MOV once more
%endif

timer:  letter 't'
%ifdef PARAVIRT
        events_taken
        return_from_trap
%else
        set_port 0x20, 0x20             ; taken
        iret
%endif

; The tables. Everything lies between 1 and 2 MiB, so the upper half of an address is 0010h.
%define gate(handler, kind) dd (0x08 << 16) + handler - start, (0x10 << 16) + kind
align 8
gdt:    dq 0, 0x00CF9B000000FFFF + (RING << 45), 0x00CF93000000FFFF + (RING << 45) ; kernel
        dq 0x00CFFA000000FFFF, 0x00CFF2000000FFFF       ; ring 3: code, data
        dw 103, tss - start, 0x8910, 0                  ; task state segment
idt:    times 14 dq 0
        gate(page_fault, 0x8E00)
        times 0x20 - 15 dq 0
        gate(timer, 0x8E00)
        times 0x80 - 0x21 dq 0
        gate(system_call, 0xEE00)                       ; EE: ring 3 may use it
tss:    dd 0, 0x90000, 0x10                             ; ESP0, SS0
        times 22 dd 0
        dd 0x00680000                                   ; no ports for ring 3
gdt_pointer:
        dw 6 * 8 - 1
        dd gdt
idt_pointer:
        dw 0x81 * 8 - 1
        dd idt

%ifdef PARAVIRT
traps:  dd CODE << 16 | MASKS_EVENTS << 8 | 14, page_fault      ; vector, flags, selector; address
        dd CODE << 16 | 3 << 8 | 0x80, system_call              ; 3: ring 3 may use it
        dd 0, 0
use_directory:
        dd PIN_L2, 0, 0                                 ; (the frame is filled in)
        dd NEW_BASEPTR, 0, 0
timer_event:
        dd VIRQ_TIMER, 0, 0
shutdown_reason:
        dd 0
%endif
align 4096
page_directory:
%ifdef PARAVIRT
        times 1024 dd 0
%else
        dd page_table + 7
        times 1023 dd 0
page_table:                                             ; each page: the frame of its number
%rep 1023
        dd ($ - page_table) * 1024 + 7
%endrep
        dd 0                                            ; except the last
%endif
