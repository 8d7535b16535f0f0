"""The descriptor table of a paravirtual guest: announced by it, checked and kept by the VMM.

The processor's GDT is the VMM's. A guest's entries get into it by ``set_gdt`` and
``update_descriptor``, each checked: code and data segments of ring 1 and ring 3 only, cut off
below the VMM's memory. What the guest has in its own memory means nothing to the processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringside.machine import descriptors as layout
from ringside.machine.descriptors import Descriptor, segment_descriptor
from ringside.machine.segmentation import NULL, RPL, Segment, cached, null_segment
from ringside.vmm.cpu.descriptor_shadow import compress
from ringside.vmm.monitor import GDT_BYTES, WINDOW
from ringside.vmm.paravirt.abi import (
    EINVAL,
    EPERM,
    FIRST_RESERVED_ENTRY,
    FLAT_KERNEL_CODE,
    FLAT_KERNEL_DATA,
    FLAT_USER_CODE,
    FLAT_USER_DATA,
    KERNEL_RING,
    HypercallError,
)

if TYPE_CHECKING:
    from ringside.vmm.monitor import Monitor

_CODE = layout.CODE | layout.READABLE | layout.ACCESSED
_DATA = layout.WRITABLE | layout.ACCESSED
RINGS = (1, 3)


def checked(raw: int) -> int:
    """The real descriptor for one of the guest's; raises HypercallError."""
    descriptor = Descriptor(raw)
    if not descriptor.present:
        return 0
    if descriptor.system:
        raise HypercallError(EPERM, "gates and system segments are the VMM's to make")
    if descriptor.dpl not in RINGS:
        raise HypercallError(
            EPERM, f"a segment of ring {descriptor.dpl}: a guest has rings 1 and 3 only"
        )
    expands = descriptor.data and descriptor.type & layout.EXPAND_DOWN
    if expands or descriptor.conforming or descriptor.base >= WINDOW:
        raise HypercallError(EINVAL, f"descriptor {raw:#018x} is of a kind that is not offered")
    return compress(cached(0, descriptor)).raw


class Segments:
    """One VM's GDT in the VMM's memory. ``base`` is where the guest says its own lies."""

    __slots__ = ("base", "entries", "gdt", "monitor")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor"})

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.gdt = monitor.take(GDT_BYTES)
        monitor.furnish_gdt(self.gdt, self.gdt)
        self.base = 0
        self.entries = 0
        for selector, kind in (
            (FLAT_KERNEL_CODE, _CODE), (FLAT_KERNEL_DATA, _DATA),
            (FLAT_USER_CODE, _CODE), (FLAT_USER_DATA, _DATA),
        ):  # fmt: skip
            flat = segment_descriptor(0, WINDOW - 1, kind, dpl=selector & RPL)
            self._write(selector >> 3, flat.raw)

    def _write(self, number: int, raw: int) -> None:
        self.monitor.machine.memory.write64(self.gdt + 8 * number, raw)

    def replace(self, base: int, raws: tuple[int, ...]) -> None:
        """Take over a whole table, or nothing of it."""
        if len(raws) > FIRST_RESERVED_ENTRY:
            raise HypercallError(EINVAL, f"a table has at most {FIRST_RESERVED_ENTRY} entries")
        good = [checked(raw) for raw in raws]
        for number in range(max(self.entries, len(good))):
            self._write(number, good[number] if 0 < number < len(good) else 0)
        self.base, self.entries = base, len(good)

    def update(self, address: int, raw: int) -> None:
        """Take over one entry of the table the guest announced."""
        offset = address - self.base
        if offset & 7 or not 8 <= offset < 8 * self.entries:
            raise HypercallError(EINVAL, f"{address:#x} is not in the descriptor table")
        self._write(offset >> 3, checked(raw))

    def descriptor(self, selector: int) -> Descriptor:
        """The real entry a selector names; the LDT is always empty."""
        if selector & 4:
            return Descriptor(0)
        return Descriptor(self.monitor.machine.memory.read64(self.gdt + (selector & 0xFFF8)))

    def segment(self, selector: int) -> Segment:
        """What a segment register holds after loading ``selector``."""
        descriptor = self.descriptor(selector)
        if not selector & NULL or not descriptor.present:
            return null_segment(selector)
        return cached(selector, descriptor)

    def is_code(self, selector: int, ring: int) -> bool:
        """Whether the processor would run code of ``ring`` under this selector."""
        found = self.descriptor(selector)
        return found.present and found.code and found.dpl == ring == selector & RPL

    def is_stack(self, selector: int, ring: int) -> bool:
        """Whether the processor would take it as the stack of ``ring``."""
        found = self.descriptor(selector)
        return found.present and found.writable and found.dpl == ring == selector & RPL

    def require_code(self, selector: int) -> None:
        """Refuse a selector that is not the guest kernel's code."""
        if not self.is_code(selector, KERNEL_RING):
            raise HypercallError(EINVAL, f"selector {selector:#x} is not code of ring 1")

    def require_stack(self, selector: int) -> None:
        """Refuse a selector that is not writable data of the guest's kernel."""
        if not self.is_stack(selector, KERNEL_RING):
            raise HypercallError(EINVAL, f"selector {selector:#x} is not a stack of ring 1")
