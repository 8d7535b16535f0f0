"""Control and status registers (vol. II, chapters 2 and 3; counters vol. I, chapter 10).

The number says who may use a register: bits 11:10 both set for read-only, bits 9:8 the lowest
mode. What a register does when read or written is one row each. Left out, although the manual has
them: the performance counters beyond cycle and instret, and lock bits of physical memory
protection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringside.riscv.traps import EXTERNAL, SOFTWARE, TIMER

if TYPE_CHECKING:
    from ringside.riscv.hart import Hart

USER, MACHINE = 0, 3  # privilege modes, as encoded (vol. II, table 1.1)

# mstatus (vol. II, 3.1.6)
MIE = 1 << 3  # interrupts come in machine mode
MPIE = 1 << 7  # MIE before the trap
MPP = 3 << 11  # mode before the trap
MPP_SHIFT = 11
MPRV = 1 << 17  # loads and stores with the rights of MPP
TW = 1 << 21  # WFI outside machine mode traps
MSTATUS_WRITABLE = MIE | MPIE | MPP | MPRV | TW

INTERRUPTS = 1 << SOFTWARE | 1 << TIMER | 1 << EXTERNAL
MISA = 1 << 30 | 1 << 8 | 1 << 20  # 32 bits; I; U (vol. II, 3.1.1)

MASK = 0xFFFF_FFFF
COUNTERS = 7  # cycle, time, instret: bits of mcounteren
PMP_ENTRIES = 4  # the other twelve are read-only zero, as 3.7 allows


@dataclass(frozen=True, slots=True)
class Register:
    """One register; ``write`` is None for one that ignores writes or refuses them by number."""

    number: int
    name: str
    text: str
    read: Callable[[Hart], int]
    write: Callable[[Hart, int], None] | None = None

    @property
    def read_only(self) -> bool:
        """Whether its number makes a write illegal."""
        return self.number >> 10 == 3

    @property
    def lowest_mode(self) -> int:
        """The lowest mode that may use it."""
        return self.number >> 8 & 3


def write_mstatus(hart: Hart, value: int) -> None:
    """Keep MPP when asked for a mode that does not exist (WARL)."""
    if value & MPP not in (0, MPP):
        value = value & ~MPP | hart.mstatus & MPP
    hart.mstatus = value & MSTATUS_WRITABLE
    hart.look()


def write_mie(hart: Hart, value: int) -> None:
    hart.mie = value & INTERRUPTS
    hart.look()


def write_mtvec(hart: Hart, value: int) -> None:
    hart.mtvec = value & ~2


def write_mepc(hart: Hart, value: int) -> None:
    hart.mepc = value & ~3


def write_mcause(hart: Hart, value: int) -> None:
    hart.mcause = value


def write_mtval(hart: Hart, value: int) -> None:
    hart.mtval = value


def write_mscratch(hart: Hart, value: int) -> None:
    hart.mscratch = value


def write_mcounteren(hart: Hart, value: int) -> None:
    hart.mcounteren = value & COUNTERS


def part(value: int, high: bool) -> int:
    """The low or the high half of a 64-bit counter."""
    return (value >> 32 if high else value) & MASK


def joined(old: int, value: int, high: bool) -> int:
    """A 64-bit counter with one half replaced."""
    return old & MASK | value << 32 if high else old & ~MASK & (1 << 64) - 1 | value


def counter_writer(
    slot: str, now: Callable[[Hart], int], high: bool
) -> Callable[[Hart, int], None]:
    """Make what sets a counter: the distance between it and the clock changes."""

    def write(hart: Hart, value: int) -> None:
        wanted = joined(now(hart), value, high)
        setattr(hart, slot, getattr(hart, slot) + wanted - now(hart))

    return write


def cycle(hart: Hart) -> int:
    return hart.time + hart.cycle_offset & (1 << 64) - 1


def instret(hart: Hart) -> int:
    return hart.time - hart.idle + hart.instret_offset & (1 << 64) - 1


def counters() -> tuple[Register, ...]:
    """The machine's counters and the user's read-only views of them."""
    rows: list[Register] = []
    for high in (False, True):
        more, suffix = (0x80, "h") if high else (0, "")
        half = "upper" if high else "lower"
        for at, name, now, slot in (
            (0, "cycle", cycle, "cycle_offset"), (2, "instret", instret, "instret_offset"),
        ):  # fmt: skip
            def read(hart: Hart, now: Callable[[Hart], int] = now, high: bool = high) -> int:
                return part(now(hart), high)

            rows.append(Register(0xB00 + more + at, f"m{name}{suffix}",
                                 f"The {name} counter, {half} half.",
                                 read, counter_writer(slot, now, high)))
            rows.append(Register(0xC00 + more + at, name + suffix,
                                 f"The {name} counter as user mode may see it.", read))  # fmt: skip

        def clock(hart: Hart, high: bool = high) -> int:
            return part(hart.mtime(), high)

        rows.append(Register(0xC01 + more, "time" + suffix, f"The clock, {half} half.", clock))
    return tuple(rows)


def protection() -> tuple[Register, ...]:
    """Physical memory protection (3.7.1): four entries that work, twelve that read as zero."""
    rows: list[Register] = []
    for index in range(4):
        def read_config(hart: Hart, index: int = index) -> int:
            return int.from_bytes(hart.pmp.configs(index), "little")

        def write_config(hart: Hart, value: int, index: int = index) -> None:
            hart.pmp.configure(index, value.to_bytes(4, "little"))
            hart.protection_changed()

        rows.append(Register(0x3A0 + index, f"pmpcfg{index}", "Rights and kind of four regions.",
                             read_config, write_config))
    for index in range(16):
        def read_address(hart: Hart, index: int = index) -> int:
            return hart.pmp.addresses[index] if index < PMP_ENTRIES else 0

        def write_address(hart: Hart, value: int, index: int = index) -> None:
            if index < PMP_ENTRIES:
                hart.pmp.place(index, value)
                hart.protection_changed()

        rows.append(Register(0x3B0 + index, f"pmpaddr{index}", "Where a region lies, in words.",
                             read_address, write_address))
    return tuple(rows)


def zero(hart: Hart) -> int:
    return 0


ROWS: tuple[Register, ...] = (
    Register(0x300, "mstatus", "Mode and interrupt state.", lambda h: h.mstatus, write_mstatus),
    Register(0x301, "misa", "The instruction set: RV32I with user mode.", lambda h: MISA),
    Register(0x304, "mie", "Which interrupts are enabled.", lambda h: h.mie, write_mie),
    Register(0x305, "mtvec", "Where traps go.", lambda h: h.mtvec, write_mtvec),
    Register(0x306, "mcounteren", "Which counters user mode may read.",
             lambda h: h.mcounteren, write_mcounteren),
    Register(0x310, "mstatush", "More status: none here.", zero),
    Register(0x340, "mscratch", "Free for the trap handler.", lambda h: h.mscratch, write_mscratch),
    Register(0x341, "mepc", "Where the trap happened.", lambda h: h.mepc, write_mepc),
    Register(0x342, "mcause", "Why the trap happened.", lambda h: h.mcause, write_mcause),
    Register(0x343, "mtval", "The address or instruction the trap is about.",
             lambda h: h.mtval, write_mtval),
    Register(0x344, "mip", "Which interrupts are pending; devices decide.", lambda h: h.pending()),
    *protection(),
    *counters(),
    Register(0xF11, "mvendorid", "The vendor: none.", zero),
    Register(0xF12, "marchid", "The design: none.", zero),
    Register(0xF13, "mimpid", "The version: none.", zero),
    Register(0xF14, "mhartid", "The number of this hart: 0.", zero),
    Register(0xF15, "mconfigptr", "No description of the machine.", zero),
)  # fmt: skip

REGISTERS: dict[int, Register] = {row.number: row for row in ROWS}
NAMES: dict[int, str] = {row.number: row.name for row in ROWS}
NUMBERS: dict[str, int] = {row.name: row.number for row in ROWS}
