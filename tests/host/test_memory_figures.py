"""Waldspurger's experiments come out as he published them, and the command prints them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from ringside.cli import main
from ringside.host.memory.figures import Figure, balloon, sampling, share, tax


@pytest.mark.parametrize("make", [tax, sampling, lambda: balloon((128, 224))])
def test_the_published_behaviour_comes_out(make: Callable[[], Figure]) -> None:
    figure = make()
    assert figure.source and figure.modelled
    assert [each.what for each in figure.comparisons if not each.holds] == []


def test_the_more_like_vms_the_more_is_shared_and_saved() -> None:
    one, two, six = (share(count)[:2] for count in (1, 2, 6))
    assert one[0] == pytest.approx(12.5, abs=1)
    assert one[1] < two[1] < six[1] < six[0]
    assert six[1] > 50


def test_the_command_prints_a_figure_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pool", "--figure", "sampling"]) == 0
    out = capsys.readouterr().out
    assert "Waldspurger, OSDI 2002" in out and "modelled" in out


def test_a_pool_as_json_has_each_vms_counters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pool", "--scenario", "idle", "--no-sharing", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [vm["name"] for vm in report["vms"]] == ["A", "B"]
    assert report["saved by sharing"] == 0


@pytest.mark.parametrize("wrong", [
    ["--overcommit", "0.5"], ["--tax", "100"], ["--figure", "9"], ["--overcommit", "x"]])
def test_nonsense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["pool", *wrong])
    assert refused.value.code == 2
    assert "ringside pool" in capsys.readouterr().err


def test_two_real_guests_lend_each_other_frames(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pool", "--guests", "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)
    balloons = [[guest["balloon"] for guest in stage["guests"]] for stage in stages]
    assert balloons == [[0, 60], [60, 0], [0, 60]]
