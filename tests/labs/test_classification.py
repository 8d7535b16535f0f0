"""The lab "Classification": every picture is what the laboratory has found by then."""

from __future__ import annotations

import pytest
from ringside.classify.experiments import Examination
from ringside.classify.laboratory import Laboratory
from ringside.classify.theorems import theorem_1, theorem_3
from ringside.labs.chip_labels import chip_label
from ringside.labs.classification import LAB
from ringside.labs.classifying import ClassificationRun, laboratory
from ringside.session import Session


def open_run(isa: str = "ia32") -> ClassificationRun:
    run = LAB.open(LAB.setup(None, None, {"isa": isa}, None))
    assert isinstance(run, ClassificationRun)
    return run


def words(run: ClassificationRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


@pytest.fixture(scope="module")
def rv32() -> ClassificationRun:
    run = open_run("rv32")
    run.seek(10_000)
    return run


def test_the_last_step_is_the_verdict_of_the_whole_classification(rv32) -> None:
    result = laboratory().classify("rv32")
    assert rv32.ended and rv32.over
    scene = rv32.picture("wide", "en")
    assert theorem_1(result).holds and scene["theorem:0"]["text"] == "holds"
    assert theorem_3(result).holds and scene["theorem:1"]["text"] == "holds"
    kinds = [found.kind for found in result.findings]
    for number, kind in enumerate(("privileged", "sensitive", "innocuous")):
        assert scene[f"sum:{number}"]["text"] == str(kinds.count(kind))
    assert "Every sensitive instruction traps" in words(rv32)


def test_every_privileged_encoding_of_rv32_has_its_chip_in_the_privileged_set(rv32) -> None:
    scene = rv32.picture("wide", "en")
    inside = scene["set:privileged"]
    for found in laboratory().classify("rv32").findings:
        if found.privileged:
            chip = scene[f"chip:{found.mnemonic}"]
            assert inside["x"] < chip["x"] < inside["x"] + inside["w"]
            assert inside["y"] < chip["y"] < inside["y"] + inside["h"]


def test_popf_is_shown_in_both_modes_and_leaves_the_privileged_set_out() -> None:
    run = open_run()
    found = {}
    for step in range(1, 12):
        run.seek(step)
        experiment = run.experiment
        assert experiment is not None
        if experiment.finding.mnemonic == "popf":
            found[experiment.claim] = run.picture("wide", "en"), words(run)
    assert set(found) == {"escapes", "control", "mode"}
    scene, spoken = found["mode"]
    assert scene["side:0:title"]["text"] == "ring 0"
    assert scene["side:1:title"]["text"] == "ring 3"
    assert scene["side:0:end"]["text"] == scene["side:1:end"]["text"] == "completes"
    differing = [node["key"] for node in scene if ":diff:" in node["key"]]
    assert differing and "mode-sensitive" in spoken and "theorem 1" in spoken
    chip, outside = scene["chip:popf"], scene["set:privileged"]
    assert chip["x"] > outside["x"] + outside["w"]
    # The chip moved with the evidence: the same node, another place.
    assert found["control"][0]["chip:popf"]["y"] != chip["y"]


def test_cli_traps_in_user_mode_and_says_by_which_fault() -> None:
    run = open_run()
    run.find("privileged", 1)
    assert run.experiment is not None and run.experiment.finding.mnemonic == "cli"
    scene = run.picture("wide", "en")
    assert scene["side:1:end"]["text"].startswith("trap: #GP")
    assert "privileged" in words(run)


def test_a_step_costs_only_the_encodings_before_it() -> None:
    fresh = Examination(Laboratory(), "ia32")
    fresh.reach(5)
    assert 1 <= fresh.examined <= 3
    learnt = Examination(Laboratory(), "ia32-trap-all")
    learnt.reach(3)
    assert learnt.examined <= 3
    base = learnt.laboratory._found["ia32"]
    assert len(base) <= 3  # of plain IA-32 it looked only at what it had to know


def test_any_part_gives_the_findings_the_whole_would() -> None:
    whole = laboratory().classify("rv32")
    alone = Laboratory()
    for number in (40, 3, 17):
        assert alone.finding("rv32", number) == whole.findings[number]


def test_stepping_back_gives_the_very_same_picture() -> None:
    run = open_run()
    run.seek(9)
    before = run.picture("wide", "en").as_dict(), words(run, "hu"), run.panels("en")
    run.seek(30)
    run.seek(9)
    assert (run.picture("wide", "en").as_dict(), words(run, "hu"), run.panels("en")) == before


@pytest.mark.parametrize("isa", ["ia32", "ia32-trap-all", "ia32-vmx", "rv32"])
@pytest.mark.parametrize("lang", ["en", "hu"])
def test_every_experiment_has_a_sentence(isa: str, lang: str) -> None:
    run = open_run(isa)
    for step in range(25):
        run.seek(step)
        assert len(words(run, lang)) > 40
        assert run.picture("tall", lang)
        assert run.panels(lang)


def test_the_published_list_is_compared_with_as_it_is_found() -> None:
    run = open_run()
    run.seek(5)
    paper = next(panel for panel in run.panels("en") if panel["id"] == "paper")
    values = {row["name"]: row["value"] for row in paper["rows"]}
    assert values["PUSHF (3B)"] == values["POPF (3B)"] == "found"
    assert values["SGDT (3B)"] == "not examined yet"
    assert paper["note"].startswith("2 of 18")
    assert all(panel["id"] != "paper" for panel in open_run("rv32").panels("en"))


def test_offenders_can_be_jumped_along_and_unknown_kinds_are_refused() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "classification"})
    seen = []
    for _ in range(3):
        answer = session.handle({"op": "step", "by": "offender"})
        assert answer["found"]
        seen.append(answer["frame"]["step"])
    assert seen == sorted(set(seen))
    back = session.handle({"op": "step", "by": "offender", "direction": -1})
    assert back["frame"]["step"] == seen[1]
    assert not session.handle({"op": "step", "by": "magic"})["ok"]
    assert not session.handle({"op": "load", "lab": "classification", "options": {"isa": "vax"}})[
        "ok"]


def test_a_jump_to_the_verdict_goes_on_where_it_stopped() -> None:
    run = open_run("rv32")
    for _ in range(3):
        if run.find("verdict", 1):
            break
    assert run.over and run.outcome("en") == "holds"


def test_chips_of_one_name_in_several_regions_say_which_forms_they_are() -> None:
    reads = ["mov 0F 20 /r | Rd Cd cr0", "mov 0F 20 /r | Rd Cd cr3"]
    writes = ["mov 0F 22 /r | Cd Rd cr0", "mov 0F 22 /r | Cd Rd cr4"]
    third = ["mov 0F 22 /r | Cd Rd cr3"]
    assert chip_label("mov cr", reads, writes + third) == "mov r,cr"
    assert chip_label("mov cr", writes, reads + third) == "mov cr0/4,r"
    assert chip_label("mov cr", third, reads + writes) == "mov cr3,r"
    assert chip_label("mov sreg", ["mov 8E /r | Sw Ew"], ["mov 8C /r | Rv Sw"]) == "mov sreg,r"
    assert chip_label("push sreg", ["push 0E | CS", "push 16 | SS"], []) == "push cs/ss"
    assert chip_label("mov cr", reads + writes, third) == "mov cr"
