"""What becomes of each instruction of a guest's kernel: the heart of the translator, as a table.

* Innocuous instructions are copied: in ring 1 they do what they do in ring 0. So are loads of DS,
  ES and FS, for the VMM's descriptor tables give the guest what its own would, or trap.
* What only reads or changes a piece of the virtual CPU is replaced *in line* by instructions on
  that piece in memory, reached through GS (:mod:`.layout`).
* Everything else becomes a *callout*: INT, by which the VMM gets control and carries it out.

Replacements are texts in the assembler's own language. Two rules hold for each of them: a guest
register that is needed is put aside in its ``save_`` cell first and is back at the end, and the
guest's flags are not touched (POPF, which replaces them all, may). The guest's memory is accessed
before anything is changed, so a fault there is the guest's fault at this very instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ringside.isa.assembler import assemble
from ringside.isa.disassemble import REGISTER_NAMES
from ringside.isa.instruction import Ctrl, Imm, Insn, Mem, Reg, Seg
from ringside.isa.registers import CS, FLAG_IF, FLAG_IOPL, FLAG_TF, GS, SS
from ringside.isa.width import B
from ringside.vmm.monitor import CALLOUT_VECTOR
from ringside.vmm.translation.layout import CELLS
from ringside.vmm.translation.unit import CALLOUT, CONTROL, IDENT, INLINE

DEFINES = CELLS | {
    "CALL_VMM": CALLOUT_VECTOR, "IF": FLAG_IF, "IOPL": FLAG_IOPL, "TF": FLAG_TF,
}  # fmt: skip

CLI = "mov dword [gs:virtual_if], 0"

STI = """
        mov [gs:save_ecx], ecx
        mov ecx, [gs:virtual_if]
        mov [gs:if_before], ecx
        mov dword [gs:virtual_if], IF
        mov ecx, [gs:pending]           ; does an interrupt wait? (TEST would change flags)
        jecxz none
        int CALL_VMM
none:   mov ecx, [gs:save_ecx]
"""

# The real IF is always 1 while a guest runs, and the real IOPL 0.
PUSHF = """
        mov [gs:save_eax], eax
        mov [gs:save_ecx], ecx
        pushf
        mov eax, [gs:virtual_if]
        mov ecx, [esp]
        lea ecx, [ecx + eax - IF]
        mov eax, [gs:virtual_iopl]
        lea ecx, [ecx + eax]
        mov [esp], ecx
        mov eax, [gs:save_eax]
        mov ecx, [gs:save_ecx]
"""

# Seldom wanted: another IOPL, single-stepping, an interrupt that waits. Then the VMM does it.
POPF = """
        mov [gs:save_eax], eax
        mov eax, [esp]
        xor eax, [gs:virtual_iopl]
        test eax, IOPL + TF
        jnz seldom
        and eax, IF
        test eax, [gs:pending]
        jz common
seldom: int CALL_VMM
common: mov [gs:virtual_if], eax
        mov eax, [gs:save_eax]
        popf
"""

# CR3 is not among them: all access to the page-table root, reads too, is the VMM's own business.
IN_OPEN = "mov al, [gs:open_bus]"
# The diagnostic port of a PC: written by firmware to be shown on a card, answered by nobody.
OPEN_PORTS = frozenset({0x80})

CONTROL_CELLS = {0: "virtual_cr0", 2: "virtual_cr2", 4: "virtual_cr4"}
SELECTOR_CELLS = {CS: "virtual_cs", SS: "virtual_ss", GS: "virtual_gs"}
STORES = {"smsw": "virtual_cr0", "sldt": "virtual_ldtr", "str": "virtual_tr"}

# System instructions that are innocuous, or mean the same in every ring.
HARMLESS = frozenset({"enter", "arpl", "wait", "fpu", "pause", "ud2"})
# After these, control is somewhere else.
ENDINGS = frozenset({"iret", "retf", "int", "int3", "ud2"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of an instruction. ``text`` is that of an in-line replacement; ``ends`` says
    that the next instruction is not simply the one that follows."""

    kind: str
    text: str = ""
    ends: bool = False
    device: bool = False  # an in-line replacement that asks a virtual device


COPY = Plan(IDENT)
CALL = Plan(CALLOUT)


def plan(insn: Insn) -> Plan:
    """Decide what becomes of an instruction of a guest's kernel."""
    row = insn.row
    if row.kind == "branch":
        # A 16-bit branch cuts EIP off; CS and GS are not the guest's while translated code runs.
        strange = insn.operand_bits == 16 or any(_foreign(operand) for operand in insn.operands)
        return Plan(CALLOUT if strange else CONTROL, ends=True)
    segment = next((o.index for o in insn.operands if type(o) is Seg), None)
    if insn.mnemonic in INLINE_TEXTS:
        text = INLINE_TEXTS[insn.mnemonic](insn)
        if text:
            return Plan(INLINE, text, device=insn.mnemonic == "in")
    ends = insn.mnemonic in ENDINGS or row.kind == "system" and insn.mnemonic in ("jmp", "call")
    if insn.seg in (CS, GS) or any(_foreign(operand) for operand in insn.operands):
        return Plan(CALLOUT, ends=ends)
    if segment is not None:
        return CALL if segment in SELECTOR_CELLS else COPY
    if row.kind != "system" or insn.mnemonic in HARMLESS or insn.mnemonic in ("lds", "les", "lfs"):
        return Plan(IDENT, ends=ends)
    return Plan(CALLOUT, ends=ends)


def _foreign(operand: object) -> bool:
    return type(operand) is Mem and operand.seg in (CS, GS)


# -- in-line texts: "" where this form of the instruction is left to the VMM ----------------------


def _whole(text: str) -> Callable[[Insn], str]:
    return lambda insn: text if insn.operand_bits == 32 else ""


def _push(insn: Insn) -> str:
    operand = insn.operands[0]
    if type(operand) is Seg and operand.index in SELECTOR_CELLS and insn.operand_bits == 32:
        return f"push dword [gs:{SELECTOR_CELLS[operand.index]}]"
    return ""


def _mov(insn: Insn) -> str:
    to, source = insn.operands
    if type(to) is not Reg:
        return ""
    if type(source) is Ctrl and source.index in CONTROL_CELLS:
        return _load(to, CONTROL_CELLS[source.index])
    if type(source) is Seg and source.index in SELECTOR_CELLS:
        return _load(to, SELECTOR_CELLS[source.index])
    return ""


def _in(insn: Insn) -> str:
    port = insn.operands[1]
    known = type(port) is Imm and port.value in OPEN_PORTS and insn.width is B
    return IN_OPEN if known else ""


def _store(insn: Insn) -> str:
    to = insn.operands[0]
    return _load(to, STORES[insn.mnemonic]) if type(to) is Reg else ""


def _load(to: Reg, cell: str) -> str:
    return f"mov {REGISTER_NAMES[to.width.bits][to.index]}, [gs:{cell}]"


INLINE_TEXTS: dict[str, Callable[[Insn], str]] = {
    "cli": lambda insn: CLI,
    "sti": lambda insn: STI,
    "pushf": _whole(PUSHF),
    "popf": _whole(POPF),
    "push": _push,
    "mov": _mov,
    "in": _in,
    **dict.fromkeys(STORES, _store),
}


@cache
def assembled(text: str) -> bytes:
    """The bytes of a replacement; the same at every address."""
    return assemble(f"bits 32\norg 0\n{text}\n", defines=DEFINES).image
