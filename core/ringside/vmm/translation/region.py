"""A region: hot guest code of one page, translated again as one and laid out as the guest has it.

A first translation stops at every branch, so each direct jump in it has another displacement than
the guest's. A region goes on over branches. As long as everything between a jump and its target
takes as many bytes as in the guest, the jump is copied bit by bit, like any innocuous instruction.
So whatever a jump crosses keeps its length if it can:

* a callout is an INT of two bytes, or INT3, the one of one byte; what remains is filled;
* a call, or an indirect jump of five bytes and more, becomes a jump to the rest of its
  replacement, which lies at the region's end. (Kernels instrument themselves in the same way.)

Where a replacement is longer, as for RET or CLI, the jumps across it get another displacement and
are counted as such. Jumps out of the region are as in any unit.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple

from ringside.isa.decode import Truncated, decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn, Rel
from ringside.machine.memory import FRAME_SHIFT, OFFSET_MASK
from ringside.vmm.translation.emit import (
    CALL_VMM,
    INT3,
    JMP,
    LONG,
    MASK,
    WRITE,
    Counters,
    Routines,
    Writer,
    Written,
    distance,
    has_long_form,
)
from ringside.vmm.translation.replacements import CALL, Plan, assembled, plan
from ringside.vmm.translation.unit import (
    CALLOUT,
    CONTROL,
    EMULATE,
    IDENT,
    INLINE,
    Key,
    Line,
    Spot,
)

LONGEST_REGION = 128  # instructions
FAR = 256  # bytes: what a jump forwards leads to behind them is another function
LONGEST_INSTRUCTION = 15
JMP_SIZE = 5
SHORT_JMP = 0xEB
NO_WAY_ON = frozenset({"jmp", "ret", "retf", "iret", "ud2"})
# What becomes of a jump within the region; on the way to the final layout it only grows.
SAME, OTHER, LONG_FORM = range(3)  # its own bytes; another displacement; a longer one


class Step(NamedTuple):
    """One guest instruction of a region."""

    eip: int
    insn: Insn
    plan: Plan

    @property
    def after(self) -> int:
        """The address of the next one."""
        return self.eip + self.insn.length

    @property
    def target(self) -> int | None:
        """Where a direct jump goes; None for anything else, also for calls."""
        if self.plan.kind != CONTROL or self.insn.mnemonic == "call":
            return None
        way = next((o for o in self.insn.operands if isinstance(o, Rel)), None)
        return None if way is None else self.after + way.displacement & MASK

    @property
    def goes_on(self) -> bool:
        """Whether the guest may get from here to the next one, at once or when a call returns."""
        return self.insn.mnemonic not in NO_WAY_ON

    @property
    def falls_through(self) -> bool:
        """Whether its translation does so without the VMM or a lookup."""
        if self.plan.kind == CONTROL:
            return self.target is not None and self.goes_on
        return self.plan.kind != CALLOUT and not self.plan.ends

    def keeps_length(self, within: AbstractSet[int]) -> bool:
        """Whether it can take as many bytes as in the guest; ``within`` are the region's lines."""
        if self.plan.kind == CONTROL:
            return self.target in within or self.insn.length >= JMP_SIZE
        return self.plan.kind != INLINE or len(assembled(self.plan.text)) == self.insn.length


def read_steps(
    key: Key, page: bytes, start: int, adapted: AbstractSet[tuple[int, int]],
    changing: AbstractSet[int],
) -> tuple[Step, ...]:
    """Decode guest code from EIP ``start`` on, to where no way leads on; ``page`` is all its page.

    It ends behind an instruction that goes elsewhere, if no jump before it leads further; and
    before bytes that keep ``changing``, for they are data beside the code, or code that would
    take the region with it again.
    """
    steps: list[Step] = []
    eip = farthest = start
    first = key.base + start & MASK
    while len(steps) < LONGEST_REGION and eip <= min(key.limit, MASK):
        linear = key.base + eip & MASK
        if linear >> FRAME_SHIFT != first >> FRAME_SHIFT:
            break  # the next page
        at = linear & OFFSET_MASK
        room = page[at : at + max(0, min(LONGEST_INSTRUCTION, key.limit - eip + 1))]
        try:
            insn = decode(room)
        except (Truncated, Fault):
            break
        gpa = key.gfn << FRAME_SHIFT | at
        if changing and not changing.isdisjoint(range(gpa, gpa + insn.length)):
            break
        chosen = plan(insn)
        if chosen.kind == IDENT and (linear, key.gfn) in adapted:
            chosen = CALL
        step = Step(eip, insn, chosen)
        steps.append(step)
        if step.target is not None and step.target - eip < FAR:
            farthest = max(farthest, step.target)
        eip = step.after
        if not step.goes_on and eip > farthest:
            break
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a region before its first byte is written."""

    key: Key
    gpa: int
    steps: tuple[Step, ...]
    targets: frozenset[int]  # of jumps within
    crossed: frozenset[int]  # instructions whose length matters: to a jump that leads across them

    @classmethod
    def of(cls, key: Key, gpa: int, steps: tuple[Step, ...]) -> Layout:
        """Find the jumps within. STI that something else than the next instruction may follow
        is left to the VMM."""
        begins = {step.eip for step in steps}
        jumps = [(step, step.target) for step in steps if step.target in begins]
        targets = frozenset(target for _, target in jumps if target is not None)
        crossed: set[int] = set()
        for step, target in jumps:
            assert target is not None
            low, high = (step.after, target) if target > step.eip else (target, step.eip)
            across = [other for other in steps if low <= other.eip < high]
            if all(other.keeps_length(begins) for other in across):
                crossed.update(other.eip for other in across)
        last = steps[-1]
        known = tuple(
            step._replace(plan=CALL)
            if step.insn.mnemonic == "sti" and (step is last or step.after in targets) else step
            for step in steps
        )
        return cls(key, gpa, known, targets, frozenset(crossed))

    def write(
        self, address: int, stubs: int, counters: Counters, routines: Routines, slot: int,
        counted: int,
    ) -> Written:
        """Write it again and again until nothing moves any more.

        ``counted`` is the instruction that ``slot``, a counter of the processor, counts.
        """
        forms: dict[int, int] = {}
        where = {step.eip: step.eip for step in self.steps}  # the guest's own layout
        rests: dict[int, tuple[int, int]] = {}
        last = self.steps[-1]
        while True:
            before = dict(forms)
            writer = RegionWriter(self, address, stubs, counters, routines, where, rests, forms)
            for step in self.steps:
                writer.step(step, step.eip == counted)
            if last.falls_through:
                writer.onward("next", last.after & MASK, last=False)
            writer.write_rests()
            if forms == before and writer.where == where and writer.rests == rests:
                break
            where, rests = writer.where, writer.rests
        written = writer.finish(last.after & MASK, True, slot)
        written.unit = replace(written.unit, region=True)
        return written


class RegionWriter(Writer):
    """Writes a region, when its lines begin at ``where``, the rests of those that do not fit there
    lie at ``rests``, and its jumps take ``forms``."""

    def __init__(
        self, layout: Layout, address: int, stubs: int, counters: Counters, routines: Routines,
        where: dict[int, int], rests: dict[int, tuple[int, int]], forms: dict[int, int],
    ) -> None:
        super().__init__(layout.key, layout.gpa, address, stubs, counters, routines)
        self.layout = layout
        self.old = where
        self.old_rests = rests
        self.forms = forms
        self.where: dict[int, int] = {}
        self.rests: dict[int, tuple[int, int]] = {}
        self.waiting: list[tuple[Step, bool]] = []  # rests to be written; whether after STI

    def step(self, step: Step, counted: bool = False) -> None:
        """Write one guest instruction."""
        eip, insn, chosen = step
        if insn.rep and self.after_sti:
            chosen = CALL  # only its first iteration follows STI
        start = self.begun = self.where[eip] = self.here
        kind, away, end = chosen.kind, 0, 0
        if kind == CALLOUT:
            self.put(CALL_VMM if insn.length > 1 else bytes([INT3]),
                     self.spot(eip, True, action=EMULATE))
            self.fill(insn.length - len(CALL_VMM))
        elif kind != CONTROL:
            WRITE[kind](self, eip, insn, chosen)
        elif step.target in self.layout.targets:
            kind = self.jump_within(step)
        elif eip in self.layout.crossed and JMP_SIZE <= insn.length < self.size(step):
            away, end = self.write_away(step)
        else:
            self.outward(step)
        self.lines.append(Line(eip, insn.raw, kind, start, self.here, away, end))
        if counted and not insn.rep:
            self.tallied = start
        self.after_sti = insn.mnemonic == "sti" and kind not in (CALLOUT, CONTROL)

    def fill(self, count: int) -> None:
        """Bytes that are never executed."""
        self.code += bytes([INT3]) * count

    # -- jumps within ----------------------------------------------------------------------------

    def jump_within(self, step: Step) -> str:
        """Write a jump to another line; gives what has become of it."""
        eip, insn, _ = step
        target = step.target
        assert target is not None
        goal = self.old[target]
        form = self._form(step, goal)
        after = self.here + insn.length
        if form == SAME:
            self.put(insn.raw, self.spot(eip, True))
            return IDENT
        if form == OTHER:
            size = 1 if _is_short(insn) else 4
            code = insn.raw[:-size] + (goal - after & MASK).to_bytes(4, "little")[:size]
            self.put(code, self.spot(eip, True), (self.counters.branch,))
        elif insn.mnemonic == "jmp":
            code = JMP + distance(self.here + JMP_SIZE, goal)
            self.put(code, self.spot(eip, True), (self.counters.branch,))
        elif has_long_form(insn):
            self.long_jump(eip, insn, goal)
        else:
            self.hop_short(step, JMP_SIZE)
            spot = Spot(target, True, (), "", False, 0)
            code = JMP + distance(self.here + JMP_SIZE, goal)
            self.put(code, spot, (self.counters.overhead,))
        return CONTROL

    def _form(self, step: Step, goal: int) -> int:
        """The form a jump has by now: it never becomes shorter again."""
        assert step.target is not None
        away = goal - (self.old[step.eip] + step.insn.length)
        form = self.forms.get(step.eip, SAME)
        if form == SAME and away != step.target - step.after:
            form = OTHER
        if form == OTHER and _is_short(step.insn) and not -128 <= away < 128:
            form = LONG_FORM
        self.forms[step.eip] = form
        return form

    def hop_short(self, step: Step, over: int) -> None:
        """LOOPcc or JECXZ to a jump of ``over`` bytes, which has yet to be written."""
        self.hop(step.eip, step.insn, 2)
        self.put(bytes([SHORT_JMP, over]), Spot(step.after & MASK, True, (), "", False, 0),
                 (self.counters.overhead,))

    # -- other branches --------------------------------------------------------------------------

    def outward(self, step: Step) -> None:
        """Write a branch as in any unit, save that the next line follows."""
        eip, insn, chosen = step
        target = step.target
        if target is None or insn.mnemonic == "jmp":
            self.control(eip, insn, chosen)
        elif has_long_form(insn):
            self.jump_if(eip, insn, target)
        else:
            self.hop_short(step, self.size_of(target))
            self.onward("taken", target, last=False)

    def size(self, step: Step) -> int:
        """Bytes such a branch takes."""
        trial = RegionWriter(
            self.layout, self.address, self.stubs, self.counters, self.routines, {}, {}, {}
        )
        trial.outward(step)
        return len(trial.code)

    def write_away(self, step: Step) -> tuple[int, int]:
        """Write a jump to the rest of a branch, which is to be written; gives where that lies."""
        start, end = self.old_rests.get(step.eip, (self.address, self.address))
        self.extra(JMP + distance(self.here + JMP_SIZE, start), step.eip)
        self.fill(step.insn.length - JMP_SIZE)
        self.waiting.append((step, self.after_sti))
        return start, end

    def write_rests(self) -> None:
        """Write what did not fit where it belongs, behind everything else."""
        self.begun = -1
        for step, after_sti in self.waiting:
            self.after_sti = after_sti
            start = self.here
            self.outward(step)
            self.rests[step.eip] = start, self.here


def _is_short(insn: Insn) -> bool:
    """Whether a direct jump has a displacement of one byte."""
    return insn.form.opcode[0] not in (LONG, JMP[0])
