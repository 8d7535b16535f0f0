"""Binding an RV32 instruction to a hart: from its row to a function that gives the next pc."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ringside.riscv.row import MASK, REGISTERS, Insn
from ringside.riscv.traps import MISALIGNED_FETCH, Trap

if TYPE_CHECKING:
    from ringside.riscv.hart import Hart

Action = Callable[[], int]


def bind(hart: Hart, insn: Insn, pc: int) -> Action:
    """Make the function that carries out ``insn`` at ``pc``."""
    if insn.row.kind == "system":
        return lambda: hart.call_system(insn, pc)
    compute = bound_meaning(hart, insn, pc)
    after = pc + 4 & MASK
    destination = insn.fields.get("rd", 0)
    return WRAPPERS[insn.row.gives](hart.x, compute, destination, after)


def bound_meaning(hart: Hart, insn: Insn, pc: int) -> Callable[[], Any]:
    """The meaning with its registers and constants filled in."""
    row, fields, x = insn.row, insn.fields, hart.x
    meaning = row.meaning
    immediate = fields.get("imm", 0)
    known: dict[str, Any] = {
        "imm": immediate, "shamt": fields.get("shamt", 0), "m": hart, "pc": pc,
        "pc_next": pc + 4 & MASK, "target": pc + immediate & MASK,
    }  # fmt: skip
    constants = tuple(known[name] for name in row.takes if name not in REGISTERS)
    registers = len(row.takes) - len(constants)
    first, second = fields.get("rs1", 0), fields.get("rs2", 0)
    if registers == 0:
        return lambda: meaning(*constants)
    if registers == 1:
        if len(constants) == 1:
            (only,) = constants
            return lambda: meaning(x[first], only)
        return lambda: meaning(x[first], *constants)
    if not constants:
        return lambda: meaning(x[first], x[second])
    return lambda: meaning(x[first], x[second], *constants)


def write_register(
    x: list[int], compute: Callable[[], Any], rd: int, after: int
) -> Action:
    """The result goes to rd."""
    if not rd:
        return do_nothing_with(x, compute, rd, after)

    def run() -> int:
        x[rd] = compute()
        return after

    return run


def do_nothing_with(x: list[int], compute: Callable[[], Any], rd: int, after: int) -> Action:
    """There is no result, or it goes to x0."""

    def run() -> int:
        compute()
        return after

    return run


def go(x: list[int], compute: Callable[[], Any], rd: int, after: int) -> Action:
    """The result is the next pc (vol. I, 2.5: misaligned only if the branch is taken)."""

    def run() -> int:
        pc: int = compute()
        if pc & 3:
            raise Trap(MISALIGNED_FETCH, pc)
        return pc

    return run


def link_and_go(x: list[int], compute: Callable[[], Any], rd: int, after: int) -> Action:
    """The results are the return address and the next pc."""

    def run() -> int:
        pc: int
        link, pc = compute()
        if pc & 3:
            raise Trap(MISALIGNED_FETCH, pc)
        if rd:
            x[rd] = link
        return pc

    return run


WRAPPERS: dict[tuple[str, ...], Callable[[list[int], Callable[[], Any], int, int], Action]] = {
    ("rd",): write_register,
    (): do_nothing_with,
    ("pc",): go,
    ("rd", "pc"): link_and_go,
}
