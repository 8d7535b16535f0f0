"""How a run ended, or why it cannot go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kind`` is one of the kinds below; ``status`` is the exit status where there is one."""

    kind: str
    status: int | None = None

    @property
    def final(self) -> bool:
        """Whether nothing can make the machine go on: typing wakes one that only waits."""
        return self.kind != "waiting"

    def __str__(self) -> str:
        return f"exit {self.status}" if self.status is not None else self.kind


HALTED = Outcome("halted")  # HLT with interrupts off: nothing can ever wake it
SHUTDOWN = Outcome("shutdown")  # triple fault
RESET = Outcome("reset")  # the guest pulled the processor's RESET pin
WAITING = Outcome("waiting")  # HLT with interrupts on, and only input could interrupt it


def exited(status: int) -> Outcome:
    """A write to the exit port ended the run with ``status``."""
    return Outcome("exit", status)
