"""The descriptor tables the real processor uses while a guest runs.

Selectors must mean to the processor what they mean to the guest, but with the guest's ring 0
pushed out to ring 1 and every segment cut off below the VMM's window. So each VM has a GDT (and
an LDT) of the VMM's making, with the guest's entries under the guest's numbers:

* DPL 0 becomes 1; limits end below the window; gates and other system descriptors are absent.
* An entry is *present* only while it is certain to equal the guest's: the guest's own accessed bit
  is set, and the guest frame it came from is traced (kept read-only in the shadow page tables).
  Any other use of it faults, the load is emulated on the virtual CPU from the guest's own table,
  and the entry becomes present then. A write to the frame makes its entries absent again.
* Code segments of ring 3 are present only while ring 3 runs. An IRET or RETF of the guest's kernel
  to ring 3 therefore faults, which is how the virtual IF is kept right there.
* The CS and SS in use are always present, as the virtual CPU's hidden parts say (*pinned*): the
  VMM's own IRET must be able to load them. Their frames are traced, too, and the trace stays: the
  VMM carries the writes out. While the guest's entries do not say what the two hold, or do not
  certainly say it, the guest is not *reversible*, and its instructions are interpreted.
* When the guest flushes translations, its table may lie elsewhere: all of this is verified anew.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import NotModelled
from ringside.isa.registers import CS, DS, ES, FS, GS, SS
from ringside.machine import descriptors as layout
from ringside.machine.descriptors import Descriptor, segment_descriptor
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.segmentation import (
    REMEMBERED,
    Segment,
    cached,
    entry_address,
    read_descriptor,
)
from ringside.vmm.monitor import FIRST_OWN, GDT_BYTES, WINDOW, Monitor

if TYPE_CHECKING:
    from ringside.vmm.memory.shadow import ShadowPaging
    from ringside.vmm.vm import Vm

DATA_SEGMENTS = (ES, DS, FS, GS)
KEY = 0xFFFC  # of a selector: index and table, without RPL
LOCAL = 4  # of a selector: the LDT's
PRESENT = 1 << 47
DPL = 3 << 45
DPL_1 = 1 << 45
NOTHING_VALID = segment_descriptor(
    0, 0xFFFF_FFFF, layout.WRITABLE | layout.EXPAND_DOWN | layout.ACCESSED, dpl=3
)  # an expand-down segment with no valid offset


def guest_ring(ring: int) -> int:
    """The real ring for a virtual one: 0 makes room for the VMM, the others stay."""
    return ring or 1


@REMEMBERED
def compress(segment: Segment) -> Descriptor:
    """The descriptor that gives the real processor ``segment``, de-privileged and cut off."""
    dpl = guest_ring(segment.dpl)
    kind = segment.type | layout.ACCESSED
    expands_down = not kind & layout.CODE and kind & layout.EXPAND_DOWN
    high = 0xFFFF_FFFF if segment.big else 0xFFFF
    last = segment.base + (high if expands_down else segment.limit)
    if last < WINDOW:
        limit = segment.limit
    elif expands_down or segment.base >= WINDOW:
        if kind & layout.CODE:
            raise NotModelled(
                f"a code segment at {segment.base:#x}, inside the VMM's own 4 MiB, cannot be run "
                "de-privileged; use a base below 0xFFC00000"
            )
        return Descriptor(NOTHING_VALID.raw & ~DPL | dpl << 45)
    else:
        limit = WINDOW - 1 - segment.base
        if limit > 0xF_FFFF:
            limit = (limit + 1 & ~OFFSET_MASK) - 1
    return segment_descriptor(segment.base, limit, kind, dpl=dpl, big=segment.big)


def absent(descriptor: Descriptor) -> int:
    """A guest's descriptor as LAR and its kin may see it: ring 0 is 1, and not present."""
    raw = descriptor.raw & ~PRESENT
    return raw if raw & DPL else raw | DPL_1


class DescriptorShadow:
    """The GDT and LDT of one VM in the VMM's memory."""

    __slots__ = ("copies", "gdt", "ldt", "live", "monitor", "pinned", "pins", "shadow", "vm")
    transient: ClassVar[frozenset[str]] = frozenset({"monitor", "shadow", "vm"})

    def __init__(self, vm: Vm, monitor: Monitor, shadow: ShadowPaging) -> None:
        self.vm = vm
        self.monitor = monitor
        self.shadow = shadow
        self.gdt = monitor.take(GDT_BYTES)
        self.ldt = monitor.take(GDT_BYTES)
        monitor.furnish_gdt(self.gdt, self.ldt)
        self.copies: dict[bool, bytes] = {}  # the guest's LDT (True) and GDT as last seen whole
        self.live: dict[int, int] = {}  # selector key -> gfn its guest descriptor lies in
        self.pins: tuple[int, ...] = ()  # keys of the CS and SS in use ...
        self.pinned: tuple[Segment, Segment] | None = None  # ... and what they hold
        shadow.on_trace_write = self.forget_frame

    def _place(self, key: int) -> int:
        table = self.ldt if key & LOCAL else self.gdt
        return table + (key & 0xFFF8)

    def _write(self, key: int, raw: int) -> None:
        if not _is_monitors(key):
            self.monitor.machine.memory.write64(self._place(key), raw)

    def _guest(self, key: int) -> Descriptor | None:
        """The guest's descriptor now, or None where its table has none that can be read."""
        return self.vm.look(lambda: read_descriptor(self.vm.vcpu, key))

    def _leaves_no_mark(self, key: int) -> bool:
        """Whether reading the entry would leave the guest's page tables as they are."""
        self.vm.memory.lost = False
        self._guest(key)
        return not self.vm.memory.lost

    def verify(self) -> None:
        """The guest has flushed translations: its table may lie elsewhere now, and where its
        processor would mark the page of a descriptor accessed, the next load has to trap.

        Those of CS and SS must stay present, so a load of theirs leaves no such mark.
        """
        for key in list(self.live):
            if self._frame_of(key) != self.live[key] or not self._leaves_no_mark(key):
                self._drop(key)
        self.pinned = None  # to be traced where they are now

    # -- keeping up with the guest's tables --------------------------------------------------

    def reload(self, local: bool) -> None:
        """LGDT or LLDT: start the table afresh, every entry absent."""
        self.pinned = None
        key = LOCAL if local else 0
        for live in [k for k in self.live if k & LOCAL == key]:
            self._drop(live)
        size = GDT_BYTES if local else FIRST_OWN
        raws = self.copies[local] = self._guest_table(local)[:size]
        found = (raw for (raw,) in struct.iter_unpack("<Q", raws))
        entries = [absent(Descriptor(raw)) if raw else 0 for raw in found]
        data = struct.pack(f"<{len(entries)}Q", *entries)
        place = self.ldt if local else self.gdt
        self.monitor.machine.memory.write_bytes(place, data + bytes(size - len(data)))

    def _guest_table(self, local: bool) -> bytes:
        """The guest's table as bytes; a page that is not mapped counts as zeros."""
        vcpu = self.vm.vcpu
        if local and not vcpu.ldtr.present:
            return b""
        base, limit = (
            (vcpu.ldtr.base, vcpu.ldtr.limit) if local else (vcpu.gdtr.base, vcpu.gdtr.limit)
        )
        size = (min(limit, GDT_BYTES - 1) + 1) & ~7
        data = b""
        while len(data) < size:
            at = (base + len(data)) & 0xFFFF_FFFF
            part = min(size - len(data), FRAME - (at & OFFSET_MASK))
            gpa = self.vm.where(at)
            data += bytes(part) if gpa is None else self.vm.memory.read_bytes(gpa, part)
        return data

    def admit(self, selector: int) -> None:
        """Make an entry present for the guest's own use, once it is certain what it says."""
        key = selector & KEY
        if not key or key in self.live or key in self.pins or _is_monitors(key):
            return
        descriptor = self._guest(key)
        if descriptor is None or not _usable(descriptor) or not descriptor.type & layout.ACCESSED:
            return
        if descriptor.code or self._contradicted(key, descriptor):
            return
        gfn = self._frame_of(key)
        if gfn is None:
            return
        self.shadow.trace(gfn)
        self.live[key] = gfn
        self._write(key, compress(cached(key, descriptor)).raw)

    def _contradicted(self, key: int, descriptor: Descriptor) -> bool:
        """Whether a data segment register still holds what the entry said before.

        Loading it again would change it without its selector changing, so the VMM would not see.
        """
        return any(
            segment.selector & KEY == key and segment != cached(segment.selector, descriptor)
            for segment in (self.vm.vcpu.segs[seg] for seg in DATA_SEGMENTS)
        )

    def _frame_of(self, key: int) -> int | None:
        """The guest frame the whole entry lies in, if it is one of the guest's own."""
        vcpu = self.vm.vcpu
        address = entry_address(vcpu, key)
        if address is None or address & OFFSET_MASK > FRAME - 8:
            return None
        gpa = self.vm.where(address)
        if gpa is None or self.vm.allotment.hpa(gpa) is None:
            return None
        return gpa >> FRAME_SHIFT

    def _drop(self, key: int) -> None:
        gfn = self.live.pop(key)
        if gfn not in self.live.values():
            self.shadow.untrace(gfn)
        if key not in self.pins:
            descriptor = self._guest(key)
            self._write(key, 0 if descriptor is None else absent(descriptor))

    def forget_frame(self, gfn: int) -> None:
        """The guest writes to a frame descriptors were taken from: they are uncertain now."""
        for key in [k for k, frame in self.live.items() if frame == gfn]:
            self._drop(key)

    def refresh(self) -> None:
        """The VMM itself has changed guest memory: take the entries in use over again."""
        for key in list(self.live):
            self._drop(key)
            self.admit(key)

    def rewrite(self) -> None:
        """A page of the table was written to: what LAR and LSL see of its absent entries, too."""
        for local, before in list(self.copies.items()):
            now = self.copies[local] = self._guest_table(local)
            entries = zip(range(0, len(now), 8), struct.iter_unpack("<Q", now), strict=True)
            for at, (raw,) in entries if now != before else ():
                key = at | (LOCAL if local else 0)
                if key in self.live or key in self.pins or now[at : at + 8] == before[at : at + 8]:
                    continue
                self._write(key, absent(Descriptor(raw)) if raw else 0)

    # -- what the VMM needs present ----------------------------------------------------------

    def pin(self, code: Segment, stack: Segment, own_gdt: bool) -> None:
        """Make the CS and SS the guest is about to get loadable, as the virtual CPU has them.

        Once the guest has a GDT of its own, its entries for them are traced: see
        :meth:`contradicted`.
        """
        if self.pinned == (code, stack):
            return
        self.pinned = (code, stack)
        wanted = (code.selector & KEY, stack.selector & KEY)
        for key in self.pins:
            if key not in wanted:
                self._restore(key)
        self.pins = wanted
        for key, segment in zip(wanted, (code, stack), strict=True):
            self.live.pop(key, None)
            self._write(key, compress(segment).raw)
        if own_gdt:
            self._trace_pinned()

    def _trace_pinned(self) -> None:
        """Keep the frames of the pinned entries read-only, and no longer those of earlier ones."""
        before = self.shadow.segments
        found = (self._frame_of(key) for key in self.pins)
        now = self.shadow.segments = {gfn for gfn in found if gfn is not None}
        for gfn in now - before:
            self.shadow.trace(gfn)
        for gfn in before - now - set(self.live.values()):
            self.shadow.untrace(gfn)

    def contradicted(self) -> bool:
        """Whether somebody has written to where the descriptors of CS and SS lie."""
        gfns = self.shadow.segments
        return any(
            first >> FRAME_SHIFT in gfns or (first + size - 1) >> FRAME_SHIFT in gfns
            for first, size in self.vm.memory.written
        )

    def _restore(self, key: int) -> None:
        descriptor = self._guest(key)
        self._write(key, 0 if descriptor is None else absent(descriptor))
        self.pins = tuple(pin for pin in self.pins if pin != key)
        self.admit(key)

    def lend(self, segment: Segment) -> int:
        """Make one data segment loadable for a moment; returns the entry to put back."""
        key = segment.selector & KEY
        before = self.monitor.machine.memory.read64(self._place(key))
        self._write(key, compress(segment).raw)
        return before

    def give_back(self, segment: Segment, raw: int) -> None:
        """Undo ``lend``."""
        self._write(segment.selector & KEY, raw)

    def as_loaded(self, selector: int) -> Segment | None:
        """The hidden part the guest got when it loaded ``selector`` without a trap."""
        key = selector & KEY
        for seg in (CS, SS):
            segment = self.vm.vcpu.segs[seg]
            if segment.selector & KEY == key:
                return _renamed(segment, selector)
        descriptor = self._guest(key)
        return None if descriptor is None else cached(selector, descriptor)

    def agreed(self) -> bool:
        """Whether data segments that share an entry with CS or SS hold the same."""
        segs = self.vm.vcpu.segs
        for pin in (segs[CS], segs[SS]):
            key = pin.selector & KEY
            for seg in DATA_SEGMENTS:
                segment = segs[seg]
                if segment.selector & KEY == key and segment != _renamed(pin, segment.selector):
                    return False
        return True

    def reversible(self, own_gdt: bool) -> bool:
        """Whether loading CS and SS from the guest's own tables would give what they hold.

        If not, the guest has changed its tables under them: until it reloads them, running it
        directly would need the hidden parts to be two things at once. The same goes for an entry
        not marked accessed: loading it marks it, and of a load that does not trap the VMM hears
        nothing. And an entry that cannot be traced, since it lies in two pages, may say something
        else at any moment. Before a guest has set up a GDT of its own (``own_gdt``) it cannot mean
        to load anything, so all that does no harm.
        """
        vcpu = self.vm.vcpu
        if not self.agreed():
            return False
        for seg in (CS, SS):
            segment = vcpu.segs[seg]
            key = segment.selector & KEY
            descriptor = self._guest(key)
            if descriptor is None or not _usable(descriptor):
                if own_gdt:
                    return False
                continue
            if own_gdt and (
                not descriptor.type & layout.ACCESSED or self._frame_of(key) is None
            ):
                return False
            if cached(segment.selector, descriptor) != segment:
                return False
        return True


def _is_monitors(key: int) -> bool:
    """Whether the entry is one of the VMM's own, which no guest can have."""
    return not key & LOCAL and key >= FIRST_OWN


def _usable(descriptor: Descriptor) -> bool:
    return descriptor.present and not descriptor.system


def _renamed(segment: Segment, selector: int) -> Segment:
    return Segment(
        selector, segment.base, segment.limit, segment.type, segment.dpl, segment.present,
        segment.big, segment.readable, segment.writable, segment.low, segment.high, segment.flat,
        segment.spare,
    )  # fmt: skip
