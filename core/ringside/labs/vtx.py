"""The lab "VT-x": root and non-root mode, and the VMCS as it is read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..guests import SHELF, assemble_text, disk
from ..guests import source as guest_source
from ..host.systems import Image, Options, build
from ..isa.faults import VECTOR_NAMES
from ..machine.vmx import controls as bits
from ..machine.vmx import fields as f
from ..machine.vmx import reasons
from ..scenes import vtx as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.counters import by_detail
from ..vmm.registry import NESTED, SHADOW
from . import panels
from .exercises import TASKS
from .guest_batch import GuestBatch
from .hardware_reader import HardwareReader
from .lab import Batch, Choice, Lab, Run, Setup
from .machine_run import MachineRun
from .vmcs_view import Touched, fields_panel, group_of, steps_panel
from .words.notes import ANSWERS, WORLD
from .words.say import pick, plain
from .words.vtx import AMD, VTX

TECHNIQUE = "hardware-assist"
MEMORY = 4 << 20
BATCH_MEMORY = 16 << 20  # as for any guest that is run without pictures
GUESTS = (
    "vtx_tour", "rings", "cli_sti", "hlt", "page_fault", "popf", "system_call", "port_io", "nanos",
)
GROUPS = (
    ("guest", "kernel"), ("host", "vmm"), ("controls", "muted"), ("exit", "device"),
)  # key and colour, in the order of ``SHOWN``
WINDOW = bits.INTERRUPT_WINDOW


class VtxRun(MachineRun):
    """A run with the fields of the VMCS before and after each step."""

    def __init__(self, setup: Setup) -> None:
        self._fields_before: dict[int, int] = {}
        source = setup.source if setup.source is not None else guest_source(setup.guest)
        program = assemble_text(source, f"{setup.guest}.asm")
        image = Image(program, setup.guest, MEMORY, disk=disk(setup.guest))
        system = build(TECHNIQUE, image, Options(memory=setup.technique))
        super().__init__(system, program, f"{setup.guest}.asm", [*LAB.kinds])

    @property
    def _reader(self) -> HardwareReader:
        assert isinstance(self.reader, HardwareReader)
        return self.reader

    def _fields(self) -> dict[int, int]:
        vmcs = self._reader.vmcs
        return {field.encoding: vmcs[field.encoding] for field in f.FIELDS}

    def _look(self) -> None:
        super()._look()
        self._fields_before = self._fields()

    def _touched(self) -> Touched:
        return Touched.of(self.events, self._fields(), self._fields_before if self.step else None)

    # -- the figure --------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """The modes, the VMCS, the exits, the injection field."""
        reader, touched = self._reader, self._touched()
        place = reader.context
        chip, detail, tone = self._chip(lang)
        counts = by_detail(self.timeline_.counts(), "vmexit")
        left = {event.reason & 0xFFFF for event in self.events if isinstance(event, ev.VmExited)}
        parts, note, on = self._injection(touched, lang)
        legend = "legend" if shape == "wide" else "legend.short"
        return figure.draw(figure.VtxView(
            guest_title=pick(VTX["mode.guest"], lang), app=pick(VTX["lane.app"], lang),
            kernel=pick(VTX["lane.kernel"], lang), root_title=pick(VTX["mode.root"], lang),
            vmm=pick(VTX["lane.vmm"], lang),
            place=place, token=pick(VTX[f"lane.{place}"], lang),
            label=self._label(place),
            came_from=self._came_from(), chip=chip, chip_detail=detail, chip_tone=tone,
            vmcs_title=plain(VTX["vmcs"], lang, {
                "pointer": f"{reader.technique.vmcs:08x}"}),
            legend=pick(VTX[legend], lang),
            groups=tuple(
                group_of(key, context, room, touched, lang)
                for (key, context), room in zip(GROUPS, figure.rows(shape), strict=True)),
            reasons_title=pick(VTX["reasons"], lang),
            reasons=tuple(
                figure.Reason(int(name), reasons.REASONS[int(name)], count, int(name) in left)
                for name, count in counts.items()),
            reasons_more=plain(VTX["reasons.more"], lang, {"n": sum(counts.values())})
            if counts else "",
            inject_title=pick(VTX["inject" if shape == "wide" else "inject.short"], lang),
            inject=parts, inject_on=on, inject_note=note,
            tips=(pick(VTX_TIPS["guest"], lang), pick(VTX_TIPS["root"], lang)),
        ), shape)

    def _label(self, place: str) -> str:
        """The instruction the guest has just run; none yet right after an entry."""
        entered = any(isinstance(event, ev.VmEntered) for event in self.events)
        return "" if entered or place == "vmm" else self.insn

    def _came_from(self) -> str:
        """Who had the processor before a step that changed it."""
        for event in self.events:
            if isinstance(event, ev.VmExited):
                return "app" if event.ring == 3 else "kernel"
            if isinstance(event, ev.VmEntered):
                return "vmm"
        for event in self.events:
            if isinstance(event, ev.RingChanged):
                return "app" if event.before == 3 else "kernel"
        return ""

    def _chip(self, lang: str) -> tuple[str, str, str]:
        """The transition of this step: title, detail, colour."""
        for event in self.events:
            if isinstance(event, ev.VmExited):
                number = event.reason & 0xFFFF
                return f"VM exit {number}", reasons.REASONS[number], "vmm"
        for event in self.events:
            if isinstance(event, ev.VmEntered):
                how = "VMLAUNCH" if event.launched else "VMRESUME"
                name = _event_name(event.injected) if event.injected & bits.VALID else ""
                title = f"{pick(VTX['chip.entry'], lang)}: {how}"
                return title, f"+ {name}" if name else "", "good"
        return "", "", "vmm"

    def _injection(
        self, touched: Touched, lang: str
    ) -> tuple[tuple[figure.Part, ...], str, bool]:
        """The injection field in its bits, and what it is about now."""
        value = touched.now[f.ENTRY_INTERRUPTION]
        delivered = [event.injected for event in self.events
                     if isinstance(event, ev.VmEntered) and event.injected & bits.VALID]
        on = bool(value & bits.VALID)
        kind = value >> 8 & 7
        parts = (
            figure.Part("valid", "31", pick(VTX["inject.valid"], lang), str(value >> 31), 0.16),
            figure.Part("error", "11", pick(VTX["inject.error"], lang), str(value >> 11 & 1), 0.19),
            figure.Part(
                "type", "10:8", pick(VTX["inject.type"], lang),
                f"{kind} {pick(VTX[f'event.{kind}'], lang)}" if on else str(kind), 0.48),
            figure.Part(
                "vector", "7:0", pick(VTX["inject.vector"], lang), f"{value & 0xFF:#04x}", 0.17),
        )
        if delivered:
            note = plain(VTX["inject.done"], lang, {"name": _event_name(delivered[0])})
        elif on:
            note = plain(VTX["inject.next"], lang, {"name": _event_name(value)})
        elif touched.now[f.PRIMARY_CONTROLS] & WINDOW:
            note = pick(VTX["inject.window"], lang)
        else:
            note = pick(VTX["inject.none"], lang)
        return parts, note, on

    # -- panels ------------------------------------------------------------------------------

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, this step's VMREADs and VMWRITEs, all fields, registers, exits, AMD's names."""
        code, registers, console = super().panels(lang)
        touched = self._touched()
        return [
            code, steps_panel(self.events, lang), fields_panel(touched, lang),
            registers, self._counts(lang), _amd(lang), console,
        ]  # fmt: skip

    def _counts(self, lang: str) -> dict[str, Any]:
        counts = by_detail(self.timeline_.counts(), "vmexit")
        rows = [
            (name, f"{name} {reasons.REASONS[int(name)]}", count, "vmm")
            for name, count in counts.items()]
        return panels.bars("exits", pick(VTX["reasons"], lang), rows)


VTX_TIPS = {
    "guest": (
        "VMX non-root operation: all four rings are the guest's.",
        "VMX nem gyökér mód: mind a négy gyűrű a vendégé."),
    "root": (
        "VMX root operation: the VMM, in its own ring 0.",
        "VMX gyökér mód: a VMM, a saját 0-s gyűrűjében."),
}


def _event_name(info: int) -> str:
    vector = info & 0xFF
    return VECTOR_NAMES.get(vector, f"INT {vector:#x}")


def _amd(lang: str) -> dict[str, Any]:
    tip = pick(VTX["amd.tip"], lang)
    return {
        "id": "amd", "kind": "table", "title": pick(VTX["panel.amd"], lang),
        "rows": [
            {"key": f"amd:{number}", "name": intel, "value": amd, "changed": False, "tip": tip}
            for number, (intel, amd) in enumerate(AMD)]}


def open_vtx(setup: Setup) -> Run:
    """Assemble the guest and furnish a VMCS for it."""
    return VtxRun(setup)


def open_batch(setup: Setup, chosen: Mapping[str, str]) -> Batch:
    """The same without pictures."""
    program = assemble_text(guest_source(setup.guest), f"{setup.guest}.asm")
    image = Image(program, setup.guest, BATCH_MEMORY, disk=disk(setup.guest))
    system = build(TECHNIQUE, image, Options(memory=setup.technique))
    return GuestBatch(system, TECHNIQUE, setup.guest, setup.technique)


LAB = Lab(
    id="vtx",
    title=VTX["title"],
    question=VTX["question"],
    answer=ANSWERS["vtx"], world=WORLD["vtx"], tasks=TASKS["vtx"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for id in GUESTS for guest in SHELF if guest.id == id),
    techniques=tuple(
        Choice(memory, VTX[f"technique.{memory}"], VTX[f"technique.{memory}.note"])
        for memory in (NESTED, SHADOW)),
    kinds=tuple(Choice(name, VTX[f"kind.{name}"]) for name in (
        "vmexit", "vmentry", "inject", "emulate", "nested", "shadow", "syscall", "fault",
        "console")),
    open=open_vtx,
    batch=open_batch,
    editable=True,
    source=guest_source,
)
