"""The lab "Rings and traps" under every technique: who is in which ring, in whose words."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.guests.porting import PORTED
from ringside.host.systems import BUILDERS, DEFINES
from ringside.labs.lab import InputError, search
from ringside.labs.rings import LAB
from ringside.labs.words.rings import RINGS
from ringside.vmm.registry import TECHNIQUES

EMULATION, PV, TRAP = "emulation", "paravirtualization", "trap-and-emulate"
ASSIST = "hardware-assist"


def open_run(guest: str, technique: str, **options: str) -> Any:
    return LAB.open(LAB.setup(guest, technique, options, None))


def words(run: Any, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def panel(run: Any, name: str, lang: str = "en") -> dict[str, Any]:
    return next(panel for panel in run.panels(lang) if panel["id"] == name)


def text(run: Any, name: str, lang: str = "en") -> str:
    return "".join(part["text"] for part in panel(run, name, lang)["segments"])


def token(run: Any) -> str:
    return next(
        node["cls"] for node in run.picture("wide", "en") if node["key"] == "token").split()[1]


def test_the_menu_is_the_registry_in_its_order_after_bare_metal() -> None:
    ids = [choice.id for choice in LAB.techniques]
    assert ids == ["bare-metal", *(technique.id for technique in TECHNIQUES)] == list(BUILDERS)
    assert LAB.setup(None, None, None, None).technique == TRAP


@pytest.mark.parametrize("technique", [EMULATION, TRAP, PV, ASSIST])
def test_the_menu_names_and_explains_it_in_both_languages(technique: str) -> None:
    choice = next(choice for choice in LAB.techniques if choice.id == technique)
    assert choice.title == RINGS[f"technique.{technique}"] and all(choice.note)


@pytest.mark.parametrize("technique", [EMULATION, PV, ASSIST])
@pytest.mark.parametrize("guest", ["rings", "cli_sti"])
def test_every_step_has_a_picture_and_a_sentence(guest: str, technique: str) -> None:
    run = open_run(guest, technique)
    for step in range(0, run.last + 1, 1 if guest == "rings" else 37):
        run.seek(step)
        for shape, lang in (("wide", "en"), ("tall", "hu")):
            keys = {node["key"] for node in run.picture(shape, lang)}
            assert {"token", "ring:0", "ring:3", "real:if"} <= keys
            assert len(words(run, lang)) > 10
        assert run.panels("hu")


def test_under_emulation_the_token_never_leaves_the_vmm() -> None:
    run = open_run("rings", EMULATION)
    for step in range(run.last + 1):
        run.seek(step)
        assert token(run) == "vmm"
        scene = run.picture("wide", "en")
        assert scene["real:cpl"]["text"] == "0"
        assert "VMM" in words(run) or "interrupt wakes" in words(run)
    assert "data in the VMM's hands" in "".join(
        part["text"] for part in (run.seek(0), run.sentence("en"))[1])


def test_under_emulation_popf_is_what_it_is_on_bare_metal() -> None:
    run = open_run("popf", EMULATION)
    while not run.insn.startswith("popf"):
        run.seek(run.step + 1)
    assert "IF 0 → 1" in words(run) and "never sees it" in words(run)
    assert panel(run, "equivalence")["tone"] == "good"
    assert "0.0 %" in panel(run, "counts")["note"]
    run.seek(10**6)
    assert "arrived" in panel(run, "console")["text"]


def test_under_emulation_each_instruction_has_its_price() -> None:
    run = open_run("sieve", EMULATION)
    run.seek(100)
    scene = run.picture("wide", "en")
    assert scene["cost"]["text"] == "50" and "instruction" in scene["cost:title"]["text"]


def test_a_hypercall_is_told_when_it_is_made_and_when_it_is_done() -> None:
    run = open_run("rings", PV)
    assert "written for a VMM" in words(run)
    assert run.find("hypercall", 1)
    assert "set_gdt" in words(run) and token(run) == "vmm"
    run.seek(run.step - 1)
    assert "hypercall: set_gdt" in words(run)
    run.seek(run.step + 2)
    assert "ring 1" in words(run) and token(run) == "kernel"


def test_a_system_call_goes_from_ring_3_to_ring_1_without_the_vmm() -> None:
    run = open_run("system_call", PV)
    assert run.find("syscall", 1)
    assert token(run) == "kernel" and "system call" in words(run)
    run.seek(run.step - 1)
    assert token(run) == "app"


def test_the_shared_page_shows_the_mask_that_cli_writes() -> None:
    run = open_run("cli_sti", PV)
    seen = set()
    for step in range(0, run.last, 5):
        run.seek(step)
        seen.add(run.picture("wide", "en")["virtual:mask"]["text"][:1])
    assert seen >= {"0", "1"}


def test_what_was_ported_stands_beside_what_it_was() -> None:
    run = open_run("cli_sti", PV)
    rows = panel(run, "porting")["rows"]
    lines = [row["name"] for row in rows]
    assert lines.index("+ mov byte [EVENTS_OFF], 1") == lines.index("− cli") + 1
    assert any("c60501f0090001" in row["tip"] or "mov byte" in row["tip"] for row in rows)
    assert "source lines replaced" in text(run, "equivalence")
    run.seek(10**6)
    assert panel(run, "equivalence")["tone"] == "good"
    assert "native guest shows on bare metal" in text(run, "equivalence")


def test_a_refused_hypercall_is_told_with_its_reason_in_both_languages() -> None:
    run = open_run("pv_hostile", PV)
    refused = {"en": 0, "hu": 0}
    for _ in range(12):
        assert run.find("hypercall", 1)
        refused["en"] += "refuses" in words(run)
        refused["hu"] += "visszautasítja" in words(run, "hu")
    assert refused["en"] == refused["hu"] >= 8
    assert "no native version" in text(run, "equivalence")


def test_a_guest_that_was_not_ported_is_refused_with_a_list() -> None:
    with pytest.raises(InputError) as refusal:
        open_run("lecture_bt", PV)
    assert "nanos" in refusal.value.hint
    with pytest.raises(InputError, match="paravirtualizes"):
        open_run("pv_hostile", TRAP)


@pytest.mark.parametrize("guest", PORTED)
def test_ported_guests_can_be_opened(guest: str) -> None:
    if any(choice.id == guest for choice in LAB.guests):
        run = open_run(guest, PV)
        run.seek(1000)
        assert panel(run, "equivalence")["tone"] == "good"
        assert DEFINES[PV]


def test_the_virtualizable_instruction_set_makes_the_popf_guest_right() -> None:
    wrong, right = open_run("popf", TRAP), open_run("popf", TRAP, isa="virtualizable")
    assert wrong.find("diverge", 1)
    assert not search(right, "diverge")
    while not (right.insn.startswith("popf") and "imagined" in words(right)):
        assert right.find("trap", 1)
    right.seek(10**6)
    assert panel(right, "equivalence")["tone"] == "good"
    assert "arrived" in panel(right, "console")["text"]


def test_the_instruction_set_changes_nothing_for_other_techniques() -> None:
    for technique in ("bare-metal", EMULATION, PV):
        run = open_run("popf", technique, isa="virtualizable")
        run.seek(10**6)
        assert "arrived" in panel(run, "console")["text"]


# -- hardware assist -----------------------------------------------------------------------------


def figure(run: Any) -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture("wide", "en")}


def test_under_hardware_assist_the_kernel_is_in_ring_0_and_the_vmm_in_root_mode() -> None:
    run = open_run("popf", ASSIST)
    run.find("trap", 1)
    exited = figure(run)
    assert {"mode:guest", "mode:root", "motion"} <= set(exited)
    assert exited["chip:title"]["text"] == "VM exit 48"
    assert "current" in exited["mode:root"]["cls"] and "current" not in exited["ring:0"]["cls"]
    assert "kernel" in exited["ring:0"]["cls"] and token(run) == "vmm"
    run.seek(run.step + 2)
    entered = figure(run)
    assert entered["chip:title"]["text"] == "VMRESUME"
    assert "current" in entered["ring:0"]["cls"] and "current" not in entered["mode:root"]["cls"]
    assert token(run) == "kernel"


@pytest.mark.parametrize("memory", ["nested", "shadow"])
def test_popf_is_no_divergence_with_hardware_assist(memory: str) -> None:
    run = open_run("popf", ASSIST, memory=memory)
    run.seek(run.last)
    assert not search(run, "diverge") and not search(run, "diverge", -1)
    assert panel(run, "equivalence")["tone"] == "good"
    rows = {row["key"]: row["value"] for row in panel(run, "counts")["rows"]}
    assert rows["counts:exits"] == sum(run.system.vms[0].exits.values())


def test_the_timeline_gives_the_vmm_only_what_happens_in_root_mode() -> None:
    run = open_run("rings", ASSIST)
    for step in range(1, 110):
        run.seek(step)
        inside = run.system.machine.cpu.intercepts is not None
        assert (run.reader.context == "vmm") is not inside
        if step > 1:
            at = run.timeline_.segments.at(run.timeline_.position + 1)
            assert (at == "vmm") is not inside, step
