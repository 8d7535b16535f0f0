; VMX errors: a monitor that gets it wrong, and what the processor tells it.
;
; The kernel tries to enter a virtual machine too early, again and again. It prints the error
; numbers it reads in the VMCS, and last the exit reason of an entry that failed later.
bits 32
org 0x100000
%include "pc.inc"               ; segments, interrupt table, printing; then it jumps to main

main:   gate 6, finish          ; a virtual machine has no VMX: it ends with another code
        gate 13, finish
        mov dword [0x210000], 0x83      ; VMX wants paging: the first 4 MiB, where they are
        mov eax, 0x210000
        mov cr3, eax
        mov eax, 0x2010         ; VMXE, and large pages
        mov cr4, eax
        mov eax, 0x80000021
        mov cr0, eax
        mov ecx, 0x3A           ; the firmware's switch
        mov eax, 5
        xor edx, edx
        wrmsr
        mov ecx, 0x480          ; each region begins with the number this MSR tells
        rdmsr
        mov [0x200000], eax
        mov [0x201000], eax
        vmxon [regions]
        vmlaunch                ; there is no current VMCS
        vmclear [regions + 8]
        vmptrld [regions + 8]
        vmresume                ; it was never launched
        call tell
        vmlaunch                ; its control fields are all 0
        call tell
        mov eax, 0x1234
        vmread ebx, eax         ; no field has this number
        call tell
        mov esi, state
        mov ecx, 17
.write: lodsd
        vmwrite eax, [esi]
        add esi, 4
        loop .write
        vmlaunch                ; controls and host are right now, but the guest is all 0
failed: mov edx, 0x4402         ; the exit reason; its bit 31 says that the entry failed
        call tell.field
        vmxoff
        mov al, 0
        jmp finish
tell:   mov edx, 0x4400         ; the VM-instruction error
.field: vmread eax, edx
        and eax, 0xFFFF
        call print_number
        jmp new_line
regions dq 0x200000, 0x201000   ; for VMXON, and the VMCS
state   dd 0x4000, 0x16, 0x4002, 0x0401E172, 0x400C, 0x36DFF, 0x4012, 0x11FF ; controls
        dd 0x6C00, 0x80000021, 0x6C02, 0x210000, 0x6C04, 0x2010 ; host CR0, CR3, CR4
        dd 0xC00, 16, 0xC02, 8, 0xC04, 16, 0xC06, 16, 0xC0C, 0x28 ; ES, CS, SS, DS, TR
        dd 0x6C0A, tss, 0x6C0C, gdt, 0x6C0E, idt, 0x6C14, STACK, 0x6C16, failed ; where it goes on
