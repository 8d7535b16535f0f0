"""A phone with two worlds: a radio that may not be late and a rich one that is always busy.

Two virtual machines share one processor. Their devices keep the host's time, so what one world or
the VMM uses up is gone for the other. The radio's device counts frames; whether each is answered
in time is a fact of the run, decided by nothing but the scheduling policy and the guests' code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from ringside.host.policies import FixedPriority, RoundRobin
from ringside.host.radio import IRQ, Radio
from ringside.host.virtualized import Virtualized
from ringside.machine.machine import Machine
from ringside.vmm.building import VmPlan, assemble_vmm
from ringside.vmm.clock import HostClock
from ringside.vmm.registry import Technique, technique
from ringside.vmm.scheduling import Policy
from ringside.vmm.vm import Vm

# A slow phone keeps a run short enough to watch: a million instructions a second (modelled).
TICKS_PER_SECOND = 1_000_000
FRAME_TICKS = 4_615  # a GSM TDMA frame, 4.615 ms (120/26 ms)
SLICE_TICKS = 30_000  # 30 ms, the time slice of Xen's credit scheduler
EXIT_COST = 20  # ticks the VMM needs for one exit (modelled)
RADIO_MEMORY = 2 << 20
RICH_MEMORY = 4 << 20

TECHNIQUE = technique("trap-and-emulate")  # phones of that time had nothing better

RADIO, RICH = 0, 1  # the order of the virtual machines

POLICIES: dict[str, Callable[[int], Policy]] = {
    "round-robin": RoundRobin,
    "fixed-priority": lambda time_slice: FixedPriority((RADIO, RICH)),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen: the policy's id, and times in ticks of the host."""

    policy: str = "round-robin"
    frame_ticks: int = FRAME_TICKS
    slice_ticks: int = SLICE_TICKS
    exit_cost: int = EXIT_COST


class Phone(Virtualized):
    """The phone as a system: two worlds under a VMM, and the radio. Keys go to the rich world."""

    def __init__(
        self,
        load_radio: Callable[[Machine], object],
        load_rich: Callable[[Machine], object],
        settings: Settings | None = None,
        technique: Technique = TECHNIQUE,
    ) -> None:
        self.settings = settings = settings or Settings()
        if settings.policy not in POLICIES:
            known = ", ".join(POLICIES)
            raise ValueError(f"there is no policy {settings.policy!r}; choose one of: {known}")
        vmm = assemble_vmm(
            technique,
            (
                VmPlan("radio", RADIO_MEMORY, load_radio, prepare=self._plug_radio),
                VmPlan("rich", RICH_MEMORY, load_rich),
            ),
            policy=POLICIES[settings.policy](settings.slice_ticks),
            clock=HostClock,
            exit_cost=settings.exit_cost,
            ticks_per_second=TICKS_PER_SECOND,
        )
        super().__init__(technique.id, vmm)
        self.focus = RICH

    def _plug_radio(self, vm: Vm) -> None:
        chipset = vm.hardware.chipset
        self.radio = Radio(
            vm.hardware.clock, chipset.pic.line(IRQ), period=self.settings.frame_ticks, vm=vm.name
        )
        self.radio.listener = vm.emit  # what it tells is told to the VM's spectator
        chipset.plug(self.radio, IRQ)

    # -- the system ------------------------------------------------------------------------------

    @property
    def console(self) -> str:
        """What both worlds wrote, the radio's first."""
        return "".join(vm.console for vm in self.vms)

    def digest(self) -> str:
        """SHA-256 over what the radio's world and the rich one can see, in that order."""
        return sha256("".join(vm.digest() for vm in self.vms).encode()).hexdigest()
