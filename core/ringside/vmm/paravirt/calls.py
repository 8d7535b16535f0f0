"""The hypercalls: one function each, from six arguments to a result.

Every argument comes from a guest that may mean harm. A pointer is followed only through the
guest's own tables and only where its kernel could; a number is checked before it is used; what
does not fit raises :class:`~ringside.vmm.paravirt.abi.HypercallError`, the guest gets the error's
code, and nothing has happened. Of a batch the requests before the bad one have been done.

A guest cannot keep the VMM busy either: when one trap has had it look at many entries, the batch
ends there with EAGAIN, and the guest may ask for the rest. (Xen breaks off, too, but then carries
on by itself: it puts the guest's EIP back to the INT, with what is left in its registers.)
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ringside.isa.registers import CS, ESP, FLAG_IF, SS
from ringside.isa.rows.flags import ANYBODY_MAY_CHANGE
from ringside.machine.outcome import exited
from ringside.vmm.paravirt import abi
from ringside.vmm.paravirt.abi import (
    EAGAIN,
    EFAULT,
    EINVAL,
    ENOSYS,
    EPERM,
    KERNEL_RING,
    HypercallError,
    Trap,
)

if TYPE_CHECKING:
    from ringside.vmm.cpu.paravirtualization import Paravirtualization
    from ringside.vmm.paravirt.domain import Domain

Args = tuple[int, ...]
TRAP_INFO = struct.Struct("<BBHI")
MMU_REQUEST = struct.Struct("<QQ")
MMUEXT_REQUEST = struct.Struct("<III")
MULTICALL_ENTRY = struct.Struct("<II6I")
VIRQ_REQUEST = struct.Struct("<III")
PORT_REQUEST = struct.Struct("<I")
PERIOD_REQUEST = struct.Struct("<Q")
SHUTDOWN_REQUEST = struct.Struct("<I")
RETURN_FRAME = struct.Struct("<4I")  # EAX, EIP, CS, EFLAGS; ESP and SS follow to ring 3
OUTER_STACK = struct.Struct("<2I")
POWER_OFF_STATUS = 1  # what the exit port of a machine makes of a 0


class Calls:
    """The hypercalls of one VM. ``table`` is by number."""

    __slots__ = ("domain", "looked", "table", "technique")

    def __init__(self, domain: Domain, technique: Paravirtualization) -> None:
        self.domain = domain
        self.technique = technique
        self.looked = 0  # entries of lists since the trap; those of page tables are counted there
        self.table: Mapping[int, Callable[[Args], int]] = {
            abi.SET_TRAP_TABLE: self.set_trap_table,
            abi.MMU_UPDATE: self.mmu_update,
            abi.SET_GDT: self.set_gdt,
            abi.STACK_SWITCH: self.stack_switch,
            abi.SET_CALLBACKS: self.set_callbacks,
            abi.UPDATE_DESCRIPTOR: self.update_descriptor,
            abi.MULTICALL: self.multicall,
            abi.UPDATE_VA_MAPPING: self.update_va_mapping,
            abi.XEN_VERSION: self.xen_version,
            abi.CONSOLE_IO: self.console_io,
            abi.IRET: self.iret,
            abi.VCPU_OP: self.vcpu_op,
            abi.MMUEXT_OP: self.mmuext_op,
            abi.SCHED_OP: self.sched_op,
            abi.EVENT_CHANNEL_OP: self.event_channel_op,
        }

    def call(self, number: int, args: Args) -> tuple[int, str]:
        """Carry out what one trap asks for: the result, and why if it was refused."""
        self.looked = -self.domain.paging.types.looked
        return self._call(number, args)

    def _call(self, number: int, args: Args) -> tuple[int, str]:
        found = self.table.get(number)
        try:
            if found is None:
                raise HypercallError(ENOSYS, f"there is no hypercall {number}")
            return found(args), ""
        except HypercallError as refusal:
            return -refusal.code, refusal.why

    # -- pointers ----------------------------------------------------------------------------

    def _read(self, pointer: int, count: int) -> bytes:
        self.looked += count >> 3
        data = self.domain.paging.read(pointer, count)
        if data is None:
            raise HypercallError(EFAULT, f"the kernel cannot read {count} bytes at {pointer:#x}")
        return data

    def _write(self, pointer: int, data: bytes) -> None:
        if not self.domain.paging.write(pointer, data):
            raise HypercallError(
                EFAULT, f"the kernel cannot write {len(data)} bytes at {pointer:#x}"
            )

    def _list(self, pointer: int, count: int, entry: struct.Struct) -> list[tuple[int, ...]]:
        if count > abi.MOST_BATCHED:
            raise HypercallError(EINVAL, f"{count} requests; {abi.MOST_BATCHED} at most in a call")
        return list(entry.iter_unpack(self._read(pointer, count * entry.size)))

    def _require_time(self) -> None:
        """Refuse to begin with a request when this trap has taken long enough."""
        if self.looked + self.domain.paging.types.looked > abi.MOST_WORK:
            raise HypercallError(EAGAIN, "that is too much for one trap: ask again for the rest")

    # -- descriptors and traps ---------------------------------------------------------------

    def set_trap_table(self, args: Args) -> int:
        """EBX -> {vector, flags, cs, address}, ended by an address of 0."""
        traps: dict[int, Trap] = {}
        for number in range(abi.MOST_TRAPS):
            vector, flags, cs, address = TRAP_INFO.unpack(
                self._read(args[0] + number * TRAP_INFO.size, TRAP_INFO.size)
            )
            if not address:
                self.domain.traps.update(traps)
                self.technique.show_system_call()
                return 0
            if flags & ~(abi.TRAP_DPL | abi.TRAP_MASKS_EVENTS):
                raise HypercallError(EINVAL, f"trap {vector:#x} has unknown flags {flags:#x}")
            self.domain.segments.require_code(cs)
            traps[vector] = Trap(flags, cs, address)
        raise HypercallError(EINVAL, "the trap table has no end")

    def set_gdt(self, args: Args) -> int:
        """EBX -> the table, ECX = number of entries."""
        base, count = args[:2]
        if count > abi.FIRST_RESERVED_ENTRY:
            raise HypercallError(EINVAL, f"{count} descriptors are more than a table has")
        raws = struct.unpack(f"<{count}Q", self._read(base, 8 * count))
        self.domain.segments.replace(base, raws)
        return 0

    def update_descriptor(self, args: Args) -> int:
        """EBX = address of the entry, EDX:ECX = the descriptor."""
        self.domain.segments.update(args[0], args[2] << 32 | args[1])
        return 0

    def stack_switch(self, args: Args) -> int:
        """EBX:ECX = SS:ESP that traps from ring 3 shall find."""
        self.domain.segments.require_stack(args[0])
        self.domain.stack = (args[0], args[1])
        self.technique.show_stack()
        return 0

    def set_callbacks(self, args: Args) -> int:
        """EBX:ECX = handler of events. EDX:ESI, Xen's failsafe handler, is not used here."""
        self.domain.segments.require_code(args[0])
        self.domain.callback = (args[0], args[1])
        return 0

    # -- memory ------------------------------------------------------------------------------

    def mmu_update(self, args: Args) -> int:
        """EBX -> ECX requests {machine address of the entry, new value}; EDX -> where to say how
        many were done, or 0."""
        done = 0
        try:
            for pointer, value in self._list(args[0], args[1], MMU_REQUEST):
                self._require_time()
                if pointer & 3 != abi.NORMAL_PT_UPDATE:
                    raise HypercallError(ENOSYS, f"page-table update of type {pointer & 3}")
                if pointer >> 32 or value >> 32:
                    raise HypercallError(EPERM, "no guest has memory beyond 4 GiB")
                self.domain.paging.update(pointer, value)
                done += 1
        finally:
            if args[2]:
                self._write(args[2], struct.pack("<I", done))
        return 0

    def update_va_mapping(self, args: Args) -> int:
        """EBX = linear address, ECX = the entry that shall map it, EDX = what to flush."""
        linear, value, flags = args[:3]
        paging = self.domain.paging
        if flags & ~(abi.FLUSH_ALL | abi.FLUSH_PAGE):
            raise HypercallError(EINVAL, f"unknown flags {flags:#x}")
        paging.update_mapping(linear, value)
        if flags & abi.FLUSH_ALL:
            paging.flush()
        elif flags & abi.FLUSH_PAGE:
            paging.flush_page(linear)
        return 0

    def mmuext_op(self, args: Args) -> int:
        """EBX -> ECX requests {operation, machine frame or linear address, not used}; EDX as in
        mmu_update."""
        done = 0
        try:
            for operation, what, _ in self._list(args[0], args[1], MMUEXT_REQUEST):
                self._require_time()
                found = _MMUEXT.get(operation)
                if found is None:
                    raise HypercallError(ENOSYS, f"there is no mmuext operation {operation}")
                found(self.domain, what)
                done += 1
        finally:
            if args[2]:
                self._write(args[2], struct.pack("<I", done))
        return 0

    # -- running -----------------------------------------------------------------------------

    def iret(self, args: Args) -> int:
        """Take EAX, EIP, CS, EFLAGS (and ESP, SS) from the kernel's stack and go there."""
        vcpu, segments = self.domain.vcpu, self.domain.segments
        base = vcpu.segs[SS].base
        esp = vcpu.regs[ESP]
        eax, eip, cs, flags = RETURN_FRAME.unpack(self._read(base + esp, RETURN_FRAME.size))
        cs &= 0xFFFF
        ring = cs & 3
        if not segments.is_code(cs, ring) or ring not in (KERNEL_RING, 3):
            raise HypercallError(EINVAL, f"no code to return to under selector {cs:#x}")
        outer, ss = esp + RETURN_FRAME.size, vcpu.segs[SS].selector
        if ring != KERNEL_RING:
            outer, ss = OUTER_STACK.unpack(self._read(base + outer, OUTER_STACK.size))
            ss &= 0xFFFF
            if not segments.is_stack(ss, ring):
                raise HypercallError(EINVAL, f"no stack to return to under selector {ss:#x}")
            vcpu.segs[SS] = segments.segment(ss)
        vcpu.regs[ESP] = outer & 0xFFFF_FFFF
        vcpu.segs[CS] = segments.segment(cs)
        vcpu.eip = eip
        vcpu.set_cpl(ring)
        vcpu.eflags = vcpu.eflags & ~ANYBODY_MAY_CHANGE | flags & ANYBODY_MAY_CHANGE | FLAG_IF
        self.domain.mask_events(not flags & FLAG_IF)
        return int(eax)

    def sched_op(self, args: Args) -> int:
        """EBX = yield, block or shutdown (ECX -> the reason)."""
        operation = args[0]
        if operation == abi.SCHED_YIELD:
            self.domain.yields = True
            return 0
        if operation == abi.SCHED_BLOCK:
            self.domain.block()
            return 0
        if operation == abi.SCHED_SHUTDOWN:
            (reason,) = SHUTDOWN_REQUEST.unpack(self._read(args[1], SHUTDOWN_REQUEST.size))
            self.domain.hardware.outcome = exited((reason & 0x7F) << 1 | POWER_OFF_STATUS)
            return 0
        raise HypercallError(ENOSYS, f"there is no scheduling operation {operation}")

    def multicall(self, args: Args) -> int:
        """EBX -> ECX entries {number, result, six arguments}: several calls, one trap."""
        for at, (number, _, *rest) in enumerate(self._list(args[0], args[1], MULTICALL_ENTRY)):
            self._require_time()
            result = -ENOSYS if number in _NOT_BATCHED else self._call(number, tuple(rest))[0]
            where = args[0] + at * MULTICALL_ENTRY.size + 4
            self._write(where, struct.pack("<I", result & 0xFFFF_FFFF))
        return 0

    # -- events and devices ------------------------------------------------------------------

    def event_channel_op(self, args: Args) -> int:
        """EBX = operation, ECX -> its arguments."""
        operation, pointer = args[:2]
        domain = self.domain
        if operation == abi.EVENT_BIND_VIRQ:
            virq, vcpu, _ = VIRQ_REQUEST.unpack(self._read(pointer, VIRQ_REQUEST.size))
            if vcpu:
                raise HypercallError(abi.ENOENT, f"there is no virtual CPU {vcpu}")
            self._write(pointer, VIRQ_REQUEST.pack(virq, vcpu, 0))  # before anything is changed
            self._write(pointer + 8, struct.pack("<I", domain.bind_virq(virq)))
            return 0
        (port,) = PORT_REQUEST.unpack(self._read(pointer, PORT_REQUEST.size))
        if operation == abi.EVENT_CLOSE:
            domain.close(port)
        elif operation == abi.EVENT_SEND:
            if port not in domain.ports:
                raise HypercallError(EINVAL, f"port {port} is not bound")
            domain.send(port)
        else:
            raise HypercallError(ENOSYS, f"there is no event channel operation {operation}")
        return 0

    def vcpu_op(self, args: Args) -> int:
        """EBX = operation, ECX = virtual CPU, EDX -> its arguments."""
        operation, vcpu, pointer = args[:3]
        if vcpu:
            raise HypercallError(abi.ENOENT, f"there is no virtual CPU {vcpu}")
        if operation != abi.SET_PERIODIC_TIMER:
            raise HypercallError(ENOSYS, f"there is no operation {operation} on a virtual CPU")
        (period,) = PERIOD_REQUEST.unpack(self._read(pointer, PERIOD_REQUEST.size))
        self.domain.set_period(period)
        return 0

    def console_io(self, args: Args) -> int:
        """EBX = write or read, ECX = bytes, EDX -> them; reading answers how many came."""
        operation, count, pointer = args[:3]
        if count > abi.LONGEST_TEXT:
            raise HypercallError(EINVAL, f"{count} characters at once; {abi.LONGEST_TEXT} at most")
        self.looked += count
        if operation == abi.CONSOLE_WRITE:
            self.domain.write_console(self._read(pointer, count))
            return 0
        if operation == abi.CONSOLE_READ:
            self._write(pointer, self._read(pointer, count))  # can all of it be written?
            taken = self.domain.read_console(count)
            self._write(pointer, taken)
            return len(taken)
        raise HypercallError(ENOSYS, f"there is no console operation {operation}")

    def xen_version(self, args: Args) -> int:
        """EBX = 0: the version. Kernels also call it to have a pending event delivered."""
        if args[0]:
            raise HypercallError(ENOSYS, f"version information {args[0]}")
        return abi.VERSION


_MMUEXT: Mapping[int, Callable[[Domain, int], None]] = {
    abi.PIN_L2: lambda domain, hfn: domain.paging.pin(hfn),
    abi.UNPIN: lambda domain, hfn: domain.paging.unpin(hfn),
    abi.NEW_BASEPTR: lambda domain, hfn: domain.paging.use(hfn),
    abi.TLB_FLUSH_LOCAL: lambda domain, what: domain.paging.flush(),
    abi.INVLPG_LOCAL: lambda domain, linear: domain.paging.flush_page(linear),
}
_NOT_BATCHED = frozenset({abi.MULTICALL, abi.IRET, abi.SCHED_OP})
