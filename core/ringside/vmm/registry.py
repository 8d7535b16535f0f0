"""The techniques there are: what the page's menus, the command line and the tests read.

To add one: write its file, add one line to ``TECHNIQUES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringside.trace.cost import (
    ASSISTED,
    ASSISTED_SHADOW,
    DEPRIVILEGED,
    EMULATED,
    PARAVIRTUAL,
    TRANSLATED,
    Charges,
)
from ringside.trace.counters import Counts
from ringside.vmm.cpu.binary_translation import BinaryTranslation
from ringside.vmm.cpu.emulation import EmulatedVm, Emulation, NoTables
from ringside.vmm.cpu.hardware_assist import HardwareAssist
from ringside.vmm.cpu.paravirtualization import Paravirtualization
from ringside.vmm.cpu.trap_and_emulate import TrapAndEmulate
from ringside.vmm.hardware.root import enter_root_operation, region, vpid_of
from ringside.vmm.hardware.shadowed import ShadowedVmx
from ringside.vmm.hardware.vm import HardwareVm
from ringside.vmm.memory.cached import CachedShadow
from ringside.vmm.memory.direct import DirectPaging
from ringside.vmm.memory.nested import NestedPaging
from ringside.vmm.memory.shadow import ShadowPaging
from ringside.vmm.memory.traced import TracedShadow
from ringside.vmm.monitor import Monitor
from ringside.vmm.paravirt.domain import Domain
from ringside.vmm.translation.readout import read_work
from ringside.vmm.vm import Vm
from ringside.vmm.vmm import CpuTechnique, MemoryTechnique

SHADOW, NESTED, TRACED, CACHED, UNTAGGED = "shadow", "nested", "traced", "cached", "untagged"
"""Memory techniques that some CPU technique can be combined with by choice; the last is nested
paging without VPIDs, whose TLB is empty after every VM entry and exit."""
IA32, VIRTUALIZABLE = "ia32", "virtualizable"
"""Instruction sets: IA-32 as it is, and the fiction in which whatever is sensitive traps outside
ring 0 (:attr:`ringside.machine.cpu.Cpu.trap_sensitive`), as Popek and Goldberg's theorem asks."""


def _none(technique: object) -> Counts:
    return {}


Install = Callable[[Any, Monitor], tuple[CpuTechnique, MemoryTechnique]]
"""Makes the objects of a CPU and a memory technique for one VM, which is one of ``machine``'s."""


@dataclass(frozen=True, slots=True)
class Technique:
    """A way to run guests.

    ``title`` is a key of the message catalogues as well as an English name.
    """

    id: str
    title: str
    memories: Mapping[str, Install]  # by the memory technique it is combined with, the usual first
    machine: Callable[..., Vm] = Vm  # what its virtual machines are made of
    isas: tuple[str, ...] = (IA32,)  # the instruction sets it can be shown on
    port: str = ""  # the define a guest is assembled with for it; "" for guests as they are
    charges: Charges = field(default_factory=lambda: DEPRIVILEGED)  # what its events are billed as
    work: Callable[[Any], Counts] = _none  # what costs time and no event tells, counted so far
    charges_by_memory: Mapping[str, Charges] = field(default_factory=dict)  # where they differ

    @property
    def memory(self) -> str:
        """The memory technique it usually goes with."""
        return next(iter(self.memories))

    def install(
        self, vm: Vm, monitor: Monitor, memory: str = ""
    ) -> tuple[CpuTechnique, MemoryTechnique]:
        """Make its objects for one VM, with the usual ``memory`` technique or another."""
        return self.memories[memory or self.memory](vm, monitor)


def _deprivileged(
    cpu: Callable[[Vm, Monitor, ShadowPaging], CpuTechnique], kind: type[ShadowPaging]
) -> Install:
    def install(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
        shadow = kind(vm, monitor)
        vm.tlb.shadow = shadow
        return cpu(vm, monitor, shadow), shadow

    return install


def _emulation(vm: Vm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    return Emulation(vm, monitor), NoTables()


def _paravirtualization(vm: Domain, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
    cpu, paging = Paravirtualization(vm, monitor), DirectPaging(vm, monitor)
    vm.furnish(cpu.segments, paging)
    return cpu, paging


def _assisted_nested(tagged: bool) -> Install:
    def install(vm: HardwareVm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
        enter_root_operation(monitor)
        vmcs = region(monitor, monitor.machine.cpu)
        paging = NestedPaging(vm, monitor, vpid_of(vmcs) if tagged else 0)
        vm.tlb.shadow = paging
        return HardwareAssist(vm, monitor, paging, vmcs), paging

    return install


def assisted(kind: type[ShadowPaging], interprets_io: bool = False) -> Install:
    """Hardware assist with page tables of the VMM's own.

    ``interprets_io`` says how port accesses are carried out: see
    :class:`ringside.vmm.hardware.handlers.ExitHandlers`.
    """

    def install(vm: HardwareVm, monitor: Monitor) -> tuple[CpuTechnique, MemoryTechnique]:
        enter_root_operation(monitor)
        paging = ShadowedVmx(kind(vm, monitor, window=False))
        vm.tlb.shadow = paging.shadow
        vmcs = region(monitor, monitor.machine.cpu)
        return HardwareAssist(vm, monitor, paging, vmcs, interprets_io), paging

    return install


SHADOWS: Mapping[str, type[ShadowPaging]] = {
    SHADOW: ShadowPaging, TRACED: TracedShadow, CACHED: CachedShadow,
}  # fmt: skip

TECHNIQUES: tuple[Technique, ...] = (
    Technique("emulation", "Emulation", {"walked": _emulation}, EmulatedVm, charges=EMULATED),
    Technique(
        "trap-and-emulate", "Trap-and-emulate",
        {name: _deprivileged(TrapAndEmulate, kind) for name, kind in SHADOWS.items()},
        isas=(IA32, VIRTUALIZABLE),
    ),
    Technique(
        "binary-translation", "Binary translation",
        {name: _deprivileged(BinaryTranslation, kind) for name, kind in SHADOWS.items()},
        charges=TRANSLATED, work=read_work,
    ),
    Technique(
        "paravirtualization", "Paravirtualization", {"direct": _paravirtualization}, Domain,
        port="PARAVIRT", charges=PARAVIRTUAL,
    ),
    Technique(
        "hardware-assist", "Hardware assist",
        {NESTED: _assisted_nested(True), UNTAGGED: _assisted_nested(False)}
        | {name: assisted(kind) for name, kind in SHADOWS.items()},
        HardwareVm, charges=ASSISTED,
        charges_by_memory=dict.fromkeys((SHADOW, TRACED, CACHED), ASSISTED_SHADOW),
    ),
)


def technique(id: str) -> Technique:
    """The technique with this id; KeyError if there is none."""
    return {entry.id: entry for entry in TECHNIQUES}[id]
