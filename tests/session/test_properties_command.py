"""``ringside properties`` prints what was measured, and refuses what there is not."""

from __future__ import annotations

import json

import pytest
from ringside.cli import main
from ringside.properties.subjects import HOSTILE


def test_one_technique_is_reported_with_its_loss_and_every_hostile_guest(capsys) -> None:
    assert main(["properties", "--cpu", "trap-and-emulate"]) == 0
    text = capsys.readouterr().out
    assert "- equivalence: parts at step 53: IF is 0 instead of 1 (popf)" in text
    for crime in HOSTILE:
        sign = "~" if crime == "hostile_spy" else "+"
        assert f"{sign} resource control: {crime}" in text
    assert "it harmed nobody, but 6 answers showed it the VMM" in text
    assert "% direct" in text


def test_a_guest_that_parted_has_its_efficiency_told_as_other_work(capsys) -> None:
    assert main(["properties", "--cpu", "trap-and-emulate", "--lang", "hu"]) == 0
    assert "egy része más munka lehet" in capsys.readouterr().out
    assert main(["properties", "popf", "--cpu", "trap-and-emulate/virtualizable"]) == 0
    assert "other work" not in capsys.readouterr().out


def test_a_long_guest_is_compared_after_every_step_if_asked(capsys) -> None:
    asked = ["properties", "sort", "--cpu", "emulation", "--json"]
    steps = []
    for more in ([], ["--every-step"]):
        assert main([*asked, *more]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        steps.append((found["equivalence"]["steps"], found["equivalence"]["total"]))
    assert steps[0] == (20_000, steps[0][1]) and steps[0][1] > 60_000
    assert steps[1] == (steps[0][1], steps[0][1])


@pytest.mark.parametrize("guest", [["hlt"], ["--guest", "hlt"]])
def test_the_guest_is_named_with_or_without_its_option(guest: list[str], capsys) -> None:
    assert main(["properties", *guest, "--cpu", "emulation"]) == 0
    assert "emulation · hlt" in capsys.readouterr().out


def test_the_same_as_data(capsys) -> None:
    assert main(["properties", "--cpu", "emulation", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["equivalence"]["holds"] and found["in_control"]
    assert found["efficiency"]["share"] == 0


def test_interpreting_is_told_to_be_slower_than_hardware(capsys) -> None:
    assert main(["properties", "--cpu", "emulation", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    slowdown = found["efficiency"]["slowdown_without_devices"]
    assert slowdown > 5
    assert main(["properties", "--cpu", "emulation"]) == 0
    text = capsys.readouterr().out
    assert f"({slowdown:.1f} × bare metal)" in text
    assert text.count("not what devices take") == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--cpu", "magic"], "choose one of: emulation"),
        (["--guest", "nobody"], "choose one of: rings"),
        (["nobody"], "choose one of: rings"),
        ([""], "choose one of: rings"),
        (["--cpu", "paravirtualization", "--guest", "lecture_bt"], "is not ported"),
    ],
)
def test_wrong_choices_are_refused_with_what_to_choose(capsys, arguments, hint) -> None:
    assert main(["properties", *arguments]) == 2
    assert hint in capsys.readouterr().err
