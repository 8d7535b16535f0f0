# A kernel in machine mode and a program in user mode, on a RISC-V processor.
#
# The kernel lets the program have one region of memory, starts the timer and steps down to user
# mode. From then on it runs only in traps: the program's system calls, the timer's interrupts,
# and what the program may not do. Every one of these instructions means something else, or
# nothing, to an IA-32 processor: only emulation can run them there.

        .equ    UART,      0x10000000   # the console: a byte written here is shown
        .equ    TIMER,     0x02004000   # the timer rings when the clock passes this number
        .equ    CLOCK,     0x0200bff8
        .equ    FINISH,    0x00100000   # a word written here ends the run
        .equ    TICK,      2000         # instructions between two interrupts

        .equ    SYS_PUTS,  1            # system calls: number in a7, argument in a0
        .equ    SYS_PUTN,  2
        .equ    SYS_EXIT,  3

        .equ    MPP,       0x1800       # mstatus: the mode MRET returns to
        .equ    MTIE,      0x80         # mie: timer interrupt

        .org    0x80000000
_start: la      sp, stack
        la      t0, trap
        csrw    mtvec, t0
        la      a0, hello
        call    puts

        # Physical memory protection: user mode may touch user .. user_end and nothing else.
        la      t0, user
        srli    t0, t0, 2
        csrw    pmpaddr0, t0
        la      t0, user_end
        srli    t0, t0, 2
        csrw    pmpaddr1, t0
        li      t0, 0x0f00              # entry 1: from address 0 to address 1; read write execute
        csrw    pmpcfg0, t0

        call    next_tick
        li      t0, MTIE
        csrs    mie, t0

        la      t0, user                # pretend that a trap came from user mode, and return
        csrw    mepc, t0
        li      t0, MPP
        csrc    mstatus, t0
        la      t0, stack
        csrw    mscratch, t0            # the kernel's stack, while the program runs
        la      sp, user_stack
        mret

# Every trap arrives here. Swapping sp with mscratch gives the kernel its stack.
trap:   csrrw   sp, mscratch, sp
        addi    sp, sp, -32
        sw      ra, 0(sp)
        sw      t0, 4(sp)
        sw      t1, 8(sp)
        sw      t2, 12(sp)
        sw      t3, 16(sp)
        sw      a0, 20(sp)
        sw      a1, 24(sp)
        csrr    t0, mcause
        bltz    t0, interrupt           # the top bit tells interrupts from exceptions
        li      t1, 8
        beq     t0, t1, syscall

        la      a0, denied              # the program did what it may not do: say so, skip it
        call    puts
        csrr    a0, mcause
        call    putn
        j       skip

syscall:
        li      t1, SYS_PUTS
        beq     a7, t1, 1f
        li      t1, SYS_PUTN
        beq     a7, t1, 2f
        li      t1, SYS_EXIT
        beq     a7, t1, exit
        j       skip                    # no such call: ignored
1:      call    puts_user
        j       skip
2:      call    putn
skip:   csrr    t0, mepc                # go on after the instruction that trapped
        addi    t0, t0, 4
        csrw    mepc, t0
        j       return

interrupt:
        la      t0, ticks
        lw      t1, 0(t0)
        addi    t1, t1, 1
        sw      t1, 0(t0)
        call    next_tick
return: lw      ra, 0(sp)
        lw      t0, 4(sp)
        lw      t1, 8(sp)
        lw      t2, 12(sp)
        lw      t3, 16(sp)
        lw      a0, 20(sp)
        lw      a1, 24(sp)
        addi    sp, sp, 32
        csrrw   sp, mscratch, sp
        mret

exit:   la      a0, ended
        call    puts
        la      t0, ticks
        lw      a0, 0(t0)
        call    putn
        li      t0, FINISH
        li      t1, 0x5555
        sw      t1, 0(t0)
1:      j       1b

# Set the timer TICK instructions ahead.
next_tick:
        li      t0, CLOCK
        lw      t1, 0(t0)
        addi    t1, t1, TICK
        li      t0, TIMER
        sw      zero, 4(t0)             # the run is far shorter than 2^32 instructions
        sw      t1, 0(t0)
        ret

# Print the program's text at a0, but only what the program may read itself: a kernel must not be
# talked into showing its own memory.
puts_user:
        la      t2, user
        bltu    a0, t2, 2f
        la      t2, user_end
        j       1f

puts:   li      t2, -1                  # the kernel's own texts need no bound
1:      li      t0, UART
1:      bgeu    a0, t2, 2f
        lbu     t1, 0(a0)
        beqz    t1, 2f
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       1b
2:      ret

# Print a0 in decimal and end the line. RV32I cannot divide: subtract powers of ten instead.
putn:   li      t0, UART
        la      t2, powers
        li      a1, 0                   # 1 after the first digit that is not a leading zero
1:      lw      t1, 0(t2)
        li      t3, '0'
2:      bltu    a0, t1, 3f
        sub     a0, a0, t1
        addi    t3, t3, 1
        li      a1, 1
        j       2b
3:      addi    t2, t2, 4
        addi    t1, t1, -1
        beqz    t1, 4f                  # the last digit is printed whatever it is
        beqz    a1, 1b
        sb      t3, 0(t0)
        j       1b
4:      sb      t3, 0(t0)
        li      t3, '\n'
        sb      t3, 0(t0)
        ret

        .align  2
powers: .word   1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1
ticks:  .word   0
hello:  .asciz  "kernel: machine mode\n"
denied: .asciz  "kernel: denied, cause "
ended:  .asciz  "kernel: program ended, timer interrupts: "
        .balign 16
        .space  256
stack:

# The program. It owns the memory from here to user_end, and the ECALL instruction.
        .balign 16
user:   la      a0, greeting
        li      a7, SYS_PUTS
        ecall

        # The sum of the squares of 1 to 50, by adding.
        li      s0, 50                  # n
        li      s1, 0                   # sum
1:      mv      t0, s0
2:      add     s1, s1, s0
        addi    t0, t0, -1
        bnez    t0, 2b
        addi    s0, s0, -1
        bnez    s0, 1b
        mv      a0, s1
        li      a7, SYS_PUTN
        ecall

        csrr    t0, mstatus             # may a program look at the processor's state?
        la      t0, ticks
        sw      zero, 0(t0)             # may it write to the kernel's memory?

        # Greatest common divisor of 46368 and 28656, by subtracting.
        li      a0, 46368
        li      a1, 28656
3:      beq     a0, a1, 5f
        bltu    a0, a1, 4f
        sub     a0, a0, a1
        j       3b
4:      sub     a1, a1, a0
        j       3b
5:      li      a7, SYS_PUTN
        ecall
        li      a7, SYS_EXIT
        ecall

greeting: .asciz "program: user mode\n"
        .balign 16
        .space  64
user_stack:
user_end:
