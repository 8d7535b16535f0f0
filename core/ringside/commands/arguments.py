"""What commands are given: numbers, files, choices as ``name=value``; and how they refuse."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..trace.presets import Preset

LAST_PORT = 65535
SLICE = 200_000  # steps between two looks at the keyboard and two lines of progress


class Refusal(Exception):
    """What the user asked for cannot be done; printed, exit status 2."""


def port_of(text: str) -> int:
    """A TCP port; 0 lets the system choose a free one."""
    if not (text.isascii() and text.isdigit() and int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; give a number from 1 to {LAST_PORT}, or 0 for a free one")
    return int(text)


def chosen_options(pairs: Iterable[str]) -> dict[str, str]:
    """``--option name=value`` as a dictionary; raises :class:`Refusal`."""
    chosen = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise Refusal(f"--option {pair!r} is not of the form NAME=VALUE; "
                          "'ringside labs' lists names and values")
        chosen[name] = value
    return chosen


def add_prices(command: argparse.ArgumentParser) -> None:
    """Let a command say whose prices are paid."""
    command.add_argument("--preset", default=None, metavar="ID",
                         help="the processor whose prices are paid")
    command.add_argument("--price", action="append", default=[], metavar="NAME=CYCLES",
                         help="a price of your own, such as 'exit #PF=900'; may be given several "
                              "times")


def processor_of(options: argparse.Namespace) -> Preset | None:
    """The processor of ``--preset`` at the prices of ``--price``; None if neither was given.
    Raises :class:`Refusal`."""
    from ..trace.own_prices import amount, named, with_prices
    from ..trace.presets import PRESETS, preset

    if options.preset is None and not options.price:
        return None
    own = {}
    try:
        processor = PRESETS[0] if options.preset is None else preset(options.preset)
        for pair in options.price:
            name, sign, cycles = pair.rpartition("=")
            if not sign:
                raise Refusal(f"--price {pair!r} is not of the form NAME=CYCLES; "
                              "'ringside predict --explain' shows names and prices")
            own[named(name)] = amount(cycles.strip())
    except ValueError as error:
        raise Refusal(str(error)) from None
    return with_prices(processor, own)


def refusal_of(error: Mapping[str, str], lab: str, lang: str, command: str) -> Refusal:
    """What the session refused, said on the command line; to who takes a guest for a ``lab`` also
    the ``command`` with a lab in its place, which is put for ``{lab}``."""
    from ..labs import LABS
    from ..labs.words.refusals import REFUSALS
    from ..labs.words.say import plain

    said = f"{error['message']} {error['hint']}".strip()
    showing = [one.id for one in LABS if any(guest.id == lab for guest in one.guests)]
    if showing and all(one.id != lab for one in LABS):
        typed = command.format(lab=showing[0])
        said += "\n  " + plain(REFUSALS["lab.guest.typed"], lang, {"command": typed})
    return Refusal(said)


def content_of(name: str) -> bytes:
    """The bytes of a file; raises :class:`Refusal`."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {name}: {error.strerror or error}") from None


def put_into(name: str, content: bytes) -> None:
    """Write a file; raises :class:`Refusal`."""
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise Refusal(f"cannot write {name}: {error.strerror or error}") from None
