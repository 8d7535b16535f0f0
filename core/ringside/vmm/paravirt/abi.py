"""The binary interface of a paravirtual guest: Xen's numbers and layouts where Xen has them.

A guest kernel runs in ring 1 and calls the VMM with ``INT 82h``: the number of the hypercall in
EAX, arguments in EBX, ECX, EDX, ESI, EDI, the result in EAX, negative for an error. Pointers are
linear addresses of the guest's own memory; page-table entries and what names a frame to a hypercall
are the machine's.

Simpler than in Xen: what Xen tells a guest in its start information (where its first page tables,
the list of its frames and the shared page are) lies at fixed places. ``set_gdt`` and
``update_descriptor`` take linear addresses of a table the VMM copies; Xen's take frames and
addresses of the machine, and its processor uses the guest's own descriptors, kept read-only like
page tables. A directory is pinned before it is used and stays so while in use; Xen counts the use
by itself. Guests here do not name another domain (ESI of ``mmu_update`` and ``mmuext_op``).

Sources: Xen's public headers ``xen.h``, ``arch-x86/xen.h``, ``event_channel.h``, ``sched.h``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HYPERCALL_VECTOR: Final = 0x82
KERNEL_RING: Final = 1
SYSTEM_CALL_VECTOR: Final = 0x80  # the one gate that leads from an application to its kernel alone

SET_TRAP_TABLE, MMU_UPDATE, SET_GDT, STACK_SWITCH, SET_CALLBACKS = 0, 1, 2, 3, 4
UPDATE_DESCRIPTOR, MULTICALL, UPDATE_VA_MAPPING = 10, 13, 14
XEN_VERSION, CONSOLE_IO, IRET, VCPU_OP, MMUEXT_OP, SCHED_OP, EVENT_CHANNEL_OP = (
    17, 18, 23, 24, 26, 29, 32,
)  # fmt: skip

NAMES: Final[dict[int, str]] = {
    SET_TRAP_TABLE: "set_trap_table",
    MMU_UPDATE: "mmu_update",
    SET_GDT: "set_gdt",
    STACK_SWITCH: "stack_switch",
    SET_CALLBACKS: "set_callbacks",
    UPDATE_DESCRIPTOR: "update_descriptor",
    MULTICALL: "multicall",
    UPDATE_VA_MAPPING: "update_va_mapping",
    XEN_VERSION: "xen_version",
    CONSOLE_IO: "console_io",
    IRET: "iret",
    VCPU_OP: "vcpu_op",
    MMUEXT_OP: "mmuext_op",
    SCHED_OP: "sched_op",
    EVENT_CHANNEL_OP: "event_channel_op",
}
UNKNOWN: Final = "unknown"

# Errors, as negative results (Xen's errno.h, which is Linux's).
EPERM, ENOENT, EAGAIN, EFAULT, EBUSY, EEXIST, EINVAL, ENOSPC, ENOSYS = (
    1, 2, 11, 14, 16, 17, 22, 28, 38,
)  # fmt: skip
ERRNO_NAMES: Final[dict[int, str]] = {
    EPERM: "EPERM", ENOENT: "ENOENT", EAGAIN: "EAGAIN", EFAULT: "EFAULT", EBUSY: "EBUSY",
    EEXIST: "EEXIST", EINVAL: "EINVAL", ENOSPC: "ENOSPC", ENOSYS: "ENOSYS",
}  # fmt: skip

VERSION: Final = 3 << 16  # what xen_version answers: 3.0

# Where a guest begins: guest-physical addresses (Xen has them in struct start_info), and the linear
# address of the list that leads back (Xen: MACH2PHYS_VIRT_START). A guest numbers its frames from
# 0; an entry of a list is four bytes, and the lists are each other's inverse.
START_DIRECTORY: Final = 0x90000  # its first page directory, in use and pinned from the start
PHYSICAL_TO_MACHINE: Final = 0x91000  # the frame of the machine behind each of its own
START_TABLES_END: Final = 0x9F000  # the tables of the directory, the first one right below this
MACHINE_TO_PHYSICAL: Final = 0xFF80_0000  # its own number for each frame of the machine; read only
NO_FRAME: Final = 0xFFFF_FFFF  # of a frame of the machine that is not the guest's
LARGEST_MEMORY: Final = 28 << 20  # bytes for which list and tables fit between these places

# The shared information page (struct shared_info): what the VMM and the kernel tell each other
# without a call. The guest-physical address is fixed; offsets are Xen's for 32-bit x86.
SHARED_INFO: Final = 0x9F000
UPCALL_PENDING: Final = 0  # byte: some event has come
UPCALL_MASK: Final = 1  # byte: 1 holds events back; the kernel's own interrupt flag, upside down
PENDING_SELECTOR: Final = 4  # which words of EVENTS_PENDING have bits set
FAULT_ADDRESS: Final = 8  # arch.cr2
EVENTS_PENDING: Final = 0x800  # a bit for each event channel port
EVENTS_MASK: Final = 0x880

PORTS: Final = 32  # event channel ports a guest can have; port 0 is never used

# A trap's flags (struct trap_info): privilege in bits 0-1, and whether it arrives with events off.
TRAP_DPL: Final = 3
TRAP_MASKS_EVENTS: Final = 4
MOST_TRAPS: Final = 257  # entries of a table, the terminating one included

# Sub-operations.
CONSOLE_WRITE, CONSOLE_READ = 0, 1
LONGEST_TEXT: Final = 4096
SCHED_YIELD, SCHED_BLOCK, SCHED_SHUTDOWN = 0, 1, 2
EVENT_BIND_VIRQ, EVENT_CLOSE, EVENT_SEND = 1, 3, 4
VIRQ_TIMER, VIRQ_CONSOLE = 0, 2
SET_PERIODIC_TIMER: Final = 6
PIN_L2, UNPIN, NEW_BASEPTR, TLB_FLUSH_LOCAL, INVLPG_LOCAL = 1, 4, 5, 6, 7
NORMAL_PT_UPDATE: Final = 0
FLUSH_ALL, FLUSH_PAGE = 1, 2  # flags of update_va_mapping
MOST_BATCHED: Final = 256  # requests in one hypercall
MOST_WORK: Final = 1 << 16  # entries or characters in one trap; then no further request is begun

# The selectors the VMM provides until the guest has segments of its own, flat and in ring 1 or 3.
FIRST_RESERVED_ENTRY: Final = 14 * 512  # of the GDT: what comes from here on is the VMM's
FLAT_KERNEL_CODE, FLAT_KERNEL_DATA = 0xE019, 0xE021
FLAT_USER_CODE, FLAT_USER_DATA = 0xE02B, 0xE033


class HypercallError(Exception):
    """A hypercall is refused: the guest gets ``code`` as a negative result, people get ``why``."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{ERRNO_NAMES[code]}: {why}")
        self.code = code
        self.why = why


class Trap(NamedTuple):
    """An entry of the trap table: what the guest wants called for a vector."""

    flags: int
    cs: int
    address: int

    @property
    def dpl(self) -> int:
        """The outermost ring that may ask for it with INT."""
        return self.flags & TRAP_DPL

    @property
    def masks_events(self) -> bool:
        """Whether its handler begins with events held back."""
        return bool(self.flags & TRAP_MASKS_EVENTS)


def call_name(number: int) -> str:
    """The name of a hypercall, ``?`` if there is none of that number."""
    return NAMES.get(number, UNKNOWN)


def exit_reason(number: int) -> str:
    """The exit reason of a hypercall: each name is one, so that exits are counted by it."""
    return f"hypercall {call_name(number)}"
