; nanos - an operating system to read in an hour
;
; It boots, turns paging on, runs programs in ring 3 and takes the processor away from them
; again, gives them memory when they touch it, and talks to a person over a serial line.
;
; Read it in this order; the minutes are for somebody who has seen some assembler before.
;
;   nanos.asm         this page: what lies where in memory                           5 minutes
;   nanos_boot.inc    from the first instruction to the first program               10
;   nanos_trap.inc    every way into the kernel: exceptions, interrupts, calls      10
;   nanos_mm.inc      frames, address spaces, memory given on demand                10
;   nanos_sched.inc   processes taken in turn, and the services they ask for        10
;   nanos_dev.inc     interrupt controller, timer, serial line, screen, disk        10
;   nanos_shell.inc   the person's commands; sleeping when there is nothing to do    3
;   nanos_user.inc    the programs in ring 3                                         2
;
; It never uses an instruction that looks at privileged state without trapping (PUSHF, SGDT,
; SMSW, ... - Robin and Irvine, 2000). So it cannot tell, and does not care, whether it owns
; the machine or runs de-privileged in ring 1 under a virtual machine monitor.
;
; With PARAVIRT defined it is another system: one that knows of its monitor and asks it. The lines
; between %ifdef PARAVIRT and %else or %endif are all that differs; skip them at first.
;
;   linear address             what                                       who may
;   00400000                   programs, one page, read only              ring 3
;   00500000 .. break          heap of the running program, on demand     ring 3
;   007F0000 .. 00800000       stack of the running program, on demand    ring 3
;   C0000000 .. C0400000       physical memory 0 .. 4 MiB                 kernel
;   C00B8000                     its part that is the VGA text screen
;   C0100000 .. C0110000         its part that is this kernel, and the boot stack at the end
;   C0110000 .. C0400000         its part that is free at first
;
; It needs 4 MiB of memory and uses no more.
;
; The kernel runs with interrupts off, except for one HLT (nanos_shell.inc). So nothing in it
; is ever interrupted half-way, and it needs no locks.

bits 32
org 0xC0100000                  ; where it runs; it is loaded at 1 MiB (see nanos_boot.inc)

KERNEL          equ 0xC0000000  ; physical address + KERNEL = address the kernel uses
KERNEL_END      equ 0xC0110000
MEMORY_END      equ 0xC0400000
FRAME           equ 4096        ; bytes in a page and in a frame
USER_TEXT       equ 0x00400000
USER_HEAP       equ 0x00500000
USER_STACK      equ 0x00800000  ; the stack grows down from here ...
USER_STACK_END  equ 0x007F0000  ; ... at most to here

%ifdef PARAVIRT
%include "pv.inc"               ; how to ask
PHYSICAL_AT     equ KERNEL
%else
RING            equ 0           ; where the kernel runs
%endif

%macro say 1+                   ; show a text; changes EAX and ESI
        mov esi, %%text
        call print
        jmp %%after
%%text: db %1, 0
%%after:
%endmacro

%include "nanos_boot.inc"
%include "nanos_trap.inc"
%include "nanos_mm.inc"
%include "nanos_sched.inc"
%include "nanos_dev.inc"
%include "nanos_shell.inc"
%include "nanos_user.inc"
