"""Random single instructions run here and in Unicorn (QEMU's CPU), and everything compared.

A case is one instruction of a data, branch or string row with random operands, sizes, registers,
flags and memory. Both sides start from the same state; compared are registers, EIP, the flags
the SDM defines, the memory touched (and all memory at the end of a batch) and the fault.

What Unicorn does not check and these cases leave out: segment limits, privilege of ports and
gates, error codes. System rows are the Bochs oracle's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringside.isa.decode import decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn, Mem
from ringside.isa.registers import FLAG_DF, FLAG_ONE, NAMES32, STATUS_FLAG_BITS, STATUS_FLAGS
from ringside.isa.row import Form, Row
from ringside.isa.table import ROWS
from ringside.isa.width import Width
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import Descriptor
from ringside.machine.memory import Memory
from ringside.machine.segmentation import cached, real_segment
from unicorn import UC_ARCH_X86, UC_HOOK_INTR, UC_MODE_16, UC_MODE_32, Uc, UcError
from unicorn import unicorn_const as uc_const
from unicorn import x86_const as x86

RAM = 0x40000
CODE = 0x8000  # code lies here, one case every SLOT bytes
SLOT = 16
BATCH = 512
CODE_END = CODE + BATCH * SLOT
FLAT = 0x00CF_9300_0000_FFFF
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
GENERAL = [getattr(x86, "UC_X86_REG_" + name.upper()) for name in NAMES32]
SEGMENTS = [getattr(x86, "UC_X86_REG_" + name) for name in ("ES", "CS", "SS", "DS", "FS", "GS")]
EFLAGS, EIP = x86.UC_X86_REG_EFLAGS, x86.UC_X86_REG_EIP
INVALID_OPCODE, LIMIT_FAULT = 6, 13
STRAYED = 1000  # Unicorn touched memory outside RAM, where the case here did not


class OutOfBounds(Exception):
    """The case touches memory outside the test's data; it is drawn again."""


class WatchedCpu(Cpu):
    """The interpreter, with every data access noted and kept away from code and beyond RAM."""

    __slots__ = ("touched", "undo")

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.touched: list[tuple[int, int]] = []
        self.undo: list[tuple[int, bytes]] = []

    def note(self, seg: int, offset: int, w: Width) -> int:
        """Note an access; raise OutOfBounds where none may be."""
        mask = 0xFFFFFFFF if self.cr0 & 1 else 0xFFFF
        if offset + w.bytes - 1 > mask:
            raise OutOfBounds
        address = (self.segs[seg].base + offset) & 0xFFFFFFFF
        if address + w.bytes > RAM or CODE - 16 < address < CODE_END:
            raise OutOfBounds
        self.touched.append((address, w.bytes))
        return address

    def load(self, seg: int, offset: int, w: Width) -> int:
        self.note(seg, offset, w)
        return super().load(seg, offset, w)

    def check_store(self, seg: int, offset: int, w: Width) -> None:
        self.note(seg, offset, w)
        super().check_store(seg, offset, w)

    def store(self, seg: int, offset: int, value: int, w: Width) -> None:
        address = self.note(seg, offset, w)
        self.undo.append((address, self.memory.read_bytes(address, w.bytes)))
        super().store(seg, offset, value, w)


@dataclass
class Case:
    """One instruction, the state before it, and what it did here."""

    code: bytes
    bits: int
    insn: Insn
    regs: tuple[int, ...]
    eflags: int
    address: int
    regs_after: tuple[int, ...] = ()
    eflags_after: int = 0
    eip_after: int = 0
    vector: int = -1
    touched: list[tuple[int, int]] = field(default_factory=list)

    @property
    def compared_flags(self) -> int:
        """The status flags this case may be judged by."""
        row = self.insn.row
        mask = STATUS_FLAGS | FLAG_DF
        count = self.shift_count()
        if count == 0:
            return mask
        for name in row.undefined:
            if not (name == "of" and count == 1):
                mask &= ~STATUS_FLAG_BITS[name]
        return mask

    def shift_count(self) -> int:
        """The masked count of a shift, else -1."""
        if not self.insn.row.flags_if:
            return -1
        count = self.insn.operands[-1]
        value = self.regs[1] if self.insn.form.operands[-1] == "CL" else count.value  # type: ignore[union-attr]
        return value & 31


# -- drawing --------------------------------------------------------------------------------------


def drawable() -> list[tuple[Row, Form]]:
    """Every form of every row that only moves values."""
    return [
        (row, form)
        for row in ROWS
        if row.kind in ("data", "branch", "string")
        for form in row.encodings
    ]


def draw_value(rng: random.Random) -> int:
    """A register value: random, near an edge, or small."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(EDGES)
    if kind == 1:
        return rng.randrange(CODE_END + 64, RAM - 64)
    if kind == 2:
        return rng.randrange(64)
    return rng.getrandbits(32)


def draw_code(rng: random.Random, row: Row, form: Form, bits: int) -> bytes:
    """Bytes of the form with random sizes, operands and legal prefixes."""
    prefixes = bytearray()
    if form.operand_bits is not None:
        if form.operand_bits != bits:
            prefixes.append(0x66)
    elif rng.randrange(3) == 0:
        prefixes.append(0x66)
    if form.address_bits is not None:
        if form.address_bits != bits:
            prefixes.append(0x67)
    elif rng.randrange(6) == 0:
        prefixes.append(0x67)
    if row.repeat and rng.randrange(2):
        prefixes.append(rng.choice((0xF2, 0xF3)))
    if rng.randrange(16) == 0:
        prefixes.append(rng.choice((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)))
    if row.lock and rng.randrange(16) == 0:
        prefixes.append(0xF0)
    rng.shuffle(prefixes)
    if form.prefix is not None:
        prefixes.append(form.prefix)
    code = bytes(prefixes) + form.opcode
    if form.plus:
        code = code[:-1] + bytes([code[-1] + rng.randrange(8)])
    if form.modrm is not None:
        modrm = rng.getrandbits(8)
        letters = {spec[0] for spec in form.operands}
        if "R" in letters:
            modrm |= 0xC0
        elif "M" in letters and modrm >= 0xC0:
            modrm &= 0x3F | rng.choice((0, 0x40, 0x80))
        if form.modrm != "r":
            modrm = modrm & ~0x38 | int(form.modrm) << 3
        code += bytes([modrm])
    tail = bytearray(rng.randbytes(11))
    if rng.randrange(2):  # small displacements and immediates more often than chance
        tail[1:4] = b"\0\0\0"
    return (code + bytes(tail))[:15]


def aim(rng: random.Random, insn: Insn, regs: list[int]) -> None:
    """Bring the memory operand, the string pointers and the stack into the test's data."""
    for operand in insn.operands:
        if type(operand) is Mem and operand.base is not None and operand.addr_bits == 32:
            index = 0 if operand.index is None else regs[operand.index] * operand.scale
            if operand.base == operand.index:
                continue
            where = rng.randrange(CODE_END + 64, RAM - 64)
            regs[operand.base] = (where - index - operand.disp) & 0xFFFFFFFF
    row = insn.row
    for name in ("esi", "edi", "esp", "ebp", "ebx"):
        if name in row.takes and "m" in row.takes and "a" not in row.takes:
            regs[NAMES32.index(name)] = rng.randrange(CODE_END + 512, RAM - 512)
    if "esp" in row.takes:
        regs[4] = rng.randrange(CODE_END + 512, RAM - 512)
    if row.repeat:
        regs[1] = regs[1] & ~0xFFFF | rng.randrange(6) if insn.addr_bits == 16 else rng.randrange(6)


def unicorn_is_wrong(insn: Insn) -> bool:
    """Where Unicorn is known to differ from the SDM, or the SDM leaves the result undefined."""
    return (
        # RET imm16 drops an unsigned number of bytes; Unicorn takes it as signed.
        (insn.mnemonic == "ret" and insn.operands != () and insn.raw[-1] >= 0x80)
        # TEST has an alias, F6 /1 and F7 /1, that processors have always had.
        or (insn.mnemonic == "test" and insn.form.modrm == "1")
        # BSWAP of a 16-bit register is undefined.
        or (insn.mnemonic == "bswap" and insn.operand_bits == 16)
        # LOCK NEG sets Unicorn's flags from the operand before it was negated.
        or (insn.mnemonic == "neg" and insn.lock)
    )


def draw(rng: random.Random, forms: list[tuple[Row, Form]], bits: int) -> Case | None:
    """One case, or None if the bytes mean something else (a group's other member, LOCK)."""
    row, form = rng.choice(forms)
    code = draw_code(rng, row, form, bits)
    try:
        insn = decode(code, bits)
    except Fault:
        return None
    if insn.row is not row or unicorn_is_wrong(insn):
        return None
    regs = [draw_value(rng) for _ in range(8)]
    aim(rng, insn, regs)
    flags = FLAG_ONE | rng.getrandbits(12) & (STATUS_FLAGS | FLAG_DF)
    return Case(code[: insn.length], bits, insn, tuple(regs), flags, 0)


# -- the two sides --------------------------------------------------------------------------------


class Here:
    """Our interpreter with flat segments, at ring 0, without paging."""

    def __init__(self, bits: int, ram: bytes) -> None:
        self.bits = bits
        self.cpu = WatchedCpu(Memory(RAM))
        self.cpu.memory.write_bytes(0, ram)
        if bits == 32:
            self.cpu.cr0 |= 1
            self.cpu.segs = [cached(0, Descriptor(FLAT)) for _ in range(6)]
        else:
            self.cpu.segs = [real_segment(0) for _ in range(6)]
        self.cpu.select_maps()

    def run(self, case: Case) -> bool:
        """Carry the case out and fill in the results; False if it strays out of the data."""
        cpu = self.cpu
        cpu.memory.write_bytes(case.address, case.code.ljust(SLOT, b"\x90"))
        cpu.regs[:] = case.regs
        cpu.eflags = case.eflags
        cpu.eip = case.address
        cpu.touched, cpu.undo = [], []
        try:
            prepared = cpu.fetch()
            prepared.run(cpu)
            while cpu.eip == case.address and prepared.insn.rep:
                prepared.run(cpu)
        except Fault as fault:
            if fault.vector == LIMIT_FAULT:
                return self.take_back()
            case.vector = fault.vector
        except OutOfBounds:
            return self.take_back()
        case.regs_after = tuple(cpu.regs)
        case.eflags_after = cpu.eflags
        case.eip_after = cpu.eip
        case.touched = cpu.touched
        return True

    def take_back(self) -> bool:
        """Undo what the case stored; False, as it does not count."""
        for address, before in reversed(self.cpu.undo):
            self.cpu.memory.write_bytes(address, before)
        return False


class There:
    """Unicorn in the same state."""

    def __init__(self, bits: int, ram: bytes) -> None:
        self.bits = bits
        self.uc = Uc(UC_ARCH_X86, UC_MODE_32 if bits == 32 else UC_MODE_16)
        self.uc.mem_map(0, RAM)
        self.uc.mem_write(0, ram)
        self.vector = -1
        self.uc.hook_add(UC_HOOK_INTR, self.interrupted)
        self.names = [*GENERAL, EFLAGS, EIP]
        self.fresh = self.uc.context_save()

    def interrupted(self, uc: Uc, number: int, data: object) -> None:
        self.vector = number
        uc.emu_stop()

    def run(self, case: Case) -> tuple[tuple[int, ...], int, int, int]:
        """Registers, EFLAGS, EIP and fault vector (-1: none) after the case."""
        uc = self.uc
        if self.vector >= 0:  # or the next fault would count as a double fault
            uc.context_restore(self.fresh)
        uc.mem_write(case.address, case.code.ljust(SLOT, b"\x90"))
        uc.ctl_remove_cache(case.address, case.address + SLOT)  # an earlier jump came this way
        uc.reg_write_batch([*zip(GENERAL, case.regs, strict=True), (EFLAGS, case.eflags)])
        self.vector = -1
        end = case.address + len(case.code)
        try:
            # A repeated instruction counts once per element, so only the end address stops it.
            uc.emu_start(case.address, end, 0, 0 if case.insn.rep else 1)
        except UcError as error:
            if error.errno == uc_const.UC_ERR_INSN_INVALID:
                self.vector = INVALID_OPCODE
            elif error.errno != uc_const.UC_ERR_FETCH_UNMAPPED:
                self.vector = STRAYED
        *regs, eflags, eip = uc.reg_read_batch(self.names)
        return tuple(regs), eflags, eip, self.vector


def differences(case: Case, here: Here, there: There) -> list[str]:
    """What differs after the case, in words."""
    regs, eflags, eip, vector = there.run(case)
    if case.vector != vector:
        return [f"fault {case.vector} here, {vector} there"]
    if vector >= 0:
        return []
    found = [
        f"{name} {mine:#x} here, {theirs:#x} there"
        for name, mine, theirs in zip(NAMES32, case.regs_after, regs, strict=True)
        if mine != theirs
    ]
    if (case.eflags_after ^ eflags) & case.compared_flags:
        wrong = (case.eflags_after ^ eflags) & case.compared_flags
        names = [name for name, bit in STATUS_FLAG_BITS.items() if wrong & bit]
        found.append(f"{' '.join(names) or 'df'} differ, {case.eflags_after:#x} here")
    if case.eip_after != eip:
        found.append(f"eip {case.eip_after:#x} here, {eip:#x} there")
    for address, size in case.touched:
        mine = here.cpu.memory.read_bytes(address, size)
        theirs = bytes(there.uc.mem_read(address, size))
        if mine != theirs:
            found.append(f"memory at {address:#x}: {mine.hex()} here, {theirs.hex()} there")
    return found


def batch(rng: random.Random, bits: int, forms: list[tuple[Row, Form]]) -> Iterator[str]:
    """Run BATCH cases; yield a description of each that differs."""
    ram = rng.randbytes(RAM)
    here, there = Here(bits, ram), There(bits, ram)
    done = 0
    while done < BATCH:
        case = draw(rng, forms, bits)
        if case is None:
            continue
        case.address = CODE + done * SLOT
        if not here.run(case):
            continue
        done += 1
        found = differences(case, here, there)
        if found:
            before = " ".join(
                f"{name}={value:x}" for name, value in zip(NAMES32, case.regs, strict=True)
            )
            yield (
                f"{case.insn.mnemonic} {case.code.hex()} ({bits}-bit) {'; '.join(found)}"
                f" [{before} eflags={case.eflags:x}]"
            )
            there.uc.mem_write(0, here.cpu.memory.read_bytes(0, RAM))
    for start in range(0, RAM, 256):
        mine = here.cpu.memory.read_bytes(start, 256)
        if mine != bytes(there.uc.mem_read(start, 256)):
            yield f"memory near {start:#x} differs at the end of a {bits}-bit batch"


def fuzz(cases: int, seed: int, only: str = "") -> Iterator[str]:
    """Run about ``cases`` cases, one in four in 16-bit real mode; yield the differences."""
    rng = random.Random(seed)
    forms = [entry for entry in drawable() if not only or entry[0].mnemonic == only]
    for number in range((cases + BATCH - 1) // BATCH):
        yield from batch(rng, 16 if number % 4 == 3 else 32, forms)
