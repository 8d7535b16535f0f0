"""One instruction at a time: operands in, meaning inlined, results and flags out."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ringside.isa.instruction import Imm, Insn, Mem, Operand, Reg, Rel
from ringside.isa.registers import CS, DS, STATUS_FLAG_BITS
from ringside.isa.row import DERIVED_FLAGS
from ringside.machine import flags
from ringside.machine.translator import values
from ringside.machine.translator.body import REGISTERS, WHOLE, Body
from ringside.machine.translator.inline import (
    PORT,
    Binding,
    Inliner,
    Slicer,
    Slot,
    Static,
    Unsupported,
)
from ringside.machine.translator.mode import Mode
from ringside.machine.translator.sites import (
    ALL,
    CARRY,
    NOT_CARRY,
    Site,
    Sites,
    changes,
    needed_names,
    recomputes,
)
from ringside.machine.translator.source import chooses, uses
from ringside.machine.translator.values import MASK, Val, assign, const, load

OPERANDS = ("a", "b", "c")
GIVEN_OPERANDS = ("1", "2", "3")
KEPT = (ALL, NOT_CARRY, CARRY)  # the sets of flags a site may set


@dataclass(slots=True)
class Flow:
    """Where an instruction goes: ``eip`` if known, or ``test`` choosing between two, or neither
    (then the local ``eip`` holds it)."""

    test: ast.expr | None = None
    taken: int | None = None
    other: int | None = None


class Emitter(Body):
    """Writes instructions into the body and keeps track of who set the flags last."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self.sites = Sites()
        self.tuples: list[ast.Tuple] = []
        # The sites that gave the status flags and CF: None when only ``fk``/``ck`` tell.
        self.status: Site | None = None
        self.carry: Site | None = None

    # -- instruction ---------------------------------------------------------------------------

    def instruction(self, insn: Insn, eip: int, lives: bool, read_next: bool) -> Flow | None:
        """Write one instruction. ``lives``: someone outside may ask for the flags it sets;
        ``read_next``: the next instruction does. Gives the flow of a branch."""
        row = insn.row
        if row.kind == "system":
            raise Unsupported("left to the interpreter")
        self.pointer = None
        self.loads = []
        first = len(self.statements)
        keeps = row.flags is not None and (lives or read_next)
        env = self.bindings(insn, eip, needed_names(row) if keeps else ())
        inliner = Inliner(self, row.meaning, env)
        flow: Flow | None = None
        exact = tuple(not self.whole_register(insn, give) for give in row.gives)
        results = inliner.run(exact)
        given = dict(zip(row.gives, results, strict=True))
        if row.flags_if and given[row.flags_if].constant == 0:
            keeps = False
        if keeps:
            self.name_results(insn, given)
        targets: list[str] = []
        sources: list[Val] = []
        for give, value in given.items():
            if give in GIVEN_OPERANDS:
                operand = insn.operands[int(give) - 1]
                if isinstance(operand, Mem):
                    self.write_memory(operand, value)
                else:
                    self.write_register(operand, value, targets, sources)
            elif give in REGISTERS:
                self.set_register(give, value, targets, sources)
            elif give == "eip":
                flow = self.flow(value, insn, targets, sources)
            elif give == "df":
                raise Unsupported("direction flag")
        test = [] if flow is None or flow.test is None else [flow.test]
        self.access_anyway(first, [*(source.node for source in sources), *test])
        if keeps:
            self.save_before(insn, env, given, targets)
        self.commit(targets, sources, flow)
        if keeps:
            for give in given:
                register = self.whole_register(insn, give)
                if register:
                    if read_next:
                        self.normalise(register)
                    given[give] = self.raw(register)
            self.finish_flags(insn, env, given)
        return flow

    @staticmethod
    def whole_register(insn: Insn, give: str) -> str:
        """The 32-bit register a result goes to, or ""."""
        if give in REGISTERS:
            return give
        if give in GIVEN_OPERANDS:
            operand = insn.operands[int(give) - 1]
            if isinstance(operand, Reg) and operand.width.bits == 32:
                return REGISTERS[operand.index]
        return ""

    # -- operands ------------------------------------------------------------------------------

    def bindings(self, insn: Insn, eip: int, kept: tuple[str, ...]) -> dict[str, Binding]:
        row = insn.row
        counts = uses(row.meaning)
        env: dict[str, Binding] = {}
        for name in dict.fromkeys((*row.takes, *kept)):
            if name in OPERANDS:
                index = OPERANDS.index(name)
                bound = self.fetch(insn, index)
                # A memory operand is read whatever the meaning then does with it.
                several = counts.get(name, 0) + (name in kept) > 1 or chooses(row.meaning)
                env[name] = self.simple(bound) if several and isinstance(bound, Val) else bound
            elif name in REGISTERS:
                env[name] = Slot(name)
            elif name in STATUS_FLAG_BITS or name in DERIVED_FLAGS:
                flag = self.flag(name)
                env[name] = self.simple(flag) if counts.get(name, 0) > 1 else flag
            elif name == "w":
                env[name] = Static(insn.width)
            elif name == "m":
                env[name] = PORT
            elif name == "s":
                env[name] = const(self.mode.stack_mask)
            elif name == "asz":
                env[name] = const(MASK if insn.addr_bits == 32 else 0xFFFF)
            elif name == "eip_next":
                env[name] = const(self.next_of(insn, eip))
            elif name == "target":
                env[name] = const(target_of(insn, eip))
            elif name in ("ea", "seg"):
                memory = next((o for o in insn.operands if isinstance(o, Mem)), None)
                if name == "seg":
                    source = DS if insn.seg is None else insn.seg
                    env[name] = const(memory.seg if memory else source)
                else:
                    assert memory is not None
                    env[name] = self.offset(memory)
            elif name == "df":
                env[name] = const(self.mode.df)
            elif name in ("r", "r2", "r3", *row.gives):
                pass  # given by the meaning
            else:
                raise Unsupported(f"parameter {name}")
        return env

    def next_of(self, insn: Insn, eip: int) -> int:
        return (eip + insn.length) & (MASK if self.mode.code_bits == 32 else 0xFFFF)

    def fetch(self, insn: Insn, index: int) -> Binding:
        operand = insn.operands[index]
        if isinstance(operand, Reg):
            return self.read_register(operand)
        if isinstance(operand, Imm):
            return const(operand.value)
        if isinstance(operand, Mem):
            offset = self.offset(operand)
            if GIVEN_OPERANDS[index] in insn.row.gives:
                return self.simple(self.load_for_store(operand.seg, offset, operand.width))
            return self.load(operand.seg, offset, operand.width)
        raise Unsupported("operand")

    def read_register(self, operand: Reg) -> Binding:
        if operand.width.bits == 32:
            return Slot(REGISTERS[operand.index])
        if operand.width.bits == 8 and operand.index >= 4:
            whole = self.raw(REGISTERS[operand.index - 4])
            return values.and_(values.shr(whole, const(8)), const(0xFF))
        return values.and_(self.raw(REGISTERS[operand.index]), const(operand.width.mask))

    def offset(self, operand: Mem) -> Val:
        """The effective offset, modulo 2**32."""
        disp = operand.disp
        if disp > 0x7FFF_FFFF:
            disp -= 1 << 32
        total = const(0)
        if operand.index is not None:
            scaled = self.raw(REGISTERS[operand.index])
            total = values.mul(scaled, const(operand.scale))
        if operand.base is not None:
            base = self.raw(REGISTERS[operand.base])
            total = base if operand.index is None else values.add(base, total)
        if operand.base is None and operand.index is None:
            disp &= MASK
        total = values.add(total, const(disp))
        return values.masked(total, 0xFFFF) if operand.addr_bits == 16 else total

    # -- results -------------------------------------------------------------------------------

    def write_memory(self, operand: Mem, value: Val) -> None:
        if self.pointer is not None:
            self.store_back(value, operand.width)
        else:
            self.store(operand.seg, self.offset(operand), value, operand.width)

    def write_register(
        self, operand: Operand, value: Val, targets: list[str], sources: list[Val]
    ) -> None:
        if not isinstance(operand, Reg):
            raise Unsupported("operand")
        if operand.width.bits == 32:
            self.set_register(REGISTERS[operand.index], value, targets, sources)
            return
        high = operand.width.bits == 8 and operand.index >= 4
        slot = REGISTERS[operand.index - 4 if high else operand.index]
        if slot in targets:
            raise Unsupported("two parts of one register")
        mask = operand.width.mask << (8 if high else 0)
        if not value.within(0, operand.width.mask):
            value = values.masked(value, operand.width.mask)
        rest = values.and_(self.exact(slot), const(MASK & ~mask))
        part = values.shl(value, const(8)) if high else value
        self.set_register(slot, values.or_(rest, part), targets, sources)

    def set_register(self, slot: str, value: Val, targets: list[str], sources: list[Val]) -> None:
        if not value.within(-(1 << 33), 1 << 33):
            value = values.masked(value, MASK)
        targets.append(slot)
        sources.append(value)

    def flow(self, value: Val, insn: Insn, targets: list[str], sources: list[Val]) -> Flow:
        node = value.node
        shape = self.mode.shapes[CS]
        if value.constant is not None:
            self.check_target(value.lo)
            return Flow(taken=value.constant)
        if (
            isinstance(node, ast.IfExp)
            and isinstance(node.body, ast.Constant)
            and isinstance(node.orelse, ast.Constant)
        ):
            taken, other = value_of(node.body), value_of(node.orelse)
            self.check_target(taken)
            self.check_target(other)
            return Flow(node.test, taken, other)
        value = values.and_(value, const(insn.width.mask))
        if shape.high < MASK:
            value = self.simple(value)
            self.guard(values.test(value, ast.Gt(), const(shape.high)))
        targets.append("eip")
        sources.append(value)
        return Flow()

    def check_target(self, eip: int) -> None:
        """A branch beyond the code segment faults: the interpreter's business."""
        if eip > self.mode.shapes[CS].high:
            raise Unsupported("target outside the code segment")

    def commit(self, targets: list[str], sources: list[Val], flow: Flow | None) -> None:
        """Assign all results at once; none of them may see another's new value."""
        if flow is not None and flow.test is not None and targets:
            names = {n.id for n in ast.walk(flow.test) if isinstance(n, ast.Name)}
            if names & set(targets):
                local = self.temporary()
                self.emit(assign(local, flow.test))
                flow.test = load(local)
        pairs = [
            (target, source)
            for target, source in zip(targets, sources, strict=True)
            if not (isinstance(source.node, ast.Name) and source.node.id == target)
        ]
        factors = [self.factor(source.node) for _, source in pairs]  # before any changes
        for (target, source), factor in zip(pairs, factors, strict=True):
            if target in REGISTERS:
                self.bound(target, source)
                self.ranges[target] = (source.lo, source.hi, factor)
        if len(pairs) == 1:
            self.emit(assign(pairs[0][0], pairs[0][1].node))
        elif pairs:
            left: list[ast.expr] = [values.store(target) for target, _ in pairs]
            right = [source.node for _, source in pairs]
            self.emit(ast.Assign([ast.Tuple(left, values.STORE)], ast.Tuple(right, values.LOAD)))

    # -- flags -----------------------------------------------------------------------------------

    def name_results(self, insn: Insn, given: dict[str, Val]) -> None:
        """Give a name to results that the flags need and that no whole register will hold."""
        row = insn.row
        if recomputes(row):
            return
        names = needed_names(row)
        for position, give in enumerate(row.gives):
            if (alias(position) in names or give in names) and not self.whole_register(insn, give):
                value = given[give]
                if names_register(value):  # which may change before the flags are kept
                    local = self.temporary()
                    self.emit(assign(local, value.node))
                    given[give] = values.name(local, value.lo, value.hi)
                else:
                    given[give] = self.simple(value)

    def save_before(
        self, insn: Insn, env: dict[str, Binding], given: dict[str, Val], targets: list[str]
    ) -> None:
        """Copy the inputs that the results are about to overwrite."""
        row = insn.row
        assert row.flags is not None
        sure = not row.flags_if or given[row.flags_if].constant is not None
        sure = sure and changes(row.flags) in KEPT
        for name in needed_names(row):
            bound = env.get(name)
            register = names_register(bound)
            if register in targets:
                local = f"f{len(self.sites.numbered)}{name}" if sure else self.temporary()
                self.emit(assign(local, load(register)))
                self.ranges[local] = self.ranges.get(register, WHOLE)
                env[name] = Slot(local)

    def finish_flags(self, insn: Insn, env: dict[str, Binding], given: dict[str, Val]) -> None:
        """After the instruction took effect: keep what its flags are made of."""
        row = insn.row
        if row.flags_if:
            count = given[row.flags_if]
            if count.constant is None:
                self.publish()
                outer = self.collect()
                self.keep_site(insn, env, given)
                self.publish()
                changed = self.resume(outer)
                self.emit(ast.If(values.truth(count), changed, []))
                self.status = self.carry = None
                return
        self.keep_site(insn, env, given)

    def keep_site(self, insn: Insn, env: dict[str, Binding], given: dict[str, Val]) -> None:
        row = insn.row
        assert row.flags is not None
        inputs: dict[str, Binding] = dict(env)
        if not recomputes(row):
            for position, give in enumerate(row.gives):
                inputs[alias(position)] = inputs[give] = given[give]
        changed = changes(row.flags)
        if changed not in KEPT:
            self.apply(insn, inputs)
            return
        local_of: dict[str, str | int] = {}
        number = len(self.sites.numbered)
        for name in needed_names(row):
            bound = inputs[name]
            value = self.raw(bound.name) if isinstance(bound, Slot) else bound
            assert isinstance(value, Val)
            if value.constant is not None:
                wraps = names_register(bound)
                local_of[name] = value.constant & MASK if wraps else value.constant
                continue
            local = f"f{number}{name}"
            local_of[name] = local
            if not (isinstance(value.node, ast.Name) and value.node.id == local):
                self.emit(assign(local, value.node))
            self.bound(local, value)
        site = Site(number, row, insn.width, local_of)
        self.sites.add(site)
        if changed != CARRY:
            self.status = site
        if changed != NOT_CARRY:
            self.carry = site

    def apply(self, insn: Insn, inputs: dict[str, Binding]) -> None:
        """A flag function that changes a few flags only: compute them now, in the CPU."""
        row = insn.row
        assert row.flags is not None
        self.ask()
        arguments: list[ast.expr] = []
        for name in row.flags_take:
            if name == "w":
                arguments.append(self.outside(insn.width, f"w{insn.width.bits}"))
                continue
            bound = inputs[name]
            register = names_register(bound)
            value = self.exact(register) if register else bound
            assert isinstance(value, Val)
            arguments.append(value.node)
        after = ast.Call(self.outside(row.flags, row.flags.__name__), arguments, [])
        settle = self.outside(flags.settle, "settle_now")
        self.emit(ast.Expr(ast.Call(settle, [load("cpu"), after], [])))

    def publish(self) -> None:
        """Store who gave the flags where every path can find it."""
        if self.status is not None and self.status is self.carry:
            number = values.number(self.status.number)
            self.emit(assign("fk", number, "ck"))
            return
        if self.status is not None:
            self.emit(assign("fk", values.number(self.status.number)))
        if self.carry is not None:
            self.emit(assign("ck", values.number(self.carry.number)))

    def ask(self) -> None:
        """Have the CPU know its flags (``hand_over`` gives 0)."""
        self.publish()
        self.status = self.carry = None
        arguments: list[ast.expr] = [load("cpu"), load("fk"), load("ck"), self.all_kept()]
        self.emit(assign("fk", ast.Call(load("hand_over"), arguments, []), "ck"))

    def all_kept(self) -> ast.expr:
        """A tuple of all kept locals; it grows until the region is complete."""
        self.tuples.append(ast.Tuple([], values.LOAD))
        return self.tuples[-1]

    def flag(self, name: str) -> Val:
        """The value of a flag or a shortcut, 0 or 1, as it is before this instruction."""
        parts = DERIVED_FLAGS.get(name, (name,))
        needs_carry, needs_status = "cf" in parts, any(part != "cf" for part in parts)
        status, carry = self.status, self.carry
        if (needs_status and status is None) or (needs_carry and carry is None):
            return self.asked_flag(name)
        if name in DERIVED_FLAGS:
            source = status or carry
            assert source is not None
            slicer = self.slicer(source)
            if slicer.has(name) and not (needs_carry and status is not carry):
                return slicer.flag(name)
            first, *rest = (self.flag(part) for part in parts)
            return combine(name, first, rest)
        source = carry if name == "cf" else status
        assert source is not None
        return self.slicer(source).flag(name)

    def asked_flag(self, name: str) -> Val:
        self.ask()
        local = self.temporary()
        everything = ast.Call(self.outside(flags.materialise, "eflags_of"), [load("cpu")], [])
        self.emit(assign(local, everything))
        eflags = values.name(local, 0, MASK)

        def bit(flag: str) -> Val:
            shift = STATUS_FLAG_BITS[flag].bit_length() - 1
            return values.and_(values.shr(eflags, const(shift)), const(1))

        if name in DERIVED_FLAGS:
            first, *rest = (bit(part) for part in DERIVED_FLAGS[name])
            return combine(name, first, rest)
        return bit(name)

    def slicer(self, site: Site) -> Slicer:
        env: dict[str, Binding] = {"w": Static(site.width)}
        for name in site.needed:
            where = site.local[name]
            if isinstance(where, int):
                env[name] = const(where)
                continue
            lo, hi, _ = self.ranges.get(where, WHOLE)
            wraps = (lo < 0 or hi > MASK) and site.wraps(name)
            env[name] = Slot(where) if wraps else values.name(where, lo, hi)
        row = site.row
        assert row.flags is not None
        if recomputes(row):
            env["r"] = env["temp"] = Inliner(self, row.meaning, dict(env)).run((True,))[0]
        return Slicer(self, row.flags, env)


def names_register(bound: Binding | None) -> str:
    """The register a binding is another name for, or ""."""
    if isinstance(bound, Slot):
        return bound.name
    if isinstance(bound, Val) and isinstance(bound.node, ast.Name) and bound.node.id in REGISTERS:
        return bound.node.id
    return ""


def alias(position: int) -> str:
    """How a flag function calls the result at ``position`` of ``gives``."""
    return f"r{position + 1}" if position else "r"


def combine(name: str, first: Val, rest: list[Val]) -> Val:
    """lt, le and be from the flags they are made of, in the order of ``DERIVED_FLAGS``."""
    if name == "lt":
        return values.choose(values.test(first, ast.NotEq(), rest[0]), const(1), const(0))
    if name == "be":
        either: list[ast.expr] = [values.truth(first), values.truth(rest[0])]
    else:
        either = [values.truth(first), values.test(rest[0], ast.NotEq(), rest[1])]
    return values.choose(ast.BoolOp(ast.Or(), either), const(1), const(0))


def value_of(node: ast.Constant) -> int:
    """The number a literal stands for."""
    assert isinstance(node.value, int)
    return node.value


def target_of(insn: Insn, eip: int) -> int:
    """The offset a direct branch goes to."""
    relative = next(operand for operand in insn.operands if isinstance(operand, Rel))
    mask = MASK if insn.operand_bits == 32 else 0xFFFF
    return (eip + insn.length + relative.displacement) & mask
