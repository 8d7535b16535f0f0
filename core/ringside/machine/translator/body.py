"""The function body being written: statements, what is known of each local, and memory accesses.

Memory: ``rd`` and ``wr`` are the CPU's page maps (linear page -> physical minus linear address).
A page that is not in the map raises KeyError, a misaligned access raises ``Retry``; both leave the
block at exactly this instruction, which the interpreter then runs. So the good path pays for one
dictionary lookup and nothing else. An instruction that left too often is translated again as
``careful``: its accesses go through functions that cope with more.
"""

from __future__ import annotations

import ast
from typing import Any

from ringside.isa.width import Width
from ringside.machine.translator import values
from ringside.machine.translator.inline import Unsupported
from ringside.machine.translator.mode import Mode
from ringside.machine.translator.values import FAR, MASK, SPAN, Val, number

REGISTERS = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
Range = tuple[int, int, int]  # least, greatest, and a power of two (at most 4) that divides it

WHOLE = (0, MASK, 1)
FREE = (-FAR, FAR, 1)
VIEWS = {1: "m8", 2: "m16", 4: "m32"}


class Retry(Exception):
    """The interpreter has to run this instruction."""


def union(one: dict[str, Range], other: dict[str, Range]) -> dict[str, Range]:
    """What is known where two paths meet."""
    joined: dict[str, Range] = {}
    for slot in one.keys() | other.keys():
        (a, b, f), (c, d, g) = one.get(slot, WHOLE), other.get(slot, WHOLE)
        joined[slot] = (min(a, c), max(b, d), min(f, g))
    return joined


class Body:
    """Implements ``inline.Writer``; one per region."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.statements: list[ast.stmt] = []
        self.ranges: dict[str, Range] = {}
        self.saved: list[dict[str, Range]] = []
        self.used: set[str] = set()  # registers, views and maps the function needs
        self.written: set[str] = set()  # registers it changes
        self.globals: dict[str, object] = {"Retry": Retry}
        self.names: dict[int, str] = {}
        self.temporaries = 0
        self.careful = False
        self.pointer: tuple[Val, str] | None = None  # a place read and then written
        self.loads: list[ast.expr] = []  # this instruction's, wherever they end up

    # -- statements --------------------------------------------------------------------------

    def emit(self, statement: ast.stmt) -> None:
        self.statements.append(statement)

    def collect(self) -> list[ast.stmt]:
        before, self.statements = self.statements, []
        self.saved.append(dict(self.ranges))
        return before

    def resume(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        collected, self.statements = self.statements, statements
        self.ranges = union(self.saved.pop(), self.ranges)
        return collected

    def temporary(self) -> str:
        self.temporaries += 1
        return f"t{self.temporaries}"

    def outside(self, value: object, name: str) -> ast.expr:
        known = self.names.get(id(value))
        if known is None:
            known = self.names[id(value)] = f"{name}_" if name in self.globals else name
            self.globals[known] = value
        return values.load(known)

    def refuse(self) -> ast.stmt:
        return ast.Raise(values.load("Retry"))

    # -- slots: locals that count modulo 2**32 -------------------------------------------------

    def raw(self, slot: str) -> Val:
        if slot in REGISTERS:
            self.used.add(slot)
        lo, hi, _ = self.ranges.get(slot, WHOLE)
        return values.name(slot, lo, hi)

    def exact(self, slot: str) -> Val:
        self.normalise(slot)
        return self.raw(slot)

    def bound(self, slot: str, value: Val) -> None:
        self.ranges[slot] = (value.lo, value.hi, self.factor(value.node))
        if slot in REGISTERS:
            self.used.add(slot)
            self.written.add(slot)

    def normalise(self, slot: str) -> None:
        """Bring a slot into 0..2**32-1. One addition away, a comparison is cheaper than a mask."""
        lo, hi, factor = self.ranges.get(slot, WHOLE)
        if lo >= 0 and hi <= MASK:
            return
        fix: ast.stmt
        if lo >= -SPAN and hi < 2 * SPAN:
            up = values.compare(values.load(slot), ast.Lt(), number(0))
            down = values.compare(values.load(slot), ast.Gt(), number(MASK))
            add = ast.AugAssign(values.store(slot), ast.Add(), number(SPAN))
            take = ast.AugAssign(values.store(slot), ast.Sub(), number(SPAN))
            if lo >= 0:
                fix = ast.If(down, [take], [])
            else:
                fix = ast.If(up, [add], [ast.If(down, [take], [])] if hi > MASK else [])
        else:
            fix = ast.AugAssign(values.store(slot), ast.BitAnd(), number(MASK))
        self.emit(fix)
        self.ranges[slot] = (0, MASK, factor)

    def factor(self, node: ast.expr) -> int:
        """A power of two, at most 4, that surely divides the value of ``node``."""
        if isinstance(node, ast.Constant):
            return 4 if not node.value else min(node.value & -node.value, 4)  # type: ignore
        if isinstance(node, ast.Name):
            return self.ranges.get(node.id, WHOLE)[2]
        if isinstance(node, ast.BinOp):
            left, right = self.factor(node.left), self.factor(node.right)
            if isinstance(node.op, ast.Mult):
                return min(left * right, 4)
            if isinstance(node.op, ast.BitAnd):
                return max(left, right)
            if isinstance(node.op, ast.Add | ast.Sub | ast.BitOr | ast.BitXor):
                return min(left, right)
        return 1

    # -- memory ------------------------------------------------------------------------------

    def simple(self, value: Val) -> Val:
        """The value in a form that can be used several times."""
        if value.simple:
            return value
        local = self.temporary()
        self.emit(values.assign(local, value.node))
        self.bound(local, value)
        return values.name(local, value.lo, value.hi)

    def linear(self, seg: int, offset: Val, size: int, write: bool) -> Val:
        """The linear address of an access, checked against its segment."""
        shape = self.mode.shapes[seg]
        if not (shape.writable if write else shape.readable):
            raise Unsupported("the segment refuses this access")
        if self.careful or shape.base or shape.low:
            offset = values.masked(offset, MASK)
        offset = self.simple(offset)
        last = shape.high - size + 1
        if last < MASK:
            self.guard(values.test(offset, ast.Gt(), values.const(last)))
        if shape.low:
            self.guard(values.test(offset, ast.Lt(), values.const(shape.low)))
        return self.simple(values.add(offset, values.const(shape.base)))

    def guard(self, condition: ast.expr) -> None:
        """Leave the block if ``condition`` holds."""
        decided = values.known(condition)
        if decided is None or decided:
            refusal = self.refuse()
            self.emit(refusal if decided else ast.If(condition, [refusal], []))

    def place(self, address: Val, size: int, pages: str) -> ast.expr:
        """The index of an aligned element in its view of RAM."""
        if self.factor(address.node) % size:
            self.guard(values.truth(values.and_(address, values.const(size - 1))))
            if isinstance(address.node, ast.Name):
                lo, hi, _ = self.ranges.get(address.node.id, (address.lo, address.hi, 1))
                self.ranges[address.node.id] = (lo, hi, size)
        self.used.add(pages)
        page = values.shr(address, values.const(12))
        delta = ast.Subscript(values.load(pages), page.node, values.LOAD)
        where = ast.BinOp(address.node, ast.Add(), delta)
        if size == 1:
            return where
        return ast.BinOp(where, ast.RShift(), number(size.bit_length() - 1))

    def proven(self, address: Val) -> None:
        """An access worked, so its address is a linear address: what it is made of is in range."""
        if isinstance(address.node, ast.Name) and address.node.id in self.ranges:
            self.ranges[address.node.id] = (0, MASK, self.ranges[address.node.id][2])

    def element(self, size: int, index: ast.expr, context: ast.expr_context) -> ast.Subscript:
        view = VIEWS[size]
        self.used.add(view)
        return ast.Subscript(values.load(view), index, context)

    def load(self, seg: int, offset: Val, w: Width) -> Val:
        address = self.linear(seg, offset, w.bytes, False)
        if self.careful:
            return self.read_carefully(address, w)
        index = self.place(address, w.bytes, "rd")
        self.proven(address)
        element = self.element(w.bytes, index, values.LOAD)
        self.loads.append(element)
        return Val(element, 0, w.mask)

    def store(self, seg: int, offset: Val, value: Val, w: Width) -> None:
        address = self.linear(seg, offset, w.bytes, True)
        if not value.within(0, w.mask):
            value = values.masked(value, w.mask)
        if self.careful:
            self.emit(self.write_carefully(address, value, w))
            return
        target = self.element(w.bytes, self.place(address, w.bytes, "wr"), values.STORE)
        self.emit(ast.Assign([target], value.node))
        self.proven(address)

    def access_anyway(self, first: int, used: list[ast.expr]) -> None:
        """Make the accesses that folding left out: nobody needs the value, but they may fault."""
        if self.loads:
            places: list[ast.AST] = [*self.statements[first:], *used]
            present = {id(part) for place in places for part in ast.walk(place)}
            for access in self.loads:
                if id(access) not in present:
                    self.emit(ast.Expr(access))

    def load_for_store(self, seg: int, offset: Val, w: Width) -> Val:
        """Read a place that :meth:`store_back` will write: one check for both."""
        address = self.linear(seg, offset, w.bytes, True)
        if self.careful:
            self.pointer = (address, "")
            return self.read_carefully(address, w)
        local = self.temporary()
        self.emit(values.assign(local, self.place(address, w.bytes, "wr")))
        self.pointer = (address, local)
        self.proven(address)
        return Val(self.element(w.bytes, values.load(local), values.LOAD), 0, w.mask)

    def store_back(self, value: Val, w: Width) -> None:
        """Write the place :meth:`load_for_store` read."""
        assert self.pointer is not None
        address, local = self.pointer
        if not value.within(0, w.mask):
            value = values.masked(value, w.mask)
        if not local:
            self.emit(self.write_carefully(address, value, w))
            return
        target = self.element(w.bytes, values.load(local), values.STORE)
        self.emit(ast.Assign([target], value.node))

    def read_carefully(self, address: Val, w: Width) -> Val:
        call = ast.Call(values.load("read"), [address.node, number(w.bytes)], [])
        self.loads.append(call)
        return Val(call, 0, w.mask)

    def write_carefully(self, address: Val, value: Val, w: Width) -> ast.stmt:
        arguments: list[Any] = [address.node, value.node, number(w.bytes)]
        return ast.Expr(ast.Call(values.load("write"), arguments, []))
