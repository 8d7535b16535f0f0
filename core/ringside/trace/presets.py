"""What things cost on which processor, in cycles: every figure with its source.

Confidence: ``measured`` figures were read in a publication (or a copy quoting it), ``reported``
ones are given as such by a publication but were not checked against it, ``derived`` ones follow
by arithmetic from others, ``assumed`` ones are ours and marked so wherever they are shown.
``yours`` are those a user has put in their place (:mod:`ringside.trace.own_prices`).

Sources
    AA06   K. Adams, O. Agesen: A Comparison of Software and Hardware Techniques for x86
           Virtualization. ASPLOS 2006. Section 6.3 (nanobenchmarks), table 1 (VM transitions) and
           section 4, which measures three ways for a software VMM to carry out one RDTSC.
    AMRS12 O. Agesen, J. Mattson, R. Rugina, J. Sheldon: Software Techniques for Avoiding Hardware
           Virtualization Exits. USENIX ATC 2012, table 1.
    BNT17  E. Bugnion, J. Nieh, D. Tsafrir: Hardware and Software Support for Virtualization.
           2017, chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Price:
    """Cycles for one occurrence, where the figure comes from, and how sure it is."""

    cycles: float
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One processor: what each kind of event costs on it, and whether it has nested paging.

    ``own`` names the prices that are not its own but the user's: see ``trace.own_prices``.
    """

    id: str
    title: str
    year: int
    prices: Mapping[str, Price]
    ept: bool = True
    own: frozenset[str] = frozenset()

    @property
    def stands_in(self) -> bool:
        """Whether nested paging, which it has not got, is paid with the price of something else."""
        return not self.ept and EPT_EXIT not in self.own


# What the nanobenchmarks of AA06 measured natively on one processor, the Pentium 4 672, are costs
# of the processor itself, each a round trip with its way back. What a software VMM adds is taken
# from the same paper's RDTSC: trapped and emulated 2030 cycles, called out and emulated 1254,
# emulated in the translation cache 216. Nothing here comes from the nanobenchmarks under a VMM:
# those are what ``ringside predict`` has to find.
_EXCEPTION = 889
_TRAP_AND_EMULATE = 2030
L1_LOAD = 4  # cycles; measured on Prescott: A. L. Shimpi, D. Wilson, AnandTech, 1 February 2004
_REFERENCE = 20
RINGS: Mapping[str, Price] = {
    "exception": Price(_EXCEPTION, "AA06 6.3, divzero, native", "measured"),
    "page fault": Price(1093, "AA06 6.3, pgfault, native", "measured"),
    "system call": Price(242, "AA06 6.3, syscall, native", "reported"),
    "call or return": Price(5.5, "AA06 6.3, call/ret, native: 11 for the pair", "derived"),
    "interrupt flag": Price(60, "AA06 3.2: CLI on a Pentium 4", "reported"),
    "vmm dispatch": Price(
        _TRAP_AND_EMULATE - _EXCEPTION,
        "AA06 4: RDTSC trapped and emulated, 2030, without the exception itself, 889", "derived",
    ),
    "callout": Price(1254, "AA06 4: RDTSC by a callout from translated code", "reported"),
    "adapted callout": Price(
        300, "AA06 3.3: adapted, a trap of over 1000 cycles becomes a call of a few hundred",
        "assumed",
    ),
    "in-line device": Price(216, "AA06 4: RDTSC, a virtual clock, emulated in line", "reported"),
    "translation overhead": Price(
        2, f"an instruction of the translator's; one in three is a load of {L1_LOAD} cycles",
        "assumed",
    ),
    "injection": Price(
        10 * L1_LOAD, "the guest's gate read, its frame written: ten accesses to the cache",
        "assumed",
    ),
    "shadow fill": Price(
        5 * _REFERENCE, "the guest's two entries read, their flags and the shadow's entry written",
        "assumed",
    ),
    "hypercall": Price(
        242, "AA06 6.3, syscall, native: the same way into an inner ring", "derived"
    ),
}
DEVICE = Price(
    667, "Sugerman, Venkitachalam, Lim, USENIX 2001, table 2: 0.91 µs for an IN or OUT that the VMM"
    " serves itself, at 733 MHz", "derived",
)
PORT = Price(3209, "AA06 6.3, in (port 80h), native: bus time, not the processor's", "measured")
INSTRUCTION = Price(1, "one instruction in a cycle", "assumed")
INTERPRETED = Price(
    50, "fetch, decode and carry out one IA-32 instruction in software: tens of cycles", "assumed"
)
REFERENCE = Price(_REFERENCE, "a page-table entry found in the second-level cache", "assumed")

# VM transitions by microarchitecture. Round trip: AMRS12. The rest: BNT17, and for the first two
# processors the entry and #PF exit also agree with AA06 table 1 within a few per cent.
VMX_NAMES = (
    "vmread", "vmwrite", "vmlaunch", "vmresume", "exit vmcall", "exit cpuid", "exit #PF",
    "exit io", "exit ept violation",
)  # fmt: skip
EPT_EXIT = VMX_NAMES[-1]
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
MEASURED_ON = "prescott"
"""The processor the ring costs are of; they are taken over unchanged for the others."""


def _preset(
    id_: str, title: str, year: int, round_trip: int | None, vmx: tuple[int | None, ...]
) -> Preset:
    prices: dict[str, Price] = {"instruction": INSTRUCTION, "walk reference": REFERENCE}
    prices["interpreted instruction"] = INTERPRETED
    prices["virtual device"] = DEVICE
    prices |= {
        name: Price(cycles, "BNT17 ch. 4", "reported")
        for name, cycles in zip(VMX_NAMES, vmx, strict=True)
        if cycles is not None
    }
    ept = EPT_EXIT in prices
    if not ept:
        prices[EPT_EXIT] = Price(
            prices["exit #PF"].cycles, "this processor has no EPT; as its exit for #PF", "assumed")
    if round_trip is None:
        both = prices["vmresume"].cycles + prices["exit vmcall"].cycles
        trip = Price(both, "BNT17 ch. 4: VMRESUME and the VMCALL exit", "derived")
    else:
        trip = Price(round_trip, "AMRS12 table 1", "reported")
    prices["vm round trip"] = trip
    own = id_ == MEASURED_ON
    for name, price in {**RINGS, "port access": PORT}.items():
        source = price.source if own else f"{price.source}; no figure for this processor is known"
        prices[name] = Price(price.cycles, source, price.confidence if own else "assumed")
    return Preset(id_, title, year, prices, ept)


PRESETS: tuple[Preset, ...] = tuple(_preset(*row) for row in _VMX)


def with_ring_costs(processor: Preset, factor: float) -> Preset:
    """The same processor, its unknown ring costs taken as ``factor`` times the Pentium 4's.

    Where they were measured they stay what they are.
    """
    if processor.id == MEASURED_ON or factor == 1:
        return processor
    prices = dict(processor.prices)
    for name, price in RINGS.items():
        source = f"{price.source}; here taken as {factor:g} of it"
        prices[name] = Price(price.cycles * factor, source, "assumed")
    return replace(processor, prices=prices)


def preset(id_: str) -> Preset:
    """The preset of this name; raises ValueError naming those there are."""
    for found in PRESETS:
        if found.id == id_:
            return found
    known = ", ".join(found.id for found in PRESETS)
    raise ValueError(f"there is no hardware preset {id_!r}; choose one of: {known}")
