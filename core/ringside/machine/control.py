"""Control registers, debug registers, model-specific registers and CPUID.

Rules are SDM vol. 3A, 2.5 (control registers), 4.11.1 (what flushes the TLB), 4.4.1 (PDPTEs) and
vol. 2, "MOV to/from control registers", "CPUID". That only ring 0 may use most of them is checked
by the instructions' meanings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.isa.faults import GP, UD
from ringside.machine.paging import PAE
from ringside.machine.walker import PhysicalMemory
from ringside.trace.events import ControlWritten

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

CR0_PE = 1 << 0  # protected mode
CR0_MP = 1 << 1
CR0_EM = 1 << 2
CR0_TS = 1 << 3  # task switched
CR0_ET = 1 << 4  # always 1
CR0_NE = 1 << 5
CR0_WP = 1 << 16  # supervisor writes obey R/W
CR0_AM = 1 << 18  # alignment checks possible
CR0_NW = 1 << 29
CR0_CD = 1 << 30
CR0_PG = 1 << 31  # paging
CR0_KNOWN = (
    CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG
)

CR4_TSD = 1 << 2  # RDTSC only in ring 0
CR4_PSE = 1 << 4  # 4 MiB pages
CR4_PAE = 1 << 5
CR4_PGE = 1 << 7  # global pages
CR4_PCE = 1 << 8  # RDPMC outside ring 0
CR4_UMIP = 1 << 11  # SGDT and its kin only in ring 0
CR4_VMXE = 1 << 13  # VMXON allowed
CR4_KNOWN = CR4_TSD | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE | CR4_UMIP

# Changing one of these changes what a translation means (SDM vol. 3A, 4.11.1).
CR0_FLUSHES = CR0_PE | CR0_PG
CR4_FLUSHES = CR4_PSE | CR4_PAE | CR4_PGE

CR3_MASK = 0xFFFF_FFFF

MSR_TSC = 0x10
MSR_FEATURE_CONTROL = 0x3A
FEATURE_CONTROL_LOCKED, FEATURE_CONTROL_KNOWN = 1, 5  # lock; VMX outside SMX
VMX_MSRS = range(0x480, 0x491)  # VMX capabilities
VMX_FEATURE = 1 << 5  # CPUID.1:ECX

CPU_SIGNATURE = 0x0543  # family 5 (Pentium class), model 4, stepping 3
FEATURES = {  # CPUID.1:EDX
    "pse": 3, "tsc": 4, "msr": 5, "pae": 6, "cx8": 8, "pge": 13, "cmov": 15,
}  # fmt: skip
VENDOR = b"GenuineIntel"
HIGHEST_LEAF = 7
UMIP_FEATURE = 1 << 2  # CPUID.7:ECX


def note_write(cpu: Cpu, register: str, before: int, after: int) -> None:
    """Tell the listener that a control register was written."""
    if cpu.listener is not None:
        cpu.listener(ControlWritten(cpu.time, cpu.context, register, before, after))


def read_control(cpu: Cpu, number: int) -> int:
    """MOV from CRn; #UD for a register that does not exist."""
    if number == 0:
        return cpu.cr0 if cpu.intercepts is None else cpu.intercepts.cr0_read(cpu.cr0)
    if number == 2:
        return cpu.cr2
    if number == 3:
        return cpu.cr3
    if number == 4:
        return cpu.cr4 if cpu.intercepts is None else cpu.intercepts.cr4_read(cpu.cr4)
    raise UD()


def write_control(cpu: Cpu, number: int, value: int) -> None:
    """MOV to CRn with its consistency checks; #UD for a register that does not exist."""
    if number == 0:
        write_cr0(cpu, value)
    elif number == 2:
        before, cpu.cr2 = cpu.cr2, value
        note_write(cpu, "cr2", before, value)
    elif number == 3:
        write_cr3(cpu, value)
    elif number == 4:
        write_cr4(cpu, value)
    else:
        raise UD()


def write_cr0(cpu: Cpu, value: int) -> None:
    """Write CR0. #GP for PG without PE, NW without CD, or bad PDPTEs."""
    before = cpu.cr0
    if cpu.vmx is not None:
        value = cpu.vmx.cr0_written(value)
    after = value & CR0_KNOWN | CR0_ET
    if after & CR0_PG and not after & CR0_PE or after & CR0_NW and not after & CR0_CD:
        raise GP(0)
    if after & CR0_PG and not before & CR0_PG and cpu.cr4 & CR4_PAE:
        cpu.pdptes = read_pdptes(cpu, cpu.cr3)
    cpu.cr0 = after
    if (before ^ after) & CR0_FLUSHES:
        cpu.flush_tlb()
    elif (before ^ after) & CR0_WP:
        cpu.clear_maps()  # the TLB keeps R/W itself; only the maps had WP folded in
        cpu.tlb.write_protection_changed()
    cpu.select_maps()
    note_write(cpu, "cr0", before, after)


def write_cr3(cpu: Cpu, value: int) -> None:
    """Write CR3, which drops every translation that is not global."""
    before = cpu.cr3
    if cpu.cr0 & CR0_PG and cpu.cr4 & CR4_PAE:
        cpu.pdptes = read_pdptes(cpu, value)
    cpu.cr3 = value & CR3_MASK
    if cpu.cr0 & CR0_PG:
        cpu.flush_tlb(keep_global=bool(cpu.cr4 & CR4_PGE))
    note_write(cpu, "cr3", before, cpu.cr3)


def write_cr4(cpu: Cpu, value: int) -> None:
    """Write CR4. #GP for a bit this processor does not have, or bad PDPTEs."""
    before = cpu.cr4
    if cpu.vmx is not None:
        value = cpu.vmx.cr4_written(value)
    if value & ~(CR4_KNOWN | CR4_VMXE):
        raise GP(0)
    if value & CR4_PAE and not before & CR4_PAE and cpu.cr0 & CR0_PG:
        cpu.pdptes = read_pdptes(cpu, cpu.cr3)
    cpu.cr4 = value
    if cpu.cr0 & CR0_PG and (before ^ value) & CR4_FLUSHES:
        cpu.flush_tlb()
    note_write(cpu, "cr4", before, value)


def read_pdptes(cpu: Cpu, cr3: int) -> tuple[int, ...]:
    """Read the four PDPTEs of PAE into the processor; #GP if a present one has reserved bits."""
    table = cr3 & PAE.root_mask
    memory: PhysicalMemory = cpu.memory
    if cpu.nested is not None:
        cpu.nested.linear = -1  # a violation here is about no linear address
        memory = cpu.nested
    entries = tuple(memory.read(table + 8 * index, 8) for index in range(4))
    reserved = PAE.levels[0].reserved
    if any(entry & 1 and entry & reserved for entry in entries):
        raise GP(0)
    return entries


def debug_index(cpu: Cpu, number: int) -> int:
    """Resolve DR4 and DR5, which are DR6 and DR7 while CR4.DE is clear (as it always is here)."""
    return number + 2 if number in (4, 5) else number


def read_debug(cpu: Cpu, number: int) -> int:
    """MOV from DRn."""
    return cpu.dr[debug_index(cpu, number)]


def write_debug(cpu: Cpu, number: int, value: int) -> None:
    """MOV to DRn. The registers remember; no breakpoint ever matches."""
    index = debug_index(cpu, number)
    if index == 6:
        value = value & 0xE00F | 0xFFFF_0FF0
    elif index == 7:
        value = value & 0xFFFF_2BFF | 0x400
    cpu.dr[index] = value


def load_gdt(cpu: Cpu, base: int, limit: int) -> None:
    """LGDT."""
    before = cpu.gdtr.base
    cpu.gdtr.base, cpu.gdtr.limit = base & 0xFFFF_FFFF, limit & 0xFFFF
    note_write(cpu, "gdtr", before, cpu.gdtr.base)


def load_idt(cpu: Cpu, base: int, limit: int) -> None:
    """LIDT."""
    before = cpu.idtr.base
    cpu.idtr.base, cpu.idtr.limit = base & 0xFFFF_FFFF, limit & 0xFFFF
    note_write(cpu, "idtr", before, cpu.idtr.base)


def cpuid(cpu: Cpu, leaf: int, subleaf: int) -> tuple[int, int, int, int]:
    """Give EAX, EBX, ECX, EDX of a leaf; beyond the highest, the highest's (SDM "CPUID")."""
    leaf = min(leaf, HIGHEST_LEAF)
    if leaf == 0:
        ebx, edx, ecx = (int.from_bytes(VENDOR[at : at + 4], "little") for at in (0, 4, 8))
        return HIGHEST_LEAF, ebx, ecx, edx
    if leaf == 1:
        # ECX bit 31, "running under a hypervisor", is clear: this is the real processor.
        return CPU_SIGNATURE, 0, VMX_FEATURE, sum(1 << bit for bit in FEATURES.values())
    if leaf == 2:
        return 1, 0, 0, 0  # no cache or TLB descriptors to report
    if leaf == 7 and subleaf == 0:
        return 0, 0, UMIP_FEATURE, 0
    return 0, 0, 0, 0


def read_tsc(cpu: Cpu) -> int:
    """RDTSC: the machine's clock, offset in a virtual machine. The instruction checks CR4.TSD."""
    count = cpu.time + cpu.tsc_offset
    if cpu.intercepts is not None:
        count += cpu.intercepts.tsc_offset
    return count & 0xFFFF_FFFF_FFFF_FFFF


def read_msr(cpu: Cpu, number: int) -> int:
    """RDMSR; #GP for a register this processor does not have."""
    if number == MSR_TSC:
        return read_tsc(cpu)
    if number == MSR_FEATURE_CONTROL:
        return cpu.feature_control
    if number in VMX_MSRS:
        from ringside.machine.vmx.controls import capability  # most runs never need it

        return capability(number)
    raise GP(0)


def write_msr(cpu: Cpu, number: int, value: int) -> None:
    """WRMSR; #GP for a register this processor does not have."""
    if number == MSR_TSC:
        cpu.tsc_offset = value - cpu.time
    elif number == MSR_FEATURE_CONTROL and not cpu.feature_control & FEATURE_CONTROL_LOCKED:
        if value & ~FEATURE_CONTROL_KNOWN:
            raise GP(0)
        cpu.feature_control = value
    else:
        raise GP(0)
