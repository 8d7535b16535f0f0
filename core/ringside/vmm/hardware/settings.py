"""Which controls a virtual machine runs under, and the host state it is left to.

What every virtual machine needs stands in :func:`furnish`; what depends on how its addresses are
translated comes from its memory technique as a :class:`Regime`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ringside.isa.registers import CS, DS, ES, FS, GS, SS
from ringside.machine.control import CR0_CD, CR0_NE, CR0_NW, CR4_VMXE
from ringside.machine.cpu import Cpu
from ringside.machine.memory import FRAME
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.operation import Vmx
from ringside.vmm.hardware.root import EXIT_ENTRY, bitmap
from ringside.vmm.monitor import (
    EMPTY_DIRECTORY,
    IDT,
    MONITOR_CODE,
    MONITOR_DATA,
    MONITOR_TSS,
    STACK_TOP,
    TSS,
    WINDOW,
    Monitor,
)

PIN = bits.EXTERNAL_INTERRUPT
PRIMARY = (
    bits.HLT_EXITING | bits.RDTSC_EXITING | bits.USE_IO_BITMAPS | bits.USE_MSR_BITMAPS
    | bits.ACTIVATE_SECONDARY
)  # fmt: skip
LEAVING = bits.SAVE_DEBUG | bits.ACKNOWLEDGE_INTERRUPT
ENTERING = bits.LOAD_DEBUG
ALL_ONES = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Owned:
    """The bits of CR0 or CR4 that are the VMM's: ``mask``, and what they ``really`` are.

    The guest reads and believes it writes them in the read shadow.
    """

    mask: int
    really: int

    def real(self, believed: int) -> int:
        """The real register for what the guest believes."""
        return believed & ~self.mask | self.really

    def believed(self, real: int, before: int) -> int:
        """What the guest believes: its own bits from the real register, the others as before."""
        return real & ~self.mask | before & self.mask


# In VMX operation NE and VMXE must be 1, and VM entry does not load CD and NW (SDM 24.8, 27.3.2.1).
LEAST_CR0 = Owned(CR0_NE | CR0_CD | CR0_NW, CR0_NE)
LEAST_CR4 = Owned(CR4_VMXE, CR4_VMXE)


@dataclass(frozen=True, slots=True)
class Regime:
    """What a way of translating a guest's addresses asks of its VMCS.

    ``primary`` and ``secondary`` controls, the ``exceptions`` that leave (bit by vector), the bits
    of CR0 and CR4 that are the VMM's, whether the guest may run in real mode and unpaged, and
    whether CR3 is its own.
    """

    primary: int = 0
    secondary: int = 0
    exceptions: int = 0
    cr0: Owned = LEAST_CR0
    cr4: Owned = LEAST_CR4
    unrestricted: bool = False
    own_cr3: bool = False


class VmxMemory(Protocol):
    """A memory technique that goes with VMX."""

    @property
    def regime(self) -> Regime: ...
    def guest_cr3(self, believed: int) -> int:
        """What the real CR3 holds in the guest whose own is ``believed``."""

    def fields(self) -> Iterable[tuple[int, int]]:
        """Further fields of the VMCS, set once: encoding (of a 64-bit one, each half) and value."""


def furnish(vmx: Vmx, monitor: Monitor, memory: VmxMemory) -> None:
    """Write controls and host state into the current VMCS; guest state comes with each entry."""
    regime = memory.regime
    wanted = {
        f.PIN_CONTROLS: PIN | bits.allowed("pin")[0],
        f.PRIMARY_CONTROLS: PRIMARY | regime.primary | bits.allowed("primary")[0],
        f.SECONDARY_CONTROLS: regime.secondary,
        f.EXIT_CONTROLS: LEAVING | bits.allowed("exit")[0],
        f.ENTRY_CONTROLS: ENTERING | bits.allowed("entry")[0],
        f.EXCEPTION_BITMAP: regime.exceptions,
        f.CR0_MASK: regime.cr0.mask,
        f.CR4_MASK: regime.cr4.mask,
        f.LINK_POINTER: ALL_ONES,
        f.LINK_POINTER + 1: ALL_ONES,
    }
    ports = bitmap(monitor, 2)
    wanted |= {f.IO_BITMAP_A: ports, f.IO_BITMAP_B: ports + FRAME}
    wanted[f.MSR_BITMAP] = bitmap(monitor, 1)
    for field, value in (*wanted.items(), *memory.fields(), *host_state(monitor.machine.cpu)):
        vmx.write(field, value)


def host_state(cpu: Cpu) -> Iterable[tuple[int, int]]:
    """Where a VM exit leads: ring 0 as the monitor has furnished it, at the one entry point."""
    for seg in (ES, SS, DS, FS, GS):
        yield f.HOST_SELECTOR + 2 * seg, MONITOR_DATA
    yield f.HOST_SELECTOR + 2 * CS, MONITOR_CODE
    yield f.HOST_SELECTOR + 12, MONITOR_TSS
    yield f.HOST_CR0, cpu.cr0
    yield f.HOST_CR3, EMPTY_DIRECTORY
    yield f.HOST_CR4, cpu.cr4
    yield f.HOST_TR_BASE, WINDOW + TSS
    yield f.HOST_GDTR_BASE, cpu.gdtr.base
    yield f.HOST_IDTR_BASE, WINDOW + IDT
    yield f.HOST_ESP, WINDOW + STACK_TOP
    yield f.HOST_EIP, EXIT_ENTRY
