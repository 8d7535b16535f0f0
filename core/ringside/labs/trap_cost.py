"""What a trap costs while it goes on, and what the same would cost on bare metal.

Both are counted events times prices. Of a trap that has just begun only the instruction is known,
so only what is sure is said of bare metal: nothing of a page fault, which may be the VMM's affair
alone, and nothing of a device that interrupts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..isa.faults import VECTOR_NAMES
from ..trace import events as ev
from ..trace.cost import BARE, NATIVE_INSTRUCTIONS, Charges, CostModel
from ..trace.counters import Counts, total
from ..trace.marks import detail
from ..trace.presets import PRESETS, Preset

INSTRUCTIONS = ("emulate", "hypercall", "retired")  # kinds that stand for one of the guest's
SINGLE: Charges = {**BARE, **NATIVE_INSTRUCTIONS}  # it is one instruction, and we know which
DEVICES = frozenset({"in", "out", "ins", "outs", "insb", "outsb"})
REFUSED = frozenset({"#GP", "#NP", "I/O instruction", "HLT"})
"""Reasons of exits for an instruction that the VMM is going to carry out for the guest's kernel."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Modelled cycles so far; ``bare`` is None while that is not known. ``final``: no more come.
    ``stands_in``: an EPT violation is among them, on a processor that has no EPT."""

    cycles: int
    bare: int | None
    preset: str
    final: bool
    stands_in: bool = False


def of_events(events: Sequence[ev.Event]) -> Counts:
    """A step's events, counted."""
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        name = event.mnemonic if isinstance(event, ev.Interpreted) else detail(event)
        key = (event.kind, name)
        counts[key] = counts.get(key, 0) + 1
    return counts


def as_on_bare_metal(counts: Counts) -> Counts:
    """What of a VMM's stretch would have happened to the guest without it: the instruction,
    devices, system calls, and the exceptions and interrupts that were injected."""
    kept = {key: count for key, count in counts.items() if key[0] in ("port", "syscall")}
    software = total(kept, "syscall")  # a system call is injected, too: not to be paid twice
    for (kind, name), count in counts.items():
        if kind in ("emulate", "retired"):
            kept["retired", name] = count
        elif kind != "inject":
            continue
        elif name in VECTOR_NAMES.values():
            kept["fault", name] = count
        elif count > software:
            kept["interrupt", name] = count - software
    return kept


def announced(mnemonic: str, entered: ev.VmmEntered) -> Counts | None:
    """What an instruction that has just trapped would do on bare metal; None if that is
    not sure."""
    if mnemonic == "int" and entered.reason == "#GP":
        return {("syscall", ""): 1}
    if entered.reason not in REFUSED or entered.ring == 3:
        return None
    return {("port", ""): 1} if mnemonic in DEVICES else {("retired", mnemonic): 1}


def cost(
    counts: Counts, charges: Charges, *, mnemonic: str = "", entered: ev.VmmEntered | None = None,
    final: bool = False, processor: Preset = PRESETS[0],
) -> Cost:
    """Price what has happened since the trap: ``entered`` if this very step was the trap."""
    model, bare_model = CostModel(processor, charges), CostModel(processor, SINGLE)
    done = sum(total(counts, kind) for kind in INSTRUCTIONS)
    known: Counts | None = as_on_bare_metal(counts) if done or final else None
    if entered is not None and not done:
        known, done = announced(mnemonic, entered), 1
    bare = None if known is None else bare_model.bill(known, done).total
    bill = model.bill(counts, 1)
    return Cost(bill.total, bare, model.preset.title, final, bool(bill.note))
