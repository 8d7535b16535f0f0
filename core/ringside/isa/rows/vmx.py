"""The virtual-machine extensions: the instructions of VMX (SDM vol. 3C, chapter 31).

Here are the operands, who may execute them, and how their outcome is told in the flags. What they
do is ``machine.vmx``. In a virtual machine each of them leaves it before anything below happens,
in any ring (column ``exit``).
"""

from __future__ import annotations

from collections.abc import Callable

from ringside.isa.faults import GP, UD, VmFail
from ringside.isa.instruction import Insn, Mem
from ringside.isa.ports import Cpu, Vmx
from ringside.isa.registers import FLAG_CF, FLAG_ZF, STATUS_FLAGS
from ringside.isa.row import Row
from ringside.isa.rows.after import STATUS
from ringside.isa.width import D

CR0_PE = 1 << 0
CR4_VMXE = 1 << 13


def vmx_operation(cpu: Cpu) -> Vmx:
    """#UD outside VMX operation, #GP outside ring 0."""
    vmx = cpu.vmx
    if vmx is None or not cpu.cr0 & CR0_PE:
        raise UD()
    if cpu.cpl:
        raise GP()
    return vmx


def tell(cpu: Cpu, flags: int) -> None:
    """VMsucceed clears the status flags, VMfailInvalid sets CF, VMfailValid ZF (31.2)."""
    cpu.set_eflags(flags, STATUS_FLAGS)


def attempt(cpu: Cpu, insn: Insn, act: Callable[[], object], flags: int | None = 0) -> None:
    """Do it and tell how it went; ``flags`` is None if success changes them by itself."""
    try:
        act()
    except VmFail as fail:
        cpu.note_vmfail(insn.mnemonic, fail.error, fail.why)
        flags = FLAG_ZF if fail.error else FLAG_CF
    if flags is not None:
        tell(cpu, flags)


def quadwords(cpu: Cpu, insn: Insn, count: int) -> list[int]:
    """The memory operand, as so many 64-bit numbers."""
    operand = insn.operands[-1]
    assert type(operand) is Mem
    where = cpu.address(operand)
    mask = 0xFFFFFFFF if operand.addr_bits == 32 else 0xFFFF
    parts = [cpu.load(operand.seg, (where + 4 * n) & mask, D) for n in range(2 * count)]
    return [low | high << 32 for low, high in zip(parts[::2], parts[1::2], strict=True)]


def vmxon(cpu: Cpu, insn: Insn) -> None:
    if not cpu.cr0 & CR0_PE or not cpu.cr4 & CR4_VMXE:
        raise UD()
    if cpu.cpl:
        raise GP()
    (region,) = quadwords(cpu, insn, 1)
    attempt(cpu, insn, lambda: cpu.vmxon(region))


def vmxoff(cpu: Cpu, insn: Insn) -> None:
    attempt(cpu, insn, vmx_operation(cpu).off)


def vmclear(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    (pointer,) = quadwords(cpu, insn, 1)
    attempt(cpu, insn, lambda: vmx.clear(pointer))


def vmptrld(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    (pointer,) = quadwords(cpu, insn, 1)
    attempt(cpu, insn, lambda: vmx.load_pointer(pointer))


def vmptrst(cpu: Cpu, insn: Insn) -> None:
    pointer = vmx_operation(cpu).store_pointer()
    operand = insn.operands[0]
    assert type(operand) is Mem
    where = cpu.address(operand)
    high = (where + 4) & (0xFFFFFFFF if operand.addr_bits == 32 else 0xFFFF)
    cpu.check_store(operand.seg, high, D)
    cpu.store(operand.seg, where, pointer & 0xFFFFFFFF, D)
    cpu.store(operand.seg, high, pointer >> 32, D)
    tell(cpu, 0)


def vmread(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    destination, field = insn.operands

    def act() -> None:
        cpu.assign(destination, vmx.read(cpu.value(field)))

    attempt(cpu, insn, act)


def vmwrite(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    field, source = insn.operands
    value = cpu.value(source)
    attempt(cpu, insn, lambda: vmx.write(cpu.value(field), value))


def vmlaunch(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    attempt(cpu, insn, lambda: vmx.launch(1), None)  # the flags are the guest's now


def vmresume(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    attempt(cpu, insn, lambda: vmx.resume(1), None)


def vmcall(cpu: Cpu, insn: Insn) -> None:
    attempt(cpu, insn, vmx_operation(cpu).call)


def invept(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    kind = cpu.value(insn.operands[0])
    pointer, reserved = quadwords(cpu, insn, 2)
    attempt(cpu, insn, lambda: vmx.invept(kind, pointer, reserved))


def invvpid(cpu: Cpu, insn: Insn) -> None:
    vmx = vmx_operation(cpu)
    kind = cpu.value(insn.operands[0])
    first, linear = quadwords(cpu, insn, 2)
    attempt(cpu, insn, lambda: vmx.invvpid(kind, first & 0xFFFF, first >> 16, linear))


def row(mnemonic: str, form: str, meaning: Callable[[Cpu, Insn], None], text: str) -> Row:
    return Row(
        mnemonic, (form,), meaning, text,
        writes_flags=STATUS, kind="system", privilege="vmx", exit="vmx",
    )  # fmt: skip


ROWS: tuple[Row, ...] = (
    row(
        "vmxon", "F3 0F C7 /6 | Mq", vmxon,
        "Enters VMX root operation; the operand points to the VMXON region.",
    ),
    row("vmxoff", "0F 01 C4 |", vmxoff, "Leaves VMX operation."),
    row("vmclear", "66 0F C7 /6 | Mq", vmclear, "Makes a VMCS clear, and no longer current."),
    row("vmptrld", "NP 0F C7 /6 | Mq", vmptrld, "Makes the VMCS at the pointer the current one."),
    row("vmptrst", "NP 0F C7 /7 | Mq", vmptrst, "Stores the pointer to the current VMCS."),
    row("vmread", "NP 0F 78 /r | Ed Gd", vmread, "Reads a field of the current VMCS."),
    row("vmwrite", "NP 0F 79 /r | Gd Ed", vmwrite, "Writes a field of the current VMCS."),
    row("vmlaunch", "0F 01 C2 |", vmlaunch, "Enters the virtual machine of a clear VMCS."),
    row("vmresume", "0F 01 C3 |", vmresume, "Enters the virtual machine of a launched VMCS."),
    row("vmcall", "0F 01 C1 |", vmcall, "Calls the VMM from its virtual machine."),
    row("invept", "66 0F 38 80 /r | Gd M", invept, "Drops translations made through EPT."),
    row("invvpid", "66 0F 38 81 /r | Gd M", invvpid, "Drops translations made under a VPID."),
)  # fmt: skip
