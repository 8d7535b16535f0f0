"""Why a virtual machine was left: the basic exit reasons (SDM vol. 3D, appendix C)."""

from __future__ import annotations

EXCEPTION, EXTERNAL_INTERRUPT, TRIPLE_FAULT = 0, 1, 2
INTERRUPT_WINDOW, NMI_WINDOW, TASK_SWITCH, CPUID = range(7, 11)
HLT, INVD, INVLPG, RDTSC = 12, 13, 14, 16
VMCALL, VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST = range(18, 23)
VMREAD, VMRESUME, VMWRITE, VMXOFF, VMXON = range(23, 28)
CR_ACCESS, DR_ACCESS, IO_INSTRUCTION, RDMSR, WRMSR = range(28, 33)
INVALID_GUEST, MSR_LOADING, MONITOR_TRAP, PAUSE = 33, 34, 37, 40
TABLE_ACCESS, SELECTOR_ACCESS, EPT_VIOLATION, EPT_MISCONFIGURATION = 46, 47, 48, 49
INVEPT, TIMER, INVVPID, WBINVD = 50, 52, 53, 54

REASONS = {
    EXCEPTION: "exception or NMI", EXTERNAL_INTERRUPT: "external interrupt",
    TRIPLE_FAULT: "triple fault", INTERRUPT_WINDOW: "interrupt window", NMI_WINDOW: "NMI window",
    TASK_SWITCH: "task switch", CPUID: "CPUID", HLT: "HLT", INVD: "INVD", INVLPG: "INVLPG",
    RDTSC: "RDTSC", VMCALL: "VMCALL", VMCLEAR: "VMCLEAR", VMLAUNCH: "VMLAUNCH",
    VMPTRLD: "VMPTRLD", VMPTRST: "VMPTRST", VMREAD: "VMREAD", VMRESUME: "VMRESUME",
    VMWRITE: "VMWRITE", VMXOFF: "VMXOFF", VMXON: "VMXON", CR_ACCESS: "control-register access",
    DR_ACCESS: "debug-register access", IO_INSTRUCTION: "I/O instruction", RDMSR: "RDMSR",
    WRMSR: "WRMSR", INVALID_GUEST: "entry failed: guest state",
    MSR_LOADING: "entry failed: MSR loading", MONITOR_TRAP: "monitor trap flag", PAUSE: "PAUSE",
    TABLE_ACCESS: "access to GDTR or IDTR", SELECTOR_ACCESS: "access to LDTR or TR",
    EPT_VIOLATION: "EPT violation", EPT_MISCONFIGURATION: "EPT misconfiguration",
    INVEPT: "INVEPT", TIMER: "preemption timer", INVVPID: "INVVPID", WBINVD: "WBINVD",
}  # fmt: skip
ENTRY_FAILED = 1 << 31


class VmExit(Exception):
    """What makes the processor leave the virtual machine, before anything changed.

    ``length`` is the instruction's, ``info`` its operands (see ``info``), ``event`` the
    interruption information with its ``error`` code, ``linear`` and ``physical`` addresses.
    """

    __slots__ = (
        "error", "event", "info", "length", "linear", "physical", "qualification", "reason",
    )  # fmt: skip

    def __init__(
        self,
        reason: int,
        qualification: int = 0,
        length: int = 0,
        info: int = 0,
        event: int = 0,
        error: int = 0,
        linear: int = 0,
        physical: int = 0,
    ) -> None:
        super().__init__(reason, qualification)
        self.reason = reason
        self.qualification = qualification
        self.length = length
        self.info = info
        self.event = event
        self.error = error
        self.linear = linear
        self.physical = physical

    def __str__(self) -> str:
        return f"VM exit {self.reason} ({REASONS[self.reason]}), {self.qualification:#x}"
