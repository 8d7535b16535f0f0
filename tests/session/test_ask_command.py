"""``ringside ask``: lists, asks, judges and reveals."""

from __future__ import annotations

import json

import pytest
from ringside.cli import main

Output = pytest.CaptureFixture[str]


def test_a_lab_lists_its_tasks_and_keeps_the_answer_to_itself(capsys: Output) -> None:
    assert main(["ask", "walks"]) == 0
    said = capsys.readouterr().out
    assert "references:" in said and "How many memory references" in said
    assert "24 for four" not in said
    assert main(["ask", "walks", "--reveal"]) == 0
    assert "24 for four" in capsys.readouterr().out


def test_the_exit_status_tells_right_from_wrong(capsys: Output) -> None:
    task = ["ask", "rings", "--task", "parting"]
    assert main([*task, "--answer", "popf"]) == 0
    said = capsys.readouterr().out
    assert "Right: POPF." in said and "#lab=rings&guest=popf" in said and "step=93" in said
    assert main([*task, "--answer", "cli", "--lang", "hu"]) == 1
    assert "Nem jó: CLI. A válasz: POPF." in capsys.readouterr().out


def test_a_seed_draws_another_setup(capsys: Output) -> None:
    texts = set()
    for seed in ("0", "1", "2"):
        assert main(["ask", "walks", "--task", "references", "--seed", seed, "--json"]) == 0
        texts.add(json.loads(capsys.readouterr().out)["text"][0]["text"])
    assert len(texts) == 3


def test_json_holds_the_answer_and_where_to_look(capsys: Output) -> None:
    assert main(["ask", "vtx", "--task", "reason", "--reveal", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["answer"] == 10 and told["right"] is None and told["open"]["lab"] == "vtx"


@pytest.mark.parametrize("arguments", [
    ["nowhere"], ["rings", "--task", "none"], ["rings", "--answer", "3"],
    ["rings", "--task", "traps", "--answer", "many"],
    ["rings", "--task", "traps", "--seed", "99999999999"],
])
def test_bad_input_is_refused_with_status_2(arguments: list[str], capsys: Output) -> None:
    assert main(["ask", *arguments]) == 2
    assert capsys.readouterr().err.startswith("ringside: ")


@pytest.mark.parametrize(("arguments", "said"), [
    (["nowhere"], "Nincs 'nowhere' labor."),
    (["popf"], "'popf' vendég, nem labor."),
    (["rings", "--task", "none"], "A 'rings' laborban nincs 'none' feladat."),
    (["rings", "--answer", "3"], "--task is kell"),
    (["rings", "--task", "traps", "--answer", "many"], "'many' nem egész szám."),
    (["rings", "--task", "parting", "--answer", "nop"], "nincs a válaszok között"),
    (["rings", "--task", "traps", "--seed", "99999999999"], "egész szám legyen"),
])
def test_refusals_are_in_the_language_asked_for(
    arguments: list[str], said: str, capsys: Output,
) -> None:
    assert main(["ask", *arguments, "--lang", "hu"]) == 2
    assert said in capsys.readouterr().err
