"""What a lab is: one question, the choices that can be made, and how a run of it is opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..scenes.scene import Scene
from .words.refusals import KINDS_OF_CHOICE, REFUSALS
from .words.say import Message, Segment, plain

if TYPE_CHECKING:
    from .dropped import Dropped
    from .tasks import Task

LANGS = ("en", "hu")
SHAPES = ("wide", "tall")
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
TOPICS: Mapping[str, Message] = {  # what the labs are about, in the order of the page's menus
    "processor": ("Processor", "Processzor"),
    "memory": ("Memory", "Memória"),
    "worlds": ("Two worlds", "Két világ"),
}


class InputError(Exception):
    """Something the user asked for cannot be done; the text says what to do instead."""

    def __init__(
        self, message: str | Message, hint: str | Message = "", **facts: object
    ) -> None:
        self._said, self._facts = (message, hint), facts
        super().__init__(self.message)

    def said(self, lang: str) -> tuple[str, str]:
        """What cannot be done, and the hint what to do instead."""
        facts = {name: plain(fact, lang) if isinstance(fact, tuple) else fact
                 for name, fact in self._facts.items()}
        message, hint = (text if isinstance(text, str) else plain(text, lang, facts)
                         for text in self._said)
        return message, hint

    @property
    def message(self) -> str:
        """What cannot be done, in English."""
        return self.said("en")[0]

    @property
    def hint(self) -> str:
        """What to do instead, in English."""
        return self.said("en")[1]


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu."""

    id: str
    title: Message
    note: Message = ("", "")


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a lab with its possible values; the first is the default.

    One that means something ``under`` some techniques only is shown with those. One without values
    is a number from 0 to ``most``, or left empty for the usual one; a panel has the field for it.
    One that ``keeps`` needs no new run when it is changed: the page stays at the step it shows.
    """

    id: str
    title: Message
    values: tuple[Choice, ...] = ()
    under: tuple[str, ...] = ()
    most: int = 0
    keeps: bool = False

    @property
    def default(self) -> str:
        """The value it has when nobody chooses one."""
        return self.values[0].id if self.values else ""

    def choose(self, wanted: str | None) -> str:
        """The value of that id, or the default; raises :class:`InputError`."""
        if self.values:
            return _choose(self.id, self.values, wanted)
        if not wanted:
            return ""
        if NUMBER.fullmatch(wanted) and float(wanted) <= self.most:
            return wanted
        raise InputError(
            REFUSALS["amount"], REFUSALS["amount.hint"], id=self.id, name=wanted[:40],
            most=self.most)


@dataclass(frozen=True, slots=True)
class Setup:
    """The choices one run is opened with."""

    guest: str
    technique: str
    options: Mapping[str, str]
    source: str | None = None
    trace: Dropped | None = None  # a trace file the user gave


class Run(Protocol):
    """One run of a lab: a position among its steps, and what to show there."""

    @property
    def step(self) -> int:
        """The step shown now; 0 is before the first."""

    @property
    def last(self) -> int:
        """The last step known so far."""

    @property
    def ended(self) -> bool:
        """Whether ``last`` is the end of the run."""

    def seek(self, step: int) -> None:
        """Go to ``step``, or to the end if the run is shorter."""

    def find(self, kind: str, direction: int) -> bool | None:
        """Go to the next (1) or previous (-1) step of ``kind``; False if there is none.

        None if there was none as far as one request may look: asked again, it goes on from there.
        """

    def advance(self, steps: int) -> bool:
        """Run at most ``steps`` further; True when a breakpoint or the end stopped it."""

    def receive(self, text: str) -> None:
        """Type ``text`` at the guest's console."""

    def set_breakpoints(self, points: list[dict[str, Any]]) -> None:
        """Replace the breakpoints."""

    def picture(self, shape: str, lang: str) -> Scene:
        """The figure at this step."""

    def sentence(self, lang: str) -> list[Segment]:
        """What just happened."""

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """The panels beside the figure."""

    def timeline(self) -> dict[str, Any]:
        """Contexts and marks of the steps known so far."""

    def outcome(self, lang: str) -> str:
        """How the run ended, or an empty text."""


def search(run: Run, kind: str, direction: int = 1) -> bool:
    """Go to the next or previous step of ``kind``, however long one has to look for it."""
    while (found := run.find(kind, direction)) is None:
        pass
    return found


@runtime_checkable
class Unfinished(Protocol):
    """A run whose measurements can be gone on with while they are shown."""

    def unfinished(self, lang: str) -> str:
        """How far the one shown is; an empty text when it is done."""

    def go_on(self, steps: int) -> None:
        """Do that much more of it."""


class Batch(Protocol):
    """A run without pictures, in slices that can be stopped: what ``ringside run`` does."""

    @property
    def inputs(self) -> frozenset[str]:
        """What of ``limit``, ``keys`` and ``disk`` this run has a use for."""

    @property
    def limit(self) -> int:
        """Guest instructions it runs at most, unless the user says otherwise."""

    patient: bool
    """Whether it goes on to the limit though the guest only waits for input that cannot come."""

    @property
    def ended(self) -> bool:
        """Whether it can go no further by itself."""

    @property
    def instructions(self) -> int:
        """Guest instructions so far."""

    @property
    def console(self) -> str:
        """What the guests have written so far; it only grows."""

    def receive(self, text: str) -> None:
        """Type ``text`` at the guest's console."""

    def advance(self, steps: int) -> None:
        """Run up to ``steps`` steps further."""

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened, as JSON-ready data; ``status`` is the exit status."""

    def lines(self, report: dict[str, Any]) -> list[str]:
        """The same as lines to read."""


@dataclass(frozen=True, slots=True)
class Lab:
    """One file, one question: its guests, techniques, options, and ``open``."""

    id: str
    title: Message
    question: Message
    guests: tuple[Choice, ...]
    techniques: tuple[Choice, ...]
    open: Callable[[Setup], Run]
    topic: str = "processor"  # one of TOPICS
    # The techniques under which the guest can be chosen, where not under all.
    guests_under: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    kinds: tuple[Choice, ...] = ()
    editable: bool = False
    source: Callable[[str], str] | None = field(default=None)
    # What plays a dropped trace file: a guest's id, or an option's value as "option=value".
    drops: str = ""
    # What the colours of its timeline stand for, where not for who runs.
    contexts: Mapping[str, Message] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=dict)  # where it is not a menu's first entry
    # A run without pictures, for labs that are not about one guest; gets the options the user
    # chose besides the setup they were completed to.
    batch: Callable[[Setup, Mapping[str, str]], Batch] | None = None
    # The same run under other options, where nothing has to run again for them; None if it has to.
    # The run that is given is not used any more.
    rearrange: Callable[[Run, Setup], Run | None] | None = None
    answer: Message = ("", "")  # to the question, in a few sentences
    world: Message = ("", "")  # what real products and measurements make of it
    tasks: tuple[Task, ...] = ()  # what the reader is asked

    def setup(
        self, guest: str | None, technique: str | None, options: Mapping[str, str] | None,
        source: str | None, trace: Dropped | None = None,
    ) -> Setup:
        """Check the user's choices and fill in the defaults.

        Raises :class:`InputError` naming the choices there are.
        """
        chosen = {option.id: option.choose((options or {}).get(option.id))
                  for option in self.options}
        for name in options or {}:
            if name not in chosen:
                raise InputError(
                    REFUSALS["option"], REFUSALS["option.hint"], name=name,
                    known=", ".join(option.id for option in self.options) or "–")
        if source is not None and not self.editable:
            raise InputError(REFUSALS["editing"])
        return Setup(
            guest=_choose("guest", self.guests, guest or self.usual.get("guest")),
            technique=_choose(
                "technique", self.techniques, technique or self.usual.get("technique")),
            # A number nobody gave is left out: that is the usual case, and they are many.
            options={name: value for name, value in chosen.items() if value},
            source=source,
            trace=trace,
        )


def _choose(what: str, choices: tuple[Choice, ...], wanted: str | None) -> str:
    if wanted is None:
        return choices[0].id if choices else ""
    if any(choice.id == wanted for choice in choices):
        return wanted
    known = ", ".join(choice.id for choice in choices)
    raise InputError(
        REFUSALS["choice"], REFUSALS["choice.hint"], name=wanted, known=known,
        what=KINDS_OF_CHOICE.get(what, what))
