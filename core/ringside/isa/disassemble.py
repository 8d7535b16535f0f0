"""Instructions as Intel-syntax text, in the dialect our assembler reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ringside.isa.decode import MAXIMUM_LENGTH, Truncated, decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Ctrl, Debug, Far, Imm, Insn, Mem, Operand, Reg, Rel, Seg
from ringside.isa.registers import DS, EBP, ESP, NAMES8, NAMES16, NAMES32, SEGMENT_NAMES, SS
from ringside.isa.table import SIZED_SPELLINGS
from ringside.isa.width import BY_BITS

REGISTER_NAMES = {8: NAMES8, 16: NAMES16, 32: NAMES32}
SIZED = {entry: spelling for spelling, entry in SIZED_SPELLINGS.items()}
# A symbol is printed for an immediate only if it looks like an address, not a small constant.
LOWEST_NAMED_IMMEDIATE = 0x1000
# System instructions whose operand size shows neither in a register nor in a size word.
SILENTLY_SIZED = frozenset({"retf", "enter", "push", "pop", "lgdt", "lidt", "jmp", "call"})

Namer = Callable[[int], str | None]


def names_by_address(symbols: Mapping[str, int]) -> dict[int, str]:
    """Turn an assembler's symbol table around; the first name of an address wins."""
    found: dict[int, str] = {}
    for symbol, value in symbols.items():
        found.setdefault(value, symbol)
    return found


def number(value: int) -> str:
    """Small numbers in decimal, others in hexadecimal."""
    return str(value) if value < 10 else f"{value:#x}"


def format_memory(mem: Mem, name: Namer, code_bits: int = 32) -> str:
    """``[seg:base+index*scale+disp]``; an absolute address may have a symbol."""
    registers = REGISTER_NAMES[mem.addr_bits]
    parts = [] if mem.base is None else [registers[mem.base]]
    if mem.index is not None:
        parts.append(registers[mem.index] + (f"*{mem.scale}" if mem.scale > 1 else ""))
    inside = "+".join(parts)
    if not parts:
        size = "" if mem.addr_bits == code_bits else BY_BITS[mem.addr_bits].name + " "
        inside = size + (name(mem.shown) or f"{mem.shown:#x}")
    elif mem.shown:
        inside += ("-" if mem.shown < 0 else "+") + number(abs(mem.shown))
    # assemblers read a lone [ebp*1] or [ebp*2] as having the base EBP
    first = mem.index if mem.base is None and mem.scale < 4 else mem.base
    default = SS if first in (ESP, EBP) else DS
    seg = "" if mem.seg == default else SEGMENT_NAMES[mem.seg] + ":"
    return f"[{seg}{inside}]"


def size_word(insn: Insn, mem: Mem) -> str:
    """The size a memory operand needs written because no register says it."""
    specs = insn.form.operands
    spec = next(spec for spec in specs if spec[0] in "EMO")
    if spec == "Mp":
        return "far " if insn.mnemonic in ("jmp", "call") else ""
    if spec == "Mq":
        return "qword "
    if spec in ("M", "E", "Ms", "Ma") or "Sw" in specs:
        return ""
    if insn.mnemonic in ("movzx", "movsx"):  # both sizes exist beside a 16-bit register
        return mem.width.name + " "
    told = any(
        type(other) is Reg and other.width is mem.width and which != "CL"
        for other, which in zip(insn.operands, specs, strict=False)
    )
    return "" if told else mem.width.name + " "


def operand_size_matters(insn: Insn) -> bool:
    """Whether the instruction would do something else at the other operand size."""
    row = insn.row
    if insn.width.bits != insn.operand_bits or insn.form.operand_bits is not None:
        return False
    if row.kind == "system":
        return row.mnemonic in SILENTLY_SIZED
    return row.kind == "branch" or "w" in row.takes


def size_prefixes(insn: Insn) -> str:
    """``o16 `` or ``a16 `` (or 32) where a size other than the code's would not show."""
    text = ""
    row = insn.row
    memories = [operand for operand in insn.operands if type(operand) is Mem]
    hidden_address = not memories and ("asz" in row.takes or row.repeat)
    if insn.addr_bits != insn.code_bits and hidden_address and insn.form.address_bits is None:
        text += f"a{insn.addr_bits} "
    if insn.operand_bits != insn.code_bits and operand_size_matters(insn):
        shown = (
            (row.mnemonic, insn.operand_bits) in SIZED
            or any(type(other) is Reg and other.width is insn.width for other in insn.operands)
            or any(size_word(insn, memory) not in ("", "far ") for memory in memories)
        )
        if not shown:
            text += f"o{insn.operand_bits} "
    return text


def uses_hidden_segment(insn: Insn) -> bool:
    """Whether an override matters although no memory operand is written (strings, XLAT, OUTS)."""
    if any(type(operand) is Mem for operand in insn.operands):
        return False
    return "seg" in insn.row.takes or insn.mnemonic.startswith("outs")


def format_operand(
    insn: Insn, operand: Operand, spec: str, address: int | None, name: Namer
) -> str:
    """One operand; a branch target is relative (``$+n``) while ``address`` is unknown."""
    if type(operand) is Reg:
        return REGISTER_NAMES[operand.width.bits][operand.index]
    if type(operand) is Mem:
        return size_word(insn, operand) + format_memory(operand, name, insn.code_bits)
    if type(operand) is Imm:
        if spec == "Ibs" and operand.value & operand.width.sign:
            return "-" + number(-operand.value & operand.width.mask)
        symbol = name(operand.value) if operand.value >= LOWEST_NAMED_IMMEDIATE else None
        return symbol or number(operand.value)
    if type(operand) is Rel:
        distance = insn.length + operand.displacement
        if address is None:
            return f"$+{number(distance)}" if distance >= 0 else f"$-{number(-distance)}"
        target = (address + distance) & ((1 << insn.operand_bits) - 1)
        return name(target) or f"{target:#x}"
    if type(operand) is Seg:
        return SEGMENT_NAMES[operand.index]
    if type(operand) is Ctrl:
        return f"cr{operand.index}"
    if type(operand) is Debug:
        return f"dr{operand.index}"
    assert type(operand) is Far
    return f"{operand.selector:#x}:{name(operand.offset) or f'{operand.offset:#x}'}"


def format_insn(
    insn: Insn, address: int | None = None, symbols: Mapping[int, str] | None = None
) -> str:
    """``mov eax, [ebx+4]``. ``address`` is that of the instruction, ``symbols`` address to name."""
    name: Namer = symbols.get if symbols else lambda value: None
    words = "lock " if insn.lock else ""
    if insn.rep:
        words += ("repe" if insn.rep == "rep" else "repne") if insn.row.repeat == "repe" else "rep"
        words += " "
    words += size_prefixes(insn)
    if insn.seg is not None and uses_hidden_segment(insn):
        words += SEGMENT_NAMES[insn.seg] + " "
    if (insn.mnemonic, insn.operand_bits) in SIZED and insn.operand_bits != insn.code_bits:
        words += SIZED[insn.mnemonic, insn.operand_bits]
    else:
        words += insn.mnemonic
    operands = [
        format_operand(insn, operand, spec, address, name)
        for operand, spec in zip(insn.operands, insn.form.operands, strict=False)
    ]
    return f"{words} {', '.join(operands)}" if operands else words


def disassemble(
    code: bytes, address: int = 0, bits: int = 32, symbols: Mapping[int, str] | None = None
) -> Iterator[tuple[int, Insn | None, str]]:
    """``(address, instruction, text)`` for all of ``code``; a byte that starts none is ``db``."""
    position = 0
    while position < len(code):
        where = address + position
        try:
            insn = decode(code[position : position + MAXIMUM_LENGTH], bits)
        except (Fault, Truncated):
            yield where, None, f"db {code[position]:#04x}"
            position += 1
        else:
            yield where, insn, format_insn(insn, where, symbols)
            position += insn.length
