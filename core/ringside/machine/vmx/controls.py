"""The control bits of a VMCS, and the capability MSRs 480H-491H that say which may be set.

Bits are SDM vol. 3C, 25.6-25.8; the MSRs vol. 3D, appendix A. A control that always is 1 or always
0 here stands in no table: the capability MSRs derive from these.
"""

from __future__ import annotations

from functools import cache

from ringside.machine.control import CR4_KNOWN
from ringside.machine.descriptors import Field as Bits
from ringside.machine.vmx.fields import HIGHEST_INDEX

REVISION = 0x1A320001  # this processor's VMCS format; any number will do, software just copies it
REGION_SIZE = 4096

# -- pin-based ------------------------------------------------------------------------------------

EXTERNAL_INTERRUPT = 1 << 0
NMI_EXITING = 1 << 3
VIRTUAL_NMIS = 1 << 5
PREEMPTION_TIMER = 1 << 6

PIN = (
    Bits("external-interrupt exiting", 0, 1, "interrupts leave the virtual machine"),
    Bits("nmi exiting", 3, 1, "non-maskable interrupts leave it"),
    Bits("virtual nmis", 5, 1, "NMI blocking is the guest's own, kept in its state"),
    Bits("activate preemption timer", 6, 1, "leave when the timer has counted down"),
)

# -- primary processor-based ----------------------------------------------------------------------

INTERRUPT_WINDOW = 1 << 2
USE_TSC_OFFSET = 1 << 3
HLT_EXITING = 1 << 7
INVLPG_EXITING = 1 << 9
RDTSC_EXITING = 1 << 12
CR3_LOAD_EXITING = 1 << 15
CR3_STORE_EXITING = 1 << 16
NMI_WINDOW = 1 << 22
MOV_DR_EXITING = 1 << 23
IO_EXITING = 1 << 24
USE_IO_BITMAPS = 1 << 25
MONITOR_TRAP = 1 << 27
USE_MSR_BITMAPS = 1 << 28
PAUSE_EXITING = 1 << 30
ACTIVATE_SECONDARY = 1 << 31

PRIMARY = (
    Bits("interrupt-window exiting", 2, 1, "leave as soon as an interrupt could be delivered"),
    Bits("use tsc offsetting", 3, 1, "the guest's time-stamp counter is offset"),
    Bits("hlt exiting", 7, 1, "HLT"),
    Bits("invlpg exiting", 9, 1, "INVLPG"),
    Bits("rdtsc exiting", 12, 1, "RDTSC"),
    Bits("cr3-load exiting", 15, 1, "MOV to CR3, but for the CR3-target values"),
    Bits("cr3-store exiting", 16, 1, "MOV from CR3"),
    Bits("nmi-window exiting", 22, 1, "leave as soon as an NMI could be delivered"),
    Bits("mov-dr exiting", 23, 1, "MOV to and from debug registers"),
    Bits("unconditional i/o exiting", 24, 1, "IN, OUT, INS, OUTS"),
    Bits("use i/o bitmaps", 25, 1, "the two bitmaps decide instead, port by port"),
    Bits("monitor trap flag", 27, 1, "leave after one instruction"),
    Bits("use msr bitmaps", 28, 1, "the bitmap decides which RDMSR and WRMSR leave; else all do"),
    Bits("pause exiting", 30, 1, "PAUSE"),
    Bits("activate secondary controls", 31, 1, "else they all count as 0"),
)

# -- secondary processor-based --------------------------------------------------------------------

ENABLE_EPT = 1 << 1
DESCRIPTOR_TABLE_EXITING = 1 << 2
ENABLE_VPID = 1 << 5
WBINVD_EXITING = 1 << 6
UNRESTRICTED_GUEST = 1 << 7

SECONDARY = (
    Bits("enable ept", 1, 1, "guest-physical addresses go through extended page tables"),
    Bits("descriptor-table exiting", 2, 1, "LGDT LIDT LLDT LTR SGDT SIDT SLDT STR"),
    Bits("enable vpid", 5, 1, "cached translations are tagged, and survive entry and exit"),
    Bits("wbinvd exiting", 6, 1, "WBINVD"),
    Bits("unrestricted guest", 7, 1, "the guest may run unpaged and in real mode"),
)

# -- exit and entry -------------------------------------------------------------------------------

SAVE_DEBUG = 1 << 2
ACKNOWLEDGE_INTERRUPT = 1 << 15
SAVE_TIMER = 1 << 22

EXIT = (
    Bits("save debug controls", 2, 1, "DR7 is saved"),
    Bits("acknowledge interrupt on exit", 15, 1, "the vector is fetched and stored"),
    Bits("save preemption-timer value", 22, 1, "what is left of it is stored"),
)

LOAD_DEBUG = 1 << 2
IA32E_GUEST = 1 << 9

ENTRY = (Bits("load debug controls", 2, 1, "DR7 is loaded"),)

# -- fields made of bits --------------------------------------------------------------------------

RIGHTS_FIELDS = (
    Bits("type", 0, 4, "as in the descriptor"),
    Bits("s", 4, 1, "1: code or data, 0: system"),
    Bits("dpl", 5, 2, "descriptor privilege level"),
    Bits("p", 7, 1, "present"),
    Bits("avl", 12, 1, "free for software"),
    Bits("l", 13, 1, "64-bit code (not on IA-32)"),
    Bits("d/b", 14, 1, "1: 32-bit"),
    Bits("g", 15, 1, "the limit counts 4 KiB units"),
    Bits("unusable", 16, 1, "1: the register holds no usable segment"),
)
UNUSABLE = 1 << 16

INTERRUPTIBILITY_FIELDS = (
    Bits("blocking by sti", 0, 1, "the instruction after STI"),
    Bits("blocking by mov ss", 1, 1, "the instruction after a load of SS"),
    Bits("blocking by smi", 2, 1, "not modelled"),
    Bits("blocking by nmi", 3, 1, "until the next IRET"),
)
BY_STI, BY_MOV_SS, BY_SMI, BY_NMI = 1, 2, 4, 8

INTERRUPTION_FIELDS = (
    Bits("vector", 0, 8, "of the interrupt or exception"),
    Bits("type", 8, 3, "see EVENT_TYPES"),
    Bits("error code valid", 11, 1, "an error code goes with it"),
    Bits("nmi unblocking", 12, 1, "IRET had just removed the blocking (exit information only)"),
    Bits("valid", 31, 1, "there is such an event"),
)
EXTERNAL, RESERVED_EVENT, NMI, HARDWARE = range(4)
SOFTWARE, PRIVILEGED_SOFTWARE, SOFTWARE_EXCEPTION, OTHER = range(4, 8)
EVENT_TYPES = (
    "external interrupt", "reserved", "NMI", "hardware exception", "software interrupt (INT n)",
    "privileged software exception (INT1)", "software exception (INT3, INTO)", "other",
)  # fmt: skip
ERROR_VALID = 1 << 11
NMI_UNBLOCKED = 1 << 12
VALID = 1 << 31

ACTIVITY_STATES = ("active", "halted", "shutdown", "waiting for a start-up IPI")
ACTIVE, HALTED = 0, 1

# -- what is allowed ------------------------------------------------------------------------------

# Bits that were 1 before there was a use for 0 (appendix A.2). The TRUE MSRs tell which may now
# be 0 as well: of these, CR3 exiting and the debug controls.
DEFAULT1 = {
    "pin": 0x16, "primary": 0x0401_E172, "secondary": 0, "exit": 0x0003_6DFF, "entry": 0x11FF,
}  # fmt: skip
# Bit 9 of the exit controls is the 64-bit host's, and of the entry controls the 64-bit guest's;
# neither exists on a processor without Intel 64.
TABLES = {"pin": PIN, "primary": PRIMARY, "secondary": SECONDARY, "exit": EXIT, "entry": ENTRY}


def known(name: str) -> int:
    """The bits of a set of controls that mean something here."""
    return sum(1 << bit.low for bit in TABLES[name])


@cache
def allowed(name: str) -> tuple[int, int]:
    """``(must be 1, may be 1)`` for a set of controls, as the TRUE capability MSR says."""
    must = DEFAULT1[name] & ~known(name)
    return must, must | known(name)


def unsupported(name: str, value: int) -> str:
    """Say which control of ``value`` is not allowed, or "" if all are."""
    must, may = allowed(name)
    low, high = must & ~value, value & ~may
    if low:
        return f"{name} controls: bit {low.bit_length() - 1} must be 1"
    return f"{name} controls: bit {high.bit_length() - 1} must be 0" if high else ""


CR3_TARGETS = 4
TIMER_RATE = 0  # the timer counts down once per 2**TIMER_RATE ticks of the time-stamp counter
MSR_LIST_LIMIT = 512

# Entry and exit leave these bits of CR0 as they are: ET, NW, CD and the reserved ones (27.3.2.1).
CR0_NOT_SWITCHED = 0x7FFA_FFD0

# In VMX operation these bits of CR0 and CR4 must be 1, and no others than these may be (A.7, A.8).
CR0_FIXED0, CR0_FIXED1 = 0x8000_0021, 0xFFFF_FFFF
CR4_VMXE = 1 << 13
CR4_FIXED0, CR4_FIXED1 = CR4_VMXE, CR4_KNOWN | CR4_VMXE

# Memory type write-back, 32-bit addresses, INS and OUTS described, TRUE capability MSRs.
BASIC = REVISION | REGION_SIZE << 32 | 1 << 48 | 6 << 50 | 1 << 54 | 1 << 55
ACTIVITIES = 1 << 6  # HLT
MISC = TIMER_RATE | ACTIVITIES | CR3_TARGETS << 16
# Read, write and execute-only apart: 4 levels, write-back and uncached, 2 MiB and 1 GiB pages,
# INVEPT and INVVPID with all their types, accessed and dirty flags.
EPT_VPID = (
    1 << 6 | 1 << 8 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 20 | 1 << 21 | 1 << 25 | 1 << 26
    | 1 << 32 | 0xF << 40
)  # fmt: skip

FIRST_MSR, LAST_MSR = 0x480, 0x490


def capability(number: int) -> int:
    """Read one of the MSRs 480H-490H."""
    if number == 0x480:
        return BASIC
    if number in PLAIN:
        return PLAIN[number]
    name, true = SETS[number]
    must, may = allowed(name)
    return (must if true else must | DEFAULT1[name]) | may << 32


PLAIN = {
    0x485: MISC, 0x486: CR0_FIXED0, 0x487: CR0_FIXED1, 0x488: CR4_FIXED0, 0x489: CR4_FIXED1,
    0x48A: HIGHEST_INDEX << 1, 0x48C: EPT_VPID,
}  # fmt: skip
SETS = {
    0x481: ("pin", False), 0x482: ("primary", False), 0x483: ("exit", False),
    0x484: ("entry", False), 0x48B: ("secondary", False), 0x48D: ("pin", True),
    0x48E: ("primary", True), 0x48F: ("exit", True), 0x490: ("entry", True),
}  # fmt: skip
