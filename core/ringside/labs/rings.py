"""The lab "Rings and traps": one guest, on bare metal and de-privileged under a VMM."""

from __future__ import annotations

from typing import Any

from ..guests import SHELF, assemble_text, disk
from ..guests import source as guest_source
from ..scenes import rings as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.cost import BARE, DEPRIVILEGED, CostModel
from ..trace.counters import total
from . import panels
from .lab import Choice, Lab, Run, Setup
from .machine_run import MachineRun
from .narrate import hexa, vector_name
from .systems import BARE_METAL, Image, System, build
from .words.panels import PANELS
from .words.rings import RINGS
from .words.say import pick, plain

MEMORY = 4 << 20
PRIVILEGED_IO = frozenset({"cli", "sti", "in", "out", "ins", "outs"})
NOT_HERE = frozenset({"phone_radio", "phone_rich", "boot_sector"})  # they need another setting


class RingsRun(MachineRun):
    """A run with rings, token, processor cards and counters."""

    def picture(self, shape: str, lang: str) -> Scene:
        """The concentric rings at this step."""
        return figure.draw(self._view(lang), shape)

    def _view(self, lang: str) -> figure.RingsView:
        reader, events = self.reader, self.events
        now = reader.read()
        moves = [event for event in events if isinstance(event, ev.RingChanged)]
        came_from = moves[0].before if moves and moves[0].before != now.ring else -1
        context = reader.context
        chip, detail, wrong = self._chip(lang)
        bill = self._last_trap(lang)
        return figure.RingsView(
            rings=reader.rings(lang),
            ring=now.ring,
            context=context,
            token=pick(RINGS[f"token.{context}"], lang),
            label="" if context == "vmm" else self.insn,
            progress=self.step,
            from_ring=came_from,
            motion=self._motion(came_from, now.ring),
            chip=chip,
            chip_detail=detail,
            wrong=wrong,
            cards=reader.cards(lang, now, self.before),
            figure_title=pick(RINGS["cost.title"], lang) if bill else "",
            figure=bill[0] if bill else "",
            figure_unit=pick(RINGS["cost.unit"], lang) if bill else "",
            figure_notes=bill[1] if bill else (),
        )

    def _motion(self, before: int, now: int) -> str:
        inward, outward = ("trap", "resume") if self.reader.virtual else ("call", "return")
        return "" if before < 0 else inward if now < before else outward

    def _chip(self, lang: str) -> tuple[str, str, bool]:
        """The label beside the token: what moved it, or what went wrong in silence."""
        mnemonic = self.insn.partition(" ")[0]
        ring = self.before.ring if self.before else 0
        for event in self.events:
            if isinstance(event, ev.FlagIgnored):
                facts = {"flag": event.flag.upper(), "kept": event.kept}
                return event.mnemonic, plain(RINGS["chip.kept"], lang, facts), True
            if isinstance(event, ev.FaultRaised):
                name = vector_name(event.vector, event.error)
                if event.vector == 14:
                    facts = {"address": hexa(event.address)}
                    return name, plain(RINGS["chip.address"], lang, facts), False
                facts = {"mnemonic": mnemonic, "ring": ring}
                key = "chip.privilege" if mnemonic in PRIVILEGED_IO else "chip.ring0"
                return name, plain(RINGS[key], lang, facts) if ring else mnemonic, False
            if isinstance(event, ev.InterruptDelivered):
                return vector_name(event.vector), "", False
            if isinstance(event, ev.SystemCalled):
                return f"INT {event.vector:#x}", "", False
        return "", "", False

    def _last_trap(self, lang: str) -> tuple[str, tuple[str, ...]] | None:
        """Modelled cycles of the trap this step belongs to, and of the same on bare metal."""
        if not self.reader.virtual:
            return None
        timeline = self.timeline_
        if self.reader.context != "vmm" and not any(
                isinstance(event, ev.Resumed) for event in self.events):
            return None
        entered = timeline.marks.before(timeline.position + 1, "trap")
        if entered is None:
            return None
        after, before = timeline.counts(), timeline.counts(entered - 1)
        since = {key: count - before.get(key, 0) for key, count in after.items()}
        model = CostModel(charges=DEPRIVILEGED)
        bare = CostModel(charges=BARE).bill({}, 1).total
        cycles = model.bill({key: count for key, count in since.items() if count}, 1).total
        facts = {"bare": bare, "preset": model.preset.title}
        notes = (plain(RINGS["cost.bare"], lang, facts), plain(RINGS["cost.model"], lang, facts))
        return _thousands(cycles), notes

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, registers, counters and console."""
        code, registers, console = super().panels(lang)
        return [code, registers, self._counts(lang), console]

    def _counts(self, lang: str) -> dict[str, Any]:
        counts = self.timeline_.counts()
        guest = self.system.guest_steps
        emulated = total(counts, "emulate")

        def row(key: str, value: int, context: str) -> tuple[str, str, int, str]:
            return key, pick(RINGS[f"count.{key}"], lang), value, context

        title = pick(PANELS["counts"], lang)
        if not self.reader.virtual:
            return panels.bars("counts", title, [
                row("direct", guest, "app"),
                row("syscalls", total(counts, "syscall"), "kernel"),
                row("faults", total(counts, "fault"), "kernel"),
                row("interrupts", total(counts, "interrupt"), "device"),
            ])
        direct = max(guest - emulated, 0)
        share = f"{100 * direct / guest:.1f}" if guest else "–"
        return panels.bars("counts", title, [
            row("direct", direct, "app"),
            row("traps", total(counts, "trap"), "vmm"),
            row("emulated", emulated, "vmm"),
            row("injected", total(counts, "inject"), "kernel"),
            row("shadow", total(counts, "shadow"), "vmm"),
            row("silent", total(counts, "silent"), "wrong"),
        ], note=plain(RINGS["share"], lang, {"share": share}))


def _thousands(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def open_rings(setup: Setup) -> Run:
    """Assemble the guest and start it under the chosen technique."""
    source = setup.source if setup.source is not None else guest_source(setup.guest)
    program = assemble_text(source, f"{setup.guest}.asm")
    image = Image(program, setup.guest, MEMORY, disk=disk(setup.guest))
    system: System = build(setup.technique, image)
    return RingsRun(system, program, f"{setup.guest}.asm", LAB.kinds)



def _techniques() -> tuple[Choice, ...]:
    from ..vmm.registry import TECHNIQUES

    titles = {"trap-and-emulate": "technique.trap"}
    return (
        Choice(BARE_METAL, RINGS["technique.bare"]),
        *(Choice(technique.id, RINGS[titles[technique.id]]) for technique in TECHNIQUES),
    )


LAB = Lab(
    id="rings",
    title=RINGS["title"],
    question=RINGS["question"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for guest in SHELF if guest.id not in NOT_HERE),
    techniques=tuple(reversed(_techniques())),
    kinds=tuple(Choice(name, RINGS[f"kind.{name}"]) for name in (
        "trap", "syscall", "fault", "ring", "interrupt", "emulate", "inject", "silent",
        "console", "halt")),
    open=open_rings,
    editable=True,
    source=guest_source,
)
