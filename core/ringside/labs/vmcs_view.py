"""The fields of a VMCS as figure rows and panels: what they hold, who touched them just now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..isa.registers import CS, SS
from ..machine.vmx import fields as f
from ..machine.vmx import reasons
from ..scenes.vtx import Field, Group
from ..trace import events as ev
from .words.say import pick, plain
from .words.vtx import VTX

SHOWN: dict[str, tuple[int, ...]] = {
    "guest": (
        f.GUEST_EIP, f.GUEST_ESP, f.GUEST_EFLAGS, f.GUEST_CR0, f.GUEST_CR3, f.GUEST_CR4,
        f.GUEST_SELECTOR + 2 * CS, f.GUEST_RIGHTS + 2 * SS, f.GUEST_IDTR_BASE, f.GUEST_GDTR_BASE,
        f.GUEST_SELECTOR + 2 * f.TR, f.INTERRUPTIBILITY, f.ACTIVITY,
    ),
    "host": (f.HOST_EIP, f.HOST_ESP, f.HOST_CR3, f.HOST_SELECTOR + 2 * CS),
    "controls": (
        f.ENTRY_INTERRUPTION, f.PRIMARY_CONTROLS, f.SECONDARY_CONTROLS, f.EXCEPTION_BITMAP,
        f.PIN_CONTROLS, f.EPT_POINTER, f.VPID, f.CR0_SHADOW, f.CR0_MASK, f.IO_BITMAP_A,
    ),
    "exit": (
        f.EXIT_REASON, f.QUALIFICATION, f.EXIT_LENGTH, f.GUEST_PHYSICAL, f.GUEST_LINEAR,
        f.EXIT_INTERRUPTION, f.EXIT_ERROR, f.VECTORING, f.INSTRUCTION_ERROR,
    ),
}  # fmt: skip
"""The fields of the figure by group, what matters most first: a layout has room for the first."""
AREA_OF = {"guest": f.GUEST, "host": f.HOST, "controls": f.CONTROL, "exit": f.EXIT_INFORMATION}
SHORT = {
    f.ENTRY_INTERRUPTION: "entry interruption", f.EXIT_INTERRUPTION: "exit interruption",
    f.EXIT_LENGTH: "instruction length", f.GUEST_PHYSICAL: "guest physical",
    f.GUEST_LINEAR: "guest linear", f.QUALIFICATION: "qualification", f.EXIT_REASON: "reason",
    f.EXIT_ERROR: "error code", f.INSTRUCTION_ERROR: "instruction error",
    f.INTERRUPTIBILITY: "interruptibility", f.ACTIVITY: "activity",
    f.ENTRY_LENGTH: "entry instr. length",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touched:
    """What a step did to the fields: their values now and before, and who read or wrote."""

    now: dict[int, int]
    before: dict[int, int]
    read: frozenset[int]
    written: frozenset[int]

    @classmethod
    def of(
        cls, events: Iterable[ev.Event], now: dict[int, int], before: dict[int, int] | None
    ) -> Touched:
        """From the events of a step."""
        events = tuple(events)
        return cls(
            now, before or now,
            frozenset(one.field & ~1 for one in events if isinstance(one, ev.VmcsRead)),
            frozenset(one.field & ~1 for one in events if isinstance(one, ev.VmcsWritten)),
        )

    def mark(self, encoding: int) -> str:
        """R, W, both or nothing."""
        return ("R" if encoding in self.read else "") + ("W" if encoding in self.written else "")


def shown_value(encoding: int, value: int) -> str:
    """As many hexadecimal digits as the field is wide, but never the upper zeros of 64 bits."""
    if encoding in (f.EXIT_REASON, f.EXIT_LENGTH):
        return str(value & 0xFFFF)
    width = f.BY_ENCODING[encoding].width
    return f"{value:04x}" if width == 16 else f"{value:08x}"


def short_name(encoding: int) -> str:
    """The field's name without its group."""
    name = f.BY_ENCODING[encoding].name
    return SHORT.get(encoding) or name.removeprefix("guest ").removeprefix("host ")


def panel_name(name: str) -> str:
    """A name as short as a narrow panel needs it, so that the value beside it is seen whole."""
    for long, short in (
        ("interruption", "interrupt"), ("instruction", "instr."), ("physical address", "physical"),
        ("linear address", "linear"), ("exceptions", "exc."), ("page-fault", "#PF"),
        ("interruptibility state", "interruptibility"), ("preemption-timer", "preempt. timer"),
        ("selector", "sel."),
    ):
        name = name.replace(long, short)
    return name


def field_tip(encoding: int, value: int, lang: str) -> str:
    """What the field is, and of the exit reason what it means."""
    field = f.BY_ENCODING[encoding]
    text = field.text
    if encoding == f.EXIT_REASON:
        text = reasons.REASONS.get(value & 0xFFFF, text)
    return plain(VTX["field.tip"], lang, {
        "encoding": f"{encoding:04x}", "area": pick(VTX[f"area.{field.area}"], lang),
        "width": field.width, "text": text})


def group_of(
    key: str, context: str, room: int, touched: Touched, lang: str
) -> Group:
    """A group of the figure with ``room`` fields: the usual ones, but a field the VMM touched in
    this step takes the place of the last one it did not; how many still miss is said."""
    marked = [encoding for encoding in sorted(touched.read | touched.written)
              if f.BY_ENCODING[encoding].area == AREA_OF[key]]
    shown = list(SHOWN[key][:room])
    waiting = [encoding for encoding in (*SHOWN[key][room:], *marked) if encoding in marked]
    waiting = [encoding for encoding in dict.fromkeys(waiting) if encoding not in shown]
    for place in reversed(range(len(shown))):
        if waiting and shown[place] not in marked:
            shown[place] = waiting.pop(0)
    rows = []
    for encoding in shown:
        now, before = touched.now[encoding], touched.before[encoding]
        rows.append(Field(
            encoding, short_name(encoding), shown_value(encoding, now),
            shown_value(encoding, before) if now != before else "", touched.mark(encoding),
            field_tip(encoding, now, lang)))
    more = plain(VTX["more"], lang, {"n": len(waiting)}) if waiting else ""
    return Group(key, pick(VTX[f"group.{key}"], lang), context, tuple(rows), more)


def steps_panel(events: Iterable[ev.Event], lang: str) -> dict[str, Any]:
    """The VMREADs and VMWRITEs of the step, in their order."""
    rows: list[dict[str, Any]] = []
    for event in events:
        if not isinstance(event, ev.VmcsRead | ev.VmcsWritten):
            continue
        encoding = event.field & ~1
        name = f.BY_ENCODING[encoding].name + (" (high)" if event.field & 1 else "")
        row: dict[str, Any] = {"key": f"access:{len(rows)}", "changed": False}
        if isinstance(event, ev.VmcsRead):
            row |= {"name": plain(VTX["row.read"], lang, {"name": name}),
                    "value": shown_value(encoding, event.value)}
        else:
            row |= {"name": plain(VTX["row.write"], lang, {"name": name}),
                    "value": shown_value(encoding, event.after), "changed": True,
                    "before": shown_value(encoding, event.before)}
        row["tip"] = field_tip(encoding, touched_value(event), lang)
        rows.append(row)
    panel = {"id": "accesses", "title": pick(VTX["panel.last"], lang), "side": "left"}
    if not rows:
        return {**panel, "kind": "text", "segments": [{"text": pick(VTX["panel.none"], lang)}]}
    return {**panel, "kind": "table", "rows": rows}


def touched_value(event: ev.VmcsRead | ev.VmcsWritten) -> int:
    """The value read or written."""
    return event.value if isinstance(event, ev.VmcsRead) else event.after


def fields_panel(touched: Touched, lang: str) -> dict[str, Any]:
    """Every field there is, in the order of the encodings, which stand in the tips."""
    rows = []
    for field in f.FIELDS:
        now, before = touched.now[field.encoding], touched.before[field.encoding]
        mark = touched.mark(field.encoding)
        row: dict[str, Any] = {
            "key": f"field:{field.encoding:04x}", "changed": now != before,
            "name": panel_name(field.name) + (f" · {mark}" if mark else ""),
            "value": shown_value(field.encoding, now),
            "tip": field_tip(field.encoding, now, lang)}
        if now != before:
            row["before"] = shown_value(field.encoding, before)
        rows.append(row)
    return {"id": "vmcs", "kind": "table", "title": pick(VTX["panel.vmcs"], lang), "rows": rows}
