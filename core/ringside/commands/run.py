"""``ringside run``: a lab, a guest or a file, run without pictures and reported on.

The console goes to the output as it is written, progress to the error stream if a person looks
at it. Ctrl-C stops the run; the report is made nevertheless.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from ..whole_numbers import count_of
from .arguments import (
    Refusal,
    add_prices,
    chosen_options,
    content_of,
    processor_of,
)
from .progress import Progress

if TYPE_CHECKING:
    from ..labs.lab import Batch

SLICE = 50_000  # steps between two lines of progress
STOPPED = 130  # the exit status a shell gives to what Ctrl-C ended


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "run a lab, a guest, an .asm, a .bin or a multiboot ELF, and report"
    run = commands.add_parser("run", help=text, description=text)
    run.set_defaults(command=run_and_report)
    run.add_argument("what", help="a lab, a guest of the shelf, or a file")
    run.add_argument("--technique", "--cpu", default=None, metavar="TECHNIQUE",
                     help="how the CPU is virtualized (default: bare-metal), also with a variant, "
                          "as hardware-assist/shadow; or what the lab offers as techniques; see "
                          "'ringside labs'")
    run.add_argument("--guest", default=None, help="which guest of the lab")
    run.add_argument("--option", action="append", default=[], metavar="NAME=VALUE",
                     help="a choice of the lab; may be given several times")
    add_prices(run)
    run.add_argument("--max-instructions", type=count_of, default=None, metavar="N",
                     help="stop after N guest instructions, and not before them because "
                          "the guest only waits for input")
    run.add_argument("--input", default=None, help="text to type at the guest's serial console")
    run.add_argument("--disk", default=None, help="image of the first hard disk")
    run.add_argument("--console", action="store_true",
                     help="print all that guests write, also of a lab whose guests write much")
    run.add_argument("--json", action="store_true", help="print the report as JSON")
    run.add_argument("--quiet", action="store_true", help="no progress")


def run_and_report(options: argparse.Namespace) -> int:
    """Carry the command out; returns the guest's exit status, or 130 after Ctrl-C."""
    from ..labs.batch import BatchError, open_batch

    disk = None if options.disk is None else content_of(options.disk)
    try:
        batch = open_batch(
            options.what, technique=options.technique, guest=options.guest,
            options=chosen_options(options.option), disk=disk, processor=processor_of(options))
    except BatchError as error:
        raise Refusal(str(error)) from None
    _refuse_unused(batch, options)
    if options.input:
        # What the shell could not read as text has no characters to type.
        batch.receive(options.input.encode("utf-8", "replace").decode("utf-8"))
    limit = batch.limit
    if options.max_instructions is not None:
        limit, batch.patient = options.max_instructions, True
    stopped = _run(batch, limit, options)
    report = batch.report(stopped=stopped)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(batch.lines(report)))
    return STOPPED if stopped else int(report["status"])


def _refuse_unused(batch: Batch, options: argparse.Namespace) -> None:
    """An option that would do nothing is a mistake, not a wish."""
    given = {
        "limit": ("--max-instructions", options.max_instructions),
        "keys": ("--input", options.input),
        "disk": ("--disk", options.disk),
    }
    for use, (flag, value) in given.items():
        if value is not None and use not in batch.inputs:
            raise Refusal(f"{options.what} has no use for {flag}; leave it out")


def _run(batch: Batch, limit: int, options: argparse.Namespace) -> bool:
    """Run to the end or the limit; True when Ctrl-C came first."""
    screen = _Screen(None if options.console else getattr(batch, "brief", None))
    unit = getattr(batch, "unit", "instructions")  # a lab may count something else
    try:
        with Progress(quiet=options.quiet or options.json) as progress:
            while not batch.ended and batch.instructions < limit:
                batch.advance(min(SLICE, limit - batch.instructions))
                if not options.json:
                    screen.show(batch.console)
                progress.say(f"{batch.instructions:>15,} {unit}")
    except KeyboardInterrupt:
        return True
    finally:
        if not options.json:
            screen.end(batch.console)
    return False


class _Screen:
    """Shows a console as it is written: all of it, or its first lines."""

    def __init__(self, lines: int | None) -> None:
        self._lines = lines
        self._shown = 0  # characters

    def show(self, console: str) -> None:
        """Write what is new."""
        new = console[self._shown :]
        if self._lines is not None:
            new = "".join(new.splitlines(keepends=True)[: self._lines])
            self._lines -= new.count("\n")
        sys.stdout.write(new)
        sys.stdout.flush()
        self._shown += len(new)

    def end(self, console: str) -> None:
        """Begin a new line if need be, and tell how much was left out."""
        if self._shown and not console[: self._shown].endswith("\n"):
            print()
        more = console[self._shown :].count("\n")
        if self._lines is not None and more:
            print(f"... and {more:,} lines more; --console prints them all")
