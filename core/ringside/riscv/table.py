"""The RV32I instruction table with Zicsr, Zifencei and the privileged instructions.

Encodings are those of vol. I, chapter 24 and vol. II, section 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ringside.riscv.row import MASK, Insn, Row
from ringside.riscv.traps import (
    BREAKPOINT,
    CALL_FROM_MACHINE,
    CALL_FROM_USER,
    ILLEGAL,
    Trap,
)

if TYPE_CHECKING:
    from ringside.riscv.hart import Hart

SIGN = 0x8000_0000


class MemoryPort(Protocol):
    """Memory as an instruction sees it; every call may raise Trap."""

    def load8(self, address: int) -> int: ...
    def load16(self, address: int) -> int: ...
    def load32(self, address: int) -> int: ...
    def store8(self, address: int, value: int) -> None: ...
    def store16(self, address: int, value: int) -> None: ...
    def store32(self, address: int, value: int) -> None: ...


# -- registers and immediates (vol. I, 2.4) -------------------------------------------------------


def lui(imm: int) -> int:
    return imm


def auipc(target: int) -> int:
    return target


def add(a: int, b: int) -> int:
    return a + b & MASK


def sub(a: int, b: int) -> int:
    return a - b & MASK


def and_(a: int, b: int) -> int:
    return a & b


def or_(a: int, b: int) -> int:
    return a | b


def xor(a: int, b: int) -> int:
    return a ^ b


def less(a: int, b: int) -> int:
    return 1 if a ^ SIGN < b ^ SIGN else 0


def less_unsigned(a: int, b: int) -> int:
    return 1 if a < b else 0


def shift_left(a: int, b: int) -> int:
    return a << (b & 31) & MASK


def shift_right(a: int, b: int) -> int:
    return a >> (b & 31)


def shift_right_arithmetic(a: int, b: int) -> int:
    return (a ^ SIGN) - SIGN >> (b & 31) & MASK


def addi(a: int, imm: int) -> int:
    return a + imm & MASK


def andi(a: int, imm: int) -> int:
    return a & imm


def ori(a: int, imm: int) -> int:
    return a | imm


def xori(a: int, imm: int) -> int:
    return a ^ imm


def slti(a: int, imm: int) -> int:
    return 1 if a ^ SIGN < imm ^ SIGN else 0


def sltiu(a: int, imm: int) -> int:
    return 1 if a < imm else 0


def slli(a: int, shamt: int) -> int:
    return a << shamt & MASK


def srli(a: int, shamt: int) -> int:
    return a >> shamt


def srai(a: int, shamt: int) -> int:
    return (a ^ SIGN) - SIGN >> shamt & MASK


# -- control transfer (2.5) -----------------------------------------------------------------------


def jal(target: int, pc_next: int) -> tuple[int, int]:
    return pc_next, target


def jalr(a: int, imm: int, pc_next: int) -> tuple[int, int]:
    return pc_next, a + imm & MASK & ~1


def beq(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a == b else pc_next


def bne(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a != b else pc_next


def blt(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a ^ SIGN < b ^ SIGN else pc_next


def bge(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a ^ SIGN >= b ^ SIGN else pc_next


def bltu(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a < b else pc_next


def bgeu(a: int, b: int, target: int, pc_next: int) -> int:
    return target if a >= b else pc_next


# -- loads and stores (2.6) -----------------------------------------------------------------------


def lb(a: int, imm: int, m: MemoryPort) -> int:
    return (m.load8(a + imm & MASK) ^ 0x80) - 0x80 & MASK


def lh(a: int, imm: int, m: MemoryPort) -> int:
    return (m.load16(a + imm & MASK) ^ 0x8000) - 0x8000 & MASK


def lw(a: int, imm: int, m: MemoryPort) -> int:
    return m.load32(a + imm & MASK)


def lbu(a: int, imm: int, m: MemoryPort) -> int:
    return m.load8(a + imm & MASK)


def lhu(a: int, imm: int, m: MemoryPort) -> int:
    return m.load16(a + imm & MASK)


def sb(a: int, b: int, imm: int, m: MemoryPort) -> None:
    m.store8(a + imm & MASK, b & 0xFF)


def sh(a: int, b: int, imm: int, m: MemoryPort) -> None:
    m.store16(a + imm & MASK, b & 0xFFFF)


def sw(a: int, b: int, imm: int, m: MemoryPort) -> None:
    m.store32(a + imm & MASK, b)


# -- system (2.7, 2.8, chapters 3 and 9; vol. II, 3.3) --------------------------------------------


def fence(hart: Hart, insn: Insn) -> None:
    """One hart with memory in order has nothing to wait for."""


def fence_i(hart: Hart, insn: Insn) -> None:
    """Stores are seen by fetches at once here, so there is nothing to do either."""


def ecall(hart: Hart, insn: Insn) -> None:
    raise Trap(CALL_FROM_MACHINE if hart.machine_mode else CALL_FROM_USER)


def ebreak(hart: Hart, insn: Insn) -> None:
    raise Trap(BREAKPOINT, hart.pc - 4)


def mret(hart: Hart, insn: Insn) -> None:
    if not hart.machine_mode:
        raise Trap(ILLEGAL, insn.word)
    hart.return_from_trap()


def wfi(hart: Hart, insn: Insn) -> None:
    # The bounded time mstatus.TW gives user mode is none at all (vol. II, 3.1.6.5).
    if not hart.machine_mode and hart.timeout_wait:
        raise Trap(ILLEGAL, insn.word)
    hart.wait()


def csrrw(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    new = hart.x[fields["rs1"]]
    old = hart.read_csr(fields["csr"], insn.word) if fields["rd"] else 0
    hart.write_csr(fields["csr"], new, insn.word)
    hart.set(fields["rd"], old)


def csrrs(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    bits = hart.x[fields["rs1"]]
    old = hart.read_csr(fields["csr"], insn.word)
    if fields["rs1"]:
        hart.write_csr(fields["csr"], old | bits, insn.word)
    hart.set(fields["rd"], old)


def csrrc(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    bits = hart.x[fields["rs1"]]
    old = hart.read_csr(fields["csr"], insn.word)
    if fields["rs1"]:
        hart.write_csr(fields["csr"], old & ~bits, insn.word)
    hart.set(fields["rd"], old)


def csrrwi(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    old = hart.read_csr(fields["csr"], insn.word) if fields["rd"] else 0
    hart.write_csr(fields["csr"], fields["uimm"], insn.word)
    hart.set(fields["rd"], old)


def csrrsi(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    old = hart.read_csr(fields["csr"], insn.word)
    if fields["uimm"]:
        hart.write_csr(fields["csr"], old | fields["uimm"], insn.word)
    hart.set(fields["rd"], old)


def csrrci(hart: Hart, insn: Insn) -> None:
    fields = insn.fields
    old = hart.read_csr(fields["csr"], insn.word)
    if fields["uimm"]:
        hart.write_csr(fields["csr"], old & ~fields["uimm"], insn.word)
    hart.set(fields["rd"], old)


RD, PC, BOTH = ("rd",), ("pc",), ("rd", "pc")
BRANCH = "imm[12|10:5] rs2 rs1 {} imm[4:1|11] 1100011"

ROWS: tuple[Row, ...] = (
    Row("lui", "imm[31:12] rd 0110111", "rd, imm", lui,
        "Loads the upper 20 bits of a register.", RD),
    Row("auipc", "imm[31:12] rd 0010111", "rd, imm", auipc,
        "Adds the upper 20 bits to the address of this instruction.", RD),
    Row("jal", "imm[20|10:1|11|19:12] rd 1101111", "rd, target", jal,
        "Jumps, and keeps the return address.", BOTH, "branch"),
    Row("jalr", "imm[11:0] rs1 000 rd 1100111", "rd, imm(rs1)", jalr,
        "Jumps to an address in a register, and keeps the return address.", BOTH, "branch"),
    *(
        Row(name, BRANCH.format(code), "rs1, rs2, target", meaning, text, PC, "branch")
        for name, code, meaning, text in (
            ("beq", "000", beq, "Branches if equal."),
            ("bne", "001", bne, "Branches if not equal."),
            ("blt", "100", blt, "Branches if less, signed."),
            ("bge", "101", bge, "Branches if greater or equal, signed."),
            ("bltu", "110", bltu, "Branches if less, unsigned."),
            ("bgeu", "111", bgeu, "Branches if greater or equal, unsigned."),
        )
    ),
    *(
        Row(name, f"imm[11:0] rs1 {code} rd 0000011", "rd, imm(rs1)", meaning, text, RD)
        for name, code, meaning, text in (
            ("lb", "000", lb, "Loads a byte, its sign in the upper bits."),
            ("lh", "001", lh, "Loads a halfword, its sign in the upper bits."),
            ("lw", "010", lw, "Loads a word."),
            ("lbu", "100", lbu, "Loads a byte, upper bits zero."),
            ("lhu", "101", lhu, "Loads a halfword, upper bits zero."),
        )
    ),
    *(
        Row(name, f"imm[11:5] rs2 rs1 {code} imm[4:0] 0100011", "rs2, imm(rs1)", meaning, text)
        for name, code, meaning, text in (
            ("sb", "000", sb, "Stores a byte."),
            ("sh", "001", sh, "Stores a halfword."),
            ("sw", "010", sw, "Stores a word."),
        )
    ),
    *(
        Row(name, f"imm[11:0] rs1 {code} rd 0010011", "rd, rs1, imm", meaning, text, RD)
        for name, code, meaning, text in (
            ("addi", "000", addi, "Adds a constant."),
            ("slti", "010", slti, "1 if less than a constant, signed."),
            ("sltiu", "011", sltiu, "1 if less than a constant, unsigned."),
            ("xori", "100", xori, "Exclusive or with a constant."),
            ("ori", "110", ori, "Or with a constant."),
            ("andi", "111", andi, "And with a constant."),
        )
    ),
    *(
        Row(name, f"{high} shamt rs1 {code} rd 0010011", "rd, rs1, shamt", meaning, text, RD)
        for name, high, code, meaning, text in (
            ("slli", "0000000", "001", slli, "Shifts left by a constant."),
            ("srli", "0000000", "101", srli, "Shifts right by a constant, zeros in."),
            ("srai", "0100000", "101", srai, "Shifts right by a constant, the sign in."),
        )
    ),
    *(
        Row(name, f"{high} rs2 rs1 {code} rd 0110011", "rd, rs1, rs2", meaning, text, RD)
        for name, high, code, meaning, text in (
            ("add", "0000000", "000", add, "Adds."),
            ("sub", "0100000", "000", sub, "Subtracts."),
            ("sll", "0000000", "001", shift_left, "Shifts left."),
            ("slt", "0000000", "010", less, "1 if less, signed."),
            ("sltu", "0000000", "011", less_unsigned, "1 if less, unsigned."),
            ("xor", "0000000", "100", xor, "Exclusive or."),
            ("srl", "0000000", "101", shift_right, "Shifts right, zeros in."),
            ("sra", "0100000", "101", shift_right_arithmetic, "Shifts right, the sign in."),
            ("or", "0000000", "110", or_, "Or."),
            ("and", "0000000", "111", and_, "And."),
        )
    ),
    Row("fence", "fm pred succ rs1 000 rd 0001111", "", fence,
        "Orders memory accesses.", kind="system"),
    Row("fence.i", "imm[11:0] rs1 001 rd 0001111", "", fence_i,
        "Makes stores to code visible to fetches.", kind="system"),
    Row("ecall", "000000000000 00000 000 00000 1110011", "", ecall,
        "Traps to the execution environment: a system call.", kind="system"),
    Row("ebreak", "000000000001 00000 000 00000 1110011", "", ebreak,
        "Traps to a debugger.", kind="system"),
    Row("mret", "0011000 00010 00000 000 00000 1110011", "", mret,
        "Returns from a trap: mode, interrupt enable and pc as they were.",
        kind="system", privilege="machine"),
    Row("wfi", "0001000 00101 00000 000 00000 1110011", "", wfi,
        "Waits for an interrupt; mstatus.TW keeps it to machine mode.",
        kind="system", privilege="wait"),
    *(
        Row(name, f"csr rs1 {code} rd 1110011", "rd, csr, rs1", meaning, text,
            kind="system", privilege="csr")
        for name, code, meaning, text in (
            ("csrrw", "001", csrrw, "Swaps a control and status register with a register."),
            ("csrrs", "010", csrrs, "Reads a control and status register and sets bits."),
            ("csrrc", "011", csrrc, "Reads a control and status register and clears bits."),
        )
    ),
    *(
        Row(name, f"csr uimm {code} rd 1110011", "rd, csr, uimm", meaning, text,
            kind="system", privilege="csr")
        for name, code, meaning, text in (
            ("csrrwi", "101", csrrwi, "Reads a control and status register, writes a constant."),
            ("csrrsi", "110", csrrsi, "Reads a control and status register, sets constant bits."),
            ("csrrci", "111", csrrci, "Reads a control and status register, clears constant bits."),
        )
    ),
)  # fmt: skip
