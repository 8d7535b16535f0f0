"""Physical memory: one bytearray, seen as bytes, words and dwords.

Addresses here are host-physical (``hpa``). RAM starts at 0 and has no holes; what lies beyond it
is an open bus: reads give all ones, writes go nowhere. A frame may be taken over by a device
(``windows``), and frames that hold decoded or translated code are listed in ``code_frames``, so
that every write to one of them is told to ``on_code_write``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from ringside.trace.freeze import Pages

FRAME = 4096
FRAME_SHIFT = 12
OFFSET_MASK = FRAME - 1

# memoryview.cast uses the host's byte order, and IA-32 is little-endian.
assert sys.byteorder == "little", "Ringside's memory views need a little-endian host"


class Window(Protocol):
    """A frame answered by a device instead of RAM (memory-mapped I/O)."""

    def read(self, hpa: int, size: int) -> int:
        """Return ``size`` bytes (1, 2 or 4) at ``hpa``."""

    def write(self, hpa: int, value: int, size: int) -> None:
        """Store ``size`` bytes (1, 2 or 4) at ``hpa``."""


def ignore_code_write(frame: int, low: int, high: int) -> None:
    """Take a write to a code frame when nobody caches code."""


class Memory:
    """RAM of ``size`` bytes (a multiple of the 4 KiB frame)."""

    __slots__ = (
        "changed", "code_frames", "m8", "m16", "m32", "on_code_write", "ram", "size", "windows",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = frozenset(
        {"changed", "m8", "m16", "m32", "code_frames", "on_code_write", "windows"}
    )

    def __init__(self, size: int = 8 << 20) -> None:
        if size <= 0 or size % FRAME:
            raise ValueError(f"memory size must be a positive multiple of {FRAME}, not {size}")
        self.size = size
        pages = Pages(size)
        self.ram: bytearray = pages
        self.changed = pages.changed  # frames written to since the last picture, see Pages
        self.m8: memoryview = memoryview(self.ram)
        self.m16: memoryview = self.m8.cast("H")
        self.m32: memoryview = self.m8.cast("I")
        self.windows: dict[int, Window] = {}
        self.code_frames: set[int] = set()
        self.on_code_write: Callable[[int, int, int], None] = ignore_code_write

    @property
    def frames(self) -> int:
        """Number of 4 KiB frames of RAM."""
        return self.size >> FRAME_SHIFT

    def add_writer(self, frames: Callable[[], Iterable[int]]) -> None:
        """Somebody writes past this class, to the ``frames`` it names or ``note_writable`` told."""
        assert isinstance(self.ram, Pages)
        self.ram.writers.append(frames)

    def note_writable(self, frame: int) -> None:
        """From now on somebody may write to ``frame`` without a word."""
        self.changed.add(frame)

    def pin(self, frame: int) -> None:
        """Somebody keeps a view of ``frame`` and writes to it without a word, for ever."""
        assert isinstance(self.ram, Pages)
        self.ram.pinned.add(frame)
        self.changed.add(frame)

    def is_plain(self, frame: int) -> bool:
        """Tell whether ``frame`` is RAM that no device has taken over."""
        return frame < self.size >> FRAME_SHIFT and frame not in self.windows

    def read(self, hpa: int, size: int) -> int:
        """Return ``size`` bytes at ``hpa``, little-endian; ones where there is no memory."""
        frame = hpa >> FRAME_SHIFT
        if frame in self.windows:
            return self._read_window(self.windows[frame], hpa, size)
        end = hpa + size
        if end <= self.size:
            return int.from_bytes(self.ram[hpa:end], "little")
        missing = size if hpa >= self.size else end - self.size
        there = self.ram[hpa : self.size] if hpa < self.size else b""
        return int.from_bytes(bytes(there) + b"\xff" * missing, "little")

    def write(self, hpa: int, value: int, size: int) -> None:
        """Store the low ``size`` bytes of ``value`` at ``hpa``."""
        frame = hpa >> FRAME_SHIFT
        if frame in self.windows:
            self._write_window(self.windows[frame], hpa, value, size)
            return
        data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        self.write_bytes(hpa, data)

    def _read_window(self, window: Window, hpa: int, size: int) -> int:
        if size in (1, 2, 4):
            return window.read(hpa, size)
        return sum(window.read(hpa + n, 1) << 8 * n for n in range(size))

    def _write_window(self, window: Window, hpa: int, value: int, size: int) -> None:
        if size in (1, 2, 4):
            window.write(hpa, value & (1 << 8 * size) - 1, size)
        else:
            for n in range(size):
                window.write(hpa + n, value >> 8 * n & 0xFF, 1)

    def read8(self, hpa: int) -> int:
        """Return the byte at ``hpa``."""
        return self.read(hpa, 1)

    def read16(self, hpa: int) -> int:
        """Return the word at ``hpa``."""
        return self.read(hpa, 2)

    def read32(self, hpa: int) -> int:
        """Return the dword at ``hpa``."""
        return self.read(hpa, 4)

    def read64(self, hpa: int) -> int:
        """Return the quadword at ``hpa``."""
        return self.read(hpa, 8)

    def write8(self, hpa: int, value: int) -> None:
        """Store a byte at ``hpa``."""
        self.write(hpa, value, 1)

    def write16(self, hpa: int, value: int) -> None:
        """Store a word at ``hpa``."""
        self.write(hpa, value, 2)

    def write32(self, hpa: int, value: int) -> None:
        """Store a dword at ``hpa``."""
        self.write(hpa, value, 4)

    def write64(self, hpa: int, value: int) -> None:
        """Store a quadword at ``hpa``."""
        self.write(hpa, value, 8)

    def read_bytes(self, hpa: int, count: int) -> bytes:
        """Return ``count`` bytes of RAM from ``hpa``, filled up with ones beyond its end."""
        data = bytes(self.ram[hpa : hpa + count]) if hpa < self.size else b""
        return data + b"\xff" * (count - len(data))

    def write_bytes(self, hpa: int, data: bytes) -> None:
        """Store ``data`` in RAM at ``hpa``; what would lie beyond its end is lost."""
        end = min(hpa + len(data), self.size)
        if hpa >= end:
            return
        self.ram[hpa:end] = data[: end - hpa]
        self.changed.add(hpa >> FRAME_SHIFT)
        if end - 1 >> FRAME_SHIFT != hpa >> FRAME_SHIFT:
            self.changed.update(range(hpa >> FRAME_SHIFT, (end - 1 >> FRAME_SHIFT) + 1))
        if self.code_frames:
            for frame in range(hpa >> FRAME_SHIFT, (end - 1 >> FRAME_SHIFT) + 1):
                if frame in self.code_frames:
                    base = frame << FRAME_SHIFT
                    self.on_code_write(frame, max(hpa, base), min(end, base + FRAME))
