"""Runs without pictures: what ``ringside run`` does, in slices that can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..isa.assembler import AssemblyError, Program, assemble
from ..isa.faults import NotModelled
from ..machine.loader import ImageError
from ..trace.cost import CostModel
from ..trace.counters import Tally, by_detail
from . import LABS
from .systems import BARE_METAL, BUILDERS, CHARGES, DEFINES, Image, System, build

MEMORY = 16 << 20


class BatchError(Exception):
    """The run cannot start; the text says why and what to do."""


class Batch:
    """One guest on one system, run to its end or to a limit."""

    def __init__(self, system: System, technique: str, name: str) -> None:
        self.system = system
        self.technique = technique
        self.name = name
        self._tally = Tally()
        self._stuck = False
        system.listener = self._tally

    @classmethod
    def open(
        cls, what: str, *, technique: str | None = None, guest: str | None = None,
        disk: bytes | None = None,
    ) -> Batch:
        """Find ``what`` (a lab, a guest of the shelf, or a file) and load it.

        Raises :class:`BatchError`.
        """
        chosen = technique or BARE_METAL
        if chosen not in BUILDERS:
            raise BatchError(
                f"there is no technique {chosen!r}; choose one of: {', '.join(BUILDERS)}")
        name, program, disk = _find(what, guest, disk, DEFINES[chosen])
        try:
            system = build(chosen, Image(program, name, MEMORY, disk=disk))
        except (ImageError, NotModelled) as error:
            raise BatchError(f"{what}: {error}") from None
        return cls(system, chosen, name)

    @property
    def ended(self) -> bool:
        """Whether the guest can go no further by itself."""
        return self._stuck or self.system.outcome is not None

    @property
    def instructions(self) -> int:
        """Guest steps so far: instructions retired and events delivered."""
        return self.system.guest_steps

    @property
    def console(self) -> str:
        """What the guest has written."""
        return self.system.console

    def receive(self, text: str) -> None:
        """Type ``text`` at the serial console."""
        self.system.type_text(text)

    def advance(self, steps: int) -> None:
        """Run up to ``steps`` steps of the system."""
        before = self.system.steps
        self.system.run(max(steps, 1))
        self._stuck = self.system.steps == before

    def report(self, *, stopped: bool = False) -> dict[str, Any]:
        """What happened, as JSON-ready data. Cycles are modelled: see ``trace.presets``."""
        system, counts = self.system, self._tally.counts
        outcome = system.outcome
        model = CostModel(charges=CHARGES[self.technique])
        exits = by_detail(counts, "trap")
        status = outcome.status if outcome and outcome.status is not None else 0
        return {
            "guest": self.name,
            "technique": self.technique,
            "outcome": str(outcome) if outcome else "stopped" if stopped else "limit reached",
            "status": status if not stopped else 130,
            "instructions": self.instructions,
            "steps": system.steps,
            "exits": exits,
            "faults": by_detail(counts, "fault"),
            "cycles": model.bill(counts, self.instructions).total,
            "preset": model.preset.title,
            "digest": system.digest(),
            "console": system.console,
        }


def _find(
    what: str, guest: str | None, disk: bytes | None, defines: dict[str, int]
) -> tuple[str, Program | bytes, bytes | None]:
    from .. import guests

    shelf = {entry.id for entry in (*guests.SHELF, *guests.PARAVIRTUAL)}
    for lab in LABS:
        if lab.id == what and lab.source is not None and (guest or what not in shelf):
            name = guest or lab.guests[0].id
            known = [choice.id for choice in lab.guests]
            if name not in known:
                raise BatchError(
                    f"the lab {what} has no guest {name!r}; choose one of: {', '.join(known)}")
            return name, guests.program(name, defines), disk or guests.disk(name)
    if what in shelf:
        return what, guests.program(what, defines), disk or guests.disk(what)
    path = Path(what)
    if not path.exists() and any(lab.id == what for lab in LABS):
        raise BatchError(
            f"the lab {what} is a picture of its own, not one guest to run; see it with "
            f"'ringside figure {what} -o {what}.svg', or start 'ringside'")
    if not path.exists():
        labs = ", ".join(lab.id for lab in LABS if lab.source is not None)
        raise BatchError(
            f"{what!r} is neither a file nor something known. Labs: {labs}. "
            f"Guests: {', '.join(sorted(shelf))}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BatchError(f"cannot read {what}: {error.strerror}") from None
    if path.suffix not in (".asm", ".s"):
        return path.name, content, disk
    try:
        return path.name, assemble_file(what, content, defines), disk
    except AssemblyError as error:
        first = error.problems[0]
        raise BatchError(
            f"{first.file}:{first.line}:{first.column}: {first.message} "
            f"({len(error.problems)} problem(s); see 'ringside asm {what}')") from None


def assemble_file(
    name: str, content: bytes, defines: dict[str, int] | None = None
) -> Program:
    """Assemble a source file; its includes lie beside it or in the guests' folder."""
    from ..guests import include as shelf_include

    folder = Path(name).resolve().parent

    def include(wanted: str) -> str:
        beside = (folder / wanted).resolve()
        if beside.parent == folder and beside.is_file():
            return beside.read_text(encoding="utf-8")
        return shelf_include(wanted)

    loader: Callable[[str], str] = include
    text = content.decode("utf-8", errors="replace")
    return assemble(text, name=Path(name).name, include=loader, defines=defines)
