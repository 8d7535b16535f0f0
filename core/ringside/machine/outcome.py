"""How a run ended, or why it cannot go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kind`` is one of the kinds below; ``status`` is the exit status where there is one, and
    ``detail`` says what is missing where the guest used something that is not modelled."""

    kind: str
    status: int | None = None
    detail: str = ""

    @property
    def final(self) -> bool:
        """Whether nothing can make the machine go on: typing wakes one that only waits."""
        return self.kind != "waiting"

    def __str__(self) -> str:
        if self.detail:
            return f"{self.kind}: {self.detail}"
        return f"exit {self.status}" if self.status is not None else self.kind


HALTED = Outcome("halted")  # HLT with interrupts off: nothing can ever wake it
SHUTDOWN = Outcome("shutdown")  # triple fault
RESET = Outcome("reset")  # the guest pulled the processor's RESET pin
WAITING = Outcome("waiting")  # HLT with interrupts on, and only input could interrupt it


def exited(status: int) -> Outcome:
    """A write to the exit port ended the run with ``status``."""
    return Outcome("exit", status)


def not_modelled(detail: str) -> Outcome:
    """The guest used a part of the architecture that is left out; ``detail`` names it."""
    return Outcome("not-modelled", None, detail)
