; Fibonacci numbers by plain recursion: little but calls, returns and the stack.
; EAX: the last number.

%ifndef NUMBER
NUMBER equ 23
%endif
%ifndef ROUNDS
ROUNDS equ 4
%endif

start:
    call enable_paging
    mov ebp, ROUNDS
.round:
    mov eax, NUMBER
    call fib
    dec ebp
    jnz .round
    cli
    hlt

fib:                                ; EAX: n, then fib(n)
    push ebx
    mov ebx, eax
    cmp eax, 2
    jb .done
    dec eax
    call fib
    xchg eax, ebx
    sub eax, 2
    call fib
    add eax, ebx
.done:
    pop ebx
    ret

%include "paging.inc"
