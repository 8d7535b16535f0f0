"""Expressions with known ranges: what the translator computes with while it writes code.

A :class:`Val` is a syntax node and the interval its value lies in. Folding constants and dropping
masks that the interval makes needless is done here, once, for every meaning and flag function.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

MASK = 0xFFFF_FFFF
SPAN = MASK + 1  # registers are integers modulo this
SIGN = 0x8000_0000
FAR = 1 << 200  # stands for "no bound known"

LOAD = ast.Load()
STORE = ast.Store()


class Val(NamedTuple):
    """A pure expression and bounds of its value, both inclusive."""

    node: ast.expr
    lo: int
    hi: int

    @property
    def simple(self) -> bool:
        """Whether using it twice costs nothing."""
        return isinstance(self.node, ast.Name | ast.Constant)

    @property
    def constant(self) -> int | None:
        """The value, if it is known."""
        return self.lo if self.lo == self.hi else None

    def within(self, lo: int, hi: int) -> bool:
        """Whether the value surely lies in ``lo..hi``."""
        return lo <= self.lo and self.hi <= hi


def load(name: str) -> ast.Name:
    """Read a local."""
    return ast.Name(name, LOAD)


def store(name: str) -> ast.Name:
    """A local as an assignment's target."""
    return ast.Name(name, STORE)


def number(value: int) -> ast.Constant:
    """A literal."""
    return ast.Constant(value)


def const(value: int) -> Val:
    """A known value."""
    return Val(ast.Constant(value), value, value)


def name(identifier: str, lo: int, hi: int) -> Val:
    """A local with known bounds."""
    return Val(ast.Name(identifier, LOAD), lo, hi)


def assign(target: str, value: ast.expr, *more: str) -> ast.stmt:
    """``target = more = value``."""
    return ast.Assign([store(target), *(store(other) for other in more)], value)


def compare(x: ast.expr, op: ast.cmpop, y: ast.expr) -> ast.Compare:
    """One comparison."""
    return ast.Compare(x, [op], [y])


def _bits(high: int) -> int:
    return (1 << high.bit_length()) - 1


def _corners(f: Callable[[int, int], int], x: Val, y: Val) -> tuple[int, int]:
    values = (f(x.lo, y.lo), f(x.lo, y.hi), f(x.hi, y.lo), f(x.hi, y.hi))
    return max(min(values), -FAR), min(max(values), FAR)


def _plain(op: ast.operator, x: Val, y: Val, lo: int = -FAR, hi: int = FAR) -> Val:
    return Val(ast.BinOp(x.node, op, y.node), max(lo, -FAR), min(hi, FAR))


def add(x: Val, y: Val) -> Val:
    """``x + y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo + y.lo)
    if y.constant == 0:
        return x
    if x.constant == 0:
        return y
    if x.constant is not None:
        x, y = y, x
    if y.constant is not None and isinstance(x.node, ast.BinOp):
        inner = x.node  # (z + k) + y
        if isinstance(inner.right, ast.Constant) and isinstance(inner.op, ast.Add | ast.Sub):
            k = int(inner.right.value)  # type: ignore[arg-type]
            k = y.lo + (k if isinstance(inner.op, ast.Add) else -k)
            z = inner.left
            lo, hi = max(x.lo + y.lo, -FAR), min(x.hi + y.lo, FAR)
            if k == 0:
                return Val(z, lo, hi)
            op: ast.operator = ast.Add() if k > 0 else ast.Sub()
            return Val(ast.BinOp(z, op, number(abs(k))), lo, hi)
    if y.constant is not None and y.lo < 0:
        return _plain(ast.Sub(), x, const(-y.lo), x.lo + y.lo, x.hi + y.lo)
    return _plain(ast.Add(), x, y, x.lo + y.lo, x.hi + y.hi)


def sub(x: Val, y: Val) -> Val:
    """``x - y``."""
    if y.constant is not None:
        return add(x, const(-y.lo))
    return _plain(ast.Sub(), x, y, x.lo - y.hi, x.hi - y.lo)


def mul(x: Val, y: Val) -> Val:
    """``x * y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo * y.lo)
    if y.constant == 1:
        return x
    return _plain(ast.Mult(), x, y, *_corners(lambda a, b: a * b, x, y))


def and_(x: Val, y: Val) -> Val:
    """``x & y``."""
    if x.constant is not None:
        x, y = y, x
    k = y.constant
    if k is None:
        hi = min((v.hi for v in (x, y) if v.lo >= 0), default=FAR)
        return _plain(ast.BitAnd(), x, y, 0 if x.lo >= 0 or y.lo >= 0 else -FAR, hi)
    if x.constant is not None:
        return const(x.lo & k)
    if x.lo >= 0:
        if k & _bits(x.hi) == _bits(x.hi):
            return x
        if k & _bits(x.hi) == 0:
            return const(0)
        return _plain(ast.BitAnd(), x, y, 0, min(x.hi, k & _bits(x.hi)))
    return _plain(ast.BitAnd(), x, y, 0, k) if k >= 0 else _plain(ast.BitAnd(), x, y)


def or_(x: Val, y: Val) -> Val:
    """``x | y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo | y.lo)
    if x.constant == 0:
        return y
    if y.constant == 0:
        return x
    if x.lo >= 0 and y.lo >= 0:
        return _plain(ast.BitOr(), x, y, max(x.lo, y.lo), _bits(x.hi) | _bits(y.hi))
    return _plain(ast.BitOr(), x, y)


def xor(x: Val, y: Val) -> Val:
    """``x ^ y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo ^ y.lo)
    if y.constant == 0:
        return x
    if x.constant == 0:
        return y
    if isinstance(x.node, ast.Name) and isinstance(y.node, ast.Name) and x.node.id == y.node.id:
        return const(0)
    if x.lo >= 0 and y.lo >= 0:
        return _plain(ast.BitXor(), x, y, 0, _bits(x.hi) | _bits(y.hi))
    return _plain(ast.BitXor(), x, y)


def shl(x: Val, y: Val) -> Val:
    """``x << y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo << y.lo)
    if y.constant == 0:
        return x
    if y.lo >= 0 and y.hi <= 64:
        return _plain(ast.LShift(), x, y, *_corners(lambda a, b: a << b, x, y))
    return _plain(ast.LShift(), x, y)


def shr(x: Val, y: Val) -> Val:
    """``x >> y``."""
    if x.constant is not None and y.constant is not None:
        return const(x.lo >> y.lo)
    if y.constant == 0:
        return x
    if y.lo >= 0 and y.hi <= 256 and x.within(-FAR >> 1, FAR >> 1):
        return _plain(ast.RShift(), x, y, *_corners(lambda a, b: a >> b, x, y))
    return _plain(ast.RShift(), x, y, 0 if x.lo >= 0 else -FAR)


def divide(x: Val, y: Val) -> Val:
    """``x // y``."""
    if y.constant and x.constant is not None:
        return const(x.lo // y.lo)
    if x.lo >= 0 and y.lo >= 0:
        return _plain(ast.FloorDiv(), x, y, 0, x.hi)
    return _plain(ast.FloorDiv(), x, y)


def modulo(x: Val, y: Val) -> Val:
    """``x % y``."""
    if y.constant and x.constant is not None:
        return const(x.lo % y.lo)
    return _plain(ast.Mod(), x, y, 0, y.hi - 1) if y.lo >= 0 else _plain(ast.Mod(), x, y)


BINARY: dict[type[ast.operator], Callable[[Val, Val], Val]] = {
    ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.BitAnd: and_, ast.BitOr: or_, ast.BitXor: xor,
    ast.LShift: shl, ast.RShift: shr, ast.FloorDiv: divide, ast.Mod: modulo,
}  # fmt: skip

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE,
    ast.LtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip

_FIXED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: lambda x, y: x == y, ast.NotEq: lambda x, y: x != y, ast.Lt: lambda x, y: x < y,
    ast.GtE: lambda x, y: x >= y, ast.Gt: lambda x, y: x > y, ast.LtE: lambda x, y: x <= y,
}  # fmt: skip


def known(node: ast.expr) -> bool | None:
    """The truth of a test, if it is decided."""
    return bool(node.value) if isinstance(node, ast.Constant) else None


def negate(test: ast.expr) -> ast.expr:
    """The opposite test."""
    if isinstance(test, ast.Constant):
        return ast.Constant(not test.value)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _unsigned(node: ast.expr, sign: int) -> ast.expr | None:
    """``x`` of ``x ^ sign``."""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.BitXor)
        and isinstance(node.right, ast.Constant)
        and node.right.value == sign
    ):
        return node.left
    return None


def _signed(x: Val, op: ast.cmpop, y: Val) -> ast.expr | None:
    """A signed comparison, written as operands with the sign bit flipped, made cheaper.

    Python compares faster than it flips: with a constant the signed order is an unsigned
    interval; with two variables only operands of different sign need the opposite order.
    """
    for sign in (0x80, 0x8000, SIGN):
        a = _unsigned(x.node, sign)
        if a is None or not x.within(0, 2 * sign - 1) or not isinstance(op, ast.Lt | ast.LtE):
            continue
        if y.constant is not None:
            k = y.lo + isinstance(op, ast.LtE)  # the test is: a ^ sign < k
            if k <= 0 or k >= 2 * sign:
                return ast.Constant(k > 0)
            if k == sign:
                return compare(a, ast.GtE(), number(sign))
            between: list[ast.cmpop] = [ast.LtE(), ast.Lt()]
            if k < sign:
                return ast.Compare(number(sign), between, [a, number(sign + k)])
            return negate(ast.Compare(number(k - sign), between, [a, number(sign)]))
        b = _unsigned(y.node, sign)
        if b is None or not y.within(0, 2 * sign - 1):
            continue
        if isinstance(a, ast.Name) and isinstance(b, ast.Name):
            same = compare(ast.BinOp(a, ast.BitXor(), b), ast.Lt(), number(sign))
            return ast.IfExp(same, compare(a, op, b), compare(b, type(op)(), a))
    return None


def test(x: Val, op: ast.cmpop, y: Val) -> ast.expr:
    """The comparison ``x op y`` as a test."""
    decide = _FIXED.get(type(op))
    if decide is not None:
        if x.constant is not None and y.constant is not None:
            return ast.Constant(decide(x.lo, y.lo))
        if isinstance(op, ast.Lt | ast.GtE) and (x.hi < y.lo or x.lo >= y.hi):
            return ast.Constant((x.hi < y.lo) == isinstance(op, ast.Lt))
        if isinstance(op, ast.Gt | ast.LtE) and (x.hi <= y.lo or x.lo > y.hi):
            return ast.Constant((x.hi <= y.lo) == isinstance(op, ast.LtE))
        if isinstance(op, ast.Eq | ast.NotEq) and (x.hi < y.lo or y.hi < x.lo):
            return ast.Constant(isinstance(op, ast.NotEq))
    return _signed(x, op, y) or compare(x.node, op, y.node)


def truth(x: Val) -> ast.expr:
    """``x != 0`` as a test, in its cheapest form."""
    node = x.node
    if x.constant is not None:
        return ast.Constant(x.lo != 0)
    if x.lo > 0 or x.hi < 0:
        return ast.Constant(True)
    if isinstance(node, ast.IfExp):
        yes, no = known(node.body), known(node.orelse)
        if yes is not None and no is not None:
            if yes == no:
                return ast.Constant(yes)
            return node.test if yes else negate(node.test)
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        k = node.right.value
        if isinstance(node.op, ast.BitXor) and k == 1 and x.within(0, 1):
            return negate(truth(Val(node.left, 0, 1)))
        if isinstance(node.op, ast.RShift) and isinstance(k, int) and x.lo >= 0:
            return compare(node.left, ast.GtE(), number(1 << k))
        if isinstance(node.op, ast.BitAnd) and isinstance(node.left, ast.BinOp):
            # (p - q) & mask is zero only for p == q when both lie within the mask.
            difference = node.left
            if isinstance(difference.op, ast.Sub) and getattr(node, "narrow", False):
                return compare(difference.left, ast.NotEq(), difference.right)
    return node


def masked(x: Val, mask: int) -> Val:
    """``x & mask`` for a mask of low ones, remembering when ``x`` cannot wrap onto zero."""
    result = and_(x, const(mask))
    if isinstance(result.node, ast.BinOp) and x.within(-mask, mask):
        setattr(result.node, "narrow", True)  # noqa: B010
    return result


def choose(condition: ast.expr, yes: Val, no: Val) -> Val:
    """``yes if condition else no``."""
    decided = known(condition)
    if decided is not None:
        return yes if decided else no
    if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
        condition, yes, no = condition.operand, no, yes
    node = ast.IfExp(condition, yes.node, no.node)
    return Val(node, min(yes.lo, no.lo), max(yes.hi, no.hi))
