"""Guests under a VMM as one system: what a timeline, a lab or a test needs of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ringside.machine.cpu import Cpu
from ringside.machine.machine import Machine
from ringside.machine.memory import Memory
from ringside.machine.outcome import Outcome
from ringside.trace.events import Event
from ringside.vmm.vm import Vm
from ringside.vmm.vmm import Vmm

Listener = Callable[[Event], None]


class Virtualized:
    """One or more guests under a VMM. ``guest_*`` and ``console`` speak of the first guest, or of
    the one in ``focus``."""

    def __init__(self, technique: str, vmm: Vmm) -> None:
        self.technique = technique
        self.vmm = vmm
        self.focus = 0

    @property
    def machine(self) -> Machine:
        """The real machine."""
        return self.vmm.machine

    @property
    def vms(self) -> list[Vm]:
        """The virtual machines."""
        return self.vmm.vms

    @property
    def vm(self) -> Vm:
        """The virtual machine in focus."""
        return self.vmm.vms[self.focus]

    @property
    def steps(self) -> int:
        """Steps taken: guest instructions and phases of the VMM."""
        return self.vmm.steps

    @property
    def guest_steps(self) -> int:
        """Steps of the guest in focus, as bare metal counts them."""
        return self.vm.guest_steps

    @property
    def time(self) -> int:
        """Host time in ticks."""
        return self.vmm.time

    @property
    def pc(self) -> int:
        """Linear address of the next instruction: the guest's as it believes, or the VMM's."""
        return self.vmm.pc

    @property
    def breakpoints(self) -> frozenset[int]:
        """Linear addresses ``run`` stops before."""
        return self.vmm.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: frozenset[int]) -> None:
        self.vmm.breakpoints = addresses

    @property
    def guest_cpu(self) -> Cpu:
        """The virtual CPU of the guest in focus."""
        return self.vm.vcpu

    @property
    def guest_memory(self) -> Memory:
        """The memory of the guest in focus, at its own physical addresses."""
        return self.vm.memory

    @property
    def written(self) -> Collection[int]:
        """Its frames that may have been written to since the last picture."""
        return self.vm.allotment.guest_frames(self.machine.memory.changed)

    @property
    def console(self) -> str:
        """What the guest in focus wrote."""
        return self.vm.console

    @property
    def outcome(self) -> Outcome | None:
        """How it all ended."""
        return self.vmm.outcome

    @property
    def context(self) -> str:
        """Who has the real processor."""
        return self.machine.cpu.context if self.vmm.in_guest else "vmm"

    @property
    def listener(self) -> Listener | None:
        """Who hears what happens."""
        return self.vmm.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self.vmm.listener = listener

    def step(self) -> None:
        """One step."""
        self.vmm.step()

    def run(self, limit: int) -> str:
        """Up to ``limit`` steps."""
        return self.vmm.run(limit)

    def digest(self) -> str:
        """SHA-256 of what the guest in focus can see, comparable with bare metal's."""
        return self.vm.digest()

    def freeze(self) -> Any:
        """A picture of everything."""
        return self.vmm.freeze()

    def thaw(self, picture: Any) -> None:
        """Go to the moment of ``picture``."""
        self.vmm.thaw(picture)

    def type_text(self, text: str, device: str = "serial") -> None:
        """Type at the guest in focus."""
        self.vmm.type_text(text, device, self.vm.name)
