"""VMX operation: what the VMX instructions do (SDM vol. 3C, chapter 31).

``cpu.vmx`` is a :class:`Vmx` from VMXON to VMXOFF. Its methods are the instructions without their
operands and flags, so software that owns root mode may call them instead of executing code; a
failure is a VmFail, which the instructions turn into flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import GP, VmFail
from ringside.machine.memory import Memory
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.checks import fixed_problem, misplaced
from ringside.machine.vmx.entry import enter
from ringside.machine.vmx.vmcs import SLOTS, Vmcs, revision
from ringside.trace.events import VmcsRead, VmcsWritten

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

NO_POINTER = 0xFFFF_FFFF_FFFF_FFFF
FEATURE_LOCKED, FEATURE_VMX = 1 << 0, 1 << 2  # IA32_FEATURE_CONTROL

# VM-instruction error numbers (31.4).
ERRORS = {
    1: "VMCALL in root operation", 2: "VMCLEAR with a bad address",
    3: "VMCLEAR with the VMXON pointer", 4: "VMLAUNCH of a VMCS that is not clear",
    5: "VMRESUME of a VMCS that was not launched", 7: "VM entry with wrong control fields",
    8: "VM entry with wrong host state", 9: "VMPTRLD with a bad address",
    10: "VMPTRLD with the VMXON pointer", 11: "VMPTRLD with another revision identifier",
    12: "VMREAD or VMWRITE of a field that does not exist", 13: "VMWRITE of a read-only field",
    15: "VMXON in root operation", 26: "VM entry while MOV SS holds events back",
    28: "wrong operand of INVEPT or INVVPID",
}  # fmt: skip


def begin(cpu: Cpu, region: int) -> None:
    """VMXON outside or inside VMX operation; #GP or VmFail as the manual says."""
    if cpu.vmx is not None:
        cpu.vmx.fail(15)
    if fixed_problem(cpu.cr0, cpu.cr4):
        raise GP(0)
    if cpu.feature_control & (FEATURE_LOCKED | FEATURE_VMX) != FEATURE_LOCKED | FEATURE_VMX:
        raise GP(0)
    if misplaced(region) or revision(cpu.memory, region) != bits.REVISION:
        raise VmFail(0, "the VMXON region is misplaced or has another revision identifier")
    cpu.vmx = Vmx(cpu, region)


class Vmx:
    """The state of VMX operation. ``problem`` says in words why the last entry failed."""

    __slots__ = ("cpu", "current", "problem", "region", "vmcs")
    transient: ClassVar[frozenset[str]] = frozenset({"cpu", "vmcs"})

    def __init__(self, cpu: Cpu, region: int) -> None:
        self.region = region
        self.current = NO_POINTER
        self.problem = ""
        self.attach(cpu)

    def attach(self, cpu: Cpu) -> None:
        """Bind to the processor again, and to its memory; after a thaw."""
        self.cpu = cpu
        self.vmcs = self.view(self.current)
        if cpu.intercepts is not None and self.vmcs is not None:
            cpu.intercepts.vmcs = self.vmcs

    def view(self, pointer: int) -> Vmcs | None:
        """The fields of the VMCS at ``pointer``; None without one, or where there is no RAM."""
        if pointer == NO_POINTER or pointer + bits.REGION_SIZE > self.memory.size:
            return None
        return Vmcs(self.memory, pointer)

    @property
    def memory(self) -> Memory:
        """The machine's memory."""
        return self.cpu.memory

    # -- failing ------------------------------------------------------------------------------

    def fail(self, error: int, why: str = "") -> None:
        """VMfail: a number in the current VMCS, or VMfailInvalid without one (31.2)."""
        self.problem = why or ERRORS[error]
        if self.vmcs is None:
            raise VmFail(0, "there is no current VMCS: " + self.problem)
        self.vmcs[f.INSTRUCTION_ERROR] = error
        raise VmFail(error, self.problem)

    def current_vmcs(self) -> Vmcs:
        """The current VMCS; VMfailInvalid without one."""
        if self.vmcs is None:
            raise VmFail(0, "there is no current VMCS")
        return self.vmcs

    # -- instructions -------------------------------------------------------------------------

    def off(self) -> None:
        """VMXOFF."""
        self.cpu.vmx = None

    def clear(self, pointer: int) -> None:
        """VMCLEAR: the VMCS becomes clear and, if it was current, is that no more."""
        if misplaced(pointer):
            self.fail(2)
        if pointer == self.region:
            self.fail(3)
        vmcs = self.view(pointer)
        if vmcs is not None:
            vmcs.launched = False
        if pointer == self.current:
            self.current, self.vmcs = NO_POINTER, None

    def load_pointer(self, pointer: int) -> None:
        """VMPTRLD."""
        if misplaced(pointer):
            self.fail(9)
        if pointer == self.region:
            self.fail(10)
        if revision(self.memory, pointer) != bits.REVISION:
            self.fail(11)
        self.current, self.vmcs = pointer, self.view(pointer)

    def store_pointer(self) -> int:
        """VMPTRST: all ones if there is no current VMCS."""
        return self.current

    def read(self, encoding: int) -> int:
        """VMREAD; of a 64-bit field the lower half, or with bit 0 of the encoding the upper."""
        vmcs = self.current_vmcs()
        field = encoding & ~1
        if field not in SLOTS or (encoding & 1 and encoding >> 13 != 1):
            self.fail(12)
        value = vmcs[field]
        value = value >> 32 if encoding & 1 else value & 0xFFFF_FFFF
        if self.cpu.listener is not None:
            self.cpu.listener(VmcsRead(self.cpu.time, self.cpu.context, encoding, value))
        return value

    def write(self, encoding: int, value: int) -> None:
        """VMWRITE; in 32-bit mode a write to a 64-bit field clears its upper half."""
        vmcs = self.current_vmcs()
        field = encoding & ~1
        if field not in SLOTS or (encoding & 1 and encoding >> 13 != 1):
            self.fail(12)
        if f.BY_ENCODING[field].read_only:
            self.fail(13)
        before = vmcs[field]
        value &= 0xFFFF_FFFF
        if encoding & 1:
            vmcs[field] = before & 0xFFFF_FFFF | value << 32
            before >>= 32
        else:
            vmcs[field] = value
        if self.cpu.listener is not None:
            event = VmcsWritten(
                self.cpu.time, self.cpu.context, encoding, before & 0xFFFF_FFFF, value
            )
            self.cpu.listener(event)

    def launch(self, ticks: int = 0) -> None:
        """VMLAUNCH. ``ticks``: how long the instruction itself takes, before the guest's first."""
        self.enter(ticks, launching=True)

    def resume(self, ticks: int = 0) -> None:
        """VMRESUME."""
        self.enter(ticks, launching=False)

    def enter(self, ticks: int, launching: bool) -> None:
        """VM entry from a VMCS in the right launch state."""
        vmcs = self.current_vmcs()
        if self.cpu.inhibits_traps:
            self.fail(26)
        if launching and vmcs.launched:
            self.fail(4)
        if not launching and not vmcs.launched:
            self.fail(5)
        try:
            enter(self.cpu, vmcs, ticks, launching)
        except VmFail as problem:
            self.fail(problem.error, problem.why)

    def call(self) -> None:
        """VMCALL in root operation: there is no system-management monitor to call."""
        self.fail(1)

    def invept(self, kind: int, pointer: int, reserved: int) -> None:
        """INVEPT."""
        self.fail(28)

    def invvpid(self, kind: int, vpid: int, reserved: int, linear: int) -> None:
        """INVVPID."""
        self.fail(28)

    # -- control registers --------------------------------------------------------------------

    def cr0_written(self, value: int) -> int:
        """What a write of ``value`` to CR0 puts there; #GP for a bit VMX operation fixes (24.8)."""
        guest = self.cpu.intercepts
        must = bits.CR0_FIXED0
        if guest is not None:
            value = guest.cr0_write(value, self.cpu.cr0)
            if guest.secondary & bits.UNRESTRICTED_GUEST:
                must &= ~0x8000_0001
        if must & ~value:
            raise GP(0)
        return value

    def cr4_written(self, value: int) -> int:
        """What a write of ``value`` to CR4 puts there; #GP without VMXE."""
        guest = self.cpu.intercepts
        if guest is not None:
            value = guest.cr4_write(value, self.cpu.cr4)
        if bits.CR4_FIXED0 & ~value:
            raise GP(0)
        return value

    # -- translations -------------------------------------------------------------------------

    def switch_translations(self, cpu: Cpu, vpid: int) -> None:
        """Entry and exit drop every cached translation (29.4.3.1)."""
        cpu.flush_tlb()
