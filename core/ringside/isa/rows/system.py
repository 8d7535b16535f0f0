"""The operating system's instructions (SDM vol. 3A, 2.8). Privilege is checked here, once."""

from __future__ import annotations

from ringside.isa.faults import GP, NM, UD
from ringside.isa.instruction import Ctrl, Debug, Insn, Mem
from ringside.isa.ports import Cpu
from ringside.isa.registers import EAX, EBX, ECX, EDX
from ringside.isa.row import PROTECTION_SYSTEM, SENSITIVE_REGISTER, Row
from ringside.isa.rows.segments import require_protected_mode
from ringside.isa.width import D, W

CR0_MP, CR0_EM, CR0_TS = 1 << 1, 1 << 2, 1 << 3
CR4_TSD = 1 << 2
CR4_UMIP = 1 << 11


def require_ring_0(cpu: Cpu) -> None:
    if cpu.cpl:
        raise GP()


def reveal(cpu: Cpu, insn: Insn, value: int) -> None:
    """Note that software outside ring 0 sees ``value`` of the real machine."""
    if cpu.cpl:
        cpu.note_revealed(insn.mnemonic, value)


def forbid_by_umip(cpu: Cpu) -> None:
    if cpu.cpl and cpu.cr4 & CR4_UMIP:
        raise GP()


def table_operand(cpu: Cpu, insn: Insn) -> tuple[int, int, int]:
    """Segment and offsets of the limit and of the base in a 6-byte pseudo-descriptor."""
    operand = insn.operands[0]
    assert type(operand) is Mem
    where = cpu.address(operand)
    mask = 0xFFFFFFFF if operand.addr_bits == 32 else 0xFFFF
    return operand.seg, where, (where + 2) & mask


def read_table(cpu: Cpu, insn: Insn) -> tuple[int, int]:
    require_ring_0(cpu)
    seg, limit_at, base_at = table_operand(cpu, insn)
    limit = cpu.load(seg, limit_at, W)
    base = cpu.load(seg, base_at, D)
    return base if insn.operand_bits == 32 else base & 0xFFFFFF, limit


def lgdt(cpu: Cpu, insn: Insn) -> None:
    cpu.load_gdt(*read_table(cpu, insn))


def lidt(cpu: Cpu, insn: Insn) -> None:
    cpu.load_idt(*read_table(cpu, insn))


def sgdt(cpu: Cpu, insn: Insn) -> None:
    forbid_by_umip(cpu)
    seg, limit_at, base_at = table_operand(cpu, insn)
    cpu.store(seg, limit_at, cpu.gdtr.limit, W)
    cpu.store(seg, base_at, cpu.gdtr.base, D)
    reveal(cpu, insn, cpu.gdtr.base)


def sidt(cpu: Cpu, insn: Insn) -> None:
    forbid_by_umip(cpu)
    seg, limit_at, base_at = table_operand(cpu, insn)
    cpu.store(seg, limit_at, cpu.idtr.limit, W)
    cpu.store(seg, base_at, cpu.idtr.base, D)
    reveal(cpu, insn, cpu.idtr.base)


def sldt(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    forbid_by_umip(cpu)
    cpu.assign(insn.operands[0], cpu.ldtr.selector)
    reveal(cpu, insn, cpu.ldtr.selector)


def str_(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    forbid_by_umip(cpu)
    cpu.assign(insn.operands[0], cpu.tr.selector)
    reveal(cpu, insn, cpu.tr.selector)


def smsw(cpu: Cpu, insn: Insn) -> None:
    forbid_by_umip(cpu)
    value = cpu.read_control(0) & insn.width.mask
    cpu.assign(insn.operands[0], value)
    reveal(cpu, insn, value)


def lldt(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    require_ring_0(cpu)
    cpu.load_ldt(cpu.value(insn.operands[0]))


def ltr(cpu: Cpu, insn: Insn) -> None:
    require_protected_mode(cpu)
    require_ring_0(cpu)
    cpu.load_task(cpu.value(insn.operands[0]))


def lmsw(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    # PE can be set this way but not cleared.
    cr0 = cpu.read_control(0)
    cpu.write_control(0, (cr0 & ~0xE) | (cpu.value(insn.operands[0]) & 0xF))


def clts(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    cpu.write_control(0, cpu.read_control(0) & ~CR0_TS)


def mov_from_control(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    register = insn.operands[1]
    assert type(register) is Ctrl
    cpu.assign(insn.operands[0], cpu.read_control(register.index))


def mov_to_control(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    register = insn.operands[0]
    assert type(register) is Ctrl
    cpu.write_control(register.index, cpu.value(insn.operands[1]))


def mov_from_debug(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    register = insn.operands[1]
    assert type(register) is Debug
    cpu.assign(insn.operands[0], cpu.read_debug(register.index))


def mov_to_debug(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    register = insn.operands[0]
    assert type(register) is Debug
    cpu.write_debug(register.index, cpu.value(insn.operands[1]))


def invlpg(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    operand = insn.operands[0]
    assert type(operand) is Mem
    cpu.invalidate_page(cpu.linear(operand.seg, cpu.address(operand)))


def cache_control(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)  # caches are not modelled, so nothing is left to do


def hlt(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    cpu.halt()


def rdmsr(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    value = cpu.read_msr(cpu.regs[ECX])
    cpu.regs[EAX] = value & 0xFFFFFFFF
    cpu.regs[EDX] = value >> 32 & 0xFFFFFFFF


def wrmsr(cpu: Cpu, insn: Insn) -> None:
    require_ring_0(cpu)
    cpu.write_msr(cpu.regs[ECX], cpu.regs[EDX] << 32 | cpu.regs[EAX])


def rdtsc(cpu: Cpu, insn: Insn) -> None:
    if cpu.cpl and cpu.cr4 & CR4_TSD:
        raise GP()
    value = cpu.read_tsc()
    cpu.regs[EAX] = value & 0xFFFFFFFF
    cpu.regs[EDX] = value >> 32 & 0xFFFFFFFF


def cpuid(cpu: Cpu, insn: Insn) -> None:
    eax, ebx, ecx, edx = cpu.cpuid(cpu.regs[EAX], cpu.regs[ECX])
    cpu.regs[EAX], cpu.regs[EBX], cpu.regs[ECX], cpu.regs[EDX] = eax, ebx, ecx, edx


def pause(cpu: Cpu, insn: Insn) -> None:
    pass  # a hint to the pipeline, of which there is none; only VMX may take an interest


def wait(cpu: Cpu, insn: Insn) -> None:
    if cpu.cr0 & CR0_MP and cpu.cr0 & CR0_TS:
        raise NM()


def floating_point(cpu: Cpu, insn: Insn) -> None:
    """There is no x87 unit: #NM when CR0 says to emulate or to switch tasks first, else #UD."""
    if cpu.cr0 & (CR0_EM | CR0_TS):
        raise NM()
    raise UD()


ROWS: tuple[Row, ...] = (
    Row(
        "lgdt", ("0F 01 /2 | Ms",), lgdt, "Loads the register of the global descriptor table.",
        exit="table", kind="system", privilege="cpl0",
    ),
    Row(
        "lidt", ("0F 01 /3 | Ms",), lidt, "Loads the register of the interrupt table.",
        exit="table", kind="system", privilege="cpl0",
    ),
    Row(
        "sgdt", ("0F 01 /0 | Ms",), sgdt, "Stores the real GDTR, in any ring.",
        exit="table", kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "sidt", ("0F 01 /1 | Ms",), sidt, "Stores the real IDTR, in any ring.",
        exit="table", kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "sldt", ("0F 00 /0 | Rv", "0F 00 /0 | Mw"), sldt, "Stores the real LDTR, in any ring.",
        exit="selector", kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "str", ("0F 00 /1 | Rv", "0F 00 /1 | Mw"), str_,
        "Stores the real task register, in any ring.",
        exit="selector", kind="system", sensitive=PROTECTION_SYSTEM,
    ),
    Row(
        "smsw", ("0F 01 /4 | Rv", "0F 01 /4 | Mw"), smsw,
        "Stores the low bits of the real CR0, in any ring.",
        kind="system", sensitive=SENSITIVE_REGISTER,
    ),
    Row(
        "lldt", ("0F 00 /2 | Ew",), lldt, "Loads the register of the local descriptor table.",
        exit="selector", kind="system", privilege="cpl0",
    ),
    Row(
        "ltr", ("0F 00 /3 | Ew",), ltr, "Loads the task register.",
        exit="selector", kind="system", privilege="cpl0",
    ),
    Row(
        "lmsw", ("0F 01 /6 | Ew",), lmsw, "Loads the low four bits of CR0.",
        exit="lmsw", kind="system", privilege="cpl0",
    ),
    Row("clts", ("0F 06 |",), clts, "Clears CR0.TS.", exit="clts", kind="system", privilege="cpl0"),
    Row(
        "mov", ("0F 20 /r | Rd Cd",), mov_from_control, "Reads a control register.",
        exit="mov from cr", kind="system", privilege="cpl0",
    ),
    Row(
        "mov", ("0F 22 /r | Cd Rd",), mov_to_control, "Writes a control register.",
        exit="mov to cr", kind="system", privilege="cpl0",
    ),
    Row(
        "mov", ("0F 21 /r | Rd Dd",), mov_from_debug, "Reads a debug register.",
        exit="mov dr", kind="system", privilege="cpl0",
    ),
    Row(
        "mov", ("0F 23 /r | Dd Rd",), mov_to_debug, "Writes a debug register.",
        exit="mov dr", kind="system", privilege="cpl0",
    ),
    Row(
        "invlpg", ("0F 01 /7 | M",), invlpg, "Drops one page's translation from the TLB.",
        exit="invlpg", kind="system", privilege="cpl0",
    ),
    Row(
        "invd", ("0F 08 |",), cache_control, "Drops the caches (not modelled).",
        exit="invd", kind="system", privilege="cpl0",
    ),
    Row(
        "wbinvd", ("0F 09 |",), cache_control, "Writes the caches back (not modelled).",
        exit="wbinvd", kind="system", privilege="cpl0",
    ),
    Row(
        "hlt", ("F4 |",), hlt, "Stops until the next interrupt.",
        exit="hlt", kind="system", privilege="cpl0",
    ),
    Row(
        "rdmsr", ("0F 32 |",), rdmsr, "Reads the model-specific register ECX to EDX:EAX.",
        exit="rdmsr", kind="system", privilege="cpl0",
    ),
    Row(
        "wrmsr", ("0F 30 |",), wrmsr, "Writes EDX:EAX to the model-specific register ECX.",
        exit="wrmsr", kind="system", privilege="cpl0",
    ),
    Row(
        "rdtsc", ("0F 31 |",), rdtsc, "Reads the time-stamp counter; CR4.TSD keeps it to ring 0.",
        exit="rdtsc", kind="system", privilege="tsd",
    ),
    Row(
        "cpuid", ("0F A2 |",), cpuid, "Names the processor and its features.",
        kind="system", exit="cpuid",
    ),
    Row(
        "pause", ("F3 90 |",), pause, "Tells the processor that this is a spin loop.",
        kind="system", exit="pause",
    ),
    Row("wait", ("9B |",), wait, "Waits for the x87 unit; there is none.", kind="system"),
    Row(
        "fpu", tuple(f"{opcode:02X} /r | E" for opcode in range(0xD8, 0xE0)), floating_point,
        "Any x87 instruction: there is no x87 unit, so #NM or #UD.", kind="system",
    ),
)  # fmt: skip
