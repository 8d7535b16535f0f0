"""Reading a system under hardware assist: the guest in all its rings, the VMM in root mode."""

from __future__ import annotations

from collections.abc import Sequence

from ..isa.registers import FLAG_IF
from ..machine.vmx import fields as f
from ..machine.vmx.vmcs import Vmcs
from ..scenes.rings import ROOT, STAYED, Below, Card, Ring
from ..trace import events as ev
from ..trace.counters import Counts, total
from ..trace.marks import BARE_RINGS
from ..vmm.cpu.hardware_assist import HardwareAssist
from .narrate import hexa
from .views import Figures, Reading, VmmReader, card, flag_row, register_values, ring_change
from .words.rings import RINGS
from .words.say import pick

ENTRY_FAILED = 1 << 31


class HardwareReader(VmmReader):
    """The processor card says which mode; the other card is the VMCS of the VM that has it."""

    opening = "start.assisted"
    ring_contexts = BARE_RINGS

    @property
    def technique(self) -> HardwareAssist:
        """Of the VM that has the processor."""
        found = self.vmm.guests[self.vmm.current].cpu
        assert isinstance(found, HardwareAssist)
        return found

    @property
    def vmcs(self) -> Vmcs:
        """The fields as they lie in memory, to look at without touching."""
        return Vmcs(self.vmm.machine.memory, self.technique.vmcs)

    @property
    def guest_ring(self) -> int:
        """The guest has all four rings of non-root mode."""
        return self._vcpu.cpl

    @property
    def in_root(self) -> bool:
        """Whether the processor is in root mode."""
        return self.vmm.machine.cpu.intercepts is None

    def read(self) -> Reading:
        """Look at the real processor and at the VMCS."""
        real, virtual, vmcs = self.vmm.machine.cpu, self._vcpu, self.vmcs
        reason = vmcs[f.EXIT_REASON] & 0xFFFF
        left = self.vmm.vm.exits or vmcs[f.EXIT_REASON]
        return Reading(
            register_values(virtual),
            (
                (
                    ("mode", "mode", "root" if self.in_root else "non-root", "tip.mode"),
                    flag_row(real),
                    ("cpl", "CPL", str(real.cpl), "tip.cpl"),
                    ("pg", "paging", "on" if real.cr0 >> 31 else "off", "tip.pg"),
                ),
                (
                    ("reason", "exit reason", str(reason) if left else "–", "tip.reason"),
                    ("rip", "RIP", hexa(vmcs[f.GUEST_EIP]), "tip.vmcs.rip"),
                    ("gcr3", "CR3", hexa(vmcs[f.GUEST_CR3]), "tip.vmcs.cr3"),
                    ("gif", "IF", str(int(bool(vmcs[f.GUEST_EFLAGS] & FLAG_IF))),
                     "tip.vmcs.if"),
                ),
            ),
            ROOT if self.in_root else real.cpl,
        )

    def rings(self, lang: str) -> tuple[Ring, ...]:
        """As on bare metal: the guest's kernel is in ring 0 of its own mode."""
        empty = pick(RINGS["unused.tip"], lang)
        return (
            Ring(3, "app", pick(RINGS["ring3"], lang), pick(RINGS["ring3.tip"], lang)),
            Ring(2, "", pick(RINGS["ring2"], lang), empty),
            Ring(1, "", pick(RINGS["ring1.unused"], lang), empty),
            Ring(
                0, "kernel", pick(RINGS["ring0.kernel"], lang),
                pick(RINGS["ring0.guest.tip"], lang)),
        )

    def below(self, lang: str) -> Below | None:
        """The VMM's mode."""
        return Below(*(pick(RINGS[key], lang) for key in (
            "mode.guest", "mode.guest.tip", "mode.root", "mode.root.tip")))

    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]:
        """The real processor above the control structure."""
        old = before.cards if before else (None, None)
        return (
            card("real", pick(RINGS["card.real"], lang), "device", lang, now.cards[0], old[0]),
            card("virtual", pick(RINGS["card.vmcs"], lang), "vmm", lang, now.cards[1], old[1]),
        )

    def move(self, events: Sequence[ev.Event], now: int) -> tuple[int, str]:
        """VM exit and VM entry; within the guest, what bare metal does."""
        for event in events:
            if isinstance(event, ev.VmExited) and not event.reason & ENTRY_FAILED:
                return event.ring if now == ROOT else STAYED, "trap"
            if isinstance(event, ev.VmEntered):
                return ROOT, "resume"
        before = ring_change(events, now) if now != ROOT else STAYED
        return before, "call" if now < before else "return"

    def figures(self, counts: Counts, guest_steps: int) -> Figures:
        """What left, and what the VMM did about it."""
        emulated = total(counts, "emulate")
        direct = max(guest_steps - emulated, 0)
        return Figures((
            ("direct", direct, "app"),
            ("exits", total(counts, "vmexit"), "vmm"),
            ("emulated", emulated, "vmm"),
            ("injected", total(counts, "inject"), "kernel"),
            ("syscalls", total(counts, "syscall"), "kernel"),
            ("fills", total(counts, "nested") + total(counts, "shadow"), "vmm"),
        ), direct, guest_steps)
