"""The encodings to be run: every form of every row, with a few operands each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from ringside.classify.ia32.layout import (
    CODE_3,
    CONFORMING_0,
    DATA,
    GATE_0,
    GATE_3,
    OWN_CODE,
    selector,
)
from ringside.classify.model import Case
from ringside.isa.decode import decode
from ringside.isa.disassemble import format_insn
from ringside.isa.instruction import Ctrl, Debug, Insn
from ringside.isa.registers import EAX, EBX, ECX
from ringside.isa.row import Form
from ringside.isa.table import ROWS

REGISTER, AT_EBX = 0xC0 | EAX, EBX  # ModRM: the register EAX, or memory at [ebx]

# The values immediates take, in little-endian bytes.
FAR_TARGETS = (
    selector(CODE_3, 3), selector(OWN_CODE), selector(CONFORMING_0), selector(GATE_3, 3),
    selector(GATE_0),
)  # fmt: skip
IMMEDIATES: dict[str, tuple[bytes, ...]] = {
    "ib": (b"\x21", b"\x34", b"\x05"),
    "iw": (b"\x08\x00",),
    "iz": (b"\x23\x01\x00\x00",),
    "id": (b"\x23\x01\x00\x00",),
    "cb": (b"\x05",),
    "cz": (b"\x20\x00\x00\x00",),
    "ap": tuple(
        (0x180).to_bytes(4, "little") + target.to_bytes(2, "little") for target in FAR_TARGETS
    ),
    "mo": ((DATA + 0x200).to_bytes(4, "little"),),
}
IMMEDIATES_16 = {"iz": (b"\x23\x01",), "cz": (b"\x20\x00",)}
REGISTER_FIELD: dict[str, tuple[int, ...]] = {
    "S": (0, 1, 2, 3, 4, 5),  # segment registers
    "C": (0, 2, 3, 4),  # control registers
    "D": (0, 3, 7),  # debug registers
}


def modrm_bytes(form: Form) -> list[bytes]:
    """The ModRM bytes to try."""
    if form.modrm is None:
        return [b""]
    letters = {operand[0] for operand in form.operands if operand not in ("ES", "CS", "SS", "DS")}
    if form.modrm == "r":
        special = next((letter for letter in letters if letter in REGISTER_FIELD), "")
        fields: tuple[int, ...] = REGISTER_FIELD.get(special, (ECX,))
    else:
        fields = (int(form.modrm),)
    if "M" in letters:
        places: tuple[int, ...] = (AT_EBX,)
    elif letters & {"R", "C", "D"}:
        places = (REGISTER,)
    else:
        places = (REGISTER, AT_EBX)
    return [bytes([place | field << 3]) for place, field in product(places, fields)]


def encodings(form: Form) -> Iterator[bytes]:
    """Machine code of one form."""
    prefix = b""
    if form.operand_bits == 16:
        prefix += b"\x66"
    if form.address_bits == 16:
        prefix += b"\x67"
    if form.prefix is not None:
        prefix += bytes([form.prefix])
    opcode = bytearray(form.opcode)
    if form.plus:
        opcode[-1] += ECX
    known = IMMEDIATES | (IMMEDIATES_16 if form.operand_bits == 16 else {})
    tails = product(*(known[kind] for kind in form.immediates))
    for modrm, tail in product(modrm_bytes(form), list(tails)):
        yield prefix + bytes(opcode) + modrm + b"".join(tail)


def named_register(insn: Insn) -> str:
    """The control or debug register among the operands: each is a thing of its own."""
    for operand in insn.operands:
        if type(operand) is Ctrl:
            return f"cr{operand.index}"
        if type(operand) is Debug:
            return f"dr{operand.index}"
    return ""


@cache
def cases() -> tuple[Case, ...]:
    """Every case, row by row and form by form."""
    found: list[Case] = []
    for number, row in enumerate(ROWS):
        for form in row.encodings:
            for code in encodings(form):
                insn = decode(code, 32)
                # MOV to CS and registers that do not exist are undefined: nothing to classify.
                if insn.row is row and insn.form is form:
                    text, part = format_insn(insn), named_register(insn)
                    found.append(Case(number, row.mnemonic, form.text, code, text, part))
    return tuple(found)
