"""PUSHF, POPF, CLI, STI: the interrupt flag and who may change it (SDM vol. 2, "POPF", "CLI").

Virtual-8086 mode and CR4.PVI are not modelled, so VIF and VIP never change.
"""

from __future__ import annotations

from ringside.isa.faults import GP
from ringside.isa.instruction import Insn
from ringside.isa.ports import Cpu
from ringside.isa.registers import (
    FLAG_AC,
    FLAG_DF,
    FLAG_ID,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_NT,
    FLAG_RF,
    FLAG_TF,
    FLAG_VM,
    IOPL_SHIFT,
    STATUS_FLAGS,
)
from ringside.isa.row import SENSITIVE_REGISTER, Row
from ringside.isa.rows.after import STATUS

ANYBODY_MAY_CHANGE = STATUS_FLAGS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID


def changeable_flags(cpl: int, iopl: int) -> int:
    """The EFLAGS bits POPF and IRET replace at this privilege; the others keep their value."""
    mask = ANYBODY_MAY_CHANGE
    if cpl <= iopl:
        mask |= FLAG_IF
    if cpl == 0:
        mask |= FLAG_IOPL
    return mask


def note_kept_flags(cpu: Cpu, insn: Insn, wanted: int, before: int, mask: int) -> None:
    """Report IF and IOPL where the popped image ``wanted`` differs but ``mask`` forbids it."""
    lost = (wanted ^ before) & insn.width.mask & ~mask
    if lost & FLAG_IF:
        cpu.note_ignored(
            insn.mnemonic, "if", int(wanted & FLAG_IF != 0), int(before & FLAG_IF != 0)
        )
    if lost & FLAG_IOPL:
        cpu.note_ignored(
            insn.mnemonic, "iopl",
            (wanted & FLAG_IOPL) >> IOPL_SHIFT, (before & FLAG_IOPL) >> IOPL_SHIFT,
        )  # fmt: skip


def pushf(cpu: Cpu, insn: Insn) -> None:
    image = cpu.eflags & ~(FLAG_VM | FLAG_RF) & insn.width.mask
    cpu.push(image, insn.width)
    if cpu.cpl:
        cpu.note_revealed(insn.mnemonic, image)


def popf(cpu: Cpu, insn: Insn) -> None:
    image = cpu.pop(insn.width)
    before = cpu.eflags
    mask = changeable_flags(cpu.cpl, cpu.iopl)
    cpu.set_eflags(image, mask & insn.width.mask)
    note_kept_flags(cpu, insn, image, before, mask)


def require_iopl(cpu: Cpu) -> None:
    if cpu.cpl > cpu.iopl:
        raise GP()


def cli(cpu: Cpu, insn: Insn) -> None:
    require_iopl(cpu)
    cpu.set_eflags(0, FLAG_IF)


def sti(cpu: Cpu, insn: Insn) -> None:
    require_iopl(cpu)
    if not cpu.eflags & FLAG_IF:
        cpu.inhibit_interrupts()
    cpu.set_eflags(FLAG_IF, FLAG_IF)


ROWS: tuple[Row, ...] = (
    Row(
        "pushf", ("9C |",), pushf, "Pushes EFLAGS, with the real IF and IOPL.",
        reads_flags=STATUS, kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "popf", ("9D |",), popf,
        "Pops EFLAGS; IF keeps its value silently if CPL exceeds IOPL, IOPL unless CPL is 0.",
        writes_flags=STATUS, kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "cli", ("FA |",), cli, "Clears IF: maskable interrupts wait.",
        kind="system", privilege="iopl",
    ),
    Row(
        "sti", ("FB |",), sti, "Sets IF; interrupts come in after the next instruction.",
        kind="system", privilege="iopl",
    ),
)  # fmt: skip
