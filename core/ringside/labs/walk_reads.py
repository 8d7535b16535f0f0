"""From the references of a walk to what the lab "Walks" tells of them, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..machine.nested import NestedWalk
from ..machine.paging import EPT_BITS, ERROR_RESERVED, PagingFormat
from ..machine.vmx.ept import FETCH, FINAL, LINEAR_VALID, READ, WRITE
from ..machine.walker import Walk
from .walk_beats import Access, Read
from .walk_world import Machine


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
    """Say what the last reference led to; reads beyond memory give ones."""
    last = reads[-1]
    if result.fault is not None:
        last = replace(last, after=why(result.fault), error=result.fault)
    elif machine.place(result.refs[-1].address) >= machine.host.memory.size:
        last = replace(last, after="ones")
    return (*reads[:-1], last)


def why(fault: int) -> str:
    """Which kind of page fault an error code tells (SDM vol. 3A, 4.7)."""
    if fault & ERROR_RESERVED:
        return "fault.reserved"
    return "fault.denied" if fault & 1 else "fault"


def exit_of(result: NestedWalk, ask: Access, nested: PagingFormat) -> tuple[str, int]:
    """The exit a failed nested walk makes, with its qualification (SDM vol. 3C, table 28-7).

    Where the host's tables have the ordinary format, as AMD's have, it is a nested page fault
    with an error code (AMD64 manual vol. 2, 15.25.6).
    """
    failed = result.violation
    if failed is None or failed.fault is None:
        return "", 0
    if nested.bits is not EPT_BITS:
        return "npf", failed.fault
    if failed.fault & ERROR_RESERVED:
        return "misconfiguration", 0
    rights = 7
    for ref in failed.refs:
        rights &= ref.entry
    final = result.guest is not None
    access = (WRITE if ask.write else FETCH if ask.fetch else READ) if final else READ
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
