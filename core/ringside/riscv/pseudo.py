"""Short forms of instructions (vol. I, tables 25.2 and 25.3): by name and number of operands."""

from __future__ import annotations

from ringside.riscv.expression import lower, upper

Template = tuple[str, tuple[str, ...]]  # mnemonic, operands with {0} {1} … for those written

ANY_SIZE: tuple[Template, ...] = (("li", ("{0}", "{1}")),)
"""Stands for the instructions :func:`long_constant` chooses when the value is known."""

ADDRESS: tuple[Template, ...] = (
    ("lui", ("{0}", "%hi({1})")), ("addi", ("{0}", "{0}", "%lo({1})")),
)  # fmt: skip


def long_constant(value: int) -> tuple[Template, ...]:
    """``li``: one instruction if it can be done by one."""
    if -0x800 <= value <= 0x7FF:
        return (("addi", ("{0}", "zero", "{1}")),)
    if lower(value) == 0 and upper(value) << 12 == value & 0xFFFF_FFFF and value != -(1 << 31):
        return (("lui", ("{0}", "%hi({1})")),)
    return ADDRESS


PSEUDO: dict[str, dict[int, tuple[Template, ...]]] = {
    "nop": {0: (("addi", ("zero", "zero", "0")),)},
    "li": {2: ANY_SIZE},
    "la": {2: ADDRESS},
    "mv": {2: (("addi", ("{0}", "{1}", "0")),)},
    "not": {2: (("xori", ("{0}", "{1}", "-1")),)},
    "neg": {2: (("sub", ("{0}", "zero", "{1}")),)},
    "seqz": {2: (("sltiu", ("{0}", "{1}", "1")),)},
    "snez": {2: (("sltu", ("{0}", "zero", "{1}")),)},
    "sltz": {2: (("slt", ("{0}", "{1}", "zero")),)},
    "sgtz": {2: (("slt", ("{0}", "zero", "{1}")),)},
    "beqz": {2: (("beq", ("{0}", "zero", "{1}")),)},
    "bnez": {2: (("bne", ("{0}", "zero", "{1}")),)},
    "blez": {2: (("bge", ("zero", "{0}", "{1}")),)},
    "bgez": {2: (("bge", ("{0}", "zero", "{1}")),)},
    "bltz": {2: (("blt", ("{0}", "zero", "{1}")),)},
    "bgtz": {2: (("blt", ("zero", "{0}", "{1}")),)},
    "bgt": {3: (("blt", ("{1}", "{0}", "{2}")),)},
    "ble": {3: (("bge", ("{1}", "{0}", "{2}")),)},
    "bgtu": {3: (("bltu", ("{1}", "{0}", "{2}")),)},
    "bleu": {3: (("bgeu", ("{1}", "{0}", "{2}")),)},
    "j": {1: (("jal", ("zero", "{0}")),)},
    "jal": {1: (("jal", ("ra", "{0}")),)},
    "call": {1: (("jal", ("ra", "{0}")),)},
    "tail": {1: (("jal", ("zero", "{0}")),)},
    "jr": {1: (("jalr", ("zero", "0({0})")),)},
    "jalr": {1: (("jalr", ("ra", "0({0})")),)},
    "ret": {0: (("jalr", ("zero", "0(ra)")),)},
    "csrr": {2: (("csrrs", ("{0}", "{1}", "zero")),)},
    "csrw": {2: (("csrrw", ("zero", "{0}", "{1}")),)},
    "csrs": {2: (("csrrs", ("zero", "{0}", "{1}")),)},
    "csrc": {2: (("csrrc", ("zero", "{0}", "{1}")),)},
    "csrwi": {2: (("csrrwi", ("zero", "{0}", "{1}")),)},
    "csrsi": {2: (("csrrsi", ("zero", "{0}", "{1}")),)},
    "csrci": {2: (("csrrci", ("zero", "{0}", "{1}")),)},
}  # fmt: skip
