"""A region: the generated Python function for the hot code of one page.

The function's shape::

    def region(cpu, left, pc):
        eax, ecx = regs[0], regs[1]            # only what it uses
        while True:
            if pc < 2:                          # a binary choice of the chunk
                if pc < 1:
                    while left >= 7: ...        # a chunk that loops on itself
            ...
            else: store registers; return left

``left`` is the budget in ticks: every chunk checks on entry that its longest path fits, so the
budget is kept to the instruction. ``pc`` numbers the chunk to go on with, the last one is the way
out. Whatever leaves the function in the middle does so with an exception; the line number of the
statement tells which instruction it was, and :meth:`Region.unwind` puts the registers back.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, TracebackType
from typing import Any

from ringside.isa.instruction import Insn
from ringside.machine.translator import values
from ringside.machine.translator.analysis import costs, is_tail, liveness
from ringside.machine.translator.body import FREE, REGISTERS, VIEWS, Range, union
from ringside.machine.translator.emit import Emitter, Flow
from ringside.machine.translator.graph import Block, Find, Plan, discover, plan
from ringside.machine.translator.inline import Unsupported
from ringside.machine.translator.mode import Mode
from ringside.machine.translator.sites import Site, Sites
from ringside.machine.translator.statements import stamp, tidy
from ringside.machine.translator.values import assign, compare, load, negate, number, store

Enter = Callable[[Any, int, int], int]
Marks = Callable[[int], tuple[int, ...]]
"""The processor's counters that the instruction at an offset makes go up."""


def no_marks(offset: int) -> tuple[int, ...]:
    """Nothing is counted."""
    return ()


@dataclass(slots=True)
class Line:
    """What an interrupted instruction needs to be undone: where, when, and whose flags."""

    eip: int
    spent: int  # ticks used since ``left`` was last brought up to date
    status: int  # site numbers, -1 for "as fk and ck say"
    carry: int
    marks: tuple[tuple[int, int], ...]  # counters of the processor, and what they lack


class Region:
    """A translated piece of one page."""

    __slots__ = ("enter", "entries", "entry", "lines", "retries", "sites", "spans", "written")

    def __init__(
        self,
        entry: int,
        enter: Enter,
        entries: dict[int, int],
        lines: list[Line],
        sites: Sites,
        written: list[int],
        spans: list[tuple[int, int]],
    ) -> None:
        self.entry = entry
        self.enter = enter
        self.entries = entries  # offset -> chunk number
        self.lines = lines
        self.sites = sites
        self.written = written
        self.spans = spans  # the code it was made from: offsets, end excluded
        self.retries: dict[int, int] = {}  # offset -> times it stepped aside

    def unwind(self, cpu: Any, traceback: TracebackType | None) -> int:
        """Put the CPU where the interrupted instruction starts; give the budget left."""
        while traceback is not None and traceback.tb_frame.f_code is not self.code:
            traceback = traceback.tb_next
        assert traceback is not None
        assert traceback.tb_lineno >= FIRST_LINE, "only an instruction may leave in the middle"
        line = self.lines[traceback.tb_lineno - FIRST_LINE]
        found = traceback.tb_frame.f_locals
        for index in self.written:
            cpu.regs[index] = found[REGISTERS[index]] & 0xFFFF_FFFF
        cpu.eip = line.eip
        fk = found["fk"] if line.status < 0 else line.status
        ck = found["ck"] if line.carry < 0 else line.carry
        kept = tuple([found[local] for local in self.sites.kept])
        self.sites.hand_over(cpu, fk, ck, kept)
        for counter, count in line.marks:
            cpu.tally[counter] += count
        return int(found["left"]) - line.spent

    @property
    def code(self) -> object:
        """The generated function's code object."""
        return self.enter.__code__


FIRST_LINE = 2


@dataclass(slots=True)
class Edge:
    """The end of a path that runs on into a join: its statements and what is known there."""

    statements: list[ast.stmt]
    ranges: dict[str, Range]
    status: Site | None
    carry: Site | None
    spent: int
    pending: dict[int, int] = field(default_factory=dict)
    named: bool = False  # whether it tells ``join`` where it goes


class Translator(Emitter):
    """Writes one region."""

    def __init__(self, mode: Mode, careful: frozenset[int], marks: Marks = no_marks) -> None:
        super().__init__(mode)
        self.careful_at = careful
        self.marks = marks
        self.pending: dict[int, int] = {}  # counters, and how much was not yet added to them
        self.lines: list[Line] = []
        self.spent = 0
        self.number: dict[int, int] = {}  # chunk head -> pc
        self.arriving: dict[int, list[Edge]] = {}  # join -> paths that fall into it
        self.head = -1
        self.loops = False
        self.copies = False
        self.module = ast.Module([], [])  # what was compiled, for whoever wants to read it

    # -- blocks ----------------------------------------------------------------------------------

    def tree(self, start: int) -> set[int]:
        """Write a block and all that hangs from it; give the joins its paths fall into."""
        block = self.plan.blocks[start]
        flow: Flow | None = None
        lives, reads = liveness(block.insns)
        for k, (eip, insn) in enumerate(block.insns):
            self.begin(eip)
            first = len(self.statements)
            before = self.state([])
            if insn.rep:
                return self.joins(block, self.repeat(block, eip, insn))
            try:
                flow = self.instruction(insn, eip, lives[k], reads[k])
            except Unsupported:
                del self.statements[first:]
                self.restore(before)
                self.leave(eip)
                self.stamp(first)
                return set()
            self.spent += 1
            for counter in self.marks(eip):
                self.pending[counter] = self.pending.get(counter, 0) + 1
            self.stamp(first)
        if flow is None:
            return self.edge(block.to[0])
        if flow.test is not None:
            falls = self.fork(flow)
        elif flow.taken is not None:
            falls = self.edge(flow.taken)
        else:
            self.dispatch()
            falls = set()
        return self.joins(block, falls)

    def joins(self, block: Block, falls: set[int]) -> set[int]:
        for join in sorted(block.joins, key=self.plan.order.index):
            falls = self.join(join, falls)
        return falls

    def repeat(self, block: Block, eip: int, insn: Insn) -> set[int]:
        """Write a repeated string instruction: each turn is one of the block's own loop.

        SDM vol. 2, "REP": the count is tested first, then ZF after each element of a comparison.
        """
        _, after, _ = block.to
        first = len(self.statements)
        before = self.state([])
        if insn.addr_bits != 32:
            self.leave(eip)
            return set()
        count = self.exact("ecx")
        none: list[ast.stmt] = []
        rest: list[ast.stmt] = []
        outer, here = self.statements, self.state([])
        self.statements = none
        self.spent += 1
        falls = self.edge(after)
        self.restore(here)
        outer.append(ast.If(negate(count.node), none, rest))
        stamp(count.node, len(self.lines) + FIRST_LINE - 1)
        self.begin(eip)  # again: the arm may have written other instructions
        # Where not repeating at all leaves the chunk, the rest need not be indented.
        self.statements = rest if falls else outer
        begun = len(self.statements)
        try:
            self.instruction(insn, eip, True, True)
        except Unsupported:
            self.arriving[after] = [
                e for e in self.arriving.get(after, ()) if e.statements is not none
            ]
            self.statements = outer
            del outer[first:]
            self.restore(before)
            self.leave(eip)
            return set()
        left = values.sub(values.name("ecx", 1, values.MASK), values.const(1))
        self.emit(assign("ecx", left.node))
        self.bound("ecx", left)
        again: ast.expr = load("ecx")
        if insn.row.repeat == "repe":
            equal = values.truth(self.flag("zf"))
            if insn.rep == "repne":
                equal = negate(equal)
            again = ast.BoolOp(ast.And(), [again, equal])
        self.stamp(begun)
        self.spent += 1
        falls = falls | self.fork(Flow(again, eip, after))
        self.statements = outer
        return falls

    def fork(self, flow: Flow) -> set[int]:
        assert flow.test is not None and flow.taken is not None and flow.other is not None
        decided = values.known(flow.test)
        if decided is not None:
            return self.edge(flow.taken if decided else flow.other)
        stamp(flow.test, len(self.lines) + FIRST_LINE - 1)
        state = self.state([])
        outer = self.statements
        yes: list[ast.stmt] = []
        self.statements = yes
        falls = self.edge(flow.taken)
        self.restore(state)
        if not falls:  # then the other arm need not be indented
            self.statements = outer
            self.emit(ast.If(flow.test, yes, []))
            return self.edge(flow.other)
        no: list[ast.stmt] = []
        self.statements = no
        falls = falls | self.edge(flow.other)
        self.statements = outer
        self.emit(ast.If(flow.test, yes, no))
        return falls

    def state(self, statements: list[ast.stmt]) -> Edge:
        return Edge(
            statements, dict(self.ranges), self.status, self.carry, self.spent, dict(self.pending)
        )

    def restore(self, state: Edge) -> None:
        self.ranges = dict(state.ranges)
        self.status, self.carry, self.spent = state.status, state.carry, state.spent
        self.pending = dict(state.pending)

    def join(self, start: int, falls: set[int]) -> set[int]:
        """Write a join after the arms that fall into it."""
        edges = self.arriving.pop(start, [])
        if not edges:
            return falls
        ranges = edges[0].ranges
        for edge in edges[1:]:
            ranges = union(ranges, edge.ranges)
        spent = min(edge.spent for edge in edges)
        agree = all(e.status is edges[0].status and e.carry is edges[0].carry for e in edges)
        outer = self.statements
        for edge in edges:
            self.statements = edge.statements
            self.status, self.carry = edge.status, edge.carry
            if not agree:
                self.publish()
            self.spend(edge.spent - spent)
        self.statements = outer
        known = edges[0]
        self.restore(Edge([], ranges, known.status, known.carry, spent))
        if not agree:
            self.status = self.carry = None
        if falls == {start}:
            return self.tree(start)
        # Paths to other joins pass here too, so each has to say where it goes.
        self.arriving[start] = edges
        for other in falls:
            for edge in self.arriving[other]:
                if not edge.named:
                    edge.named = True
                    edge.statements.append(assign("join", number(other)))
        del self.arriving[start]
        outer = self.statements
        guarded: list[ast.stmt] = []
        self.statements = guarded
        after = self.tree(start)
        self.statements = outer
        self.emit(ast.If(compare(load("join"), ast.Eq(), number(start)), guarded, []))
        return falls - {start} | after

    # -- edges -----------------------------------------------------------------------------------

    def edge(self, target: int) -> set[int]:
        """Go to ``target``: write it here, fall into a join, or leave the chunk."""
        block = self.plan.blocks.get(target)
        if block is None:
            self.leave(target)
            return set()
        if target not in self.number:
            if len(block.back) == 1:
                return self.tree(target)
            self.count()
            edge = self.state(self.statements)
            self.arriving.setdefault(target, []).append(edge)
            return {target}
        if self.copies and is_tail(block):
            return self.tree(target)
        self.publish()
        self.settle_ranges()
        self.count()
        self.spend(self.spent)
        if target == self.head and self.loops:
            self.emit(ast.Continue())
        else:
            self.emit(assign("pc", number(self.number[target])))
            self.emit(ast.Break() if self.loops else ast.Continue())
        return set()

    def settle_ranges(self) -> None:
        """Between chunks every register but ESP is in range."""
        for slot in REGISTERS:
            if slot != "esp":
                self.normalise(slot)

    def spend(self, ticks: int) -> None:
        if ticks > 0:
            self.emit(ast.AugAssign(store("left"), ast.Sub(), number(ticks)))
        elif ticks < 0:
            self.emit(ast.AugAssign(store("left"), ast.Add(), number(-ticks)))

    def count(self) -> None:
        """Bring the processor's counters up to date."""
        for counter, count in self.pending.items():
            self.used.add("tally")
            place = ast.Subscript(load("tally"), number(counter), values.STORE)
            self.emit(ast.AugAssign(place, ast.Add(), number(count)))
        self.pending = {}

    def leave(self, target: int) -> None:
        """Leave the function; go on at ``target``."""
        self.publish()
        self.count()
        self.spend(self.spent)
        self.emit(assign("eip", number(target)))
        self.emit(assign("pc", number(len(self.number))))
        self.emit(ast.Break() if self.loops else ast.Continue())

    def dispatch(self) -> None:
        """Go to the offset in the local ``eip``: a chunk, or out."""
        self.publish()
        self.settle_ranges()
        self.count()
        self.spend(self.spent)
        self.used.add("find")
        found: list[ast.expr] = [load("eip"), number(len(self.number))]
        self.emit(assign("pc", ast.Call(load("find"), found, [])))
        self.emit(ast.Break() if self.loops else ast.Continue())

    # -- chunks ----------------------------------------------------------------------------------

    def chunk(self, start: int) -> list[ast.stmt]:
        blocks = self.plan.blocks
        self.head = start
        mine = [block for block in blocks.values() if block.chunk == start]
        self.loops = any(start in block.to for block in mine)
        self.ranges = {"esp": FREE}
        self.status = self.carry = None
        self.pending = {}
        longest, turns = costs(start, blocks, True)
        self.copies = True
        if self.loops and turns != {longest}:
            without = costs(start, blocks, False)
            if without[1] == {without[0]}:  # copies would make the loop uneven
                (longest, turns), self.copies = without, False
        self.statements = []
        counted = self.loops and turns == {longest}
        self.spent = -longest if counted else 0
        falls = self.tree(start)
        assert not falls and not self.arriving
        body = self.statements
        out = [assign("eip", number(start)), assign("pc", number(len(self.number)))]
        budget = load("left")
        if counted:
            steps: list[ast.expr] = [
                ast.BinOp(budget, ast.Sub(), number(longest)), number(-1), number(-longest)
            ]  # fmt: skip
            turn = ast.Call(load("range"), steps, [])
            return [ast.For(store("left"), turn, body, out)]
        if self.loops:
            return [ast.While(compare(budget, ast.GtE(), number(longest)), body, out)]
        return [ast.If(compare(budget, ast.GtE(), number(longest)), body, out)]

    def choose(self, chunks: list[list[ast.stmt]], first: int) -> list[ast.stmt]:
        """Choose one of ``chunks`` by ``pc``; the first has number ``first``."""
        if len(chunks) == 1:
            return chunks[0]
        half = len(chunks) // 2
        condition = compare(load("pc"), ast.Lt(), number(first + half))
        return [
            ast.If(
                condition,
                self.choose(chunks[:half], first),
                self.choose(chunks[half:], first + half),
            )
        ]

    def begin(self, eip: int) -> None:
        self.careful = eip in self.careful_at
        status = -1 if self.status is None else self.status.number
        carry = -1 if self.carry is None else self.carry.number
        self.lines.append(Line(eip, self.spent, status, carry, tuple(self.pending.items())))

    def stamp(self, first: int) -> None:
        line = len(self.lines) + FIRST_LINE - 1
        for statement in self.statements[first:]:
            stamp(statement, line)

    # -- the function ----------------------------------------------------------------------------

    def translate(self, entry: int, region_plan: Plan) -> Region:
        """Make the function."""
        self.plan = region_plan
        blocks = region_plan.blocks
        self.number = {start: k for k, start in enumerate(region_plan.chunks)}
        chunks = [self.chunk(start) for start in region_plan.chunks]
        chunks.append(self.epilogue())
        for everything in self.tuples:
            everything.elts = [load(local) for local in self.sites.kept]
        loop = ast.While(ast.Constant(True), self.choose(chunks, 0), [])
        body = [*self.prologue(), loop]
        arguments = ast.arguments(
            posonlyargs=[], args=[ast.arg("cpu"), ast.arg("left"), ast.arg("pc")],
            kwonlyargs=[], kw_defaults=[], defaults=[],
        )  # fmt: skip
        function = ast.FunctionDef("region", arguments, body, [])
        tidy(body)
        stamp(function, 1)
        module = ast.Module([function], [])
        entries = dict(self.number)
        self.globals |= {"entry_of": entries.get, "hand_over": self.sites.hand_over}
        code = compile(module, f"<region {entry:#x}>", "exec")
        code = next(c for c in code.co_consts if hasattr(c, "co_code"))
        enter: Any = FunctionType(code, self.globals, "region")
        spans = [(eip, eip + insn.length) for b in blocks.values() for eip, insn in b.insns]
        written = [k for k, register in enumerate(REGISTERS) if register in self.written]
        self.module = module
        return Region(entry, enter, entries, self.lines, self.sites, written, spans)

    def prologue(self) -> list[ast.stmt]:
        def attribute(*path: str) -> ast.expr:
            node: ast.expr = load("cpu")
            for part in path:
                node = ast.Attribute(node, part, values.LOAD)
            return node

        lines = [assign("fk", number(0), "ck", *dict.fromkeys(self.sites.kept))]
        registers = [r for r in REGISTERS if r in self.used or r in self.written]
        if registers:
            lines.append(assign("regs", attribute("regs")))
        for register in registers:
            index = number(REGISTERS.index(register))
            lines.append(assign(register, ast.Subscript(load("regs"), index, values.LOAD)))
        if "tally" in self.used:
            lines.append(assign("tally", attribute("tally")))
        if "find" in self.used:
            lines.append(assign("find", load("entry_of")))
        for pages in ("rd", "wr"):
            if pages in self.used:
                lines.append(assign(pages, attribute(pages)))
        for view in VIEWS.values():
            if view in self.used:
                lines.append(assign(view, attribute("memory", view)))
        return lines

    def epilogue(self) -> list[ast.stmt]:
        lines: list[ast.stmt] = []
        for index, register in enumerate(REGISTERS):
            if register in self.written:
                value: ast.expr = ast.BinOp(load(register), ast.BitAnd(), number(values.MASK))
                place = ast.Subscript(load("regs"), number(index), values.STORE)
                lines.append(ast.Assign([place], value))
        lines.append(ast.Assign([ast.Attribute(load("cpu"), "eip", values.STORE)], load("eip")))
        self.status = self.carry = None
        self.statements = []
        self.ask()
        if len(self.sites.numbered) > 1:
            lines += self.statements
        lines.append(ast.Return(load("left")))
        return lines


def translate(
    entry: int,
    mode: Mode,
    find: Find,
    wanted: Callable[[int], bool],
    careful: frozenset[int],
    ports: dict[str, object],
    marks: Marks = no_marks,
) -> Region | None:
    """Translate what is hot around ``entry``; None if not even its first instruction can be.

    ``careful`` are the offsets of instructions that left too often; ``ports`` has the functions
    ``read(linear, size)`` and ``write(linear, value, size)`` that those use; ``marks`` tells which
    counters of the processor an instruction makes go up.
    """
    blocks = discover(entry, find, wanted)
    if entry not in blocks:
        return None
    translator = Translator(mode, careful, marks)
    translator.globals |= ports
    return translator.translate(entry, plan(entry, blocks))
