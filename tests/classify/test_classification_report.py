"""A classification can be read: table, verdicts, comparison, evidence."""

from __future__ import annotations

import pytest
from ringside.classify import report
from ringside.classify.ia32.bench import Ia32
from ringside.classify.judge import Trial
from ringside.classify.laboratory import grouped
from ringside.classify.model import Classification
from ringside.classify.published import compare


@pytest.fixture(scope="module")
def few() -> Classification:
    isa = Ia32()
    wanted = ("popf", "hlt", "lea", "iret")
    found = [Trial(isa, cases, 5).hold(24) for cases in grouped(isa) if cases[0].mnemonic in wanted]
    return Classification("ia32", 24, 5, isa.modes, tuple(found))


def test_the_table_names_what_is_not_innocuous_and_why(few: Classification) -> None:
    lines = list(report.table(few))
    assert [line.split()[0] for line in lines[:-1]] == ["iret", "popf", "hlt"]
    assert "control (ring 0), mode (ring 3, ring 1)" in lines[1]
    assert lines[-1].startswith("4 encodings: 1 privileged, 2 sensitive")
    assert any(line.startswith("lea") for line in report.table(few, everything=True))


def test_verdicts_and_comparison_are_sentences_in_both_languages(few: Classification) -> None:
    assert next(iter(report.verdicts(few))) == "theorem 1: fails because of iret, popf"
    assert next(iter(report.verdicts(few, "hu"))) == "1. tétel: nem teljesül: iret, popf"
    for lang in ("en", "hu"):
        lines = list(report.comparison(compare(few), lang))
        assert "IRET" in "".join(lines) and "Robin & Irvine" in lines[0]


def test_evidence_is_shown_with_states_and_differences(few: Classification) -> None:
    popf = few.of("popf")[0]
    shown = popf.witness("control")
    assert shown is not None
    text = "\n".join(report.witness(shown))
    assert text.startswith("control: popf (9d)") and "ring 0: done" in text
    assert "if: " in text or "iopl: " in text
