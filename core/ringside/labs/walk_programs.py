"""Real programs in the lab "Walks": a recorded guest, or a trace that was dropped.

The accesses are what they were; the tables are built here in the chosen format. A guest that has
page tables has its mappings mirrored in them, as they were at each access.
"""

from __future__ import annotations

from ..machine.paging import PagingFormat
from .dropped import Dropped
from .lab import InputError
from .walk_beats import Origin
from .walk_record import FETCH, Made, Recording, record
from .walk_tour import Journey

TRACED = 160  # accesses of a dropped trace
MOST_SPACES = 4  # processes of a trace; each gets a machine of its own


def play_guest(journey: Journey, name: str) -> None:
    """The accesses of a guest of ``walk_record.GUESTS``."""
    recording = record(name)
    if recording.paged and journey.geometry.page != 12:
        raise InputError(
            "This program has page tables of its own, with pages of 4 KiB.",
            "Choose pages of 4 KiB, or another program.")
    _play(journey, recording)


def _play(journey: Journey, recording: Recording) -> None:
    machine, flag = journey.machine, journey.geometry.guest.bits
    for one in recording.happenings:
        machine.load_root(one.root)
        origin = one.origin
        if not isinstance(one, Made):
            if origin.kind == "invlpg":
                journey.invalidate(origin.address, origin)
            else:
                journey.empty(origin)
            continue
        leaf, flags = one.leaf, 0
        if leaf.frame >= 0:
            flags = flag.present
            flags |= (flag.write if leaf.writable else 0) | (flag.user if leaf.user else 0)
        if recording.paged:
            machine.mirror(origin.address, leaf.frame, flags)
        else:  # it has no tables: its memory lies where it says, in pages of the chosen size
            page = origin.address & -(1 << journey.geometry.page)
            machine.mirror(page, page >> 12, flags)
        journey.access(
            0, origin.address, write=one.write, user=one.user, fetch=origin.kind == FETCH,
            origin=origin)


def play_trace(journey: Journey, trace: Dropped | None) -> None:
    """The first accesses of a trace; a page is mapped when it is first touched."""
    if trace is None:
        return
    numbers: dict[int, int] = {}
    for address, space, write in trace.first_accesses(TRACED):
        if space not in numbers and len(numbers) == len(journey.machines):
            return
        number = numbers.setdefault(space, len(numbers))
        gva = _fitting(journey.geometry.guest, address & (1 << 64) - 1)
        journey.machines[number].map(gva)
        origin = Origin("traced write" if write else "traced read", gva)
        journey.access(number, gva, write=write, origin=origin)


def spaces(trace: Dropped | None) -> int:
    """How many processes the beginning of a trace has, of those that are shown."""
    if trace is None:
        return 1
    found = {space for _, space, _ in trace.first_accesses(TRACED)}
    return min(len(found), MOST_SPACES)


def _fitting(format: PagingFormat, address: int) -> int:
    """The address without the copies of its uppermost bit; raises :class:`InputError`."""
    bits = format.address_bits
    if bits > 32 and address >> bits - 1 == (1 << 65 - bits) - 1:
        return address & (1 << bits) - 1
    if address >> bits - (bits > 32):
        raise InputError(
            f"The trace has the address {address:x}, which is too long for this format.",
            "Choose a 64-bit format.")
    return address
