"""The two-dimensional walk: guest page tables that themselves lie in translated memory.

Every address the guest's walk uses is guest-physical (gpa), so each of its n references first
needs a walk of the m nested levels, and so does the final gpa: n*m + n + m = (n+1)(m+1) - 1
references in all. Nothing here knows any level count: both dimensions are the walker's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringside.machine.paging import PagingFormat
from ringside.machine.walker import Reference, Walk, walk


@dataclass(frozen=True, slots=True)
class NestedReference:
    """One cell of the grid, numbered from 1 in the order the hardware makes it.

    ``row`` counts the guest dimension from 0 (root table) to n (the data itself), ``column`` the
    nested dimension from 0 to m - 1; a guest entry's own read is column m. ``gpa`` is the
    guest-physical address being translated or read.
    """

    number: int
    dimension: str  # "guest" or "nested"
    row: int
    column: int
    gpa: int
    reference: Reference


@dataclass(frozen=True, slots=True)
class NestedWalk:
    """What the two-dimensional walk found.

    ``guest`` is the guest's own walk (its addresses are gpa; it carries a guest page fault), None
    if a nested violation cut it short. ``violation`` is the nested walk that failed, else None.
    ``hpa`` is the host-physical address of the data, -1 on either fault.
    """

    gva: int
    refs: tuple[NestedReference, ...]
    guest: Walk | None
    violation: Walk | None
    gpa: int
    hpa: int


class _Violation(Exception):
    """The nested tables do not map what the guest's walk needs."""

    def __init__(self, result: Walk) -> None:
        super().__init__(result)
        self.result = result


def expected_references(guest_levels: int, nested_levels: int) -> int:
    """Count the references of a full nested walk."""
    return (guest_levels + 1) * (nested_levels + 1) - 1


def nested_walk(
    guest_format: PagingFormat,
    guest_root: int,
    nested_format: PagingFormat,
    nested_root: int,
    gva: int,
    read_memory: Callable[[int, int], int],
    *,
    write: bool = False,
    user: bool = False,
    fetch: bool = False,
    wp: bool = True,
) -> NestedWalk:
    """Walk ``gva`` through both dimensions.

    ``guest_root`` is the guest's CR3 (a gpa), ``nested_root`` the nested pointer (an hpa);
    ``read_memory(hpa, size)`` reads host memory. Nothing is written: neither A nor D. For the use
    of a guest table only the right to read is asked for in the nested dimension; where A and D are
    kept there, hardware takes it for a write (SDM vol. 3C, 29.3.5; its exit qualification:
    29.3.3.2), as :class:`ringside.machine.vmx.ept.Nested` does.
    """
    refs: list[NestedReference] = []
    nested_size = nested_format.entry_bytes
    guest_size = guest_format.entry_bytes

    def to_host(gpa: int, row: int, write: bool, fetch: bool = False) -> int:
        result = walk(
            nested_format,
            nested_root,
            gpa,
            lambda hpa: read_memory(hpa, nested_size),
            write=write,
            user=True,
            fetch=fetch,
        )
        for column, reference in enumerate(result.refs):
            refs.append(
                NestedReference(len(refs) + 1, "nested", row, column, gpa, reference)
            )
        if result.fault is not None:
            raise _Violation(result)
        return result.address

    def read_guest_entry(gpa: int) -> int:
        row = sum(ref.dimension == "guest" for ref in refs)
        hpa = to_host(gpa, row, write=False)
        entry = read_memory(hpa, guest_size)
        level = guest_format.levels[row]
        table = gpa - level.index(gva) * guest_size
        reference = Reference(
            guest_format.level_number(row), level.name, table, level.index(gva), hpa, entry
        )
        column = len(nested_format.levels)
        refs.append(NestedReference(len(refs) + 1, "guest", row, column, gpa, reference))
        return entry

    guest: Walk | None = None
    try:
        guest = walk(
            guest_format, guest_root, gva, read_guest_entry, write=write, user=user, fetch=fetch,
            wp=wp,
        )
        if guest.fault is not None:
            return NestedWalk(gva, tuple(refs), guest, None, -1, -1)
        hpa = to_host(guest.address, len(guest.refs), write, fetch)
    except _Violation as violation:
        gpa = guest.address if guest else -1
        return NestedWalk(gva, tuple(refs), guest, violation.result, gpa, -1)
    return NestedWalk(gva, tuple(refs), guest, None, guest.address, hpa)
