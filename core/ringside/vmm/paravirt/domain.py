"""A paravirtual machine: what the VMM keeps for a guest that knows of it.

There is no illusion to keep up: registers and segments are the real ones, rings included. What a
kernel needs besides is its trap table, its stack for traps from ring 3, its event channels, and
the page it shares with the VMM. Events take the place of interrupts: the VM's devices still drive
a virtual interrupt controller, which here only the VMM talks to; a request becomes a bit in the
shared page and, unless the kernel holds events back, a call to its handler.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, ClassVar

from ringside.isa.faults import NotModelled
from ringside.isa.registers import CS, EAX, ESP, FLAG_IF, FLAG_IOPL, FLAG_NT, FLAG_RF, FLAG_TF, SS
from ringside.isa.width import B
from ringside.machine.chipset import PIT_IRQ, SERIAL_IRQ
from ringside.machine.memory import FRAME_SHIFT, OFFSET_MASK
from ringside.machine.outcome import Outcome
from ringside.machine.segmentation import Segment
from ringside.trace.events import Crashed, Upcalled
from ringside.vmm.memory.direct import DirectPaging
from ringside.vmm.paravirt.abi import (
    EINVAL,
    ENOENT,
    ENOSPC,
    EVENTS_PENDING,
    FAULT_ADDRESS,
    FLAT_KERNEL_CODE,
    FLAT_KERNEL_DATA,
    KERNEL_RING,
    LARGEST_MEMORY,
    PENDING_SELECTOR,
    PORTS,
    SHARED_INFO,
    UPCALL_MASK,
    UPCALL_PENDING,
    VIRQ_CONSOLE,
    VIRQ_TIMER,
    HypercallError,
    Trap,
)
from ringside.vmm.paravirt.segments import Segments
from ringside.vmm.vm import Vm

LOWEST_SIZE = 1 << 20  # the shared page lies below this
SERIAL = 0x3F8
FIRST_VECTOR = 0x20
TICK_COUNT = 11931  # PIT periods of 1 / 1193182 s between two ticks: 100 a second, as in Xen
PIT_HERTZ = 1_193_182
HANDLED_FLAGS = FLAG_TF | FLAG_NT | FLAG_RF  # clear when a handler begins
LINES = {VIRQ_TIMER: PIT_IRQ, VIRQ_CONSOLE: SERIAL_IRQ}


class Domain(Vm):
    """A VM whose guest talks to the VMM. ``paging`` and ``segments`` are its tables."""

    __slots__ = (
        "callback", "paging", "periods", "ports", "refusals", "segments", "stack", "traps",
        "upcalls",
    )  # fmt: skip
    transient: ClassVar[frozenset[str]] = Vm.transient | {"paging", "segments"}

    paging: DirectPaging
    segments: Segments

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.traps: dict[int, Trap] = {}
        self.callback = (0, 0)  # CS and EIP of the handler of events
        self.stack = (FLAT_KERNEL_DATA, 0)  # SS and ESP for what arrives from ring 3
        self.ports: dict[int, int] = {}  # event channel port -> VIRQ
        self.periods = TICK_COUNT
        self.upcalls = 0
        self.refusals = 0  # hypercalls that were answered with an error

    def furnish(self, segments: Segments, paging: DirectPaging) -> None:
        """After loading: ring 1, flat segments, an empty shared page, events held back."""
        vcpu = self.vcpu
        if not vcpu.protected:
            raise NotModelled(
                "the guest starts in real mode, but a paravirtual kernel starts in ring 1 of "
                "protected mode; choose a guest that was ported, or another technique"
            )
        if not LOWEST_SIZE <= self.memory.size <= LARGEST_MEMORY:
            raise ValueError(
                f"a paravirtual machine has {LOWEST_SIZE >> 20} to {LARGEST_MEMORY >> 20} MiB, "
                f"not {self.memory.size / (1 << 20):g}"
            )
        self.segments, self.paging = segments, paging
        vcpu.segs[:] = [segments.segment(FLAT_KERNEL_DATA) for _ in vcpu.segs]
        vcpu.segs[CS] = segments.segment(FLAT_KERNEL_CODE)
        vcpu.set_cpl(KERNEL_RING)
        vcpu.eflags = FLAG_IF  # devices may always ask the VMM; it asks the guest's mask
        self.memory.write_bytes(SHARED_INFO, bytes(4096))
        self.memory.write8(SHARED_INFO + UPCALL_MASK, 1)
        out = self.hardware.chipset.pic
        for port, value in ((0x20, 0x11), (0x21, FIRST_VECTOR), (0x21, 4), (0x21, 3), (0x21, 0xFF),
                            (0xA0, 0x11), (0xA1, FIRST_VECTOR + 8), (0xA1, 2), (0xA1, 3),
                            (0xA1, 0xFF)):
            out.write(port, value, 1)  # automatic end of interrupt, every line closed

    # -- the guest in its own terms ----------------------------------------------------------

    def where(self, linear: int) -> int | None:
        """The guest's own address of a linear one: its tables say where in the machine it is."""
        hpa = self.paging.translate(linear, False, mark=False)
        if hpa is None:
            return None
        return self.paging.types.gfns[hpa >> FRAME_SHIFT] << FRAME_SHIFT | hpa & OFFSET_MASK

    def own_terms(self) -> tuple[int, Iterable[bytes]]:
        """As a domain is saved by Xen: with its own frame numbers in page tables and lists."""
        return self.paging.in_own_terms(*super().own_terms())

    # -- the shared page ---------------------------------------------------------------------

    @property
    def events_masked(self) -> bool:
        """Whether the kernel holds events back."""
        return bool(self.memory.read8(SHARED_INFO + UPCALL_MASK))

    @property
    def events_pending(self) -> bool:
        """Whether the kernel was told that some event has come, and has not said it knows."""
        return bool(self.memory.read8(SHARED_INFO + UPCALL_PENDING))

    def mask_events(self, masked: bool) -> None:
        """Write the kernel's event mask: its STI and CLI, when the VMM acts for it."""
        self.memory.write8(SHARED_INFO + UPCALL_MASK, int(masked))

    @property
    def virtual_if(self) -> bool:
        """Whether events can come in now."""
        return not self.events_masked

    # -- event channels ----------------------------------------------------------------------

    def bind_virq(self, virq: int) -> int:
        """Give the guest a port for a virtual interrupt and set its device going."""
        if virq not in LINES:
            raise HypercallError(EINVAL, f"there is no virtual interrupt {virq}")
        if virq in self.ports.values():
            return next(port for port, bound in self.ports.items() if bound == virq)
        port = next((n for n in range(1, PORTS) if n not in self.ports), None)
        if port is None:
            raise HypercallError(ENOSPC, "all event channel ports are in use")
        self.ports[port] = virq
        _START[virq](self)
        self._set_masks()
        return port

    def close(self, port: int) -> None:
        """Take a port back."""
        if self.ports.pop(port, None) is None:
            raise HypercallError(ENOENT, f"port {port} is not bound")
        self._set_masks()

    def set_period(self, nanoseconds: int) -> None:
        """Let the timer tick so often from now on."""
        periods = nanoseconds * PIT_HERTZ // 1_000_000_000
        if not 2 <= periods <= 0xFFFF:
            raise HypercallError(
                EINVAL, f"a period of {nanoseconds} ns is not between 2 and 65535 / 1193182 s"
            )
        self.periods = periods
        if VIRQ_TIMER in self.ports.values():
            start_timer(self)

    def _set_masks(self) -> None:
        open_lines = {LINES[virq] for virq in self.ports.values()}
        mask = 0xFF & ~sum(1 << line for line in open_lines)
        self.hardware.chipset.pic.write(0x21, mask, 1)

    def send(self, port: int) -> None:
        """Note an event for the guest."""
        memory = self.memory
        word = SHARED_INFO + EVENTS_PENDING
        memory.write32(word, memory.read32(word) | 1 << port)
        memory.write32(SHARED_INFO + PENDING_SELECTOR, 1)
        memory.write8(SHARED_INFO + UPCALL_PENDING, 1)

    def collect(self) -> None:
        """Turn what the virtual devices ask for into events."""
        chipset = self.hardware.chipset
        while self.vcpu.interrupt_line:
            line = chipset.acknowledge() - FIRST_VECTOR
            for port, virq in self.ports.items():
                if LINES[virq] == line:
                    self.send(port)

    def inject(self) -> None:
        """An event is due, or the end of a block: sleep till then, note it, call the kernel."""
        vcpu, chipset = self.vcpu, self.hardware.chipset
        if vcpu.halted and not vcpu.ready:
            wake = chipset.next_wake()
            vcpu.sleep(0 if wake is None else max(0, wake - vcpu.time))
            chipset.advance()
        self.collect()
        if self.events_pending:
            vcpu.wake()
        if not self.upcall():
            self.emit(Upcalled(self.time, "vmm", self.name, 0, vcpu.linear_eip))

    def upcall(self) -> bool:
        """Call the kernel's event handler if an event is pending and not held back."""
        if not self.events_pending or self.events_masked or self.outcome is not None:
            return False
        cs, eip = self.callback
        if not cs:
            return False
        self.bounce(cs, eip, None, masks_events=True)
        self.upcalls += 1
        self.emit(Upcalled(self.time, "vmm", self.name, 1, self.vcpu.linear_eip))
        return True

    def block(self) -> None:
        """Wait for the next event, which is allowed in."""
        self.mask_events(False)
        if not self.events_pending:
            self.vcpu.halt()
            self.hardware._settle()  # it may be a block that only input can end

    # -- delivery ----------------------------------------------------------------------------

    def give_exception(self, vector: int, error: int | None, address: int = -1) -> None:
        """Call the kernel's handler for an exception; the guest ends if it has none."""
        self.injections += 1
        if address >= 0:
            self.vcpu.cr2 = address
            self.memory.write32(SHARED_INFO + FAULT_ADDRESS, address)
        trap = self.traps.get(vector)
        if trap is None:
            self.crash(
                f"exception {vector} at {self.vcpu.linear_eip:#x}, for which the kernel has "
                "announced no handler"
            )
            return
        self.bounce(trap.cs, trap.address, error, trap.masks_events)
        self.tell_delivery(vector, -1 if error is None else error)

    def bounce(self, cs: int, eip: int, error: int | None, masks_events: bool) -> None:
        """Make the frame a gate would make, on the kernel's stack, and go to the handler.

        IF in the saved flags says whether events were let in; ``iret`` puts it back.
        """
        vcpu = self.vcpu
        ring = vcpu.cpl
        image = vcpu.eflags & ~(FLAG_IF | FLAG_IOPL) | (0 if self.events_masked else FLAG_IF)
        words = [] if error is None else [error]
        words += [vcpu.eip, vcpu.segs[CS].selector, image]
        stack, esp = vcpu.segs[SS], vcpu.regs[ESP]
        if ring == 3:
            words += [esp, stack.selector]
            selector, esp = self.stack
            stack = self.segments.segment(selector)
        top = esp - 4 * len(words)
        if not self._push(stack, top, words) or not self.segments.is_code(cs, KERNEL_RING):
            self.crash(f"its kernel's stack at {esp:#x} or its handler at {eip:#x} cannot be used")
            return
        vcpu.segs[SS] = stack
        vcpu.regs[ESP] = top
        vcpu.segs[CS] = self.segments.segment(cs)
        vcpu.eip = eip
        vcpu.eflags = vcpu.eflags & ~HANDLED_FLAGS
        vcpu.set_cpl(KERNEL_RING)
        vcpu.deliveries += 1
        if masks_events:
            self.mask_events(True)

    def _push(self, stack: Segment, top: int, words: list[int]) -> bool:
        good = stack.writable and stack.low <= top and top + 4 * len(words) - 1 <= stack.high
        data = struct.pack(f"<{len(words)}I", *words)
        return good and self.paging.write(stack.base + top & 0xFFFF_FFFF, data)

    def crash(self, why: str) -> None:
        """End this guest: it cannot go on. Nobody else is touched."""
        self.hardware.outcome = Outcome("crashed", None, why)
        self.emit(Crashed(self.time, "vmm", self.name, self.vcpu.linear_eip, why))

    # -- devices of the VMM's, for the guest --------------------------------------------------

    def write_console(self, data: bytes) -> None:
        """Show ``data`` on the guest's terminal."""
        serial = self.hardware.chipset.serial
        for code in data:
            serial.write(SERIAL, code, B.bytes)

    def read_console(self, limit: int) -> bytes:
        """Take what was typed, at most ``limit`` characters."""
        serial = self.hardware.chipset.serial
        taken = bytearray()
        while serial.rx and len(taken) < limit:
            taken.append(serial.read(SERIAL, B.bytes))
        return bytes(taken)

    def answer(self, value: int) -> None:
        """The result of a hypercall."""
        self.vcpu.regs[EAX] = value & 0xFFFF_FFFF


def start_timer(domain: Domain) -> None:
    """Virtual timer: channel 0, a pulse every ``periods``."""
    out = domain.hardware.chipset.bus.port_out
    for port, value in ((0x43, 0x34), (0x40, domain.periods & 0xFF), (0x40, domain.periods >> 8)):
        out(port, value, B)


def start_console(domain: Domain) -> None:
    """Virtual serial line: a request for each character that arrives."""
    serial = domain.hardware.chipset.serial
    for port, value in ((SERIAL + 3, 3), (SERIAL + 2, 7), (SERIAL + 1, 1), (SERIAL + 4, 0x0B)):
        serial.write(port, value, B.bytes)


_START = {VIRQ_TIMER: start_timer, VIRQ_CONSOLE: start_console}
