"""What runs without pictures have in common whose whole story is known as soon as they are made."""

from __future__ import annotations


class AtOnce:
    """The part of :class:`ringside.labs.lab.Batch` that has nothing left to do."""

    inputs: frozenset[str] = frozenset()
    patient = False
    limit = 0
    ended = True
    instructions = 0
    console = ""

    def receive(self, text: str) -> None:
        """Nobody reads it."""

    def advance(self, steps: int) -> None:
        """There is nothing left to do."""
