"""Hypercalls and what porting changed, as the figure "Paravirtualization" wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..guests.porting import LOW_BITS, Change, difference
from ..guests.porting import Side as PortedSide
from ..scenes.paravirtual import Question
from ..scenes.ported import Asked, Side
from ..trace import events as ev
from ..trace.counters import total
from ..trace.timeline import Timeline
from ..vmm.paravirt import abi
from .narrate import hexa
from .words.paravirtual import PARAVIRTUAL
from .words.say import pick, plain
from .words.steps import REFUSALS

HYPERCALL = "hypercall "  # how the exit reasons of hypercalls begin
REGISTERS = ("ebx", "ecx", "edx")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "set_trap_table": ("table",),
    "mmu_update": ("list", "count", "done"),
    "set_gdt": ("table", "entries"),
    "stack_switch": ("ss", "esp"),
    "set_callbacks": ("cs", "eip"),
    "update_descriptor": ("address", "low", "high"),
    "multicall": ("list", "count"),
    "update_va_mapping": ("address", "entry", "flush"),
    "xen_version": ("what",),
    "console_io": ("operation", "count", "buffer"),
    "iret": (),
    "vcpu_op": ("operation", "vcpu", "arguments"),
    "mmuext_op": ("list", "count", "done"),
    "sched_op": ("operation", "arguments"),
    "event_channel_op": ("operation", "arguments"),
}
"""What the registers EBX, ECX, EDX mean to each hypercall (the names are the interface's own)."""


def question_of(
    events: Sequence[ev.Event], before: Mapping[str, int], lang: str
) -> Question | None:
    """The hypercall a step was about, its arguments out of the registers before the step."""
    for event in events:
        if isinstance(event, ev.Hypercalled):
            return replace(_answered(event, before, lang), effect=_effect(events, lang))
        if isinstance(event, ev.VmmEntered) and event.reason.startswith(HYPERCALL):
            number = before.get("eax", 0)
            name = abi.call_name(number)
            return Question(
                number, called(name, lang), _arguments(name, before), "asked",
                pick(PARAVIRTUAL["verdict.asked"], lang))
    return None


def _answered(event: ev.Hypercalled, before: Mapping[str, int], lang: str) -> Question:
    arguments = _arguments(event.name, before)
    facts: dict[str, object] = {"result": str(event.result).replace("-", "−")}
    if event.result >= 0:
        return Question(event.number, called(event.name, lang), arguments, "done",
                        plain(PARAVIRTUAL["verdict.done"], lang, facts))
    facts["errno"] = abi.ERRNO_NAMES.get(-event.result, "")
    return Question(event.number, called(event.name, lang), arguments, "refused",
                    plain(PARAVIRTUAL["verdict.refused"], lang, facts), refusal(event, lang))


def _effect(events: Sequence[ev.Event], lang: str) -> tuple[str, str, str]:
    """What a hypercall did to the guest's page tables: its last change, or what was checked."""
    changes = [event for event in events if isinstance(event, ev.EntryChanged)]
    if changes:
        key = "effect.entry" if len(changes) == 1 else "effect.entries"
        return (plain(PARAVIRTUAL[key], lang, {"count": len(changes)}),
                f"{changes[-1].before:08x} → {changes[-1].after:08x}",
                pick(PARAVIRTUAL["effect.entry.tip"], lang))
    checked = [event for event in events if isinstance(event, ev.TablesChecked)]
    if checked:
        tables = sum(event.tables for event in checked)
        return (pick(PARAVIRTUAL["effect.pinned"], lang), str(tables),
                pick(PARAVIRTUAL["effect.pinned.tip"], lang))
    return "", "", ""


def called(name: str, lang: str) -> str:
    """A hypercall's name; words for one that does not exist."""
    return pick(PARAVIRTUAL["log.unknown"], lang) if name == abi.UNKNOWN else name


def refusal(event: ev.Hypercalled, lang: str) -> str:
    """Why it was refused: in English the VMM's own words, else what its error means."""
    known = REFUSALS.get(event.result)
    return event.why if lang == "en" or known is None else pick(known, lang)


def _arguments(call: str, registers: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    names = ARGUMENTS.get(call, REGISTERS)
    return tuple(
        (f"{register} · {name}" if name != register else register, hexa(registers[register]))
        for register, name in zip(REGISTERS, names, strict=False) if register in registers)


def past_calls(timeline: Timeline, most: int, lang: str) -> tuple[Asked, ...]:
    """The last hypercalls by now, the newest first."""
    names = [name for kind, name in timeline.counts() if kind == "hypercall"]
    marks = timeline.marks
    found: list[Asked] = []
    step = marks.before(timeline.position + 1, "hypercall")
    while step is not None and len(found) < most:
        number = total(timeline.counts(step), "hypercall")
        name = next(name for name in names if marks.after(step - 1, "hypercall", name) == step)
        refused = name.endswith(" refused")
        call = called(name.removesuffix(" refused"), lang)
        found.append(Asked(
            f"asked:{number}", f"{number:>3} {call}",
            pick(PARAVIRTUAL["log.refused" if refused else "log.done"], lang),
            "wrong" if refused else "good"))
        step = marks.before(step, "hypercall")
    return tuple(found)


def changed_here(guest: str, eip: int, lang: str) -> tuple[tuple[Side, ...], str]:
    """Both sides of the change the instruction at ``eip`` belongs to, or of the last one before
    it in memory, and a title."""
    eip &= LOW_BITS
    changes = [change for change in difference(guest).changes if change.ported.code]
    if not changes:
        return (), pick(PARAVIRTUAL["change.none"], lang)
    here = next((change for change in changes if _holds(change, eip)), None)
    change = here or max(
        changes, key=lambda each: (
            _first(each) <= eip, _first(each) if _first(each) <= eip else -_first(each)))
    facts: dict[str, Any] = {"file": change.file, "line": change.line}
    title = plain(PARAVIRTUAL["change.here" if here else "change.near"], lang, facts)
    ported = _side(change.ported, pick(PARAVIRTUAL["side.ported"], lang), eip)
    native = _side(change.native, pick(PARAVIRTUAL["side.native"], lang), -1)
    part = ported.line / max(len(ported.lines) - 1, 1)  # about the same place on the other side
    return (
        replace(
            native, line=round(part * max(len(native.lines) - 1, 0)),
            first=round(part * max(len(native.code) - 1, 0))),
        ported,
    ), title


def _first(change: Change) -> int:
    return change.ported.code[0][0] & LOW_BITS


def _holds(change: Change, eip: int) -> bool:
    return any(address & LOW_BITS == eip for address, _, _ in change.ported.code)


def _side(side: PortedSide, title: str, here: int) -> Side:
    """Source lines without comments, and the instructions; about the one at ``here``."""
    lines = [" ".join(text.split(";")[0].split()) for _, text in side.lines]
    current = [address & LOW_BITS == here for address, _, _ in side.code]
    first = current.index(True) if True in current else 0
    origin = side.origins[first] if side.origins else 0
    return Side(
        title, tuple(text for text in lines if text),
        tuple((raw.hex(), text, now)
              for (_, raw, text), now in zip(side.code, current, strict=True)),
        sum(bool(text) for text in lines[:origin]), first)
