"""``ringside ask``: a lab's questions to the student, and what the runs answer."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..whole_numbers import count_of
from .arguments import Refusal, refusal_of

LABELS = {
    "en": {"answer": "Short answer", "world": "In the real world", "right": "Right: {answer}.",
           "wrong": "{given} is not right. The answer is {answer}.",
           "shown": "The answer: {answer}."},
    "hu": {"answer": "Röviden", "world": "A valóságban", "right": "Helyes: {answer}.",
           "wrong": "Nem jó: {given}. A válasz: {answer}.", "shown": "A válasz: {answer}."},
}


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "ask a lab's questions; the right answers are found by running it"
    ask = commands.add_parser(
        "ask", help=text, description=f"{text}. Exit status 1: the given answer is wrong.")
    ask.set_defaults(command=ask_and_judge)
    ask.add_argument("lab")
    ask.add_argument("--task", default=None, help="one of the lab's tasks (default: list them)")
    ask.add_argument("--seed", type=count_of, default=0,
                     help="draws the setup a task is about (default: 0)")
    told = ask.add_mutually_exclusive_group()
    told.add_argument("--answer", default=None, help="your answer; needs --task")
    told.add_argument("--reveal", action="store_true",
                      help="tell the right answer; of a whole lab its short answer")
    ask.add_argument("--lang", choices=("en", "hu"), default="en")
    ask.add_argument("--json", action="store_true", help="print as JSON")


def ask_and_judge(options: argparse.Namespace) -> int:
    """Carry the command out."""
    from ..labs.words.refusals import REFUSALS
    from ..labs.words.say import plain
    from ..session import Session

    if options.answer is not None and options.task is None:
        raise Refusal(plain(REFUSALS["answer.task"], options.lang, {"lab": options.lab}))
    judging = options.task is not None and (options.reveal or options.answer is not None)
    request = {"op": "judge" if judging else "ask", "lab": options.lab, "task": options.task,
               "seed": options.seed, "answer": options.answer, "lang": options.lang}
    session = Session()
    asked = session.handle({**request, "op": "ask"})
    reply = session.handle(request) if judging and asked["ok"] else asked
    if not reply["ok"]:
        raise refusal_of(reply["error"], options.lab, options.lang, "ringside ask {lab}")
    if options.json:
        reply.pop("ok")
        print(json.dumps(reply, ensure_ascii=False, indent=2))
    elif judging:
        print("\n".join([*_task(asked), *_verdict(reply, LABELS[options.lang])]))
    elif options.task is not None:
        print("\n".join(_task(asked)))
    else:
        print("\n".join(_overview(asked, LABELS[options.lang], reveal=options.reveal)))
    return int(judging and reply["right"] is False)


def _plain(parts: list[dict[str, str]]) -> str:
    return "".join(part["text"] for part in parts)


def _overview(lab: dict[str, Any], labels: dict[str, str], *, reveal: bool) -> list[str]:
    lines = [f"{lab['title']}: {lab['question']}"]
    if reveal:
        lines += [f"{labels[name]}: {_plain(lab[name])}" for name in ("answer", "world")]
    for task in lab["tasks"]:
        lines += ["", *_task(task)]
    return lines


def _task(task: dict[str, Any]) -> list[str]:
    return [f"{task['task']}: {_plain(task['text'])}",
            *(f"  {choice['id']:<20} {choice['title']}" for choice in task["choices"]),
            f"  {address(task['open'])}"]


def _verdict(reply: dict[str, Any], labels: dict[str, str]) -> list[str]:
    key = {True: "right", False: "wrong", None: "shown"}[reply["right"]]
    facts = {"answer": reply["answer_text"], "given": reply["given"]}
    return [labels[key].format(**facts), _plain(reply["why"]), f"→ {_plain(reply['said'])}",
            address(reply["open"])]


def address(place: dict[str, Any]) -> str:
    """The part of the page's address that opens a place."""
    parts = [f"lab={place['lab']}"]
    parts += [f"{name}={place[key]}" for name, key in (("guest", "guest"), ("tech", "technique"))
              if place[key]]
    parts += [f"o.{name}={value}" for name, value in place["options"].items()]
    return "#" + "&".join([*parts, f"step={place['step']}"])
