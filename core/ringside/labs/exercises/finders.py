"""Ways to find an answer in the run of a guest: counting events, finding the first of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..lab import Choice, search
from ..tasks import Case, Found
from ..words.rings import RINGS
from ..words.say import Message

MOST = 1_000  # steps of one kind looked for
FAR = 60_000  # steps a run is followed at most; the guests asked about end before
Finder = Callable[[Any, Case], Found]


class Unanswered(Exception):
    """A run did not show what was asked for: the task is wrong, not the reader."""


def counted(kind: str, *details: str) -> Finder:
    """How many events of a kind (and detail) the whole run has; shown at the last of them."""

    def find(run: Any, case: Case) -> Found:
        run.seek(FAR)
        timeline = run.timeline_
        named = [*details, *([case["detail"]] if "detail" in case else [])]
        value = sum(
            count for (name, detail), count in timeline.counts(timeline.last).items()
            if name == kind and (not named or detail in named))
        sought_in: list[str | None] = [*named] or [None]
        marks = [timeline.marks.before(timeline.last + 1, kind, detail) for detail in sought_in]
        last = max((mark for mark in marks if mark is not None), default=timeline.first)
        return Found(value, last - timeline.first, {"last": run.last})

    return find


def sought(run: Any, kind: str, detail: str | None = None) -> int:
    """The first step of the run with an event of a kind; the run stands there."""
    run.seek(FAR)
    timeline = run.timeline_
    mark = timeline.marks.after(timeline.first, kind, detail)
    if mark is None:
        raise Unanswered(f"no {kind} {detail or ''}")
    run.seek(mark - timeline.first)
    step: int = run.step
    return step


def same(name: str) -> Message:
    """A word that is the same in both languages."""
    return name, name


def words(*names: str) -> tuple[Choice, ...]:
    """Choices that are called what they are: instructions, calls, numbers."""
    return tuple(Choice(name, same(name.upper())) for name in names)


def techniques(*ids: str) -> tuple[Choice, ...]:
    """Techniques to choose from, by their titles."""
    return tuple(Choice(id, RINGS[f"technique.{id}"]) for id in ids)


def row(run: Any, panel: str, key: str) -> Any:
    """The value a row of one of the run's panels shows now."""
    for shown in run.panels("en"):
        if shown["id"] == panel:
            for line in shown["rows"]:
                if line["key"].partition(":")[2] == key:
                    return line["value"]
    raise Unanswered(f"no row {key} in {panel}")


def reached(run: Any, true: Callable[[], bool]) -> int:
    """The first step at which something is true that stays true; the run stands there."""
    low, high = 0, run.last
    while low < high:
        middle = (low + high) // 2
        run.seek(middle)
        if true():
            high = middle
        else:
            low = middle + 1
    run.seek(low)
    return low


def each(run: Any, kind: str) -> list[int]:
    """Every step of a kind, from the start of the run on."""
    run.seek(0)
    steps: list[int] = []
    while len(steps) < MOST and search(run, kind):
        steps.append(run.step)
    return steps
