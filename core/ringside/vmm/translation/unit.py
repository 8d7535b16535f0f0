"""Translation units: what was translated, what it became, and which belongs to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

IDENT = "ident"  # copied as it is
INLINE = "in-line"  # replaced by instructions that do the same to the virtual CPU in memory
CALLOUT = "callout"  # replaced by a call of the VMM, which carries it out
CONTROL = "control"  # a branch: goes to translated code instead of the guest's
KINDS = (IDENT, INLINE, CALLOUT, CONTROL)

# What the VMM has to do when it is called from a place in the cache.
EMULATE = "emulate"  # carry the guest's instruction out
LINK = "link"  # translate the branch's target, and let the branch go there from now on
RETURN = "return"  # an indirect branch found nothing in the hash table; it has retired
GO = "go"  # the same for a branch to another page, which had retired before

RESTORE_IF = -1  # in ``Spot.saved``: the virtual IF, from ``if_before``


class Key(NamedTuple):
    """What a unit is filed under: the same bytes at the same address, the same limits.

    The frame is part of it, so a page that is mapped elsewhere never runs old code.
    """

    base: int  # of CS
    limit: int
    eip: int
    gfn: int


class Spot(NamedTuple):
    """What the VMM must know of one instruction in the cache when it meets it.

    ``eip`` is the guest's: of the instruction being carried out, or, at a ``boundary``, of the
    next one, and then the guest's state is simply the processor's. Elsewhere ``saved`` names
    registers whose guest values are in scratch cells.
    """

    eip: int
    boundary: bool
    saved: tuple[int, ...]
    action: str
    after_sti: bool
    jump: int  # for LINK: the address of the branch that has come here


@dataclass(frozen=True, slots=True)
class Line:
    """One guest instruction and the bytes ``[start, end)`` of the cache it became.

    In a region, what does not fit there goes on at ``[away, away_end)``.
    """

    eip: int
    code: bytes
    kind: str
    start: int
    end: int
    away: int = 0
    away_end: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """A direct way out of a unit: the jump at ``jump``, which goes to ``stub`` until ``eip`` is
    translated. Its displacement is its last four bytes. ``name``: ``taken`` or ``next``."""

    name: str
    jump: int
    size: int
    stub: int
    eip: int
    elidable: bool

    @property
    def end(self) -> int:
        """The address after the jump."""
        return self.jump + self.size


@dataclass(frozen=True, slots=True)
class Unit:
    """One translation unit: guest code ``[gpa, gpa + length)`` as ``[address, end)`` in the cache.

    ``spots`` are the addresses of all its instructions, ``counter`` the processor's counter of
    how often its last line ran. ``size`` is all it takes, stubs included. A ``region`` is many
    units' worth of hot code, translated again as one: branches come to any of its lines, and
    ``counter`` counts the one that proved hot (:mod:`.region`).
    """

    key: Key
    gpa: int
    length: int
    address: int
    end: int
    lines: tuple[Line, ...]
    ways: tuple[Way, ...]
    spots: tuple[int, ...]
    counter: int
    size: int
    region: bool = False
