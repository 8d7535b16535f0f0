"""RV32 with machine and user mode satisfies the theorems."""

from __future__ import annotations

import pytest
from ringside.classify.judge import replay
from ringside.classify.laboratory import Laboratory
from ringside.classify.model import Classification
from ringside.classify.rv32 import Rv32, state
from ringside.classify.theorems import theorem_1, theorem_3
from ringside.riscv.csr import TW
from ringside.riscv.table import ROWS


@pytest.fixture(scope="module")
def rv32() -> Classification:
    return Laboratory(samples=16).classify("rv32")


def test_both_theorems_hold(rv32: Classification) -> None:
    assert theorem_1(rv32).holds and theorem_3(rv32).holds


def test_the_privileged_ones_are_those_that_touch_the_processors_state(
    rv32: Classification,
) -> None:
    privileged = {found.mnemonic for found in rv32.findings if found.privileged}
    assert privileged == {
        "mret", "wfi", "csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci",
    }  # fmt: skip
    assert all(found.sensitive for found in rv32.findings if found.privileged)


def test_calls_and_breakpoints_trap_in_every_mode(rv32: Classification) -> None:
    assert {found.mnemonic for found in rv32.findings if found.always_traps} == {"ecall", "ebreak"}


def test_every_instruction_is_classified(rv32: Classification) -> None:
    assert [found.row for found in rv32.findings] == list(range(len(ROWS)))


def test_waiting_would_break_theorem_1_without_the_bit_made_for_vmms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ringside.classify import rv32 as module
    from ringside.classify.judge import Trial

    def without_tw(seed: int, number: int, moved: bool) -> module.State:
        made = state(seed, number, moved)
        object.__setattr__(made, "mstatus", made.mstatus & ~TW)
        return made

    monkeypatch.setattr(module, "state", without_tw)
    isa = Rv32()
    case = next(case for case in isa.cases() if case.mnemonic == "wfi")
    found = Trial(isa, [case], 99).hold(8)
    state.cache_clear()
    assert found.offends and "user" in found.control


def test_witnesses_replay(rv32: Classification) -> None:
    isa = Rv32()
    witnesses = [witness for found in rv32.findings for witness in found.witnesses]
    assert witnesses
    for witness in witnesses:
        assert replay(isa, witness) == witness
