"""``ringside pool``: refuses what it has no use for, and draws what it measured."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from ringside.cli import main
from ringside.host.memory import figures
from ringside.host.memory.workloads import IMAGE, Area, Phase, Plan

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("unused", [
    ["--no-balloon"], ["--no-sharing"], ["--no-swapping"], ["--scenario", "turns"],
    ["--overcommit", "1.5"], ["--tax", "75"]])
@pytest.mark.parametrize("what", [["--figure", "tax"], ["--guests"]])
def test_a_switch_that_would_do_nothing_is_refused(
    what: list[str], unused: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pool", *what, *unused]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert f"no use for {unused[0]}" in told.err and "leave it out" in told.err


def test_files_of_a_figure_need_one_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pool", "-o", "x.svg"]) == 2
    assert "choose a --figure" in capsys.readouterr().err
    assert main(["pool", "--figure", "all", "-o", "x.svg"]) == 2
    assert "one file holds one chart" in capsys.readouterr().err


def test_the_host_may_be_as_small_as_its_promises_and_no_smaller(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pool", "--scenario", "like", "--overcommit", "4"]) == 0
    assert "on 144 frames" in capsys.readouterr().out
    assert main(["pool", "--scenario", "like", "--overcommit", "4.5"]) == 2
    assert "promised 144 of their 576 pages" in (told := capsys.readouterr().err)
    assert "--overcommit 4.00 is the most" in told
    with pytest.raises(SystemExit):
        main(["pool", "--overcommit", "11"])
    assert "from 1 to 10" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sampling", "tax"])
def test_a_figure_is_written_as_a_chart_and_as_its_rows(name: str, tmp_path: Path) -> None:
    chart, rows = tmp_path / "a.svg", tmp_path / "a.csv"
    assert main(["pool", "--figure", name, "-o", str(chart), "--csv", str(rows)]) == 0
    figure = figures.FIGURES[name]()
    with rows.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {key: str(value) for key, value in row.items()} for row in figure.rows]
    root = ET.parse(chart).getroot()
    lines = [one.get("points", "").split() for one in root.iter(f"{SVG}polyline")]
    assert len(lines) >= 2 and {len(line) for line in lines} == {len(figure.rows)}
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert figure.title in texts
    _, _, width, height = (float(part) for part in root.get("viewBox", "").split())
    for line in lines:
        for x, y in (point.split(",") for point in line):
            assert 0 <= float(x) <= width and 0 <= float(y) <= height


GOOD = Plan("A", 40, (Area(IMAGE, 20),), (Phase(2, "loop", 0, 20, 5),))


@pytest.mark.parametrize(("wrong", "says"), [
    ({"phases": ()}, "has no phase"),
    ({"areas": ()}, "has no area"),
    ({"pages": 8}, "its kernel alone takes 8"),
    ({"pages": 3}, "has 3 pages"),
    ({"least": 41}, "cannot be promised 41"),
    ({"phases": (Phase(2, "loop", 10, 20, 5),)}, "uses 30 objects, its areas have 20")])
def test_a_plan_that_could_not_run_says_what_is_wrong(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(GOOD, **wrong)  # type: ignore[arg-type]
