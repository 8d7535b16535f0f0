"""Scheduling policies: which virtual machine gets the processor, and for how long."""

from __future__ import annotations

from collections.abc import Sequence


class RoundRobin:
    """Everybody in turn, each for at most ``time_slice`` host ticks.

    A VM that wakes up waits until its turn comes: fair to everybody, and blind to urgency.
    """

    __slots__ = ("ends", "time_slice")

    def __init__(self, time_slice: int) -> None:
        if time_slice <= 0:
            raise ValueError("a time slice must be at least one tick long")
        self.time_slice = time_slice
        self.ends = 0

    def choose(self, ready: Sequence[int], current: int | None, now: int) -> tuple[int, str]:
        """Go on until the slice is used up, then take the next in the circle."""
        if current is None:
            current = -1
        elif current in ready and now < self.ends:
            return current, "its time slice is not over"
        chosen = next((vm for vm in ready if vm > current), ready[0])
        why = "its turn has come" if current in ready else "the one before it sleeps"
        self.ends = now + self.time_slice
        return chosen, why

    def until(self, now: int) -> int | None:
        """The end of the slice."""
        return self.ends


class FixedPriority:
    """The most important VM that can run, at once; ``order`` lists VMs by falling importance."""

    __slots__ = ("order",)

    def __init__(self, order: Sequence[int]) -> None:
        self.order = tuple(order)

    def choose(self, ready: Sequence[int], current: int | None, now: int) -> tuple[int, str]:
        """The first of ``order`` among those that can run."""
        chosen = min(ready, key=self._rank)
        return chosen, "it has the highest priority of those that can run"

    def _rank(self, vm: int) -> tuple[int, int]:
        return (self.order.index(vm) if vm in self.order else len(self.order), vm)

    def until(self, now: int) -> int | None:
        """Only a VM waking up can change the choice, and the VMM hears of that anyway."""
        return None
