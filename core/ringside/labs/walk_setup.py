"""From the choices of the lab "Walks" to tables and accesses."""

from __future__ import annotations

from ..machine.paging import BY_NAME, PagingFormat
from .lab import InputError, Setup
from .walk_beats import Features
from .walk_cases import HOST_CASES
from .walk_programs import play_guest, play_trace, spaces
from .walk_record import GUESTS
from .walk_streams import STREAMS
from .walk_tour import Journey
from .walk_world import Geometry, page_shift

TRACE = "trace"  # the program that is a dropped trace file
PROGRAMS = (*STREAMS, *GUESTS, TRACE)


def make_journey(setup: Setup) -> Journey:
    """The machines and caches of a setup; raises :class:`InputError` for pages there are not."""
    options = setup.options
    guest = BY_NAME[setup.guest]
    nested = BY_NAME[options["nested"]] if setup.technique == "nested" else None
    host = nested or guest
    page, host_page = _shift(guest, options["page"]), _shift(host, options["host"])
    geometry = Geometry(guest, nested, page, host_page)
    caches = options["caches"].split("+")
    features = Features(
        "tlb" in caches, "walk" in caches, "ntlb" in caches, options["vpid"] == "on")
    machines = max(2, spaces(setup.trace)) if options["program"] == TRACE else 2
    return Journey(setup.technique, geometry, features, machines)


def _shift(format: PagingFormat, name: str) -> int:
    try:
        return page_shift(format, name)
    except ValueError as error:
        raise InputError(f"{error} of size {name}.", "Choose a smaller page.") from None


def make_accesses(journey: Journey, setup: Setup, case: str) -> None:
    """The accesses of the chosen program, or those of one address; of no trace, none."""
    if case in HOST_CASES and journey.technique != "nested":
        raise InputError(
            "Only nested paging has host tables that the processor walks itself.",
            "Choose nested paging, or another address.")
    program = setup.options["program"]
    if program == TRACE:
        return play_trace(journey, setup.trace)
    if program in GUESTS:
        return play_guest(journey, program)
    try:
        STREAMS[program](journey, case, setup.options["access"])
    except ValueError as error:
        raise InputError(f"This cannot be built: {error}.", "Choose another address.") from None
