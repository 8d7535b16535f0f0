"""The lab "Binary translation" shows what is in the cache and what the step did with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ringside.isa.disassemble import disassemble
from ringside.labs.lab import SHAPES
from ringside.labs.translation import LAB, TranslationRun
from ringside.session import Session
from ringside.trace import events as ev
from ringside.vmm.monitor import WINDOW
from ringside.vmm.translation.readout import read_executed, read_statistics


def open_run(guest: str = "lecture_bt", source: str | None = None) -> TranslationRun:
    run = LAB.open(LAB.setup(guest, None, None, source))
    assert isinstance(run, TranslationRun)
    return run


def told(run: TranslationRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def nodes(run: TranslationRun, shape: str = "wide", lang: str = "en") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, lang)}


def heard(run: TranslationRun, kind: type[ev.Event]) -> Any:
    return next((event for event in run.events if type(event) is kind), None)


def column(picture: dict[str, dict[str, Any]], name: str) -> list[str]:
    """The instructions of a column, from top to bottom."""
    rows = [node for key, node in picture.items() if re.fullmatch(rf"{name}:[0-9a-f]{{8}}", key)]
    return [node["text"] for node in sorted(rows, key=lambda node: node["y"])]


def find(run: TranslationRun, kind: type[ev.Event]) -> Any:
    while (event := heard(run, kind)) is None:
        run.seek(run.step + 1)
    return event


# -- the lecture's example ---------------------------------------------------------------------


def test_the_lectures_example_is_on_the_stage_within_a_few_steps() -> None:
    run = open_run()
    find(run, ev.Translated)
    picture = nodes(run)
    left = column(picture, "guest")
    assert left[-5:] == ["cli", "and ebx, 0xfffff000", "mov ebx, cr3", "sti", "ret"]
    right = column(picture, "cache")
    assert "mov dword [gs:virtual_if], 0" in right and "int 0xfc" in right
    assert "mov ecx, [gs:pending]" in right and right[-1] == "jmp lookup"
    words = [node["text"] for key, node in picture.items() if key.endswith(":word")]
    assert words[-5:] == ["in line", "identical", "callout", "in line", "lookup"]


def test_the_colour_of_a_band_is_that_of_its_kind() -> None:
    run = open_run()
    find(run, ev.Translated)
    tones = {
        node["text"]: node["cls"].split()[1]
        for key, node in nodes(run).items() if key.endswith(":word")
    }
    assert tones == {
        "chained": "good", "in line": "device", "identical": "kernel", "callout": "vmm",
        "lookup": "muted",
    }  # fmt: skip


def test_the_cache_column_is_what_the_memory_holds() -> None:
    run = open_run()
    for step in (5, 20, 31, 34):
        run.seek(step)
        picture = nodes(run)
        for key, node in picture.items():
            found = re.fullmatch(r"cache:([0-9a-f]{8})", key)
            if found is None:
                continue
            address = int(found[1], 16)
            code = run.system.machine.memory.read_bytes(address - WINDOW, 15)
            _, insn, text = next(iter(disassemble(code, address, 32)))
            assert insn is not None
            assert node["text"].split()[0] == text.split()[0]
            assert node["tip"].split(" · ")[-1] == insn.raw.hex()
            if shown := picture.get(f"{key}:bytes"):
                assert shown["text"] == insn.raw.hex()


def test_rows_that_the_step_executed_are_marked_and_the_token_is_at_the_last() -> None:
    run = open_run()
    while "a test follows" not in told(run):
        run.seek(run.step + 1)
    picture = nodes(run)
    ran = {f"cache:{e.linear:08x}" for e in run.events if isinstance(e, ev.Retired)}
    hot = {key for key, node in picture.items()
           if key.startswith("cache:") and "hot" in node["cls"].split()}
    assert hot == ran and len(ran) >= 7
    last = [e for e in run.events if isinstance(e, ev.Retired)][-1]
    row = picture[f"cache:{last.linear:08x}"]
    assert abs(picture["token"]["y"] - row["y"]) < 12
    assert "kernel" in picture["token"]["cls"] and "IF" in told(run)


# -- what the translator does ------------------------------------------------------------------


def test_a_unit_appears_when_it_is_translated_and_the_sentence_counts_its_bytes() -> None:
    run = open_run()
    made = find(run, ev.Translated)
    key = f"unit:{made.address:08x}"
    assert "good" in nodes(run)[key]["cls"]
    assert f"{made.size} bytes" in told(run) and f"{made.eip:08x}" in told(run)
    run.seek(run.step - 1)
    assert key not in nodes(run)
    assert "looks for" in told(run) and "cli" in column(nodes(run), "guest")


def test_chaining_is_the_patch_of_a_jump_and_an_arc_from_then_on() -> None:
    run = open_run()
    chained = find(run, ev.Chained)
    jump = f"cache:{chained.source:08x}"
    after = nodes(run)
    assert after[f"{jump}:chip"]["text"] == f"→ {chained.eip:08x}"
    assert "good" in after[f"chain:{chained.source:08x}"]["cls"]
    run.seek(run.step - 1)
    before = nodes(run)
    assert before[f"{jump}:chip"]["text"] == "→ VMM"
    assert before[jump]["text"] != after[jump]["text"]
    assert f"chain:{chained.source:08x}" not in before


def test_a_chained_jump_and_a_found_return_do_not_bring_the_vmm() -> None:
    run = open_run()
    run.seek(400)
    seen = set()
    for step in range(400, 420):
        run.seek(step)
        picture = nodes(run)
        if "lookup finds it" in told(run):
            seen.add("hit")
            assert "good" in picture["lookup:box"]["cls"].split()
            assert "muted" in picture["vmm:box"]["cls"].split()
        if "chained" in told(run):
            seen.add("chained")
            assert heard(run, ev.VmmEntered) is None
    assert seen == {"hit", "chained"}


def test_a_callout_moves_the_token_to_the_vmm_with_an_arrow_and_back() -> None:
    run = open_run()
    while "callout" not in told(run):
        run.seek(run.step + 1)
    picture = nodes(run)
    assert "vmm" in picture["token"]["cls"] and "vmm" in picture["control"]["cls"]
    assert "mov ebx, cr3" in told(run)
    run.seek(run.step + 1)
    assert "emulates mov ebx, cr3" in told(run)
    run.seek(run.step + 1)
    picture = nodes(run)
    assert "good" in picture["control"]["cls"] and "kernel" in picture["token"]["cls"]


def test_a_write_to_code_strikes_its_translation_out_and_shows_what_stands_there_now() -> None:
    run = open_run("self_modifying")
    gone = find(run, ev.Discarded)
    assert gone.why == "written" and "written to its own code" in told(run)
    picture = nodes(run)
    assert "stale" in picture[f"guest:{gone.eip:08x}"]["cls"]
    assert picture[f"guest:{gone.eip:08x}"]["text"] == "mov al, 0x61"
    assert picture[f"guest:{gone.eip:08x}:now"]["text"] == "mov al, 0x62"
    run.seek(run.step - 1)
    assert "whose code has been translated" in told(run)


def test_hot_code_becomes_a_region_whose_copied_jumps_stand_out() -> None:
    run = open_run()
    while not (made := find(run, ev.Translated)).replaced:
        run.seek(run.step + 1)
    assert "is hot" in told(run) and "1 of 2" in told(run) and "gyakran fut" in told(run, "hu")
    picture = nodes(run)
    assert picture["guest:title"]["text"] == f"guest code · region at {made.eip:08x}"
    assert made.count == len(column(picture, "guest"))
    assert any("again" in str(node.get("text", "")) for key, node in picture.items() if "vmm" in key)
    hot = {node["text"] for key, node in picture.items()
           if re.fullmatch(r"guest:[0-9a-f]{8}", key) and "hot" in node["cls"].split()}
    assert {text.split()[0] for text in hot} == {"loop"}
    while "from the jump to its target" not in told(run):
        run.seek(run.step + 1)
    loop = next(e for e in run.events if isinstance(e, ev.Retired))
    assert read_statistics(run.technique).regions == 1 and loop.linear > made.address


def test_a_callout_of_one_byte_is_told_as_the_int3_it_is() -> None:
    run = open_run("nanos")
    run.seek(470)
    while "INT3" not in told(run):
        run.seek(run.step + 1)
    assert "in al, dx" in told(run) and run.technique.spot is not None


def test_bad_guests_are_explained() -> None:
    run = open_run("self_modifying")
    said = []
    for step in range(1, 500):
        run.seek(step)
        said.append(told(run))
    text = " ".join(said)
    assert "middle of an instruction" in text
    assert "nothing the processor could fetch" in text and "delivers #UD" in text
    run.seek(10**6)
    assert "abc" in next(p for p in run.panels("en") if p["id"] == "console")["text"]


def test_popf_becomes_an_in_line_replacement_and_the_interrupt_arrives() -> None:
    run = open_run("popf")
    while "silently" not in told(run):
        run.seek(run.step + 1)
    assert "popf" in told(run)
    assert "virtual IF" in told(run)
    cells = next(panel for panel in run.panels("en") if panel["id"] == "cells")["rows"]
    (flag,) = [row for row in cells if row["key"] == "cell:virtual_if"]
    assert (flag["before"], flag["value"], flag["changed"]) == ("0", "1", True)
    run.seek(10**6)
    assert "arrived" in next(p for p in run.panels("en") if p["id"] == "console")["text"]


def test_applications_run_directly_and_say_so() -> None:
    run = open_run("system_call")
    while run.reader.context != "app" or "directly on the processor" not in told(run):
        run.seek(run.step + 1)
    picture = nodes(run)
    assert picture["cache:empty:0"]["text"] == "runs directly"
    assert "app" in picture["token"]["cls"] and "application" in told(run)


# -- counts ------------------------------------------------------------------------------------


def test_the_counts_shown_are_the_processors() -> None:
    run = open_run()
    run.seek(600)
    executed, statistics = read_executed(run.technique), read_statistics(run.technique)
    picture = nodes(run)
    shown = float(picture["share:identical:value"]["text"].rstrip(" %"))
    assert abs(shown - 100 * executed.identical / executed.total) < 0.051
    assert picture["figure:expansion"]["text"] == f"×{statistics.expansion:.1f}"
    assert picture["figure:hits"]["text"] == f"{100 * statistics.hit_rate:.0f} %"
    bars = next(panel for panel in run.panels("en") if panel["id"] == "shares")
    assert {row["key"]: row["value"] for row in bars["rows"]}["shares:inline"] == executed.inline
    assert sum(row["value"] for row in bars["rows"]) == executed.total


# -- as every lab ------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", [choice.id for choice in LAB.guests])
def test_every_step_has_a_picture_a_sentence_and_panels(guest: str) -> None:
    run = open_run(guest)
    for step in (*range(0, 40, 3), *range(40, min(run.last, 900), 61), run.last):
        run.seek(step)
        for shape, lang in zip(SHAPES, ("en", "hu"), strict=True):
            keys = nodes(run, shape, lang).keys()
            assert {"token", "strip", "vmm:box", "lookup:box"} <= keys
            assert len(told(run, lang)) > 20
        assert {"shares", "cells", "cache", "code", "console"} <= {
            panel["id"] for panel in run.panels("hu")}


def test_a_step_looks_the_same_however_it_was_reached() -> None:
    one, other = open_run("self_modifying"), open_run("self_modifying")
    for step in range(61):
        one.seek(step)
    other.seek(200)
    other.seek(60)
    assert one.picture("wide", "en").as_dict() == other.picture("wide", "en").as_dict()
    assert told(one) == told(other)


def test_the_story_begins_at_main_and_a_program_without_one_at_its_first_instruction() -> None:
    assert "got ready" in told(open_run())
    own = open_run(source="bits 32\norg 0x100000\nstart: mov eax, 7\n cli\n hlt\n")
    assert "translates it" in told(own)
    own.seek(2)
    assert "mov eax, 7" in told(own)


def test_every_kind_of_stop_is_found() -> None:
    run = open_run()
    for kind in ("translate", "chain", "trap", "emulate", "inject"):
        run.seek(0)
        assert run.find(kind, 1), kind
        assert run.find(kind, -1) is False
    assert not run.find("discard", -1)


def test_the_session_opens_it_by_link_and_edits_it() -> None:
    session = Session()
    frame = session.handle({"op": "load", "lab": "translation", "step": 34})["frame"]
    assert (frame["guest"], frame["step"]) == ("lecture_bt", 34)
    again = session.handle({"op": "frame", "step": 35})["frame"]
    back = session.handle({"op": "step", "direction": -1})["frame"]
    assert back["scene"] == frame["scene"] != again["scene"]
    source = session.handle({"op": "source"})["source"].replace("0x12345678", "0x5A5A5A5A")
    edited = session.handle({"op": "load", "lab": "translation", "source": source, "step": 1})
    assert "0x5a5a5a5a" in "".join(part["text"] for part in edited["frame"]["sentence"])
