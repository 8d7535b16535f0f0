"""What a lab says of a step is what happened in it: failures, faults, and what nobody can decode."""

from __future__ import annotations

import ast
import inspect

import pytest
from ringside.classify.report import mode_name
from ringside.guests import assemble_text
from ringside.guests.porting import difference
from ringside.host.systems import BARE_METAL, UNMODIFIED, Image, build
from ringside.labs import paravirtual, rings, translation, vtx
from ringside.labs.words.vmx_errors import ERRORS, problem
from ringside.machine.vmx import checks, controls, ept, guest, operation

LABS = {lab.id: lab for lab in (rings.LAB, translation.LAB, vtx.LAB, paravirtual.LAB)}
EVERY = (BARE_METAL, *UNMODIFIED)
TRAP, BT, ASSIST = "trap-and-emulate", "binary-translation", "hardware-assist"

START = 'bits 32\norg 0x100000\n%include "pc.inc"\n'
TOO_LONG = START + """
main:   gate 13, bad
        times 15 db 0x66
        nop
bad:    mov al, 0
        jmp finish
"""
NO_MEMORY = START + """
main:   gate 6, bad
        jmp 0x4000000
bad:    mov al, 0
        jmp finish
"""
DOUBLE = START + """
main:   gate 8, bad
        ud2
bad:    mov al, 0
        jmp finish
"""
NESTED_TASK = START + """
main:   push dword 0x4002
        popf
        iret
"""


def open_run(lab: str, technique: str, guest: str | None, source: str | None = None):
    found = LABS[lab]
    return found.open(found.setup(guest, technique or None, {}, source))


def words(run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def told(run, most: int = 400) -> list[tuple[str, str]]:
    """Every sentence of a run, in both languages."""
    sentences = []
    for step in range(most):
        run.seek(step)
        if run.step < step:
            break
        sentences.append((words(run), words(run, "hu")))
    return sentences


def about(said: list[tuple[str, str]], part: str) -> tuple[str, str]:
    """The first sentence with ``part`` in its English version."""
    return next(pair for pair in said if part in pair[0])


# -- VMX instructions that fail ----------------------------------------------------------------


@pytest.fixture(scope="module")
def vmx_errors() -> list[tuple[str, str]]:
    return told(open_run("rings", BARE_METAL, "vmx_errors"))


@pytest.mark.parametrize(("english", "hungarian"), [
    ("VMLAUNCH fails: there is no current VMCS. Without a current VMCS there is no place for an "
     "error number: the processor only sets CF (VMfailInvalid).", "nincs aktuális VMCS"),
    ("VMRESUME fails: this VMCS was never launched; VMLAUNCH must come first. The processor sets "
     "ZF (VMfailValid) and writes error number 5 into the VMCS: “VMRESUME with non-launched "
     "VMCS”.", "az 5. hibaszámot írja"),
    ("VMLAUNCH fails: a control field of the VMCS is invalid (pin controls: bit 4 must be 1).",
     "pin-alapú vezérlőmező: a 4. bitnek 1 kell"),
    ("VMREAD fails: no field of the VMCS has this number.", "nincs ilyen számú mezője"),
    ("The VM entry fails: the guest state in the VMCS is invalid (guest CR0: bit 31 must be 1 in "
     "VMX operation). It ends like a VM exit, reason 33 with bit 31 set",
     "vendég CR0: a 31. bitnek VMX módban 1 kell"),
    ("The kernel writes the field pin-based controls of the VMCS: 00000016.", "mezőjébe írja"),
])  # fmt: skip
def test_what_was_wrong_with_a_vmx_instruction_is_said_in_plain_words(
    vmx_errors, english: str, hungarian: str
) -> None:
    assert hungarian in about(vmx_errors, english)[1]


def test_a_guest_that_is_a_vmm_itself_is_not_called_the_vmm(vmx_errors) -> None:
    assert not any("The VMM" in english for english, _ in vmx_errors)


def test_every_error_number_of_the_processor_has_its_words() -> None:
    assert ERRORS.keys() == operation.ERRORS.keys()


def checks_of(module) -> set[str]:
    """What the checks in a module can say, with 1 in the place of each number and name."""
    said = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        value = None
        if isinstance(node, ast.Yield | ast.Return):
            value = node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
            value = node.args[0]
        choices = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
        said.update(map(text_of, choices))
    return said - {""}


def text_of(value: ast.expr | None) -> str:
    if isinstance(value, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "1" for part in value.values)
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return value.value if is_text else ""


@pytest.mark.parametrize("module", [checks, controls, ept, guest], ids=lambda m: m.__name__)
def test_every_check_of_a_vm_entry_can_be_told_in_hungarian(module) -> None:
    said = checks_of(module)
    for text in said:
        whole = f"guest {text}" if text.startswith(("CR0:", "CR4:")) else text
        assert problem(whole)[1] != whole, text
    assert said


# -- translated code -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cli_sti", "popf", "lecture_bt"])
def test_translated_code_is_told_in_the_translator_s_terms_in_the_rings_lab_too(name: str) -> None:
    said = told(open_run("rings", BT, name), 250)
    for english, hungarian in said:
        assert "0xfc" not in english and "0xffd" not in english and "at work" not in english
        assert "0xfc" not in hungarian and "dolgozik" not in hungarian
    joined = " ".join(english for english, _ in said)
    assert "its stub calls the VMM" in joined and "looks for the translation" in joined


@pytest.mark.parametrize("technique", [TRAP, BT])
def test_a_system_call_is_passed_on_to_the_guest_s_own_kernel(technique: str) -> None:
    english, hungarian = about(
        told(open_run("rings", technique, "system_call")), "passes the system call on")
    assert "handler at 00" in english and "a vendégkernel kezelőjébe lép" in hungarian


# -- the shadow of an unpaged guest --------------------------------------------------------------


@pytest.mark.parametrize(("lab", "technique"), [("rings", TRAP), ("vtx", "shadow")])
def test_a_guest_without_paging_has_no_table_that_maps_anything(lab: str, technique: str) -> None:
    run = open_run(lab, technique, "page_fault")
    seen = set()
    for step in range(1, 260):
        run.seek(step)
        paging = bool(run.before.registers["cr0"] >> 31)
        if "hidden fault" in words(run):
            seen.add(paging)
            assert ("own table maps" in words(run)) == paging
            assert ("saját táblája" in words(run, "hu")) == paging
    assert seen == {False, True}


# -- exceptions nobody takes ---------------------------------------------------------------------


@pytest.mark.parametrize("technique", EVERY)
def test_a_triple_fault_is_delivered_to_nobody(technique: str) -> None:
    english, hungarian = told(open_run("rings", technique, "hostile_crash"))[-1]
    assert "handler" not in english and "at work" not in english and "kezelő" not in hungarian
    if technique == ASSIST:
        assert "After the triple fault there is nothing to return to" in english
    else:
        assert "double fault" in english and "shuts down" in english and "leáll" in hungarian


def test_on_bare_metal_a_triple_fault_names_the_whole_chain() -> None:
    said = told(open_run("rings", BARE_METAL, "hostile_crash"))[-1][0]
    assert "#UD → #GP(33) → #GP(6b) → #DF(0) → #GP(43)" in said


@pytest.mark.parametrize("technique", [BARE_METAL, "emulation"])
def test_a_double_fault_that_is_taken_is_told_with_what_led_to_it(technique: str) -> None:
    said = told(open_run("rings", technique, None, DOUBLE))
    assert "#UD" in about(said, "→ #DF(0)")[0] and "#DF(0)" in about(said, "→ #DF(0)")[1]


@pytest.mark.parametrize("technique", EVERY)
def test_an_instruction_of_more_than_15_bytes_is_called_that(technique: str) -> None:
    pair = about(told(open_run("rings", technique, None, TOO_LONG)), "longer than 15 bytes")
    assert "15 bájtnál hosszabb" in pair[1] and "  " not in pair[0] + pair[1]


@pytest.mark.parametrize("technique", [BARE_METAL, "emulation"])
def test_where_there_is_no_memory_that_is_said(technique: str) -> None:
    pair = about(told(open_run("rings", technique, None, NO_MEMORY)), "There is no memory at")
    assert "04000000" in pair[0] and "A 04000000 címen nincs memória" in pair[1]


def test_the_translation_lab_says_why_there_is_nothing_to_translate() -> None:
    said = told(open_run("translation", "", None, TOO_LONG))
    assert "nothing to translate" in about(said, "longer than 15 bytes")[0]
    assert not any("place of  stands" in english for english, _ in said)


def test_a_task_switch_ends_every_run_with_the_same_words() -> None:
    program = assemble_text(NESTED_TASK)
    ends = set()
    for technique in EVERY:
        system = build(technique, Image(program))
        system.run(10_000)
        ends.add(str(system.outcome))
    assert len(ends) == 1 and "switch stacks and registers in software" in ends.pop()


# -- paravirtual guests --------------------------------------------------------------------------


@pytest.mark.parametrize(("lab", "technique"), [
    ("paravirtual", "paravirtualization"), ("rings", "paravirtualization")])
def test_a_hypercall_that_does_not_exist_is_named_by_its_number(lab: str, technique: str) -> None:
    run = open_run(lab, technique, "pv_hostile")
    run.seek(42)
    assert words(run).endswith("by hypercall number 99, which does not exist.")
    assert "a 99. hiperhívással" in words(run, "hu")


def test_no_picture_of_a_hypercall_has_a_question_mark_for_its_name() -> None:
    run = open_run("paravirtual", "paravirtualization", "pv_hostile")
    for step in (42, 43):
        run.seek(step)
        for lang in ("en", "hu"):
            texts = [node.get("text", "") for node in run.picture("wide", lang)]
            rows = [row.get("name", "") for panel in run.panels(lang) for row in panel.get("rows", [])]
            assert not any("?" in str(text) for text in (*texts, *rows))


def test_what_porting_changed_is_set_beside_what_stood_in_its_place() -> None:
    pairs = {change.native.lines[0][1].split()[0]: change.ported.lines[0][1].split()[0]
             for change in difference("cli_sti").changes
             if change.file == "pc.inc" and change.native.lines and change.ported.lines}
    assert pairs["set_gate:"] == "set_gate:" and pairs["timer_start:"] == "timer_start:"
    changes = difference("nanos").changes
    assert len({(change.file, change.line) for change in changes}) == len(changes)


# -- Hungarian -----------------------------------------------------------------------------------


def test_the_classifier_names_the_modes_in_the_reader_s_language() -> None:
    assert mode_name("ring 0", "hu") == "0-s gyűrű" and mode_name("machine", "hu") == "gépi mód"
    assert mode_name("ring 0", "en") == "ring 0"
