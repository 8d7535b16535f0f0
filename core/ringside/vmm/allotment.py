"""Guest-physical memory: which frames of the machine a VM owns, and memory as the guest has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK, Memory, ignore_code_write

ABSENT = -1


class Allotment:
    """The frames a VM owns: ``hfns[gfn]`` is the host frame behind guest frame ``gfn``.

    It is ``ABSENT`` where the guest gave a frame up; there is then nothing at that address.
    """

    __slots__ = ("_gfns", "hfns")
    transient: ClassVar[frozenset[str]] = frozenset({"_gfns"})

    def __init__(self, hfns: list[int]) -> None:
        if len(set(hfns)) != len(hfns):
            raise ValueError("a host frame can stand behind one guest frame only")
        self.hfns = hfns
        self.after_thaw()

    def after_thaw(self) -> None:
        """Note again which guest frame each host frame stands behind."""
        self._gfns = {hfn: gfn for gfn, hfn in enumerate(self.hfns) if hfn != ABSENT}

    def lacks(self, gfn: int) -> bool:
        """Whether ``gfn`` is a frame of this guest with nothing behind it."""
        return 0 <= gfn < len(self.hfns) and self.hfns[gfn] == ABSENT

    def give_up(self, gfn: int) -> int | None:
        """Take the host frame behind ``gfn`` away and return it; None if there is none."""
        if not 0 <= gfn < len(self.hfns) or self.hfns[gfn] == ABSENT:
            return None
        hfn, self.hfns[gfn] = self.hfns[gfn], ABSENT
        del self._gfns[hfn]
        return hfn

    def receive(self, gfn: int, hfn: int) -> None:
        """Put host frame ``hfn`` behind ``gfn``, which must lack one."""
        if not self.lacks(gfn) or hfn in self.hfns:
            raise ValueError(f"guest frame {gfn} cannot get host frame {hfn}")
        self.hfns[gfn] = hfn
        self._gfns[hfn] = gfn

    def guest_frames(self, hfns: Iterable[int]) -> list[int]:
        """The guest frames that these host frames stand behind; others' are left out."""
        return [self._gfns[hfn] for hfn in hfns if hfn in self._gfns]

    @property
    def size(self) -> int:
        """Bytes of guest-physical memory."""
        return len(self.hfns) << FRAME_SHIFT

    def frame(self, gfn: int) -> int | None:
        """The host frame behind guest frame ``gfn``; None outside the allotment."""
        if gfn >= len(self.hfns) or self.hfns[gfn] == ABSENT:
            return None
        return self.hfns[gfn]

    def hpa(self, gpa: int) -> int | None:
        """The host-physical address behind ``gpa``; None outside the allotment."""
        hfn = self.frame(gpa >> FRAME_SHIFT)
        return None if hfn is None else hfn << FRAME_SHIFT | gpa & OFFSET_MASK

    def pieces(self, gpa: int, count: int) -> Iterator[tuple[int | None, int]]:
        """``(hpa, bytes)`` of the stretches that make up ``count`` bytes from ``gpa``."""
        while count > 0:
            part = min(count, FRAME - (gpa & OFFSET_MASK))
            yield self.hpa(gpa), part
            gpa += part
            count -= part


class GuestMemory(Memory):
    """A VM's memory with the interface of a machine's: addresses are guest-physical.

    It holds nothing itself: every access goes to the frames of the host's RAM that the VM owns.
    Beyond them is an open bus, exactly as beyond the end of a real machine's RAM. No frame is
    "plain" here, so a virtual CPU never keeps a direct way into the host's memory.

    While ``sealed``, writes are lost: so the VMM can look at a guest's tables with the virtual
    CPU's own walker without leaving accessed flags behind; ``lost`` tells that there were some.
    A write to a frame in ``traced`` sets ``touched`` and is noted in ``written``: guest-physical
    address and bytes; ``on_traced_write`` hears the same before it happens.
    """

    __slots__ = (
        "allotment", "host", "lost", "on_traced_write", "sealed", "touched", "traced", "written",
    )  # fmt: skip
    # Its contents are the host's to freeze; the rest is wiring.
    transient: ClassVar[frozenset[str]] = Memory.transient | {"host", "on_traced_write", "ram"}

    def __init__(self, host: Memory, allotment: Allotment) -> None:
        self.host = host
        self.allotment = allotment
        self.sealed = False
        self.lost = False
        self.touched = False
        self.traced: set[int] = set()
        self.written: list[tuple[int, int]] = []
        self.on_traced_write: Callable[[int, int], None] = _nobody
        self.size = allotment.size
        self.ram = bytearray()
        self.changed = set()
        self.m8 = memoryview(self.ram)
        self.m16 = self.m8.cast("H")
        self.m32 = self.m8.cast("I")
        self.windows = {}
        self.code_frames = set()
        self.on_code_write = ignore_code_write

    def add_writer(self, frames: Callable[[], Iterable[int]]) -> None:
        """Nobody writes here but by way of the host's memory."""

    def pin(self, frame: int) -> None:
        """There are no views of it."""

    def is_plain(self, frame: int) -> bool:
        """No frame may be reached without asking the allotment."""
        return False

    def read(self, hpa: int, size: int) -> int:
        """Return ``size`` bytes at the guest-physical address; ones outside the allotment."""
        if self.windows and hpa >> FRAME_SHIFT in self.windows:
            return self.windows[hpa >> FRAME_SHIFT].read(hpa, size)
        gfn, hfns = hpa >> FRAME_SHIFT, self.allotment.hfns
        if hpa & OFFSET_MASK <= FRAME - size and gfn < len(hfns) and hfns[gfn] != ABSENT:
            place = hfns[gfn] << FRAME_SHIFT | hpa & OFFSET_MASK
            return int.from_bytes(self.host.ram[place : place + size], "little")
        return int.from_bytes(self.read_bytes(hpa, size), "little")

    def write(self, hpa: int, value: int, size: int) -> None:
        """Store the low ``size`` bytes of ``value`` at the guest-physical address."""
        if self.windows and hpa >> FRAME_SHIFT in self.windows and not self.sealed:
            self.windows[hpa >> FRAME_SHIFT].write(hpa, value, size)
            return
        self.write_bytes(hpa, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def read_bytes(self, hpa: int, count: int) -> bytes:
        """Return ``count`` bytes, with ones where the VM owns nothing."""
        gfn, hfns = hpa >> FRAME_SHIFT, self.allotment.hfns
        if hpa & OFFSET_MASK <= FRAME - count and gfn < len(hfns) and hfns[gfn] != ABSENT:
            return self.host.read_bytes(hfns[gfn] << FRAME_SHIFT | hpa & OFFSET_MASK, count)
        return b"".join(
            b"\xff" * part if place is None else self.host.read_bytes(place, part)
            for place, part in self.allotment.pieces(hpa, count)
        )

    def write_bytes(self, hpa: int, data: bytes) -> None:
        """Store ``data``; what falls outside the allotment is lost."""
        if self.sealed:
            self.lost = True
            return
        if self.traced and not self.traced.isdisjoint(
            range(hpa >> FRAME_SHIFT, (hpa + len(data) - 1 >> FRAME_SHIFT) + 1)
        ):
            self.touched = True
            self.written.append((hpa, len(data)))
            self.on_traced_write(hpa, len(data))
        done = 0
        for place, part in self.allotment.pieces(hpa, len(data)):
            if place is not None:
                self.host.write_bytes(place, data[done : done + part])
            done += part

    def after_thaw(self) -> None:
        """Forget which frames hold decoded code."""
        self.code_frames = set()


def _nobody(gpa: int, size: int) -> None:
    """Stand in until something is derived from guest memory entry by entry."""
