"""The techniques there are: what the page's menus, the command line and the tests read.

To add one: write its file, add one line to ``TECHNIQUES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ringside.trace.cost import DEPRIVILEGED, EMULATED, PARAVIRTUAL, Charges
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.cpu.emulation import EmulatedVm, Emulation, NoTables
from ringside.vmm.cpu.paravirtualization import Paravirtualization
from ringside.vmm.cpu.trap_and_emulate import TrapAndEmulate
from ringside.vmm.memory.announced import AnnouncedPaging
from ringside.vmm.memory.shadow import ShadowPaging
from ringside.vmm.monitor import Monitor
from ringside.vmm.paravirt.domain import Domain
from ringside.vmm.vm import Vm
from ringside.vmm.vmm import CpuTechnique, MemoryTechnique

IA32, VIRTUALIZABLE = "ia32", "virtualizable"
"""Instruction sets: IA-32 as it is, and the fiction in which whatever is sensitive traps outside
ring 0 (:attr:`ringside.machine.cpu.Cpu.trap_sensitive`), as Popek and Goldberg's theorem asks."""


@dataclass(frozen=True, slots=True)
class Technique:
    """A way to run guests: ``install`` makes its objects for one VM.

    ``title`` is a key of the message catalogues as well as an English name.
    """

    id: str
    title: str
    install: Callable[[Vm, Monitor], tuple[CpuTechnique, MemoryTechnique]]
    machine: Callable[..., Vm] = Vm  # what its virtual machines are made of
    isas: tuple[str, ...] = (IA32,)  # the instruction sets it can be shown on
    port: str = ""  # the define a guest is assembled with for it; "" for guests as they are
    charges: Charges = field(default_factory=lambda: DEPRIVILEGED)  # what its events are billed as


def _trap_and_emulate(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    shadow = ShadowPaging(vm, monitor)
    vm.tlb.shadow = shadow
    return TrapAndEmulate(vm, monitor, shadow), shadow


def _binary_translation(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    shadow = ShadowPaging(vm, monitor)
    vm.tlb.shadow = shadow
    return BinaryTranslation(vm, monitor, shadow), shadow


def _emulation(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    return Emulation(vm, monitor), NoTables()


def _paravirtualization(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    assert isinstance(vm, Domain)
    cpu, paging = Paravirtualization(vm, monitor), AnnouncedPaging(vm, monitor)
    vm.furnish(cpu.segments, paging)
    return cpu, paging


TECHNIQUES: tuple[Technique, ...] = (
    Technique("emulation", "Emulation", _emulation, EmulatedVm, charges=EMULATED),
    Technique(
        "trap-and-emulate", "Trap-and-emulate", _trap_and_emulate, isas=(IA32, VIRTUALIZABLE)
    ),
    Technique("binary-translation", "Binary translation", _binary_translation),
    Technique(
        "paravirtualization", "Paravirtualization", _paravirtualization, Domain,
        port="PARAVIRT", charges=PARAVIRTUAL,
    ),
)


def technique(id: str) -> Technique:
    """The technique with this id; KeyError if there is none."""
    return {entry.id: entry for entry in TECHNIQUES}[id]
