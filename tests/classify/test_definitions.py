"""The definitions, on a toy machine whose instructions are the textbook's examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from ringside.classify.judge import Trial, replay
from ringside.classify.model import (
    CONTROL,
    DONE,
    LOCATION,
    MEMORY_TRAP,
    MODE,
    TRAP,
    Case,
    Classification,
    Finding,
    Run,
)
from ringside.classify.theorems import theorem_1, theorem_3


@dataclass
class Machine:
    """One register, a mode, and a base register that the program should not see."""

    value: int
    mode: str
    base: int


class Trapped(Exception):
    """The privileged-instruction trap."""


class OutOfBounds(Exception):
    """The memory trap."""


def needs_supervisor(m: Machine) -> None:
    if m.mode != "s":
        raise Trapped


def increment(m: Machine) -> None:
    m.value += 1


def set_base(m: Machine) -> None:
    """As LPSW loads R: privileged and control-sensitive."""
    needs_supervisor(m)
    m.base = m.value


def set_base_or_nothing(m: Machine) -> None:
    """As POPF: in user mode it silently does nothing."""
    if m.mode == "s":
        m.base = m.value


def return_to_user(m: Machine) -> None:
    """As the PDP-10's JRST 1: in user mode only a jump."""
    m.mode = "u"


def load_real_address(m: Machine) -> None:
    """As the 360/67's LRA: gives an address the relocation should hide."""
    m.value = m.base + 5


def move_from_previous(m: Machine) -> None:
    """As the PDP-11/45's MFPI: which space it reads depends on the mode."""
    m.value = 1 if m.mode == "s" else 2


def halt_privileged(m: Machine) -> None:
    """Privileged, but nothing else."""
    needs_supervisor(m)


def read_beyond(m: Machine) -> None:
    raise OutOfBounds


def read_supervisor_memory(m: Machine) -> None:
    """Memory traps in user mode say nothing about privilege."""
    if m.mode != "s":
        raise OutOfBounds


def checks_operand(m: Machine) -> None:
    """Privileged; an operand no mode accepts traps in both, which refutes nothing."""
    needs_supervisor(m)
    if m.value % 2:
        raise Trapped


def user_only(m: Machine) -> None:
    """Traps in supervisor mode: certainly not privileged."""
    if m.mode == "s":
        raise Trapped


TOYS: tuple[Callable[[Machine], None], ...] = (
    increment, set_base, set_base_or_nothing, return_to_user, load_real_address,
    move_from_previous, halt_privileged, read_beyond, read_supervisor_memory, checks_operand,
    user_only,
)  # fmt: skip


class Toy:
    id = "toy"
    modes = ("s", "u")
    program = ("value",)
    resources = ("base",)

    def cases(self) -> Sequence[Case]:
        return [
            Case(n, toy.__name__, toy.__name__, bytes([n]), toy.__name__)
            for n, toy in enumerate(TOYS)
        ]

    def run(self, case: Case, seed: int, number: int, mode: str, moved: bool) -> Run:
        machine = Machine(seed + number, mode, 200 if moved else 100)
        before = (machine.base,)
        try:
            TOYS[case.row](machine)
        except Trapped:
            return Run(TRAP, "privileged", mode)
        except OutOfBounds:
            return Run(MEMORY_TRAP, "bounds", mode)
        return Run(DONE, "", machine.mode, (machine.value,), (), before, (machine.base,))

    def describe(self, seed: int, number: int, mode: str, moved: bool) -> Mapping[str, int]:
        return {"value": seed + number, "base": 200 if moved else 100}


def judged(toy: Callable[[Machine], None]) -> Finding:
    isa = Toy()
    case = next(case for case in isa.cases() if case.mnemonic == toy.__name__)
    return Trial(isa, [case], 10).hold(6)


@pytest.mark.parametrize(
    ("toy", "privileged", "control", "location", "mode"),
    [
        (increment, False, (), (), ()),
        (set_base, True, ("s",), (), ()),
        (set_base_or_nothing, False, ("s",), (), ("u",)),
        (return_to_user, False, ("s",), (), ()),
        (load_real_address, False, (), ("s", "u"), ("u",)[:0]),
        (move_from_previous, False, (), (), ("u",)),
        (halt_privileged, True, (), (), ()),
        (read_beyond, False, (), (), ()),
        (read_supervisor_memory, False, (), (), ()),
        (checks_operand, True, (), (), ()),
        (user_only, False, (), (), ()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_each_example_has_its_class(
    toy: Callable[[Machine], None], privileged: bool, control: tuple[str, ...],
    location: tuple[str, ...], mode: tuple[str, ...],
) -> None:  # fmt: skip
    found = judged(toy)
    assert found.privileged is privileged
    assert (found.control, found.location, found.mode) == (control, location, mode)


def verdicts(*toys: Callable[[Machine], None]) -> tuple[bool, bool]:
    result = Classification("toy", 6, 10, Toy.modes, tuple(judged(toy) for toy in toys))
    return theorem_1(result).holds, theorem_3(result).holds


def test_the_pdp_10_fails_theorem_1_and_passes_theorem_3() -> None:
    assert verdicts(increment, set_base, return_to_user) == (False, True)


def test_reading_a_real_address_in_user_mode_fails_both() -> None:
    assert verdicts(increment, load_real_address) == (False, False)


def test_a_machine_whose_sensitive_instructions_trap_passes_both() -> None:
    assert verdicts(increment, set_base, halt_privileged, checks_operand) == (True, True)


def test_a_silent_no_operation_is_not_a_trap() -> None:
    found = judged(set_base_or_nothing)
    assert not found.privileged and found.offends and not found.user_sensitive


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.__name__)
def test_witnesses_replay(toy: Callable[[Machine], None]) -> None:
    for witness in judged(toy).witnesses:
        assert replay(Toy(), witness) == witness


def test_a_witness_says_what_differed() -> None:
    control = judged(set_base).witness(CONTROL)
    assert control is not None
    assert [(d.what, d.left, d.right) for d in control.differences] == [("base", 100, 10)]
    location = judged(load_real_address).witness(LOCATION)
    assert location is not None and [side.moved for side in location.sides] == [False, True]
    assert [(d.what, d.left, d.right) for d in location.differences] == [("value", 105, 205)]
    mode = judged(move_from_previous).witness(MODE)
    assert mode is not None and [side.mode for side in mode.sides] == ["s", "u"]
