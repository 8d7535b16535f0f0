"""In VMX non-root operation IA-32 satisfies the theorems: what is still shared exits."""

from __future__ import annotations

import pytest
from ringside.classify.ia32.vmx import NON_ROOT, ROOT, Ia32Vmx, state
from ringside.classify.judge import Trial, replay
from ringside.classify.laboratory import grouped
from ringside.classify.model import DONE, TRAP, Classification, Finding
from ringside.classify.theorems import theorem_1, theorem_3
from ringside.isa.table import ROWS

SAMPLES, SEED = 16, 1974


@pytest.fixture(scope="module")
def vmx() -> Classification:
    """The system instructions, and those that show a segment register; the rest is plain data."""
    isa = Ia32Vmx()
    found = tuple(
        Trial(isa, cases, SEED).hold(SAMPLES)
        for cases in grouped(isa)
        if ROWS[cases[0].row].kind == "system" or ROWS[cases[0].row].sensitive
        if cases[0].mnemonic != "fpu"
    )
    return Classification(isa.id, SAMPLES, SEED, isa.modes, found)


def one(vmx: Classification, mnemonic: str, part: str = "", form: str = "") -> Finding:
    return next(
        found for found in vmx.of(mnemonic) if found.part == part and found.form.startswith(form)
    )


def test_both_theorems_hold(vmx: Classification) -> None:
    assert theorem_1(vmx).mnemonics == () and theorem_1(vmx).holds
    assert theorem_3(vmx).holds


@pytest.mark.parametrize("mnemonic", ["sgdt", "sidt", "smsw", "pushf", "popf", "lar", "iret"])
def test_what_revealed_or_lost_something_has_a_copy_of_its_own_now(
    vmx: Classification, mnemonic: str
) -> None:
    found = one(vmx, mnemonic)
    assert not found.privileged and found.innocuous and found.completed


@pytest.mark.parametrize(
    ("mnemonic", "part", "form"),
    [
        ("mov", "cr3", "0F 22"), ("mov", "cr3", "0F 20"), ("in", "", "EC"), ("out", "", "EE"),
        ("hlt", "", ""), ("rdtsc", "", ""), ("rdmsr", "", ""), ("vmxoff", "", ""),
        ("vmlaunch", "", ""), ("vmresume", "", ""),
    ],
)  # fmt: skip
def test_what_is_shared_is_sensitive_and_exits(
    vmx: Classification, mnemonic: str, part: str, form: str
) -> None:
    found = one(vmx, mnemonic, part, form)
    assert found.sensitive and found.privileged


def test_cpuid_exits_though_it_is_innocuous(vmx: Classification) -> None:
    found = one(vmx, "cpuid")
    assert found.privileged and found.innocuous


def test_smsw_shows_the_read_shadow_not_the_real_register() -> None:
    isa = Ia32Vmx()
    case = next(case for case in isa.cases() if case.text == "smsw eax")
    runs = [isa.run(case, SEED, 3, mode, moved) for mode in (ROOT, NON_ROOT)
            for moved in (False, True)]  # fmt: skip
    assert {run.end for run in runs} == {DONE}
    assert {run.program[0] for run in runs} == {state(SEED, 3, False).cr0}


def test_the_trap_is_a_vm_exit_with_its_reason() -> None:
    isa = Ia32Vmx()
    case = next(case for case in isa.cases() if case.text == "hlt")
    run = isa.run(case, SEED, 0, NON_ROOT, False)
    assert run.end == TRAP and "VM exit 12 (HLT)" in run.trap


def test_witnesses_replay(vmx: Classification) -> None:
    isa = Ia32Vmx()
    for found in vmx.findings:
        for witness in found.witnesses if found.sensitive else ():
            assert replay(isa, witness) == witness
