"""Whose time a VM's devices keep: its own, or the host's.

With :class:`VirtualClock` a VM's time is what its guest did: one tick an instruction, exactly as on
bare metal, so the guest cannot tell how long the VMM took. With :class:`HostClock` it is the
host's time: what others and the VMM use up is gone for the guest too, as in real life.
"""

from __future__ import annotations

from typing import Protocol

from ringside.isa.registers import FLAG_IF
from ringside.vmm.vm import Vm


class VmClock(Protocol):
    """A rule for a VM's time. ``host`` is host time now; results are host times."""

    def ran(self, vm: Vm, ticks: int, host: int) -> None:
        """The guest ran directly for ``ticks``."""

    def set(self, vm: Vm, host: int) -> None:
        """The VMM is about to work on the VM: make its time what it should be now."""

    def next_event(self, vm: Vm, host: int) -> int | None:
        """When the VMM must next look after the running VM's virtual devices."""

    def wake_time(self, vm: Vm, host: int) -> int:
        """When a halted VM has something to do again."""


def _device_event(vm: Vm) -> int | None:
    """Guest time at which a virtual interrupt may have to be delivered; None for never."""
    vcpu = vm.vcpu
    if vm.told_pending is None and not vcpu._eflags & FLAG_IF:
        return None  # the devices catch up when the guest next touches them or enables interrupts
    if vcpu.interrupt_line:
        if vm.told_pending:
            return None  # the guest's code calls the VMM when it enables interrupts
        return vcpu.time + (1 if vcpu.inhibit else 0)
    return vm.hardware.chipset.deadline()


class VirtualClock:
    """The guest's own time."""

    __slots__ = ()

    def ran(self, vm: Vm, ticks: int, host: int) -> None:
        """An instruction is a tick."""
        if ticks:
            vm.vcpu.time += ticks
            vm.vcpu.inhibit = False

    def set(self, vm: Vm, host: int) -> None:
        """Nothing else moves it."""

    def next_event(self, vm: Vm, host: int) -> int | None:
        """Guest ticks ahead are host ticks ahead while the guest runs."""
        event = _device_event(vm)
        return None if event is None else host + event - vm.now

    def wake_time(self, vm: Vm, host: int) -> int:
        """It sleeps as long as its own clock says."""
        wake = vm.hardware.chipset.next_wake()
        return host if wake is None else host + max(0, wake - vm.now)


class HostClock:
    """The host's time; the difference to what the guest did counts as slept."""

    __slots__ = ()

    def ran(self, vm: Vm, ticks: int, host: int) -> None:
        """An instruction is a tick; the rest of the host's time comes with ``set``."""
        if ticks:
            vm.vcpu.time += ticks
            vm.vcpu.inhibit = False

    def set(self, vm: Vm, host: int) -> None:
        """Let the time pass that somebody else used."""
        if host > vm.now:
            vm.vcpu.sleep(host - vm.now)

    def next_event(self, vm: Vm, host: int) -> int | None:
        """Virtual devices keep host time."""
        event = _device_event(vm)
        return event if event is None else max(event, host)

    def wake_time(self, vm: Vm, host: int) -> int:
        """Virtual devices keep host time."""
        wake = vm.hardware.chipset.next_wake()
        return host if wake is None else max(wake, host)
