"""``ringside run`` of the labs whose kernel is another one: translated by the VMM, or ported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..guests import disk, program
from ..guests.porting import PORTED, difference
from ..host.systems import DEFINES, Image, Virtualized, build
from ..trace.counters import by_detail
from ..vmm.cpu.binary_translation import BinaryTranslation
from ..vmm.translation.readout import read_statistics
from .guest_batch import GuestBatch
from .lab import Setup
from .rival import Rival

MEMORY = 16 << 20
TRANSLATION, PARAVIRTUAL = "binary-translation", "paravirtualization"
INPUTS = frozenset({"limit", "keys"})


class TranslationBatch(GuestBatch):
    """A guest under binary translation, with what the translator did."""

    inputs = INPUTS

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened, and the translator's statistics."""
        assert isinstance(self.system, Virtualized)
        technique = self.system.vmm.guests[0].cpu
        assert isinstance(technique, BinaryTranslation)
        found = read_statistics(technique)
        executed = found.executed
        return {
            **super().report(stopped=stopped),
            "translation": {
                **asdict(found), "expansion": found.expansion, "hit_rate": found.hit_rate,
                "kernel_instructions": executed.total,
                "identical_share": executed.share(executed.identical),
                "without_vmm_share": executed.share(executed.in_cache),
            },
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        found = report["translation"]
        executed = found["executed"]
        return [
            *super().lines(report),
            f"translated    {found['translated']:,} units; in the cache now: {found['units']:,}, "
            f"{found['units_bytes']:,} bytes for {found['guest_bytes']:,} of the guest's "
            f"(x {found['expansion']:.2f})",
            f"kernel        {found['kernel_instructions']:,} instructions: "
            + ", ".join(f"{executed[name]:,} {name}" for name in (
                "identical", "branches", "calls", "inline", "callouts", "trapped")),
            f"identical     {100 * found['identical_share']:.1f} % of them; "
            f"regions of hot code: {found['regions']:,}",
            f"without VMM   {100 * found['without_vmm_share']:.1f} %",
            f"branches      {found['chained']:,} chained, {found['elided']:,} elided; lookups: "
            f"{found['lookups']:,} hits, {found['misses']:,} misses",
        ]


class ParavirtualBatch(GuestBatch):
    """A ported guest, with its hypercalls, and the exits of the native one."""

    inputs = INPUTS

    def report(self, *, stopped: bool) -> dict[str, Any]:
        """What happened, and what the native guest would have taken for the same output."""
        calls = by_detail(self._tally.counts, "hypercall")
        told = {**super().report(stopped=stopped), "hypercalls": calls}
        if self.name not in PORTED:
            return told
        changed = difference(self.name)
        written = sum(by_detail(self._tally.counts, "console").values())
        rival = Rival(program(self.name), self.name, MEMORY, disk(self.name))
        toll = rival.toll(self.console, written)
        return {
            **told,
            "native": None if toll is None else {
                "exits": toll.exits, "characters": toll.written, "same_output": toll.same},
            "porting": {
                "lines": changed.lines, "removed_lines": changed.removed_lines,
                "added_lines": changed.added_lines, "instructions": changed.instructions,
                "removed_instructions": changed.removed_instructions,
                "added_instructions": changed.added_instructions},
        }

    def lines(self, report: dict[str, Any]) -> list[str]:
        """One fact a line."""
        lines = [
            *super().lines(report),
            *(f"hypercall     {name:<24} {count:,}"
              for name, count in report["hypercalls"].items()),
        ]
        ported, native = report.get("porting"), report.get("native")
        if ported is not None:
            lines.append(
                f"porting       {ported['removed_lines']:,} of {ported['lines']:,} source lines "
                f"replaced by {ported['added_lines']:,}; {ported['removed_instructions']:,} of "
                f"{ported['instructions']:,} instructions by {ported['added_instructions']:,}")
        if native is not None:
            same = "the same output" if native["same_output"] else "OTHER output: it goes wrong"
            lines.append(
                f"native        {native['exits']:,} exits under trap-and-emulate for {same}")
        return lines


def open_translation(setup: Setup, chosen: Mapping[str, str]) -> TranslationBatch:
    """The guest as it is."""
    return TranslationBatch(_system(setup.guest, TRANSLATION), TRANSLATION, setup.guest)


def open_paravirtual(setup: Setup, chosen: Mapping[str, str]) -> ParavirtualBatch:
    """The guest as it was ported."""
    return ParavirtualBatch(_system(setup.guest, PARAVIRTUAL), PARAVIRTUAL, setup.guest)


def _system(guest: str, technique: str) -> Virtualized:
    made = program(guest, DEFINES[technique])
    system = build(technique, Image(made, guest, MEMORY, disk=disk(guest)))
    assert isinstance(system, Virtualized)
    return system
