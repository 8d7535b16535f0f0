"""The lab "Rings and traps" shows what the machine did, on bare metal and under the VMM."""

from __future__ import annotations

import pytest
from ringside.labs import rings
from ringside.labs.lab import search
from ringside.labs.rings import LAB
from ringside.session import Session

BARE, TRAP = "bare-metal", "trap-and-emulate"


def open_run(guest: str, technique: str, source: str | None = None):
    return LAB.open(LAB.setup(guest, technique, {}, source))


def words(run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def panel(run, name: str) -> dict:
    return next(panel for panel in run.panels("en") if panel["id"] == name)


def ring_of_token(run) -> str:
    return next(
        node["cls"] for node in run.picture("wide", "en") if node["key"] == "token").split()[1]


def test_cli_falls_into_the_vmm_clears_the_virtual_if_and_returns() -> None:
    run = open_run("cli_sti", TRAP)
    while not run.insn.startswith("cli"):
        assert run.find("trap", 1)
    assert "switch interrupts off" in words(run) and ring_of_token(run) == "vmm"
    run.seek(run.step + 1)
    scene = run.picture("wide", "en")
    assert "virtual IF" in words(run)
    assert scene["real:if"]["text"].startswith("0") or scene["real:if"]["text"] == "0"
    run.seek(run.step + 1)
    assert "returns with IRET" in words(run) and ring_of_token(run) == "kernel"


def test_the_vmm_works_with_if_off_and_the_guest_runs_with_it_on() -> None:
    run = open_run("rings", TRAP)
    run.seek(6)
    scene = run.picture("wide", "en")
    assert "When the guest runs again, the real one is 1" in words(run)
    assert "valahányszor" not in words(run, "hu") and "újra fut" in words(run, "hu")
    assert scene["real:if"]["text"].startswith("0")
    run.seek(7)
    assert run.picture("wide", "en")["real:if"]["text"].endswith("1")


@pytest.mark.parametrize("guest", ["rings", "popf"])
def test_the_last_sentence_names_the_instruction_that_ended_the_run(guest: str) -> None:
    run = open_run(guest, TRAP)
    run.seek(10**6)
    assert "does out 0xf4, al on" in words(run)
    told = words(run)
    run.seek(run.last + 1)
    assert words(run) == told
    code = run.system.outcome.status >> 1
    assert f"exit status 2 × {code} + 1 = {2 * code + 1}" in told
    assert ("success" in told) == (code == 0)


@pytest.mark.parametrize(("step", "mnemonic", "bare"), [(5, "cli", "60"), (40, "in", "3210")])
def test_a_trap_has_a_total_only_at_its_end_and_bare_metal_a_price_at_once(
    step: int, mnemonic: str, bare: str
) -> None:
    run = open_run("rings", TRAP)
    costs = []
    for at in range(step, step + 3):
        run.seek(at)
        scene = run.picture("wide", "en")
        final = scene["cost:title"]["text"] == "this trap"
        assert final == (at == step + 2) != ("so far" in scene["cost:title"]["text"])
        assert scene["cost:note:0"]["text"].replace("\u202f", "") == f"on bare metal: {bare}"
        costs.append(int(scene["cost"]["text"].replace("\u202f", "")))
    assert run.events and costs == sorted(costs)
    run.seek(step)
    assert run.insn.startswith(mnemonic)


def test_a_hidden_fault_costs_nothing_on_bare_metal_and_is_not_priced_before_it_is_known() -> None:
    run = open_run("rings", TRAP)
    run.seek(37)
    assert "shadow page table" in words(run)
    assert "bare metal" not in run.picture("wide", "en")["cost:note:0"]["text"]
    run.seek(39)
    assert run.picture("wide", "en")["cost:note:0"]["text"] == "on bare metal: 0"


def test_an_emulated_port_access_has_its_device_s_price_too() -> None:
    run = open_run("rings", "emulation")
    run.seek(10**6)
    scene = run.picture("wide", "en")
    assert scene["cost"]["text"] == "717"
    assert scene["cost:note:0"]["text"] == "on bare metal: 3\u202f210"


def test_where_the_comparison_ended_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "AT_MOST", 20)
    run = open_run("rings", TRAP)
    run.seek(10)
    assert "so far" in str(panel(run, "equivalence")["segments"])
    run.seek(10**6)
    found = panel(run, "equivalence")
    assert "was not compared" in str(found) and found["tone"] != "good"


def test_on_bare_metal_the_same_cli_runs_directly() -> None:
    run = open_run("cli_sti", BARE)
    run.seek(1)
    while not run.insn.startswith("cli"):
        run.seek(run.step + 1)
    assert "switches interrupts off" in words(run) and ring_of_token(run) == "kernel"


def test_popf_is_where_the_guest_parts_from_bare_metal() -> None:
    run = open_run("popf", TRAP)
    assert run.find("diverge", 1)
    assert run.insn.startswith("popf")
    assert "never knew" in words(run)
    assert panel(run, "equivalence")["tone"] == "wrong"
    run.seek(run.step - 1)
    assert panel(run, "equivalence")["tone"] == "good"


BRIEF = """
org 0x100000
mov esp, 0x90000
mov ecx, 5500
first: loop first
smsw eax
mov eax, 0
mov ecx, 6000
last: loop last
mov al, 2
out 0xF4, al
"""


def test_a_difference_that_passes_is_not_missed_by_who_runs_past_it() -> None:
    run = LAB.open(LAB.setup("hlt", TRAP, {}, BRIEF))
    run.seek(10**6)
    told = "".join(part["text"] for part in panel(run, "equivalence")["segments"])
    assert run.ended and "smsw eax" in told and panel(run, "equivalence")["tone"] == "wrong"
    run = LAB.open(LAB.setup("hlt", TRAP, {}, BRIEF))
    asked = 0
    while (found := run.find("diverge", 1)) is None:
        asked += 1
    assert found and asked and run.insn.startswith("smsw")


def equivalence(run) -> tuple[str, str]:
    found = panel(run, "equivalence")
    return found["tone"], "".join(part["text"] for part in found["segments"])


def test_what_was_passed_too_fast_to_be_seen_is_looked_at_again_by_a_jump() -> None:
    late = BRIEF.replace("mov ecx, 5500", "mov ecx, 26000")
    run = LAB.open(LAB.setup("hlt", TRAP, {}, late))
    run.seek(10**6)
    assert equivalence(run) == ("good", (
        "Same as bare metal so far, compared after each of the first 20\u202f000 guest steps and now "
        "and then up to step 32\u202f007."))
    run.seek(0)
    assert search(run, "diverge") and run.insn.startswith("smsw")
    tone, told = equivalence(run)
    assert tone == "wrong" and "guest step 26\u202f003: after smsw eax" in told


def test_before_the_first_step_the_guest_is_not_called_the_same() -> None:
    run = open_run("hlt", TRAP)
    run.seek(0)
    assert equivalence(run) == ("", "Compared with bare metal after every guest step.")
    run.seek(10)
    assert equivalence(run)[0] == "good"


def test_where_nothing_parts_a_jump_to_the_divergence_comes_to_an_end() -> None:
    assert not search(open_run("system_call", TRAP), "diverge")


@pytest.mark.parametrize("guest", ["rings", "cli_sti", "hlt", "page_fault", "system_call",
                                   "port_io"])
def test_guests_that_avoid_silent_instructions_stay_equal(guest: str) -> None:
    run = open_run(guest, TRAP)
    run.seek(10**6)
    assert panel(run, "equivalence")["tone"] == "good"
    assert run.ended and run.outcome("en")


@pytest.mark.parametrize("technique", [BARE, TRAP])
def test_every_step_of_the_story_has_a_picture_and_a_sentence(technique: str) -> None:
    run = open_run("rings", technique)
    for step in range(run.last + 1):
        run.seek(step)
        for shape, lang in (("wide", "en"), ("tall", "hu")):
            keys = {node["key"] for node in run.picture(shape, lang)}
            assert {"token", "ring:0", "ring:3", "real:if"} <= keys
            assert len(words(run, lang)) > 10


def test_the_current_instruction_is_marked_with_its_class() -> None:
    run = open_run("rings", TRAP)
    classes = set()
    for step in range(60):
        run.seek(step)
        rows = panel(run, "code")["rows"]
        assert sum(row["current"] for row in rows) == 1
        classes |= {row["class"] for row in rows}
    assert {"innocuous", "privileged"} <= classes


def test_registers_show_what_changed_and_what_was_there_before() -> None:
    run = open_run("rings", BARE)
    run.seek(2)
    row = next(row for row in panel(run, "registers")["rows"] if row["name"] == "esp")
    assert row["changed"] and row["value"] == "0009 0000" and row["before"] == "0010 0000"


def test_a_self_modifying_guest_runs_what_it_wrote() -> None:
    source = """
        org 0x100000
        start:  mov byte [patch + 1], 'b'
        patch:  mov al, 'a'
                out 0xE9, al
                cli
                hlt
    """
    for technique in (BARE, TRAP):
        run = open_run("rings", technique, source)
        run.seek(10**6)
        assert panel(run, "console")["text"] == "b"


def test_a_triple_fault_ends_the_run_and_says_so() -> None:
    run = open_run("rings", BARE, "org 0x100000\nstart: lidt [none]\nint 3\nnone: dw 0\ndd 0\n")
    run.seek(10**6)
    assert run.ended and "triple fault" in run.outcome("en")


@pytest.mark.parametrize("technique", [BARE, TRAP])
def test_what_is_not_modelled_ends_the_run_and_says_what_it_was(technique: str) -> None:
    source = """
        org 0x100000
        start:  lgdt [pointer]
                jmp 0x08:next
        next:   mov ax, 0x18
                ltr ax
                jmp 0x20:0              ; a second task: a hardware task switch
        gdt:    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
                dw 103, tss - 0x100000, 0x8910, 0
                dw 103, tss - 0x100000, 0x8910, 0
        pointer: dw 39
                dd gdt
        tss:    times 26 dd 0
    """
    run = open_run("rings", technique, source)
    run.seek(10**6)
    assert run.ended and "task switch" in run.outcome("en")
    run.seek(2)
    assert run.step == 2  # and one can still go back


def test_a_real_mode_guest_under_trap_and_emulate_ends_only_itself() -> None:
    source = "org 0x100000\nstart: mov eax, cr0\nand eax, ~1\nmov cr0, eax\nhlt\n"
    run = open_run("rings", TRAP, source)
    run.seek(10**6)
    assert "real mode" in run.outcome("en")


def test_another_processor_prices_the_same_trap_anew_and_nothing_runs(monkeypatch) -> None:
    session = Session()
    load = {"op": "load", "lab": "rings", "guest": "popf", "technique": "hardware-assist"}
    opened = session.handle(load)
    assert opened["ok"]
    found = session.handle({"op": "step", "by": "trap"})["frame"]["step"]
    steps = {}
    monkeypatch.setattr(rings, "build", None)  # no system can be started any more
    for preset in ("prescott", "haswell"):
        frame = session.handle({**load, "step": found, "options": {"preset": preset}})["frame"]
        assert frame["step"] == found
        texts = [node["text"] for node in frame["scene"]["nodes"] if node["shape"] == "text"]
        (told,) = (text for text in texts if "Prescott" in text or "Haswell" in text)
        steps[preset] = texts
        assert preset.capitalize() in told
    assert steps["prescott"] != steps["haswell"]
