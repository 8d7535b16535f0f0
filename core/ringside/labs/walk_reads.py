"""From the references of a walk to what the lab "Walks" tells of them, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..machine.nested import NestedWalk
from ..machine.paging import EPT_BITS, ERROR_RESERVED, ERROR_WRITE, PagingFormat
from ..machine.vmx.ept import FETCH, FINAL, LINEAR_VALID, READ, WRITE
from ..machine.walker import Walk
from .walk_beats import Access, Read
from .walk_world import Machine

# Messages of references to the guest's own tables
OWN = frozenset({"read", "read.software", "read.guest"})


def row_of(
    result: Walk, row: int, context: str, message: str, format: PagingFormat,
    skipped: Mapping[int, str],
) -> tuple[Read, ...]:
    """The references of one dimension, as a row of the grid."""
    return tuple(
        Read(0, row, column, context, message, reference, format,
             skipped=skipped.get(column + 1, ""))
        for column, reference in enumerate(result.refs))


def numbered(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """Number those that are made."""
    found, number = [], 0
    for read in reads:
        number += not read.skipped
        found.append(read if read.skipped else replace(read, number=number))
    return tuple(found)


def mark_end(machine: Machine, reads: tuple[Read, ...], result: Walk) -> tuple[Read, ...]:
    """Say what the last reference led to; reads beyond memory give ones, which may be a fault."""
    last = reads[-1]
    if machine.place(result.refs[-1].address) >= machine.host.memory.size:
        last = replace(last, oddity="ones" if last.message == "read" else "ones.software")
    if result.fault is not None:
        last = replace(last, after=why(result.fault), error=result.fault)
    return (*reads[:-1], last)


def mark_loops(reads: tuple[Read, ...], format: PagingFormat) -> tuple[Read, ...]:
    """Name the guest's own entries that lead to a table which the same walk has come through.

    The last entry names a page, not a table: it ends such a walk, if it was one.
    """
    met: set[int] = set()
    found: list[Read] = []
    looped = False
    for read in reads:
        ref, flag = read.reference, format.bits
        oddity = read.oddity
        if read.message in OWN and ref.entry & flag.present:
            met.add(ref.table)
            again = ref.entry & format.address_mask in met and not oddity
            depth = len(format.levels) - ref.level
            if depth == len(format.levels) - 1:
                if again and looped:
                    oddity = "loop.end" if format.levels[0].checked else "loop.end.pae"
            elif again and not (format.levels[depth].large and ref.entry & flag.large):
                oddity, looped = "loop", True
        found.append(replace(read, oddity=oddity))
    return tuple(found)


def why(fault: int) -> str:
    """Which kind of page fault an error code tells (SDM vol. 3A, 4.7)."""
    if fault & ERROR_RESERVED:
        return "fault.reserved"
    return "fault.denied" if fault & 1 else "fault"


def exit_of(result: NestedWalk, ask: Access, nested: PagingFormat) -> tuple[str, int]:
    """The exit a failed nested walk makes, with its qualification (SDM vol. 3C, table 28-7).

    Where the host's tables have the ordinary format, as AMD's have, it is a nested page fault
    with an error code (AMD64 manual vol. 2, 15.25.6). Both set flags in the guest's tables, so
    that an access to one of their entries is a write besides being a read: with EPT because its
    accessed and dirty flags are in use here (SDM vol. 3C, 29.3.3.2), with AMD's tables always
    (15.25.5).
    """
    failed = result.violation
    if failed is None or failed.fault is None:
        return "", 0
    final = result.guest is not None
    if nested.bits is not EPT_BITS:
        return "npf", failed.fault | (0 if final else ERROR_WRITE)
    if failed.fault & ERROR_RESERVED:
        return "misconfiguration", 0
    rights = 7
    for ref in failed.refs:
        rights &= ref.entry
    access = (WRITE if ask.write else FETCH if ask.fetch else READ) if final else READ | WRITE
    return "violation", access | rights << 3 | LINEAR_VALID | (FINAL if final else 0)


def runs(result: NestedWalk, nested: PagingFormat) -> bool:
    """Whether the host's entries for the data allow fetching instructions from it."""
    flag = nested.bits
    data = [ref for ref in result.refs
            if ref.dimension == "nested" and ref.row == result.refs[-1].row]
    return all(
        ref.reference.entry & (flag.execute | flag.no_execute) == flag.execute for ref in data)


def written(result: NestedWalk, write: bool) -> list[int]:
    """Where the host's entries lie that get dirty: a walk may write to the guest's tables.

    Setting flags in them counts as writing (SDM vol. 3C, 29.3.5; AMD64 manual vol. 2, 15.25.5).
    """
    leaves: dict[int, int] = {}
    for ref in result.refs:
        if ref.dimension == "nested":
            leaves[ref.row] = ref.reference.address
    last = result.refs[-1].row
    final = result.guest is not None and result.guest.fault is None
    if result.violation is not None or final and not write:
        leaves.pop(last, None)
    return list(leaves.values())
