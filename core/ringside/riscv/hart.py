"""A hart (hardware thread): registers, modes, traps, and instructions bound to it once.

An instruction found at an address is bound to the registers it names and kept, by address, until
its bytes are written; running it is one call. Traps leave everything as it was before the
instruction and go to ``mtvec``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from ringside.riscv.bind import Action, bind
from ringside.riscv.csr import (
    MACHINE,
    MIE,
    MPIE,
    MPP,
    MPP_SHIFT,
    MPRV,
    REGISTERS,
    TW,
    USER,
)
from ringside.riscv.decode import decode
from ringside.riscv.events import ExceptionTaken
from ringside.riscv.pmp import EXECUTE, READ, WRITE, Pmp
from ringside.riscv.row import MASK, Insn
from ringside.riscv.traps import (
    CALL_FROM_USER,
    EXCEPTION_NAMES,
    FETCH_FAULT,
    ILLEGAL,
    INTERRUPT,
    LOAD_FAULT,
    MISALIGNED_LOAD,
    MISALIGNED_STORE,
    PRIORITY,
    STORE_FAULT,
    Trap,
)
from ringside.trace.events import (
    ControlWritten,
    Event,
    Halted,
    InterruptDelivered,
    RingChanged,
    SystemCalled,
    Woken,
)

A7 = 17  # the register that holds a system call's number (vol. I, chapter 25)


class Bus(Protocol):
    """Physical memory and devices."""

    def fetch(self, address: int) -> int | None:
        """The instruction word there; None where there is no memory."""

    def read(self, address: int, size: int) -> int | None:
        """The value there; None where nothing answers."""

    def write(self, address: int, value: int, size: int) -> bool:
        """Store; False where nothing answers."""


def no_interrupts() -> int:
    """Stand in for devices that were never connected."""
    return 0


class Hart:
    """One RV32I processor with machine and user mode. Times are in ticks: one for each
    instruction retired."""

    __slots__ = (
        "actions", "bus", "code", "cycle_offset", "deliveries", "guarded", "idle",
        "instret_offset", "listener", "mcause", "mcounteren", "mepc", "mie", "mode", "mscratch",
        "mstatus", "mtval", "mtvec", "pc", "pending", "pmp", "slept", "time", "until",
        "user_actions", "waiting", "x",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"actions", "bus", "code", "guarded", "listener", "pending", "until", "user_actions"}
    )

    def __init__(self, bus: Bus, pc: int = 0) -> None:
        self.bus = bus
        self.x = [0] * 32
        self.pc = pc
        self.mode = MACHINE
        self.mstatus: int = 0
        self.mtvec: int = 0
        self.mepc: int = 0
        self.mcause: int = 0
        self.mtval: int = 0
        self.mscratch: int = 0
        self.mie: int = 0
        self.mcounteren: int = 0
        self.pmp = Pmp()
        self.waiting = False

        self.time = 0
        self.idle = 0  # ticks slept, in all
        self.slept = 0  # ticks slept since the last WFI
        self.deliveries = 0  # steps that retired nothing: traps taken
        self.cycle_offset = 0
        self.instret_offset = 0

        # address -> bound instruction, for each mode; ``code`` has the addresses of both.
        self.actions: dict[int, Action] = {}
        self.user_actions: dict[int, Action] = {}
        self.code: set[int] = set()
        self.guarded = False  # loads and stores ask physical memory protection
        self.until = 0  # the time to stop running at; 0 stops after this instruction
        self.pending: Callable[[], int] = no_interrupts  # mip, as the devices have it
        self.listener: Callable[[Event], None] | None = None

    def after_thaw(self) -> None:
        """Drop what is cached."""
        self.forget_code()
        self.guard()

    # -- what it is --------------------------------------------------------------------------

    @property
    def machine_mode(self) -> bool:
        """Whether it runs in machine mode."""
        return self.mode == MACHINE

    @property
    def timeout_wait(self) -> bool:
        """mstatus.TW."""
        return bool(self.mstatus & TW)

    @property
    def context(self) -> str:
        """Who is running, for events."""
        return "kernel" if self.mode == MACHINE else "app"

    @property
    def steps(self) -> int:
        """Steps taken: instructions retired and traps taken."""
        return self.time - self.idle + self.deliveries

    @property
    def ready(self) -> bool:
        """Whether an interrupt would be taken before the next instruction."""
        enabled = self.mode != MACHINE or self.mstatus & MIE
        return bool(enabled and self.pending() & self.mie)

    def mtime(self) -> int:
        """The clock the counter ``time`` shows."""
        return self.time

    def set(self, register: int, value: int) -> None:
        """Write a register; x0 stays 0."""
        if register:
            self.x[register] = value & MASK

    def look(self) -> None:
        """Interrupts or rights may have changed: see before the next instruction."""
        self.until = 0
        self.guard()

    def guard(self) -> None:
        """Settle whether loads and stores are checked (MPRV: vol. II, 3.1.6.3)."""
        machine = self.mode == MACHINE
        borrowed = self.mstatus & MPRV and not self.mstatus & MPP
        self.guarded = bool(not machine or borrowed)

    def protection_changed(self) -> None:
        """What user mode may fetch may have changed."""
        self.user_actions.clear()
        self.look()

    def forget_code(self) -> None:
        """Drop every bound instruction."""
        self.actions.clear()
        self.user_actions.clear()
        self.code.clear()

    # -- registers of control ----------------------------------------------------------------

    def read_csr(self, number: int, word: int) -> int:
        """Read a register; an illegal instruction if there is none or it is not for this mode."""
        register = REGISTERS.get(number)
        if register is None or self.mode < register.lowest_mode:
            raise Trap(ILLEGAL, word)
        if self.mode == USER and not self.mcounteren >> (number & 3) & 1:
            raise Trap(ILLEGAL, word)  # the user registers here are counters
        return register.read(self)

    def write_csr(self, number: int, value: int, word: int) -> None:
        """Write a register; an illegal instruction as for reading, or if it is read-only."""
        register = REGISTERS.get(number)
        if register is None or self.mode < register.lowest_mode or register.read_only:
            raise Trap(ILLEGAL, word)
        if register.write is not None:
            before = register.read(self)
            register.write(self, value & MASK)
            if self.listener is not None:
                after = register.read(self)
                self.listener(
                    ControlWritten(self.time, self.context, register.name, before, after)
                )

    # -- memory ------------------------------------------------------------------------------

    def load(self, address: int, size: int) -> int:
        """Read ``size`` bytes for the program."""
        if address & size - 1:
            raise Trap(MISALIGNED_LOAD, address)
        if self.guarded and not self.pmp.allows(address, size, READ):
            raise Trap(LOAD_FAULT, address)
        value = self.bus.read(address, size)
        if value is None:
            raise Trap(LOAD_FAULT, address)
        return value

    def store(self, address: int, value: int, size: int) -> None:
        """Write ``size`` bytes for the program."""
        if address & size - 1:
            raise Trap(MISALIGNED_STORE, address)
        if self.guarded and not self.pmp.allows(address, size, WRITE):
            raise Trap(STORE_FAULT, address)
        if not self.bus.write(address, value, size):
            raise Trap(STORE_FAULT, address)
        if address & ~3 in self.code:
            self.actions.pop(address & ~3, None)
            self.user_actions.pop(address & ~3, None)
            self.code.discard(address & ~3)

    def load8(self, address: int) -> int:
        """Read a byte."""
        return self.load(address, 1)

    def load16(self, address: int) -> int:
        """Read a halfword."""
        return self.load(address, 2)

    def load32(self, address: int) -> int:
        """Read a word."""
        return self.load(address, 4)

    def store8(self, address: int, value: int) -> None:
        """Write a byte."""
        self.store(address, value, 1)

    def store16(self, address: int, value: int) -> None:
        """Write a halfword."""
        self.store(address, value, 2)

    def store32(self, address: int, value: int) -> None:
        """Write a word."""
        self.store(address, value, 4)

    # -- instructions ------------------------------------------------------------------------

    def fetch(self, pc: int) -> Insn:
        """The instruction at ``pc``; a fetch fault or an illegal instruction if there is none."""
        if self.mode != MACHINE and not self.pmp.allows(pc, 4, EXECUTE):
            raise Trap(FETCH_FAULT, pc)
        word = self.bus.fetch(pc)
        if word is None:
            raise Trap(FETCH_FAULT, pc)
        insn = decode(word)
        if insn is None:
            raise Trap(ILLEGAL, word)
        return insn

    def prepare(self, pc: int) -> Action:
        """Bind the instruction at ``pc`` and keep it."""
        action = bind(self, self.fetch(pc), pc)
        (self.actions if self.mode == MACHINE else self.user_actions)[pc] = action
        self.code.add(pc)
        return action

    def call_system(self, insn: Insn, pc: int) -> int:
        """Carry out a system instruction; give the next pc."""
        self.pc = pc + 4 & MASK
        try:
            insn.row.meaning(self, insn)
        except Trap:
            self.pc = pc
            raise
        return self.pc

    def run(self, until: int) -> None:
        """Run until that time, a trap, or something that must be looked at. One tick each."""
        actions = self.actions if self.mode == MACHINE else self.user_actions
        pc = self.pc
        self.until = until
        try:
            while self.time < self.until:
                action = actions.get(pc)
                if action is None:
                    action = self.prepare(pc)
                pc = action()
                self.time += 1
        except Trap as trap:
            self.pc = pc
            self.take_trap(trap)
        else:
            self.pc = pc

    # -- traps (vol. II, 3.1.6.1, 3.1.7, 3.1.14 to 16) ---------------------------------------

    def take_trap(self, trap: Trap) -> None:
        """Go to the handler of an exception; ``pc`` names the instruction that raised it."""
        if self.listener is not None:
            self.report(trap)
        self.enter(trap.cause, trap.value, self.mtvec & ~3, "exception")
        self.deliveries += 1

    def report(self, trap: Trap) -> None:
        """Tell the listener about an exception."""
        assert self.listener is not None
        word = self.bus.fetch(self.pc)
        insn = None if word is None else decode(word)
        self.listener(
            ExceptionTaken(
                self.time, self.context, trap.cause, EXCEPTION_NAMES[trap.cause], trap.value,
                self.pc, insn.mnemonic if insn else "",
            )
        )  # fmt: skip
        if trap.cause == CALL_FROM_USER:
            self.listener(
                SystemCalled(self.time, self.context, trap.cause, self.x[A7], self.pc)
            )

    def take_interrupt(self) -> None:
        """Go to the handler of the most urgent interrupt. The caller has seen that one is due."""
        due = self.pending() & self.mie
        code = next(code for code in PRIORITY if due >> code & 1)
        self.wake()
        if self.listener is not None:
            self.listener(InterruptDelivered(self.time, self.context, code, self.pc))
        vectored = self.mtvec & 1
        handler = (self.mtvec & ~3) + (4 * code if vectored else 0) & MASK
        self.enter(INTERRUPT | code, 0, handler, "interrupt")
        self.deliveries += 1

    def enter(self, cause: int, value: int, handler: int, why: str) -> None:
        """Save what a trap saves and go to machine mode."""
        self.mcause, self.mtval, self.mepc = cause, value & MASK, self.pc
        status = self.mstatus & ~(MPIE | MIE | MPP)
        if self.mstatus & MIE:
            status |= MPIE
        self.mstatus = status | self.mode << MPP_SHIFT
        self.pc = handler
        self.change_mode(MACHINE, why)

    def return_from_trap(self) -> None:
        """MRET: everything :meth:`enter` saved comes back."""
        mode = self.mstatus >> MPP_SHIFT & 3
        status = self.mstatus & ~(MIE | MPP) | MPIE
        if self.mstatus & MPIE:
            status |= MIE
        if mode != MACHINE:
            status &= ~MPRV
        self.mstatus = status
        self.pc = self.mepc
        self.change_mode(mode, "mret")

    def change_mode(self, mode: int, cause: str) -> None:
        """Change mode and say so."""
        before, self.mode = self.mode, mode
        self.look()
        if before != mode and self.listener is not None:
            self.listener(RingChanged(self.time, self.context, before, mode, cause))

    # -- waiting -----------------------------------------------------------------------------

    def wait(self) -> None:
        """WFI."""
        self.waiting = True
        self.slept = 0
        self.look()
        if self.listener is not None:
            self.listener(Halted(self.time, self.context, self.pc - 4 & MASK))

    def sleep(self, ticks: int) -> None:
        """Let idle time pass."""
        self.time += ticks
        self.idle += ticks
        self.slept += ticks

    def wake(self) -> None:
        """End a wait."""
        if self.waiting:
            self.waiting = False
            if self.listener is not None:
                self.listener(Woken(self.time, self.context, self.slept))

    def state(self) -> tuple[Any, ...]:
        """Everything the program can see of the hart, in a fixed order; for digests."""
        return (
            *self.x, self.pc, self.mode, self.mstatus, self.mtvec, self.mepc, self.mcause,
            self.mtval, self.mscratch, self.mie, self.mcounteren, *self.pmp.config,
            *self.pmp.addresses,
        )  # fmt: skip
