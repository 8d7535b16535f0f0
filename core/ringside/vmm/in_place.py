"""What the VMM's loop asks of techniques under which guest code runs where the guest put it."""

from __future__ import annotations

from ringside.trace.events import Event


class RunsInPlace:
    """The answers of all techniques but the one that translates."""

    __slots__ = ()
    overhead = 0  # every instruction the guest's rings retire is the guest's
    interruptible = True

    def places(self, addresses: frozenset[int]) -> frozenset[int]:
        """Nowhere else."""
        return frozenset()

    def heard(self, event: Event) -> Event | None:
        """What the processor tells is what happened to the guest."""
        return event
