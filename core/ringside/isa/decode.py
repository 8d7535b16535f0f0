"""Machine code to instructions (SDM vol. 2, chapter 2 and appendix A), from the rows alone.

Every form is filed under its last opcode byte, those of the ``0F`` map 256 higher, of ``0F 38``
512 and of ``0F 01``, where a whole ModRM byte can be the opcode, 768. The first time a
combination of opcode, sizes and ModRM shape is met, the forms filed there are searched and the
answer, a :class:`Plan`, is kept, so each later decode is one dictionary look-up and the operands.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ringside.isa.faults import GP, UD
from ringside.isa.instruction import Ctrl, Debug, Far, Imm, Insn, Mem, Operand, Reg, Rel, Seg
from ringside.isa.registers import CS, DS, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS
from ringside.isa.row import Form, Row
from ringside.isa.table import ROWS
from ringside.isa.width import BY_BITS, B, D, W, Width

MAXIMUM_LENGTH = 15  # SDM vol. 2, 2.3.11: a longer instruction is #GP(0)

SEGMENT_PREFIXES = {0x26: ES, 0x2E: CS, 0x36: SS, 0x3E: DS, 0x64: FS, 0x65: GS}
MAP_BASES = {b"": 0, b"\x0f": 256, b"\x0f\x38": 512, b"\x0f\x01": 768}
PREFIXES = frozenset((*SEGMENT_PREFIXES, 0x66, 0x67, 0xF0, 0xF2, 0xF3))

# 16-bit addressing (SDM vol. 2, table 2-1): base, index, default segment by the r/m field.
ADDRESS_16: tuple[tuple[int, int | None, int], ...] = (
    (EBX, ESI, DS), (EBX, EDI, DS), (EBP, ESI, SS), (EBP, EDI, SS),
    (ESI, None, DS), (EDI, None, DS), (EBP, None, SS), (EBX, None, DS),
)  # fmt: skip

REGISTERS = {
    width: tuple(Reg(index, width) for index in range(8)) for width in (B, W, D)
}  # fmt: skip
SEGMENTS = tuple(Seg(index) for index in range(6))

SIZE_LETTERS = {"b": B, "w": W, "d": D, "q": D, "s": D}
FIXED_SEGMENTS = {"ES": ES, "CS": CS, "SS": SS, "DS": DS, "FS": FS, "GS": GS}
FIXED_REGISTERS = {"AL": (EAX, B), "CL": (ECX, B), "DX": (EDX, W)}


class Truncated(Exception):
    """The bytes end inside the instruction; more are needed to decode it."""


class Cursor:
    """The bytes being decoded, how far, and what prefixes and ModRM said."""

    __slots__ = ("address", "code", "modrm", "operand", "position", "segment")

    def __init__(self, code: bytes | memoryview, position: int) -> None:
        self.code = code
        self.position = position
        self.modrm = 0
        self.operand = D  # operand size
        self.address = 32
        self.segment: int | None = None

    def take(self, count: int) -> int:
        """The next ``count`` bytes as an unsigned number."""
        start = self.position
        end = self.position = start + count
        if end > MAXIMUM_LENGTH:
            raise GP()
        if end > len(self.code):
            raise Truncated()
        return int.from_bytes(self.code[start:end], "little")

    def take_signed(self, count: int) -> int:
        """The next ``count`` bytes as a signed number."""
        value = self.take(count)
        sign = 1 << (count * 8 - 1)
        return (value ^ sign) - sign


Reader = Callable[[Cursor], Operand]


class Plan:
    """How to read one form once its opcode and ModRM byte are known."""

    __slots__ = ("bare", "form", "has_modrm", "lockable", "readers", "repeat", "row", "width")

    def __init__(self, row: Row, form: Form, operand: Width) -> None:
        self.row = row
        self.form = form
        self.bare = form.bare
        self.has_modrm = form.modrm is not None
        self.readers = tuple(reader(spec, operand) for spec in form.operands if spec[0] not in "XY")
        self.width = operation_width(form, operand)
        self.repeat = row.repeat
        self.lockable = row.lock


# -- operands -------------------------------------------------------------------------------------


def width_of(size: str, operand: Width) -> Width:
    """The width a size letter means at this operand size; none means the operand size."""
    return SIZE_LETTERS.get(size, operand)


def operation_width(form: Form, operand: Width) -> Width:
    """The width of the first sized operand; immediates, ports and branches do not count."""
    for spec in form.operands:
        if spec in FIXED_REGISTERS:
            if spec == "DX":
                continue
            return FIXED_REGISTERS[spec][1]
        if spec[0] in "IJSCDA" or spec in FIXED_SEGMENTS or spec == "1":
            if spec == "Sw" and form.operands[0] == "Sw":
                return W
            if spec[0] in "CD" and spec not in FIXED_SEGMENTS:
                return D
            continue
        return width_of(spec[1:], operand)
    return operand


def memory_16(cursor: Cursor, width: Width) -> Mem:
    mod, rm = cursor.modrm >> 6, cursor.modrm & 7
    base: int | None
    base, index, seg = ADDRESS_16[rm]
    if mod == 0:
        disp = 0
        if rm == 6:
            base, seg, disp = None, DS, cursor.take(2)
    elif mod == 1:
        disp = cursor.take_signed(1)
    else:
        disp = cursor.take_signed(2)
    if cursor.segment is not None:
        seg = cursor.segment
    return Mem(seg, base, index, 1, disp, width, 16, disp)


def memory_32(cursor: Cursor, width: Width) -> Mem:
    mod, rm = cursor.modrm >> 6, cursor.modrm & 7
    base: int | None = rm
    index: int | None = None
    scale = 1
    if rm == 4:
        sib = cursor.take(1)
        base = sib & 7
        if sib & 0x38 != 0x20:
            index = sib >> 3 & 7
            scale = 1 << (sib >> 6)
    if mod == 0:
        disp = 0
        if base == EBP:
            base = None
            disp = cursor.take(4) if index is None else cursor.take_signed(4)
    elif mod == 1:
        disp = cursor.take_signed(1)
    else:
        disp = cursor.take_signed(4)
    seg = cursor.segment
    if seg is None:
        seg = SS if base in (ESP, EBP) else DS
    return Mem(seg, base, index, scale, disp, width, 32, disp)


def memory(cursor: Cursor, width: Width) -> Mem:
    return memory_32(cursor, width) if cursor.address == 32 else memory_16(cursor, width)


def register_or_memory(width: Width) -> Reader:
    registers = REGISTERS[width]

    def read(cursor: Cursor) -> Operand:
        if cursor.modrm >= 0xC0:
            return registers[cursor.modrm & 7]
        return memory(cursor, width)

    return read


def register_in_rm(width: Width) -> Reader:
    registers = REGISTERS[width]
    return lambda cursor: registers[cursor.modrm & 7]


def register_in_reg(width: Width) -> Reader:
    registers = REGISTERS[width]
    return lambda cursor: registers[cursor.modrm >> 3 & 7]


def register_in_opcode(width: Width) -> Reader:
    registers = REGISTERS[width]
    return lambda cursor: registers[cursor.modrm & 7]  # decode() puts the opcode there


def segment_in_reg(width: Width) -> Reader:
    def read(cursor: Cursor) -> Operand:
        index = cursor.modrm >> 3 & 7
        if index > GS:
            raise UD()
        return SEGMENTS[index]

    return read


def memory_in_rm(width: Width) -> Reader:
    return lambda cursor: memory(cursor, width)


def memory_offset(width: Width) -> Reader:
    def read(cursor: Cursor) -> Operand:
        disp = cursor.take(cursor.address // 8)
        seg = DS if cursor.segment is None else cursor.segment
        return Mem(seg, None, None, 1, disp, width, cursor.address, disp)

    return read


def immediate(width: Width) -> Reader:
    return lambda cursor: Imm(cursor.take(width.bytes), width)


def immediate_signed_byte(width: Width) -> Reader:
    return lambda cursor: Imm(cursor.take_signed(1) & width.mask, width)


def displacement(width: Width) -> Reader:
    return lambda cursor: Rel(cursor.take_signed(width.bytes))


def far_pointer(width: Width) -> Reader:
    def read(cursor: Cursor) -> Operand:
        offset = cursor.take(width.bytes)
        return Far(cursor.take(2), offset)

    return read


def control_register(width: Width) -> Reader:
    return lambda cursor: Ctrl(cursor.modrm >> 3 & 7)


def debug_register(width: Width) -> Reader:
    return lambda cursor: Debug(cursor.modrm >> 3 & 7)


READERS: dict[str, Callable[[Width], Reader]] = {
    "E": register_or_memory, "G": register_in_reg, "R": register_in_rm, "M": memory_in_rm,
    "Z": register_in_opcode, "S": segment_in_reg, "O": memory_offset, "I": immediate,
    "J": displacement, "A": far_pointer, "C": control_register, "D": debug_register,
}  # fmt: skip


def constant(operand: Operand) -> Reader:
    return lambda cursor: operand


@cache
def reader(spec: str, operand: Width) -> Reader:
    """What reads one operand letter at one operand size."""
    if spec == "1":
        return constant(Imm(1, B))
    if spec == "rAX":
        return constant(REGISTERS[operand][EAX])
    if spec in FIXED_REGISTERS:
        index, width = FIXED_REGISTERS[spec]
        return constant(REGISTERS[width][index])
    if spec in FIXED_SEGMENTS:
        return constant(SEGMENTS[FIXED_SEGMENTS[spec]])
    if spec == "Ibs":
        return immediate_signed_byte(operand)
    return READERS[spec[0]](width_of(spec[1:], operand))


def pop_after_move(mem: Mem, width: Width) -> Mem:
    """POP forms an ESP-based address after ESP has moved (SDM vol. 2, "POP")."""
    if mem.base != ESP:
        return mem
    return Mem(
        mem.seg, mem.base, mem.index, mem.scale, mem.disp + width.bytes, mem.width,
        mem.addr_bits, mem.shown,
    )  # fmt: skip


# -- opcode maps ----------------------------------------------------------------------------------


@cache
def filed() -> dict[int, tuple[tuple[Row, Form], ...]]:
    """Forms by opcode: one-byte opcodes under 0..255, others as ``MAP_BASES`` says.

    Where several fit, the more specific comes first: a mandatory prefix before none, a whole
    opcode before a register in its low bits.
    """
    found: dict[int, list[tuple[Row, Form]]] = {}
    for row in ROWS:
        for form in row.encodings:
            first = MAP_BASES[form.opcode[:-1]] + form.opcode[-1]
            for opcode in range(first, first + (8 if form.plus else 1)):
                found.setdefault(opcode, []).append((row, form))
    for entries in found.values():
        entries.sort(key=lambda entry: (entry[1].prefix is None, entry[1].plus))
    return {opcode: tuple(entries) for opcode, entries in found.items()}


@cache
def wants_modrm() -> bytes:
    """1 for every opcode (by its number in ``filed``) that has a ModRM byte."""
    flags = bytearray(1024)
    for opcode, entries in filed().items():
        flags[opcode] = any(form.modrm is not None for _, form in entries)
    return bytes(flags)


def fits(
    form: Form, operand_bits: int, address_bits: int, f3: bool, modrm: int, p66: bool = False
) -> bool:
    """Whether a form is meant, given sizes, an F3 or a 66 prefix and the ModRM byte."""
    if form.operand_bits not in (None, operand_bits):
        return False
    if form.address_bits not in (None, address_bits):
        return False
    if form.prefix is not None and not (f3 if form.prefix == 0xF3 else p66):
        return False
    if form.modrm is None:
        return True
    if form.modrm != "r" and int(form.modrm) != modrm >> 3 & 7:
        return False
    kinds = {spec[0] for spec in form.operands if spec not in FIXED_SEGMENTS}
    if "M" in kinds:
        return modrm < 0xC0
    # MOV to and from control and debug registers take any mod as "register".
    if "R" in kinds and not kinds & {"C", "D"}:
        return modrm >= 0xC0
    return True


PLANS: dict[int, Plan | None] = {}


def find_plan(key: int) -> Plan | None:
    """The plan for a key as :func:`decode` builds it, or None for an undefined opcode."""
    opcode, shape = key >> 8, key & 0xFF
    operand_bits = 16 if shape & 0x40 else 32
    address_bits = 16 if shape & 0x20 else 32
    modrm = (0xC0 if shape & 8 else 0) | (shape & 7) << 3
    plan = None
    for row, form in filed().get(opcode, ()):
        if fits(form, operand_bits, address_bits, bool(shape & 0x10), modrm, bool(shape & 0x80)):
            plan = Plan(row, form, BY_BITS[operand_bits])
            break
    PLANS[key] = plan
    return plan


# -- the decoder ----------------------------------------------------------------------------------


def decode(code: bytes | memoryview, bits: int = 32) -> Insn:
    """Decode the instruction at the start of ``code``; ``bits`` is the code segment's size.

    Raises Fault #UD for an undefined or illegally locked instruction, Fault #GP(0) for one longer
    than 15 bytes, Truncated if ``code`` ends first.
    """
    size = len(code)
    position = 0
    operand_bits = address_bits = bits
    segment: int | None = None
    repeat = 0
    lock = False
    while True:
        if position >= MAXIMUM_LENGTH:
            raise GP()
        if position >= size:
            raise Truncated()
        opcode = code[position]
        position += 1
        if opcode not in PREFIXES:
            break
        if opcode == 0x66:
            operand_bits = 48 - bits
        elif opcode == 0x67:
            address_bits = 48 - bits
        elif opcode == 0xF0:
            lock = True
        elif opcode >= 0xF2:
            repeat = opcode
        else:
            segment = SEGMENT_PREFIXES[opcode]

    cursor = Cursor(code, position)
    cursor.operand = operand = D if operand_bits == 32 else W
    cursor.address = address_bits
    cursor.segment = segment
    if opcode == 0x0F:
        opcode = 256 + cursor.take(1)
        if opcode == 256 + 0x38:
            opcode = 512 + cursor.take(1)
    key = opcode << 8
    if operand_bits != bits:
        key |= 0x80
    if operand_bits == 16:
        key |= 0x40
    if address_bits == 16:
        key |= 0x20
    if repeat == 0xF3:
        key |= 0x10
    if MODRM[opcode]:
        modrm = cursor.modrm = cursor.take(1)
        key |= modrm >> 3 & 7
        if modrm >= 0xC0:
            key |= 8
    else:
        cursor.modrm = opcode & 7  # where readers of +r look for the register
    plan = PLANS[key] if key in PLANS else find_plan(key)
    if plan is None:
        if opcode != 256 + 0x01:
            raise UD()
        key = 768 + cursor.modrm << 8 | key & 0xF0
        plan = PLANS[key] if key in PLANS else find_plan(key)
        if plan is None:
            raise UD()
    if plan.bare and (repeat or operand_bits != bits):
        raise UD()

    row = plan.row
    operands: tuple[Operand, ...] = tuple([read(cursor) for read in plan.readers])
    if lock and not (plan.lockable and operands and type(operands[0]) is Mem):
        raise UD()
    if row.mnemonic == "pop" and operands:
        destination = operands[0]
        if type(destination) is Mem:
            operands = (pop_after_move(destination, operand),)
    rep = ""
    if repeat and plan.repeat:
        rep = "rep" if repeat == 0xF3 else "repne"
    length = cursor.position
    return Insn(
        row, row.mnemonic, plan.form, length, operands, plan.width, operand_bits, address_bits,
        segment, rep, lock, bytes(code[:length]), bits,
    )  # fmt: skip


MODRM = wants_modrm()
