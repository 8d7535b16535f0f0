"""Loading segment registers, and asking about descriptors (SDM vol. 3A, 3.4 and 5.10)."""

from __future__ import annotations

from collections.abc import Callable

from ringside.isa.faults import UD
from ringside.isa.instruction import Insn, Seg
from ringside.isa.ports import Cpu
from ringside.isa.registers import CS, DS, ES, FLAG_ZF, FS, GS, SS
from ringside.isa.row import PROTECTION_SYSTEM, UNLISTED, Row
from ringside.isa.rows.control import far_pointer

CR0_PE = 1 << 0

ACCESS_RIGHTS_MASK = 0x00FFFF00  # LAR; the manual leaves limit 19:16 undefined, processors show it


def require_protected_mode(cpu: Cpu) -> None:
    if not cpu.cr0 & CR0_PE:
        raise UD()


def set_segment(cpu: Cpu, seg: int, selector: int) -> None:
    cpu.load_segment(seg, selector)
    if seg == SS:  # so that the ESP load that follows cannot be interrupted
        cpu.inhibit_interrupts(traps=True)


def mov_to_segment(cpu: Cpu, insn: Insn) -> None:
    destination = insn.operands[0]
    assert type(destination) is Seg
    if destination.index == CS:
        raise UD()
    set_segment(cpu, destination.index, cpu.value(insn.operands[1]))


def pop_segment(cpu: Cpu, insn: Insn) -> None:
    destination = insn.operands[0]
    assert type(destination) is Seg
    set_segment(cpu, destination.index, cpu.pop(insn.width) & 0xFFFF)


def load_pointer(cpu: Cpu, insn: Insn, seg: int) -> None:
    selector, offset = far_pointer(cpu, insn)
    cpu.load_segment(seg, selector)
    cpu.assign(insn.operands[0], offset)


def lds(cpu: Cpu, insn: Insn) -> None:
    load_pointer(cpu, insn, DS)


def les(cpu: Cpu, insn: Insn) -> None:
    load_pointer(cpu, insn, ES)


def lss(cpu: Cpu, insn: Insn) -> None:
    load_pointer(cpu, insn, SS)


def lfs(cpu: Cpu, insn: Insn) -> None:
    load_pointer(cpu, insn, FS)


def lgs(cpu: Cpu, insn: Insn) -> None:
    load_pointer(cpu, insn, GS)


def lar(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    rights = cpu.access_rights(cpu.value(insn.operands[1]))
    if rights is not None:
        cpu.assign(insn.operands[0], rights & ACCESS_RIGHTS_MASK & insn.width.mask)
    cpu.set_eflags(0 if rights is None else FLAG_ZF, FLAG_ZF)


def lsl(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    limit = cpu.segment_limit(cpu.value(insn.operands[1]))
    if limit is not None:
        cpu.assign(insn.operands[0], limit & insn.width.mask)
    cpu.set_eflags(0 if limit is None else FLAG_ZF, FLAG_ZF)


def verr(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    readable = cpu.may_read(cpu.value(insn.operands[0]))
    cpu.set_eflags(FLAG_ZF if readable else 0, FLAG_ZF)


def verw(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    writable = cpu.may_write(cpu.value(insn.operands[0]))
    cpu.set_eflags(FLAG_ZF if writable else 0, FLAG_ZF)


def arpl(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    selector, other = (cpu.value(operand) for operand in insn.operands)
    lower = selector & 3 < other & 3
    if lower:
        cpu.assign(insn.operands[0], (selector & 0xFFFC) | (other & 3))
    cpu.set_eflags(FLAG_ZF if lower else 0, FLAG_ZF)


def _load_far(mnemonic: str, opcode: str, meaning: Callable[[Cpu, Insn], object]) -> Row:
    return Row(
        mnemonic, (f"{opcode} /r | Gv Mp",), meaning,
        f"Loads {mnemonic[1:].upper()} and a register.", kind="system", sensitive=UNLISTED)


ROWS: tuple[Row, ...] = (
    Row(
        "mov", ("8E /r | Sw Ew",), mov_to_segment,
        "Loads a segment register; descriptor and privilege are checked against the real CPL.",
        kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "pop", ("07 | ES", "17 | SS", "1F | DS", "0F A1 | FS", "0F A9 | GS"), pop_segment,
        "Pops a segment register; privilege is checked against the real CPL.",
        kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    _load_far("lds", "C5", lds),
    _load_far("les", "C4", les),
    _load_far("lss", "0F B2", lss),
    _load_far("lfs", "0F B4", lfs),
    _load_far("lgs", "0F B5", lgs),
    Row(
        "lar", ("0F 02 /r | Gv Ew",), lar,
        "Loads a descriptor's access rights if the real CPL may see it; ZF says so.",
        writes_flags=("zf",), kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "lsl", ("0F 03 /r | Gv Ew",), lsl,
        "Loads a segment's limit if the real CPL may see it; ZF says so.",
        writes_flags=("zf",), kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "verr", ("0F 00 /4 | Ew",), verr, "ZF says whether the real CPL may read the segment.",
        writes_flags=("zf",), kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "verw", ("0F 00 /5 | Ew",), verw, "ZF says whether the real CPL may write the segment.",
        writes_flags=("zf",), kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "arpl", ("63 /r | Ew Gw",), arpl,
        "Raises the RPL of a selector to that of another; ZF says whether it changed.",
        writes_flags=("zf",), kind="system",
    ),
)  # fmt: skip
