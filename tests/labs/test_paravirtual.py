"""The lab "Paravirtualization" shows what was asked, what was checked, and what it spared."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.guests.porting import difference
from ringside.labs.lab import SHAPES
from ringside.labs.paravirtual import LAB, ParavirtualRun
from ringside.labs.rival import Rival
from ringside.session import Session
from ringside.trace import events as ev
from ringside.trace.counters import total


def open_run(guest: str = "rings", source: str | None = None) -> ParavirtualRun:
    run = LAB.open(LAB.setup(guest, None, None, source))
    assert isinstance(run, ParavirtualRun)
    return run


def told(run: ParavirtualRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def nodes(run: ParavirtualRun, shape: str = "wide", lang: str = "en") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, lang)}


def heard(run: ParavirtualRun, kind: type[ev.Event]) -> Any:
    return next((event for event in run.events if type(event) is kind), None)


def panel(run: ParavirtualRun, name: str, lang: str = "en") -> dict[str, Any]:
    return next(panel for panel in run.panels(lang) if panel["id"] == name)


# -- hypercalls --------------------------------------------------------------------------------


def test_a_hypercall_goes_down_with_its_arguments_and_comes_back_with_an_answer() -> None:
    run = open_run()
    assert run.find("hypercall", 1)
    answered = nodes(run)
    assert answered["call"]["text"] == "2 · set_gdt"
    assert "✓" in answered["verdict"]["text"] and "good" in answered["verdict"]["cls"]
    run.seek(run.step - 1)
    asked = nodes(run)
    assert asked["call"]["text"] == "2 · set_gdt" and "asked" in asked["verdict"]["text"]
    assert asked["chip:text"]["text"] == "INT 82h: set_gdt"
    assert "vmm" in asked["token"]["cls"] and "vmm" in asked["motion"]["cls"]
    regs = run.system.guest_cpu.regs
    assert asked["call:0"]["text"] == f"{regs[3]:08x}" and asked["call:1"]["text"] == "00000005"
    run.seek(run.step + 2)
    assert "kernel" in nodes(run)["token"]["cls"]


def test_every_hypercall_of_the_story_is_in_the_log_the_newest_first() -> None:
    run = open_run()
    run.seek(10**6)
    count = total(run.timeline_.counts(), "hypercall")
    keys = [key for key in nodes(run) if key.startswith("asked:") and ":text" not in key]
    assert keys[0] == f"asked:{count}"
    assert "sched_op" in nodes(run)[f"asked:{count}:text"]["text"]
    bars = panel(run, "calls")
    assert sum(row["value"] for row in bars["rows"]) == count


def test_a_change_to_the_page_table_is_shown_as_the_entry_was_and_is() -> None:
    run = open_run()
    while heard(run, ev.EntryChanged) is None:
        assert run.find("hypercall", 1)
    change = heard(run, ev.EntryChanged)
    assert run.system.machine.memory.read32(change.hpa) == change.after
    assert change.before & 3 == 3 and change.after & 3 == 1, "its directory becomes read-only"
    assert nodes(run)["call:effect"]["text"] == f"{change.before:08x} → {change.after:08x}"


OPERATIONS = """
bits 32
org 0x100000
%include "pc.inc"
main:   machine_frame eax, START_DIRECTORY
        mov [use + 4], eax
        mov [mixed + 4], eax
        mov esi, flush
        call ask
        mov esi, use
        call ask
        mov esi, mixed
        call ask
        xor eax, eax
        jmp finish
ask:    mov ebx, esi
        mov ecx, 2
        xor edx, edx
        hypercall H_MMUEXT_OP
        ret
flush:  dd 6, 0, 0, 6, 0, 0
use:    dd NEW_BASEPTR, 0, 0, 6, 0, 0
mixed:  dd NEW_BASEPTR, 0, 0, PIN_L2, 0xFFFFF, 0
"""


def test_what_an_operation_on_page_tables_did_is_said_and_no_more() -> None:
    run = open_run(source=OPERATIONS)
    said = []
    while run.find("hypercall", 1):
        if heard(run, ev.Hypercalled).name == "mmuext_op":
            said.append(told(run))
    flush, use, mixed = said
    assert "TLB" in flush and "checked" not in flush
    assert "CR3" in use
    assert "refuses a request" in mixed and "nothing has happened" not in mixed


def test_a_page_fault_is_the_guests_own_and_comes_by_the_vmms_interrupt_table() -> None:
    run = open_run()
    while heard(run, ev.FaultRaised) is None or heard(run, ev.FaultRaised).vector != 14:
        assert run.find("trap", 1)
    assert "guest's own page table" in told(run) and "interrupt table is the VMM's" in told(run)


def test_hostile_hypercalls_are_refused_with_a_reason_and_change_nothing_outside() -> None:
    run = open_run("pv_hostile")
    refused = 0
    while run.find("hypercall", 1):
        call = heard(run, ev.Hypercalled)
        if call.result >= 0:
            continue
        refused += 1
        picture = nodes(run)
        assert "✗" in picture["verdict"]["text"] and "wrong" in picture["verdict"]["cls"]
        assert picture["verdict:why"]["text"].rstrip("…") in call.why
        assert picture["guard"]["text"] == "✓ no harm done"
        assert call.why in told(run) and "byte by byte" in told(run)
    assert refused >= 15
    run.seek(10**6)
    assert "still here" in panel(run, "console")["text"]


def test_the_guard_tells_when_something_outside_did_change() -> None:
    run = open_run("pv_hostile")
    while heard(run, ev.Hypercalled) is None or heard(run, ev.Hypercalled).result >= 0:
        run.find("hypercall", 1)
    assert run._unharmed
    memory = run.system.machine.memory
    memory.write8(0x5000, memory.read8(0x5000) ^ 1)
    assert not run._unharmed
    assert "guard" not in nodes(run) and "byte by byte" not in told(run)


def test_a_refusal_is_told_in_hungarian_without_english() -> None:
    run = open_run("pv_hostile")
    for _ in range(6):
        run.find("hypercall", 1)
    assert "visszautasítja" in told(run, "hu")
    assert heard(run, ev.Hypercalled).why not in told(run, "hu")


# -- the shared page and events ----------------------------------------------------------------


def test_the_shared_page_is_what_the_memory_holds_and_one_mov_changes_it() -> None:
    run = open_run("cli_sti")
    seen = set()
    for step in range(1, 4000):
        run.seek(step)
        if "mask" in told(run) or "MOV to the shared page" not in told(run):
            continue
        picture = nodes(run)
        assert "→" in picture["shared:mask"]["text"]
        assert "current" in picture["shared"]["cls"]
        assert heard(run, ev.VmmEntered) is None
        seen.add(picture["shared:mask"]["text"][-1])
        if len(seen) == 2:
            break
    assert seen == {"0", "1"}


def test_an_event_lights_its_channel_and_calls_the_handler() -> None:
    run = open_run()
    assert run.find("upcall", 1)
    picture = nodes(run)
    assert "device" in picture["port:1"]["cls"] and picture["port:1:name"]["text"] == "1 · timer"
    assert picture["shared:pending"]["text"] == "0 → 1"
    run.seek(run.step + 1)
    picture = nodes(run)
    assert picture["chip:text"]["text"] == "event: handler called"
    assert run.system.guest_cpu.eip == run._domain.callback[1]


def test_a_system_call_does_not_pass_through_the_vmm() -> None:
    run = open_run()
    assert run.find("syscall", 1)
    picture = nodes(run)
    assert "kernel" in picture["motion"]["cls"] and "past the VMM" in picture["chip:text"]["text"]
    assert "is not asked" in told(run) and heard(run, ev.VmmEntered) is None


def test_block_and_shutdown_are_told_apart() -> None:
    run = open_run()
    said = []
    while run.find("hypercall", 1):
        said.append(told(run))
    text = " ".join(said)
    assert "sched_op, block" in text and "ended" in said[-1]


# -- what porting changed ----------------------------------------------------------------------


def test_the_change_beside_the_figure_is_the_one_the_instruction_belongs_to() -> None:
    run = open_run("cli_sti")
    while "MOV to the shared page" not in told(run):
        run.seek(run.step + 1)
    eip = run.before.registers["eip"] if run.before else -1
    (change,) = [
        change for change in difference("cli_sti").changes
        if any(address == eip for address, _, _ in change.ported.code)
    ]
    picture = nodes(run)
    assert picture["change:title"]["text"] == f"changed here · {change.file}:{change.line}"
    shown = [node["text"] for key, node in picture.items() if key.startswith("change:1:code")]
    hot = [node["text"] for key, node in picture.items()
           if key.startswith("change:1:code") and "hot" in node["cls"]]
    assert hot == [run.insn] and hot[0] in shown
    assert next(t for _, _, t in change.native.code) in [
        node["text"] for key, node in picture.items() if key.startswith("change:0:code")]
    raw = {node["text"].rstrip("…") for key, node in picture.items()
           if key.startswith("change:1:bytes")}
    assert any(code.hex().startswith(text) for text in raw for _, code, _ in change.ported.code)


# -- counting ----------------------------------------------------------------------------------


def test_the_exits_saved_are_measured_on_the_same_guest_at_the_same_output() -> None:
    run = open_run()
    run.seek(10**6)
    exits, toll = run._toll()
    assert toll is not None and toll.same and toll.written == len("kuft")
    assert exits < toll.exits
    picture = nodes(run)
    assert picture["bar:here:value"]["text"] == str(exits)
    assert picture["bar:trap:value"]["text"] == str(toll.exits)
    assert picture["saved"]["text"] == f"−{round(100 * (toll.exits - exits) / toll.exits)} %"


def test_the_rival_that_goes_wrong_silently_is_said_to() -> None:
    run = open_run("popf")
    run.seek(10**6)
    _, toll = run._toll()
    assert toll is not None and not toll.same
    assert "goes wrong silently" in nodes(run)["bars:note"]["text"]


def test_the_rivals_exits_are_those_of_its_vm() -> None:
    from ringside.guests import program

    rival = Rival(program("rings"), "rings", 4 << 20, None)
    toll = rival.toll("kuft", 4)
    assert toll is not None
    (vm,) = rival._system.vms
    assert toll.exits <= sum(vm.exits.values())
    assert rival.toll("kuft", 5) is None and rival.toll("kuft", 0) is None
    again = rival.toll("kuft", 2)
    assert again is not None and again.exits < toll.exits


# -- as every lab ------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", [choice.id for choice in LAB.guests])
def test_every_step_has_a_picture_a_sentence_and_panels(guest: str) -> None:
    run = open_run(guest)
    for step in (*range(0, 150, 9), *range(150, min(run.last, 1500), 131), run.last):
        run.seek(step)
        for shape, lang in zip(SHAPES, ("en", "hu"), strict=True):
            keys = nodes(run, shape, lang).keys()
            assert {"token", "app", "kernel", "vmm", "shared", "shared:mask"} <= keys
            assert len(told(run, lang)) > 15
        assert {"calls", "code", "console"} <= {panel["id"] for panel in run.panels("hu")}


def test_a_step_looks_the_same_however_it_was_reached() -> None:
    one, other = open_run(), open_run()
    for step in range(99):
        one.seek(step)
    other.seek(10**6)
    other.seek(98)
    assert one.picture("wide", "en").as_dict() == other.picture("wide", "en").as_dict()
    assert told(one) == told(other)


@pytest.mark.parametrize("kind", ["hypercall", "syscall", "upcall", "trap", "inject", "console"])
def test_every_kind_of_stop_is_found(kind: str) -> None:
    run = open_run()
    assert run.find(kind, 1)
    first = run.step
    run.seek(10**6)
    assert run.find(kind, -1) and run.step >= first


def test_the_session_opens_it_by_link_and_edits_it() -> None:
    session = Session()
    frame = session.handle({"op": "load", "lab": "paravirtual", "step": 98})["frame"]
    assert (frame["guest"], frame["step"]) == ("rings", 98)
    again = session.handle({"op": "frame", "step": 99})["frame"]
    back = session.handle({"op": "step", "direction": -1})["frame"]
    assert back["scene"] == frame["scene"] != again["scene"]
    source = session.handle({"op": "source"})["source"]
    answer = session.handle({"op": "load", "lab": "paravirtual", "source": source, "step": 7})
    assert answer["ok"] and "porting" not in {p["id"] for p in answer["frame"]["panels"]}
