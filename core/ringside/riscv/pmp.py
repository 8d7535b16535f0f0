"""Physical memory protection: what user mode may touch (vol. II, 3.7).

The lowest-numbered region that holds any byte of an access decides, and must hold all of it.
Without a match user mode may touch nothing. Machine mode is not restricted (no entry is locked).
"""

from __future__ import annotations

from ringside.riscv.csr import PMP_ENTRIES

READ, WRITE, EXECUTE = 1, 2, 4
KIND_SHIFT, KIND = 3, 3
OFF, TOR, NA4, NAPOT = range(4)  # off, top of range, four bytes, a power of two
RIGHTS = READ | WRITE | EXECUTE
WRITABLE = RIGHTS | KIND << KIND_SHIFT  # the lock bit reads as zero

Region = tuple[int, int, int]  # first address, end (excluded), rights


class Pmp:
    """The registers, and the regions they mean."""

    __slots__ = ("addresses", "config", "regions")

    def __init__(self) -> None:
        self.addresses = [0] * PMP_ENTRIES
        self.config = [0] * PMP_ENTRIES
        self.regions: tuple[Region, ...] = ()

    def configs(self, index: int) -> bytes:
        """Register pmpcfg ``index``: four entries."""
        return bytes(self.config) if index == 0 else bytes(4)

    def configure(self, index: int, values: bytes) -> None:
        """Write register pmpcfg ``index``."""
        if index == 0:
            for entry, value in enumerate(values):
                if value & (READ | WRITE) != WRITE:  # write without read is reserved: kept (WARL)
                    self.config[entry] = value & WRITABLE
            self.regions = self.regions_now()

    def place(self, entry: int, address: int) -> None:
        """Write register pmpaddr ``entry``."""
        self.addresses[entry] = address & 0xFFFF_FFFF
        self.regions = self.regions_now()

    def regions_now(self) -> tuple[Region, ...]:
        """What the registers mean, in order of priority."""
        found: list[Region] = []
        for entry, config in enumerate(self.config):
            kind = config >> KIND_SHIFT & KIND
            word = self.addresses[entry]
            if kind == TOR:
                first = self.addresses[entry - 1] if entry else 0
                low, high = first << 2, word << 2
            elif kind == NA4:
                low, high = word << 2, (word << 2) + 4
            elif kind == NAPOT:
                size = (word ^ word + 1) + 1 << 2  # eight bytes for each trailing one
                low = word << 2 & ~(size - 1)
                high = low + size
            else:
                continue
            if low < high:
                found.append((low, high, config & RIGHTS))
        return tuple(found)

    def allows(self, address: int, size: int, right: int) -> bool:
        """Whether user mode may access ``size`` bytes at ``address``."""
        end = address + size
        for low, high, rights in self.regions:
            if address < high and end > low:
                return bool(low <= address and end <= high and rights & right)
        return False
