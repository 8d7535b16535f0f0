"""What a lab is: one question, the choices that can be made, and how a run of it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..scenes.scene import Scene
from .words.say import Message, Segment

LANGS = ("en", "hu")
SHAPES = ("wide", "tall")


class InputError(Exception):
    """Something the user asked for cannot be done; the text says what to do instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu."""

    id: str
    title: Message
    note: Message = ("", "")


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a lab with its possible values; the first is the default."""

    id: str
    title: Message
    values: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """The choices one run is opened with."""

    guest: str
    technique: str
    options: Mapping[str, str]
    source: str | None = None


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

    def find(self, kind: str, direction: int) -> bool:
        """Go to the next (1) or previous (-1) step of ``kind``; False if there is none."""

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


@dataclass(frozen=True, slots=True)
class Lab:
    """One file, one question: its guests, techniques, options, and ``open``."""

    id: str
    title: Message
    question: Message
    guests: tuple[Choice, ...]
    techniques: tuple[Choice, ...]
    open: Callable[[Setup], Run]
    options: tuple[Option, ...] = ()
    kinds: tuple[Choice, ...] = ()
    editable: bool = False
    source: Callable[[str], str] | None = field(default=None)
    usual: Mapping[str, str] = field(default_factory=dict)  # where it is not a menu's first entry

    def setup(
        self, guest: str | None, technique: str | None, options: Mapping[str, str] | None,
        source: str | None,
    ) -> Setup:
        """Check the user's choices and fill in the defaults.

        Raises :class:`InputError` naming the choices there are.
        """
        chosen = {option.id: _choose(option.id, option.values, (options or {}).get(option.id))
                  for option in self.options}
        for name in options or {}:
            if name not in chosen:
                known = ", ".join(option.id for option in self.options) or "none"
                raise InputError(f"The lab has no option {name!r}.", f"Its options: {known}.")
        if source is not None and not self.editable:
            raise InputError("The guest of this lab cannot be edited.")
        return Setup(
            guest=_choose("guest", self.guests, guest or self.usual.get("guest")),
            technique=_choose(
                "technique", self.techniques, technique or self.usual.get("technique")),
            options=chosen,
            source=source,
        )


def _choose(what: str, choices: tuple[Choice, ...], wanted: str | None) -> str:
    if wanted is None:
        return choices[0].id if choices else ""
    if any(choice.id == wanted for choice in choices):
        return wanted
    known = ", ".join(choice.id for choice in choices)
    raise InputError(f"There is no {what} {wanted!r} here.", f"Choose one of: {known}.")
