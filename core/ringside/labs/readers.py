"""Readers for the techniques under which the picture is another one; see ``views``."""

from __future__ import annotations

from ..machine.memory import Memory
from ..scenes.rings import Card, Ring
from ..trace.counters import Counts, total
from ..vmm.paravirt.domain import Domain
from ..vmm.vmm import Vmm
from .hardware_reader import HardwareReader
from .narrate import hexa
from .views import FactRow, Figures, Reading, VmmReader, card, flag_row, register_values
from .words.rings import RINGS
from .words.say import pick


class EmulationReader(VmmReader):
    """Only the VMM runs: the guest is data in its hands, its rings are numbers."""

    opening = "start.emulated"
    names_instruction = True

    def read(self) -> Reading:
        """Look at the real processor, which stays where it is, and at the stored state."""
        real, stored = self.vmm.machine.cpu, self.vmm.vm.vcpu
        return Reading(
            register_values(stored),
            (
                (
                    flag_row(real),
                    ("cpl", "CPL", str(real.cpl), "tip.cpl"),
                    ("cr3", "CR3", hexa(real.cr3), "tip.cr3.vmm"),
                ),
                (
                    flag_row(stored),
                    ("cpl", "CPL", str(stored.cpl), "tip.cpl.stored"),
                    ("cr3", "CR3", hexa(stored.cr3), "tip.cr3"),
                    ("idt", "IDT", hexa(stored.idtr.base), "tip.idt"),
                ),
            ),
            real.cpl,
        )

    @property
    def guest_ring(self) -> int:
        """None: the guest is data."""
        return -1

    def rings(self, lang: str) -> tuple[Ring, ...]:
        """Everything in ring 0; nobody of the guest's is on the processor at all."""
        empty = pick(RINGS["empty.tip"], lang)
        return (
            Ring(3, "", pick(RINGS["ring3.empty"], lang), empty),
            Ring(2, "", pick(RINGS["ring2"], lang), empty),
            Ring(1, "", pick(RINGS["ring1.unused"], lang), empty),
            Ring(0, "vmm", pick(RINGS["ring0.emulator"], lang), pick(RINGS["emulator.tip"], lang)),
        )

    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]:
        """The real processor above the stored state of the virtual one."""
        old = before.cards if before else (None, None)
        titles = (pick(RINGS["card.real"], lang), pick(RINGS["card.stored"], lang))
        return (
            card("real", titles[0], "device", lang, now.cards[0], old[0]),
            card("virtual", titles[1], "vmm", lang, now.cards[1], old[1]),
        )

    def figures(self, counts: Counts, guest_steps: int) -> Figures:
        """Everything is emulated."""
        return Figures((
            ("direct", 0, "app"),
            ("emulated", guest_steps, "vmm"),
            ("syscalls", total(counts, "syscall"), "kernel"),
            ("injected", total(counts, "inject"), "kernel"),
        ), 0, guest_steps)


class ParavirtualReader(VmmReader):
    """The guest kernel knows that it is in ring 1; there is a page instead of a virtual CPU."""

    opening = "start.paravirtual"

    @property
    def _memory(self) -> Memory:
        """The machine's: its frames are what stands in the guest's tables."""
        return self.vmm.machine.memory

    @property
    def _domain(self) -> Domain:
        vm = self.vmm.vm
        assert isinstance(vm, Domain)
        return vm

    def read(self) -> Reading:
        """Look at the processor and at the page that VMM and kernel share."""
        real, domain = self.vmm.machine.cpu, self._domain
        idt: FactRow = ("idt", "IDT", hexa(real.idtr.base), "tip.idt.real")
        return Reading(
            register_values(domain.vcpu),
            (
                (
                    flag_row(real),
                    ("cpl", "CPL", str(real.cpl), "tip.cpl"),
                    ("cr3", "CR3", hexa(real.cr3), "tip.cr3.checked"),
                    idt,
                ),
                (
                    ("mask", "events off", str(int(domain.events_masked)), "tip.mask"),
                    ("pending", "event waits", str(int(domain.events_pending)), "tip.pending"),
                    ("base", "page tables", hexa(domain.vcpu.cr3), "tip.base"),
                    ("traps", "handlers", str(len(domain.traps)), "tip.traps"),
                ),
            ),
            real.cpl,
        )

    @property
    def guest_ring(self) -> int:
        """The ring the kernel was made for is the real one."""
        return self._domain.vcpu.cpl

    def rings(self, lang: str) -> tuple[Ring, ...]:
        """As de-privileged, but the kernel was made for its place."""
        outer = super().rings(lang)
        tip = pick(RINGS["ring1.ported.tip"], lang)
        return (*outer[:2], Ring(1, "kernel", pick(RINGS["ring1.ported"], lang), tip), outer[3])

    def cards(self, lang: str, now: Reading, before: Reading | None) -> tuple[Card, ...]:
        """The processor above the shared page."""
        old = before.cards if before else (None, None)
        titles = (pick(RINGS["card.real"], lang), pick(RINGS["card.shared"], lang))
        return (
            card("real", titles[0], "device", lang, now.cards[0], old[0]),
            card("virtual", titles[1], "kernel", lang, now.cards[1], old[1]),
        )

    def figures(self, counts: Counts, guest_steps: int) -> Figures:
        """Hypercalls in the place of traps."""
        ports = total(counts, "emulate")
        refused = sum(n for (kind, name), n in counts.items()
                      if kind == "hypercall" and name.endswith("refused"))
        return Figures((
            ("direct", max(guest_steps - ports, 0), "app"),
            ("hypercalls", total(counts, "hypercall"), "vmm"),
            ("refused", refused, "wrong"),
            ("emulated", ports, "vmm"),
            ("syscalls", total(counts, "syscall"), "kernel"),
            ("injected", total(counts, "inject"), "kernel"),
            ("events", total(counts, "upcall"), "device"),
        ), max(guest_steps - ports, 0), guest_steps)


READERS: dict[str, type[VmmReader]] = {
    "emulation": EmulationReader,
    "hardware-assist": HardwareReader,
    "paravirtualization": ParavirtualReader,
}
"""By technique; the others are pictured as ``VmmReader`` has it."""


def vmm_reader(technique: str, vmm: Vmm) -> VmmReader:
    """The reader that goes with a technique."""
    return READERS.get(technique, VmmReader)(vmm)
