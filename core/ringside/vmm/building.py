"""Putting a hypervisor together: memory for everybody, virtual machines, techniques, the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringside.machine.machine import TICKS_PER_SECOND, Machine
from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.vmm.allotment import Allotment
from ringside.vmm.clock import VirtualClock, VmClock
from ringside.vmm.monitor import WINDOW_SIZE, Monitor
from ringside.vmm.registry import IA32, VIRTUALIZABLE, Technique
from ringside.vmm.scheduling import Policy
from ringside.vmm.vm import Vm
from ringside.vmm.vmm import Guest, Vmm


@dataclass(frozen=True, slots=True)
class VmPlan:
    """A virtual machine to be: ``load`` puts its image into the virtual hardware."""

    name: str
    memory_size: int
    load: Callable[[Machine], object]
    disk: bytes | None = None
    prepare: Callable[[Vm], None] | None = None  # e.g. to plug in another virtual device


def assemble_vmm(
    technique: Technique,
    plans: Sequence[VmPlan],
    *,
    policy: Policy | None = None,
    clock: Callable[[], VmClock] = VirtualClock,
    exit_cost: int = 1,
    ticks_per_second: int = TICKS_PER_SECOND,
    isa: str = IA32,
    memory: str = "",
) -> Vmm:
    """Build the host, give each VM its memory and image, and hand the processor to the VMM.

    The host's RAM is the VMM's 4 MiB and, after it, what the VMs are allotted. ``memory`` is the
    memory technique, "" for the one that usually goes with ``technique``.
    """
    if memory and memory not in technique.memories:
        raise ValueError(
            f"{technique.id} goes with the memory technique "
            f"{' or '.join(technique.memories)}, not {memory}"
        )
    if isa not in technique.isas:
        raise ValueError(
            f"{technique.id} runs on the instruction set {' or '.join(technique.isas)}, not {isa}"
        )
    total = WINDOW_SIZE + sum(plan.memory_size for plan in plans)
    machine = Machine(total, ticks_per_second=ticks_per_second)
    machine.cpu.trap_sensitive = isa == VIRTUALIZABLE
    monitor = Monitor(machine)
    next_frame = WINDOW_SIZE >> FRAME_SHIFT
    guests = []
    for plan in plans:
        if plan.memory_size <= 0 or plan.memory_size % FRAME:
            raise ValueError(f"memory of {plan.name} must be a positive multiple of {FRAME} bytes")
        frames = plan.memory_size >> FRAME_SHIFT
        allotment = Allotment(list(range(next_frame, next_frame + frames)))
        next_frame += frames
        vm = technique.machine(plan.name, machine, allotment, disk=plan.disk)
        if plan.prepare is not None:
            plan.prepare(vm)
        plan.load(vm.hardware)
        cpu, paging = technique.install(vm, monitor, memory)
        guests.append(Guest(vm, cpu, paging, clock()))
    pools = monitor.share_pool(len(guests))
    for guest, pool in zip(guests, pools, strict=True):
        guest.memory.receive_frames(pool)
    return Vmm(machine, monitor, guests, policy=policy, exit_cost=exit_cost)
