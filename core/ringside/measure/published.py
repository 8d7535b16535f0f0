"""The nanobenchmarks as published: cycles for native, a software VMM, a hardware VMM of 2006.

K. Adams, O. Agesen: A Comparison of Software and Hardware Techniques for x86 Virtualization,
ASPLOS 2006, section 6.3 and figure 4, on a 3.8 GHz Pentium 4 672. The software VMM is a binary
translator; the hardware VMM uses VT-x, and page tables of its own as the other does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NATIVE, SOFTWARE, HARDWARE = "native", "software", "hardware"
NESTED_PAGING = "nested"  # a hardware VMM with EPT: later than the paper
SYSTEMS = (NATIVE, SOFTWARE, HARDWARE)
SOURCE = "Adams and Agesen, ASPLOS 2006, 6.3"


@dataclass(frozen=True, slots=True)
class Figure:
    """Cycles for one round. ``note`` says how the text gives it, where not as a number."""

    cycles: int
    note: str = ""


BENCHMARKS = ("syscall", "in", "cr8wr", "callret", "pgfault", "divzero", "ptemod")

PUBLISHED: Mapping[tuple[str, str], Figure] = {
    ("syscall", NATIVE): Figure(242),
    ("syscall", SOFTWARE): Figure(2242, "about 2000 more than native"),
    ("syscall", HARDWARE): Figure(242, "at native speed"),
    ("in", NATIVE): Figure(3209),
    ("in", SOFTWARE): Figure(214, "fifteen times faster than native"),
    ("in", HARDWARE): Figure(15826),
    ("cr8wr", NATIVE): Figure(140, "about four times the software VMM"),
    ("cr8wr", SOFTWARE): Figure(35),
    ("cr8wr", HARDWARE): Figure(140, "similar to native"),
    ("callret", NATIVE): Figure(11),
    ("callret", SOFTWARE): Figure(51),
    ("callret", HARDWARE): Figure(11),
    ("pgfault", NATIVE): Figure(1093),
    ("pgfault", SOFTWARE): Figure(3927),
    ("pgfault", HARDWARE): Figure(11242),
    ("divzero", NATIVE): Figure(889),
    ("divzero", SOFTWARE): Figure(3223),
    ("divzero", HARDWARE): Figure(1014),
    ("ptemod", NATIVE): Figure(1, "a single cycle store"),
    ("ptemod", SOFTWARE): Figure(391),
    ("ptemod", HARDWARE): Figure(12733),
}

GIVEN = frozenset((name, NATIVE) for name in ("syscall", "in", "callret", "pgfault", "divzero"))
"""Native figures that are prices in the model: what they say comes back, it is not predicted."""
