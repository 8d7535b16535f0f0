"""VMX operation: what the VMX instructions do (SDM vol. 3C, chapter 31).

``cpu.vmx`` is a :class:`Vmx` from VMXON to VMXOFF. Its methods are the instructions without their
operands and flags, so software that owns root mode may call them instead of executing code; a
failure is a VmFail, which the instructions turn into flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringside.isa.faults import GP, VmFail
from ringside.machine.memory import Memory
from ringside.machine.tlb import make_tag
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.checks import fixed_problem, misplaced
from ringside.machine.vmx.entry import enter
from ringside.machine.vmx.ept import ROOT, Nested, pointer_problem
from ringside.machine.vmx.execution import Intercepts
from ringside.machine.vmx.vmcs import SLOTS, Vmcs, revision
from ringside.trace.events import TlbFlushed, VmcsRead, VmcsWritten

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
        cpu.nested = None
        if cpu.intercepts is not None and self.vmcs is not None:
            cpu.intercepts.vmcs = self.vmcs
            cpu.nested = self.extended_tables(cpu.intercepts)

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

    def launch(self, ticks: int = 0) -> bool:
        """VMLAUNCH; False if the virtual machine was left again at once.

        That is so when the guest state is wrong, and when delivering the injected event leaves:
        the host is at its entry point, as after any exit. ``ticks``: how long the instruction
        itself takes, before the guest's first.
        """
        return self.enter(ticks, launching=True)

    def resume(self, ticks: int = 0) -> bool:
        """VMRESUME; False if the virtual machine was left again at once."""
        return self.enter(ticks, launching=False)

    def enter(self, ticks: int, launching: bool) -> bool:
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
        return self.cpu.intercepts is not None

    def call(self) -> None:
        """VMCALL in root operation: there is no system-management monitor to call."""
        self.fail(1)

    def invept(self, kind: int, pointer: int, reserved: int) -> None:
        """INVEPT: drop what was translated through one set of extended tables, or through any."""
        if kind not in (1, 2) or reserved:
            self.fail(28)
        if kind == 1 and pointer_problem(pointer):
            self.fail(28, pointer_problem(pointer))
        if kind == 1:
            self.cpu.tlb.flush(root=pointer & ROOT)
        else:
            self.cpu.tlb.flush_nested()
        self.note_flush("ept", pointer if kind == 1 else -1)

    def invvpid(self, kind: int, vpid: int, reserved: int, linear: int) -> None:
        """INVVPID: one address of a virtual processor, all of it, or all but what is global."""
        if kind > 3 or reserved or (kind != 2 and not vpid) or (kind == 0 and linear >> 32):
            self.fail(28)
        tlb = self.cpu.tlb
        if kind == 0:
            tlb.flush_page(vpid, linear >> 12)
        elif kind == 2:
            tlb.flush_guests()
        else:
            tlb.flush(vpid=vpid, keep_global=kind == 3)
        self.note_flush("vpid", vpid)

    def note_flush(self, what: str, which: int) -> None:
        """Tell the listener."""
        if self.cpu.listener is not None:
            self.cpu.listener(TlbFlushed(self.cpu.time, self.cpu.context, what, which))

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

    def extended_tables(self, guest: Intercepts) -> Nested | None:
        """The extended page tables of a virtual machine, if it has any."""
        if not guest.secondary & bits.ENABLE_EPT:
            return None
        return Nested(self.memory, guest.vmcs[f.EPT_POINTER], self.cpu.tlb.structures)

    def enter_translations(self, guest: Intercepts) -> None:
        """Translate for a virtual machine from now on."""
        cpu = self.cpu
        vpid = guest.vmcs[f.VPID] if guest.secondary & bits.ENABLE_VPID else 0
        cpu.nested = self.extended_tables(guest)
        self.switch(make_tag(vpid, 0 if cpu.nested is None else cpu.nested.root), vpid)

    def leave_translations(self, guest: Intercepts | None) -> None:
        """Translate for the host again. ``guest`` is None if an entry failed."""
        self.cpu.nested = None
        tagged = guest is not None and bool(guest.secondary & bits.ENABLE_VPID)
        self.switch(0, int(tagged))

    def switch(self, tag: int, vpid: int) -> None:
        """Use another tag; without a VPID the transition drops those of VPID 0 (29.4.3.1)."""
        cpu = self.cpu
        cpu.tag = tag
        cpu.clear_maps()
        if not vpid:
            cpu.tlb.flush(vpid=0)
            self.note_flush("vpid", 0)
