"""The only door for user interfaces: a request as JSON-ready data in, an answer out.

Every request names an operation in ``op``. An answer is ``{"ok": True, …}`` or
``{"ok": False, "error": {"message": …, "hint": …}}``; wrong input never raises.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from .isa.assembler import AssemblyError
from .isa.faults import NotModelled
from .labs import LABS
from .labs.dropped import MOST_BYTES, Dropped, read_dropped
from .labs.lab import LANGS, SHAPES, TOPICS, InputError, Lab, Run, Setup, Unfinished
from .labs.tasks import LARGEST_SEED, Solved, overview, pose, solve, verdict
from .labs.tasks import describe as describe_task
from .labs.words.glossary import GLOSSARY
from .labs.words.refusals import REFUSALS
from .labs.words.say import Message, pick
from .machine.loader import ImageError

Request = dict[str, Any]
Answer = dict[str, Any]

MAX_SLICE = 2_000_000
MAX_STEP = 10**9
AHEAD = 500_000  # steps one request goes into unknown ground; 'run' goes on from there
MAX_SOURCE = 200_000
MAX_INPUT = 4_096


class Session:
    """One user's session: the lab that is open, where it stands, language and picture shape."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._lab: Lab | None = None
        self._setup: Setup | None = None
        self._typed = False  # what was typed belongs to this run only
        self._trace: Dropped | None = None  # the trace file given last
        self._solved: Solved | None = None  # the task judged last: asked again, it is at hand
        self._lang = "en"
        self._shape = "wide"
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "catalogue": self._catalogue,
            "load": self._load,
            "frame": self._frame_at,
            "step": self._step,
            "go on": self._go_on,
            "run": self._advance,
            "input": self._input,
            "breakpoints": self._breakpoints,
            "timeline": self._timeline,
            "assemble": self._assemble,
            "source": self._source,
            "figure": self._figure,
            "drop": self._drop,
            "ask": self._ask,
            "judge": self._judge,
        }

    def handle(self, request: object) -> Answer:
        """Answer one request; see the module's text for the form."""
        try:
            if not isinstance(request, dict):
                raise InputError("A request must be an object with an 'op'.")
            operation = self._operations.get(str(request.get("op")))
            if operation is None:
                known = ", ".join(self._operations)
                raise InputError(f"Unknown operation {request.get('op')!r}.", f"Known: {known}.")
            self._settle(request)
            return {"ok": True, **operation(request)}
        except InputError as error:
            return _refusal(*error.said(self._lang))
        except AssemblyError as error:
            return {
                **_refusal("The program does not assemble.", "Mend the marked lines."),
                "problems": [_problem(problem) for problem in error.problems],
            }
        except ImageError as error:
            return _refusal(str(error), "Change the program and load it again.")
        except NotModelled as error:
            return _refusal(str(error), "Choose another guest, or take the instruction out.")

    def _settle(self, request: Request) -> None:
        """Take over language and picture shape, which any request may carry."""
        lang = request.get("lang", self._lang)
        shape = request.get("shape", self._shape)
        if lang not in LANGS:
            raise InputError(f"There are no words in {lang!r}.", "Choose en or hu.")
        if shape not in SHAPES:
            raise InputError(f"There is no picture shape {shape!r}.", "Choose wide or tall.")
        self._lang, self._shape = lang, shape

    # operations

    def _catalogue(self, request: Request) -> Answer:
        return {
            "labs": [describe(lab, self._lang) for lab in LABS],
            "glossary": [
                {"id": term.id, "term": pick(term.word, self._lang),
                 "text": pick(term.text, self._lang)}
                for term in GLOSSARY
            ],
        }

    def _load(self, request: Request) -> Answer:
        lab = find_lab(_text(request, "lab", 64))
        options = request.get("options") or {}
        if not isinstance(options, dict):
            raise InputError("'options' must be an object of option and value.")
        setup = lab.setup(
            _optional(request, "guest", 64),
            _optional(request, "technique", 64),
            {str(name): str(value) for name, value in options.items()},
            _optional(request, "source", MAX_SOURCE),
            self._trace if lab.drops else None,
        )
        wanted = request.get("step")
        step = 0 if wanted is None else _whole(request, "step", 0, MAX_STEP)
        run = self._run
        if run is None or self._typed or lab is not self._lab or setup != self._setup:
            run = self._rearranged(lab, setup) or lab.open(setup)
            self._typed = False
        else:  # a run is exact at every step, so the open one is as good as a new one
            run.set_breakpoints([])
        self._lab, self._setup, self._run = lab, setup, run
        _go(run, step)
        return {"frame": self._frame()}

    def _rearranged(self, lab: Lab, setup: Setup) -> Run | None:
        """The open run under other options, if it need not run again for them."""
        run = self._run
        if run is None or self._typed or lab is not self._lab or lab.rearrange is None:
            return None
        return lab.rearrange(run, setup)

    def _frame_at(self, request: Request) -> Answer:
        run = self._open_run()
        if "step" in request:
            _go(run, _whole(request, "step", 0, MAX_STEP))
        return {"frame": self._frame()}

    def _step(self, request: Request) -> Answer:
        """One step on or back, or to the next one of a kind: ``found``, or else, with ``more``, not
        yet, and asking again would look further."""
        run = self._open_run()
        direction = -1 if request.get("direction", 1) == -1 else 1
        by = str(request.get("by", "step"))
        found: bool | None = True
        if by == "step":
            run.seek(max(run.step + direction, 0))
        else:
            found = run.find(by, direction)
        return {"frame": self._frame(), "found": bool(found), "more": found is None}

    def _advance(self, request: Request) -> Answer:
        run = self._open_run()
        stopped = run.advance(_whole(request, "steps", 1, MAX_SLICE))
        return {"frame": self._frame(), "stopped": stopped}

    def _go_on(self, request: Request) -> Answer:
        """Go on with what the shown step measures, where that takes long."""
        run = self._open_run()
        if isinstance(run, Unfinished):
            run.go_on(_whole(request, "steps", 1, MAX_SLICE))
        return {"frame": self._frame()}

    def _input(self, request: Request) -> Answer:
        run = self._open_run()
        self._typed = True
        run.receive(_text(request, "text", MAX_INPUT))
        return {"frame": self._frame()}

    def _breakpoints(self, request: Request) -> Answer:
        points = request.get("list")
        if not isinstance(points, list) or len(points) > 64:
            raise InputError("'list' must be a list of at most 64 breakpoints.")
        if not all(isinstance(point, dict) for point in points):
            raise InputError("A breakpoint must be an object.", 'For example {"kind": "trap"}.')
        self._open_run().set_breakpoints(points)
        return {}

    def _timeline(self, request: Request) -> Answer:
        return {"timeline": self._open_run().timeline()}

    def _assemble(self, request: Request) -> Answer:
        from .guests import assemble_text

        try:
            program = assemble_text(_text(request, "source", MAX_SOURCE))
        except AssemblyError as error:
            return {"problems": [_problem(problem) for problem in error.problems]}
        return {"problems": [], "bytes": len(program.image)}

    def _source(self, request: Request) -> Answer:
        lab, setup = self._lab, self._setup
        if lab is None or setup is None or lab.source is None:
            raise InputError("This lab has no source to show.", "Load a lab with a guest first.")
        return {"source": setup.source or lab.source(setup.guest)}

    def _figure(self, request: Request) -> Answer:
        from .scenes.svg import render, style

        theme = request.get("theme", "light")
        if theme not in ("light", "dark"):
            raise InputError(f"There is no theme {theme!r}.", "Choose light or dark.")

        run = self._open_run()
        if "step" in request:
            _go(run, _whole(request, "step", 0, MAX_STEP))
        picture = run.picture(self._shape, self._lang).as_dict()
        title = "".join(part["text"] for part in run.sentence(self._lang))
        return {"svg": render(picture, style(theme), title)}

    def _drop(self, request: Request) -> Answer:
        """Take a trace file: ``name``, and its ``data`` in base 64."""
        name = _text(request, "name", 255)
        data = _text(request, "data", MOST_BYTES * 4 // 3 + 8)
        try:
            content = b64decode(data, validate=True)
        except ValueError:
            raise InputError("'data' must be base 64.") from None
        self._trace = read_dropped(name, content)
        report = self._trace.report
        return {
            "name": name, "accesses": self._trace.accesses, "lines": report.lines,
            "garbage": report.garbage, "complete": report.complete,
            "shown": [[line, text] for line, text in report.shown],
        }

    def _ask(self, request: Request) -> Answer:
        """A task of a lab as its ``seed`` draws it; without ``task`` all of them, the short answer
        to the lab's question, and its note on the real world."""
        lab = find_lab(_text(request, "lab", 64))
        seed = _seed(request)
        task = _optional(request, "task", 64)
        if task is None:
            return overview(lab, seed, self._lang)
        return describe_task(pose(lab, task, seed), self._lang)

    def _judge(self, request: Request) -> Answer:
        """Whether ``answer`` is right; without one, the right answer. The open run stays as it is:
        the answer is found in a run of its own."""
        lab = find_lab(_text(request, "lab", 64))
        posed = pose(lab, _text(request, "task", 64), _seed(request))
        given = request.get("answer")
        answer = None if given is None else posed.read(given)
        if self._solved is None or self._solved.posed != posed:
            self._solved = solve(posed)
        return verdict(self._solved, answer, self._lang)

    # what the answers are made of

    def _open_run(self) -> Run:
        if self._run is None:
            raise InputError("No lab is open yet.", "Send 'load' first.")
        return self._run

    def _frame(self) -> dict[str, Any]:
        run, lab, setup = self._open_run(), self._lab, self._setup
        assert lab is not None and setup is not None
        return {
            "lab": lab.id,
            "guest": setup.guest,
            "technique": setup.technique,
            "options": dict(setup.options),
            "edited": setup.source is not None,
            "lang": self._lang,
            "shape": self._shape,
            "step": run.step,
            "last": run.last,
            "ended": run.ended,
            "unfinished": run.unfinished(self._lang) if isinstance(run, Unfinished) else "",
            "outcome": run.outcome(self._lang),
            "scene": run.picture(self._shape, self._lang).as_dict(),
            "sentence": run.sentence(self._lang),
            "panels": run.panels(self._lang),
            "timeline": run.timeline(),
        }


def _go(run: Run, step: int) -> None:
    """Go to ``step``, but no further than one request may take: the frame says how far it came."""
    run.seek(min(step, run.last + AHEAD))


def find_lab(lab_id: str) -> Lab:
    """The lab with this id; raises :class:`InputError` naming those there are."""
    for lab in LABS:
        if lab.id == lab_id:
            return lab
    showing = [lab.id for lab in LABS if any(guest.id == lab_id for guest in lab.guests)]
    if showing:
        raise InputError(REFUSALS["lab.guest"], REFUSALS["lab.guest.hint"], name=lab_id,
                         known=", ".join(showing))
    raise InputError(REFUSALS["lab"], REFUSALS["choice.hint"], name=lab_id,
                     known=", ".join(lab.id for lab in LABS))


def describe(lab: Lab, lang: str) -> dict[str, Any]:
    """A lab's entry in the catalogue."""

    def menu(choices: Any) -> list[dict[str, str]]:
        return [{"id": choice.id, "title": pick(choice.title, lang),
                 "note": pick(choice.note, lang)} for choice in choices]

    def words(message: Message) -> str:
        return pick(message, lang)

    return {
        "id": lab.id,
        "title": words(lab.title),
        "topic": words(TOPICS[lab.topic]),
        "question": words(lab.question),
        "guests": menu(lab.guests),
        "guests_under": list(lab.guests_under),
        "techniques": menu(lab.techniques),
        "kinds": menu(lab.kinds),
        "options": [
            {"id": option.id, "title": words(option.title), "values": menu(option.values),
             "default": option.default, "under": list(option.under), "most": option.most,
             "keeps": option.keeps}
            for option in lab.options
        ],
        "editable": lab.editable,
        "drops": lab.drops,
        "usual": dict(lab.usual),
        "contexts": {name: words(title) for name, title in lab.contexts.items()},
    }


def _refusal(message: str, hint: str = "") -> Answer:
    return {"ok": False, "error": {"message": message, "hint": hint}}


def _problem(problem: Any) -> dict[str, Any]:
    return {
        "file": problem.file, "line": problem.line, "column": problem.column,
        "message": problem.message, "expected": problem.expected,
    }


def _text(request: Request, name: str, longest: int) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise InputError(REFUSALS["text"], name=name)
    if len(value) > longest:
        raise InputError(REFUSALS["long"], REFUSALS["long.hint"], name=name, most=longest)
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError(REFUSALS["half"], REFUSALS["half.hint"], name=name)
    return value


def _optional(request: Request, name: str, longest: int) -> str | None:
    return None if request.get(name) is None else _text(request, name, longest)


def _seed(request: Request) -> int:
    return _whole({"seed": 0, **request}, "seed", 0, LARGEST_SEED)


def _whole(request: Request, name: str, least: int, most: int) -> int:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(REFUSALS["range"], name=name, least=least, most=most)
    return value
