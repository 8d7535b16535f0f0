"""The lab "Classification": Popek and Goldberg's theorem, and the instructions that break it."""

from __future__ import annotations

from ..classify.variants import VARIANTS
from .exercises import TASKS
from .lab import Choice, Lab, Option, Run, Setup
from .words.classification import CLASSES
from .words.notes import ANSWERS, WORLD


def open_classification(setup: Setup) -> Run:
    """The laboratory, before its first experiment; imported when somebody goes there."""
    from .classifying import ClassificationRun

    return ClassificationRun(setup.options["isa"])


LAB = Lab(
    id="classification",
    title=CLASSES["title"],
    question=CLASSES["question"],
    answer=ANSWERS["classification"], world=WORLD["classification"], tasks=TASKS["classification"],
    guests=(),
    techniques=(),
    options=(Option("isa", CLASSES["option.isa"], tuple(
        Choice(each.id, (each.title["en"], each.title["hu"]), (each.text["en"], each.text["hu"]))
        for each in VARIANTS)),),
    contexts={
        "app": CLASSES["sum.innocuous"], "kernel": CLASSES["sum.open"],
        "vmm": CLASSES["sum.privileged"], "host": CLASSES["kind.verdict"]},
    kinds=tuple(Choice(name, CLASSES[f"kind.{name}"]) for name in (
        "offender", "privileged", "encoding", "verdict")),
    open=open_classification,
)
