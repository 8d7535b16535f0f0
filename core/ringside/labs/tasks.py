"""Questions a lab asks its reader, and how the right answer is found: by running the lab.

A task knows no answer. It names a setup, drawn from its cases by a seed, so that each student can
have another; its ``find`` opens nothing but looks at the run of that setup and says what it saw
there and at which step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import Any

from .lab import Choice, InputError, Lab, Run, Setup
from .words.refusals import REFUSALS
from .words.say import Message, Segment, pick, plain, segments

Case = Mapping[str, str]
"""What a task is about: ``guest``, ``technique`` and options by id; anything else is a fact of the
question's own, such as how far to count."""

LARGEST_SEED = 10**9
LONGEST = 40  # characters of an answer
GOLDEN = 0.618  # seeds one apart should be cases far apart


@dataclass(frozen=True, slots=True)
class Found:
    """The right answer of a run: a number, or a choice's id; the step that shows it; and facts for
    the sentence that says why. A fact may be a message."""

    value: int | str
    step: int
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One question. ``text`` and ``why`` are filled with the case's titles and facts, ``why``
    besides with those of what was found. Without ``choices`` the answer is a whole number."""

    id: str
    text: Message
    why: Message
    find: Callable[[Any, Case], Found]
    cases: tuple[Case, ...] = ({},)
    choices: tuple[Choice, ...] = ()
    titles: Mapping[str, Message] = field(default_factory=dict)  # of the case's own facts


@dataclass(frozen=True, slots=True)
class Posed:
    """A task with the case a seed has drawn, and the setup its run is opened with."""

    lab: Lab
    task: Task
    seed: int
    case: Case
    setup: Setup

    def facts(self, lang: str) -> dict[str, object]:
        """The case's values as the page names them: menu titles where there is a menu."""
        lab = self.lab
        titles = self.task.titles
        facts: dict[str, object] = {
            name: plain(titles[value], lang) if value in titles else value
            for name, value in self.case.items()}
        menus = {"guest": lab.guests, "technique": lab.techniques,
                 **{option.id: option.values for option in lab.options}}
        chosen = {"guest": self.setup.guest, "technique": self.setup.technique,
                  **self.setup.options}
        for name, choices in menus.items():
            for choice in choices:
                if choice.id == chosen[name]:
                    facts[name] = plain(choice.title, lang)
        return facts

    def text(self, lang: str) -> list[Segment]:
        """The question."""
        return segments(self.task.text, lang, self.facts(lang))

    def read(self, answer: object) -> int | str:
        """What somebody answered, as a number or a choice's id; raises :class:`InputError`."""
        choices = self.task.choices
        if choices:
            if any(choice.id == answer for choice in choices):
                return str(answer)
            raise InputError(
                REFUSALS["answer"], REFUSALS["choice.hint"], name=str(answer)[:LONGEST],
                known=", ".join(choice.id for choice in choices))
        if isinstance(answer, int) and not isinstance(answer, bool):
            return answer
        text = str(answer)
        digits = "".join(text.split()).replace("_", "")
        if len(text) <= LONGEST and digits.isascii() and digits.isdigit():
            return int(digits)
        raise InputError(REFUSALS["number"], REFUSALS["number.hint"], name=text[:LONGEST])

    def named(self, value: int | str, lang: str) -> str:
        """An answer as people write it."""
        for choice in self.task.choices:
            if choice.id == value:
                return plain(choice.title, lang)
        return str(value)


@dataclass(frozen=True, slots=True)
class Solved:
    """A posed task whose run was looked at; the run stands at the step that shows the answer."""

    posed: Posed
    found: Found
    run: Run

    def why(self, lang: str) -> list[Segment]:
        """Why this is the answer, from the run's own facts."""
        found = self.found
        said = {name: plain(fact, lang) if isinstance(fact, tuple) else fact
                for name, fact in found.facts.items()}
        facts = {**self.posed.facts(lang), **said, "step": found.step,
                 "value": self.posed.named(found.value, lang)}
        return segments(self.posed.task.why, lang, facts)


def every(**values: tuple[str, ...]) -> tuple[Case, ...]:
    """All combinations of these values as cases; the first is of the first values."""
    cases: tuple[dict[str, str], ...] = ({},)
    for name, some in values.items():
        cases = tuple({**case, name: value} for case in cases for value in some)
    return cases


def drawn(task: Task, seed: int) -> Case:
    """The case of a seed: 0 is the first, neighbours differ, and every case has its turn."""
    count = len(task.cases)
    stride = max(round(count * GOLDEN), 1)
    while gcd(stride, count) > 1:
        stride += 1
    return task.cases[seed * stride % count]


def pose(lab: Lab, task_id: str, seed: int) -> Posed:
    """A lab's task as the seed draws it; raises :class:`InputError` naming the tasks there are."""
    for task in lab.tasks:
        if task.id == task_id:
            break
    else:
        raise InputError(
            REFUSALS["task"], REFUSALS["task.hint"], lab=lab.id, name=task_id[:LONGEST],
            known=", ".join(task.id for task in lab.tasks) or "–")
    case = drawn(task, seed)
    options = {option.id: case[option.id] for option in lab.options if option.id in case}
    setup = lab.setup(case.get("guest"), case.get("technique"), options, None)
    return Posed(lab, task, seed, case, setup)


def solve(posed: Posed) -> Solved:
    """Run the setup, find the right answer in it, and go to the step that shows it."""
    run = posed.lab.open(posed.setup)
    found = posed.task.find(run, posed.case)
    run.seek(found.step)
    return Solved(posed, found, run)


def describe(posed: Posed, lang: str) -> dict[str, Any]:
    """A posed task as JSON-ready data."""
    setup = posed.setup
    chosen = {option.id: setup.options[option.id]
              for option in posed.lab.options if option.id in posed.case}
    return {
        "lab": posed.lab.id, "task": posed.task.id, "seed": posed.seed,
        "text": posed.text(lang),
        "kind": "choice" if posed.task.choices else "number",
        "choices": [{"id": choice.id, "title": plain(choice.title, lang)}
                    for choice in posed.task.choices],
        "seeded": len(posed.task.cases) > 1,
        "open": {"lab": posed.lab.id, "guest": setup.guest, "technique": setup.technique,
                 "options": chosen, "step": 0},
    }


def verdict(solved: Solved, answer: int | str | None, lang: str) -> dict[str, Any]:
    """Whether ``answer`` is right (None: nobody answered), the right one, why, and where."""
    posed, found = solved.posed, solved.found
    opened = describe(posed, lang)["open"]
    return {
        "lab": posed.lab.id, "task": posed.task.id, "seed": posed.seed,
        "right": None if answer is None else answer == found.value,
        "given": "" if answer is None else posed.named(answer, lang),
        "answer": found.value,
        "answer_text": posed.named(found.value, lang),
        "why": solved.why(lang),
        "said": solved.run.sentence(lang),
        "open": {**opened, "step": solved.run.step},
    }


def overview(lab: Lab, seed: int, lang: str) -> dict[str, Any]:
    """A lab's question with its short answer, what the real world makes of it, and its tasks."""
    return {
        "lab": lab.id, "title": pick(lab.title, lang), "question": pick(lab.question, lang),
        "answer": segments(lab.answer, lang), "world": segments(lab.world, lang),
        "tasks": [describe(pose(lab, task.id, seed), lang) for task in lab.tasks],
    }
