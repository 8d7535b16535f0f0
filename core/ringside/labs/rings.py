"""The lab "Rings and traps": one guest, on bare metal and de-privileged under a VMM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..guests import HOSTILE, PARAVIRTUAL, SHELF, assemble_text, disk
from ..guests import Guest as ShelfGuest
from ..guests import source as guest_source
from ..guests.porting import PORTED
from ..host.systems import (
    BARE_METAL,
    DEFINES,
    ISAS,
    MEMORIES,
    UNMODIFIED,
    Image,
    Options,
    System,
    build,
    charges_of,
)
from ..isa.assembler import Program
from ..machine.vmx.reasons import REASONS as EXIT_NAMES
from ..properties.parted import amount, named
from ..scenes import rings as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.cost import INSTRUCTION, Charges
from ..trace.counters import difference
from ..trace.presets import Preset, preset
from ..vmm.lockstep import AT_MOST, CLOSELY, Difference, Lockstep
from ..vmm.registry import IA32, NESTED, SHADOW, TECHNIQUES, VIRTUALIZABLE
from . import panels, porting, prices, trap_cost
from .exercises import TASKS
from .lab import Choice, InputError, Lab, Option, Run, Setup
from .machine_run import PREVIEW, MachineRun
from .narrate import hexa, vector_name
from .tell_exits import failure
from .translation_story import Story
from .trap_cost import Cost
from .words.notes import ANSWERS, WORLD
from .words.panels import PANELS
from .words.price_list import LIST
from .words.rings import RINGS
from .words.say import Segment, decimal, pick, plain, segments, thousands
from .words.steps import STEPS

MEMORY = 4 << 20
COMPARED_FIRST = 1_000  # those compared when a guest is loaded
LOOK = 2_000  # those a jump to the divergence looks through for one request
PRIVILEGED_IO = frozenset({"cli", "sti", "in", "out", "ins", "outs"})
NOT_HERE = frozenset({"phone_radio", "phone_rich", "boot_sector"})  # they need another setting


class RingsRun(MachineRun):
    """A run with rings, token, processor cards, counters, and bare metal to compare with."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._guest = Guest.of(setup)
        self._lockstep: Lockstep | None = None
        self._bare: System | None = None  # what a ported guest's console is held against
        if setup.technique in UNMODIFIED:
            self._lockstep = self._pair()
        elif self._guest.comparable:
            self._bare = self._guest.native()
        system = self._guest.start()
        self._story = Story.of(system)  # where the guest is translated
        super().__init__(system, self._guest.program, self._guest.file, LAB.kinds)
        if self._lockstep is not None:
            self._lockstep.advance(COMPARED_FIRST)

    def _pair(self) -> Lockstep:
        return Lockstep(self._guest.native(), self._guest.start(), closely=CLOSELY)

    @property
    def processor(self) -> Preset:
        """Whose prices a trap is charged at."""
        return preset(self._setup.options["preset"])

    def repriced(self, setup: Setup) -> Run | None:
        """The same run at another processor's prices; None if it is not the same run."""
        others = {**setup.options, "preset": self._setup.options["preset"]}
        if replace(setup, options=others) != self._setup:
            return None
        self._setup = setup
        return self

    def find(self, kind: str, direction: int) -> bool | None:
        """As for any run; the divergence is looked for after every step, a part of the way at a
        time."""
        if kind != "diverge":
            return super().find(kind, direction)
        lockstep = self._lockstep
        if lockstep is None:  # a ported guest is held against bare metal by its console only
            return False
        if direction > 0 and not (lockstep.sure and lockstep.difference):
            if not lockstep.sure:  # some of the way was gone too fast: once more from there
                each = lockstep.each
                lockstep = self._lockstep = self._pair()
                lockstep.go_to(each)
            lockstep.closely = lockstep.each + LOOK
            lockstep.advance(min(LOOK, AT_MOST - lockstep.guest_steps))
        if lockstep.difference is not None:
            return super().find(kind, direction)
        if direction < 0 or lockstep.ended or lockstep.guest_steps >= AT_MOST:
            return False
        self.seek(lockstep.subject.steps)
        return None

    def _compared(self) -> Difference | None:
        """The first difference from bare metal that has happened by now, if there is one."""
        lockstep = self._lockstep
        if lockstep is None:
            return None
        goal = min(self.system.guest_steps, AT_MOST)
        if lockstep.guest_steps < goal:
            lockstep.advance(goal - lockstep.guest_steps)
        found = lockstep.difference
        return found if found and found.guest_step <= self.system.guest_steps else None

    def extra_marks(self) -> dict[str, int]:
        """Where the guest parts from bare metal."""
        found = self._lockstep.difference if self._lockstep else None
        return {"diverge": found.step} if found else {}

    def picture(self, shape: str, lang: str) -> Scene:
        """The concentric rings at this step."""
        return figure.draw(self._view(lang), shape)

    def _look(self) -> None:
        super()._look()
        if self._story is not None:
            self._story.look()

    def _told(self, lang: str) -> list[Segment]:
        """What the step did: of translated code, in the translator's terms."""
        if self._story is None or self.before is None:
            return super()._told(lang)
        told = self._story.told(
            self.events, self.before.registers["eip"], self.insn, lang, self._nothing(lang))
        return told or super()._told(lang)

    def sentence(self, lang: str) -> list[Segment]:
        """What the last step did, and whether the guest parted from bare metal in it."""
        spoken = super().sentence(lang)
        found = self._diverging()
        if found is None:
            return spoken
        mnemonic = self.insn.partition(" ")[0]
        facts: dict[str, object] = {
            "what": named(found.what, lang), "found": amount(found.what, found.found),
            "expected": amount(found.what, found.expected), "mnemonic": mnemonic.upper(),
            "ring": self.before.ring if self.before else 1}
        if self.listing.kind(found.eip, self.reader.peek, self.reader.code_bits) == "sensitive":
            return segments(STEPS["diverge.sensitive"], lang, facts)
        return [*spoken, {"text": " "}, *segments(STEPS["diverge"], lang, facts)]

    def _diverging(self) -> Difference | None:
        """The difference from bare metal that this very step made."""
        found = self._compared()
        return found if found and found.step == self.step else None

    def _view(self, lang: str) -> figure.RingsView:
        reader, events = self.reader, self.events
        now = reader.read()
        came_from, motion = reader.move(events, now.ring)
        context = reader.context
        chip, detail, wrong = self._chip(lang)
        title, price, notes = self._price(lang)
        return figure.RingsView(
            rings=reader.rings(lang),
            ring=now.ring,
            context=context,
            token=pick(RINGS[f"token.{context}"], lang),
            label=self.insn if context != "vmm" or reader.names_instruction else "",
            progress=self.step,
            from_ring=came_from,
            motion=motion,
            chip=chip,
            chip_detail=detail,
            wrong=wrong,
            cards=reader.cards(lang, now, self.before),
            figure_title=title,
            figure=price,
            figure_unit=pick(RINGS["cost.unit"], lang) if price else "",
            figure_notes=notes,
            below=reader.below(lang),
        )

    def _chip(self, lang: str) -> tuple[str, str, bool]:
        """The label beside the token: what moved it, or what went wrong in silence."""
        mnemonic = self.insn.partition(" ")[0]
        ring = self.before.ring if self.before else 0
        found = self._diverging()
        if found is not None:
            facts: dict[str, object] = {
                "what": named(found.what, lang), "found": amount(found.what, found.found),
                "expected": amount(found.what, found.expected)}
            return mnemonic, plain(RINGS["chip.diverged"], lang, facts), True
        for event in self.events:
            if isinstance(event, ev.VmExited):
                number = event.reason & 0xFFFF
                return f"VM exit {number}", EXIT_NAMES[number], False
            if isinstance(event, ev.VmEntered):
                name = "VMLAUNCH" if event.launched else "VMRESUME"
                return name, vector_name(event.injected & 0xFF) if event.injected else "", False
        for event in self.events:
            if isinstance(event, ev.VmxFailed):
                return (*failure(event), True)
            if isinstance(event, ev.FlagIgnored):
                facts = {"flag": event.flag.upper(), "kept": event.kept}
                return event.mnemonic, plain(RINGS["chip.kept"], lang, facts), True
            if isinstance(event, ev.FaultRaised):
                name = vector_name(event.vector, event.error)
                if event.vector == 14:
                    facts = {"address": hexa(event.address)}
                    return name, plain(RINGS["chip.address"], lang, facts), False
                facts = {"mnemonic": mnemonic, "ring": ring, "selector": f"{event.error:#x}"}
                key = "chip.privilege" if mnemonic in PRIVILEGED_IO else "chip.ring0"
                if event.error > 0:
                    key = "chip.selector"
                return name, plain(RINGS[key], lang, facts) if ring else mnemonic, False
            if isinstance(event, ev.InterruptDelivered):
                return vector_name(event.vector), "", False
            if isinstance(event, ev.SystemCalled):
                return f"INT {event.vector:#x}", "", False
        return "", "", False

    def _last_trap(self) -> Cost | None:
        """Modelled cycles of the trap this step belongs to, and of the same on bare metal."""
        if not self.reader.virtual:
            return None
        if (INSTRUCTION, None) in self._charges:
            counts = trap_cost.of_events(self.events)
            return trap_cost.cost(
                counts, self._charges, final=True, processor=self.processor,
            ) if self.step else None
        timeline = self.timeline_
        resumed = any(isinstance(event, ev.Resumed) for event in self.events)
        if self.reader.context != "vmm" and not resumed:
            return None
        entered = timeline.marks.before(timeline.position + 1, "trap")
        if entered is None:
            return None
        since = difference(timeline.counts(), timeline.counts(entered - 1))
        return trap_cost.cost(
            since, self._charges, mnemonic=self.insn.partition(" ")[0],
            entered=next((e for e in self.events if isinstance(e, ev.VmmEntered)), None),
            final=resumed or self.system.outcome is not None, processor=self.processor)

    @property
    def _charges(self) -> Charges:
        return charges_of(self.system.technique, self._guest.options.memory)

    def _price(self, lang: str) -> tuple[str, str, tuple[str, ...]]:
        """Title, figure and notes: of a whole trap, or of one instruction where nothing traps."""
        found = self._last_trap()
        if found is None:
            return "", "", ()
        single = (INSTRUCTION, None) in self._charges
        key = "cost.title.instruction" if single else (
            "cost.title" if found.final else "cost.title.so.far")
        notes = [plain(RINGS["cost.model"], lang, {"preset": found.preset})]
        if found.stands_in:
            notes.append(pick(RINGS["cost.no.ept"], lang))
        if found.bare is not None:
            notes.insert(0, plain(RINGS["cost.bare"], lang, {"bare": thousands(found.bare)}))
        return pick(RINGS[key], lang), thousands(found.cycles), tuple(notes)

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, registers, counters and console."""
        code, registers, console = super().panels(lang)
        shown = [code, registers, self._counts(lang)]
        if self._lockstep:
            shown.append(self._equivalence(lang))
        elif DEFINES[self.system.technique]:
            shown.append(self._console_equivalence(lang))
            if self._guest.comparable:
                shown.append(porting.panel(lang, self._guest.name, self.reader.linear))
        return [*shown, console]

    def _equivalence(self, lang: str) -> dict[str, Any]:
        """Whether the guest has behaved as on bare metal so far."""
        found = self._compared()
        assert self._lockstep is not None
        each = self._lockstep.each
        panel: dict[str, Any] = {
            "id": "equivalence", "kind": "text", "title": pick(PANELS["equivalence"], lang),
            "tone": "wrong" if found else "good"}
        if found is None:
            steps = min(self.system.guest_steps, AT_MOST)
            over = self.system.guest_steps > AT_MOST
            key = {0: "equal.none", 1: "equal.one"}.get(steps, "equal")
            if over or steps > each:
                key = "equal.over" if over else "equal.further"
            facts: dict[str, object] = {"steps": thousands(steps), "each": thousands(each)}
            return {**panel, "tone": "good" if steps and not over else "",
                    "segments": segments(RINGS[key], lang, facts)}
        facts = {
            "step": thousands(found.guest_step), "what": named(found.what, lang),
            "found": amount(found.what, found.found),
            "expected": amount(found.what, found.expected),
            "insn": self.listing.text(found.eip, self.reader.peek, self.reader.code_bits),
        }
        spoken = segments(RINGS["diverged"], lang, facts)
        if each < found.guest_step - 1:
            spoken += [{"text": " "}, *segments(RINGS["diverged.after"], lang, {
                "each": thousands(each)})]
        return {**panel, "segments": spoken}

    def _console_equivalence(self, lang: str) -> dict[str, Any]:
        """Whether a ported guest has said what the native one says."""
        panel: dict[str, Any] = {
            "id": "equivalence", "kind": "text", "title": pick(PANELS["equivalence"], lang),
            "tone": "good"}
        if self._bare is None:
            return {**panel, "segments": segments(RINGS["alone"], lang)}
        shown = self.system.console
        while self._bare.outcome is None and self._bare.guest_steps < AT_MOST and (
                len(self._bare.console) < len(shown)):
            self._bare.run(PREVIEW)
        expected = self._bare.console
        pairs = enumerate(zip(shown, expected, strict=False))
        same = next((n for n, (one, other) in pairs if one != other),
                    min(len(shown), len(expected)))
        if same < min(len(shown), len(expected)):
            facts: dict[str, object] = {"count": thousands(same + 1)}
            return {**panel, "tone": "wrong",
                    "segments": segments(RINGS["diverged.console"], lang, facts)}
        return {**panel, "segments": [
            *segments(RINGS["equal.console"], lang, {"count": thousands(same)}),
            {"text": " "}, *porting.summary(lang, self._guest.name)]}

    def _counts(self, lang: str) -> dict[str, Any]:
        figures = self.reader.figures(self.timeline_.counts(), self.system.guest_steps)
        least = {"silent": int(self._compared() is not None)}  # what parted it made no noise
        rows = [(key, pick(RINGS[f"count.{key}"], lang), max(value, least.get(key, 0)), context)
                for key, value, context in figures.rows]
        note = ""
        if figures.direct is not None:
            part = figures.direct / figures.steps if figures.steps else 0
            share = decimal(f"{100 * part:.1f}", lang) if figures.steps else "–"
            note = plain(RINGS["share"], lang, {"share": share})
        return panels.bars("counts", pick(PANELS["counts"], lang), rows, note=note)


@dataclass(frozen=True, slots=True)
class Guest:
    """The guest of a run, ready to be started any number of times.

    ``program`` is what runs, ported if the technique asks for that. ``comparable`` says that it
    is one of the shelf as it stands there, native version and all.
    """

    name: str
    source: str
    program: Program
    technique: str
    options: Options
    comparable: bool

    @classmethod
    def of(cls, setup: Setup) -> Guest:
        """Assemble the chosen or the edited guest; raises ``AssemblyError`` and ``InputError``."""
        name, technique = setup.guest, setup.technique
        source = setup.source if setup.source is not None else guest_source(name)
        defines = DEFINES[technique]
        portable = (*PORTED, *_ids(PARAVIRTUAL), *_ids(HOSTILE))
        if defines and setup.source is None and name not in portable:
            known = ", ".join(portable)
            raise InputError(
                RINGS["not.ported"], RINGS["not.ported.hint"], guest=name, guests=known)
        if not defines and name in _ids(PARAVIRTUAL):
            raise InputError(
                f"The guest {name} runs only under a VMM that paravirtualizes.",
                "Choose that technique, or another guest.")
        isa = setup.options.get("isa", IA32)
        isa = isa if isa in ISAS.get(technique, ()) else IA32
        memory = setup.options.get("memory", "")
        memory = memory if memory in MEMORIES.get(technique, ()) else ""
        return cls(
            name, source, assemble_text(source, f"{name}.asm", defines), technique,
            Options(isa=isa, memory=memory),
            setup.source is None and name not in (
                *_ids(PARAVIRTUAL), *(_ids(HOSTILE) if defines else ())))

    @property
    def file(self) -> str:
        """The name of its source."""
        return f"{self.name}.asm"

    def start(self) -> System:
        """A fresh system with the guest at its first instruction."""
        return build(self.technique, self._image(self.program), self.options)

    def native(self) -> System:
        """The same on bare metal, unported."""
        return build(BARE_METAL, self._image(assemble_text(self.source, self.file)))

    def _image(self, program: Program) -> Image:
        return Image(program, self.name, MEMORY, disk=disk(self.name))


def _ids(guests: Sequence[ShelfGuest]) -> tuple[str, ...]:
    return tuple(guest.id for guest in guests)


def open_rings(setup: Setup) -> Run:
    """Assemble the guest and start it under the chosen technique."""
    return RingsRun(setup)


def reprice(run: Run, setup: Setup) -> Run | None:
    """The open run at other prices, if nothing else was changed."""
    assert isinstance(run, RingsRun)
    return run.repriced(setup)


def _techniques() -> tuple[Choice, ...]:
    def entry(id: str, title: str) -> Choice:
        known = f"technique.{id}" in RINGS
        return Choice(
            id, RINGS[f"technique.{id}"] if known else (title, title),
            RINGS[f"technique.{id}.note"] if known else ("", ""))

    return (
        entry(BARE_METAL, BARE_METAL),
        *(entry(technique.id, technique.title) for technique in TECHNIQUES),
    )


def _offering(all: Mapping[str, Sequence[str]], *values: str) -> tuple[str, ...]:
    """The techniques under which each of ``values`` can be chosen."""
    return tuple(id for id, offered in all.items() if set(values) <= set(offered))


LAB = Lab(
    id="rings",
    title=RINGS["title"],
    question=RINGS["question"],
    answer=ANSWERS["rings"], world=WORLD["rings"], tasks=TASKS["rings"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for guest in (*SHELF, *PARAVIRTUAL, *HOSTILE) if guest.id not in NOT_HERE),
    techniques=_techniques(),
    usual={"technique": "trap-and-emulate"},
    kinds=tuple(Choice(name, RINGS[f"kind.{name}"]) for name in (
        "trap", "hypercall", "syscall", "fault", "ring", "interrupt", "emulate", "inject",
        "upcall", "silent", "vmxfail", "diverge", "console", "halt")),
    options=(Option("isa", RINGS["option.isa"], (
        Choice(IA32, RINGS["option.isa.ia32"]),
        Choice(VIRTUALIZABLE, RINGS["option.isa.virtualizable"])),
        _offering(ISAS, IA32, VIRTUALIZABLE)),
        Option("memory", RINGS["option.memory"], tuple(
            Choice(memory, RINGS[f"option.memory.{memory}"]) for memory in (NESTED, SHADOW)),
            _offering(MEMORIES, NESTED, SHADOW)),
        Option("preset", LIST["option"], prices.PROCESSORS,
               tuple(technique.id for technique in TECHNIQUES), keeps=True)),
    open=open_rings,
    rearrange=reprice,
    editable=True,
    source=guest_source,
)
