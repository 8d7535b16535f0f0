"""Binding an instruction's meaning to the CPU: from the names it asks for to a function to call.

The instruction table says what an instruction does as functions of values (``isa.row``).
:func:`bind` finds, once per decoded instruction, where those values come from and where the
results go, and gives one function that carries the instruction out: all values are read first,
memory is stored next (it may fault), registers, flags and EIP last.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ringside.isa.faults import GP
from ringside.isa.instruction import Imm, Insn, Mem, Operand, Reg, Rel, Seg
from ringside.isa.registers import CS, DS, ECX, FLAG_DF, NAMES32, STATUS_FLAG_BITS
from ringside.machine.access import MASK
from ringside.machine.flags import defer, settle

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

Getter = Callable[["Cpu"], Any]
Setter = Callable[["Cpu", int], None]
Action = Callable[["Cpu"], None]

REGISTERS = {name: number for number, name in enumerate(NAMES32)}
CF, ZF, SF, OF = (STATUS_FLAG_BITS[name] for name in ("cf", "zf", "sf", "of"))
OPERANDS = {"a": 0, "b": 1, "c": 2}
EVERY_FLAG = frozenset(STATUS_FLAG_BITS)
RESULTS = {"r": 0, "r2": 1, "r3": 2}


# -- operands -----------------------------------------------------------------------------------


def address(cpu: Cpu, operand: Mem) -> int:
    """The effective offset of a memory operand."""
    return addresser(operand)(cpu)  # type: ignore[no-any-return]


def value(cpu: Cpu, operand: Operand) -> int:
    """Read an operand."""
    return getter(operand)(cpu)  # type: ignore[no-any-return]


def assign(cpu: Cpu, operand: Operand, value: int) -> None:
    """Write an operand."""
    setter(operand)(cpu, value)


def getter(operand: Operand) -> Getter:
    """Make the function that reads ``operand``."""
    return GETTERS[type(operand)](operand)


def setter(operand: Operand) -> Setter:
    """Make the function that writes ``operand``."""
    return SETTERS[type(operand)](operand)


def addresser(operand: Mem) -> Getter:
    """Make the function that computes the effective offset of ``operand``."""
    base, index, scale, disp = operand.base, operand.index, operand.scale, operand.disp
    mask = MASK if operand.addr_bits == 32 else 0xFFFF
    if index is not None:
        if base is None:
            return lambda cpu: (cpu.regs[index] * scale + disp) & mask
        return lambda cpu: (cpu.regs[base] + cpu.regs[index] * scale + disp) & mask
    if base is not None:
        return lambda cpu: (cpu.regs[base] + disp) & mask
    offset = disp & mask
    return lambda cpu: offset


def get_register(operand: Reg) -> Getter:
    index, mask = operand.index, operand.width.mask
    if operand.width.bits == 32:
        return lambda cpu: cpu.regs[index]
    if operand.width.bits == 8 and index >= 4:  # AH CH DH BH
        low = index - 4
        return lambda cpu: cpu.regs[low] >> 8 & 0xFF
    return lambda cpu: cpu.regs[index] & mask


def set_register(operand: Reg) -> Setter:
    index, width = operand.index, operand.width
    if width.bits == 32:
        return replace_register(index)
    shift = 0
    if width.bits == 8 and index >= 4:
        index, shift = index - 4, 8
    mask = width.mask
    kept = MASK & ~(mask << shift)

    def put(cpu: Cpu, value: int) -> None:
        cpu.regs[index] = cpu.regs[index] & kept | (value & mask) << shift

    return put


def replace_register(index: int) -> Setter:
    """Make the function that replaces a whole register."""

    def put(cpu: Cpu, value: int) -> None:
        cpu.regs[index] = value & MASK

    return put


def get_memory(operand: Mem) -> Getter:
    seg, width, offset = operand.seg, operand.width, addresser(operand)
    return lambda cpu: cpu.load(seg, offset(cpu), width)


def get_memory_to_change(operand: Mem) -> Getter:
    """Read a memory operand that will be written back: its faults are those of a write."""
    seg, width, offset = operand.seg, operand.width, addresser(operand)

    def get(cpu: Cpu) -> int:
        where = offset(cpu)
        cpu.check_store(seg, where, width)
        return cpu.load(seg, where, width)

    return get


def set_memory(operand: Mem) -> Setter:
    seg, width, offset = operand.seg, operand.width, addresser(operand)

    def put(cpu: Cpu, value: int) -> None:
        cpu.store(seg, offset(cpu), value, width)

    return put


def get_immediate(operand: Imm) -> Getter:
    value = operand.value
    return lambda cpu: value


def get_segment(operand: Seg) -> Getter:
    index = operand.index
    return lambda cpu: cpu.segs[index].selector


GETTERS: dict[type, Callable[[Any], Getter]] = {
    Reg: get_register,
    Mem: get_memory,
    Imm: get_immediate,
    Seg: get_segment,
}
SETTERS: dict[type, Callable[[Any], Setter]] = {Reg: set_register, Mem: set_memory}


# -- what a meaning asks for --------------------------------------------------------------------


def flag_getter(bit: int) -> Getter:
    """Make the function that reads one EFLAGS bit as 0 or 1."""
    return lambda cpu: 1 if cpu.eflags & bit else 0


def less(cpu: Cpu) -> int:
    """SF differs from OF: less, signed."""
    flags = cpu.eflags
    return int(bool(flags & SF) != bool(flags & OF))


def set_direction(cpu: Cpu, value: int) -> None:
    """Set or clear DF."""
    cpu.set_eflags(FLAG_DF if value else 0, FLAG_DF)


DERIVED: dict[str, Getter] = {
    "lt": less,
    "le": lambda cpu: 1 if cpu.eflags & ZF else less(cpu),
    "be": lambda cpu: 1 if cpu.eflags & (CF | ZF) else 0,
    "df": flag_getter(FLAG_DF),
    "m": lambda cpu: cpu,
    "s": lambda cpu: cpu.stack_mask,
}


def source(insn: Insn, name: str, changed: frozenset[int]) -> Getter:
    """Find the value a meaning's parameter ``name`` stands for (see ``isa.row``).

    ``changed`` are the numbers of the operands that the instruction writes.
    """
    if name in OPERANDS:
        number = OPERANDS[name]
        operand = insn.operands[number]
        if type(operand) is Mem and number in changed:
            return get_memory_to_change(operand)
        return getter(operand)
    if name in REGISTERS:
        index = REGISTERS[name]
        return lambda cpu: cpu.regs[index]
    if name in STATUS_FLAG_BITS:
        return flag_getter(STATUS_FLAG_BITS[name])
    if name in DERIVED:
        return DERIVED[name]
    length = insn.length
    if name == "eip_next":
        return lambda cpu: (cpu.eip + length) & MASK
    if name == "target":
        relative = insn.operands[0]
        assert type(relative) is Rel
        distance = length + relative.displacement
        mask = MASK if insn.operand_bits == 32 else 0xFFFF
        return lambda cpu: (cpu.eip + distance) & mask
    memory = next((operand for operand in insn.operands if type(operand) is Mem), None)
    if name == "ea":
        assert memory is not None
        return addresser(memory)
    constants: dict[str, object] = {
        "w": insn.width,
        "asz": MASK if insn.addr_bits == 32 else 0xFFFF,
        "seg": memory.seg if memory else DS if insn.seg is None else insn.seg,
    }
    constant = constants[name]
    return lambda cpu: constant


def temporaries(gives: tuple[str, ...]) -> frozenset[str]:
    """Pick the results that only the flag function sees."""
    return frozenset(gives) - frozenset("123") - frozenset(REGISTERS) - {"eip", "df"}


def gather(sources: list[Getter]) -> Callable[[Cpu], tuple[Any, ...]]:
    """Make the function that reads all of ``sources``; spelled out where it is short, for speed."""
    if len(sources) == 1:
        (first,) = sources
        return lambda cpu: (first(cpu),)
    if len(sources) == 2:
        first, second = sources
        return lambda cpu: (first(cpu), second(cpu))
    if len(sources) == 3:
        first, second, third = sources
        return lambda cpu: (first(cpu), second(cpu), third(cpu))
    return lambda cpu: tuple([get(cpu) for get in sources])


# -- the whole instruction ----------------------------------------------------------------------


def bind(insn: Insn) -> Action:
    """Make the function that carries out a data, branch or string instruction once."""
    gives = insn.row.gives
    changed = frozenset(int(name) - 1 for name in gives if name.isdigit())
    wanted = list(insn.row.takes)
    for name in insn.row.flags_take:
        if name not in wanted and name not in RESULTS and name not in temporaries(gives):
            wanted.append(name)
    values = gather([source(insn, name, changed) for name in wanted])
    judge = flag_judge(insn, wanted)
    if gives == ("1",) and type(insn.operands[0]) is Reg:
        return bind_plain(insn, values, len(wanted), judge, setter(insn.operands[0]))
    return bind_any(insn, values, judge)


Judge = Callable[["Cpu", tuple[Any, ...]], None]


def flag_judge(insn: Insn, wanted: list[str]) -> Judge | None:
    """Make the function that sets the flags, given the values read and then the results."""
    row = insn.row
    after, gives = row.flags, row.gives
    if after is None:
        return None
    places = {name: at for at, name in enumerate(wanted)}
    places |= {name: len(wanted) + at for name, at in RESULTS.items()}
    places |= {
        name: len(wanted) + at for at, name in enumerate(gives) if name in temporaries(gives)
    }
    chosen = [places[name] for name in row.flags_take]
    pick: Callable[[tuple[Any, ...]], tuple[Any, ...]] = (
        itemgetter(*chosen)
        if len(chosen) > 1
        else lambda known: tuple([known[at] for at in chosen])  # (STC and CLC need none)
    )
    if row.flags_if:
        condition = len(wanted) + gives.index(row.flags_if)

        def sometimes(cpu: Cpu, known: tuple[Any, ...]) -> None:
            if known[condition]:
                settle(cpu, after(*pick(known)))

        return sometimes
    if frozenset(row.writes_flags) == EVERY_FLAG:
        return lambda cpu, known: defer(cpu, after, pick(known))
    return lambda cpu, known: settle(cpu, after(*pick(known)))


def bind_plain(
    insn: Insn,
    values: Callable[[Cpu], tuple[Any, ...]],
    count: int,
    judge: Judge | None,
    put: Setter,
) -> Action:
    """Bind the commonest shape: one result, to a register."""
    meaning, takes, length = insn.row.meaning, len(insn.row.takes), insn.length
    if judge is None:

        def move(cpu: Cpu) -> None:
            put(cpu, meaning(*values(cpu)))
            cpu.eip = (cpu.eip + length) & MASK

        return move

    set_flags = judge
    exactly = takes == count

    def compute(cpu: Cpu) -> None:
        known = values(cpu)
        result = meaning(*known) if exactly else meaning(*known[:takes])
        set_flags(cpu, (*known, result))
        put(cpu, result)
        cpu.eip = (cpu.eip + length) & MASK

    return compute


def bind_any(
    insn: Insn, values: Callable[[Cpu], tuple[Any, ...]], judge: Judge | None
) -> Action:
    """Bind any data, branch or string instruction."""
    row = insn.row
    stores: list[tuple[int, Setter]] = []
    puts: list[tuple[int, Setter]] = []
    eip_at = -1
    for at, name in enumerate(row.gives):
        if name.isdigit():
            operand = insn.operands[int(name) - 1]
            (stores if type(operand) is Mem else puts).append((at, setter(operand)))
        elif name in REGISTERS:
            puts.append((at, replace_register(REGISTERS[name])))
        elif name == "eip":
            eip_at = at
        elif name == "df":
            puts.append((at, set_direction))
    single = len(row.gives) == 1
    meaning, takes, length = row.meaning, len(row.takes), insn.length

    def run(cpu: Cpu) -> None:
        known = values(cpu)
        given = meaning(*known[:takes])
        results = (given,) if single else given or ()
        if eip_at < 0:
            eip = (cpu.eip + length) & MASK
        else:
            eip = results[eip_at]
            if eip > cpu.segs[CS].limit:
                raise GP(0)
        for at, put in stores:
            put(cpu, results[at])
        if judge is not None:
            judge(cpu, known + results)
        for at, put in puts:
            put(cpu, results[at])
        cpu.eip = eip

    return run


def repeated(insn: Insn, once: Action) -> Action:
    """Make the function for one iteration of a REP instruction; EIP moves after the last.

    SDM vol. 2, "REP": the count is tested first, then ZF after each element of a comparison.
    """
    mask = MASK if insn.addr_bits == 32 else 0xFFFF
    compares = insn.row.repeat == "repe"
    go_on = ZF if insn.rep == "rep" else 0  # ZF's value that keeps a comparison going
    length = insn.length

    def run(cpu: Cpu) -> None:
        count = cpu.regs[ECX] & mask
        if not count:
            cpu.eip = (cpu.eip + length) & MASK
            return
        here = cpu.eip
        once(cpu)
        cpu.regs[ECX] = cpu.regs[ECX] & ~mask | count - 1
        if count > 1 and not (compares and cpu.eflags & ZF != go_on):
            cpu.eip = here

    return run
