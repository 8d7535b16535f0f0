"""Writing one translation unit: guest instructions in, bytes for the cache out.

Every instruction written gets a :class:`Spot`, so that a fault in the cache can be turned into a
fault of the guest, and the ones that stand for none of the guest's instructions are counted as
overhead. Of the instructions that one guest instruction becomes, the last is the one that counts,
save for jumps after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringside.isa.decode import decode
from ringside.isa.instruction import Imm, Insn, Mem, Reg, Rel
from ringside.isa.registers import ECX
from ringside.machine.memory import FRAME_SHIFT
from ringside.vmm.monitor import CALLOUT_VECTOR
from ringside.vmm.translation.layout import IF_BEFORE, SAVE_ECX, SAVED, VIRTUAL_IF
from ringside.vmm.translation.replacements import Plan, assembled
from ringside.vmm.translation.unit import (
    CALLOUT,
    CONTROL,
    EMULATE,
    IDENT,
    INLINE,
    LINK,
    RESTORE_IF,
    Key,
    Line,
    Spot,
    Unit,
    Way,
)

MASK = 0xFFFF_FFFF
CALL_VMM = bytes([0xCD, CALLOUT_VECTOR])  # INT
JMP, LONG, JCC = b"\xe9", 0x0F, 0x80
SAVE_ECX_CODE = b"\x65\x89\x0d" + SAVE_ECX.to_bytes(4, "little")  # mov [gs:save_ecx], ecx
MOV_ECX_IMM, PUSH_IMM, POP_ECX = b"\xb9", b"\x68", b"\x59"
LOAD_ECX = 0x8B  # mov ecx, r/m
DROP = b"\x8d\xa4\x24"  # lea esp, [esp + imm32]: ADD would change flags
SHORTEST = 5  # bytes: a unit can be overwritten with a jump
INT3 = 0xCC
PREFIXES = frozenset({0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3})


@dataclass(frozen=True, slots=True)
class Counters:
    """The processor's counters a unit uses, by number."""

    overhead: int  # stand for none of the guest's instructions
    inline: int
    branch: int  # direct jumps: the guest's own instruction, with another displacement
    call: int  # calls, returns, indirect jumps
    lookup: int  # hash lookups that found their target
    device: int  # in-line replacements that ask a virtual device


@dataclass(frozen=True, slots=True)
class Routines:
    """Linear addresses of the two lookups: see :mod:`.lookup`."""

    lookup: int
    lookup_retired: int


@dataclass(slots=True)
class Written:
    """What there is to put into the cache for one unit."""

    unit: Unit
    code: bytes
    away: list[tuple[int, bytes]]  # stubs: address, bytes
    stubs: int  # the lowest address taken by them
    spots: dict[int, Spot]
    marks: dict[int, tuple[int, ...]]


class Writer:
    """Writes one unit at ``address``; its stubs end below ``stubs``."""

    def __init__(
        self, key: Key, gpa: int, address: int, stubs: int, counters: Counters, routines: Routines
    ) -> None:
        self.key = key
        self.gpa = gpa
        self.address = address
        self.stubs = stubs
        self.counters = counters
        self.routines = routines
        self.code = bytearray()
        self.away: list[tuple[int, bytes]] = []
        self.spots: dict[int, Spot] = {}
        self.marks: dict[int, tuple[int, ...]] = {}
        self.lines: list[Line] = []
        self.ways: list[Way] = []
        self.after_sti = False
        self.begun = address  # where the present guest instruction begins
        self.tallied = -1  # the last line that is not a repeated instruction

    # -- pieces --------------------------------------------------------------------------------

    @property
    def here(self) -> int:
        """The cache address of the next instruction."""
        return self.address + len(self.code)

    def put(self, code: bytes, spot: Spot, counters: tuple[int, ...] = ()) -> int:
        """Write one instruction; gives its address."""
        at = self.here
        self.code += code
        self._know(at, spot, counters)
        return at

    def put_away(self, code: bytes) -> int:
        """Write a stub; gives its address."""
        self.stubs -= len(code)
        self.away.append((self.stubs, code))
        return self.stubs

    def _know(self, at: int, spot: Spot, counters: tuple[int, ...]) -> None:
        self.spots[at] = spot
        if counters:
            self.marks[at] = counters

    def spot(
        self, eip: int, boundary: bool, saved: tuple[int, ...] = (), action: str = ""
    ) -> Spot:
        """What is known of an instruction; ``jump`` is for stubs only."""
        return Spot(eip, boundary, saved, action, self.after_sti, 0)

    # -- lines ---------------------------------------------------------------------------------

    def line(self, eip: int, insn: Insn, plan: Plan) -> None:
        """Write one guest instruction."""
        start = self.begun = self.here
        WRITE[plan.kind](self, eip, insn, plan)
        self.lines.append(Line(eip, insn.raw, plan.kind, start, self.here))
        if not insn.rep:
            self.tallied = start
        self.after_sti = insn.mnemonic == "sti" and plan.kind == INLINE

    def unreadable(self, eip: int, code: bytes) -> None:
        """Write a callout for something that is no instruction within this page."""
        start = self.here
        self.put(CALL_VMM, self.spot(eip, True, action=EMULATE))
        self.lines.append(Line(eip, code, CALLOUT, start, self.here))
        self.tallied = start

    @property
    def calls_last(self) -> bool:
        """Whether the last line is a callout."""
        return bool(self.lines) and self.lines[-1].kind == CALLOUT

    def copy(self, eip: int, insn: Insn, plan: Plan) -> None:
        self.put(insn.raw, self.spot(eip, True))

    def call_vmm(self, eip: int, insn: Insn, plan: Plan) -> None:
        self.put(CALL_VMM, self.spot(eip, True, action=EMULATE))

    def inline(self, eip: int, insn: Insn, plan: Plan) -> None:
        code = assembled(plan.text)
        saved: tuple[int, ...] = ()
        first, at = True, 0
        while at < len(code):
            piece = decode(code[at:])
            last = at + piece.length == len(code)
            if piece.mnemonic == "int":  # takes the VMM's time, not the guest's: not counted
                self.put(piece.raw, self.spot(eip, first, saved, EMULATE))
            else:
                counter = self.counters.inline if last else self.counters.overhead
                asked = (self.counters.device,) if last and plan.device else ()
                self.put(piece.raw, self.spot(eip, first, saved), (counter, *asked))
            saved += put_aside(piece)
            first, at = False, at + piece.length

    # -- control -------------------------------------------------------------------------------

    def control(self, eip: int, insn: Insn, plan: Plan) -> None:
        """Write a branch. It is the unit's last line."""
        after = eip + insn.length & MASK
        target = next((o for o in insn.operands if isinstance(o, Rel)), None)
        if target is not None:
            taken = after + target.displacement & MASK
            if insn.mnemonic == "call":
                self.push(eip, after)
                self.go(eip, taken)
            elif insn.mnemonic == "jmp":
                self.go(eip, taken)
            else:
                self.conditional(eip, insn, taken, after)
        elif insn.mnemonic == "ret":
            saved = self.put_ecx_aside(eip)
            self.extra(POP_ECX, eip, saved)
            if insn.operands:
                drop = insn.operands[0]
                assert isinstance(drop, Imm)
                self.extra(DROP + drop.value.to_bytes(4, "little"), eip, saved)
            self.jump_to(self.routines.lookup, eip, saved)
        else:
            saved = self.put_ecx_aside(eip)
            self.extra(load_ecx(insn), eip, saved)
            if insn.mnemonic == "call":
                self.push(eip, after, saved)
            self.jump_to(self.routines.lookup, eip, saved)

    def extra(self, code: bytes, eip: int, saved: tuple[int, ...] = ()) -> None:
        """Write an instruction on the way to the one that counts."""
        self.put(code, self.spot(eip, self.fresh, saved), (self.counters.overhead,))

    @property
    def fresh(self) -> bool:
        """Whether nothing has been written for the present guest instruction."""
        return self.here == self.begun

    def push(self, eip: int, value: int, saved: tuple[int, ...] = ()) -> None:
        self.extra(PUSH_IMM + value.to_bytes(4, "little"), eip, saved)

    def put_ecx_aside(self, eip: int) -> tuple[int, ...]:
        self.extra(SAVE_ECX_CODE, eip)
        return (ECX, SAVE_ECX)

    def jump_to(self, routine: int, eip: int, saved: tuple[int, ...]) -> None:
        self.extra(JMP + distance(self.here + 5, routine), eip, saved)

    def near(self, target: int) -> bool:
        """Whether a branch may be chained: its target is on this very page.

        Branches to other pages go through the hash table, which is emptied whenever the guest
        changes or flushes its mapping.
        """
        key = self.key
        page = key.base + key.eip & MASK
        return (key.base + target & MASK) >> FRAME_SHIFT == page >> FRAME_SHIFT

    def go(self, eip: int, target: int) -> None:
        """An unconditional direct branch, or the second half of a direct call."""
        if self.near(target):
            stub = self.stub(target, self.here)
            code = JMP + distance(self.here + 5, stub)
            own = self.fresh
            counter = self.counters.branch if own else self.counters.call
            at = self.put(code, self.spot(eip, own), (counter,))
            self.ways.append(Way("taken", at, 5, stub, target, False))
        else:
            saved = self.put_ecx_aside(eip)
            self.extra(MOV_ECX_IMM + target.to_bytes(4, "little"), eip, saved)
            self.jump_to(self.routines.lookup, eip, saved)

    def conditional(self, eip: int, insn: Insn, taken: int, after: int) -> None:
        """Jcc, LOOPcc, JECXZ: one way to each side."""
        if has_long_form(insn):
            self.jump_if(eip, insn, taken)
            self.onward("next", after)
        else:  # these have short displacements only: they hop over the jump of the other way
            self.hop(eip, insn, self.size_of(after))
            self.onward("next", after, last=False)
            self.onward("taken", taken)

    def jump_if(self, eip: int, insn: Insn, taken: int) -> None:
        """Jcc with a displacement of four bytes, to where ``taken`` is or will be translated."""
        at = self.here
        if self.near(taken):
            goal = self.stub(taken, at)
            self.ways.append(Way("taken", at, 6, goal, taken, False))
        else:
            goal = self.go_away(taken)
        self.long_jump(eip, insn, goal)

    def long_jump(self, eip: int, insn: Insn, goal: int) -> None:
        """Jcc to a place in the cache, however far."""
        code = bytes([LONG, JCC | insn.form.opcode[-1] & 0x0F])
        after = self.here + 6
        self.put(code + distance(after, goal), self.spot(eip, True), (self.counters.branch,))

    def hop(self, eip: int, insn: Insn, over: int) -> None:
        """LOOPcc or JECXZ over as many bytes."""
        code = insn.raw[:-1] + over.to_bytes(1, "little")
        self.put(code, self.spot(eip, True), (self.counters.branch,))

    def size_of(self, target: int) -> int:
        """Bytes ``onward`` takes."""
        return 5 if self.near(target) else len(SAVE_ECX_CODE) + 10

    def onward(self, name: str, target: int, last: bool = True) -> None:
        """Go on at ``target`` after the instruction has retired."""
        overhead = (self.counters.overhead,)
        spot = Spot(target, True, (), "", False, 0)
        if self.near(target):
            stub = self.stub(target, self.here)
            at = self.put(JMP + distance(self.here + 5, stub), spot, overhead)
            self.ways.append(Way(name, at, 5, stub, target, last))
        else:
            at = self.here
            self.code += self._away_code(target, at)

    def go_away(self, target: int) -> int:
        """A stub that goes to another page; gives its address."""
        size = len(SAVE_ECX_CODE) + 10
        at = self.stubs - size
        return self.put_away(self._away_code(target, at))

    def _away_code(self, target: int, at: int) -> bytes:
        """To the lookup for branches that have retired, with what must be known of it."""
        save, load = SAVE_ECX_CODE, MOV_ECX_IMM + target.to_bytes(4, "little")
        overhead = (self.counters.overhead,)
        self._know(at, Spot(target, True, (), "", False, 0), overhead)
        inside = Spot(target, False, (ECX, SAVE_ECX), "", False, 0)
        second = at + len(save)
        third = second + len(load)
        self._know(second, inside, overhead)
        self._know(third, inside, overhead)
        return save + load + JMP + distance(third + 5, self.routines.lookup_retired)

    def stub(self, target: int, jump: int) -> int:
        """Where a branch goes that is not chained yet: a call of the VMM."""
        at = self.put_away(CALL_VMM)
        self.spots[at] = Spot(target, True, (), LINK, False, jump)
        return at

    # -- the end -------------------------------------------------------------------------------

    def finish(self, eip: int, ended: bool, counter: int) -> Written:
        """Close the unit; unless it ``ended`` with a branch, it goes on at ``eip``."""
        if not ended:
            self.onward("next", eip)
        self.code += bytes([INT3]) * (SHORTEST - len(self.code))
        if self.tallied >= 0:
            self.marks[self.tallied] = (*self.marks.get(self.tallied, ()), counter)
        length = sum(len(line.code) for line in self.lines)
        size = len(self.code) + sum(len(code) for _, code in self.away)
        unit = Unit(
            self.key, self.gpa, length, self.address, self.here, tuple(self.lines),
            tuple(self.ways), tuple(self.spots), counter, size,
        )  # fmt: skip
        return Written(unit, bytes(self.code), self.away, self.stubs, self.spots, self.marks)


WRITE = {
    IDENT: Writer.copy,
    INLINE: Writer.inline,
    CALLOUT: Writer.call_vmm,
    CONTROL: Writer.control,
}


def has_long_form(insn: Insn) -> bool:
    """Whether a conditional jump can have a displacement of four bytes."""
    return insn.mnemonic[0] == "j" and insn.mnemonic not in ("jcxz", "jecxz")


def distance(after: int, target: int) -> bytes:
    """A jump's displacement."""
    return (target - after & MASK).to_bytes(4, "little")


def load_ecx(insn: Insn) -> bytes:
    """MOV ECX from the operand of an indirect branch: the same ModRM under another opcode."""
    at = 0
    while insn.raw[at] in PREFIXES:
        at += 1
    modrm = insn.raw[at + 1] & ~0x38 | ECX << 3
    return insn.raw[:at] + bytes([LOAD_ECX, modrm]) + insn.raw[at + 2 :]


def put_aside(piece: Insn) -> tuple[int, ...]:
    """What an instruction of a replacement has put aside: register and cell, for ``Spot.saved``."""
    if piece.mnemonic != "mov" or type(piece.operands[0]) is not Mem:
        return ()
    cell, source = piece.operands[0], piece.operands[1]
    if cell.base is not None:
        return ()
    if type(source) is Reg and SAVED.get(cell.disp) == source.index:
        return (source.index, cell.disp)
    if cell.disp == VIRTUAL_IF and type(source) is Imm and source.value:
        return (RESTORE_IF, IF_BEFORE)
    return ()
