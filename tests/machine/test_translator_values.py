"""The translator's arithmetic: an expression it built is the number it says, within its bounds."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.machine.translator import values
from ringside.machine.translator.values import Val, const

MASK = 0xFFFF_FFFF
WORDS = st.integers(0, MASK) | st.sampled_from([0, 1, 0x7FFF_FFFF, 0x8000_0000, MASK])
PLAIN = {
    ast.Add: lambda x, y: x + y, ast.Sub: lambda x, y: x - y, ast.Mult: lambda x, y: x * y,
    ast.BitAnd: lambda x, y: x & y, ast.BitOr: lambda x, y: x | y, ast.BitXor: lambda x, y: x ^ y,
    ast.LShift: lambda x, y: x << (y & 63), ast.RShift: lambda x, y: x >> (y & 63),
}  # fmt: skip
COMPARISONS = {
    ast.Lt: lambda x, y: x < y, ast.LtE: lambda x, y: x <= y, ast.Gt: lambda x, y: x > y,
    ast.GtE: lambda x, y: x >= y, ast.Eq: lambda x, y: x == y, ast.NotEq: lambda x, y: x != y,
}  # fmt: skip


def evaluate(node, **names):
    expression = ast.fix_missing_locations(ast.Expression(node))
    return eval(compile(expression, "<test>", "eval"), {}, names)


@given(st.data())
def test_a_chain_of_operations_has_the_right_value_and_stays_in_its_bounds(data):
    numbers = {name: data.draw(WORDS) for name in "xyz"}
    value, truth = values.name("x", 0, MASK), numbers["x"]
    for _ in range(data.draw(st.integers(1, 5))):
        op = data.draw(st.sampled_from(list(PLAIN)))
        if op in (ast.LShift, ast.RShift):
            other, number = const(k := data.draw(st.integers(0, 40))), k
        elif data.draw(st.booleans()):
            other, number = const(k := data.draw(WORDS)), k
        else:
            name = data.draw(st.sampled_from("yz"))
            other, number = values.name(name, 0, MASK), numbers[name]
        value, truth = values.BINARY[op](value, other), PLAIN[op](truth, number)
        if data.draw(st.booleans()):
            value, truth = values.masked(value, MASK), truth & MASK
    assert evaluate(value.node, **numbers) == truth
    assert value.lo <= truth <= value.hi or value.hi >= values.FAR
    assert bool(evaluate(values.truth(value), **numbers)) == (truth != 0)


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("bits", [8, 16, 32])
@given(st.data())
def test_a_signed_comparison_keeps_its_meaning_in_every_form(op, bits, data):
    sign, mask = 1 << (bits - 1), (1 << bits) - 1
    x, y = (data.draw(WORDS) & mask for _ in range(2))
    flipped = values.xor(values.name("x", 0, mask), const(sign))
    constant = values.test(flipped, op(), const(y ^ sign))
    variable = values.test(flipped, op(), values.xor(values.name("y", 0, mask), const(sign)))
    expected = COMPARISONS[op](x ^ sign, y ^ sign)
    assert bool(evaluate(constant, x=x)) == expected
    assert bool(evaluate(variable, x=x, y=y)) == expected
    assert bool(evaluate(values.negate(constant), x=x)) != expected


def test_a_mask_that_changes_nothing_is_left_out():
    byte = values.name("b", 0, 0xFF)
    assert values.and_(byte, const(MASK)) is byte
    assert values.and_(values.shl(byte, const(8)), const(0xFF)).node.right.value == 0xFF
    assert values.and_(byte, const(0xFF00)).constant == 0
    assert isinstance(values.masked(values.add(byte, const(1)), MASK).node.op, ast.Add)


def test_a_difference_is_compared_instead_of_computed():
    word = [values.name(n, 0, MASK) for n in "ab"]
    node = values.truth(values.masked(values.sub(*word), MASK))
    assert isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotEq)
    wide = Val(values.sub(*word).node, -2 * MASK, MASK)
    assert not isinstance(values.truth(values.masked(wide, MASK)), ast.Compare)
