"""Into VMX root operation, and the regions in memory a virtual machine needs there.

The VMM's ring 0 stays as :mod:`ringside.vmm.monitor` furnished it; what is new is the way out of a
guest: not a gate of the IDT but the host-state area of the VMCS, which names one entry point.
"""

from __future__ import annotations

from ringside.machine.cpu import Cpu
from ringside.machine.machine import Machine
from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.machine.vmx.operation import FEATURE_LOCKED, FEATURE_VMX, Vmx
from ringside.vmm.monitor import ENTRIES, ENTRY_SIZE, WINDOW, Monitor

CR4 = 4
CR4_VMXE = 1 << 13
MSR_FEATURE_CONTROL, MSR_VMX_BASIC = 0x3A, 0x480
EXIT_ENTRY = WINDOW + ENTRIES + 0xFF * ENTRY_SIZE
"""Linear address where every VM exit arrives: the entry point of a vector nobody uses."""


def vmx_of(machine: Machine) -> Vmx:
    """VMX operation of a machine that is in it."""
    vmx = machine.cpu.vmx
    if vmx is None:
        raise RuntimeError("the processor is not in VMX operation")
    return vmx


def enter_root_operation(monitor: Monitor) -> None:
    """VMXON, unless it was executed for another virtual machine already (SDM vol. 3C, 24.7)."""
    cpu = monitor.machine.cpu
    if cpu.vmx is not None:
        return
    cpu.write_msr(MSR_FEATURE_CONTROL, FEATURE_LOCKED | FEATURE_VMX)
    cpu.write_control(CR4, cpu.cr4 | CR4_VMXE)
    cpu.vmxon(region(monitor, cpu))


def region(monitor: Monitor, cpu: Cpu) -> int:
    """A page that begins with the processor's VMCS revision identifier (hpa)."""
    hpa = monitor.take(FRAME)
    monitor.machine.memory.write32(hpa, cpu.read_msr(MSR_VMX_BASIC) & 0x7FFF_FFFF)
    return hpa


def bitmap(monitor: Monitor, pages: int) -> int:
    """So many pages with every bit set: each port, or each MSR, leaves the guest (hpa)."""
    hpa = monitor.take(pages * FRAME)
    monitor.machine.memory.write_bytes(hpa, b"\xff" * (pages * FRAME))
    return hpa


def vpid_of(vmcs: int) -> int:
    """A virtual-processor identifier: the frame number of the VMCS, which no other VM has."""
    return vmcs >> FRAME_SHIFT & 0xFFFF
