"""The lab "Shadow paging": a real guest, its page tables, and those the processor really walks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..guests import program as shelf_program
from ..guests import source as guest_source
from ..host.systems import DEFINES, Image, Options, System, build
from ..host.virtualized import Virtualized
from ..machine.control import CR0_PG, CR4_PAE, CR4_PSE
from ..machine.memory import FRAME, FRAME_SHIFT
from ..machine.paging import PAE, THIRTY_TWO_BIT
from ..machine.walker import walk
from ..scenes import shadow as figure
from ..scenes.scene import Scene
from ..trace import events as ev
from ..vmm.memory.shadow import ShadowPaging
from ..vmm.vm import Vm
from . import panels
from .exercises import TASKS
from .lab import Choice, Lab, Option, Run, Setup
from .machine_run import MachineRun
from .narrate import hexa
from .shadow_batch import run_shadow
from .words.notes import ANSWERS, WORLD
from .words.say import Segment, pick, plain, segments
from .words.shadow import SHADOW

MEMORY = 4 << 20
PAGES = (0x300, 0x301, 0x302)  # the pages the guest plays with
MODES = ("traced", "shadow", "cached")
CPUS = ("trap-and-emulate", "hardware-assist")
FLAGS = ((1, "P"), (2, "W"), (4, "U"), (0x20, "A"), (0x40, "D"))
ABSOLUTE = re.compile(r"\[(?:[a-z]s:)?(?:0x)?([0-9a-f]+)h?\]")
LONGEST = 100_000  # steps of the runs held beside

# Exits that page tables cause; what is left out is I/O and set-up. Under trap-and-emulate MOV CR3
# and INVLPG are general protection faults, which the emulated instruction tells apart.
PAGING_EXITS = ("#PF", "control-register access", "INVLPG", "EPT violation",
                "hypercall mmuext_op", "hypercall update_va_mapping", "hypercall mmu_update")
PAGING_INSTRUCTIONS = ("mov cr", "invlpg")


@dataclass(frozen=True, slots=True)
class Entries:
    """One page at one moment: the guest's entry and the shadow's, 0 where there is none."""

    guest: int
    gfn: int  # -1: none
    table: int  # gfn of the guest's table the entry lies in, -1: none
    shadow: int
    hfn: int  # host frame behind gfn, -1: none

    @property
    def stale(self) -> bool:
        """Whether the shadow leads elsewhere than the guest's table."""
        return bool(self.shadow & 1) and self.shadow >> FRAME_SHIFT != self.hfn


class ShadowRun(MachineRun):
    """A run with the three tables."""

    def __init__(self, setup: Setup) -> None:
        program = shelf_program(setup.guest)
        self.mode, self.cpu = setup.technique, setup.options["cpu"]
        self._table = program.symbols["page_table"] >> FRAME_SHIFT
        self._before: dict[int, Entries] = {}
        system = system_of(setup.guest, self.cpu, self.mode)
        self.vm: Vm = system.vms[0]
        self.shadow = shadow_of(system)
        super().__init__(system, program, f"{setup.guest}.asm", LAB.kinds)

    def _look(self) -> None:
        super()._look()
        self._before = self._entries()

    # -- the tables ------------------------------------------------------------------------------

    @property
    def pages(self) -> tuple[int, ...]:
        """Linear pages that are shown: the guest's three, and that of its own page table."""
        return (*PAGES, self._table)

    def _entries(self) -> dict[int, Entries]:
        return {page: self._entry(page) for page in self.pages}

    def _entry(self, page: int) -> Entries:
        cpu, memory = self.vm.vcpu, self.vm.memory
        guest, gfn, table = 0, page, -1
        if cpu.cr0 & CR0_PG:
            format = PAE if cpu.cr4 & CR4_PAE else THIRTY_TWO_BIT
            found = walk(
                format, cpu.cr3, page << FRAME_SHIFT,
                lambda address: memory.read(address, format.entry_bytes),
                large_pages=bool(cpu.cr4 & (CR4_PSE | CR4_PAE)))
            last = found.refs[-1]
            guest, gfn, table = last.entry, found.frame, last.table >> FRAME_SHIFT
        hfn = self.vm.allotment.frame(gfn) if gfn >= 0 else None
        return Entries(
            guest, gfn, table, self.shadow.entry(page), -1 if hfn is None else hfn)

    def picture(self, shape: str, lang: str) -> Scene:
        """The three tables at this step."""
        return figure.draw(self._view(lang), shape)

    def _view(self, lang: str) -> figure.ShadowView:
        def words(name: str, **facts: object) -> str:
            return plain(SHADOW[name], lang, facts)

        now = self._entries()
        said = self._said(lang)
        wrong = sum(not one.right for one in said)
        context = self.reader.context
        # A number read through a stale translation is printed, and judged, some steps later.
        stale = any(one.stale for one in now.values())
        verdict = ""
        if wrong:
            verdict = words("verdict.wrong", count=wrong)
        elif stale or said:
            verdict = words("verdict.stale" if stale else "verdict.right")
        return figure.ShadowView(
            titles=(words("title.guest"), words("title.host"), words("title.shadow")),
            notes=(words("note.guest"), words("note.host"), words("note.shadow")),
            rows=tuple(self._row(page, one, lang) for page, one in now.items()),
            who=words(f"who.{context}"),
            context=context,
            doing=self.insn if self.step else "",
            locked=any(one.table in self.vm.memory.traced for one in now.values()),
            lock=words("lock"),
            none=words("none"),
            stale=words("stale"),
            said=said,
            said_title=words("said"),
            verdict=verdict,
            wrong=bool(wrong or stale),
        )

    def _row(self, page: int, now: Entries, lang: str) -> figure.Row:
        name = hexa(page, 3)
        if page == self._table:
            name += f" {pick(SHADOW['page.self'], lang)}"
        paged = bool(self.vm.vcpu.cr0 & CR0_PG)
        before = self._before.get(page, now)
        guest = figure.Half(
            hexa(now.gfn, 3) if now.gfn >= 0 else "", _flags(now.guest) if paged else "–",
            "current" if before.guest != now.guest else "",
            f"{hexa(now.guest)} · {_flags(now.guest)}" if paged else "")
        shadow = figure.Half(
            hexa(now.shadow >> FRAME_SHIFT, 3) if now.shadow & 1 else "", _flags(now.shadow),
            "stale" if now.stale else "current" if before.shadow != now.shadow else "",
            f"{hexa(now.shadow)} · {_flags(now.shadow)}")
        return figure.Row(
            str(page), name, guest, hexa(now.hfn, 3) if now.hfn >= 0 else "", shadow,
            self._touched == page)

    @property
    def _touched(self) -> int:
        """The linear page the instruction of this step names, or -1."""
        address = self._address
        return -1 if address is None else address >> FRAME_SHIFT

    @property
    def _address(self) -> int | None:
        found = ABSOLUTE.search(self.insn) if self.step else None
        return int(found[1], 16) if found else None

    @property
    def _changed(self) -> int | None:
        """The page whose entry in the guest's table this step's instruction writes, or None."""
        address = self._address
        if address is None or address >> FRAME_SHIFT != self._table:
            return None
        page = (address & FRAME - 1) // 4
        return page if page in PAGES else None

    def _said(self, lang: str) -> tuple[figure.Said, ...]:
        """What the guest printed, held against the run whose shadow is never stale."""
        fresh = fresh_console(self.vm.name, self.cpu)
        digits = [letter for letter in self.system.console if letter.isdigit()]
        return tuple(
            figure.Said(letter, letter == right, pick(
                SHADOW["said.right" if letter == right else "said.wrong"], lang))
            for letter, right in zip(digits, fresh, strict=False))

    # -- words -----------------------------------------------------------------------------------

    def sentence(self, lang: str) -> list[Segment]:
        """What the step did, and what it means for the tables."""
        spoken = super().sentence(lang)
        key, facts = self._meaning()
        if not key:
            return spoken
        return [*spoken, {"text": " "}, *segments(SHADOW[key], lang, facts)]

    def _meaning(self) -> tuple[str, dict[str, object]]:
        kinds = {type(event) for event in self.events}
        changed = self._changed
        facts: dict[str, object] = {"page": hexa(changed, 3)} if changed is not None else {}
        if ev.Injected in kinds and any(
                isinstance(event, ev.Injected) and event.vector == 14 for event in self.events):
            return "added.true", facts
        if ev.VmmEntered in kinds and changed is not None:
            return ("added.trace", facts) if self._traced(changed) else ("", {})
        if ev.Emulated in kinds and changed is not None:
            had = self._before.get(changed)
            return "added.followed" if had is None or had.shadow else "added.followed.none", facts
        if ev.ShadowFilled in kinds:
            return self._dirtied()
        if ev.Retired in kinds and changed is not None and self._entry(changed).stale:
            before = self._before.get(changed)
            same = before is not None and before.guest == self._entry(changed).guest
            return "added.again" if same else "added.free", facts
        return self._stale_read() if ev.Retired in kinds else ("", {})

    def _traced(self, page: int) -> bool:
        return self._entry(page).table in self.vm.memory.traced

    def _dirtied(self) -> tuple[str, dict[str, object]]:
        """A fill that was a first write."""
        for page, before in self._before.items():
            after = self._entry(page)
            if after.guest & ~before.guest & 0x40 and before.shadow & 1:
                return "added.dirty", {"page": hexa(page, 3)}
        return "", {}

    def _stale_read(self) -> tuple[str, dict[str, object]]:
        before = self._before.get(self._touched)
        if before is None or not before.stale or "invlpg" in self.insn:
            return "", {}
        return "added.stale", {
            "page": hexa(self._touched, 3), "got": hexa(before.shadow >> FRAME_SHIFT, 3),
            "wanted": hexa(before.hfn, 3)}

    def panels(self, lang: str) -> list[dict[str, Any]]:
        """Code, faults by kind, the techniques beside each other, registers, console."""
        code, registers, console = super().panels(lang)
        return [code, self._faults(lang), self._beside(lang), registers, console]

    def _faults(self, lang: str) -> dict[str, Any]:
        timeline = self.timeline_
        counts = timeline.counts()
        hidden = counts.get(("shadow", "hidden"), 0)
        true = self.shadow.true_faults
        traps = counts.get(("trap", "#PF"), 0)
        rows = [("hidden", pick(SHADOW["fault.hidden"], lang), hidden, "vmm"),
                ("traced", pick(SHADOW["fault.traced"], lang), max(traps - hidden - true, 0),
                 "host"),
                ("true", pick(SHADOW["fault.true"], lang), true, "kernel")]
        return panels.bars("faults", pick(SHADOW["panel.faults"], lang), rows)

    def _beside(self, lang: str) -> dict[str, Any]:
        title = pick(SHADOW["panel.exits"], lang)
        if not (self.ended and self.step == self.last):
            return {"id": "beside", "kind": "text", "title": title,
                    "segments": segments(SHADOW["panel.exits.wait"], lang)}
        rows = []
        for key, name, context, cpu, memory in BESIDE:
            exits = paging_exits(self.vm.name, cpu or self.cpu, memory)
            rows.append((key, pick(SHADOW[name], lang), sum(exits.values()), context))
        return panels.bars(
            "beside", title, rows, plain(SHADOW["panel.exits.note"], lang))


# Key, name, colour, CPU technique ("" for the run's own) and memory technique.
BESIDE = (
    ("traced", "mode.traced", "vmm", "", "traced"),
    ("shadow", "mode.shadow", "vmm", "", "shadow"),
    ("cached", "mode.cached", "vmm", "", "cached"),
    ("paravirt", "other.paravirt", "kernel", "paravirtualization", ""),
    ("nested", "other.nested", "host", "hardware-assist", "nested"),
)


def system_of(guest: str, cpu: str, memory: str) -> Virtualized:
    """The guest on a machine of its own, at its beginning."""
    image = Image(shelf_program(guest, DEFINES[cpu]), guest, MEMORY)
    system: System = build(cpu, image, Options(memory=memory))
    assert isinstance(system, Virtualized)
    return system


def shadow_of(system: Virtualized) -> ShadowPaging:
    """The shadow of the only guest; VMX has it behind its own view."""
    memory: Any = system.vmm.guests[0].memory
    found: ShadowPaging = getattr(memory, "shadow", memory)
    return found


@cache
def fresh_console(guest: str, cpu: str) -> str:
    """What the guest prints when no translation is ever stale: under the traced shadow."""
    system = system_of(guest, cpu, "traced")
    system.run(LONGEST)
    return "".join(letter for letter in system.console if letter.isdigit())


@cache
def _counted(guest: str, cpu: str, memory: str) -> tuple[tuple[str, int], ...]:
    system = system_of(guest, cpu, memory)
    emulated: dict[str, int] = {}

    def hear(event: ev.Event) -> None:
        if isinstance(event, ev.Emulated):
            name = f"mov {event.register}" if event.register.startswith("cr") else event.mnemonic
            emulated[name] = emulated.get(name, 0) + 1

    system.listener = hear
    system.run(LONGEST)
    exits = {name: count for name, count in system.vms[0].exits.items() if name in PAGING_EXITS}
    if "#GP" in system.vms[0].exits:  # de-privileged: these come as general protection faults
        for name, count in emulated.items():
            if name.startswith(PAGING_INSTRUCTIONS):
                exits[name] = count
    return tuple(sorted(exits.items()))


def paging_exits(guest: str, cpu: str, memory: str) -> dict[str, int]:
    """Exits to the VMM that the guest's page tables caused in a whole run, by kind."""
    return dict(_counted(guest, cpu, memory))


def _flags(entry: int) -> str:
    return " ".join(name for bit, name in FLAGS if entry & bit) or "–"


def open_shadow(setup: Setup) -> Run:
    """Start the guest under the chosen shadow."""
    return ShadowRun(setup)


LAB = Lab(
    id="shadow",
    title=SHADOW["title"],
    question=SHADOW["question"],
    answer=ANSWERS["shadow"], world=WORLD["shadow"], tasks=TASKS["shadow"],
    guests=(Choice("page_tables", SHADOW["guest.page_tables"]),),
    techniques=tuple(
        Choice(name, SHADOW[f"mode.{name}"], SHADOW[f"mode.{name}.note"]) for name in MODES),
    options=(
        Option("cpu", SHADOW["option.cpu"],
               tuple(Choice(name, SHADOW[f"cpu.{name}"]) for name in CPUS)),
    ),
    kinds=tuple(
        Choice(name, SHADOW[f"kind.{name}"])
        for name in ("shadow", "trap", "emulate", "inject", "console")),
    topic="memory",
    source=guest_source,
    open=open_shadow,
    batch=run_shadow,
)
