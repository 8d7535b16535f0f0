"""Traps: exceptions and interrupts with their mcause codes (vol. II, table 3.6)."""

from __future__ import annotations

MISALIGNED_FETCH = 0
FETCH_FAULT = 1
ILLEGAL = 2
BREAKPOINT = 3
MISALIGNED_LOAD = 4
LOAD_FAULT = 5
MISALIGNED_STORE = 6
STORE_FAULT = 7
CALL_FROM_USER = 8
CALL_FROM_MACHINE = 11

INTERRUPT = 1 << 31  # set in mcause for an interrupt
SOFTWARE, TIMER, EXTERNAL = 3, 7, 11  # bit numbers in mip and mie, and interrupt codes
PRIORITY = (EXTERNAL, SOFTWARE, TIMER)  # vol. II, 3.1.9

EXCEPTION_NAMES = {
    MISALIGNED_FETCH: "instruction address misaligned",
    FETCH_FAULT: "instruction access fault",
    ILLEGAL: "illegal instruction",
    BREAKPOINT: "breakpoint",
    MISALIGNED_LOAD: "load address misaligned",
    LOAD_FAULT: "load access fault",
    MISALIGNED_STORE: "store address misaligned",
    STORE_FAULT: "store access fault",
    CALL_FROM_USER: "environment call from user mode",
    CALL_FROM_MACHINE: "environment call from machine mode",
}
INTERRUPT_NAMES = {SOFTWARE: "software interrupt", TIMER: "timer interrupt",
                   EXTERNAL: "external interrupt"}  # fmt: skip
MEMORY_TRAPS = frozenset(
    {MISALIGNED_FETCH, FETCH_FAULT, MISALIGNED_LOAD, LOAD_FAULT, MISALIGNED_STORE, STORE_FAULT}
)


class Trap(Exception):
    """A synchronous exception: its code for mcause and the value for mtval."""

    def __init__(self, cause: int, value: int = 0) -> None:
        super().__init__(cause, value)
        self.cause = cause
        self.value = value

    def __str__(self) -> str:
        return f"{EXCEPTION_NAMES.get(self.cause, f'exception {self.cause}')} ({self.value:#x})"
