"""IA-32: what the laboratory finds, and what was published."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from ringside import classify as package
from ringside.classify.ia32.bench import RINGS, Ia32, state
from ringside.classify.ia32.layout import HERE
from ringside.classify.judge import Trial, replay
from ringside.classify.laboratory import Laboratory, grouped
from ringside.classify.model import Classification, Finding, Isa
from ringside.classify.published import PAPER, PAPER_COUNT, compare
from ringside.classify.theorems import theorem_1, theorem_3
from ringside.classify.variants import VARIANTS, variant
from ringside.isa.row import classify as badge
from ringside.isa.table import ROWS

# x87 and VMX: #UD or #NM in every state here (there is no x87 unit; CR4.VMXE is clear).
NEVER_COMPLETE = {
    "ud2", "fpu", "vmxon", "vmxoff", "vmclear", "vmptrld", "vmptrst", "vmread", "vmwrite",
    "vmlaunch", "vmresume", "vmcall", "invept", "invvpid",
}  # fmt: skip


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return Laboratory()


@pytest.fixture(scope="module")
def ia32(laboratory: Laboratory) -> Classification:
    return laboratory.classify("ia32")


def judge(isa: Isa, wanted: Iterable[Finding], laboratory: Laboratory) -> Classification:
    """The findings of another variant for some encodings; the others do as on plain IA-32."""
    keys = {(found.row, found.form, found.part) for found in wanted}
    found = tuple(
        Trial(isa, cases, laboratory.seed).hold(laboratory.samples)
        for cases in grouped(isa)
        if cases[0].key in keys
    )
    return Classification(isa.id, laboratory.samples, laboratory.seed, isa.modes, found)


def test_everything_on_the_published_list_is_found(ia32: Classification) -> None:
    rows = compare(ia32).rows
    assert [row.name for row in rows if row.listed] == [listed.name for listed in PAPER]
    assert all(row.found for row in rows if row.listed)
    assert len(PAPER) == 18 and PAPER_COUNT == 17


def test_nothing_else_is_found_without_a_written_reason(ia32: Classification) -> None:
    for row in compare(ia32).disagreements:
        assert row.reason.keys() == {"en", "hu"}, row.name
    besides = {row.name for row in compare(ia32).rows if not row.listed}
    assert besides == {"INT3", "INTO", "IRET", "LDS", "LES", "LSS", "LFS", "LGS"}


def test_the_column_of_the_table_says_what_is_found(ia32: Classification) -> None:
    offending = {found.row for found in ia32.findings if found.offends}
    assert offending == {number for number, row in enumerate(ROWS) if row.sensitive}


def test_where_a_listed_instruction_traps_the_comparison_says_so(
    ia32: Classification, laboratory: Laboratory
) -> None:
    wanted = [found for found in ia32.findings if found.mnemonic in ("sgdt", "smsw")]
    with_umip = judge(variant("ia32-umip").make(None), wanted, laboratory)
    rows = {row.name: row for row in compare(with_umip).rows}
    for name in ("SGDT", "SMSW"):
        assert not rows[name].found
        assert "traps" in rows[name].reason["en"] and rows[name].reason["hu"]


def test_ia32_fails_both_theorems(ia32: Classification) -> None:
    first, third = theorem_1(ia32), theorem_3(ia32)
    assert not first.holds and not third.holds
    assert {"popf", "pushf", "sgdt", "smsw", "str", "lar"} <= set(first.mnemonics)
    # POPF and LAR harm only who runs a kernel outside ring 0; SGDT tells any program.
    assert "sgdt" in third.mnemonics and "pushf" in third.mnemonics
    assert "popf" not in third.mnemonics and "lar" not in third.mnemonics


def test_the_badges_of_the_instruction_table_are_what_is_found(ia32: Classification) -> None:
    offending = {each.row for each in ia32.findings if each.sensitive and not each.privileged}
    assert offending == {
        number for number, row in enumerate(ROWS) if badge(row) == "sensitive"}


def test_umip_mends_five_of_them(ia32: Classification, laboratory: Laboratory) -> None:
    offenders = theorem_1(ia32).offenders
    with_umip = judge(variant("ia32-umip").make(None), offenders, laboratory)
    mended = set(theorem_1(ia32).mnemonics) - set(theorem_1(with_umip).mnemonics)
    assert mended == {"sgdt", "sidt", "sldt", "str", "smsw"}


def test_trapping_the_published_list_is_not_enough(
    ia32: Classification, laboratory: Laboratory
) -> None:
    offenders = theorem_1(ia32).offenders
    listed = judge(variant("ia32-trap-listed").make(None), offenders, laboratory)
    assert {"iret", "lds", "int3"} <= set(theorem_1(listed).mnemonics)


def test_trapping_what_was_found_makes_it_virtualizable(
    ia32: Classification, laboratory: Laboratory
) -> None:
    isa = laboratory.isa("ia32-trap-all")
    sensitive = [found for found in ia32.findings if found.sensitive]
    result = judge(isa, sensitive, laboratory)
    assert theorem_1(result).holds and theorem_3(result).holds
    assert all(found.privileged for found in result.findings)


@pytest.mark.parametrize(
    ("mnemonic", "form", "control", "location", "mode"),
    [
        ("sgdt", "0F 01 /0 | Ms", False, True, False),
        ("smsw", "0F 01 /4 | Rv", False, True, False),
        ("pushf", "9C |", False, True, False),
        ("popf", "9D |", True, False, True),
        ("lar", "0F 02 /r | Gv Ew", False, False, True),
        ("verw", "0F 00 /5 | Ew", False, False, True),
        ("push", "0E | CS", False, False, True),
        ("push", "1E | DS", False, False, False),
        ("push", "50+r | Zv", False, False, False),
        ("pop", "1F | DS", True, False, False),
        ("iret", "CF |", True, False, True),
        ("cpuid", "0F A2 |", False, False, False),
        ("arpl", "63 /r | Ew Gw", False, False, False),
        ("wait", "9B |", False, False, False),
        ("bound", "62 /r | Gv Ma", False, False, False),
    ],
)
def test_why_an_instruction_is_what_it_is(
    ia32: Classification, mnemonic: str, form: str, control: bool, location: bool, mode: bool
) -> None:
    found = next(each for each in ia32.findings if (each.mnemonic, each.form) == (mnemonic, form))
    assert not found.privileged
    assert (bool(found.control), bool(found.location), bool(found.mode)) == (
        control, location, mode)


def test_what_only_moves_values_is_innocuous(ia32: Classification) -> None:
    listed = [(each.mnemonic, each.form) for each in ia32.findings if each.sensitive]
    for found in ia32.findings:
        row = ROWS[found.row]
        if row.kind in ("data", "branch", "string") and not row.sensitive:
            assert (found.mnemonic, found.form) not in listed


def test_privilege_found_is_the_privilege_the_table_says(ia32: Classification) -> None:
    for found in ia32.findings:
        if found.mnemonic not in NEVER_COMPLETE:
            declared = ROWS[found.row].privilege != "any"
            assert found.privileged is declared, (found.mnemonic, found.form)


def test_only_undefined_opcodes_never_complete(ia32: Classification) -> None:
    assert {found.mnemonic for found in ia32.findings if found.always_traps} <= NEVER_COMPLETE


def test_every_encoding_of_the_table_is_classified(ia32: Classification) -> None:
    classified = dict.fromkeys((found.row, found.form) for found in ia32.findings)
    assert list(classified) == [
        (number, form.text) for number, row in enumerate(ROWS) for form in row.encodings
    ]


def test_every_witness_replays_to_the_same_evidence(
    ia32: Classification, laboratory: Laboratory
) -> None:
    isa = Ia32()
    witnesses = [
        witness for found in ia32.findings if found.sensitive or found.privileged
        for witness in found.witnesses
    ]  # fmt: skip
    assert len(witnesses) > 100
    for witness in witnesses:
        assert replay(isa, witness) == witness


def test_findings_are_plain_data(ia32: Classification) -> None:
    found = ia32.of("popf")[0]
    again = json.loads(json.dumps(found.as_dict()))
    assert again["offends"] and again["witnesses"][0]["sides"][0]["state"]["eflags"] >= 0
    assert json.dumps(compare(ia32).as_dict("hu"))
    assert json.dumps(theorem_1(ia32).as_dict())


def test_another_seed_finds_the_same_classes(ia32: Classification) -> None:
    isa = Ia32()
    by_key = {(found.row, found.form, found.part): found for found in ia32.findings}
    for cases in grouped(isa):
        before = by_key[cases[0].key]
        if before.sensitive or before.privileged:
            found = Trial(isa, cases, 7).hold(24)
            assert (found.kind, found.control, found.location, found.mode) == (
                before.kind, before.control, before.location, before.mode)


def test_states_equal_but_for_mode_are_equal_but_for_mode() -> None:
    isa = Ia32()
    for number in range(8):
        shown = [dict(isa.describe(3, number, mode, False)) for mode in RINGS]
        for key in shown[0]:
            if key not in ("cpl", "cs", "ss"):
                assert len({state[key] for state in shown}) == 1, key
        for key in ("cs", "ss"):
            assert len({state[key] & ~3 for state in shown}) == 1
            assert [state[key] & 3 for state in shown] == list(RINGS.values())


def test_moved_states_hold_the_same_program_in_another_place() -> None:
    for number in range(8):
        here, there = state(3, number, False), state(3, number, True)
        assert here.at == HERE
        for block, other in zip(here.at.blocks[:1], there.at.blocks[:1], strict=True):
            assert block.physical != other.physical
            first, second = (
                one.memory[place.physical : place.physical + place.size]
                for one, place in ((here, block), (there, other))
            )
            assert first == second
        for block, other in zip(here.at.blocks, there.at.blocks, strict=True):
            assert there.at.relative(other.linear + 5) == block.linear + 5


def test_the_laboratory_looks_no_answer_up() -> None:
    root = Path(package.__file__).parent
    for file in root.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for word in ("row.privilege", "row.sensitive", "isa.row import classify"):
            assert word not in text, f"{file.name} uses {word}"
    for name in ("judge.py", "ia32/bench.py", "ia32/samples.py", "ia32/encodings.py"):
        assert "published" not in (root / name).read_text(encoding="utf-8")


def test_the_work_can_be_watched_and_stopped() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 5

    result = Laboratory(samples=1).classify("ia32", progress)
    assert not result.complete and len(result.findings) == 5
    assert told[0][0] == 1 and told[-1][0] == 5


def test_a_survey_gives_one_finding_at_a_time() -> None:
    laboratory = Laboratory(samples=1)
    survey = laboratory.survey("rv32")
    done, total, found = next(survey)
    assert (done, found.mnemonic) == (1, "lui") and total > 40
    assert laboratory.known("rv32") is None


def test_unknown_instruction_sets_and_wild_numbers_are_refused_with_the_choices() -> None:
    with pytest.raises(KeyError, match="ia32, ia32-umip"):
        Laboratory().classify("vax")
    with pytest.raises(ValueError, match="choose 1 to 1000"):
        Laboratory(samples=0)


def test_variants_are_described_in_both_languages() -> None:
    for each in VARIANTS:
        assert each.title.keys() == each.text.keys() == {"en", "hu"}
