"""One line on a terminal that says how far long work has come, and goes when it is done."""

from __future__ import annotations

import sys

CLEAR = "\r" + " " * 40 + "\r"


class Progress:
    """Written over and over on standard error; nothing where nobody sits at a terminal, or when
    ``quiet``."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *what: object) -> None:
        if self.shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Put ``text`` in place of what was said before."""
        if self.shown:
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
