"""What a guest can know: of its processor, its console and its memory; how it ends; and the first
difference between two that run the same guest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from ringside.isa.registers import NAMES32, SEGMENT_NAMES
from ringside.machine.cpu import Cpu
from ringside.machine.memory import FRAME, FRAME_SHIFT, Memory
from ringside.machine.outcome import Outcome
from ringside.machine.segmentation import Segment

EFLAGS_NAMES = (
    (0, "cf"), (2, "pf"), (4, "af"), (6, "zf"), (7, "sf"), (8, "tf"), (9, "if"), (10, "df"),
    (11, "of"), (14, "nt"), (18, "ac"), (21, "id"),
)  # fmt: skip
SEEN_EFLAGS = sum(1 << bit for bit, _ in EFLAGS_NAMES) | 3 << 12

ENDS = ("halted", "shutdown", "reset", "waiting", "not-modelled", "entry-failed", "crashed")

Found = tuple[str, int, int]
"""The name of something that differs, what was expected there, and what was found."""


def visible_state(cpu: Cpu) -> Iterator[tuple[str, int]]:
    """What a guest can know of its processor, by name; flags as PUSHF would show them."""
    yield "eip", cpu.eip
    yield "cpl", cpu.cpl
    eflags = cpu.eflags
    for bit, name in EFLAGS_NAMES:
        yield f"eflags.{name}", eflags >> bit & 1
    yield "eflags.iopl", eflags >> 12 & 3
    yield from zip(NAMES32, cpu.regs, strict=True)
    for name, segment in zip(SEGMENT_NAMES, cpu.segs, strict=True):
        yield name, segment.selector
        yield f"{name}.base", segment.base
        yield f"{name}.limit", segment.limit
        yield f"{name}.rights", _rights(segment)
    yield "cr0", cpu.cr0
    yield "cr2", cpu.cr2
    yield "cr3", cpu.cr3
    yield "cr4", cpu.cr4
    yield "gdtr.base", cpu.gdtr.base
    yield "gdtr.limit", cpu.gdtr.limit
    yield "idtr.base", cpu.idtr.base
    yield "idtr.limit", cpu.idtr.limit
    for name, table in (("ldtr", cpu.ldtr), ("tr", cpu.tr)):
        yield name, table.selector
        yield f"{name}.base", table.base
        yield f"{name}.limit", table.limit
    yield "time", cpu.time


def _rights(segment: Segment) -> int:
    """What a register holds of type, ring, presence and size, laid out as in a descriptor."""
    return (
        segment.type | segment.dpl << 5 | segment.present << 7 | segment.big << 14
        if segment.present else 0
    )


def first_difference(expected: Cpu, found: Cpu) -> Found | None:
    """The first name whose values differ, with both; None when the guest can see none."""
    if _alike(expected, found):
        return None
    pairs = zip(visible_state(expected), visible_state(found), strict=True)
    for (name, wanted), (_, actual) in pairs:
        if wanted != actual:
            return name, wanted, actual
    return None


def _alike(one: Cpu, other: Cpu) -> bool:
    """Whether all of :func:`visible_state` is certainly equal; the usual case, told quickly."""
    return (
        one.eip == other.eip
        and one.regs == other.regs
        and one.time == other.time
        and not (one.eflags ^ other.eflags) & SEEN_EFLAGS
        and one.segs == other.segs
        and one.cpl == other.cpl
        and (one.cr0, one.cr2, one.cr3, one.cr4) == (other.cr0, other.cr2, other.cr3, other.cr4)
        and (one.gdtr, one.idtr) == (other.gdtr, other.idtr)
        and (one.ldtr, one.tr) == (other.ldtr, other.tr)
    )


def first_other(expected: str, found: str) -> Found | None:
    """The codes of the first characters that differ, 0 for none there; None for equal texts."""
    if expected == found:
        return None
    for wanted, actual in zip_longest(expected, found, fillvalue="\0"):
        if wanted != actual:
            return "console", ord(wanted), ord(actual)
    return None


def other_end(expected: Outcome | None, found: Outcome | None) -> Found | None:
    """How two runs have ended, if differently: an exit status, or ``-1 - n`` for ``ENDS[n]``."""
    if expected is None or found is None:
        return None
    wanted, actual = (
        each.status if each.status is not None else -1 - ENDS.index(each.kind)
        for each in (expected, found))
    return None if wanted == actual else ("outcome", wanted, actual)


def first_other_byte(
    expected: Memory, found: Memory, frames: Iterable[int] | None = None
) -> Found | None:
    """The first byte that differs in two memories of one size; ``frames``: in these alone."""
    for frame in range(expected.frames) if frames is None else frames:
        start = frame << FRAME_SHIFT
        wanted, actual = expected.read_bytes(start, FRAME), found.read_bytes(start, FRAME)
        if wanted != actual:
            at = next(n for n, pair in enumerate(zip(wanted, actual, strict=True))
                      if pair[0] != pair[1])
            return f"memory at {start + at:#x}", wanted[at], actual[at]
    return None
