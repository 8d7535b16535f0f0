"""The lab "Binary translation": guest code and the translation cache, side by side."""

from __future__ import annotations

from typing import Any

from ..guests import SHELF, assemble_text, disk
from ..guests import source as guest_source
from ..host.systems import Image, System, Virtualized, build
from ..isa.assembler import Program
from ..scenes import translation as figure
from ..scenes.cache_strip import Share
from ..scenes.scene import Scene
from ..trace import events as ev
from ..vmm.exits import CALLOUT as CALLOUT_EXIT
from ..vmm.translation.layout import CELLS
from ..vmm.translation.readout import read_executed, read_statistics
from ..vmm.translation.unit import GO, LINK, RETURN
from . import panels, rewritten_batch
from .exercises import TASKS
from .lab import Choice, Lab, Run, Setup
from .machine_run import MachineRun
from .narrate import hexa, vector_name
from .translated import Scope, Translated
from .translation_story import Story
from .words.notes import ANSWERS, WORLD
from .words.say import Segment, decimal, pick, plain, segments, thousands
from .words.translation import TRANSLATION

TECHNIQUE = "binary-translation"
MEMORY = 4 << 20
GUESTS = ("lecture_bt", "popf", "cli_sti", "self_modifying", "system_call", "nanos")
# Where the story of a guest begins: what comes before is the same preparation in all of them.
STORIES = ("main.again", "main")
LONGEST_PROLOGUE = 5_000  # steps
CELLS_SHOWN = (
    "virtual_if", "pending", "virtual_iopl", "virtual_cr0", "virtual_cr2", "virtual_cr3",
    "virtual_cr4",
)  # fmt: skip
SHARES = (
    ("identical", "kernel"), ("inline", "device"), ("branches", "good"), ("calls", "muted"),
    ("callouts", "vmm"), ("trapped", "vmm stale"),
)  # fmt: skip


class TranslationRun(MachineRun):
    """A run with the unit a step was about, the whole cache, and what was counted."""

    def __init__(self, setup: Setup) -> None:
        self._cells_before: dict[str, int] = {}
        source = setup.source if setup.source is not None else guest_source(setup.guest)
        program = assemble_text(source, f"{setup.guest}.asm")
        system = _begin(program, setup.guest)
        assert isinstance(system, Virtualized)
        story = Story.of(system)
        assert story is not None
        self._story = story
        self.technique = story.technique
        self._vmm = system.vmm
        super().__init__(system, program, f"{setup.guest}.asm", [*LAB.kinds])

    def _look(self) -> None:
        super()._look()
        self._story.look()
        self._cells_before = self._cells()

    def _cells(self) -> dict[str, int]:
        memory, data = self.system.machine.memory, self.technique.data
        return {name: memory.read32(data + CELLS[name]) for name in CELLS_SHOWN}

    # -- the figure --------------------------------------------------------------------------

    def _translated(self) -> Translated:
        return Translated(self.technique, self.events, self._story.units)

    def picture(self, shape: str, lang: str) -> Scene:
        """The unit, the VMM, the cache, the counts."""
        cache = self._translated()
        scope = cache.scope()
        blocks = cache.blocks(scope, lang)
        titles = self._titles(scope, shape, lang)
        empty: tuple[str, ...] = ()
        tone = "muted"
        if not blocks:
            what, tone = self._untranslated()
            empty = (pick(TRANSLATION[f"empty.{what}"], lang),
                     pick(TRANSLATION[f"empty.{what}.1"], lang))
            colour = "app" if what == "app" else "muted"
            blocks = cache.guest_rows(
                self.reader.linear, self.reader.peek, self.reader.code_bits, colour)
        elif scope.mood == "stale" and scope.unit is not None:
            blocks = cache.below(blocks, "head.now", scope.unit.linear, self.reader.peek,
                                 self.reader.code_bits, lang)
        elif self._searching(cache):
            blocks = cache.below(blocks, "head.next", self.reader.linear, self.reader.peek,
                                 self.reader.code_bits, lang)
        pieces, arcs = cache.strip(scope.unit, lang)
        statistics = read_statistics(self.technique)
        context = self.reader.context
        at = next((row.key for block in blocks for row in block.cache[::-1] if row.hot), "")
        if context == "app":
            at = blocks[0].guest.key if blocks and blocks[0].guest else ""
        remade = scope.mood == "new" and scope.unit is not None and scope.unit.region
        if context == "vmm" or remade or not at:
            at = "vmm"
        facts: dict[str, object] = {
            "units": statistics.units, "size": thousands(statistics.cache_bytes)}
        executed = statistics.executed
        return figure.draw(figure.TranslationView(
            *titles, blocks, scope.mood, empty, tone, context, at,
            pick(TRANSLATION["vmm"], lang) if context == "vmm" else "",
            self._arrow(), self._actors(cache, lang),
            plain(TRANSLATION["strip"], lang, facts),
            pick(TRANSLATION["strip.note"], lang) if arcs else "", tuple(pieces), tuple(arcs),
            plain(TRANSLATION["shares"], lang, {"total": thousands(executed.total)}),
            tuple(
                Share(
                    name, pick(TRANSLATION[f"share.{name}"], lang), getattr(executed, name),
                    executed.share(getattr(executed, name)),
                    _percent(executed.share(getattr(executed, name)), lang), tone)
                for name, tone in SHARES),
            (
                ("copies", _percent(executed.share(executed.in_cache), lang, 0),
                 pick(TRANSLATION["figure.copies"], lang)),
                ("hits", _percent(statistics.hit_rate, lang, 0),
                 pick(TRANSLATION["figure.hits"], lang)),
                ("expansion", f"×{decimal(f'{statistics.expansion:.1f}', lang)}",
                 pick(TRANSLATION["figure.expansion"], lang)),
            ),
            pick(TRANSLATION["more"], lang)), shape)

    def _searching(self, cache: Translated) -> bool:
        """Whether the VMM has been asked for a target that has no translation."""
        if self.reader.context != "vmm":
            return False
        spot = self.technique.spot
        asked = spot is not None and spot.action in (LINK, RETURN, GO)
        return asked and not any(
            key.eip == self.system.guest_cpu.eip for key in self.technique.cache.entries)

    def _titles(self, scope: Scope, shape: str, lang: str) -> tuple[str, str]:
        if scope.unit is None:
            left = "guest.app" if self.system.guest_cpu.cpl else "guest.short"
        else:
            left = "guest.region" if scope.unit.region else "guest"
        eip = hexa(scope.unit.eip) if scope.unit else ""
        right = "cache.gone" if scope.mood == "stale" else "cache"
        if shape == "tall":
            left, right = left if left == "guest.app" else "guest.short", "cache.short"
        return (plain(TRANSLATION[left], lang, {"eip": eip}), pick(TRANSLATION[right], lang))

    def _untranslated(self) -> tuple[str, str]:
        if self.system.guest_cpu.cpl:
            return "app", "app"
        if self.technique.obstacle:
            return "vmm", "vmm"
        return "new", "muted"

    def _arrow(self) -> str:
        kinds = {type(event) for event in self.events}
        if ev.VmmEntered in kinds:
            return "in"
        return "out" if ev.Resumed in kinds and ev.Translated not in kinds else ""

    # -- who does what -----------------------------------------------------------------------

    def _actors(self, cache: Translated, lang: str) -> tuple[figure.Actor, ...]:
        key, facts = self._vmm_work()
        found = cache.in_lookup
        goal: dict[str, object] = {
            "eip": hexa(self.system.guest_cpu.eip),
            "address": hexa(self.system.machine.cpu.eip)}
        return (
            figure.Actor(
                "lookup", pick(TRANSLATION["lookup"], lang),
                plain(TRANSLATION[f"lookup.{found or 'idle'}"], lang, goal),
                "good" if found == "hit" else "vmm", bool(found),
                pick(TRANSLATION["actor.tip.lookup"], lang)),
            figure.Actor(
                "vmm", pick(TRANSLATION["vmm"], lang), plain(TRANSLATION[key], lang, facts), "vmm",
                key != "vmm.idle", pick(TRANSLATION["actor.tip.vmm"], lang)),
        )

    def _vmm_work(self) -> tuple[str, dict[str, object]]:
        """What the VMM has done in this step, as a message key and its facts."""
        heard: dict[type[ev.Event], Any] = {}
        for event in self.events:
            heard.setdefault(type(event), event)
        eip = hexa(self.system.guest_cpu.eip)
        if ev.Discarded in heard:
            why = heard[ev.Discarded]
            return ("vmm.adapt" if why.why == "adapted" else "vmm.discard"), {
                "eip": hexa(why.eip)}
        if ev.Chained in heard and ev.Translated not in heard:
            return "vmm.chain", {"jump": hexa(heard[ev.Chained].source),
                                 "target": hexa(heard[ev.Chained].target)}
        if ev.Translated in heard:
            made = heard[ev.Translated]
            unit = self.technique.cache.unit_at(made.address)
            return "vmm.again" if made.replaced else "vmm.translate", {
                "eip": hexa(made.eip), "cache": made.size,
                "guest": unit.length if unit is not None else 0}
        if ev.Emulated in heard:
            return "vmm.emulate", {"insn": heard[ev.Emulated].mnemonic.upper()}
        if ev.Injected in heard:
            return "vmm.inject", {"vector": vector_name(heard[ev.Injected].vector)}
        if ev.ShadowFilled in heard:
            return "vmm.shadow", {"gva": hexa(heard[ev.ShadowFilled].gva)}
        if ev.VmmEntered in heard:
            entered = heard[ev.VmmEntered]
            if entered.reason != CALLOUT_EXIT:
                return "vmm.fault", {"name": entered.reason, "eip": hexa(entered.eip)}
            spot = self.technique.spot
            if spot is None or spot.action in ("", "emulate"):
                return "vmm.callout", {"insn": self.insn}
            return "vmm.find", {"eip": eip}
        if self.reader.context == "vmm":
            return ("vmm.find", {"eip": eip}) if self.technique.wish else ("vmm.work", {})
        return "vmm.idle", {}

    # -- words -------------------------------------------------------------------------------

    def sentence(self, lang: str) -> list[Segment]:
        """What the last step did, in the translator's terms."""
        if self.step == 0:
            started = self.system.guest_steps
            facts: dict[str, object] = {
                "steps": thousands(started), "units": len(self.technique.cache.units)}
            return segments(TRANSLATION["start.later" if started else "start"], lang, facts)
        return super().sentence(lang)

    def _told(self, lang: str) -> list[Segment]:
        before = self.before.registers["eip"] if self.before else -1
        told = self._story.told(self.events, before, self.insn, lang, self._nothing(lang))
        return told or super()._told(lang)

    # -- panels ------------------------------------------------------------------------------

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, registers, the virtual CPU in memory, counts, console."""
        code, registers, console = super().panels(lang)
        return [code, self._shares_panel(lang), self._cells_panel(lang), self._cache_panel(lang),
                registers, console]

    def _shares_panel(self, lang: str) -> dict[str, Any]:
        executed = read_executed(self.technique)
        rows = [
            (name, pick(TRANSLATION[f"share.{name}"], lang), getattr(executed, name),
             tone.split()[0])
            for name, tone in SHARES]
        note = pick(TRANSLATION["panel.shares.note"], lang)
        return panels.bars("shares", pick(TRANSLATION["panel.shares"], lang), rows, note)

    def _cells_panel(self, lang: str) -> dict[str, Any]:
        rows = []
        for name, value in self._cells().items():
            old = self._cells_before.get(name, value) if self.step else value
            rows.append({
                "key": f"cell:{name}", "changed": old != value, "before": _cell(name, old),
                "name": _cell_name(name, lang), "value": _cell(name, value),
                "tip": plain(TRANSLATION["cell.tip"], lang, {"offset": f"{CELLS[name]:#x}"})})
        return {"id": "cells", "kind": "table", "title": pick(TRANSLATION["panel.cells"], lang),
                "rows": rows}

    def _cache_panel(self, lang: str) -> dict[str, Any]:
        found = read_statistics(self.technique)
        values = {
            "units": str(found.units), "translated": str(found.translated),
            "discarded": str(sum(found.discarded.values())), "chained": str(found.chained),
            "elided": str(found.elided), "adapted": str(found.adapted),
            "regions": str(found.regions),
            "hits": thousands(found.lookups), "misses": thousands(found.misses),
            "expansion": f"×{decimal(f'{found.expansion:.2f}', lang)}",
            "overhead": thousands(found.executed.overhead)}
        return {
            "id": "cache", "kind": "table", "title": pick(TRANSLATION["panel.cache"], lang),
            "rows": [
                {"key": f"cache:{name}", "name": pick(TRANSLATION[f"row.{name}"], lang),
                 "value": value, "changed": False}
                for name, value in values.items()]}


def _begin(program: Program, guest: str) -> System:
    """The guest where its story begins: at one of ``STORIES``, or else at its first instruction."""

    def fresh() -> System:
        return build(TECHNIQUE, Image(program, guest, MEMORY, disk=disk(guest)))

    system = fresh()
    for name in STORIES:
        address = program.symbols.get(name)
        if address is None or guest == "nanos":
            continue
        system.breakpoints = frozenset({address})
        met = system.run(LONGEST_PROLOGUE) == "breakpoint"
        system.breakpoints = frozenset()
        return system if met else fresh()
    return system


def _percent(part: float, lang: str, places: int = 1) -> str:
    return f"{decimal(f'{100 * part:.{places}f}', lang)} %"


def _cell(name: str, value: int) -> str:
    return str(int(bool(value))) if name in ("virtual_if", "pending") else hexa(value)


def _cell_name(name: str, lang: str) -> str:
    known = TRANSLATION.get(f"cell.{name}")
    return pick(known, lang) if known else name.removeprefix("virtual_").upper()


def open_translation(setup: Setup) -> Run:
    """Assemble the guest and bring it to where its story begins."""
    return TranslationRun(setup)


LAB = Lab(
    id="translation",
    title=TRANSLATION["title"],
    question=TRANSLATION["question"],
    answer=ANSWERS["translation"], world=WORLD["translation"], tasks=TASKS["translation"],
    guests=tuple(
        Choice(guest.id, (guest.title["en"], guest.title["hu"]),
               (guest.purpose["en"], guest.purpose["hu"]))
        for id in GUESTS for guest in SHELF if guest.id == id),
    techniques=(Choice(TECHNIQUE, TRANSLATION["technique"], TRANSLATION["technique.note"]),),
    kinds=tuple(Choice(name, TRANSLATION[f"kind.{name}"]) for name in (
        "translate", "chain", "discard", "trap", "emulate", "inject", "syscall", "console")),
    open=open_translation,
    batch=rewritten_batch.open_translation,
    editable=True,
    source=guest_source,
)
