"""A run of the lab "Emulation": the RISC-V guest, its stored processor, its listing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..guests.riscv import program
from ..isa.decode import Truncated
from ..isa.decode import decode as decode_ia32
from ..isa.disassemble import format_insn as format_ia32
from ..isa.faults import Fault
from ..riscv.csr import REGISTERS
from ..riscv.decode import REGISTER_NAMES, decode, format_insn
from ..riscv.events import ExceptionTaken
from ..riscv.machine import RAM, RINGS
from ..scenes import emulated as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..vmm.foreign import ForeignGuest
from . import panels
from .lab import Setup
from .listing import Listing, Peek
from .machine_run import MachineRun
from .narrate import hexa
from .views import Reader, Reading
from .words.emulated import CAUSES, EMULATED, INTERRUPTS
from .words.panels import PANELS
from .words.say import Segment, pick, plain, segments, thousands
from .words.steps import STEPS

if TYPE_CHECKING:
    from ..isa.assembler.program import Program

CONTROL = ("mstatus", "mtvec", "mepc", "mcause", "mtval", "mie", "mip", "mscratch")
NUMBERS = {register.name: number for number, register in REGISTERS.items()}
BEFORE, AFTER = 6, 14  # lines shown before the current one, and from it on


class ForeignReader:
    """Looks at the stored processor, as ``MachineRun`` wants to have it looked at."""

    virtual = True
    opening = "start.emulated"
    names_instruction = True
    code_bits = 32
    ring_contexts = RINGS  # of its modes

    def __init__(self, system: ForeignGuest) -> None:
        self.system = system

    def read(self) -> Reading:
        """All stored registers; the ring is the real processor's."""
        hart = self.system.guest.hart
        values = dict(zip(REGISTER_NAMES[1:], hart.x[1:], strict=True)) | {"pc": hart.pc}
        for name in CONTROL:
            values[name] = REGISTERS[NUMBERS[name]].read(hart)
        return Reading(values, (), self.system.machine.cpu.cpl)

    @property
    def context(self) -> str:
        """Whose code is emulated."""
        return self.system.context

    @property
    def linear(self) -> int:
        """The stored program counter."""
        return self.system.pc

    def peek(self, linear: int, count: int) -> bytes | None:
        """The guest's memory."""
        offset = linear - RAM
        memory = self.system.guest.memory
        return bytes(memory.read_bytes(offset, count)) if 0 <= offset < memory.size else None


class RiscvListing:
    """The guest's code as a list of lines: four bytes each."""

    def __init__(self, source: Program) -> None:
        self._labels: dict[int, str] = {}
        for name in source.labels:
            if "@" not in name:
                self._labels.setdefault(source.symbols[name], name)
        self._starts = sorted({
            at for address, _, _, length in source.lines
            for at in range(address, address + length, 4) if not at & 3})

    def text(self, address: int, peek: Peek, bits: int) -> str:
        """The instruction at ``address``."""
        return _text(address, peek)

    def missing(self, address: int, peek: Peek, bits: int) -> str:
        """Nothing to say: this lab's own sentences tell of illegal instructions."""
        return ""

    def panel(
        self, lang: str, title: str, current: int, peek: Peek, bits: int = 32
    ) -> dict[str, Any]:
        """The code panel, the instruction at ``current`` marked."""
        at = bisect_left(self._starts, current)
        first = max(at - at % BEFORE - BEFORE, 0)
        rows = []
        for address in self._starts[first : first + BEFORE + AFTER]:
            row: dict[str, Any] = {
                "key": f"code:{address:08x}", "address": hexa(address),
                "current": address == current, "bytes": (peek(address, 4) or b"").hex(),
                "text": _text(address, peek) or "??", "class": ""}
            if address in self._labels:
                row["label"] = self._labels[address]
            rows.append(row)
        return {
            "id": "code", "kind": "code", "title": pick(PANELS["code"], lang).format(name=title),
            "rows": rows}


def _text(address: int, peek: Peek) -> str:
    word = peek(address, 4)
    insn = decode(int.from_bytes(word, "little")) if word else None
    return format_insn(insn, address) if insn else ""


def _as_ia32(raw: bytes) -> str:
    """What these bytes would be to the host's processor; empty if they are nothing."""
    try:
        return format_ia32(decode_ia32(raw.ljust(15, b"\0"), 32))
    except (Fault, Truncated):
        return ""


class ForeignRun(MachineRun):
    """A run with the stored processor as its figure."""

    doubles_codes = False  # a RISC-V board's exit device passes a code on as it is

    def __init__(self, setup: Setup) -> None:
        guest = program(setup.guest)
        self._foreign = ForeignGuest(guest)
        from .emulated import LAB

        # Reader and listing are those of another processor, with the same questions to them.
        self._open(
            cast(Any, self._foreign), cast(Reader, ForeignReader(self._foreign)),
            cast(Listing, RiscvListing(guest)), f"{setup.guest}.s", LAB.kinds)

    def picture(self, shape: str, lang: str) -> Scene:
        """The real processor, and the stored one."""
        return figure.draw(self._view(shape, lang), shape)

    def _view(self, shape: str, lang: str) -> figure.EmulatedView:
        system = self._foreign
        now = self.reader.read().registers
        before = self.before.registers if self.before else now
        at = before["pc"] if self.step else now["pc"]
        raw = self.reader.peek(at, 4) or b""
        moves = [event for event in self.events if isinstance(event, ev.RingChanged)]
        came = RINGS[moves[0].before] if moves else ""
        title = "stored.title" if shape == "wide" else "stored.title.short"

        def cell(name: str) -> figure.Cell:
            tip = EMULATED.get(f"tip.{name}")
            return figure.Cell(
                name, name, hexa(now[name]), bool(self.step) and now[name] != before[name],
                pick(tip, lang) if tip else "")

        zero = figure.Cell("zero", "zero", hexa(0), tip=pick(EMULATED["tip.x0"], lang))
        return figure.EmulatedView(
            real_title=pick(EMULATED["real.title"], lang),
            real=self._real(lang),
            insn_title=pick(EMULATED["insn.title" if self.step else "insn.next"], lang),
            raw=raw.hex(" "),
            insn=_text(at, self.reader.peek),
            other=_as_ia32(raw) or pick(EMULATED["insn.nothing"], lang),
            other_title=pick(EMULATED["insn.other"], lang),
            stored_title=pick(EMULATED[title], lang),
            modes=(
                (pick(EMULATED["mode.user"], lang), pick(EMULATED["mode.user.who"], lang)),
                (pick(EMULATED["mode.machine"], lang), pick(EMULATED["mode.machine.who"], lang))),
            mode=system.context,
            came_from=came if came != system.context else "",
            chip=self._chip(lang),
            registers=(zero, *(cell(name) for name in REGISTER_NAMES[1:])),
            control=(cell("pc"), *(cell(name) for name in CONTROL)),
            console_title=pick(PANELS["console"], lang),
            console=system.console.split("\n")[-5:],
        )

    def _real(self, lang: str) -> tuple[figure.Cell, ...]:
        system = self._foreign
        tip = pick(EMULATED["real.tip"], lang)
        rows = (
            ("ring", pick(EMULATED["real.ring.value"], lang)),
            ("direct", str(system.direct)),
            ("emulated", thousands(system.steps)),
            ("ticks", thousands(system.time)),
        )
        return tuple(
            figure.Cell(key, pick(EMULATED[f"real.{key}"], lang), value, tip=tip)
            for key, value in rows)

    def _chip(self, lang: str) -> str:
        for event in self.events:
            if isinstance(event, ExceptionTaken):
                return pick(CAUSES[event.cause], lang)
            if isinstance(event, ev.InterruptDelivered):
                return pick(INTERRUPTS[event.vector], lang)
        return ""

    def sentence(self, lang: str) -> list[Segment]:
        """What the emulator did in this step, and how the run ended."""
        if self.step == 0:
            return segments(EMULATED["start"], lang)
        spoken = self._spoken(lang)
        if self.step == self.last and self._end is not None:
            ending = segments(STEPS["end"], lang, {"outcome": self.outcome(lang)})
            return [*spoken, {"text": " "}, *ending]
        return spoken

    def _spoken(self, lang: str) -> list[Segment]:
        for kind, speak in _SPEAKERS.items():
            for event in self.events:
                if type(event) is kind:
                    key, facts = speak(self, event, lang)
                    return segments(EMULATED[key], lang, {"insn": self.insn, **facts})
        return segments(EMULATED["run"], lang, {
            "insn": self.insn, "who": "", "context": "kernel", "effect": ""})

    def effect(self, lang: str) -> str:
        """Which stored register the instruction changed."""
        now = self.reader.read().registers
        before = self.before.registers if self.before else now
        for name in REGISTER_NAMES[1:]:
            if now[name] != before[name]:
                facts: dict[str, object] = {"register": name, "value": hexa(now[name])}
                return plain(EMULATED["effect"], lang, facts)
        return ""

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, control registers, counters, what it shows, console."""
        reader, before = self.reader, self.before
        code = self.listing.panel(lang, self.name, reader.linear, reader.peek, 32)
        code["rows"] = [dict(row) for row in code["rows"]]
        now = {name: value for name, value in reader.read().registers.items() if name in CONTROL}
        registers = panels.registers(lang, now, before.registers if before else None)
        registers["title"] = pick(EMULATED["panel.control"], lang)
        counts = self.timeline_.counts()
        rows = [
            ("emulated", self._foreign.steps, "vmm"), ("direct", self._foreign.direct, "app"),
            ("traps", sum(n for (kind, _), n in counts.items() if kind == "exception"), "kernel"),
            ("interrupts", sum(n for (kind, _), n in counts.items() if kind == "interrupt"),
             "device")]
        return [
            code, registers,
            panels.bars("counts", pick(EMULATED["panel.so.far"], lang), [
                (key, pick(EMULATED[f"count.{key}"], lang), value, context)
                for key, value, context in rows]),
            {"id": "why", "kind": "text", "title": pick(EMULATED["panel.why"], lang),
             "segments": segments(EMULATED["why"], lang)},
            panels.console(lang, self.system.console),
        ]


Spoken = tuple[str, dict[str, object]]


def _exception(run: ForeignRun, event: Any, lang: str) -> Spoken:
    return "exception", {"cause": pick(CAUSES[event.cause], lang)}


def _interrupt(run: ForeignRun, event: Any, lang: str) -> Spoken:
    return "interrupt", {"cause": pick(INTERRUPTS[event.vector], lang)}


def _returned(run: ForeignRun, event: Any, lang: str) -> Spoken:
    context = RINGS[event.after]
    return "return", {"who": pick(EMULATED[f"back.{context}"], lang), "context": context}


def _control(run: ForeignRun, event: Any, lang: str) -> Spoken:
    return "control", {
        "register": event.register, "before": hexa(event.before), "after": hexa(event.after)}


def _retired(run: ForeignRun, event: Any, lang: str) -> Spoken:
    return "run", {
        "who": pick(EMULATED[f"who.{event.context}"], lang), "context": event.context,
        "effect": run.effect(lang)}


_SPEAKERS: dict[type[ev.Event], Callable[[ForeignRun, Any, str], Spoken]] = {
    ev.SystemCalled: lambda run, event, lang: ("syscall", {"number": event.number}),
    ExceptionTaken: _exception,
    ev.InterruptDelivered: _interrupt,
    ev.RingChanged: _returned,
    ev.Halted: lambda run, event, lang: ("halt", {}),
    ev.ControlWritten: _control,
    ev.ConsoleWritten: lambda run, event, lang: (
        "console", {"text": event.text.replace("\n", "↵")}),
    ev.Retired: _retired,
}
"""Who speaks of a step: the first of these that happened in it."""
