"""The lab "Walks" without pictures: every reference of every walk, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..machine.nested import expected_references
from .at_once import AtOnce
from .lab import InputError, Setup
from .walk_beats import Read, Tour
from .walk_setup import TRACE, make_accesses, make_journey
from .walk_tour import Journey
from .walk_world import level_of

# Whose tables a reference reads, and who reads them.
TABLES = {
    "read": ("guest", "processor"),
    "read.guest": ("guest", "processor"),
    "read.nested": ("nested", "processor"),
    "read.shadow": ("shadow", "processor"),
    "read.software": ("guest", "VMM"),
}
# References a walk that finds its page should take, by n guest levels and m nested ones.
FORMULAS: dict[str, Callable[[int, int], int]] = {
    "none": lambda n, m: expected_references(n, 0),
    "nested": expected_references,
    "shadow": lambda n, m: 2 * n + 1,  # the empty root, the VMM's look, the second try
}


ORDINARY = ("mapped", "high", "unmapped")  # the addresses walked unless one is chosen


class WalksBatch(AtOnce):
    """Some addresses, or a program's accesses: all known as soon as it is made."""

    def __init__(self, setup: Setup, journeys: Mapping[str, Journey]) -> None:
        self.setup = setup
        self.geometry = next(iter(journeys.values())).geometry
        self.tours = [
            (tour.origin.kind if tour.origin else name, tour)
            for name, made in journeys.items() for tour in made.tours]

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """Every walk with its references. Addresses and entries are hexadecimal texts."""
        walks = [self._walk(name, tour) for name, tour in self.tours]
        return {
            "lab": "walks",
            "guest": self.setup.guest,
            "technique": self.setup.technique,
            "expected": FORMULAS[self.setup.technique](*self._levels),
            "walks": walks,
            "references": sum(walk["references"] for walk in walks),
            "faults": sum(walk["fault"] is not None for walk in walks),
            "exits": sum(walk["exit"] is not None for walk in walks),
            "outcome": "stopped" if stopped else "done",
            "status": 130 if stopped else 0,
        }

    @property
    def _levels(self) -> tuple[int, int]:
        """Levels a full walk passes through in each dimension, given the page sizes."""
        geometry = self.geometry
        guest, nested = geometry.guest, geometry.nested
        n = len(guest.levels) - level_of(guest, geometry.page) + 1
        m = len(nested.levels) - level_of(nested, geometry.host_page) + 1 if nested else 0
        return n, m

    def _walk(self, name: str, tour: Tour) -> dict[str, Any]:
        found = tour.hpa >= 0
        return {
            "address": name,
            "gva": f"{tour.gva:#x}",
            "instruction": _instruction(tour),
            "references": tour.made,
            "skipped": len(tour.reads) - tour.made,
            "hit": tour.hit,
            "entries": [_entry(read) for read in tour.reads if not read.skipped],
            "fault": tour.fault,  # the error code of the page fault
            "exit": tour.exit or None,
            "gpa": f"{tour.gpa:#x}" if found and tour.gpa >= 0 else None,
            "hpa": f"{tour.hpa:#x}" if found else None,
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """A table for each walk, and the sums."""
        digits = len(f"{(1 << self.geometry.guest.address_bits) - 1:x}") + 2
        lines = [f"walks         {report['guest']}, second dimension: {report['technique']}"]
        for walk in report["walks"]:
            asked = f"{walk['address']:<13} {walk['gva']:>{digits}}"
            lines += ["", f"{asked}  {walk['instruction'] or ''}".rstrip()]
            if walk["address"] in FLUSHES:
                continue
            for entry in walk["entries"]:
                place = f"{entry['table']}[{entry['index']}]"
                reader = "" if entry["reader"] == "processor" else "  (read by the VMM)"
                lines.append(
                    f"  {entry['number']:>2}  {entry['tables']:<7} {place:<12} at "
                    f"{entry['address']:<10} {entry['entry']}{reader}")
            fault = walk["fault"]
            end = f"page fault, error code {fault:#x}" if fault is not None else (
                f"exit: {walk['exit']}" if walk["exit"] else f"at {walk['hpa']}")
            saved = f" ({walk['skipped']} more saved by caches)" if walk["skipped"] else ""
            lines.append(
                "  found in the TLB: " + end if walk["hit"]
                else f"  {walk['references']} references{saved}: {end}")
        return [
            *lines, "",
            f"references    {report['references']} in all; {report['expected']} for a walk that "
            "finds its page",
            f"page faults   {report['faults']}",
        ]


FLUSHES = ("invlpg", "cr3")  # what a guest does besides accesses


def _instruction(tour: Tour) -> str | None:
    """Which instruction of a guest made the access, and where it lies."""
    origin = tour.origin
    return f"{origin.eip:08x}: {origin.text}" if origin and origin.text else None


def _entry(read: Read) -> dict[str, Any]:
    tables, reader = TABLES[read.message]
    ref = read.reference
    return {
        "number": read.number,
        "tables": tables,
        "reader": reader,
        "table": ref.name.removeprefix("ept "),
        "index": ref.index,
        "address": f"{ref.address:#x}",
        "entry": f"{ref.entry:#x}",
    }


def walk_all(setup: Setup, chosen: Mapping[str, str]) -> WalksBatch:
    """The walk of the address the user chose, a program's walks, or those of several addresses."""
    if setup.options["program"] == TRACE and setup.trace is None:
        raise InputError(
            "A trace file is dropped onto the page of this lab.",
            "Without the page, use 'ringside sweep file:TRACE'.")
    several = not {"address", "program"} & set(chosen)
    # Each in a world of its own: a walk sets accessed bits and fills the shadow.
    journeys = {}
    for case in ORDINARY if several else (setup.options["address"],):
        journeys[case] = make_journey(setup)
        make_accesses(journeys[case], setup, case)
    return WalksBatch(setup, journeys)
