"""Every lab asks; the right answers are found by running it, and what is known independently
agrees with them."""

from __future__ import annotations

import re

import pytest
from ringside.labs import LABS
from ringside.labs.lab import InputError, Lab
from ringside.labs.tasks import Posed, Solved, Task, drawn, pose, solve, verdict
from ringside.labs.words import notes, tasks, tasks_memory
from ringside.labs.words.glossary import GLOSSARY
from ringside.labs.words.say import plain
from ringside.session import Session, find_lab

TASKS = [(lab, task) for lab in LABS for task in lab.tasks]
NAMES = [f"{lab.id}-{task.id}" for lab, task in TASKS]
DRAWN = [  # a second seed draws another case only where there is one
    (lab, task, seed) for lab, task in TASKS for seed in range(min(len(task.cases), 2))]
TERMS = {term.id for term in GLOSSARY}


def said(parts: list[dict[str, str]]) -> str:
    return "".join(part["text"] for part in parts)


def a_wrong_answer(solved: Solved) -> int | str:
    choices = solved.posed.task.choices
    if choices:
        return next(choice.id for choice in choices if choice.id != solved.found.value)
    return int(solved.found.value) + 1


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_each_lab_answers_its_question_and_asks_two_to_four_more(lab: Lab) -> None:
    assert 2 <= len(lab.tasks) <= 4
    assert len({task.id for task in lab.tasks}) == len(lab.tasks)
    for message in (lab.answer, lab.world):
        assert all(2 <= len(re.findall(r"[.!](?:\s|$)", text)) <= 5 for text in message)
        assert message[0] != message[1]


@pytest.mark.parametrize(("lab", "task", "seed"), DRAWN, ids=[
    f"{seed}-{lab.id}-{task.id}" for lab, task, seed in DRAWN])
def test_the_right_answer_is_accepted_a_wrong_one_refused_and_the_step_is_there(
    lab: Lab, task: Task, seed: int,
) -> None:
    solved = solve(pose(lab, task.id, seed))
    found = solved.found
    right = verdict(solved, solved.posed.read(found.value), "en")
    wrong = verdict(solved, solved.posed.read(a_wrong_answer(solved)), "hu")
    assert right["right"] is True and wrong["right"] is False
    assert solved.run.step == right["open"]["step"] == found.step <= solved.run.last
    assert found.value == right["answer"] == wrong["answer"]
    for answer, lang in ((right, "en"), (wrong, "hu")):
        assert said(answer["said"]) and said(answer["why"])
        for text in (said(answer["why"]), solved.posed.text(lang)):
            assert not re.search(r"[{}]|\(z\)", text if isinstance(text, str) else said(text))


@pytest.mark.parametrize(("lab", "task"), TASKS, ids=NAMES)
def test_every_case_of_a_task_can_be_opened_and_has_its_turn(lab: Lab, task: Task) -> None:
    posed = [pose(lab, task.id, seed) for seed in range(len(task.cases))]
    assert len({tuple(sorted(each.case.items())) for each in posed}) == len(task.cases)
    assert posed[0].case == task.cases[0]
    assert len(task.cases) == 1 or drawn(task, 5) != drawn(task, 6)
    texts = {said(each.text(lang)) for each in posed for lang in ("en", "hu")}
    assert len(texts) == 2 * len(task.cases)  # the case can be read off the question


GUEST_LEVELS = {"4-level": 4, "5-level": 5, "pae": 3, "32-bit": 2}


def test_a_walk_makes_as_many_references_as_the_formula_says() -> None:
    lab = find_lab("walks")
    task = next(task for task in lab.tasks if task.id == "references")
    for seed in range(len(task.cases)):
        posed = pose(lab, "references", seed)
        case = posed.case
        n = GUEST_LEVELS[case["guest"]] - (case["page"] == "2M")
        m = {"ept-4": 4, "ept-5": 5}[case["nested"]] - (case["host"] == "2M")
        assert solve(posed).found.value == (n + 1) * (m + 1) - 1


def find_case(lab: str, task: str, **wanted: str) -> Posed:
    for seed in range(100):
        posed = pose(find_lab(lab), task, seed)
        if all(posed.case[name] == value for name, value in wanted.items()):
            return posed
    raise AssertionError(wanted)


def test_popf_and_smsw_are_what_robin_and_irvine_say_they_are() -> None:
    assert solve(find_case("rings", "parting", guest="popf")).found.value == "popf"
    assert solve(find_case("rings", "parting", guest="vtx_tour")).found.value == "smsw"
    popf = find_case("classification", "class", insn="popf", isa="ia32")
    assert solve(popf).found.value == "offender"


@pytest.mark.parametrize(("insn", "reason"), [
    ("cpuid", 10), ("hlt", 12), ("rdtsc", 16), ("vmcall", 18), ("out", 30), ("rdmsr", 31)])
def test_exit_reasons_are_those_of_the_manual(insn: str, reason: int) -> None:
    assert solve(find_case("vtx", "reason", insn=insn)).found.value == reason


def test_counted_traps_are_those_the_panel_shows() -> None:
    solved = solve(find_case("rings", "traps", guest="rings", technique="trap-and-emulate"))
    panels = {panel["id"]: panel for panel in solved.run.panels("en")}
    rows = {row["key"]: row["value"] for row in panels["counts"]["rows"]}
    assert rows["counts:traps"] == solved.found.value


def test_umip_makes_a_spy_s_instructions_privileged() -> None:
    for insn in ("sgdt", "smsw", "str"):
        assert solve(find_case("classification", "class", insn=insn, isa="ia32")
                     ).found.value == "offender"
        assert solve(find_case("classification", "class", insn=insn, isa="ia32-umip")
                     ).found.value == "privileged"


@pytest.mark.parametrize(("answer", "read"), [("24", 24), (" 1 234 ", 1234), (7, 7), ("0", 0)])
def test_a_number_is_read_as_people_write_it(answer: object, read: int) -> None:
    assert pose(find_lab("walks"), "references", 0).read(answer) == read


@pytest.mark.parametrize("answer", ["", "12a", "-3", "1.5", True, [], {}, "9" * 50, "٣"])
def test_what_is_no_number_is_refused(answer: object) -> None:
    with pytest.raises(InputError):
        pose(find_lab("walks"), "references", 0).read(answer)


def test_a_choice_is_one_of_those_offered() -> None:
    posed = pose(find_lab("rings"), "parting", 0)
    assert posed.read("popf") == "popf"
    with pytest.raises(InputError):
        posed.read("nop")


MESSAGES = {
    f"{module.__name__.rpartition('.')[2]}.{name}.{key}": message
    for module in (notes, tasks, tasks_memory)
    for name, table in vars(module).items() if name.isupper() and isinstance(table, dict)
    for key, message in table.items()}


def test_both_languages_say_the_same_facts_and_link_known_terms() -> None:
    for key, message in MESSAGES.items():
        english, hungarian = (set(re.findall(r"\{(\w+)\}", text)) for text in message)
        assert english == hungarian, key
        linked = [re.findall(r"\]\(([^)]+)\)", text) for text in message]
        assert set(linked[0]) == set(linked[1]) <= TERMS, key


def test_every_word_of_the_tasks_is_used() -> None:
    used = {message for _, task in TASKS for message in (
        task.text, task.why, *(choice.title for choice in task.choices), *task.titles.values())}
    tables = (tasks.PROCESSOR, tasks.THEORY, tasks_memory.MEMORY)
    unused = [key for table in tables for key, message in table.items() if message not in used]
    assert unused == []


# -- through the session ----------------------------------------------------------------------


def test_the_session_asks_and_judges_and_leaves_the_open_run_alone() -> None:
    session = Session()
    before = session.handle({"op": "load", "lab": "rings", "step": 9})["frame"]
    asked = session.handle({"op": "ask", "lab": "walks", "lang": "en"})
    assert asked["ok"] and said(asked["answer"]) == plain(find_lab("walks").answer, "en")
    task = asked["tasks"][0]
    request = {"op": "judge", "lab": "walks", "task": task["task"], "seed": task["seed"]}
    told = session.handle(request)
    assert told["right"] is None and told["answer"] == 24
    assert session.handle({**request, "answer": "24"})["right"] is True
    assert session.handle({**request, "answer": 20})["right"] is False
    after = session.handle({"op": "frame"})["frame"]
    assert after == before


def test_what_show_me_opens_is_the_step_that_was_told_of() -> None:
    session = Session()
    told = session.handle({"op": "judge", "lab": "rings", "task": "parting"})
    frame = session.handle({"op": "load", **told["open"]})["frame"]
    assert frame["step"] == told["open"]["step"] and frame["sentence"] == told["said"]


@pytest.mark.parametrize("request_", [
    {"op": "ask"}, {"op": "ask", "lab": "nowhere"}, {"op": "ask", "lab": "rings", "task": "none"},
    {"op": "ask", "lab": "rings", "seed": -1}, {"op": "ask", "lab": "rings", "seed": "1"},
    {"op": "judge", "lab": "rings"}, {"op": "judge", "lab": "rings", "task": 3},
    {"op": "judge", "lab": "rings", "task": "traps", "answer": "many"},
    {"op": "judge", "lab": "rings", "task": "parting", "answer": 7},
])
def test_a_bad_question_is_refused_with_what_to_do(request_: dict[str, object]) -> None:
    answer = Session().handle(request_)
    assert not answer["ok"] and answer["error"]["message"]
