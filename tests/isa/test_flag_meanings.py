"""Flags and results, claimed from the manual's words and checked over every byte value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.isa.faults import Fault
from ringside.isa.row import Row
from ringside.isa.rows import after, bits, decimal, multiply, shifts
from ringside.isa.table import rows_named
from ringside.isa.width import B, D, W, Width

WIDTHS = (B, W, D)
BYTES = range(256)


def row(mnemonic: str, index: int = 0) -> Row:
    return rows_named(mnemonic)[index]


def signed(value: int, w: Width) -> int:
    return value - (w.mask + 1) if value & w.sign else value


def locals_after(function: Callable[..., Any], *values: Any) -> dict[str, int]:
    """The local names of a flag function when it returned: its flags and its shortcuts."""
    seen: dict[str, int] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is function.__code__:
            seen.update(frame.f_locals)

    sys.setprofile(watch)
    try:
        function(*values)
    finally:
        sys.setprofile(None)
    return seen


def even_parity(value: int) -> int:
    return 1 - (value & 0xFF).bit_count() % 2


def test_addition_flags_for_every_pair_of_bytes() -> None:
    for a in BYTES:
        for b in BYTES:
            for carry in (0, 1):
                total = a + b + carry
                r = total & 0xFF
                got = after.after_adc(a, b, r, B)
                wide = signed(a, B) + signed(b, B) + carry
                assert got == (
                    total >> 8, even_parity(r), (a & 15) + (b & 15) + carry >> 4, int(r == 0),
                    r >> 7, int(not -128 <= wide <= 127),
                )  # fmt: skip
                if not carry:
                    assert after.after_add(a, b, r, B) == got


def test_subtraction_flags_for_every_pair_of_bytes() -> None:
    for a in BYTES:
        for b in BYTES:
            for borrow in (0, 1):
                total = a - b - borrow
                r = total & 0xFF
                got = after.after_sbb(a, b, r, B)
                wide = signed(a, B) - signed(b, B) - borrow
                assert got == (
                    int(total < 0), even_parity(r), int((a & 15) - (b & 15) - borrow < 0),
                    int(r == 0), r >> 7, int(not -128 <= wide <= 127),
                )  # fmt: skip
                if not borrow:
                    assert after.after_sub(a, b, r, B) == got
                    assert after.after_compare(a, b, r, B) == got


@pytest.mark.parametrize("function", [after.after_sub, after.after_logic, after.after_compare])
@given(data=st.data())
def test_shortcuts_are_the_conditions_they_stand_for(
    function: Callable[..., Any], data: st.DataObject
) -> None:
    w = data.draw(st.sampled_from(WIDTHS))
    a, b = (data.draw(st.integers(0, w.mask)) for _ in "ab")
    if function is after.after_logic:
        names = locals_after(function, a & b, w)
    else:
        names = locals_after(function, a, b, (a - b) & w.mask, w)
    assert names["lt"] == int(names["sf"] != names["of"])
    assert names["le"] == int(bool(names["zf"]) or names["sf"] != names["of"])
    assert names["be"] == int(bool(names["cf"] or names["zf"]))


def test_increment_and_decrement_leave_carry_alone() -> None:
    for a in BYTES:
        up, down = a + 1 & 0xFF, a - 1 & 0xFF
        assert after.after_inc(up, B) == (None, *after.after_add(a, 1, up, B)[1:])
        assert after.after_dec(down, B) == (None, *after.after_sub(a, 1, down, B)[1:])


def test_negation_is_subtraction_from_zero() -> None:
    for a in BYTES:
        r = -a & 0xFF
        assert after.after_neg(a, r, B) == after.after_sub(0, a, r, B)


def test_a_count_of_zero_leaves_the_flags() -> None:
    for name in ("shl", "shr", "sar", "rol", "ror", "rcl", "rcr", "shld", "shrd"):
        assert row(name).flags_if == "n"
        assert "n" in row(name).gives
    assert shifts.shl(5, 32, D) == (5, 0)
    assert shifts.rcl(5, 9, 1, B)[1] == 0  # nine places through carry are a whole turn


def test_shifting_by_one_n_times_is_shifting_by_n() -> None:
    for function in (shifts.shl, shifts.sar, shifts.rol, shifts.ror):
        for a in (0, 1, 0x80, 0x7F, 0xA5, 0xFF):
            once = a
            for n in range(1, 32):
                once = function(once, 1, B)[0]
                assert function(a, n, B) == (once, n)


def test_rotating_through_carry_one_by_one_is_rotating_at_once() -> None:
    for function in (shifts.rcl, shifts.rcr):
        for a in (0, 1, 0x80, 0x5A, 0xFF):
            for carry in (0, 1):
                value, flag = a, carry
                for n in range(1, 32):
                    value, _, flag = function(value, 1, flag, B)
                    assert function(a, n, carry, B)[::2] == (value, flag)


def test_the_bit_shifted_out_is_in_carry() -> None:
    for a in BYTES:
        for n in range(1, 8):
            assert after.after_shl(a, n, a << n & 0xFF, B)[0] == a >> (8 - n) & 1
            assert after.after_shr(a, n, a >> n, B)[0] == a >> (n - 1) & 1


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.integers(1, 31))
def test_double_shifts_move_bits_from_the_second_operand(a: int, b: int, n: int) -> None:
    assert shifts.shld(a, b, n, D)[0] == ((a << 32 | b) << n >> 32) & 0xFFFFFFFF
    assert shifts.shrd(a, b, n, D)[0] == ((b << 32 | a) >> n) & 0xFFFFFFFF


@given(st.integers(0, 0xFFFFFFFF), st.integers(1, 0xFFFFFFFF))
def test_bit_scans_find_the_ends(a: int, b: int) -> None:
    assert bits.bsf(a, b) == (b & -b).bit_length() - 1
    assert bits.bsr(a, b) == b.bit_length() - 1
    assert bits.bsf(a, 0) == bits.bsr(a, 0) == a


@given(st.sampled_from((W, D)), st.data())
def test_signed_division_rounds_towards_zero_or_faults(w: Width, data: st.DataObject) -> None:
    eax, edx, a = (data.draw(st.integers(0, w.mask)) for _ in range(3))
    dividend = signed(edx, w) * (w.mask + 1) + eax
    divisor = signed(a, w)
    try:
        low, high = multiply.idiv(eax, edx, a, w)
    except Fault as fault:
        assert fault.vector == 0
        assert divisor == 0 or not -w.sign <= int_quotient(dividend, divisor) < w.sign
    else:
        quotient = int_quotient(dividend, divisor)
        assert signed(low, w) == quotient
        assert signed(high, w) == dividend - quotient * divisor


def int_quotient(x: int, y: int) -> int:
    magnitude = abs(x) // abs(y)
    return magnitude if (x < 0) == (y < 0) else -magnitude


def test_division_by_zero_and_overflow_are_divide_errors() -> None:
    for attempt in (
        lambda: multiply.div_byte(0x100, 0),
        lambda: multiply.div_byte(0x100, 1),
        lambda: multiply.div(0, 1, 1, D),
        lambda: multiply.idiv_byte(0x80, 1),
        lambda: multiply.idiv(0x80000000, 0xFFFFFFFF, 0xFFFFFFFF, D),
        lambda: decimal.aam(5, 0),
    ):
        with pytest.raises(Fault) as caught:
            attempt()
        assert caught.value.vector == 0


def test_multiplication_says_when_the_upper_half_is_needed() -> None:
    for a in BYTES:
        for b in (0, 1, 2, 0x7F, 0x80, 0xFF):
            product, _ = multiply.mul_byte(a, b)
            cf, *_, of = after.after_mul(product, B)
            assert cf == of == int(a * b > 0xFF)
            product, _ = multiply.imul_byte(a, b)
            cf, *_, of = after.after_imul(product, B)
            assert cf == of == int(not -128 <= signed(a, B) * signed(b, B) <= 127)


def test_decimal_adjustment_adds_and_subtracts_packed_decimals() -> None:
    for x in range(100):
        for y in range(100):
            a, b = (x // 10 << 4 | x % 10), (y // 10 << 4 | y % 10)
            cf, _, af, *_ = after.after_add(a, b, a + b & 0xFF, B)
            r = decimal.daa(a + b & 0xFF, cf, af)
            carry = decimal.after_daa(a + b & 0xFF, cf, af, r)[0]
            assert (carry, r) == divmod_packed(x + y)
            cf, _, af, *_ = after.after_sub(a, b, a - b & 0xFF, B)
            r = decimal.das(a - b & 0xFF, cf, af)
            borrow = decimal.after_das(a - b & 0xFF, cf, af, r)[0]
            assert (borrow, r) == (int(x < y), divmod_packed((x - y) % 100)[1])


def divmod_packed(value: int) -> tuple[int, int]:
    hundreds, rest = divmod(value, 100)
    return hundreds, rest // 10 << 4 | rest % 10


def test_compare_and_exchange_stores_only_on_equality() -> None:
    assert multiply.cmpxchg(5, 5, 9, D)[3:] == (5, 9)
    assert multiply.cmpxchg(5, 6, 9, D)[3:] == (6, 6)
    assert multiply.cmpxchg(0x12345605, 6, 9, B)[3:] == (0x12345606, 6)
