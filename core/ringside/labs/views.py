"""Reading a running system for the figure and the panels: one reader for each kind of system.

A reader knows where the guest's registers are, who lives in which ring, and what belongs on the
processor cards. The figure and the panels are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..host.systems import System
from ..host.virtualized import Virtualized
from ..isa.registers import FLAG_IF, NAMES32, SEGMENT_NAMES
from ..machine.cpu import Cpu
from ..machine.machine import Machine
from ..machine.memory import Memory
from ..machine.peek import backed, peek
from ..scenes.rings import Below, Card, Fact, Ring
from ..trace import events as ev
from ..trace.counters import Counts, total
from ..trace.marks import BARE_RINGS, DEPRIVILEGED_RINGS
from ..vmm.cpu.descriptor_shadow import guest_ring
from ..vmm.vmm import Vmm
from .narrate import hexa
from .words.rings import RINGS
from .words.say import pick

Registers = dict[str, int]
FactRow = tuple[str, str, str, str]  # key, name, value, message key of its explanation


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader saw at one moment: register values and the rows of each card."""

    registers: Registers
    cards: tuple[tuple[FactRow, ...], ...]
    ring: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted so far: rows of name, value and colour; and how many of the guest's
    ``steps`` ran ``direct``, None where there is nothing to set them against."""

    rows: tuple[tuple[str, int, str], ...]
    direct: int | None = None
    steps: int = 0


class Reader(Protocol):
    """How to look at one kind of system."""

    virtual: bool
    ring_contexts: tuple[str, str, str, str]  # who runs in which ring, for the timeline
    opening: str  # message key of the sentence before the first step
    names_instruction: bool  # whether the token shows the instruction while the VMM works

    def figures(self, counts: Counts, guest_steps: int) -> Figures: ...

    def read(self) -> Reading: ...
    def rings(self, lang: str) -> tuple[Ring, ...]: ...
    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]: ...
    def below(self, lang: str) -> Below | None:
        """Root mode, where the processor has it."""

    def move(self, events: Sequence[ev.Event], now: int) -> tuple[int, str]:
        """The ring the step began in, -1 if it is the same; and how it was left."""

    @property
    def context(self) -> str:
        """Who is running now."""

    @property
    def linear(self) -> int:
        """Linear address of the guest's next instruction."""

    @property
    def code_bits(self) -> int: ...

    @property
    def guest_ring(self) -> int:
        """The real ring the guest's code runs in, also while the VMM works; -1 for none."""

    def peek(self, linear: int, count: int) -> bytes | None: ...

    def backed(self, linear: int) -> bool:
        """Whether there is guest memory at a linear address."""


def register_values(cpu: Cpu) -> Registers:
    values = dict(zip(NAMES32, cpu.regs, strict=True))
    values["eip"] = cpu.eip
    values["eflags"] = cpu.eflags
    for number, name in enumerate(SEGMENT_NAMES):
        if name in ("cs", "ss", "ds"):
            values[name] = cpu.segs[number].selector
    values["cr0"], values["cr2"], values["cr3"] = cpu.cr0, cpu.cr2, cpu.cr3
    return values


def flag_row(cpu: Cpu) -> FactRow:
    return "if", "IF", str(int(bool(cpu.eflags & FLAG_IF))), "tip.if"


def card(
    key: str, title: str, context: str, lang: str, now: Sequence[FactRow],
    before: Sequence[FactRow] | None,
) -> Card:
    old = {row[0]: row[2] for row in before} if before else {}

    def fact(row: FactRow) -> Fact:
        name, label, value, tip = row
        label = pick(RINGS.get(f"fact.{name}", (label, label)), lang)
        past = old.get(name, value)
        return Fact(
            name, label, said(value), said(past) if past != value else "", pick(RINGS[tip], lang))

    def said(value: str) -> str:
        return pick(RINGS.get(f"value.{value}", (value, value)), lang)

    return Card(key, title, context, tuple(map(fact, now)))


def ring_change(events: Sequence[ev.Event], now: int) -> int:
    """The ring before the step, if the processor is in another now; else -1."""
    moves = [event for event in events if isinstance(event, ev.RingChanged)]
    return moves[0].before if moves and moves[0].before != now else -1


class BareReader:
    """The guest owns the machine: its kernel is in ring 0."""

    virtual = False
    ring_contexts = BARE_RINGS
    opening = "start"
    names_instruction = False

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self) -> Reading:
        """Look at the processor."""
        cpu = self.machine.cpu
        rows = (
            flag_row(cpu),
            ("cpl", "CPL", str(cpu.cpl), "tip.cpl"),
            ("iopl", "IOPL", str(cpu.iopl), "tip.iopl"),
            ("pg", "paging", "on" if cpu.cr0 >> 31 else "off", "tip.pg"),
            ("cr3", "CR3", hexa(cpu.cr3), "tip.cr3"),
            ("idt", "IDT", hexa(cpu.idtr.base), "tip.idt"),
        )
        return Reading(register_values(cpu), (rows,), cpu.cpl)

    def rings(self, lang: str) -> tuple[Ring, ...]:
        """Kernel inside, applications outside, two rings unused."""
        return (
            Ring(3, "app", pick(RINGS["ring3"], lang), pick(RINGS["ring3.tip"], lang)),
            Ring(2, "", pick(RINGS["ring2"], lang), pick(RINGS["unused.tip"], lang)),
            Ring(1, "", pick(RINGS["ring1.unused"], lang), pick(RINGS["unused.tip"], lang)),
            Ring(0, "kernel", pick(RINGS["ring0.kernel"], lang), pick(RINGS["ring0.tip"], lang)),
        )

    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]:
        """One processor."""
        old = before.cards[0] if before else None
        return (card("real", pick(RINGS["card.cpu"], lang), "kernel", lang, now.cards[0], old),)

    def below(self, lang: str) -> Below | None:
        """No mode but that of the rings."""
        return None

    def move(self, events: Sequence[ev.Event], now: int) -> tuple[int, str]:
        """A system call or an interrupt, and the way back."""
        before = ring_change(events, now)
        return before, "call" if now < before else "return"

    def figures(self, counts: Counts, guest_steps: int) -> Figures:
        """What the guest had to do with its kernel and its devices."""
        return Figures((
            ("direct", guest_steps, "app"),
            ("syscalls", total(counts, "syscall"), "kernel"),
            ("faults", total(counts, "fault"), "kernel"),
            ("interrupts", total(counts, "interrupt"), "device"),
        ))

    @property
    def context(self) -> str:
        """The processor's ring says who runs."""
        return "app" if self.machine.cpu.cpl == 3 else "kernel"

    @property
    def linear(self) -> int:
        """CS base plus EIP."""
        return self.machine.cpu.linear_eip

    @property
    def code_bits(self) -> int:
        """From CS.D."""
        return self.machine.cpu.code_bits

    @property
    def guest_ring(self) -> int:
        """The processor's ring: there is nobody else."""
        return self.machine.cpu.cpl

    def peek(self, linear: int, count: int) -> bytes | None:
        """Guest memory is machine memory."""
        return peek(self.machine.cpu, self.machine.memory, linear, count)

    def backed(self, linear: int) -> bool:
        """Guest memory is machine memory."""
        return backed(self.machine.cpu, self.machine.memory, linear)


class VmmReader:
    """A VMM in ring 0, its guest's kernel in ring 1; shown is the VM that has the processor."""

    virtual = True
    ring_contexts = DEPRIVILEGED_RINGS
    opening = "start.guest"
    names_instruction = False

    def __init__(self, vmm: Vmm) -> None:
        self.vmm = vmm

    @property
    def _vcpu(self) -> Cpu:
        return self.vmm.vm.vcpu

    @property
    def _memory(self) -> Memory:
        return self.vmm.vm.memory

    def read(self) -> Reading:
        """Look at the real processor and at the virtual one."""
        real, virtual = self.vmm.machine.cpu, self._vcpu
        return Reading(
            register_values(virtual),
            (
                (
                    flag_row(real),
                    ("cpl", "CPL", str(real.cpl), "tip.cpl"),
                    ("cr3", "CR3", hexa(real.cr3), "tip.cr3.real"),
                    ("idt", "IDT", hexa(real.idtr.base), "tip.idt.real"),
                ),
                (
                    flag_row(virtual),
                    ("cpl", "CPL", str(virtual.cpl), "tip.cpl.virtual"),
                    ("cr3", "CR3", hexa(virtual.cr3), "tip.cr3"),
                    ("idt", "IDT", hexa(virtual.idtr.base), "tip.idt"),
                ),
            ),
            real.cpl,
        )

    def rings(self, lang: str) -> tuple[Ring, ...]:
        """The VMM inside, the guest's kernel pushed out to ring 1."""
        return (
            Ring(3, "app", pick(RINGS["ring3"], lang), pick(RINGS["ring3.tip"], lang)),
            Ring(2, "", pick(RINGS["ring2"], lang), pick(RINGS["unused.tip"], lang)),
            Ring(1, "kernel", pick(RINGS["ring1"], lang), pick(RINGS["ring1.tip"], lang)),
            Ring(0, "vmm", pick(RINGS["ring0.vmm"], lang), pick(RINGS["vmm.tip"], lang)),
        )

    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]:
        """The real processor above the virtual one."""
        old = before.cards if before else (None, None)
        return (
            card("real", pick(RINGS["card.real"], lang), "device", lang, now.cards[0], old[0]),
            card("virtual", pick(RINGS["card.virtual"], lang), "vmm", lang, now.cards[1], old[1]),
        )

    def below(self, lang: str) -> Below | None:
        """No mode but that of the rings."""
        return None

    def move(self, events: Sequence[ev.Event], now: int) -> tuple[int, str]:
        """A trap into the VMM, and its return."""
        before = ring_change(events, now)
        return before, "trap" if now < before else "resume"

    def figures(self, counts: Counts, guest_steps: int) -> Figures:
        """What the VMM had to do."""
        emulated = total(counts, "emulate")
        direct = max(guest_steps - emulated, 0)
        return Figures((
            ("direct", direct, "app"),
            ("traps", total(counts, "trap"), "vmm"),
            ("emulated", emulated, "vmm"),
            ("injected", total(counts, "inject"), "kernel"),
            ("shadow", total(counts, "shadow"), "vmm"),
            ("silent", total(counts, "silent"), "wrong"),
        ), direct, guest_steps)

    @property
    def context(self) -> str:
        """The VMM between exit and resumption, else whoever the real ring says."""
        if not self.vmm.in_guest:
            return "vmm"
        return "app" if self.vmm.machine.cpu.cpl == 3 else "kernel"

    @property
    def linear(self) -> int:
        """The guest's next instruction, as the guest sees it."""
        return self._vcpu.linear_eip

    @property
    def code_bits(self) -> int:
        """From the virtual CS.D."""
        return self._vcpu.code_bits

    @property
    def guest_ring(self) -> int:
        """De-privileged: what believes to be in ring 0 is in ring 1."""
        return guest_ring(self._vcpu.cpl)

    def peek(self, linear: int, count: int) -> bytes | None:
        """Guest memory through the guest's own tables."""
        return peek(self._vcpu, self._memory, linear, count)

    def backed(self, linear: int) -> bool:
        """Whether the guest has memory there, by its own tables."""
        return backed(self._vcpu, self._memory, linear)


def reader_of(system: System) -> Reader:
    """The reader for a system: with virtual machines or without, and by technique."""
    from .readers import vmm_reader

    if isinstance(system, Virtualized):
        return vmm_reader(system.technique, system.vmm)
    return BareReader(system.machine)
