"""RV32I with machine and user mode for the laboratory.

There is no relocation in this architecture: physical memory protection bounds what user mode may
touch, and that is R's bounds half. *Moved* means: the same region made of other protection
entries, other values in every control register, another trap vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

from ringside.classify.dice import Dice
from ringside.classify.model import DONE, MEMORY_TRAP, TRAP, Case, Run, Value
from ringside.machine.memory import Memory
from ringside.riscv.bind import Action, bind
from ringside.riscv.csr import INTERRUPTS, MACHINE, MIE, MPIE, MPP, REGISTERS, TW, USER
from ringside.riscv.decode import REGISTER_NAMES, decode, format_insn
from ringside.riscv.hart import Hart
from ringside.riscv.machine import RAM, Board
from ringside.riscv.row import Row
from ringside.riscv.table import ROWS
from ringside.riscv.traps import MEMORY_TRAPS, Trap

MODES = {"machine": MACHINE, "user": USER}
SIZE = 0x3000  # RAM: a program, and a page that is not the program's
PROGRAM_SIZE = 0x2000
CODE, DATA = RAM + 0x100, RAM + 0x800
RD, RS1, RS2 = 10, 11, 12

PROGRAM = (*REGISTER_NAMES[1:], "pc")
RESOURCES = (
    "mstatus", "mtvec", "mepc", "mcause", "mtval", "mscratch", "mie", "mcounteren", "pmpcfg",
    "pmpaddr", "cycle offset", "instret offset", "waiting",
)  # fmt: skip

# Protection entries that let user mode have the program's memory: one power of two, or a range.
ONE_REGION = ((0x1F, 0, 0, 0), (RAM >> 2 | PROGRAM_SIZE // 8 - 1, 0, 0, 0))
RANGE = ((0, 0, 0, 0x0F), (0, 0, RAM >> 2, RAM + PROGRAM_SIZE >> 2))


@dataclass(frozen=True, slots=True)
class State:
    """One sampled state, for either mode."""

    x: tuple[int, ...]
    memory: bytes
    mstatus: int
    mtvec: int
    mepc: int
    mcause: int
    mtval: int
    mscratch: int
    mie: int
    pmp: tuple[tuple[int, ...], tuple[int, ...]]
    cycle: int
    instret: int


@lru_cache(maxsize=1024)
def state(seed: int, number: int, moved: bool) -> State:
    """State ``number`` of a seed, here or moved. mcounteren is 0 and mstatus.TW set: a VMM keeps
    the counters and waiting to itself."""
    dice = Dice(seed, number, 32)
    x = [0, *(dice.one_of((dice.bits(32), dice.below(64))) for _ in range(31))]
    for register in (RS1, RS2):
        if dice.chance(2):
            x[register] = DATA + 4 * dice.below(0x400)
    memory = bytearray(SIZE)
    for at in range(0x800, PROGRAM_SIZE, 64):
        memory[at : at + 8] = dice.bits(64).to_bytes(8, "little")
    mepc = CODE + 4 * dice.below(64)
    drawn = State(
        tuple(x), bytes(memory),
        dice.bits(32) & (MIE | MPIE) | dice.one_of((0, MPP)) | TW, RAM + 0x2000 + dice.below(2),
        mepc, dice.below(12), dice.bits(32), dice.bits(32), dice.bits(32) & INTERRUPTS,
        ONE_REGION, dice.bits(40), dice.bits(40),
    )  # fmt: skip
    if not moved:
        return drawn
    return State(
        drawn.x, drawn.memory, drawn.mstatus ^ (MIE | MPIE | MPP), RAM + 0x2800,
        mepc ^ 0x40, drawn.mcause ^ 1, drawn.mtval ^ 0xFF, drawn.mscratch ^ 0xFF00,
        drawn.mie ^ INTERRUPTS, RANGE, drawn.cycle + 12345, drawn.instret + 54321,
    )  # fmt: skip


def words(row: Row) -> list[int]:
    """Encodings of one row: a few operands, and every control and status register."""
    form = row.form
    names = {piece.name for piece in form.pieces}
    choices: dict[str, tuple[int, ...]] = {
        "rd": (RD,), "rs1": (RS1,), "rs2": (RS2,), "shamt": (5,), "uimm": (0, 9), "imm": (8,),
        "csr": tuple(REGISTERS), "fm": (0,), "pred": (15,), "succ": (15,),
    }  # fmt: skip
    if "csr" in names:
        choices |= {"rd": (0, RD), "rs1": (0, RS1)}
    if row.encoding.startswith("imm[31:12]"):
        choices["imm"] = (0x1000,)
    if not row.operands:
        choices |= {"rd": (0,), "rs1": (0,), "imm": (0,)}
    ordered = sorted(names)
    return [
        form.insert(dict(zip(ordered, values, strict=True)))
        for values in product(*(choices[name] for name in ordered))
    ]


@cache
def cases() -> tuple[Case, ...]:
    """Every case, row by row."""
    found: list[Case] = []
    for number, row in enumerate(ROWS):
        for word in words(row):
            insn = decode(word)
            assert insn is not None and insn.row is row
            code = word.to_bytes(4, "little")
            found.append(Case(number, row.mnemonic, row.encoding, code, format_insn(insn, CODE)))
    return tuple(found)


class Rv32:
    """RV32I: machine mode is the supervisor."""

    id = "rv32"
    modes = tuple(MODES)
    program = PROGRAM
    resources = RESOURCES

    def __init__(self) -> None:
        self._memory = Memory(SIZE)
        self._hart = Hart(Board(self._memory, {}, lambda: None), CODE)
        self._actions: dict[bytes, Action] = {}

    def cases(self) -> Sequence[Case]:
        """Every row of the instruction table."""
        return cases()

    def run(self, case: Case, seed: int, number: int, mode: str, moved: bool) -> Run:
        """Run the instruction once; nothing else."""
        start = state(seed, number, moved)
        hart = self._hart
        self._enter(start, MODES[mode])
        action = self._actions.get(case.code)
        if action is None:
            insn = decode(int.from_bytes(case.code, "little"))
            assert insn is not None
            action = self._actions[case.code] = bind(hart, insn, CODE)
        before = self._resources()
        try:
            pc = action()
        except Trap as trap:
            memory = trap.cause in MEMORY_TRAPS
            return Run(MEMORY_TRAP if memory else TRAP, str(trap), mode)
        after_mode = next(name for name, value in MODES.items() if value == hart.mode)
        return Run(
            DONE, "", after_mode, (*hart.x[1:], pc), self._written(start), before,
            self._resources(),
        )

    def _enter(self, start: State, mode: int) -> None:
        hart = self._hart
        self._memory.ram[:] = start.memory
        hart.x[:] = start.x
        hart.pc, hart.mode = CODE, mode
        hart.mstatus, hart.mtvec, hart.mepc = start.mstatus, start.mtvec, start.mepc
        hart.mcause, hart.mtval, hart.mscratch = start.mcause, start.mtval, start.mscratch
        hart.mie, hart.mcounteren, hart.waiting = start.mie, 0, False
        config, addresses = start.pmp
        hart.pmp.config[:], hart.pmp.addresses[:] = config, addresses
        hart.pmp.regions = hart.pmp.regions_now()
        hart.time = hart.idle = 0
        hart.cycle_offset, hart.instret_offset = start.cycle, start.instret
        hart.guard()

    def _resources(self) -> tuple[Value, ...]:
        hart = self._hart
        return (
            hart.mstatus, hart.mtvec, hart.mepc, hart.mcause, hart.mtval, hart.mscratch, hart.mie,
            hart.mcounteren, tuple(hart.pmp.config), tuple(hart.pmp.addresses), hart.cycle_offset,
            hart.instret_offset, int(hart.waiting),
        )  # fmt: skip

    def _written(self, start: State) -> tuple[tuple[str, int], ...]:
        ram, before = self._memory.ram, start.memory
        if ram == before:
            return ()
        return tuple(
            (f"program+{at:#x}", ram[at]) for at in range(SIZE) if ram[at] != before[at]
        )

    def describe(self, seed: int, number: int, mode: str, moved: bool) -> Mapping[str, int]:
        """Registers and control registers."""
        self._enter(state(seed, number, moved), MODES[mode])
        hart = self._hart
        shown = dict(zip(REGISTER_NAMES[1:], hart.x[1:], strict=True)) | {"pc": hart.pc}
        for name, value in zip(RESOURCES, self._resources(), strict=True):
            if isinstance(value, int):
                shown[name] = value
        return shown
