"""The fields of a virtual-machine control structure, under their real encodings, as data.

SDM vol. 3C, chapter 25 says what they mean, vol. 3D, appendix B lists the encodings. An encoding
is made of parts itself: see ``ENCODING``. Only fields are listed that a processor with the
capabilities in ``controls`` has; an access to any other fails (error 12), as on hardware.
"""

from __future__ import annotations

from typing import NamedTuple

from ringside.isa.registers import CS, DS, ES, FS, GS, SS
from ringside.machine.descriptors import Field as Bits

CONTROL, EXIT_INFORMATION, GUEST, HOST = range(4)
AREAS = (
    "VM-execution, VM-exit and VM-entry controls", "VM-exit information (read-only)",
    "guest state", "host state",
)  # fmt: skip
WIDTHS = (16, 64, 32, 32)  # by the code in the encoding; natural width is 32 here
NATURAL = 3

ENCODING = (
    Bits("high", 0, 1, "1: the upper half of a 64-bit field"),
    Bits("index", 1, 9, "number within its kind"),
    Bits("type", 10, 2, "0 control, 1 exit information, 2 guest state, 3 host state"),
    Bits("width", 13, 2, "0: 16 bits, 1: 64, 2: 32, 3: natural"),
)


class Field(NamedTuple):
    """One field: its ``encoding``, a short ``name`` and what it is for."""

    encoding: int
    name: str
    text: str

    @property
    def area(self) -> int:
        """CONTROL, EXIT_INFORMATION, GUEST or HOST."""
        return self.encoding >> 10 & 3

    @property
    def width(self) -> int:
        """Bits: 16, 32 or 64."""
        return WIDTHS[self.encoding >> 13 & 3]

    @property
    def natural(self) -> bool:
        """Whether it has the processor's own width."""
        return self.encoding >> 13 & 3 == NATURAL

    @property
    def read_only(self) -> bool:
        """Whether VMWRITE refuses it (error 13)."""
        return self.area == EXIT_INFORMATION


SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr")
assert (ES, CS, SS, DS, FS, GS) == (0, 1, 2, 3, 4, 5)  # the encodings go in this order
LDTR, TR = 6, 7

# Encodings the processor itself uses. Segments and debug-free lists are computed: base + 2 * n.
VPID = 0x0000
GUEST_SELECTOR = 0x0800
HOST_SELECTOR = 0x0C00  # no LDTR among the host's, so TR is number 6
IO_BITMAP_A, IO_BITMAP_B, MSR_BITMAP = 0x2000, 0x2002, 0x2004
EXIT_MSR_STORE, EXIT_MSR_LOAD, ENTRY_MSR_LOAD = 0x2006, 0x2008, 0x200A
TSC_OFFSET = 0x2010
EPT_POINTER = 0x201A
GUEST_PHYSICAL = 0x2400
LINK_POINTER = 0x2800
GUEST_DEBUGCTL = 0x2802
GUEST_PDPTE = 0x280A
PIN_CONTROLS, PRIMARY_CONTROLS, EXCEPTION_BITMAP = 0x4000, 0x4002, 0x4004
PF_MASK, PF_MATCH, CR3_TARGET_COUNT = 0x4006, 0x4008, 0x400A
EXIT_CONTROLS, EXIT_MSR_STORE_COUNT, EXIT_MSR_LOAD_COUNT = 0x400C, 0x400E, 0x4010
ENTRY_CONTROLS, ENTRY_MSR_LOAD_COUNT = 0x4012, 0x4014
ENTRY_INTERRUPTION, ENTRY_ERROR, ENTRY_LENGTH = 0x4016, 0x4018, 0x401A
SECONDARY_CONTROLS = 0x401E
INSTRUCTION_ERROR, EXIT_REASON = 0x4400, 0x4402
EXIT_INTERRUPTION, EXIT_ERROR = 0x4404, 0x4406
VECTORING, VECTORING_ERROR = 0x4408, 0x440A
EXIT_LENGTH, EXIT_INSTRUCTION = 0x440C, 0x440E
GUEST_LIMIT = 0x4800
GUEST_GDTR_LIMIT, GUEST_IDTR_LIMIT = 0x4810, 0x4812
GUEST_RIGHTS = 0x4814
INTERRUPTIBILITY, ACTIVITY = 0x4824, 0x4826
TIMER_VALUE = 0x482E
CR0_MASK, CR4_MASK, CR0_SHADOW, CR4_SHADOW = 0x6000, 0x6002, 0x6004, 0x6006
CR3_TARGET = 0x6008
QUALIFICATION, GUEST_LINEAR = 0x6400, 0x640A
GUEST_CR0, GUEST_CR3, GUEST_CR4 = 0x6800, 0x6802, 0x6804
GUEST_BASE = 0x6806
GUEST_GDTR_BASE, GUEST_IDTR_BASE = 0x6816, 0x6818
GUEST_DR7, GUEST_ESP, GUEST_EIP, GUEST_EFLAGS = 0x681A, 0x681C, 0x681E, 0x6820
PENDING_DEBUG = 0x6822
HOST_CR0, HOST_CR3, HOST_CR4 = 0x6C00, 0x6C02, 0x6C04
HOST_FS_BASE, HOST_GS_BASE, HOST_TR_BASE = 0x6C06, 0x6C08, 0x6C0A
HOST_GDTR_BASE, HOST_IDTR_BASE = 0x6C0C, 0x6C0E
HOST_ESP, HOST_EIP = 0x6C14, 0x6C16


def _guest_segments() -> tuple[Field, ...]:
    """Selector, limit, access rights and base of each segment register."""
    found = []
    for number, name in enumerate(SEGMENTS):
        found += [
            Field(GUEST_SELECTOR + 2 * number, f"guest {name} selector", f"{name.upper()}"),
            Field(GUEST_LIMIT + 2 * number, f"guest {name} limit", "last valid offset, in bytes"),
            Field(GUEST_RIGHTS + 2 * number, f"guest {name} rights", "see controls.RIGHTS_FIELDS"),
            Field(GUEST_BASE + 2 * number, f"guest {name} base", "linear address of offset 0"),
        ]
    return tuple(found)


def _host_selectors() -> tuple[Field, ...]:
    names = ("es", "cs", "ss", "ds", "fs", "gs", "tr")
    return tuple(
        Field(HOST_SELECTOR + 2 * n, f"host {name} selector", f"{name.upper()} after an exit")
        for n, name in enumerate(names)
    )


FIELDS: tuple[Field, ...] = tuple(
    sorted(
        (
            Field(VPID, "vpid", "tags the TLB entries of this virtual processor"),
            *_guest_segments(),
            *_host_selectors(),
            Field(IO_BITMAP_A, "i/o bitmap a", "one bit per port 0000-7FFF: 1 exits"),
            Field(IO_BITMAP_B, "i/o bitmap b", "one bit per port 8000-FFFF: 1 exits"),
            Field(MSR_BITMAP, "msr bitmap", "which RDMSR and WRMSR exit: read low, read high, …"),
            Field(EXIT_MSR_STORE, "exit msr store", "list of MSRs stored on exit"),
            Field(EXIT_MSR_LOAD, "exit msr load", "list of MSRs loaded on exit"),
            Field(ENTRY_MSR_LOAD, "entry msr load", "list of MSRs loaded on entry"),
            Field(TSC_OFFSET, "tsc offset", "added to the time-stamp counter the guest reads"),
            Field(EPT_POINTER, "ept pointer", "root of the extended page tables"),
            Field(GUEST_PHYSICAL, "guest physical address", "of an EPT violation"),
            Field(LINK_POINTER, "vmcs link pointer", "all ones: there is no linked VMCS"),
            Field(GUEST_DEBUGCTL, "guest ia32_debugctl", "kept; the MSR is not modelled"),
            *(
                Field(GUEST_PDPTE + 2 * n, f"guest pdpte {n}", "used with PAE paging under EPT")
                for n in range(4)
            ),
            Field(PIN_CONTROLS, "pin-based controls", "which asynchronous events exit"),
            Field(PRIMARY_CONTROLS, "primary controls", "which instructions exit"),
            Field(EXCEPTION_BITMAP, "exception bitmap", "one bit per vector: 1 exits"),
            Field(PF_MASK, "page-fault error mask", "error code bits compared with the match"),
            Field(PF_MATCH, "page-fault error match", "if equal, bitmap bit 14 decides; else not"),
            Field(CR3_TARGET_COUNT, "cr3-target count", "how many target values count"),
            Field(EXIT_CONTROLS, "exit controls", "what a VM exit saves and loads"),
            Field(EXIT_MSR_STORE_COUNT, "exit msr-store count", "entries in that list"),
            Field(EXIT_MSR_LOAD_COUNT, "exit msr-load count", "entries in that list"),
            Field(ENTRY_CONTROLS, "entry controls", "what a VM entry loads"),
            Field(ENTRY_MSR_LOAD_COUNT, "entry msr-load count", "entries in that list"),
            Field(ENTRY_INTERRUPTION, "entry interruption info", "the event to inject"),
            Field(ENTRY_ERROR, "entry error code", "its error code"),
            Field(ENTRY_LENGTH, "entry instruction length", "of an injected software interrupt"),
            Field(SECONDARY_CONTROLS, "secondary controls", "more of the same"),
            Field(INSTRUCTION_ERROR, "vm-instruction error", "why a VMX instruction failed"),
            Field(EXIT_REASON, "exit reason", "bits 15:0 the reason, bit 31 a failed entry"),
            Field(EXIT_INTERRUPTION, "exit interruption info", "the event that made it exit"),
            Field(EXIT_ERROR, "exit error code", "its error code"),
            Field(VECTORING, "idt-vectoring info", "the event that was being delivered"),
            Field(VECTORING_ERROR, "idt-vectoring error", "its error code"),
            Field(EXIT_LENGTH, "exit instruction length", "bytes of the instruction that exited"),
            Field(EXIT_INSTRUCTION, "exit instruction info", "operands of the instruction"),
            Field(GUEST_GDTR_LIMIT, "guest gdtr limit", "last valid offset, in bytes"),
            Field(GUEST_IDTR_LIMIT, "guest idtr limit", "last valid offset, in bytes"),
            Field(INTERRUPTIBILITY, "interruptibility state", "what holds interrupts back"),
            Field(ACTIVITY, "activity state", "0 active, 1 halted"),
            Field(0x4828, "guest smbase", "kept; system management is not modelled"),
            Field(0x482A, "guest sysenter cs", "kept; SYSENTER is not modelled"),
            Field(TIMER_VALUE, "preemption-timer value", "ticks left in the virtual machine"),
            Field(0x4C00, "host sysenter cs", "kept; SYSENTER is not modelled"),
            Field(CR0_MASK, "cr0 mask", "bits the host owns"),
            Field(CR4_MASK, "cr4 mask", "bits the host owns"),
            Field(CR0_SHADOW, "cr0 read shadow", "what the guest reads of those bits"),
            Field(CR4_SHADOW, "cr4 read shadow", "what the guest reads of those bits"),
            *(
                Field(CR3_TARGET + 2 * n, f"cr3 target {n}", "loading this value does not exit")
                for n in range(4)
            ),
            Field(QUALIFICATION, "exit qualification", "more about the exit, by reason"),
            *(
                Field(0x6402 + 2 * n, f"i/o {name}", "only written by SMM, which is not modelled")
                for n, name in enumerate(("rcx", "rsi", "rdi", "rip"))
            ),
            Field(GUEST_LINEAR, "guest linear address", "of the access, for some exits"),
            Field(GUEST_CR0, "guest cr0", "CR0"),
            Field(GUEST_CR3, "guest cr3", "CR3: its page directory"),
            Field(GUEST_CR4, "guest cr4", "CR4"),
            Field(GUEST_GDTR_BASE, "guest gdtr base", "linear address of the GDT"),
            Field(GUEST_IDTR_BASE, "guest idtr base", "linear address of the IDT"),
            Field(GUEST_DR7, "guest dr7", "DR7"),
            Field(GUEST_ESP, "guest rsp", "ESP"),
            Field(GUEST_EIP, "guest rip", "EIP"),
            Field(GUEST_EFLAGS, "guest rflags", "EFLAGS"),
            Field(PENDING_DEBUG, "pending debug exceptions", "not yet delivered"),
            Field(0x6824, "guest sysenter esp", "kept; SYSENTER is not modelled"),
            Field(0x6826, "guest sysenter eip", "kept; SYSENTER is not modelled"),
            Field(HOST_CR0, "host cr0", "CR0 after an exit"),
            Field(HOST_CR3, "host cr3", "CR3 after an exit"),
            Field(HOST_CR4, "host cr4", "CR4 after an exit"),
            Field(HOST_FS_BASE, "host fs base", "its base after an exit"),
            Field(HOST_GS_BASE, "host gs base", "its base after an exit"),
            Field(HOST_TR_BASE, "host tr base", "its base after an exit"),
            Field(HOST_GDTR_BASE, "host gdtr base", "linear address of the GDT after an exit"),
            Field(HOST_IDTR_BASE, "host idtr base", "linear address of the IDT after an exit"),
            Field(0x6C10, "host sysenter esp", "kept; SYSENTER is not modelled"),
            Field(0x6C12, "host sysenter eip", "kept; SYSENTER is not modelled"),
            Field(HOST_ESP, "host rsp", "ESP after an exit"),
            Field(HOST_EIP, "host rip", "where the host goes on after an exit"),
        )
    )
)
BY_ENCODING = {field.encoding: field for field in FIELDS}
BY_NAME = {field.name: field for field in FIELDS}
HIGHEST_INDEX = max(field.encoding >> 1 & 0x1FF for field in FIELDS)  # for MSR 48AH
