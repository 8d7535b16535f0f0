"""Real guests with balloon drivers that lend each other frames: the pool in machine code.

Each virtual machine runs ``guests/pool/balloon.asm`` with its own appetite. The host sets the
drivers' targets; frames one gives up are what the other may have.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringside.guests import program
from ringside.host.balloon import Balloon, FramePool, plug_balloon
from ringside.host.policies import RoundRobin
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.registry import technique
from ringside.vmm.vm import Vm
from ringside.vmm.vmm import Vmm

MEMORY = 3 << 20  # of each guest; its kernel hands out 128 pages from 2 MiB on
SLICE = 5_000  # ticks
NAMES = "abcdefgh"


class Lending:
    """``wants`` are the pages each guest's program would like to have."""

    def __init__(self, wants: Sequence[int]) -> None:
        self.pool = FramePool()
        self.balloons: list[Balloon] = []
        self.vmm: Vmm = assemble_vmm(
            technique("trap-and-emulate"),
            [self._plan(name, want) for name, want in zip(NAMES, wants, strict=False)],
            policy=RoundRobin(SLICE))

    def _plan(self, name: str, want: int) -> VmPlan:
        image = program("balloon", {"WANT": want})

        def load(machine: Machine) -> None:
            load_program(machine, image)

        def prepare(vm: Vm) -> None:
            self.balloons.append(plug_balloon(vm, self.pool))

        return VmPlan(name, MEMORY, load, prepare=prepare)

    @property
    def vms(self) -> list[Vm]:
        """The virtual machines."""
        return self.vmm.vms

    def run(self, targets: Sequence[int], steps: int) -> None:
        """Ask the drivers for ``targets`` pages, and let the guests run ``steps`` steps."""
        for balloon, target in zip(self.balloons, targets, strict=True):
            balloon.target = target
        self.vmm.run(steps)

    def owned(self, number: int) -> set[int]:
        """The host frames VM ``number`` has."""
        return {hfn for hfn in self.vms[number].allotment.hfns if hfn >= 0}
