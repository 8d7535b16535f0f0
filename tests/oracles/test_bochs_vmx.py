"""VMX: our machine against what Bochs answered, exit by exit.

``bochs_vmx_expected.txt`` holds Bochs's answers, so our side is checked without it too.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import bochs
import bochs_vmx
from bochs_vmx_case import NAMES, VmxCase
from bochs_vmx_cases import CASES, MANUAL


@cache
def ours() -> dict[str, list[str]]:
    """What our machine reports, by case."""
    return bochs_vmx.ask_machine()


@cache
def table() -> dict[str, list[str]]:
    """The committed answers of Bochs, by case."""
    return bochs_vmx.expected()


def decided(name: str) -> list[str]:
    """Bochs's answer, with the fields the manual decides otherwise put right."""
    reports = table()[name]
    if name not in MANUAL:
        return reports
    words = reports[0].split()
    for field, value in MANUAL[name].fields.items():
        words[NAMES.index(field)] = value
    return [" ".join(words), *reports[1:]]


def test_the_table_holds_an_answer_for_every_case_and_no_other() -> None:
    assert list(table()) == [case.name for case in CASES]
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_virtual_machine_is_left_as_on_bochs(case: VmxCase) -> None:
    assert case.name in ours(), "the run ended before this case"
    mine, right = ours()[case.name], decided(case.name)
    assert mine == right, f"{case.section}: {bochs_vmx.differences(mine, right)}"


@pytest.mark.parametrize("name", MANUAL)
def test_where_the_manual_decides_bochs_really_differs(name: str) -> None:
    assert decided(name) != table()[name]


def test_instruction_by_instruction_is_the_same_as_in_one_stretch() -> None:
    assert bochs_vmx.ask_machine(by_steps=True) == ours()


@pytest.mark.skipif(
    bochs.roms() is None, reason="bochs is not installed (Debian: apt-get install bochs)"
)
def test_bochs_still_gives_the_answers_in_the_table() -> None:
    assert bochs_vmx.ask_bochs() == table()
