"""The lab "VT-x": two modes, the VMCS as it is read and written, exits, injection."""

from __future__ import annotations

from typing import Any

import pytest
from ringside.labs.vmcs_view import panel_name
from ringside.labs.vtx import GUESTS, LAB, VtxRun
from ringside.labs.words.vtx import AMD
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.reasons import REASONS
from ringside.session import Session
from ringside.trace import events as ev


def opened(guest: str = "vtx_tour", technique: str = "nested") -> VtxRun:
    run = LAB.open(LAB.setup(guest, technique, {}, None))
    assert isinstance(run, VtxRun)
    return run


def nodes(run: VtxRun, shape: str = "wide") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, "en")}


def text(run: VtxRun, lang: str = "en") -> str:
    return "".join(segment["text"] for segment in run.sentence(lang))


def note(run: VtxRun) -> str:
    """What is said under the injection field, its lines joined."""
    picture = nodes(run)
    return " ".join(picture[key]["text"] for key in picture if key.startswith("inject:note"))


def to_exit(run: VtxRun, name: str) -> ev.VmExited:
    """Go to the next exit for a reason."""
    while run.find("vmexit", 1):
        found = next(event for event in run.events if isinstance(event, ev.VmExited))
        if REASONS[found.reason] == name:
            return found
    raise AssertionError(f"no exit for {name}")


def test_the_first_step_is_vmlaunch_and_writes_the_guest_state() -> None:
    run = opened()
    assert "root mode" in text(run)
    run.seek(1)
    assert text(run).startswith("VMLAUNCH")
    picture = nodes(run)
    assert picture[f"vmcs:{f.GUEST_EIP:04x}:mark"]["text"] == "W"
    assert picture[f"vmcs:{f.GUEST_EIP:04x}"]["text"] == "00100000"
    assert picture["chip:title"]["text"] == "VM entry: VMLAUNCH"


@pytest.mark.parametrize("name", [
    "CPUID", "RDTSC", "control-register access", "RDMSR", "VMCALL", "I/O instruction", "HLT",
    "external interrupt", "interrupt window",
])
def test_the_tour_shows_each_exit_by_its_number_and_name(name: str) -> None:
    run = opened()
    event = to_exit(run, name)
    assert f"VM exit {event.reason}" in text(run)
    picture = nodes(run)
    assert picture["chip:title"]["text"] == f"VM exit {event.reason}"
    assert picture[f"vmcs:{f.EXIT_REASON:04x}"]["text"] == str(event.reason)
    assert picture[f"vmcs:{f.EXIT_REASON:04x}:mark"]["text"] == "R"
    assert "current" in picture["lane:vmm"]["cls"].split()
    assert "current" not in picture["lane:kernel"]["cls"].split()


def test_what_is_marked_is_what_the_events_say_was_read_and_written() -> None:
    run = opened()
    for step in range(1, 120, 3):
        run.seek(step)
        touched = {(one.field & ~1, type(one) is ev.VmcsWritten) for one in run.events
                   if isinstance(one, ev.VmcsRead | ev.VmcsWritten)}
        picture = nodes(run)
        for key, node in picture.items():
            if key.startswith("vmcs:") and key.endswith(":name"):
                encoding = int(key.split(":")[1], 16)
                assert f"{encoding:04x}" in node["tip"]
                expected = ("R" if (encoding, False) in touched else "") + (
                    "W" if (encoding, True) in touched else "")
                mark = picture.get(f"vmcs:{encoding:04x}:mark")
                assert (mark["text"] if mark else "") == expected


def test_popf_really_sets_if_without_an_exit() -> None:
    run = opened()
    while run.find("emulate", 1) or run.step < run.last:
        if run.insn == "hlt":
            break
    before = run.step
    names = set()
    for step in range(before - 6, before):
        run.seek(step)
        if run.insn == "popf":
            names |= {type(event).__name__ for event in run.events}
    assert "Retired" in names and "VmExited" not in names and "FlagIgnored" not in names


def test_an_injection_is_asked_for_in_one_step_and_delivered_by_the_next_entry() -> None:
    run = opened()
    to_exit(run, "interrupt window")
    run.seek(run.step + 1)
    asked = nodes(run)
    assert asked["inject:valid:value"]["text"] == "1"
    assert asked["inject:vector:value"]["text"] == "0x20"
    assert "next VM entry" in note(run)
    assert run.reader.context == "vmm"
    run.seek(run.step + 1)
    assert "has delivered" in note(run)
    assert run.reader.context == "kernel"


def test_while_an_interrupt_waits_the_window_is_watched() -> None:
    run = opened()
    to_exit(run, "external interrupt")
    run.seek(run.step + 1)
    assert "interrupt-window exiting is on" in note(run)
    assert "interrupt-window exiting" in text(run)


def test_bars_count_the_exits_so_far() -> None:
    run = opened()
    run.seek(run.last)
    picture = nodes(run)
    counted = {int(key.split(":")[1]): int(node["text"]) for key, node in picture.items()
               if key.startswith("reason:") and key.count(":") == 1}
    exits = run.system.vms[0].exits
    assert counted[30] == exits["I/O instruction"]
    assert picture["reasons:more"]["text"] == f"{sum(exits.values())} in all"


def test_without_ept_page_faults_leave_and_with_it_they_stay() -> None:
    first, later = opened("page_fault", "shadow"), opened("page_fault")
    for run in (first, later):
        run.seek(run.last)
    assert f"reason:{0}" in nodes(first) and "reason:48" not in nodes(first)
    assert "reason:48" in nodes(later) and "reason:0" not in nodes(later)


def test_every_field_is_in_the_panel_with_its_encoding() -> None:
    run = opened()
    run.seek(50)
    panels = {panel["id"]: panel for panel in run.panels("en")}
    rows = panels["vmcs"]["rows"]
    assert [row["key"] for row in rows] == [f"field:{field.encoding:04x}" for field in f.FIELDS]
    assert all(f"{field.encoding:04x}" in row["tip"]
               for field, row in zip(f.FIELDS, rows, strict=True))
    assert len(panels["amd"]["rows"]) == len(AMD)
    names = {row["name"]: row["value"] for row in panels["amd"]["rows"]}
    assert (names["VMCS"], names["EPT"], names["VPID"]) == ("VMCB", "NPT (RVI)", "ASID")


def test_the_names_in_the_panel_leave_room_for_the_values_and_are_told_apart() -> None:
    names = [panel_name(field.name) for field in f.FIELDS]
    assert max(map(len, names)) <= 22 and len(set(names)) == len(names)


def test_a_field_the_vmm_touched_stands_in_the_figure_or_is_counted() -> None:
    run = opened()
    for step in range(1, 120, 3):
        run.seek(step)
        touched = {one.field & ~1 for one in run.events
                   if isinstance(one, ev.VmcsRead | ev.VmcsWritten)}
        picture = nodes(run)
        absent = [one for one in touched if f"vmcs:{one:04x}" not in picture]
        counted = sum(int(node["text"].split()[1]) for key, node in picture.items()
                      if key.startswith("group:") and key.endswith(":more"))
        assert counted == len(absent)


def test_fields_are_written_large_enough_for_a_projector() -> None:
    run = opened()
    run.seek(50)
    scene = run.picture("wide", "en")
    sizes = [node["size"] for node in scene if node["shape"] == "text"]
    assert min(sizes) * 900 / scene.width >= 13


def test_the_panel_of_the_step_lists_the_accesses_in_order() -> None:
    run = opened()
    to_exit(run, "CPUID")
    panel = next(panel for panel in run.panels("en") if panel["id"] == "accesses")
    assert panel["rows"][0]["name"] == "VMREAD exit reason"
    run.seek(run.step + 1)
    panel = next(panel for panel in run.panels("en") if panel["id"] == "accesses")
    assert [row["name"] for row in panel["rows"]] == ["VMWRITE guest rip"]
    run.seek(40)  # nothing is touched: other words, in the same place
    calm = next(panel for panel in run.panels("en") if panel["id"] == "accesses")
    assert calm["kind"] == "text" and calm["side"] == panel["side"]


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("technique", ["nested", "shadow"])
def test_every_step_speaks_in_both_languages(technique: str, lang: str) -> None:
    run = opened("rings", technique)
    for step in range(110):
        run.seek(step)
        said = text(run, lang)
        assert said and "{" not in said
        assert "dolgozik" not in said and "is at work" not in said


@pytest.mark.parametrize("guest", GUESTS)
def test_every_guest_opens_and_steps_back_to_the_same_picture(guest: str) -> None:
    run = opened(guest)
    run.seek(40)
    there = run.picture("tall", "hu").as_dict()
    run.seek(90)
    run.seek(40)
    assert run.picture("tall", "hu").as_dict() == there


def test_the_session_offers_it() -> None:
    session = Session()
    answer = session.handle({"op": "load", "lab": "vtx", "lang": "hu"})
    assert answer["ok"]
    frame = session.handle({"op": "step", "direction": 1, "by": "vmexit"})["frame"]
    assert "VM exit" in "".join(segment["text"] for segment in frame["sentence"])
