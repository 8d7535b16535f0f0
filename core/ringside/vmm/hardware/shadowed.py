"""Shadow paging under VMX, as on its first generation, which had no EPT.

The tables and their upkeep are those of :mod:`ringside.vmm.memory.shadow`. What VMX changes is how
the VMM comes to hear of what it must know: page faults by the exception bitmap, CR3 and INVLPG by
execution controls; and that the guest has all of linear memory, for the VMM is in none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from ringside.machine.control import (
    CR0_AM,
    CR0_EM,
    CR0_ET,
    CR0_KNOWN,
    CR0_MP,
    CR0_NE,
    CR0_PE,
    CR0_PG,
    CR0_TS,
    CR0_WP,
    CR4_FLUSHES,
    CR4_VMXE,
)
from ringside.machine.vmx import controls as bits
from ringside.vmm.exits import Handler
from ringside.vmm.hardware.settings import Owned, Regime
from ringside.vmm.memory.shadow import ShadowPaging

PAGE_FAULT = 14
GUESTS_OWN = CR0_MP | CR0_EM | CR0_TS | CR0_AM


class ShadowedVmx:
    """One VM's shadow tables, which its real CR3 always holds."""

    __slots__ = ("shadow",)
    transient: ClassVar[frozenset[str]] = frozenset()

    regime = Regime(
        primary=bits.CR3_LOAD_EXITING | bits.CR3_STORE_EXITING | bits.INVLPG_EXITING,
        exceptions=1 << PAGE_FAULT,
        # The real machine is paged, obeys R/W in ring 0 and has the shadow's format throughout.
        cr0=Owned(CR0_KNOWN & ~GUESTS_OWN, CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_ET),
        cr4=Owned(CR4_FLUSHES | CR4_VMXE, CR4_VMXE),
    )

    def __init__(self, shadow: ShadowPaging) -> None:
        self.shadow = shadow

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The shadow's, of page faults."""
        return self.shadow.handlers

    def fields(self) -> Iterable[tuple[int, int]]:
        """No others."""
        return ()

    def guest_cr3(self, believed: int) -> int:
        """The shadow's root, whatever the guest believes."""
        return self.shadow.root

    def load(self) -> None:
        """Nothing: the VMCS has the root."""

    def receive_frames(self, frames: list[int]) -> None:
        """Frames for tables."""
        self.shadow.receive_frames(frames)
