"""One way to build any system that runs a guest: bare metal, or a technique's VMM.

Every system offers the same read-outs and controls (:class:`System`), so labs, scenes, the command
line and the tests need not know which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringside.host.virtualized import Listener
from ringside.host.virtualized import Virtualized as Virtualized
from ringside.machine.cpu import Cpu
from ringside.machine.loader import Program, load, load_program
from ringside.machine.machine import TICKS_PER_SECOND, Machine
from ringside.machine.memory import Memory
from ringside.machine.outcome import Outcome
from ringside.machine.structure_caches import StructureCaches
from ringside.trace.cost import BARE, Charges
from ringside.trace.counters import Counts
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.clock import VirtualClock, VmClock
from ringside.vmm.registry import IA32, NESTED, SHADOW, TECHNIQUES, Technique
from ringside.vmm.scheduling import Policy
from ringside.vmm.vm import Vm

BARE_METAL = "bare-metal"


@dataclass(frozen=True, slots=True)
class Image:
    """What a guest starts from: an assembled program, or the bytes of a binary."""

    program: Program | bytes
    name: str = "guest"
    memory_size: int = 8 << 20
    disk: bytes | None = None

    def load(self, machine: Machine) -> object:
        """Put it into a machine, real or virtual; raises ``ImageError``."""
        if isinstance(self.program, bytes):
            return load(machine, self.program)
        return load_program(machine, self.program)


@dataclass(frozen=True, slots=True)
class Options:
    """How a system is built, besides what runs in it."""

    ticks_per_second: int = TICKS_PER_SECOND
    policy: Policy | None = None
    clock: Callable[[], VmClock] = VirtualClock
    exit_cost: int = 1
    isa: str = IA32  # what the VMM makes of the processor; without a VMM it is plain IA-32
    memory: str = ""  # the memory technique, where one can be chosen; "": the usual one
    walk_cache: int = 0  # entries of the real processor's walk cache; 0: it has none
    nested_tlb: int = 0  # the same of its nested TLB


class System(Protocol):
    """A guest, or several, and everything under them."""

    @property
    def technique(self) -> str: ...
    @property
    def machine(self) -> Machine:
        """The real machine."""

    @property
    def vms(self) -> list[Vm]:
        """The virtual machines; empty on bare metal."""

    @property
    def steps(self) -> int: ...
    @property
    def time(self) -> int:
        """Host time in ticks."""

    @property
    def pc(self) -> int:
        """Linear address of the real processor's next instruction."""

    @property
    def guest_cpu(self) -> Cpu:
        """The processor as the guest believes it to be: the real one, or the virtual CPU."""

    @property
    def guest_memory(self) -> Memory:
        """The guest's memory at its own physical addresses."""

    @property
    def written(self) -> Collection[int]:
        """The guest's frames that may have been written to since the last picture."""

    @property
    def guest_steps(self) -> int:
        """Steps of the (current) guest as bare metal counts them."""

    @property
    def console(self) -> str: ...
    @property
    def outcome(self) -> Outcome | None: ...
    @property
    def context(self) -> str:
        """Who has the real processor: ``app``, ``kernel`` or ``vmm``."""

    listener: Listener | None
    breakpoints: frozenset[int]

    def step(self) -> None: ...
    def run(self, limit: int) -> str: ...
    def digest(self) -> str: ...
    def freeze(self) -> Any: ...
    def thaw(self, picture: Any) -> None: ...
    def type_text(self, text: str, device: str = "serial") -> None: ...


class BareMetal:
    """The guest owns the machine."""

    technique = BARE_METAL

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.vms: list[Vm] = []

    @property
    def steps(self) -> int:
        """Steps taken since power-on."""
        return self.machine.steps

    @property
    def guest_steps(self) -> int:
        """The same: there is nobody else."""
        return self.machine.steps

    @property
    def time(self) -> int:
        """Ticks since power-on."""
        return self.machine.time

    @property
    def pc(self) -> int:
        """Linear address of the real processor's next instruction."""
        return self.machine.pc

    @property
    def breakpoints(self) -> frozenset[int]:
        """Linear addresses ``run`` stops before."""
        return self.machine.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: frozenset[int]) -> None:
        self.machine.breakpoints = addresses

    @property
    def guest_cpu(self) -> Cpu:
        """The real processor."""
        return self.machine.cpu

    @property
    def guest_memory(self) -> Memory:
        """The real memory."""
        return self.machine.memory

    @property
    def written(self) -> Collection[int]:
        """Its frames that may have been written to since the last picture."""
        return self.machine.memory.changed

    @property
    def console(self) -> str:
        """What the guest wrote."""
        return self.machine.console

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended."""
        return self.machine.outcome

    @property
    def context(self) -> str:
        """Who is running."""
        return self.machine.cpu.context

    @property
    def listener(self) -> Listener | None:
        """Who hears what happens."""
        return self.machine.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self.machine.listener = listener

    def step(self) -> None:
        """One step."""
        self.machine.step()

    def run(self, limit: int) -> str:
        """Up to ``limit`` steps."""
        return self.machine.run(limit)

    def digest(self) -> str:
        """SHA-256 of the guest-visible state."""
        return self.machine.digest()

    def freeze(self) -> Any:
        """A picture of everything."""
        return self.machine.freeze()

    def thaw(self, picture: Any) -> None:
        """Go to the moment of ``picture``."""
        self.machine.thaw(picture)

    def type_text(self, text: str, device: str = "serial") -> None:
        """Type at the machine."""
        self.machine.type_text(text, device)


def _bare(images: Sequence[Image], options: Options) -> System:
    if len(images) != 1:
        raise ValueError("bare metal runs one guest; choose a technique for several")
    image = images[0]
    machine = Machine(
        image.memory_size, disk=image.disk, ticks_per_second=options.ticks_per_second
    )
    image.load(machine)
    return BareMetal(machine)


def _under(technique: Technique) -> Callable[[Sequence[Image], Options], System]:
    def build(images: Sequence[Image], options: Options) -> System:
        plans = [
            VmPlan(image.name, image.memory_size, image.load, image.disk) for image in images
        ]
        vmm = assemble_vmm(
            technique,
            plans,
            policy=options.policy,
            clock=options.clock,
            exit_cost=options.exit_cost,
            ticks_per_second=options.ticks_per_second,
            isa=options.isa,
            memory=options.memory,
        )
        return Virtualized(technique.id, vmm)

    return build


DEFINES: dict[str, dict[str, int]] = {
    BARE_METAL: {},
    **{technique.id: {technique.port: 1} if technique.port else {} for technique in TECHNIQUES},
}
"""What a guest has to be assembled with for each technique: those that need a ported guest."""
UNMODIFIED: tuple[str, ...] = tuple(
    technique.id for technique in TECHNIQUES if not technique.port
)
"""The techniques that run any guest as it is."""
ISAS: dict[str, tuple[str, ...]] = {technique.id: technique.isas for technique in TECHNIQUES}
"""The instruction sets each technique can be shown on."""
MEMORIES: dict[str, tuple[str, ...]] = {
    technique.id: tuple(technique.memories) for technique in TECHNIQUES
}
"""The memory techniques each goes with, the usual one first."""
CHARGES: dict[str, Charges] = {
    BARE_METAL: BARE,
    **{technique.id: technique.charges for technique in TECHNIQUES},
}
WORK: dict[str, Callable[[Any], Counts]] = {
    technique.id: technique.work for technique in TECHNIQUES
}


def work(system: System) -> Counts:
    """What the guest in focus has cost besides what events tell; see ``Technique.work``."""
    if isinstance(system, Virtualized):
        return WORK[system.technique](system.vmm.guests[system.focus].cpu)
    return {}


def memory_on(technique: str, ept: bool) -> str:
    """The memory technique that goes with it on a processor with or without EPT: shadow tables
    where there is none; "" for the usual one."""
    return SHADOW if not ept and MEMORIES.get(technique, ())[:1] == (NESTED,) else ""


def charges_of(technique: str, memory: str = "") -> Charges:
    """What a run is billed for, with the usual memory technique or another."""
    if technique == BARE_METAL:
        return BARE
    found = {entry.id: entry for entry in TECHNIQUES}[technique]
    return found.charges_by_memory.get(memory, found.charges)


BUILDERS: dict[str, Callable[[Sequence[Image], Options], System]] = {
    BARE_METAL: _bare,
    **{technique.id: _under(technique) for technique in TECHNIQUES},
}


def build(
    technique: str, images: Image | Sequence[Image], options: Options | None = None
) -> System:
    """Build a system; raises ValueError naming the techniques there are, or ``ImageError``."""
    builder = BUILDERS.get(technique)
    if builder is None:
        raise ValueError(f"there is no technique {technique!r}; choose one of: "
                         f"{', '.join(BUILDERS)}")
    settled = options or Options()
    system = builder([images] if isinstance(images, Image) else images, settled)
    if settled.walk_cache or settled.nested_tlb:
        caches = StructureCaches(settled.walk_cache, settled.nested_tlb)
        system.machine.tlb.structures = caches
    return system
