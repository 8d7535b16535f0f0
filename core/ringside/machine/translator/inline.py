"""Inlining: the statements of a meaning, specialised for one instruction's operands.

The meaning of an instruction row is a plain function of values. Here its syntax tree is evaluated
symbolically: parameters become locals or constants, widths and masks fold away, and what remains
is written into the block being translated. There is no second definition of any instruction.

Registers are kept modulo 2**32: a local may hold an integer that is only *congruent* to the
register's value. Asking for a value ``exact`` brings it into range first; addition, subtraction,
masks and addresses do not need that, because a wrong address is never in the page maps.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ringside.isa.width import Width
from ringside.machine.translator import values
from ringside.machine.translator.source import tree_of, uses
from ringside.machine.translator.values import MASK, Val, const


class Unsupported(Exception):
    """The meaning uses a form that is not inlined; the interpreter runs the instruction."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A local of the generated function whose value counts modulo 2**32."""

    name: str


@dataclass(frozen=True, slots=True)
class Static:
    """An object known at translation time: a width, the memory port, a module's constant."""

    value: object


PORT = Static("the memory port")
Binding = Val | Slot | Static


class Writer(Protocol):
    """Where an inlined meaning writes to."""

    def emit(self, statement: ast.stmt) -> None: ...
    def collect(self) -> list[ast.stmt]:
        """Write to a new list from now on; give the list used until now."""
        ...

    def resume(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Go back to ``statements``; give what was collected."""
        ...

    def temporary(self) -> str: ...
    def raw(self, slot: str) -> Val: ...
    def exact(self, slot: str) -> Val: ...
    def bound(self, slot: str, value: Val) -> None:
        """Note the range of what was just assigned to ``slot``."""
        ...

    def load(self, seg: int, offset: Val, w: Width) -> Val: ...
    def store(self, seg: int, offset: Val, value: Val, w: Width) -> None: ...
    def refuse(self) -> ast.stmt:
        """Leave the block and have the interpreter run this instruction."""
        ...

    def outside(self, value: object, name: str) -> ast.expr:
        """A name under which the generated function finds ``value``."""
        ...


class Inliner:
    """One evaluation of one function with given bindings of its parameters."""

    def __init__(
        self, writer: Writer, function: Callable[..., Any], env: dict[str, Binding]
    ) -> None:
        self.writer = writer
        self.function = function
        self.env = env
        self.counts = uses(function)
        self.lazy: dict[str, ast.expr] = {}
        self.variables: dict[str, str] = {}
        self.conditional = 0

    # -- statements --------------------------------------------------------------------------

    def run(self, exact: tuple[bool, ...]) -> list[Val]:
        """Write the body; give the returned values, each exact or modulo 2**32 as asked."""
        tree = tree_of(self.function)
        assigned: dict[str, int] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                assigned[node.id] = assigned.get(node.id, 0) + 1
        self.changing = {name for name, times in assigned.items() if times > 1}
        *body, last = tree.body
        self.block(body)
        if not isinstance(last, ast.Return) or last.value is None:
            raise Unsupported("no final return")
        if not exact:
            return []
        results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        return [self.value(node, want) for node, want in zip(results, exact, strict=True)]

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.Assign):
                self.assign(statement)
            elif isinstance(statement, ast.If):
                self.branch(statement)
            elif isinstance(statement, ast.Raise):
                self.writer.emit(self.writer.refuse())
            elif isinstance(statement, ast.Expr):
                self.expression(statement.value)
            else:
                raise Unsupported(type(statement).__name__)

    def assign(self, statement: ast.Assign) -> None:
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            raise Unsupported("assignment to several names")
        name = target.id
        if name in self.changing or self.conditional:
            value = self.value(statement.value, True)
            local = self.variables.get(name) or self.writer.temporary()
            self.variables[name] = local
            self.writer.emit(values.assign(local, value.node))
            self.env[name] = values.name(local, value.lo, value.hi)
        elif self.counts.get(name, 0) <= 1 and self.timeless(statement.value):
            self.lazy[name] = statement.value  # evaluated where it is used
        else:
            self.env[name] = self.keep(statement.value, self.counts.get(name, 0) > 1)

    def timeless(self, node: ast.expr) -> bool:
        """Whether evaluating later gives the same: no calls, no local that is assigned again."""
        return not any(
            isinstance(part, ast.Call) or (isinstance(part, ast.Name) and part.id in self.changing)
            for part in ast.walk(node)
        )

    def keep(self, node: ast.expr, several: bool) -> Binding:
        """Evaluate once for several uses; a value masked to 32 bits stays unmasked until needed."""
        wraps = (
            several
            and isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.BitAnd)
            and MASK in (self.constant(node.left), self.constant(node.right))
        )
        value = self.value(node, not wraps)
        wraps = wraps and not value.within(0, MASK)
        if wraps and value.constant is not None:
            return const(value.constant & MASK)
        if wraps and isinstance(value.node, ast.Name):
            return Slot(value.node.id)
        if value.simple or not several:
            return value
        local = self.writer.temporary()
        self.writer.emit(values.assign(local, value.node))
        self.writer.bound(local, value)
        return Slot(local) if wraps else values.name(local, value.lo, value.hi)

    def branch(self, statement: ast.If) -> None:
        condition = self.test(statement.test)
        decided = values.known(condition)
        if decided is not None:
            self.block(statement.body if decided else statement.orelse)
            return
        before = dict(self.env)
        outer = self.writer.collect()
        self.conditional += 1
        self.block(statement.body)
        yes, after_yes = self.writer.resume(outer), self.env
        self.env = dict(before)
        self.writer.collect()
        self.block(statement.orelse)
        self.conditional -= 1
        no = self.writer.resume(outer)
        leaves = any(isinstance(s, ast.Raise) for s in yes)
        if not leaves:
            self.env = {name: _join(after_yes.get(name), b) for name, b in self.env.items()}
            self.env |= {name: b for name, b in after_yes.items() if name not in self.env}
        if yes or no:
            self.writer.emit(
                ast.If(condition, yes, no) if yes else ast.If(values.negate(condition), no, [])
            )

    def expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant):
            return  # the docstring
        method, arguments = self.port_call(node)
        if method != "store" or self.conditional:
            raise Unsupported("call for effect")
        seg, offset, value, w = arguments
        width = self.static(w)
        assert isinstance(width, Width)
        stored = self.value(value, True)
        self.writer.store(self.number(seg), self.value(offset, False), stored, width)

    def port_call(self, node: ast.expr) -> tuple[str, list[ast.expr]]:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and self.env.get(node.func.value.id) is PORT
        ):
            return node.func.attr, node.args
        return "", []

    # -- values known at translation time ----------------------------------------------------

    def static(self, node: ast.expr) -> object:
        """The object a name or attribute stands for, or None."""
        if isinstance(node, ast.Name):
            bound = self.env.get(node.id)
            if bound is None and node.id not in self.lazy:
                return self.function.__globals__.get(node.id)
            return bound.value if isinstance(bound, Static) else None
        if isinstance(node, ast.Attribute):
            base = self.static(node.value)
            return None if base is None else getattr(base, node.attr)
        return None

    def constant(self, node: ast.expr) -> int | None:
        """The value of an expression of constants, or None."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, int) else None
        if isinstance(node, ast.Name):
            bound = self.env.get(node.id)
            if isinstance(bound, Val):
                return bound.constant
            if node.id in self.lazy:
                return self.constant(self.lazy[node.id])
        if isinstance(node, ast.Name | ast.Attribute):
            found = self.static(node)
            return found if isinstance(found, int) else None
        if isinstance(node, ast.BinOp):
            x, y = self.constant(node.left), self.constant(node.right)
            if x is not None and y is not None:
                return values.BINARY[type(node.op)](const(x), const(y)).constant
        elif isinstance(node, ast.UnaryOp):
            x = self.constant(node.operand)
            if x is not None:
                return -x if isinstance(node.op, ast.USub) else ~x
        return None

    def number(self, node: ast.expr) -> int:
        """A constant that must be one."""
        found = self.constant(node)
        if found is None:
            raise Unsupported("segment not known")
        return found

    # -- values ------------------------------------------------------------------------------

    def value(self, node: ast.expr, exact: bool) -> Val:
        """Evaluate; unless ``exact``, the result need only be right modulo 2**32."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return const(int(node.value))
        if isinstance(node, ast.Name):
            return self.named(node, exact)
        if isinstance(node, ast.BinOp):
            return self.binary(node, exact)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            x = self.value(node.operand, exact)
            if isinstance(node.op, ast.USub):
                return values.sub(const(0), x) if x.constant is None else const(-x.lo)
            if x.constant is not None:
                return const(~x.lo)
            return Val(ast.UnaryOp(ast.Invert(), x.node), ~x.hi, ~x.lo)
        if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return values.choose(self.test(node), const(1), const(0))
        if isinstance(node, ast.IfExp):
            condition = self.test(node.test)
            decided = values.known(condition)
            if decided is not None:
                return self.value(node.body if decided else node.orelse, exact)
            self.conditional += 1
            yes, no = self.value(node.body, exact), self.value(node.orelse, exact)
            self.conditional -= 1
            return values.choose(condition, yes, no)
        if isinstance(node, ast.Attribute):
            found = self.constant(node)
            if found is not None:
                return const(found)
        if isinstance(node, ast.Call):
            return self.call(node)
        raise Unsupported(ast.dump(node)[:80])

    def named(self, node: ast.Name, exact: bool) -> Val:
        bound = self.env.get(node.id)
        if isinstance(bound, Val):
            return bound
        if isinstance(bound, Slot):
            return self.writer.exact(bound.name) if exact else self.writer.raw(bound.name)
        if node.id in self.lazy:
            return self.value(self.lazy[node.id], exact)
        found = self.constant(node)
        if found is None:
            raise Unsupported(f"name {node.id}")
        return const(found)

    def binary(self, node: ast.BinOp, exact: bool) -> Val:
        op = type(node.op)
        if op is ast.BitAnd:
            k, other = self.constant(node.right), node.left
            if k is None:
                k, other = self.constant(node.left), node.right
            if k is not None:
                return self.mask(other, k, exact)
        fold = values.BINARY.get(op)
        if fold is None:
            raise Unsupported(op.__name__)
        if op in (ast.RShift, ast.FloorDiv, ast.Mod):
            exact = True
        right_exact = exact or op is ast.LShift
        return fold(self.value(node.left, exact), self.value(node.right, right_exact))

    def mask(self, other: ast.expr, k: int, exact: bool) -> Val:
        """``other & k`` for a constant."""
        if 0 <= k <= MASK:
            x = self.value(other, False)
            if k == MASK and not exact:
                return x
            return values.masked(x, k) if k & (k + 1) == 0 else values.and_(x, const(k))
        if k & MASK == 0 and not exact:
            return const(0)
        return values.and_(self.value(other, exact), const(k))

    def call(self, node: ast.Call) -> Val:
        method, arguments = self.port_call(node)
        if method == "load":
            if self.conditional:
                raise Unsupported("load under a condition")
            seg, offset, w = arguments
            width = self.static(w)
            assert isinstance(width, Width)
            return self.writer.load(self.number(seg), self.value(offset, False), width)
        if method or node.keywords:
            raise Unsupported("call")
        given = [self.value(argument, True).node for argument in node.args]
        if isinstance(node.func, ast.Name):
            name = node.func.id
            function = self.function.__globals__.get(name) or getattr(builtins, name, None)
            if callable(function):
                callee = self.writer.outside(function, name)
                return Val(ast.Call(callee, given, []), -values.FAR, values.FAR)
        raise Unsupported("call")

    # -- tests -------------------------------------------------------------------------------

    def test(self, node: ast.expr) -> ast.expr:
        """Evaluate for its truth."""
        if isinstance(node, ast.Compare):
            if len(node.ops) == 1:
                left, right = self.value(node.left, True), self.value(node.comparators[0], True)
                return values.test(left, node.ops[0], right)
            chain = [self.value(other, True).node for other in node.comparators]
            return ast.Compare(self.value(node.left, True).node, node.ops, chain)
        if isinstance(node, ast.BoolOp):
            either = isinstance(node.op, ast.Or)
            parts = []
            for operand in node.values:
                part = self.test(operand)
                decided = values.known(part)
                if decided is None:
                    parts.append(part)
                elif decided == either:
                    return ast.Constant(either)
            if not parts:
                return ast.Constant(not either)
            return parts[0] if len(parts) == 1 else ast.BoolOp(node.op, parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return values.negate(self.test(node.operand))
        return values.truth(self.value(node, True))


class Slicer(Inliner):
    """Evaluates one flag of a flag function, and nothing the flag does not need."""

    def __init__(
        self, writer: Writer, function: Callable[..., Any], env: dict[str, Binding]
    ) -> None:
        super().__init__(writer, function, env)
        for statement in tree_of(function).body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    assert isinstance(target, ast.Name)
                    self.lazy[target.id] = statement.value
            elif not isinstance(statement, ast.Expr | ast.Return):
                raise Unsupported("flag function with branches")

    def has(self, flag: str) -> bool:
        """Whether the function sets ``flag`` (or a shortcut of that name)."""
        node = self.lazy.get(flag)
        return node is not None and not (isinstance(node, ast.Constant) and node.value is None)

    def flag(self, flag: str) -> Val:
        """The value of one flag, 0 or 1."""
        value = self.value(self.lazy[flag], True)
        return Val(value.node, max(value.lo, 0), min(value.hi, 1))


def _join(one: Binding | None, other: Binding) -> Binding:
    if isinstance(one, Val) and isinstance(other, Val) and one is not other:
        return Val(other.node, min(one.lo, other.lo), max(one.hi, other.hi))
    return other
