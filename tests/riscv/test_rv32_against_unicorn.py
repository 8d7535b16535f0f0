"""Random RV32I instructions do here what they do in Unicorn (QEMU's RISC-V processor)."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("unicorn")

from ringside.machine.memory import Memory
from ringside.riscv.csr import NUMBERS
from ringside.riscv.decode import format_insn
from ringside.riscv.hart import Hart
from ringside.riscv.machine import RAM, Board
from ringside.riscv.row import Row
from ringside.riscv.table import ROWS
from unicorn import UC_ARCH_RISCV, UC_MODE_RISCV32, Uc, UcError
from unicorn import riscv_const as rv

SIZE = 0x4000
DATA, DATA_END = RAM + 0x3000, RAM + 0x4000
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
X = [getattr(rv, f"UC_RISCV_REG_X{number}") for number in range(32)]
CSRS = ("mscratch", "mepc", "mcause", "mtval", "mtvec")
CSR_REGISTERS = {name: getattr(rv, f"UC_RISCV_REG_{name.upper()}") for name in CSRS}
NOP, CODE_END = b"\x13\0\0\0", 0x3000
# Unicorn's processor has 16-bit instructions, so it keeps a bit of addresses that is 0 here.
WORDS_ONLY = {NUMBERS["mepc"], NUMBERS["mtvec"]}
PER_ROW = 60
# ECALL, EBREAK and WFI leave the instruction stream; their traps are tested by themselves.
TESTED = [row for row in ROWS if row.mnemonic not in ("ecall", "ebreak", "mret", "wfi", "fence.i")]


def draw(rng: random.Random) -> int:
    """A register value: an edge, small, or anything."""
    kind = rng.randrange(3)
    return (rng.choice(EDGES), rng.randrange(64), rng.getrandbits(32))[kind]


def draw_word(rng: random.Random, row: Row) -> tuple[int, dict[str, int]]:
    """An encoding of the row with random fields, and the fields."""
    form = row.form
    fields = {piece.name: 0 for piece in form.pieces}
    for name in fields:
        bits = form.bits(name)
        fields[name] = rng.getrandbits(bits) & -form.unit(name)
    if "rs1" in fields and "(" in row.operands and row.mnemonic != "jalr":
        fields["rs1"] = rng.randrange(1, 32)
    if row.kind == "branch" and "imm" in fields:
        fields["imm"] = rng.randrange(-64, 64) * 4
    if "csr" in fields:
        fields["csr"] = NUMBERS[rng.choice(CSRS)]
        if "uimm" in fields:
            fields["uimm"] &= ~3  # see WORDS_ONLY
    if row.mnemonic == "fence":
        fields = {"pred": 15, "succ": 15}
    return form.insert(fields), fields


class Oracle:
    """One Unicorn, and the same instruction in both."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
        self.uc.mem_map(RAM, SIZE)
        # It translates what comes next as well, so there must be code everywhere.
        self.uc.mem_write(RAM, NOP * (CODE_END // 4))
        self.memory = Memory(SIZE)
        self.hart = Hart(Board(self.memory, {}, lambda: None), RAM)
        self.at = RAM

    def run(self, rng: random.Random, row: Row) -> str:
        """Run one random case in both; what differs, or nothing."""
        word, fields = draw_word(rng, row)
        self.at = RAM + 0x400 + (self.at + 4 - RAM) % 0x2000
        values = [0] + [draw(rng) for _ in range(31)]
        if "(" in row.operands:
            size = {"b": 1, "h": 2, "w": 4}.get(row.mnemonic.rstrip("u")[-1], 4)
            offset = (fields["imm"] ^ 0x800) - 0x800
            where = rng.randrange(DATA, DATA_END - 4) & -size
            if row.mnemonic == "jalr":
                where = rng.randrange(RAM, RAM + 0x2000) & -4 | rng.getrandbits(1)
            if fields["rs1"]:
                values[fields["rs1"]] = where - offset & 0xFFFFFFFF
            elif row.mnemonic == "jalr":
                return ""  # to address 0 or so: nothing is mapped there
        if fields.get("csr") in WORDS_ONLY and "rs1" in fields:
            values[fields["rs1"]] &= ~3
        csrs = {name: rng.getrandbits(32) & (~3 if NUMBERS[name] in WORDS_ONLY else -1)
                for name in CSRS}
        data = rng.randbytes(64)
        return self.compare(row, word, values, csrs, rng.randrange(0, 0xFC0), data)

    def compare(
        self, row: Row, word: int, values: list[int], csrs: dict[str, int], spot: int, data: bytes
    ) -> str:
        uc, hart, at = self.uc, self.hart, self.at
        code = word.to_bytes(4, "little")
        uc.mem_write(at, code)
        uc.ctl_flush_tb()
        self.memory.write_bytes(at - RAM, code)
        uc.mem_write(DATA + spot, data)
        self.memory.write_bytes(DATA - RAM + spot, data)
        hart.forget_code()
        for number in range(1, 32):
            uc.reg_write(X[number], values[number])
        hart.x[:] = values
        for name, value in csrs.items():
            uc.reg_write(CSR_REGISTERS[name], value)
            hart.write_csr(NUMBERS[name], value, 0)
        hart.pc = at
        hart.time = hart.deliveries = 0
        refused = ""
        try:
            uc.emu_start(at, 0, count=1)
        except UcError as error:
            refused = str(error)
        hart.run(1)
        what = f"{row.mnemonic} {word:#010x} {refused}"
        if refused or hart.deliveries:
            return "" if refused and hart.deliveries else f"{what}: only one of them trapped"
        theirs = [uc.reg_read(register) & 0xFFFFFFFF for register in X]
        if theirs != hart.x:
            return f"{what}: registers"
        if uc.reg_read(rv.UC_RISCV_REG_PC) & 0xFFFFFFFF != hart.pc:
            return f"{what}: pc {uc.reg_read(rv.UC_RISCV_REG_PC):#x} not {hart.pc:#x}"
        for name, register in CSR_REGISTERS.items():
            if uc.reg_read(register) & 0xFFFFFFFF != hart.read_csr(NUMBERS[name], 0):
                return f"{what}: {name}"
        if bytes(uc.mem_read(DATA, 0x1000)) != self.memory.read_bytes(DATA - RAM, 0x1000):
            return f"{what}: memory"
        return ""


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


@pytest.mark.parametrize("row", TESTED, ids=lambda row: row.mnemonic)
def test_every_instruction_does_what_unicorns_does(oracle: Oracle, row: Row) -> None:
    rng = random.Random(row.mnemonic)
    wrong = [found for _ in range(PER_ROW) if (found := oracle.run(rng, row))]
    assert not wrong, "\n".join(wrong[:10])


def test_text_of_an_instruction_names_its_operands() -> None:
    from ringside.riscv.decode import decode

    insn = decode(0xFE010113)
    assert insn is not None and format_insn(insn) == "addi sp, sp, -32"
