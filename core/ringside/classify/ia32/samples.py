"""Sampled machine states: what registers and memory may hold when an instruction meets them.

Values are drawn from what such places really hold (numbers, addresses, selectors, images of
control registers and flags, return frames), the same way for every instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringside.classify.dice import Dice
from ringside.classify.ia32.layout import (
    CODE_SELECTORS,
    DATA,
    GATES,
    HERE,
    PROGRAM_SIZE,
    SELECTORS,
    STACK,
    STACK_SELECTORS,
)
from ringside.isa.registers import (
    EAX,
    EBP,
    EBX,
    ECX,
    EDI,
    EDX,
    ESI,
    ESP,
    FLAG_AC,
    FLAG_DF,
    FLAG_ID,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_ONE,
    STATUS_FLAGS,
)
from ringside.machine.control import (
    CR0_AM,
    CR0_ET,
    CR0_MP,
    CR0_NE,
    CR0_PE,
    CR0_PG,
    CR0_TS,
    CR0_WP,
    CR4_PCE,
    CR4_PGE,
    CR4_PSE,
    CR4_TSD,
    MSR_TSC,
)

RING_0, RING_1, RING_3 = 0, 1, 3
PLAIN_FLAGS = STATUS_FLAGS | FLAG_DF | FLAG_AC | FLAG_ID


@dataclass(frozen=True, slots=True)
class Sample:
    """One state, as far as it is the same wherever things lie and whatever the mode is.

    ``cr0``, ``cr4`` and the rest are the values before anything is moved.
    """

    regs: tuple[int, ...]
    eflags: int
    program: bytes
    paging: bool
    cr0: int
    cr2: int
    cr4: int
    debug: tuple[int, ...]
    tsc: int
    device: int


def control_image(dice: Dice, cr0: int) -> int:
    """A value CR0 could be given."""
    return cr0 ^ (dice.bits(32) & (CR0_TS | CR0_MP | CR0_NE | CR0_WP | CR0_AM))


def extension_image(dice: Dice, cr4: int) -> int:
    """A value CR4 could be given."""
    return cr4 ^ (dice.bits(32) & (CR4_TSD | CR4_PSE | CR4_PGE | CR4_PCE))


def flags_image(dice: Dice) -> int:
    """A value EFLAGS could be given by POPF or IRET."""
    return dice.bits(32) & (PLAIN_FLAGS | FLAG_IF | FLAG_IOPL) | FLAG_ONE


def data_address(dice: Dice) -> int:
    """An address in the data."""
    return DATA + 0x100 + 4 * dice.below((STACK - DATA - 0x300) // 4)


def stack_address(dice: Dice) -> int:
    """An address in the stack."""
    return STACK + 0x200 + 4 * dice.below((PROGRAM_SIZE - STACK - 0x400) // 4)


def in_turn(number: int) -> int:
    """A selector; every one has its turn."""
    return SELECTORS[number % len(SELECTORS)]


def words(dice: Dice, cr0: int, cr4: int) -> tuple[Callable[[], int], ...]:
    """The kinds of 32-bit values there are."""
    return (
        lambda: dice.one_of(SELECTORS),
        lambda: dice.one_of(SELECTORS),
        lambda: dice.bits(32),
        lambda: dice.below(GATES),
        lambda: data_address(dice),
        lambda: control_image(dice, cr0),
        lambda: extension_image(dice, cr4),
        lambda: flags_image(dice),
        lambda: MSR_TSC,
    )  # fmt: skip


def stack_top(dice: Dice, number: int, value: Callable[[], int]) -> list[int]:
    """What lies on top of the stack: any words, a frame to return through, flags, or a segment."""
    kind = number % 4
    if kind == 0:
        return [in_turn(number // 4), *(value() for _ in range(7))]
    if kind == 1:
        return [flags_image(dice), *(value() for _ in range(7))]
    ring = (RING_3, RING_0, RING_1, RING_3)[number // 4 % 4]
    target = dice.one_of([s for s in CODE_SELECTORS if s & 3 == ring])
    frame = [0x100 + dice.below(0x600), target]
    # A far return finds the outer stack right after CS, an interrupt return after the flags.
    if kind == 2:
        frame.append(flags_image(dice))
    outer = [stack_address(dice), STACK_SELECTORS[ring]]
    return [*frame, *outer, *outer, value()]


def operand(dice: Dice, number: int, value: Callable[[], int]) -> bytes:
    """What an address register points at: any words, a far pointer, or a table's limit and base."""
    kind = number % 3
    offset = 0x100 + dice.below(0x600)
    if kind == 0:
        numbers = [offset, in_turn(number // 3), value(), value()]
        return b"".join(word.to_bytes(4, "little") for word in numbers)
    if kind == 1:
        limit, base = 0x7F | dice.below(4) << 8, HERE.gdt.linear + 8 * dice.below(8)
        rest = dice.bits(64).to_bytes(8, "little")
        return limit.to_bytes(2, "little") + base.to_bytes(4, "little") + rest
    return b"".join(value().to_bytes(4, "little") for _ in range(4))


def sample(seed: int, number: int, cr0_set: int = 0, cr4_set: int = 0) -> Sample:
    """State ``number`` of a seed; some bits of CR0 and CR4 may have to be set."""
    dice = Dice(seed, number)
    paging = bool(cr0_set & CR0_PG) or number % 5 in (1, 3)
    cr0 = CR0_PE | CR0_ET | (CR0_PG if paging else 0) | dice.bits(32) & (CR0_MP | CR0_NE | CR0_WP)
    if dice.chance(4):
        cr0 |= CR0_TS
    # RDTSC outside ring 0 is the VMM's to forbid, like ports and interrupts (IOPL is 0).
    cr0 |= cr0_set
    cr4 = CR4_TSD | cr4_set | dice.bits(32) & (CR4_PSE | CR4_PCE)
    kinds = words(dice, cr0, cr4)

    def value() -> int:
        return dice.one_of(kinds)()

    regs = [0] * 8
    for register in (EAX, ECX, EDX):
        regs[register] = value()
    if number % 2 == 0:
        regs[EAX] = dice.bits(32) & 0xFFFF_0000 | in_turn(number // 2)
    for register in (EBX, ESI, EDI):
        regs[register] = data_address(dice)
    for register in (ESP, EBP):
        regs[register] = stack_address(dice)
    program = bytearray(PROGRAM_SIZE)
    for at in range(DATA, PROGRAM_SIZE, 64):  # data and stack are not empty
        program[at : at + 8] = dice.bits(64).to_bytes(8, "little")
    for register in (EBX, ESI, EDI):
        data = operand(dice, number + register, value)
        program[regs[register] : regs[register] + len(data)] = data
    top = b"".join(word.to_bytes(4, "little") for word in stack_top(dice, number, value))
    program[regs[ESP] : regs[ESP] + len(top)] = top
    return Sample(
        tuple(regs),
        dice.bits(32) & (PLAIN_FLAGS | FLAG_IF) & ~FLAG_AC | FLAG_ONE,
        bytes(program), paging, cr0, dice.bits(32), cr4,
        tuple(dice.bits(32) for _ in range(4)), dice.bits(40), dice.bits(32),
    )  # fmt: skip
