"""What things cost on which processor, in cycles: every figure with its source.

Confidence: ``measured`` figures were read in a publication (or a copy quoting it), ``reported``
ones are given as such by a publication but were not checked against it, ``derived`` ones follow
by arithmetic from others, ``assumed`` ones are ours and marked so wherever they are shown.

Sources
    AA06   K. Adams, O. Agesen: A Comparison of Software and Hardware Techniques for x86
           Virtualization. ASPLOS 2006, section 6.3 and table 1.
    AMRS12 O. Agesen, J. Mattson, R. Rugina, J. Sheldon: Software Techniques for Avoiding Hardware
           Virtualization Exits. USENIX ATC 2012, table 1.
    BNT17  E. Bugnion, J. Nieh, D. Tsafrir: Hardware and Software Support for Virtualization.
           2017, chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Cycles for one occurrence, where the figure comes from, and how sure it is."""

    cycles: float
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One processor: what each kind of event costs on it."""

    id: str
    title: str
    year: int
    prices: Mapping[str, Price]


# The ring costs of one processor, the Pentium 4 672 of AA06: what its nanobenchmarks measured
# natively and, under their software VMM, the differences. A fault reflected to the guest (divzero,
# 3223) is a native fault (889), a dispatch in the VMM, the injection, and one more trap (889 and a
# dispatch) for the handler's IRET; a true page fault (3927) adds the walk of the guest's tables.
_DISPATCH = 200
_INJECT = 3223 - 889 - _DISPATCH - (889 + _DISPATCH)
_SHADOW = 3927 - 1093 - _DISPATCH - _INJECT - (889 + _DISPATCH)
RINGS: Mapping[str, Price] = {
    "exception": Price(889, "AA06 6.3, divzero, native", "measured"),
    "page fault": Price(1093, "AA06 6.3, pgfault, native", "measured"),
    "system call": Price(242, "AA06 6.3, syscall, native", "reported"),
    "vmm dispatch": Price(
        _DISPATCH, "AA06 5: a trap into the VMM costs about 1000 cycles and more", "derived"
    ),
    "injection": Price(_INJECT, "AA06 6.3, divzero: 3223 under the software VMM", "derived"),
    "shadow fill": Price(_SHADOW, "AA06 6.3, pgfault: 3927 under the software VMM", "derived"),
    "hypercall": Price(
        242, "AA06 6.3, syscall, native: the same way into an inner ring", "derived"
    ),
}
PORT = Price(3209, "AA06 6.3, in (port 80h), native: bus time, not the processor's", "measured")
INSTRUCTION = Price(1, "one instruction in a cycle", "assumed")
INTERPRETED = Price(
    50, "fetch, decode and carry out one IA-32 instruction in software: tens of cycles", "assumed"
)
REFERENCE = Price(20, "a page-table entry found in the second-level cache", "assumed")

# VM transitions by microarchitecture. Round trip: AMRS12. The rest: BNT17, and for the first two
# processors the entry and #PF exit also agree with AA06 table 1 within a few per cent.
VMX_NAMES = (
    "vmread", "vmwrite", "vmlaunch", "vmresume", "exit vmcall", "exit cpuid", "exit #PF",
    "exit io", "exit ept violation",
)  # fmt: skip
_VMX: tuple[tuple[str, str, int, int | None, tuple[int | None, ...]], ...] = (
    # id, title, year, round trip, then VMX_NAMES
    ("prescott", "Pentium 4 (Prescott)", 2005, 3963,
     (178, 171, 2478, 2333, 1630, 1599, 1926, 1942, None)),
    ("merom", "Core 2 (Merom)", 2006, 1579, (53, 43, 948, 944, 727, 764, 1156, 858, None)),
    ("penryn", "Core 2 (Penryn)", 2008, 1266, (26, 26, 688, 643, 638, 611, 858, 708, None)),
    ("westmere", "Xeon (Westmere)", 2010, 761, (6, 5, 678, 402, 344, 389, 569, 427, 546)),
    ("sandy-bridge", "Core (Sandy Bridge)", 2011, 784,
     (5, 4, 619, 460, 365, 434, 507, 472, 588)),
    ("ivy-bridge", "Core (Ivy Bridge)", 2012, None, (4, 3, 573, 452, 334, 398, 466, 436, 604)),
    ("haswell", "Core (Haswell)", 2013, None, (5, 4, 486, 318, 253, 327, 512, 383, 656)),
    ("broadwell", "Core (Broadwell)", 2014, None, (5, 4, 528, 348, 265, 332, 531, 397, 656)),
)  # fmt: skip
_PRESCOTT_ROUND_TRIP = 3963


def _preset(
    id_: str, title: str, year: int, round_trip: int | None, vmx: tuple[int | None, ...]
) -> Preset:
    prices: dict[str, Price] = {"instruction": INSTRUCTION, "walk reference": REFERENCE}
    prices["interpreted instruction"] = INTERPRETED
    prices["port access"] = PORT
    prices |= {
        name: Price(cycles, "BNT17 ch. 4", "reported")
        for name, cycles in zip(VMX_NAMES, vmx, strict=True)
        if cycles is not None
    }
    if round_trip is None:
        both = prices["vmresume"].cycles + prices["exit vmcall"].cycles
        trip = Price(both, "BNT17 ch. 4: VMRESUME and the VMCALL exit", "derived")
    else:
        trip = Price(round_trip, "AMRS12 table 1", "reported")
    prices["vm round trip"] = trip
    scale = trip.cycles / _PRESCOTT_ROUND_TRIP
    for name, price in RINGS.items():
        if scale == 1:
            prices[name] = price
        else:
            prices[name] = Price(
                round(price.cycles * scale),
                f"{price.source}; scaled like this processor's VM round trip",
                "assumed",
            )
    return Preset(id_, title, year, prices)


PRESETS: tuple[Preset, ...] = tuple(_preset(*row) for row in _VMX)


def preset(id_: str) -> Preset:
    """The preset of this name; raises ValueError naming those there are."""
    for found in PRESETS:
        if found.id == id_:
            return found
    known = ", ".join(found.id for found in PRESETS)
    raise ValueError(f"there is no hardware preset {id_!r}; choose one of: {known}")
