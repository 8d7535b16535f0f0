; Nothing but exits: what does a visit to a virtual machine monitor cost? Every CLI of a guest
; that runs de-privileged is one; on bare metal it is one instruction like any other.

start:
    call enable_paging
.again:
    cli
    cli
    cli
    cli
    cli
    cli
    cli
    cli
    jmp .again

%include "paging.inc"
