"""What the VMM does at each exit, by its reason (SDM vol. 3D, appendix C).

The processor says what the instruction was about in the exit qualification, and how long it was:
nothing is fetched or decoded here but for string I/O. Which fields a handler gets to see is in
``READS``: the VMM executes VMREAD for these and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ringside.isa.faults import UD, Fault
from ringside.isa.registers import CS, DS, EAX, EBX, ECX, EDX, ES, SS
from ringside.isa.width import B, D, W
from ringside.machine.outcome import Outcome
from ringside.machine.tasks import missing
from ringside.machine.vmx import fields as f
from ringside.machine.vmx import info, reasons
from ringside.vmm.exits import Exit, Handler
from ringside.vmm.hardware.vm import Change, HardwareVm
from ringside.vmm.vm import watched

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

ALWAYS = (f.GUEST_EIP, f.GUEST_EFLAGS, f.INTERRUPTIBILITY)
_INSTRUCTION = (f.EXIT_LENGTH,)
_QUALIFIED = (f.QUALIFICATION, f.EXIT_LENGTH)
READS: Mapping[int, tuple[int, ...]] = {
    reasons.EXCEPTION: (
        f.EXIT_INTERRUPTION, f.EXIT_ERROR, f.QUALIFICATION, f.VECTORING,
    ),
    reasons.EXTERNAL_INTERRUPT: (f.EXIT_INTERRUPTION,),
    reasons.TASK_SWITCH: _QUALIFIED,
    reasons.CPUID: _INSTRUCTION,
    reasons.HLT: _INSTRUCTION,
    reasons.INVD: _INSTRUCTION,
    reasons.WBINVD: _INSTRUCTION,
    reasons.RDTSC: _INSTRUCTION,
    reasons.RDMSR: _INSTRUCTION,
    reasons.WRMSR: _INSTRUCTION,
    reasons.INVLPG: _QUALIFIED,
    reasons.CR_ACCESS: _QUALIFIED,
    reasons.IO_INSTRUCTION: _QUALIFIED,
    reasons.EPT_VIOLATION: (f.QUALIFICATION, f.GUEST_PHYSICAL, f.GUEST_LINEAR, f.VECTORING),
    reasons.EPT_MISCONFIGURATION: (f.GUEST_PHYSICAL,),
}
"""The fields read at an exit, after the reason and ``ALWAYS``."""

FOR_THE_EMULATOR = (
    *(part + 2 * seg for seg in (CS, SS, DS, ES)
      for part in (f.GUEST_SELECTOR, f.GUEST_BASE, f.GUEST_LIMIT, f.GUEST_RIGHTS)),
    f.GUEST_CR0, f.GUEST_CR3, f.GUEST_CR4,
)  # fmt: skip
"""Read as well where an instruction has to be fetched and decoded after all."""

VMX_INSTRUCTIONS = (
    reasons.VMCALL, reasons.VMCLEAR, reasons.VMLAUNCH, reasons.VMPTRLD, reasons.VMPTRST,
    reasons.VMREAD, reasons.VMRESUME, reasons.VMWRITE, reasons.VMXOFF, reasons.INVEPT,
    reasons.INVVPID,
)  # fmt: skip
WIDTHS = {0: B, 1: W, 3: D}  # bits 2:0 of the qualification of an I/O instruction
TASK_SWITCHES = (  # bits 31:30 of the qualification of a task switch
    "a far CALL to a task", "IRET with EFLAGS.NT set", "a far JMP to a task", "a task gate",
)  # fmt: skip
CR0, CR3 = 0, 3
CR0_TS = 1 << 3
ENTRY_FAILED = "entry failed"


def reason_name(reason: int) -> str:
    """The key of the handlers, and the name the exit is counted under."""
    return reasons.REASONS[reason]


class ExitHandlers:
    """The handlers of one virtual machine.

    ``interprets_io`` is for a VMM that has one way to carry out an instruction, its interpreter,
    and takes every port access there instead of going by what the qualification says of it.
    """

    __slots__ = ("interprets_io", "vm")

    def __init__(self, vm: HardwareVm, interprets_io: bool = False) -> None:
        self.vm = vm
        self.interprets_io = interprets_io

    @property
    def table(self) -> dict[str, Handler]:
        """By the name of the exit reason."""
        by_number: dict[int, Handler] = {
            reasons.EXTERNAL_INTERRUPT: self.interrupt,
            reasons.INTERRUPT_WINDOW: self.interrupt,
            reasons.TRIPLE_FAULT: self.triple_fault,
            reasons.TASK_SWITCH: self.task_switch,
            reasons.CPUID: self.cpuid,
            reasons.HLT: self.halt,
            reasons.INVD: self.cache_control("invd"),
            reasons.WBINVD: self.cache_control("wbinvd"),
            reasons.INVLPG: self.invlpg,
            reasons.RDTSC: self.rdtsc,
            reasons.RDMSR: self.rdmsr,
            reasons.WRMSR: self.wrmsr,
            reasons.CR_ACCESS: self.cr_access,
            reasons.IO_INSTRUCTION: self.io,
            reasons.VMXON: self.vmxon,
            **dict.fromkeys(VMX_INSTRUCTIONS, self.vmx_instruction),
        }
        return {reason_name(number): act for number, act in by_number.items()} | {
            ENTRY_FAILED: self.entry_failed
        }

    # -- events ------------------------------------------------------------------------------

    def interrupt(self, exit: Exit) -> None:
        """The host's timer, or the guest has become able to take what its virtual PIC asks for."""
        vm = self.vm
        if vm.poll():
            vm.inject()

    def triple_fault(self, exit: Exit) -> None:
        """The guest would have reset the machine; it ends the virtual one."""
        self.vm.shut_down()

    def task_switch(self, exit: Exit) -> None:
        """VMX leaves hardware task switches to the VMM, and this one has none."""
        raise missing(TASK_SWITCHES[exit.qualification >> 30 & 3])

    def entry_failed(self, exit: Exit) -> None:
        """The processor refused the guest state (SDM vol. 3C, 27.8)."""
        self.vm.hardware.outcome = Outcome("entry-failed", None, exit.detail)

    def vmx_instruction(self, exit: Exit) -> None:
        """The virtual CPU never gets into VMX operation."""
        self.vm.reflect(UD())

    def vmxon(self, exit: Exit) -> None:
        """The virtual CPU's VMX is locked off: #GP, or #UD while the guest has not set VMXE."""
        self.vm.emulate()

    # -- instructions ------------------------------------------------------------------------

    def perform(
        self, exit: Exit, mnemonic: str, act: Callable[[Cpu], Change | None]
    ) -> None:
        """Do ``act`` to the virtual CPU and let the guest go on behind the instruction.

        ``act`` gives what it changed, if that is no register.
        """
        vm = self.vm
        before = watched(vm.vcpu)
        vm.vcpu.at = exit.eip
        vm.vcpu.inhibit = False
        try:
            change = act(vm.vcpu)
        except Fault as fault:
            vm.reflect(fault)
            return
        vm.complete(mnemonic, exit.length, before, change)

    def cpuid(self, exit: Exit) -> None:
        """The virtual processor's features."""

        def act(vcpu: Cpu) -> None:
            found = vcpu.cpuid(vcpu.regs[EAX], vcpu.regs[ECX])
            for register, value in zip((EAX, EBX, ECX, EDX), found, strict=True):
                vcpu.regs[register] = value

        self.perform(exit, "cpuid", act)

    def halt(self, exit: Exit) -> None:
        """The virtual CPU sleeps; the real one has others to serve."""
        self.perform(exit, "hlt", lambda vcpu: vcpu.halt())

    def cache_control(self, mnemonic: str) -> Handler:
        """Caches are not modelled."""
        return lambda exit: self.perform(exit, mnemonic, lambda vcpu: None)

    def invlpg(self, exit: Exit) -> None:
        """The qualification has the linear address."""
        self.perform(exit, "invlpg", lambda vcpu: vcpu.invalidate_page(exit.qualification))

    def rdtsc(self, exit: Exit) -> None:
        """The virtual machine's own time."""

        def act(vcpu: Cpu) -> None:
            value = vcpu.read_tsc()
            vcpu.regs[EAX], vcpu.regs[EDX] = value & 0xFFFF_FFFF, value >> 32

        self.perform(exit, "rdtsc", act)

    def rdmsr(self, exit: Exit) -> None:
        """A model-specific register of the virtual CPU."""

        def act(vcpu: Cpu) -> None:
            value = vcpu.read_msr(vcpu.regs[ECX])
            vcpu.regs[EAX], vcpu.regs[EDX] = value & 0xFFFF_FFFF, value >> 32 & 0xFFFF_FFFF

        self.perform(exit, "rdmsr", act)

    def wrmsr(self, exit: Exit) -> None:
        """A model-specific register of the virtual CPU."""
        self.perform(
            exit, "wrmsr",
            lambda vcpu: vcpu.write_msr(vcpu.regs[ECX], vcpu.regs[EDX] << 32 | vcpu.regs[EAX]),
        )

    def cr_access(self, exit: Exit) -> None:
        """The qualification has number, direction and general register (table 28-3)."""
        number, kind = exit.qualification & 15, exit.qualification >> 4 & 3
        register, source = exit.qualification >> 8 & 15, exit.qualification >> 16 & 0xFFFF

        def write(vcpu: Cpu) -> None:
            vcpu.write_control(number, vcpu.regs[register])

        def read(vcpu: Cpu) -> None:
            vcpu.regs[register] = vcpu.read_control(number)

        def clear_ts(vcpu: Cpu) -> None:
            vcpu.write_control(CR0, vcpu.cr0 & ~CR0_TS)

        def load_status(vcpu: Cpu) -> None:
            vcpu.write_control(CR0, vcpu.cr0 & ~0xE | source & 0xF)

        mnemonic, act = {
            info.TO_CR: ("mov", write), info.FROM_CR: ("mov", read),
            info.CLTS: ("clts", clear_ts), info.LMSW: ("lmsw", load_status),
        }[kind]  # fmt: skip
        self.perform(exit, mnemonic, act)

    def io(self, exit: Exit) -> None:
        """The qualification has size, direction and port (table 28-5)."""
        what, vm = exit.qualification, self.vm
        vm.catch_up()
        if what >> 4 & 1 or self.interprets_io:
            vm.emulate()  # of a string, addresses and counts are the emulator's business anyway
            return
        w, read, port = WIDTHS[what & 7], bool(what >> 3 & 1), what >> 16 & 0xFFFF
        regs, bus = vm.vcpu.regs, vm.hardware.bus

        def act(vcpu: Cpu) -> Change:
            if read:
                regs[EAX] = regs[EAX] & ~w.mask | bus.port_in(port, w)
            else:
                bus.port_out(port, regs[EAX] & w.mask, w)
            value = regs[EAX] & w.mask
            return f"port {port:#x}", value, value

        self.perform(exit, "in" if read else "out", act)
