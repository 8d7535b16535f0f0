"""The lab "Paravirtualization": a kernel that was ported, its hypercalls, and a page they share."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from ..guests import PARAVIRTUAL as ONLY_HERE
from ..guests import SHELF, assemble_text, disk
from ..guests import source as guest_source
from ..guests.porting import PORTED
from ..host.systems import DEFINES, Image, Virtualized, build
from ..isa.disassemble import disassemble
from ..machine.memory import FRAME, FRAME_SHIFT
from ..scenes import paravirtual as figure
from ..scenes.ported import Side
from ..scenes.scene import Scene
from ..trace import events as ev
from ..trace.counters import by_detail, total
from ..vmm.paravirt.abi import EVENTS_PENDING, FAULT_ADDRESS, SCHED_OP, SHARED_INFO, UNKNOWN
from ..vmm.paravirt.domain import Domain
from ..vmm.vmm import HANDLE
from . import panels, porting, rewritten_batch
from .exercises import TASKS
from .hypercall_view import (
    ARGUMENTS,
    HYPERCALL,
    called,
    changed_here,
    past_calls,
    question_of,
    refusal,
)
from .lab import Choice, Lab, Run, Setup
from .machine_run import MachineRun
from .narrate import hexa, refused_call, vector_name
from .rival import Rival, Toll
from .words.notes import ANSWERS, WORLD
from .words.paravirtual import PARAVIRTUAL
from .words.say import Segment, decimal, pick, plain, segments, thousands
from .words.steps import STEPS, WHO

TECHNIQUE = "paravirtualization"
MEMORY = 4 << 20
PAGE_FAULT = 14
INT_SIZE = 2  # bytes of the INT that is a hypercall
GUESTS = (
    "rings", "cli_sti", "popf", "system_call", "page_fault", "hlt", "nanos", "pv_hostile",
)  # fmt: skip
AHEAD = 4  # instructions
AWAY = frozenset({"jmp", "ret", "iret", "retf"})  # what follows these is not next
LOG = 21  # hypercalls shown at most


class ParavirtualRun(MachineRun):
    """A run with the three rings, the shared page, the hypercall of the step, and its rival."""

    def __init__(self, setup: Setup) -> None:
        self._was: dict[str, Any] = {}  # before the step: who ran, the shared page, its guard
        self._guest = setup.guest
        source = setup.source if setup.source is not None else guest_source(setup.guest)
        name, defines = f"{setup.guest}.asm", DEFINES[TECHNIQUE]
        program = assemble_text(source, name, defines)
        floppy = disk(setup.guest)
        system = build(TECHNIQUE, Image(program, setup.guest, MEMORY, disk=floppy))
        assert isinstance(system, Virtualized)
        self._vmm = system.vmm
        self._compared = setup.source is None and setup.guest in PORTED
        self._rival: Rival | None = None
        if self._compared:
            self._rival = Rival(assemble_text(source, name), setup.guest, MEMORY, floppy)
        super().__init__(system, program, name, [*LAB.kinds])

    @property
    def _domain(self) -> Domain:
        vm = self._vmm.vm
        assert isinstance(vm, Domain)
        return vm

    # -- before and after --------------------------------------------------------------------

    def _look(self) -> None:
        super()._look()
        self._was = {"context": self.reader.context, "shared": self._shared()}
        exit = self._vmm.exit
        if self._vmm.phase == HANDLE and exit is not None and exit.reason.startswith(HYPERCALL):
            self._was["guard"] = self._outside()

    def _shared(self) -> dict[str, int]:
        domain = self._domain
        return {
            "mask": int(domain.events_masked), "pending": int(domain.events_pending),
            "fault": domain.memory.read32(SHARED_INFO + FAULT_ADDRESS)}

    def _outside(self) -> int:
        """A checksum of all memory that is not this guest's: the VMM's, and what is nobody's."""
        memory = self._vmm.machine.memory
        own, found = set(self._domain.allotment.hfns), 0
        for frame in range(memory.size >> FRAME_SHIFT):
            if frame not in own:
                found = crc32(memory.read_bytes(frame << FRAME_SHIFT, FRAME), found)
        return found

    def _heard(self, kind: type[ev.Event]) -> Any:
        return next((event for event in self.events if type(event) is kind), None)

    @property
    def _unharmed(self) -> bool:
        """Whether this step refused a hypercall and all memory but the guest's is as before."""
        called = self._heard(ev.Hypercalled)
        return (called is not None and called.result < 0
                and self._was.get("guard") == self._outside())

    # -- the figure --------------------------------------------------------------------------

    def picture(self, shape: str, lang: str) -> Scene:
        """Rings, shared page, hypercall, the change, the log, the exits."""
        context = self.reader.context
        before = str(self._was.get("context", context)) if self.step else context
        motion, chip = self._motion(before, context, lang)
        question = question_of(
            self.events, self.before.registers if self.before else {}, lang)
        sides, title = self._change(lang)
        written, toll = self._toll()
        return figure.draw(figure.ParavirtualView(
            tuple(figure.Layer(  # type: ignore[arg-type]
                key, pick(PARAVIRTUAL[f"layer.{key}"], lang), key,
                pick(PARAVIRTUAL[f"layer.{key}.tip"], lang))
                for key in ("app", "kernel", "vmm")),
            context, before if motion else "", self._label(), self._ahead(),
            "app" if self.system.guest_cpu.cpl == 3 else "kernel", motion, chip,
            pick(PARAVIRTUAL["shared"], lang), self._facts(lang), self._touched(before),
            question,
            pick(PARAVIRTUAL["channels"], lang), self._channels(lang),
            pick(PARAVIRTUAL["channels.none"], lang), self._note(context, lang), self._kept(lang),
            pick(PARAVIRTUAL["guard"], lang) if self._unharmed else "",
            title, sides,
            plain(PARAVIRTUAL["log"], lang, {"count": self._count("hypercall")}),
            past_calls(self.timeline_, LOG, lang),
            *self._bars(written, toll, lang)), shape)

    def _label(self) -> str:
        """The instruction the step was about; empty if it only led back to the guest."""
        if self._heard(ev.Hypercalled) is not None:
            return "int 0x82"
        about = (ev.Retired, ev.VmmEntered, ev.Emulated)
        return self.insn if any(self._heard(kind) is not None for kind in about) else ""

    def _ahead(self) -> tuple[str, ...]:
        """The next instructions in memory."""
        reader, at = self.reader, self.reader.linear
        texts: list[str] = []
        while len(texts) < AHEAD:
            found = next(disassemble(reader.peek(at, 15) or b"", at, reader.code_bits), None)
            if found is None or found[1] is None:
                break
            texts.append(found[2])
            at += found[1].length
            if found[1].mnemonic in AWAY:
                break
        return tuple(texts)

    def _motion(self, before: str, now: str, lang: str) -> tuple[str, str]:
        if before == now:
            return "", ""
        if now == "vmm":
            entered = self._heard(ev.VmmEntered)
            reason = entered.reason if entered is not None else ""
            if reason.startswith(HYPERCALL):
                call = reason.removeprefix(HYPERCALL)
                if call == UNKNOWN and self.before is not None:
                    call = str(self.before.registers["eax"])
                return "ask", plain(PARAVIRTUAL["chip.ask"], lang, {"call": call})
            if not reason.startswith("#"):
                return "trap", pick(PARAVIRTUAL["chip.timer"], lang)
            facts: dict[str, object] = {"name": reason, "insn": self.insn}
            return "trap", plain(PARAVIRTUAL["chip.trap"], lang, facts)
        if before == "app":
            return "direct", pick(PARAVIRTUAL["chip.syscall"], lang)
        cpu = self.system.guest_cpu
        if now == "kernel" and cpu.eip == self._domain.callback[1]:
            return "event", pick(PARAVIRTUAL["chip.event"], lang)
        if now == "kernel" and any(cpu.eip == t.address for t in self._domain.traps.values()):
            return "answer", pick(PARAVIRTUAL["chip.exception"], lang)
        return "answer", pick(PARAVIRTUAL["chip.back"], lang)

    def _note(self, context: str, lang: str) -> str:
        """What the VMM does, where it is not a hypercall."""
        if context != "vmm":
            return pick(PARAVIRTUAL["note.idle"], lang)
        for kind, key in ((ev.Emulated, "port"), (ev.Injected, "exception"), (ev.Upcalled, "event"),
                          (ev.Woken, "event"), (ev.Blocked, "sleep")):
            if self._heard(kind) is not None:
                return plain(PARAVIRTUAL[f"note.{key}"], lang, {"insn": self.insn})
        return pick(PARAVIRTUAL["note.trap"], lang)

    def _facts(self, lang: str) -> tuple[figure.Fact, ...]:
        now = self._shared()
        old = self._was.get("shared", now) if self.step else now

        def shown(name: str, value: int) -> str:
            return hexa(value) if name == "fault" else str(value)

        return tuple(
            figure.Fact(
                name, pick(PARAVIRTUAL[f"shared.{name}"], lang), shown(name, value),
                shown(name, old[name]) if old[name] != value and name != "fault" else "",
                pick(PARAVIRTUAL[f"tip.{name}"], lang))
            for name, value in now.items())

    def _kept(self, lang: str) -> tuple[figure.Fact, ...]:
        """What the VMM has accepted from this guest."""
        domain = self._domain
        values = {
            "segments": domain.segments.entries, "traps": len(domain.traps),
            "tables": len(domain.paging.types.tables) + len(domain.paging.types.directories)}
        return tuple(
            figure.Fact(name, pick(PARAVIRTUAL[f"kept.{name}"], lang), str(value), "",
                        pick(PARAVIRTUAL["kept.tip"], lang))
            for name, value in values.items())

    def _touched(self, before: str) -> str:
        if not self.step or self._was.get("shared") == self._shared():
            return ""
        return "vmm" if before == "vmm" else "kernel"

    def _channels(self, lang: str) -> tuple[figure.Channel, ...]:
        domain = self._domain
        waiting = domain.memory.read32(SHARED_INFO + EVENTS_PENDING)
        return tuple(
            figure.Channel(port, pick(PARAVIRTUAL[f"virq.{virq}"], lang), bool(waiting >> port & 1))
            for port, virq in sorted(domain.ports.items()))

    def _change(self, lang: str) -> tuple[tuple[Side, ...], str]:
        """The change the last instruction belongs to, or the nearest one before it."""
        if not self._compared:
            return (), pick(PARAVIRTUAL["change.none"], lang)
        eip = self.before.registers["eip"] if self.before else self.system.guest_cpu.eip
        if self._heard(ev.Hypercalled) is not None:
            eip -= INT_SIZE
        return changed_here(self._guest, eip, lang)

    # -- counting ----------------------------------------------------------------------------

    def _count(self, kind: str, step: int | None = None) -> int:
        return total(self.timeline_.counts(step), kind)

    def _toll(self) -> tuple[int, Toll | None]:
        """At the last output: this guest's exits, and its rival's."""
        timeline = self.timeline_
        at = timeline.marks.before(timeline.position + 1, "console")
        if at is None or self._rival is None:
            return self._count("trap"), None
        return self._count("trap", at), self._rival.toll(
            self.system.console, self._count("console", at))

    def _bars(
        self, exits: int, toll: Toll | None, lang: str
    ) -> tuple[str, tuple[figure.Bar, ...], str, str, str]:
        words = PARAVIRTUAL
        if not self._compared:
            calls = by_detail(self.timeline_.counts(), "hypercall")
            refused = sum(n for name, n in calls.items() if name.endswith(" refused"))
            done = sum(calls.values()) - refused
            harm = (pick(words["harm"], lang), pick(words["harm.note"], lang)) if (
                self._unharmed) else ("", "")
            return pick(words["bars.calls"], lang), (
                figure.Bar("done", pick(words["bar.done"], lang), done, str(done), "good"),
                figure.Bar("refused", pick(words["bar.refused"], lang), refused, str(refused),
                           "wrong"),
            ), pick(words["bars.note.alone"], lang), *harm
        own = figure.Bar("here", pick(words["bar.here"], lang), exits, thousands(exits), "kernel")
        if toll is None:
            return (pick(words["bars.none"], lang), (own,), pick(words["bars.note.none"], lang),
                    "", "")
        rival = figure.Bar(
            "trap", pick(words["bar.trap"], lang), toll.exits, thousands(toll.exits), "vmm")
        part = 100 * (exits - toll.exits) / toll.exits if toll.exits else 0.0
        saved = decimal(f"{part:+.0f} %", lang).replace("-", "−")
        return (
            plain(words["bars"], lang, {"n": thousands(toll.written)}), (rival, own),
            pick(words["bars.note" if toll.same else "bars.note.wrong"], lang), saved,
            pick(words["saved.note" if part < 0 else "more.note"], lang))

    # -- words and panels --------------------------------------------------------------------

    def sentence(self, lang: str) -> list[Segment]:
        """What the last step did; for a refusal also why, and that nothing else has changed."""
        old, now = self._was.get("shared"), self._shared()
        wrote = self._heard(ev.Retired) is not None
        if self.step and wrote and old is not None and old["mask"] != now["mask"]:
            key = "mask.on" if now["mask"] else "mask.off"
            return segments(PARAVIRTUAL[key], lang, {"insn": self.insn})
        spoken = self._own_words(lang) or super().sentence(lang)
        if self._unharmed:
            spoken += [{"text": " "}, *segments(PARAVIRTUAL["unharmed"], lang)]
        return spoken

    def _own_words(self, lang: str) -> list[Segment]:
        """The sentence where this technique differs from others; else empty."""
        if self.step == self.last and self.ended:
            return []
        heard: dict[type[ev.Event], Any] = {type(event): event for event in self.events}
        if ev.SystemCalled in heard:
            called = heard[ev.SystemCalled]
            return segments(PARAVIRTUAL["syscall"], lang, {
                "number": called.number, "vector": f"{called.vector:#x}"})
        if ev.Injected in heard:
            given = heard[ev.Injected]
            return segments(PARAVIRTUAL["inject"], lang, {
                "name": vector_name(given.vector, given.error), "handler": hexa(given.handler)})
        if ev.VmmEntered in heard and ev.FaultRaised in heard and (
                heard[ev.FaultRaised].vector == PAGE_FAULT):
            who = plain(WHO["app" if heard[ev.VmmEntered].ring == 3 else "kernel"], lang)
            return segments(PARAVIRTUAL["page"], lang, {
                "who": who, "address": hexa(heard[ev.FaultRaised].address)})
        call = heard.get(ev.Hypercalled)
        if call is not None and call.result < 0:
            known = call.name in ARGUMENTS
            return segments(STEPS[refused_call(self.events)], lang, {
                "call": call.name if known else str(call.number), "result": call.result,
                "why": refusal(call, lang)})
        if call is not None and f"sched.{call.first}" in PARAVIRTUAL and (
                call.number == SCHED_OP):
            return segments(PARAVIRTUAL[f"sched.{call.first}"], lang, {"call": call.name})
        return []

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, what porting changed, hypercalls by name, registers, console."""
        code, registers, console = super().panels(lang)
        shown = [code]
        if self._compared:
            shown.append(porting.panel(lang, self._guest, self.reader.linear))
            shown.append({
                "id": "summary", "kind": "text", "title": pick(PARAVIRTUAL["panel.summary"], lang),
                "segments": porting.summary(lang, self._guest)})
        return [*shown, self._calls_panel(lang), registers, console]

    def _calls_panel(self, lang: str) -> dict[str, Any]:
        counts = self.timeline_.counts()
        rows = [
            (name.replace(" ", "-"),
             called(name.removesuffix(" refused"), lang)
             + (", " + pick(PARAVIRTUAL["log.refused"], lang) if name.endswith(" refused") else ""),
             count,
             "wrong" if name.endswith(" refused") else "vmm")
            for name, count in by_detail(counts, "hypercall").items()]
        refused = sum(count for key, _, count, tone in rows if tone == "wrong")
        note = plain(PARAVIRTUAL["panel.calls.note"], lang, {
            "exits": thousands(total(counts, "trap")), "refused": refused})
        return panels.bars("calls", pick(PARAVIRTUAL["panel.calls"], lang), rows, note)


def open_paravirtual(setup: Setup) -> Run:
    """Assemble the guest as a ported one and start it."""
    return ParavirtualRun(setup)


LAB = Lab(
    id="paravirtual",
    title=PARAVIRTUAL["title"],
    question=PARAVIRTUAL["question"],
    answer=ANSWERS["paravirtual"], world=WORLD["paravirtual"], tasks=TASKS["paravirtual"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for id in GUESTS for guest in (*SHELF, *ONLY_HERE) if guest.id == id),
    techniques=(Choice(TECHNIQUE, PARAVIRTUAL["technique"], PARAVIRTUAL["technique.note"]),),
    kinds=tuple(Choice(name, PARAVIRTUAL[f"kind.{name}"]) for name in (
        "hypercall", "syscall", "upcall", "trap", "inject", "emulate", "console")),
    open=open_paravirtual,
    batch=rewritten_batch.open_paravirtual,
    editable=True,
    source=guest_source,
)
