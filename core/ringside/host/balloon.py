"""A balloon for real guests: the device its driver talks to, and the frames that change hands.

The device has two ports of its own design (VMware's and virtio's balloons speak other protocols to
the same end). ``TARGET``: reading gives the pages the host would like the balloon to hold, writing
hands over a page. ``BACK``: writing asks for a page again, reading tells whether it was granted.

Whatever a guest says, it can only give what it owns and only gets zeroed frames that nobody owns;
a number that is nonsense is refused and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringside.machine.devices.port import Register
from ringside.machine.memory import FRAME, FRAME_SHIFT
from ringside.trace.events import Event
from ringside.vmm.memory.shadow import ShadowPaging
from ringside.vmm.vm import Vm

TARGET, BACK = 0x560, 0x564
GRANTED, REFUSED = 1, 0


@dataclass(frozen=True, slots=True)
class FrameMoved(Event):
    """Guest frame ``gfn`` of ``vm`` lost (``given``) or got host frame ``hfn``."""

    kind: ClassVar[str] = "balloon"
    vm: str
    gfn: int
    hfn: int
    given: bool


class FramePool:
    """Host frames nobody owns, in the order they came."""

    __slots__ = ("free",)

    def __init__(self) -> None:
        self.free: list[int] = []

    def put(self, hfn: int) -> None:
        """Nobody owns ``hfn`` any more."""
        self.free.append(hfn)

    def get(self) -> int | None:
        """Take a frame out; None if there is none."""
        return self.free.pop() if self.free else None


class Balloon:
    """The device in one VM. ``target`` is what the host asks for, ``held`` what it has."""

    name = "balloon"
    registers = (
        Register(TARGET, "pages wanted", "page given", 4),
        Register(BACK, "granted", "page wanted back", 4),
    )
    __slots__ = ("_answer", "_pool", "_vm", "held", "refused", "target")
    # The pool is every balloon's; each keeps it with its own state.
    transient: ClassVar[frozenset[str]] = frozenset({"_vm"})

    def __init__(self, vm: Vm, pool: FramePool) -> None:
        self._vm = vm
        self._pool = pool
        self.target = 0
        self.held = 0
        self.refused = 0
        self._answer = REFUSED

    def read(self, port: int, size: int) -> int:
        return self.target if port == TARGET else self._answer

    def write(self, port: int, value: int, size: int) -> None:
        granted = self._take(value) if port == TARGET else self._give(value)
        self._answer = GRANTED if granted else REFUSED
        self.refused += not granted

    def _take(self, gfn: int) -> bool:
        """The guest hands over ``gfn``: the frame behind it belongs to the host's pool."""
        vm = self._vm
        shadow = vm.tlb.shadow
        if not isinstance(shadow, ShadowPaging):  # nobody here could forget the translations
            return False
        hfn = vm.allotment.give_up(gfn)
        if hfn is None:
            return False
        shadow.forget_frame(gfn)
        self._pool.put(hfn)
        self.held += 1
        vm.emit(FrameMoved(vm.time, "vmm", vm.name, gfn, hfn, True))
        return True

    def _give(self, gfn: int) -> bool:
        """Put a frame behind ``gfn`` again, zeroed: it was somebody else's in between."""
        vm = self._vm
        if not vm.allotment.lacks(gfn):
            return False
        hfn = self._pool.get()
        if hfn is None:
            return False
        vm.host.memory.write_bytes(hfn << FRAME_SHIFT, bytes(FRAME))
        vm.allotment.receive(gfn, hfn)
        self.held -= 1
        vm.emit(FrameMoved(vm.time, "vmm", vm.name, gfn, hfn, False))
        return True


def plug_balloon(vm: Vm, pool: FramePool) -> Balloon:
    """Give a virtual machine the device; its frames go to ``pool`` and come from there.

    Raises ValueError for a VM that reaches its memory in one piece, without asking its allotment.
    """
    if vm.memory.is_plain(0):
        raise ValueError(f"{vm.name} has its memory in one piece: no frame can be taken out of it")
    balloon = Balloon(vm, pool)
    vm.hardware.chipset.plug(balloon)
    return balloon
