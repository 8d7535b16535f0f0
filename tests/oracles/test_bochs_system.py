"""Rings, gates, limits, faults: our machine against what Bochs answered, case by case.

``bochs_expected.txt`` holds Bochs's answers, so our side is checked without it too.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import bochs
from bochs_cases import CASES, MANUAL


@cache
def ours() -> dict[str, bochs.Report]:
    """What our machine reports, by case."""
    reports = bochs.ask_machine(bochs.assemble_image())
    return {case.name: report for case, report in zip(CASES, reports, strict=False)}


@cache
def table() -> dict[str, str]:
    """The committed answers of Bochs, by case."""
    return bochs.expected()


def test_the_table_holds_an_answer_for_every_case_and_no_other() -> None:
    assert list(table()) == [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_arrives_is_what_arrives_on_bochs(case: bochs.Case) -> None:
    assert case.name in ours(), "the run ended before this case"
    mine = ours()[case.name]
    decided = MANUAL[case.name].report if case.name in MANUAL else table()[case.name]
    assert mine.text() == decided, f"{case.section}: {mine.differences(bochs.Report.of(decided))}"


def test_single_steps_report_the_same_as_running() -> None:
    reports = bochs.ask_machine(bochs.assemble_image(), by_steps=True)
    assert reports == list(ours().values())


@pytest.mark.parametrize("name", MANUAL)
def test_where_the_manual_decides_bochs_really_differs(name: str) -> None:
    assert MANUAL[name].report != table()[name]


@pytest.mark.skipif(
    bochs.roms() is None, reason="bochs is not installed (Debian: apt-get install bochs)"
)
def test_bochs_still_gives_the_answers_in_the_table() -> None:
    theirs = bochs.ask_bochs(bochs.assemble_image())
    answers = {case.name: r.text() for case, r in zip(CASES, theirs, strict=False)}
    assert answers == table()
