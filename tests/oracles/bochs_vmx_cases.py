"""The cases of the VMX oracle, and where the manual decides against Bochs.

Sections are of the Intel SDM, volume 3C. Field encodings are written as numbers: 4000h pin-based,
4002h primary, 401Eh secondary, 400Ch exit and 4012h entry controls, 4004h exception bitmap, 4016h
the event to inject; see ``ringside.machine.vmx.fields``.
"""

from __future__ import annotations

from dataclasses import dataclass

from bochs_vmx_case import VmxCase
from bochs_vmx_cases_entry import CASES as ENTRY_CASES
from bochs_vmx_cases_ept import CASES as EPT_CASES
from bochs_vmx_cases_events import CASES as EVENT_CASES


@dataclass(frozen=True, slots=True)
class Manual:
    """Where Bochs is not what the manual says: the fields of the first exit, and why."""

    fields: dict[str, str]
    why: str


SKIP = "cmp eax, 1\nja .stop\ncall skip\nret"  # behind the first exit
HLT, INVLPG, RDTSC, CR3_LOAD, CR3_STORE = 1 << 7, 1 << 9, 1 << 12, 1 << 15, 1 << 16
MOV_DR, IO, IO_MAPS, MSR_MAPS, PAUSE = 1 << 23, 1 << 24, 1 << 25, 1 << 28, 1 << 30
TABLES, WBINVD = 1 << 2, 1 << 6


def primary(control: int) -> str:
    """Set primary controls."""
    return f"set 0x4002, {control:#x}"


def secondary(control: int) -> str:
    """Set secondary controls."""
    return f"set 0x4002, 0x80000000\nset 0x401E, {control:#x}"


def _plain() -> list[VmxCase]:
    always, by_control = "26.1.2", "26.1.3"
    ring_3 = "call ring_3\n"
    return [
        VmxCase("vmcall", "mov eax, 5", section=always),
        VmxCase("vmcall in ring 3", "nop", "call ring_3", section=always),
        VmxCase("cpuid", "nop\ncpuid", again=SKIP, section=always),
        VmxCase("cpuid in ring 3", "cpuid", "call ring_3", section=always),
        VmxCase("invd", "invd", section=always),
        VmxCase("invd in ring 3 faults first", "invd", "call ring_3", section="26.1.1"),
        VmxCase("hlt", "hlt", primary(HLT), section=by_control),
        VmxCase("hlt in ring 3 faults first", "hlt", ring_3 + primary(HLT), section="26.1.1"),
        VmxCase("wbinvd does not exit by itself", "wbinvd", section=by_control),
        VmxCase("wbinvd", "wbinvd", secondary(WBINVD), section=by_control),
        VmxCase("wbinvd with the control not activated", "wbinvd", "set 0x401E, 0x40",
                section="25.6.2"),
        VmxCase("pause", "pause", primary(PAUSE), section=by_control),
        VmxCase("pause does not exit by itself", "pause", section=by_control),
        VmxCase("pause in ring 3", "pause", ring_3 + primary(PAUSE), section=by_control),
        VmxCase("invlpg", "invlpg [0x12345]", primary(INVLPG), section=by_control),
        VmxCase("invlpg with base and displacement", "invlpg [ebx + 0x10]", primary(INVLPG),
                section=by_control),
        VmxCase("invlpg does not exit by itself", "invlpg [0x12345]", section=by_control),
        VmxCase("rdtsc", "rdtsc", primary(RDTSC), section=by_control),
        VmxCase("rdtsc in ring 3 with TSD faults first", "rdtsc",
                ring_3 + primary(RDTSC) + "\nput 0x6804, 0x2004", section="26.1.1"),
        VmxCase("rdtsc offset", "rdtsc\nmov eax, edx\nxor edx, edx",
                primary(1 << 3) + "\nput 0x2011, 0x12345678", section="26.3"),
        VmxCase("lgdt", "lgdt [SCRATCH + 4]", secondary(TABLES), section=by_control),
        VmxCase("lidt with index", "lidt [edi + ebx * 4 - 8]", secondary(TABLES),
                section="28.2.5"),
        VmxCase("sgdt with a segment", "sgdt [es:ebp]", secondary(TABLES), section="28.2.5"),
        VmxCase("sidt 16-bit address", "sidt [bx + si + 4]", secondary(TABLES), section="28.2.5"),
        VmxCase("sgdt with 16-bit operand", "o16 lgdt [eax]", secondary(TABLES), section="28.2.5"),
        VmxCase("lldt register", "lldt cx", secondary(TABLES), section=by_control),
        VmxCase("ltr memory", "ltr [ebx + 0x1234]", secondary(TABLES), section=by_control),
        VmxCase("sldt register", "sldt edx", secondary(TABLES), section=by_control),
        VmxCase("str memory", "str [ss:edi]", secondary(TABLES), section=by_control),
        VmxCase("str in ring 3", "str eax", ring_3 + secondary(TABLES), section=by_control),
        VmxCase("lldt in ring 3 faults first", "lldt cx", ring_3 + secondary(TABLES),
                section="26.1.1"),
        VmxCase("sgdt does not exit by itself", "sgdt [SCRATCH]\nmov ebx, [SCRATCH]",
                section=by_control),
        VmxCase("mov to dr", "mov dr0, ecx", primary(MOV_DR), section=by_control),
        VmxCase("mov from dr", "mov ebx, dr7", primary(MOV_DR), section=by_control),
        VmxCase("mov from dr4", "mov esi, dr4", primary(MOV_DR), section=by_control),
        VmxCase("mov dr in ring 3 exits first", "mov dr0, ecx", ring_3 + primary(MOV_DR),
                section=by_control),
        VmxCase("an undefined opcode is no exit", "db 0x0F, 0xFF", section="26.1.1"),
    ]


def _vmx_instructions() -> list[VmxCase]:
    texts = (
        "vmclear [0x1234]", "vmptrld [ebx + 8]", "vmptrst [esp + ecx * 2 + 0x100]",
        "vmxon [ds:ebp]", "vmread eax, ebx", "vmread [edi + 4], ecx", "vmwrite edx, esi",
        "vmwrite ebp, [eax * 8 + 0x40]", "vmlaunch", "vmresume", "vmxoff", "invept eax, [ebx]",
        "invvpid edi, [0x2000]", "vmclear [bx + di]",
    )  # fmt: skip
    return [
        *(VmxCase(f"{text} in a virtual machine", text, section="26.1.2") for text in texts),
        VmxCase("vmread in ring 3 exits all the same", "vmread eax, ebx", "call ring_3",
                section="31.3 VMREAD"),
        VmxCase("vmxon in ring 3 exits all the same", "vmxon [eax]", "call ring_3",
                section="31.3 VMXON"),
    ]


def _control_registers() -> list[VmxCase]:
    section = "26.1.3"
    mask_ts = "put 0x6000, 8\n"
    return [
        VmxCase("mov to cr0 of an owned bit", "mov eax, cr0\nor eax, 8\nmov cr0, eax", mask_ts,
                section=section),
        VmxCase("mov to cr0 of what the shadow has", "mov eax, cr0\nmov cr0, eax",
                mask_ts + "put 0x6004, 8", section=section),
        VmxCase("cr0 is read through the shadow", "mov eax, cr0\nsmsw ebx",
                "put 0x6000, 0x8000000A\nput 0x6004, 0x0000000A", section="26.3"),
        VmxCase("mov to cr0 keeps owned bits", "mov eax, cr0\nor eax, 4\nmov cr0, eax",
                "put 0x6000, 0x20\nput 0x6004, 0x20", section="26.3"),
        VmxCase("mov to cr0 of a free bit", "mov eax, cr0\nor eax, 8\nmov cr0, eax\nmov ebx, cr0",
                section="26.3"),
        VmxCase("cr0 keeps the bits VMX fixes", "mov eax, cr0\nand eax, ~0x20\nmov cr0, eax",
                section="24.8"),
        VmxCase("cr0 keeps paging", "mov eax, cr0\nand eax, 0x7FFFFFFF\nmov cr0, eax",
                section="24.8"),
        VmxCase("mov to cr4 of an owned bit", "mov ecx, cr4\nor ecx, 0x80\nmov cr4, ecx",
                "put 0x6002, 0x80", section=section),
        VmxCase("cr4 is read through the shadow", "mov eax, cr4", "put 0x6002, 0x2000",
                section="26.3"),
        VmxCase("mov to cr4 as the shadow says", "xor eax, eax\nmov cr4, eax",
                "put 0x6002, 0x2000", section="26.3"),
        VmxCase("cr4 keeps VMXE", "xor eax, eax\nmov cr4, eax", section="24.8"),
        VmxCase("clts of an owned bit", "clts", mask_ts + "put 0x6004, 8", section=section),
        VmxCase("clts when the shadow is clear", "clts",
                mask_ts + "put 0x6800, 0x80000039", section="26.3"),
        VmxCase("clts of a free bit", "clts", "put 0x6800, 0x80000039", section="26.3"),
        VmxCase("lmsw of an owned bit", "mov ecx, 9\nlmsw cx", mask_ts, section=section),
        VmxCase("lmsw from memory", "mov dword [SCRATCH + 8], 0xABCDE\nlmsw [SCRATCH + 8]",
                mask_ts, section=section),
        VmxCase("lmsw of free bits", "mov ecx, 7\nlmsw cx\nsmsw ebx", mask_ts, section=section),
        VmxCase("lmsw cannot clear pe", "xor eax, eax\nlmsw ax\nsmsw ebx",
                "put 0x6000, 1\nput 0x6004, 1", section=section),
        VmxCase("lmsw sets an owned pe", "mov ebx, 1\nlmsw bx", "put 0x6000, 1", section=section),
        VmxCase("mov to cr3", "mov edx, OTHER_DIRECTORY\nmov cr3, edx", primary(CR3_LOAD),
                section=section),
        VmxCase("mov to cr3 of a target", "mov edx, OTHER_DIRECTORY\nmov cr3, edx",
                primary(CR3_LOAD) + "\nput 0x400A, 2\nput 0x600A, OTHER_DIRECTORY",
                section=section),
        VmxCase("mov to cr3 of a target that does not count",
                "mov edx, OTHER_DIRECTORY\nmov cr3, edx",
                primary(CR3_LOAD) + "\nput 0x400A, 1\nput 0x600A, OTHER_DIRECTORY",
                section=section),
        VmxCase("mov to cr3 may be free", "mov edx, OTHER_DIRECTORY\nmov cr3, edx",
                section=section),
        VmxCase("mov from cr3", "mov edi, cr3", primary(CR3_STORE), section=section),
        VmxCase("mov from cr3 may be free", "mov ebx, cr3", section=section),
        VmxCase("mov to cr3 in ring 3 faults first", "mov cr3, eax",
                "call ring_3\n" + primary(CR3_LOAD), section="26.1.1"),
        VmxCase("mov to cr2 is free", "mov cr2, eax\nmov ebx, cr2", section=section),
    ]


def _ports() -> list[VmxCase]:
    section, table = "26.1.3", "28.2.1, table 28-5"
    maps = primary(IO_MAPS)
    allow = "and byte [GUEST_TSS_PLACE + 0x68 + 0x10], 0xFE\n"
    return [
        VmxCase("in al, imm", "in al, 0x80", primary(IO), section=table),
        VmxCase("in eax, dx", "mov edx, 0x1F0\nin eax, dx", primary(IO), section=table),
        VmxCase("out imm, ax", "out 0x80, ax", primary(IO), section=table),
        VmxCase("out dx, al", "mov edx, 0xFFFF\nout dx, al", primary(IO), section=table),
        VmxCase("insb", "mov edx, 0x80\nmov edi, SCRATCH\ninsb", primary(IO), section=table),
        VmxCase("rep insd", "mov edx, 0x80\nmov edi, SCRATCH\nmov ecx, 3\nrep insd", primary(IO),
                section=table),
        VmxCase("outsw with a segment", "mov edx, 0x80\nmov esi, SCRATCH\nes outsw", primary(IO),
                section=table),
        VmxCase("rep outsb with 16-bit addresses",
                "mov edx, 0x80\nmov esi, 0x90010\nmov ecx, 2\na16 rep outsb", primary(IO),
                section=table),
        VmxCase("rep insb of nothing", "xor ecx, ecx\nmov edx, 0x80\nrep insb", primary(IO),
                section=section),
        VmxCase("ports are free without controls", "out 0x80, al", section=section),
        VmxCase("port whose bit is clear", "out 0x80, al", maps, section=section),
        VmxCase("port whose bit is set", "out 0x80, al", maps + "\nmov byte [IO_A + 0x10], 1",
                section=section),
        VmxCase("word of which one byte's bit is set", "out 0x80, ax",
                maps + "\nmov byte [IO_A + 0x10], 2", section=section),
        VmxCase("dword with none of its bits set", "out 0x80, eax",
                maps + "\nmov byte [IO_A + 0x10], 0xF0", section=section),
        VmxCase("port in the second bitmap", "mov edx, 0x9001\nin al, dx",
                maps + "\nmov byte [IO_B + 0x200], 2", section=section),
        VmxCase("word across the two bitmaps", "mov edx, 0x7FFF\nin ax, dx",
                maps + "\nmov byte [IO_B], 1", section=section),
        VmxCase("word that wraps around", "mov edx, 0xFFFF\nin ax, dx", maps, section=section),
        VmxCase("bitmaps overrule the unconditional exit", "out 0x80, al",
                primary(IO | IO_MAPS), section="25.6.2"),
        VmxCase("ring 3 without permission faults first", "out 0x80, al",
                "call ring_3\n" + primary(IO), section="26.1.1"),
        VmxCase("ring 3 with permission exits", "out 0x80, al",
                "call ring_3\n" + allow + primary(IO), section="26.1.1"),
        VmxCase("insb exits before its page fault",
                "mov edx, 0x80\nmov edi, 0x800000\ninsb", primary(IO), section="26.1.1"),
    ]


def _msrs() -> list[VmxCase]:
    section, maps = "26.1.3", primary(MSR_MAPS)
    tsc, high = "mov ecx, 0x10\n", "mov ecx, 0xC0000081\n"
    return [
        VmxCase("rdmsr without bitmaps", tsc + "rdmsr", section=section),
        VmxCase("wrmsr without bitmaps", tsc + "wrmsr", section=section),
        VmxCase("rdmsr whose bit is clear", tsc + "rdmsr\nxor eax, eax", maps, section=section),
        VmxCase("rdmsr whose bit is set", tsc + "rdmsr", maps + "\nmov byte [MSR_MAP + 2], 1",
                section=section),
        VmxCase("wrmsr has bits of its own", tsc + "wrmsr",
                maps + "\nmov byte [MSR_MAP + 0x802], 1", section=section),
        VmxCase("rdmsr of a high one", high + "rdmsr",
                maps + "\nmov byte [MSR_MAP + 0x410], 2", section=section),
        VmxCase("wrmsr of a high one", high + "wrmsr",
                maps + "\nmov byte [MSR_MAP + 0xC10], 2", section=section),
        VmxCase("rdmsr outside both ranges", "mov ecx, 0x2000\nrdmsr", maps, section=section),
        VmxCase("rdmsr of none that exists exits first", "mov ecx, 0x1FFF\nrdmsr",
                section="26.1.1"),
        VmxCase("rdmsr of none that exists faults", "mov ecx, 0x1FFF\nrdmsr", maps,
                section="26.1.1"),
        VmxCase("rdmsr in ring 3 faults first", tsc + "rdmsr", "call ring_3", section="26.1.1"),
    ]


CASES = [
    *_plain(),
    *_vmx_instructions(),
    *_control_registers(),
    *_ports(),
    *_msrs(),
    *EVENT_CASES,
    *ENTRY_CASES,
    *EPT_CASES,
]
TABLE = "the operand size of 32 bits is bit 11 of the information (table 28-10)"
DOOR = {"reason": "12", "qualification": "0", "length": "3", "instruction": "0", "eip": "door+4",
        "esp": "7fff0"}  # fmt: skip
REFUSED = {"reason": "80000021", "length": "0", "eip": "+0", "esp": "80000", "eax": "11111111",
           "ebx": "22222222"}  # fmt: skip
HALTED = {**REFUSED, "activity": "1"}
MANUAL = {
    "lgdt": Manual({"instruction": "28418880"}, TABLE),
    "lidt with index": Manual({"instruction": "338d8882"}, TABLE),
    "sgdt with a segment": Manual({"instruction": "2c00880"}, TABLE),
    "sidt 16-bit address": Manual({"instruction": "11998800"}, TABLE),
    "cr0 keeps paging": Manual(
        {**DOOR, "cr0": "80000031", "eax": "d", "ebx": "0"},
        "only an unrestricted guest may clear PG; this one has not the control (24.8, 26.3)",
    ),
    "rep insb of nothing": Manual(
        {"reason": "12", "qualification": "0", "length": "3", "instruction": "0", "linear": "0",
         "eip": "+9"},
        "with a count of zero REP executes nothing (vol. 2, REP)",
    ),
    "interrupt of a halted guest": Manual(
        {"activity": "1"},
        "the guest returns to the active state only after the exit completes (28.1)",
    ),
    "a caught fault behind sti saves the blocking": Manual(
        {"interruptibility": "1"},
        "an exception that exits directly does not update the state it interrupts (28.1)",
    ),
    "accessed cannot be set in the guest's page table": Manual(
        {"reason": "30", "qualification": "8b", "length": "0", "linear": "400088",
         "physical": "43000", "eip": "+0", "eax": "11111111"},
        "setting a flag in a guest's entry is a write that EPT must allow (29.3.3.2)",
    ),
    "misconfigured: large page out of place": Manual(
        {"reason": "31", "length": "0", "physical": "300000", "eip": "+0", "eax": "11111111"},
        "bits 20:12 of an entry that maps 2 MiB are reserved (29.3.2)",
    ),
    "guest with a halt and an exception": Manual(HALTED, "only #DB and #MC may be (27.3.1.5)"),
    "guest with a halt and a software interrupt": Manual(HALTED, "it may not be (27.3.1.5)"),
    "guest with a virtual nmi injected while blocked": Manual(
        REFUSED, "with virtual NMIs, bit 3 must be 0 to inject one (27.3.1.5)"
    ),
    "guest with tf behind mov ss without a pending step": Manual(
        {**REFUSED, "eflags": "102", "interruptibility": "2"}, "BS must be 1 with TF (27.3.1.5)"
    ),
    "guest with a pending step behind mov ss without tf": Manual(
        {**REFUSED, "interruptibility": "2", "pending": "4000"}, "BS must be TF (27.3.1.5)"
    ),
}  # fmt: skip
