# The sieve of Eratosthenes in machine mode: counts the primes below LIMIT, then waits for one
# timer interrupt with WFI and ends.

        .equ    UART,   0x10000000
        .equ    TIMER,  0x02004000
        .equ    CLOCK,  0x0200bff8
        .equ    FINISH, 0x00100000
        .equ    LIMIT,  3000
        .equ    FLAGS,  0x80001000      # one byte for each number; 1 once it is crossed out

        .org    0x80000000
_start: li      s0, 2                   # n
        li      s1, 0                   # how many primes
        li      s2, LIMIT
        li      s3, FLAGS
next:   add     t0, s3, s0
        lbu     t1, 0(t0)
        bnez    t1, 2f
        addi    s1, s1, 1
        add     t1, s0, s0              # cross out 2n, 3n, ...
        li      t3, 1
1:      bgeu    t1, s2, 2f
        add     t0, s3, t1
        sb      t3, 0(t0)
        add     t1, t1, s0
        j       1b
2:      addi    s0, s0, 1
        bltu    s0, s2, next

        # Three decimal digits.
        li      t0, UART
        li      t2, 100
        li      t4, 3
3:      li      t1, '0'
4:      bltu    s1, t2, 5f
        sub     s1, s1, t2
        addi    t1, t1, 1
        j       4b
5:      sb      t1, 0(t0)
        li      t3, 10
        beq     t2, t3, 6f
        mv      t2, t3                  # 100, then 10, then 1
        j       7f
6:      li      t2, 1
7:      addi    t4, t4, -1
        bnez    t4, 3b
        li      t1, '\n'
        sb      t1, 0(t0)

        li      t0, CLOCK
        lw      t1, 0(t0)
        addi    t1, t1, 1000
        li      t0, TIMER
        sw      zero, 4(t0)
        sw      t1, 0(t0)
        li      t0, 0x80
        csrw    mie, t0
        wfi                             # mstatus.MIE is clear: wakes without a trap
        li      t0, FINISH
        li      t1, 0x5555
        sw      t1, 0(t0)
8:      j       8b
