"""The native guest under trap-and-emulate, run beside a ported one: how many exits would it take?

The two are held against each other at the same output: when the guest has written so many
characters, so many exits there were. The rival runs only as far as it is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..host.systems import Image, build
from ..isa.assembler import Program
from ..trace.events import ConsoleWritten, Event, VmmEntered

TECHNIQUE = "trap-and-emulate"
SLICE = 20_000
AT_MOST = 3_000_000  # steps; a guest that has not written by then is not going to


@dataclass(frozen=True, slots=True)
class Toll:
    """Exits up to the moment a guest had written ``written`` times. ``same``: it wrote the same."""

    written: int
    exits: int
    same: bool


class Rival:
    """Counts the exits of the native guest as far as it is run."""

    every_instruction = False

    def __init__(self, program: Program, name: str, memory: int, disk: bytes | None) -> None:
        self._system = build(TECHNIQUE, Image(program, name, memory, disk=disk))
        self._system.listener = self
        self._exits = 0
        self._at: list[tuple[int, str]] = []  # for each piece of output: exits before it, and it

    def __call__(self, event: Event) -> None:
        if isinstance(event, VmmEntered):
            self._exits += 1
        elif isinstance(event, ConsoleWritten):
            self._at.append((self._exits, event.text))

    def toll(self, console: str, written: int) -> Toll | None:
        """What the same output has taken: ``written`` pieces, which make ``console``. None if
        the rival does not get that far."""
        system = self._system
        while len(self._at) < written and system.outcome is None and system.steps < AT_MOST:
            before = system.steps
            system.run(SLICE)
            if system.steps == before:
                break
        if not written or len(self._at) < written:
            return None
        said = "".join(text for _, text in self._at[:written])
        return Toll(written, self._at[written - 1][0], console.startswith(said))
